//! The statements of router and SMTP server.
//!
//! Shapes are those of the table in the notes on Domino: real lines, and the patterns of two parsers that ran in production. Names are
//! Notes names (`Jane Doe/Acme`), internet addresses, or `Name@Domain`; they have blanks, slashes and any letters, so that a line is cut
//! at its keywords, from the right, and never at blanks.

use vigie_model::{Arrival, Outcome};

use super::{
    UNPROVEN,
    note::{self, Day},
};
use crate::{
    Record,
    envelope::Envelope,
    refusal::{Refused, reply},
    scan,
    statement::{Addresses, End, Statement, Status, Word},
    transcript::domino::console_text,
};

/// What the router says beside the life of messages. Batches have no line for each message at the usual level of logging, and nothing is
/// made up from them.
const ROUTER_CHATTER: [&[u8]; 14] = [
    b"Transferred ",
    b"Transferring mail to ",
    b"No messages transferred to ",
    b"Delivery thread ",
    b"Transfer thread ",
    b"Delivery to local recipient ",
    b"Transfer to server ",
    b"Mail Router started",
    b"Mail router started",
    b"Searching for ",
    b"Shutdown",
    b"Beginning ",
    b"Delivered ",
    b"Refreshing ",
];

/// Of the replicator: understood, and no mail.
const REPLICATION: [&[u8]; 8] = [
    b"Replicator",
    b"Database Replicator",
    b"Finished replication with server ",
    b"Starting replication with server ",
    b"Unable to replicate ",
    b"Cluster Replicator",
    b"Access control is set in ",
    b"ClientSCR: ",
];

pub fn read<'a>(envelope: &Envelope<'a>) -> Record<'a> {
    let day = Day::of(envelope.stamp);
    let Some(text) = console_text(envelope.text) else { return Record::Known };
    if let Some(rest) = text.strip_prefix(b"Router: ") {
        return router(rest, day);
    }
    if let Some(rest) = text.strip_prefix(b"SMTP Server: ") {
        return smtp(rest, day);
    }
    if let Some(rest) = text.strip_prefix(b"SMTP Server [") {
        return refused_connection(rest);
    }
    let is_known =
        text.starts_with(b"smtp: ") && ends_login(text) || REPLICATION.iter().any(|start| text.starts_with(start));
    if is_known { Record::Known } else { Record::Foreign }
}

/// Which unproven shape a line is.
pub fn unproven(text: &[u8]) -> Option<&'static str> {
    let text = console_text(text)?.strip_prefix(b"Router: Message ")?;
    let (_, rest) = note::digits(text)?;
    if rest.starts_with(b", ") {
        return Some(UNPROVEN[2]);
    }
    let (before, size) = scan::split_last(rest, b" Size: ").unwrap_or((rest, b""));
    if scan::split_last(rest, b" via ").is_some_and(|(_, way)| !way.starts_with(b"SMTP"))
        && rest.starts_with(b" transferred to ")
    {
        return Some(UNPROVEN[1]);
    }
    if !note::unique_id(before).1.is_empty() {
        return Some(UNPROVEN[3]);
    }
    (!size.is_empty() && bytes(size).is_none()).then_some(UNPROVEN[4])
}

fn ends_login(text: &[u8]) -> bool {
    scan::find(text, b" authentication failure using internet password").is_some()
}

fn router(text: &[u8], day: Option<Day>) -> Record<'_> {
    let Some(rest) = text.strip_prefix(b"Message ") else {
        // `3 messages delivered to local mailboxes`.
        let is_sum =
            text.first().is_some_and(u8::is_ascii_digit) && scan::find(text, b" messages delivered to ").is_some();
        let is_known = is_sum || ROUTER_CHATTER.iter().any(|start| text.starts_with(start));
        return if is_known { Record::Known } else { Record::Unknown };
    };
    message(rest, day).map_or(Record::Unknown, |statement| Record::Statement(Box::new(statement)))
}

/// `00060B84[, 00060B88] delivered to …`: what one line says of a message. The first id is the one that arrivals name too.
fn message(text: &[u8], day: Option<Day>) -> Option<Statement<'_>> {
    let (digits, mut rest) = note::digits(text)?;
    while let Some((_, more)) = rest.strip_prefix(b", ").and_then(note::digits) {
        rest = more;
    }
    let mut statement = Statement::about(note::queue_id(digits, day)?);
    statement.previous = note::before_midnight(digits, day);
    statement.end = End::WhenDone;
    let rest = rest.strip_prefix(b" ")?;
    if let Some(rest) = rest.strip_prefix(b"delivered to ") {
        return delivered(statement, rest);
    }
    if let Some(rest) = rest.strip_prefix(b"transferred to ") {
        return transferred(statement, rest);
    }
    if let Some(rest) = rest.strip_prefix(b"NOT transferred ") {
        return not_transferred(statement, rest);
    }
    if let Some(rest) = rest.strip_prefix(b"auto forwarded by ") {
        return auto_forwarded(statement, rest);
    }
    forwarded(statement, rest.strip_prefix(b"forwarded to ")?)
}

/// What stands around ` from ` and ` Size: ` on a router's line.
struct Tail<'a> {
    /// Before ` from `.
    to: &'a [u8],
    sender: Option<&'a [u8]>,
    unique_id: &'a [u8],
    size: Option<u64>,
}

/// `<to> from <from> OF…:… ON…:… Size: 12K …`, each part but the first perhaps absent (release 5 has only the first).
fn tail(text: &[u8]) -> Tail<'_> {
    let (before, size) =
        scan::split_last(text, b" Size: ").map_or((text, None), |(before, size)| (before, bytes(size)));
    let (before, unique_id) = note::unique_id(before);
    let (to, sender) =
        split_keyword(before, b" from ").map_or((before, None), |(to, from)| (to, Some(from.trim_ascii())));
    Tail { to: to.trim_ascii(), sender: sender.filter(|from| !from.is_empty()), unique_id, size }
}

/// What stands before and after the last such keyword that is not within quotes: a sender may write `"x from y"@example.net`. Quotes that
/// do not close are no quotes.
fn split_keyword<'a>(text: &'a [u8], keyword: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (mut end, mut is_quoted) = (text.len(), false);
    loop {
        let Some((before, after)) = scan::split_last(text.get(..end)?, keyword) else {
            return scan::split_last(text, keyword);
        };
        is_quoted ^= after.iter().filter(|&&byte| byte == b'"').count() % 2 == 1;
        if !is_quoted {
            return Some((before, text.get(before.len() + keyword.len()..)?));
        }
        end = before.len();
    }
}

impl<'a> Tail<'a> {
    /// Puts what the line says of the message into a statement.
    fn tell(&self, statement: &mut Statement<'a>) {
        statement.sender = self.sender;
        statement.size = self.size;
        (statement.network_id, statement.network_id_per_copy) = (self.unique_id, true);
    }
}

/// `12K` is 12 × 1024 bytes; a number alone is bytes. Any other spelling is not known, and gives nothing.
pub fn bytes(text: &[u8]) -> Option<u64> {
    let word = scan::until(text.trim_ascii_start(), b" ").0;
    let (digits, unit) = match word.strip_suffix(b"K") {
        Some(digits) => (digits, 1024),
        None => (word, 1),
    };
    let is_number = !digits.is_empty() && digits.len() <= 12 && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| scan::number(digits) * unit)
}

/// `Jane Doe/Acme from ann@example.net OF…:… ON…:… Size: 12K Time: …`.
fn delivered<'a>(mut statement: Statement<'a>, text: &'a [u8]) -> Option<Statement<'a>> {
    let tail = tail(text);
    tail.tell(&mut statement);
    let mut word = Word::on(Addresses::one(tail.to), Status::Final(Outcome::Delivered));
    word.transport = b"local";
    word_on(statement, word)
}

/// `mx.example.net for ann@example.net from Jane Doe/Acme OF…:… ON…:… Size: 12K via SMTP`.
fn transferred<'a>(mut statement: Statement<'a>, text: &'a [u8]) -> Option<Statement<'a>> {
    let (text, way) = scan::split_last(text, b" via ")?;
    let by_smtp = way.starts_with(b"SMTP");
    let tail = tail(text);
    tail.tell(&mut statement);
    // A host has no blanks, the name of a Domino server may.
    let (relay, to) = if by_smtp { scan::split(tail.to, b" for ")? } else { split_keyword(tail.to, b" for ")? };
    let mut word = Word::on(Addresses::one(to.trim_ascii()), Status::Final(Outcome::Delivered));
    word.transport = if by_smtp { b"smtp" } else { b"relay" };
    (word.relay_name, word.relay_ip) = host(relay.trim_ascii());
    word_on(statement, word)
}

/// `via SMTP to MX.EXAMPLE.NET for ann@example.net from Jane Doe/Acme Size: 124K Error transferring to mx.example.net; …`. The router
/// tries again, unless the other server's answer is for good.
fn not_transferred<'a>(mut statement: Statement<'a>, text: &'a [u8]) -> Option<Statement<'a>> {
    let (way, text) = scan::split(text.strip_prefix(b"via ")?, b" to ")?;
    // The size ends what is known of the message; behind it stands the error, in any words.
    let size_at = scan::find(text, b" Size: ").or_else(|| scan::find(text, b" Error transferring to "))?;
    let (message, behind) = text.split_at_checked(size_at)?;
    let (size, error) = match behind.strip_prefix(b" Size: ") {
        Some(behind) => (bytes(behind), scan::until(behind, b" ").1),
        None => (None, behind),
    };
    let tail = tail(message);
    tail.tell(&mut statement);
    statement.size = size;
    let (relay, to) = scan::split(tail.to, b" for ")?;
    let mut word = Word::on(Addresses::one(to.trim_ascii()), status(error));
    word.transport = if way == b"SMTP" { b"smtp" } else { b"relay" };
    (word.relay_name, word.relay_ip) = host(relay.trim_ascii());
    (word.dsn, word.reply) = (dsn(error), error.trim_ascii());
    word_on(statement, word)
}

const FOR_GOOD: &[u8] = b"SMTP Protocol Returned a Permanent Error";

/// What an error means for a recipient. The words are those of Domino's own notices.
pub fn status(error: &[u8]) -> Status {
    if scan::find(error, FOR_GOOD).is_some() { Status::Final(Outcome::Bounced) } else { Status::Deferred }
}

/// The enhanced code that the other server gave.
pub fn dsn(error: &[u8]) -> &[u8] {
    let answer =
        scan::split(error, FOR_GOOD).or_else(|| scan::split(error, b"SMTP Protocol Returned a Transient Error"));
    answer.map_or(b"", |(_, answer)| reply(answer.trim_ascii_start()).1)
}

/// `Jane Doe/Acme to ann@example.net`: a rule of her mailbox. The new address goes its own way from here; what was delivered to her stays
/// delivered.
fn auto_forwarded<'a>(statement: Statement<'a>, text: &'a [u8]) -> Option<Statement<'a>> {
    let (by, to) = split_keyword(text, b" to ")?;
    let mut word = Word::on(Addresses::one(to.trim_ascii()), Status::Final(Outcome::Forwarded));
    word.orig_recipient = by.trim_ascii();
    word.reply = text.trim_ascii();
    word_on(statement, word)
}

/// `ann@example.net from Jane Doe/Acme OF…:… ON…:…`: a forwarding address; whose it is the line does not say.
fn forwarded<'a>(mut statement: Statement<'a>, text: &'a [u8]) -> Option<Statement<'a>> {
    let tail = tail(text);
    tail.tell(&mut statement);
    word_on(statement, Word::on(Addresses::one(tail.to), Status::Final(Outcome::Forwarded)))
}

/// A line whose recipient is empty is not understood.
fn word_on<'a>(mut statement: Statement<'a>, word: Word<'a>) -> Option<Statement<'a>> {
    { word.recipients }.next()?;
    statement.word = Some(word);
    Some(statement)
}

/// `mx.example.net`, `192.0.2.1`, `[192.0.2.1]`, `mx.example.net (192.0.2.1)`: name and address.
fn host(text: &[u8]) -> (&[u8], &[u8]) {
    if let Some((name, ip)) = scan::split(text, b" (")
        && let Some(ip) = ip.strip_suffix(b")").map(unbracketed).filter(|ip| is_ip(ip))
    {
        return (name, ip);
    }
    let bare = unbracketed(text);
    if is_ip(bare) {
        return (b"", bare);
    }
    let (name, ip, _) = scan::host_ip_port(text);
    if is_ip(ip) { (name, ip) } else { (text, b"") }
}

fn unbracketed(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"[").and_then(|ip| ip.strip_suffix(b"]")).unwrap_or(text)
}

fn is_ip(text: &[u8]) -> bool {
    text.len() <= 45 && std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

fn smtp(text: &[u8], day: Option<Day>) -> Record<'_> {
    if let Some(rest) = text.strip_prefix(b"Message rejected. ") {
        return refused_sender(rest);
    }
    if let Some(rest) = text.strip_prefix(b"Message ") {
        return accepted(rest, day).map_or(Record::Unknown, |statement| Record::Statement(Box::new(statement)));
    }
    const CHATTER: [&[u8]; 8] = [
        b"Originator: ",
        b"Recipient: ",
        b"Authentication succeeded for user ",
        b"Authentication failed for ",
        b"Started",
        b"Starting",
        b"Shutdown",
        b"Waiting for ",
    ];
    let is_session = text.ends_with(b" connected")
        || scan::find(text, b" disconnected. ").is_some_and(|_| text.trim_ascii_end().ends_with(b" received"));
    let is_known = is_session || CHATTER.iter().any(|start| text.starts_with(start));
    if is_known { Record::Known } else { Record::Unknown }
}

/// `00060B84 (MessageID: <…>) received from mx.example.net size 4711 bytes`: the only line that ties note id and Message-ID. Who logged in
/// is said on another line, which no id ties to this one.
fn accepted(text: &[u8], day: Option<Day>) -> Option<Statement<'_>> {
    let (digits, rest) = note::digits(text)?;
    let (message_id, rest) = scan::split_last(rest.strip_prefix(b" (MessageID: ")?, b") received from ")?;
    let (from, size) = scan::split_last(rest, b" size ")?;
    let mut statement = Statement::about(note::queue_id(digits, day)?);
    statement.begins = true;
    statement.arrival = Arrival::Server;
    statement.message_id = message_id.trim_ascii();
    (statement.client_name, statement.client_ip) = host(from.trim_ascii());
    statement.size = size.strip_suffix(b" bytes").or(Some(size)).and_then(bytes);
    statement.end = End::WhenDone;
    Some(statement)
}

/// `Authenticated user jane from host 192.0.2.1 sending mail from x@example.net failed to match directory address jane@example.com`.
fn refused_sender(text: &[u8]) -> Record<'_> {
    let mut refused = Refused { text, ..Refused::default() };
    let parts = || {
        let (user, rest) = scan::split(text.strip_prefix(b"Authenticated user ")?, b" from host ")?;
        let (from, rest) = scan::split(rest, b" sending mail from ")?;
        let (sender, _) = scan::split(rest, b" failed to match directory address ")?;
        let words = scan::find(rest, b"failed to match").and_then(|at| rest.get(at..))?;
        Some((user, host(from), sender, words))
    };
    if let Some((user, (name, ip), sender, words)) = parts() {
        refused.transaction.user = user;
        (refused.transaction.client_name, refused.transaction.client_ip) = (name, ip);
        refused.transaction.sender = sender;
        // Without the names, the words are the same for all.
        refused.text = words;
    }
    Record::Refused(refused)
}

/// `1D44:0658-0C6C] Connection from [192.0.2.66] rejected for policy reasons. The host is in a block list`.
fn refused_connection(text: &[u8]) -> Record<'_> {
    let parts = || {
        let (_, rest) = scan::split(text, b"] ")?;
        let (from, reason) = scan::split(rest.strip_prefix(b"Connection from ")?, b" rejected for policy reasons")?;
        let (name, ip) = host(from.trim_ascii());
        let mut refused = Refused { stage: b"CONNECT", ..Refused::default() };
        (refused.transaction.client_name, refused.transaction.client_ip) = (name, ip);
        let reason = reason.strip_prefix(b".").unwrap_or(reason).trim_ascii();
        refused.text = if reason.is_empty() { b"rejected for policy reasons" } else { reason };
        Some(refused)
    };
    // `SMTP Server [1D44:0658-0C6C] Connection from [192.0.2.1] accepted` and its like.
    parts().map_or(Record::Unknown, Record::Refused)
}
