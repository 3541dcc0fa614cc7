//! Sendmail: `QID: text`, a line for the arrival (`from=`), and one for each try and group of recipients (`to=`).
//!
//! Shapes are those of sendmail 8.17 (headers.c, deliver.c, parseaddr.c, srvrsmtp.c, milter.c, savemail.c, envelope.c, collect.c) and
//! of its predecessors, which only have fewer keys. Control characters are escaped before they are logged (conf.c, `sm_syslog`).
//!
//! Sendmail logs no end of a message up to its default log level; from level 10 on there is `done`.

mod arrival;
mod delivery;
mod noise;
mod refusal;

use vigie_model::QueueId;

use crate::{
    Format, Record, scan,
    statement::{Also, End, Statement},
};

pub const FORMAT: Format = Format {
    name: "Sendmail",
    read: |envelope| is_sendmail(envelope.program).then(|| parse(envelope.pid, envelope.text)),
};

/// `sendmail`, and the labels that packages and rc scripts give it (`-L`): `sm-mta`, `sm-msp-queue`, `sendmail-in`, …
fn is_sendmail(program: &[u8]) -> bool {
    match program.strip_prefix(b"sendmail").or_else(|| program.strip_prefix(b"sm-")) {
        Some(rest) if program.starts_with(b"sm-") => rest.starts_with(b"mta") || rest.starts_with(b"msp"),
        Some(rest) => rest.is_empty() || rest.starts_with(b"-"),
        None => false,
    }
}

/// Reads the text after the tag, of the process with that number.
pub fn parse(pid: u32, text: &[u8]) -> Record<'_> {
    let (id, rest) = identified(text);
    let record = match id {
        Some((id, 1)) => of_message(pid, id, rest),
        // The rest of a line that was too long for syslog: what it says of consequence stands in its beginning.
        Some(_) => Some(Record::Known),
        None if rest.starts_with(b"AUTH=server, ") => arrival::login(pid, rest),
        None => refusal::parse(None, rest),
    };
    record.or_else(|| noise::is_known(id.is_some(), rest).then_some(Record::Known)).unwrap_or(Record::Unknown)
}

/// The queue id before the text, and which part of a cut line this is (`QID[2]: …`).
fn identified(text: &[u8]) -> (Option<(QueueId, u64)>, &[u8]) {
    if let Some(rest) = text.strip_prefix(b"NOQUEUE: ") {
        return (None, rest);
    }
    let end = text.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (word, mut rest) = text.split_at(end);
    let mut part = 1;
    if let Some(inner) = rest.strip_prefix(b"[")
        && let Some((number, after)) = scan::split(inner, b"]")
    {
        (part, rest) = (scan::number(number), after);
    }
    match rest.strip_prefix(b": ").and_then(|rest| Some((queue_id(word)?, rest))) {
        Some((id, rest)) => (Some((id, part)), rest),
        None => (None, text),
    }
}

/// Eight characters of time and sequence and six or more digits of the process (since 8.10), or three letters and five digits.
fn queue_id(word: &[u8]) -> Option<QueueId> {
    const BYTES: std::ops::RangeInclusive<usize> = 7..=20;
    let is_id = BYTES.contains(&word.len()) && word.iter().rev().take(4).all(u8::is_ascii_digit);
    is_id.then(|| QueueId::new(word)).flatten()
}

fn of_message(pid: u32, id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    match rest.first()? {
        b'f' if rest.starts_with(b"from=") => arrival::parse(pid, id, rest),
        b't' if rest.starts_with(b"to=") => delivery::parse(id, rest),
        b'd' if rest.starts_with(b"done;") => Some(said(Statement { end: End::Now, ..Statement::about(id) })),
        b'd' if rest == b"discarded" => Some(said(Statement { end: End::Discarded, ..Statement::about(id) })),
        b'q' if rest.starts_with(b"quarantine=") => Some(held(id, true)),
        b'u' if rest == b"unquarantine" => Some(held(id, false)),
        b'c' if rest.starts_with(b"collect: ") => Some(broken_off(id)),
        _ => other_message(id, rest).or_else(|| refusal::parse(Some(id), rest)),
    }
}

fn said(statement: Statement<'_>) -> Record<'_> {
    Record::Statement(Box::new(statement))
}

fn held(id: QueueId, held: bool) -> Record<'static> {
    said(Statement { hold: Some(held), ..Statement::about(id) })
}

/// `collect: premature EOM: unexpected close` and its kin (collect.c): the client went while it sent the text.
fn broken_off(id: QueueId) -> Record<'static> {
    said(Statement { end: End::Never, ..Statement::about(id) })
}

/// `OLD: NEW: clone: owner=list-owner@x` (deliver.c), `OLD: NEW: DSN: text` (savemail.c), `OLD: split: …, id=NEW` (queue.c).
fn other_message(id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    if let Some(split) = rest.strip_prefix(b"split: ") {
        // More than one are not told apart: each of them says so itself by its deliveries.
        let (_, new) = scan::split(split, b", id=")?;
        return queue_id(new).map(|new| parted(id, new));
    }
    let (word, rest) = scan::split(rest, b": ")?;
    let (new, (what, text)) = (queue_id(word)?, scan::split(rest, b": ")?);
    match what {
        b"clone" => Some(parted(id, new)),
        b"DSN" | b"return to sender" | b"sender notify" | b"postmaster notify" => {
            let end = if is_expiry(text) { End::Expired } else { End::Later };
            Some(said(Statement { also: Some(Also::Notice(new)), end, ..Statement::about(id) }))
        }
        _ => None,
    }
}

fn parted(id: QueueId, new: QueueId) -> Record<'static> {
    said(Statement { also: Some(Also::Part(new)), ..Statement::about(id) })
}

/// `Cannot send message for 5 days` (`within 5 days` before 8.12), and RFC 2852's `delivery time expired 3600s`. A warning says `could
/// not send message for past 4 hours`, and ends nothing.
fn is_expiry(text: &[u8]) -> bool {
    [&b"Cannot send message for "[..], b"Cannot send message within ", b"delivery time expired "]
        .iter()
        .any(|words| text.starts_with(words))
}

/// Where the first of these keys stands outside double quotes; where a quote is never closed, as if it were none. Each begins with a comma.
fn find_key(text: &[u8], keys: &[&[u8]]) -> Option<usize> {
    let is_key = |at: usize| keys.iter().any(|key| text[at..].starts_with(key));
    let (mut at, mut quoted) = (0, false);
    while let Some(next) = memchr::memchr3(b'"', b',', b'\\', &text[at..]) {
        at += next;
        match text[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            _ if !quoted && is_key(at) => return Some(at),
            _ => {}
        }
        at = (at + 1).min(text.len());
    }
    if quoted { keys.iter().filter_map(|key| scan::find(text, key)).min() } else { None }
}

/// `<a@b>`, `root`, `Ann <a@b>`: the address. One that was cut off has no closing bracket.
fn bare(address: &[u8]) -> &[u8] {
    let address = address.trim_ascii();
    let whole = address.strip_prefix(b"<").and_then(|inner| inner.strip_suffix(b">"));
    whole.or_else(|| address.strip_prefix(b"<")).unwrap_or(address)
}

/// `host [ip]`, `[ip]`, `host. [IPv6:ip] (may be forged)`, `IDENT:user@host [ip]`; without an address in brackets it is all name.
fn host_ip(relay: &[u8]) -> (&[u8], &[u8]) {
    let relay = relay.strip_suffix(b" (may be forged)").unwrap_or(relay);
    let Some((name, ip)) = relay.strip_suffix(b"]").and_then(|inner| scan::split_last(inner, b"[")) else {
        return (without_dot(relay), b"");
    };
    let ip = ip.strip_prefix(b"IPv6:").unwrap_or(ip);
    let name = name.trim_ascii();
    // What identd says is the client's own word.
    let name = scan::split_last(name, b"@").map_or(name, |(_, host)| host);
    (without_dot(name), ip)
}

/// Names are looked up with a dot at their end, and logged so.
fn without_dot(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}
