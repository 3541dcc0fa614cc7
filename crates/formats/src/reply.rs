//! What the next server's reply says: the name by which it knows the message. One place for all who log replies.

use vigie_model::QueueId;

use crate::scan;

/// The next server's name for a message, from the reply that accepted it.
pub fn next_id(reply: &[u8]) -> Option<QueueId> {
    queued_as(reply)
        .or_else(|| stored_as(reply))
        .or_else(|| accepted_as(reply))
        .or_else(|| exim(reply))
        .or_else(|| exchange(reply))
}

/// Postfix: `250 2.0.0 Ok: queued as X`, at the end or followed by other words.
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
    let end = rest.iter().position(|&b| !b.is_ascii_alphanumeric() && b != b'-').unwrap_or(rest.len());
    QueueId::new(&rest[..end])
}

/// Dovecot LMTP: `250 2.0.0 <rcpt> SESSION:T2:R3 Saved`; the recipient's number `:Rn` is not part of the session's id.
fn stored_as(reply: &[u8]) -> Option<QueueId> {
    crate::dovecot::session_id(last_word(reply.strip_suffix(b" Saved")?))
}

/// Sendmail (`250 2.0.0 4AM2xP8b012345 Message accepted for delivery`) and OpenSMTPD (`250 2.0.0 f6e94209 Message accepted for delivery`).
/// Others say the same words without a name.
fn accepted_as(reply: &[u8]) -> Option<QueueId> {
    let (before, _) = scan::split(reply, b" Message accepted")?;
    let id = last_word(before);
    let id = id.strip_suffix(b":").unwrap_or(id);
    let is_id = id.len() >= ACCEPTED_ID_BYTES_MIN && id.iter().all(u8::is_ascii_alphanumeric);
    // A word is no name; but one in 2,500 of OpenSMTPD's ids has no digit below ten.
    let is_hex = || id.len() == ACCEPTED_ID_BYTES_MIN && id.iter().all(|byte| matches!(byte, b'a'..=b'f'));
    (is_id && (id.iter().any(u8::is_ascii_digit) || is_hex())).then(|| QueueId::new(id)).flatten()
}

/// OpenSMTPD's message id has 8 digits, Sendmail's queue id 14 characters (12 before version 8.11).
const ACCEPTED_ID_BYTES_MIN: usize = 8;

/// Exim: `250 OK id=1xUzfh-0005eu-36`, with ids of 16 or (since 4.97) 23 characters.
fn exim(reply: &[u8]) -> Option<QueueId> {
    let (_, rest) = scan::split(reply, b" id=")?;
    let end = rest.iter().position(|&b| !b.is_ascii_alphanumeric() && b != b'-').unwrap_or(rest.len());
    let id = &rest[..end];
    let is_id = matches!(id.len(), 16 | 23) && id.iter().filter(|&&b| b == b'-').count() == 2 && id[6] == b'-';
    is_id.then(|| QueueId::new(id)).flatten()
}

/// Exchange: `250 2.6.0 <message id> [InternalId=28819, Hostname=mbx1.example.com] 1432 bytes in 0.1 seconds Queued mail for delivery`.
fn exchange(reply: &[u8]) -> Option<QueueId> {
    let (_, rest) = scan::split(reply, b"[InternalId=")?;
    let end = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    QueueId::new(&rest[..end])
}

fn last_word(text: &[u8]) -> &[u8] {
    memchr::memrchr(b' ', text).map_or(text, |at| &text[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_names_the_message_in_its_own_words() {
        for (reply, id) in [
            ("250 2.0.0 Ok: queued as 4XYZ", Some("4XYZ")),
            ("250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 7C1D29E002", Some("7C1D29E002")),
            ("250 Ok: queued as 9B1D77.", Some("9B1D77")),
            ("250 ok queued as 9B1D77 (thank you)", Some("9B1D77")),
            ("250 2.0.0 <bob@example.com> kLTcKWNwAmvIWQAATvhV7g:T2:R3 Saved", Some("kLTcKWNwAmvIWQAATvhV7g:T2")),
            ("250 2.0.0 4AM2xP8b012345 Message accepted for delivery", Some("4AM2xP8b012345")),
            ("4AM2xP8b012345 Message accepted for delivery", Some("4AM2xP8b012345")),
            ("250 2.0.0: f6e94209 Message accepted for delivery", Some("f6e94209")),
            ("250 2.0.0 bdaecfea Message accepted for delivery", Some("bdaecfea")),
            ("250 2.0.0 Hooray, your Message accepted for delivery", None),
            ("250 OK id=1xUzfh-0005eu-36", Some("1xUzfh-0005eu-36")),
            ("250 OK id=1rNdXe-000000038gW-1GmK", Some("1rNdXe-000000038gW-1GmK")),
            (
                "250 2.6.0 <a@b.example> [InternalId=28819, Hostname=mbx1.example.com] 14 bytes Queued mail for delivery",
                Some("28819"),
            ),
            ("250 2.0.0 Ok, id=00123-04", None),
            ("250 Message accepted for delivery", None),
            ("250 2.6.0 Message accepted for delivery", None),
            ("250 ok 1432000000 qp 123", None),
            ("", None),
        ] {
            assert_eq!(next_id(reply.as_bytes()).as_ref().map(QueueId::as_str), id, "{reply}");
        }
    }
}
