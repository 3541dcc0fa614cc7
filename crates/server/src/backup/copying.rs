//! Files copied with their sums. Everything is private: logs hold addresses.
//!
//! They are made safe on the disk all at once, by [`sync`]: to wait for each would make the server's commits wait, too.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use vigie_sources::machine::sync_disk;
use xxhash_rust::xxh3::Xxh3;

use super::BackupError;

/// What is in memory of a file that is copied.
const BUFFER_BYTES: usize = 1 << 20;

/// Size and sum of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub bytes: u64,
    pub xxh3: String,
}

/// Copies a file; the copy is there in full or not at all.
pub fn copy(from: &Path, to: &Path) -> Result<Sum, BackupError> {
    let mut source = File::open(from).map_err(|error| BackupError::file("read", from, error))?;
    put(to, |file| pass(&mut source, from, |bytes| file.write_all(bytes), to))
}

/// Writes a file, in full or not at all.
pub fn write(bytes: &[u8], to: &Path) -> Result<Sum, BackupError> {
    let mut source = bytes;
    put(to, |file| pass(&mut source, to, |bytes| file.write_all(bytes), to))
}

/// Size and sum of a file that is there.
pub fn sum(path: &Path) -> Result<Sum, BackupError> {
    let mut source = File::open(path).map_err(|error| BackupError::file("read", path, error))?;
    pass(&mut source, path, |_| Ok(()), path)
}

/// Makes a folder, and those that it lies in, for the owner alone.
pub fn folder(path: &Path) -> Result<(), BackupError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| BackupError::file("create the folder", path, error))
}

/// Makes all that was written to this folder's disk safe.
pub fn sync(folder: &Path) -> Result<(), BackupError> {
    sync_disk(folder).map_err(|error| BackupError::file("save", folder, error))
}

/// All files below a folder, relative to it; none when there is no folder. Links are nobody's files.
pub fn files_below(top: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        let path = top.join(&folder);
        let failed = |error| BackupError::file("list", &path, error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let below = folder.join(entry.file_name());
            match entry.file_type().map_err(failed)? {
                kind if kind.is_dir() => folders.push(below),
                kind if kind.is_file() => found.push(below),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

fn put(to: &Path, fill: impl FnOnce(&mut File) -> Result<Sum, BackupError>) -> Result<Sum, BackupError> {
    let mut new = OsString::from(to);
    new.push(".new");
    let new = PathBuf::from(new);
    if let Some(parent) = to.parent() {
        folder(parent)?;
    }
    let failed = |error| BackupError::file("write", to, error);
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
    let filled = opened.map_err(failed).and_then(|mut file| fill(&mut file));
    let placed = filled.and_then(|sum| fs::rename(&new, to).map(|()| sum).map_err(failed));
    if placed.is_err() {
        let _ = fs::remove_file(&new);
    }
    placed
}

/// Reads to the end, hands each piece on, and sums it up.
fn pass(
    source: &mut impl Read,
    from: &Path,
    mut hand_on: impl FnMut(&[u8]) -> io::Result<()>,
    to: &Path,
) -> Result<Sum, BackupError> {
    let (mut buffer, mut hash, mut bytes) = (vec![0; BUFFER_BYTES], Xxh3::new(), 0);
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(Sum { bytes, xxh3: format!("{:032x}", hash.digest128()) }),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(BackupError::file("read", from, error)),
        };
        hash.update(&buffer[..read]);
        hand_on(&buffer[..read]).map_err(|error| BackupError::file("write", to, error))?;
        bytes += read as u64;
    }
}
