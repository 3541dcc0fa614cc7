//! A backup is made: the folders beside the lake, then a commit with its state and its files.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use vigie_engine::import::Store;
use vigie_lake::Inventory;

use super::{
    BackupError, Manifest, Moved,
    copying::{self, Sum},
    manifest::{Entry, POOL},
    parts,
    target::Target,
};

/// Files that were replaced stay for ten minutes, and what was copied is not copied again: a try that copied nothing in all that time
/// is not to be expected twice.
const TRIES_MAX: usize = 100;

/// What was done.
#[derive(Debug)]
pub struct Report {
    pub manifest: Manifest,
    pub dir: PathBuf,
    /// What was not there from backups before.
    pub copied_files: usize,
    pub copied_bytes: u64,
}

/// Backs up the store and what lies beside it. `watch` hears how far it is.
pub fn take(store: &Store, target: &Path, watch: &mut dyn FnMut(Moved)) -> Result<Report, BackupError> {
    let target = Target::open(target, store.dir())?;
    let known = match Manifest::load(&target.dir) {
        Ok(known) => known,
        // One that cannot be read is of no use to keep: this backup takes its place.
        Err(BackupError::Manifest { .. }) => None,
        Err(error) => return Err(error),
    };
    let mut work = Work { store, target: &target, sums: sums(known.as_ref()), copied: (0, 0), sequence: 0, watch };
    for _ in 0..TRIES_MAX {
        match work.try_once(known.as_ref()) {
            Err(error) if error.is_gone() => work.is_by_a_later_commit(error)?,
            Err(error) => return Err(error),
            Ok(manifest) => {
                manifest.save(&target.dir)?;
                target.tidy(&manifest);
                let (copied_files, copied_bytes) = work.copied;
                return Ok(Report { manifest, dir: target.dir.clone(), copied_files, copied_bytes });
            }
        }
    }
    Err(BackupError::Restless)
}

/// Data files of the backup before.
fn sums(known: Option<&Manifest>) -> HashMap<PathBuf, Sum> {
    let files = known.into_iter().flat_map(|known| &known.files).filter(|file| file.is_data);
    files.map(|file| (file.path.clone(), Sum { bytes: file.bytes, xxh3: file.xxh3.clone() })).collect()
}

struct Work<'a> {
    store: &'a Store,
    target: &'a Target,
    /// Data files that are in the pool, as the backup before or this one wrote them.
    sums: HashMap<PathBuf, Sum>,
    copied: (usize, u64),
    /// The commit that is copied.
    sequence: u64,
    watch: &'a mut dyn FnMut(Moved),
}

impl Work<'_> {
    /// Fails with a file that is gone when a later commit replaced it and the writer removed it.
    fn try_once(&mut self, known: Option<&Manifest>) -> Result<Manifest, BackupError> {
        let mut manifest = Manifest::new(Timestamp::now().as_microsecond());
        self.copy_folders(&mut manifest)?;
        let pinned = self.store.pin()?;
        self.sequence = pinned.pin.sequence();
        let inventory = pinned.pin.inventory().map_err(vigie_engine::import::ImportError::from)?;
        if let Some(known) = known
            && known.store.is_some()
            && inventory.store.is_some()
            && known.store != inventory.store
        {
            return Err(BackupError::OtherStore { path: self.target.dir.clone() });
        }
        (manifest.store, manifest.sequence) = (inventory.store.clone(), inventory.sequence);
        manifest.until_us = inventory.last_line;
        for (path, bytes) in pinned.state.iter().chain(&inventory.written) {
            let sum = copying::write(bytes, &self.own(&manifest).join(path))?;
            self.note(&mut manifest, path, sum);
        }
        for path in &inventory.logs {
            self.copy_own(&mut manifest, path)?;
        }
        self.copy_data(&mut manifest, &inventory)?;
        copying::sync(&self.target.dir)?;
        Ok(manifest)
    }

    /// A file of the newest commit goes away by damage only.
    fn is_by_a_later_commit(&self, error: BackupError) -> Result<(), BackupError> {
        match error {
            BackupError::File { path, .. } if self.store.pin()?.pin.sequence() == self.sequence => {
                Err(BackupError::DamagedStore { path, why: "is missing".to_owned() })
            }
            _ => Ok(()),
        }
    }

    fn own(&self, manifest: &Manifest) -> PathBuf {
        self.target.dir.join(&manifest.folder)
    }

    fn copy_folders(&mut self, manifest: &mut Manifest) -> Result<(), BackupError> {
        for path in parts::files(self.store.dir())? {
            match self.copy_own(manifest, &path) {
                // Replaced by another, or done with.
                Err(error) if error.is_gone() => {}
                copied => copied?,
            }
        }
        Ok(())
    }

    fn copy_own(&mut self, manifest: &mut Manifest, path: &Path) -> Result<(), BackupError> {
        let sum = copying::copy(&self.store.dir().join(path), &self.own(manifest).join(path))?;
        self.note(manifest, path, sum);
        Ok(())
    }

    fn note(&mut self, manifest: &mut Manifest, path: &Path, sum: Sum) {
        self.copied = (self.copied.0 + 1, self.copied.1 + sum.bytes);
        let Sum { bytes, xxh3 } = sum;
        manifest.files.push(Entry { path: path.to_owned(), bytes, xxh3, is_data: false });
    }

    fn copy_data(&mut self, manifest: &mut Manifest, inventory: &Inventory) -> Result<(), BackupError> {
        let of = inventory.data.iter().map(|file| file.bytes).sum();
        let mut done = 0;
        for file in &inventory.data {
            (self.watch)(Moved { bytes: done, of });
            let Sum { bytes, xxh3 } = self.data_file(&file.path, file.bytes)?;
            manifest.files.push(Entry { path: file.path.clone(), bytes, xxh3, is_data: true });
            done += file.bytes;
        }
        Ok(())
    }

    /// Copies a data file, unless it is in the pool.
    fn data_file(&mut self, path: &Path, bytes: u64) -> Result<Sum, BackupError> {
        let place = self.target.dir.join(POOL).join(path);
        let is_there = place.metadata().is_ok_and(|file| file.len() == bytes);
        if is_there && let Some(known) = self.sums.get(path).filter(|known| known.bytes == bytes) {
            return Ok(known.clone());
        }
        let source = self.store.dir().join(path);
        // One that a backup left which was cut off: as good as new, if it is the same.
        let sum = if is_there && copying::sum(&place)? == copying::sum(&source)? {
            copying::sum(&place)?
        } else {
            let sum = copying::copy(&source, &place)?;
            if sum.bytes != bytes {
                let why = format!("has {} bytes instead of {bytes}", sum.bytes);
                return Err(BackupError::DamagedStore { path: source, why });
            }
            self.copied = (self.copied.0 + 1, self.copied.1 + sum.bytes);
            sum
        };
        self.sums.insert(path.to_owned(), sum.clone());
        Ok(sum)
    }
}
