//! Amavis (amavisd-new 2.6 to 2.13): the line that closes its work on a message.
//!
//! The default `$log_short_templ` and `$log_verbose_templ` stand at the end of `Amavis.pm`; sites change them, but the keys keep
//! their names. Two such lines come of one message when only some recipients got it. Older versions write a third, by recipient
//! (`$log_recip_templ`), which names neither queue id nor message id.

use vigie_model::Outcome;

use super::{Verdict, queue_id};
use crate::{Format, Record, scan, statement::Addresses};

pub const FORMAT: Format = Format {
    name: "Amavis",
    read: |envelope| match envelope.program {
        b"amavis" | b"amavisd" | b"amavisd-new" => Some(line(envelope.text).unwrap_or(Record::Known)),
        _ => None,
    },
};

/// `(pid-seq) text`. Lines longer than some 980 bytes are cut: the first part ends with three dots, the next begins with them
/// (`write_log` in `Amavis/Log.pm`).
fn line(text: &[u8]) -> Option<Record<'_>> {
    let (tag, rest) = scan::split(text.strip_prefix(b"(")?, b") ")?;
    if rest.starts_with(b"{") {
        return report(rest);
    }
    let (whole, is_cut) = match rest.strip_suffix(b"...") {
        Some(begun) => (begun, true),
        None => (rest, false),
    };
    let mut verdict = match whole.strip_prefix(b"...") {
        Some(part) => Verdict { tag, words: [b""; 4], ..keys(part) },
        None => closing(whole)?,
    };
    if is_cut {
        verdict.tag = tag;
        // The last address, and perhaps a name, stand on both sides of the cut.
        verdict.recipients = Addresses::one(b"");
    }
    Some(verdict.record())
}

/// `Passed CLEAN {RelayedInbound}, [ip]:port [ip] <from> -> <to>,<to>, quarantine: x, Queue-ID: OLD, Message-ID: <>, mail_id: x,
/// Hits: -, size: n, queued_as: NEW/NEW2, n ms`.
fn closing(text: &[u8]) -> Option<Verdict<'_>> {
    let (rest, is_blocked) = match text.strip_prefix(b"Passed ") {
        Some(rest) => (rest, false),
        None => (text.strip_prefix(b"Blocked ")?, true),
    };
    let category_end = rest.iter().position(|&byte| matches!(byte, b' ' | b',')).unwrap_or(rest.len());
    let (category, rest) = rest.split_at(category_end);
    // `INFECTED (Eicar-Test)`, `BANNED (application/octet-stream,tool.exe)`.
    let name_end = rest.strip_prefix(b" (").and_then(|inner| scan::byte(inner, b')')).map_or(0, |at| at + 3);
    let (name, rest) = rest.split_at(name_end);
    let actions = rest.strip_prefix(b" {").map_or(&b""[..], |inner| scan::until(inner, b"}").0);
    let (recipients, after) = addresses(rest);
    let mut verdict = keys(after);
    let score = verdict.words[2];
    let quarantined = if scan::find(actions, b"Quarantined").is_some() { &b"quarantined"[..] } else { b"" };
    verdict.words = [without_number(category), name.trim_ascii(), score, quarantined];
    if is_blocked {
        verdict.fate = Some(fate(actions));
        verdict.recipients = Addresses::list(recipients, b',');
    }
    Some(verdict)
}

/// `BAD-HEADER-2` is `BAD-HEADER`: which of its headers, only Amavis knows.
fn without_number(category: &[u8]) -> &[u8] {
    match category {
        [rest @ .., b'-', digit] if digit.is_ascii_digit() => rest,
        _ => category,
    }
}

/// A message that was sent back is no more here than one that was dropped, but its sender knows.
fn fate(actions: &[u8]) -> Outcome {
    let is_returned = scan::find(actions, b"Bounced").is_some() && scan::find(actions, b"Discarded").is_none();
    if is_returned { Outcome::Bounced } else { Outcome::Filtered }
}

/// `… <from> -> <to>,<to>, …`: the recipients, and what follows them.
fn addresses(text: &[u8]) -> (&[u8], &[u8]) {
    let Some(arrow) = unquoted(text, b" -> ") else { return (b"", text) };
    let list = &text[arrow + b" -> ".len()..];
    list.split_at(unquoted(list, b", ").unwrap_or(list.len()))
}

/// Where something stands first outside double quotes; where a quote is never closed, as if it were none.
fn unquoted(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if !quoted && byte == wanted[0] && text[at..].starts_with(wanted) => return Some(at),
            _ => {}
        }
    }
    if quoted { scan::find(text, wanted) } else { None }
}

/// What stands behind the addresses. The message id is whatever its sender wrote, so what stands before it is looked for before it.
fn keys(text: &[u8]) -> Verdict<'_> {
    let (before, message_id, after) = match scan::split(text, b", Message-ID: ") {
        Some((before, rest)) => {
            let (id, after) = message_id(rest);
            (before, id, after)
        }
        None => (text, &b""[..], text),
    };
    let score = field(after, b", Hits: ");
    let score = if matches!(score, b"-" | b"") { &b""[..] } else { score };
    Verdict {
        queue_id: queue_id(field(before, b", Queue-ID: ")),
        message_id,
        words: [b"", b"", score, b""],
        requeued_as: field(after, b", queued_as: ").split(|&byte| byte == b'/').filter_map(queue_id).collect(),
        ..Verdict::of("amavis")
    }
}

/// The value of a key, up to the next.
fn field<'a>(text: &'a [u8], key: &[u8]) -> &'a [u8] {
    scan::split(text, key).map_or(b"", |(_, value)| scan::until(value, b", ").0)
}

/// The message id ends where the next key of the templates begins.
fn message_id(text: &[u8]) -> (&[u8], &[u8]) {
    let ends = [&b">, mail_id: "[..], b">, Resent-Message-ID: ", b">, Hits: "];
    match ends.iter().filter_map(|end| scan::find(text, end)).min() {
        Some(at) => text.split_at(at + 1),
        None => text.split_at(scan::find(text, b", ").unwrap_or(text.len())),
    }
}

/// `[:report_json]` in the template: the report that amavisd also gives to Redis (`structured_report` in `Amavis.pm`).
fn report(text: &[u8]) -> Option<Record<'_>> {
    // A report is for programs that read all of it; here it is enough that it is one.
    serde_json::from_slice::<serde::de::IgnoredAny>(text).ok()?;
    let one = |key: &[u8]| string(text, key).unwrap_or(b"");
    let actions = one(b"\"actions_performed\":\"");
    let queued = scan::split(text, b"\"queued_as\":[").map_or(&b""[..], |(_, list)| scan::until(list, b"]").0);
    let ids =
        queued.split(|&byte| byte == b',').filter_map(|id| queue_id(id.strip_prefix(b"\"")?.strip_suffix(b"\"")?));
    let score = scan::split(text, b"\"spam_score\":").map_or(&b""[..], |(_, value)| number(value));
    let quarantined = if scan::find(actions, b"Quarantined").is_some() { &b"quarantined"[..] } else { b"" };
    // Which of the recipients it was kept from stands deeper: only what happened to all of them is told.
    let is_kept = scan::find(actions, b"Relayed").is_none() && scan::find(actions, b"Discarded").is_some();
    let verdict = Verdict {
        queue_id: queue_id(one(b"\"queue_id\":\"")),
        message_id: one(b"\"message_id\":\""),
        words: [one(b"\"content_type\":\""), b"", score, quarantined],
        fate: is_kept.then_some(Outcome::Filtered),
        requeued_as: ids.collect(),
        ..Verdict::of("amavis")
    };
    Some(verdict.record())
}

/// The value of a key that is a text without escapes.
fn string<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let (_, value) = scan::split(text, key)?;
    let value = scan::until(value, b"\"").0;
    (scan::byte(value, b'\\').is_none()).then_some(value)
}

fn number(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit() && !matches!(byte, b'-' | b'.')).unwrap_or(text.len());
    &text[..end]
}
