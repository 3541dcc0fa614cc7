//! What lies beside the lake in the store's folder and belongs into a backup: one line for each folder.

use std::path::{Path, PathBuf};

use super::{BackupError, copying};
use crate::{collect, syslog};

/// Folders that are copied as they are, before the store is: what they hold may be behind the store, never ahead of it. A spool that is
/// copied so has everything that the store lacks, and what both have is known by its place.
const FOLDERS: [&str; 2] = [
    // Roll of collectors, certificate and key, how each collector was.
    collect::FOLDER,
    // What the server's own syslog listeners took.
    syslog::FOLDER,
];

/// The files of these folders, relative to the store's folder.
pub fn files(data: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        let found = copying::files_below(&data.join(folder))?.into_iter();
        files.extend(found.filter(|path| !is_passing(path)).map(|path| Path::new(folder).join(path)));
    }
    Ok(files)
}

/// Locks, and files that are being written.
fn is_passing(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "lock" || kind == "new")
}
