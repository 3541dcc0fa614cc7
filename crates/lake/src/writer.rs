//! The one writer: commits that are whole or nothing.
//!
//! First the data files are written and saved. Then the journal says what each table's log must get, and each log gets it. Then
//! `current.json` is renamed: now readers see it. Last, the journal goes. A commit stopped before the journal never was (vacuum takes
//! its files); one stopped later is completed by the next writer.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use deltalake_core::kernel::Action;
use vigie_model::{Attempt, Hop, Journey, Rejection};

use crate::commit::Commit;
use crate::data_file::{DataFile, Effort, IsNewData, PartWriter, sync_folders};
use crate::delta::FileSet;
use crate::lake::Inner;
use crate::layout::{Current, Pending, PendingTable, WriterLock};
use crate::replacement::{ProvisionalFile, Replacement, Rewritten, Selection, remove_files, rewrite};
use crate::rows::{Fact, LineBatch, delivery_rows, hop_rows};
use crate::sorting::Ordered;
use crate::staging::Staged;
use crate::{LakeError, Table};

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Visible to every snapshot from now on.
    Stored {
        /// Number of the commit, over all tables.
        sequence: u64,
        /// Rows added, over all tables.
        rows: u64,
        /// Files of its provisional rows.
        provisional: Vec<ProvisionalFile>,
    },
    /// All of its transactions were stored before; nothing changed.
    Replayed,
}

/// A place where work may be cut off; tests stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    DataWritten,
    JournalWritten,
    TableCommitted,
    Visible,
}

/// The right to write into a lake. Holds the operating system's lock until dropped.
pub struct Writer {
    pub(crate) inner: Arc<Inner>,
    pub(crate) current: Current,
    staged: Staged,
    _lock: WriterLock,
    /// Test only: stop at the n-th time that this step is reached.
    #[cfg(test)]
    pub(crate) stop_at: Option<(Step, std::sync::atomic::AtomicUsize)>,
}

/// Changes to the file lists of tables.
pub(crate) type Changes = BTreeMap<Table, Rewritten>;

impl Writer {
    pub(crate) fn open(inner: Arc<Inner>) -> Result<Self, LakeError> {
        let lock = inner.layout.lock()?;
        let current = inner.layout.current()?.unwrap_or_default();
        let staged = Staged::new(inner.clone());
        let mut writer = Writer {
            inner,
            current,
            staged,
            _lock: lock,
            #[cfg(test)]
            stop_at: None,
        };
        writer.complete_interrupted()?;
        Ok(writer)
    }

    /// Highest version stored under this application id.
    pub fn transaction(&self, app_id: &str) -> Option<i64> {
        self.current.transactions.get(app_id).copied()
    }

    /// All application ids and their versions.
    pub fn transactions(&self) -> &BTreeMap<String, i64> {
        &self.current.transactions
    }

    /// Writes those lines of a batch that fill a chunk, for the commit to come: memory need not hold them until then. The commit
    /// must be given the batch too, for the lines that are left.
    ///
    /// After an error all that was staged is gone, and with it lines of the batch: what they came from must be read again.
    pub fn stage_lines(&mut self, lines: &mut LineBatch) -> Result<(), LakeError> {
        let taken = self.staged.take_full(lines);
        self.all_or_none_staged(taken)
    }

    /// Writes messages for the commit to come, a row in `deliveries` for each of their recipients. Files are fewest when they come in
    /// order of first arrival and id.
    ///
    /// After an error all that was staged is gone.
    pub fn stage_journeys(&mut self, journeys: &[Journey]) -> Result<(), LakeError> {
        let taken = self.staged.add(Table::Deliveries, journeys, delivery_rows);
        self.all_or_none_staged(taken)
    }

    /// Writes hops for the commit to come. Files are fewest when they come in the order of the table.
    ///
    /// After an error all that was staged is gone.
    pub fn stage_hops<H: Borrow<Hop>>(&mut self, hops: &[H]) -> Result<(), LakeError> {
        let taken = self.staged.add(Table::Hops, hops, hop_rows);
        self.all_or_none_staged(taken)
    }

    /// Writes tries for the commit to come. Files are fewest when they come by time.
    ///
    /// After an error all that was staged is gone.
    pub fn stage_attempts(&mut self, attempts: &[Attempt]) -> Result<(), LakeError> {
        let taken = self.staged.add(Table::Attempts, attempts, Attempt::encode);
        self.all_or_none_staged(taken)
    }

    /// Writes refusals for the commit to come. Files are fewest when they come by time.
    ///
    /// After an error all that was staged is gone.
    pub fn stage_rejections(&mut self, rejections: &[Rejection]) -> Result<(), LakeError> {
        let taken = self.staged.add(Table::Rejections, rejections, Rejection::encode);
        self.all_or_none_staged(taken)
    }

    fn all_or_none_staged(&mut self, taken: Result<(), LakeError>) -> Result<(), LakeError> {
        if taken.is_err() {
            self.take_staged();
        }
        taken
    }

    /// Would a commit of nothing store nothing?
    pub fn has_nothing_staged(&self) -> bool {
        self.staged.is_empty()
    }

    /// What was staged; the next commit begins with nothing.
    fn take_staged(&mut self) -> Staged {
        std::mem::replace(&mut self.staged, Staged::new(self.inner.clone()))
    }

    /// Stores a commit, and the rows that were staged: all of it or nothing, also after `kill -9`.
    ///
    /// After an error nothing of it is visible; when the error came late the next call, or the next writer, completes it, and a replay
    /// of it is then skipped.
    pub fn commit(&mut self, mut commit: Commit) -> Result<Committed, LakeError> {
        self.complete_interrupted()?;
        let mut staged = self.take_staged();
        if self.is_replay(&commit)? {
            return Ok(Committed::Replayed);
        }
        if let Some(e) = commit.failed {
            return Err(LakeError::query(e));
        }
        if commit.is_empty() && staged.is_empty() {
            return Ok(Committed::Stored { sequence: self.current.sequence, rows: 0, provisional: Vec::new() });
        }
        for mut lines in commit.lines {
            staged.take_last(&mut lines)?;
            let left = lines.finish().map_err(LakeError::query)?;
            commit.batches.extend(left.into_iter().map(|batch| (Table::Lines, batch)));
        }
        let mut rows = commit.batches.iter().chain(&commit.provisional).map(|(_, batch)| batch.num_rows() as u64).sum();
        let mut selections: BTreeMap<Table, Vec<Selection>> = BTreeMap::new();
        for (table, selection) in commit.replacements.iter().map(Replacement::selection) {
            selections.entry(table).or_default().push(selection);
        }
        let (mut changes, provisional) = self.write_data(commit.batches, commit.provisional, selections)?;
        match staged.finish() {
            Ok(done) => {
                for (table, files) in done {
                    rows += files.iter().map(|file| file.rows).sum::<u64>();
                    changes.entry(table).or_default().added.extend(files);
                }
            }
            Err(e) => {
                self.take_back(&changes);
                return Err(e);
            }
        }
        let sequence = self.publish(changes, commit.transactions, IsNewData::Yes)?;
        Ok(Committed::Stored { sequence, rows, provisional })
    }

    /// The files of a table as readers see them.
    pub(crate) fn files(&self, table: Table) -> Result<FileSet, LakeError> {
        self.inner.wait(self.inner.log(table).files_at(self.current.version(table)))
    }

    /// Journal, logs, `current.json` for files that are written already.
    pub(crate) fn publish(
        &mut self,
        changes: Changes,
        transactions: BTreeMap<String, i64>,
        is_new_data: IsNewData,
    ) -> Result<u64, LakeError> {
        self.note_replaced(&changes);
        let prepared = self.prepare(&changes, transactions, is_new_data);
        let pending = match prepared {
            Ok(pending) => pending,
            Err(e) => {
                self.take_back(&changes);
                return Err(e);
            }
        };
        self.reached(Step::JournalWritten)?;
        let next = self.inner.roll_forward(&self.current, pending, |step| self.reached(step))?;
        self.current = next;
        Ok(self.current.sequence)
    }

    /// Vacuum leaves files alone for a while, from now on: they may be old, and a reader may just have begun with them.
    fn note_replaced(&self, changes: &Changes) {
        for (table, change) in changes {
            let folder = self.inner.layout.table_dir(*table);
            for file in &change.removed {
                let now = std::time::SystemTime::now();
                // One that cannot be touched is removed sooner, and its readers begin again.
                let _ = std::fs::File::open(folder.join(&file.path)).and_then(|file| file.set_modified(now));
            }
        }
    }

    fn prepare(
        &self,
        changes: &Changes,
        transactions: BTreeMap<String, i64>,
        is_new_data: IsNewData,
    ) -> Result<Pending, LakeError> {
        for (table, change) in changes {
            sync_folders(&self.inner.layout.table_dir(*table), change.added.iter())?;
        }
        self.reached(Step::DataWritten)?;
        let touched = changes.iter().filter(|(_, change)| !change.added.is_empty() || !change.removed.is_empty());
        let tables = touched.map(|(table, change)| {
            let removed = change.removed.iter().map(|file| Action::Remove(file.remove(is_new_data)));
            let added = change.added.iter().map(|file| Action::Add(file.add(*table, is_new_data)));
            PendingTable {
                table: table.name().to_string(),
                version: self.current.version(*table) + 1,
                actions: removed.chain(added).collect(),
            }
        });
        let pending = Pending { sequence: self.current.sequence + 1, tables: tables.collect(), transactions };
        self.inner.layout.set_pending(&pending)?;
        Ok(pending)
    }

    /// Completes what a killed process, or a late error, left half done.
    pub(crate) fn complete_interrupted(&mut self) -> Result<(), LakeError> {
        let Some(pending) = self.inner.layout.pending()? else { return Ok(()) };
        if pending.sequence <= self.current.sequence {
            return self.inner.layout.clear_pending();
        }
        tracing::info!(sequence = pending.sequence, "completing an interrupted commit");
        self.current = self.inner.roll_forward(&self.current, pending, |step| self.reached(step))?;
        Ok(())
    }

    fn is_replay(&self, commit: &Commit) -> Result<bool, LakeError> {
        let is_stored =
            |(app_id, version): &(&String, &i64)| self.transaction(app_id).is_some_and(|last| **version <= last);
        let stored: Vec<String> =
            commit.transactions.iter().filter(is_stored).map(|(app_id, _)| app_id.clone()).collect();
        match stored.len() {
            0 => Ok(false),
            all if all == commit.transactions.len() => Ok(true),
            _ => Err(LakeError::PartlyReplayed { stored }),
        }
    }

    /// Writes the data files of a commit, several at a time. On an error they are removed again.
    fn write_data(
        &self,
        batches: Vec<(Table, RecordBatch)>,
        provisional: Vec<(Table, RecordBatch)>,
        selections: BTreeMap<Table, Vec<Selection>>,
    ) -> Result<(Changes, Vec<ProvisionalFile>), LakeError> {
        let mut jobs: Vec<Job> = Vec::new();
        for (table, selections) in selections {
            jobs.push(Job::Rewrite(self.files(table)?, selections));
        }
        jobs.extend(grouped(batches).into_iter().map(|(table, batches)| Job::Append(table, batches, Stay::ForGood)));
        let provisional = grouped(provisional).into_iter();
        jobs.extend(provisional.map(|(table, batches)| Job::Append(table, batches, Stay::Provisional)));
        // The longest first, so that no thread waits for it at the end.
        jobs.sort_by_key(Job::rows);
        let (jobs, changes) = (Mutex::new(jobs), Mutex::new((Changes::new(), Vec::new())));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let inner = &*self.inner;
        let work = || -> Result<(), LakeError> {
            while let Some(job) = pop(&jobs) {
                let stay = job.stay();
                let (table, change) = job.run(inner)?;
                let (changes, provisional) = &mut *changes.lock().unwrap_or_else(PoisonError::into_inner);
                if stay == Stay::Provisional {
                    provisional
                        .extend(change.added.iter().map(|file| ProvisionalFile { table, path: file.path.clone() }));
                }
                let all = changes.entry(table).or_default();
                all.added.extend(change.added);
                all.removed.extend(change.removed);
            }
            Ok(())
        };
        let results: Vec<Result<(), LakeError>> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mine = work();
            others.into_iter().filter_map(|other| other.join().ok()).chain([mine]).collect()
        });
        let (mut changes, provisional) = changes.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(e) = results.into_iter().find_map(Result::err) {
            self.take_back(&changes);
            return Err(e);
        }
        // Threads finish in any order; the log should not show it.
        for change in changes.values_mut() {
            change.added.sort_by_key(|file| (file.day, file.start_min));
        }
        Ok((changes, provisional))
    }

    fn take_back(&self, changes: &Changes) {
        for (table, change) in changes {
            if let Ok(files) = self.files(*table) {
                remove_files(&files, &change.added);
            }
        }
    }

    #[cfg(not(test))]
    fn reached(&self, _step: Step) -> Result<(), LakeError> {
        Ok(())
    }

    #[cfg(test)]
    fn reached(&self, step: Step) -> Result<(), LakeError> {
        use std::sync::atomic::Ordering::Relaxed;
        match &self.stop_at {
            Some((at, times)) if *at == step && times.fetch_sub(1, Relaxed) == 1 => Err(LakeError::Stopped),
            _ => Ok(()),
        }
    }
}

/// How long rows are meant to stay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stay {
    ForGood,
    Provisional,
}

/// A part of a commit that one thread does.
enum Job {
    Append(Table, Vec<RecordBatch>, Stay),
    Rewrite(FileSet, Vec<Selection>),
}

impl Job {
    fn rows(&self) -> usize {
        match self {
            Job::Append(_, batches, _) => batches.iter().map(RecordBatch::num_rows).sum(),
            Job::Rewrite(..) => 0,
        }
    }

    fn stay(&self) -> Stay {
        match self {
            Job::Append(_, _, stay) => *stay,
            Job::Rewrite(..) => Stay::ForGood,
        }
    }

    fn run(self, inner: &Inner) -> Result<(Table, Rewritten), LakeError> {
        match self {
            Job::Rewrite(files, selections) => Ok((files.table, rewrite(&files, &selections)?)),
            Job::Append(table, batches, _) => {
                let added = append(inner, table, batches)?;
                Ok((table, Rewritten { added, removed: Vec::new() }))
            }
        }
    }
}

fn append(inner: &Inner, table: Table, batches: Vec<RecordBatch>) -> Result<Vec<DataFile>, LakeError> {
    let dir = inner.layout.table_dir(table);
    let rows = Ordered::new(table, batches).map_err(LakeError::query)?;
    let mut files: Vec<DataFile> = Vec::new();
    let written = rows.days().map_err(LakeError::query)?.into_iter().try_for_each(|day| {
        let mut part: Option<PartWriter> = None;
        for piece in rows.pieces(&day) {
            let piece = piece.map_err(LakeError::query)?;
            let part = match &mut part {
                Some(part) => part,
                none => none.insert(PartWriter::create(&dir, table, day.day, Effort::Append, &piece)?),
            };
            part.write(&piece)?;
        }
        if let Some(part) = part {
            files.push(part.finish()?);
        }
        Ok(())
    });
    if written.is_err() {
        files.iter().for_each(|file| drop(std::fs::remove_file(dir.join(&file.path))));
    }
    written.map(|()| files)
}

/// The rows of each table together, so that those that belong together come into one file.
fn grouped(batches: Vec<(Table, RecordBatch)>) -> BTreeMap<Table, Vec<RecordBatch>> {
    let mut by_table: BTreeMap<Table, Vec<RecordBatch>> = BTreeMap::new();
    for (table, batch) in batches {
        by_table.entry(table).or_default().push(batch);
    }
    by_table
}

fn pop(jobs: &Mutex<Vec<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).pop()
}
