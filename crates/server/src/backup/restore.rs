//! A backup becomes a store again: whole or nothing, and never over another.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use vigie_engine::import::Store;

use super::{
    BackupError, Manifest, Moved,
    copying::{self, Sum},
    manifest::Entry,
    target::lock_to_read,
};

/// Problems that are named one by one.
const PROBLEMS_MAX: usize = 1_000;

/// Compares each file of the backup with what was noted when it was made. All that is wrong is told at once.
pub fn check(source: &Path, watch: &mut dyn FnMut(Moved)) -> Result<Manifest, BackupError> {
    let _lock = lock_to_read(source)?;
    let manifest = load(source)?;
    check_files(source, &manifest, watch)?;
    Ok(manifest)
}

/// Makes a store of the backup in a folder that holds nothing yet.
pub fn restore(source: &Path, data: &Path, watch: &mut dyn FnMut(Moved)) -> Result<Manifest, BackupError> {
    let _lock = lock_to_read(source)?;
    let manifest = load(source)?;
    refuse_occupied(data)?;
    check_files(source, &manifest, watch)?;
    let staging = Staging::create(data)?;
    copy_all(source, &manifest, &staging.dir, watch)?;
    open(&staging.dir)?;
    staging.take_place()?;
    Ok(manifest)
}

fn load(source: &Path) -> Result<Manifest, BackupError> {
    Manifest::load(source)?.ok_or_else(|| BackupError::None { path: source.to_owned() })
}

fn check_files(source: &Path, manifest: &Manifest, watch: &mut dyn FnMut(Moved)) -> Result<(), BackupError> {
    let (mut done, of) = (0, manifest.bytes());
    let mut problems = Vec::new();
    for entry in &manifest.files {
        watch(Moved { bytes: done, of });
        let place = manifest.place(source, entry);
        problems.extend(problem(entry, copying::sum(&place)).map(|what| format!("{} {what}", place.display())));
        done += entry.bytes;
    }
    if problems.is_empty() {
        return Ok(());
    }
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    problems.extend((more > 0).then(|| format!("and {more} more")));
    Err(BackupError::Damaged { path: source.to_owned(), problems })
}

fn problem(entry: &Entry, found: Result<Sum, BackupError>) -> Option<String> {
    match found {
        Err(BackupError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Some("is missing".to_owned())
        }
        Err(BackupError::File { source, .. }) => Some(format!("cannot be read: {source}")),
        Err(error) => Some(format!("cannot be read: {error}")),
        Ok(sum) if sum.bytes != entry.bytes => Some(format!("has {} bytes instead of {}", sum.bytes, entry.bytes)),
        Ok(sum) if sum.xxh3 != entry.xxh3 => Some("is not what was copied: its checksum differs".to_owned()),
        Ok(_) => None,
    }
}

fn copy_all(source: &Path, manifest: &Manifest, to: &Path, watch: &mut dyn FnMut(Moved)) -> Result<(), BackupError> {
    let (mut done, of) = (0, manifest.bytes());
    for entry in &manifest.files {
        watch(Moved { bytes: done, of });
        let (from, place) = (manifest.place(source, entry), to.join(&entry.path));
        let copied = copying::copy(&from, &place);
        // It was right a moment ago: a disk that fails now.
        if let Ok(sum) = &copied
            && let Some(what) = problem(entry, Ok(sum.clone()))
        {
            let problems = vec![format!("{} {what}", from.display())];
            return Err(BackupError::Damaged { path: source.to_owned(), problems });
        }
        copied?;
        done += entry.bytes;
    }
    copying::sync(to)
}

/// What cannot be opened is not put into its place.
fn open(dir: &Path) -> Result<(), BackupError> {
    let store = Store::open(dir).map_err(|source| BackupError::Unusable { source })?;
    store.state().map(drop).map_err(|source| BackupError::Unusable { source })
}

fn refuse_occupied(data: &Path) -> Result<(), BackupError> {
    let disk = |path: &Path| fs::metadata(path).ok().map(|of| of.dev());
    let above = data.canonicalize().ok().and_then(|data| disk(data.parent()?));
    if above.is_some() && above != disk(data) {
        return Err(BackupError::Mounted { path: data.to_owned() });
    }
    match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(BackupError::Occupied { path: data.to_owned() })
        }
        Err(error) => Err(BackupError::file("look into", data, error)),
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(BackupError::Occupied { path: data.to_owned() }),
            None => Ok(()),
        },
    }
}

/// A folder beside the place of the store, in which it is put together. Removed again unless it took the place.
struct Staging {
    dir: PathBuf,
    data: PathBuf,
    is_placed: bool,
    _lock: File,
}

impl Staging {
    fn create(data: &Path) -> Result<Self, BackupError> {
        let data = data
            .canonicalize()
            .or_else(|_| std::path::absolute(data))
            .map_err(|error| BackupError::file("find", data, error))?;
        let (Some(parent), Some(name)) = (data.parent(), data.file_name()) else {
            return Err(BackupError::Occupied { path: data });
        };
        copying::folder(parent)?;
        let dir = parent.join(format!(".{}.restoring", name.to_string_lossy()));
        copying::folder(&dir)?;
        let lock = File::open(&dir).map_err(|error| BackupError::file("open", &dir, error))?;
        if let Err(fs::TryLockError::WouldBlock) = lock.try_lock() {
            return Err(BackupError::UnderWay { path: dir });
        }
        // What a restore left that was cut off.
        for entry in fs::read_dir(&dir).map_err(|error| BackupError::file("list", &dir, error))?.flatten() {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|error| BackupError::file("remove", &path, error))?;
        }
        Ok(Self { dir, data, is_placed: false, _lock: lock })
    }

    fn take_place(mut self) -> Result<(), BackupError> {
        self.hand_over()?;
        // Over an empty folder only: the system refuses another.
        let placed = fs::rename(&self.dir, &self.data);
        placed.map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => BackupError::Occupied { path: self.data.clone() },
            _ => BackupError::file("put the store in its place at", &self.data, error),
        })?;
        self.is_placed = true;
        copying::sync(&self.data)
    }

    /// Restored by root, the store is its user's: who owns the folder that it takes the place of, or the one that it will lie in.
    fn hand_over(&self) -> Result<(), BackupError> {
        let heir = fs::metadata(&self.data).or_else(|_| fs::metadata(self.data.parent().unwrap_or(Path::new("/"))));
        let heir = heir.map_err(|error| BackupError::file("look at", &self.data, error))?;
        let own = fs::metadata(&self.dir).map_err(|error| BackupError::file("look at", &self.dir, error))?;
        if (own.uid(), own.gid()) == (heir.uid(), heir.gid()) || own.uid() != 0 {
            return Ok(());
        }
        let mut all = vec![self.dir.clone()];
        while let Some(path) = all.pop() {
            let failed = |error| BackupError::file("hand over", &path, error);
            std::os::unix::fs::lchown(&path, Some(heir.uid()), Some(heir.gid())).map_err(failed)?;
            if fs::symlink_metadata(&path).map_err(failed)?.is_dir() {
                all.extend(fs::read_dir(&path).map_err(failed)?.flatten().map(|entry| entry.path()));
            }
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_placed {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}
