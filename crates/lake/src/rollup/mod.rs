//! Roll-ups: what the first page counts, of one data file, by quarter of an hour.
//!
//! A data file never changes, so its roll-up is a function of it: computed when it is first asked for, kept in memory, and beside the
//! store, where it may be missing or broken and is then computed again. Quarters are the largest step that all zones in use share.

mod cube;
mod kept;
mod names;
mod of_file;
mod packed;
mod shape;
mod tally;

pub(crate) use cube::Cube;
pub(crate) use kept::{Generation, Loaded, Rollups};
pub(crate) use names::Names;
pub(crate) use shape::{Counts, Rollup, Texts, Way, of_delay_key, of_sender_key};
pub(crate) use tally::Tally;

use vigie_model::{MICROS_PER_HOUR, Micros};

/// The step of a roll-up.
pub(crate) const QUARTER: Micros = MICROS_PER_HOUR / 4;
