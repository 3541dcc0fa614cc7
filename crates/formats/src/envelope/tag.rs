//! The tag: `postfix/smtpd[123]: `, `dovecot: `, `lmtp(user)<pid><session>: `.

use super::digits::space_from;

/// How far a tag with spaces in it (a Dovecot user name) may reach before its `: `.
const TAG_BYTES_MAX: usize = 512;
/// Digits of the largest process id.
const PID_DIGITS_MAX: usize = 10;

/// A tag and the text after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag<'a> {
    pub(super) program: &'a [u8],
    pub(super) pid: u32,
    pub(super) text: &'a [u8],
}

/// Reads the tag at `at`, in any of its forms.
#[inline]
pub(super) fn read(line: &[u8], at: usize) -> Option<Tag<'_>> {
    quick(line, at).or_else(|| unusual(line, at))
}

/// The usual tag, one word that ends with `]:` or `:`; or with `]` alone.
#[inline]
pub(super) fn quick(line: &[u8], at: usize) -> Option<Tag<'_>> {
    let end = space_from(line, at);
    let word = line.get(at..end)?;
    let (name, colon) = match word.split_last()? {
        (b':', name) => (name, true),
        (b']', _) => (word, false),
        _ => return None,
    };
    let (program, pid) = match process(name) {
        Some((program, pid)) => (program, pid),
        // `name)<1><x>:` is the end of a tag whose start was not seen.
        None if colon && !closes_only(name) => (name, 0),
        None => return None,
    };
    (!program.is_empty()).then(|| Tag { program, pid, text: line.get(end + 1..).unwrap_or_default() })
}

/// Splits `smtpd[123]`. A process id too large for any system counts as 0.
#[inline]
fn process(name: &[u8]) -> Option<(&[u8], u32)> {
    let inside = name.strip_suffix(b"]")?;
    let mut pid = 0u64;
    let mut place = 1u64;
    let mut rest = inside;
    while let [before @ .., last] = rest {
        let digit = last.wrapping_sub(b'0');
        if digit > 9 {
            return (*last == b'[' && inside.len() - before.len() <= PID_DIGITS_MAX + 1)
                .then(|| (before, u32::try_from(pid).unwrap_or(0)));
        }
        pid = pid.wrapping_add(u64::from(digit).wrapping_mul(place));
        place = place.wrapping_mul(10);
        rest = before;
    }
    None
}

/// Tags that one word does not hold: `lmtp(a b)<1><x>: `, and `sendmail[1]:text` without a space.
#[cold]
fn unusual(line: &[u8], at: usize) -> Option<Tag<'_>> {
    let rest = line.get(at..)?;
    let word = &rest[..space_from(rest, 0)];
    if has_open_bracket(word) {
        let reach = &rest[..rest.len().min(TAG_BYTES_MAX)];
        let end = reach.windows(2).position(|pair| pair == b": ")?;
        return Some(Tag { program: &rest[..end], pid: 0, text: &rest[end + 2..] });
    }
    let end = word.windows(2).position(|pair| pair == b"]:")?;
    let (program, pid) = process(&word[..=end])?;
    (!program.is_empty()).then(|| Tag { program, pid, text: &rest[end + 2..] })
}

/// Whether a word opens a round bracket that it does not close: the user name goes on in the next word.
pub(super) fn has_open_bracket(word: &[u8]) -> bool {
    match (memchr::memchr(b'(', word), memchr::memchr(b')', word)) {
        (Some(open), None) => open > 0,
        _ => false,
    }
}

fn closes_only(name: &[u8]) -> bool {
    memchr::memchr(b')', name).is_some() && memchr::memchr(b'(', name).is_none()
}
