//! The server's console: `console.log`, its mirrors `console1.log` … `console999.log`, and what a start script captured (`notes.log`).
//!
//! A line is `[> ][[pid:task-thread] ][stamp gap]text`. A line without a time (crash text, lock dumps, Java) gets that of the line before
//! it, and a tab before its text: it is shown where it belongs and never read as a statement.

use super::{
    CONSOLE,
    order::Dates,
    paper::{Dated, Moment, Reader, host_name, moment, push_head, push_text},
    stamp::{self, Stamp},
};
use crate::transcript::{Settings, Transcriber};

/// Of a text. What is longer says nothing that could be trusted to its end.
const TEXT_BYTES_MAX: usize = 32 * 1024;
/// Clocks are put back by an hour in autumn, and threads write a little out of turn: only more than this is a file written over.
const WRAP_SECONDS_MIN: i64 = 2 * 3600;
/// Lines of the beginning that are looked at.
const HEAD_LINES_MAX: usize = 5_000;

/// One line of a console, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// `[1D44:0658-0C6C]`, or nothing.
    pub prefix: &'a [u8],
    pub stamp: Option<Stamp>,
    /// Blanks between time and text.
    pub gap: usize,
    pub text: &'a [u8],
}

impl<'a> Parts<'a> {
    pub fn of(line: &'a [u8]) -> Self {
        let line = line.strip_prefix(b"> ").unwrap_or(line);
        let prefix = line.get(..prefix_bytes(line)).unwrap_or_default();
        let rest = line.get(prefix.len()..).unwrap_or_default();
        let rest = if prefix.is_empty() { rest } else { rest.trim_ascii_start() };
        let Some((stamp, end)) = stamp::read(rest) else {
            return Self { prefix, stamp: None, gap: 0, text: rest.trim_ascii_end() };
        };
        let rest = rest.get(end..).unwrap_or_default();
        let text = rest.trim_ascii_start();
        Self { prefix, stamp: Some(stamp), gap: rest.len() - text.len(), text: text.trim_ascii_end() }
    }
}

/// How long `[pid:task-thread]` is; 0 where a line does not begin so. On Windows all three are hexadecimal, on Unix the process is
/// decimal, and the thread decimal or 16 hexadecimal digits.
pub fn prefix_bytes(line: &[u8]) -> usize {
    let number = |text: &[u8], digits: std::ops::RangeInclusive<usize>| {
        let length = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        digits.contains(&length).then_some(length)
    };
    let rest = |at: usize| line.get(at..).unwrap_or_default();
    let parts = || {
        let open = usize::from(line.first() == Some(&b'['));
        let process = open + number(rest(open), 2..=10)?;
        let task = process + 1 + number(rest(process + 1), 4..=8)?;
        let thread = task + 1 + number(rest(task + 1), 4..=16)?;
        let marks = [line.first(), line.get(process), line.get(task), line.get(thread)];
        (marks == [Some(&b'['), Some(&b':'), Some(&b'-'), Some(&b']')]).then_some(thread + 1)
    };
    parts().unwrap_or(0)
}

/// How the texts of a server begin that has no prefix: the names of its tasks.
const TASKS: [&[u8]; 24] = [
    b"Router: ",
    b"SMTP Server: ",
    b"SMTP Server [",
    b"smtp: ",
    b"HTTP Server: ",
    b"IMAP Server: ",
    b"POP3 Server: ",
    b"LDAP Server: ",
    b"Database Replicator",
    b"Replicator",
    b"Finished replication",
    b"Unable to replicate",
    b"Agent Manager: ",
    b"AMgr: ",
    b"Admin Process: ",
    b"Administration Process",
    b"Opened session for ",
    b"Closed session for ",
    b"Event Monitor",
    b"Remote console command",
    b"Lotus Domino",
    b"IBM Domino",
    b"HCL Domino",
    b"Recovery Manager: ",
];

/// Takes a file whose lines with a time are nearly all such as only a console has, and some of them certainly.
pub fn recognise(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>> {
    is_console(head).then(|| {
        let dates = Dates::new(settings.dates, settings.modified);
        let console = Console { host: host_name(&settings.host), ..Console::default() };
        Box::new(Dated::new(console, dates)) as Box<dyn Transcriber>
    })
}

fn is_console(head: &[u8]) -> bool {
    let (mut stamped, mut likely, mut certain, mut foreign) = (0u32, 0u32, 0u32, 0u32);
    for line in head.split(|&byte| byte == b'\n').take(HEAD_LINES_MAX) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let parts = Parts::of(line);
        let Some(stamp) = parts.stamp else {
            foreign += u32::from(has_header(line));
            continue;
        };
        // One blank follows a time with hundredths, and never one without.
        let is_spaced = parts.gap >= 2 || stamp.hundredths.is_some();
        let is_marked =
            !parts.prefix.is_empty() || (is_spaced && TASKS.iter().any(|task| parts.text.starts_with(task)));
        stamped += 1;
        likely += u32::from(is_marked || is_spaced);
        certain += u32::from(is_marked);
    }
    certain > 0 && likely * 10 >= stamped * 9 && foreign * 10 <= stamped
}

/// Does another kind of log write such lines? Text without a time may begin with anything else.
fn has_header(line: &[u8]) -> bool {
    let has_priority = matches!(line, [b'<', b'0'..=b'9', ..]);
    has_priority || crate::envelope::stamp::read(line).is_some()
}

/// Writes a console anew.
#[derive(Debug, Default)]
struct Console {
    host: Vec<u8>,
    /// Of the last line with a time; lines before the first have that one's.
    last: Option<Moment>,
    has_begun: bool,
    unstamped: u64,
    timeless: u64,
    recoded: u64,
    cut: u64,
    wraps: u64,
    wrapped_first: u64,
}

impl Reader for Console {
    const LAST_LINE_MAY_GO_ON: bool = true;

    fn stamp(line: &[u8]) -> Option<Stamp> {
        Parts::of(line).stamp
    }

    fn begin(&mut self, moment: Moment) {
        self.last = self.last.or(Some(moment));
    }

    fn line(&mut self, number: u64, line: &[u8], dates: &mut Dates, out: &mut Vec<u8>) {
        let parts = Parts::of(line);
        if parts.text.iter().all(|&byte| byte <= b' ') {
            return;
        }
        let own = parts.stamp.and_then(|stamp| moment(&stamp, dates, number));
        self.unstamped += u64::from(own.is_none());
        let Some(time) = own.or(self.last) else {
            self.timeless += 1;
            return;
        };
        if own.is_some() {
            self.follow(time, number);
        }
        let is_cut = parts.text.len() > TEXT_BYTES_MAX;
        self.cut += u64::from(is_cut);
        push_head(&time, &self.host, CONSOLE, out);
        if own.is_none() || is_cut {
            out.push(b'\t');
        }
        if !parts.prefix.is_empty() {
            out.extend_from_slice(parts.prefix);
            out.push(b' ');
        }
        self.recoded += u64::from(push_text(whole_characters(parts.text, TEXT_BYTES_MAX), out));
        out.push(b'\n');
    }

    fn finish(&mut self) {}

    fn remarks(&self, remarks: &mut Vec<String>) {
        let mut count = |count: u64, what: String| {
            if count > 0 {
                remarks.push(format!("{count} {what}"));
            }
        };
        count(
            self.unstamped - self.timeless,
            "lines have no time: each was given that of the line before it".to_owned(),
        );
        count(self.timeless, "lines were left out, because nothing says when they were".to_owned());
        count(self.recoded, "lines are no UTF-8: they were read as ISO 8859-1".to_owned());
        count(
            self.cut,
            format!("lines are longer than {TEXT_BYTES_MAX} bytes: they were cut, and nothing is told from them"),
        );
        count(
            self.wraps,
            format!(
                "times the time jumps back in the middle of the file, first in line {}: the server writes over a full console.log from its \
                 start, so that older lines stand behind younger ones, and lines may be lost",
                self.wrapped_first
            ),
        );
    }
}

impl Console {
    fn follow(&mut self, time: Moment, number: u64) {
        let is_back =
            self.last.is_some_and(|last| self.has_begun && time.seconds() < last.seconds() - WRAP_SECONDS_MIN);
        if is_back {
            self.wraps += 1;
            if self.wraps == 1 {
                self.wrapped_first = number;
            }
        }
        (self.last, self.has_begun) = (Some(time), true);
    }
}

/// The beginning of a text, not cut within a character of UTF-8.
pub(super) fn whole_characters(text: &[u8], bytes_max: usize) -> &[u8] {
    if text.len() <= bytes_max {
        return text;
    }
    let is_inside = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let end = (bytes_max.saturating_sub(3)..=bytes_max).rev().find(|at| !is_inside(at)).unwrap_or(bytes_max);
    text.get(..end).unwrap_or_default()
}
