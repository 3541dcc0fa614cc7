//! The columns of a row, whatever an export calls them, and the lines that they become.

use std::borrow::Cow;

use vigie_model::{Micros, iso};

use super::{Row, dates::Date, line_of};

/// A row names so many recipients at most.
const RECIPIENTS_MAX: usize = 10_000;
/// Of a column's name.
const NAME_BYTES_MAX: usize = 64;
/// Pages of the services are of these sizes, and what is cut off there ends with one.
const PAGE_ROWS: u64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Received,
    Id,
    MessageId,
    Sender,
    Recipient,
    RecipientStatus,
    Related,
    Subject,
    Size,
    Status,
    FromIp,
    ToIp,
    Direction,
    Event,
    Server,
}

const COLUMNS: usize = Column::Server as usize + 1;

/// Names without capitals, spaces and signs. PowerShell's, Graph's, the admin centres', and those of historical searches.
const NAMES: &[(&str, Column)] = &[
    ("received", Column::Received),
    ("receiveddatetime", Column::Received),
    ("datereceived", Column::Received),
    ("date", Column::Received),
    ("dateutc", Column::Received),
    ("datetimeutc", Column::Received),
    ("origintimestamp", Column::Received),
    ("origintimestamputc", Column::Received),
    ("id", Column::Id),
    ("messagetraceid", Column::Id),
    ("networkmessageid", Column::Id),
    ("messageid", Column::MessageId),
    ("internetmessageid", Column::MessageId),
    ("senderaddress", Column::Sender),
    ("sender", Column::Sender),
    ("recipientaddress", Column::Recipient),
    ("recipient", Column::Recipient),
    ("recipientstatus", Column::RecipientStatus),
    ("relatedrecipientaddress", Column::Related),
    ("subject", Column::Subject),
    ("messagesubject", Column::Subject),
    ("size", Column::Size),
    ("totalbytes", Column::Size),
    ("status", Column::Status),
    ("deliverystatus", Column::Status),
    ("fromip", Column::FromIp),
    ("originalclientip", Column::FromIp),
    ("toip", Column::ToIp),
    ("directionality", Column::Direction),
    ("eventid", Column::Event),
    ("serverhostname", Column::Server),
];

pub fn column(name: &[u8]) -> Option<Column> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let plain = name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
    NAMES.iter().find(|(known, _)| known.bytes().eq(plain.clone())).map(|&(_, column)| column)
}

/// Do these columns make a message trace?
pub fn are_enough(columns: &[Option<Column>]) -> bool {
    let has = |column| columns.contains(&Some(column));
    let is_row = has(Column::Recipient) && has(Column::Status);
    has(Column::Received)
        && has(Column::Id)
        && has(Column::Sender)
        && (is_row || has(Column::RecipientStatus) || has(Column::Event))
}

/// A row's values.
#[derive(Debug, Default)]
pub struct Values<'a>([Option<Cow<'a, [u8]>>; COLUMNS]);

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct Counts {
    pub rows: u64,
    pub idle: u64,
    pub undated: u64,
    pub incomplete: u64,
    first: Option<Micros>,
    last: Option<Micros>,
}

impl<'a> Values<'a> {
    /// The first column of several that mean the same has the word, unless it is empty.
    pub fn set(&mut self, column: Column, value: Cow<'a, [u8]>) {
        let known = &mut self.0[column as usize];
        if known.as_ref().is_none_or(|known| known.is_empty()) {
            *known = Some(value);
        }
    }

    pub fn text(&self, column: Column) -> &[u8] {
        self.0[column as usize].as_deref().unwrap_or_default().trim_ascii()
    }

    fn said(&self, column: Column) -> Option<&[u8]> {
        self.0[column as usize].as_ref().map(|value| value.trim_ascii())
    }

    pub fn date(&self) -> Option<Date> {
        super::dates::read(self.text(Column::Received))
    }

    /// Appends the row's lines.
    pub fn tell(&self, received: Micros, counts: &mut Counts, out: &mut Vec<u8>) {
        let row = self.row(received);
        if row.id.is_empty() {
            counts.incomplete += 1;
            return;
        }
        let before = out.len();
        let event = self.text(Column::Event);
        if !event.is_empty() {
            self.tell_event(&row, event, out);
        } else if !self.text(Column::RecipientStatus).is_empty() {
            self.tell_recipients(&row, out);
        } else if !row.recipient.is_empty() {
            line_of(&row, self.direction(), b"", out);
        } else {
            counts.incomplete += 1;
            return;
        }
        counts.rows += 1;
        counts.idle += u64::from(out.len() == before);
        counts.first = Some(counts.first.map_or(received, |first| first.min(received)));
        counts.last = counts.last.max(Some(received));
    }

    fn row(&self, received: Micros) -> Row<'_> {
        let size = std::str::from_utf8(self.text(Column::Size)).ok().and_then(|digits| digits.parse().ok());
        Row {
            received,
            id: self.text(Column::Id),
            message_id: self.text(Column::MessageId),
            sender: self.text(Column::Sender),
            recipient: self.text(Column::Recipient),
            subject: self.text(Column::Subject),
            size,
            status: self.text(Column::Status),
            from_ip: self.said(Column::FromIp),
            to_ip: self.said(Column::ToIp),
        }
    }

    /// 1 and 2 in summary reports, words in extended ones.
    fn direction(&self) -> &'static [u8] {
        match self.text(Column::Direction) {
            b"1" => b"incoming",
            b"2" => b"originating",
            word if word.eq_ignore_ascii_case(b"incoming") => b"incoming",
            word if word.eq_ignore_ascii_case(b"originating") => b"originating",
            _ => b"",
        }
    }

    /// A summary report: `ann@example.com##Receive, Deliver;bob@example.com##Receive, Fail`.
    fn tell_recipients(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        for one in self.text(Column::RecipientStatus).split(|&byte| byte == b';').take(RECIPIENTS_MAX) {
            let Some((recipient, events)) = crate::scan::split_last(one, b"##") else { continue };
            let recipient = recipient.trim_ascii();
            if !recipient.is_empty() {
                line_of(&Row { recipient, status: status_of_events(events), ..*row }, self.direction(), b"", out);
            }
        }
    }

    /// An extended report has a row for each event at each server on the way.
    fn tell_event(&self, row: &Row<'_>, event: &[u8], out: &mut Vec<u8>) {
        let event = event.to_ascii_uppercase();
        let (status, of_related): (&[u8], bool) = match &*event {
            b"RECEIVE" => (b"gettingStatus", false),
            b"DELIVER" | b"SENDEXTERNAL" => (b"delivered", false),
            b"SEND" if !is_own_server(self.text(Column::Server)) => (b"delivered", false),
            b"FAIL" => (b"failed", false),
            b"DEFER" => (b"pending", false),
            b"DROP" => (b"filteredAsSpam", false),
            b"EXPAND" | b"REDIRECT" | b"RESOLVE" => (b"expanded", true),
            _ => return,
        };
        let tell = |recipients: &[u8], status: &[u8], out: &mut Vec<u8>| {
            for recipient in recipients.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).take(RECIPIENTS_MAX) {
                if !recipient.is_empty() {
                    line_of(&Row { recipient, status, ..*row }, self.direction(), &event, out);
                }
            }
        };
        if of_related {
            tell(self.text(Column::Related), status, out);
            tell(row.recipient, b"gettingStatus", out);
        } else {
            tell(row.recipient, status, out);
        }
    }
}

/// A copy that goes to another server of the service is still under way.
fn is_own_server(name: &[u8]) -> bool {
    name.is_empty() || name.to_ascii_lowercase().ends_with(b".outlook.com")
}

/// The events of a recipient, as one state.
fn status_of_events(events: &[u8]) -> &'static [u8] {
    const STATES: &[(&[u8], &[u8])] = &[
        (b"Deliver", b"delivered"),
        (b"Fail", b"failed"),
        (b"Quarantine", b"quarantined"),
        (b"Quarantined", b"quarantined"),
        (b"FilteredAsSpam", b"filteredAsSpam"),
        (b"Drop", b"filteredAsSpam"),
        (b"Send", b"delivered"),
        (b"SendExternal", b"delivered"),
        (b"Expand", b"expanded"),
        (b"Resolve", b"expanded"),
        (b"Redirect", b"expanded"),
        (b"Defer", b"pending"),
    ];
    let has =
        |word: &[u8]| events.split(|&byte| byte == b',').any(|event| event.trim_ascii().eq_ignore_ascii_case(word));
    STATES.iter().find(|(word, _)| has(word)).map_or(b"gettingStatus", |(_, state)| state)
}

impl Counts {
    /// For the person who imports. `others` are the reader's own counts.
    pub fn remarks(&self, others: &[(u64, &str)]) -> Vec<String> {
        let mut remarks = Vec::new();
        if let (Some(first), Some(last)) = (self.first, self.last) {
            let rows = self.rows;
            remarks.push(format!("Message trace of Microsoft 365, {rows} rows from {} to {}.", iso(first), iso(last)));
        } else {
            remarks.push("A message trace of Microsoft 365 without any row.".to_owned());
        }
        if self.rows > 0 && self.rows.is_multiple_of(PAGE_ROWS) {
            remarks.push(format!("Exactly {} rows: it may have been cut off where a page ends.", self.rows));
        }
        let own = [
            (self.undated, "no time that can be read, and were left out"),
            (self.incomplete, "no trace id or no recipient, and were left out"),
        ];
        for (count, what) in own.iter().chain(others).filter(|(count, _)| *count > 0) {
            remarks.push(format!("Rows that have {what}: {count}."));
        }
        remarks
    }
}
