//! Journeys derived from hops, for the time that an import touched.
//!
//! A journey is a pure function of the hops that belong to it, so those that may have changed are dropped and derived again:
//! every journey that overlaps the touched time, from all the hops that it can be made of.

use vigie_correlator::Linker;
use vigie_lake::{Commit, Replacement};
use vigie_model::{Journey, MICROS_PER_SECOND, Micros};

use super::{ImportError, Phase, Run, hull};

/// Two hops farther apart than this are never linked by anything between them.
const REACH_MICROS: Micros = 7_200 * MICROS_PER_SECOND;
/// Journeys of one commit.
const COMMIT_JOURNEYS_MAX: usize = 40_000;

/// Derives what is to be derived; returns how many journeys were stored.
pub fn derive(run: &mut Run, watch: &mut dyn FnMut(&Phase) -> bool) -> Result<u64, ImportError> {
    let mut open = run.state.open_hops();
    for hop in &open {
        run.state.touched = hull(run.state.touched, hop.ts_in, hop.ts_out);
    }
    let Some((first, last)) = run.state.touched else { return Ok(0) };
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
    let mut derivation = Derivation { run, commit: Commit::new(), journeys: Vec::new(), from, until, stored: 0 };
    if !old.is_empty() {
        let first_arrivals = Some(read_from..read_until + 1);
        derivation.commit.replace(Replacement::Journeys { ids: old, first_arrivals });
    }
    open.sort_by_key(|hop| hop.ts_in);
    let mut open = open.into_iter().peekable();
    let mut linker = Linker::default();
    for hop in hops {
        let hop = hop?;
        while let Some(waiting) = open.next_if(|waiting| waiting.ts_in <= hop.ts_in) {
            linker.push(waiting, &mut derivation.journeys);
        }
        linker.push(hop, &mut derivation.journeys);
        derivation.store_if_full(watch)?;
    }
    for waiting in open {
        linker.push(waiting, &mut derivation.journeys);
    }
    linker.finish(&mut derivation.journeys);
    derivation.finish()
}

struct Derivation<'a> {
    run: &'a mut Run,
    commit: Commit,
    journeys: Vec<Journey>,
    from: Micros,
    until: Micros,
    stored: u64,
}

impl Derivation<'_> {
    fn store_if_full(&mut self, watch: &mut dyn FnMut(&Phase) -> bool) -> Result<(), ImportError> {
        if self.journeys.len() >= COMMIT_JOURNEYS_MAX {
            self.add();
            self.run.commit(std::mem::take(&mut self.commit))?;
            watch(&Phase::Linking { journeys: self.stored });
        }
        Ok(())
    }

    /// Journeys outside the touched time are known already, and may be seen only in part here.
    fn add(&mut self) {
        let (from, until) = (self.from, self.until);
        self.journeys.retain(|journey| journey.last_seen >= from && journey.first_arrival < until);
        // In the order in which the store keeps them: then it need not copy them into it.
        self.journeys.sort_unstable_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
        self.stored += self.journeys.len() as u64;
        self.commit.journeys(&self.journeys);
        self.journeys.clear();
    }

    fn finish(mut self) -> Result<u64, ImportError> {
        self.add();
        self.run.state.touched = None;
        self.run.commit(self.commit)?;
        Ok(self.stored)
    }
}
