//! Small moves over bytes that all grammars share. No allocation, no failure, no index beyond the text.

use memchr::memrchr;

/// What stands before and after the first `needle`.
pub fn split<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(text, needle)?;
    Some((&text[..at], &text[at + needle.len()..]))
}

/// Where `needle` stands first. For the short texts and needles of log lines, looking for one byte and then at the rest beats a
/// search that is prepared anew for each line.
#[inline]
pub fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut from = 0;
    loop {
        let at = from + byte(&text[from..], first)?;
        if text[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Where `wanted` stands first, eight bytes at a time. What is looked for in a log line is near: vectors, as memchr uses them,
/// only pay from some fifty bytes on.
#[inline]
pub fn byte(text: &[u8], wanted: u8) -> Option<usize> {
    first(text, |word| places_of(wanted, word), |byte| byte == wanted)
}

/// Where one of two stands first.
#[inline]
pub fn either(text: &[u8], one: u8, other: u8) -> Option<usize> {
    first(text, |word| places_of(one, word) | places_of(other, word), |byte| byte == one || byte == other)
}

#[inline]
fn first(text: &[u8], places: impl Fn(u64) -> u64, is_it: impl Fn(u8) -> bool) -> Option<usize> {
    let place_in = |word: &[u8; 8]| {
        let found = places(u64::from_le_bytes(*word));
        (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
    };
    let mut at = 0;
    while let Some(word) = text[at..].first_chunk() {
        if let Some(place) = place_in(word) {
            return Some(at + place);
        }
        at += size_of::<u64>();
    }
    // The last eight bytes, of which some were looked at already.
    if let Some(word) = text.last_chunk() {
        return place_in(word).map(|place| text.len() - size_of::<u64>() + place);
    }
    text.iter().position(|&byte| is_it(byte))
}

/// The classic test for a zero byte. Bits above the lowest one found may be wrong; the lowest, which is used, is exact.
#[inline]
fn places_of(wanted: u8, word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zeroed = word ^ (ONES * u64::from(wanted));
    zeroed.wrapping_sub(ONES) & !zeroed & HIGHS
}

/// What stands before and after the last `needle`.
pub fn split_last<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find_last(text, needle)?;
    Some((&text[..at], &text[at + needle.len()..]))
}

/// Where `needle` stands last; as [`find`], from the end.
#[inline]
pub fn find_last(text: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut end = text.len();
    loop {
        let at = memrchr(first, &text[..end])?;
        if text[at + 1..].starts_with(rest) {
            return Some(at);
        }
        end = at;
    }
}

/// The text up to `stop` (or all of it), and what follows `stop`.
pub fn until<'a>(text: &'a [u8], stop: &[u8]) -> (&'a [u8], &'a [u8]) {
    split(text, stop).unwrap_or((text, b""))
}

/// `<address>` at the start: what stands inside, and the rest. The closing bracket is the one before `after`, because a
/// quoted local part may hold a bracket of its own; without any such end the first bracket closes.
pub fn angled<'a>(text: &'a [u8], after: &[&[u8]]) -> Option<(&'a [u8], &'a [u8])> {
    let inner = text.strip_prefix(b"<")?;
    let first = byte(inner, b'>')?;
    let mut at = first;
    loop {
        let rest = &inner[at + 1..];
        if rest.is_empty() || after.iter().any(|follow| rest.starts_with(follow)) {
            return Some((&inner[..at], rest));
        }
        match byte(rest, b'>') {
            Some(next) => at += 1 + next,
            None => return Some((&inner[..first], &inner[first + 1..])),
        }
    }
}

/// `name[ip]` or `name[ip]:port`; a Unix socket path stands where the ip does. Without brackets it is all name.
pub fn host_ip_port(text: &[u8]) -> (&[u8], &[u8], u16) {
    let Some(open) = byte(text, b'[') else { return (text, b"", 0) };
    let (name, rest) = (&text[..open], &text[open + 1..]);
    let Some(close) = byte(rest, b']') else { return (name, rest, 0) };
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
    let mut value = 0u64;
    let mut at = 0;
    while let Some(digit @ b'0'..=b'9') = text.get(at) {
        value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        at += 1;
    }
    value = value.saturating_mul(1000);
    let Some(b'.') = text.get(at) else { return value };
    for (digit, place) in text[at + 1..].iter().zip([100, 10, 1]).take_while(|(digit, _)| digit.is_ascii_digit()) {
        value = value.saturating_add(u64::from(digit - b'0') * place);
    }
    value
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
    fn a_byte_is_found_where_it_stands_first_whatever_the_length() {
        for len in 0..40 {
            for at in 0..=len {
                // A neighbour that differs from it in the lowest bit is what the test for zeros may mistake.
                let mut text = vec![b','; at];
                text.extend(std::iter::repeat_n(b'-', len - at));
                assert_eq!(byte(&text, b'-'), (at < len).then_some(at));
                assert_eq!(byte(&text, b'x'), None);
                assert_eq!(either(&text, b'-', b'x'), (at < len).then_some(at));
                assert_eq!(either(&text, b'-', b','), (len > 0).then_some(0));
            }
        }
        assert_eq!(find(b"a, b,c, d", b", d"), Some(6));
        assert_eq!((find(b"abc", b"cd"), find(b"", b"a"), find(b"a", b"")), (None, None, None));
        assert_eq!((find_last(b"a, b, d, c", b", d"), find_last(b"a, b, c", b", ")), (Some(4), Some(4)));
        assert_eq!((find_last(b"abc", b"cd"), find_last(b"", b"a"), find_last(b"a", b"")), (None, None, None));
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
