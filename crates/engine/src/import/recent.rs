//! The hops that this run stored, kept for the derivation of journeys, so that it need not read back what was just written.

use std::cmp::Ordering;

use vigie_lake::{LakeError, Snapshot};
use vigie_model::{Hop, Micros};

/// Hops kept at most, some 140 MB; of more, all are read back.
const HOPS_MAX: usize = 150_000;

/// Hops stored by this run, commit by commit; `None` when there were too many, or what was stored before was changed.
pub struct Recent(Option<Vec<Vec<Hop>>>);

impl Default for Recent {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl Recent {
    /// Adds the hops of a commit, which are in order.
    pub fn add(&mut self, hops: Vec<Hop>) {
        match &mut self.0 {
            Some(known) if known.iter().map(Vec::len).sum::<usize>() + hops.len() <= HOPS_MAX => known.push(hops),
            _ => self.0 = None,
        }
    }

    /// From now on the store is asked.
    pub fn forget(&mut self) {
        self.0 = None;
    }

    /// All stored hops that overlap this time, in the order of the store. `before` is the store before this run, `now` as it is.
    pub fn hops_overlapping(
        &mut self,
        before: &Snapshot,
        now: &Snapshot,
        from: Micros,
        until: Micros,
    ) -> Result<Box<dyn Iterator<Item = Result<Hop, LakeError>>>, LakeError> {
        let Some(recent) = self.0.take() else {
            return Ok(Box::new(now.hops_overlapping(from, until)?));
        };
        let overlaps = move |hop: &Hop| hop.ts_in < until && hop.ts_out >= from;
        let recent = recent.into_iter().map(|hops| hops.into_iter().filter(overlaps).peekable());
        let mut recent: Vec<_> = recent.collect();
        let mut before = before.hops_overlapping(from, until)?.peekable();
        Ok(Box::new(std::iter::from_fn(move || {
            let heads = recent.iter_mut().enumerate().filter_map(|(at, hops)| Some((at, hops.peek()?)));
            let first = heads.min_by(|(_, a), (_, b)| in_order(a, b));
            match (first, before.peek()) {
                (Some((_, new)), Some(Ok(old))) if in_order(old, new).is_le() => before.next(),
                (Some((at, _)), None | Some(Ok(_))) => recent[at].next().map(Ok),
                (_, Some(Err(_))) | (None, _) => before.next(),
            }
        })))
    }
}

/// The order in which the store keeps hops: what comes in order need not be copied into it.
pub fn in_order(a: &Hop, b: &Hop) -> Ordering {
    // Two empty texts are not given to `memcmp`: see `same` in the correlator.
    let named = !a.instance.is_empty() || !b.instance.is_empty();
    let instances = || if named { a.instance.cmp(&b.instance) } else { Ordering::Equal };
    let names = || a.server.cmp(&b.server).then_with(instances);
    a.ts_in.cmp(&b.ts_in).then_with(names).then_with(|| a.queue_id.cmp(&b.queue_id))
}
