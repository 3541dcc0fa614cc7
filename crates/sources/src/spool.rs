//! A spool: lines of sources that cannot wait, kept on disk until the server holds them.
//!
//! It is a folder of segments, files that hold nothing but lines. [`Spool`] adds lines and may be held by many writers;
//! [`SpoolFeed`] gives them out, each segment as a stream. A segment goes when the server holds all of it.
//!
//! After a kill at any byte, a reopened spool has every line whose `append` returned; half a line at the end is cut off. After a loss
//! of power it has at least what was [synced](Spool::sync). Segments of an earlier process are not added to: new lines
//! begin a new one, because the server may hold bytes of the old that the disk lost, and no others may stand in their place.

mod block;
mod error;
mod event;
mod opening;
mod reader;
mod remembered;
mod segment;
mod state;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{FeedEvent, StreamId};

pub use block::Block;
pub use error::SpoolError;
pub use event::SpoolEvent;
pub use reader::SpoolFeed;

use segment::Segment;
use state::{Active, State};

/// A segment is sealed when it would grow past this. Small enough that space comes back soon, large enough that files are few.
pub const SEGMENT_BYTES_MAX: u64 = 8 << 20;
/// No spool is smaller: a few of the longest lines must have room.
pub const SPOOL_BYTES_MIN: u64 = 1 << 20;
/// What a spool may hold when nobody says otherwise.
pub const SPOOL_BYTES_DEFAULT: u64 = 1 << 30;
/// Segments of a small spool are this part of it, so that the one that is written cannot fill it alone.
const SEGMENTS_OF_A_SPOOL: u64 = 8;
/// Files in the folder. A program that crashes each second leaves a small segment each time.
const SEGMENTS_MAX: usize = 4096;
/// Sealed segments that wait for their sync. With more, the next rotation syncs: after a loss of power only the newest few
/// segments may be damaged, and are looked through.
const UNSYNCED_MAX: usize = 1;

/// Where the lines of a spool come from, which decides what must outlive a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// They come once, as by syslog. They are given out at once.
    Transient,
    /// They can be asked for again after the last one that is known (a journal). Lines are given out when they are synced, and
    /// the last line is remembered when its segment goes: else a loss of power would bring lines again that the server holds.
    Resumable,
}

/// What a spool is opened with.
#[derive(Clone, Debug)]
pub struct SpoolConfig {
    /// Its folder, made when it is not there. It belongs to the spool alone.
    pub dir: PathBuf,
    /// What the server calls the source whose lines it holds.
    pub label: String,
    /// What its files may take; at least [`SPOOL_BYTES_MIN`].
    pub bytes_max: u64,
    /// What becomes of lines when it is full, as the end of the sentence "when it is full …".
    pub when_full: String,
    /// Where its lines come from.
    pub origin: Origin,
}

impl SpoolConfig {
    /// A spool of syslog lines in a folder, with the default bound.
    pub fn new(dir: impl Into<PathBuf>, label: impl Into<String>) -> Self {
        SpoolConfig {
            dir: dir.into(),
            label: label.into(),
            bytes_max: SPOOL_BYTES_DEFAULT,
            when_full: "senders over TCP and TLS are made to wait, and what comes by UDP is lost".into(),
            origin: Origin::Transient,
        }
    }
}

/// What a spool did since it was opened, and how it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolCounters {
    /// Lines that it took.
    pub accepted_lines: u64,
    /// Their bytes, with newlines.
    pub accepted_bytes: u64,
    /// Lines that it took, but not to their end: they were too long.
    pub cut_lines: u64,
    /// Lines that it did not take. Whoever brought them may have brought them again.
    pub refused_lines: u64,
    /// Lines of which a writer said that they are lost.
    pub lost_lines: u64,
    /// Bytes of its files.
    pub held_bytes: u64,
    /// Bytes that were not given out yet.
    pub backlog_bytes: u64,
}

/// The writers' side of a spool. Its clones write to the same spool.
#[derive(Clone, Debug)]
pub struct Spool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: SpoolConfig,
    segment_bytes_max: u64,
    entropy: u128,
    /// The folder itself, for its sync.
    directory: File,
    /// Locked for as long as the spool is open.
    _lock: File,
    state: Mutex<State>,
    /// Told when a segment went.
    room: Condvar,
}

impl Spool {
    /// Opens a spool, or makes it, and mends what a crash left.
    ///
    /// `entropy` makes the names of its streams unique: a random number, a new one at each opening.
    pub fn open(config: SpoolConfig, entropy: u128) -> Result<(Spool, SpoolFeed), SpoolError> {
        let shared = Arc::new(opening::open(config, entropy)?);
        Ok((Spool { shared: shared.clone() }, SpoolFeed::new(shared)))
    }

    /// Adds one line, given without its newline, as [`Block::push`] makes it.
    pub fn append(&self, line: &[u8]) -> Result<(), SpoolError> {
        let mut block = Block::new();
        block.push(line);
        self.append_block(&block)
    }

    /// Adds all lines of a block, or none of them.
    pub fn append_block(&self, block: &Block) -> Result<(), SpoolError> {
        let mut state = self.shared.lock();
        let written = self.shared.write(&mut state, block);
        match &written {
            Ok(()) => state.accepted(block, &self.shared.config),
            Err(error) => state.refused(block, error, &self.shared.config),
        }
        written
    }

    /// Brings to disk what was added so far, so that a loss of power cannot take it, and sees how much room the disk has.
    /// It may take long; writers do not wait for it.
    pub fn sync(&self) -> Result<(), SpoolError> {
        self.shared.sync()
    }

    /// Whether a block of so many bytes would have room. The disk may say otherwise.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.shared.lock().has_room(bytes, &self.shared.config)
    }

    /// Waits until a segment goes, or for the given time.
    pub fn wait_for_room(&self, wait_max: Duration) {
        let state = self.shared.lock();
        drop(self.shared.room.wait_timeout(state, wait_max).unwrap_or_else(PoisonError::into_inner));
    }

    /// Says that lines are lost which it did not take, and why their source could not wait (`which …`).
    pub fn note_lost(&self, lines: u64, why: &'static str) {
        self.shared.lock().lost(lines, why, &self.shared.config);
    }

    /// Passes an event on to whoever reads the feed. The oldest go when nobody asks for them.
    pub fn tell(&self, event: FeedEvent) {
        self.shared.lock().tell(event);
    }

    /// The last line that it ever took, where it comes from an [`Origin::Resumable`]; `None` when there was none.
    pub fn last_line(&self) -> Result<Option<Vec<u8>>, SpoolError> {
        self.shared.last_line(&self.shared.lock())
    }

    /// What it did and how it stands.
    pub fn counters(&self) -> SpoolCounters {
        self.shared.lock().counters()
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.shared.config.dir
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of another holder leaves counts that are a little off, and lines whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path_of(&self, segment: &Segment) -> PathBuf {
        self.config.dir.join(segment.name())
    }

    fn write(&self, state: &mut State, block: &Block) -> Result<(), SpoolError> {
        let bytes = block.bytes().len() as u64;
        if bytes == 0 {
            return Ok(());
        }
        if !state.has_room(bytes, &self.config) {
            let (held_bytes, bytes_max) = (state.held(), self.config.bytes_max);
            return Err(SpoolError::Full { dir: self.config.dir.clone(), held_bytes, bytes_max });
        }
        self.make_way(state, bytes)?;
        let State { segments, active, .. } = &mut *state;
        let (Some(segment), Some(active)) = (segments.back_mut(), active) else {
            return Ok(());
        };
        let Err(source) = active.write(block.bytes(), segment.len) else {
            segment.len += bytes;
            return Ok(());
        };
        let path = self.path_of(segment);
        // So that it may go when the server holds it: it may be what fills the disk.
        if segment.len > 0 {
            state.seal();
        }
        Err(self.refusal(path, state.held(), source))
    }

    /// Sees that there is a segment to which so many bytes may be added.
    fn make_way(&self, state: &mut State, bytes: u64) -> Result<(), SpoolError> {
        let len = state.segments.back().map_or(0, |segment| segment.len);
        if state.active.is_some() && (len == 0 || len + bytes <= self.segment_bytes_max) {
            return Ok(());
        }
        state.seal();
        if state.unsynced.len() > UNSYNCED_MAX {
            let due = state.take_unsynced();
            self.note_synced(state, self.sync_these(due))?;
        }
        let segment = Segment::new(state.sequence_next, self.stream(state.sequence_next));
        let path = self.path_of(&segment);
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|source| self.refusal(path, state.held(), source))?;
        state.begin(segment, Active::new(file));
        Ok(())
    }

    /// The stream of a segment: never the same for two openings, because their entropy differs.
    fn stream(&self, sequence: u64) -> StreamId {
        let mut seed = [0; 24];
        seed[..16].copy_from_slice(&self.entropy.to_le_bytes());
        seed[16..].copy_from_slice(&sequence.to_le_bytes());
        StreamId(xxhash_rust::xxh3::xxh3_128(&seed))
    }

    /// Sorts what the system says about writing.
    fn refusal(&self, path: PathBuf, held_bytes: u64, source: std::io::Error) -> SpoolError {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => SpoolError::DiskFull {
                dir: self.config.dir.clone(),
                held_bytes,
                bytes_max: self.config.bytes_max,
                source,
            },
            _ => SpoolError::Write { path, source },
        }
    }

    fn sync(&self) -> Result<(), SpoolError> {
        let due = self.lock().take_unsynced();
        let synced = self.sync_these(due);
        let disk_bytes = opening::disk_bytes(&self.config.dir);
        let mut state = self.lock();
        self.make_reserve();
        state.disk_bytes = disk_bytes;
        self.note_synced(&mut state, synced)
    }

    fn note_synced(&self, state: &mut State, synced: std::io::Result<Vec<(u64, u64)>>) -> Result<(), SpoolError> {
        match synced {
            Ok(synced) => synced.into_iter().for_each(|(sequence, len)| state.synced(sequence, len)),
            Err(source) => {
                state.sync_failed();
                return Err(self.refusal(self.config.dir.clone(), state.held(), source));
            }
        }
        Ok(())
    }

    /// Syncs files, and the folder first: a file that no folder names is no use. Gives how far each is on disk now.
    fn sync_these(&self, due: Vec<(u64, u64, Arc<File>)>) -> std::io::Result<Vec<(u64, u64)>> {
        if due.is_empty() {
            return Ok(Vec::new());
        }
        self.directory.sync_all()?;
        due.into_iter().map(|(sequence, len, file)| file.sync_data().map(|()| (sequence, len))).collect()
    }
}

impl Active {
    /// Writes at the end, or leaves the file as it was.
    fn write(&mut self, bytes: &[u8], len: u64) -> std::io::Result<()> {
        if self.is_torn {
            self.file.set_len(len)?;
            self.is_torn = false;
        }
        let written = self.file.write_all_at(bytes, len);
        if written.is_err() {
            self.is_torn = self.file.set_len(len).is_err();
        }
        written
    }
}
