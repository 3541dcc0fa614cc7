//! Log files as they lie on disk: found, opened whatever they are compressed with, and read in chunks of whole lines.
//!
//! [`arrange`] turns what a person named into files; [`LogFile`] reads one; [`Identity`] lets a later import prove that a
//! file contains what was read before. A [`Follower`] reads a log while it is written, through every kind of rotation; [`spool`]
//! keeps what comes only once, a [`Folder`] follows files whose lines do not stand for themselves, [`listen`] takes syslog, [`journald`] reads a journal; each gives its lines as a [`Feed`]. Every way in
//! which a file can be bad is a [`SourceError`] that says what to do next.

mod arrange;
mod chunk;
mod compression;
mod decoder;
mod error;
mod feed;
mod folder;
mod follow;
mod foreign;
mod identity;
pub mod journald;
pub mod listen;
mod logfile;
pub mod machine;
mod nearest;
pub mod spool;
mod transcribed;

pub use arrange::{Arranged, Found, arrange, find_machine_logs, find_machine_logs_below};
pub use chunk::{Chunk, Lines};
pub use compression::Compression;
pub use error::SourceError;
pub use feed::{EVENTS_MAX, Feed, FeedEvent, FileMark, PIECE_BYTES_MAX, Piece, Place, StreamId};
pub use folder::{ExaminedFolder, Folder, examine_folder};
pub use follow::{Follower, IN_FLIGHT_PIECES_MAX, LINGER, STREAMS_MAX, Start};
pub use identity::Identity;
pub use logfile::{CHUNK_BYTES, LINE_BYTES_MAX, LogFile, Resumed};
