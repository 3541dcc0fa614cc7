//! The journal's export form (systemd's JOURNAL_EXPORT_FORMATS, "Journal Export Format"): entries of fields, an empty line after each.
//! A field is `NAME=value` and a newline, or, when its value is no plain text, `NAME`, a newline, eight bytes of its length with
//! the lowest first, the value and a newline.

use std::io::{self, BufRead};

use super::entry::Entry;
use super::stream::{End, Found, read_count, read_until};

/// journald's own bound is 64.
const NAME_BYTES_MAX: usize = 256;
/// The most that journald writes as one field (its DATA_SIZE_MAX). A larger length is a lie.
const VALUE_BYTES_MAX: u64 = 768 << 20;
/// The most fields that journald writes in one entry (its ENTRY_FIELD_COUNT_MAX).
const FIELDS_MAX: usize = 1024;

/// Reads the next entry; `None` at the end, also when that is in the middle of an entry.
pub(super) fn read(reader: &mut impl BufRead) -> io::Result<Option<Found>> {
    let mut entry = Entry::default();
    let (mut name, mut value) = (Vec::new(), Vec::new());
    let mut fields = 0;
    loop {
        let (end, is_cut) = read_until(reader, *b"=\n", NAME_BYTES_MAX, &mut name)?;
        let is_field = match (end, name.is_empty(), fields) {
            (End::Stream, ..) => return Ok(None),
            // More than one empty line.
            (End::Byte(b'\n'), true, 0) => continue,
            (End::Byte(b'\n'), true, _) => return Ok(Some(finished(entry))),
            (_, is_nameless, _) => !is_cut && !is_nameless,
        };
        fields += 1;
        let problem = match end {
            _ if fields > FIELDS_MAX => Err("it has too many fields"),
            _ if !is_field => Err("the name of a field is none"),
            End::Byte(b'=') => match text(reader, &mut entry, &name, &mut value)? {
                Some(()) => continue,
                None => return Ok(None),
            },
            _ => match binary(reader, &mut entry, &name, &mut value)? {
                Some(outcome) => outcome,
                None => return Ok(None),
            },
        };
        if let Err(why) = problem {
            skip_entry(reader, end == End::Byte(b'='))?;
            return Ok(Some(Found::Broken { why, cursor: entry.cursor }));
        }
    }
}

fn finished(entry: Entry) -> Found {
    match entry.cursor {
        Some(_) => Found::Entry(entry),
        None => Found::Broken { why: "it has no cursor", cursor: None },
    }
}

/// The value behind `NAME=`; `None` when the stream ends in it.
fn text(reader: &mut impl BufRead, entry: &mut Entry, name: &[u8], value: &mut Vec<u8>) -> io::Result<Option<()>> {
    let (end, is_cut) = read_until(reader, *b"\n\n", Entry::bytes_max(name), value)?;
    if end == End::Stream {
        return Ok(None);
    }
    entry.set(name, value, is_cut);
    Ok(Some(()))
}

/// The length and value behind `NAME`; `None` when the stream ends in it.
fn binary(
    reader: &mut impl BufRead,
    entry: &mut Entry,
    name: &[u8],
    value: &mut Vec<u8>,
) -> io::Result<Option<Result<(), &'static str>>> {
    if !read_count(reader, 8, 8, value)? {
        return Ok(None);
    }
    let length = value.first_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes));
    if length > VALUE_BYTES_MAX {
        return Ok(Some(Err("a field is said to be longer than any field is")));
    }
    let kept_max = Entry::bytes_max(name);
    if !read_count(reader, length, kept_max, value)? {
        return Ok(None);
    }
    entry.set(name, value, length > kept_max as u64);
    let mut rest = Vec::new();
    let (end, has_rest) = read_until(reader, *b"\n\n", 0, &mut rest)?;
    Ok(match end {
        End::Stream => None,
        End::Byte(_) if has_rest => Some(Err("a field is longer than it is said to be")),
        End::Byte(_) => Some(Ok(())),
    })
}

/// Passes over the rest of an entry, up to an empty line. Within a lying binary field that may be too early; what follows is
/// then broken as well, until an entry begins.
fn skip_entry(reader: &mut impl BufRead, is_within_line: bool) -> io::Result<()> {
    let mut rest = Vec::new();
    let mut is_within_line = is_within_line;
    loop {
        let (end, has_rest) = read_until(reader, *b"\n\n", 0, &mut rest)?;
        if end == End::Stream || (!has_rest && !is_within_line) {
            return Ok(());
        }
        is_within_line = false;
    }
}
