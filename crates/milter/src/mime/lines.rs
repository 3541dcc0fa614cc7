//! What stands in the text of a message: files in uuencode, and PGP without MIME. Only the beginning of each line is looked at.

use super::sniff::FIRST_BYTES;

/// Bytes kept of a line: a full line of uuencode has 61.
const LINE_BYTES: usize = 160;
/// The most bytes that a line of uuencode holds, and the letter that says so.
const UU_BYTES_MAX: u64 = 45;

/// Reads decoded text as it comes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    /// All bytes of the line under way, also those that are not kept.
    length: usize,
    file: State,
    pub(super) files: Vec<UuFile>,
    /// Files that were begun, also those that are not kept.
    pub(super) count: u64,
    pub(super) signed: bool,
    pub(super) encrypted: bool,
}

/// A file in uuencode.
#[derive(Debug, Default)]
pub(super) struct UuFile {
    pub(super) name: Vec<u8>,
    pub(super) size: u64,
    pub(super) first: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    /// After `begin`: a file when a line of uuencode follows, else words that begin so.
    Begun(Vec<u8>),
    File(UuFile),
}

impl Lines {
    /// `files_max`: as many files are kept.
    pub(super) fn take(&mut self, bytes: &[u8], files_max: usize) {
        let mut rest = bytes;
        while let Some(newline) = memchr::memchr(b'\n', rest) {
            self.keep(&rest[..newline]);
            self.whole(files_max);
            rest = &rest[newline + 1..];
        }
        self.keep(rest);
    }

    /// A file that has no end is one all the same.
    pub(super) fn finish(&mut self, files_max: usize) {
        self.whole(files_max);
        if let State::File(file) = std::mem::take(&mut self.file) {
            self.found(file, files_max);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len();
    }

    fn whole(&mut self, files_max: usize) {
        let mut line = std::mem::take(&mut self.line);
        let is_whole = self.length == line.len();
        let text = line.strip_suffix(b"\r").unwrap_or(&line);
        if is_whole {
            match text.trim_ascii_end() {
                b"-----BEGIN PGP SIGNED MESSAGE-----" => self.signed = true,
                b"-----BEGIN PGP MESSAGE-----" => self.encrypted = true,
                _ => {}
            }
        }
        self.file = match (std::mem::take(&mut self.file), uu_length(text).filter(|_| is_whole)) {
            (State::Begun(name), Some(length)) => {
                let mut file = UuFile { name, ..UuFile::default() };
                file.line(text, length);
                State::File(file)
            }
            (State::File(mut file), Some(length)) if length > 0 => {
                file.line(text, length);
                State::File(file)
            }
            // A line of no bytes stands before the end.
            (State::File(file), Some(_)) => State::File(file),
            (State::File(file), None) => {
                self.found(file, files_max);
                State::Text
            }
            (State::Text | State::Begun(_), _) => begin(text).filter(|_| is_whole).map_or(State::Text, State::Begun),
        };
        line.clear();
        (self.line, self.length) = (line, 0);
    }

    fn found(&mut self, file: UuFile, files_max: usize) {
        self.count += 1;
        if self.files.len() < files_max {
            self.files.push(file);
        }
    }
}

impl UuFile {
    fn line(&mut self, text: &[u8], length: u64) {
        self.size += length;
        let kept = self.first.len();
        if kept >= FIRST_BYTES {
            return;
        }
        let value = |byte: u8| u32::from(byte.wrapping_sub(b' ') & 63);
        for four in text.get(1..).unwrap_or_default().chunks(4) {
            let bits = four.iter().fold(0, |bits, &byte| bits << 6 | value(byte)) << (6 * (4 - four.len()));
            self.first.extend_from_slice(&bits.to_be_bytes()[1..]);
        }
        self.first.truncate(kept + length as usize);
    }
}

/// `begin 644 report.pdf`: the name.
fn begin(line: &[u8]) -> Option<Vec<u8>> {
    let rest = line.strip_prefix(b"begin ")?;
    let digits = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let name = rest.get(digits..)?.strip_prefix(b" ")?.trim_ascii();
    ((3..=4).contains(&digits) && !name.is_empty()).then(|| name.to_owned())
}

/// How many bytes a line of uuencode holds. Space at its end may be gone, and some write a letter more (a checksum).
fn uu_length(line: &[u8]) -> Option<u64> {
    let (&first, rest) = line.split_first()?;
    if !line.iter().all(|byte| (b' '..=b'`').contains(byte)) {
        return None;
    }
    let length = u64::from(first - b' ') & 63;
    let letters = length.div_ceil(3) * 4;
    let given = rest.len() as u64;
    let fits = given <= letters + 1 && given + 4 >= letters;
    (length <= UU_BYTES_MAX && fits).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Lines {
        let mut lines = Lines::default();
        // In pieces of three bytes.
        text.as_bytes().chunks(3).for_each(|piece| lines.take(piece, 8));
        lines.finish(8);
        lines
    }

    #[test]
    fn a_file_in_the_text_is_found_with_its_size_and_first_bytes() {
        let lines = read("hello\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nbegin 0644 a b.pdf\n%)5!$1BT`\n");
        let [cat, pdf] = &lines.files[..] else { panic!("{lines:?}") };
        assert_eq!((&*cat.name, cat.size, &*cat.first), (&b"cat.txt"[..], 3, &b"Cat"[..]));
        assert_eq!((&*pdf.name, pdf.size, &*pdf.first), (&b"a b.pdf"[..], 5, &b"%PDF-"[..]));
    }

    #[test]
    fn words_that_begin_so_are_no_file() {
        for text in [
            "begin 644 things today\r\nand end them tomorrow\r\n",
            "begin 12 x\n#0V%T\n",
            "begin 644 \n#0V%T\n",
            "begin\n#0V%T",
        ] {
            assert_eq!(read(text).count, 0, "{text}");
        }
    }

    #[test]
    fn pgp_in_the_text_is_seen_and_a_quotation_of_it_is_not() {
        assert!(read("-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: x\r\n").signed);
        assert!(read("hi\n-----BEGIN PGP MESSAGE-----  \n").encrypted);
        let quoted = read("> -----BEGIN PGP SIGNED MESSAGE-----\r\nsee -----BEGIN PGP MESSAGE-----\r\n");
        assert!(!quoted.signed && !quoted.encrypted);
    }

    #[test]
    fn a_thousand_files_are_counted_and_not_kept() {
        let lines = read(&"begin 644 a\n#0V%T\nend\n".repeat(1000));
        assert_eq!((lines.count, lines.files.len()), (1000, 8));
    }

    #[test]
    fn a_long_line_takes_no_memory() {
        let mut lines = Lines::default();
        (0..1000).for_each(|_| lines.take(&[b'x'; 1000], 8));
        assert_eq!(lines.line.len(), LINE_BYTES);
    }
}
