//! Content-Transfer-Encoding undone, as far as it is needed: every byte is counted, and given on where somebody looks at it.
//!
//! Bytes may be cut anywhere. The line end before a boundary belongs to the boundary (RFC 2046, 5.1.1), so that the last one is held back.

/// Decoded bytes that are given on at once.
const PIECE_BYTES: usize = 1024;
/// In the table: no letter of base64.
const NONE: u8 = 0xFF;
const BASE64: [u8; 256] = base64_table();

const fn base64_table() -> [u8; 256] {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [NONE; 256];
    let mut at = 0;
    while at < letters.len() {
        table[letters[at] as usize] = at as u8;
        at += 1;
    }
    table
}

/// Where decoded bytes go.
pub(super) trait Sink {
    /// Whether the bytes themselves are wanted, or only how many there are.
    fn wants_bytes(&self) -> bool;
    fn bytes(&mut self, bytes: &[u8]);
    fn count(&mut self, bytes: u64);
}

#[derive(Debug)]
pub(super) enum Transfer {
    Plain(LineEnd),
    QuotedPrintable(Quoted),
    Base64(Base64),
}

impl Transfer {
    /// By the header's word. What nobody knows is taken as it is.
    pub(super) fn of(word: &str) -> Transfer {
        match word {
            "base64" => Transfer::Base64(Base64::default()),
            "quoted-printable" => Transfer::QuotedPrintable(Quoted::default()),
            _ => Transfer::Plain(LineEnd::default()),
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        match self {
            Transfer::Plain(held) => held.take(bytes, sink),
            Transfer::QuotedPrintable(quoted) => quoted.take(bytes, sink),
            Transfer::Base64(base64) => base64.take(bytes, sink),
        }
    }

    /// The end was no boundary, so that the last line end is content.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) {
        match self {
            Transfer::Plain(held) => held.flush(sink),
            Transfer::QuotedPrintable(quoted) => quoted.flush(sink),
            Transfer::Base64(_) => {}
        }
    }
}

/// A line end that is held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LineEnd {
    #[default]
    None,
    Cr,
    Lf,
    CrLf,
}

impl LineEnd {
    fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::None => b"",
            LineEnd::Cr => b"\r",
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
        }
    }

    /// Bytes without the line end of theirs, which is held now.
    fn split(bytes: &[u8]) -> (&[u8], LineEnd) {
        for end in [LineEnd::CrLf, LineEnd::Lf, LineEnd::Cr] {
            if let Some(rest) = bytes.strip_suffix(end.bytes()) {
                return (rest, end);
            }
        }
        (bytes, LineEnd::None)
    }

    fn take(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        if bytes.is_empty() {
            return;
        }
        if *self == LineEnd::Cr && bytes == b"\n" {
            *self = LineEnd::CrLf;
            return;
        }
        self.flush(sink);
        let (content, held) = LineEnd::split(bytes);
        if !content.is_empty() {
            sink.bytes(content);
        }
        *self = held;
    }

    fn flush(&mut self, sink: &mut impl Sink) {
        if *self != LineEnd::None {
            sink.bytes(self.bytes());
            *self = LineEnd::None;
        }
    }
}

/// Few enough that their count fits into a byte, and all of an ordinary line.
const LETTERS_AT_ONCE: usize = 128;

fn letters_of(some: &[u8]) -> u8 {
    some.iter().map(|&byte| u8::from(is_letter(byte))).sum()
}

/// Of base64. Without branches, so that vectors can do it: most of the bytes of all mail pass here.
#[inline]
fn is_letter(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') <= b'z' - b'a';
    let figure = byte.wrapping_sub(b'0') <= 9;
    letter | figure | (byte == b'+') | (byte == b'/')
}

/// RFC 2045, 6.8. What is no letter of it is passed over; after padding it begins anew, as where two texts were put together.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    /// Bits that make no byte yet, and how many: 0, 2, 4 or 6.
    bits: u32,
    pending: u8,
}

impl Base64 {
    fn take(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        let mut rest = bytes;
        while let Some(padding) = memchr::memchr(b'=', rest) {
            self.letters(&rest[..padding], sink);
            (self.bits, self.pending) = (0, 0);
            rest = &rest[padding + 1..];
        }
        self.letters(rest, sink);
    }

    fn letters(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        if sink.wants_bytes() {
            return bytes.chunks(PIECE_BYTES).for_each(|piece| self.decode(piece, sink));
        }
        let letters: u64 = bytes.chunks(LETTERS_AT_ONCE).map(|some| u64::from(letters_of(some))).sum();
        let bits = u64::from(self.pending) + 6 * letters;
        // The bits themselves are wanted no more: a sink that has enough stays so.
        self.pending = (bits % 8) as u8;
        sink.count(bits / 8);
    }

    fn decode(&mut self, piece: &[u8], sink: &mut impl Sink) {
        let mut out = [0; PIECE_BYTES];
        let mut len = 0;
        for value in piece.iter().map(|&byte| BASE64[usize::from(byte)]).filter(|&value| value != NONE) {
            self.bits = self.bits << 6 | u32::from(value);
            self.pending += 6;
            if self.pending >= 8 {
                self.pending -= 8;
                out[len] = (self.bits >> self.pending) as u8;
                len += 1;
            }
        }
        sink.bytes(&out[..len]);
    }
}

/// RFC 2045, 6.7. An escape that is none stays as it is.
#[derive(Debug, Default)]
pub(super) struct Quoted {
    state: QuotedState,
    held: LineEnd,
    /// Spaces that are content only when something follows them in their line.
    spaces: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum QuotedState {
    #[default]
    Text,
    Escape,
    /// After `=` and space: only the line's end may follow.
    Soft,
    Digit(u8),
}

impl Quoted {
    fn take(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if matches!(self.state, QuotedState::Text) {
                let end = memchr::memchr3(b'=', b'\r', b'\n', rest).unwrap_or(rest.len());
                let (run, after) = rest.split_at(end);
                if !run.is_empty() {
                    self.run(run, sink);
                    rest = after;
                    continue;
                }
            }
            let Some((&byte, after)) = rest.split_first() else { return };
            rest = after;
            self.byte(byte, sink);
        }
    }

    fn byte(&mut self, byte: u8, sink: &mut impl Sink) {
        let digit = char::from(byte).to_digit(16).map(|digit| digit as u8);
        self.state = match (self.state, byte, digit) {
            (QuotedState::Text, b'=', _) => QuotedState::Escape,
            (QuotedState::Text, _, _) => return self.text(byte, sink),
            (QuotedState::Escape, _, Some(_)) => QuotedState::Digit(byte),
            (QuotedState::Digit(high), _, Some(low)) => {
                let high = char::from(high).to_digit(16).unwrap_or_default() as u8;
                self.content(&[high << 4 | low], sink);
                QuotedState::Text
            }
            (QuotedState::Escape | QuotedState::Soft, b'\n', _) => QuotedState::Text,
            (QuotedState::Escape | QuotedState::Soft, b'\r' | b' ' | b'\t', _) => QuotedState::Soft,
            (state, ..) => {
                self.content(b"=", sink);
                if let QuotedState::Digit(high) = state {
                    self.content(&[high], sink);
                }
                self.state = QuotedState::Text;
                return self.byte(byte, sink);
            }
        };
    }

    fn text(&mut self, byte: u8, sink: &mut impl Sink) {
        match (byte, self.held) {
            (b'\n', LineEnd::Cr) => self.held = LineEnd::CrLf,
            (b'\n' | b'\r', _) => {
                // Space at a line's end was put there on the way.
                self.spaces = 0;
                self.flush(sink);
                self.held = if byte == b'\n' { LineEnd::Lf } else { LineEnd::Cr };
            }
            (b' ' | b'\t', _) => self.run(&[byte], sink),
            _ => self.content(&[byte], sink),
        }
    }

    /// Text within a line. Space at its end waits for what follows.
    fn run(&mut self, run: &[u8], sink: &mut impl Sink) {
        let spaces = run.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let (text, _) = run.split_at(run.len() - spaces);
        if text.is_empty() {
            self.flush(sink);
        } else {
            self.content(text, sink);
        }
        self.spaces += spaces as u64;
    }

    fn content(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        self.flush(sink);
        while self.spaces > 0 {
            let spaces = [b' '; PIECE_BYTES];
            let now = self.spaces.min(PIECE_BYTES as u64);
            sink.bytes(&spaces[..now as usize]);
            self.spaces -= now;
        }
        sink.bytes(bytes);
    }

    fn flush(&mut self, sink: &mut impl Sink) {
        let mut held = self.held;
        held.flush(sink);
        self.held = held;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct All {
        bytes: Vec<u8>,
        counted: u64,
        wants: bool,
    }

    impl Sink for All {
        fn wants_bytes(&self) -> bool {
            self.wants
        }

        fn bytes(&mut self, bytes: &[u8]) {
            self.bytes.extend_from_slice(bytes);
            self.counted += bytes.len() as u64;
        }

        fn count(&mut self, bytes: u64) {
            self.counted += bytes;
        }
    }

    /// In one piece, and in two, cut anywhere.
    fn decoded(encoding: &str, text: &[u8]) -> Vec<u8> {
        let whole = pieces(encoding, &[text], true).bytes;
        for cut in 0..=text.len() {
            let parts = [&text[..cut], &text[cut..]];
            assert_eq!(pieces(encoding, &parts, true).bytes, whole, "{cut}");
            assert_eq!(pieces(encoding, &parts, false).counted, whole.len() as u64, "{cut}");
        }
        whole
    }

    fn pieces(encoding: &str, parts: &[&[u8]], wants: bool) -> All {
        let mut transfer = Transfer::of(encoding);
        let mut all = All { wants, ..All::default() };
        parts.iter().for_each(|part| transfer.take(part, &mut all));
        all
    }

    #[test]
    fn base64_is_decoded_whatever_stands_in_it() {
        for (text, bytes) in [
            (&b"AAEC"[..], &b"\0\x01\x02"[..]),
            (b"QUJD\r\nREVG\r\n", b"ABCDEF"),
            (b"QQ==\r\n", b"A"),
            (b"QQ==QUI=", b"AAB"),
            (b"QU*JD\xFF!", b"ABC"),
            (b"QUJ", b"AB"),
            (b"====", b""),
            (b"", b""),
        ] {
            assert_eq!(decoded("base64", text), bytes);
        }
    }

    #[test]
    fn what_is_counted_is_what_is_decoded() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_letter(byte), BASE64[usize::from(byte)] != NONE, "{byte}");
        }
    }

    #[test]
    fn quoted_printable_is_decoded_and_what_is_broken_stays() {
        for (text, read) in [
            (&b"a=3Db=C3=A9"[..], "a=bé"),
            (b"soft=\r\nbreak=  \r\n end", "softbreak end"),
            (b"one  \r\ntwo\t\n three", "one\r\ntwo\n three"),
            (b"=zz =4 x=", "=zz =4 x"),
            (b"a  b", "a  b"),
            (b"last\r\n", "last"),
        ] {
            assert_eq!(String::from_utf8_lossy(&decoded("quoted-printable", text)), read);
        }
    }

    #[test]
    fn the_line_end_before_a_boundary_is_no_content() {
        for (text, read) in [("a\r\nb\r\n", "a\r\nb"), ("a\n\n", "a\n"), ("a\r\r\n", "a\r"), ("\r\n", ""), ("x\r", "x")]
        {
            assert_eq!(String::from_utf8_lossy(&decoded("7bit", text.as_bytes())), read, "{text:?}");
        }
    }
}
