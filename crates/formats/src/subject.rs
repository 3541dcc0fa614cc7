//! Subjects as people read them: RFC 2047 encoded words decoded, control characters gone.

/// The readable form of a header value as a log shows it. UTF-8 and Latin-1 words are decoded; other charsets stay as sent.
pub fn readable(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    if !text.contains("=?") {
        return clean(&text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    let mut after_word = false;
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        match encoded_word(word) {
            Some((decoded, tail)) => {
                // White space between two encoded words does not count. The log writes a folded line's end as `?`.
                if !(after_word && before.trim_matches(|c: char| c == '?' || c.is_whitespace()).is_empty()) {
                    out.push_str(before);
                }
                out.push_str(&decoded);
                rest = tail;
                after_word = true;
            }
            None => {
                out.push_str(before);
                out.push_str("=?");
                rest = &word[2..];
                after_word = false;
            }
        }
    }
    out.push_str(rest);
    clean(&out)
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// `=?charset?B|Q?text?=` at the start: the decoded text, and the rest.
fn encoded_word(word: &str) -> Option<(String, &str)> {
    let mut parts = word.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, tail) = (parts.next()?, parts.next()?, parts.next()?);
    let end = tail.find("?=")?;
    let bytes = match encoding {
        "B" | "b" => base64(&tail[..end])?,
        "Q" | "q" => quoted(&tail[..end]),
        _ => return None,
    };
    let charset = charset.split('*').next()?.to_ascii_lowercase();
    let decoded = match &*charset {
        "utf-8" | "us-ascii" => String::from_utf8_lossy(&bytes).into_owned(),
        "iso-8859-1" | "iso-8859-15" | "windows-1252" => bytes.iter().map(|&b| char::from(b)).collect(),
        _ => return None,
    };
    Some((decoded, &tail[end + 2..]))
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
            ("a\tb\u{7}", "a b"),
        ] {
            assert_eq!(readable(sent.as_bytes()), read);
        }
    }
}
