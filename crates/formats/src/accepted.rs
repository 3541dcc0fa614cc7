//! The name by which the next server knows a message, as its reply to us tells. Whoever logs that reply, its form is the next server's.

use vigie_model::QueueId;

use crate::scan;

/// What no server uses as an id: shorter ones are words.
const ID_BYTES_MIN: usize = 5;

/// The next server's name for the message, of a reply that accepts it.
pub fn next_id(reply: &[u8]) -> Option<QueueId> {
    queued_as(reply).or_else(|| stored_as(reply)).or_else(|| message_accepted(reply)).or_else(|| ok_id(reply))
}

/// Postfix: `… queued as X`, at the end or followed by other words.
fn queued_as(reply: &[u8]) -> Option<QueueId> {
    // Most replies that say nothing of the kind end here.
    memchr::memchr(b'q', reply)?;
    let last = memchr::memrchr(b' ', reply).map(|at| (&reply[..at], &reply[at + 1..]));
    if let Some((before, id)) = last
        && before.ends_with(b"queued as")
    {
        return QueueId::new(id.strip_suffix(b".").unwrap_or(id));
    }
    let (_, rest) = scan::split(reply, b"queued as ")?;
    let end = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'-').unwrap_or(rest.len());
    QueueId::new(&rest[..end])
}

/// Dovecot LMTP: `250 2.0.0 <rcpt> SESSION:T2:R3 Saved`; the recipient's number `:Rn` is not part of the session's id.
fn stored_as(reply: &[u8]) -> Option<QueueId> {
    let before = reply.strip_suffix(b" Saved")?;
    let session = &before[memchr::memrchr(b' ', before)? + 1..];
    crate::dovecot::session_id(session)
}

/// Sendmail: `250 2.0.0 X Message accepted for delivery` (srvrsmtp.c); OpenSMTPD: `250 2.0.0: X Message accepted for delivery`
/// (smtp_session.c), without ` for delivery` in the name that its filters log.
fn message_accepted(reply: &[u8]) -> Option<QueueId> {
    let (before, _) = scan::split(reply, b" Message accepted")?;
    let id = &before[memchr::memrchr(b' ', before).map_or(0, |at| at + 1)..];
    plausible(id).then(|| QueueId::new(id)).flatten()
}

/// Exim: `250 OK id=X` (smtp_in.c).
fn ok_id(reply: &[u8]) -> Option<QueueId> {
    let (_, rest) = scan::split(reply, b"OK id=")?;
    let end = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'-').unwrap_or(rest.len());
    plausible(&rest[..end]).then(|| QueueId::new(&rest[..end])).flatten()
}

fn plausible(id: &[u8]) -> bool {
    id.len() >= ID_BYTES_MIN && id.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_names_the_message_in_its_own_words() {
        for (reply, id) in [
            ("250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7", Some("4fPqXk0d5Zz1Y5Q7")),
            ("Ok: queued as SINK000001", Some("SINK000001")),
            ("250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 3A1B29E001.", Some("3A1B29E001")),
            ("250 2.0.0 6AM4xQ6r021768 Message accepted for delivery", Some("6AM4xQ6r021768")),
            ("6AM4xQ6r021768 Message accepted for delivery", Some("6AM4xQ6r021768")),
            ("250 2.0.0: f6e94209 Message accepted for delivery", Some("f6e94209")),
            ("250 OK id=1vMhXi-00000000Bcd-1aBc", Some("1vMhXi-00000000Bcd-1aBc")),
            ("250 2.0.0 Message accepted", None),
            ("250 Message accepted for delivery", None),
            ("250 OK id=", None),
            ("250 2.0.0 OK  1772445600 d2e1a72fcca58-7f0 - gsmtp", None),
            ("", None),
        ] {
            assert_eq!(next_id(reply.as_bytes()), id.and_then(|id| QueueId::new(id.as_bytes())), "{reply}");
        }
    }
}
