//! Table `coverage`: what was read of each server, source by source and hour by hour. No figure without it.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::{Micros, Text};

use super::Fact;
use crate::columns::{Columns, Reader};

/// Lines of one server that one source brought in one hour. Several rows of the same hour add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub server: Text,
    /// The live source: who sends, and what is read there (`mx1:/var/log/mail.log`). Empty for imported files.
    pub source: Text,
    /// Start of the hour.
    pub hour: Micros,
    /// Lines stored: copies of known ones are not among them.
    pub lines: u64,
    pub understood: u64,
    /// Known, and of no interest.
    pub ignored: u64,
    pub unknown: u64,
    pub first_ts: Micros,
    pub last_ts: Micros,
}

impl Coverage {
    /// Adds what was read of the same hour besides.
    pub fn add(&mut self, more: &Coverage) {
        self.lines += more.lines;
        self.understood += more.understood;
        self.ignored += more.ignored;
        self.unknown += more.unknown;
        self.first_ts = self.first_ts.min(more.first_ts);
        self.last_ts = self.last_ts.max(more.last_ts);
    }
}

impl Fact for Coverage {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let rows = || rows.iter().copied();
        let mut columns = Columns::default();
        columns.texts("server", rows().map(|r| &*r.server));
        columns.texts("source", rows().map(|r| &*r.source));
        columns.times("hour", rows().map(|r| r.hour));
        columns.ints("lines", rows().map(|r| r.lines as i64));
        columns.ints("understood", rows().map(|r| r.understood as i64));
        columns.ints("ignored", rows().map(|r| r.ignored as i64));
        columns.ints("unknown", rows().map(|r| r.unknown as i64));
        columns.times("first_ts", rows().map(|r| r.first_ts));
        columns.times("last_ts", rows().map(|r| r.last_ts));
        columns.finish()
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (server, source) = (columns.texts("server")?, columns.texts("source")?);
        let (hour, lines) = (columns.times("hour")?, columns.ints("lines")?);
        let (understood, ignored) = (columns.ints("understood")?, columns.ints("ignored")?);
        let (unknown, first_ts) = (columns.ints("unknown")?, columns.times("first_ts")?);
        let last_ts = columns.times("last_ts")?;
        let row = |i| Coverage {
            server: server.text(i),
            source: source.text(i),
            hour: hour[i],
            lines: lines.at(i) as u64,
            understood: understood.at(i) as u64,
            ignored: ignored.at(i) as u64,
            unknown: unknown.at(i) as u64,
            first_ts: first_ts[i],
            last_ts: last_ts[i],
        };
        Ok((0..batch.num_rows()).map(row).collect())
    }
}
