//! What became of an address: `=>` and its kin, `**`, `==` (deliver.c).

use vigie_model::{Delays, Outcome, QueueId};

use super::{
    fields::{Field, Fields, angled, word},
    opening,
};
use crate::{
    postfix, refusal, scan,
    statement::{Addresses, End, Statement, Status, Word},
};

/// Errors at or below this are reasons not to try (macros.h, ERRNO_RETRY_BASE): the retry time is not reached, the domain is held.
const NOT_TRIED: u64 = 51;

/// `=>` delivered, `->` to a further address in the same transaction, `>>` while it came ("cutthrough").
pub fn delivered<'a>(about: &mut Statement<'a>, text: &'a [u8]) -> Option<()> {
    // By an ACL, local_scan() or the system filter: of all recipients, none of whom is named.
    if text.starts_with(b"blackhole (") || text.starts_with(b"discarded (") {
        about.end = End::Discarded;
        return Some(());
    }
    let (target, rest) = Target::read(text)?;
    let word = about.word.insert(target.word(Status::Final(Outcome::Delivered)));
    let mut confirmed = false;
    // `T=**bypassed**`: to /dev/null, without looking for a program that does it.
    let mut is_dropped = target.is_dropped();
    for field in (Fields { rest }) {
        confirmed |= matches!(field, Field::Pair(b"C", _));
        is_dropped |= field == Field::Pair(b"T", b"**bypassed**");
        common(word, field);
    }
    if confirmed {
        let (outcome, next_id) = postfix::accepted(b"", word.reply);
        word.status = Status::Final(outcome);
        word.next_id = next_id.or_else(|| next_id_of(word.reply));
        word.dsn = refusal::reply(word.reply).1;
    }
    if is_dropped {
        word.status = Status::Final(Outcome::Discarded);
    }
    Some(())
}

/// `*>`: `exim -N` behaves as if it delivered, and does not.
pub fn suppressed<'a>(about: &mut Statement<'a>, text: &'a [u8]) -> Option<()> {
    delivered(about, text)?;
    if let Some(word) = &mut about.word {
        word.status = Status::Final(Outcome::Discarded);
    }
    Some(())
}

/// `**`: given up.
pub fn failed<'a>(about: &mut Statement<'a>, text: &'a [u8]) -> Option<()> {
    let (target, rest) = Target::read(text)?;
    let word = about.word.insert(target.word(Status::Final(Outcome::Bounced)));
    for field in (Fields { rest }) {
        common(word, field);
        if let Field::Text(text) = field {
            word.reply = without_time(text);
        }
    }
    word.dsn = dsn_within(word.reply);
    if is_too_old(word.reply) {
        word.status = Status::Final(Outcome::Expired);
    }
    Some(())
}

/// `==`: put off, or not tried at all because it is not time yet.
pub fn deferred<'a>(about: &mut Statement<'a>, text: &'a [u8]) -> Option<()> {
    let (target, rest) = Target::read(text)?;
    let word = about.word.insert(target.word(Status::Deferred));
    let mut fields = Fields { rest };
    while let Some(field) = fields.next() {
        common(word, field);
        match field {
            Field::Word(b"defer") => {
                let Some(Field::Word(number)) = fields.next() else { break };
                if number.strip_prefix(b"(-").is_some_and(|number| scan::number(number) >= NOT_TRIED) {
                    word.status = Status::Waiting;
                }
            }
            // The system's error comes before the host, and what the server said behind it.
            Field::Text(text) => {
                word.reply = without_time(text);
                if let Some((_, host)) = scan::split(text, b" H=").filter(|_| word.relay_name.is_empty()) {
                    let (host, _) = super::fields::host(host);
                    (word.relay_name, word.relay_ip, word.relay_port) = (host.name, host.ip, host.port);
                }
            }
            _ => {}
        }
    }
    word.dsn = dsn_within(word.reply);
    Some(())
}

/// The fields that all of these lines may have.
#[inline]
fn common<'a>(word: &mut Word<'a>, field: Field<'a>) {
    match field {
        Field::Host(host) if !host.ip.is_empty() => {
            (word.relay_name, word.relay_ip, word.relay_port) = (host.name, host.ip, host.port);
            // The site names its transports as it likes; only remote ones have a host with an address.
            word.transport = b"smtp";
        }
        Field::Pair(b"X", _) => word.tls = true,
        Field::Pair(b"C", reply) => word.reply = reply,
        Field::Pair(b"QT", time) => word.delays.total_ms = Some(milliseconds(time)),
        Field::Pair(b"DT", time) => word.delays = Delays { transmit_ms: saturated(milliseconds(time)), ..word.delays },
        _ => {}
    }
}

fn saturated(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

/// Whom a line is about.
struct Target<'a> {
    /// As it was delivered to: an address, a local part, `|command`, a path, `:blackhole:`.
    last: &'a [u8],
    /// The address that `last` came from, if there were several steps.
    parent: &'a [u8],
    /// As the sender wrote it, where it differs from `last`.
    first: &'a [u8],
}

impl<'a> Target<'a> {
    /// `final (parent) <first>`, each of the latter two where it differs (deliver.c, string_log_address).
    fn read(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (last, rest) = if is_program(text) { program(text) } else { address(text) };
        let mut target = Self { last, parent: b"", first: b"" };
        let mut rest = rest;
        if let Some(parents) = rest.strip_prefix(b" (") {
            let end = scan::byte(parents, b')')?;
            target.parent = word(&parents[..end]).0;
            target.parent = target.parent.strip_suffix(b",").unwrap_or(target.parent);
            rest = &parents[end + 1..];
        }
        if let Some((first, after)) = rest.strip_prefix(b" ").and_then(angled) {
            (target.first, rest) = (first, after);
        }
        (!last.is_empty()).then_some((target, rest))
    }

    fn is_dropped(&self) -> bool {
        matches!(self.last, b":blackhole:" | b"blackhole" | b"discarded")
    }

    fn word(&self, status: Status) -> Word<'a> {
        let (recipient, domain, original) = self.recipient();
        Word {
            domain,
            orig_recipient: original,
            transport: self.transport(),
            ..Word::on(Addresses::one(recipient), status)
        }
    }

    /// Address, domain that it lacks, original address.
    ///
    /// A router for local users logs the local part alone (`log_as_local`). With the sender's local part it is the sender's address;
    /// with another it came from an alias, and the domain, which the log does not have, is taken to be the same.
    fn recipient(&self) -> (&'a [u8], &'a [u8], &'a [u8]) {
        let Self { last, parent, first } = *self;
        if is_program(last) || self.is_dropped() {
            return match (parent, first) {
                (_, b"") => (last, b"", b""),
                (b"", first) => (first, b"", b""),
                (parent, first) => (parent, b"", first),
            };
        }
        if first.is_empty() || scan::byte(last, b'@').is_some() {
            return (last, b"", first);
        }
        let (local, domain) = scan::split_last(first, b"@").unwrap_or((first, b""));
        if last.eq_ignore_ascii_case(local) { (first, b"", b"") } else { (last, domain, first) }
    }

    fn transport(&self) -> &'static [u8] {
        if self.last.starts_with(b"|") { b"pipe" } else { b"local" }
    }
}

/// A program, a file or an automatic answer: what follows is no address, and may hold anything.
fn is_program(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'|' | b'/' | b'>')) || text.starts_with(b"save ")
}

/// Of a command so many are looked at: more are no redirections of a shell.
const BRACKETS_MAX: usize = 16;

/// Its text ends before the address that it belongs to, which always stands there.
fn program(text: &[u8]) -> (&[u8], &[u8]) {
    let mut from = 0;
    for _ in 0..BRACKETS_MAX {
        let Some(at) = scan::find(&text[from..], b" <") else { break };
        let at = from + at;
        let inner = angled(&text[at + 1..]);
        if inner.is_some_and(|(address, rest)| {
            scan::byte(address, b' ').is_none() && matches!(rest.first(), None | Some(b' ' | b':'))
        }) {
            let parents = text[..at].strip_suffix(b")").and_then(|before| scan::split_last(before, b" ("));
            let end = parents.map_or(at, |(command, _)| command.len());
            return (&text[..end], &text[end..]);
        }
        from = at + 2;
    }
    word(text)
}

fn address(text: &[u8]) -> (&[u8], &[u8]) {
    let (found, rest) = word(text);
    match found.strip_suffix(b":") {
        // `:blackhole:` ends with one too.
        Some(bare) if !found.starts_with(b":") => (bare, &text[bare.len()..]),
        _ => (found, rest),
    }
}

/// `250 OK id=1xUzfh-0005eu-36` of another Exim, perhaps within a filter's own reply.
fn next_id_of(reply: &[u8]) -> Option<QueueId> {
    if let Some((_, id)) = scan::split_last(reply, b"id=")
        && let Some(length) = opening::id_length(id)
    {
        return QueueId::new(&id[..length]);
    }
    // Sendmail and OpenSMTPD: `250 2.0.0 QID Message accepted for delivery`.
    let (before, _) = scan::split(reply, b" Message accepted for delivery")?;
    let at = memchr::memrchr(b' ', before)?;
    QueueId::new(&before[at + 1..])
}

/// Behind `: retry timeout exceeded` the message is too old; so it is when an administrator's time limit for frozen ones is over.
fn is_too_old(reply: &[u8]) -> bool {
    [&b"retry timeout exceeded"[..], b"failing for a long time", b"message timed out"]
        .iter()
        .any(|words| scan::find(reply, words).is_some())
}

/// `… after RCPT TO:<a@b>: 550 5.1.1 text`: the enhanced code of the server's reply.
fn dsn_within(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        if let (1.., dsn, _) = refusal::reply(rest) {
            return dsn;
        }
        match scan::split(rest, b": ") {
            Some((_, after)) => rest = after,
            None => return b"",
        }
    }
}

/// `log_selector = +deliver_time` puts ` DT=0.000s` behind a failure's text.
fn without_time(text: &[u8]) -> &[u8] {
    match memchr::memrchr(b' ', text) {
        Some(at) if text[at + 1..].starts_with(b"DT=") => &text[..at],
        _ => text,
    }
}

/// `1w2d3h4m5s` or `0.105s` (readconf_printtime, string_timediff).
pub fn milliseconds(text: &[u8]) -> u64 {
    let (mut sum, mut rest) = (0u64, text);
    while let Some(end) = rest.iter().position(u8::is_ascii_alphabetic) {
        let seconds = match rest[end] {
            b'w' => 604_800,
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            _ => 1,
        };
        sum = sum.saturating_add(scan::millis(&rest[..end]).saturating_mul(seconds));
        rest = &rest[end + 1..];
    }
    sum
}
