//! A piece of a log: whole lines, and where they stand.

/// A quarter of a mebibyte of whole lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Position of the first byte in the decompressed file.
    pub offset: u64,
    /// The lines; never empty, and the last byte is a newline (of our own where a line was cut or a finished file had none).
    pub bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Each line with its position in the decompressed file, without its newline.
    pub fn lines(&self) -> Lines<'a> {
        Lines { offset: self.offset, rest: self.bytes }
    }
}

/// The lines of a [`Chunk`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    offset: u64,
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let item = (self.offset, &self.rest[..end]);
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        self.offset += end as u64 + 1;
        Some(item)
    }
}
