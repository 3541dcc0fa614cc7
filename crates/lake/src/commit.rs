//! A commit being gathered: rows for several tables, what they replace, and the transactions that make a replay harmless.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::{Attempt, Hop, Journey, Rejection};

use crate::Table;
use crate::replacement::Replacement;
use crate::rows::{Coverage, Fact, LineBatch, Shape, delivery_rows, encode_all, hop_rows};

/// Changes to the lake that become visible together. Rows are turned into columns when they are added; of many rows, those that
/// [`crate::Writer`] stages need less memory.
#[derive(Default)]
pub struct Commit {
    pub(crate) transactions: BTreeMap<String, i64>,
    pub(crate) replacements: Vec<Replacement>,
    pub(crate) lines: Vec<LineBatch>,
    pub(crate) batches: Vec<(Table, RecordBatch)>,
    pub(crate) provisional: Vec<(Table, RecordBatch)>,
    pub(crate) failed: Option<ArrowError>,
}

impl Commit {
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores this version under the application id. A commit whose versions are all stored already is a replay, and skipped.
    pub fn transaction(&mut self, app_id: impl Into<String>, version: i64) -> &mut Self {
        self.transactions.insert(app_id.into(), version);
        self
    }

    /// Takes stored rows away, before this commit's rows are added.
    pub fn replace(&mut self, replacement: Replacement) -> &mut Self {
        self.replacements.push(replacement);
        self
    }

    pub fn lines(&mut self, lines: LineBatch) -> &mut Self {
        if !lines.is_empty() {
            self.lines.push(lines);
        }
        self
    }

    pub fn hops<H: Borrow<Hop> + Sync>(&mut self, rows: &[H]) -> &mut Self {
        self.add(Table::Hops, encode_all(rows, hop_rows))
    }

    pub fn attempts(&mut self, rows: &[Attempt]) -> &mut Self {
        self.facts(Table::Attempts, rows)
    }

    pub fn rejections(&mut self, rows: &[Rejection]) -> &mut Self {
        self.facts(Table::Rejections, rows)
    }

    /// Messages: a row in `deliveries` for each of their recipients.
    pub fn journeys(&mut self, rows: &[Journey]) -> &mut Self {
        self.add(Table::Deliveries, encode_all(rows, delivery_rows))
    }

    /// Messages as they stand now, in files of their own: [`Committed::Stored`] names them, and [`Replacement::Provisional`] takes them
    /// away without a look at their rows.
    ///
    /// [`Committed::Stored`]: crate::Committed::Stored
    pub fn provisional_journeys<J: Borrow<Journey> + Sync>(&mut self, rows: &[J]) -> &mut Self {
        self.add_provisional(Table::Deliveries, encode_all(rows, delivery_rows))
    }

    /// Coverage of hours that are not over, as [`Commit::provisional_journeys`].
    pub fn provisional_coverage(&mut self, rows: &[Coverage]) -> &mut Self {
        self.add_provisional(Table::Coverage, encode_all(rows, Coverage::encode))
    }

    pub fn coverage(&mut self, rows: &[Coverage]) -> &mut Self {
        self.facts(Table::Coverage, rows)
    }

    pub fn shapes(&mut self, rows: &[Shape]) -> &mut Self {
        self.facts(Table::Shapes, rows)
    }

    /// Nothing to store, nothing to replace.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
            && self.batches.is_empty()
            && self.provisional.is_empty()
            && self.replacements.is_empty()
            && self.transactions.is_empty()
    }

    fn facts<T: Fact + Sync>(&mut self, table: Table, rows: &[T]) -> &mut Self {
        self.add(table, encode_all(rows, T::encode))
    }

    fn add(&mut self, table: Table, batches: Result<Vec<RecordBatch>, ArrowError>) -> &mut Self {
        let filled = self.filled(table, batches);
        self.batches.extend(filled);
        self
    }

    fn add_provisional(&mut self, table: Table, batches: Result<Vec<RecordBatch>, ArrowError>) -> &mut Self {
        let filled = self.filled(table, batches);
        self.provisional.extend(filled);
        self
    }

    fn filled(
        &mut self,
        table: Table,
        batches: Result<Vec<RecordBatch>, ArrowError>,
    ) -> impl Iterator<Item = (Table, RecordBatch)> + use<> {
        let batches = batches.unwrap_or_else(|e| {
            self.failed.get_or_insert(e);
            Vec::new()
        });
        batches.into_iter().filter(|batch| batch.num_rows() > 0).map(move |batch| (table, batch))
    }
}
