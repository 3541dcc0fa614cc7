//! Content filters: the Amavis and Rspamd lines that tie two queue ids together or change a message's fate.

use vigie_model::QueueId;

use crate::{Format, Record, scan};

pub const AMAVIS: Format = Format {
    name: "Amavis",
    read: |envelope| match envelope.program {
        b"amavis" | b"amavisd" | b"amavisd-new" => amavis(envelope.text).map(Record::Filter),
        _ => None,
    },
};

pub const RSPAMD: Format = Format {
    name: "Rspamd",
    read: |envelope| {
        envelope.program.starts_with(b"rspamd").then(|| rspamd(envelope.text).map(Record::Filter)).flatten()
    },
};

/// What a filter said of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict<'a> {
    /// The mail server's queue id as the filter knew it; absent for filters before the queue.
    pub queue_id: Option<QueueId>,
    pub message_id: &'a [u8],
    /// `CLEAN`, `SPAM`, `INFECTED`, `BANNED`, `reject`, `add header`, …
    pub category: &'a [u8],
    /// The filter kept it from its recipients.
    pub blocked: bool,
    /// Queue ids under which it was handed back.
    pub requeued_as: Vec<QueueId>,
}

/// amavisd's log line: `(pid-seq) Passed CLEAN {RelayedInbound}, … <from> -> <to>, Queue-ID: OLD, Message-ID: <>, …,
/// queued_as: NEW/NEW2, N ms`. Sites may change the template (`$log_templ`); the keys keep their names.
pub fn amavis(text: &[u8]) -> Option<Verdict<'_>> {
    let (_, rest) = scan::split(text.strip_prefix(b"(")?, b") ")?;
    let blocked = rest.starts_with(b"Blocked ");
    let rest = rest.strip_prefix(b"Blocked ").or_else(|| rest.strip_prefix(b"Passed "))?;
    let end = rest.iter().position(|&b| matches!(b, b' ' | b',' | b'(')).unwrap_or(rest.len());
    let category = &rest[..end];
    let field = |key: &[u8]| scan::split(rest, key).map(|(_, value)| scan::until(value, b", ").0);
    let requeued_as = field(b"queued_as: ").unwrap_or(b"").split(|&b| b == b'/').filter_map(plain_id).collect();
    Some(Verdict {
        queue_id: field(b"Queue-ID: ").and_then(plain_id),
        message_id: field(b"Message-ID: ").unwrap_or(b""),
        category,
        blocked,
        requeued_as,
    })
}

fn plain_id(text: &[u8]) -> Option<QueueId> {
    let end = text.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(text.len());
    // Amavis writes 0 or nothing where it stands before the queue.
    (end >= 5).then(|| QueueId::new(&text[..end])).flatten()
}

/// rspamd's `rspamd_task_write_log: id: <mid>, qid: <QID>, …, (default: F (no action): [0.40/15.00] …`.
pub fn rspamd(text: &[u8]) -> Option<Verdict<'_>> {
    let (_, rest) = scan::split(text, b"rspamd_task_write_log: ")?;
    let id = scan::split(rest, b"id: <").map_or(&b""[..], |(_, value)| scan::until(value, b">").0);
    let queue_id = scan::split(rest, b"qid: <").and_then(|(_, value)| plain_id(scan::until(value, b">").0));
    let (_, action) = scan::split(rest, b"(default: ")?;
    let (_, action) = scan::split(action, b"(")?;
    let category = scan::until(action, b")").0;
    Some(Verdict { queue_id, message_id: id, category, blocked: false, requeued_as: Vec::new() })
}
