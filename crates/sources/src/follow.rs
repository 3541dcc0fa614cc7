//! Following one log while it is written, through every kind of rotation.
//!
//! A [`Follower`] looks at a path each time it is asked, and reads what came. What it read of a file makes a stream, which goes
//! on for as long as the file does, under whatever name:
//!
//! - Another file at the path: the old one stays open and is read until nobody wrote to it for [`LINGER`], or the next
//!   rotation. Files that were rotated away before anybody looked are found beside it, and read whole.
//! - The same file, emptied or overwritten: what had not been read is looked for beside it, in a file that begins with exactly
//!   what had been read, packed or not. What is not found is told as lost.
//! - A restart: each stream goes on where its [`Place`] says, in the file that begins with the bytes that the place was taken of.
//!
//! Reading runs ahead of what the server holds by [`IN_FLIGHT_PIECES_MAX`] pieces. Proving that a file begins with certain bytes
//! means reading them: after a restart the first call of [`next`](Feed::next) reads as much as had been read of the file.

mod content;
mod restore;
mod rotation;
mod search;
mod siblings;
mod stream;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_128;

use self::content::{Content, Look};
use self::search::Search;
use self::stream::{BUFFER_BYTES, Origin, Reading, Step, Stream};
use crate::feed::Events;
use crate::{Feed, FeedEvent, Piece, Place, SourceError, StreamId};

/// Pieces given out of one feed that are not durable; then none comes until some are. Each costs 600 bytes here, and up to
/// [`PIECE_BYTES_MAX`](crate::PIECE_BYTES_MAX) where they wait.
pub const IN_FLIGHT_PIECES_MAX: usize = 256;
/// Streams of one path that are not read to their end: what is rotated faster than it is read waits in its files.
pub const STREAMS_MAX: usize = 64;
/// A file that was rotated away ends when nobody wrote to it for so long. Mail servers and syslog daemons reopen their logs
/// within a second of being told.
pub const LINGER: Duration = Duration::from_secs(10);

/// Where to begin with a file that is there when a path is followed for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With all that is in it.
    #[default]
    Beginning,
    /// With the first line that has no end yet: what is written from now on.
    End,
}

/// Follows the log at one path.
pub struct Follower {
    path: PathBuf,
    label: String,
    start: Start,
    clock: Box<dyn Fn() -> Duration + Send>,
    seed: u128,
    /// Streams that got an id from the seed.
    named: u64,
    /// The streams that are not forgotten, in the order of their beginning. Only the last can be at the path.
    streams: Vec<Stream>,
    /// From before a restart, until the path could be looked at.
    unplaced: Option<Vec<Place>>,
    /// What is in the way at the path, as it was told.
    trouble: Option<String>,
    missing_since: Option<Duration>,
    events: Events,
    buffer: Vec<u8>,
}

impl Follower {
    /// Follows a path, from the places that were saved, or else from `start`. Nothing is opened before the first
    /// [`next`](Feed::next).
    pub fn new(path: impl Into<PathBuf>, places: Vec<Place>, start: Start) -> Self {
        let path = path.into();
        let begun = Instant::now();
        Follower {
            label: path.display().to_string(),
            path,
            start,
            clock: Box::new(move || begun.elapsed()),
            seed: (u128::from(random()) << 64) | u128::from(random()),
            named: 0,
            streams: Vec::new(),
            unplaced: Some(places),
            trouble: None,
            missing_since: None,
            events: Events::default(),
            buffer: Vec::new(),
        }
    }

    /// Takes the time from elsewhere: any that never goes back.
    pub fn with_clock(mut self, clock: impl Fn() -> Duration + Send + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Takes its randomness from elsewhere: stream ids are made of it, so that it must differ for each follower and run.
    pub fn with_seed(mut self, seed: u128) -> Self {
        self.seed = seed;
        self
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An id that no stream had, with a file's numbers in it in case that the seed is worse than promised.
    fn new_id(&mut self, device: u64, inode: u64) -> StreamId {
        loop {
            let mut bytes = self.label.clone().into_bytes();
            bytes.extend(self.seed.to_le_bytes());
            [self.named, device, inode].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
            self.named += 1;
            let id = StreamId(xxh3_128(&bytes));
            if self.streams.iter().all(|stream| stream.id != id) {
                return id;
            }
        }
    }

    /// Looks whether the newest stream is still what stands at the path. Whether its file was looked at.
    fn look(&mut self, now: Duration) -> bool {
        let metadata = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.restore(None, now);
                // What comes to stand there is new.
                self.start = Start::Beginning;
                self.tell_missing(now);
                return false;
            }
            Err(error) => {
                self.tell_unreadable(&SourceError::opening(&self.path, error));
                return false;
            }
        };
        self.missing_since = None;
        let (device, inode) = (metadata.dev(), metadata.ino());
        if let Some(at) = self.newest_in(device, inode) {
            self.tell_returned();
            if self.streams[at].notice(Look::of(&metadata), now) {
                return true;
            }
            self.overwritten(at, now);
        }
        self.rotated(now);
        self.newest_in(device, inode).is_some()
    }

    /// The newest stream, if it is read from this file.
    fn newest_in(&self, device: u64, inode: u64) -> Option<usize> {
        let newest = self.streams.len().checked_sub(1)?;
        (self.unplaced.is_none() && self.streams[newest].is_in(device, inode)).then_some(newest)
    }

    /// The first piece that any stream has.
    fn read(&mut self, is_newest_noticed: bool, now: Duration) -> Option<Piece> {
        self.buffer.resize(BUFFER_BYTES, 0);
        let newest = self.streams.last().map(|stream| stream.id);
        let mut next = 0;
        // Streams come and go while files are found to be others.
        while let Some(stream) = self.streams.get_mut(next) {
            let (at, is_noticed) = (next, is_newest_noticed && Some(stream.id) == newest);
            next += 1;
            let mut reading = Reading { buffer: &mut self.buffer, events: &mut self.events, now };
            match stream.read(&mut reading, is_noticed) {
                Ok(Step::Piece(piece)) => {
                    stream.is_failing = false;
                    return Some(piece);
                }
                Ok(Step::Nothing) => {}
                Ok(Step::Overwritten) => self.overwritten(at, now),
                Err(error) => self.failed(at, error, now),
            }
        }
        None
    }

    /// A file was emptied in place, or something else was written over what had been read.
    fn overwritten(&mut self, at: usize, now: Duration) {
        let stream = &mut self.streams[at];
        let truncated = FeedEvent::Truncated { path: self.path.clone(), stream: stream.id, at: stream.tip() };
        self.events.tell(truncated);
        if !stream.is_unused() {
            stream.lose(Search::begin(now));
            return self.seek(at, now);
        }
        // Nothing of it is known anywhere: its copy is a file like any that nobody saw.
        let unseen_bytes = stream.backlog_bytes();
        stream.lose(Search::begin(now));
        let live = Content::open_plain(&self.path).ok();
        if unseen_bytes > 0 && self.catch_up(live.as_ref(), now) == 0 {
            let why = format!("{} was emptied before it was read, and no copy lies beside it", self.path.display());
            let stream = self.streams[at].id;
            self.events.tell(FeedEvent::Lost { stream, from: 0, bytes: Some(unseen_bytes), why });
        }
    }

    /// A file cannot be read on. A plain one is tried again each time, of a packed one another copy is looked for.
    fn failed(&mut self, at: usize, source: std::io::Error, now: Duration) {
        let stream = &mut self.streams[at];
        let path = stream.content().map_or_else(|| self.path.clone(), |content| content.path.clone());
        if !stream.is_failing {
            stream.is_failing = true;
            let error = SourceError::Read { path: path.clone(), at: stream.next_offset(), source };
            self.events.tell(unreadable(&error));
            if matches!(stream.origin, Origin::Copied(_)) {
                stream.origin = Origin::Sought(Search::later(now));
            }
        } else if matches!(stream.origin, Origin::Copied(_)) {
            let why =
                format!("{} is damaged there, and no other copy was found; put a good one beside it", path.display());
            stream.give_up(why, &mut self.events);
        }
    }

    fn tell_missing(&mut self, now: Duration) {
        let since = *self.missing_since.get_or_insert(now);
        // Between renaming and creating there is a moment without a file.
        if now.saturating_sub(since) >= LINGER && self.trouble.is_none() {
            self.trouble = Some("missing".into());
            self.events.tell(FeedEvent::Missing { path: self.path.clone() });
        }
    }

    fn tell_unreadable(&mut self, error: &SourceError) {
        let why = error.to_string();
        if self.trouble.as_ref() != Some(&why) {
            self.trouble = Some(why);
            self.events.tell(unreadable(error));
        }
    }

    fn tell_returned(&mut self) {
        if self.trouble.take().is_some() {
            self.events.tell(FeedEvent::Returned { path: self.path.clone() });
        }
    }

    /// Forgets what the server holds to its end: the oldest first, as what is known of the newer ones tells which files beside
    /// the path were read. The newest stays, for what comes after it.
    fn forget(&mut self) {
        let newest = self.streams.len().saturating_sub(1);
        let open = self.streams[..newest].iter().position(|stream| !stream.is_acknowledged);
        self.streams.drain(..open.unwrap_or(newest));
    }
}

impl Feed for Follower {
    fn label(&self) -> &str {
        &self.label
    }

    /// Never fails: what is in the way is an event, and tried again.
    fn next(&mut self) -> Result<Option<Piece>, SourceError> {
        let now = (self.clock)();
        let is_newest_noticed = self.look(now);
        self.seek_all(now);
        if self.streams.iter().map(Stream::in_flight).sum::<usize>() >= IN_FLIGHT_PIECES_MAX {
            return Ok(None);
        }
        if is_newest_noticed {
            self.check_beginning(None);
        }
        let newest = self.streams.last().and_then(Stream::content).map(|content| content.inode);
        let mut piece = self.read(is_newest_noticed, now);
        let is_same = newest == self.streams.last().and_then(Stream::content).map(|content| content.inode);
        if piece.is_none() && !is_same {
            // The file at the path turned out to be another, and has something to give.
            let is_newest_noticed = self.look(now);
            piece = self.read(is_newest_noticed, now);
        }
        self.forget();
        Ok(piece)
    }

    fn durable(&mut self, stream: StreamId, offset: u64) {
        if let Some(places) = &mut self.unplaced {
            // Before the first look: the place itself learns it.
            places
                .iter_mut()
                .filter(|place| place.stream == stream)
                .for_each(|place| place.offset = place.offset.max(offset));
        }
        let Some(stream) = self.streams.iter_mut().find(|held| held.id == stream) else { return };
        stream.durable(offset);
        if stream.is_acknowledged && stream.late_bytes() > 0 {
            let path = stream.content().map(|content| content.path.display().to_string()).unwrap_or_default();
            let why = format!(
                "they were written to the former {path} more than {} s after its rotation or after the next one; \
                 let logrotate tell the mail server (`postrotate`)",
                LINGER.as_secs()
            );
            let (from, bytes) = (stream.tip(), Some(stream.late_bytes()));
            self.events.tell(FeedEvent::Lost { stream: stream.id, from, bytes, why });
            stream.origin = Origin::Gone;
        }
        self.forget();
    }

    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        let refuse = |why| SourceError::NotAgain { path: self.path.clone(), offset, why };
        if let Some(place) = self.unplaced.iter_mut().flatten().find(|place| place.stream == stream) {
            return if offset < place.offset || place.is_ended { Err(refuse("the server held it")) } else { Ok(()) };
        }
        let mut open = self.streams.iter_mut().filter(|held| !held.is_acknowledged);
        let Some(held) = open.find(|held| held.id == stream) else {
            return Err(refuse("its stream is not known here, or was held by the server to its end"));
        };
        if held.rewind(offset, Search::begin((self.clock)())) { Ok(()) } else { Err(refuse("the server held it")) }
    }

    fn places(&self) -> Vec<Place> {
        match &self.unplaced {
            Some(places) => places.clone(),
            None => self.streams.iter().map(Stream::place).collect(),
        }
    }

    /// Of a packed file, its length on the disk until it is read to its end.
    fn backlog_bytes(&self) -> u64 {
        self.streams.iter().map(Stream::backlog_bytes).sum()
    }

    fn events(&mut self) -> Vec<FeedEvent> {
        self.events.take()
    }
}

fn unreadable(error: &SourceError) -> FeedEvent {
    let why = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    FeedEvent::Unreadable { path: error.path().to_owned(), why, hint: error.hint() }
}

/// A number that the system chose: hash maps are seeded with it.
fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    if let Ok(since) = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        hasher.write_u128(since.as_nanos());
    }
    hasher.finish()
}
