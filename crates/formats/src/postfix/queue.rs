//! Lines of the queue's life: arrival, message id, activation, notices, removal.

use vigie_model::QueueId;

use super::{Arrived, ByHand, Header, HeaderAction, Record, refusal};
use crate::scan;

/// Bytes of short queue ids: microseconds and inode in upper-case hexadecimal (file_id.c).
const SHORT: u8 = 1;
/// Bytes of long queue ids: digits and consonants (safe_ultostr.c); `z` divides time and inode.
const LONG: u8 = 2;
/// At least five digits of microseconds and one of inode.
const SHORT_BYTES_MIN: usize = 6;
/// Six of seconds, four of microseconds, `z`.
const LONG_BYTES_MIN: usize = 11;
const QUEUE_ID_BYTES_MAX: usize = 24;

const ID_BYTE: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut i = 0;
    let short = b"0123456789ABCDEF";
    while i < short.len() {
        table[short[i] as usize] |= SHORT;
        i += 1;
    }
    let long = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    i = 0;
    while i < long.len() {
        table[long[i] as usize] |= LONG;
        i += 1;
    }
    table
};

/// Length of the queue id at the start of `text`; 0 when there is none.
fn id_length(text: &[u8]) -> usize {
    let mut kinds = SHORT | LONG;
    let mut len = 0;
    for &byte in text.iter().take(QUEUE_ID_BYTES_MAX) {
        let next = kinds & ID_BYTE[usize::from(byte)];
        if next == 0 {
            break;
        }
        kinds = next;
        len += 1;
    }
    let short = kinds & SHORT != 0 && len >= SHORT_BYTES_MIN;
    let long = kinds & LONG != 0 && len >= LONG_BYTES_MIN;
    if short || long { len } else { 0 }
}

/// The queue id that fills `text` up to its end or a byte that cannot stand in one.
pub fn queue_id(text: &[u8]) -> Option<QueueId> {
    let len = id_length(text);
    let ends = text.get(len).is_none_or(|b| !b.is_ascii_alphanumeric());
    if len > 0 && ends { QueueId::new(&text[..len]) } else { None }
}

/// `QID: ` at the start, and what follows.
pub fn leading_id(text: &[u8]) -> Option<(QueueId, &[u8])> {
    let len = id_length(text);
    if len == 0 || !text[len..].starts_with(b": ") {
        return None;
    }
    Some((QueueId::new(&text[..len])?, &text[len + 2..]))
}

/// smtpd(8): `client=…` begins a queue file; everything else with a queue id is a refusal or a proxy's answer.
pub fn smtpd(queue_id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    let Some(rest) = rest.strip_prefix(b"client=") else { return refusal::parse(Some(queue_id), rest) };
    let (client, mut rest) = scan::until(rest, b", ");
    let (client_name, client_ip, _) = scan::host_ip_port(client);
    let mut arrived = Arrived { queue_id, client_name, client_ip, user: b"", previous: None };
    let mut original = None;
    while !rest.is_empty() {
        let (pair, after) = scan::until(rest, b", ");
        if let Some(user) = pair.strip_prefix(b"sasl_username=") {
            arrived.user = user;
        } else if let Some(id) = pair.strip_prefix(b"orig_queue_id=") {
            arrived.previous = self::queue_id(id).or_else(|| QueueId::new(id));
        } else if let Some(client) = pair.strip_prefix(b"orig_client=") {
            original = Some(scan::host_ip_port(client));
        }
        rest = after;
    }
    // Behind a filter before the queue this is the first queue file, and the client that it came from is the filter's.
    if let (None, Some((name, ip, _))) = (arrived.previous, original) {
        (arrived.client_name, arrived.client_ip) = (name, ip);
    }
    Some(Record::Arrived(arrived))
}

/// pickup(8): `uid=0 from=<root>` and, after `postsuper -r`, ` orig_id=OLD`.
pub fn pickup(queue_id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    let (_, rest) = scan::split(rest.strip_prefix(b"uid=")?, b" from=")?;
    let (sender, rest) = scan::angled(rest, &[b" orig_id="])?;
    let previous = rest.strip_prefix(b" orig_id=").and_then(self::queue_id);
    Some(Record::PickedUp { queue_id, sender, previous })
}

pub fn cleanup(queue_id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    if let Some(id) = rest.strip_prefix(b"message-id=") {
        return Some(Record::MessageId { queue_id, id, resent: false });
    }
    if let Some(id) = rest.strip_prefix(b"resent-message-id=") {
        return Some(Record::MessageId { queue_id, id, resent: true });
    }
    let (word, after) = scan::split(rest, b": ")?;
    let action = match word {
        b"warning" | b"info" | b"pass" | b"replace" | b"prepend" | b"strip" | b"filter" | b"redirect" | b"bcc"
        | b"dunno" => HeaderAction::Note,
        b"hold" => HeaderAction::Hold,
        b"discard" => HeaderAction::Discard,
        b"reject" => HeaderAction::Reject,
        _ => return refusal::parse(Some(queue_id), rest),
    };
    match header(queue_id, action, after) {
        Some(record) => Some(record),
        None if action == HeaderAction::Note => Some(Record::Context { queue_id }),
        None => refusal::parse(Some(queue_id), rest),
    }
}

/// `header NAME: VALUE from HOST[IP]; from=<> to=<> proto= helo=<>: TEXT`. The value is the sender's and may imitate the
/// envelope, so the envelope is looked for from the right.
fn header(queue_id: QueueId, action: HeaderAction, text: &[u8]) -> Option<Record<'_>> {
    let content = match text.strip_prefix(b"header ") {
        Some(content) => content,
        None => text.strip_prefix(b"body ")?,
    };
    let tail = memchr::memmem::rfind(content, b"; from=<")?;
    let (mut transaction, text) = refusal::attributes(&content[tail + 2..]);
    let (content, client) = scan::split_last(&content[..tail], b" from ")?;
    (transaction.client_name, transaction.client_ip, _) = scan::host_ip_port(client);
    let (name, value) = match text_header(content) {
        Some(pair) => pair,
        None => (&b""[..], content),
    };
    Some(Record::Header(Header { queue_id, action, name, value, transaction, text }))
}

fn text_header(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', content)?;
    let name = &content[..colon];
    let value = content[colon + 1..].strip_prefix(b" ").unwrap_or(&content[colon + 1..]);
    name.iter().all(|b| b.is_ascii_graphic()).then_some((name, value))
}

pub fn qmgr(queue_id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    if rest == b"removed" {
        return Some(Record::Removed { queue_id });
    }
    let (sender, rest) = scan::angled(rest.strip_prefix(b"from=")?, &[b", size=", b", status="])?;
    if let Some(rest) = rest.strip_prefix(b", size=") {
        let (size, nrcpt) = scan::split(rest, b", nrcpt=")?;
        let recipient_count = u32::try_from(scan::number(nrcpt)).unwrap_or(u32::MAX);
        return Some(Record::Active { queue_id, sender, size: scan::number(size), recipient_count });
    }
    let status = rest.strip_prefix(b", status=")?;
    let expired = status.starts_with(b"expired") || status.starts_with(b"force-expired");
    expired.then_some(Record::Expired { queue_id, sender })
}

/// bounce(8): `sender non-delivery notification: NEW` and its three siblings (bounce_notify_service.c and others).
pub fn bounce(queue_id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    let (what, id) = scan::split(rest, b" notification: ")?;
    let known = [
        &b"sender non-delivery"[..],
        b"sender delay",
        b"postmaster non-delivery",
        b"sender delivery status",
        b"postmaster delay",
    ];
    if !known.contains(&what) {
        return None;
    }
    Some(Record::Notice { queue_id, notice: self::queue_id(id)? })
}

pub fn postsuper(queue_id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    let action = match rest {
        b"removed" => ByHand::Deleted,
        b"requeued" => ByHand::Requeued,
        b"placed on hold" => ByHand::Held,
        b"released from hold" => ByHand::Released,
        b"expired" | b"force-expired" => ByHand::Expired,
        _ => return None,
    };
    Some(Record::ByHand { queue_id, action })
}

impl<'a> Header<'a> {
    /// The subject as sent, where this line shows it.
    pub fn subject(&self) -> Option<&'a [u8]> {
        self.name.eq_ignore_ascii_case(b"subject").then_some(self.value)
    }
}
