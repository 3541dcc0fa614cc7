//! The folder that holds backups: found fit or refused, locked, tidied up.

use std::{
    collections::HashSet,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::{
    BackupError, Manifest, copying,
    manifest::{COPY_PREFIX, FILE, POOL},
};

/// A folder that backups are made in, by one process at a time.
pub struct Target {
    pub dir: PathBuf,
    _lock: Option<File>,
}

impl Target {
    /// Makes the folder, or finds it fit: one that holds backups, or nothing.
    pub fn open(dir: &Path, data: &Path) -> Result<Self, BackupError> {
        copying::folder(dir)?;
        let dir = dir.canonicalize().map_err(|error| BackupError::file("find", dir, error))?;
        let data = data.canonicalize().map_err(|error| BackupError::file("find", data, error))?;
        for (inner, outer) in [(&dir, &data), (&data, &dir)] {
            if inner.starts_with(outer) {
                return Err(BackupError::Within { inner: inner.clone(), outer: outer.clone() });
            }
        }
        if names(&dir)?.iter().any(|name| !is_ours(name)) {
            return Err(BackupError::NotOurs { path: dir });
        }
        let lock = lock(&dir, File::try_lock)?;
        Ok(Self { dir, _lock: lock })
    }

    /// Removes what no complete backup has. What cannot be removed goes with the next.
    pub fn tidy(&self, manifest: &Manifest) {
        let listed: HashSet<PathBuf> = manifest.files.iter().map(|file| manifest.place(&self.dir, file)).collect();
        for name in names(&self.dir).unwrap_or_default() {
            if name.starts_with(COPY_PREFIX) && name != manifest.folder {
                let _ = fs::remove_dir_all(self.dir.join(name));
            }
        }
        let pool = self.dir.join(POOL);
        let mut folders = HashSet::new();
        for path in copying::files_below(&pool).unwrap_or_default().iter().map(|path| pool.join(path)) {
            if !listed.contains(&path) && fs::remove_file(&path).is_ok() {
                folders.extend(path.parent().map(Path::to_path_buf));
            }
        }
        // Only those that are empty go.
        folders.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// Keeps backups from being made in this folder, where its file system has locks.
pub fn lock_to_read(dir: &Path) -> Result<Option<File>, BackupError> {
    lock(dir, File::try_lock_shared)
}

fn lock(dir: &Path, lock: fn(&File) -> Result<(), TryLockError>) -> Result<Option<File>, BackupError> {
    let file = File::open(dir).map_err(|error| BackupError::file("open", dir, error))?;
    match lock(&file) {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(BackupError::UnderWay { path: dir.to_owned() }),
        // A file system without locks: two at once are then the administrator's to avoid.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn is_ours(name: &str) -> bool {
    name == FILE || name == POOL || name == "backup.json.new" || name == "lost+found" || name.starts_with(COPY_PREFIX)
}

fn names(dir: &Path) -> Result<Vec<String>, BackupError> {
    let entries = fs::read_dir(dir).map_err(|error| BackupError::file("list", dir, error))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}
