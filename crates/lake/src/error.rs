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
    /// A file is there and cannot be understood.
    #[error("{} is damaged", path.display())]
    Damaged { path: PathBuf, source: Source },
    /// The folder was written by a newer program.
    #[error("the lake in {} has layout {found}, and this program knows up to {known}", dir.display())]
    NewerLayout { dir: PathBuf, found: u32, known: u32 },
    /// Another writer is at work.
    #[error("the lake in {} is being written by process {pid}", dir.display())]
    Locked { dir: PathBuf, pid: String },
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
        LakeError::File { operation, path: path.to_path_buf(), source }
    }

    pub(crate) fn damaged(path: &Path, source: impl Into<Source>) -> Self {
        LakeError::Damaged { path: path.to_path_buf(), source: source.into() }
    }

    pub(crate) fn log(operation: &'static str, table: Table, source: impl Into<Source>) -> Self {
        LakeError::Log { operation, table, source: source.into() }
    }

    pub(crate) fn write(path: &Path, source: impl Into<Source>) -> Self {
        LakeError::Write { path: path.to_path_buf(), source: source.into() }
    }

    pub(crate) fn query(source: impl Into<Source>) -> Self {
        LakeError::Query { source: source.into() }
    }

    /// What to do next, where we know it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            LakeError::File { source, .. } => file_hint(source.kind()),
            LakeError::Damaged { .. } => {
                Some("restore the folder from a backup, or import the logs again into a new one")
            }
            LakeError::NewerLayout { .. } => Some("use the newer vigie program, or another folder"),
            LakeError::Locked { .. } => Some("stop the other process, or let it finish; reading needs no lock"),
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

fn file_hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("make room on the disk, or shorten the retention; nothing of this commit was stored")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("let the user that runs vigie own the folder")
        }
        io::ErrorKind::NotFound => Some("the file was removed while it was read: ask again"),
        _ => None,
    }
}
