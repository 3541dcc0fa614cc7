//! What stands before the words of an entry: the mark of a piece, Exim's own time, its process id, the message's id.

use vigie_model::QueueId;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// An entry as it came through syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    /// Behind time and process id.
    pub text: &'a [u8],
    /// With them: what is the same in a copy of the entry.
    pub entry: &'a [u8],
    /// It goes on in another line, cut by its length.
    pub is_cut: bool,
    /// It began in another line.
    pub is_continuation: bool,
}

pub fn read(text: &[u8]) -> Opening<'_> {
    let (entry, is_cut, is_continuation) = match piece(text) {
        Some((1, at_length, rest)) => (rest, at_length, false),
        Some((_, _, rest)) => (rest, false, true),
        None => (text, false, false),
    };
    Opening { text: without_pid(without_time(entry)), entry, is_cut, is_continuation }
}

/// `[2/3] ` of an entry that was cut at 870 bytes, or `[2\3] ` at the end of a line within it: which piece, whether it was cut at
/// the length, and the rest.
fn piece(text: &[u8]) -> Option<(u64, bool, &[u8])> {
    let inner = text.strip_prefix(b"[")?;
    let (number, rest) = digits(inner)?;
    let at_length = match rest.first()? {
        b'/' => true,
        b'\\' => false,
        _ => return None,
    };
    let (of, rest) = digits(&rest[1..])?;
    let rest = rest.strip_prefix(b"] ").or_else(|| rest.strip_prefix(b"]"))?;
    // The last piece of an entry is not cut.
    (number >= 1 && number <= of).then_some((number, at_length && number < of, rest))
}

/// A number of up to five digits, and what follows.
fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().take(6).position(|byte| !byte.is_ascii_digit())?;
    (end > 0).then(|| (crate::scan::number(&text[..end]), &text[end..]))
}

/// `2026-11-22 04:59:25[.123] [+0100] `, which Exim writes into syslog too unless `syslog_timestamp` is off.
fn without_time(text: &[u8]) -> &[u8] {
    let Some(head) = text.first_chunk::<20>() else { return text };
    let is_time = head[4] == b'-' && head[7] == b'-' && head[10] == b' ' && head[13] == b':' && head[16] == b':';
    if !is_time || !head[0].is_ascii_digit() {
        return text;
    }
    let mut rest = &text[19..];
    if head[19] == b'.' {
        let end = rest[1..].iter().position(|byte| !byte.is_ascii_digit()).map_or(rest.len(), |at| at + 1);
        rest = &rest[end..];
    }
    if let [b' ', b'+' | b'-', a, b, c, d, b' ', ..] = rest
        && [a, b, c, d].iter().all(|byte| byte.is_ascii_digit())
    {
        rest = &rest[6..];
    }
    rest.strip_prefix(b" ").unwrap_or(rest)
}

/// `[1234] `, with `log_selector = +pid`.
pub fn without_pid(text: &[u8]) -> &[u8] {
    let Some(inner) = text.strip_prefix(b"[") else { return text };
    // Ten digits are the largest process id of any system.
    let Some(end) = inner.iter().take(11).position(|byte| !byte.is_ascii_digit()) else { return text };
    match inner[end..].strip_prefix(b"] ") {
        Some(rest) if end > 0 => rest,
        _ => text,
    }
}

/// The message's id, and what follows it: 6-6-2 letters and digits, from Exim 4.97 on 6-11-4 (spec.xfpt, "Message identification").
#[inline]
pub fn id(text: &[u8]) -> Option<(QueueId, &[u8])> {
    let length = id_length(text)?;
    let rest = text[length..].strip_prefix(b" ")?;
    QueueId::new(&text[..length]).map(|id| (id, rest))
}

/// How many bytes at the start are a message's id.
#[inline]
pub fn id_length(text: &[u8]) -> Option<usize> {
    if text.get(6) != Some(&b'-') {
        return None;
    }
    let (length, is_id) = match (text.get(13), text.get(18)) {
        (Some(b'-'), _) => (16, letters(text.first_chunk()?) == 14),
        // Each half has one of the hyphens; what both have is letters.
        (_, Some(b'-')) => (23, letters(text.first_chunk()?) == 15 && letters(text.get(7..)?.first_chunk()?) == 15),
        _ => return None,
    };
    // A longer word is another.
    (is_id && !text.get(length).is_some_and(u8::is_ascii_alphanumeric)).then_some(length)
}

/// How many letters and digits. Without branches and on its own, so that one vector does it: every line of Exim's log pays for this.
#[inline(never)]
fn letters(text: &[u8; 16]) -> u8 {
    let is_letter = |byte: u8| (byte | 0x20).wrapping_sub(b'a') <= b'z' - b'a';
    let is_figure = |byte: u8| byte.wrapping_sub(b'0') <= b'9' - b'0';
    text.iter().map(|&byte| u8::from(is_letter(byte) | is_figure(byte))).sum()
}

/// The same for two copies of one entry, and else never. Never 0.
pub fn mark(pid: u32, entry: &[u8]) -> u64 {
    xxh3_64_with_seed(entry, u64::from(pid)).max(1)
}
