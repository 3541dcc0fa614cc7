//! Refusals before the queue: smtpd(8), postscreen(8), cleanup(8) and milters.

use vigie_model::QueueId;

use super::Record;
use crate::{
    refusal::{Refused, RefusedAction, Transaction, reply},
    scan,
};

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
    let (mut transaction, _) = attributes(tail);
    (transaction.client_name, transaction.client_ip, _) = scan::host_ip_port(client);
    let (code, dsn, text) = reply(body);
    Some(Record::Refused(Refused { queue_id, action, stage, transaction, code, dsn, text, copy_mark: 0 }))
}

/// Where the `; from=<> to=<> …` tail begins. The reply before it may hold semicolons and copies of client text, so the
/// last one counts; a tail without a sender begins at `to=` or `proto=`.
fn tail_start(text: &[u8]) -> Option<usize> {
    [&b"; from=<"[..], b"; to=<", b"; proto="].iter().find_map(|start| memchr::memmem::rfind(text, start))
}

/// `from=<> to=<> proto=ESMTP helo=<> sasl_username=x: text`, with spaces (smtpd) or commas (postscreen) between.
pub fn attributes(text: &[u8]) -> (Transaction<'_>, &[u8]) {
    let mut transaction = Transaction::default();
    let mut rest = text;
    if let Some((sender, after)) =
        rest.strip_prefix(b"from=").and_then(|t| scan::angled(t, &[b" to=<", b", to=<", b" proto=", b", proto="]))
    {
        transaction.sender = sender;
        rest = separator(after);
    }
    if let Some((recipient, after)) =
        rest.strip_prefix(b"to=").and_then(|t| scan::angled(t, &[b" proto=", b", proto="]))
    {
        transaction.recipient = recipient;
        rest = separator(after);
    }
    if let Some(after) = rest.strip_prefix(b"proto=") {
        let end = after.iter().position(|&b| matches!(b, b' ' | b',' | b':')).unwrap_or(after.len());
        rest = separator(&after[end..]);
    }
    if let Some((helo, after)) =
        rest.strip_prefix(b"helo=").and_then(|t| scan::angled(t, &[b": ", b" sasl_", b", sasl_"]))
    {
        transaction.helo = helo;
        rest = separator(after);
    }
    while rest.starts_with(b"sasl_") {
        let end = rest.iter().position(|&b| matches!(b, b' ' | b',')).unwrap_or(rest.len());
        if let Some(user) = rest[..end].strip_prefix(b"sasl_username=") {
            transaction.user = user.strip_suffix(b":").unwrap_or(user);
        }
        rest = separator(&rest[end..]);
    }
    (transaction, rest.strip_prefix(b": ").unwrap_or(rest))
}

fn separator(text: &[u8]) -> &[u8] {
    text.strip_prefix(b", ").or_else(|| text.strip_prefix(b" ")).unwrap_or(text)
}
