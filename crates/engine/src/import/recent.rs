//! The hops that this run stored, kept for the derivation of journeys, so that it need not read back what was just written.

use std::cmp::Ordering;

use vigie_lake::{LakeError, Snapshot};
use vigie_model::{Hop, Micros};

/// Hops kept at most, some 140 MB; of more, all are read back.
const HOPS_MAX: usize = 150_000;

/// Hops on their way to the linker.
pub type Hops = Box<dyn Iterator<Item = Result<Box<Hop>, LakeError>>>;

/// Hops stored by this run, in the order of the store.
pub struct Recent {
    /// `None` when the store is to be asked: there were too many, or they came too late, or what was stored was changed.
    hops: Option<Vec<Box<Hop>>>,
    /// Hops that began before this were taken.
    taken_until: Micros,
    /// With so many it is worth while to ask how many can be taken, which looks at all that is open.
    worth_taking: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self { hops: Some(Vec::new()), taken_until: Micros::MIN, worth_taking: 0 }
    }
}

impl Recent {
    /// Adds the hops of a commit, which are in order.
    pub fn add(&mut self, hops: Vec<Box<Hop>>) {
        let Some(known) = &mut self.hops else { return };
        let is_late = hops.first().is_some_and(|first| first.ts_in < self.taken_until);
        if is_late || known.len() + hops.len() > HOPS_MAX {
            return self.forget();
        }
        known.extend(hops);
        // Two stretches that are in order, which the merge sort likes.
        known.sort_by(|a, b| in_order(a, b));
    }

    /// From now on the store is asked.
    pub fn forget(&mut self) {
        self.hops = None;
    }

    /// Takes the hops that began before this, in order; `None` when the store is to be asked.
    pub fn take_before(&mut self, until: Micros) -> Option<Vec<Box<Hop>>> {
        let known = self.hops.as_mut()?;
        self.taken_until = self.taken_until.max(until);
        let taken = known.drain(..known.partition_point(|hop| hop.ts_in < until)).collect();
        self.worth_taking = 2 * known.len();
        Some(taken)
    }

    /// Have many come since hops were taken, or is it time to hear that the store is to be asked?
    pub fn is_worth_taking(&self) -> bool {
        self.hops.as_ref().is_none_or(|known| known.len() >= self.worth_taking)
    }

    /// All stored hops that overlap this time, in the order of the store, where none were taken. `before` is the store before this
    /// run, `now` as it is.
    pub fn hops_overlapping(
        &mut self,
        before: &Snapshot,
        now: &Snapshot,
        from: Micros,
        until: Micros,
    ) -> Result<Hops, LakeError> {
        let boxed = |hop: Result<Hop, LakeError>| hop.map(Box::new);
        let Some(recent) = self.hops.take() else {
            return Ok(Box::new(now.hops_overlapping(from, until)?.map(boxed)));
        };
        let overlaps = move |hop: &Hop| hop.ts_in < until && hop.ts_out >= from;
        let mut recent = recent.into_iter().filter(move |hop| overlaps(hop)).peekable();
        let mut before = before.hops_overlapping(from, until)?.map(boxed).peekable();
        Ok(Box::new(std::iter::from_fn(move || match (recent.peek(), before.peek()) {
            (Some(new), Some(Ok(old))) if in_order(old, new).is_le() => before.next(),
            (Some(_), None | Some(Ok(_))) => recent.next().map(Ok),
            (_, Some(Err(_))) | (None, _) => before.next(),
        })))
    }
}

/// The order in which the store keeps hops: what comes in order need not be copied into it.
pub fn in_order(a: &Hop, b: &Hop) -> Ordering {
    (a.ts_in, &a.server, &a.instance, a.queue_id).cmp(&(b.ts_in, &b.server, &b.instance, b.queue_id))
}
