//! Subjects and names as people read them: RFC 2047 encoded words decoded, control characters gone.

/// The readable form of a header value as a log shows it. Words in the charsets of [`decode`] are decoded; others stay as sent.
pub fn readable(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    if !text.contains("=?") {
        return clean(&text);
    }
    let mut out = String::with_capacity(text.len());
    let mut words = Words::default();
    let mut rest = &*text;
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        match EncodedWord::read(word) {
            Some((word, tail)) => {
                // White space between two encoded words does not count. The log writes a folded line's end as `?`.
                if words.is_empty() || !before.trim_matches(|c: char| c == '?' || c.is_whitespace()).is_empty() {
                    words.flush(&mut out);
                    out.push_str(before);
                }
                words.push(word, &mut out);
                rest = tail;
            }
            None => {
                words.flush(&mut out);
                out.push_str(before);
                out.push_str("=?");
                rest = &word[2..];
            }
        }
    }
    words.flush(&mut out);
    out.push_str(rest);
    clean(&out)
}

/// Bytes in a charset of the field's standard name (`utf-8`, `us-ascii`, `iso-8859-1`, `iso-8859-15`, `windows-1252`), as far as it is known.
pub fn decode(charset: &str, bytes: &[u8]) -> Option<String> {
    if ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known)) {
        return Some(String::from_utf8_lossy(bytes).into_owned());
    }
    let latin = ["iso-8859-1", "iso-8859-15", "windows-1252", "latin1", "cp1252"];
    latin
        .iter()
        .any(|known| charset.eq_ignore_ascii_case(known))
        .then(|| bytes.iter().map(|&b| latin_char(b)).collect())
}

/// Latin-1, as browsers and mail readers take it: Windows puts letters where it has control characters.
fn latin_char(byte: u8) -> char {
    /// `windows-1252`, 0x80 to 0x9F; what it leaves empty stays a control character.
    const WINDOWS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => WINDOWS.get(usize::from(byte - 0x80)).copied().unwrap_or(' '),
        _ => char::from(byte),
    }
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// Encoded words that follow each other. Senders cut them anywhere, also within a letter, so that their bytes are put together first.
#[derive(Default)]
struct Words {
    charset: String,
    bytes: Vec<u8>,
}

impl Words {
    fn is_empty(&self) -> bool {
        self.charset.is_empty()
    }

    fn push(&mut self, word: EncodedWord<'_>, out: &mut String) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush(out);
            self.charset = word.charset.to_owned();
        }
        self.bytes.extend(word.bytes);
    }

    fn flush(&mut self, out: &mut String) {
        out.push_str(&decode(&self.charset, &self.bytes).unwrap_or_default());
        self.charset.clear();
        self.bytes.clear();
    }
}

struct EncodedWord<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
}

impl<'a> EncodedWord<'a> {
    /// `=?charset?B|Q?text?=` at the start, in a charset that is known, and the rest.
    fn read(word: &'a str) -> Option<(Self, &'a str)> {
        let mut parts = word.strip_prefix("=?")?.splitn(3, '?');
        let (charset, encoding, tail) = (parts.next()?, parts.next()?, parts.next()?);
        let end = tail.find("?=")?;
        let bytes = match encoding {
            "B" | "b" => base64(&tail[..end])?,
            "Q" | "q" => quoted(&tail[..end]),
            _ => return None,
        };
        // RFC 2231 adds a language: `utf-8*en`.
        let charset = charset.split('*').next()?;
        decode(charset, b"")?;
        Some((Self { charset, bytes }, &tail[end + 2..]))
    }
}

fn quoted(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|&b| char::from(b).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'_', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    out
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|&b| b != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn encoded_words_are_decoded() {
        for (sent, read) in [
            ("plain", "plain"),
            ("=?utf-8?B?w6l0w6k=?=", "été"),
            ("=?utf-8?q?=C3=A9t=C3=A9_2026?=", "été 2026"),
            ("=?utf-8?q?one?=? =?utf-8?q?two?= three", "onetwo three"),
            ("=?iso-8859-1?Q?caf=E9?= =?x?", "café =?x?"),
            ("=?koi8-r?B?zzz?=", "=?koi8-r?B?zzz?="),
            ("=?utf-8?q?a?= =?iso-8859-1?q?=E9?= b", "aé b"),
            ("=?windows-1252?q?=8012_=96_=84x=93?=", "€12 – „x“"),
            ("a\tb\u{7}", "a b"),
        ] {
            assert_eq!(readable(sent.as_bytes()), read);
        }
    }

    #[test]
    fn a_letter_that_is_cut_between_two_words_is_whole_again() {
        assert_eq!(readable(b"=?utf-8?q?caf=C3?= =?UTF-8?q?=A9_bleu?="), "café bleu");
        assert_eq!(readable(b"=?utf-8?B?w4k=?=\r\n =?utf-8?B?dMOp?="), "Été");
    }
}
