//! Content-Type and Content-Disposition: a word and parameters, as RFC 2045, RFC 2231 and the senders that read neither write them.

use vigie_formats::subject::{decode, readable};

/// Parameters of one field that are looked at.
const PARAMETERS_MAX: usize = 64;
/// No media type is longer (RFC 6838 allows 127 for each half).
const TYPE_BYTES_MAX: usize = 127;

/// A field's word and its parameters.
#[derive(Debug, Default)]
pub(super) struct Value {
    /// In lower case; empty where it is none.
    pub(super) word: String,
    parameters: Vec<Parameter>,
}

/// `name*SECTION*=value`
#[derive(Debug)]
struct Parameter {
    /// In lower case.
    name: String,
    section: Option<u32>,
    /// RFC 2231: percent-encoded, and the first section begins with a charset.
    is_extended: bool,
    value: Vec<u8>,
}

impl Value {
    pub(super) fn read(field: &[u8]) -> Value {
        let mut scanner = Scanner { rest: field };
        let word = scanner.token();
        let word = if is_word(word) { String::from_utf8_lossy(word).to_ascii_lowercase() } else { String::new() };
        let mut parameters = Vec::new();
        while parameters.len() < PARAMETERS_MAX
            && let Some(parameter) = scanner.parameter()
        {
            parameters.extend(parameter);
        }
        Value { word, parameters }
    }

    /// A parameter as it stands.
    pub(super) fn plain(&self, name: &str) -> Option<&[u8]> {
        self.parameters.iter().find(|parameter| parameter.name == name).map(|parameter| &*parameter.value)
    }

    /// The same in lower case.
    pub(super) fn lower(&self, name: &str) -> String {
        self.plain(name).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase()).unwrap_or_default()
    }

    /// A parameter as a person reads it: sections put together, charsets decoded, and encoded words, which many put there against RFC 2047.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let mut sections: Vec<&Parameter> = self.parameters.iter().filter(|of| of.name == name).collect();
        // `filename*=` is for readers that know it, and stands beside a plain `filename=` for the others.
        if let Some(whole) = sections.iter().find(|of| of.is_extended && of.section.is_none()) {
            return Some(clean(extended(&[*whole])));
        }
        if let Some(whole) = sections.iter().find(|of| of.section.is_none()) {
            let text = match std::str::from_utf8(&whole.value) {
                Ok(_) => readable(&whole.value),
                Err(_) => decode("iso-8859-1", &whole.value).unwrap_or_default(),
            };
            return Some(clean(text));
        }
        sections.sort_by_key(|of| of.section);
        (!sections.is_empty()).then(|| clean(extended(&sections)))
    }
}

/// Sections of RFC 2231, the first of which may name a charset: `utf-8'en'%C3%9Cber`.
fn extended(sections: &[&Parameter]) -> String {
    let mut charset = "utf-8".to_owned();
    let mut bytes = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let mut value = &*section.value;
        if index == 0 && section.is_extended {
            let mut parts = value.splitn(3, |&byte| byte == b'\'');
            if let (Some(named), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                charset = String::from_utf8_lossy(named).into_owned();
                value = rest;
            }
        }
        if section.is_extended { percent(value, &mut bytes) } else { bytes.extend_from_slice(value) }
    }
    decode(&charset, &bytes).unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn percent(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
}

fn clean(text: String) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}

/// `text/plain`, `attachment`.
fn is_word(word: &[u8]) -> bool {
    let of_token = |&byte: &u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/".contains(&byte);
    !word.is_empty() && word.len() <= TYPE_BYTES_MAX && word.iter().all(of_token)
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    /// Up to the next `;`, without comments and the space around it.
    fn token(&mut self) -> &'a [u8] {
        self.skip_space();
        let end = self.rest.iter().position(|byte| b";( \t\r\n".contains(byte)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }

    /// The next parameter; `Some(None)` is something else between two `;`.
    fn parameter(&mut self) -> Option<Option<Parameter>> {
        let semicolon = memchr::memchr(b';', self.rest)?;
        self.rest = &self.rest[semicolon + 1..];
        self.skip_space();
        let end = self.rest.iter().position(|byte| b"=;".contains(byte)).unwrap_or(self.rest.len());
        let name = self.rest[..end].trim_ascii();
        let Some(value) = self.rest[end..].strip_prefix(b"=") else {
            self.rest = &self.rest[end..];
            return Some(None);
        };
        self.rest = value;
        let value = self.value();
        Some(named(name, value))
    }

    fn value(&mut self) -> Vec<u8> {
        self.skip_space();
        if let Some(quoted) = self.rest.strip_prefix(b"\"") {
            return self.quoted(quoted);
        }
        // Names with spaces and without quotes are common.
        let end = memchr::memchr(b';', self.rest).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        unfolded(value.trim_ascii())
    }

    fn quoted(&mut self, quoted: &'a [u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(&byte) = quoted.get(at) {
            match (byte, quoted.get(at + 1)) {
                (b'"', _) => break,
                // Windows' paths are written without doubling the bar.
                (b'\\', Some(&next @ (b'"' | b'\\'))) => {
                    out.push(next);
                    at += 1;
                }
                _ => out.push(byte),
            }
            at += 1;
        }
        self.rest = quoted.get(at..).unwrap_or_default();
        unfolded(&out)
    }

    /// Space and comments.
    fn skip_space(&mut self) {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if self.rest.first() != Some(&b'(') {
                return;
            }
            let end = memchr::memchr(b')', self.rest).map_or(self.rest.len(), |close| close + 1);
            self.rest = &self.rest[end..];
        }
    }
}

/// A value over several lines, as one.
fn unfolded(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect()
}

/// `filename*1*`
fn named(name: &[u8], value: Vec<u8>) -> Option<Parameter> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    let (name, is_extended) = match name.strip_suffix('*') {
        Some(name) => (name.to_owned(), true),
        None => (name, false),
    };
    let (name, section) = match name.split_once('*') {
        Some((name, section)) => (name.to_owned(), Some(section.parse().ok()?)),
        None => (name, None),
    };
    Some(Parameter { name, section, is_extended, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(field: &str) -> Option<String> {
        Value::read(field.as_bytes()).text("filename")
    }

    #[test]
    fn file_names_are_read_as_senders_write_them() {
        for (field, read) in [
            ("attachment; filename=\"report.pdf\"", "report.pdf"),
            ("attachment; filename=report.pdf; size=1", "report.pdf"),
            ("attachment; filename=my report.pdf", "my report.pdf"),
            ("attachment;\r\n filename=\"a;b\\\"c.pdf\"", "a;b\"c.pdf"),
            ("attachment; filename=\"C:\\dir\\x.pdf\"", "C:\\dir\\x.pdf"),
            ("attachment; filename*=utf-8''%C3%9Cbersicht%202026.pdf", "Übersicht 2026.pdf"),
            ("attachment; filename=plain.pdf; filename*=UTF-8'de'%C3%9C.pdf", "Ü.pdf"),
            ("attachment; filename*=iso-8859-1''caf%E9.txt", "café.txt"),
            ("attachment; filename*1*=%BC.txt; filename*0*=utf-8''%C3", "ü.txt"),
            ("attachment; filename*0=\"long \"; filename*1=\"name.csv\"", "long name.csv"),
            ("attachment; filename=\"=?utf-8?q?=C3=9C.pdf?=\"", "Ü.pdf"),
            ("attachment; filename=\"=?utf-8?B?w4k=?=\r\n =?utf-8?B?dMOp?=.pdf\"", "Été.pdf"),
            ("attachment (x;y) ; FileName = \"x.pdf\"", "x.pdf"),
            ("attachment; filename=\"unfinished.pdf", "unfinished.pdf"),
            ("attachment; filename=\"a\u{7}b\tc\"", "a b c"),
        ] {
            assert_eq!(name(field).as_deref(), Some(read), "{field}");
        }
        assert_eq!(Value::read(b"attachment; filename=caf\xE9").text("filename").as_deref(), Some("café"));
        for nameless in ["attachment", "attachment;", "attachment; file", "attachment; filename*x=y", ""] {
            assert_eq!(name(nameless), None, "{nameless}");
        }
    }

    #[test]
    fn a_word_that_is_no_media_type_is_none() {
        for (field, word) in [
            (" Text/HTML; charset=x", "text/html"),
            ("multipart/mixed ; boundary=x", "multipart/mixed"),
            ("\"text/plain\"", ""),
            ("text/pl\u{e9}in", ""),
            ("", ""),
        ] {
            assert_eq!(Value::read(field.as_bytes()).word, word);
        }
    }

    #[test]
    fn ten_thousand_parameters_are_not_all_read() {
        let value = Value::read("a;b=c".repeat(10_000).as_bytes());
        assert_eq!(value.parameters.len(), PARAMETERS_MAX);
    }
}
