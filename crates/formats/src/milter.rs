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
struct Form<'a> {
    v: u32,
    #[serde(borrow)]
    queue_id: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    message_id: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    subject: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    from: Cow<'a, str>,
    #[serde(borrow, rename = "type", skip_serializing_if = "str::is_empty")]
    media_type: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_false")]
    list: bool,
    #[serde(skip_serializing_if = "is_false")]
    auto: bool,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    signed: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    encrypted: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_false")]
    dkim: bool,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Part<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    cut: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Part<'a> {
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
    let content = &inside.content;
    let form = Form {
        v: VERSION,
        queue_id: inside.queue_id.as_str().into(),
        message_id: inside.message_id.as_str().into(),
        subject: inside.subject.as_str().into(),
        from: content.header_from.as_str().into(),
        media_type: content.media_type.as_str().into(),
        list: content.list,
        auto: content.automatic,
        signed: content.signed.as_str().into(),
        encrypted: content.encrypted.as_str().into(),
        dkim: content.dkim,
        attachments: content.attachments.iter().map(written).collect(),
        cut: content.cut,
    };
    // Nothing in it can fail to be written: no map, no foreign serializer.
    serde_json::to_string(&form).unwrap_or_default()
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
    let Ok(form) = serde_json::from_slice::<Form<'_>>(text) else { return Record::Unknown };
    match QueueId::new(form.queue_id.as_bytes()) {
        Some(queue_id) if form.v == VERSION => Record::Content(inside(queue_id, form)),
        _ => Record::Unknown,
    }
}

fn inside(queue_id: QueueId, form: Form<'_>) -> Inside {
    Inside {
        queue_id,
        message_id: Text::from(form.message_id),
        subject: Text::from(form.subject),
        content: Box::new(Content {
            header_from: Text::from(form.from),
            media_type: Text::from(form.media_type),
            list: form.list,
            automatic: form.auto,
            signed: Text::from(form.signed),
            encrypted: Text::from(form.encrypted),
            dkim: form.dkim,
            attachments: form.attachments.into_iter().map(attachment).collect(),
            cut: form.cut,
        }),
    }
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
