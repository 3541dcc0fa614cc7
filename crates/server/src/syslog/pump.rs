//! From spools into the store: a thread that gives the ingest what it can take, and lets a spool forget what is durable.
//!
//! Invariant: a spool hears `durable` only of what the store holds for good and the spool itself gave out. There are no places to
//! save: after a restart a spool gives all that it holds again, as the same streams, and the ingest passes over what it knows.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use vigie_engine::{
    import::live::{Arrival, NotTaken, StreamKey},
    ingest::{Ingest, Position},
};
use vigie_sources::{Feed, Piece, SourceError, StreamId};

/// What the streams' sender is called. No collector has a slash in its name.
const SENDER: &str = "server/syslog";
/// How long a line waits at most before it is looked for.
const POLL: Duration = Duration::from_millis(50);
/// Pieces of one spool in a row, so that a full one does not hold up the others.
const PIECES_OF_A_TURN: usize = 16;
/// Before a spool that cannot be read is tried again.
const TROUBLE_PAUSE: Duration = Duration::from_secs(10);

/// The thread.
pub struct Pump {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Pump {
    /// Begins.
    pub fn start<F: Feed + 'static>(feeds: Vec<F>, ingest: Arc<Ingest>) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let mut lanes: Vec<Lane<F>> = feeds.into_iter().map(Lane::new).collect();
        let work = move || {
            while !over.load(Ordering::Relaxed) {
                let moved = lanes.iter_mut().fold(false, |moved, lane| lane.turn(&*ingest) | moved);
                if !moved {
                    std::thread::park_timeout(POLL);
                }
            }
        };
        let thread = std::thread::Builder::new().name("syslog".to_owned()).spawn(work)?;
        Ok(Self { is_over, thread })
    }

    /// Ends, after what it is at.
    pub fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        if self.thread.join().is_err() {
            tracing::error!("syslog was not stored to the end, by a fault of the program; the rest waits in its spool");
        }
    }
}

/// Where lines go.
trait Store {
    fn take(&self, arrival: &Arrival<'_>) -> Result<Position, NotTaken>;
    fn position(&self, key: &StreamKey) -> Option<Position>;
}

impl Store for Ingest {
    fn take(&self, arrival: &Arrival<'_>) -> Result<Position, NotTaken> {
        Ingest::take(self, arrival)
    }

    fn position(&self, key: &StreamKey) -> Option<Position> {
        Ingest::position(self, key)
    }
}

/// One spool.
struct Lane<F> {
    feed: F,
    streams: BTreeMap<StreamId, Extent>,
    /// What the store had no room for.
    waiting: Option<Piece>,
    resting_until: Option<Instant>,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    /// Up to where the spool gave it out, and the store took it.
    given: u64,
    /// Up to where the spool was told that it may forget.
    told: u64,
    /// The store took its end.
    has_ended: bool,
}

impl<F: Feed> Lane<F> {
    fn new(feed: F) -> Self {
        Lane { feed, streams: BTreeMap::new(), waiting: None, resting_until: None }
    }

    /// Does what can be done now; whether there may be more.
    fn turn(&mut self, store: &impl Store) -> bool {
        for event in self.feed.events() {
            tracing::warn!(spool = self.feed.label(), "{event}");
        }
        if self.resting_until.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        self.resting_until = None;
        let carried = self.follow(store).and_then(|()| self.carry(store));
        carried.unwrap_or_else(|error| {
            tracing::error!(spool = self.feed.label(), %error, "lines wait in their spool");
            self.resting_until = Some(Instant::now() + TROUBLE_PAUSE);
            false
        })
    }

    /// Sees how far the store has come, or fallen back, with what was given.
    fn follow(&mut self, store: &impl Store) -> Result<(), SourceError> {
        let streams: Vec<(StreamId, Extent)> = self.streams.iter().map(|(stream, extent)| (*stream, *extent)).collect();
        for (stream, extent) in streams {
            // One that is not known any more was let go of before any of it was stored.
            let (received, durable) = store
                .position(&key(stream))
                .map_or((extent.told, extent.told), |position| (position.received, position.durable));
            if received < extent.given {
                self.rewind(stream, received.max(extent.told))?;
            }
            self.tell(stream, durable);
        }
        Ok(())
    }

    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        self.waiting.take_if(|piece| piece.stream == stream);
        self.feed.rewind(stream, offset)?;
        let extent = self.streams.entry(stream).or_default();
        (extent.given, extent.has_ended) = (extent.given.min(offset), false);
        Ok(())
    }

    /// Lets the spool forget.
    fn tell(&mut self, stream: StreamId, durable: u64) {
        let Some(extent) = self.streams.get_mut(&stream) else { return };
        let may_forget = durable.min(extent.given);
        if may_forget > extent.told {
            extent.told = may_forget;
            self.feed.durable(stream, may_forget);
        }
        if extent.has_ended && extent.told == extent.given {
            // Once more, where the end came later than the last byte became durable.
            self.feed.durable(stream, extent.told);
            self.streams.remove(&stream);
        }
    }

    fn carry(&mut self, store: &impl Store) -> Result<bool, SourceError> {
        for _ in 0..PIECES_OF_A_TURN {
            let next = if self.waiting.is_some() { self.waiting.take() } else { self.feed.next()? };
            let Some(piece) = next else { return Ok(false) };
            match store.take(&self.arrival(&piece, false)) {
                Ok(_) => self.taken(&piece),
                Err(NotTaken::Busy) => {
                    self.waiting = Some(piece);
                    return Ok(false);
                }
                Err(NotTaken::Gap { expected }) => self.close_gap(piece, expected, store)?,
                Err(NotTaken::Over { end }) => {
                    // Segments do not grow once they are sealed.
                    tracing::error!(
                        spool = self.feed.label(),
                        end,
                        "a stream goes on behind its end; the rest is dropped"
                    );
                    self.taken(&piece);
                    self.tell(piece.stream, piece.end());
                }
            }
        }
        Ok(true)
    }

    fn taken(&mut self, piece: &Piece) {
        let extent = self.streams.entry(piece.stream).or_insert(Extent { told: piece.offset, ..Extent::default() });
        extent.given = extent.given.max(piece.end());
        extent.has_ended |= piece.is_last;
    }

    /// The store has less than what stands before this piece: it is given again, or, where that is forgotten here, noted as a loss.
    fn close_gap(&mut self, piece: Piece, expected: u64, store: &impl Store) -> Result<(), SourceError> {
        let told = self.streams.get(&piece.stream).map_or(0, |extent| extent.told);
        if expected < told && piece.offset == told {
            match store.take(&self.arrival(&piece, true)) {
                Ok(_) => self.taken(&piece),
                Err(_) => self.waiting = Some(piece),
            }
            return Ok(());
        }
        self.rewind(piece.stream, expected.max(told))
    }

    fn arrival<'p>(&'p self, piece: &'p Piece, after_loss: bool) -> Arrival<'p> {
        Arrival {
            key: key(piece.stream),
            label: self.feed.label(),
            // Lines that name no host belong to nobody that is known.
            host: "",
            offset: piece.offset,
            bytes: &piece.bytes,
            is_last: piece.is_last,
            after_loss,
        }
    }
}

fn key(stream: StreamId) -> StreamKey {
    StreamKey { sender: SENDER.into(), stream: stream.0 }
}
