//! How many, how much: over all, and over time.

use arrow::array::{RecordBatch, StringViewArray, make_view};
use vigie_model::{Micros, Outcome};
use vigie_query::Filter;

use super::fold::{Fold, Messages, ints, size_at, texts, times};
use crate::ask::Dataset;
use crate::{LakeError, Snapshot};

/// How much a filter chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages of which at least one row is chosen; exact. None of refusals.
    pub messages: u64,
    /// Rows: recipients of messages, or refusals.
    pub deliveries: u64,
    /// Sizes of these messages, each counted once; of unknown size none.
    pub bytes: u64,
}

/// A stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeBucket {
    pub start: Micros,
    pub totals: Totals,
    /// Deliveries by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.deliveries += other.deliveries;
        self.bytes += other.bytes;
    }
}

impl Snapshot {
    /// Messages, deliveries and bytes that a filter chooses.
    pub fn count(&self, filter: &Filter) -> Result<Totals, LakeError> {
        let (dataset, _) = self.asked(filter)?;
        let mut columns = Messages::columns(dataset, filter).to_vec();
        if columns.is_empty() {
            columns.push(dataset.time());
        }
        let make = || Counting { totals: Totals::default(), messages: Messages::new(dataset, filter) };
        Ok(self.fold(filter, &columns, make)?.totals)
    }

    /// The same, for each stretch between two neighbouring edges (ascending). A message belongs to the time of its first arrival.
    ///
    /// What lies outside the edges is not counted.
    pub fn by_time(&self, filter: &Filter, edges: &[Micros]) -> Result<Vec<TimeBucket>, LakeError> {
        let Some((first, last)) = edges.first().zip(edges.last()) else { return Ok(Vec::new()) };
        let (dataset, _) = self.asked(filter)?;
        // Files outside of the edges need not be opened.
        let mut narrowed = filter.clone();
        narrowed.period.from = Some(filter.period.from.map_or(*first, |from| from.max(*first)));
        narrowed.period.until = Some(filter.period.until.map_or(*last, |until| until.min(*last)));
        let mut columns = [&[dataset.time()], Messages::columns(dataset, filter)].concat();
        if dataset == Dataset::Deliveries {
            columns.push("outcome");
        }
        let buckets: Vec<TimeBucket> =
            edges[..edges.len() - 1].iter().map(|&start| TimeBucket { start, ..TimeBucket::default() }).collect();
        let make = || Timeline {
            edges: edges.to_vec(),
            buckets: buckets.clone(),
            dataset,
            messages: Messages::new(dataset, filter),
        };
        Ok(self.fold(&narrowed, &columns, make)?.buckets)
    }
}

struct Counting {
    totals: Totals,
    messages: Messages,
}

impl Fold for Counting {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let begins = self.messages.begins(batch)?;
        let sizes = ints(batch, "size").ok();
        self.totals.deliveries += batch.num_rows() as u64;
        for row in (0..begins.len()).filter(|&row| begins[row]) {
            self.totals.messages += 1;
            self.totals.bytes += size_at(sizes, row);
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        self.totals += other.totals;
    }
}

/// Place of each row's outcome in [`Outcome::ALL`]. These words are short enough to stand in the views themselves.
fn outcome_numbers(words: &StringViewArray) -> Vec<Option<usize>> {
    let known = Outcome::ALL.map(|outcome| make_view(outcome.as_str().as_bytes(), 0, 0));
    let mut last = (0, None);
    let mut number = |view: u128| {
        if last.0 != view || last.1.is_none() {
            last = (view, known.iter().position(|&known| known == view));
        }
        last.1
    };
    words.views().iter().map(|&view| number(view)).collect()
}

struct Timeline {
    edges: Vec<Micros>,
    buckets: Vec<TimeBucket>,
    dataset: Dataset,
    messages: Messages,
}

impl Timeline {
    /// Rows come mostly in order: the bucket of the last one is tried first.
    fn bucket(&self, ts: Micros, last: usize) -> Option<usize> {
        let is_in = |at: usize| at + 1 < self.edges.len() && self.edges[at] <= ts && ts < self.edges[at + 1];
        if is_in(last) {
            return Some(last);
        }
        let at = self.edges.partition_point(|&edge| edge <= ts).checked_sub(1)?;
        (at < self.buckets.len()).then_some(at)
    }
}

impl Fold for Timeline {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let begins = self.messages.begins(batch)?;
        let sizes = ints(batch, "size").ok();
        let outcomes = texts(batch, "outcome").ok().map(outcome_numbers);
        let times = times(batch, self.dataset.time())?.values();
        let mut last = 0;
        for (row, &ts) in times.iter().enumerate() {
            let Some(at) = self.bucket(ts, last) else { continue };
            last = at;
            let bucket = &mut self.buckets[at];
            bucket.totals.deliveries += 1;
            if begins[row] {
                bucket.totals.messages += 1;
                bucket.totals.bytes += size_at(sizes, row);
            }
            if let Some(outcome) = outcomes.as_ref().and_then(|outcomes| outcomes[row]) {
                bucket.outcomes[outcome] += 1;
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            mine.totals += theirs.totals;
            mine.outcomes.iter_mut().zip(theirs.outcomes).for_each(|(mine, theirs)| *mine += theirs);
        }
    }
}
