//! Sessions from outside (smtp_session.c): messages that came, and commands that were refused.

use vigie_model::Arrival;

use super::{address, message_id, of_evpid, value};
use crate::{
    Record,
    refusal::{Refused, RefusedAction, Transaction, reply},
    scan,
    statement::{End, Statement},
};

fn said(statement: Statement<'_>) -> Option<Record<'_>> {
    Some(Record::Statement(Box::new(statement)))
}

/// From 6.4: `msgid=15157ca7 size=1456 nrcpt=1 proto=ESMTP`. 6.0 to 6.3, for each recipient: `[address=… host=…] msgid=… from=<…>
/// to=<…> size=… ndest=… proto=…`.
pub fn message(keys: &[u8]) -> Option<Record<'_>> {
    // Addresses may hold anything that looks like a key.
    let (before, after) = scan::split(keys, b" from=<")
        .map_or((keys, keys), |(before, rest)| (before, &keys[keys.len() - rest.len() - 6..]));
    let mut statement =
        Statement { begins: true, end: End::WhenDone, ..Statement::about(message_id(value(before, b"msgid=")?)?) };
    let (mut tail, _) = (after, ());
    if let Some((sender, rest)) = address(after, b"from=", &[b" to=<"]) {
        let (_, rest) = address(rest, b"to=", &[b" size="])?;
        (statement.sender, tail) = (Some(sender), rest);
    }
    statement.size = value(tail, b"size=").map(scan::number);
    statement.recipient_count = value(tail, b"nrcpt=").and_then(|count| u32::try_from(scan::number(count)).ok());
    if let Some(client) = value(before, b"address=") {
        who(&mut statement, value(before, b"host=").unwrap_or_default(), client);
    }
    said(statement)
}

/// Where the line names the client. `local` is the control socket: a program of the host, or the server with a notice.
fn who<'a>(statement: &mut Statement<'a>, name: &'a [u8], ip: &'a [u8]) {
    if ip == b"local" {
        statement.arrival = Arrival::Local;
        return;
    }
    statement.arrival = Arrival::Server;
    statement.client_name = name;
    statement.client_ip = ip.strip_prefix(b"[").and_then(|ip| ip.strip_suffix(b"]")).unwrap_or(ip);
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
        let id = message_id(rest)?;
        let (_, keys) = scan::split(rest, b": ")?;
        let (sender, rest) = address(keys, b"from=", &[b", to=<", b", size="])?;
        let tail = address(rest, b"to=", &[b", size="]).map_or(rest, |(_, rest)| rest);
        let size = value(tail, b"size=").map(scan::number);
        return said(Statement {
            begins: true,
            sender: Some(sender),
            size,
            end: End::WhenDone,
            ..Statement::about(id)
        });
    }
    if let Some(rest) = text.strip_prefix(b"Failed command on session ") {
        let (_, rest) = scan::split(rest, b": \"")?;
        let (command, result) = scan::split(rest, b"\" => ")?;
        return refused(Transaction::default(), command, result);
    }
    Some(Record::Known)
}
