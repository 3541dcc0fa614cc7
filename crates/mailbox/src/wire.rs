//! A server's bytes as responses: a line, with the literals that stand in it (RFC 9051, 4.3).
//!
//! Whatever a server sends, no more is kept than the bounds below; what is beyond them is read and dropped, and said.

use memchr::memchr;

/// Of one response, without its literals. A structure of a thousand parts has so much.
pub const LINE_BYTES_MAX: usize = 64 << 10;
/// Kept of all literals of one response: of a header, nearly always the whole.
pub const LITERALS_BYTES_MAX: usize = 256 << 10;
/// No header that is asked for is as long: whoever announces more says nothing sensible.
pub const LITERAL_BYTES_MAX: u64 = 64 << 20;
/// `{4294967296+}` and the line's end.
const ANNOUNCEMENT_BYTES_MAX: usize = 16;

/// A response, up to the end of its line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The line without its end. Each literal is announced in it, and stands in `literals`.
    pub text: Vec<u8>,
    pub literals: Vec<Literal>,
    /// The line was longer than is kept.
    pub is_cut: bool,
}

/// A text of any bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Literal {
    pub bytes: Vec<u8>,
    /// It was longer than is kept.
    pub is_cut: bool,
}

/// A literal of a size that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge(pub u64);

/// Takes bytes, cut anywhere, and gives responses.
#[derive(Debug, Default)]
pub struct Wire {
    response: Response,
    /// The end of the line so far, where a literal is announced: also of a line that is cut.
    tail: Vec<u8>,
    /// Bytes of a literal that have not come.
    left: u64,
    literals_bytes: usize,
}

impl Wire {
    /// Takes bytes and hands on each response as it ends. Returns how many were taken: all of them, or those up to a response after
    /// which `handle` wants no more for now.
    pub fn take(&mut self, bytes: &[u8], mut handle: impl FnMut(Response) -> Further) -> Result<usize, TooLarge> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if self.left > 0 {
                at += self.literal(rest);
                continue;
            }
            let end = memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
            at += end;
            self.piece(&rest[..end]);
            if rest[end - 1] == b'\n' && !self.announces()? {
                (self.literals_bytes, self.tail) = (0, Vec::new());
                if handle(self.ended()) == Further::Stop {
                    break;
                }
            }
        }
        Ok(at)
    }

    /// Nothing of a response has come yet.
    pub fn is_between(&self) -> bool {
        self.left == 0 && self.tail.is_empty() && self.response == Response::default()
    }

    fn piece(&mut self, piece: &[u8]) {
        let room = LINE_BYTES_MAX - self.response.text.len();
        self.response.text.extend_from_slice(&piece[..piece.len().min(room)]);
        self.response.is_cut |= piece.len() > room;
        let kept = piece.len().min(ANNOUNCEMENT_BYTES_MAX);
        self.tail.extend_from_slice(&piece[piece.len() - kept..]);
        let surplus = self.tail.len().saturating_sub(ANNOUNCEMENT_BYTES_MAX);
        self.tail.drain(..surplus);
    }

    /// Does the line that ended announce a literal? Then it goes on behind that.
    fn announces(&mut self) -> Result<bool, TooLarge> {
        let Some(size) = announced(&self.tail) else { return Ok(false) };
        if size > LITERAL_BYTES_MAX {
            return Err(TooLarge(size));
        }
        self.tail.clear();
        self.left = size;
        if !self.response.is_cut {
            let end = self.response.text.trim_ascii_end().len();
            self.response.text.truncate(end);
            self.response.literals.push(Literal::default());
        }
        Ok(true)
    }

    fn literal(&mut self, bytes: &[u8]) -> usize {
        let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        self.left -= taken as u64;
        // Of a cut line nobody can say which literal this is.
        if let Some(literal) = self.response.literals.last_mut().filter(|_| !self.response.is_cut) {
            let kept = taken.min(LITERALS_BYTES_MAX - self.literals_bytes);
            literal.bytes.extend_from_slice(&bytes[..kept]);
            literal.is_cut |= kept < taken;
            self.literals_bytes += kept;
        }
        taken
    }

    fn ended(&mut self) -> Response {
        let mut response = std::mem::take(&mut self.response);
        let line = response.text.strip_suffix(b"\n").unwrap_or(&response.text);
        let end = line.strip_suffix(b"\r").unwrap_or(line).len();
        response.text.truncate(end);
        response
    }
}

/// Whether more responses are wanted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Further {
    GoOn,
    Stop,
}

/// The size in `{123}` or `{123+}` at a line's end.
fn announced(tail: &[u8]) -> Option<u64> {
    let line = tail.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let digits = &line[line.iter().rposition(|&byte| byte == b'{')? + 1..];
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], piece: usize) -> Result<Vec<Response>, TooLarge> {
        let (mut wire, mut found) = (Wire::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            wire.take(piece, |response| {
                found.push(response);
                Further::GoOn
            })?;
        }
        Ok(found)
    }

    #[test]
    fn lines_and_literals_are_the_same_in_any_pieces() {
        let bytes =
            b"* OK {x} hello\r\n* 1 FETCH (UID 7 BODY[HEADER] {9}\r\nA: b\r\n\r\n\n X {0}\r\n \"{3}\")\r\na1 OK\n\r\n";
        let whole = read(bytes, bytes.len()).unwrap();
        let texts: Vec<&[u8]> = whole.iter().map(|response| &*response.text).collect();
        assert_eq!(texts, [&b"* OK {x} hello"[..], b"* 1 FETCH (UID 7 BODY[HEADER] {9} X {0} \"{3}\")", b"a1 OK", b""]);
        let literals: Vec<&[u8]> = whole[1].literals.iter().map(|literal| &*literal.bytes).collect();
        assert_eq!(literals, [&b"A: b\r\n\r\n\n"[..], b""]);
        for piece in 1..bytes.len() {
            assert_eq!(read(bytes, piece).as_ref(), Ok(&whole), "{piece}");
        }
    }

    #[test]
    fn what_is_too_long_is_read_over() {
        let header = vec![b'h'; LITERALS_BYTES_MAX + 5];
        let first =
            [format!("* 1 FETCH (A {{{}}}\r\n", header.len()).as_bytes(), &header, b" B {3}\r\nxyz)\r\n"].concat();
        let long = [&b"* 2 FETCH ("[..], &vec![b'x'; LINE_BYTES_MAX], b" {4}\r\n\r\n\r\n)\r\na2 OK\r\n"].concat();
        let found = read(&[first, long].concat(), 1000).unwrap();
        assert_eq!(found.len(), 3);
        let kept: Vec<(usize, bool)> = found[0].literals.iter().map(|of| (of.bytes.len(), of.is_cut)).collect();
        assert_eq!((kept, found[0].is_cut), (vec![(LITERALS_BYTES_MAX, true), (0, true)], false));
        assert_eq!((found[1].text.len(), found[1].is_cut, found[1].literals.len()), (LINE_BYTES_MAX, true, 0));
        assert_eq!(found[2].text, b"a2 OK");
        assert_eq!(read(b"* 1 FETCH {67108865}\r\n", 3), Err(TooLarge(67_108_865)));
    }

    #[test]
    fn it_stops_where_no_more_is_wanted() {
        let mut wire = Wire::default();
        let taken = wire.take(b"a1 OK go\r\nmore", |_| Further::Stop);
        assert_eq!((taken, wire.is_between()), (Ok(10), true));
    }
}
