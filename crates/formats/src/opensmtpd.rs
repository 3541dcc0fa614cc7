//! OpenSMTPD: three grammars under one tag, `smtpd` (Postfix's smtpd has a slash in its own).
//!
//! | versions | lines |
//! | --- | --- |
//! | 5.x | `smtp-in: Accepted message MSGID on session S: from=<>, …`, `relay: Ok for EVPID: from=<>, …`, `delivery: …` |
//! | 6.0 to 6.3 | `S smtp event=message …`, `S mta event=delivery evpid=… …`, `S mda event=delivery …` |
//! | from 6.4 | `S smtp message …`, `S smtp envelope …`, `S mta delivery evpid=… …`, `S mda delivery …` |
//!
//! An envelope's id (16 digits) is its message's id and eight digits of its own, so that every line about a message has its id. Sources:
//! smtp_session.c, mta.c, mda.c, queue.c. No version logs the Message-ID, which message a notice is about, or the end of a message.

mod delivery;
mod session;

use vigie_model::QueueId;

use crate::{Format, Record, scan};

pub const FORMAT: Format =
    Format { name: "OpenSMTPD", read: |envelope| (envelope.program == b"smtpd").then(|| parse(envelope.text)) };

/// The grammars that no captured run has; they are read after the source of these versions.
pub const UNPROVEN: [&str; 2] = ["lines of OpenSMTPD 5", "lines of OpenSMTPD 6.0 to 6.3"];

/// Which of [`UNPROVEN`] a line is of, if any. To this day queue.c tells of removals and expiries in the words of 5.x.
pub fn unproven(program: &[u8], text: &[u8]) -> Option<&'static str> {
    if program != b"smtpd" {
        return None;
    }
    if let Some((_, rest)) = in_session(text) {
        return scan::split(rest, b" ").is_some_and(|(_, rest)| rest.starts_with(b"event=")).then_some(UNPROVEN[1]);
    }
    let (part, rest) = scan::split(text, b": ")?;
    let is_old = match part {
        b"smtp-in" => true,
        b"relay" | b"delivery" => !rest.starts_with(b"Remove") && !rest.starts_with(b"Expire"),
        _ => false,
    };
    is_old.then_some(UNPROVEN[0])
}

/// Hexadecimal digits of an id of a message, and of a session or an envelope.
const MESSAGE_DIGITS: usize = 8;
const SESSION_DIGITS: usize = 16;

/// Reads the text after the tag.
pub fn parse(text: &[u8]) -> Record<'_> {
    let record = match in_session(text) {
        Some((session, rest)) => session_line(session, rest),
        None => other_line(text),
    };
    record.unwrap_or(Record::Unknown)
}

/// A session's id, and what follows it.
fn in_session(text: &[u8]) -> Option<(u64, &[u8])> {
    let (session, rest) = text.split_at_checked(SESSION_DIGITS)?;
    Some((session_id(session)?, rest.strip_prefix(b" ")?))
}

fn session_id(digits: &[u8]) -> Option<u64> {
    let digits = digits.get(..SESSION_DIGITS)?;
    digits.iter().try_fold(0, |value: u64, &digit| Some(value << 4 | u64::from(char::from(digit).to_digit(16)?)))
}

/// `smtp connected address=… host=…`: the part of the server, what happened, and keys.
fn session_line(session: u64, text: &[u8]) -> Option<Record<'_>> {
    let (part, rest) = scan::split(text, b" ")?;
    let rest = rest.strip_prefix(b"event=").unwrap_or(rest);
    let (event, keys) = scan::until(rest, b" ");
    match (part, event) {
        (b"smtp", b"connected") => session::connected(session, keys),
        (b"smtp", b"authentication") => session::login(session, keys),
        (b"smtp", b"disconnected" | b"closed") => Some(session::over(session)),
        (b"smtp", b"message") => session::message(session, keys),
        (b"smtp", b"envelope") => session::envelope(keys),
        (b"smtp", b"failed-command") => session::failed_command(keys),
        (b"mta" | b"mda", b"delivery") => delivery::parse(part, keys),
        (b"smtp" | b"mta" | b"mda" | b"mfa" | b"filter" | b"filters" | b"mproc" | b"proxy", _) => Some(Record::Known),
        _ => None,
    }
}

fn other_line(text: &[u8]) -> Option<Record<'_>> {
    let (part, rest) = scan::split(text, b": ").unwrap_or((text, b""));
    match part {
        b"relay" | b"delivery" => delivery::of_envelope(part, rest),
        b"smtp-in" => session::of_old_form(rest),
        _ => is_known(text).then_some(Record::Known),
    }
}

/// What the daemon says of itself: of no consequence.
fn is_known(text: &[u8]) -> bool {
    const BEGINNINGS: &[&[u8]] = &[
        b"smtp-out: ",
        b"info: ",
        b"warn: ",
        b"warn",
        b"debug: ",
        b"fatal",
        b"mda: ",
        b"mta: ",
        b"queue: ",
        b"queue-",
        b"scheduler: ",
        b"control: ",
        b"version: ",
        b"smtpd: ",
        b"smtp: ",
        b"lka: ",
        b"ssl",
        b"dict",
        b"getaddrinfo: ",
        b"getnameinfo: ",
        b"startup",
        b"Exiting",
        b"parent terminating",
        b"commands executed from aliases ",
        b"table-",
        b"filter",
        b"imsg",
        b"kernel",
    ];
    const INSIDE: &[&[u8]] = &[b" agent exiting", b" handler exiting", b" process exiting"];
    BEGINNINGS.iter().any(|words| text.starts_with(words))
        || INSIDE.iter().any(|words| scan::find(text, words).is_some())
}

fn message_id(text: &[u8]) -> Option<QueueId> {
    let (id, rest) = text.split_at_checked(MESSAGE_DIGITS)?;
    let ends = rest.first().is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (ends && id.iter().all(u8::is_ascii_hexdigit)).then(|| QueueId::new(id)).flatten()
}

/// The message of an envelope.
fn of_evpid(text: &[u8]) -> Option<QueueId> {
    let id = text.get(..SESSION_DIGITS)?;
    id.iter().all(u8::is_ascii_hexdigit).then(|| QueueId::new(&id[..MESSAGE_DIGITS])).flatten()
}

/// `key=<address>` at the start, and what follows it up to the next key; `after` are the keys that may follow.
fn address<'a>(text: &'a [u8], key: &[u8], after: &[&[u8]]) -> Option<(&'a [u8], &'a [u8])> {
    let (address, rest) = scan::angled(text.strip_prefix(key)?, after)?;
    // The 5.x grammar, and the queue's own lines to this day, put a comma between keys.
    let rest = rest.strip_prefix(b",").unwrap_or(rest);
    // queue.c writes the null sender as a user and a domain that are both empty.
    Some((if address == b"@" { b"" } else { address }, rest.trim_ascii_start()))
}

/// The value of a key that has no quotes and no brackets.
fn value<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut rest = text;
    loop {
        let at = scan::find(rest, key)?;
        let starts = at == 0 || rest[at - 1] == b' ';
        let value = &rest[at + key.len()..];
        if starts {
            let end = value.iter().position(|byte| matches!(byte, b' ' | b',')).unwrap_or(value.len());
            return Some(&value[..end]);
        }
        rest = value;
    }
}
