//! RFC 5424: `<22>1 2026-03-02T10:00:00Z host app pid msgid [data] text`.

use super::digits::{number, space_from};
use super::stamp::{self, Style};
use super::{Envelope, Stamp};

/// RFC 5424's "nothing here".
const NIL: &[u8] = b"-";

/// Opens the line behind `<PRI>1 `. `None` when it breaks the grammar before the text.
pub(super) fn parse(line: &[u8]) -> Option<Envelope<'_>> {
    let (time, rest) = field(line);
    let (host, rest) = field(rest);
    let (program, rest) = field(rest);
    let (pid, rest) = field(rest);
    let (_message_id, rest) = field(rest);
    let stamp = match time {
        NIL => Stamp::None,
        time => match stamp::read(time) {
            Some(read) if read.end == time.len() && read.style == Style::Syslog => read.stamp,
            _ => return None,
        },
    };
    Some(Envelope {
        stamp,
        host: value(host),
        program: value(program),
        pid: number(pid).unwrap_or(0),
        text: text(structured_data(rest)?),
        repeated: 1,
    })
}

fn field(line: &[u8]) -> (&[u8], &[u8]) {
    let end = space_from(line, 0);
    (&line[..end], line.get(end + 1..).unwrap_or_default())
}

fn value(field: &[u8]) -> &[u8] {
    if field == NIL { b"" } else { field }
}

/// What follows `-` or `[id name="value"][id …]`. A value escapes `"`, `\` and `]` with a backslash (section 6.3.3).
fn structured_data(line: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = line.strip_prefix(NIL) {
        return Some(rest);
    }
    let mut rest = line;
    while rest.first() == Some(&b'[') {
        rest = &rest[element_bytes(rest)?..];
    }
    (rest.len() < line.len()).then_some(rest)
}

/// Length of the element at the start, with its brackets.
fn element_bytes(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut at = 1;
    loop {
        match *line.get(at)? {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b']' if !quoted => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

fn text(rest: &[u8]) -> &[u8] {
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest)
}
