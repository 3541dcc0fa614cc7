//! What is open, for linking at every moment: to see that it stands as it stood must cost less than to build the hop.

use vigie_model::{Hop, Micros, QueueId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{
    queue::{Entry, Queue},
    store::Session,
};

/// A hop that is not closed, or only just.
pub struct OpenHop<'a> {
    mark: u64,
    source: Source<'a>,
}

enum Source<'a> {
    /// A generation of a queue id, by its place.
    Entry(&'a Queue, QueueId, usize, &'a str),
    Session(&'a Session, Option<QueueId>, &'a str),
    Hop(Box<Hop>),
}

impl<'a> OpenHop<'a> {
    pub(crate) fn of_entry(queue: &'a Queue, entry: &Entry, id: QueueId, place: usize, host: &'a str) -> Self {
        let seed = xxh3_64_with_seed(id.as_str().as_bytes(), xxh3_64(host.as_bytes()));
        let mark = mark(seed, [entry.ts_in.cast_unsigned(), place as u64, entry.change.into()]);
        Self { mark, source: Source::Entry(queue, id, place, host) }
    }

    pub(crate) fn of_session(session: &'a Session, id: Option<QueueId>, by_user: &str, host: &'a str) -> Self {
        let name = id.as_ref().map_or(by_user, |id| id.as_str());
        // One more than a queue of that host.
        let seed = xxh3_64_with_seed(name.as_bytes(), xxh3_64(host.as_bytes()).wrapping_add(1));
        let mark = mark(seed, [session.ts_in.cast_unsigned(), u64::from(id.is_some()), session.change]);
        Self { mark, source: Source::Session(session, id, host) }
    }

    /// Changes when the hop does. Another has another.
    pub(crate) fn mark(&self) -> u64 {
        self.mark
    }

    pub(crate) fn build(self) -> Box<Hop> {
        match self.source {
            // What was seen a moment ago is still there: the queue is borrowed.
            Source::Entry(queue, id, place, host) => Box::new(queue.hop(id, place, host).unwrap_or_default()),
            Source::Session(session, id, host) => Box::new(session.hop(id, host, true)),
            Source::Hop(hop) => hop,
        }
    }
}

impl From<Hop> for OpenHop<'_> {
    fn from(hop: Hop) -> Self {
        // Serialising plain data into a vector has no way to fail.
        let mark = xxh3_64(&postcard::to_stdvec(&hop).unwrap_or_default());
        Self { mark, source: Source::Hop(Box::new(hop)) }
    }
}

fn mark(seed: u64, parts: [u64; 3]) -> u64 {
    let mut bytes = [0; 3 * size_of::<Micros>()];
    for (place, part) in bytes.chunks_exact_mut(size_of::<u64>()).zip(parts) {
        place.copy_from_slice(&part.to_le_bytes());
    }
    xxh3_64_with_seed(&bytes, seed)
}
