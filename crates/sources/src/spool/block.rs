//! Lines made ready for a spool.

use crate::LINE_BYTES_MAX;

/// From here on a block is worth a write of its own.
const AMPLE_BYTES: usize = 64 * 1024;

/// Lines that are written to a spool together, or not at all.
///
/// Each ends with a newline, holds no other and no NUL, and has at most [`LINE_BYTES_MAX`] bytes before its newline.
#[derive(Clone, Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    lines: u64,
    cut: u64,
}

impl Block {
    /// A block without lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line, given without its newline. Newlines and NULs in it become `#012` and `#000`, as rsyslog writes them
    /// (its `escapeControlCharactersOnReceive`); what is longer than a line may be is cut off and counted.
    pub fn push(&mut self, line: &[u8]) {
        let end = self.bytes.len() + LINE_BYTES_MAX;
        if !self.escape(line, end) {
            self.cut += 1;
        }
        self.bytes.push(b'\n');
        self.lines += 1;
    }

    /// Takes all lines away and keeps a buffer of ordinary size.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(AMPLE_BYTES);
        (self.lines, self.cut) = (0, 0);
    }

    /// Gives the buffer's memory back, for one that may wait long for its next line.
    pub fn release(&mut self) {
        *self = Self::default();
    }

    /// Whether there is no line in it.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// Whether there is enough in it to be written now.
    pub fn is_ample(&self) -> bool {
        self.bytes.len() >= AMPLE_BYTES
    }

    /// How many lines there are.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// How many of them were cut.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// The lines with their newlines.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends up to `end`; whether all of it had room.
    fn escape(&mut self, line: &[u8], end: usize) -> bool {
        let mut rest = line;
        while let Some(at) = memchr::memchr2(b'\n', 0, rest) {
            let escaped = if rest[at] == 0 { b"#000" } else { b"#012" };
            // Never half an escape.
            if !self.extend(&rest[..at], end) || end - self.bytes.len() < escaped.len() {
                return false;
            }
            self.bytes.extend_from_slice(escaped);
            rest = &rest[at + 1..];
        }
        self.extend(rest, end)
    }

    fn extend(&mut self, part: &[u8], end: usize) -> bool {
        let taken = part.len().min(end - self.bytes.len());
        self.bytes.extend_from_slice(&part[..taken]);
        taken == part.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, LINE_BYTES_MAX};

    #[test]
    fn newlines_and_nuls_are_written_as_rsyslog_does() {
        let mut block = Block::new();
        block.push(b"a\nb\0c");
        block.push(b"");
        block.push(b"\ttab stays\r");
        assert_eq!(block.bytes(), b"a#012b#000c\n\n\ttab stays\r\n");
        assert_eq!((block.lines(), block.cut()), (3, 0));
    }

    #[test]
    fn a_line_is_cut_where_it_may_not_be_longer_and_never_in_an_escape() {
        let mut block = Block::new();
        block.push(&vec![b'x'; LINE_BYTES_MAX]);
        assert_eq!((block.bytes().len(), block.cut()), (LINE_BYTES_MAX + 1, 0));
        block.clear();
        block.push(&vec![b'x'; LINE_BYTES_MAX + 1]);
        assert_eq!((block.bytes().len(), block.cut()), (LINE_BYTES_MAX + 1, 1));
        for spare in 0..6 {
            block.clear();
            let mut line = vec![b'x'; LINE_BYTES_MAX - spare];
            line.push(b'\n');
            block.push(&line);
            assert_eq!(block.cut(), u64::from(spare < 4), "{spare}");
            assert_eq!(block.bytes().ends_with(b"#012\n"), spare >= 4, "{spare}");
        }
    }
}
