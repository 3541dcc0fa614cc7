//! What gives bytes piece by piece: a followed log, a spool, a journal.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::SourceError;
use crate::journald::JournalEvent;
use crate::listen::ListenEvent;
use crate::spool::SpoolEvent;

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
    /// The server holds everything below this.
    pub durable: u64,
}

/// What happened to a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// Something happened to a spool.
    Spool(SpoolEvent),
    /// Something happened to a syslog listener.
    Listener(ListenEvent),
    /// Something happened to the journal.
    Journal(JournalEvent),
}

impl fmt::Display for FeedEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedEvent::Spool(event) => event.fmt(formatter),
            FeedEvent::Listener(event) => event.fmt(formatter),
            FeedEvent::Journal(event) => event.fmt(formatter),
        }
    }
}
