//! A stream's name in JSON: 32 hexadecimal digits, since JavaScript and others know no such numbers.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use vigie_sources::StreamId;

const DIGITS: usize = 32;

pub fn serialize<S: Serializer>(stream: &StreamId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:032x}", stream.0))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StreamId, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_plain = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(&text, 16).ok().filter(|_| is_plain);
    number.map(StreamId).ok_or_else(|| D::Error::custom("a stream is named by 32 hexadecimal digits"))
}
