//! A table's Delta log: making it, reading which files it lists, adding a commit. Data files are not touched here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, DataType, StructField, StructType, Transaction};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode, checkpoints};
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use url::Url;

use crate::data_file::{DataFile, age, sync_folder};
use crate::{LakeError, Table};

/// Log entries between two checkpoints: how many a reader replays at most.
const CHECKPOINT_COMMITS: u32 = 50;
/// Readers pin no old version: `current.json` points at the newest.
const LOG_RETENTION: Duration = Duration::from_secs(24 * 3_600);

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
    newest: Mutex<Option<Loaded>>,
}

#[derive(Clone)]
struct Loaded {
    state: DeltaTableState,
    files: FileSet,
}

impl TableLog {
    pub(crate) fn open(dir: PathBuf, table: Table) -> Result<Self, LakeError> {
        std::fs::create_dir_all(&dir).map_err(|e| LakeError::file("create the folder", &dir, e))?;
        let absolute = dir.canonicalize().map_err(|e| LakeError::file("find", &dir, e))?;
        let url = Url::from_directory_path(&absolute).map_err(|()| LakeError::damaged(&dir, "not a path for a URL"))?;
        let built = DeltaTableBuilder::from_url(url).and_then(DeltaTableBuilder::build);
        let log_store = built.map_err(|e| LakeError::log("open", table, e))?.log_store();
        Ok(TableLog { table, dir: absolute.into(), log_store, newest: Mutex::new(None) })
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

    /// Version stored under an application id at a version of the table.
    pub(crate) async fn transaction(&self, version: u64, app_id: &str) -> Result<Option<i64>, LakeError> {
        let state = self.loaded(version).await?.state;
        let stored = state.transaction_version(self.log_store.as_ref(), app_id).await;
        stored.map_err(|e| LakeError::log("read", self.table, e))
    }

    /// Adds the entry after `version`. Fails when another program was quicker.
    pub(crate) async fn commit(
        &self,
        version: u64,
        actions: Vec<Action>,
        transactions: Vec<Transaction>,
    ) -> Result<(), LakeError> {
        let fail = |e: DeltaTableError| LakeError::log("write", self.table, e);
        let loaded = self.loaded(version).await?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec!["day".to_string()]),
            predicate: None,
        };
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_application_transactions(transactions)
            .with_cleanup_expired_logs(Some(false));
        let done = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(&loaded.state), self.log_store.clone(), operation)
            .await
            .map_err(fail)?;
        self.sync(done.version)?;
        self.remember(done.snapshot())?;
        Ok(())
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
        table.load_version(version).await.map_err(fail)?;
        checkpoints::create_checkpoint(&table, None).await.map_err(fail)?;
        checkpoints::cleanup_metadata(&table, None).await.map_err(fail)?;
        Ok(())
    }

    async fn loaded(&self, version: u64) -> Result<Loaded, LakeError> {
        let fail = |e: DeltaTableError| LakeError::log("read", self.table, e);
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(loaded) = newest.as_ref().filter(|loaded| loaded.state.version() == version) {
            return Ok(loaded.clone());
        }
        self.check_entries()?;
        let state = match newest {
            Some(loaded) if loaded.state.version() < version => {
                let mut state = loaded.state;
                state.update(self.log_store.as_ref(), Some(version)).await.map_err(fail)?;
                state
            }
            _ => DeltaTableState::try_new(self.log_store.as_ref(), Some(version)).await.map_err(fail)?,
        };
        self.remember(state)
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

    fn remember(&self, state: DeltaTableState) -> Result<Loaded, LakeError> {
        let listed = state.log_data();
        let mut files =
            listed.iter().map(|view| DataFile::from_log(self.table, &view)).collect::<Result<Vec<_>, _>>()?;
        files.sort_by(|a, b| (a.day, &a.path).cmp(&(b.day, &b.path)));
        let files = FileSet { table: self.table, dir: self.dir.clone(), files: Arc::new(files) };
        let loaded = Loaded { state, files };
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.as_ref().is_none_or(|known| known.state.version() <= loaded.state.version()) {
            *newest = Some(loaded.clone());
        }
        Ok(loaded)
    }

    /// The log entry must be on the disk before the journal goes: delta-rs leaves that to the operating system.
    fn sync(&self, version: u64) -> Result<(), LakeError> {
        let folder = self.dir.join("_delta_log");
        let path = folder.join(format!("{version:020}.json"));
        std::fs::File::open(&path).and_then(|f| f.sync_all()).map_err(|e| LakeError::file("save", &path, e))?;
        sync_folder(&folder)
    }
}

/// How long a file that no version lists is left alone at least, whatever the caller of vacuum says: a reader may have just opened it.
pub(crate) const VACUUM_MIN: Duration = Duration::from_secs(60);
