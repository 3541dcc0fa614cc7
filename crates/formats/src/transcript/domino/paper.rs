//! What console and activity dump share: lines that wait until the order of their dates is known, and the beginning of a written line.

use super::{
    order::Dates,
    stamp::{Day, Stamp},
};
use crate::transcript::{Lines, Transcriber};

/// So much of a file waits for its dates to be understood. One night between two lines is enough, so that mostly a part of a day waits.
const HELD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads the lines of one kind of file.
pub trait Reader: Send {
    /// A last line without an end may be half of one, and say what it will not say when it is whole.
    const LAST_LINE_MAY_GO_ON: bool;

    /// The time in a line.
    fn stamp(line: &[u8]) -> Option<Stamp>;

    /// Takes a line, once dates can be read.
    fn line(&mut self, number: u64, line: &[u8], dates: &mut Dates, out: &mut Vec<u8>);

    fn finish(&mut self);

    fn remarks(&self, remarks: &mut Vec<String>);

    /// The time that lines before the first one with a time have.
    fn begin(&mut self, _moment: Moment) {}
}

/// A day, and a time of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub day: Day,
    pub second_of_day: u32,
    pub hundredths: Option<u8>,
}

/// A file with dates.
pub struct Dated<R> {
    reader: R,
    lines: Lines,
    dates: Dates,
    held: Vec<u8>,
    number: u64,
    unfinished_bytes: usize,
}

impl<R: Reader> Dated<R> {
    pub fn new(reader: R, dates: Dates) -> Self {
        Self { reader, lines: Lines::default(), dates, held: Vec::new(), number: 0, unfinished_bytes: 0 }
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.number += 1;
        if self.held.is_empty() && self.number > 1 && self.dates.is_decided() {
            return self.reader.line(self.number, line, &mut self.dates, out);
        }
        let stamp = R::stamp(line);
        if let Some(stamp) = &stamp {
            self.dates.watch(stamp, self.number);
        }
        self.held.extend_from_slice(line);
        self.held.push(b'\n');
        if (self.dates.is_decided() && stamp.is_some()) || self.held.len() >= HELD_BYTES_MAX {
            self.release(out);
        }
    }

    /// Tells what waited.
    fn release(&mut self, out: &mut Vec<u8>) {
        self.dates.decide();
        let held = std::mem::take(&mut self.held);
        let lines = || held.strip_suffix(b"\n").unwrap_or(&held).split(|&byte| byte == b'\n');
        let first_number = self.number + 1 - lines().count() as u64;
        if let Some(moment) = lines().find_map(R::stamp).and_then(|stamp| moment(&stamp, &mut self.dates, 0)) {
            self.reader.begin(moment);
        }
        for (number, line) in (first_number..).zip(lines()) {
            self.reader.line(number, line, &mut self.dates, out);
        }
    }
}

impl<R: Reader> Transcriber for Dated<R> {
    fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.take(bytes, |line| self.line(line, out));
        self.lines = lines;
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(last) = self.lines.rest() {
            if R::LAST_LINE_MAY_GO_ON {
                self.unfinished_bytes = last.len();
            } else {
                self.line(last.strip_suffix(b"\r").unwrap_or(&last), out);
            }
        }
        if !self.held.is_empty() {
            self.release(out);
        }
        self.reader.finish();
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        self.dates.remarks(&mut remarks);
        self.reader.remarks(&mut remarks);
        if self.unfinished_bytes > 0 {
            remarks.push(format!("the last line has no end yet ({} bytes): it is left out", self.unfinished_bytes));
        }
        if self.lines.overlong > 0 {
            remarks.push(format!("{} lines are longer than a mebibyte and were cut there", self.lines.overlong));
        }
        remarks
    }
}

/// The moment of a time, in the order of dates that is in force.
pub fn moment(stamp: &Stamp, dates: &mut Dates, line: u64) -> Option<Moment> {
    let day = dates.resolve(stamp, line)?;
    Some(Moment { day, second_of_day: stamp.second_of_day, hundredths: stamp.hundredths })
}

impl Moment {
    /// Seconds on a clock without zone, for comparing.
    pub fn seconds(&self) -> i64 {
        let Day { year, month, day } = self.day;
        crate::envelope::stamp::days_from_epoch(year, month, day) * 86_400 + i64::from(self.second_of_day)
    }

    /// `2026-01-31T01:52:26.47`: the zone is not in the file.
    fn push(&self, out: &mut Vec<u8>) {
        let Day { year, month, day } = self.day;
        let year = year.unsigned_abs();
        let second = self.second_of_day;
        for (part, before) in
            [(u32::from(year / 100), 0), (u32::from(year % 100), 0), (u32::from(month), b'-'), (u32::from(day), b'-')]
                .into_iter()
                .chain([(second / 3600, b'T'), (second / 60 % 60, b':'), (second % 60, b':')])
                .chain(self.hundredths.map(|hundredths| (u32::from(hundredths), b'.')))
        {
            if before != 0 {
                out.push(before);
            }
            push_two(part, out);
        }
    }
}

fn push_two(number: u32, out: &mut Vec<u8>) {
    out.push(b'0' + (number / 10 % 10) as u8);
    out.push(b'0' + (number % 10) as u8);
}

/// `TIME HOST PROGRAM: `.
pub fn push_head(moment: &Moment, host: &[u8], program: &[u8], out: &mut Vec<u8>) {
    moment.push(out);
    push_names(host, program, out);
}

/// ` HOST PROGRAM: `.
pub fn push_names(host: &[u8], program: &[u8], out: &mut Vec<u8>) {
    if !host.is_empty() {
        out.push(b' ');
        out.extend_from_slice(host);
    }
    out.push(b' ');
    out.extend_from_slice(program);
    out.extend_from_slice(b": ");
}

/// A name that can stand as the host of a line: no blanks, and nothing at its end that makes it a tag.
pub fn host_name(name: &str) -> Vec<u8> {
    let name = name.trim().trim_end_matches([':', ']']);
    name.bytes().map(|byte| if byte <= b' ' || byte == 0x7F || byte == b'(' { b'-' } else { byte }).collect()
}

/// Appends a text with its control characters as spaces. What is no UTF-8 is taken as ISO 8859-1, which older servers write; returns
/// whether that was so.
pub fn push_text(text: &[u8], out: &mut Vec<u8>) -> bool {
    let from = out.len();
    let is_utf8 = std::str::from_utf8(text).is_ok();
    if is_utf8 {
        out.extend_from_slice(text);
    } else {
        let mut bytes = [0; 2];
        for &byte in text {
            out.extend_from_slice(char::from(byte).encode_utf8(&mut bytes).as_bytes());
        }
    }
    for byte in out.get_mut(from..).unwrap_or_default() {
        if *byte < b' ' || *byte == 0x7F {
            *byte = b' ';
        }
    }
    !is_utf8
}
