//! What the collector tells of the copies that lie in a journal mailbox: one line each, in the form of the [milter](crate::milter)'s.
//! The collector writes it by [`line`], the server reads it by [`read`]; `docs/guides/journal-mailbox.md` describes it.
//!
//! `2026-11-22T04:32:46Z mx1 vigie-mailbox: {"v":1,"queue_id":"1rXyz0-0001Ab-2C",…}`: server and time are those of the line `Received`
//! that the server wrote when it took the message, and not those of the copy. So the line says the same whenever it is written.

use vigie_model::{Micros, QueueId, Text, iso};

use crate::{Format, JournalCopy, Record, milter::Form};

pub const FORMAT: Format = Format {
    name: "Vigie mailbox",
    read: |envelope| (envelope.program == PROGRAM.as_bytes()).then(|| read(envelope.text)),
};

/// The program in the envelope of its lines.
pub const PROGRAM: &str = "vigie-mailbox";

/// Where a copy lies: the mailbox's UIDVALIDITY and the copy's UID, which together never name another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CopyPlace {
    pub validity: u32,
    pub uid: u32,
}

/// The line of a copy, without its end.
pub fn line(received: Micros, server: &str, copy: &JournalCopy, place: CopyPlace) -> String {
    let place = format!("{}/{}", place.validity, place.uid);
    let form = Form {
        queue_id: copy.queue_id.as_ref().map_or("", QueueId::as_str).into(),
        message_id: copy.message_id.as_str().into(),
        subject: copy.subject.as_str().into(),
        place: place.as_str().into(),
        ..Form::of(&copy.content)
    };
    format!("{} {server} {PROGRAM}: {}", iso(received), form.text())
}

/// Reads the payload of such a line.
pub fn read(text: &[u8]) -> Record<'static> {
    let Some(form) = Form::read(text) else { return Record::Unknown };
    let queue_id = QueueId::new(form.queue_id.as_bytes());
    let (message_id, subject) = (Text::from(&*form.message_id), Text::from(&*form.subject));
    if queue_id.is_none() && message_id.is_empty() {
        return Record::Unknown;
    }
    Record::Copy(JournalCopy { queue_id, message_id, subject, content: form.content() })
}

/// Of which copy a whole line is; `None` for any other line.
pub fn place_of(line: &[u8]) -> Option<CopyPlace> {
    let mark = [b" ", PROGRAM.as_bytes(), b": "].concat();
    let at = memchr::memmem::find(line, &mark)?;
    let form = Form::read(line.get(at + mark.len()..)?)?;
    let (validity, uid) = form.place.split_once('/')?;
    Some(CopyPlace { validity: validity.parse().ok()?, uid: uid.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use vigie_model::{Attachment, Content};

    use super::*;
    use crate::envelope::{self, Scratch};

    const PLACE: CopyPlace = CopyPlace { validity: 1_795_321_949, uid: u32::MAX };

    fn copy() -> JournalCopy {
        JournalCopy {
            queue_id: QueueId::new(b"1vMabc-00000001Abc-2DEf"),
            message_id: "<a vigie-mailbox: b@example.com>".into(),
            subject: "été — \"place\":\"1/2\"".into(),
            content: Box::new(Content {
                header_from: "a@example.com".into(),
                media_type: "multipart/mixed".into(),
                dkim: true,
                attachments: vec![Attachment { name: "a.pdf".into(), size: 9, ..Attachment::default() }],
                ..Content::default()
            }),
        }
    }

    #[test]
    fn what_is_written_reads_as_the_same_and_says_where_it_lies() {
        for copy in [
            copy(),
            JournalCopy { queue_id: None, ..copy() },
            JournalCopy { message_id: "".into(), content: Box::default(), ..copy() },
        ] {
            let line = line(1_795_321_949_000_000, "mx1", &copy, PLACE);
            assert!(line.starts_with("2026-11-22T04:32:29Z mx1 vigie-mailbox: {\"v\":1,"), "{line}");
            let mut scratch = Scratch::default();
            let envelope = envelope::parse(line.as_bytes(), &mut scratch).unwrap();
            assert_eq!(crate::read(&envelope), Record::Copy(copy));
            assert_eq!(place_of(line.as_bytes()), Some(PLACE));
        }
    }

    #[test]
    fn what_names_no_message_is_unknown() {
        for text in ["", "{}", r#"{"v":1}"#, r#"{"v":2,"queue_id":"4F1"}"#, r#"{"v":1,"queue_id":"4 F"}"#] {
            assert_eq!(read(text.as_bytes()), Record::Unknown, "{text}");
        }
        for line in ["", "x", "2026-11-22T04:32:29Z mx1 vigie-milter: {\"v\":1,\"queue_id\":\"4F1\"}"] {
            assert_eq!(place_of(line.as_bytes()), None, "{line}");
        }
    }
}
