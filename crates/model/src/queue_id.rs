//! The name that a mail server gives a message in its queue.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest queue id kept. Postfix's long ids have 15 to 20 characters, Exim's 23, a Dovecot session 22 and `:T12`.
const QUEUE_ID_BYTES_MAX: usize = 31;

/// A queue id, stored in place: it is a key of the hottest map.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    bytes: [u8; QUEUE_ID_BYTES_MAX],
    len: u8,
}

impl QueueId {
    /// `None` when the text is empty, longer than any server's id, or holds a byte that no server uses.
    pub fn new(text: &[u8]) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= QUEUE_ID_BYTES_MAX;
        if !fits || !text.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'/' | b':' | b'_' | b'.')) {
            return None;
        }
        let mut bytes = [0; QUEUE_ID_BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self { bytes, len: text.len() as u8 })
    }

    pub fn as_str(&self) -> &str {
        // `new` lets only ASCII in.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
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
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for QueueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        QueueId::new(text.as_bytes()).ok_or_else(|| serde::de::Error::custom("not a queue id"))
    }
}
