//! What a server does not take, why, and what to do: one table from reason to HTTP status, counter and text.

use serde::{Deserialize, Serialize};

use super::{CURRENT, OLDEST};

/// The media type of a refusal, RFC 9457.
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// Why a request is refused. `Display` says what happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No token, or one that nobody has.
    #[error("the token is not known here")]
    Token,
    /// A stream that another collector sent before.
    #[error("the stream belongs to another collector")]
    Foreign,
    /// A chunk that begins after what has arrived.
    #[error("the chunk begins after byte {expected}, up to where the stream has arrived")]
    Gap {
        /// Where the next chunk has to begin.
        expected: u64,
    },
    /// Bytes that mean nothing.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// More than is taken.
    #[error("the {what} has {size} where at most {max} is taken")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is, or says that it is.
        size: u64,
        /// What would be taken.
        max: u64,
    },
    /// A version of the protocol that is not spoken here.
    #[error("version {asked} of the protocol is not spoken here")]
    Version {
        /// What the collector speaks.
        asked: u32,
    },
    /// The server cannot take more just now.
    #[error("the server has more to do than it can hold")]
    Busy {
        /// When to try again.
        wait_ms: u64,
    },
    /// Too many requests of one collector at once.
    #[error("more than {max} requests of this collector at once")]
    TooMany {
        /// What would be taken.
        max: u64,
    },
    /// A body that did not arrive in time.
    #[error("the request's body did not arrive in time")]
    Slow,
    /// A path or method that does not exist.
    #[error("there is nothing here under that path and method")]
    Unknown,
}

/// In what way bytes mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends early.
    #[error("the chunk is cut off")]
    Truncated,
    /// Its first bytes are not a chunk's.
    #[error("the body is no chunk")]
    NoChunk,
    /// It says that it ends beyond any stream, or it is empty and not the last.
    #[error("the chunk's offset and length make no sense")]
    Offsets,
    /// The text is shorter than stated.
    #[error("the chunk has fewer bytes than it states")]
    Length,
    /// The text does not unpack into what is stated.
    #[error("the chunk's text does not unpack into as many bytes as it states")]
    Compression,
    /// The text is not what was sent.
    #[error("the chunk's checksum does not match its text")]
    Checksum,
    /// A label that is no text.
    #[error("the label is not UTF-8")]
    Label,
    /// Not the JSON that belongs there.
    #[error("the body is not the JSON that belongs there")]
    Json,
    /// The connection ended in the middle of it.
    #[error("the request's body is cut off")]
    Body,
}

/// What refusals are counted by, and what stands in `reason` of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// See [`Refusal::Token`].
    Token,
    /// See [`Refusal::Foreign`].
    Foreign,
    /// See [`Refusal::Gap`].
    Gap,
    /// See [`Refusal::Malformed`].
    Malformed,
    /// See [`Refusal::TooLarge`].
    TooLarge,
    /// See [`Refusal::Version`].
    Version,
    /// See [`Refusal::Busy`].
    Busy,
    /// See [`Refusal::TooMany`].
    TooMany,
    /// See [`Refusal::Slow`].
    Slow,
    /// See [`Refusal::Unknown`].
    Unknown,
    /// A connection that did not get through TLS, whatever the cause: the other side refused our certificate, or spoke something else.
    Handshake,
    /// A connection beyond those taken in all.
    Connections,
    /// A connection beyond those taken from one address.
    ConnectionsOfAddress,
    /// A connection on which nothing was asked for too long.
    Idle,
    /// A connection that broke the rules of HTTP, or broke.
    Broken,
}

struct Row {
    reason: Reason,
    name: &'static str,
    status: u16,
    hint: &'static str,
}

const fn row(reason: Reason, name: &'static str, status: u16, hint: &'static str) -> Row {
    Row { reason, name, status, hint }
}

/// In the order of [`Reason`]. Those without an HTTP status never reach one.
const TABLE: [Row; Reason::COUNT] = [
    row(Reason::Token, "token", 401, "enrol the collector again with a word that the server gave out"),
    row(
        Reason::Foreign,
        "foreign",
        403,
        "a copied machine needs an empty state folder of its own, and its own enrolment",
    ),
    row(Reason::Gap, "gap", 409, "send again from the expected offset"),
    row(
        Reason::Malformed,
        "malformed",
        400,
        "send it again; when that is refused too, the programs do not fit: update both",
    ),
    row(Reason::TooLarge, "too_large", 413, "keep to the limits that the greeting's answer states"),
    row(Reason::Version, "version", 426, "update the older of collector and server"),
    row(Reason::Busy, "busy", 503, "try again after the time stated; nothing is lost"),
    row(
        Reason::TooMany,
        "too_many",
        429,
        "wait for an answer before the next request; is one token used by several collectors?",
    ),
    row(
        Reason::Slow,
        "slow",
        408,
        "send it again; look at the network between collector and server when it comes often",
    ),
    row(
        Reason::Unknown,
        "unknown",
        404,
        "collectors send to /collect/v1/hello, /collect/v1/chunk and /collect/v1/status by POST",
    ),
    row(
        Reason::Handshake,
        "handshake",
        0,
        "collectors speak TLS 1.3 to this port; enrol again when the server's key has changed",
    ),
    row(Reason::Connections, "connections", 0, "raise the number of connections, or see who opens so many"),
    row(Reason::ConnectionsOfAddress, "connections_of_address", 0, "see what runs at that address"),
    row(Reason::Idle, "idle", 0, "nothing: an honest collector connects again"),
    row(Reason::Broken, "broken", 0, "nothing: an honest collector connects again"),
];

impl Reason {
    /// How many there are.
    pub const COUNT: usize = 15;

    /// All of them.
    pub fn all() -> impl Iterator<Item = Reason> {
        TABLE.iter().map(|row| row.reason)
    }

    /// In metrics and problems, such as `too_large`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What to do.
    pub fn hint(self) -> &'static str {
        self.row().hint
    }

    /// Its place among all.
    pub fn index(self) -> usize {
        self as usize
    }

    fn row(self) -> &'static Row {
        &TABLE[self.index()]
    }
}

/// A refusal on the wire: `application/problem+json`, RFC 9457.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What happened, in a few words for all of its kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here.
    pub detail: String,
    /// What to do.
    pub hint: String,
    /// The kind, such as `gap`.
    pub reason: String,
    /// Where the next chunk has to begin, after a gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// When to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// The versions that the server speaks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<u32>,
}

/// How long one that asks too much at once is to wait.
const TOO_MANY_WAIT_MS: u64 = 1000;

impl Refusal {
    /// What it is counted by.
    pub fn reason(&self) -> Reason {
        match self {
            Refusal::Token => Reason::Token,
            Refusal::Foreign => Reason::Foreign,
            Refusal::Gap { .. } => Reason::Gap,
            Refusal::Malformed(_) => Reason::Malformed,
            Refusal::TooLarge { .. } => Reason::TooLarge,
            Refusal::Version { .. } => Reason::Version,
            Refusal::Busy { .. } => Reason::Busy,
            Refusal::TooMany { .. } => Reason::TooMany,
            Refusal::Slow => Reason::Slow,
            Refusal::Unknown => Reason::Unknown,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.reason().row().status
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        self.reason().hint()
    }

    /// When to try again, for what may succeed then.
    pub fn wait_ms(&self) -> Option<u64> {
        match self {
            Refusal::Busy { wait_ms } => Some(*wait_ms),
            Refusal::TooMany { .. } => Some(TOO_MANY_WAIT_MS),
            _ => None,
        }
    }

    /// As it goes over the wire.
    pub fn problem(&self) -> Problem {
        let expected = if let Refusal::Gap { expected } = self { Some(*expected) } else { None };
        let is_version = matches!(self, Refusal::Version { .. });
        Problem {
            title: format!("refused: {}", self.reason().name().replace('_', " ")),
            status: self.status(),
            detail: self.to_string(),
            hint: self.hint().to_owned(),
            reason: self.reason().name().to_owned(),
            expected,
            wait_ms: self.wait_ms(),
            versions: if is_version { (OLDEST..=CURRENT).collect() } else { Vec::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_stands_in_its_own_row() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.reason.index(), index, "{}", row.name);
            assert!(!row.hint.is_empty());
        }
    }
}
