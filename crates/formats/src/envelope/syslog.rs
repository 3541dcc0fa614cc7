//! A line of text with a header: an optional `<PRI>`, a time, perhaps a host, a tag.

use super::digits::{skip_spaces, space_from};
use super::stamp::{Second, Stamped, Style};
use super::tag::{self, Tag};
use super::{Envelope, Stamp, priority, rfc5424};
use crate::exim;

/// Opens a line that is not JSON.
#[inline]
pub(super) fn parse<'a>(line: &'a [u8], second: &mut Second) -> Option<Envelope<'a>> {
    match line.first()? {
        b'<' => forwarded(priority::strip(line)?, second),
        _ => stamped(line, second),
    }
}

/// A line behind its `<PRI>`: RFC 5424 says so with a version, RFC 3164 has a time, a local socket's line only a tag.
fn forwarded<'a>(line: &'a [u8], second: &mut Second) -> Option<Envelope<'a>> {
    if let Some(rest) = line.strip_prefix(b"1 ") {
        return rfc5424::parse(rest);
    }
    stamped(line, second).or_else(|| {
        let tag = tag::read(line, 0)?;
        Some(Envelope::tagged(Stamp::None, b"", tag))
    })
}

#[inline]
fn stamped<'a>(line: &'a [u8], second: &mut Second) -> Option<Envelope<'a>> {
    let Stamped { stamp, end, style } = second.read(line)?;
    let at = skip_spaces(line, end);
    if at == end && at < line.len() {
        return None;
    }
    match style {
        Style::Syslog => Some(hosted(line, at, stamp)),
        Style::OwnLog => Some(own_log(line, at, stamp)),
    }
}

/// `host tag: text`, or `tag: text` where the first word is a tag itself (Dovecot's own log).
#[inline]
fn hosted(line: &[u8], at: usize, stamp: Stamp) -> Envelope<'_> {
    let end = space_from(line, at);
    let first = &line[at..end];
    if matches!(first.last(), Some(b':' | b']'))
        && !is_ipv6(first)
        && let Some(tag) = tag::read(line, at)
    {
        return Envelope::tagged(stamp, b"", tag);
    }
    let tag_at = skip_spaces(line, end);
    if let Some(tag) = tag::quick(line, tag_at) {
        return Envelope::tagged(stamp, first, tag);
    }
    // A user name with a space: `Nov 22 04:27:10 lmtp(a b)<1><x>: Info: …` has no host either.
    if tag::has_open_bracket(first)
        && let Some(tag) = tag::read(line, at)
    {
        return Envelope::tagged(stamp, b"", tag);
    }
    match tag::read(line, tag_at) {
        Some(tag) => Envelope::tagged(stamp, first, tag),
        None => Envelope::untagged(stamp, first, &line[tag_at..]),
    }
}

/// After `2026-11-22 04:59:24 `: Dovecot's `lmtp(390): `, a syslog template's `host tag: `, or bare text as Exim and
/// rspamd write it.
fn own_log(line: &[u8], at: usize, stamp: Stamp) -> Envelope<'_> {
    let bare = Envelope::untagged(stamp, b"", &line[at..]);
    // By far the most lines of Exim's main log. With `log_selector = +pid` a number in brackets comes first, which no host's name is.
    if line.get(at) == Some(&b'[') || exim::begins_with_id(&line[at..]) {
        return bare;
    }
    let end = space_from(line, at);
    let first = &line[at..end];
    if first.last() == Some(&b':') || tag::has_open_bracket(first) {
        return match tag::read(line, at) {
            // Dovecot's services are in lower case; Exim writes `Warning: …`.
            Some(tag) if is_program(tag.program) && is_lower(tag.program) => Envelope::tagged(stamp, b"", tag),
            _ => bare,
        };
    }
    if !is_host(first) {
        return bare;
    }
    match tag::read(line, skip_spaces(line, end)) {
        // Exim writes sentences such as `SIGHUP received: …`: without a process id both words must look like names.
        Some(tag) if is_program(tag.program) && (tag.pid != 0 || (is_lower(first) && is_lower(tag.program))) => {
            Envelope::tagged(stamp, first, tag)
        }
        _ => bare,
    }
}

impl<'a> Envelope<'a> {
    #[inline]
    pub(super) fn tagged(stamp: Stamp, host: &'a [u8], tag: Tag<'a>) -> Self {
        Envelope { stamp, host, program: tag.program, pid: tag.pid, text: tag.text, repeated: 1 }
    }

    #[inline]
    pub(super) fn untagged(stamp: Stamp, host: &'a [u8], text: &'a [u8]) -> Self {
        Envelope { stamp, host, program: b"", pid: 0, text, repeated: 1 }
    }
}

/// A host written as `fe80::` ends like a tag but is none.
fn is_ipv6(word: &[u8]) -> bool {
    word.iter().filter(|&&byte| byte == b':').count() > 1
        && word.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b':')
}

fn is_host(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(byte))
}

fn is_program(word: &[u8]) -> bool {
    word.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
}

fn is_lower(word: &[u8]) -> bool {
    let name = word.split(|&byte| byte == b'(').next().unwrap_or(word);
    !name.iter().any(u8::is_ascii_uppercase)
}
