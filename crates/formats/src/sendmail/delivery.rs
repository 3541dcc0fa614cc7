//! `to=`: what became of recipients of one mailer in one try (deliver.c, `logdelivery`).

use vigie_model::{Delays, Outcome, QueueId};

use super::{bare, find_key, host_ip, said};
use crate::{
    Record,
    reply::next_id,
    scan,
    statement::{Addresses, End, Statement, Status, Word},
};

/// What one line says of its recipients.
#[derive(Default)]
struct Line<'a> {
    controlling: &'a [u8],
    delay: &'a [u8],
    mailer: &'a [u8],
    relay: &'a [u8],
    dsn: &'a [u8],
    reply: &'a [u8],
    stat: &'a [u8],
    tls: bool,
}

/// `to=<a>,<b>, [ctladdr=<> (uid/gid),] delay=, [xdelay=,] [mailer=,] pri=, [relay=,] [dsn=,] [reply=,] stat=TEXT`. A long list goes
/// on over further lines, and all but the last say ` [more]`.
pub fn parse(id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    let rest = rest.strip_prefix(b"to=")?;
    let list_end = find_key(rest, &[b", ctladdr=", b", delay="])?;
    let list = &rest[..list_end];
    let list = list.strip_suffix(b" [more]").unwrap_or(list);
    let line = keys(&rest[list_end + 2..])?;
    if line.mailer.is_empty() && line.stat != b"discarded" {
        // The recipients of a message that was refused: it was never accepted, and the refusal has a line of its own (srvrsmtp.c).
        return Some(Record::Known);
    }
    let mut statement = Statement { end: End::WhenDone, ..Statement::about(id) };
    let (status, reply) = outcome(&line);
    if line.stat == b"quarantined" {
        statement.hold = Some(true);
    }
    let mut word = Word::on(Addresses::list(list, b','), status);
    // A program or a file has the address of a user or alias behind it.
    if matches!(line.mailer, b"prog" | b"*file*") {
        word.recipients = Addresses::one(unquoted(list));
        word.orig_recipient = controlling(line.controlling);
    }
    (word.relay_name, word.relay_ip) = host_ip(line.relay);
    word.transport = transport(line.mailer, word.relay_ip);
    if status == Status::Final(Outcome::Delivered) {
        word.next_id = next_id(reply);
    }
    (word.dsn, word.reply, word.tls) = (line.dsn, reply, line.tls);
    word.delays = Delays { total_ms: (!line.delay.is_empty()).then(|| duration_ms(line.delay)), ..Delays::default() };
    statement.word = Some(word);
    Some(said(statement))
}

/// The keys stand in one order; the two texts of other servers come last, so that nothing in them is taken for a key.
fn keys(mut rest: &[u8]) -> Option<Line<'_>> {
    let mut line = Line::default();
    loop {
        if let Some(stat) = rest.strip_prefix(b"stat=") {
            line.stat = stat;
            return Some(line);
        }
        if let Some(reply) = rest.strip_prefix(b"reply=") {
            (line.reply, line.stat) = scan::split(reply, b", stat=")?;
            return Some(line);
        }
        let (pair, after) = scan::split(rest, b", ")?;
        rest = after;
        let (key, value) = scan::split(pair, b"=").unwrap_or((pair, b""));
        match key {
            b"ctladdr" => line.controlling = value,
            b"delay" => line.delay = value,
            b"mailer" => line.mailer = value,
            b"relay" => line.relay = value,
            b"dsn" => line.dsn = value,
            // Every word but these means that the connection was encrypted, whatever came of the certificate (op.me, `${verify}`).
            b"tls_verify" => line.tls = !matches!(value, b"NONE" | b"TEMP" | b"PROTOCOL" | b"SOFTWARE" | b"CONFIG"),
            _ => {}
        }
    }
}

/// What the line means, and the text that tells why. Words of the local server come first, then the class of the status code: the
/// words for errors are many (sysexits.c), and some stem from the other server.
fn outcome<'a>(line: &Line<'a>) -> (Status, &'a [u8]) {
    let text = if line.reply.is_empty() { line.stat } else { line.reply };
    if let Some(rest) = line.stat.strip_prefix(b"Sent") {
        let inner = rest.trim_ascii().strip_prefix(b"(").map(|inner| inner.strip_suffix(b")").unwrap_or(inner));
        return (Status::Final(Outcome::Delivered), inner.unwrap_or_default());
    }
    let status = match line.stat {
        b"queued" | b"quarantined" => Status::Waiting,
        b"discarded" => Status::Final(Outcome::Discarded),
        stat if stat.starts_with(b"Deferred") => Status::Deferred,
        _ if line.dsn.starts_with(b"4.") => Status::Deferred,
        _ if line.dsn.starts_with(b"2.") => Status::Final(Outcome::Delivered),
        _ => Status::Final(Outcome::Bounced),
    };
    (status, text)
}

/// The names of the usual mailers (cf/mailer/*.m4), as the correlator calls them. Of others only an address tells that they go
/// elsewhere.
fn transport<'a>(mailer: &'a [u8], relay_ip: &[u8]) -> &'a [u8] {
    match mailer {
        b"esmtp" | b"smtp" | b"smtp8" | b"dsmtp" | b"relay" => b"smtp",
        b"local" | b"*file*" | b"cyrus" | b"cyrusbb" | b"dovecot" | b"maildrop" | b"pop" => b"local",
        b"cyrusv2" | b"lmtp" => b"lmtp",
        b"prog" | b"procmail" | b"usenet" | b"fax" | b"mail11" | b"phquery" => b"pipe",
        _ if !relay_ip.is_empty() => b"smtp",
        other => other,
    }
}

/// `"|/usr/bin/vacation ann"`: programs with arguments stand in quotes.
fn unquoted(list: &[u8]) -> &[u8] {
    list.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(list)
}

/// `<ann@example.com> (1001/1001)`.
fn controlling(value: &[u8]) -> &[u8] {
    bare(scan::until(value, b" (").0)
}

/// `[D+]HH:MM:SS` in milliseconds.
fn duration_ms(text: &[u8]) -> u64 {
    let (days, clock) = scan::split(text, b"+").map_or((0, text), |(days, clock)| (scan::number(days), clock));
    let seconds = clock
        .split(|&byte| byte == b':')
        .fold(0u64, |sum, part| sum.saturating_mul(60).saturating_add(scan::number(part)));
    days.saturating_mul(86_400).saturating_add(seconds).saturating_mul(1000)
}
