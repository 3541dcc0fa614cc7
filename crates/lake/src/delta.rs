//! A table's Delta log: making it, reading which files it lists, adding a commit. Data files are not touched here.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::{Action, DataType, StructField, StructType, Transaction};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::checkpoints;
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use serde_json::{Value, json};
use url::Url;

use crate::data_file::{DataFile, age, now_ms, sync_folder};
use crate::{LakeError, Table};

/// Log entries between two checkpoints: how many a reader replays at most.
const CHECKPOINT_COMMITS: u64 = 100;
/// Readers pin no old version: `current.json` points at the newest. Live commits write several entries a second.
const LOG_RETENTION: Duration = Duration::from_secs(3_600);

/// The files that a table consists of, at one version.
#[derive(Clone)]
pub(crate) struct FileSet {
    pub(crate) table: Table,
    /// The table's folder.
    pub(crate) dir: Arc<Path>,
    /// By day, then by path.
    pub(crate) files: Arc<Vec<DataFile>>,
}

/// The Delta log of one table.
pub(crate) struct TableLog {
    table: Table,
    dir: Arc<Path>,
    log_store: LogStoreRef,
    /// Versions read or written last, oldest first: a reader may be a commit or two behind the writer.
    recent: Mutex<Vec<Loaded>>,
}

#[derive(Clone)]
struct Loaded {
    version: u64,
    /// What delta-rs knows; it reads on from there. None of a version that was written here.
    state: Option<DeltaTableState>,
    files: FileSet,
}

/// Versions of a table kept in memory.
const RECENT_VERSIONS: usize = 4;

impl TableLog {
    pub(crate) fn open(dir: PathBuf, table: Table) -> Result<Self, LakeError> {
        std::fs::create_dir_all(&dir).map_err(|e| LakeError::file("create the folder", &dir, e))?;
        let absolute = dir.canonicalize().map_err(|e| LakeError::file("find", &dir, e))?;
        let url = Url::from_directory_path(&absolute).map_err(|()| LakeError::damaged(&dir, "not a path for a URL"))?;
        let built = DeltaTableBuilder::from_url(url).and_then(DeltaTableBuilder::build);
        let log_store = built.map_err(|e| LakeError::log("open", table, e))?.log_store();
        Ok(TableLog { table, dir: absolute.into(), log_store, recent: Mutex::default() })
    }

    /// Version 0, with the table's columns and no files. Nothing happens when it is there.
    pub(crate) async fn create(&self) -> Result<(), LakeError> {
        let fail = |e: DeltaTableError| LakeError::log("create", self.table, e);
        if self.log_store.is_delta_table_location().await.map_err(fail)? {
            return Ok(());
        }
        let schema = self.table.schema();
        let columns: StructType =
            schema.as_ref().try_into_kernel().map_err(|e| LakeError::log("create", self.table, e))?;
        let created = CreateBuilder::new()
            .with_log_store(self.log_store.clone())
            .with_table_name(self.table.name())
            .with_columns(columns.fields().cloned().chain([StructField::not_null("day", DataType::STRING)]))
            .with_partition_columns(["day"])
            .with_configuration_property(
                deltalake_core::TableProperty::CheckpointInterval,
                Some(CHECKPOINT_COMMITS.to_string()),
            )
            .with_configuration_property(
                deltalake_core::TableProperty::LogRetentionDuration,
                Some(format!("interval {} seconds", LOG_RETENTION.as_secs())),
            )
            .await;
        created.map(drop).map_err(fail)
    }

    /// The files at this version.
    pub(crate) async fn files_at(&self, version: u64) -> Result<FileSet, LakeError> {
        Ok(self.loaded(version).await?.files)
    }

    /// Newest version in the log, whatever readers see.
    pub(crate) async fn newest_version(&self, at_least: u64) -> Result<u64, LakeError> {
        self.log_store.get_latest_version(at_least).await.map_err(|e| LakeError::log("read", self.table, e))
    }

    /// What the entry of a version says of an application id; `None` when there is no such entry.
    pub(crate) fn transaction_of(&self, version: u64, app_id: &str) -> Result<Option<Option<i64>>, LakeError> {
        let path = self.entry(version);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(LakeError::file("read", &path, e)),
        };
        let actions = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let version = actions
            .filter(|action| action["txn"]["appId"] == app_id)
            .find_map(|action| action["txn"]["version"].as_i64());
        Ok(Some(version))
    }

    /// Adds the entry after `version`. Fails when another program was quicker.
    ///
    /// The entry is written here: after each commit delta-rs makes its whole view of the table anew, which takes longer than to store
    /// some thousand lines.
    pub(crate) async fn commit(
        &self,
        version: u64,
        actions: Vec<Action>,
        transactions: Vec<Transaction>,
    ) -> Result<(), LakeError> {
        let before = self.files_at(version).await?;
        let files = changed(&before, &actions)?;
        let transactions = transactions.into_iter().map(Action::Txn);
        let mut text = json!({ "commitInfo": {
            "timestamp": now_ms(),
            "operation": "WRITE",
            "operationParameters": { "mode": "Append", "partitionBy": "[\"day\"]" },
            "engineInfo": concat!("vigie:", env!("CARGO_PKG_VERSION")),
        }})
        .to_string();
        for action in actions.into_iter().chain(transactions) {
            text.push('\n');
            text.push_str(&serde_json::to_string(&action).map_err(|e| LakeError::damaged(&self.dir, e))?);
        }
        text.push('\n');
        self.write_entry(version + 1, text.as_bytes())?;
        self.remember(Loaded { version: version + 1, state: None, files });
        // Not all tables with the same commit: each takes as long as several commits.
        if (version + 1 + 7 * self.table as u64).is_multiple_of(CHECKPOINT_COMMITS) {
            self.checkpoint(version + 1).await?;
        }
        Ok(())
    }

    fn entry(&self, version: u64) -> PathBuf {
        self.dir.join("_delta_log").join(format!("{version:020}.json"))
    }

    /// Writes an entry whole or not at all, and never over another.
    fn write_entry(&self, version: u64, text: &[u8]) -> Result<(), LakeError> {
        let path = self.entry(version);
        let fail = |e| LakeError::file("write", &path, e);
        let new = path.with_extension("new");
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&new)?;
            file.write_all(text)?;
            file.sync_all()?;
            // Unlike a rename, a link takes nobody's place.
            std::fs::hard_link(&new, &path)
        };
        let written = write();
        let _ = std::fs::remove_file(&new);
        written.map_err(fail)?;
        sync_folder(&self.dir.join("_delta_log"))
    }

    /// The files of the log that a reader of this version needs: its newest checkpoint, and the entries since.
    pub(crate) fn history(&self, version: u64) -> Result<Vec<String>, LakeError> {
        let folder = self.dir.join("_delta_log");
        let entries = std::fs::read_dir(&folder).map_err(|e| LakeError::file("list", &folder, e))?;
        let names: HashSet<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let checkpoint = |version: u64| format!("{version:020}.checkpoint.parquet");
        let begin = (0..=version).rev().find(|&version| names.contains(&checkpoint(version)));
        let needed = begin.map_or(0, |begin| begin + 1)..=version;
        let mut history: Vec<String> = begin.map(checkpoint).into_iter().collect();
        // The entry of the checkpoint's own version may have gone already.
        history.extend(begin.map(|begin| format!("{begin:020}.json")).filter(|name| names.contains(name)));
        for entry in needed.map(|version| format!("{version:020}.json")) {
            if !names.contains(&entry) {
                let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
                return Err(LakeError::file("read", &folder.join(entry), gone));
            }
            history.push(entry);
        }
        Ok(history)
    }

    /// The id that the table got when it was made. None of a version that was written by this very lake.
    pub(crate) async fn id_at(&self, version: u64) -> Result<Option<String>, LakeError> {
        let state = self.loaded(version).await?.state;
        Ok(state.map(|state| state.metadata().id().to_owned()))
    }

    async fn checkpoint(&self, version: u64) -> Result<(), LakeError> {
        let fail = |e: DeltaTableError| LakeError::log("shorten", self.table, e);
        let mut table = DeltaTable::new(self.log_store.clone());
        table.load_version(version).await.map_err(fail)?;
        checkpoints::create_checkpoint(&table, None).await.map_err(fail)
    }

    /// Is there a log entry older than the log's retention?
    pub(crate) fn has_expired_entries(&self) -> Result<bool, LakeError> {
        let folder = self.dir.join("_delta_log");
        let entries = std::fs::read_dir(&folder).map_err(|e| LakeError::file("list", &folder, e))?;
        let modified = entries.flatten().filter_map(|entry| entry.metadata().ok()?.modified().ok());
        Ok(modified.map(age).any(|age| age >= LOG_RETENTION))
    }

    /// Removes log entries older than the log's retention.
    pub(crate) async fn expire(&self, version: u64) -> Result<(), LakeError> {
        let fail = |e: DeltaTableError| LakeError::log("shorten", self.table, e);
        let mut table = DeltaTable::new(self.log_store.clone());
        self.checkpoint(version).await?;
        table.load_version(version).await.map_err(fail)?;
        checkpoints::cleanup_metadata(&table, None).await.map_err(fail)?;
        Ok(())
    }

    async fn loaded(&self, version: u64) -> Result<Loaded, LakeError> {
        let fail = |e: DeltaTableError| LakeError::log("read", self.table, e);
        let known = self.recent();
        if let Some(loaded) = known.iter().find(|loaded| loaded.version == version) {
            return Ok(loaded.clone());
        }
        self.check_entries()?;
        let earlier = known.into_iter().filter(|loaded| loaded.version < version).filter_map(|loaded| loaded.state);
        let state = match earlier.last() {
            Some(mut state) => {
                state.update(self.log_store.as_ref(), Some(version)).await.map_err(fail)?;
                state
            }
            None => DeltaTableState::try_new(self.log_store.as_ref(), Some(version)).await.map_err(fail)?,
        };
        let files = self.files_of(&state)?;
        let loaded = Loaded { version, state: Some(state), files };
        self.remember(loaded.clone());
        Ok(loaded)
    }

    fn recent(&self) -> Vec<Loaded> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An entry without a byte, as a power cut may leave it, would be read as one that says nothing.
    fn check_entries(&self) -> Result<(), LakeError> {
        let folder = self.dir.join("_delta_log");
        let entries = std::fs::read_dir(&folder).map_err(|e| LakeError::file("read the folder", &folder, e))?;
        let is_blank = |path: &PathBuf| {
            path.extension().is_some_and(|kind| kind == "json") && path.metadata().is_ok_and(|file| file.len() == 0)
        };
        match entries.flatten().map(|entry| entry.path()).find(is_blank) {
            Some(path) => Err(LakeError::damaged(&path, "it is empty")),
            None => Ok(()),
        }
    }

    fn files_of(&self, state: &DeltaTableState) -> Result<FileSet, LakeError> {
        let listed = state.log_data();
        let files = listed.iter().map(|view| DataFile::from_log(self.table, &view)).collect::<Result<Vec<_>, _>>()?;
        Ok(FileSet::new(self.table, self.dir.clone(), files))
    }

    fn remember(&self, loaded: Loaded) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|known| known.version != loaded.version);
        let at = recent.partition_point(|known| known.version < loaded.version);
        recent.insert(at, loaded);
        if recent.len() > RECENT_VERSIONS {
            recent.remove(0);
        }
    }
}

impl FileSet {
    fn new(table: Table, dir: Arc<Path>, mut files: Vec<DataFile>) -> Self {
        files.sort_by(|a, b| (a.day, &a.path).cmp(&(b.day, &b.path)));
        FileSet { table, dir, files: Arc::new(files) }
    }
}

/// The files after these actions.
fn changed(before: &FileSet, actions: &[Action]) -> Result<FileSet, LakeError> {
    let mut removed = HashSet::new();
    let mut added = Vec::new();
    for action in actions {
        match action {
            Action::Remove(remove) => drop(removed.insert(remove.path.as_str())),
            Action::Add(add) => added.push(DataFile::from_add(before.table, add)?),
            _ => {}
        }
    }
    let kept = before.files.iter().filter(|file| !removed.contains(file.path.as_str())).cloned();
    Ok(FileSet::new(before.table, before.dir.clone(), kept.chain(added).collect()))
}

/// How long a file that no version lists is left alone at least, whatever the caller of vacuum says: a reader may have just opened it.
pub(crate) const VACUUM_MIN: Duration = Duration::from_secs(60);
