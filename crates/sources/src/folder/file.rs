//! One file of a folder: what was given out of it, and what the server holds of that.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vigie_formats::transcript::{Growth, Settings};
use xxhash_rust::xxh3::xxh3_128;

use super::listing::Found;
use super::names::log_of;
use crate::feed::Events;
use crate::{FeedEvent, FileMark, LINGER, LogFile, Piece, Place, Resumed, SourceError, StreamId};

/// A file that nobody wrote to for so long is read to its end, with what waited for more.
const QUIET: Duration = Duration::from_secs(24 * 3600);
/// Proving that a file still begins with what was given out takes at most this share of the time, and looking through the folder.
pub const SHARE_OF_TIME: u32 = 20;
/// A file that failed, or was written over before, is not read again at once.
const FAULT_PAUSE: Duration = Duration::from_secs(5);
const REPLACED_PAUSE: Duration = Duration::from_secs(60);
/// Of the beginning, as far as it is needed to tell a file from another one that took its place.
const HEAD_BYTES_MAX: usize = 4096;

/// What reading one step of a file came to.
pub enum Step {
    Piece(Piece),
    Nothing,
    /// It was opened, and there was nothing new in it.
    Looked,
}

/// What went wrong with one file.
pub enum Fault {
    /// It no longer begins with what was given out of it.
    Replaced,
    /// It is not of a kind that is followed.
    Foreign,
    Source(SourceError),
}

/// How the files stand in time.
#[derive(Clone, Copy)]
pub struct Now {
    /// By the feed's clock.
    pub time: Duration,
    /// When the youngest file of the folder was changed: a clock of the folder's own, whatever machine it lies on.
    pub youngest_ns: i64,
}

/// So many bytes were given out, and this is their hash.
#[derive(Clone, Copy, Default)]
struct Mark {
    bytes: u64,
    hash: u128,
}

/// The file being read, as it was when it was opened.
struct Open {
    log: LogFile,
    found: Found,
}

pub struct File {
    path: PathBuf,
    /// The log that it is a file of.
    log: String,
    found: Found,
    stream: StreamId,
    /// Everything below this is with the server for good.
    durable: u64,
    /// Ends of pieces: the last that is durable, and those after it.
    marks: VecDeque<Mark>,
    /// Where reading goes on: within the piece that begins at the last mark before.
    next: u64,
    /// The first bytes that were given out.
    head: Mark,
    open: Option<Open>,
    /// As it was when it was last read to its end.
    read: Option<Found>,
    /// When it last changed, and when it may be read again.
    changed: Duration,
    due: Duration,
    gone: Option<Duration>,
    /// Another file stands at its path: nothing of it can come any more.
    is_left: bool,
    /// All that was given out before this run was met again: what the server holds of it is known.
    is_met: bool,
    end: End,
    /// Something was written over what had been read before, so often.
    replaced: u32,
    /// It could not be read.
    is_faulty: bool,
    /// What was last said to be wrong with it.
    told: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// It is quiet: what waited for more is told too.
    Quiet,
    /// Its last piece was given out, up to here.
    Given(u64),
    /// The server holds all of it.
    Durable,
}

impl File {
    pub fn new(path: PathBuf, found: Found, stream: StreamId, now: Duration) -> Self {
        File {
            log: log_of(&path),
            path,
            found,
            stream,
            durable: 0,
            marks: VecDeque::from([Mark::default()]),
            next: 0,
            head: Mark::default(),
            open: None,
            read: None,
            changed: now,
            due: now,
            gone: None,
            is_left: false,
            is_met: true,
            end: End::Open,
            replaced: 0,
            is_faulty: false,
            told: None,
        }
    }

    /// Found to be of a kind that is followed: it need not be opened a second time.
    pub fn opened(mut self, log: LogFile) -> Self {
        self.open = Some(Open { log, found: self.found });
        self
    }

    /// As a restart left it. `None` where it came to its end and is another since.
    pub fn placed(path: PathBuf, found: Found, place: &Place, now: Duration) -> Option<Self> {
        if place.is_ended && place.file.modified_ns != found.modified_ns {
            return None;
        }
        let new = Self::new(path, found, place.stream, now);
        Some(Self {
            durable: place.offset,
            marks: VecDeque::from([Mark { bytes: place.hashed, hash: place.hash }]),
            next: place.offset,
            head: Mark { bytes: place.file.fingerprint_bytes.into(), hash: place.file.fingerprint },
            end: if place.is_ended { End::Durable } else { End::Open },
            read: place.is_ended.then_some(found),
            is_met: false,
            ..new
        })
    }

    /// What is in the file now is another's, and all of it is new.
    pub fn replaced(&self, stream: StreamId, now: Duration) -> Self {
        let due = if self.replaced > 0 { now + REPLACED_PAUSE } else { now };
        File { replaced: self.replaced + 1, due, ..Self::new(self.path.clone(), self.found, stream, now) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn log(&self) -> &str {
        &self.log
    }

    pub fn found(&self) -> Found {
        self.found
    }

    pub fn stream(&self) -> StreamId {
        self.stream
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn is_over(&self) -> bool {
        self.end == End::Durable
    }

    /// Up to where it was given out.
    pub fn given(&self) -> u64 {
        self.marks.back().map_or(0, |mark| mark.bytes).max(self.next)
    }

    /// Pieces that are not durable.
    pub fn in_flight(&self) -> usize {
        self.marks.len() - 1
    }

    /// It is there. A file of another number in its place is read, and proves to be the same one or not.
    pub fn seen(&mut self, found: Found, now: Duration) {
        self.gone = None;
        if found != self.found {
            (self.changed, self.found) = (now, found);
        }
    }

    pub fn moved(&mut self, path: PathBuf) {
        self.path = path;
    }

    /// It is not there.
    pub fn missed(&mut self, now: Duration) {
        self.gone.get_or_insert(now);
    }

    /// Another file stands at its path.
    pub fn leave(&mut self, now: Duration) {
        (self.gone, self.is_left, self.open) = (Some(now), true, None);
    }

    fn is_gone(&self, now: Duration) -> bool {
        self.is_left || self.gone.is_some_and(|since| now.saturating_sub(since) >= LINGER)
    }

    /// `false` when it is gone, and the server knows that nothing follows.
    pub fn is_awaited(&self) -> bool {
        self.gone.is_none() || self.end != End::Durable
    }

    /// Was more written after its end? Then another stream begins with all of it: whoever stores the lines recognises copies.
    pub fn is_reopened(&self) -> bool {
        let as_read = |read: &Found| (read.bytes, read.modified_ns) == (self.found.bytes, self.found.modified_ns);
        self.end == End::Durable && !self.read.as_ref().is_some_and(as_read)
    }

    pub fn next(
        &mut self,
        settings: &Settings,
        now: Now,
        clock: &dyn Fn() -> Duration,
        events: &mut Events,
    ) -> Result<Step, Fault> {
        if matches!(self.end, End::Given(_) | End::Durable) {
            return Ok(Step::Nothing);
        }
        if self.open.is_none() {
            if self.is_gone(now.time) {
                return Ok(self.last_of_gone(events));
            }
            if self.gone.is_some() || !self.needs_reading(now) || now.time < self.due {
                return Ok(Step::Nothing);
            }
            self.reopen(settings, now, clock)?;
        }
        self.read(now, events)
    }

    /// Whether it has something to give, and whether it may be read now.
    pub fn is_waiting(&self, now: Now) -> (bool, bool) {
        let is_waiting = match self.end {
            End::Given(_) | End::Durable => false,
            End::Open | End::Quiet => {
                self.is_open() || self.is_gone(now.time) || self.gone.is_none() && self.needs_reading(now)
            }
        };
        // One that cannot be read must not hold up others.
        let is_due = self.is_open() || self.is_gone(now.time) || now.time >= self.due || self.is_faulty;
        (is_waiting, is_due)
    }

    fn is_rewound(&self) -> bool {
        self.marks.back().is_some_and(|mark| self.next < mark.bytes)
    }

    fn is_quiet(&self, now: Now) -> bool {
        let behind = now.youngest_ns.saturating_sub(self.found.modified_ns);
        now.time.saturating_sub(self.changed) >= QUIET || i128::from(behind) >= QUIET.as_nanos() as i128
    }

    fn needs_reading(&self, now: Now) -> bool {
        let is_unread = self.read != Some(self.found);
        self.found.bytes > 0 && (is_unread || self.is_rewound() || self.end == End::Quiet || self.is_quiet(now))
    }

    /// How it is to be read now: a file that is quiet, to its end.
    pub fn settings(&mut self, settings: &Settings, now: Now) -> Settings {
        if self.end == End::Open && self.is_quiet(now) {
            self.end = End::Quiet;
        }
        let growth = if self.end == End::Quiet { Growth::Ended } else { Growth::Growing };
        Settings { growth, ..settings.clone() }
    }

    fn reopen(&mut self, settings: &Settings, now: Now, clock: &dyn Fn() -> Duration) -> Result<(), Fault> {
        let kept = self.marks.iter().rposition(|mark| mark.bytes <= self.next).unwrap_or(0);
        let from = self.marks.get(kept).copied().unwrap_or_default();
        let settings = self.settings(settings, now);
        self.is_faulty = true;
        let began = clock();
        let resumed = LogFile::resume(&self.path, &settings, from.bytes, from.hash);
        self.due = now.time + clock().saturating_sub(began) * SHARE_OF_TIME;
        let log = match resumed {
            Ok(Resumed::Continues(log)) => log,
            Ok(Resumed::Different(log)) if from.bytes == 0 => log,
            Ok(Resumed::Different(_)) => return Err(Fault::Replaced),
            Err(SourceError::Empty { .. }) if self.given() > 0 => return Err(Fault::Replaced),
            Err(error) => {
                self.due = now.time + FAULT_PAUSE;
                return Err(Fault::Source(error));
            }
        };
        if !log.is_transcribed() {
            self.due = now.time + FAULT_PAUSE;
            return Err(Fault::Foreign);
        }
        if from.bytes == 0 && !self.begins(log.head()) {
            return Err(Fault::Replaced);
        }
        self.marks.truncate(kept + 1);
        self.is_faulty = false;
        self.open = Some(Open { log, found: self.found });
        Ok(())
    }

    /// Where nothing is durable, no hash proves that it is the file that was sent.
    fn begins(&self, head: &[u8]) -> bool {
        let bytes = usize::try_from(self.head.bytes).unwrap_or(usize::MAX);
        bytes == 0 || head.get(..bytes).is_some_and(|head| xxh3_128(head) == self.head.hash)
    }

    fn read(&mut self, now: Now, events: &mut Events) -> Result<Step, Fault> {
        while let Some(open) = &mut self.open {
            match open.log.next() {
                Ok(Some(chunk)) => {
                    // After a rewind into the middle of a piece its first bytes are with the server.
                    let known = usize::try_from(self.next.saturating_sub(chunk.offset)).unwrap_or(usize::MAX);
                    let bytes = chunk.bytes.get(known..).unwrap_or_default().to_vec();
                    if chunk.offset == 0 && self.head.bytes == 0 {
                        let head = &chunk.bytes[..chunk.bytes.len().min(HEAD_BYTES_MAX)];
                        self.head = Mark { bytes: head.len() as u64, hash: xxh3_128(head) };
                    }
                    let identity = open.log.identity();
                    self.marks.push_back(Mark { bytes: identity.consumed, hash: identity.consumed_hash });
                    if !bytes.is_empty() {
                        let (stream, offset) = (self.stream, self.next);
                        self.next += bytes.len() as u64;
                        return Ok(Step::Piece(Piece { stream, offset, bytes, is_last: false }));
                    }
                }
                Ok(None) => return Ok(self.come_to_end(events)),
                Err(error) => {
                    (self.open, self.due, self.is_faulty) = (None, now.time + FAULT_PAUSE, true);
                    return Err(Fault::Source(error));
                }
            }
        }
        Ok(Step::Looked)
    }

    /// It is read to where it ends now.
    fn come_to_end(&mut self, events: &mut Events) -> Step {
        let Some(Open { log, found }) = self.open.take() else { return Step::Nothing };
        (self.read, self.is_met) = (Some(found), true);
        if self.end == End::Quiet {
            return Step::Piece(self.last_piece());
        }
        match log.remarks().into_iter().next() {
            Some(why) => {
                let text = format!("nothing is told of {} yet: {why}", self.path.display());
                if self.told.as_ref() != Some(&text) {
                    events.tell(FeedEvent::Notice { text: text.clone() });
                    self.told = Some(text);
                }
            }
            None => self.is_readable(events),
        }
        Step::Looked
    }

    fn is_readable(&mut self, events: &mut Events) {
        if self.told.take().is_some() {
            events.tell(FeedEvent::Returned { path: self.path.clone() });
        }
    }

    /// Says once what is wrong with it, until something else is.
    pub fn tell(&mut self, why: String, hint: String, events: &mut Events) {
        if self.told.as_ref() != Some(&why) {
            events.tell(FeedEvent::Unreadable { path: self.path.clone(), why: why.clone(), hint });
            self.told = Some(why);
        }
    }

    fn last_piece(&mut self) -> Piece {
        self.end = End::Given(self.next);
        Piece { stream: self.stream, offset: self.next, bytes: Vec::new(), is_last: true }
    }

    fn last_of_gone(&mut self, events: &mut Events) -> Step {
        // What nothing was told of yet waits for more, and that cannot come.
        let is_read = self.is_left || (self.read == Some(self.found) && self.told.is_none());
        if self.is_rewound() || !is_read {
            let why =
                format!("{} was removed before it was read to its end; keep such files longer", self.path.display());
            let bytes = is_read.then(|| self.given() - self.next);
            events.tell(FeedEvent::Lost { stream: self.stream, from: self.next, bytes, why });
        }
        if !self.is_met {
            // The server may hold more than was given out in this run: nobody knows where the stream ends.
            self.end = End::Durable;
            return Step::Nothing;
        }
        Step::Piece(self.last_piece())
    }

    pub fn durable(&mut self, offset: u64) {
        self.durable = self.durable.max(offset);
        // After a restart the server may say so before it was met again.
        self.next = self.next.max(offset);
        while self.marks.get(1).is_some_and(|mark| mark.bytes <= self.durable) {
            self.marks.pop_front();
        }
        if matches!(self.end, End::Given(end) if self.durable >= end) {
            self.end = End::Durable;
        }
    }

    pub fn rewind(&mut self, offset: u64) -> Result<(), SourceError> {
        if offset < self.durable || self.end == End::Durable {
            return Err(not_again(&self.path, offset));
        }
        (self.next, self.open) = (offset.min(self.next), None);
        if let End::Given(_) = self.end {
            self.end = End::Quiet;
        }
        Ok(())
    }

    pub fn place(&self) -> Place {
        let mark = self.marks.front().copied().unwrap_or_default();
        // Of what came to its end, the time it had then: when it has another, more was written.
        let of = self.read.filter(|_| self.end == End::Durable).unwrap_or(self.found);
        Place {
            stream: self.stream,
            offset: self.durable,
            hashed: mark.bytes,
            hash: mark.hash,
            file: FileMark {
                path: self.path.to_string_lossy().into_owned(),
                device: self.found.device,
                inode: self.found.inode,
                modified_ns: of.modified_ns,
                fingerprint: self.head.hash,
                fingerprint_bytes: self.head.bytes as u32,
            },
            before: None,
            is_ended: self.end == End::Durable,
        }
    }

    /// Bytes on disk, as far as they are known not to have been read: what is made of them is not known before.
    pub fn backlog_bytes(&self) -> u64 {
        if matches!(self.end, End::Durable | End::Given(_)) {
            return 0;
        }
        let read = match &self.open {
            Some(open) => open.log.position(),
            None => self.read.map_or(0, |read| read.bytes),
        };
        self.found.bytes.saturating_sub(read)
    }
}

pub fn not_again(path: &Path, offset: u64) -> SourceError {
    SourceError::NotAgain { path: path.to_owned(), offset, why: "the server said before that it holds more" }
}
