//! chasquid, a small SMTP server in Go: its mail log as it comes through syslog, which is its default.
//!
//! Every line on a message has its id and its sender (`internal/maillog/maillog.go`):
//!
//! ```text
//! ID from=<sender> queued ip=ADDRESS:PORT to=[a@b c@d]
//! ID from=<sender> to=a@b sent
//! ID from=<sender> to=a@b failed (temporary): words        or (permanent)
//! ID from=<sender> all done                                or: completed loop, next in 1m38s
//! ADDRESS:PORT rejected from=<sender> to=[a@b] - words
//! ADDRESS:PORT auth succeeded for user@domain
//! ```
//!
//! Addresses have no brackets, but for the null sender, `<>`. Not in the log: size, subject, Message-ID, TLS, to which server a message
//! went and what that server calls it, codes of refusals, which message a notice is about, and a message's way before its aliases.

use std::net::{IpAddr, SocketAddr};

use vigie_model::{Arrival, Outcome, QueueId};

use crate::{
    Format, Record,
    refusal::{Refused, Transaction, reply},
    scan,
    session::Session,
    statement::{Addresses, End, Statement, Status, Word},
};

pub const FORMAT: Format =
    Format { name: "chasquid", read: |envelope| (envelope.program == b"chasquid").then(|| parse(envelope.text)) };

/// Reads the text after the tag.
pub fn parse(text: &[u8]) -> Record<'_> {
    let (first, rest) = scan::until(text, b" ");
    let record = match (client(first), rest.strip_prefix(b"from=")) {
        (Some(client), _) => of_client(client, rest),
        (None, Some(rest)) => of_message(first, rest),
        _ => is_known(text).then_some(Record::Known),
    };
    record.unwrap_or(Record::Unknown)
}

/// What the daemon says of itself. Under systemd its other log has the same name: `_ queue.go:308  Queue.SendLoop …`, with the
/// level first.
fn is_known(text: &[u8]) -> bool {
    let has_caller =
        || matches!(text, [_, b' ', rest @ ..] if scan::find(scan::until(rest, b" ").0, b".go:").is_some());
    text.starts_with(b"daemon listening on ") || has_caller()
}

/// The other end of a connection, and the key of its session.
struct Client<'a> {
    ip: &'a [u8],
    session: u64,
}

/// `127.0.0.1:4711`, `[2001:db8::1]:4711`.
fn client(word: &[u8]) -> Option<Client<'_>> {
    let address: SocketAddr = std::str::from_utf8(word).ok()?.parse().ok()?;
    let (ip, _) = scan::split_last(word, b":")?;
    let ip = ip.strip_prefix(b"[").and_then(|ip| ip.strip_suffix(b"]")).unwrap_or(ip);
    let number = match address.ip() {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() ^ (ip.to_bits() >> 64)) as u64,
    };
    Some(Client { ip, session: number.rotate_left(16) ^ u64::from(address.port()) })
}

fn of_client<'a>(client: Client<'a>, text: &'a [u8]) -> Option<Record<'a>> {
    if let Some(rest) = text.strip_prefix(b"rejected") {
        return refused(client.ip, rest);
    }
    if let Some(user) = text.strip_prefix(b"auth succeeded for ") {
        let session = Session { arrival: Arrival::User, user, ..Session::about(client.session) };
        return Some(Record::Session(session));
    }
    text.starts_with(b"auth failed for ").then_some(Record::Known)
}

/// ` from=a@b to=[c@d] - words`; a sender that is refused has no recipients yet.
fn refused<'a>(client_ip: &'a [u8], text: &'a [u8]) -> Option<Record<'a>> {
    // Addresses alone stand before the first dash with blanks; the words behind it may be another server's.
    let (before, words) = scan::split(text, b" - ")?;
    let (sender, recipients) = scan::split_last(before, b" to=[").unwrap_or((before, b""));
    let recipients = recipients.strip_suffix(b"]").unwrap_or(recipients);
    let mut one = Addresses::list(recipients, b' ');
    let recipient = one.next().filter(|_| one.next().is_none()).unwrap_or_default();
    let (code, dsn, _) = reply(words);
    Some(Record::Refused(Refused {
        stage: stage(recipients, words),
        transaction: Transaction {
            client_ip,
            sender: bare(sender.strip_prefix(b" from=").unwrap_or_default()),
            recipient,
            ..Transaction::default()
        },
        code,
        dsn,
        text: words,
        ..Refused::default()
    }))
}

/// Told from the words (`internal/smtpsrv/conn.go`): whatever is not of one of these comes after the message's end.
fn stage(recipients: &[u8], words: &[u8]) -> &'static [u8] {
    const OF_RECIPIENTS: [&[u8]; 4] =
        [b"relay not allowed", b"local user does not exist", b"invalid address: ", b"error checking if user exists: "];
    match recipients {
        b"" => b"MAIL",
        _ if OF_RECIPIENTS.iter().any(|known| words.starts_with(known)) => b"RCPT",
        _ => b"END-OF-MESSAGE",
    }
}

fn of_message<'a>(id: &[u8], text: &'a [u8]) -> Option<Record<'a>> {
    let statement = Statement::about(QueueId::new(id)?);
    let statement = if let Some((before, status, words)) = failure(text) {
        tried(statement, before, status, words)?
    } else if let Some(before) = text.strip_suffix(b" sent") {
        let (sender, recipient) = scan::split_last(before, b" to=")?;
        let word = Word::on(Addresses::one(recipient), Status::Final(Outcome::Delivered));
        Statement { sender: Some(bare(sender)), word: Some(word), ..statement }
    } else if let Some(sender) = text.strip_suffix(b" all done") {
        // Written when nobody is left, or when the time of those who are left is over.
        Statement { sender: Some(bare(sender)), end: End::Expired, ..statement }
    } else if let Some((sender, arrival)) = scan::split_last(text, b" queued ip=") {
        arrived(statement, sender, arrival)?
    } else {
        return scan::find(text, b" completed loop, next in ").map(|_| Record::Known);
    };
    Some(Record::Statement(Box::new(statement)))
}

/// What stands before the words of a failure, whether that was the last one, and those words.
fn failure(text: &[u8]) -> Option<(&[u8], Status, &[u8])> {
    let (before, words) = scan::split(text, b" failed (")?;
    match words.strip_prefix(b"temporary): ") {
        Some(words) => Some((before, Status::Deferred, words)),
        None => Some((before, Status::Final(Outcome::Bounced), words.strip_prefix(b"permanent): ")?)),
    }
}

fn tried<'a>(statement: Statement<'a>, before: &'a [u8], status: Status, words: &'a [u8]) -> Option<Statement<'a>> {
    let (sender, recipient) = scan::split_last(before, b" to=")?;
    let word = Word { dsn: dsn(words), reply: words, ..Word::on(Addresses::one(recipient), status) };
    Some(Statement { sender: Some(bare(sender)), word: Some(word), ..statement })
}

/// `MAIL+RCPT 550 5.1.1 words`, `DATA closing 554 …`: where the next server's answer begins (`internal/smtp/client.go`).
fn dsn(words: &[u8]) -> &[u8] {
    const STEPS: [&[u8]; 3] = [b"MAIL+RCPT ", b"DATA closing ", b"DATA "];
    STEPS.iter().find_map(|step| scan::split(words, step)).map_or(b"", |(_, answer)| reply(answer).1)
}

/// The mail log has this line after the message was queued, and so perhaps after a first `sent`.
fn arrived<'a>(statement: Statement<'a>, sender: &'a [u8], text: &'a [u8]) -> Option<Statement<'a>> {
    let (from, recipients) = scan::split(text, b" to=[")?;
    let client = client(from)?;
    let recipients = recipients.strip_suffix(b"]")?;
    Some(Statement {
        begins: true,
        session: Some(client.session),
        arrival: Arrival::Server,
        client_ip: client.ip,
        sender: Some(bare(sender)),
        // Before aliases: whom they stand for is told by the lines that follow alone, so nobody is awaited.
        recipient_count: u32::try_from(Addresses::list(recipients, b' ').count()).ok(),
        ..statement
    })
}

fn bare(sender: &[u8]) -> &[u8] {
    if sender == b"<>" { b"" } else { sender }
}

#[cfg(test)]
mod tests;
