//! Sessions from outside (smtp_session.c): messages that came, and commands that were refused.

use vigie_model::Arrival;

use super::{SESSION_DIGITS, address, message_id, of_evpid, session_id, value};
use crate::{
    Record,
    refusal::{Refused, RefusedAction, Transaction, reply},
    scan,
    session::Session,
    statement::{End, Statement},
};

/// `address=127.0.0.60 host=out1.example.net`. `local` is the control socket: a program of the host, or the server with a notice.
pub fn connected(key: u64, keys: &[u8]) -> Option<Record<'_>> {
    Some(from(key, value(keys, b"host=").unwrap_or_default(), value(keys, b"address=")?))
}

fn from<'a>(key: u64, host: &'a [u8], address: &'a [u8]) -> Record<'a> {
    let session = Session::about(key);
    Record::Session(match address {
        b"local" => Session { arrival: Arrival::Local, ..session },
        _ => Session { arrival: Arrival::Server, client_name: host, client_ip: unbracketed(address), ..session },
    })
}

/// `user=ann result=ok`.
pub fn login(key: u64, keys: &[u8]) -> Option<Record<'_>> {
    let (before, result) = scan::split(keys, b" result=")?;
    let (_, user) = scan::split(before, b"user=")?;
    let session = Session { arrival: Arrival::User, user, ..Session::about(key) };
    Some(if result.starts_with(b"ok") { Record::Session(session) } else { Record::Known })
}

pub fn over(key: u64) -> Record<'static> {
    Record::Session(Session { ends: true, ..Session::about(key) })
}

/// An address of IPv6 stands in brackets (to.c, `ss_to_text`).
fn unbracketed(ip: &[u8]) -> &[u8] {
    let ip = ip.strip_prefix(b"[").and_then(|ip| ip.strip_suffix(b"]")).unwrap_or(ip);
    ip.strip_prefix(b"IPv6:").unwrap_or(ip)
}

fn said(statement: Statement<'_>) -> Option<Record<'_>> {
    Some(Record::Statement(Box::new(statement)))
}

/// From 6.4: `msgid=15157ca7 size=1456 nrcpt=1 proto=ESMTP`. 6.0 to 6.3, for each recipient: `[address=… host=…] msgid=… from=<…>
/// to=<…> size=… ndest=… proto=…`.
pub fn message(session: u64, keys: &[u8]) -> Option<Record<'_>> {
    // Addresses may hold anything that looks like a key.
    let at = scan::find(keys, b" from=<").map_or(keys.len(), |at| at + 1);
    let (before, envelope) = keys.split_at(at);
    let id = message_id(value(before, b"msgid=")?)?;
    let mut statement = Statement { begins: true, session: Some(session), end: End::WhenDone, ..Statement::about(id) };
    let tail = match address(envelope, b"from=", &[b" to=<"]) {
        Some((sender, rest)) => {
            statement.sender = Some(sender);
            address(rest, b"to=", &[b" size="])?.1
        }
        None => before,
    };
    statement.size = value(tail, b"size=").map(scan::number);
    statement.recipient_count = value(tail, b"nrcpt=").and_then(|count| u32::try_from(scan::number(count)).ok());
    said(statement)
}

/// `evpid=15157ca79c4a6a3b from=<a@b> to=<c@d>`. The recipient is as it was given; aliases are expanded, and deliveries name what came
/// of it.
pub fn envelope(keys: &[u8]) -> Option<Record<'_>> {
    let (evpid, rest) = scan::split(keys.strip_prefix(b"evpid=")?, b" ")?;
    let (sender, _) = address(rest, b"from=", &[b" to=<"])?;
    said(Statement { sender: Some(sender), end: End::WhenDone, ..Statement::about(of_evpid(evpid)?) })
}

/// `[address=… host=…] command="RCPT TO:<a@b>" result="550 Invalid recipient: <a@b>"`.
pub fn failed_command(keys: &[u8]) -> Option<Record<'_>> {
    let (before, rest) = scan::split(keys, b"command=\"")?;
    let (command, result) = scan::split(rest, b"\" result=\"")?;
    let mut transaction = Transaction::default();
    if let Some(client) = value(before, b"address=").filter(|client| *client != b"local") {
        (transaction.client_name, transaction.client_ip) = (value(before, b"host=").unwrap_or_default(), client);
    }
    refused(transaction, command, result.strip_suffix(b"\"").unwrap_or(result))
}

/// A protocol error is not the refusal of a message: DATA after RCPT was refused, commands out of order or not known.
const PROTOCOL_ERRORS: std::ops::RangeInclusive<u16> = 500..=504;

fn refused<'a>(mut transaction: Transaction<'a>, command: &'a [u8], result: &'a [u8]) -> Option<Record<'a>> {
    let (code, dsn, text) = reply(result);
    let (dsn, text) = if dsn.is_empty() { with_colon(text) } else { (dsn, text) };
    let stage: &[u8] = if let Some(recipient) = argument(command, b"RCPT TO:") {
        transaction.recipient = recipient;
        b"RCPT"
    } else if let Some(sender) = argument(command, b"MAIL FROM:") {
        transaction.sender = sender;
        b"MAIL"
    } else if command.trim_ascii().eq_ignore_ascii_case(b"DATA") && !PROTOCOL_ERRORS.contains(&code) {
        // The command stays the last one while the text comes.
        b"END-OF-MESSAGE"
    } else {
        return Some(Record::Known);
    };
    Some(Record::Refused(Refused {
        queue_id: None,
        action: RefusedAction::Reject,
        stage,
        transaction,
        code,
        dsn,
        text,
        ..Refused::default()
    }))
}

/// 5.x: `550 5.1.1: text`.
fn with_colon(text: &[u8]) -> (&[u8], &[u8]) {
    match scan::split(text, b": ") {
        Some((dsn, rest)) if dsn.len() >= 5 && dsn.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') => {
            (dsn, rest)
        }
        _ => (b"", text),
    }
}

/// `rcpt TO:<a@b> NOTIFY=NEVER`: the address of a command, in any case.
fn argument<'a>(command: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = command.split_at_checked(name.len())?;
    if !head.eq_ignore_ascii_case(name) {
        return None;
    }
    let rest = rest.trim_ascii();
    Some(scan::angled(rest, &[b" "]).map_or(rest, |(address, _)| address))
}

/// 5.x: `Accepted message MSGID on session S: from=<>, to=<>, size=, ndest=, proto=` for each recipient (without `to` up to 5.3),
/// `Failed command on session S: "RCPT TO:<a@b>" => 550 text`. The rest tells of sessions.
pub fn of_old_form(text: &[u8]) -> Option<Record<'_>> {
    if let Some(rest) = text.strip_prefix(b"Accepted message ") {
        return accepted(rest);
    }
    if let Some(rest) = text.strip_prefix(b"Failed command on session ") {
        let (_, rest) = scan::split(rest, b": \"")?;
        let (command, result) = scan::split(rest, b"\" => ")?;
        return refused(Transaction::default(), command, result);
    }
    if let Some(rest) = text.strip_prefix(b"New session ") {
        let (host, address) = scan::split(rest.get(SESSION_DIGITS..)?.strip_prefix(b" from host ")?, b" [")?;
        return Some(from(session_id(rest)?, host, address.strip_suffix(b"]").unwrap_or(address)));
    }
    if let Some(rest) = text.strip_prefix(b"Accepted authentication for user ") {
        let (user, session) = scan::split(rest, b" on session ")?;
        return Some(Record::Session(Session { arrival: Arrival::User, user, ..Session::about(session_id(session)?) }));
    }
    let ended =
        text.strip_prefix(b"Closing session ").or_else(|| text.strip_prefix(b"Received disconnect from session "));
    Some(ended.and_then(session_id).map_or(Record::Known, over))
}

fn accepted(text: &[u8]) -> Option<Record<'_>> {
    let (_, rest) = scan::split(text, b" on session ")?;
    let (session, keys) = scan::split(rest, b": ")?;
    let (sender, rest) = address(keys, b"from=", &[b", to=<", b", size="])?;
    let tail = address(rest, b"to=", &[b", size="]).map_or(rest, |(_, rest)| rest);
    let about = Statement::about(message_id(text)?);
    let size = value(tail, b"size=").map(scan::number);
    let session = session_id(session);
    said(Statement { begins: true, session, sender: Some(sender), size, end: End::WhenDone, ..about })
}
