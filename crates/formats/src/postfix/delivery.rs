//! The line that every delivery agent writes for each recipient and try (log_adhoc.c).

use vigie_model::{Delays, Outcome, QueueId};

use super::{Delivery, Record, queue_id};
use crate::{reply, scan, statement::Status};

/// `to=<>, [orig_to=<>,] relay=, [conn_use=,] delay=, delays=a/b/c/d, [tls=,] dsn=, status=WORD (text)`.
pub fn parse(id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    let (recipient, rest) = scan::angled(rest.strip_prefix(b"to=")?, &[b", relay=", b", orig_to="])?;
    let mut rest = rest.strip_prefix(b", ")?;
    let mut delivery = Delivery {
        queue_id: id,
        recipient,
        orig_recipient: b"",
        relay: b"",
        delays: Delays::default(),
        dsn: b"",
        status: Status::Deferred,
        reply: b"",
        next_id: None,
        tls: false,
    };
    if let Some(after) = rest.strip_prefix(b"orig_to=") {
        let (original, after) = scan::angled(after, &[b", relay="])?;
        delivery.orig_recipient = original;
        rest = after.strip_prefix(b", ")?;
    }
    loop {
        if let Some(status) = rest.strip_prefix(b"status=") {
            return finish(delivery, status);
        }
        let comma = scan::find(rest, b", ")?;
        let pair = &rest[..comma];
        rest = &rest[comma + 2..];
        if let Some(relay) = pair.strip_prefix(b"relay=") {
            delivery.relay = relay;
        } else if let Some(delay) = pair.strip_prefix(b"delay=") {
            delivery.delays.total_ms = Some(scan::millis(delay));
        } else if let Some(parts) = pair.strip_prefix(b"delays=") {
            delays(&mut delivery.delays, parts);
        } else if let Some(dsn) = pair.strip_prefix(b"dsn=") {
            delivery.dsn = dsn;
        } else {
            // conn_use, and keys of versions to come: of no consequence.
            delivery.tls |= pair.starts_with(b"tls=");
            scan::byte(pair, b'=')?;
        }
    }
}

fn delays(delays: &mut Delays, text: &[u8]) {
    let mut rest = text;
    let mut next = || {
        let part = u32::try_from(scan::millis(rest)).unwrap_or(u32::MAX);
        rest = scan::byte(rest, b'/').map_or(&b""[..], |slash| &rest[slash + 1..]);
        part
    };
    (delays.before_ms, delays.queue_ms, delays.connect_ms, delays.transmit_ms) = (next(), next(), next(), next());
}

/// `status=sent (250 2.0.0 Ok: queued as X)`; the text may be cut, and may itself hold brackets.
fn finish<'a>(mut delivery: Delivery<'a>, status: &'a [u8]) -> Option<Record<'a>> {
    let space = scan::byte(status, b' ');
    let word = &status[..space.unwrap_or(status.len())];
    let text = space.map_or(&b""[..], |at| &status[at + 1..]);
    let text = text.strip_prefix(b"(").unwrap_or(text);
    delivery.reply = text.strip_suffix(b")").unwrap_or(text);
    delivery.status = match word {
        b"sent" => {
            let (outcome, next_id) = accepted(delivery.relay, delivery.reply);
            delivery.next_id = next_id;
            Status::Final(outcome)
        }
        b"deferred" | b"SOFTBOUNCE" => Status::Deferred,
        b"bounced" => Status::Final(Outcome::Bounced),
        b"expired" | b"force-expired" => Status::Final(Outcome::Expired),
        b"deliverable" => Status::Probe(Outcome::Delivered),
        b"undeliverable" | b"undeliverable-but-not-cached" => Status::Probe(Outcome::Bounced),
        _ => return None,
    };
    Some(Record::Delivery(delivery))
}

/// What a reply to accepted mail means, and the name by which the next server knows the message. Accepted is not always delivered.
pub fn accepted(relay: &[u8], reply: &[u8]) -> (Outcome, Option<QueueId>) {
    // local(8): `forwarded as NEWQID` (forward.c). The alias is replaced; the new queue file has recipients of its own.
    if let Some(id) = reply.strip_prefix(b"forwarded as ") {
        return (Outcome::Forwarded, queue_id(id));
    }
    // discard(8) writes the administrator's text with relay=none.
    if relay == b"none" {
        return (Outcome::Discarded, None);
    }
    if let Some(id) = reply::next_id(reply) {
        return (Outcome::Delivered, Some(id));
    }
    // Amavis: `250 2.7.0 Ok, discarded, id=…`; others say quarantined.
    if contains_word(reply, b"discarded") || contains_word(reply, b"quarantined") {
        return (Outcome::Filtered, None);
    }
    (Outcome::Delivered, None)
}

fn contains_word(text: &[u8], word: &[u8]) -> bool {
    scan::find(text, word).is_some()
}
