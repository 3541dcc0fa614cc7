//! The journal's JSON form, as `journalctl -o json` writes it: an object a line. A value is a string, an array of byte numbers when it is no
//! text, `null` when it was too long, or an array of these when the field occurs more than once.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cursor::Cursor;
use super::entry::Entry;
use super::stream::{End, Found, read_until};

/// A longer line is passed over. It has room for a message of the longest kind as an array of byte numbers.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Reads the next entry; `None` at the end.
pub(super) fn read(reader: &mut impl BufRead) -> io::Result<Option<Found>> {
    let mut line = Vec::new();
    loop {
        let (end, is_cut) = read_until(reader, *b"\n\n", LINE_BYTES_MAX, &mut line)?;
        // `-o json-seq` puts a mark before each.
        let object = line.strip_prefix(b"\x1E").unwrap_or(&line).trim_ascii();
        if object.is_empty() && end == End::Stream {
            return Ok(None);
        }
        if object.is_empty() {
            continue;
        }
        let cursor = Cursor::of_line(object);
        if is_cut {
            return Ok(Some(Found::Broken { why: "it is too long", cursor }));
        }
        return Ok(match parse(object) {
            Some(entry) if entry.cursor.is_some() => Some(Found::Entry(entry)),
            Some(_) => Some(Found::Broken { why: "it has no cursor", cursor: None }),
            // Half an object at the end of the stream: its writer was stopped.
            None if end == End::Stream => None,
            None => Some(Found::Broken { why: "it is no JSON object", cursor }),
        });
    }
}

fn parse(object: &[u8]) -> Option<Entry> {
    let text = String::from_utf8_lossy(object);
    let mut reader = serde_json::Deserializer::from_str(&text);
    let entry = reader.deserialize_map(Object).ok()?;
    reader.end().ok()?;
    Some(entry)
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Entry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an entry of a journal")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let mut entry = Entry::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if Entry::bytes_max(name.as_bytes()) == 0 {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            match map.next_value_seed(Value)? {
                Piece::Bytes(bytes) => entry.set(name.as_bytes(), &bytes, false),
                Piece::Number(number) => entry.set(name.as_bytes(), number.to_string().as_bytes(), false),
                Piece::Nothing => {}
            }
        }
        Ok(entry)
    }
}

/// A value, or a member of one.
enum Piece {
    Bytes(Vec<u8>),
    Number(u64),
    Nothing,
}

struct Value;

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Piece;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Piece, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Piece;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, bytes or null")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Piece, E> {
        Ok(Piece::Bytes(text.as_bytes().to_vec()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Piece, E> {
        Ok(Piece::Number(number))
    }

    fn visit_unit<E: Error>(self) -> Result<Piece, E> {
        Ok(Piece::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Piece, A::Error> {
        let (mut bytes, mut first) = (Vec::new(), None);
        while let Some(member) = members.next_element_seed(Value)? {
            match member {
                Piece::Number(number) => bytes.push(u8::try_from(number).map_err(A::Error::custom)?),
                Piece::Bytes(value) => first = first.or(Some(value)),
                Piece::Nothing => {}
            }
        }
        Ok(Piece::Bytes(first.unwrap_or(bytes)))
    }
}
