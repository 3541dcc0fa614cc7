//! An entry, as far as a mail log needs it, and the line that it becomes.

use vigie_formats::envelope::push_journal_value;

use super::cursor::Cursor;
use crate::LINE_BYTES_MAX;

/// Each line begins with it, so that its cursor is found without reading JSON.
pub(super) const CURSOR_START: &[u8] = b"{\"__CURSOR\":\"";
/// The most that is kept of a field. A line does not hold more.
pub(super) const FIELD_BYTES_MAX: usize = LINE_BYTES_MAX;
/// The most that is kept of any field but the message: names of hosts, units and programs are far shorter.
const NAME_BYTES_MAX: usize = 512;
/// What `]"}` and the like need behind a message that is cut.
const CLOSING_BYTES: usize = 4;

/// The fields that are read, in the order in which they are written. The message is last, so that only it is cut.
pub(super) const FIELDS: [&str; 10] = [
    "__REALTIME_TIMESTAMP",
    "_HOSTNAME",
    "_TRANSPORT",
    "SYSLOG_FACILITY",
    "SYSLOG_IDENTIFIER",
    "_COMM",
    "SYSLOG_PID",
    "_PID",
    "_SYSTEMD_UNIT",
    "MESSAGE",
];
const FACILITY: usize = 3;
const IDENTIFIER: usize = 4;
const UNIT: usize = 8;
const MESSAGE: usize = 9;

/// One entry of a journal.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) cursor: Option<Cursor>,
    values: [Option<Vec<u8>>; FIELDS.len()],
    /// Something of it was too long.
    is_cut: bool,
}

impl Entry {
    /// How many bytes of a field's value are of use; 0 for a field that is not read.
    pub(super) fn bytes_max(name: &[u8]) -> usize {
        match index(name) {
            Some(MESSAGE) => FIELD_BYTES_MAX,
            Some(_) => NAME_BYTES_MAX,
            None if name == b"__CURSOR" => super::cursor::CURSOR_BYTES_MAX + 1,
            None => 0,
        }
    }

    /// Sets a field. The first value of a field that occurs more than once stays, as `journalctl -o json` puts it first.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8], is_cut: bool) {
        if name == b"__CURSOR" {
            self.cursor = Cursor::new(value);
        } else if let Some(index) = index(name)
            && self.values[index].is_none()
        {
            let kept = value.len().min(Self::bytes_max(name));
            self.is_cut |= is_cut || kept < value.len();
            self.values[index] = Some(value[..kept].to_vec());
        }
    }

    pub(super) fn facility(&self) -> Option<u8> {
        std::str::from_utf8(self.value(FACILITY)?).ok()?.parse().ok()
    }

    pub(super) fn identifier(&self) -> Option<&[u8]> {
        self.value(IDENTIFIER)
    }

    pub(super) fn unit(&self) -> Option<&[u8]> {
        self.value(UNIT)
    }

    pub(super) fn has_message(&self) -> bool {
        self.value(MESSAGE).is_some()
    }

    fn value(&self, index: usize) -> Option<&[u8]> {
        self.values[index].as_deref()
    }

    /// The entry as a line of JSON of at most [`LINE_BYTES_MAX`] bytes, and whether all of it had room.
    pub(super) fn line(&self, into: &mut Vec<u8>) -> bool {
        into.clear();
        into.extend_from_slice(CURSOR_START);
        into.extend_from_slice(self.cursor.as_ref().map_or("", Cursor::text).as_bytes());
        into.push(b'"');
        let mut is_whole = !self.is_cut;
        for (name, value) in FIELDS.iter().zip(&self.values) {
            let Some(value) = value else { continue };
            into.extend_from_slice(b",\"");
            into.extend_from_slice(name.as_bytes());
            into.extend_from_slice(b"\":");
            is_whole &= push_journal_value(value, LINE_BYTES_MAX - CLOSING_BYTES, into);
        }
        into.push(b'}');
        is_whole
    }
}

fn index(name: &[u8]) -> Option<usize> {
    FIELDS.iter().position(|field| field.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use vigie_formats::envelope::{self, Scratch, Stamp};

    use super::*;

    fn entry(message: &[u8]) -> Entry {
        let mut entry = Entry::default();
        for (name, value) in [
            ("__CURSOR", "s=1;i=2"),
            ("__REALTIME_TIMESTAMP", "1772445600000001"),
            ("_HOSTNAME", "edge1"),
            ("SYSLOG_IDENTIFIER", "postfix/smtpd"),
            ("_PID", "5"),
            ("X_OTHER", "not read"),
        ] {
            entry.set(name.as_bytes(), value.as_bytes(), false);
        }
        entry.set(b"MESSAGE", message, false);
        entry.set(b"MESSAGE", b"another", false);
        entry
    }

    fn reads_as(message: &[u8]) -> (Vec<u8>, bool, Vec<u8>) {
        let mut line = Vec::new();
        let is_whole = entry(message).line(&mut line);
        assert!(line.len() <= LINE_BYTES_MAX && !line.contains(&b'\n') && !line.contains(&0), "one line");
        assert_eq!(Cursor::of_line(&line), Cursor::new(b"s=1;i=2"));
        let mut scratch = Scratch::default();
        let envelope = envelope::parse(&line, &mut scratch).expect("an envelope");
        assert_eq!(envelope.stamp, Stamp::Utc(1_772_445_600_000_001));
        assert_eq!((envelope.host, envelope.program, envelope.pid), (&b"edge1"[..], &b"postfix/smtpd"[..], 5));
        (envelope.text.to_vec(), is_whole, line.clone())
    }

    #[test]
    fn the_server_reads_what_the_entry_says() {
        for message in [
            &b"connect from a"[..],
            b"\"quoted\" \\ \t\n\r\0\x01\x7F",
            "caf\u{e9} \u{1F600}".as_bytes(),
            b"\xFF\xFE\x00",
            b"",
        ] {
            let (text, is_whole, _) = reads_as(message);
            assert_eq!((text.as_slice(), is_whole), (message, true));
        }
    }

    #[test]
    fn a_message_too_long_is_cut_and_the_line_is_still_json() {
        for message in [
            vec![b'x'; LINE_BYTES_MAX],
            vec![b'\n'; LINE_BYTES_MAX],
            vec![0xFF; LINE_BYTES_MAX],
            "\u{20AC}".repeat(30_000).into_bytes(),
        ] {
            let (text, is_whole, line) = reads_as(&message);
            assert!(!is_whole && message.starts_with(&text) && line.len() > LINE_BYTES_MAX - 16);
        }
    }
}
