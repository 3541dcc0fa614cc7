//! The vocabulary of Vigie: queue ids, times, and the facts that everything else reads or writes.
//!
//! Nothing here does I/O, and nothing here knows a log format. A word of the glossary is a type here.

mod facts;
mod queue_id;
mod time;
mod verdict;

pub use facts::{
    Arrival, Attachment, Attempt, Client, Content, Delays, Direction, Hop, HopKey, Kind, Link, LinkEvidence, MailClass,
    Outcome, Recipient, Rejection, Relay, ServerCounts,
};
pub use queue_id::QueueId;
pub use verdict::Verdicts;

/// A text of a fact. Up to 24 bytes stand in place: a fact has a dozen texts, most of them short, and a block of memory each would
/// take longer to get, to find and to give back than to fill.
pub use compact_str::CompactString as Text;
pub use time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, day_of, iso, iso_day, parse_iso};

mod journey;
pub use journey::{Delivery, Journey, Step};
