//! Cursors: where an entry stands in a journal.

/// A longer one is none (systemd's have some 130 bytes).
pub(super) const CURSOR_BYTES_MAX: usize = 1024;

/// An entry's place, as systemd writes it: `s=…;i=…;b=…;m=…;t=…;x=…`, of which `s` names a sequence of numbers and `i` is the entry's
/// number in it (systemd's `sd_journal_get_cursor`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor(String);

impl Cursor {
    /// `None` for what cannot be one, or could not be given to `journalctl` as an argument.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let is_plain = bytes.iter().all(u8::is_ascii_graphic) && !bytes.contains(&b'"') && !bytes.contains(&b'\\');
        (is_plain && !bytes.is_empty() && bytes.len() <= CURSOR_BYTES_MAX)
            .then(|| Cursor(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// The cursor in a line that [`Entry`](super::entry::Entry) wrote.
    pub(super) fn of_line(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(super::entry::CURSOR_START)?;
        Cursor::new(&rest[..memchr::memchr(b'"', rest)?])
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether the entry was written no later than that of another cursor. Of different sequences nothing is known, and then it is not.
    pub(super) fn is_known_to(&self, last: &Cursor) -> bool {
        if self == last {
            return true;
        }
        match (self.number(), last.number()) {
            (Some((sequence, number)), Some((last_sequence, last_number))) => {
                sequence == last_sequence && number <= last_number
            }
            _ => false,
        }
    }

    fn number(&self) -> Option<(&str, u64)> {
        let mut parts = self.0.split(';');
        let sequence = parts.next()?.strip_prefix("s=")?;
        Some((sequence, u64::from_str_radix(parts.next()?.strip_prefix("i=")?, 16).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    fn cursor(text: &str) -> Cursor {
        Cursor::new(text.as_bytes()).expect("a cursor")
    }

    #[test]
    fn numbers_of_one_sequence_are_compared_as_hexadecimal() {
        let last = cursor("s=aa;i=10;b=1");
        assert!(cursor("s=aa;i=10;b=1").is_known_to(&last));
        assert!(cursor("s=aa;i=f;b=2").is_known_to(&last));
        assert!(!cursor("s=aa;i=11;b=1").is_known_to(&last));
        assert!(!cursor("s=bb;i=1;b=1").is_known_to(&last));
        assert!(!cursor("something").is_known_to(&last));
        assert!(cursor("something").is_known_to(&cursor("something")));
    }

    #[test]
    fn what_is_no_cursor_is_not_taken_for_one() {
        for bad in [&b""[..], b"a b", b"a\"b", b"a\nb", b"\xFF", &[b'x'; 1025]] {
            assert_eq!(Cursor::new(bad), None);
        }
    }
}
