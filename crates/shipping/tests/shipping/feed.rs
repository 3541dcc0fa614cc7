//! A feed in memory that knows its rights: it panics when it is asked for what it may have forgotten.

use std::sync::{Arc, Mutex};

use vigie_shipping::Places;
use vigie_sources::{Feed, FeedEvent, FileMark, PIECE_BYTES_MAX, Piece, Place, SourceError, StreamId};
use vigie_testkit::random::Random;

/// A log on disk: outlives the feeds that read it.
pub struct Log {
    pub label: String,
    pub streams: Vec<(StreamId, Vec<u8>)>,
}

impl Log {
    /// Numbered lines of random lengths in some streams; a last line may lack its end, and any stream but the first may be empty.
    pub fn random(number: usize, streams: usize, bytes: usize, random: &mut Random) -> Arc<Log> {
        let label = format!("/var/log/mail-{number}.log");
        let stream = |at: usize| {
            let id = StreamId((number as u128) << 64 | at as u128);
            let mut text = Vec::new();
            let share = if at == 0 { 4 } else { random.below(5) };
            while text.len() < bytes * share / 4 {
                text.extend(format!("{number} {at} {} {}\n", text.len(), "x".repeat(random.below(200))).bytes());
            }
            if random.below(3) == 0 {
                text.extend(b"no end");
            }
            (id, text)
        };
        Arc::new(Log { streams: (0..streams).map(stream).collect(), label })
    }
}

/// What a feed did, for the test to look at.
#[derive(Default)]
pub struct Told {
    pub durable_bytes: u64,
    pub ended: usize,
    pub rewinds: usize,
}

pub struct FakeFeed {
    log: Arc<Log>,
    random: Random,
    at: Vec<Position>,
    told: Arc<Mutex<Told>>,
    events: Vec<FeedEvent>,
}

#[derive(Clone, Default)]
struct Position {
    /// Up to where the log was written.
    written: usize,
    /// Up to where it was given out, its end among it.
    given: usize,
    has_ended: bool,
    /// The furthest that was ever given out.
    reached: usize,
    durable: u64,
    is_over: bool,
}

impl FakeFeed {
    pub fn new(log: &Arc<Log>, places: Vec<Place>, seed: u64, told: Arc<Mutex<Told>>) -> FakeFeed {
        let mut at = vec![Position::default(); log.streams.len()];
        let index =
            |id: StreamId| log.streams.iter().position(|(known, _)| *known == id).expect("a stream of this log");
        if let Some(first) = places.iter().map(|place| index(place.stream)).min() {
            // Streams before the first that is open are over and done.
            for (position, (_, text)) in at.iter_mut().zip(&log.streams).take(first) {
                *position = Position::over(text.len());
            }
        }
        for place in places {
            let (position, offset) = (&mut at[index(place.stream)], place.offset as usize);
            *position = Position {
                written: offset,
                given: offset,
                reached: offset,
                durable: place.offset,
                ..Position::default()
            };
        }
        FakeFeed { log: log.clone(), random: Random::new(seed), at, told, events: Vec::new() }
    }

    pub fn boxed(log: &Arc<Log>, places: &mut Places, seed: u64, told: &Arc<Mutex<Told>>) -> Box<dyn Feed> {
        Box::new(FakeFeed::new(log, places.take(&log.label), seed, told.clone()))
    }

    pub fn with_event(mut self, event: FeedEvent) -> FakeFeed {
        self.events.push(event);
        self
    }

    fn index(&self, id: StreamId) -> usize {
        self.log.streams.iter().position(|(known, _)| *known == id).expect("a stream of this feed")
    }

    /// The log grows by some bytes.
    fn write(&mut self) {
        let index = self.at.iter().zip(&self.log.streams).position(|(at, (_, text))| at.written < text.len());
        if let Some(index) = index {
            let left = self.log.streams[index].1.len() - self.at[index].written;
            self.at[index].written += left.min(1 + self.random.below(60_000));
        }
    }

    fn piece(&mut self, index: usize) -> Option<Piece> {
        let (stream, text) = &self.log.streams[index];
        let at = &mut self.at[index];
        if at.has_ended {
            return None;
        }
        let all = &text[at.given..at.written];
        let most = all.len().min(1 + self.random.below(PIECE_BYTES_MAX));
        let is_all = at.written == text.len();
        let end = match all[..most].iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if is_all => all.len(),
            None => all.iter().position(|byte| *byte == b'\n').map_or(0, |newline| newline + 1),
        };
        let offset = at.given;
        at.given += end;
        at.reached = at.reached.max(at.given);
        at.has_ended = at.given == text.len();
        let is_piece = end > 0 || at.has_ended;
        is_piece.then(|| Piece {
            stream: *stream,
            offset: offset as u64,
            bytes: text[offset..offset + end].to_vec(),
            is_last: at.has_ended,
        })
    }
}

/// As a feed of files would have it.
pub fn place(stream: StreamId, offset: u64) -> Place {
    Place { stream, offset, hashed: 0, hash: 0, file: FileMark::default(), before: None, is_ended: false }
}

impl Position {
    fn over(bytes: usize) -> Position {
        Position { written: bytes, given: bytes, has_ended: true, reached: bytes, durable: bytes as u64, is_over: true }
    }
}

impl Feed for FakeFeed {
    fn label(&self) -> &str {
        &self.log.label
    }

    fn next(&mut self) -> Result<Option<Piece>, SourceError> {
        if self.random.below(4) == 0 {
            self.write();
            return Ok(None);
        }
        Ok((0..self.at.len()).find_map(|index| self.piece(index)))
    }

    fn durable(&mut self, stream: StreamId, offset: u64) {
        let index = self.index(stream);
        let length = self.log.streams[index].1.len() as u64;
        let at = &mut self.at[index];
        assert!(offset >= at.durable, "durable goes back from {} to {offset}", at.durable);
        assert!(offset <= at.reached as u64, "{offset} was never given out, {} was", at.reached);
        let mut told = self.told.lock().unwrap();
        told.durable_bytes += offset - at.durable;
        at.durable = offset;
        if offset == length && at.has_ended && !at.is_over {
            at.is_over = true;
            told.ended += 1;
        }
    }

    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        let index = self.index(stream);
        let at = &mut self.at[index];
        assert!(offset >= at.durable && !at.is_over, "byte {offset} is forgotten, below {}", at.durable);
        assert!(offset <= at.reached as u64, "byte {offset} was never given out");
        at.given = offset as usize;
        at.has_ended = false;
        self.told.lock().unwrap().rewinds += 1;
        Ok(())
    }

    fn places(&self) -> Vec<Place> {
        let open = self.at.iter().zip(&self.log.streams).filter(|(at, _)| !at.is_over && at.reached > 0);
        let mut places: Vec<Place> = open.map(|(at, (stream, _))| place(*stream, at.durable)).collect();
        // The next one is named before anything of it was given out: what is over before it stays over.
        if places.is_empty()
            && let Some((_, (stream, _))) = self.at.iter().zip(&self.log.streams).find(|(at, _)| !at.is_over)
        {
            places.push(place(*stream, 0));
        }
        places
    }

    fn backlog_bytes(&self) -> u64 {
        self.at.iter().map(|at| (at.written - at.given) as u64).sum()
    }

    fn events(&mut self) -> Vec<FeedEvent> {
        std::mem::take(&mut self.events)
    }
}
