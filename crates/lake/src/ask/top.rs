//! The values of a column with the most messages, deliveries or bytes.

use std::collections::hash_map::Entry;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use rustc_hash::FxHashMap;
use vigie_query::Filter;

use super::dataset::Dimension;
use super::fold::{Fold, Messages, ints, size_at};
use super::totals::Totals;
use crate::{LakeError, Snapshot};

/// Different values counted at most: beyond, memory would be what the question costs.
const VALUES_MAX: usize = 8_000_000;

/// By which figure values are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    #[default]
    Messages,
    Deliveries,
    Bytes,
}

impl Measure {
    /// The figure.
    pub fn of(self, totals: &Totals) -> u64 {
        match self {
            Measure::Messages => totals.messages,
            Measure::Deliveries => totals.deliveries,
            Measure::Bytes => totals.bytes,
        }
    }
}

/// A value and its totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Empty where the rows do not say.
    pub value: Box<str>,
    pub totals: Totals,
}

/// The first values of a ranking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// Largest first; equal ones by value.
    pub rows: Vec<Ranked>,
    /// Sum of all values that are not among the rows. A message that has several values counts in each.
    pub others: Totals,
    /// Different values in all.
    pub values: usize,
}

impl Snapshot {
    /// The `n` values of a dimension with the most.
    pub fn top(&self, filter: &Filter, dimension: Dimension, by: Measure, n: usize) -> Result<Ranking, LakeError> {
        let (dataset, _) = self.asked(filter)?;
        let column = dimension.column(dataset)?;
        let mut columns = vec![column];
        columns.extend(Messages::columns(dataset, filter).iter().filter(|&&other| other != column));
        let make = || Counts {
            column,
            totals: FxHashMap::default(),
            messages: Messages::new(dataset, filter),
            seen: Vec::new(),
            last: None,
        };
        let counts = self.fold(filter, &columns, make)?;
        Ok(ranking(counts.totals, by, n))
    }
}

fn ranking(totals: FxHashMap<Box<str>, Totals>, by: Measure, n: usize) -> Ranking {
    let values = totals.len();
    let mut rows: Vec<Ranked> = totals.into_iter().map(|(value, totals)| Ranked { value, totals }).collect();
    let order = |a: &Ranked, b: &Ranked| by.of(&b.totals).cmp(&by.of(&a.totals)).then_with(|| a.value.cmp(&b.value));
    if n > 0 && n < rows.len() {
        rows.select_nth_unstable_by(n - 1, order);
    }
    let rest = rows.split_off(n.min(rows.len()));
    rows.sort_by(order);
    let mut others = Totals::default();
    rest.iter().for_each(|row| others += row.totals);
    Ranking { rows, others, values }
}

struct Counts {
    column: &'static str,
    totals: FxHashMap<Box<str>, Totals>,
    messages: Messages,
    /// Values that the message under way has had, and its size: it counts once for each.
    seen: Vec<Box<str>>,
    last: Option<u64>,
}

impl Counts {
    fn row(&mut self, value: &str, begins: bool, size: u64) {
        if begins {
            self.seen.clear();
            self.last = Some(size);
        }
        let is_new = begins || (self.last.is_some() && !self.seen.iter().any(|seen| **seen == *value));
        let message = if is_new { self.last } else { None };
        let added = Totals { messages: u64::from(message.is_some()), deliveries: 1, bytes: message.unwrap_or(0) };
        match self.totals.get_mut(value) {
            Some(totals) => *totals += added,
            None => {
                self.totals.insert(value.into(), added);
            }
        }
        if is_new {
            self.seen.push(value.into());
        }
    }
}

impl Fold for Counts {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let begins = self.messages.begins(batch)?;
        let sizes = ints(batch, "size").ok();
        let values = batch.column_by_name(self.column).cloned();
        let values = values.ok_or_else(|| LakeError::query(format!("column {} is missing", self.column)))?;
        let values = arrow::compute::cast(&values, &DataType::Utf8View).map_err(LakeError::query)?;
        let values = values.as_string_view();
        for (row, &begins) in begins.iter().enumerate() {
            let value = if values.is_valid(row) { values.value(row) } else { "" };
            self.row(value, begins, size_at(sizes, row));
        }
        if self.totals.len() > VALUES_MAX {
            return Err(LakeError::Unanswerable {
                message: format!("there are more than {VALUES_MAX} different values"),
                hint: "choose a shorter period, or add a condition",
            });
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        for (value, totals) in other.totals {
            match self.totals.entry(value) {
                Entry::Occupied(mut known) => *known.get_mut() += totals,
                Entry::Vacant(new) => {
                    new.insert(totals);
                }
            }
        }
    }
}
