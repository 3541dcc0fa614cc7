//! The folder of a lake: which files lie where, its version, its lock, and the two small files that make commits atomic.
//!
//! ```text
//! lake.json               layout version
//! writer.lock             locked by the one process that writes; holds its id
//! current.json            what readers see: a version for every table; replaced by renaming
//! commits/pending.json    the commit under way: what each table's log still has to get
//! rollups/                what the first page counts, of each data file; may be missing
//! lines/ hops/ …          one Delta table each: day=2026-11-22/part-….parquet and _delta_log/
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use deltalake_core::kernel::Action;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::data_file::sync_folder;
use crate::{LakeError, Table};

/// Raise it when an older program would misread the folder.
const LAYOUT: u32 = 5;

/// What readers see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Current {
    /// Counts commits, over all tables.
    pub(crate) sequence: u64,
    /// Version of each table's Delta log.
    pub(crate) tables: BTreeMap<String, u64>,
    /// Highest version committed under each application id.
    pub(crate) transactions: BTreeMap<String, i64>,
}

impl Current {
    pub(crate) fn version(&self, table: Table) -> u64 {
        self.tables.get(table.name()).copied().unwrap_or(0)
    }
}

/// A commit whose data files are on the disk, and whose tables may or may not have it yet.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) sequence: u64,
    pub(crate) tables: Vec<PendingTable>,
    pub(crate) transactions: BTreeMap<String, i64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PendingTable {
    pub(crate) table: String,
    /// Version that the table's log gets by this commit.
    pub(crate) version: u64,
    pub(crate) actions: Vec<Action>,
}

#[derive(Serialize, Deserialize)]
struct LayoutFile {
    layout: u32,
}

/// Names of the files in the folder.
pub(crate) struct Layout {
    pub(crate) dir: PathBuf,
}

impl Layout {
    pub(crate) fn table_dir(&self, table: Table) -> PathBuf {
        self.dir.join(table.name())
    }

    fn version_file(&self) -> PathBuf {
        self.dir.join("lake.json")
    }

    fn current_file(&self) -> PathBuf {
        self.dir.join("current.json")
    }

    pub(crate) fn pending_file(&self) -> PathBuf {
        self.dir.join("commits").join("pending.json")
    }

    /// Makes the folder, or refuses one of a newer program.
    pub(crate) fn prepare(&self) -> Result<(), LakeError> {
        let commits = self.dir.join("commits");
        fs::create_dir_all(&commits).map_err(|e| LakeError::file("create the folder", &commits, e))?;
        match read_json::<LayoutFile>(&self.version_file())? {
            Some(file) if file.layout > LAYOUT => {
                Err(LakeError::NewerLayout { dir: self.dir.clone(), found: file.layout, known: LAYOUT })
            }
            Some(file) if file.layout < LAYOUT => {
                Err(LakeError::OlderLayout { dir: self.dir.clone(), found: file.layout })
            }
            Some(_) => Ok(()),
            None => {
                let _turn = self.lock_for_creation()?;
                replace_json(&self.version_file(), &LayoutFile { layout: LAYOUT })
            }
        }
    }

    pub(crate) fn current(&self) -> Result<Option<Current>, LakeError> {
        read_json(&self.current_file())
    }

    pub(crate) fn current_is_lost(&self) -> LakeError {
        LakeError::damaged(&self.current_file(), "it is gone, and the tables have rows")
    }

    pub(crate) fn set_current(&self, current: &Current) -> Result<(), LakeError> {
        replace_json(&self.current_file(), current)
    }

    /// The two small files of a copy that has the tables as this commit left them, by their names.
    pub(crate) fn small_files(&self, current: &Current) -> Result<Vec<(PathBuf, Vec<u8>)>, LakeError> {
        let layout = serde_json::to_vec(&LayoutFile { layout: LAYOUT });
        let layout = layout.map_err(|e| LakeError::damaged(&self.version_file(), e))?;
        let current = serde_json::to_vec(current).map_err(|e| LakeError::damaged(&self.current_file(), e))?;
        Ok(vec![("lake.json".into(), layout), ("current.json".into(), current)])
    }

    pub(crate) fn pending(&self) -> Result<Option<Pending>, LakeError> {
        read_json(&self.pending_file())
    }

    pub(crate) fn set_pending(&self, pending: &Pending) -> Result<(), LakeError> {
        replace_json(&self.pending_file(), pending)
    }

    pub(crate) fn clear_pending(&self) -> Result<(), LakeError> {
        let path = self.pending_file();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(LakeError::file("remove", &path, e)),
            _ => sync_folder(path.parent().unwrap_or(&self.dir)),
        }
    }

    /// Refuses when another process, or another writer of this one, holds the lock.
    pub(crate) fn lock(&self) -> Result<WriterLock, LakeError> {
        let path = self.dir.join("writer.lock");
        let mut file = open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Only for the message: the lock itself is the truth.
                let _ = file.read_to_string(&mut pid);
                let pid = if pid.trim().is_empty() { "unknown".to_string() } else { pid.trim().to_string() };
                return Err(LakeError::Locked { dir: self.dir.clone(), pid });
            }
            Err(TryLockError::Error(e)) => return Err(LakeError::file("lock", &path, e)),
        }
        let write_pid = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write_pid(&mut file).map_err(|e| LakeError::file("write", &path, e))?;
        Ok(WriterLock { _file: file })
    }

    /// Waits for its turn to make the tables of a new folder.
    pub(crate) fn lock_for_creation(&self) -> Result<WriterLock, LakeError> {
        let path = self.dir.join("creation.lock");
        let file = open_lock(&path)?;
        file.lock().map_err(|e| LakeError::file("lock", &path, e))?;
        Ok(WriterLock { _file: file })
    }
}

/// Released by the operating system when the file is closed, also after `kill -9`.
pub(crate) struct WriterLock {
    _file: File,
}

fn open_lock(path: &Path) -> Result<File, LakeError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|e| LakeError::file("open", path, e))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LakeError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| LakeError::damaged(path, e)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(LakeError::file("read", path, e)),
    }
}

/// All or nothing: readers find the old file or the new one, also after a power cut.
fn replace_json(path: &Path, value: &impl Serialize) -> Result<(), LakeError> {
    let bytes = serde_json::to_vec(value).map_err(|e| LakeError::damaged(path, e))?;
    let temporary = path.with_extension("json.new");
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()
    };
    write().map_err(|e| LakeError::file("write", &temporary, e))?;
    fs::rename(&temporary, path).map_err(|e| LakeError::file("replace", path, e))?;
    sync_folder(path.parent().unwrap_or(path))
}
