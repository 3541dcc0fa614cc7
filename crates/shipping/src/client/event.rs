//! What a shipper tells: events as they happen, and how it stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Hears what a shipper tells.
pub trait Observer: Send {
    /// Something happened.
    fn event(&mut self, event: &ShipEvent);
    /// How it stands now: every few seconds, and when the connection came or went.
    fn condition(&mut self, condition: &Condition);
}

/// What happened. `Display` says it in a sentence or two, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShipEvent {
    /// The server answered the greeting.
    Connected {
        /// The server.
        server: String,
    },
    /// The server cannot be reached, or does not let us in. Told once until the cause changes.
    Away {
        /// Why.
        why: String,
        /// What to do.
        hint: String,
        /// Bytes that wait.
        backlog_bytes: u64,
    },
    /// It is still so.
    StillAway {
        /// For how long.
        seconds: u64,
        /// Bytes that wait.
        backlog_bytes: u64,
    },
    /// The server refused a chunk for a reason that does not pass by itself.
    Refused {
        /// The feed.
        label: String,
        /// What the server says.
        detail: String,
        /// What to do.
        hint: String,
    },
    /// Something that the feed tells.
    Feed {
        /// The feed.
        label: String,
        /// What it tells.
        text: String,
        /// Are bytes gone?
        is_loss: bool,
    },
    /// A feed cannot be read now. It is tried again.
    Unreadable {
        /// The feed.
        label: String,
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    },
    /// The server no longer holds what it had said to be durable, and it may be forgotten here.
    ServerForgot {
        /// The feed.
        label: String,
        /// The first byte that the server lacks.
        from: u64,
        /// Where it goes on.
        to: u64,
    },
    /// The clocks of this machine and of the server differ.
    ClockOff {
        /// By how much this machine's is ahead.
        seconds: i64,
    },
    /// The file of the places cannot be written. What is known there goes on; a log that begins waits, as after a crash it would come twice.
    PlacesNotSaved {
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    },
}

impl ShipEvent {
    /// What it is counted by.
    pub fn kind(&self) -> &'static str {
        match self {
            ShipEvent::Connected { .. } => "connected",
            ShipEvent::Away { .. } => "away",
            ShipEvent::StillAway { .. } => "still_away",
            ShipEvent::Refused { .. } => "refused",
            ShipEvent::Feed { is_loss: true, .. } => "loss",
            ShipEvent::Feed { .. } => "feed",
            ShipEvent::Unreadable { .. } => "unreadable",
            ShipEvent::ServerForgot { .. } => "server_forgot",
            ShipEvent::ClockOff { .. } => "clock_off",
            ShipEvent::PlacesNotSaved { .. } => "places_not_saved",
        }
    }

    /// Is it worth a warning? The rest is good news or a matter of course.
    pub fn is_warning(&self) -> bool {
        !matches!(self, ShipEvent::Connected { .. } | ShipEvent::Feed { is_loss: false, .. })
    }
}

impl fmt::Display for ShipEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShipEvent::Connected { server } => write!(formatter, "connected to {server}"),
            ShipEvent::Away { why, hint, .. } => write!(formatter, "{why}; {hint}. Trying again; nothing is lost"),
            ShipEvent::StillAway { seconds, backlog_bytes } => write!(
                formatter,
                "the server has been away for {} min and {backlog_bytes} bytes wait; they are kept where they are: lines of a log that is \
                 removed by rotation before the server is back will be lost",
                seconds / 60
            ),
            ShipEvent::Refused { label, detail, hint } => {
                write!(formatter, "{label}: the server refuses: {detail}; {hint}. Trying again")
            }
            ShipEvent::Feed { label, text, .. } => write!(formatter, "{label}: {text}"),
            ShipEvent::Unreadable { label, why, hint } => write!(formatter, "{label}: {why}; {hint}. Trying again"),
            ShipEvent::ServerForgot { label, from, to } => write!(
                formatter,
                "{label}: the server no longer holds bytes {from} to {to}, which it had confirmed; was its store restored or replaced? \
                 Import the log there by hand"
            ),
            ShipEvent::ClockOff { seconds } => write!(
                formatter,
                "this machine's clock is {} s {} the server's; see whether both keep time by NTP",
                seconds.unsigned_abs(),
                if *seconds > 0 { "ahead of" } else { "behind" }
            ),
            ShipEvent::PlacesNotSaved { why, hint } => {
                write!(
                    formatter,
                    "{why}; {hint}. Logs whose places are kept go on; one that begins now waits, and nothing of it is lost as long as it lies there"
                )
            }
        }
    }
}

/// How a shipper stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// The server.
    pub server: String,
    /// Did the server let us in?
    pub is_connected: bool,
    /// Since when that is so, in microseconds since 1970 UTC.
    pub since_us: i64,
    /// When this was told.
    pub now_us: i64,
    /// When it was said last that the server is still away.
    pub noticed_us: i64,
    /// Raw bytes that the server took since the start, repeated ones among them.
    pub sent_bytes: u64,
    /// Chunks that it took.
    pub chunks: u64,
    /// Bytes that wait.
    pub backlog_bytes: u64,
    /// Losses since the start.
    pub losses: u64,
    /// Bytes of those whose size is known.
    pub lost_bytes: u64,
    /// By how much this machine's clock is ahead of the server's.
    pub clock_ahead_ms: i64,
    /// Why the server is away.
    pub trouble: Option<String>,
    /// Each feed.
    pub feeds: Vec<FeedCondition>,
}

/// How one feed stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedCondition {
    /// What it is called.
    pub label: String,
    /// Bytes that wait.
    pub backlog_bytes: u64,
    /// Streams of which something is not durable yet.
    pub open_streams: u64,
    /// Bytes that were given out and are not durable yet.
    pub undurable_bytes: u64,
}
