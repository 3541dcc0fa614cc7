//! A header's columns, and a row of them as a line.

use std::borrow::Cow;

use crate::{
    envelope::{Stamp, stamp},
    transcript::{
        csv::{self, Field},
        push_column,
    },
};

/// A log has 30 columns at most so far.
const COLUMNS_MAX: usize = 100;
/// Of a column's name, and of a host's.
const NAME_BYTES_MAX: usize = 100;
/// Readers of lines take 64 KiB; a row with more recipients than fit becomes several lines.
const LINE_BYTES_MAX: usize = 60 * 1024;
/// What a value may have of that, where it is not a list of recipients.
const VALUE_BYTES_MAX: usize = 4 * 1024;

/// The columns of Exchange 2016 and later, for rows that are cut off from their header.
const COLUMNS: &str = "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,\
     internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,recipient-count,\
     related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,tenant-id,\
     original-client-ip,original-server-ip,custom-data,transport-traffic-type,log-id,schema-version";
/// How many of them Exchange 2013 has.
const COLUMNS_2013: usize = 27;

pub struct Header {
    names: Vec<Vec<u8>>,
    time: usize,
    source: usize,
    event: usize,
    client: Option<usize>,
    server: Option<usize>,
    recipients: Option<usize>,
    statuses: Option<usize>,
    fields: Vec<Field>,
}

/// What became of a row.
pub enum Written<'a> {
    Row(Told<'a>),
    Narrow,
    Wide,
    Timeless,
}

/// Some of a row's recipients.
#[derive(Clone, Copy)]
struct Part<'a> {
    recipients: &'a [&'a [u8]],
    statuses: &'a [&'a [u8]],
}

pub struct Told<'a> {
    pub time: &'a [u8],
    /// The server that wrote the row, where the row says so.
    pub host: Option<Vec<u8>>,
}

impl Header {
    /// What stands behind `#Fields:`.
    pub fn of_fields(fields: &[u8]) -> Option<Self> {
        let names: Vec<Vec<u8>> = fields
            .split(|&byte| byte == b',')
            .take(COLUMNS_MAX + 1)
            .map(|name| name.trim_ascii().to_ascii_lowercase())
            .collect();
        let is_name = |name: &Vec<u8>| {
            !name.is_empty()
                && name.len() <= NAME_BYTES_MAX
                && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if names.len() > COLUMNS_MAX || !names.iter().all(is_name) {
            return None;
        }
        let find = |wanted: &[u8]| names.iter().position(|name| name == wanted);
        find(b"internal-message-id")?;
        Some(Self {
            time: find(b"date-time")?,
            source: find(b"source")?,
            event: find(b"event-id")?,
            client: find(b"client-hostname"),
            server: find(b"server-hostname"),
            recipients: find(b"recipient-address"),
            statuses: find(b"recipient-status"),
            fields: Vec::with_capacity(names.len()),
            names,
        })
    }

    /// For a file that begins with a row. Only Exchange 2013 and later can be told apart so: they have a network message id.
    pub fn of_row(row: &[u8]) -> Option<Self> {
        let mut fields = Vec::new();
        if !row.first().is_some_and(u8::is_ascii_digit) || !csv::split(row, b',', &mut fields) {
            return None;
        }
        let columns: Vec<&str> = COLUMNS.split(',').take(fields.len()).collect();
        if columns.len() != fields.len() || fields.len() < COLUMNS_2013 {
            return None;
        }
        let header = Self::of_fields(columns.join(",").as_bytes())?;
        let value = |at: usize| fields.get(at).map(|field| field.of(row)).unwrap_or_default();
        let is_word = |at: usize| !value(at).is_empty() && value(at).iter().all(u8::is_ascii_uppercase);
        let is_row = is_time(&value(header.time)) && is_word(header.source) && is_word(header.event);
        is_row.then_some(header)
    }

    /// Appends the row's lines.
    pub fn write<'r>(&mut self, row: &'r [u8], host: &[u8], out: &mut Vec<u8>) -> Written<'r> {
        csv::split(row, b',', &mut self.fields);
        match self.fields.len() {
            count if count < self.names.len() => return Written::Narrow,
            count if count > self.names.len() => return Written::Wide,
            _ => {}
        }
        let Some(Cow::Borrowed(time)) = self.fields.get(self.time).map(|field| field.of(row)) else {
            return Written::Timeless;
        };
        if !is_time(time) {
            return Written::Timeless;
        }
        let start = out.len();
        self.line(row, time, host, None, out);
        if out.len() - start > LINE_BYTES_MAX {
            out.truncate(start);
            self.lines(row, time, host, out);
        }
        Written::Row(Told { time, host: self.writer(row) })
    }

    /// A row with so many recipients, or so much of anything, that one line does not hold it.
    fn lines(&self, row: &[u8], time: &[u8], host: &[u8], out: &mut Vec<u8>) {
        let value =
            |at: Option<usize>| at.and_then(|at| self.fields.get(at)).map(|field| field.of(row)).unwrap_or_default();
        let (recipients, statuses) = (value(self.recipients), value(self.statuses));
        let addresses: Vec<&[u8]> = recipients.split(|&byte| byte == b';').collect();
        let states: Vec<&[u8]> = statuses.split(|&byte| byte == b';').collect();
        let parallel = addresses.len() == states.len();
        let shared = [&statuses[..statuses.len().min(VALUE_BYTES_MAX)]];
        let mut from = 0;
        while from < addresses.len() {
            let (mut until, mut bytes) = (from, 0);
            while until < addresses.len() && (until == from || bytes < LINE_BYTES_MAX / 3) {
                bytes += addresses[until].len() + if parallel { states[until].len() } else { 0 } + 2;
                until += 1;
            }
            let states = if parallel { &states[from..until] } else { &shared[..] };
            self.line(row, time, host, Some(Part { recipients: &addresses[from..until], statuses: states }), out);
            from = until;
        }
    }

    fn line(&self, row: &[u8], time: &[u8], host: &[u8], part: Option<Part<'_>>, out: &mut Vec<u8>) {
        out.extend_from_slice(time);
        out.push(b' ');
        out.extend_from_slice(host);
        out.extend_from_slice(b" exchange: ");
        for (at, (name, field)) in self.names.iter().zip(&self.fields).enumerate().filter(|&(at, _)| at != self.time) {
            let value = field.of(row);
            match part {
                Some(part) if self.recipients == Some(at) => push_list(out, name, part.recipients),
                Some(part) if self.statuses == Some(at) => push_list(out, name, part.statuses),
                Some(_) => push_column(out, name, &value[..value.len().min(VALUE_BYTES_MAX)]),
                None => push_column(out, name, &value),
            }
        }
        out.push(b'\n');
    }

    /// Which column names the server that wrote the row: see "Message tracking" in Microsoft's documentation of Exchange Server, and the
    /// events of one message there.
    fn writer(&self, row: &[u8]) -> Option<Vec<u8>> {
        let value = |at: usize| self.fields.get(at).map(|field| field.of(row)).unwrap_or_default();
        let named = |at: Option<usize>| at.and_then(|at| host_of(&value(at)));
        let (source, event) = (value(self.source), value(self.event));
        match (&*source, &*event) {
            // The server is who receives, and the client is who sends.
            (b"SMTP" | b"STOREDRIVER", b"RECEIVE") => named(self.server),
            (b"SMTP", b"SEND" | b"SENDEXTERNAL") => named(self.client),
            // The store driver is the client of the mailbox database.
            (b"STOREDRIVER", b"DELIVER" | b"DUPLICATEDELIVER" | b"SUBMIT" | b"NOTIFYMAPI") => named(self.client),
            (b"SMTP", b"HAREDIRECT" | b"HAREDIRECTFAIL" | b"HARECEIVE") => named(self.server),
            (b"AGENT", b"AGENTINFO") => named(self.client),
            _ => None,
        }
    }
}

/// A host as it stands in a line: the first label in lower case. An address names nobody.
pub fn host_of(name: &[u8]) -> Option<Vec<u8>> {
    let name = name.trim_ascii();
    let label = name.split(|&byte| byte == b'.').next().unwrap_or_default();
    let is_name = (1..=NAME_BYTES_MAX).contains(&label.len())
        && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !(name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'));
    is_name.then(|| label.to_ascii_lowercase())
}

fn is_time(text: &[u8]) -> bool {
    matches!(stamp::read(text), Some(read) if read.end == text.len() && matches!(read.stamp, Stamp::Utc(_)))
}

fn push_list(out: &mut Vec<u8>, name: &[u8], values: &[&[u8]]) {
    push_column(out, name, &values.join(&b';'));
}
