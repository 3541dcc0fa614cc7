//! One file per kind of fact: rows to columns and back. What stands here is what is on the disk.

mod attempts;
mod coverage;
mod deliveries;
mod hops;
mod journeys;
mod lines;
mod rejections;
mod shapes;

pub use coverage::Coverage;
pub(crate) use deliveries::{delivery_rows, DeliveriesOf};
pub use lines::{Line, LineBatch, LineHash, LineKind, LineRef};
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

/// A word that an enum of the model wrote.
pub(crate) fn word<T>(parsed: Option<T>, text: &str) -> Result<T, ArrowError> {
    parsed.ok_or_else(|| ArrowError::ParseError(format!("unknown word {text:?}")))
}
