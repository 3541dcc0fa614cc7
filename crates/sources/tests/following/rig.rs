//! A follower with a clock in hand, a server that checks what it gets, and places on a disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vigie_sources::{Feed, FeedEvent, Follower, PIECE_BYTES_MAX, Piece, Place, SourceError, Start, StreamId};

use super::yard::{Naming, Yard};

/// What the server holds of a stream.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Where the stream began for the server.
    pub start: u64,
    pub bytes: Vec<u8>,
    pub durable: u64,
    pub is_ended: bool,
    /// What the follower was told to be durable in this run: nothing below may come again.
    told: u64,
}

impl Held {
    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

pub struct Rig {
    pub yard: Yard,
    pub follower: Follower,
    pub server: BTreeMap<StreamId, Held>,
    /// Stream ids in the order in which they came.
    pub order: Vec<StreamId>,
    pub events: Vec<FeedEvent>,
    /// The places as they lie on the disk.
    saved: String,
    path: PathBuf,
    clock: Arc<AtomicU64>,
    runs: u128,
}

impl Rig {
    pub fn new(naming: Naming) -> Self {
        Self::of(Yard::new(naming), Start::Beginning)
    }

    pub fn of(yard: Yard, start: Start) -> Self {
        let path = yard.path();
        Self::at(path, yard, start)
    }

    pub fn at(path: PathBuf, yard: Yard, start: Start) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let follower = follower(&path, Vec::new(), start, &clock, 1);
        let (server, order, events) = Default::default();
        Rig { yard, follower, server, order, events, saved: "[]".into(), path, clock, runs: 1 }
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Asks until nothing comes. How many pieces came.
    pub fn poll(&mut self) -> usize {
        self.poll_some(usize::MAX)
    }

    pub fn poll_some(&mut self, pieces_max: usize) -> usize {
        let mut pieces = 0;
        while pieces < pieces_max
            && let Some(piece) = self.follower.next().expect("a feed that never fails")
        {
            self.accept(piece);
            pieces += 1;
        }
        self.events.extend(self.follower.events());
        pieces
    }

    fn accept(&mut self, piece: Piece) {
        assert!(piece.bytes.len() <= PIECE_BYTES_MAX);
        assert!(!piece.bytes.is_empty() || piece.is_last, "an empty piece that is not the last");
        if !self.server.contains_key(&piece.stream) {
            // Before anything of a stream leaves.
            self.save();
            self.order.push(piece.stream);
            self.server.insert(piece.stream, Held { start: piece.offset, ..Held::default() });
        }
        let held = self.server.get_mut(&piece.stream).expect("just made");
        assert!(piece.offset >= held.told, "{} comes again below durable {}", piece.offset, held.told);
        assert!(piece.offset <= held.end(), "a gap from {} to {}", held.end(), piece.offset);
        let known = (piece.offset - held.start) as usize;
        let again = (held.bytes.len() - known).min(piece.bytes.len());
        let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(99)]).into_owned();
        let (had, has) = (&held.bytes[known..known + again], &piece.bytes[..again]);
        assert!(had == has, "other bytes at {}: {} {}", piece.offset, text(had), text(has));
        held.bytes.extend_from_slice(&piece.bytes[again..]);
        held.is_ended |= piece.is_last;
    }

    /// Puts the places on the disk.
    pub fn save(&mut self) {
        self.saved = serde_json::to_string(&self.follower.places()).expect("text");
    }

    /// The server holds so much of a stream for good.
    pub fn durable(&mut self, stream: StreamId, offset: u64) {
        let held = self.server.get_mut(&stream).expect("a stream");
        assert!(offset <= held.end());
        held.durable = held.durable.max(offset);
        held.told = held.durable;
        self.follower.durable(stream, held.durable);
    }

    pub fn durable_all(&mut self) {
        for stream in self.order.clone() {
            self.durable(stream, self.server[&stream].end());
        }
    }

    /// The server forgets what is not durable, from an offset on, and asks for it again.
    pub fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        let held = self.server.get_mut(&stream).expect("a stream");
        self.follower.rewind(stream, offset)?;
        held.bytes.truncate((offset - held.start) as usize);
        held.is_ended = false;
        Ok(())
    }

    /// Kills the collector, which goes on from the places on its disk. The server keeps what it got.
    pub fn restart(&mut self) {
        self.events.extend(self.follower.events());
        self.runs += 1;
        let places: Vec<Place> = serde_json::from_str(&self.saved).expect("places");
        for held in self.server.values_mut() {
            held.told = 0;
        }
        self.follower = follower(&self.path, places, Start::Beginning, &self.clock, self.runs);
    }

    /// Kills it with the places of this moment on the disk.
    pub fn stop_and_start(&mut self) {
        self.save();
        self.restart();
    }

    /// Lets everything come to its end: time passes, all is read and durable.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..10_000 {
            quiet = if self.poll() == 0 { quiet + 1 } else { 0 };
            self.durable_all();
            self.pass(3);
            if quiet > 12 {
                return;
            }
        }
        panic!("it never comes to an end");
    }

    /// The streams' bytes in the order of the streams, without empty ones.
    pub fn streams(&self) -> Vec<String> {
        let texts = self.order.iter().map(|id| String::from_utf8_lossy(&self.server[id].bytes).into_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// What the streams are to be: the generations, the last one as far as it has whole lines.
    pub fn expected(&self) -> Vec<String> {
        let mut generations = self.yard.generations.clone();
        if let Some(live) = generations.last_mut() {
            let end = live.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            live.truncate(end);
        }
        let texts = generations.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// Settles, and demands each generation as one stream, byte for byte, in order, with nothing lost.
    pub fn expect_all(&mut self) {
        self.settle();
        let (streams, wanted) = (self.streams(), self.expected());
        self.expect(streams, wanted);
    }

    /// The same, when streams that overlap may come in any order: half a line may come long after what is behind it.
    pub fn expect_each(&mut self) {
        self.settle();
        let (mut streams, mut wanted) = (self.streams(), self.expected());
        streams.sort();
        wanted.sort();
        self.expect(streams, wanted);
    }

    fn expect(&mut self, streams: Vec<String>, wanted: Vec<String>) {
        if streams != wanted {
            panic!("streams: {:#?}\nwanted: {:#?}\n{:#?}", short(streams), short(wanted), self.events);
        }
        assert_eq!(self.losses(), Vec::<FeedEvent>::new());
        let unended = self.order.iter().filter(|id| !self.server[id].is_ended).count();
        assert!(unended <= 1, "{unended} streams have no end");
        let open = self.follower.places();
        assert!(open.len() <= 2, "streams are not forgotten: {open:?}");
        assert_eq!(self.follower.backlog_bytes(), (self.yard_live_rest()) as u64);
    }

    fn yard_live_rest(&self) -> usize {
        let live = self.yard.generations.last().expect("a generation");
        live.len() - live.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
    }

    pub fn losses(&self) -> Vec<FeedEvent> {
        self.events.iter().filter(|event| matches!(event, FeedEvent::Lost { .. })).cloned().collect()
    }

    pub fn told(&self, wanted: impl Fn(&FeedEvent) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }
}

/// Each text by its length and its first line.
fn short(texts: Vec<String>) -> Vec<String> {
    texts.iter().map(|text| format!("{} bytes: {}", text.len(), text.lines().next().unwrap_or_default())).collect()
}

fn follower(path: &PathBuf, places: Vec<Place>, start: Start, clock: &Arc<AtomicU64>, run: u128) -> Follower {
    let clock = clock.clone();
    Follower::new(path, places, start)
        .with_clock(move || Duration::from_secs(clock.load(Ordering::Relaxed)))
        .with_seed(run)
}
