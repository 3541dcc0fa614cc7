//! `<=`: a message came (receive.c), and `(=`: one that was accepted while its sender was told otherwise.

use std::borrow::Cow;

use vigie_model::{Arrival, QueueId};

use super::{
    fields::{Field, Fields, word},
    opening,
};
use crate::statement::{Addresses, Statement, Status, Word};

/// `sender [R=ID] [H=… [ip]] [U=…] P=… [X=…] [A=…] S=… [id=…] [T="…"] [from <…>] [for …]`.
pub fn fill<'a>(about: &mut Statement<'a>, text: &'a [u8]) -> Option<()> {
    let (sender, rest) = word(text);
    let sender = if sender == b"<>" { b"" } else { sender };
    (about.begins, about.sender) = (true, Some(sender));
    let mut told = Told::default();
    let mut fields = Fields { rest };
    while let Some(field) = fields.next() {
        match field {
            Field::Host(host) => {
                told.is_remote = true;
                (about.client_name, about.client_ip, about.helo) = (host.name, host.ip, host.helo);
            }
            Field::Pair(b"R", parent) => about.notice_of = opening::id_length(parent).and(QueueId::new(parent)),
            Field::Pair(b"P", protocol) => told.protocol = protocol,
            Field::Pair(b"U", user) => told.process_user = user,
            Field::Pair(b"A", authenticated) => {
                told.is_authenticated = true;
                about.user = login(authenticated);
            }
            Field::Pair(b"S", size) => about.size = size.first()?.is_ascii_digit().then(|| crate::scan::number(size)),
            // `id*`: made by Exim, because the message had none (`log_selector = +msg_id_created`).
            Field::Pair(b"id" | b"id*", message_id) => about.message_id = message_id,
            Field::Pair(b"T", subject) if is_closed(fields.rest, text) => about.subject = Some(unescaped(subject)),
            Field::Word(b"for") => {
                about.recipient_count = count(fields.rest);
                about.word = Some(Word::on(Addresses::list(fields.rest, b' '), Status::Waiting));
                break;
            }
            _ => {}
        }
    }
    about.arrival = told.arrival();
    if about.arrival == Arrival::Local && sender != b"" {
        about.user = told.process_user;
    }
    Some(())
}

/// A subject whose closing quote was cut off is another subject.
fn is_closed(rest: &[u8], line: &[u8]) -> bool {
    !rest.is_empty() || line.last() == Some(&b'"')
}

/// `login:ann`, `plain:ann:ann@example.com` (the second with `log_selector = +smtp_mailauth`).
fn login(authenticated: &[u8]) -> &[u8] {
    authenticated.split(|&byte| byte == b':').nth(1).unwrap_or_default()
}

#[derive(Default)]
struct Told<'a> {
    is_remote: bool,
    is_authenticated: bool,
    protocol: &'a [u8],
    process_user: &'a [u8],
}

impl Told<'_> {
    /// A process on the host says `local`, `local-smtp` and so on, unless it is trusted and names another (`-oMr spam-scanned`): then it
    /// is a program that gives a message back which it was given, and nobody submits anything (spec.xfpt, "Scanning … by routing").
    fn arrival(&self) -> Arrival {
        match (self.is_remote, self.is_authenticated) {
            (_, true) => Arrival::User,
            (true, _) => Arrival::Server,
            _ if self.protocol.starts_with(b"local") => Arrival::Local,
            _ => Arrival::Unknown,
        }
    }
}

/// How many addresses stand here.
fn count(recipients: &[u8]) -> Option<u32> {
    let mut rest = recipients.trim_ascii();
    let mut count = 0;
    while !rest.is_empty() {
        rest = word(rest).1.trim_ascii_start();
        count += 1;
    }
    (count > 0).then_some(count)
}

/// Exim writes `\"` and `\\`, and what cannot be printed as `\n` or as three octal digits (string.c, string_printing).
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, tail) = if first == b'\\' { escaped(tail) } else { (first, tail) };
        out.push(byte);
        rest = tail;
    }
    Cow::Owned(out)
}

fn escaped(text: &[u8]) -> (u8, &[u8]) {
    match text {
        [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
            ((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), rest)
        }
        [b'n' | b'r' | b't' | b'b' | b'v' | b'f', rest @ ..] => (b' ', rest),
        [byte, rest @ ..] => (*byte, rest),
        [] => (b'\\', text),
    }
}
