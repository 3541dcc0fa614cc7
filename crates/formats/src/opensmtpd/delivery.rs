//! What became of an envelope: `mta` hands over to another server, `mda` to a mailbox or a program.

use vigie_model::{Delays, Outcome};

use super::{address, of_evpid, value};
use crate::{
    Record, refusal,
    reply::next_id,
    scan,
    statement::{Addresses, End, Statement, Status, Word},
};

/// `evpid=… from=<…> to=<…> rcpt=<…> source="…" relay="ip (host)" delay=… result="Ok" stat="…"` (mta.c, `mta_log`), `evpid=… from=<…>
/// to=<…> [rcpt=<…>] user=… [method=…] delay=… result=Ok stat=Delivered` (mda.c, `mda_log`).
pub fn parse<'a>(part: &[u8], keys: &'a [u8]) -> Option<Record<'a>> {
    let (evpid, rest) = scan::split(keys.strip_prefix(b"evpid=")?, b" ")?;
    let (result, _) = scan::split(rest, b" result=").map(|(_, result)| scan::until(result, b" "))?;
    envelope(part == b"mda", evpid, quoted(result), rest)
}

/// `Ok for EVPID: [session=…,] from=<…>, to=<…>, rcpt=<…>, … delay=…, stat=…`: every delivery of 5.x; in all versions what expires or is
/// removed by hand (queue.c, `queue_log`).
pub fn of_envelope<'a>(part: &[u8], text: &'a [u8]) -> Option<Record<'a>> {
    let (result, rest) = scan::split(text, b" for ")?;
    let (evpid, keys) = scan::split(rest, b": ")?;
    let keys = match keys.starts_with(b"from=") {
        true => keys,
        false => scan::split(keys, b", ").map(|(_, keys)| keys)?,
    };
    envelope(part == b"delivery", evpid, result, keys)
}

fn envelope<'a>(local: bool, evpid: &[u8], result: &[u8], keys: &'a [u8]) -> Option<Record<'a>> {
    let id = of_evpid(evpid)?;
    let status = status(result)?;
    let (sender, rest) = address(keys, b"from=", &[b" to=<", b", to=<"])?;
    const AFTER_TO: [&[u8]; 10] = [
        b" rcpt=<",
        b" user=",
        b" source=",
        b" relay=",
        b" delay=",
        b", rcpt=<",
        b", user=",
        b", source=",
        b", relay=",
        b", delay=",
    ];
    let (recipient, rest) = address(rest, b"to=", &AFTER_TO)?;
    let (given, rest) = address(rest, b"rcpt=", &AFTER_TO).unwrap_or((b"", rest));
    // The texts of other servers come last.
    let (before, stat) = scan::split(rest, b"stat=")?;
    let mut word = Word::on(Addresses::one(recipient), status);
    if !matches!(given, b"-" | b"" | b"@") && given != recipient {
        word.orig_recipient = given;
    }
    word.reply = quoted(stat);
    word.dsn = dsn(word.reply);
    word.delays = Delays { total_ms: value(before, b"delay=").map(duration_ms), ..Delays::default() };
    word.transport = match value(before, b"method=") {
        _ if !local => b"smtp",
        Some(b"lmtp") => b"lmtp",
        Some(b"mda") => b"pipe",
        _ => b"local",
    };
    (word.relay_name, word.relay_ip) = relay(before);
    if status == Status::Final(Outcome::Delivered) {
        word.next_id = next_id(word.reply);
    }
    let statement = Statement { sender: Some(sender), word: Some(word), end: End::WhenDone, ..Statement::about(id) };
    Some(Record::Statement(Box::new(statement)))
}

fn status(result: &[u8]) -> Option<Status> {
    Some(match result {
        b"Ok" => Status::Final(Outcome::Delivered),
        b"TempFail" => Status::Deferred,
        b"PermFail" | b"Loop" => Status::Final(Outcome::Bounced),
        b"Expire" | b"Expired" => Status::Final(Outcome::Expired),
        b"Remove" | b"Removed" => Status::Final(Outcome::Deleted),
        _ => return None,
    })
}

fn quoted(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\"").map_or(text, |inner| inner.strip_suffix(b"\"").unwrap_or(inner))
}

/// `250 2.0.0 text`, and `250 2.0.0: text` as OpenSMTPD itself answers.
fn dsn(text: &[u8]) -> &[u8] {
    let (_, dsn, rest) = refusal::reply(text);
    if !dsn.is_empty() {
        return dsn;
    }
    let word = scan::until(rest, b" ").0;
    let Some(dsn) = word.strip_suffix(b":") else { return b"" };
    if refusal::reply(dsn).1.is_empty() { b"" } else { dsn }
}

/// `relay="127.0.0.51 (mx.example.net)"`, `relay="example.net"` where no host was reached; without quotes in 5.x.
fn relay(keys: &[u8]) -> (&[u8], &[u8]) {
    let Some((_, rest)) = scan::split(keys, b"relay=") else { return (b"", b"") };
    let text = match rest.strip_prefix(b"\"") {
        Some(rest) => scan::until(rest, b"\"").0,
        // Up to 5.2 no comma stood behind it.
        None => {
            let text = scan::until(scan::until(rest, b" delay=").0, b", ").0.trim_ascii();
            text.strip_suffix(b",").unwrap_or(text)
        }
    };
    match scan::split(text, b" (") {
        Some((ip, name)) => {
            let ip = ip.strip_prefix(b"[").and_then(|ip| ip.strip_suffix(b"]")).unwrap_or(ip);
            (name.strip_suffix(b")").unwrap_or(name), ip)
        }
        None => (text, b""),
    }
}

/// `1d3h2s`, `0s`; negative where a clock was set back.
fn duration_ms(text: &[u8]) -> u64 {
    let (mut seconds, mut number) = (0u64, 0u64);
    for &byte in text {
        let unit = match byte {
            b'0'..=b'9' => {
                number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                continue;
            }
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return 0,
        };
        seconds = seconds.saturating_add(number.saturating_mul(unit));
        number = 0;
    }
    seconds.saturating_mul(1000)
}
