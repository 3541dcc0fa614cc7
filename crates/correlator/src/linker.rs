//! Hops become journeys. A pure function of the set of hops: order of arrival, and in which pieces they come, never shows.
//!
//! [`Linker`] works in bounded memory on hops that come in order of `ts_in`: what is closed and older than any link can
//! reach is given out and forgotten.

mod asleep;
mod evidence;
mod journey;
mod live;
pub(crate) mod passed_over;

use std::cmp::Ordering;

use vigie_model::{Hop, Journey, MICROS_PER_SECOND, Micros};

use self::evidence::{Links, Member};
pub use self::live::{Held, LiveLinker, Round};
pub use self::passed_over::PassedOver;
use crate::text::Detail;

/// Clocks of two servers may differ by this much.
pub(crate) const SKEW_MICROS: Micros = 120 * MICROS_PER_SECOND;
/// From the beginning of a transaction to the reply that ends it: SMTP's own time limits add up to less.
pub(crate) const TRANSACTION_MICROS_MAX: Micros = 3_600 * MICROS_PER_SECOND;
/// No link reaches further than this beyond a hop's last line.
const REACH_MICROS: Micros = 2 * SKEW_MICROS;
/// Hops gathered before the next round of linking: few enough that a round works within the processor's cache.
const ROUND_HOPS_MIN: usize = 400;

/// Links hops that come in order of `ts_in` (ties in any order), in bounded memory.
pub struct Linker {
    /// Boxed, because they are moved about far more often than looked at.
    pending: Vec<Box<Hop>>,
    next_round: usize,
    round_hops_min: usize,
    passed_over: PassedOver,
    /// What was told of copies of messages that no log told of.
    orphans: u64,
    detail: Detail,
}

impl Default for Linker {
    fn default() -> Self {
        Self::in_rounds_of(ROUND_HOPS_MIN)
    }
}

impl Linker {
    /// A linker that gathers this many hops before a round. The size of the rounds never shows in the journeys.
    pub fn in_rounds_of(hops: usize) -> Self {
        Self {
            pending: Vec::new(),
            next_round: 0,
            round_hops_min: hops,
            passed_over: PassedOver::default(),
            orphans: 0,
            detail: Detail::Whole,
        }
    }

    /// A linker whose journeys are counted, and shown to nobody: they have no ids, neither their own nor of messages.
    pub fn counting() -> Self {
        Self { detail: Detail::Counts, ..Self::default() }
    }

    /// From now on, these messages are not waited for: their hops come when they close, however early they began. Of all others
    /// none may come that began after [`PassedOver::limit`].
    pub fn pass_over(&mut self, messages: PassedOver) {
        self.passed_over = messages;
    }

    /// Takes a hop; every later one must have no earlier `ts_in`, unless it was passed over. Journeys that nothing can change any more go to `out`.
    pub fn push(&mut self, hop: impl Into<Box<Hop>>, out: &mut Vec<Journey>) {
        let hop = hop.into();
        let now = hop.ts_in;
        if self.pending.len() >= self.next_round.max(self.round_hops_min) {
            self.round(now - REACH_MICROS, out);
            self.next_round = 2 * self.pending.len();
        }
        self.pending.push(hop);
    }

    /// Gives out all that is left, open messages too. Returns of how many copies something was told, and no log tells of the message.
    pub fn finish(mut self, out: &mut Vec<Journey>) -> u64 {
        self.round(Micros::MAX, out);
        self.orphans
    }

    fn round(&mut self, limit: Micros, out: &mut Vec<Journey>) {
        let mut hops = std::mem::take(&mut self.pending);
        // Nearly in order already, which the merge sort likes.
        hops.sort_by_key(|hop| hop.ts_in);
        hops.chunk_by_mut(|a, b| a.ts_in == b.ts_in).for_each(|moment| moment.sort_by(|a, b| at_one_time(a, b)));
        let mut links = Links::find(&hops);
        let mut keep = vec![false; hops.len()];
        let members = links.members();
        for group in members.chunk_by(Member::same_group) {
            let old = |member: &Member| {
                let hop = &hops[member.at];
                hop.closed && hop.ts_out < limit && !self.passed_over.may_concern(hop)
            };
            if limit == Micros::MAX || group.iter().all(old) {
                for members in group.chunk_by(Member::same_journey) {
                    match journey::build(&mut hops, &links, members, self.detail) {
                        Some(journey) => out.push(journey),
                        None => self.orphans += members.len() as u64,
                    }
                }
            } else {
                group.iter().for_each(|member| keep[member.at] = true);
            }
        }
        let mut keep = keep.into_iter();
        hops.retain(|_| keep.next().unwrap_or(true));
        self.pending = hops;
    }
}

/// The order of hops that began at the same time.
fn at_one_time(a: &Hop, b: &Hop) -> Ordering {
    (&a.server, &a.instance, a.queue_id, &a.message_id).cmp(&(&b.server, &b.instance, b.queue_id, &b.message_id))
}

/// Links a set of hops at once. Journeys come in order of first arrival, then id.
pub fn link(hops: Vec<Hop>) -> Vec<Journey> {
    let mut out = Vec::new();
    Linker { pending: hops.into_iter().map(Box::new).collect(), ..Linker::default() }.finish(&mut out);
    out.sort_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
    out
}
