//! The same facts where another program took the message apart: an IMAP server says which parts there are (BODYSTRUCTURE), and no body is
//! read. What is an attachment is decided by the same rules; what only first bytes tell stays empty.

use vigie_model::{Attachment, Content, Text};

use super::head::Head;
use super::part::{Part, Protection, Standing};
use super::{ATTACHMENTS_MAX, NESTING_MAX, PARTS_MAX, Told};

/// Letters of a line of base64, and with its end (RFC 2045, 6.8). Nearly all programs write lines that are as long as they may be.
const BASE64_LINE_BYTES: u64 = 76;
const BASE64_LINE_WITH_END_BYTES: u64 = BASE64_LINE_BYTES + 2;

/// A part of a message, as whoever took it apart tells of it. Texts are values of header fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// `text/plain; charset=utf-8; name="a.txt"`
    pub content_type: Vec<u8>,
    /// `attachment; filename="a.txt"`
    pub disposition: Vec<u8>,
    pub encoding: Vec<u8>,
    pub has_content_id: bool,
    /// Bytes of its body, as it is encoded.
    pub bytes: u64,
    /// Those of a multipart; or the one message that this part is.
    pub parts: Vec<Branch>,
}

/// What a message says of itself, by the fields of its header and its parts. `None`: nothing is known of these.
pub fn told<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>, root: Option<&Branch>) -> Told {
    let (mut head, mut told) = (Head::default(), Told::default());
    fields.for_each(|(name, value)| head.field(name, value));
    let part = Part::read(&head);
    told.read_head(&head, &part);
    let mut walk = Walk { content: &mut told.content, parts: 0 };
    match root {
        Some(root) => walk.branch(root, Standing { family: None, before: 0 }, Depth { nesting: 0, messages: 0 }),
        // The header alone still says whether the whole is signed or encrypted.
        None => {
            walk.protected(part.protection);
            walk.content.cut = true;
        }
    }
    told
}

struct Walk<'a> {
    content: &'a mut Content,
    parts: u32,
}

/// How deep a part lies, and in how many messages.
#[derive(Clone, Copy)]
struct Depth {
    nesting: usize,
    messages: usize,
}

impl Walk<'_> {
    fn branch(&mut self, branch: &Branch, standing: Standing, depth: Depth) {
        let part = part_of(branch);
        if depth.messages == 0 {
            self.protected(part.protection);
        }
        let is_nested = !branch.parts.is_empty() && (part.family().is_some() || part.is_message(standing));
        if is_nested && depth.nesting >= NESTING_MAX {
            self.content.cut = true;
        } else if is_nested && let Some(family) = part.family() {
            for (before, inner) in (0..).zip(&branch.parts) {
                self.parts += 1;
                if self.parts > PARTS_MAX {
                    self.content.cut = true;
                    break;
                }
                let inside = Depth { nesting: depth.nesting + 1, ..depth };
                self.branch(inner, Standing { family: Some(family), before }, inside);
            }
        } else {
            if part.is_attachment(standing) {
                self.list(&part, size(branch));
            }
            if let Some(message) = branch.parts.first().filter(|_| is_nested) {
                let inside = Depth { nesting: depth.nesting + 1, messages: depth.messages + 1 };
                self.branch(message, Standing { family: None, before: 0 }, inside);
            }
        }
    }

    fn list(&mut self, part: &Part, size: u64) {
        let attachments = &mut self.content.attachments;
        if attachments.len() >= ATTACHMENTS_MAX {
            self.content.cut = true;
            return;
        }
        let (name, declared) = (Text::from(&*part.name), Text::from(&*part.media_type));
        attachments.push(Attachment { name, declared, sniffed: Text::default(), size });
    }

    fn protected(&mut self, protection: Protection) {
        let (fact, standard) = match protection {
            Protection::Signed(standard) => (&mut self.content.signed, standard),
            Protection::Encrypted(standard) => (&mut self.content.encrypted, standard),
            Protection::None | Protection::Smime | Protection::Aside => return,
        };
        if fact.is_empty() {
            *fact = Text::from(standard);
        }
    }
}

fn part_of(branch: &Branch) -> Part {
    let mut head = Head::default();
    head.field(b"content-type", &branch.content_type);
    head.field(b"content-disposition", &branch.disposition);
    head.field(b"content-transfer-encoding", &branch.encoding);
    if branch.has_content_id {
        head.field(b"content-id", b"");
    }
    let mut part = Part::read(&head);
    if !branch.parts.is_empty() {
        // It was taken apart, whatever its boundary was.
        part.boundary = b"-".to_vec();
    }
    part
}

/// Bytes when decoded: exact where nothing is encoded, within a byte or two for base64, and what it takes to send for quoted-printable.
fn size(branch: &Branch) -> u64 {
    if !branch.encoding.trim_ascii().eq_ignore_ascii_case(b"base64") {
        return branch.bytes;
    }
    let letters = branch.bytes - 2 * (branch.bytes / BASE64_LINE_WITH_END_BYTES);
    // Of the last three bytes one, two or three are there.
    (letters / 4 * 3).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(content_type: &str, disposition: &str, encoding: &str, bytes: u64) -> Branch {
        let (content_type, disposition) = (content_type.into(), disposition.into());
        Branch { content_type, disposition, encoding: encoding.into(), bytes, ..Branch::default() }
    }

    fn around(content_type: &str, parts: Vec<Branch>) -> Branch {
        Branch { parts, ..leaf(content_type, "", "7bit", 0) }
    }

    fn told_of(root: &Branch) -> Told {
        let fields: [(&[u8], &[u8]); 4] = [
            (b"Subject", b"=?utf-8?q?Proc=C3=A8s?="),
            (b"From", b"A <a@example.com>"),
            (b"Message-ID", b"<1@example.com>"),
            (b"Content-Type", &root.content_type),
        ];
        told(fields.into_iter(), Some(root))
    }

    #[test]
    fn attachments_are_those_that_the_milter_finds() {
        let page = around(
            "multipart/related",
            vec![
                leaf("text/html", "", "8bit", 100),
                Branch { has_content_id: true, ..leaf("image/png; name=logo.png", "inline", "base64", 400) },
            ],
        );
        let text = around("multipart/alternative", vec![leaf("text/plain", "", "", 9), page]);
        let forwarded = Branch {
            bytes: 500,
            ..around("message/rfc822", vec![leaf("application/zip; name=i.zip", "", "base64", 8)])
        };
        let pdf = leaf("application/pdf", "attachment; filename*=utf-8''%C3%9C.pdf", "BASE64", 78 * 100 + 4);
        let told = told_of(&around("multipart/mixed; boundary=x", vec![text, pdf, forwarded]));
        assert_eq!((&*told.subject, &*told.message_id), ("Procès", "<1@example.com>"));
        assert_eq!((&*told.content.header_from, &*told.content.media_type), ("a@example.com", "multipart/mixed"));
        let found: Vec<(&str, &str, u64)> =
            told.content.attachments.iter().map(|of| (&*of.name, &*of.declared, of.size)).collect();
        assert_eq!(
            found,
            [("Ü.pdf", "application/pdf", 57 * 100 + 2), ("", "message/rfc822", 500), ("i.zip", "application/zip", 5)]
        );
        assert!(!told.content.cut);
    }

    #[test]
    fn signatures_and_encryption_are_of_the_message_itself() {
        let signature = leaf("application/pgp-signature", "", "7bit", 800);
        let signed = around(
            "multipart/signed; protocol=\"application/pgp-signature\"",
            vec![leaf("text/plain", "", "", 9), signature],
        );
        let told = told_of(&signed);
        assert_eq!((&*told.content.signed, told.content.attachments.len()), ("pgp", 0));
        let forwarded = around("multipart/mixed", vec![around("message/rfc822", vec![signed])]);
        assert_eq!(told_of(&forwarded).content.signed, "");
        let smime = leaf("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "", "base64", 9);
        let told = told_of(&smime);
        assert_eq!((&*told.content.encrypted, told.content.attachments.len()), ("s/mime", 0));
        let unknown = super::told([(&b"Content-Type"[..], &*smime.content_type)].into_iter(), None);
        assert!(unknown.content.cut && unknown.content.encrypted == "s/mime");
    }

    #[test]
    fn bounds_are_kept_and_told() {
        let many = around("multipart/mixed", vec![leaf("image/png", "", "base64", 9); ATTACHMENTS_MAX + 1]);
        let told = told_of(&many);
        assert!(told.content.cut && told.content.attachments.len() == ATTACHMENTS_MAX);
        let deep =
            (0..NESTING_MAX + 1).fold(leaf("image/png", "", "", 9), |inner, _| around("multipart/mixed", vec![inner]));
        let told = told_of(&deep);
        assert!(told.content.cut && told.content.attachments.is_empty());
    }
}
