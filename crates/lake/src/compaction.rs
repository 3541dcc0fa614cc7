//! Compaction: many small files of a day become few sorted ones. The rows stay the same.

use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;

use crate::columns::Reader;
use crate::data_file::{DataFile, Effort, IsNewData, PartWriter};
use crate::delta::FileSet;
use crate::merge::{Merge, Source};
use crate::replacement::{ProvisionalFile, Rewritten, remove_files};
use crate::scan::whole_file;
use crate::writer::{Changes, Writer};
use crate::{LakeError, Table};

/// More files than this in a day slow every query of that day.
const DAY_FILES_MAX: usize = 8;
/// A file this many times as large as all smaller ones together is left alone: merging it again and again would cost more than it helps.
const LEFT_ALONE_TIMES: u64 = 4;
/// Rows per file at most: a unit of parallel reading, and of what a replacement writes again.
const FILE_ROWS_MAX: u64 = 4_000_000;

/// Which days to compact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compaction {
    /// Days with more than 8 files; files much larger than the rest stay as they are.
    WhereNeeded,
    /// Every day with more than one file.
    All,
    /// This day, as days since 1970.
    Day(i32),
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Days, counted once for each table.
    pub days: usize,
    pub files_before: usize,
    pub files_after: usize,
    pub bytes_before: u64,
    pub bytes_after: u64,
}

/// A compaction that is planned. It works beside the writer: what it makes is nobody's until the writer publishes it.
pub struct Merging {
    tables: Vec<(FileSet, Vec<Group>)>,
}

/// What a [`Merging`] made.
pub struct Merged {
    tables: Vec<(FileSet, Vec<(Group, Group)>)>,
}

impl Writer {
    /// Merges small files of a day into few, sorted and better compressed.
    pub fn compact(&mut self, which: Compaction) -> Result<Compacted, LakeError> {
        let merged = self.plan_compaction(which, &[])?.run()?;
        self.publish_compaction(merged)
    }

    /// What is to be merged, as the store is now. Files of provisional rows stay as they are.
    pub fn plan_compaction(
        &mut self,
        which: Compaction,
        provisional: &[ProvisionalFile],
    ) -> Result<Merging, LakeError> {
        self.complete_interrupted()?;
        let mut tables = Vec::new();
        for table in Table::ALL {
            let files = self.files(table)?;
            let is_provisional = |file: &DataFile| provisional.iter().any(|p| p.table == table && p.path == file.path);
            let settled: Vec<DataFile> = files.files.iter().filter(|file| !is_provisional(file)).cloned().collect();
            let groups: Vec<Group> =
                settled.chunk_by(|a, b| a.day == b.day).filter_map(|day| chosen(day, which)).collect();
            if !groups.is_empty() {
                tables.push((files, groups));
            }
        }
        Ok(Merging { tables })
    }

    /// Puts merged files in the place of those that they were made of. Where one of these was replaced meanwhile, all of its day stay.
    pub fn publish_compaction(&mut self, merged: Merged) -> Result<Compacted, LakeError> {
        self.complete_interrupted()?;
        let mut done = Compacted::default();
        let mut changes = Changes::new();
        for (files, days) in merged.tables {
            let listed = self.files(files.table)?;
            let is_listed = |file: &DataFile| listed.files.iter().any(|known| known.path == file.path);
            for (group, made) in days {
                if !group.iter().all(is_listed) {
                    remove_files(&files, &made);
                    continue;
                }
                done.note(&group, &made);
                let change: &mut Rewritten = changes.entry(files.table).or_default();
                change.added.extend(made);
                change.removed.extend(group);
            }
        }
        if !changes.is_empty() {
            self.publish(changes, Default::default(), IsNewData::No)?;
        }
        Ok(done)
    }
}

impl Merging {
    /// Is there nothing to merge?
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Reads and writes the files.
    pub fn run(self) -> Result<Merged, LakeError> {
        let mut tables = Vec::new();
        for (files, groups) in self.tables {
            let days = merge_all(&files, groups)?;
            tables.push((files, days));
        }
        Ok(Merged { tables })
    }
}

impl Compacted {
    fn note(&mut self, before: &[DataFile], after: &[DataFile]) {
        let bytes = |files: &[DataFile]| files.iter().map(|file| file.size).sum::<u64>();
        self.days += 1;
        self.files_before += before.len();
        self.files_after += after.len();
        self.bytes_before += bytes(before);
        self.bytes_after += bytes(after);
    }
}

/// The files of a day that are merged, or none.
fn chosen(day: &[DataFile], which: Compaction) -> Option<Vec<DataFile>> {
    let is_wanted = match which {
        Compaction::WhereNeeded => day.len() > DAY_FILES_MAX,
        Compaction::All => day.len() > 1,
        Compaction::Day(wanted) => day.len() > 1 && day.first().is_some_and(|file| file.day == wanted),
    };
    if !is_wanted {
        return None;
    }
    let mut files = day.to_vec();
    if which == Compaction::WhereNeeded {
        files.sort_by(|a, b| (a.rows, &a.path).cmp(&(b.rows, &b.path)));
        let mut rows = 0;
        let small = files.iter().take_while(|file| {
            let is_small = rows == 0 || file.rows <= LEFT_ALONE_TIMES * rows;
            rows += file.rows;
            is_small
        });
        let small = small.count();
        files.truncate(small.max(2));
    }
    Some(files)
}

type Group = Vec<DataFile>;

/// Merges each group, as many at a time as there are cores; gives the groups and what became of them.
fn merge_all(files: &FileSet, groups: Vec<Group>) -> Result<Vec<(Group, Group)>, LakeError> {
    let (waiting, done) = (Mutex::new(groups), Mutex::new(Vec::new()));
    let work = || -> Result<(), LakeError> {
        while let Some(group) = locked(&waiting).pop() {
            let merged = merge_files(files, &group)?;
            locked(&done).push((group, merged));
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<Result<(), LakeError>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        others.into_iter().filter_map(|other| other.join().ok()).chain([mine]).collect()
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(e) = results.into_iter().find_map(Result::err) {
        done.iter().for_each(|(_, merged)| remove_files(files, merged));
        return Err(e);
    }
    done.sort_by_key(|(group, _)| group.first().map(|file| file.day));
    Ok(done)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn merge_files(files: &FileSet, group: &[DataFile]) -> Result<Vec<DataFile>, LakeError> {
    let spec = files.table.spec();
    let sources = group.iter().map(|file| {
        let (dir, file) = (files.dir.clone(), file.clone());
        Source { start_min: file.start_min, open: Box::new(move || whole_file(&dir, spec, &file)) }
    });
    let Some(day) = group.first().map(|file| file.day) else { return Ok(Vec::new()) };
    let mut output = Output { files, day, part: None, last_group: String::new(), done: Vec::new() };
    let merged = Merge::new(sources.collect(), spec.sort, spec.start).try_for_each(|batch| output.write(&batch?));
    match merged.and_then(|()| output.close_part()) {
        Ok(()) => Ok(output.done),
        Err(e) => {
            remove_files(files, &output.done);
            Err(e)
        }
    }
}

/// The files that a merge writes.
struct Output<'a> {
    files: &'a FileSet,
    day: i32,
    part: Option<PartWriter>,
    /// Group of the last row written: the next file may not begin with it.
    last_group: String,
    done: Vec<DataFile>,
}

impl Output<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let is_full = self.part.as_ref().is_some_and(|part| part.rows() >= FILE_ROWS_MAX);
        let boundary = if is_full { self.boundary(batch)? } else { None };
        match boundary {
            None => self.append(batch),
            Some(at) => {
                self.append(&batch.slice(0, at))?;
                self.close_part()?;
                self.append(&batch.slice(at, batch.num_rows() - at))
            }
        }
    }

    /// First row that does not belong to the last row written.
    fn boundary(&self, batch: &RecordBatch) -> Result<Option<usize>, LakeError> {
        let Some(group) = self.files.table.spec().group else { return Ok(Some(0)) };
        let groups = Reader::new(batch).texts(group).map_err(LakeError::query)?;
        Ok((0..batch.num_rows()).find(|&row| groups.at(row) != self.last_group))
    }

    fn append(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let part = match &mut self.part {
            Some(part) => part,
            none => {
                none.insert(PartWriter::create(&self.files.dir, self.files.table, self.day, Effort::Compact, batch)?)
            }
        };
        part.write(batch)?;
        if let Some(group) = self.files.table.spec().group {
            let groups = Reader::new(batch).texts(group).map_err(LakeError::query)?;
            self.last_group = groups.at(batch.num_rows() - 1).to_string();
        }
        Ok(())
    }

    fn close_part(&mut self) -> Result<(), LakeError> {
        if let Some(part) = self.part.take() {
            self.done.push(part.finish()?);
        }
        Ok(())
    }
}
