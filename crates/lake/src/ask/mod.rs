//! Questions in the filter language, answered over `deliveries`, or over `rejections` when the filter says so.
//!
//! DataFusion prunes, reads and filters the files; newest-first search is its top-k. Totals are added up here, row by row as the
//! batches come: rows of one message are neighbours, so messages are counted exactly without remembering them.

mod compile;
mod cursor;
mod dataset;
mod delays;
mod engine;
mod fold;
mod matcher;
mod provider;
mod search;
mod summary;
mod text_udf;
mod top;
mod totals;

pub use cursor::Cursor;
pub use dataset::{Dataset, Dimension};
pub use delays::Delays;
pub(crate) use delays::{BUCKETS as DELAY_BUCKETS, bucket_of};
pub(crate) use engine::{Engine, threads};
pub(crate) use fold::{ints, size_at, texts, times};
pub(crate) use provider::view_schema;
pub use search::{DeliveryRow, Order, Page, RejectionPage};
pub use summary::{Leader, Leaders, Origin, Parts, Refusals, Route, Summary};
pub use top::{Measure, Ranked, Ranking};
pub use totals::{TimeBucket, Totals};
