//! Hops become journeys. A pure function of the set of hops: order of arrival, and in which pieces they come, never shows.
//!
//! [`Linker`] works in bounded memory on hops that come in order of `ts_in`: what is closed and older than any link can
//! reach is given out and forgotten.

mod evidence;
mod journey;

use vigie_model::{Hop, Journey, MICROS_PER_SECOND, Micros};

use self::evidence::Links;

/// Clocks of two servers may differ by this much.
pub(crate) const SKEW_MICROS: Micros = 120 * MICROS_PER_SECOND;
/// From the beginning of a transaction to the reply that ends it: SMTP's own time limits add up to less.
pub(crate) const TRANSACTION_MICROS_MAX: Micros = 3_600 * MICROS_PER_SECOND;
/// No link reaches further than this beyond a hop's last line.
const REACH_MICROS: Micros = 2 * SKEW_MICROS;
/// Hops gathered before the next round of linking.
const ROUND_HOPS_MIN: usize = 20_000;

/// Links hops that come in order of `ts_in` (ties in any order), in bounded memory.
#[derive(Default)]
pub struct Linker {
    /// Boxed, because they are moved about far more often than looked at.
    pending: Vec<Box<Hop>>,
    next_round: usize,
}

impl Linker {
    /// Takes a hop; every later one must have no earlier `ts_in`. Journeys that nothing can change any more go to `out`.
    pub fn push(&mut self, hop: Hop, out: &mut Vec<Journey>) {
        let now = hop.ts_in;
        if self.pending.len() >= self.next_round.max(ROUND_HOPS_MIN) {
            self.round(now - REACH_MICROS, out);
            self.next_round = 2 * self.pending.len();
        }
        self.pending.push(Box::new(hop));
    }

    /// Gives out all that is left, open messages too.
    pub fn finish(mut self, out: &mut Vec<Journey>) {
        self.round(Micros::MAX, out);
    }

    fn round(&mut self, limit: Micros, out: &mut Vec<Journey>) {
        let mut hops = std::mem::take(&mut self.pending);
        // Nearly in order already, which the merge sort likes.
        hops.sort_by(|a, b| {
            (a.ts_in, &a.server, &a.instance, a.queue_id, &a.message_id).cmp(&(b.ts_in, &b.server, &b.instance, b.queue_id, &b.message_id))
        });
        let links = Links::find(&hops);
        let mut keep = vec![false; hops.len()];
        for group in links.groups() {
            let old = |&(_, at): &(usize, usize)| hops[at].closed && hops[at].ts_out < limit;
            if limit == Micros::MAX || group.members.iter().all(old) {
                out.extend(group.journeys().map(|members| journey::build(&hops, &links, &members)));
            } else {
                group.members.iter().for_each(|&(_, at)| keep[at] = true);
            }
        }
        let mut keep = keep.into_iter();
        hops.retain(|_| keep.next().unwrap_or(true));
        self.pending = hops;
    }
}

/// Links a set of hops at once. Journeys come in order of first arrival, then id.
pub fn link(hops: Vec<Hop>) -> Vec<Journey> {
    let mut out = Vec::new();
    Linker { pending: hops.into_iter().map(Box::new).collect(), next_round: 0 }.finish(&mut out);
    out.sort_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
    out
}
