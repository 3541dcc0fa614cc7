//! What gives bytes piece by piece: a followed log, a spool.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::SourceError;

/// The most that one [`Piece`] holds.
pub const PIECE_BYTES_MAX: usize = 256 << 10;

/// Names one run of bytes from its first to its last: a log between two rotations, a segment of a spool. Never used again for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId(pub u128);

/// Whole lines of a stream, as they stand in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The stream that they stand in.
    pub stream: StreamId,
    /// Where its first byte stands in the stream.
    pub offset: u64,
    /// Whole lines; at most [`PIECE_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// Nothing follows in this stream. The last line may lack its end then; `bytes` may be empty.
    pub is_last: bool,
}

/// Where bytes come from. Pieces of a stream come in order and without gaps; streams of one feed in order of their beginning, but may overlap.
pub trait Feed: Send {
    /// What the server calls it: the path, or the address that it listens on.
    fn label(&self) -> &str;
    /// The next piece; None when there is nothing now.
    fn next(&mut self) -> Result<Option<Piece>, SourceError>;
    /// The server holds everything below this for good: it may be forgotten here.
    fn durable(&mut self, stream: StreamId, offset: u64);
    /// Read again from here: the server does not hold what it got. Never below what was durable.
    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError>;
    /// Where to go on after a restart; small, saved by the caller.
    fn places(&self) -> Vec<Place>;
    /// Bytes that are there and not given out yet.
    fn backlog_bytes(&self) -> u64;
    /// What happened since it was asked last: rotations, losses, troubles. Bounded.
    fn events(&mut self) -> Vec<FeedEvent>;
}

/// Where a feed stands in one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The stream.
    pub stream: StreamId,
    /// The server holds everything below this for good.
    pub offset: u64,
    /// The server holds the stream to its end. Kept for what comes after it.
    pub is_ended: bool,
}

/// What happened to a feed. The text says what, to which file, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeedEvent {
    /// What was missing or unreadable is read again.
    Returned {
        /// The path.
        path: PathBuf,
    },
    /// Bytes are gone before they were read.
    Lost {
        /// The stream that they stood in.
        stream: StreamId,
        /// The first byte lost.
        from: u64,
        /// How many, where that is known.
        bytes: Option<u64>,
        /// What became of them.
        why: String,
    },
}

impl fmt::Display for FeedEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedEvent::Returned { path } => write!(formatter, "{} is read again", path.display()),
            FeedEvent::Lost { from, bytes: Some(bytes), why, .. } => {
                write!(formatter, "{bytes} bytes are lost, from byte {from} on: {why}")
            }
            FeedEvent::Lost { from, bytes: None, why, .. } => {
                write!(formatter, "what stood there from byte {from} on, if anything, is lost: {why}")
            }
        }
    }
}
