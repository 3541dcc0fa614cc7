//! Bytes of a log as text: kept as they are where they are UTF-8, shown lossily where not; and compared.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use vigie_model::Text;

/// A fact's text is cut here: a message id of a megabyte is an attack, not a name.
const FIELD_BYTES_MAX: usize = 2_000;

/// Which texts of a message are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    /// All that the log says.
    #[default]
    Whole,
    /// What links and counts: names, addresses, ids. Texts that are only shown stay empty.
    Counts,
}

impl Detail {
    /// A text that neither links nor counts.
    #[inline]
    pub fn shown(self, bytes: &[u8]) -> Text {
        match self {
            Detail::Whole => text_of(bytes),
            Detail::Counts => Text::default(),
        }
    }
}

/// Most of what a line may say it does not say: that is seen where this is called.
#[inline]
pub fn text_of(bytes: &[u8]) -> Text {
    if bytes.is_empty() { Text::default() } else { told(bytes) }
}

fn told(bytes: &[u8]) -> Text {
    let bytes = &bytes[..bytes.len().min(FIELD_BYTES_MAX)];
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes).into(),
    }
}

/// As [`text_of`], of pieces one after the other.
pub fn joined(pieces: &[&[u8]]) -> Text {
    of_joined(pieces, text_of)
}

/// What is to be had of pieces one after the other: nearly always short enough to be put together where it takes no memory.
pub fn of_joined<T>(pieces: &[&[u8]], read: impl FnOnce(&[u8]) -> T) -> T {
    const SHORT_BYTES: usize = 128;
    let mut short = [0; SHORT_BYTES];
    let mut end = 0;
    for piece in pieces {
        let Some(place) = short.get_mut(end..end + piece.len()) else { return read(&pieces.concat()) };
        place.copy_from_slice(piece);
        end += piece.len();
    }
    read(&short[..end])
}

/// The bytes of the text that [`text_of`] makes of these: what a kept text is compared with.
#[inline]
pub fn kept(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.len() <= FIELD_BYTES_MAX && (bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()) {
        Cow::Borrowed(bytes)
    } else {
        Cow::Owned(text_of(bytes).into_string().into_bytes())
    }
}

/// Equality for texts that are mostly empty. An empty slice may point nowhere, and glibc's `memcmp` loads from there even
/// when it is to compare no bytes: the processor masks the fault, but that takes it a hundred times longer than a comparison.
#[inline]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}
