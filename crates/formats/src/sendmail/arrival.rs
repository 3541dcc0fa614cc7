//! `from=`: a message has come, or a transaction is over that brought none (headers.c, `logsender`).

use vigie_model::{Arrival, QueueId};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{bare, find_key, host_ip, said};
use crate::{
    Record, scan,
    session::Session,
    statement::{End, Statement},
};

/// Keys that may stand behind the Message-ID.
const AFTER_MESSAGE_ID: [&[u8]; 6] =
    [b", bodytype=", b", proto=", b", daemon=", b", tls_verify=", b", auth=", b", relay="];

/// `from=<>, size=, class=, [pri=,] nrcpts=, [msgid=<>,] [bodytype=,] [proto=,] [daemon=,] [auth=,] relay=`.
pub fn parse(pid: u32, id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    let rest = rest.strip_prefix(b"from=")?;
    let at = find_key(rest, &[b", size="])?;
    let (from, mut rest) = (&rest[..at], &rest[at + 2..]);
    let mut statement = Statement { begins: true, ..Statement::about(id) };
    // `<NONE>`: the envelope had no sender yet.
    statement.sender = (from != b"<NONE>").then(|| bare(from));
    // The last key: a Message-ID may hold anything, and a host name no such text.
    if let Some((before, relay)) = scan::split_last(rest, b", relay=") {
        rest = before;
        client(&mut statement, relay);
        statement.session = session(pid, statement.client_ip);
    }
    let (mut recipients, mut has_id) = (None, false);
    for key in std::iter::from_fn(|| next(&mut rest)) {
        match key {
            (b"size", value) => statement.size = Some(scan::number(value)),
            (b"nrcpts", value) => recipients = u32::try_from(scan::number(value)).ok(),
            (b"msgid", value) => (statement.message_id, has_id) = (whole(value), true),
            (b"auth", value) if value != b"NONE" => statement.arrival = Arrival::User,
            _ => {}
        }
    }
    statement.recipient_count = recipients.filter(|count| *count > 0);
    // Written with the Message-ID once the header has come, without one also where no text came: after the refusal of every
    // recipient, and after a transaction that was given up (envelope.c, `EF_LOGSENDER`).
    statement.tentative = !has_id;
    if recipients == Some(0) {
        statement.end = End::Never;
    }
    Some(said(statement))
}

/// The next `key=value`.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (key, value) = scan::split(rest, b"=")?;
    let end = match key {
        b"msgid" => id_end(value),
        _ => scan::find(value, b", "),
    };
    *rest = end.and_then(|end| value.get(end + 2..)).unwrap_or_default();
    Some((key, &value[..end.unwrap_or(value.len())]))
}

/// Where a Message-ID ends, which may itself hold commas, spaces and equal signs.
fn id_end(value: &[u8]) -> Option<usize> {
    match scan::angled(value, &AFTER_MESSAGE_ID) {
        Some((inner, _)) => (inner.len() + 2 < value.len()).then_some(inner.len() + 2),
        None => AFTER_MESSAGE_ID.iter().filter_map(|key| scan::find(value, key)).min(),
    }
}

/// Up to 8.13 an id was cut after 100 bytes. A part of an id is none: it would say that two servers had different messages.
fn whole(id: &[u8]) -> &[u8] {
    if id.starts_with(b"<") && !id.ends_with(b">") { b"" } else { id }
}

/// `relay=host [ip]` came by SMTP; `relay=user@localhost` was given to the program by a user of the host.
fn client<'a>(statement: &mut Statement<'a>, relay: &'a [u8]) {
    let (name, ip) = host_ip(relay);
    if !ip.is_empty() {
        (statement.client_name, statement.client_ip, statement.arrival) = (name, ip, Arrival::Server);
        return;
    }
    statement.arrival = Arrival::Local;
    if let Some((user, _)) = scan::split_last(name, b"@") {
        statement.user = user;
    }
}

/// Each connection has a process of its own, which writes both lines (srvrsmtp.c). The number of a process is used again: so soon, and
/// for the same client, it is not.
fn session(pid: u32, client_ip: &[u8]) -> Option<u64> {
    (pid != 0 && !client_ip.is_empty()).then(|| xxh3_64_with_seed(client_ip, pid.into()))
}

/// `AUTH=server, relay=host [ip], authid=ann, mech=PLAIN, bits=0`: the messages of this session are this user's.
pub fn login(pid: u32, text: &[u8]) -> Option<Record<'_>> {
    let (_, rest) = scan::split(text, b", relay=")?;
    let Some((relay, rest)) = scan::split(rest, b", authid=") else { return Some(Record::Known) };
    let (user, _) = scan::until(rest, b", mech=");
    let (_, client_ip) = host_ip(relay);
    let Some(key) = session(pid, client_ip) else { return Some(Record::Known) };
    Some(Record::Session(Session { arrival: Arrival::User, user, ..Session::about(key) }))
}
