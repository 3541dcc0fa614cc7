//! What everything that brings log bytes has in common: files that are followed, and spools of what came over the network.
//!
//! A [`Feed`] gives out whole lines of numbered streams and forgets nothing that the server does not hold for good. Whoever
//! drives it keeps one promise: **before the first piece of a stream leaves the machine, the [`places`](Feed::places) are on
//! the disk.** Else the same bytes could come again after a crash under another stream, and would be new to the server.

mod event;

use serde::{Deserialize, Serialize};

use crate::SourceError;

pub(crate) use event::Events;
pub use event::{EVENTS_MAX, FeedEvent};

/// A piece is this long at most: as much as is read of a file at once.
pub const PIECE_BYTES_MAX: usize = crate::CHUNK_BYTES;

/// Names one run of bytes from its first to its last: a log between two rotations, a segment of a spool. Never used again for
/// others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId(pub u128);

/// Whole lines of a stream, as they stand in it.
///
/// A line longer than [`PIECE_BYTES_MAX`] comes in several pieces; only then does a piece not end with a newline, unless it is
/// the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Of which stream.
    pub stream: StreamId,
    /// Where its first byte stands in the stream.
    pub offset: u64,
    /// Whole lines; at most [`PIECE_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// Nothing follows in this stream. The last line may lack its end then; `bytes` may be empty.
    pub is_last: bool,
}

impl Piece {
    /// Where the piece behind it begins.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// Where to go on with a stream after a restart. The caller saves it, under a version of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The stream.
    pub stream: StreamId,
    /// The server holds everything below this for good.
    pub offset: u64,
    /// How many bytes [`hash`](Self::hash) covers: [`offset`](Self::offset) or less, when that is in the middle of a piece.
    pub hashed: u64,
    /// xxh3-128 of the first [`hashed`](Self::hashed) bytes: the file goes on only where they are found again.
    pub hash: u128,
    /// The file that the bytes are in.
    pub file: FileMark,
    /// The rotated file that was the newest when the stream began: what is newer was written after that.
    pub before: Option<FileMark>,
    /// The server holds the stream to its end. Kept for what comes after it.
    pub is_ended: bool,
}

/// What a file is recognised by, under whatever name and packed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Where it was when it was seen last, as far as that is UTF-8. Only a hint.
    pub path: String,
    /// The device that it lies on; 0 when no file is known.
    pub device: u64,
    /// Its number there; 0 when no file is known.
    pub inode: u64,
    /// When it was written last, in nanoseconds since 1970 UTC.
    pub modified_ns: i64,
    /// xxh3-128 of its first bytes, unpacked.
    pub fingerprint: u128,
    /// How many bytes that covers: 4096, or fewer as long as fewer were read. With 0 it was empty, and cannot be recognised.
    pub fingerprint_bytes: u32,
}

/// Where bytes come from. Pieces of a stream come in order and without gaps; streams of one feed in order of their beginning,
/// but may overlap.
pub trait Feed: Send {
    /// What the server calls it: the path, or the address that it listens on.
    fn label(&self) -> &str;

    /// What the server calls a stream, of a feed with several logs. Streams of one name are one log that goes on from file to file: each is
    /// read behind the one that began before it.
    fn label_of(&self, _stream: StreamId) -> &str {
        self.label()
    }

    /// The next piece; `None` when there is nothing now.
    fn next(&mut self) -> Result<Option<Piece>, SourceError>;

    /// The server holds everything below this for good: it may be forgotten here. What has ended is forgotten when this comes
    /// with its end, after its last piece.
    fn durable(&mut self, stream: StreamId, offset: u64);

    /// Read again from here: the server does not hold what it got. Never below what was durable.
    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError>;

    /// Where to go on after a restart; small, saved by the caller.
    fn places(&self) -> Vec<Place>;

    /// Bytes that are there and not given out yet.
    fn backlog_bytes(&self) -> u64;

    /// What happened since it was asked last: rotations, losses, troubles. At most [`EVENTS_MAX`].
    fn events(&mut self) -> Vec<FeedEvent>;
}
