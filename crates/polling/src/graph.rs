//! What is asked of Graph, and what it answers.
//!
//! `GET /v1.0/admin/exchange/tracing/messageTraces` with both ends of the time and the size of a page; then whatever
//! `@odata.nextLink` says (learn.microsoft.com/graph/api/messagetracingroot-list-messagetraces). Every other parameter is left out: the
//! service ignores some without a word.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use vigie_formats::transcript::microsoft365::Row;
use vigie_model::Micros;

use crate::civil;
use crate::plan::Window;

const PATH: &str = "/v1.0/admin/exchange/tracing/messageTraces";
/// Of a link; those of Graph have some hundred letters.
pub(crate) const LINK_BYTES_MAX: usize = 16 << 10;

/// Path and query of the first page of a window.
pub(crate) fn first_page(window: Window, rows: u64) -> String {
    let (start, end) = (civil::written(window.start), civil::written(window.end));
    let filter = format!("receivedDateTime ge {start} and receivedDateTime le {end}");
    format!("{PATH}?$filter={}&$top={rows}", filter.replace(' ', "%20").replace(':', "%3A"))
}

/// A path with its query, fit to be sent: a link may hold blanks and letters beyond ASCII.
pub(crate) fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            // What RFC 3986 allows in a query, and the % of what is escaped already.
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(byte as char),
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
            | b':' | b'@' | b'/' | b'?' | b'%' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A page as it came.
#[derive(Debug, Default, serde::Deserialize)]
struct PageText {
    value: Option<Vec<RowText>>,
    #[serde(rename = "@odata.nextLink", default)]
    next: Word,
    error: Option<IgnoredAny>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct RowText {
    id: Word,
    #[serde(rename = "messageId")]
    message_id: Word,
    #[serde(rename = "senderAddress")]
    sender: Word,
    #[serde(rename = "recipientAddress")]
    recipient: Word,
    subject: Word,
    size: Word,
    status: Word,
    #[serde(rename = "fromIP")]
    from_ip: Word,
    #[serde(rename = "toIP")]
    to_ip: Word,
    #[serde(rename = "receivedDateTime")]
    received: Word,
}

/// A value of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Word {
    /// Not there, or neither text nor number.
    #[default]
    Absent,
    Null,
    Text(String),
}

impl Word {
    pub(crate) fn text(&self) -> &str {
        if let Word::Text(text) = self { text } else { "" }
    }

    /// Of an address: said to be none is something else than not said.
    fn said(&self) -> Option<&[u8]> {
        match self {
            Word::Absent => None,
            Word::Null => Some(b""),
            Word::Text(text) => Some(text.trim().as_bytes()),
        }
    }
}

/// One recipient of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GraphRow {
    pub(crate) received: Micros,
    pub(crate) id: Word,
    pub(crate) message_id: Word,
    pub(crate) sender: Word,
    pub(crate) recipient: Word,
    pub(crate) subject: Word,
    pub(crate) size: Word,
    pub(crate) status: Word,
    pub(crate) from_ip: Word,
    pub(crate) to_ip: Word,
}

impl GraphRow {
    /// As its line is made of.
    pub(crate) fn row(&self) -> Row<'_> {
        Row {
            received: self.received,
            id: self.id.text().as_bytes(),
            message_id: self.message_id.text().as_bytes(),
            sender: self.sender.text().as_bytes(),
            recipient: self.recipient.text().as_bytes(),
            subject: self.subject.text().as_bytes(),
            size: self.size.text().parse().ok(),
            status: self.status.text().as_bytes(),
            from_ip: self.from_ip.said(),
            to_ip: self.to_ip.said(),
        }
    }

    /// `None`: no line can be made of a row without a time.
    fn of(text: RowText) -> Option<GraphRow> {
        Some(GraphRow {
            received: civil::read(text.received.text())?,
            id: text.id,
            message_id: text.message_id,
            sender: text.sender,
            recipient: text.recipient,
            subject: text.subject,
            size: text.size,
            status: text.status,
            from_ip: text.from_ip,
            to_ip: text.to_ip,
        })
    }
}

/// One page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<GraphRow>,
    /// Rows of which no line can be made.
    pub(crate) unreadable: u64,
    pub(crate) next: Option<String>,
}

/// Reads a page; `None` when it is none, or not a whole one.
pub(crate) fn page(body: &[u8]) -> Option<Page> {
    let text: PageText = serde_json::from_slice(body).ok()?;
    // An error may come after the first rows, when the status was sent already.
    if text.error.is_some() {
        return None;
    }
    let found = text.value?;
    let count = found.len();
    let rows: Vec<GraphRow> = found.into_iter().filter_map(GraphRow::of).collect();
    let unreadable = (count - rows.len()) as u64;
    let next = match text.next {
        Word::Text(link) if !link.is_empty() => Some(link),
        _ => None,
    };
    Some(Page { rows, unreadable, next })
}

/// What Graph says of an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Of a problem's text, on one line.
const SAID_BYTES_MAX: usize = 300;

pub(crate) fn problem(body: &[u8]) -> Problem {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Text {
        error: Inner,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Inner {
        code: Word,
        message: Word,
    }
    let text: Text = serde_json::from_slice(body).unwrap_or_default();
    Problem { code: plain(text.error.code.text()), message: plain(text.error.message.text()) }
}

/// Cut, and without control characters: a stranger wrote it.
pub(crate) fn plain(text: &str) -> String {
    let text = text.split(['\r', '\n']).next().unwrap_or_default();
    let end = text.floor_char_boundary(SAID_BYTES_MAX);
    text[..end].chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => formatter.write_str("without a reason"),
            ("", text) | (text, "") => formatter.write_str(text),
            (code, message) => write!(formatter, "{code}: {message}"),
        }
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
        deserializer.deserialize_any(Words)
    }
}

struct Words;

impl<'de> Visitor<'de> for Words {
    type Value = Word;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Word, E> {
        Ok(Word::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Word, E> {
        Ok(Word::Text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Word, E> {
        Ok(Word::Text(number.to_string()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Word, E> {
        Ok(Word::Absent)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Word, E> {
        Ok(Word::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Word, E> {
        Ok(Word::Absent)
    }

    fn visit_unit<E>(self) -> Result<Word, E> {
        Ok(Word::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Word, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Word::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Word::Absent)
    }
}

#[cfg(test)]
mod tests;
