//! Microsoft 365's message trace, exported or asked for: one line for each row.
//!
//! A row is one recipient of one message. Its line is `TIME microsoft365 microsoft365: COLUMNS`, with the time at which the message was
//! received, and Graph's names of the columns (`exchangeMessageTrace`), in this order:
//!
//! | column | what it says |
//! | --- | --- |
//! | `id` | trace id: the network message id, in lower case with hyphens |
//! | `messageId` | the header `Message-ID`, as it stands there |
//! | `senderAddress`, `recipientAddress` | of the envelope |
//! | `subject` | decoded |
//! | `size` | bytes |
//! | `status` | `delivered`, `expanded`, `failed`, `filteredAsSpam`, `quarantined`, `pending`, `gettingStatus`; as Graph writes it |
//! | `fromIP`, `toIP` | the server that sent it in, the server it was sent out to; `-`: said to be none |
//!
//! | `directionality` | `incoming`, `originating`; only the reports of a historical search say so |
//! | `event` | what happened (`DELIVER`, …), and then the line's time is when; only the extended reports say so |
//!
//! What a row does not say is left out. The line of a row that was asked for again is the same line for as long as its status is; of
//! two statuses the format's own order says which is the newer one, so nothing else needs to tell.

mod dates;
mod export;
#[cfg(test)]
mod exports;
mod json;
mod values;

use vigie_model::{Micros, iso};

use super::{
    Kind, Settings, Transcriber, push_column,
    sorted::{Of, Sorted},
    utf16::Utf16,
};

pub const KIND: Kind = Kind { name: "Microsoft 365 message trace", recognise };

/// CSV as PowerShell and the admin centres export it, or JSON as the services answer. Downloads of a historical search are UTF-16.
fn recognise(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>> {
    let Some(mut decoder) = Utf16::of(head) else { return of_text(head, settings) };
    let mut text = Vec::new();
    decoder.decode(head, &mut text);
    let inner = of_text(&text, settings)?;
    Some(Box::new(Decoded { decoder: Utf16::of(head)?, inner, text }))
}

fn of_text(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>> {
    let json = || json::Objects::recognise(head, settings).map(|found| Box::new(found) as Box<dyn Transcriber>);
    let csv = || export::Export::recognise(head, settings).map(|found| Box::new(found) as Box<dyn Transcriber>);
    let rows = json().or_else(csv)?;
    Some(if settings.is_growing { rows } else { Box::new(Sorted::new(rows, Of::Lines)) })
}

/// A file of UTF-16, read as the UTF-8 that it would be.
struct Decoded {
    decoder: Utf16,
    inner: Box<dyn Transcriber>,
    text: Vec<u8>,
}

impl Transcriber for Decoded {
    fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.text.clear();
        self.decoder.decode(bytes, &mut self.text);
        self.inner.bytes(&self.text, out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.inner.finish(out);
    }

    fn remarks(&self) -> Vec<String> {
        self.inner.remarks()
    }
}

/// One recipient of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row<'a> {
    /// When Microsoft 365 received the message; of the years 1980 to 2199.
    pub received: Micros,
    pub id: &'a [u8],
    pub message_id: &'a [u8],
    /// Empty: the null sender, or not said.
    pub sender: &'a [u8],
    pub recipient: &'a [u8],
    pub subject: &'a [u8],
    pub size: Option<u64>,
    pub status: &'a [u8],
    /// `None`: not said. `Some(b"")`: said to be none (null, or a column that is empty): the message did not come in from outside.
    pub from_ip: Option<&'a [u8]>,
    /// As `from_ip`: the message did not go out to another server.
    pub to_ip: Option<&'a [u8]>,
}

/// Appends the row's line, with its end.
pub fn line(row: &Row<'_>, out: &mut Vec<u8>) {
    line_of(row, b"", b"", out);
}

/// As [`line`], with what only reports of a historical search say.
fn line_of(row: &Row<'_>, direction: &[u8], event: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(iso(row.received).as_bytes());
    out.extend_from_slice(b" microsoft365 microsoft365: ");
    let size = row.size.map(|size| size.to_string()).unwrap_or_default();
    push_column(out, b"id", &hyphenated(row.id));
    push_column(out, b"messageId", row.message_id);
    push_column(out, b"senderAddress", row.sender);
    push_column(out, b"recipientAddress", row.recipient);
    push_column(out, b"subject", row.subject);
    push_column(out, b"size", size.as_bytes());
    push_column(out, b"status", &status(row.status));
    push_column(out, b"fromIP", said(row.from_ip));
    push_column(out, b"toIP", said(row.to_ip));
    push_column(out, b"directionality", direction);
    push_column(out, b"event", event);
    out.push(b'\n');
}

fn said(ip: Option<&[u8]>) -> &[u8] {
    match ip {
        None => b"",
        Some(b"") => b"-",
        Some(ip) => ip,
    }
}

/// Some exports write the trace id with capitals, and PowerShell takes it without hyphens too.
fn hyphenated(id: &[u8]) -> Vec<u8> {
    let id = id.trim_ascii().to_ascii_lowercase();
    if id.len() == 32 && id.iter().all(u8::is_ascii_hexdigit) {
        return [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join(&b'-');
    }
    id
}

/// Graph's spelling: PowerShell begins with a capital.
fn status(word: &[u8]) -> Vec<u8> {
    let mut word: Vec<u8> = word.trim_ascii().to_vec();
    if let Some(first) = word.first_mut() {
        first.make_ascii_lowercase();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_one_line() {
        let row = Row {
            received: 1_795_321_949_010_785,
            id: b"5ECB6B5A0D0E4B0F9F3C08DE2A1B3C4D",
            message_id: b"<one@example.com>",
            sender: b"ann@example.com",
            recipient: b"bob@example.net",
            subject: b"tab\there; \"and\" a\nline",
            size: Some(4711),
            status: b"GettingStatus",
            from_ip: Some(b""),
            to_ip: None,
        };
        let mut out = Vec::new();
        line(&row, &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "2026-11-22T04:32:29.010785Z microsoft365 microsoft365: id=5ecb6b5a-0d0e-4b0f-9f3c-08de2a1b3c4d\t\
             messageId=<one@example.com>\tsenderAddress=ann@example.com\trecipientAddress=bob@example.net\t\
             subject=tab here; \"and\" a line\tsize=4711\tstatus=gettingStatus\tfromIP=-\n"
        );
    }

    #[test]
    fn what_is_not_said_is_left_out() {
        let mut out = Vec::new();
        line(&Row { id: b"x", ..Row::default() }, &mut out);
        assert_eq!(out, b"1970-01-01T00:00:00Z microsoft365 microsoft365: id=x\n");
    }
}
