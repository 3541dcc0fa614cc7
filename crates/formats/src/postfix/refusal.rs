//! Refusals before the queue: smtpd(8), postscreen(8), cleanup(8) and milters.

use vigie_model::QueueId;

use super::{Envelope, Record, Refused, RefusedAction};
use crate::scan;

/// `reject: RCPT from h[ip]: 550 5.1.1 <addr>: text; from=<> to=<> proto=ESMTP helo=<>` and its kin.
pub fn parse(queue_id: Option<QueueId>, rest: &[u8]) -> Option<Record<'_>> {
    if rest.starts_with(b"client=") {
        // The first session of a before-queue filter: no queue id yet, `queued as` follows (smtpd_proxy.c).
        return Some(Record::Known);
    }
    let (word, rest) = scan::split(rest, b": ")?;
    let action = match word {
        b"reject" | b"milter-reject" | b"proxy-reject" => RefusedAction::Reject,
        b"discard" | b"milter-discard" => RefusedAction::Discard,
        b"hold" | b"milter-hold" | b"milter-quarantine" | b"quarantine" => RefusedAction::Hold,
        b"reject_warning" | b"warn" | b"warning" | b"filter" | b"redirect" | b"bcc" | b"info" | b"permit"
        | b"proxy-accept" | b"trigger" | b"milter-accept" | b"milter-redirect" | b"delay" | b"lost connection"
        | b"abuse" => RefusedAction::Note,
        _ => return None,
    };
    if action == RefusedAction::Note {
        return Some(queue_id.map_or(Record::Known, |queue_id| Record::Context { queue_id }));
    }
    // A proxy's answer names only the stage: `proxy-reject: END-OF-MESSAGE: 554 5.7.0 Reject; from=<> to=<> …`.
    let (head, rest) = scan::split(rest, b": ").unwrap_or((rest, b""));
    let (stage, client) =
        scan::split(head, b" from ").unwrap_or(if word == b"proxy-reject" { (head, b"") } else { (b"", head) });
    let (body, tail) = match tail_start(rest) {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (rest, &b""[..]),
    };
    let (mut envelope, _) = attributes(tail);
    (envelope.client_name, envelope.client_ip, _) = scan::host_ip_port(client);
    let (code, dsn, text) = reply(body);
    Some(Record::Refused(Refused { queue_id, action, stage, envelope, code, dsn, text }))
}

/// Where the `; from=<> to=<> …` tail begins. The reply before it may hold semicolons and copies of client text, so the
/// last one counts; a tail without a sender begins at `to=` or `proto=`.
fn tail_start(text: &[u8]) -> Option<usize> {
    [&b"; from=<"[..], b"; to=<", b"; proto="].iter().find_map(|start| memchr::memmem::rfind(text, start))
}

/// `from=<> to=<> proto=ESMTP helo=<> sasl_username=x: text`, with spaces (smtpd) or commas (postscreen) between.
pub fn attributes(text: &[u8]) -> (Envelope<'_>, &[u8]) {
    let mut envelope = Envelope::default();
    let mut rest = text;
    if let Some((sender, after)) =
        rest.strip_prefix(b"from=").and_then(|t| scan::angled(t, &[b" to=<", b", to=<", b" proto=", b", proto="]))
    {
        envelope.sender = sender;
        rest = separator(after);
    }
    if let Some((recipient, after)) =
        rest.strip_prefix(b"to=").and_then(|t| scan::angled(t, &[b" proto=", b", proto="]))
    {
        envelope.recipient = recipient;
        rest = separator(after);
    }
    if let Some(after) = rest.strip_prefix(b"proto=") {
        let end = after.iter().position(|&b| matches!(b, b' ' | b',' | b':')).unwrap_or(after.len());
        rest = separator(&after[end..]);
    }
    if let Some((helo, after)) =
        rest.strip_prefix(b"helo=").and_then(|t| scan::angled(t, &[b": ", b" sasl_", b", sasl_"]))
    {
        envelope.helo = helo;
        rest = separator(after);
    }
    while rest.starts_with(b"sasl_") {
        let end = rest.iter().position(|&b| matches!(b, b' ' | b',')).unwrap_or(rest.len());
        if let Some(user) = rest[..end].strip_prefix(b"sasl_username=") {
            envelope.user = user.strip_suffix(b":").unwrap_or(user);
        }
        rest = separator(&rest[end..]);
    }
    (envelope, rest.strip_prefix(b": ").unwrap_or(rest))
}

fn separator(text: &[u8]) -> &[u8] {
    text.strip_prefix(b", ").or_else(|| text.strip_prefix(b" ")).unwrap_or(text)
}

/// `550 5.1.1 text`, `5.7.1 text` (milters, header checks) or only text.
pub fn reply(text: &[u8]) -> (u16, &[u8], &[u8]) {
    let mut rest = text;
    let mut code = 0;
    if let [a @ b'2'..=b'5', b, c, b' ', tail @ ..] = rest
        && b.is_ascii_digit()
        && c.is_ascii_digit()
    {
        code = scan::number(&[*a, *b, *c]) as u16;
        rest = tail;
    }
    let space = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let word = &rest[..space];
    let is_dsn = word.len() >= 5
        && matches!(word[0], b'2' | b'4' | b'5')
        && word[1] == b'.'
        && word.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    if is_dsn { (code, word, rest.get(space + 1..).unwrap_or_default()) } else { (code, b"", rest) }
}

/// The words of a refusal that are fit for counting: no addresses, no hosts, and a block list by its name.
pub fn reason(text: &[u8]) -> Vec<u8> {
    let mut text = text;
    if let Some((_, after)) = scan::angled(text, &[b": "]) {
        text = after.strip_prefix(b": ").unwrap_or(after);
    }
    if let Some((_, list)) = scan::split(text, b"blocked using ") {
        let end = list.iter().position(|&b| matches!(b, b';' | b' ' | b',')).unwrap_or(list.len());
        return [b"blocked using ", &list[..end]].concat();
    }
    let end = memchr::memchr(b';', text).unwrap_or(text.len());
    empty_brackets(&text[..end])
}

fn empty_brackets(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut closing = None;
    for &byte in text {
        match closing {
            Some(close) if byte == close => closing = None,
            Some(_) => continue,
            None if byte == b'<' => closing = Some(b'>'),
            None if byte == b'[' => closing = Some(b']'),
            None => {}
        }
        out.push(byte);
    }
    without_addresses(&out)
}

/// An address that stands bare in the text (`not owned by user a@b`) would make a reason of its own for each user.
fn without_addresses(text: &[u8]) -> Vec<u8> {
    let words = text.split(|&byte| byte == b' ').map(|word| if word.contains(&b'@') { &b"<>"[..] } else { word });
    words.collect::<Vec<_>>().join(&b' ')
}
