//! Journeys derived from hops, for the time that an import touched.
//!
//! A journey is a pure function of the hops that belong to it, so those that may have changed are dropped and derived again:
//! every journey that overlaps the touched time, from all the hops that it can be made of. In a store that held nothing before, hops
//! are linked while the lines are read, as soon as no later line can change them; what turns out to be too early is derived again.

use vigie_correlator::Linker;
use vigie_lake::{Commit, Replacement, Snapshot, Table, Writer};
use vigie_model::{Hop, Journey, MICROS_PER_SECOND, Micros, Text};

use super::{ImportError, Phase, Run};

/// Two hops farther apart than this are never linked by anything between them.
const REACH_MICROS: Micros = 7_200 * MICROS_PER_SECOND;
/// Journeys gathered before the older half of them is written: most come nearly in order of their arrival, and so few stay in the
/// processor's cache.
const WINDOW_JOURNEYS: usize = 1_024;
/// Journeys that came after younger ones were written, such as those that waited in a queue: gathered for a file of their own.
const LATE_JOURNEYS_MAX: usize = 32_768;

/// Links what no later line can change any more, of the hops that began before this, for the commit to come.
pub fn derive_early(run: &mut Run, until: Micros) -> Result<(), ImportError> {
    let Some(early) = &mut run.early else { return Ok(()) };
    if !run.recent.is_worth_taking() {
        return Ok(());
    }
    let Some(hops) = run.recent.take_before(until.min(run.state.settled_until())) else {
        run.early = None;
        return Ok(());
    };
    hops.into_iter().try_for_each(|hop| early.push(hop, &mut run.writer))
}

/// Derives what is to be derived; returns how many journeys were stored.
pub fn derive(run: &mut Run, watch: &mut dyn FnMut(&Phase) -> bool) -> Result<u64, ImportError> {
    let Some((first, last)) = run.state.touched else { return Ok(0) };
    let mut open = run.state.open_hops();
    open.sort_by_key(|hop| hop.ts_in);
    if let Some(early) = run.early.take()
        && let Some(rest) = run.recent.take_before(Micros::MAX)
    {
        return link(run, early, Commit::new(), rest.into_iter().map(Ok), open, watch);
    }
    let (from, until) = (first - REACH_MICROS, last + REACH_MICROS);
    let snapshot = run.lake.snapshot()?;
    let mut old = Vec::new();
    let (mut read_from, mut read_until) = (from, until);
    for journey in snapshot.journeys_overlapping(from, until)? {
        let journey = journey?;
        read_from = read_from.min(journey.first_arrival);
        read_until = read_until.max(journey.last_seen);
        old.push(journey.id);
    }
    let (hops_from, hops_until) = (read_from - REACH_MICROS, read_until + REACH_MICROS);
    let hops = run.recent.hops_overlapping(&run.before, &snapshot, hops_from, hops_until)?;
    let mut commit = Commit::new();
    if !old.is_empty() {
        commit.replace(Replacement::Journeys { ids: old, first_arrivals: Some(read_from..read_until + 1) });
    }
    let linking = Linking { period: Some((from, until)), ..Linking::default() };
    let hops = hops.map(|hop| hop.map_err(ImportError::from));
    link(run, linking, commit, hops, open, watch)
}

/// Links hops that come in order of `ts_in`, those that are still open among them, and stores the journeys with the commit.
fn link(
    run: &mut Run,
    mut linking: Linking,
    commit: Commit,
    hops: impl Iterator<Item = Result<Box<Hop>, ImportError>>,
    open: Vec<Hop>,
    watch: &mut dyn FnMut(&Phase) -> bool,
) -> Result<u64, ImportError> {
    let mut told = 0;
    let mut open = open.into_iter().peekable();
    for hop in hops {
        let hop = hop?;
        while let Some(waiting) = open.next_if(|waiting| waiting.ts_in <= hop.ts_in) {
            linking.push(Box::new(waiting), &mut run.writer)?;
        }
        linking.push(hop, &mut run.writer)?;
        if linking.stored > told {
            told = linking.stored;
            watch(&Phase::Linking { journeys: told });
        }
    }
    open.try_for_each(|waiting| linking.push(Box::new(waiting), &mut run.writer))?;
    let stored = linking.finish(&mut run.writer)?;
    run.state.touched = None;
    run.commit(commit)?;
    Ok(stored)
}

/// Hops on their way through the linker, and journeys on theirs into the store.
#[derive(Default)]
pub struct Linking {
    linker: Linker,
    /// Journeys outside of it are known already, and may be seen only in part here.
    period: Option<(Micros, Micros)>,
    journeys: Vec<Journey>,
    late: Vec<Journey>,
    /// Place of the youngest journey written in order.
    written: Option<(Micros, Text)>,
    stored: u64,
}

impl Linking {
    /// For a store that holds nothing which a hop could be linked with.
    pub fn early(before: &Snapshot) -> Option<Self> {
        let is_empty = |table| before.extent(table).is_none();
        (is_empty(Table::Hops) && is_empty(Table::Deliveries)).then(Self::default)
    }

    fn push(&mut self, hop: Box<Hop>, writer: &mut Writer) -> Result<(), ImportError> {
        self.linker.push(hop, &mut self.journeys);
        if self.journeys.len() >= WINDOW_JOURNEYS {
            self.write_older_half(writer)?;
        }
        Ok(())
    }

    fn write_older_half(&mut self, writer: &mut Writer) -> Result<(), ImportError> {
        self.sort();
        let older = self.journeys.len() / 2;
        self.stored += older as u64;
        writer.stage_journeys(&self.journeys[..older])?;
        // In place: to grow the list anew each time is to copy it.
        if let Some(last) = self.journeys.drain(..older).next_back() {
            self.written = Some((last.first_arrival, last.id));
        }
        if self.late.len() >= LATE_JOURNEYS_MAX {
            self.write_late(writer)?;
        }
        Ok(())
    }

    /// In the order in which the store keeps them; those that come too late for it apart.
    fn sort(&mut self) {
        if let Some((from, until)) = self.period {
            self.journeys.retain(|journey| journey.last_seen >= from && journey.first_arrival < until);
        }
        self.journeys.sort_unstable_by(|a, b| place(a).cmp(&place(b)));
        if let Some((ts, id)) = &self.written {
            let in_time = self.journeys.partition_point(|journey| place(journey) < (*ts, &**id));
            self.late.extend(self.journeys.drain(..in_time));
        }
    }

    fn write(&mut self, journeys: &[Journey], writer: &mut Writer) -> Result<(), ImportError> {
        self.stored += journeys.len() as u64;
        Ok(writer.stage_journeys(journeys)?)
    }

    fn write_late(&mut self, writer: &mut Writer) -> Result<(), ImportError> {
        let mut late = std::mem::take(&mut self.late);
        late.sort_unstable_by(|a, b| place(a).cmp(&place(b)));
        self.write(&late, writer)
    }

    fn finish(mut self, writer: &mut Writer) -> Result<u64, ImportError> {
        std::mem::take(&mut self.linker).finish(&mut self.journeys);
        self.sort();
        let journeys = std::mem::take(&mut self.journeys);
        self.write(&journeys, writer)?;
        self.write_late(writer)?;
        Ok(self.stored)
    }
}

/// Where the store keeps a journey.
fn place(journey: &Journey) -> (Micros, &str) {
    (journey.first_arrival, &journey.id)
}
