//! One part of a message: what its header makes of it, and whether it is an attachment.

use super::head::{Field, Head};
use super::parameters::Value;
use super::text::bounded;

/// Bytes of a file name, decoded.
pub(super) const NAME_BYTES_MAX: usize = 255;
/// RFC 2046 allows 70; longer ones exist.
const BOUNDARY_BYTES_MAX: usize = 200;

/// What a part is, by its header.
#[derive(Debug)]
pub(super) struct Part {
    /// As declared, in lower case; empty where the header does not say.
    pub(super) media_type: String,
    pub(super) name: String,
    pub(super) encoding: String,
    pub(super) boundary: Vec<u8>,
    pub(super) protection: Protection,
    is_attached: bool,
    has_content_id: bool,
}

/// What a multipart is for, as far as it matters to its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Mixed,
    /// The same text in several forms.
    Alternative,
    /// A page and what it shows.
    Related,
    /// A notice of a mail system (RFC 6522).
    Report,
    /// Several messages.
    Digest,
    Signed,
    Encrypted,
}

/// What a part says of signatures and encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    None,
    Signed(&'static str),
    Encrypted(&'static str),
    /// S/MIME that does not say which; its first bytes do.
    Smime,
    /// A signature, or what else belongs to the protection and is nothing of its own.
    Aside,
}

pub(super) const SMIME: &str = "s/mime";
pub(super) const PGP: &str = "pgp";

/// Where a part stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// The multipart around it; `None` for a whole message.
    pub(super) family: Option<Family>,
    /// Parts before it there.
    pub(super) before: u32,
}

impl Part {
    pub(super) fn read(head: &Head) -> Part {
        let content_type = Value::read(head.value(Field::ContentType));
        let disposition = Value::read(head.value(Field::Disposition));
        let name = disposition.text("filename").filter(|name| !name.is_empty()).or_else(|| content_type.text("name"));
        let encoding = Value::read(head.value(Field::Encoding)).word;
        let boundary = content_type.plain("boundary").unwrap_or_default().trim_ascii_end();
        Part {
            protection: protection(&content_type),
            name: bounded(&name.unwrap_or_default(), NAME_BYTES_MAX),
            encoding,
            boundary: boundary.get(..boundary.len().min(BOUNDARY_BYTES_MAX + 1)).unwrap_or_default().to_owned(),
            is_attached: disposition.word == "attachment",
            has_content_id: head.has(Field::ContentId),
            media_type: if content_type.word.contains('/') { content_type.word } else { String::new() },
        }
    }

    /// A multipart that can be taken apart.
    pub(super) fn family(&self) -> Option<Family> {
        let subtype = self.media_type.strip_prefix("multipart/")?;
        let fits = (1..=BOUNDARY_BYTES_MAX).contains(&self.boundary.len());
        fits.then_some(match subtype {
            "alternative" => Family::Alternative,
            "related" => Family::Related,
            "report" => Family::Report,
            "digest" => Family::Digest,
            "signed" => Family::Signed,
            "encrypted" => Family::Encrypted,
            _ => Family::Mixed,
        })
    }

    /// Another message, as it is.
    pub(super) fn is_message(&self, standing: Standing) -> bool {
        let is_plain = !matches!(&*self.encoding, "base64" | "quoted-printable");
        let by_default = self.media_type.is_empty() && standing.family == Some(Family::Digest);
        is_plain && (by_default || matches!(&*self.media_type, "message/rfc822" | "message/global"))
    }

    /// The text of the message, which may hold what has no MIME.
    pub(super) fn is_text(&self) -> bool {
        self.media_type.is_empty() || self.media_type.starts_with("text/")
    }

    /// An attachment is what a reader keeps as a file: it is called one, or has a name, or is nothing that is read with the message.
    /// Not what belongs to a signature, to encryption or to a notice, nor what a page shows in itself.
    pub(super) fn is_attachment(&self, standing: Standing) -> bool {
        let (family, is_first) = (standing.family, standing.before == 0);
        if self.protection != Protection::None
            || matches!(family, Some(Family::Encrypted | Family::Report))
            || (family == Some(Family::Signed) && !is_first)
        {
            return false;
        }
        if self.is_attached {
            return true;
        }
        let is_shown = family == Some(Family::Related) && (is_first || self.has_content_id);
        if is_shown || family == Some(Family::Alternative) {
            return false;
        }
        let is_read = self.is_text() || self.media_type.starts_with("multipart/");
        let is_listed = self.media_type.starts_with("message/") && family == Some(Family::Digest);
        !self.name.is_empty() || !(is_read || is_listed)
    }
}

fn protection(content_type: &Value) -> Protection {
    let kind = content_type.word.replace("/x-", "/");
    match &*kind {
        "multipart/signed" | "multipart/encrypted" => {
            let protocol = content_type.lower("protocol");
            let standard = match () {
                () if protocol.contains("pgp") => PGP,
                () if protocol.contains("pkcs7") => SMIME,
                () => return Protection::None,
            };
            if kind == "multipart/signed" { Protection::Signed(standard) } else { Protection::Encrypted(standard) }
        }
        "application/pkcs7-mime" => match &*content_type.lower("smime-type") {
            "signed-data" => Protection::Signed(SMIME),
            "enveloped-data" | "authenveloped-data" => Protection::Encrypted(SMIME),
            "certs-only" | "compressed-data" => Protection::Aside,
            _ => Protection::Smime,
        },
        "application/pkcs7-signature" | "application/pgp-signature" | "application/pgp-encrypted" => Protection::Aside,
        _ => Protection::None,
    }
}
