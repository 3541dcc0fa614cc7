//! Filters and policy daemons beside a mail server: what they say of a message, and by which name they know it.
//!
//! None of their lines is an event of its own: whatever a filter does, the mail server says so too. They add what was found, tie two
//! queue ids together, and tell a delivery from a quarantine.

mod amavis;
mod clamav;
mod mailscanner;
mod opendkim;
mod opendmarc;
mod policy;
mod rspamd;
mod spamassassin;
mod spf;

pub use amavis::FORMAT as AMAVIS;
pub use clamav::FORMAT as CLAMAV;
pub use mailscanner::FORMAT as MAILSCANNER;
pub use opendkim::FORMAT as OPENDKIM;
pub use opendmarc::FORMAT as OPENDMARC;
pub use policy::FORMAT as POLICY;
pub use rspamd::{FORMAT as RSPAMD, OWN_LOG as RSPAMD_OWN_LOG};
pub use spamassassin::FORMAT as SPAMASSASSIN;
pub use spf::FORMAT as SPF;

use vigie_model::{Outcome, QueueId};

use crate::{Record, scan, statement::Addresses};

/// A program of each, for those that try all grammars on any text; an empty one is a log without tags.
pub const PROGRAMS: [&str; 10] = [
    "amavis",
    "rspamd",
    "",
    "opendkim",
    "opendmarc",
    "policyd-spf",
    "spamd",
    "clamav-milter",
    "MailScanner",
    "postgrey",
];

/// What a filter said of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict<'a> {
    /// Who said it: `amavis`, `dkim`, `rspamd`, …
    pub program: &'static str,
    /// The mail server's queue id as the filter knew it; absent for filters before the queue.
    pub queue_id: Option<QueueId>,
    /// With its angle brackets, as the header has it.
    pub message_id: &'a [u8],
    /// What it said, in order; empty ones are left out. None at all where a line only names the message.
    pub words: [&'a [u8]; 4],
    /// What the filter did instead of letting the message go on: `Filtered` or `Bounced`.
    pub fate: Option<Outcome>,
    /// To whom that happened; empty where the line does not say.
    pub recipients: Addresses<'a>,
    /// Queue ids under which it was handed back.
    pub requeued_as: Vec<QueueId>,
    /// The filter took the message out of the server's queue: what it handed back is another file.
    pub took_away: bool,
    /// By this the filter's lines on one message belong together; empty where this line says all.
    pub tag: &'a [u8],
}

impl<'a> Verdict<'a> {
    fn of(program: &'static str) -> Self {
        Self {
            program,
            queue_id: None,
            message_id: b"",
            words: [b""; 4],
            fate: None,
            recipients: Addresses::one(b""),
            requeued_as: Vec::new(),
            took_away: false,
            tag: b"",
        }
    }

    /// Words on a message by the milter protocol's `QUEUEID: text`.
    fn milter(program: &'static str, queue_id: QueueId, word: &'a [u8], about: &'a [u8]) -> Record<'a> {
        Self { queue_id: Some(queue_id), words: [word, about, b"", b""], ..Self::of(program) }.record()
    }

    fn record(self) -> Record<'a> {
        Record::Filter(Box::new(self))
    }

    /// `amavis CLEAN -1.9`; empty where the line says nothing of that kind.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for word in self.words.iter().filter(|word| !word.is_empty()) {
            if text.is_empty() {
                text.extend_from_slice(self.program.as_bytes());
            }
            text.push(b' ');
            text.extend_from_slice(word);
        }
        text
    }
}

/// The queue id that a milter's line begins with, and its text.
fn by_queue_id(text: &[u8]) -> Option<(QueueId, &[u8])> {
    let (id, rest) = scan::split(text, b": ")?;
    queue_id(id).map(|id| (id, rest))
}

/// A queue id. Filters write `0`, `NOQUEUE`, `unknown` or nothing where they stand before the queue.
fn queue_id(text: &[u8]) -> Option<QueueId> {
    let is_plain = text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let is_none = text.len() < SHORTEST_ID || matches!(text, b"NOQUEUE" | b"unknown" | b"undef");
    (is_plain && !is_none).then(|| QueueId::new(text)).flatten()
}

/// Postfix's short ids have five digits of microseconds and an inode.
const SHORTEST_ID: usize = 6;

/// A word as it stands at the beginning of a text.
fn word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(text.len());
    &text[..end]
}
