//! One roll-up among those that a question adds up.

use std::borrow::Cow;

use vigie_model::Micros;

use super::bucket_of_time;
use crate::rollup::{Counts, Loaded, QUARTER};

/// What the slots of a roll-up stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Slots {
    Quarters,
    Buckets,
}

/// A roll-up, with the numbers of its texts among those of all.
pub(super) struct Part<'a> {
    pub(super) counts: &'a Counts,
    pub(super) senders: Cow<'a, [u32]>,
    pub(super) names: Cow<'a, [u32]>,
    pub(super) slots: Slots,
    /// By class.
    pub(super) is_chosen: Vec<bool>,
}

impl<'a> Part<'a> {
    pub(super) fn of_file(loaded: &'a Loaded) -> Self {
        let (senders, names) = ((&loaded.senders[..]).into(), (&loaded.names[..]).into());
        Part { counts: &loaded.counts, senders, names, slots: Slots::Quarters, is_chosen: Vec::new() }
    }

    pub(super) fn is_chosen(&self, class: usize) -> bool {
        self.is_chosen.get(class).copied().unwrap_or(false)
    }

    /// Is the way of this exit one of a chosen class?
    pub(super) fn is_exit_chosen(&self, exit: usize) -> bool {
        self.is_chosen(self.counts.ways[self.counts.exits[exit].way as usize].class as usize)
    }

    /// The bucket that a whole slot lies in; none where an edge cuts it.
    pub(super) fn bucket(&self, edges: &[Micros], slot: i64) -> Option<usize> {
        if self.slots == Slots::Buckets {
            return usize::try_from(slot).ok();
        }
        let begin = slot.saturating_mul(QUARTER);
        let bucket = bucket_of_time(edges, begin)?;
        (begin.saturating_add(QUARTER) <= edges[bucket + 1]).then_some(bucket)
    }
}
