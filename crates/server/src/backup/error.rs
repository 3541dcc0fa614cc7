//! What can go wrong with a backup, with the thing it went wrong with and what to do next.

use std::{
    io,
    path::{Path, PathBuf},
};

use vigie_engine::import::ImportError;
use vigie_lake::LakeError;

/// Why a backup was not made, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("cannot {operation} {}: {source}", path.display())]
    File { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("{} lies in {}", inner.display(), outer.display())]
    Within { inner: PathBuf, outer: PathBuf },
    #[error("{} holds other things than backups", path.display())]
    NotOurs { path: PathBuf },
    #[error("{} holds the backup of another store", path.display())]
    OtherStore { path: PathBuf },
    #[error("another process backs up to {}, or restores from it", path.display())]
    UnderWay { path: PathBuf },
    #[error("there is no complete backup in {}", path.display())]
    None { path: PathBuf },
    #[error("{} is damaged: {why}", path.display())]
    Manifest { path: PathBuf, why: String },
    #[error("the backup in {} has format {found}, and this program knows up to {known}", path.display())]
    NewerFormat { path: PathBuf, found: u32, known: u32 },
    #[error("the backup in {} is damaged", path.display())]
    Damaged { path: PathBuf, problems: Vec<String> },
    #[error("there is something in {} already", path.display())]
    Occupied { path: PathBuf },
    #[error("the store is damaged: {} {why}", path.display())]
    DamagedStore { path: PathBuf, why: String },
    #[error("{} is the top of a disk", path.display())]
    Mounted { path: PathBuf },
    #[error("files went away again and again while they were copied")]
    Restless,
    #[error("the store cannot be read")]
    Store(#[from] ImportError),
    #[error("what was restored cannot be opened as a store")]
    Unusable { source: ImportError },
}

impl BackupError {
    pub(super) fn file(operation: &'static str, path: &Path, source: io::Error) -> Self {
        BackupError::File { operation, path: path.to_owned(), source }
    }

    /// A source file that a later commit replaced is gone.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            BackupError::File { source, .. }
            | BackupError::Store(ImportError::Lake(LakeError::File { source, .. })) => {
                source.kind() == io::ErrorKind::NotFound
            }
            _ => false,
        }
    }

    /// All that is wrong, one thing each.
    pub fn problems(&self) -> &[String] {
        match self {
            BackupError::Damaged { problems, .. } => problems,
            _ => &[],
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            BackupError::File { source, path, .. } => file_hint(source, path),
            BackupError::Within { .. } => "name a folder elsewhere, best on another disk".to_owned(),
            BackupError::NotOurs { .. } => "name an empty folder, or one that is not there yet".to_owned(),
            BackupError::OtherStore { .. } => "give each store a folder of its own".to_owned(),
            BackupError::UnderWay { .. } => "wait until it is done".to_owned(),
            BackupError::None { path } => {
                format!("let a backup come to its end: vigie backup {}; or name another folder", path.display())
            }
            BackupError::Manifest { .. } | BackupError::Damaged { .. } => {
                "nothing was restored; take another backup, or let the disk that holds this one be checked".to_owned()
            }
            BackupError::NewerFormat { .. } => "use the newer vigie program".to_owned(),
            BackupError::Occupied { path } => {
                format!("move it away first: mv {0} {0}.before; or name another folder (--data)", path.display())
            }
            BackupError::DamagedStore { .. } => {
                "the backup before stays; vigie doctor says what else is damaged, vigie restore brings that backup back"
                    .to_owned()
            }
            BackupError::Mounted { path } => {
                format!(
                    "a store is put in its place as a whole: name a folder on that disk, such as {}/store",
                    path.display()
                )
            }
            BackupError::Restless => "run the same command again: what was copied stays".to_owned(),
            BackupError::Store(error) => error.hint().unwrap_or_else(|| "see what vigie doctor says".to_owned()),
            BackupError::Unusable { source } => {
                source.hint().unwrap_or_else(|| "restore it with the program that made the backup".to_owned())
            }
        }
    }
}

fn file_hint(source: &io::Error, path: &Path) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room there, then run the same command again".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            format!("run this as the user that runs vigie, and let that user write; see `ls -ld {}`", path.display())
        }
        io::ErrorKind::NotFound => "see whether the folder is there, and whether its disk is mounted".to_owned(),
        _ => "run the same command again; if it stays so, see what the system's log says of the disk".to_owned(),
    }
}
