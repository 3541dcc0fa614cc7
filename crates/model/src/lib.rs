//! The vocabulary of Vigie: queue ids, times, and the facts that everything else reads or writes.
//!
//! Nothing here does I/O, and nothing here knows a log format. A word of the glossary is a type here.

mod facts;
mod queue_id;
mod time;

pub use facts::{
    Arrival, Attempt, Client, Delays, Direction, Hop, HopKey, Kind, Link, LinkEvidence, MailClass, Outcome, Recipient,
    Rejection, Relay, ServerCounts,
};
pub use queue_id::QueueId;
pub use time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, day_of, iso, iso_day, parse_iso};

mod journey;
pub use journey::{Delivery, Journey, Step};
