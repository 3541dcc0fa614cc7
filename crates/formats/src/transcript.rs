//! Files whose lines do not stand for themselves: columns named in a header, dates of an unknown order, records over several lines.
//!
//! A [`Transcriber`] writes such a file anew as lines that do, and everything behind it (storing, searching, reading again) knows lines
//! alone. A transcribed line is `TIME HOST PROGRAM: TEXT`, with a time as [`crate::envelope`] reads it and a program that its format
//! recognises. Columns become `name=value` with a tab between, in the order of the file, without those that are empty; a control
//! character in a value becomes a space.

mod csv;
pub mod domino;
pub mod exchange;
pub mod microsoft365;
mod sorted;
mod utf16;

/// What a file alone does not tell.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The server that wrote the file, for files that do not name it.
    pub host: String,
    /// Which comes first in dates like `03/04/2026`; `None`: find out.
    pub dates: Option<DateOrder>,
    /// When the file was changed last, in microseconds since 1970: no line is younger. 0 where nobody knows.
    pub modified: i64,
    /// How much of the file there is.
    pub growth: Growth,
}

/// Whether more of a file may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Growth {
    /// It is read once, as it is.
    #[default]
    Whole,
    /// It is followed while it is written: what may go on is not told at its present end, and nothing decides that changes with the file.
    /// So what is made of it later begins with what is made of it now.
    Growing,
    /// It was followed, and comes to its end. What was made of it while it grew is the beginning of what is made of it now.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    DayFirst,
    MonthFirst,
    YearFirst,
}

/// Writes one file anew. Pieces may be cut anywhere, and what is kept between them has a bound.
pub trait Transcriber: Send {
    /// Takes the next bytes of the file, and appends whole lines.
    fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>);

    /// The file ends here. What was cut off in the middle is counted, and not told.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// What was found out, and what could not be read, for the person who imports: one sentence each.
    fn remarks(&self) -> Vec<String>;

    /// Why nothing is told yet of what was taken, where somebody can do something about it.
    fn waits_for(&self) -> Option<&'static str> {
        None
    }
}

/// Looks at the beginning of a file.
pub type Recognise = fn(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>>;

/// A kind of file, by its first bytes.
pub struct Kind {
    /// As the documentation names it.
    pub name: &'static str,
    /// Its server writes it line by line, so that it can be followed. Exports and dumps are whole from the start, or written anew.
    pub grows: bool,
    /// Looks at the beginning of a file (up to [`HEAD_BYTES`]); `None`: it is of another kind.
    pub recognise: Recognise,
}

/// So much of a file is looked at.
pub const HEAD_BYTES: usize = 256 * 1024;

/// All kinds.
const KINDS: &[Kind] = &[
    exchange::KIND,
    microsoft365::KIND,
    Kind { name: "Domino console", grows: true, recognise: domino::console },
    Kind { name: "Domino activity records", grows: false, recognise: domino::activity },
    Kind { name: "Domino events", grows: true, recognise: domino::events },
    Kind { name: "Domino statistics", grows: false, recognise: domino::counters },
];

/// Who writes this file anew; `None`: its lines stand for themselves, or it is followed and of a kind that does not grow.
pub fn recognise(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>> {
    let kinds = KINDS.iter().filter(|kind| kind.grows || settings.growth == Growth::Whole);
    kinds.into_iter().find_map(|kind| (kind.recognise)(head, settings))
}

/// Gathers lines from pieces that are cut anywhere. A line longer than the bound is cut there.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
    /// Lines that were cut.
    pub overlong: u64,
}

/// Of a line.
const LINE_BYTES_MAX: usize = 1024 * 1024;

impl Lines {
    /// Gives each whole line, without its end.
    pub fn take(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.partial.is_empty() {
                line(without_return(&rest[..end]));
            } else {
                self.keep(&rest[..end]);
                let whole = std::mem::take(&mut self.partial);
                line(without_return(&whole));
            }
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// The last line, where it has no end.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        (!self.partial.is_empty()).then(|| std::mem::take(&mut self.partial))
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_MAX.saturating_sub(self.partial.len());
        self.overlong += u64::from(bytes.len() > room && self.partial.len() < LINE_BYTES_MAX);
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Appends `name=value`, where there is a value, and a tab before it where something stands before.
pub fn push_column(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    // A blank at its end would be taken for the place of the next column.
    let end = value.iter().rposition(|&byte| byte > b' ' && byte != 0x7F).map_or(0, |last| last + 1);
    let value = &value[..end];
    if value.is_empty() {
        return;
    }
    if !matches!(out.last(), None | Some(b' ')) {
        out.push(b'\t');
    }
    out.extend_from_slice(name);
    out.push(b'=');
    out.extend(value.iter().map(|&byte| if byte < b' ' || byte == 0x7F { b' ' } else { byte }));
}

/// The columns of a transcribed line.
pub fn columns(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&byte| byte == b'\t').filter_map(|column| crate::scan::split(column, b"="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_of_any_pieces() {
        let text = b"one\r\ntwo\n\nlast";
        for size in 1..text.len() + 1 {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            text.chunks(size).for_each(|piece| lines.take(piece, |line| found.push(line.to_vec())));
            assert_eq!(found, [&b"one"[..], b"two", b""]);
            assert_eq!(lines.rest().as_deref(), Some(&b"last"[..]));
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut lines = Lines::default();
        (0..100).for_each(|_| lines.take(&[b'x'; 100_000], |_| ()));
        assert_eq!((lines.partial.len(), lines.overlong), (LINE_BYTES_MAX, 1));
    }

    #[test]
    fn columns_come_back() {
        let mut text = b"program: ".to_vec();
        push_column(&mut text, b"a", b"1=2");
        push_column(&mut text, b"empty", b"");
        push_column(&mut text, b"b", b"x\ty");
        assert_eq!(text, b"program: a=1=2\tb=x y");
        assert!(columns(&text[9..]).eq([(&b"a"[..], &b"1=2"[..]), (b"b", b"x y")]));
    }
}
