//! The first page's questions, all in one look: from roll-ups where they have the answer, else from the rows.
//!
//! Roll-ups know every whole quarter of an hour, by mail class. The rows between a quarter and an edge that cuts it are counted from the
//! facts, and so is everything when the filter asks for more than classes.

mod look;
mod part;
mod sums;

use arrow::array::RecordBatch;
use vigie_model::{Arrival, Micros, Outcome, Text};
use vigie_query::{Cell, Expr, Field, Filter, Row, matches};

use self::look::Gathered;
use super::fold::{Fold, Messages};
use super::{Dataset, Delays, TimeBucket};
use crate::data_file::DataFile;
use crate::rollup::{QUARTER, Rollup, Tally};
use crate::{LakeError, Snapshot, Table};

/// Stretches of rows that are counted one by one; more of them are counted as one.
const CUTS_MAX: usize = 4;

/// Which parts of a summary somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Buckets and delivery times.
    Totals,
    /// Also so many senders and recipients' domains, and routes to so many destinations.
    All { leaders: usize, destinations: usize },
}

/// What the first page shows of the deliveries that a filter chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub buckets: Vec<TimeBucket>,
    /// Delivery times of what was delivered.
    pub delivered: Delays,
    /// By messages.
    pub senders: Leaders,
    /// By deliveries.
    pub recipient_domains: Leaders,
    /// Most deliveries first.
    pub routes: Vec<Route>,
    /// Domains of recipients that no route names, and that something arrived at.
    pub other_destinations: usize,
}

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Origin {
    /// Another organisation's server, or one whose log is not read.
    Outside,
    /// A user who logged in.
    User,
    /// A process on one of the servers.
    Process,
}

/// Deliveries that went the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub origin: Origin,
    pub first_server: Text,
    pub last_server: Text,
    pub outcome: Outcome,
    /// Domain of the recipients, where they were delivered to one of the largest; none stands for all the others.
    pub destination: Option<Text>,
    pub deliveries: u64,
}

/// What the first page shows of the refusals that a filter chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    pub buckets: Vec<TimeBucket>,
    /// By refusals.
    pub reasons: Leaders,
}

/// The values with the most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaders {
    /// Largest first; equal ones by value.
    pub rows: Vec<Leader>,
    /// Different values in all.
    pub values: usize,
}

/// A value, and how much it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// Empty where the rows do not say.
    pub value: Text,
    /// What it is ranked by.
    pub count: u64,
    /// Rows: deliveries, or refusals.
    pub deliveries: u64,
    /// Deliveries that bounced or expired.
    pub failed: u64,
    /// Rows in each bucket.
    pub trend: Vec<u64>,
}

impl Origin {
    pub(crate) const ALL: [Origin; 3] = [Origin::Outside, Origin::User, Origin::Process];

    /// By the word of an [`Arrival`].
    pub(crate) fn of(arrival: &str) -> Self {
        match Arrival::parse(arrival) {
            Some(Arrival::User) => Origin::User,
            Some(Arrival::Local) => Origin::Process,
            _ => Origin::Outside,
        }
    }
}

impl Route {
    /// What tells it from others.
    fn key(&self) -> impl Ord {
        (self.origin, &self.first_server, &self.last_server, &self.destination, self.outcome)
    }
}

impl Snapshot {
    /// Sums up the chosen deliveries between neighbouring edges (ascending).
    pub fn summary(&self, filter: &Filter, edges: &[Micros], parts: Parts) -> Result<Summary, LakeError> {
        let gathered = self.gather(Dataset::Deliveries, filter, edges)?;
        Ok(gathered.look(filter, edges, |look| look.summary(parts)))
    }

    /// Sums up the chosen refusals between neighbouring edges (ascending), with so many reasons.
    pub fn refusals(&self, filter: &Filter, edges: &[Micros], reasons: usize) -> Result<Refusals, LakeError> {
        let gathered = self.gather(Dataset::Rejections, filter, edges)?;
        Ok(gathered.look(filter, edges, |look| look.refusals(reasons)))
    }

    /// Computes the roll-ups that are missing, newest first, so that no question has to.
    pub fn prepare_summaries(&self) -> Result<(), LakeError> {
        let generation = self.inner.rollups.generation();
        for table in [Table::Rejections, Table::Deliveries] {
            let set = self.files(table);
            let newest_first: Vec<&DataFile> = set.files.iter().rev().collect();
            self.inner.rollups.of(&generation, set, &newest_first)?;
        }
        Ok(())
    }

    /// Memory that roll-ups take now.
    pub fn summary_bytes(&self) -> usize {
        self.inner.rollups.bytes()
    }

    fn gather(&self, dataset: Dataset, filter: &Filter, edges: &[Micros]) -> Result<Gathered, LakeError> {
        if Dataset::of(filter)? != dataset {
            return Err(dataset.lacks("such a filter"));
        }
        let mut gathered =
            Gathered { generation: self.inner.rollups.generation(), loaded: Vec::new(), counted: Vec::new() };
        let Some((&first, &last)) = edges.first().zip(edges.last()).filter(|(first, last)| first < last) else {
            return Ok(gathered);
        };
        let mut cuts = vec![(first, last)];
        if is_in_rollups(dataset, filter) && filter.period.contains(first) && filter.period.contains(last - 1) {
            let between = cuts_of(edges);
            if between.len() <= CUTS_MAX {
                cuts = between;
                let set = self.files(dataset.table());
                let is_in = |file: &&DataFile| file.start_max >= first && file.start_min < last;
                let files: Vec<&DataFile> = set.files.iter().filter(is_in).collect();
                gathered.loaded = self.inner.rollups.of(&gathered.generation, set, &files)?;
            }
        }
        for cut in cuts {
            gathered.counted.extend(self.counted(dataset, filter, cut, edges)?);
        }
        Ok(gathered)
    }

    /// The chosen rows of a stretch of time, counted by bucket.
    fn counted(
        &self,
        dataset: Dataset,
        filter: &Filter,
        (from, until): (Micros, Micros),
        edges: &[Micros],
    ) -> Result<Vec<Rollup>, LakeError> {
        let mut narrowed = filter.clone();
        narrowed.period.from = Some(filter.period.from.map_or(from, |known| known.max(from)));
        narrowed.period.until = Some(filter.period.until.map_or(until, |known| known.min(until)));
        let columns = match dataset {
            Dataset::Deliveries => [&Tally::OF_DELIVERIES, Messages::columns(dataset, filter)].concat(),
            Dataset::Rejections => Tally::OF_REJECTIONS.to_vec(),
        };
        let make = || Tallies {
            tally: Tally::default(),
            dataset,
            messages: Messages::new(dataset, filter),
            edges: edges.to_vec(),
            done: Vec::new(),
        };
        Ok(self.fold(&narrowed, &columns, make)?.finish())
    }
}

/// Do roll-ups tell the chosen rows apart from the others?
fn is_in_rollups(dataset: Dataset, filter: &Filter) -> bool {
    fn is_only(expr: &Expr, field: Field) -> bool {
        match expr {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().all(|part| is_only(part, field)),
            Expr::Not(inner) => is_only(inner, field),
            Expr::Term(term) => term.field == field,
        }
    }
    filter.expr.as_ref().is_none_or(|expr| match dataset {
        Dataset::Deliveries => is_only(expr, Field::Class),
        Dataset::Rejections => is_only(expr, Field::Status) && matches(expr, &Word("rejected")),
    })
}

/// A row of which only one field is known, a word.
struct Word<'a>(&'a str);

impl Row for Word<'_> {
    fn cell(&self, _field: Field) -> Cell<'_> {
        Cell::Text(self.0)
    }
}

/// What whole quarters between neighbouring edges leave over, ascending.
fn cuts_of(edges: &[Micros]) -> Vec<(Micros, Micros)> {
    let mut cuts: Vec<(Micros, Micros)> = Vec::new();
    let mut cut = |from: Micros, until: Micros| match cuts.last_mut() {
        _ if from >= until => {}
        Some((_, end)) if *end == from => *end = until,
        _ => cuts.push((from, until)),
    };
    for pair in edges.windows(2) {
        let (from, until) = (pair[0], pair[1]);
        let first_whole =
            from.div_euclid(QUARTER).saturating_add(i64::from(from.rem_euclid(QUARTER) > 0)).saturating_mul(QUARTER);
        let last_whole = until.div_euclid(QUARTER).saturating_mul(QUARTER);
        if first_whole >= last_whole {
            cut(from, until);
        } else {
            cut(from, first_whole);
            cut(last_whole, until);
        }
    }
    cuts
}

/// Rows as they come, counted by bucket.
struct Tallies {
    tally: Tally,
    dataset: Dataset,
    messages: Messages,
    edges: Vec<Micros>,
    done: Vec<Tally>,
}

impl Tallies {
    fn finish(self) -> Vec<Rollup> {
        self.done.into_iter().chain([self.tally]).map(Tally::finish).collect()
    }
}

impl Fold for Tallies {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let edges = &self.edges;
        let slot = |ts: Micros| bucket_of_time(edges, ts).map(|bucket| bucket as i64);
        match self.dataset {
            Dataset::Deliveries => self.tally.add_deliveries(batch, &self.messages.begins(batch)?, slot),
            Dataset::Rejections => self.tally.add_rejections(batch, slot),
        }
    }

    fn merge(&mut self, other: Self) {
        self.done.extend(other.done.into_iter().chain([other.tally]));
    }
}

fn bucket_of_time(edges: &[Micros], ts: Micros) -> Option<usize> {
    let bucket = edges.partition_point(|&edge| edge <= ts).checked_sub(1)?;
    (bucket + 1 < edges.len()).then_some(bucket)
}
