//! Exchange's message tracking logs (MSGTRK, MSGTRKMS, MSGTRKMD, MSGTRKMA): one line for each row.
//!
//! The columns are those of the file's `#Fields`, from 21 (Exchange 2007) to 30 (2016 and later); a server that was updated repeats its
//! header in the middle of a file. A row becomes `TIME HOST exchange: COLUMNS`, with the columns' own names and without `date-time`, which is
//! the line's time (UTC).
//!
//! A file does not name the server that wrote it, but its rows do: the first that does decides, and what stands before it is held back. The
//! host is the name's first label in lower case, because rows write `EX01` and `ex01.example.com` for one server. Where no row names it within
//! [`HEAD_BYTES`], it is the host that the file was given with. A host that somebody named for the file counts at once.

mod row;
mod sequence;

use self::row::{Header, Written};
pub use self::sequence::missing;
use super::{HEAD_BYTES, Kind, Settings, Transcriber, csv::Rows};
use crate::scan;

pub const KIND: Kind = Kind {
    name: "Exchange message tracking log",
    grows: true,
    recognise: |head, settings| {
        is_tracking_log(head).then(|| Box::new(Tracking::new(settings)) as Box<dyn Transcriber>)
    },
};

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A header that says so, or rows that are cut off from theirs.
fn is_tracking_log(head: &[u8]) -> bool {
    let mut lines = head.split(|&byte| byte == b'\n').map(bare).filter(|line| !line.is_empty()).take(20).peekable();
    if lines.peek().is_some_and(|line| Header::of_row(line).is_some()) {
        return true;
    }
    lines.take_while(|line| line.starts_with(b"#")).any(|line| match line.strip_prefix(b"#Fields:") {
        Some(fields) => Header::of_fields(fields).is_some(),
        None => is_log_type(line),
    })
}

fn is_log_type(line: &[u8]) -> bool {
    line.to_ascii_lowercase().starts_with(b"#log-type: message tracking log")
}

fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(MARK).unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Only the beginning of a row, or of a header, looks so: it ends a quote that was left open.
fn begins(line: &[u8]) -> bool {
    let line = bare(line);
    let is_time = |head: &[u8; 11]| head[4] == b'-' && head[7] == b'-' && head[10] == b'T' && head[0].is_ascii_digit();
    line.starts_with(b"#") || line.first_chunk().is_some_and(is_time)
}

struct Tracking {
    rows: Rows,
    state: State,
}

/// All but the rows' own buffer, so that rows may be looked at while they are in it.
struct State {
    fallback: Vec<u8>,
    host: Option<Vec<u8>>,
    header: Option<Header>,
    /// Lines for which no host is known yet: a zero byte stands in its place.
    held: Vec<u8>,
    held_rows_bytes: usize,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    rows: u64,
    narrow: u64,
    wide: u64,
    headless: u64,
    timeless: u64,
    /// Times of the oldest and the newest row, as written.
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Tracking {
    fn new(settings: &Settings) -> Self {
        let state = State {
            fallback: row::host_of(settings.host.as_bytes()).unwrap_or_else(|| b"exchange".to_vec()),
            host: None,
            header: None,
            held: Vec::new(),
            held_rows_bytes: 0,
            counts: Counts::default(),
        };
        Self { rows: Rows::new(b','), state }
    }
}

impl Transcriber for Tracking {
    fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.rows.take(bytes, begins, |row| self.state.row(row, out));
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(row) = self.rows.rest() {
            self.state.row(&row, out);
        }
        self.state.settle(out);
    }

    fn remarks(&self) -> Vec<String> {
        self.state.remarks(self.rows.unclosed, self.rows.overlong())
    }
}

impl State {
    fn row(&mut self, row: &[u8], out: &mut Vec<u8>) {
        let row = bare(row);
        if row.first() == Some(&b'#') {
            return self.header_line(row);
        }
        // A crash leaves zeros behind.
        if row.iter().all(|&byte| byte == 0) {
            return;
        }
        if self.header.is_none() && self.counts.rows == 0 {
            self.header = Header::of_row(row);
        }
        let Some(header) = &mut self.header else {
            self.counts.headless += 1;
            return;
        };
        let host = self.host.as_deref().unwrap_or(b"\0");
        let into = if self.host.is_some() { &mut *out } else { &mut self.held };
        match header.write(row, host, into) {
            Written::Row(told) => {
                self.counts.row(told.time);
                self.held_rows_bytes += row.len();
                if self.host.is_none() && (told.host.is_some() || self.held_rows_bytes > HEAD_BYTES) {
                    self.host = told.host;
                    self.settle(out);
                }
            }
            Written::Narrow => self.counts.narrow += 1,
            Written::Wide => self.counts.wide += 1,
            Written::Timeless => self.counts.timeless += 1,
        }
    }

    fn header_line(&mut self, line: &[u8]) {
        if let Some(fields) = line.strip_prefix(b"#Fields:") {
            self.header = Header::of_fields(fields);
        } else if line.to_ascii_lowercase().starts_with(b"#log-type:") && !is_log_type(line) {
            self.header = None;
        }
    }

    /// Lets go of what was held back.
    fn settle(&mut self, out: &mut Vec<u8>) {
        let host = self.host.get_or_insert_with(|| self.fallback.clone());
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        while let Some((before, after)) = scan::split(rest, b"\0") {
            out.extend_from_slice(before);
            out.extend_from_slice(host);
            rest = after;
        }
        out.extend_from_slice(rest);
    }

    fn remarks(&self, unclosed: u64, overlong: u64) -> Vec<String> {
        let counts = &self.counts;
        let mut remarks = Vec::new();
        let host = self.host.as_deref().unwrap_or(&self.fallback);
        if counts.rows > 0 {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let (host, first, last) = (text(host), text(&counts.first), text(&counts.last));
            remarks.push(format!("Message tracking log of {host}, from {first} to {last}."));
        } else {
            remarks.push("A message tracking log without any row.".to_owned());
        }
        for (count, what) in [
            (counts.narrow, "fewer columns than the header names (cut off?), and were left out"),
            (counts.wide, "more columns than the header names, and were left out"),
            (counts.timeless, "no time in `date-time`, and were left out"),
            (counts.headless, "no header before them, and were left out"),
            (unclosed, "a quote that is never closed, and were left out"),
            (overlong, "more than a megabyte, and were cut"),
        ] {
            if count > 0 {
                remarks.push(format!("Rows that have {what}: {count}."));
            }
        }
        remarks
    }
}

impl Counts {
    fn row(&mut self, time: &[u8]) {
        self.rows += 1;
        if self.first.is_empty() || time < self.first.as_slice() {
            self.first = time.to_vec();
        }
        if time > self.last.as_slice() {
            self.last.clear();
            self.last.extend_from_slice(time);
        }
    }
}

#[cfg(test)]
mod tests;
