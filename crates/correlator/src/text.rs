//! Bytes of a log as text: kept as they are where they are UTF-8, shown lossily where not.

/// A fact's text is cut here: a message id of a megabyte is an attack, not a name.
const FIELD_BYTES_MAX: usize = 2_000;

pub fn boxed(bytes: &[u8]) -> Box<str> {
    if bytes.is_empty() {
        return Box::default();
    }
    let bytes = &bytes[..bytes.len().min(FIELD_BYTES_MAX)];
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes).into(),
    }
}
