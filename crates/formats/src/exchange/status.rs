//! What servers answered, and which recipients an answer is about.

use vigie_model::QueueId;

use crate::{refusal, scan, statement::Addresses};

/// One recipient's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reply<'a> {
    /// As the row has it, or the last error of a list (`LED=`).
    pub text: &'a [u8],
    pub dsn: &'a [u8],
    /// The server that the last error is of.
    pub server_name: &'a [u8],
    pub server_ip: &'a [u8],
}

impl<'a> Reply<'a> {
    fn of(text: &'a [u8]) -> Self {
        let text = text.trim_ascii();
        // `[{LED=501 5.1.4 …};{MSG=};{FQDN=mx.example.net};{IP=192.0.2.1};{LRT=…}]`
        let (text, server_name, server_ip) = match part(text, b"{LED=") {
            Some(error) => (error, part(text, b"{FQDN=").unwrap_or_default(), part(text, b"{IP=").unwrap_or_default()),
            None => (text, &b""[..], &b""[..]),
        };
        Self { text, dsn: refusal::reply(text).1, server_name, server_ip }
    }
}

fn part<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let (_, rest) = scan::split(text, key)?;
    scan::split(rest, b"}").map(|(value, _)| value)
}

/// Recipients with their statuses. Those of several recipients stand in the same order with semicolons between; but a status may have
/// semicolons of its own, so that only as many statuses as recipients are believed to be theirs. Otherwise all share the text.
pub fn statuses<'a>(
    recipients: Addresses<'a>,
    text: &'a [u8],
) -> impl Iterator<Item = (Addresses<'a>, Reply<'a>)> + use<'a> {
    let count = recipients.count();
    let each = (count > 1 && pieces(text).count() == count && pieces(text).any(|piece| !same(piece, text)))
        .then(|| recipients.map(Addresses::one).zip(pieces(text).map(Reply::of)));
    let all = each.is_none().then(|| (recipients, Reply::of(pieces_or_whole(text, count))));
    each.into_iter().flatten().chain(all)
}

fn same(piece: &[u8], text: &[u8]) -> bool {
    pieces(text).next() == Some(piece)
}

/// The one status that all have, or the whole text.
fn pieces_or_whole(text: &[u8], count: usize) -> &[u8] {
    let mut all = pieces(text);
    match all.next() {
        Some(first) if count > 1 && all.clone().count() + 1 == count && all.all(|other| other == first) => first,
        _ => text,
    }
}

/// Cut where another status begins: behind a semicolon, an empty one, a reply code or `[{LED=`.
fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = (!text.is_empty()).then_some(text);
    std::iter::from_fn(move || {
        let whole = rest?;
        let mut from = 0;
        while let Some(at) = scan::byte(whole.get(from..)?, b';').map(|at| from + at) {
            let behind = &whole[at + 1..];
            if begins_status(behind) {
                rest = Some(behind);
                return Some(&whole[..at]);
            }
            from = at + 1;
        }
        rest = None;
        Some(whole)
    })
}

fn begins_status(text: &[u8]) -> bool {
    match text {
        [] | [b';', ..] | [b'[', b'{', ..] => true,
        [b'2'..=b'5', b, c, b' ', ..] => b.is_ascii_digit() && c.is_ascii_digit(),
        _ => false,
    }
}

/// The next server's reply, which stands in `source-context` of SEND between a session's id and `ClientSubmitTime`.
pub fn reply_of_context(context: &[u8]) -> &[u8] {
    let context = scan::split_last(context, b";ClientSubmitTime:").map_or(context, |(before, _)| before);
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b';', context).map(|at| at + 1));
    let reply = starts
        .map(|at| &context[at..])
        .find(|text| begins_status(text) && text.first().is_some_and(u8::is_ascii_digit));
    reply.unwrap_or_default()
}

/// `[InternalId=5450313518243, Hostname=…]`: by which the next server knows the message.
pub fn internal_id(reply: &[u8]) -> Option<QueueId> {
    let (_, rest) = scan::split(reply, b"[InternalId=")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    QueueId::new(&rest[..digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(recipients: &str, text: &str) -> Vec<(String, String, String)> {
        let list = Addresses::list(recipients.as_bytes(), b';');
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |(recipients, reply): (Addresses<'_>, Reply<'_>)| {
            let addresses: Vec<String> = recipients.map(text_of).collect();
            (addresses.join(" "), text_of(reply.dsn), text_of(reply.text))
        };
        statuses(list, text.as_bytes()).map(one).collect()
    }

    fn row(addresses: &str, dsn: &str, text: &str) -> (String, String, String) {
        (addresses.to_owned(), dsn.to_owned(), text.to_owned())
    }

    #[test]
    fn statuses_stand_in_the_order_of_recipients() {
        assert_eq!(told("a@b", "250 2.1.5 Recipient OK"), [row("a@b", "2.1.5", "250 2.1.5 Recipient OK")]);
        assert_eq!(
            told("a@b;c@d", "250 2.1.5 Recipient OK;250 2.1.5 Recipient OK"),
            [row("a@b c@d", "2.1.5", "250 2.1.5 Recipient OK")]
        );
        assert_eq!(
            told("a@b;c@d", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found;550 4.4.7 QUEUE.Expired; message expired"),
            [
                row("a@b", "5.1.1", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found"),
                row("c@d", "4.4.7", "550 4.4.7 QUEUE.Expired; message expired")
            ]
        );
        assert_eq!(told("a@b;c@d", "a folder; with a semicolon"), [row("a@b c@d", "", "a folder; with a semicolon")]);
        assert_eq!(told("a@b;c@d", ""), [row("a@b c@d", "", "")]);
    }

    #[test]
    fn the_last_error_of_a_list_is_the_reply() {
        let text = "[{LED=501 5.1.4 Recipient address reserved by RFC 2606};{MSG=};{FQDN=mx.example.net};{IP=192.0.2.1};{LRT=12/22/2020 2:28:06 AM}]";
        let list = Addresses::list(b"a@b", b';');
        let replies: Vec<Reply<'_>> = statuses(list, text.as_bytes()).map(|(_, reply)| reply).collect();
        assert_eq!(
            replies,
            [Reply {
                text: b"501 5.1.4 Recipient address reserved by RFC 2606",
                dsn: b"5.1.4",
                server_name: b"mx.example.net",
                server_ip: b"192.0.2.1"
            }]
        );
        let both = format!("{text};{text}");
        assert_eq!(told("a@b;c@d", &both).len(), 1);
    }

    #[test]
    fn replies_within_their_context() {
        for context in [
            "08DC1DB12C345BE5;250 2.6.0 <a@b> [InternalId=5450313518243, Hostname=ex02.example.com] Queued mail for delivery",
            ";250 2.6.0 <a@b> [InternalId=5450313518243, Hostname=ex02.example.com] Queued mail for delivery;ClientSubmitTime:2026-03-02T10:00:00.000Z",
        ] {
            let reply = reply_of_context(context.as_bytes());
            assert!(reply.starts_with(b"250 2.6.0") && reply.ends_with(b"delivery"), "{context}");
            assert_eq!(internal_id(reply).map(|id| id.to_string()).as_deref(), Some("5450313518243"));
        }
        assert_eq!(reply_of_context(b"08DC1DB12C345BE5;2024-01-25T15:16:09.544Z;0"), b"");
        assert_eq!(internal_id(b"250 2.0.0 OK [Hostname=ex01.example.com]"), None);
    }
}
