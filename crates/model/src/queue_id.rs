//! The name that a mail server gives a message in its queue.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest queue id kept. Postfix's long ids have 15 to 20 characters, Exim's 23, a Dovecot session 22 and `:T12`, Microsoft 365's 32
/// without the hyphens.
const QUEUE_ID_BYTES_MAX: usize = 32;

/// A queue id, stored in place: it is a key of the hottest map, so it is compared and hashed by words.
#[derive(Clone, Copy)]
pub struct QueueId {
    /// The text, and zeros, which no id has in it.
    bytes: [u8; QUEUE_ID_BYTES_MAX],
}

impl QueueId {
    #[inline]
    fn words(&self) -> [u64; 4] {
        let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| self.bytes[at * 8 + i]));
        [word(0), word(1), word(2), word(3)]
    }

    #[inline]
    fn len(&self) -> usize {
        // The last word that is not empty tells, by the zeros at its end.
        let words = self.words();
        let last = words.iter().rposition(|&word| word != 0).unwrap_or(0);
        8 * (last + 1) - words[last].trailing_zeros() as usize / 8
    }

    /// `None` when the text is empty, longer than any server's id, or holds a byte that no server uses.
    pub fn new(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > QUEUE_ID_BYTES_MAX {
            return None;
        }
        let mut bytes = [0; QUEUE_ID_BYTES_MAX];
        // Two words that may overlap: a copy of a length that is not known would be a call for each line.
        if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>())
            && text.len() <= 16
        {
            bytes[..8].copy_from_slice(first);
            bytes[text.len() - 8..text.len()].copy_from_slice(last);
        } else {
            bytes[..text.len()].copy_from_slice(text);
        }
        // All 32 at once, in a few vectors: zeros are no part of an id, so that only the text's own bytes count.
        let valid: u8 = bytes.iter().map(|&byte| u8::from(is_id_byte(byte))).sum();
        (usize::from(valid) == text.len()).then_some(Self { bytes })
    }

    pub fn as_str(&self) -> &str {
        // `new` lets only ASCII in.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text, which is ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }
}

/// Bytes that servers use in their ids: letters, `-./0123456789:`, `+`, `_`. Without branches, so that vectors can do it.
#[inline]
fn is_id_byte(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') <= b'z' - b'a';
    let figure = byte.wrapping_sub(b'-') <= b':' - b'-';
    letter | figure | (byte == b'+') | (byte == b'_')
}

impl PartialEq for QueueId {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.words() == other.words()
    }
}

impl Eq for QueueId {}

impl Hash for QueueId {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Zeros add nothing for the usual id of up to 16 bytes.
        let [a, b, c, d] = self.words();
        state.write_u64(a);
        state.write_u64(b);
        if c != 0 {
            state.write_u64(c);
            state.write_u64(d);
        }
    }
}

impl Ord for QueueId {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.words().cmp(&other.words())
    }
}

impl PartialOrd for QueueId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for QueueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Packed, the same bytes as a text's.
        if serializer.is_human_readable() {
            serializer.serialize_str(self.as_str())
        } else {
            serializer.serialize_bytes(self.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for QueueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Text)
        } else {
            deserializer.deserialize_bytes(Text)
        }
    }
}

/// Reads the text where it stands, without a copy on the heap.
struct Text;

impl Visitor<'_> for Text {
    type Value = QueueId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a queue id")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<QueueId, E> {
        self.visit_bytes(text.as_bytes())
    }

    fn visit_bytes<E: serde::de::Error>(self, text: &[u8]) -> Result<QueueId, E> {
        QueueId::new(text).ok_or_else(|| E::custom("not a queue id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_equality_are_those_of_the_text() {
        let texts = ["0", "00", "4jXGQ503wXz1Y5Q7", "4jXGQ503wXz1Y5Q8", "A", "kLTcKWNwAmvIWQAATvhV7g:T2", "zz"];
        let ids: Vec<QueueId> = texts.iter().filter_map(|text| QueueId::new(text.as_bytes())).collect();
        assert!(ids.is_sorted() && ids.iter().map(QueueId::as_str).eq(texts));
        assert_eq!(QueueId::new(b"A"), QueueId::new(b"A"));
        assert_ne!(QueueId::new(b"A"), QueueId::new(b"AA"));
    }

    #[test]
    fn texts_of_any_length_come_back() {
        for len in 1..=32 {
            let text = "Z".repeat(len);
            assert_eq!(QueueId::new(text.as_bytes()).as_ref().map(QueueId::as_str), Some(&*text));
        }
    }

    #[test]
    fn only_the_bytes_of_ids_make_an_id() {
        for byte in 0..=u8::MAX {
            let used = byte.is_ascii_alphanumeric() || b"-+/:_.".contains(&byte);
            assert_eq!(QueueId::new(&[byte]).is_some(), used, "{byte}");
            assert_eq!(QueueId::new(&[&[b'Z'; 31][..], &[byte]].concat()).is_some(), used, "{byte}");
        }
    }

    #[test]
    fn what_no_server_writes_is_no_id() {
        for text in [&b""[..], b"a b", b"<x>", b"\xff", &[b'A'; 33]] {
            assert_eq!(QueueId::new(text), None);
        }
    }
}
