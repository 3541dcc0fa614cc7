//! The fields of a header, of the message or of a part of it. Only those that are asked for are kept, each to a bound.

use memchr::memchr;

/// Bytes kept of one field; longer ones are read so far. Content types with many long file names have a few hundred.
const VALUE_BYTES_MAX: usize = 8 * 1024;
/// No name that is asked for is as long.
const NAME_BYTES_MAX: usize = 64;

/// A field that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    ContentType,
    Disposition,
    Encoding,
    ContentId,
    Subject,
    From,
    MessageId,
    List,
    Precedence,
    AutoSubmitted,
    Dkim,
}

const FIELDS: usize = 11;

/// Names in lower case. Several of mailing lists (RFC 2369, RFC 2919, and what was written before these) mean the same.
const NAMES: &[(&[u8], Field)] = &[
    (b"content-type", Field::ContentType),
    (b"content-disposition", Field::Disposition),
    (b"content-transfer-encoding", Field::Encoding),
    (b"content-id", Field::ContentId),
    (b"subject", Field::Subject),
    (b"from", Field::From),
    (b"message-id", Field::MessageId),
    (b"list-id", Field::List),
    (b"list-post", Field::List),
    (b"list-unsubscribe", Field::List),
    (b"mailing-list", Field::List),
    (b"x-mailing-list", Field::List),
    (b"precedence", Field::Precedence),
    (b"auto-submitted", Field::AutoSubmitted),
    (b"dkim-signature", Field::Dkim),
];

/// A header as it comes, line by line or field by field. Of fields that are there twice the first counts.
#[derive(Debug, Default)]
pub(super) struct Head {
    values: [Option<Vec<u8>>; FIELDS],
    /// The field that the next line may go on with.
    open: Option<Field>,
    /// A field's name that has not come whole.
    name: Vec<u8>,
}

impl Head {
    /// Bytes of a line, or the whole of it with its end. `starts`: they are its first.
    pub(super) fn line(&mut self, bytes: &[u8], starts: Start) {
        match starts {
            Start::Inside if self.name.is_empty() => self.append(bytes),
            Start::Inside => self.name_or_value(bytes),
            Start::Line if matches!(bytes.first(), Some(b' ' | b'\t')) => self.append(bytes),
            Start::Line => {
                self.open = None;
                self.name.clear();
                self.name_or_value(bytes);
            }
        }
    }

    /// A field that came whole.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        self.name.clear();
        self.open(name);
        self.append(value);
        self.open = None;
    }

    /// What a field says; empty where it is not there.
    pub(super) fn value(&self, field: Field) -> &[u8] {
        self.values[field as usize].as_deref().unwrap_or_default()
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.values[field as usize].is_some()
    }

    /// A name may come in pieces, where a line is long; what has no colon is no field.
    fn name_or_value(&mut self, bytes: &[u8]) {
        let Some(colon) = memchr(b':', bytes) else {
            let room = (NAME_BYTES_MAX + 1).saturating_sub(self.name.len());
            self.name.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return;
        };
        let (name, value) = (&bytes[..colon], &bytes[colon + 1..]);
        let room = (NAME_BYTES_MAX + 1).saturating_sub(self.name.len());
        self.name.extend_from_slice(&name[..name.len().min(room)]);
        let name = std::mem::take(&mut self.name);
        self.open(&name);
        self.append(value);
    }

    fn open(&mut self, name: &[u8]) {
        let name = name.trim_ascii_end();
        let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        self.open = known.map(|(_, field)| *field).filter(|field| !self.has(*field));
        if let Some(field) = self.open {
            self.values[field as usize] = Some(Vec::new());
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        let Some(value) = self.open.and_then(|field| self.values[field as usize].as_mut()) else { return };
        let room = VALUE_BYTES_MAX - value.len();
        value.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Whether bytes are the first of their line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Line,
    Inside,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_are_whole_and_the_first_of_two_counts() {
        let mut head = Head::default();
        for line in [
            "Subject: one\r\n",
            "\ttwo\r\n",
            "X-Other: a\r\n",
            " b\r\n",
            "no field\r\n",
            "SUBJECT : three\r\n",
            " four\r\n",
        ] {
            head.line(line.as_bytes(), Start::Line);
        }
        assert_eq!(head.value(Field::Subject), b" one\r\n\ttwo\r\n");
        assert!(!head.has(Field::From));
    }

    #[test]
    fn a_line_in_pieces_is_the_same_line() {
        let line = b"Content-Type: text/plain; x=:y\r\n";
        for cut in 1..line.len() {
            let mut head = Head::default();
            head.line(&line[..cut], Start::Line);
            head.line(&line[cut..], Start::Inside);
            assert_eq!(head.value(Field::ContentType), b" text/plain; x=:y\r\n", "{cut}");
        }
    }

    #[test]
    fn a_megabyte_in_a_field_or_its_name_takes_no_megabyte() {
        let mut head = Head::default();
        head.line(&vec![b'n'; 1 << 20], Start::Line);
        assert!(head.name.len() <= NAME_BYTES_MAX + 1);
        head.field(b"subject", &vec![b's'; 1 << 20]);
        assert_eq!(head.value(Field::Subject).len(), VALUE_BYTES_MAX);
    }
}
