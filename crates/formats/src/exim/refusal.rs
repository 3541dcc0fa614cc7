//! Refusals: `H=… F=<…> rejected RCPT <…>: text` and its kin (smtp_in.c, receive.c, acl.c).

use vigie_model::QueueId;

use super::fields::{Field, Fields, Host, host, word};
use crate::{
    refusal::{Refused, Transaction, reply},
    scan,
};

/// `None`: it refuses nothing.
pub fn parse(id: Option<QueueId>, text: &[u8]) -> Option<Refused<'_>> {
    let refused = match text.first()? {
        b'r' => {
            if let Some(from) = text.strip_prefix(b"refused connection from ") {
                Some(connection(from))
            } else {
                by_verb(text)
            }
        }
        b'C' => text.strip_prefix(b"Connection from ").and_then(|from| {
            let (host, rest) = host(from.strip_prefix(b"H=").unwrap_or(from));
            let text = rest.strip_prefix(b" refused: ")?;
            Some(Refused { text, ..of_host(b"CONNECT", host) })
        }),
        b'u' => unqualified(text),
        b'S' => out_of_step(text),
        b'H' | b'U' | b'F' | b't' | b'D' | b'P' | b'[' | b'(' => by_verb(text),
        _ => None,
    }?;
    Some(Refused { queue_id: id, ..refused })
}

fn of_host<'a>(stage: &'a [u8], host: Host<'a>) -> Refused<'a> {
    let transaction =
        Transaction { client_name: host.name, client_ip: host.ip, helo: host.helo, ..Transaction::default() };
    Refused { stage, transaction, ..Refused::default() }
}

/// `refused connection from [ip] (host_reject_connection)`.
fn connection(from: &[u8]) -> Refused<'_> {
    let (host, rest) = host(from.strip_prefix(b"H=").unwrap_or(from));
    let text = rest.trim_ascii();
    let text = text.strip_prefix(b"(").and_then(|text| text.strip_suffix(b")")).unwrap_or(text);
    Refused { text, ..of_host(b"CONNECT", host) }
}

/// `unqualified recipient rejected: <bob> H=… [ip]`.
fn unqualified(text: &[u8]) -> Option<Refused<'_>> {
    let (who, rest) = scan::split(text.strip_prefix(b"unqualified ")?, b" rejected: ")?;
    let (address, rest) = scan::angled(rest, &[b" "])?;
    let mut refused = Refused { text: b"unqualified address", ..client(rest) };
    match who {
        b"sender" => (refused.stage, refused.transaction.sender) = (b"MAIL", address),
        _ => (refused.stage, refused.transaction.recipient) = (b"RCPT", address),
    }
    Some(refused)
}

/// `SMTP protocol synchronization error (…): rejected connection from H=[ip] input="…"`.
fn out_of_step(text: &[u8]) -> Option<Refused<'_>> {
    let (reason, rest) = scan::split(text.strip_prefix(b"SMTP protocol ")?, b": rejected ")?;
    let (what, rest) = scan::split(rest, b" H=")?;
    let stage: &[u8] = if what.starts_with(b"connection") { b"CONNECT" } else { b"" };
    Some(Refused { text: reason, ..of_host(stage, host(rest).0) })
}

/// Who spoke, from the fields that stand here.
fn client(fields: &[u8]) -> Refused<'_> {
    let mut refused = Refused::default();
    Fields { rest: fields }.for_each(|field| note(&mut refused, field));
    refused
}

fn note<'a>(refused: &mut Refused<'a>, field: Field<'a>) {
    let told = &mut refused.transaction;
    match field {
        Field::Host(host) => (told.client_name, told.client_ip, told.helo) = (host.name, host.ip, host.helo),
        Field::Pair(b"F", sender) => told.sender = sender,
        Field::Pair(b"A", authenticated) => {
            told.user = authenticated.split(|&byte| byte == b':').nth(1).unwrap_or_default();
        }
        Field::Text(text) => refused.text = text,
        _ => {}
    }
}

/// `[fields] [temporarily ]rejected WHAT[: text]`.
fn by_verb(text: &[u8]) -> Option<Refused<'_>> {
    // Nearly every line that refuses nothing ends here.
    scan::find(text, b"rejected ")?;
    let mut refused = Refused::default();
    let mut fields = Fields { rest: text };
    let is_first = |fields: &Fields<'_>| fields.rest.len() == text.len();
    loop {
        let start = is_first(&fields);
        match fields.next()? {
            Field::Word(b"rejected") => return what(refused, fields.rest.trim_ascii_start()),
            // `DS`, `TFO`, `L`, …: how the connection was made. A sentence is something else.
            Field::Word(word) if word == b"temporarily" || !start && is_mark(word) => {}
            // `H=… [ip] bob@example.com F=<…> rejected after DATA: …`: by the server that a cutthrough delivery spoke to.
            Field::Word(word) if scan::byte(word, b'@').is_some() => refused.transaction.recipient = word,
            Field::Word(_) | Field::Text(_) => return None,
            field => note(&mut refused, field),
        }
    }
}

fn is_mark(word: &[u8]) -> bool {
    word.len() <= 5 && word.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'*' | b'.' | b'-'))
}

/// What was refused, and why.
fn what<'a>(mut refused: Refused<'a>, rest: &'a [u8]) -> Option<Refused<'a>> {
    const STAGES: &[(&[u8], &[u8])] = &[
        (b"RCPT ", b"RCPT"),
        (b"MAIL ", b"MAIL"),
        (b"after DATA", b"END-OF-MESSAGE"),
        (b"during MIME ACL checks", b"END-OF-MESSAGE"),
        (b"by local_scan()", b"END-OF-MESSAGE"),
        (b"by non-SMTP ACL", b"END-OF-MESSAGE"),
        (b"from <", b"END-OF-MESSAGE"),
        (b"EHLO or HELO ", b"EHLO"),
        (b"EHLO ", b"EHLO"),
        (b"HELO ", b"EHLO"),
        (b"connection ", b"CONNECT"),
        (b"DATA", b"DATA"),
        (b"VRFY", b"VRFY"),
        (b"EXPN", b"EXPN"),
        (b"ETRN", b"ETRN"),
        (b"AUTH", b"AUTH"),
        (b"STARTTLS", b"STARTTLS"),
    ];
    let (words, stage) = STAGES.iter().find(|(words, _)| rest.starts_with(words))?;
    refused.stage = stage;
    let mut rest = &rest[words.len()..];
    match *words {
        b"RCPT " => (refused.transaction.recipient, rest) = argument(rest),
        b"MAIL " => (refused.transaction.sender, rest) = argument(rest.strip_prefix(b"FROM:").unwrap_or(rest)),
        b"from <" => (refused.transaction.sender, rest) = scan::until(rest, b">"),
        _ => {}
    }
    // `… H=… [ip]: text` where the client stands behind, else `: text`.
    if rest.starts_with(b" H=") || rest.starts_with(b" U=") {
        Fields { rest }.for_each(|field| note(&mut refused, field));
    } else if let Some(from) = rest.strip_prefix(b"from H=") {
        Fields { rest: &from[..0] }.for_each(|field| note(&mut refused, field));
        let (host, after) = host(from);
        note(&mut refused, Field::Host(host));
        refused.text = after.trim_ascii_start().strip_prefix(b": ").unwrap_or(after.trim_ascii_start());
    } else if let Some((_, text)) = scan::split(rest, b": ") {
        refused.text = text;
    }
    let (code, dsn, said) = reply(refused.text);
    if code != 0 || !dsn.is_empty() {
        (refused.code, refused.dsn, refused.text) = (code, dsn, said);
    }
    Some(refused)
}

/// `<bob@example.com>` and what follows; the client may have typed anything.
fn argument(text: &[u8]) -> (&[u8], &[u8]) {
    if let Some(found) = scan::angled(text, &[b": ", b" "]) {
        return found;
    }
    let (address, rest) = word(text);
    match address.strip_suffix(b":") {
        Some(bare) => (bare, &text[bare.len()..]),
        None => (address, rest),
    }
}
