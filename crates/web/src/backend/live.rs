//! What the live pages ask for: what waits in queues, how each source is, and when to look again.

use std::pin::Pin;

use futures::Stream;
use jiff::Timestamp;

use super::{CoverageSummary, Span, Status};

/// Tells that figures may have changed: a number that is another after each change. Ends when the server does.
pub type Beats = Pin<Box<dyn Stream<Item = u64> + Send>>;

// ---------------------------------------------------------------------------------------------------------------------
// Queues

/// Ages by which what waits is told apart, in seconds: as administrators know them from `qshape`.
pub const QUEUE_AGES_S: [i64; 4] = [300, 3_600, 6 * 3_600, 24 * 3_600];

/// What waits: recipients of messages that are in a queue.
#[derive(Debug, Clone)]
pub struct Queues {
    pub stored: Option<Span>,
    /// When this was true.
    pub as_of: Timestamp,
    /// All that wait, also those that `groups` leaves out.
    pub deliveries: u64,
    /// Oldest arrival first is what hurts most: groups come by number, largest first.
    pub groups: Vec<QueueGroup>,
    pub groups_more: u64,
    /// Deliveries that were too many to be looked at; they are in `deliveries` alone.
    pub unseen: u64,
    pub servers: Vec<QueueServer>,
    pub coverage: CoverageSummary,
}

/// What waits at one server for one domain, for one reason.
#[derive(Debug, Clone)]
pub struct QueueGroup {
    pub server: String,
    /// Domain of the recipients; empty for none.
    pub domain: String,
    /// The next server, where the log names one.
    pub next_hop: Option<String>,
    /// [`Status::Deferred`] or [`Status::Held`].
    pub status: Status,
    /// Enhanced status code of the last try; `None` before the first one.
    pub dsn: Option<String>,
    /// What the next server said last, to one of them.
    pub reply: Option<String>,
    pub deliveries: u64,
    /// By age, see [`QUEUE_AGES_S`]; the last is what is older.
    pub ages: [u64; QUEUE_AGES_S.len() + 1],
    pub oldest: Timestamp,
    /// Most tries of one of them.
    pub attempts_max: u32,
    /// Finds them.
    pub filter: String,
}

/// What waits at one server.
#[derive(Debug, Clone)]
pub struct QueueServer {
    pub server: String,
    pub deliveries: u64,
    pub held: u64,
    pub oldest: Timestamp,
    pub filter: String,
}

// ---------------------------------------------------------------------------------------------------------------------
// Sources

/// Where lines come from.
#[derive(Debug, Clone)]
pub struct Sources {
    pub as_of: Timestamp,
    pub stored: Option<Span>,
    /// This server takes lines now.
    pub is_taking: bool,
    /// Why nothing can be stored now.
    pub trouble: Option<String>,
    /// Bytes that wait to be stored.
    pub waiting_bytes: u64,
    /// Servers whose facts are being derived anew, because lines came late.
    pub recounting: Vec<String>,
    pub rows: Vec<SourceRow>,
    pub collectors: Vec<CollectorRow>,
}

/// One log, journal or listener of one sender.
#[derive(Debug, Clone)]
pub struct SourceRow {
    pub name: String,
    /// Servers whose lines it brings.
    pub servers: Vec<String>,
    pub state: SourceState,
    /// Over the last minute; `None` when this server does not take lines.
    pub lines_per_second: Option<f64>,
    /// Lines of the last 24 hours.
    pub lines: u64,
    pub unknown: u64,
    pub last_line: Option<Timestamp>,
    /// How old the newest line was when it was stored, with the clocks of both machines put right.
    pub lag_ms: Option<i64>,
    /// Whole hours without a line, between hours with lines.
    pub gaps: u64,
    /// By how much the sender's clock is ahead.
    pub clock_ahead_ms: Option<i64>,
    /// Lines of each of the last 24 hours.
    pub hours: Vec<Option<u64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Lines come as they do.
    Live,
    /// It brings lines regularly, and has not for much longer than usual.
    Silent { since: Timestamp },
    /// Nothing is heard of its collector.
    Away { since: Timestamp },
    /// Its lines say that they come from the future, by so much: a clock, or a time zone, is wrong.
    Ahead { ms: u64 },
    /// Its collector was removed, or it is read no more.
    Ended,
}

/// A collector as it is.
#[derive(Debug, Clone)]
pub struct CollectorRow {
    pub name: String,
    /// Its machine, as it calls itself.
    pub host: Option<String>,
    /// `None`: enrolled, and never heard.
    pub heard: Option<Timestamp>,
    pub is_away: bool,
    pub backlog_bytes: u64,
    pub losses: u64,
    pub lost_bytes: u64,
    pub clock_ahead_ms: Option<i64>,
}

/// A source that should bring lines and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilentSource {
    pub name: String,
    pub since: Timestamp,
}
