//! The lake: a folder of Delta tables, opened.

use std::path::Path;
use std::sync::Arc;

use deltalake_core::kernel::Transaction;
use tokio::runtime::{Builder, Runtime};

use crate::delta::TableLog;
use crate::layout::{Current, Layout};
use crate::rollup::Rollups;
use crate::snapshot::Snapshot;
use crate::writer::Writer;
use crate::{LakeError, Table};

/// Application id under which each Delta log says which commit of ours it has.
const COMMIT_APP_ID: &str = "vigie-lake";

/// A folder of fact tables. Cheap to clone.
#[derive(Clone)]
pub struct Lake {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) layout: Layout,
    logs: Vec<TableLog>,
    // Taken out when dropped: a runtime must not be dropped inside another one.
    runtime: Option<Runtime>,
    pub(crate) engine: crate::ask::Engine,
    pub(crate) rollups: Rollups,
}

impl Lake {
    /// Opens the lake in this folder and creates what lacks.
    pub fn open(dir: impl AsRef<Path>) -> Result<Lake, LakeError> {
        let dir = dir.as_ref();
        // Who wrote to whom is nobody else's matter.
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(dir).map_err(|e| LakeError::file("create the folder", dir, e))?;
        let dir = dir.canonicalize().map_err(|e| LakeError::file("find", dir, e))?;
        let layout = Layout { dir };
        layout.prepare()?;
        let runtime = Builder::new_multi_thread().thread_name("lake").enable_all().build();
        let runtime = runtime.map_err(|e| LakeError::file("start the runtime for", &layout.dir, e))?;
        let logs = {
            let _inside = runtime.enter();
            Table::ALL
                .into_iter()
                .map(|table| TableLog::open(layout.table_dir(table), table))
                .collect::<Result<_, _>>()?
        };
        let engine = crate::ask::Engine::new();
        let rollups = Rollups::new(&layout.dir);
        let inner = Inner { layout, logs, runtime: Some(runtime), engine, rollups };
        if inner.layout.current()?.is_none() {
            inner.create_tables()?;
        }
        Ok(Lake { inner: Arc::new(inner) })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.inner.layout.dir
    }

    /// The right to write, held by one [`Writer`] at a time over all processes. Completes an interrupted commit first.
    pub fn writer(&self) -> Result<Writer, LakeError> {
        Writer::open(self.inner.clone())
    }

    /// All tables as the newest commit left them. Needs no lock; cheap when nothing changed.
    pub fn snapshot(&self) -> Result<Snapshot, LakeError> {
        let current = self.inner.layout.current()?.unwrap_or_default();
        Snapshot::open(self.inner.clone(), &current)
    }
}

impl Inner {
    pub(crate) fn log(&self, table: Table) -> &TableLog {
        &self.logs[table as usize]
    }

    /// Waits for work of the Delta log or of the query engine.
    ///
    /// Panics inside an asynchronous task, as tokio does: callers block (see the crate's documentation).
    pub(crate) fn wait<F: Future>(&self, work: F) -> F::Output {
        self.runtime().block_on(work)
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("only Drop takes the runtime")
    }

    fn create_tables(&self) -> Result<(), LakeError> {
        let _turn = self.layout.lock_for_creation()?;
        if self.layout.current()?.is_some() {
            return Ok(());
        }
        self.wait(async {
            for log in &self.logs {
                log.create().await?;
                // Tables that were ever written to have a current version; creation was interrupted before that.
                if log.newest_version(0).await? > 0 {
                    return Err(self.layout.current_is_lost());
                }
            }
            Ok(())
        })?;
        self.layout.set_current(&Current::default())
    }

    /// Does what a journal says and is not done yet, then makes it visible. Doing it again changes nothing.
    pub(crate) fn roll_forward(
        &self,
        current: &Current,
        pending: crate::layout::Pending,
        reached: impl Fn(crate::writer::Step) -> Result<(), LakeError>,
    ) -> Result<Current, LakeError> {
        use crate::writer::Step;
        let mut next = current.clone();
        next.sequence = pending.sequence;
        next.transactions.extend(pending.transactions.clone());
        for entry in pending.tables {
            let table = Table::named(&entry.table).ok_or_else(|| {
                LakeError::damaged(&self.layout.pending_file(), format!("unknown table {}", entry.table))
            })?;
            let mut transactions = vec![Transaction::new(COMMIT_APP_ID, pending.sequence as i64)];
            transactions
                .extend(pending.transactions.iter().map(|(app_id, version)| Transaction::new(app_id, *version)));
            self.wait(self.commit_once(table, pending.sequence, entry.version, entry.actions, transactions))?;
            next.tables.insert(entry.table, entry.version);
            reached(Step::TableCommitted)?;
        }
        self.layout.set_current(&next)?;
        reached(Step::Visible)?;
        self.layout.clear_pending()?;
        Ok(next)
    }

    async fn commit_once(
        &self,
        table: Table,
        sequence: u64,
        version: u64,
        actions: Vec<deltalake_core::kernel::Action>,
        transactions: Vec<Transaction>,
    ) -> Result<(), LakeError> {
        let log = self.log(table);
        match log.transaction_of(version, COMMIT_APP_ID)? {
            None => log.commit(version - 1, actions, transactions).await,
            // It was written before the commit was cut off.
            Some(Some(known)) if known == sequence as i64 => Ok(()),
            Some(_) => {
                let found = log.newest_version(version).await?;
                Err(LakeError::ForeignCommit { table, found, expected: version })
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
