//! Small moves over bytes that all grammars share. No allocation, no failure, no index beyond the text.

use memchr::memmem;

/// What stands before and after the first `needle`.
pub fn split<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(text, needle)?;
    Some((&text[..at], &text[at + needle.len()..]))
}

/// Where `needle` stands first. For the short texts and needles of log lines, looking for one byte and then at the rest beats a
/// search that is prepared anew for each line.
pub fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    memchr::memchr_iter(first, text).find(|&at| text[at + 1..].starts_with(rest))
}

/// What stands before and after the last `needle`.
pub fn split_last<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::rfind(text, needle)?;
    Some((&text[..at], &text[at + needle.len()..]))
}

/// The text up to `stop` (or all of it), and what follows `stop`.
pub fn until<'a>(text: &'a [u8], stop: &[u8]) -> (&'a [u8], &'a [u8]) {
    split(text, stop).unwrap_or((text, b""))
}

/// `<address>` at the start: what stands inside, and the rest. The closing bracket is the one before `after`, because a
/// quoted local part may hold a bracket of its own; without any such end the first bracket closes.
pub fn angled<'a>(text: &'a [u8], after: &[&[u8]]) -> Option<(&'a [u8], &'a [u8])> {
    let inner = text.strip_prefix(b"<")?;
    let mut first = None;
    for at in memchr::memchr_iter(b'>', inner) {
        let rest = &inner[at + 1..];
        first.get_or_insert(at);
        if rest.is_empty() || after.iter().any(|follow| rest.starts_with(follow)) {
            return Some((&inner[..at], rest));
        }
    }
    first.map(|at| (&inner[..at], &inner[at + 1..]))
}

/// `name[ip]` or `name[ip]:port`; a Unix socket path stands where the ip does. Without brackets it is all name.
pub fn host_ip_port(text: &[u8]) -> (&[u8], &[u8], u16) {
    let Some(open) = memchr::memchr(b'[', text) else { return (text, b"", 0) };
    let (name, rest) = (&text[..open], &text[open + 1..]);
    let Some(close) = memchr::memchr(b']', rest) else { return (name, rest, 0) };
    let port = rest.get(close + 1..).and_then(|tail| tail.strip_prefix(b":")).map_or(0, |p| number(p) as u16);
    (name, &rest[..close], port)
}

/// The digits at the start as a number; stops at the first other byte, saturates.
pub fn number(text: &[u8]) -> u64 {
    let digits = text.iter().take_while(|b| b.is_ascii_digit());
    digits.fold(0u64, |value, b| value.saturating_mul(10).saturating_add(u64::from(b - b'0')))
}

/// Decimal seconds (`0.16`, `26`) in milliseconds, rounded down.
pub fn millis(text: &[u8]) -> u64 {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = number(&text[..digits]).saturating_mul(1000);
    let [b'.', fraction @ ..] = &text[digits..] else { return whole };
    let digit = |place: usize| fraction.get(place).filter(|b| b.is_ascii_digit()).map_or(0, |b| u64::from(b - b'0'));
    whole.saturating_add(digit(0) * 100 + digit(1) * 10 + digit(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bracket_inside_a_quoted_local_part_does_not_end_the_address() {
        let text = br#"<"a> b"@example.com>, relay=none"#;
        assert_eq!(angled(text, &[b", relay="]), Some((&br#""a> b"@example.com"#[..], &b", relay=none"[..])));
        assert_eq!(angled(b"<a@b> tail", &[b", "]), Some((&b"a@b"[..], &b" tail"[..])));
        assert_eq!(angled(b"no", &[b", "]), None);
        assert_eq!(angled(b"<open", &[b", "]), None);
    }

    #[test]
    fn hosts_with_and_without_port() {
        assert_eq!(host_ip_port(b"mx.example.net[192.0.2.1]:25"), (&b"mx.example.net"[..], &b"192.0.2.1"[..], 25));
        assert_eq!(host_ip_port(b"unknown[2001:db8::1]"), (&b"unknown"[..], &b"2001:db8::1"[..], 0));
        assert_eq!(host_ip_port(b"mbx[private/dovecot-lmtp]"), (&b"mbx"[..], &b"private/dovecot-lmtp"[..], 0));
        assert_eq!(host_ip_port(b"none"), (&b"none"[..], &b""[..], 0));
    }

    #[test]
    fn seconds_become_milliseconds() {
        for (text, ms) in [("0.16", 160), ("26", 26_000), ("0", 0), ("1.2345", 1234), ("", 0), ("x", 0)] {
            assert_eq!(millis(text.as_bytes()), ms, "{text}");
        }
    }
}
