//! The values of a column with the most messages, deliveries or bytes.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use rustc_hash::FxHashMap;
use vigie_model::Text;
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
    pub value: Text,
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
            places: FxHashMap::default(),
            totals: Vec::new(),
            messages: Messages::new(dataset, filter),
            seen: Vec::new(),
            size: 0,
        };
        let counts = self.fold(filter, &columns, make)?;
        let row = |(value, place): (Text, u32)| Ranked { value, totals: counts.totals[place as usize] };
        Ok(ranking(counts.places.into_iter().map(row).collect(), by, n))
    }
}

fn ranking(mut rows: Vec<Ranked>, by: Measure, n: usize) -> Ranking {
    let values = rows.len();
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
    /// Place of each value in `totals`.
    places: FxHashMap<Text, u32>,
    totals: Vec<Totals>,
    messages: Messages,
    /// Values that the message under way has had: it counts once for each.
    seen: Vec<u32>,
    size: u64,
}

impl Counts {
    fn place(&mut self, value: &str) -> u32 {
        if let Some(&place) = self.places.get(value) {
            return place;
        }
        let place = self.totals.len() as u32;
        self.places.insert(value.into(), place);
        self.totals.push(Totals::default());
        place
    }
}

impl Fold for Counts {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let begins = self.messages.begins(batch)?;
        let counts_messages = self.messages.are_counted();
        let sizes = ints(batch, "size").ok();
        let values = batch.column_by_name(self.column).cloned();
        let values = values.ok_or_else(|| LakeError::query(format!("column {} is missing", self.column)))?;
        let values = arrow::compute::cast(&values, &DataType::Utf8View).map_err(LakeError::query)?;
        let values = values.as_string_view();
        let (mut last, mut place) = (None, 0);
        for (row, (&begins, &view)) in begins.iter().zip(values.views().iter()).enumerate() {
            // The same bytes, or the same text in place: rows of a message, and pages with few values.
            if last != Some(view) || values.is_null(row) {
                place = self.place(if values.is_valid(row) { values.value(row) } else { "" });
                last = values.is_valid(row).then_some(view);
            }
            if begins {
                self.seen.clear();
                self.size = size_at(sizes, row);
            }
            let totals = &mut self.totals[place as usize];
            totals.deliveries += 1;
            if counts_messages && !self.seen.contains(&place) {
                totals.messages += 1;
                totals.bytes += self.size;
                self.seen.push(place);
            }
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
        for (value, place) in other.places {
            let mine = self.place(&value);
            self.totals[mine as usize] += other.totals[place as usize];
        }
    }
}
