//! Roll-ups in memory, and beside the store.
//!
//! A roll-up that is missing, broken or of another version beside the store is computed again; where it cannot be written it is only
//! kept in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::of_file::rollup_of;
use super::shape::Rollup;
use super::{Counts, Texts};
use crate::data_file::DataFile;
use crate::delta::FileSet;
use crate::{LakeError, Table};

/// A data file with fewer rows is counted again sooner than its roll-up is worth a file of its own.
const WRITTEN_ROWS_MIN: u64 = if cfg!(test) { 1 } else { 4_096 };
/// Memory for roll-ups at most, beyond those that one question needs: some 300 million deliveries.
const BYTES_MAX: usize = 2 << 30;
/// Roll-ups of files that are gone, before their names are forgotten with them.
const GONE_MAX: usize = 256;

/// The roll-ups of a lake.
pub(crate) struct Rollups {
    dir: PathBuf,
    generation: Mutex<Arc<Generation>>,
}

/// Roll-ups whose texts have numbers in common.
#[derive(Default)]
pub(crate) struct Generation {
    pub(crate) texts: RwLock<Texts>,
    places: Mutex<FxHashMap<Key, Place>>,
    gone: AtomicUsize,
}

type Key = (Table, String);
/// Filled by the first who needs it, while others wait.
type Place = Arc<Mutex<Option<Arc<Loaded>>>>;

/// The roll-up of a file, ready to be added up.
pub(crate) struct Loaded {
    pub(crate) counts: Counts,
    /// Numbers of its senders, and of its other names, among those of all.
    pub(crate) senders: Vec<u32>,
    pub(crate) names: Vec<u32>,
}

impl Rollups {
    /// Of the lake in this folder.
    pub(crate) fn new(lake: &Path) -> Self {
        Rollups { dir: lake.join("rollups"), generation: Mutex::default() }
    }

    /// Roll-ups of these files of a table; `set` has all files that the table has.
    pub(crate) fn of(
        &self,
        generation: &Generation,
        set: &FileSet,
        files: &[&DataFile],
    ) -> Result<Vec<Arc<Loaded>>, LakeError> {
        generation.forget_others(set);
        let (next, threads) = (AtomicUsize::new(0), crate::ask::threads().min(files.len()));
        let work = || -> Result<Vec<(usize, Arc<Loaded>)>, LakeError> {
            let mut loaded = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(file) = files.get(at) else { return Ok(loaded) };
                loaded.push((at, self.of_file(generation, set, file)?));
            }
        };
        let parts: Vec<_> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mine = work();
            let others = others
                .into_iter()
                .map(|other| other.join().unwrap_or_else(|_| Err(LakeError::query("a thread ended"))));
            others.chain([mine]).collect()
        });
        let mut loaded = parts.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        loaded.sort_unstable_by_key(|(at, _)| *at);
        Ok(loaded.into_iter().map(|(_, loaded)| loaded).collect())
    }

    /// The names and roll-ups of now. A question keeps to one generation: numbers of another mean other texts.
    pub(crate) fn generation(&self) -> Arc<Generation> {
        let mut generation = locked(&self.generation);
        let is_old = generation.gone.load(Ordering::Relaxed) > GONE_MAX.max(locked(&generation.places).len())
            || generation.bytes() > BYTES_MAX;
        if is_old {
            *generation = Arc::default();
        }
        generation.clone()
    }

    /// Memory that roll-ups take.
    pub(crate) fn bytes(&self) -> usize {
        locked(&self.generation).bytes()
    }

    fn of_file(&self, generation: &Generation, set: &FileSet, file: &DataFile) -> Result<Arc<Loaded>, LakeError> {
        let place = locked(&generation.places).entry((set.table, file.path.clone())).or_default().clone();
        let mut place = locked(&place);
        if let Some(loaded) = &*place {
            return Ok(loaded.clone());
        }
        let path = self.path(set.table, &file.path);
        let written = fs::read(&path).ok().and_then(|bytes| Rollup::read(&bytes, file.rows));
        let rollup = match written {
            Some(rollup) => rollup,
            None => {
                let rollup = rollup_of(set, file)?;
                if file.rows >= WRITTEN_ROWS_MIN
                    && let Err(error) = write(&path, &rollup.write(file.rows))
                {
                    tracing::debug!(path = %path.display(), %error, "a roll-up is kept in memory only");
                }
                rollup
            }
        };
        let loaded = Arc::new(generation.load(rollup));
        *place = Some(loaded.clone());
        Ok(loaded)
    }

    /// Does the roll-up beside the store say what the rows of its file say? `None` where there is none that would be read.
    pub(crate) fn is_right(&self, set: &FileSet, file: &DataFile) -> Result<Option<bool>, LakeError> {
        let Ok(bytes) = fs::read(self.path(set.table, &file.path)) else { return Ok(None) };
        if Rollup::read(&bytes, file.rows).is_none() {
            return Ok(None);
        }
        // The same rows in the same order always give the same bytes.
        Ok(Some(rollup_of(set, file)?.write(file.rows) == bytes))
    }

    /// Removes roll-ups whose data file is none of these.
    pub(crate) fn vacuum(&self, table: Table, data_files: &[PathBuf]) {
        let known: FxHashSet<PathBuf> =
            data_files.iter().map(|path| self.path(table, &path.to_string_lossy())).collect();
        // What cannot be listed or removed now is in nobody's way, and there for the next time.
        let Ok(entries) = fs::read_dir(self.dir.join(table.name())) else { return };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| !known.contains(path)) {
            let _ = fs::remove_file(path);
        }
    }

    /// Names of data files are unique, in whatever day's folder they lie.
    fn path(&self, table: Table, data_file: &str) -> PathBuf {
        let name = Path::new(data_file).file_stem().unwrap_or_default();
        self.dir.join(table.name()).join(name).with_extension("rollup")
    }
}

impl Generation {
    fn load(&self, rollup: Rollup) -> Loaded {
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        let senders = rollup.texts.senders.iter().map(|sender| texts.senders.add(sender)).collect();
        let names = rollup.texts.names.iter().map(|name| texts.names.add(name)).collect();
        Loaded { counts: rollup.counts, senders, names }
    }

    /// Drops roll-ups of files that a table no longer has.
    fn forget_others(&self, set: &FileSet) {
        let mut places = locked(&self.places);
        if places.keys().filter(|(table, _)| *table == set.table).count() <= set.files.len() {
            return;
        }
        let listed: FxHashSet<&str> = set.files.iter().map(|file| file.path.as_str()).collect();
        let before = places.len();
        places.retain(|(table, path), _| *table != set.table || listed.contains(path.as_str()));
        self.gone.fetch_add(before - places.len(), Ordering::Relaxed);
    }

    fn bytes(&self) -> usize {
        let texts = self.texts.read().unwrap_or_else(PoisonError::into_inner);
        // One that is being computed is counted the next time.
        let loaded =
            locked(&self.places).values().filter_map(|place| place.try_lock().ok()?.clone()).collect::<Vec<_>>();
        texts.senders.bytes() + texts.names.bytes() + loaded.iter().map(|loaded| loaded.bytes()).sum::<usize>()
    }
}

impl Loaded {
    fn bytes(&self) -> usize {
        self.counts.bytes() + (self.senders.capacity() + self.names.capacity()) * size_of::<u32>()
    }
}

/// Whole or not at all: readers find the file under its name only when it is complete.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
