//! The fact store of Vigie: Delta tables in a local folder, written by one process, read by any number.
//!
//! A [`Commit`] holds rows for several tables and becomes visible in all of them at once, also after `kill -9`. A [`Snapshot`] is a
//! view of all tables that does not change; it gives typed rows in order, and answers questions in the filter language.
//!
//! Calls block; inside they use the lake's own runtime. In an asynchronous program call them through `spawn_blocking`.

mod ask;
mod check;
mod columns;
mod commit;
mod compaction;
mod data_file;
mod delta;
mod error;
mod footers;
mod inventory;
mod lake;
mod layout;
mod merge;
mod replacement;
mod rollup;
mod rows;
mod scan;
mod snapshot;
mod sorting;
mod staging;
mod table;
mod vacuum;
mod writer;

pub use ask::{
    Cursor, Dataset, Delays, DeliveryRow, Dimension, Leader, Leaders, Measure, Order, Origin, Page, Parts, Ranked,
    Ranking, Refusals, RejectionPage, Route, Summary, TimeBucket, Totals,
};
pub use check::FileFault;
pub use commit::Commit;
pub use compaction::{Compacted, Compaction, Merged, Merging};
pub use error::LakeError;
pub use footers::{FooterFault, FooterFaultKind};
pub use inventory::{Inventory, ListedFile, Pin};
pub use lake::Lake;
pub use replacement::{ProvisionalFile, Replacement};
pub use rows::{Coverage, JourneyKeys, Line, LineBatch, LineHash, LineRef, Shape};
pub use scan::Rows;
pub use snapshot::{Snapshot, TableSize};
pub use table::Table;
pub use vacuum::Vacuumed;
pub use writer::{Committed, Writer};

#[cfg(test)]
mod tests;
