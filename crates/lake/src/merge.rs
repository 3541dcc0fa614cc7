//! Many sorted files read as one: a k-way merge of batches, with memory for one batch of each file that is in turn.

use std::collections::VecDeque;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use vigie_model::Micros;

use crate::LakeError;

/// Rows handed out at a time.
pub(crate) const BATCH_ROWS: usize = 4_096;
/// A stretch of one file that is handed out as it stands.
const STRETCH_ROWS: usize = 1024;

pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, LakeError>> + Send>;
type Open = Box<dyn FnOnce() -> Result<Batches, LakeError> + Send>;

/// A sorted file that may be opened later.
pub(crate) struct Source {
    /// No row begins earlier.
    pub(crate) start_min: Micros,
    pub(crate) open: Open,
}

/// Batches of all sources, in order. Sources are opened when their time comes.
pub(crate) struct Merge {
    /// By `start_min`, earliest first.
    waiting: VecDeque<Source>,
    cursors: Vec<Cursor>,
    keys: &'static [&'static str],
    /// The time column, when it is the first key: then a source waits for its time.
    start: Option<&'static str>,
    converter: Option<RowConverter>,
}

struct Cursor {
    batches: Batches,
    batch: RecordBatch,
    /// What its rows are compared by; made when there is another cursor to compare with.
    keys: Option<Rows>,
    at: usize,
    /// Where its batch stands among those of the output under way.
    slot: Option<usize>,
}

impl Cursor {
    fn time(&self, start: &str) -> Option<Micros> {
        let times = self.batch.column_by_name(start)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        Some(times.value(self.at))
    }
}

impl Merge {
    /// `start` is the table's time column.
    pub(crate) fn new(mut sources: Vec<Source>, keys: &'static [&'static str], start: &'static str) -> Self {
        sources.sort_by_key(|source| source.start_min);
        let start = (keys.first() == Some(&start)).then_some(start);
        Merge { waiting: sources.into(), cursors: Vec::new(), keys, start, converter: None }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        let mut parts: Vec<RecordBatch> = Vec::new();
        let mut picks: Vec<(usize, usize)> = Vec::new();
        for cursor in &mut self.cursors {
            cursor.slot = None;
        }
        while picks.len() < BATCH_ROWS {
            self.open_due()?;
            let Some((first, run)) = self.next_run()? else { break };
            let cursor = &mut self.cursors[first];
            let from = cursor.at;
            if picks.is_empty() && run >= STRETCH_ROWS {
                let batch = cursor.batch.slice(from, run);
                self.advance(first, run)?;
                return Ok(Some(batch));
            }
            let slot = *cursor.slot.get_or_insert_with(|| {
                parts.push(cursor.batch.clone());
                parts.len() - 1
            });
            picks.extend((from..from + run).map(|row| (slot, row)));
            self.advance(first, run)?;
        }
        if picks.is_empty() {
            return Ok(None);
        }
        let parts: Vec<&RecordBatch> = parts.iter().collect();
        interleave_record_batch(&parts, &picks).map(Some).map_err(LakeError::query)
    }

    /// Opens what may begin before the next row of the open ones.
    fn open_due(&mut self) -> Result<(), LakeError> {
        while let Some(source) = self.waiting.front() {
            let next = self.start.and_then(|start| self.cursors.iter().filter_map(|c| c.time(start)).min());
            if next.is_some_and(|next| source.start_min > next) {
                return Ok(());
            }
            if let Some(source) = self.waiting.pop_front() {
                let batches = (source.open)()?;
                let cursor = Self::cursor(batches)?;
                self.cursors.extend(cursor);
            }
        }
        Ok(())
    }

    /// The cursor with the smallest row, and how many of its rows come before any other's.
    fn next_run(&mut self) -> Result<Option<(usize, usize)>, LakeError> {
        if self.cursors.len() > 1 {
            for at in (0..self.cursors.len()).filter(|&at| self.cursors[at].keys.is_none()).collect::<Vec<_>>() {
                let keys = self.keys_of(&self.cursors[at].batch.clone()).map_err(LakeError::query)?;
                self.cursors[at].keys = Some(keys);
            }
        }
        Ok(self.smallest())
    }

    fn smallest(&self) -> Option<(usize, usize)> {
        let row = |cursor: usize, row: usize| self.cursors[cursor].keys.as_ref().map(|keys| keys.row(row));
        let head = |cursor: usize| row(cursor, self.cursors[cursor].at);
        // Equal rows come from the earlier cursor first: `min_by` keeps the first of equals.
        let first = (0..self.cursors.len()).min_by(|&a, &b| head(a).cmp(&head(b)))?;
        let cursor = &self.cursors[first];
        let others = (0..self.cursors.len()).filter(|&at| at != first).map(head).min();
        let end = cursor.batch.num_rows();
        let mut run = match others {
            None => end - cursor.at,
            Some(other) if row(first, end - 1) < other => end - cursor.at,
            Some(other) => (cursor.at + 1..end).take_while(|&at| row(first, at) < other).count() + 1,
        };
        if let (Some(start), Some(waiting)) = (self.start, self.waiting.front()) {
            let times = cursor.batch.column_by_name(start)?.as_primitive_opt::<TimestampMicrosecondType>()?.values();
            let before = times[cursor.at..cursor.at + run].partition_point(|&ts| ts < waiting.start_min);
            run = before.max(1);
        }
        Some((first, run))
    }

    fn advance(&mut self, cursor: usize, rows: usize) -> Result<(), LakeError> {
        self.cursors[cursor].at += rows;
        if self.cursors[cursor].at < self.cursors[cursor].batch.num_rows() {
            return Ok(());
        }
        let done = self.cursors.remove(cursor);
        if let Some(next) = Self::cursor(done.batches)? {
            self.cursors.insert(cursor, next);
        }
        Ok(())
    }

    /// A cursor at the next row; none when there is no more.
    fn cursor(mut batches: Batches) -> Result<Option<Cursor>, LakeError> {
        for batch in batches.by_ref() {
            let batch = batch?;
            if batch.num_rows() > 0 {
                return Ok(Some(Cursor { batches, batch, keys: None, at: 0, slot: None }));
            }
        }
        Ok(None)
    }

    fn keys_of(&mut self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let columns = self.keys.iter().map(|key| {
            batch
                .column_by_name(key)
                .cloned()
                .ok_or_else(|| ArrowError::SchemaError(format!("column {key} is missing")))
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let converter = match &mut self.converter {
            Some(converter) => converter,
            none => {
                let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
                none.insert(RowConverter::new(fields)?)
            }
        };
        converter.convert_columns(&columns)
    }
}

impl Iterator for Merge {
    type Item = Result<RecordBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch();
        if next.is_err() {
            self.cursors.clear();
            self.waiting.clear();
        }
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Columns;
    use proptest::prelude::*;

    fn batch(rows: &[(i64, i64)]) -> RecordBatch {
        let mut columns = Columns::default();
        columns.times("ts", rows.iter().map(|r| r.0));
        columns.ints("n", rows.iter().map(|r| r.1));
        columns.finish().expect("columns")
    }

    fn source(rows: Vec<(i64, i64)>, batch_rows: usize) -> Source {
        let start_min = rows.first().map_or(0, |r| r.0);
        let open = move || -> Result<Batches, LakeError> {
            let batches: Vec<_> = rows.chunks(batch_rows).map(|rows| Ok(batch(rows))).collect();
            Ok(Box::new(batches.into_iter()))
        };
        Source { start_min, open: Box::new(open) }
    }

    fn merged(files: &[Vec<(i64, i64)>], batch_rows: usize) -> Vec<(i64, i64)> {
        let sources = files.iter().map(|rows| source(rows.clone(), batch_rows)).collect();
        let merge = Merge::new(sources, &["ts", "n"], "ts");
        let mut rows = Vec::new();
        for batch in merge {
            let batch = batch.expect("a batch");
            let columns = crate::columns::Reader::new(&batch);
            let (ts, n) = (columns.times("ts").expect("ts"), columns.ints("n").expect("n"));
            rows.extend((0..batch.num_rows()).map(|i| (ts[i], n.at(i))));
        }
        rows
    }

    proptest! {
        #[test]
        fn merging_is_sorting(mut files in prop::collection::vec(prop::collection::vec((0i64..50, 0i64..5), 0..60), 0..6), batch_rows in 1usize..20) {
            files.iter_mut().for_each(|rows| rows.sort());
            let mut all = files.concat();
            all.sort();
            prop_assert_eq!(merged(&files, batch_rows), all);
        }
    }

    #[test]
    fn long_stretches_are_not_copied_row_by_row() {
        let files: Vec<Vec<_>> = (0..3).map(|f| (0..5_000).map(|i| (f * 5_000 + i, 0)).collect()).collect();
        assert_eq!(merged(&files, 3_000), files.concat());
    }
}
