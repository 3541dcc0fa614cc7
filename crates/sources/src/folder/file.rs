//! One file of a folder: what was given out of it, and what the server holds of that.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vigie_formats::transcript::Settings;

use crate::feed::Events;
use crate::{FeedEvent, FileMark, LogFile, Piece, Place, Resumed, SourceError, StreamId};

/// A file that nobody wrote to for so long is read to its end, with what waited for more.
const QUIET: Duration = Duration::from_secs(24 * 3600);
/// Reading a file again takes at most this share of the time.
const SHARE_OF_TIME: u32 = 20;

/// A file as it lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub device: u64,
    pub inode: u64,
    pub bytes: u64,
    pub modified_ns: i64,
}

/// What went wrong with one file.
pub enum Fault {
    /// It no longer begins with what was given out of it.
    Replaced,
    Source(SourceError),
}

/// So many bytes were given out, and this is their hash.
#[derive(Clone, Copy, Default)]
struct Mark {
    bytes: u64,
    hash: u128,
}

pub struct File {
    path: PathBuf,
    found: Found,
    stream: StreamId,
    /// Everything below this is with the server for good.
    durable: u64,
    /// Ends of pieces: the last that is durable, and those after it.
    marks: VecDeque<Mark>,
    /// Where reading goes on: within the piece that begins at the last mark before.
    next: u64,
    log: Option<LogFile>,
    /// As it was when it was last read to its end.
    read: Option<Found>,
    /// When it last changed, and when it may be read again.
    changed: Duration,
    due: Duration,
    is_gone: bool,
    end: End,
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
        let marks = VecDeque::from([Mark::default()]);
        let end = End::Open;
        let (log, read) = (None, None);
        Self { path, found, stream, durable: 0, marks, next: 0, log, read, changed: now, due: now, is_gone: false, end }
    }

    /// As a restart left it.
    pub fn placed(path: PathBuf, found: Found, place: &Place, now: Duration) -> Self {
        let new = Self::new(path, found, place.stream, now);
        Self {
            durable: place.offset,
            marks: VecDeque::from([Mark { bytes: place.hashed, hash: place.hash }]),
            next: place.offset,
            end: if place.is_ended { End::Durable } else { End::Open },
            ..new
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn found(&self) -> Found {
        self.found
    }

    pub fn stream(&self) -> StreamId {
        self.stream
    }

    pub fn is_at(&self, path: &Path, found: &Found) -> bool {
        self.path == path && (self.found.device, self.found.inode) == (found.device, found.inode)
    }

    /// Pieces that are not durable.
    pub fn in_flight(&self) -> usize {
        self.marks.len() - 1
    }

    pub fn seen(&mut self, found: Found, now: Duration) {
        if found != self.found {
            self.changed = now;
        }
        self.found = found;
    }

    /// Was more written after its end? Then another stream begins with all of it: whoever stores the lines recognises copies.
    pub fn is_reopened(&self, found: &Found) -> bool {
        self.end == End::Durable && (found.bytes, found.modified_ns) != (self.found.bytes, self.found.modified_ns)
    }

    /// `false` when it is gone, and the server knows that nothing follows.
    pub fn is_awaited(&mut self, found: &[(PathBuf, Found)], events: &mut Events) -> bool {
        if found.iter().any(|(path, found)| self.is_at(path, found)) {
            return true;
        }
        let is_read = self.read == Some(self.found) || self.end != End::Open || self.log.is_some();
        if !self.is_gone && !is_read {
            self.tell_lost(events);
        }
        self.is_gone = true;
        self.end != End::Durable
    }

    fn tell_lost(&self, events: &mut Events) {
        let why = format!("{} was removed before it was read to its end; keep such files longer", self.path.display());
        events.tell(FeedEvent::Lost { stream: self.stream, from: self.next, bytes: None, why });
    }

    pub fn next(
        &mut self,
        settings: &Settings,
        now: Duration,
        clock: &dyn Fn() -> Duration,
    ) -> Result<Option<Piece>, Fault> {
        if matches!(self.end, End::Given(_) | End::Durable) {
            return Ok(None);
        }
        if self.log.is_none() && self.is_gone {
            return Ok(Some(self.last_piece()));
        }
        if self.log.is_none() && !self.open(settings, now, clock)? {
            return Ok(None);
        }
        self.piece(now)
    }

    /// Opens it where there is something new; whether there is.
    fn open(&mut self, settings: &Settings, now: Duration, clock: &dyn Fn() -> Duration) -> Result<bool, Fault> {
        let is_rewound = self.marks.back().is_some_and(|mark| self.next < mark.bytes);
        let is_quiet = self.end == End::Open && now.saturating_sub(self.changed) >= QUIET;
        if now < self.due || (self.read == Some(self.found) && !is_rewound && !is_quiet) {
            return Ok(false);
        }
        if is_quiet {
            self.end = End::Quiet;
        }
        while self.marks.len() > 1 && self.marks.back().is_some_and(|mark| mark.bytes > self.next) {
            self.marks.pop_back();
        }
        let from = self.marks.back().copied().unwrap_or_default();
        let settings = Settings { is_growing: self.end != End::Quiet, ..settings.clone() };
        let began = clock();
        let resumed = LogFile::resume(&self.path, &settings, from.bytes, from.hash).map_err(Fault::Source)?;
        self.due = now + clock().saturating_sub(began) * SHARE_OF_TIME;
        self.log = Some(match resumed {
            Resumed::Continues(log) => log,
            Resumed::Different(log) if from.bytes == 0 => log,
            Resumed::Different(_) => return Err(Fault::Replaced),
        });
        Ok(true)
    }

    fn piece(&mut self, now: Duration) -> Result<Option<Piece>, Fault> {
        let Some(log) = &mut self.log else { return Ok(None) };
        let (stream, next) = (self.stream, self.next);
        match log.next().map_err(Fault::Source) {
            Ok(Some(chunk)) => {
                // After a rewind into the middle of a piece its first bytes are with the server.
                let known = usize::try_from(next.saturating_sub(chunk.offset)).unwrap_or(usize::MAX);
                let bytes = chunk.bytes.get(known..).unwrap_or_default().to_vec();
                let identity = log.identity();
                self.marks.push_back(Mark { bytes: identity.consumed, hash: identity.consumed_hash });
                self.next = next + bytes.len() as u64;
                Ok(Some(Piece { stream, offset: next, bytes, is_last: false }))
            }
            Ok(None) => {
                (self.log, self.read) = (None, Some(self.found));
                if self.end != End::Quiet {
                    return Ok(None);
                }
                Ok(Some(self.last_piece()))
            }
            Err(fault) => {
                (self.log, self.due) = (None, now + Duration::from_secs(1));
                Err(fault)
            }
        }
    }

    fn last_piece(&mut self) -> Piece {
        self.end = End::Given(self.next);
        Piece { stream: self.stream, offset: self.next, bytes: Vec::new(), is_last: true }
    }

    pub fn durable(&mut self, offset: u64) {
        self.durable = self.durable.max(offset);
        while self.marks.get(1).is_some_and(|mark| mark.bytes <= self.durable) {
            self.marks.pop_front();
        }
        if matches!(self.end, End::Given(end) if self.durable >= end) {
            self.end = End::Durable;
        }
    }

    pub fn rewind(&mut self, offset: u64) -> Result<(), SourceError> {
        if offset < self.marks.front().map_or(0, |mark| mark.bytes) {
            return Err(SourceError::NotAgain {
                path: self.path.clone(),
                offset,
                why: "the server said before that it holds more",
            });
        }
        (self.next, self.log) = (offset, None);
        if let End::Given(_) = self.end {
            self.end = End::Quiet;
        }
        Ok(())
    }

    pub fn place(&self) -> Place {
        let mark = self.marks.front().copied().unwrap_or_default();
        Place {
            stream: self.stream,
            offset: self.durable,
            hashed: mark.bytes,
            hash: mark.hash,
            file: FileMark {
                path: self.path.to_string_lossy().into_owned(),
                device: self.found.device,
                inode: self.found.inode,
                modified_ns: self.found.modified_ns,
                fingerprint: 0,
                fingerprint_bytes: 0,
            },
            before: None,
            is_ended: self.end == End::Durable,
        }
    }

    /// Bytes on disk, as far as they are known not to have been read: what is made of them is not known before.
    pub fn backlog_bytes(&self) -> u64 {
        let read = self.read.map_or(0, |read| read.bytes);
        if self.end == End::Durable { 0 } else { self.found.bytes.saturating_sub(read) }
    }
}

/// Is this the place of that file? A share may number its files anew; the hash decides in the end.
pub fn is_of(place: &Place, path: &Path, found: &Found) -> bool {
    let is_same = (place.file.device, place.file.inode) == (found.device, found.inode);
    place.file.path == path.to_string_lossy() || is_same
}
