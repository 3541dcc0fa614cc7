//! The searches and number readings that every line pays for.

use crate::scan;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Where the first space at or after `from` stands; the length when there is none.
#[inline]
pub(super) fn space_from(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    scan::byte(rest, b' ').map_or(bytes.len(), |at| from + at)
}

/// Where the first byte that is not a space stands, from `from` on.
#[inline]
pub(super) fn skip_spaces(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// `hh:mm:ss` as seconds of the day; `None` unless it is one. A second of 60 is a leap second.
#[inline]
pub(super) fn clock(bytes: &[u8; 8]) -> Option<u32> {
    const SHAPE: u64 = u64::from_le_bytes(*b"00:00:00");
    const COLONS: u64 = 0x0000_FF00_00FF_0000;
    // After the exclusive or, colons are 0 and digits are 0 to 9; anything above 9 carries into the high bit.
    let value = u64::from_le_bytes(*bytes) ^ SHAPE;
    let above_nine = (value & !HIGHS) + ONES * 0x76;
    if (value | above_nine) & HIGHS != 0 || value & COLONS != 0 {
        return None;
    }
    let [h1, h2, _, m1, m2, _, s1, s2] = value.to_le_bytes().map(u32::from);
    let (hour, minute, second) = (h1 * 10 + h2, m1 * 10 + m2, s1 * 10 + s2);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Two ASCII digits as a number.
#[inline]
pub(super) fn two(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| tens * 10 + ones)
}

/// Four ASCII digits as a number.
#[inline]
pub(super) fn four(bytes: [u8; 4]) -> Option<i16> {
    let (high, low) = (two(bytes[0], bytes[1])?, two(bytes[2], bytes[3])?);
    Some(i16::from(high) * 100 + i16::from(low))
}

/// Exactly three ASCII digits followed by something else, as Exim writes milliseconds.
#[inline]
pub(super) fn three(bytes: &[u8]) -> Option<i64> {
    let &[a, b, c, next] = bytes.first_chunk::<4>()?;
    if next.is_ascii_digit() {
        return None;
    }
    let (high, low) = (two(b'0', a)?, two(b, c)?);
    Some(i64::from(high) * 100 + i64::from(low))
}

/// Exactly six ASCII digits followed by something else, as rsyslog and journald write microseconds.
#[inline]
pub(super) fn six(bytes: &[u8]) -> Option<i64> {
    let &[a, b, c, d, e, f, next] = bytes.first_chunk::<7>()?;
    if next.is_ascii_digit() {
        return None;
    }
    let [high, middle, low] = [two(a, b)?, two(c, d)?, two(e, f)?].map(i64::from);
    Some(high * 10_000 + middle * 100 + low)
}

/// A whole slice of one to nine digits as a number.
pub(super) fn number(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 9 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(bytes.iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0')))
}
