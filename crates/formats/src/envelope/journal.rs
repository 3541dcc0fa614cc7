//! journald's JSON, one object a line, as `journalctl -o json` writes it (systemd's JOURNAL_EXPORT_FORMATS, "Journal JSON").
//!
//! A field is a string, an array of byte numbers when it is not printable UTF-8, `null` when it is too large, or an array of
//! these when it occurs more than once. Only six fields are read; the rest is stepped over, without recursion.

use std::ops::Range;

use super::{Envelope, Scratch, Stamp};

/// Opens one JSON object. `None` when it is broken or has no `MESSAGE`.
pub(super) fn parse<'a>(line: &'a [u8], scratch: &'a mut Scratch) -> Option<Envelope<'a>> {
    scratch.bytes.clear();
    let fields = Reader { line, at: 1, unescaped: &mut scratch.bytes }.fields()?;
    let scratch: &'a Scratch = scratch;
    let bytes = |piece: &Option<Piece>| match piece {
        Some(Piece::Line(range)) => &line[range.clone()],
        Some(Piece::Unescaped(range)) => &scratch.bytes[range.clone()],
        None => &b""[..],
    };
    let text = bytes(&Some(fields.message?));
    let program = bytes(&fields.identifier.or(fields.command));
    let pid = super::digits::number(bytes(&fields.syslog_pid.or(fields.pid))).unwrap_or(0);
    let stamp = micros(bytes(&fields.time)).map_or(Stamp::None, Stamp::Utc);
    Some(Envelope { stamp, host: bytes(&fields.host), program, pid, text, repeated: 1 })
}

/// Where a value lies: in the line as it stands, or unescaped in the scratch buffer.
enum Piece {
    Line(Range<usize>),
    Unescaped(Range<usize>),
}

#[derive(Default)]
struct Fields {
    time: Option<Piece>,
    host: Option<Piece>,
    identifier: Option<Piece>,
    command: Option<Piece>,
    syslog_pid: Option<Piece>,
    pid: Option<Piece>,
    message: Option<Piece>,
}

impl Fields {
    /// The slot of a field that is wanted.
    fn slot(&mut self, name: &[u8]) -> Option<&mut Option<Piece>> {
        Some(match name {
            b"__REALTIME_TIMESTAMP" => &mut self.time,
            b"_HOSTNAME" => &mut self.host,
            b"SYSLOG_IDENTIFIER" => &mut self.identifier,
            b"_COMM" => &mut self.command,
            b"SYSLOG_PID" => &mut self.syslog_pid,
            b"_PID" => &mut self.pid,
            b"MESSAGE" => &mut self.message,
            _ => return None,
        })
    }
}

struct Reader<'a, 'b> {
    line: &'a [u8],
    at: usize,
    unescaped: &'b mut Vec<u8>,
}

impl Reader<'_, '_> {
    fn fields(mut self) -> Option<Fields> {
        let mut fields = Fields::default();
        if self.next_token()? == b'}' {
            return Some(fields);
        }
        loop {
            if self.next_token()? != b'"' {
                return None;
            }
            let name = self.plain_string()?;
            if self.next_token()? != b':' {
                return None;
            }
            self.at += 1;
            match fields.slot(&self.line[name]) {
                Some(slot) => *slot = self.value()?.or(slot.take()),
                None => self.skip_value()?,
            }
            match self.next_token()? {
                b',' => self.at += 1,
                b'}' => return Some(fields),
                _ => return None,
            }
        }
    }

    /// Steps over white space to the next byte.
    fn next_token(&mut self) -> Option<u8> {
        while let b' ' | b'\t' | b'\n' | b'\r' = *self.line.get(self.at)? {
            self.at += 1;
        }
        self.line.get(self.at).copied()
    }

    /// A string's bytes between its quotes, escapes unresolved; the position moves behind it.
    fn plain_string(&mut self) -> Option<Range<usize>> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.line.get(at..)?)?;
            if self.line[at] == b'"' {
                self.at = at + 1;
                return Some(start..at);
            }
            at += 2;
        }
    }

    /// A wanted value; `Some(None)` when it is of a kind that says nothing.
    fn value(&mut self) -> Option<Option<Piece>> {
        match self.next_token()? {
            b'"' => self.string().map(Some),
            b'[' => self.array().map(Some),
            b'-' | b'0'..=b'9' => {
                let start = self.at;
                self.skip_value()?;
                let number = self.line[start..self.at].trim_ascii_end();
                Some(Some(Piece::Line(start..start + number.len())))
            }
            _ => self.skip_value().map(|()| None),
        }
    }

    fn string(&mut self) -> Option<Piece> {
        let raw = self.plain_string()?;
        if memchr::memchr(b'\\', &self.line[raw.clone()]).is_none() {
            return Some(Piece::Line(raw));
        }
        let start = self.unescaped.len();
        unescape(&self.line[raw], self.unescaped);
        Some(Piece::Unescaped(start..self.unescaped.len()))
    }

    /// `[72,101,…]` as bytes, or the first member of `["a","b"]` and `[[72],[101]]`.
    fn array(&mut self) -> Option<Piece> {
        let open = self.at;
        self.at += 1;
        let first = self.next_token()?;
        if let b'"' | b'[' = first {
            let piece = if first == b'"' { self.string()? } else { self.byte_numbers()? };
            self.at = open;
            self.skip_value()?;
            return Some(piece);
        }
        self.at = open;
        self.byte_numbers()
    }

    fn byte_numbers(&mut self) -> Option<Piece> {
        let start = self.unescaped.len();
        self.at += 1;
        if self.next_token()? == b']' {
            self.at += 1;
            return Some(Piece::Unescaped(start..start));
        }
        loop {
            self.next_token()?;
            let digits = self.line[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let byte = super::digits::number(&self.line[self.at..self.at + digits])?;
            self.unescaped.push(u8::try_from(byte).ok()?);
            self.at += digits;
            let next = self.next_token()?;
            self.at += 1;
            match next {
                b',' => {}
                b']' => return Some(Piece::Unescaped(start..self.unescaped.len())),
                _ => return None,
            }
        }
    }

    /// Steps over any value. Nesting is counted, not followed, so that no depth can exhaust the stack.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0usize;
        self.next_token()?;
        loop {
            match *self.line.get(self.at)? {
                b'"' => {
                    self.plain_string()?;
                    if depth == 0 {
                        return Some(());
                    }
                }
                b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b']' | b'}' | b',' if depth == 0 => return Some(()),
                b']' | b'}' => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Some(());
                    }
                }
                _ => self.at += 1,
            }
        }
    }
}

/// Resolves JSON's escapes. Broken ones become U+FFFD; bytes that are not UTF-8 pass.
fn unescape(raw: &[u8], into: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        into.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'n' => into.push(b'\n'),
            b't' => into.push(b'\t'),
            b'r' => into.push(b'\r'),
            b'b' => into.push(0x08),
            b'f' => into.push(0x0C),
            b'u' => {
                let (character, used) = unicode(rest);
                into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[used..];
            }
            other => into.push(other),
        }
    }
    into.extend_from_slice(rest);
}

/// The character of `XXXX` behind `\u`, with the second half of a surrogate pair; and the bytes it took.
fn unicode(rest: &[u8]) -> (char, usize) {
    let Some(first) = hex4(rest) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if let 0xD800..=0xDBFF = first
        && rest.get(4..6) == Some(b"\\u")
        && let Some(second @ 0xDC00..=0xDFFF) = hex4(&rest[6..])
    {
        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

fn hex4(rest: &[u8]) -> Option<u32> {
    rest.first_chunk::<4>()?.iter().try_fold(0, |sum, &byte| Some(sum << 4 | char::from(byte).to_digit(16)?))
}

fn micros(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
