//! Stored rows that a commit replaces: which ones, and the files written again without them.

use std::ops::{Range, RangeInclusive};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::error::ArrowError;
use rustc_hash::FxHashSet;
use vigie_model::{Micros, Text};

use crate::columns::Reader;
use crate::data_file::{DataFile, Effort, PartWriter};
use crate::delta::FileSet;
use crate::scan::{columns_of_file, whole_file};
use crate::{LakeError, Table};

/// Stored rows that go when a commit comes. The commit's own rows are added after.
#[derive(Clone, Debug)]
pub enum Replacement {
    /// All rows of these whole days, as days since 1970.
    Days { table: Table, days: RangeInclusive<i32> },
    /// All rows of this server.
    Server { table: Table, server: Text },
    /// These messages, with all their deliveries. With `first_arrivals` other times are not looked at.
    Journeys { ids: Vec<Text>, first_arrivals: Option<Range<Micros>> },
    /// All messages that arrived in this range.
    JourneysArrived(Range<Micros>),
    /// What an earlier commit stored provisionally. Files that a compaction merged with others are not there any more: compact only
    /// when nothing provisional is stored.
    Provisional(ProvisionalFile),
}

/// A file of rows that a later commit is to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionalFile {
    pub(crate) table: Table,
    pub(crate) path: String,
}

/// How much of a file, or which rows, a replacement takes away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Share {
    None,
    Some,
    All,
}

/// The rows of a [`Replacement`].
pub(crate) enum Selection {
    Days(RangeInclusive<i32>),
    Server(Text),
    Ids { ids: FxHashSet<Text>, first_arrivals: Option<Range<Micros>> },
    Arrived(Range<Micros>),
    File(String),
}

/// What a commit does to the files that a table has.
#[derive(Default)]
pub(crate) struct Rewritten {
    pub(crate) added: Vec<DataFile>,
    pub(crate) removed: Vec<DataFile>,
}

impl Replacement {
    /// What it takes, from which table.
    pub(crate) fn selection(&self) -> (Table, Selection) {
        match self {
            Replacement::Days { table, days } => (*table, Selection::Days(days.clone())),
            Replacement::Server { table, server } => (*table, Selection::Server(server.clone())),
            Replacement::Journeys { ids, first_arrivals } => {
                let ids = ids.iter().cloned().collect();
                (Table::Deliveries, Selection::Ids { ids, first_arrivals: first_arrivals.clone() })
            }
            Replacement::JourneysArrived(range) => (Table::Deliveries, Selection::Arrived(range.clone())),
            Replacement::Provisional(file) => (file.table, Selection::File(file.path.clone())),
        }
    }
}

impl Selection {
    fn share_of(&self, file: &DataFile) -> Share {
        match self {
            Selection::Days(days) if days.contains(&file.day) => Share::All,
            Selection::Days(_) => Share::None,
            Selection::File(path) if *path == file.path => Share::All,
            Selection::File(_) => Share::None,
            Selection::Server(server) => match &file.servers {
                Some((first, last)) if first == last && **first == **server => Share::All,
                _ if file.may_hold_server(server) => Share::Some,
                _ => Share::None,
            },
            Selection::Ids { first_arrivals, .. } => match first_arrivals {
                Some(range) if file.start_min >= range.end || file.start_max < range.start => Share::None,
                _ => Share::Some,
            },
            Selection::Arrived(range) if file.start_min >= range.end || file.start_max < range.start => Share::None,
            Selection::Arrived(range) if file.start_min >= range.start && file.start_max < range.end => Share::All,
            Selection::Arrived(_) => Share::Some,
        }
    }

    /// Rows that go.
    fn rows_of(&self, table: Table, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let columns = Reader::new(batch);
        let rows = 0..batch.num_rows();
        match self {
            Selection::Days(_) | Selection::File(_) => Ok(rows.map(|_| Some(true)).collect()),
            Selection::Server(server) => {
                let servers = columns.texts("server")?;
                Ok(rows.map(|row| Some(servers.at(row) == &**server)).collect())
            }
            Selection::Ids { ids, .. } => {
                let stored = columns.texts("journey_id")?;
                Ok(rows.map(|row| Some(ids.contains(stored.at(row)))).collect())
            }
            Selection::Arrived(range) => {
                Ok(columns.times(table.spec().start)?.iter().map(|ts| Some(range.contains(ts))).collect())
            }
        }
    }

    fn columns(&self) -> &'static [&'static str] {
        match self {
            Selection::Server(_) => &["server"],
            Selection::Ids { .. } => &["journey_id"],
            _ => &["first_arrival"],
        }
    }
}

/// Writes the files again that hold rows of a selection, without these rows.
pub(crate) fn rewrite(files: &FileSet, selections: &[Selection]) -> Result<Rewritten, LakeError> {
    let mut done = Rewritten::default();
    if selections.is_empty() {
        return Ok(done);
    }
    for file in files.files.iter() {
        if let Err(e) = rewrite_file(files, file, selections, &mut done) {
            // The caller has nothing to undo: files that no log lists are nobody's.
            remove_files(files, &done.added);
            return Err(e);
        }
    }
    Ok(done)
}

fn rewrite_file(files: &FileSet, file: &DataFile, all: &[Selection], done: &mut Rewritten) -> Result<(), LakeError> {
    let shares: Vec<Share> = all.iter().map(|selection| selection.share_of(file)).collect();
    if shares.contains(&Share::All) {
        done.removed.push(file.clone());
        return Ok(());
    }
    let mut touching = Vec::new();
    for (selection, share) in all.iter().zip(shares) {
        if share == Share::Some && holds_any(files, file, selection)? {
            touching.push(selection);
        }
    }
    if touching.is_empty() {
        return Ok(());
    }
    let table = files.table;
    let mut part: Option<PartWriter> = None;
    for batch in whole_file(&files.dir, table.spec(), file)? {
        let kept = without(table, &batch?, &touching).map_err(LakeError::query)?;
        if kept.num_rows() > 0 {
            let part = match &mut part {
                Some(part) => part,
                none => none.insert(PartWriter::create(&files.dir, table, file.day, Effort::Append, &kept)?),
            };
            part.write(&kept)?;
        }
    }
    if let Some(part) = part {
        done.added.push(part.finish()?);
    }
    done.removed.push(file.clone());
    Ok(())
}

fn holds_any(files: &FileSet, file: &DataFile, selection: &Selection) -> Result<bool, LakeError> {
    let table = files.table;
    for batch in columns_of_file(&files.dir, table.spec(), file, selection.columns())? {
        if selection.rows_of(table, &batch?).map_err(LakeError::query)?.true_count() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn without(table: Table, batch: &RecordBatch, selections: &[&Selection]) -> Result<RecordBatch, ArrowError> {
    let mut batch = batch.clone();
    for selection in selections {
        batch = filter_record_batch(&batch, &not(&selection.rows_of(table, &batch)?)?)?;
    }
    Ok(batch)
}

/// Takes back files that will not be committed; what cannot be removed, vacuum finds later.
pub(crate) fn remove_files(files: &FileSet, parts: &[DataFile]) {
    for part in parts {
        let _ = std::fs::remove_file(files.dir.join(&part.path));
    }
}
