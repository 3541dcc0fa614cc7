//! Messages that have been in a queue for so long that linking does not wait for them.
//!
//! A frozen message may stay for weeks, and all that came after it would have to be kept. But what belongs to it shares a name with it:
//! its queue id, its message id, or one that it names. And a name that it will learn of only later (the next server's, with the reply)
//! is that of something recent. So what names it is kept, and for the rest the last hour is.

use rustc_hash::FxHashSet;
use vigie_model::{Hop, Micros, QueueId};
use xxhash_rust::xxh3::xxh3_64;

use super::{REACH_MICROS, TRANSACTION_MICROS_MAX};

/// A queue id, a message id or an organisation's name for a message, hashed: when two fall together, a hop is kept that need not be.
pub type Name = u64;

/// What linking goes on without.
#[derive(Debug, Default)]
pub struct PassedOver {
    names: FxHashSet<Name>,
    /// What began later may still be named by one of them.
    until: Option<Micros>,
}

impl PassedOver {
    /// For messages that began before the time which is returned, where lines are read at `now`.
    pub fn at(now: Micros) -> (Self, Micros) {
        let until = now.saturating_sub(TRANSACTION_MICROS_MAX + REACH_MICROS);
        (Self { names: FxHashSet::default(), until: Some(until) }, until)
    }

    /// About how much was to be looked at for this.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn add(&mut self, names: impl Iterator<Item = Name>) {
        self.names.extend(names);
    }

    /// Hops that began before this, and have none of the names, have nothing to do with them.
    pub fn limit(&self) -> Micros {
        self.until.filter(|_| !self.names.is_empty()).unwrap_or(Micros::MAX)
    }

    pub(super) fn may_concern(&self, hop: &Hop) -> bool {
        if self.names.is_empty() {
            return false;
        }
        let next = hop.recipients.iter().filter_map(|recipient| recipient.next_id);
        let ids = [hop.queue_id, hop.previous_queue_id, hop.notice_of].into_iter().flatten();
        let ids = ids.chain(hop.requeued_as.iter().copied()).chain(next).map(|id| of_id(&id));
        let mut names = ids.chain(of_text(&hop.message_id)).chain(of_text(&hop.network_id));
        names.any(|name| self.names.contains(&name))
    }
}

pub(crate) fn of_id(id: &QueueId) -> Name {
    xxh3_64(id.as_bytes())
}

/// The shortest, `<>`, is that of messages without one.
pub(crate) fn of_text(text: &str) -> Option<Name> {
    (text.len() > 2).then(|| xxh3_64(text.as_bytes()))
}
