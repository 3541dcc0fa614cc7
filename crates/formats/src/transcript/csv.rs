//! Rows of comma-separated values: quotes, doubled quotes, and line ends within quotes.

use std::borrow::Cow;

use super::{LINE_BYTES_MAX, Lines};

/// A value goes on over so many lines at most: a quote that is never closed must not swallow the file.
const CONTINUED_LINES_MAX: u32 = 100;

/// Where a value stands in its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field {
    start: usize,
    end: usize,
    /// Quotes stand in it twice.
    doubled: bool,
}

impl Field {
    /// The value itself.
    pub fn of<'a>(&self, row: &'a [u8]) -> Cow<'a, [u8]> {
        let text = row.get(self.start..self.end).unwrap_or_default();
        if !self.doubled {
            return Cow::Borrowed(text);
        }
        let mut value = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'"', rest) {
            value.extend_from_slice(&rest[..=at]);
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        value.extend_from_slice(rest);
        Cow::Owned(value)
    }
}

/// Cuts a row into its values. False: the last one opens a quote that does not close.
pub fn split(row: &[u8], delimiter: u8, fields: &mut Vec<Field>) -> bool {
    fields.clear();
    let mut at = 0;
    loop {
        let (field, next) = match row.get(at) {
            Some(b'"') => match quoted(row, at, delimiter) {
                Some(found) => found,
                None => {
                    fields.push(Field { start: at + 1, end: row.len(), doubled: true });
                    return false;
                }
            },
            _ => {
                let end = next_delimiter(row, at, delimiter);
                (Field { start: at, end, doubled: false }, end)
            }
        };
        fields.push(field);
        if next >= row.len() {
            return true;
        }
        at = next + 1;
    }
}

fn next_delimiter(row: &[u8], from: usize, delimiter: u8) -> usize {
    row.get(from..).and_then(|rest| memchr::memchr(delimiter, rest)).map_or(row.len(), |at| from + at)
}

/// A value that begins with a quote, and where its delimiter stands. What follows the closing quote does not belong to any value.
fn quoted(row: &[u8], open: usize, delimiter: u8) -> Option<(Field, usize)> {
    let (mut at, mut doubled) = (open + 1, false);
    loop {
        let close = at + memchr::memchr(b'"', row.get(at..)?)?;
        if row.get(close + 1) != Some(&b'"') {
            let field = Field { start: open + 1, end: close, doubled };
            return Some((field, next_delimiter(row, close + 1, delimiter)));
        }
        (at, doubled) = (close + 2, true);
    }
}

/// Gathers rows from pieces that are cut anywhere.
#[derive(Debug)]
pub struct Rows {
    lines: Lines,
    delimiter: u8,
    /// A row whose last value goes on in the next line.
    begun: Vec<u8>,
    continued: u32,
    fields: Vec<Field>,
    /// Rows with a quote that nothing closes.
    pub unclosed: u64,
}

impl Rows {
    pub fn new(delimiter: u8) -> Self {
        let (lines, begun, fields) = (Lines::default(), Vec::new(), Vec::new());
        Self { lines, delimiter, begun, continued: 0, fields, unclosed: 0 }
    }

    /// Gives each whole row. A line that can only be the beginning of a row (`begins`) ends what is open before it.
    pub fn take(&mut self, bytes: &[u8], begins: impl Fn(&[u8]) -> bool, mut row: impl FnMut(&[u8])) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.take(bytes, |line| self.line(line, &begins, &mut row));
        self.lines = lines;
    }

    fn line(&mut self, line: &[u8], begins: &impl Fn(&[u8]) -> bool, row: &mut impl FnMut(&[u8])) {
        if !self.begun.is_empty() && begins(line) {
            self.give_up();
        }
        if self.begun.is_empty() {
            if self.is_whole(line) {
                row(line);
            } else {
                self.begun.extend_from_slice(line);
            }
            return;
        }
        self.begun.push(b'\n');
        self.begun.extend_from_slice(line);
        self.continued += 1;
        let begun = std::mem::take(&mut self.begun);
        // Without a quote of its own, a line closes none.
        if memchr::memchr(b'"', line).is_some() && self.is_whole(&begun) {
            self.continued = 0;
            row(&begun);
        } else {
            self.begun = begun;
            if self.continued >= CONTINUED_LINES_MAX || self.begun.len() > LINE_BYTES_MAX {
                self.give_up();
            }
        }
    }

    /// The last row, where its line has no end.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let line = self.lines.rest();
        if self.begun.is_empty() {
            return line.filter(|line| self.is_whole(line) || self.count_unclosed());
        }
        if let Some(line) = line {
            self.begun.push(b'\n');
            self.begun.extend_from_slice(&line);
        }
        let begun = std::mem::take(&mut self.begun);
        (self.is_whole(&begun) || self.count_unclosed()).then_some(begun)
    }

    fn is_whole(&mut self, row: &[u8]) -> bool {
        memchr::memchr(b'"', row).is_none() || split(row, self.delimiter, &mut self.fields)
    }

    fn count_unclosed(&mut self) -> bool {
        self.unclosed += 1;
        false
    }

    fn give_up(&mut self) {
        self.unclosed += 1;
        self.continued = 0;
        self.begun.clear();
    }

    /// Lines that were cut because of their length.
    pub fn overlong(&self) -> u64 {
        self.lines.overlong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(row: &str) -> (Vec<String>, bool) {
        let mut fields = Vec::new();
        let whole = split(row.as_bytes(), b',', &mut fields);
        (fields.iter().map(|field| String::from_utf8_lossy(&field.of(row.as_bytes())).into_owned()).collect(), whole)
    }

    #[test]
    fn quotes_commas_and_empty_values() {
        for (row, expected) in [
            ("a,b", vec!["a", "b"]),
            ("", vec![""]),
            (",", vec!["", ""]),
            (r#""a,b",c"#, vec!["a,b", "c"]),
            (r#""say ""hi"", you",,"#, vec![r#"say "hi", you"#, "", ""]),
            (r#""""""#, vec![r#"""#]),
            (r#""","#, vec!["", ""]),
            (r#"a "b" c,d"#, vec![r#"a "b" c"#, "d"]),
            (r#""a"tail,b"#, vec!["a", "b"]),
        ] {
            assert_eq!(values(row), (expected.iter().map(|&value| value.to_owned()).collect(), true), "{row}");
        }
        assert_eq!(values(r#"a,"b,c"#), (vec!["a".to_owned(), "b,c".to_owned()], false));
        assert!(!values(r#"""""#).1);
    }

    fn rows(text: &str, piece: usize) -> (Vec<String>, u64) {
        let mut rows = Rows::new(b',');
        let mut found = Vec::new();
        let begins = |line: &[u8]| line.starts_with(b"#");
        for bytes in text.as_bytes().chunks(piece) {
            rows.take(bytes, begins, |row| found.push(String::from_utf8_lossy(row).into_owned()));
        }
        found.extend(rows.rest().map(|row| String::from_utf8_lossy(&row).into_owned()));
        (found, rows.unclosed)
    }

    #[test]
    fn a_line_end_within_quotes_is_part_of_the_value() {
        for piece in 1..30 {
            let (found, unclosed) = rows("a,\"b\r\nc\",d\r\n#,\"never\nmore\n#,closed\n\"x\ny\"", piece);
            assert_eq!(found, ["a,\"b\nc\",d", "#,closed", "\"x\ny\""]);
            assert_eq!(unclosed, 1);
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_takes_a_bounded_number_of_lines() {
        let text = format!("\"open\n{}last,row\n", "line\n".repeat(1000));
        let (found, unclosed) = rows(&text, 64);
        assert_eq!((found.last().map(String::as_str), unclosed), (Some("last,row"), 1));
        assert_eq!(found.len(), 1000 - CONTINUED_LINES_MAX as usize + 1);
    }
}
