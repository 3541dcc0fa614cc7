//! One stream while it is read: how far, what proves it, and whether more will come.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::LINGER;
use super::content::{Content, Look, Proof, extend_head};
use super::search::Search;
use crate::feed::Events;
use crate::identity::FINGERPRINT_BYTES;
use crate::{FeedEvent, FileMark, PIECE_BYTES_MAX, Piece, Place, StreamId};

/// So many bytes before the next one to read are compared each time, and as many at the file's start: a file that was emptied
/// and has grown again is told by them.
const GUARD_BYTES: usize = 256;
/// Room for the bytes that are compared, and for a piece.
pub(super) const BUFFER_BYTES: usize = GUARD_BYTES + PIECE_BYTES_MAX;

/// Where the bytes of a stream come from.
pub(super) enum Origin {
    /// A plain file that the stream's bytes are appended to, or were.
    Held(Content),
    /// A packed file, or a copy that nobody writes to: neither is it compared, nor does it grow.
    Copied(Content),
    /// The bytes are no longer where they were; a copy is looked for.
    Sought(Search),
    /// They are nowhere.
    Gone,
}

impl Origin {
    /// A file that may still be written to, unless it is packed.
    pub fn of(content: Content) -> Self {
        if content.is_plain() { Origin::Held(content) } else { Origin::Copied(content) }
    }

    fn content(&self) -> Option<&Content> {
        match self {
            Origin::Held(content) | Origin::Copied(content) => Some(content),
            Origin::Sought(_) | Origin::Gone => None,
        }
    }
}

/// Whether more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is the newest.
    Open,
    /// Rotated away; whoever writes to it may not know yet.
    Draining { quiet_since: Duration },
    /// What is there now is all.
    Closing,
    /// The last piece was given out.
    Ended,
}

/// What became of an attempt to read.
pub(super) enum Step {
    Piece(Piece),
    Nothing,
    /// The file does not hold any more what was read of it.
    Overwritten,
}

/// How much a file looks like a stream, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    None,
    /// Its few bytes are the stream's first ones.
    Beginning,
    /// It begins like the stream.
    Whole,
}

/// What all streams of a follower share while one is read.
pub(super) struct Reading<'a> {
    pub buffer: &'a mut [u8],
    pub events: &'a mut Events,
    pub now: Duration,
}

/// A position that reading can go back to.
struct Mark {
    offset: u64,
    digest: u128,
    /// None in a stream that was not found again yet.
    hasher: Option<Xxh3>,
}

/// One stream.
pub(super) struct Stream {
    pub id: StreamId,
    pub origin: Origin,
    pub phase: Phase,
    pub before: Option<FileMark>,
    /// What the file was recognised by before a restart, until it is found again.
    saved: Option<FileMark>,
    /// The first bytes, for a fingerprint: at least as many as were read.
    head: Vec<u8>,
    /// The last bytes before the tip; empty after going back.
    guard: Vec<u8>,
    /// The hash of everything below the tip.
    running: Option<Xxh3>,
    /// Everything below was read.
    tip: u64,
    /// What is below is hashed and not given out.
    give_from: u64,
    /// The end of what was ever given out.
    reached: u64,
    durable: u64,
    /// Ends of pieces. The first is not above what is durable, all others are.
    marks: VecDeque<Mark>,
    seen: Look,
    /// When the file was written last that was known to hold what was read.
    modified_ns: i64,
    /// Bytes of an unfinished line behind the tip.
    unfinished: u64,
    /// Whether all that was seen was looked at.
    is_exhausted: bool,
    /// Whether anybody may know it: bytes were given out, or passed over to begin at the end.
    is_used: bool,
    /// How its file looked when it was known last that no rotation was missed before its first byte.
    checked: Option<Look>,
    /// Whether the server holds it to its end and knows that this is the end.
    pub is_acknowledged: bool,
    /// Whether a trouble with it was told.
    pub is_failing: bool,
}

impl Stream {
    /// A stream from its first byte.
    pub fn begin(id: StreamId, origin: Origin, before: Option<FileMark>) -> Self {
        let hasher = Xxh3::new();
        let seen = origin.content().and_then(|content| content.look().ok()).unwrap_or_default();
        let start = Mark { offset: 0, digest: hasher.digest128(), hasher: Some(hasher.clone()) };
        Stream {
            id,
            origin,
            phase: Phase::Open,
            before,
            saved: None,
            head: Vec::new(),
            guard: Vec::new(),
            running: Some(hasher),
            tip: 0,
            give_from: 0,
            reached: 0,
            durable: 0,
            marks: VecDeque::from([start]),
            modified_ns: seen.modified_ns,
            seen,
            unfinished: 0,
            is_exhausted: false,
            is_used: false,
            checked: None,
            is_acknowledged: false,
            is_failing: false,
        }
    }

    /// A stream of before a restart, of which no file is known yet.
    pub fn restored(place: Place, search: Search) -> Self {
        let origin = if place.is_ended { Origin::Gone } else { Origin::Sought(search) };
        let mut stream = Stream::begin(place.stream, origin, place.before);
        if place.is_ended {
            stream.phase = Phase::Ended;
            stream.is_acknowledged = true;
        }
        let hashed = place.hashed.min(place.offset);
        stream.marks = VecDeque::from([Mark { offset: hashed, digest: place.hash, hasher: None }]);
        stream.running = None;
        stream.modified_ns = place.file.modified_ns;
        stream.is_used = place.offset > 0 || place.file.fingerprint_bytes > 0;
        stream.saved = Some(place.file);
        (stream.tip, stream.give_from, stream.reached, stream.durable) =
            (hashed, place.offset, place.offset, place.offset);
        stream
    }

    /// Gives out nothing below a position, as if the server held it.
    pub fn start_at(&mut self, offset: u64) {
        (self.give_from, self.reached, self.durable) = (offset, offset, offset);
        self.is_used = offset > 0;
    }

    pub fn tip(&self) -> u64 {
        self.tip
    }

    /// Where the next piece begins.
    pub fn next_offset(&self) -> u64 {
        self.tip.max(self.give_from)
    }

    /// Whether no byte of it was ever given out, nor held by the server.
    pub fn is_unused(&self) -> bool {
        !self.is_used
    }

    /// Pieces given out and not durable.
    pub fn in_flight(&self) -> usize {
        self.marks.len() - 1
    }

    /// The open file, if there is one.
    pub fn content(&self) -> Option<&Content> {
        self.origin.content()
    }

    pub fn is_in(&self, device: u64, inode: u64) -> bool {
        self.content().is_some_and(|content| content.is_file(device, inode))
    }

    /// What is there and was not given out, as far as it was seen.
    pub fn backlog_bytes(&self) -> u64 {
        match (&self.origin, self.phase) {
            (_, Phase::Ended) | (Origin::Gone, _) => 0,
            // A packed file's length says little about its log's: it counts until it is read.
            (Origin::Copied(content), _) if !content.is_plain() => self.seen.bytes,
            _ => self.seen.bytes.saturating_sub(self.next_offset()),
        }
    }

    /// Takes note of the file's length and time; whether it still can hold what was read.
    pub fn notice(&mut self, look: Look, now: Duration) -> bool {
        if look.bytes < self.next_offset().max(self.tip + self.unfinished) {
            return false;
        }
        if look != self.seen {
            self.seen = look;
            self.is_exhausted = false;
            if let Phase::Draining { quiet_since } = &mut self.phase {
                *quiet_since = now;
            }
        }
        true
    }

    /// Whether the file still holds what was read of it, as far as that is compared.
    pub fn still_holds(&mut self, now: Duration) -> io::Result<bool> {
        let Origin::Held(content) = &mut self.origin else { return Ok(true) };
        let mut before = [0; GUARD_BYTES];
        let length = self.guard.len();
        let read = content.read_at(self.tip - length as u64, &mut before[..length])?;
        let is_same = before[..read] == self.guard && begins_with(content, &self.head)?;
        let look = content.look()?;
        Ok(is_same && self.notice(look, now))
    }

    /// Whether nothing was given out yet and the file has changed since this was asked last: what was in it may have been copied,
    /// and the file emptied.
    pub fn may_have_missed(&mut self) -> bool {
        self.tip == 0 && self.reached == 0 && self.checked.replace(self.seen) != Some(self.seen)
    }

    /// A newer stream began.
    pub fn supersede(&mut self, now: Duration) {
        match self.phase {
            Phase::Open => self.phase = Phase::Draining { quiet_since: now },
            Phase::Draining { .. } => self.close(),
            Phase::Closing | Phase::Ended => {}
        }
    }

    /// Nothing more is waited for.
    pub fn close(&mut self) {
        self.phase = Phase::Closing;
        self.is_exhausted = false;
    }

    /// Goes on in a file that was proved to begin with what was read.
    pub fn adopt(&mut self, origin: Origin, proof: Proof) {
        if let Some(mark) = self.marks.back_mut()
            && mark.offset == self.tip
        {
            mark.hasher = Some(proof.hasher.clone());
        }
        self.seen = origin.content().and_then(|content| content.look().ok()).unwrap_or(self.seen);
        self.running = Some(proof.hasher);
        // A place knows the first bytes also of what was given out and is not durable.
        let recognised = self.saved.take().zip(origin.content().and_then(|content| content.head().ok()));
        self.head = match recognised {
            Some((saved, mut head)) if saved.fingerprint_bytes as usize > proof.head.len() => {
                head.truncate(saved.fingerprint_bytes as usize);
                head
            }
            _ => proof.head,
        };
        self.guard.clear();
        (self.origin, self.is_exhausted, self.unfinished) = (origin, false, 0);
    }

    /// The file no longer holds what was read of it.
    pub fn lose(&mut self, search: Search) {
        if self.is_unused() {
            (self.origin, self.phase, self.is_acknowledged) = (Origin::Gone, Phase::Ended, true);
        } else {
            self.origin = Origin::Sought(search);
            self.close();
        }
    }

    /// How many bytes are known to have stood behind the next one to give out.
    pub fn known_rest(&self) -> Option<u64> {
        let end = self.reached.max(self.tip + self.unfinished);
        let end = if matches!(self.origin, Origin::Sought(_)) { end.max(self.seen.bytes) } else { end };
        end.checked_sub(self.next_offset()).filter(|bytes| *bytes > 0)
    }

    /// The rest is nowhere.
    pub fn give_up(&mut self, why: String, events: &mut Events) {
        events.tell(FeedEvent::Lost { stream: self.id, from: self.next_offset(), bytes: self.known_rest(), why });
        self.abandon();
    }

    /// Ends where it is.
    pub fn abandon(&mut self) {
        (self.reached, self.unfinished) = (self.next_offset(), 0);
        self.origin = Origin::Gone;
        self.close();
    }

    /// How much a file looks like this stream.
    pub fn likeness(&self, content: &Content) -> io::Result<Likeness> {
        if let Some(saved) = &self.saved {
            return Ok(if content.has_mark(saved)? { Likeness::Whole } else { Likeness::None });
        }
        let head = content.head()?;
        let own = self.content().map_or(Cow::Borrowed(self.head.as_slice()), |content| self.known_head(content));
        let common = head.len().min(own.len());
        Ok(match head[..common] == own[..common] {
            true if common == 0 => Likeness::None,
            true if common < own.len() => Likeness::Beginning,
            true => Likeness::Whole,
            false => Likeness::None,
        })
    }

    /// What a file must begin with to go on with this stream.
    pub fn claim(&self) -> (u64, u128) {
        let known = self.marks.back().map_or(0, |mark| mark.digest);
        (self.tip, self.running.as_ref().map_or(known, Xxh3::digest128))
    }

    /// What a file must begin with to be read again below the tip.
    pub fn base(&self) -> (u64, u128) {
        self.marks.front().map_or((0, 0), |mark| (mark.offset, mark.digest))
    }

    /// What the stream's file is recognised by.
    pub fn mark(&self) -> FileMark {
        if let Some(saved) = &self.saved {
            return saved.clone();
        }
        match self.content() {
            Some(content) => content.mark(&self.known_head(content), self.modified_ns),
            None => FileMark {
                modified_ns: self.modified_ns,
                fingerprint: xxh3_128(&self.head),
                fingerprint_bytes: self.head.len() as u32,
                ..FileMark::default()
            },
        }
    }

    /// The first bytes, those too that were not read yet: a file of which nothing was read must be found again as well.
    fn known_head(&self, content: &Content) -> Cow<'_, [u8]> {
        if self.head.len() >= FINGERPRINT_BYTES {
            return Cow::Borrowed(&self.head);
        }
        // Else the file was written anew, and the next look will tell.
        let current = content.head().ok().filter(|head| head.starts_with(&self.head));
        current.map_or(Cow::Borrowed(&self.head), Cow::Owned)
    }

    /// Where to go on with it after a restart.
    pub fn place(&self) -> Place {
        let (hashed, hash) = self.base();
        Place {
            stream: self.id,
            offset: self.durable,
            hashed,
            hash,
            file: self.mark(),
            before: self.before.clone(),
            is_ended: self.is_acknowledged,
        }
    }

    /// The server holds everything below for good.
    pub fn durable(&mut self, offset: u64) {
        self.durable = self.durable.max(offset);
        self.give_from = self.give_from.max(self.durable);
        self.reached = self.reached.max(self.durable);
        while self.marks.get(1).is_some_and(|mark| mark.offset <= self.durable) {
            self.marks.pop_front();
        }
        self.is_acknowledged |= self.phase == Phase::Ended && self.durable >= self.tip;
    }

    /// Goes back; `false` when the server holds what is asked for.
    pub fn rewind(&mut self, offset: u64, search: Search) -> bool {
        if offset < self.durable {
            return false;
        }
        // Nothing is passed over that was never given out.
        let offset = offset.min(self.next_offset().max(self.reached));
        if offset < self.tip {
            while self.marks.back().is_some_and(|mark| mark.offset > offset) {
                self.marks.pop_back();
            }
            if let Some(mark) = self.marks.back() {
                (self.tip, self.running) = (mark.offset, mark.hasher.clone());
            }
            self.guard.clear();
            self.unfinished = 0;
        }
        self.give_from = offset;
        self.is_exhausted = false;
        if self.phase == Phase::Ended {
            self.phase = Phase::Closing;
        }
        if matches!(self.origin, Origin::Gone) && offset < self.reached {
            self.origin = Origin::Sought(search);
        }
        true
    }

    /// Bytes that came after the last piece was given out.
    pub fn late_bytes(&self) -> u64 {
        match &self.origin {
            Origin::Held(content) if self.phase == Phase::Ended => {
                content.look().map_or(0, |look| look.bytes.saturating_sub(self.tip))
            }
            _ => 0,
        }
    }

    /// The next piece. `is_noticed` says that [`notice`](Self::notice) was called just now.
    pub fn read(&mut self, reading: &mut Reading<'_>, is_noticed: bool) -> io::Result<Step> {
        match (&self.origin, self.phase) {
            (_, Phase::Ended) | (Origin::Sought(_), _) => return Ok(Step::Nothing),
            (Origin::Gone, _) => return Ok(self.give(&[], true, reading.events)),
            (Origin::Held(content), _) if !is_noticed => {
                let look = content.look()?;
                if !self.notice(look, reading.now) {
                    return Ok(Step::Overwritten);
                }
            }
            (Origin::Held(_) | Origin::Copied(_), _) => {}
        }
        self.end_when_quiet(reading.now);
        if self.is_exhausted { Ok(Step::Nothing) } else { self.read_on(reading) }
    }

    fn end_when_quiet(&mut self, now: Duration) {
        let Phase::Draining { quiet_since } = self.phase else { return };
        // A packed file is whole, and so is a copy.
        if !matches!(self.origin, Origin::Held(_)) || now.saturating_sub(quiet_since) >= LINGER {
            self.close();
        }
    }

    fn read_on(&mut self, reading: &mut Reading<'_>) -> io::Result<Step> {
        loop {
            let (start, end) = match self.fill(reading.buffer)? {
                Some(range) => range,
                None => {
                    // What was seen last is of the new content.
                    self.seen.bytes = self.tip + self.unfinished;
                    return Ok(Step::Overwritten);
                }
            };
            self.modified_ns = self.seen.modified_ns;
            let bytes = &reading.buffer[start..end];
            let damage = self.content().and_then(Content::damage);
            let is_end = bytes.len() < PIECE_BYTES_MAX && damage.is_none();
            let skipped = self.give_from.saturating_sub(self.tip).min(bytes.len() as u64) as usize;
            if skipped > 0 {
                self.skip(&bytes[..skipped]);
                continue;
            }
            let is_last = is_end && self.phase == Phase::Closing;
            let whole = if is_last { bytes.len() } else { whole_lines(bytes) };
            self.is_exhausted = is_end;
            self.unfinished = (bytes.len() - whole) as u64;
            if whole == 0 && !is_last {
                return damage.map_or(Ok(Step::Nothing), Err);
            }
            return Ok(self.give(&bytes[..whole], is_last, reading.events));
        }
    }

    /// Reads behind the tip, as much as a piece holds. `None` when what stands before it is not what was read there.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<Option<(usize, usize)>> {
        let tip = self.tip;
        match &mut self.origin {
            Origin::Held(content) => {
                let guard = self.guard.len();
                let read = content.read_at(tip - guard as u64, &mut buffer[..guard + PIECE_BYTES_MAX])?;
                let is_same = buffer[..read].starts_with(&self.guard) && begins_with(content, &self.head)?;
                Ok(is_same.then_some((guard, read)))
            }
            Origin::Copied(content) => {
                let read = content.read_at(tip, &mut buffer[..PIECE_BYTES_MAX])?;
                Ok(Some((0, read)))
            }
            Origin::Sought(_) | Origin::Gone => Ok(Some((0, 0))),
        }
    }

    fn skip(&mut self, bytes: &[u8]) {
        self.consume(bytes);
        if self.tip == self.give_from {
            self.set_mark();
            self.durable(self.durable);
        }
    }

    fn give(&mut self, bytes: &[u8], is_last: bool, events: &mut Events) -> Step {
        let piece = Piece { stream: self.id, offset: self.next_offset(), bytes: bytes.to_vec(), is_last };
        if !bytes.is_empty() {
            self.consume(bytes);
            self.set_mark();
        }
        if is_last {
            self.end(piece.end(), events);
        }
        self.reached = self.reached.max(piece.end());
        self.is_used |= !bytes.is_empty();
        if self.is_unused() {
            // An empty file: nobody ever heard of it.
            self.is_acknowledged = true;
            return Step::Nothing;
        }
        Step::Piece(piece)
    }

    fn end(&mut self, end: u64, events: &mut Events) {
        self.phase = Phase::Ended;
        if let Origin::Copied(content) = &mut self.origin {
            content.rest();
        }
        // Given out once, not kept by the server, and not in the copy.
        if self.reached > end {
            let why = "the log was emptied in place, and its copy ends before what had been read of it; \
                       nothing can be done, but `create` instead of `copytruncate` prevents it"
                .into();
            events.tell(FeedEvent::Lost { stream: self.id, from: end, bytes: Some(self.reached - end), why });
            self.reached = end;
        }
    }

    fn consume(&mut self, bytes: &[u8]) {
        if let Some(running) = &mut self.running {
            running.update(bytes);
        }
        // After going back, or a restart, more is known than was read.
        if let Some(known) = (self.head.len() as u64).checked_sub(self.tip)
            && let Some(unknown) = bytes.get(known as usize..)
        {
            extend_head(&mut self.head, unknown);
        }
        let kept = (self.guard.len() + bytes.len()).min(GUARD_BYTES).saturating_sub(bytes.len());
        self.guard.drain(..self.guard.len() - kept);
        self.guard.extend_from_slice(&bytes[bytes.len().saturating_sub(GUARD_BYTES)..]);
        self.tip += bytes.len() as u64;
    }

    fn set_mark(&mut self) {
        let digest = self.running.as_ref().map_or(0, Xxh3::digest128);
        self.marks.push_back(Mark { offset: self.tip, digest, hasher: self.running.clone() });
    }
}

/// Where the last whole line ends; all of it when a line is longer than a piece.
fn whole_lines(bytes: &[u8]) -> usize {
    match memchr::memrchr(b'\n', bytes) {
        Some(newline) => newline + 1,
        None if bytes.len() == PIECE_BYTES_MAX => bytes.len(),
        None => 0,
    }
}

/// Whether a file still begins with what it began with.
fn begins_with(content: &mut Content, head: &[u8]) -> io::Result<bool> {
    let mut first = [0; GUARD_BYTES];
    let length = head.len().min(GUARD_BYTES);
    let read = content.read_at(0, &mut first[..length])?;
    Ok(first[..read] == head[..length])
}
