//! Table `shapes`: unknown lines counted by their shape, with an example of each; and understood ones that rest on an unproven shape.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::{MICROS_PER_DAY, Text, day_of};

use super::Fact;
use crate::columns::{Columns, Reader};

/// Unknown lines of one shape, of one program, on one server, on one day. Several rows of the same key add up. Where the program begins
/// with `experimental: `, the lines were understood, by a shape that no real line is known of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// UTC day, as days since 1970.
    pub day: i32,
    pub server: Text,
    pub program: Text,
    pub shape: Text,
    pub count: u64,
    /// One such line.
    pub example: Text,
}

impl Fact for Shape {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let rows = || rows.iter().copied();
        let mut columns = Columns::default();
        columns.times("ts", rows().map(|r| i64::from(r.day) * MICROS_PER_DAY));
        columns.texts("server", rows().map(|r| &*r.server));
        columns.texts("program", rows().map(|r| &*r.program));
        columns.texts("shape", rows().map(|r| &*r.shape));
        columns.ints("count", rows().map(|r| r.count as i64));
        columns.texts("example", rows().map(|r| &*r.example));
        columns.finish()
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (ts, server, program) = (columns.times("ts")?, columns.texts("server")?, columns.texts("program")?);
        let (shape, count, example) = (columns.texts("shape")?, columns.ints("count")?, columns.texts("example")?);
        let row = |i| Shape {
            day: day_of(ts[i]),
            server: server.text(i),
            program: program.text(i),
            shape: shape.text(i),
            count: count.at(i) as u64,
            example: example.text(i),
        };
        Ok((0..batch.num_rows()).map(row).collect())
    }
}
