//! Rspamd: what `rspamd_task_write_log` says of a message, by syslog and in its own log file; and its metadata as JSON.
//!
//! Sites change `log_format`; what the default has (`logging.inc`) is looked for wherever it stands. All lines on one message have
//! one tag, `<5c6283>`, so that a format without a queue id is completed by `rspamd_message_parse: loaded message; id: <…>;
//! queue-id: <…>`. Since 3.10 the tag is made another way (rspamd #5194), and is still the same in all of them.

use serde::Deserialize;

use super::{Verdict, queue_id};
use crate::{Format, Record, scan};

/// By syslog: `rspamd`, `rspamd_proxy`.
pub const FORMAT: Format = Format {
    name: "Rspamd",
    read: |envelope| envelope.program.starts_with(b"rspamd").then(|| line(envelope.text).unwrap_or(Record::Known)),
};

/// Its own file: `2026-11-22 07:07:22 #2965(rspamd_proxy) <5c6283>; proxy; text`.
pub const OWN_LOG: Format = Format {
    name: "Rspamd's own log",
    read: |envelope| {
        let is_own = envelope.program.is_empty() && is_process(super::word(envelope.text));
        is_own.then(|| line(envelope.text).unwrap_or(Record::Known))
    },
};

/// `#2965(rspamd_proxy)`.
fn is_process(word: &[u8]) -> bool {
    let Some((pid, name)) = word.strip_prefix(b"#").and_then(|rest| scan::split(rest, b"(")) else { return false };
    !pid.is_empty() && pid.iter().all(u8::is_ascii_digit) && name.ends_with(b")")
}

fn line(text: &[u8]) -> Option<Record<'_>> {
    if text.starts_with(b"{") {
        return metadata(text);
    }
    let tag = scan::split(text, b"<")
        .filter(|(before, _)| before.len() < 64)
        .map_or(&b""[..], |(_, rest)| scan::until(rest, b">; ").0);
    let tag = if tag.len() <= TAG_BYTES_MAX { tag } else { b"" };
    if let Some((_, rest)) = scan::split(text, b"rspamd_task_write_log: ") {
        return Some(result(tag, rest));
    }
    let (_, rest) = scan::split(text, b"rspamd_message_parse: loaded message; ")?;
    // Whatever the message id is: the queue id stands behind it.
    let (before, rest) = scan::split_last(rest, b"queue-id: <")?;
    let verdict = Verdict {
        queue_id: queue_id(scan::until(rest, b">").0),
        message_id: in_brackets(before, b"id: "),
        tag,
        ..Verdict::of("rspamd")
    };
    verdict.queue_id.is_some().then(|| verdict.record())
}

/// A tag has six letters and digits, or as many as an administrator wants of 32.
const TAG_BYTES_MAX: usize = 32;

/// `id: <mid>, qid: <QID>, ip: x, user: x, from: <>, (default: F (no action): [0.40/15.00] [SYMBOLS]), len: n, …`
fn result<'a>(tag: &'a [u8], text: &'a [u8]) -> Record<'a> {
    let (before, action, score) = action(text).unwrap_or((text, b"", b""));
    // The message id, which stands first, may imitate what follows it.
    let queue_id = scan::split_last(before, b"qid: <").and_then(|(_, id)| queue_id(scan::until(id, b">").0));
    let tag = if queue_id.is_some() { b"" } else { tag };
    let verdict = Verdict {
        queue_id,
        message_id: in_brackets(before, b"id: "),
        words: [action, score, b"", b""],
        tag,
        ..Verdict::of("rspamd")
    };
    verdict.record()
}

/// What stands before the action, the action, and `score/required`.
fn action(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    if let Some((before, rest)) = scan::split(text, b"(default: ")
        && let Some((_, rest)) = scan::split(rest, b" (").filter(|(flag, _)| flag.len() <= 8)
        && let Some((action, rest)) = scan::split(rest, b")")
    {
        return Some((before, action, score(rest)));
    }
    // A format of the site's own: the actions that Rspamd has by itself.
    let (at, action) = ACTIONS.iter().filter_map(|action| Some((scan::find(text, action)?, *action))).min()?;
    Some((&text[..at], &action[1..action.len() - 1], score(&text[at..])))
}

const ACTIONS: [&[u8]; 8] = [
    b"(no action)",
    b"(greylist)",
    b"(add header)",
    b"(rewrite subject)",
    b"(soft reject)",
    b"(reject)",
    b"(quarantine)",
    b"(discard)",
];

/// `[15.00/15.00]`, `[nan/15.00]`.
fn score(text: &[u8]) -> &[u8] {
    let inner = scan::split(text, b"[").map_or(&b""[..], |(_, rest)| scan::until(rest, b"]").0);
    let is_score = inner.contains(&b'/') && inner.iter().all(|byte| byte.is_ascii_digit() || b"-./nai".contains(byte));
    if is_score { inner } else { b"" }
}

/// `<id>` behind a key, with its brackets. Rspamd writes `undef` where there is none.
fn in_brackets<'a>(text: &'a [u8], key: &[u8]) -> &'a [u8] {
    let Some((_, rest)) = scan::split(text, key).filter(|(_, rest)| rest.starts_with(b"<")) else { return b"" };
    let end = scan::find(rest, b">,").or_else(|| scan::find(rest, b">;")).or_else(|| scan::byte(rest, b'>'));
    let id = end.map_or(&b""[..], |at| &rest[..=at]);
    if matches!(id, b"<undef>" | b"<>") { b"" } else { id }
}

/// What `metadata_exporter` pushes with its `json` formatter, by a backend that writes to syslog.
#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(default, borrow)]
    qid: Option<&'a str>,
    #[serde(default, borrow)]
    action: Option<&'a str>,
}

/// Only texts without escapes: the action and the queue id never have any.
fn metadata(text: &[u8]) -> Option<Record<'_>> {
    let Metadata { qid, action } = serde_json::from_slice(text).ok()?;
    let verdict = Verdict {
        queue_id: queue_id(qid?.as_bytes()),
        words: [action?.as_bytes(), b"", b"", b""],
        ..Verdict::of("rspamd")
    };
    verdict.queue_id.is_some().then(|| verdict.record())
}
