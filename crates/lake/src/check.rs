//! Are the data files what the log says of them, and the roll-ups what the files say?
//!
//! A reader relies on this: a file is there and readable, has as many rows as its entry says, in the order of its table, all of its day,
//! and within its bounds. What a query skips by them would otherwise be missing without a word.

use std::ops::RangeInclusive;

use arrow::array::RecordBatch;
use vigie_model::{Micros, day_of};

use crate::columns::Reader;
use crate::data_file::DataFile;
use crate::delta::FileSet;
use crate::scan::whole_file;
use crate::snapshot::Snapshot;
use crate::sorting::are_in_order;
use crate::{LakeError, Table};

/// What is wrong with a file of the lake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    pub table: Table,
    /// UTC day, as days since 1970.
    pub day: i32,
    /// Relative to the table's folder.
    pub file: String,
    pub fault: String,
}

impl Snapshot {
    /// Reads all data files of a table that hold these days, and tells what is wrong with them. `watch` hears of each file that is done.
    ///
    /// A file that is gone is an error, not a fault: it may have been replaced since this snapshot was taken ([`LakeError::is_gone`]).
    pub fn check_files(
        &self,
        table: Table,
        days: &RangeInclusive<i32>,
        watch: &mut dyn FnMut(),
    ) -> Result<Vec<FileFault>, LakeError> {
        let set = self.files(table);
        let mut faults = Vec::new();
        for file in set.files.iter().filter(|file| days.contains(&file.day)) {
            let fault = match fault_of(set, file) {
                Err(error) if error.is_gone() => return Err(error),
                Err(error) => Some(with_causes(&error)),
                Ok(fault) => fault,
            };
            faults.extend(fault.map(|fault| FileFault { table, day: file.day, file: file.path.clone(), fault }));
            watch();
        }
        Ok(faults)
    }

    /// Counts the rows of each data file that has a roll-up beside the store, and compares. Those that nobody would read, because they
    /// are broken, are none. Returns how many were compared, too.
    pub fn check_rollups(&self, days: &RangeInclusive<i32>) -> Result<(usize, Vec<FileFault>), LakeError> {
        let (mut compared, mut faults) = (0, Vec::new());
        for table in [Table::Deliveries, Table::Rejections] {
            let set = self.files(table);
            for file in set.files.iter().filter(|file| days.contains(&file.day)) {
                let Some(is_right) = self.inner.rollups.is_right(set, file)? else { continue };
                compared += 1;
                if !is_right {
                    let fault = "its roll-up counts something else than its rows".to_owned();
                    faults.push(FileFault { table, day: file.day, file: file.path.clone(), fault });
                }
            }
        }
        Ok((compared, faults))
    }

    /// Data files of a table that hold these days.
    pub fn file_count(&self, table: Table, days: &RangeInclusive<i32>) -> usize {
        self.files(table).files.iter().filter(|file| days.contains(&file.day)).count()
    }
}

fn fault_of(set: &FileSet, file: &DataFile) -> Result<Option<String>, LakeError> {
    let table = set.table;
    let (mut rows, mut last): (u64, Option<RecordBatch>) = (0, None);
    for batch in whole_file(&set.dir, table.spec(), file)? {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        rows += batch.num_rows() as u64;
        if let Some(fault) = out_of_bounds(table, file, &batch)? {
            return Ok(Some(fault));
        }
        let end = batch.slice(batch.num_rows() - 1, 1);
        let joined: Vec<RecordBatch> = last.replace(end).into_iter().chain([batch]).collect();
        if !are_in_order(table, &joined).map_err(LakeError::query)? {
            return Ok(Some(format!("its rows are not in the order of the table, at row {rows} or before")));
        }
    }
    Ok((rows != file.rows).then(|| format!("it has {rows} rows, and the log says {}", file.rows)))
}

/// Rows that a query would not look for in this file.
fn out_of_bounds(table: Table, file: &DataFile, batch: &RecordBatch) -> Result<Option<String>, LakeError> {
    let (columns, spec) = (Reader::new(batch), table.spec());
    let starts = columns.times(spec.start).map_err(LakeError::query)?;
    let ends = columns.times(spec.end).map_err(LakeError::query)?;
    let is_in_time = |start: Micros| day_of(start) == file.day && start >= file.start_min && start <= file.start_max;
    if !starts.iter().all(|&start| is_in_time(start)) || !ends.iter().all(|&end| end <= file.end_max) {
        return Ok(Some("it holds rows of another time than the log says".to_owned()));
    }
    if file.servers.is_some() {
        let servers = columns.texts("server").map_err(LakeError::query)?;
        if !(0..batch.num_rows()).all(|row| file.may_hold_server(servers.at(row))) {
            return Ok(Some("it holds rows of another server than the log says".to_owned()));
        }
    }
    Ok(None)
}

fn with_causes(error: &LakeError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
