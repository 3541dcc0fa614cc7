//! Values of journald's JSON, written so that the reader of envelopes reads them back.

use std::fmt::Write;

/// Writes a value as journald does: `"text"`, or `[72,105]` where it is no UTF-8, of which as much as has room before `into`
/// is `bytes_max` long. Says whether that was all. The closing mark comes behind.
pub fn push_journal_value(value: &[u8], bytes_max: usize, into: &mut Vec<u8>) -> bool {
    match std::str::from_utf8(value) {
        Ok(text) => string(text, bytes_max, into),
        Err(_) => array(value, bytes_max, into),
    }
}

fn string(text: &str, bytes_max: usize, into: &mut Vec<u8>) -> bool {
    into.push(b'"');
    let mut escaped = String::with_capacity(12);
    let mut is_whole = true;
    for character in text.chars() {
        escaped.clear();
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            control if control < ' ' || control == '\u{7F}' => drop(write!(escaped, "\\u{:04x}", u32::from(control))),
            other => escaped.push(other),
        }
        is_whole = into.len() + escaped.len() <= bytes_max;
        if !is_whole {
            break;
        }
        into.extend_from_slice(escaped.as_bytes());
    }
    into.push(b'"');
    is_whole
}

fn array(bytes: &[u8], bytes_max: usize, into: &mut Vec<u8>) -> bool {
    into.push(b'[');
    let mut is_whole = true;
    for (index, byte) in bytes.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let number = format!("{comma}{byte}");
        is_whole = into.len() + number.len() <= bytes_max;
        if !is_whole {
            break;
        }
        into.extend_from_slice(number.as_bytes());
    }
    into.push(b']');
    is_whole
}
