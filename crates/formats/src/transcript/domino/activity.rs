//! The dump of activity records, as the sample program of HCL's C API kit prints it (`samples/admin/activity`; its source stands in
//! the toolkit's user guide, "Activity Logging").
//!
//! ```text
//! Record #: 7, Name: Domino.MAIL, DescIdx: 3, Timestamp: 03/26/2026 10:15:00 AM
//! {
//! <tab>EventType: 2
//! <tab>Recipients:
//! <tab><tab>{
//! <tab><tab>CN=Jane Doe/O=Acme
//! <tab><tab>}
//! }
//! ```
//!
//! The layout is that of the source; no real dump was seen.

use super::{
    ACTIVITY,
    order::Dates,
    paper::{Dated, Moment, Reader, host_name, moment, push_head, push_text},
    stamp::{self, Stamp},
};
use crate::{
    scan,
    transcript::{Settings, Transcriber},
};

/// Of a record, as it will be written.
const RECORD_BYTES_MAX: usize = 512 * 1024;
/// Entries of a list stand behind each other with this between them: no name or address has one outside quotes.
const LIST_SEPARATOR: u8 = b';';
/// Lines of the beginning that are looked at: the program may say something before the first record.
const HEAD_LINES_MAX: usize = 200;

pub fn recognise(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>> {
    let lines = || head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let opens = |(line, next): (&[u8], &[u8])| Header::of(line).is_some() && next == b"{";
    let is_dump = lines().zip(lines().skip(1)).take(HEAD_LINES_MAX).any(opens);
    is_dump.then(|| {
        let dates = Dates::new(settings.dates, settings.modified);
        let dump = Dump { host: host_name(&settings.host), ..Dump::default() };
        Box::new(Dated::new(dump, dates)) as Box<dyn Transcriber>
    })
}

/// The first line of a record.
struct Header<'a> {
    name: &'a [u8],
    time: &'a [u8],
}

impl<'a> Header<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let (number, rest) = scan::split(line.strip_prefix(b"Record #: ")?, b", Name: ")?;
        let (name, rest) = scan::split(rest, b", DescIdx: ")?;
        let (_, time) = scan::split(rest, b", Timestamp: ")?;
        let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        (is_number && !name.is_empty()).then_some(Self { name, time: time.trim_ascii() })
    }
}

/// Where in a record the next line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    /// Behind the header, before `{`.
    Before,
    Inside,
    /// Behind `name:`, which may open a list.
    AfterName,
    List,
}

/// Writes a dump anew.
#[derive(Debug, Default)]
struct Dump {
    host: Vec<u8>,
    place: Place,
    /// None where the header's time cannot be read.
    moment: Option<Moment>,
    /// `Name=…` and what follows.
    columns: Vec<u8>,
    server: Vec<u8>,
    is_too_large: bool,
    records: u64,
    unclosed: u64,
    timeless: u64,
    too_large: u64,
    recoded: u64,
    strays: u64,
}

impl Reader for Dump {
    const LAST_LINE_MAY_GO_ON: bool = false;

    fn stamp(line: &[u8]) -> Option<Stamp> {
        stamp::read(Header::of(line)?.time).map(|(stamp, _)| stamp)
    }

    fn line(&mut self, number: u64, line: &[u8], dates: &mut Dates, out: &mut Vec<u8>) {
        if let Some(header) = Header::of(line) {
            return self.begin_record(&header, number, dates);
        }
        match (self.place, line) {
            (Place::Outside, _) => self.strays += u64::from(!line.trim_ascii().is_empty()),
            (Place::Before, b"{") => self.place = Place::Inside,
            (Place::Before, _) => self.drop_record(),
            (Place::Inside | Place::AfterName, b"}") => self.end_record(out),
            (Place::AfterName, b"\t\t{") => self.place = Place::List,
            (Place::List, b"\t\t}") => self.place = Place::Inside,
            (Place::List, entry) => self.entry(entry.strip_prefix(b"\t\t").unwrap_or(entry)),
            (Place::Inside | Place::AfterName, field) => self.field(field),
        }
    }

    fn finish(&mut self) {
        self.drop_record();
    }

    fn remarks(&self, remarks: &mut Vec<String>) {
        let counts = [
            (self.records, "activity records were read"),
            (self.unclosed, "records are not closed: they were left out"),
            (self.timeless, "records have no time that can be read: they were left out"),
            (self.too_large, "records are too large: they were left out"),
            (self.strays, "lines stand outside of records: they were left out"),
            (self.recoded, "values are no UTF-8: they were read as ISO 8859-1"),
        ];
        remarks
            .extend(counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    }
}

impl Dump {
    fn begin_record(&mut self, header: &Header<'_>, number: u64, dates: &mut Dates) {
        self.drop_record();
        self.moment = stamp::read(header.time).and_then(|(stamp, _)| moment(&stamp, dates, number));
        self.place = Place::Before;
        self.columns.clear();
        self.server.clear();
        self.is_too_large = false;
        self.push(b"Name=");
        self.push_value(header.name);
    }

    /// A record that was begun and is not whole.
    fn drop_record(&mut self) {
        self.unclosed += u64::from(self.place != Place::Outside);
        self.place = Place::Outside;
    }

    fn field(&mut self, line: &[u8]) {
        self.place = Place::Inside;
        let Some((name, value)) = line.strip_prefix(b"\t").and_then(split_field) else {
            // `type not implemented: …` is the program's own; anything else is a text that has a line end in it.
            if !line.starts_with(b"type not implemented: ") {
                self.push(b" ");
                self.push_value(line.trim_ascii());
            }
            return;
        };
        self.push(b"\t");
        self.push_value(name);
        self.push(b"=");
        self.push_value(value);
        if value.is_empty() {
            self.place = Place::AfterName;
        }
        if name == b"ServerName" {
            self.server = host_name(common_name(&String::from_utf8_lossy(value))).clone();
        }
    }

    fn entry(&mut self, entry: &[u8]) {
        if self.columns.last() != Some(&b'=') {
            self.push(&[LIST_SEPARATOR]);
        }
        self.push_value(entry.trim_ascii());
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.columns.len() + bytes.len() > RECORD_BYTES_MAX {
            self.is_too_large = true;
        } else {
            self.columns.extend_from_slice(bytes);
        }
    }

    fn push_value(&mut self, value: &[u8]) {
        if self.columns.len() + 2 * value.len() > RECORD_BYTES_MAX {
            self.is_too_large = true;
        } else {
            self.recoded += u64::from(push_text(value, &mut self.columns));
        }
    }

    fn end_record(&mut self, out: &mut Vec<u8>) {
        self.place = Place::Outside;
        self.too_large += u64::from(self.is_too_large);
        let Some(moment) = self.moment else {
            self.timeless += 1;
            return;
        };
        if self.is_too_large {
            return;
        }
        self.records += 1;
        let host = if self.host.is_empty() { &self.server } else { &self.host };
        push_head(&moment, host, ACTIVITY, out);
        // A name without a value says nothing.
        let columns = self.columns.split(|&byte| byte == b'\t').filter(|column| column.last() != Some(&b'='));
        for (place, column) in columns.enumerate() {
            if place > 0 {
                out.push(b'\t');
            }
            out.extend_from_slice(column);
        }
        out.push(b'\n');
    }
}

/// `Name: value`; names are words of the kit.
fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let is_name =
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$'));
    is_name.then(|| (name, value.get(1..).unwrap_or_default().trim_ascii()))
}

/// `CN=Mail1/O=Acme` -> `Mail1`.
pub(super) fn common_name(name: &str) -> &str {
    let first = name.split('/').next().unwrap_or(name);
    match first.split_at_checked(3) {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("CN=") => rest,
        _ => first,
    }
}
