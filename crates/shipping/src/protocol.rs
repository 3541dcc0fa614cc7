//! The wire. These types are version 1 of it: fields may be added with a default, none may be changed or taken away.
//!
//! All requests are `POST` over HTTP/2 and TLS 1.3, with `authorization: Bearer TOKEN`.
//!
//! | path | body | answer |
//! | --- | --- | --- |
//! | `/collect/v1/hello` | [`Hello`] | [`HelloAnswer`] |
//! | `/collect/v1/chunk` | [`Chunk`], binary | [`Received`] |
//! | `/collect/v1/status` | [`Status`] | [`StatusAnswer`] |
//!
//! What is refused is answered by a [`Problem`]. A reader passes over JSON fields that it does not know, so that either side may be a
//! version newer.

mod chunk;
mod refusal;
mod stream;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vigie_sources::StreamId;

pub use chunk::{Chunk, HEADER_BYTES, Placement};
pub use refusal::{Malformed, PROBLEM_TYPE, Problem, Reason, Refusal};

use crate::bounds::{EVENT_KINDS_MAX, LABEL_BYTES_MAX, NAME_BYTES_MAX, STREAMS_MAX};

/// The version that this program speaks.
pub const CURRENT: u32 = 1;
/// The oldest version that this program still understands.
pub const OLDEST: u32 = 1;

/// Where a collector greets.
pub const HELLO_PATH: &str = "/collect/v1/hello";
/// Where it sends text.
pub const CHUNK_PATH: &str = "/collect/v1/chunk";
/// Where it tells how it is, and learns what became durable.
pub const STATUS_PATH: &str = "/collect/v1/status";
/// What all paths of all versions begin with.
pub const PATH_PREFIX: &str = "/collect/v";

/// The first thing a collector says on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The newest version that the collector speaks.
    pub protocol: u32,
    /// Name and version of the program.
    pub program: String,
    /// The name of the machine.
    pub host: String,
    /// The machine's clock, in microseconds since 1970 UTC.
    pub clock_us: i64,
    /// The streams that it still holds something of.
    #[serde(default)]
    pub streams: Vec<KnownStream>,
}

/// A stream, as its collector knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownStream {
    /// Which.
    #[serde(with = "stream")]
    pub stream: StreamId,
    /// What it is called: a path, or an address.
    pub label: String,
    /// Everything below was said to be durable; the collector may have forgotten it.
    pub durable: u64,
}

/// The answer to a [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloAnswer {
    /// The version to speak: the smaller of both sides' newest.
    pub protocol: u32,
    /// Name and version of the server's program.
    #[serde(default)]
    pub program: String,
    /// The server's clock, in microseconds since 1970 UTC.
    pub clock_us: i64,
    /// What the server holds of the streams named; one that is missing is new to it.
    #[serde(default)]
    pub streams: Vec<HeldStream>,
    /// What it takes.
    #[serde(default)]
    pub limits: WireLimits,
}

/// What a server holds of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldStream {
    /// Which.
    #[serde(with = "stream")]
    pub stream: StreamId,
    /// Everything below is held for good.
    pub durable: u64,
    /// Everything below has arrived: the next chunk begins here. What is not durable is sent again should the server lose it.
    pub received: u64,
}

/// What a server takes from one collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WireLimits {
    /// Raw bytes of a chunk.
    pub chunk_bytes: u64,
    /// Streams in a greeting or status.
    pub streams: u64,
    /// Requests at once, the waiting status among them.
    pub requests: u64,
    /// The longest that a status may ask to wait.
    pub wait_ms: u64,
}

impl Default for WireLimits {
    fn default() -> Self {
        WireLimits {
            chunk_bytes: crate::bounds::RAW_BYTES_MAX as u64,
            streams: STREAMS_MAX as u64,
            requests: 8,
            wait_ms: crate::bounds::STATUS_WAIT_MAX.as_millis() as u64,
        }
    }
}

/// How far a stream is held for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durable {
    /// Which.
    #[serde(with = "stream")]
    pub stream: StreamId,
    /// Everything below.
    pub offset: u64,
}

/// The answer to a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Everything of its stream below this has arrived.
    pub received: u64,
    /// What is durable by now: of this stream, and of others of this collector that moved.
    #[serde(default)]
    pub durable: Vec<Durable>,
    /// Send nothing more for so long; 0 to go on.
    #[serde(default)]
    pub wait_ms: u64,
}

/// How a collector is, every few seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its clock, in microseconds since 1970 UTC.
    pub clock_us: i64,
    /// Bytes that it has and that are not sent yet.
    pub backlog_bytes: u64,
    /// Losses that it knows of since it started.
    #[serde(default)]
    pub losses: u64,
    /// Bytes of those losses whose size is known.
    #[serde(default)]
    pub lost_bytes: u64,
    /// What else happened since it started, counted by kind.
    #[serde(default)]
    pub events: BTreeMap<String, u64>,
    /// Streams of which something is not durable yet, and what the collector knows to be.
    #[serde(default)]
    pub streams: Vec<Durable>,
    /// Answer when something of those streams moves, or after so long.
    #[serde(default)]
    pub wait_ms: u64,
}

/// The answer to a [`Status`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// The server's clock, in microseconds since 1970 UTC.
    pub clock_us: i64,
    /// How far the streams asked about are durable.
    #[serde(default)]
    pub durable: Vec<Durable>,
}

impl Hello {
    /// The version to speak with this collector.
    pub fn spoken(&self) -> Result<u32, Refusal> {
        if self.protocol < OLDEST {
            Err(Refusal::Version { asked: self.protocol })
        } else {
            Ok(self.protocol.min(CURRENT))
        }
    }

    /// Refuses what no honest collector says.
    pub fn check(&self) -> Result<(), Refusal> {
        self.spoken()?;
        within("program", self.program.len(), NAME_BYTES_MAX)?;
        within("host", self.host.len(), NAME_BYTES_MAX)?;
        within("streams", self.streams.len(), STREAMS_MAX)?;
        self.streams.iter().try_for_each(|known| within("label", known.label.len(), LABEL_BYTES_MAX))
    }
}

impl Status {
    /// Refuses what no honest collector says.
    pub fn check(&self) -> Result<(), Refusal> {
        within("streams", self.streams.len(), STREAMS_MAX)?;
        within("events", self.events.len(), EVENT_KINDS_MAX)?;
        self.events.keys().try_for_each(|kind| within("event", kind.len(), NAME_BYTES_MAX))
    }
}

/// As many whole characters of a text as fit.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn within(what: &'static str, size: usize, max: usize) -> Result<(), Refusal> {
    if size > max { Err(Refusal::TooLarge { what, size: size as u64, max: max as u64 }) } else { Ok(()) }
}
