//! Lines that are written while more are gathered: memory holds a chunk of each server, not a commit's worth.
//!
//! Their files are nobody's until a commit lists them. Those that no commit took go when the writer goes.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use crate::data_file::{DataFile, Effort, PartWriter};
use crate::rows::LineBatch;
use crate::sorting::{Ordered, are_in_order};
use crate::{LakeError, Table};

/// Files of lines for the commit to come.
pub(crate) struct Staged {
    dir: PathBuf,
    open: Vec<OpenPart>,
    done: Vec<DataFile>,
}

/// A file that takes further lines of its server and day, as long as they follow.
struct OpenPart {
    server: Box<str>,
    day: i32,
    /// The row written last, as a batch of its own.
    last: RecordBatch,
    part: PartWriter,
}

impl Staged {
    /// `dir` is the folder of the table.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Staged { dir, open: Vec::new(), done: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.done.is_empty()
    }

    /// Writes the full chunks of a batch.
    pub(crate) fn take_full(&mut self, lines: &mut LineBatch) -> Result<(), LakeError> {
        let chunks = lines.take(|_| false).map_err(LakeError::query)?;
        chunks.into_iter().try_for_each(|(server, chunk)| self.write(&server, chunk))
    }

    /// Writes the full chunks, and all lines of servers that have a file which would take more.
    pub(crate) fn take_last(&mut self, lines: &mut LineBatch) -> Result<(), LakeError> {
        let is_open = |server: &str| self.open.iter().any(|open| *open.server == *server);
        let chunks = lines.take(is_open).map_err(LakeError::query)?;
        chunks.into_iter().try_for_each(|(server, chunk)| self.write(&server, chunk))
    }

    /// Writes lines of one server.
    fn write(&mut self, server: &str, chunk: RecordBatch) -> Result<(), LakeError> {
        let rows = Ordered::new(Table::Lines, vec![chunk]).map_err(LakeError::query)?;
        for day in rows.days().map_err(LakeError::query)? {
            for piece in rows.pieces(&day) {
                self.append(server, day.day, &piece.map_err(LakeError::query)?)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, server: &str, day: i32, rows: &RecordBatch) -> Result<(), LakeError> {
        // A copy: a slice would keep the whole chunk in memory.
        let last = rows.slice(rows.num_rows() - 1, 1);
        let last = concat_batches(&rows.schema(), [&last]).map_err(LakeError::query)?;
        if let Some(at) = self.open.iter().position(|open| *open.server == *server && open.day == day) {
            let meeting = [self.open[at].last.clone(), rows.slice(0, 1)];
            if are_in_order(Table::Lines, &meeting).map_err(LakeError::query)? {
                self.open[at].last = last;
                return self.open[at].part.write(rows);
            }
            self.done.push(self.open.swap_remove(at).part.finish()?);
        }
        let mut part = PartWriter::create(&self.dir, Table::Lines, day, Effort::Append, rows)?;
        let written = part.write(rows);
        self.open.push(OpenPart { server: server.into(), day, last, part });
        written
    }

    /// All files, safe on the disk, for the commit that lists them.
    pub(crate) fn finish(&mut self) -> Result<Vec<DataFile>, LakeError> {
        while let Some(open) = self.open.pop() {
            self.done.push(open.part.finish()?);
        }
        Ok(std::mem::take(&mut self.done))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Those that are open go by themselves. What cannot be removed, vacuum finds later.
        for file in &self.done {
            let _ = std::fs::remove_file(self.dir.join(&file.path));
        }
    }
}
