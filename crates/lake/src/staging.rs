//! Rows that are written while more are gathered: memory holds a part of them, not a commit's worth.
//!
//! Their files are nobody's until a commit lists them. Those that no commit took go when the writer goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use vigie_model::Text;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;

use crate::data_file::{DataFile, Effort, PartWriter};
use crate::lake::Inner;
use crate::rows::LineBatch;
use crate::sorting::{Ordered, are_in_order};
use crate::{LakeError, Table};

/// Rows turned into columns at a time: what is used again and again stays in the processor's cache.
const PIECE_ROWS: usize = 4_096;
/// Days of which a table, or a server, has an open file. Rows come nearly in order of time, so the day before gets few more.
const OPEN_DAYS_MAX: usize = 2;

/// Files of rows for the commit to come.
pub(crate) struct Staged {
    inner: Arc<Inner>,
    /// In the order in which they were opened.
    open: Vec<OpenPart>,
    done: BTreeMap<Table, Vec<DataFile>>,
}

/// A file that takes further rows of its table and day, and of its server where lines are kept apart by it, as long as they follow.
struct OpenPart {
    table: Table,
    server: Text,
    day: i32,
    /// The row written last, as a batch of its own.
    last: RecordBatch,
    part: PartWriter,
}

impl Staged {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Staged { inner, open: Vec::new(), done: BTreeMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.done.is_empty()
    }

    /// Writes the full chunks of a batch of lines.
    pub(crate) fn take_full(&mut self, lines: &mut LineBatch) -> Result<(), LakeError> {
        let chunks = lines.take(|_| false).map_err(LakeError::query)?;
        chunks.into_iter().try_for_each(|(server, chunk)| self.write(Table::Lines, &server, &chunk))
    }

    /// Writes the full chunks, and all lines of servers that have a file which would take more.
    pub(crate) fn take_last(&mut self, lines: &mut LineBatch) -> Result<(), LakeError> {
        let is_open = |server: &str| self.open.iter().any(|open| *open.server == *server);
        let chunks = lines.take(is_open).map_err(LakeError::query)?;
        chunks.into_iter().try_for_each(|(server, chunk)| self.write(Table::Lines, &server, &chunk))
    }

    /// Writes rows, turning a piece of them into columns at a time.
    pub(crate) fn add<T>(
        &mut self,
        table: Table,
        rows: &[T],
        encode: impl Fn(&[&T]) -> Result<RecordBatch, ArrowError>,
    ) -> Result<(), LakeError> {
        for piece in rows.chunks(PIECE_ROWS) {
            let rows = encode(&piece.iter().collect::<Vec<_>>()).and_then(|rows| Ordered::new(table, vec![rows]));
            self.write(table, "", &rows.map_err(LakeError::query)?)?;
        }
        Ok(())
    }

    fn write(&mut self, table: Table, server: &str, rows: &Ordered) -> Result<(), LakeError> {
        for day in rows.days().map_err(LakeError::query)? {
            for piece in rows.pieces(&day) {
                self.append(table, server, day.day, &piece.map_err(LakeError::query)?)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, table: Table, server: &str, day: i32, rows: &RecordBatch) -> Result<(), LakeError> {
        // A copy: a slice would keep the whole batch in memory.
        let last = rows.slice(rows.num_rows() - 1, 1);
        let last = concat_batches(&rows.schema(), [&last]).map_err(LakeError::query)?;
        let of_these: Vec<usize> = (0..self.open.len())
            .filter(|&at| self.open[at].table == table && *self.open[at].server == *server)
            .collect();
        if let Some(&at) = of_these.iter().find(|&&at| self.open[at].day == day) {
            let meeting = [self.open[at].last.clone(), rows.slice(0, 1)];
            if are_in_order(table, &meeting).map_err(LakeError::query)? {
                self.open[at].last = last;
                return self.open[at].part.write(rows);
            }
            self.close(at)?;
        } else {
            // The day before gets few more rows: what waits to be written need not wait in memory.
            of_these.iter().try_for_each(|&at| self.open[at].part.flush())?;
            if of_these.len() >= OPEN_DAYS_MAX {
                self.close(of_these[0])?;
            }
        }
        let mut part = PartWriter::create(&self.inner.layout.table_dir(table), table, day, Effort::Append, rows)?;
        let written = part.write(rows);
        self.open.push(OpenPart { table, server: server.into(), day, last, part });
        written
    }

    fn close(&mut self, at: usize) -> Result<(), LakeError> {
        let open = self.open.remove(at);
        self.done.entry(open.table).or_default().push(open.part.finish()?);
        Ok(())
    }

    /// All files, safe on the disk, for the commit that lists them.
    pub(crate) fn finish(&mut self) -> Result<BTreeMap<Table, Vec<DataFile>>, LakeError> {
        while !self.open.is_empty() {
            self.close(0)?;
        }
        Ok(std::mem::take(&mut self.done))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Those that are open go by themselves. What cannot be removed, vacuum finds later.
        for (table, files) in &self.done {
            let dir = self.inner.layout.table_dir(*table);
            files.iter().for_each(|file| drop(std::fs::remove_file(dir.join(&file.path))));
        }
    }
}
