//! Everything that can be wrong with a spool, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a spool could not be opened, or did not take lines. What it took before stands.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It holds as much as it may.
    #[error("the spool {} is full: it holds {held_bytes} bytes of the {bytes_max} that it may", dir.display())]
    Full {
        /// The spool's folder.
        dir: PathBuf,
        /// What it holds.
        held_bytes: u64,
        /// Its bound.
        bytes_max: u64,
    },
    /// It holds less than it may, but its disk is full.
    #[error("the disk of the spool {} is full: the spool holds {held_bytes} bytes of the {bytes_max} that it may", dir.display())]
    DiskFull {
        /// The spool's folder.
        dir: PathBuf,
        /// What it holds.
        held_bytes: u64,
        /// Its bound.
        bytes_max: u64,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the spool {} is in use by another process", dir.display())]
    InUse {
        /// The spool's folder.
        dir: PathBuf,
    },
    /// The folder or what lies in it could not be opened.
    #[error("cannot open the spool at {}", path.display())]
    Open {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A segment could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The segment.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl SpoolError {
    /// Sorts what the system says about opening.
    pub(super) fn opening(path: &Path, source: io::Error) -> Self {
        SpoolError::Open { path: path.to_owned(), source }
    }

    /// Whether there will be room again when the server has taken what is held.
    pub fn is_full(&self) -> bool {
        matches!(self, SpoolError::Full { .. } | SpoolError::DiskFull { .. })
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            SpoolError::Full { .. } => {
                "see why the server does not take what is held (is it running, can it be reached?), or raise the spool's bound"
                    .into()
            }
            SpoolError::DiskFull { dir, .. } => {
                format!("free space where it lies (`df -h {0}`, `du -xh {0}`), or move the spool to a larger disk", dir.display())
            }
            SpoolError::InUse { dir } => {
                format!("stop the other process (`fuser -v {}/spool.lock` names it), or give this one a folder of its own", dir.display())
            }
            SpoolError::Open { path, .. } => {
                format!("see whether this user may write there (`ls -ld {}`)", path.display())
            }
            SpoolError::Write { .. } => "check the disk (`dmesg` says more); lines are taken again when it can be written".into(),
        }
    }
}
