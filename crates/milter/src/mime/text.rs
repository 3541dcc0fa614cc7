//! Texts of a header as facts: bounded, readable, without what could break a line.

use vigie_formats::subject::{decode, readable};

/// As much of a text as fits, at a letter's end.
pub(super) fn bounded(text: &str, bytes_max: usize) -> String {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default().to_owned()
}

/// A field's value as a person reads it. Letters without a charset are UTF-8, or else Latin-1.
pub(super) fn read(value: &[u8], bytes_max: usize) -> String {
    let value = unfolded(value);
    let text = match std::str::from_utf8(&value) {
        Ok(_) => readable(&value),
        Err(_) => readable(decode("iso-8859-1", &value).unwrap_or_default().as_bytes()),
    };
    bounded(&text, bytes_max)
}

/// A value over several lines, as one: only the line ends go (RFC 5322, 2.2.3).
fn unfolded(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect()
}

/// The first address of a field (RFC 5322, 3.4): in angle brackets, or alone. Quotations and comments are passed over.
pub(super) fn address(value: &[u8], bytes_max: usize) -> String {
    let plain = without_quotations(&unfolded(value));
    let bare = match memchr::memchr(b'<', &plain) {
        Some(open) => {
            let rest = &plain[open + 1..];
            &rest[..memchr::memchr(b'>', rest).unwrap_or(rest.len())]
        }
        None => &plain,
    };
    let text = String::from_utf8_lossy(bare.trim_ascii()).into_owned();
    let is_address = text.contains('@') && !text.contains(|c: char| c.is_control() || c == ' ');
    if is_address { bounded(&text, bytes_max) } else { String::new() }
}

/// Without `"…"` before an address and `(…)`. A quoted local part (`"a b"@example.com`) stays.
fn without_quotations(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let (mut depth, mut at) = (0u32, 0);
    while let Some(&byte) = value.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' if depth == 0 => {
                let end = quotation_end(value, at);
                if value.get(end) == Some(&b'@') {
                    out.extend_from_slice(&value[at..end]);
                }
                at = end;
                continue;
            }
            // The first address is whole.
            b',' if depth == 0 && out.contains(&b'@') => break,
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(byte),
            _ => {}
        }
        at += 1;
    }
    out
}

/// Behind the closing quotation mark, or the end.
fn quotation_end(value: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(&byte) = value.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_among_names_and_comments() {
        for (value, found) in [
            ("a@example.com", "a@example.com"),
            ("A B <a@example.com>", "a@example.com"),
            ("\"b@example.com <c@example.com>\" <a@example.com>", "a@example.com"),
            ("\"x \\\" y\" (c@example.com)\r\n <a@example.com>", "a@example.com"),
            ("a@example.com (A), b@example.com", "a@example.com"),
            ("\"a,b\"@example.com", "\"a,b\"@example.com"),
            ("undisclosed", ""),
            ("<>", ""),
            ("\"unfinished <a@example.com>", ""),
            ("(unfinished a@example.com", ""),
            ("x\\", ""),
            ("", ""),
        ] {
            assert_eq!(address(value.as_bytes(), 320), found, "{value}");
        }
    }

    #[test]
    fn a_text_is_cut_at_a_letter() {
        assert_eq!(bounded("aéé", 4), "aé");
        assert_eq!(read(b"caf\xE9 =?utf-8?q?=C3=A9?=\r\n\tx", 100), "café é x");
    }
}
