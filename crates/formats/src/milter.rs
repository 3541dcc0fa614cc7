//! What Vigie's own milter tells of a message: one line each, a JSON object. The milter writes it by [`payload`], the server reads it by
//! [`read`], so that both agree; `docs/guides/milter.md` describes it.
//!
//! `{"v":1,"queue_id":"4jXGQ5","subject":"Minutes","from":"a@example.com","type":"multipart/mixed","attachments":[…]}`. What is empty,
//! false or unknown is left out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use vigie_model::{Attachment, Content, QueueId, Text};

use crate::{Format, Inside, Record};

pub const FORMAT: Format = Format {
    name: "Vigie milter",
    read: |envelope| (envelope.program == PROGRAM.as_bytes()).then(|| read(envelope.text)),
};

/// The program in the envelope of its lines.
pub const PROGRAM: &str = "vigie-milter";
/// The form that is written here. A later one that these fields no longer describe has another number.
const VERSION: u32 = 1;

/// The object. Frozen: a new fact is a new key, which older readers pass over.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Form<'a> {
    pub(crate) v: u32,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) queue_id: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) message_id: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) subject: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) from: Cow<'a, str>,
    #[serde(borrow, rename = "type", skip_serializing_if = "str::is_empty")]
    pub(crate) media_type: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) list: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) auto: bool,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) signed: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) encrypted: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) dkim: bool,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attachments: Vec<Part<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) cut: bool,
    /// Of a copy: where it lies, so that no two lines are alike that are not of one copy.
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) place: Cow<'a, str>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Part<'a> {
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    name: Cow<'a, str>,
    #[serde(borrow, rename = "type", skip_serializing_if = "str::is_empty")]
    declared: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    sniffed: Cow<'a, str>,
    size: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What stands behind `vigie-milter: `.
pub fn payload(inside: &Inside) -> String {
    let form = Form {
        queue_id: inside.queue_id.as_str().into(),
        message_id: inside.message_id.as_str().into(),
        subject: inside.subject.as_str().into(),
        ..Form::of(&inside.content)
    };
    form.text()
}

impl<'a> Form<'a> {
    pub(crate) fn of(content: &'a Content) -> Self {
        Form {
            v: VERSION,
            from: content.header_from.as_str().into(),
            media_type: content.media_type.as_str().into(),
            list: content.list,
            auto: content.automatic,
            signed: content.signed.as_str().into(),
            encrypted: content.encrypted.as_str().into(),
            dkim: content.dkim,
            attachments: content.attachments.iter().map(written).collect(),
            cut: content.cut,
            ..Form::default()
        }
    }

    pub(crate) fn text(&self) -> String {
        // Nothing in it can fail to be written: no map, no foreign serializer.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `None` for what is no such object, or one of a later form.
    pub(crate) fn read(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice::<Form<'a>>(text).ok().filter(|form| form.v == VERSION)
    }

    pub(crate) fn content(self) -> Box<Content> {
        Box::new(Content {
            header_from: Text::from(self.from),
            media_type: Text::from(self.media_type),
            list: self.list,
            automatic: self.auto,
            signed: Text::from(self.signed),
            encrypted: Text::from(self.encrypted),
            dkim: self.dkim,
            attachments: self.attachments.into_iter().map(attachment).collect(),
            cut: self.cut,
        })
    }
}

fn written(attachment: &Attachment) -> Part<'_> {
    Part {
        name: attachment.name.as_str().into(),
        declared: attachment.declared.as_str().into(),
        sniffed: attachment.sniffed.as_str().into(),
        size: attachment.size,
    }
}

/// Reads the payload of such a line.
pub fn read(text: &[u8]) -> Record<'static> {
    let Some(form) = Form::read(text) else { return Record::Unknown };
    let Some(queue_id) = QueueId::new(form.queue_id.as_bytes()) else { return Record::Unknown };
    let (message_id, subject) = (Text::from(&*form.message_id), Text::from(&*form.subject));
    Record::Content(Inside { queue_id, message_id, subject, content: form.content() })
}

fn attachment(part: Part<'_>) -> Attachment {
    Attachment {
        name: Text::from(part.name),
        declared: Text::from(part.declared),
        sniffed: Text::from(part.sniffed),
        size: part.size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{self, Scratch};

    fn told() -> Inside {
        Inside {
            queue_id: QueueId::new(b"4jXGQ503wXz1Y5Q7").unwrap(),
            message_id: "<a\"b\\c@example.com>".into(),
            subject: "été — {\"v\":2}".into(),
            content: Box::new(Content {
                header_from: "a@example.com".into(),
                media_type: "multipart/mixed".into(),
                list: true,
                automatic: true,
                signed: "pgp".into(),
                encrypted: "s/mime".into(),
                dkim: true,
                attachments: vec![
                    Attachment {
                        name: "Übersicht 2026.pdf".into(),
                        declared: "application/pdf".into(),
                        sniffed: "application/zip".into(),
                        size: u64::MAX,
                    },
                    Attachment::default(),
                ],
                cut: true,
            }),
        }
    }

    #[test]
    fn what_is_written_reads_as_the_same() {
        for inside in [told(), Inside { content: Box::default(), ..told() }] {
            let line = format!("2026-11-22T04:32:46.123456+00:00 edge1 vigie-milter: {}", payload(&inside));
            let mut scratch = Scratch::default();
            let envelope = envelope::parse(line.as_bytes(), &mut scratch).unwrap();
            assert_eq!(envelope.host, b"edge1");
            assert_eq!(crate::read(&envelope), Record::Content(inside));
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let inside = Inside { message_id: "".into(), subject: "".into(), content: Box::default(), ..told() };
        assert_eq!(payload(&inside), r#"{"v":1,"queue_id":"4jXGQ503wXz1Y5Q7"}"#);
    }

    #[test]
    fn a_key_of_a_later_version_is_passed_over() {
        let Record::Content(inside) = read(br#"{"v":1,"queue_id":"4F1","subject":"x","later":[{"a":1}]}"#) else {
            panic!()
        };
        assert_eq!((inside.queue_id.as_str(), inside.subject.as_str()), ("4F1", "x"));
    }

    #[test]
    fn what_is_no_such_object_is_unknown() {
        for text in [
            "",
            "x",
            "{}",
            "[]",
            r#"{"v":2,"queue_id":"4F1"}"#,
            r#"{"v":1}"#,
            r#"{"v":1,"queue_id":""}"#,
            r#"{"v":1,"queue_id":"4 F"}"#,
            r#"{"v":1,"queue_id":"4F1","attachments":[{"size":-1}]}"#,
            r#"{"v":1,"queue_id":"4F1""#,
        ] {
            assert_eq!(read(text.as_bytes()), Record::Unknown, "{text}");
        }
    }
}
