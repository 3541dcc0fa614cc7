//! One file per kind of fact: rows to columns and back. What stands here is what is on the disk.

mod attempts;
mod content;
mod coverage;
mod deliveries;
mod hops;
mod journeys;
mod lines;
mod packed;
mod rejections;
mod shapes;

pub use coverage::Coverage;
pub(crate) use deliveries::delivery_rows;
pub(crate) use hops::hop_rows;
pub use journeys::JourneyKeys;
pub(crate) use journeys::{ServerEvents, journeys_of};
pub use lines::{Line, LineBatch, LineHash, LineRef};
pub use shapes::Shape;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

/// A kind of row that a table stores.
pub(crate) trait Fact: Sized {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError>;
    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError>;
}

/// Letter by letter, as the filter language folds: a part of a text folds as it does inside the whole.
pub(crate) fn folded(text: &str) -> std::borrow::Cow<'_, str> {
    // Looks at every byte, so that vectors can do it.
    if text.bytes().fold(true, |folded, byte| folded & byte.is_ascii() & !byte.is_ascii_uppercase()) {
        return text.into();
    }
    let is_lower = |c: char| if c.is_ascii() { !c.is_ascii_uppercase() } else { c.to_lowercase().eq([c]) };
    if text.chars().all(is_lower) {
        text.into()
    } else {
        text.chars().flat_map(char::to_lowercase).collect::<String>().into()
    }
}

/// What stands after the last `@`; nothing when there is none.
pub(crate) fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Rows turned into columns at a time: what is used again and again stays in the processor's cache.
const BATCH_ROWS: usize = 4_096;

/// Encodes many rows, on all cores when there are enough. `encode` gives the rows of a part; parts follow one another.
pub(crate) fn encode_all<T: Sync>(
    rows: &[T],
    encode: impl Fn(&[&T]) -> Result<RecordBatch, ArrowError> + Sync,
) -> Result<Vec<RecordBatch>, ArrowError> {
    let encode_part = |rows: &[T]| -> Result<Vec<RecordBatch>, ArrowError> {
        rows.chunks(BATCH_ROWS).map(|rows| encode(&rows.iter().collect::<Vec<_>>())).collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = rows.len().div_ceil(threads).next_multiple_of(BATCH_ROWS).max(BATCH_ROWS);
    if rows.len() <= part {
        return encode_part(rows);
    }
    std::thread::scope(|scope| {
        let encode_part = &encode_part;
        let parts: Vec<_> = rows.chunks(part).map(|rows| scope.spawn(move || encode_part(rows))).collect();
        let lost = |_| ArrowError::ComputeError("a thread that turned rows into columns was lost".to_string());
        let parts = parts.into_iter().map(|part| part.join().map_err(lost)?);
        Ok(parts.collect::<Result<Vec<_>, ArrowError>>()?.into_iter().flatten().collect())
    })
}

/// A word that an enum of the model wrote.
pub(crate) fn word<T>(parsed: Option<T>, text: &str) -> Result<T, ArrowError> {
    parsed.ok_or_else(|| ArrowError::ParseError(format!("unknown word {text:?}")))
}
