//! What can go wrong with a lake, said with the thing it went wrong with and what to do next.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use crate::Table;

type Source = Box<dyn Error + Send + Sync>;

/// An operation on a lake that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// The operating system refused: permissions, a full disk, a folder that is gone.
    #[error("cannot {operation} {}: {source}", path.display())]
    File { operation: &'static str, path: PathBuf, source: io::Error },
    /// No room: nothing of the commit under way was stored.
    #[error("the disk is full: cannot write {}: {source}", path.display())]
    DiskFull { path: PathBuf, source: io::Error },
    /// A file is there and cannot be understood.
    #[error("{} is damaged", path.display())]
    Damaged { path: PathBuf, source: Source },
    /// The folder was written by a newer program.
    #[error("the lake in {} has layout {found}, and this program knows up to {known}", dir.display())]
    NewerLayout { dir: PathBuf, found: u32, known: u32 },
    /// The folder was written by a program of another time, whose tables had other columns.
    #[error("the store in {} has layout {found}, which this program does not read any more", dir.display())]
    OlderLayout { dir: PathBuf, found: u32 },
    /// Another writer is at work.
    #[error("the lake in {} is being written by process {pid}", dir.display())]
    Locked { dir: PathBuf, pid: String },
    /// Commits came so quickly that none could be looked at.
    #[error("the lake in {} is written too quickly to be copied", dir.display())]
    Busy { dir: PathBuf },
    /// The Delta log of a table could not be read or written.
    #[error("cannot {operation} the log of table {table}")]
    Log { operation: &'static str, table: Table, source: Source },
    /// Another program changed a table in the middle of a commit of ours.
    #[error("table {table} is at version {found}, and the interrupted commit expects {expected}")]
    ForeignCommit { table: Table, found: u64, expected: u64 },
    /// Some of a commit's transactions are stored and some are not: its rows cannot be told apart.
    #[error("the commit repeats stored work of {} together with new work", stored.join(", "))]
    PartlyReplayed { stored: Vec<String> },
    /// A data file could not be written.
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: Source },
    /// A question asks for something that the rows do not have.
    #[error("{message}")]
    Unanswerable { message: String, hint: &'static str },
    /// A cursor of another program or another question.
    #[error("this page position cannot be read")]
    Cursor,
    /// The query engine failed.
    #[error("the query failed")]
    Query { source: Source },
    /// A test stopped the work here, as `kill -9` would.
    #[cfg(test)]
    #[error("stopped by the test")]
    Stopped,
}

impl LakeError {
    pub(crate) fn file(operation: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        if is_full(&source) {
            LakeError::DiskFull { path, source }
        } else {
            LakeError::File { operation, path, source }
        }
    }

    pub(crate) fn damaged(path: &Path, source: impl Into<Source>) -> Self {
        LakeError::Damaged { path: path.to_path_buf(), source: source.into() }
    }

    pub(crate) fn log(operation: &'static str, table: Table, source: impl Into<Source>) -> Self {
        LakeError::Log { operation, table, source: source.into() }
    }

    pub(crate) fn write(path: &Path, source: impl Into<Source>) -> Self {
        let source = source.into();
        match full_disk(&*source) {
            Some(full) => LakeError::DiskFull { path: path.to_path_buf(), source: full },
            None => LakeError::Write { path: path.to_path_buf(), source },
        }
    }

    pub(crate) fn query(source: impl Into<Source>) -> Self {
        LakeError::Query { source: source.into() }
    }

    /// Is it about a file that was not there? A reader's snapshot may list files that were replaced and removed since.
    pub fn is_gone(&self) -> bool {
        matches!(self, LakeError::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// What to do next, where we know it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            LakeError::File { source, .. } => file_hint(source.kind()),
            LakeError::DiskFull { .. } => Some(
                "make room on the disk that holds the store, then run the same command again: what was committed stays, nothing of this commit was stored",
            ),
            LakeError::Damaged { .. } => {
                Some("restore the folder from a backup, or import the logs again into a new one")
            }
            LakeError::NewerLayout { .. } => Some("use the newer vigie program, or another folder"),
            LakeError::OlderLayout { .. } => Some("import the logs again into a new folder (--data)"),
            LakeError::Locked { .. } => Some("stop the other process, or let it finish; reading needs no lock"),
            LakeError::Busy { .. } => Some("try again when less comes in"),
            LakeError::Log { .. } => Some("check that the disk has room and that the folder is ours to write"),
            LakeError::ForeignCommit { .. } => {
                Some("let no other program write into the lake; import the logs again into a new folder")
            }
            LakeError::PartlyReplayed { .. } => Some("begin again after the versions that the writer reports"),
            LakeError::Write { .. } => Some("check that the disk has room; nothing of this commit was stored"),
            LakeError::Unanswerable { hint, .. } => Some(hint),
            LakeError::Cursor => Some("begin again at the first page"),
            LakeError::Query { .. } => None,
            #[cfg(test)]
            LakeError::Stopped => None,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The system's word that there is no room, wherever the Parquet writer wrapped it up.
fn full_disk(error: &(dyn Error + 'static)) -> Option<io::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(io) if is_full(io) => {
            Some(io.raw_os_error().map_or_else(|| io.kind().into(), io::Error::from_raw_os_error))
        }
        _ => full_disk(error.source()?),
    }
}

fn file_hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("let the user that runs vigie own the folder")
        }
        io::ErrorKind::NotFound => Some("the file was removed while it was read: ask again"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_seen_through_the_wrapping_of_the_writer() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = parquet::errors::ParquetError::External(Box::new(full()));
        for error in
            [LakeError::write(Path::new("/data/x"), wrapped), LakeError::file("save", Path::new("/data/x"), full())]
        {
            assert!(matches!(error, LakeError::DiskFull { .. }), "{error:?}");
            assert!(
                error.to_string().contains("/data/x") && error.hint().is_some_and(|hint| hint.contains("make room"))
            );
        }
        let other = LakeError::write(Path::new("/data/x"), parquet::errors::ParquetError::General("no".to_owned()));
        assert!(matches!(other, LakeError::Write { .. }), "{other:?}");
    }
}
