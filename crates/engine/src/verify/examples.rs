//! Rows of a server and day one by one: which of them are stored otherwise than the lines say.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Serialize;
use vigie_model::{Attempt, Hop, Journey, QueueId, Rejection, iso};

use super::{EXAMPLES_MAX, digest::hash_of};

/// Rows kept at a time; where more differ, none is named.
const ROWS_MAX: usize = 500_000;

/// Rows that are on one side and not on the other, so far.
#[derive(Default)]
pub struct Examples {
    /// By hash: how many more are recounted than stored, and what a person calls it.
    rows: FxHashMap<u128, (i64, String)>,
    is_full: bool,
}

impl Examples {
    pub fn recounted<T: Serialize + Named>(&mut self, row: &T) {
        self.add(row, 1);
    }

    pub fn stored<T: Serialize + Named>(&mut self, row: &T) {
        self.add(row, -1);
    }

    fn add<T: Serialize + Named>(&mut self, row: &T, count: i64) {
        if self.is_full {
            return;
        }
        let hash = hash_of(row);
        let entry = self.rows.entry(hash).or_insert_with(|| (0, row.name()));
        entry.0 += count;
        if entry.0 == 0 {
            self.rows.remove(&hash);
        }
        if self.rows.len() > ROWS_MAX {
            (self.is_full, self.rows) = (true, FxHashMap::default());
        }
    }

    /// Some rows that differ, in order of their names.
    pub fn named(self) -> Vec<String> {
        let mut sides: BTreeMap<String, (bool, bool)> = BTreeMap::new();
        for (more, name) in self.rows.into_values() {
            let (missing, surplus) = sides.entry(name).or_default();
            *missing |= more > 0;
            *surplus |= more < 0;
        }
        let told = |(name, side): (String, (bool, bool))| match side {
            (true, true) => format!("{name}: stored otherwise"),
            (true, false) => format!("{name}: missing"),
            (false, _) => format!("{name}: one too many"),
        };
        sides.into_iter().take(EXAMPLES_MAX).map(told).collect()
    }
}

/// How a row is called, without anybody's address.
pub trait Named {
    fn name(&self) -> String;
}

impl Named for Hop {
    fn name(&self) -> String {
        format!("{} at {}", id_or(self.queue_id.as_ref(), "a session"), iso(self.ts_in))
    }
}

impl Named for Attempt {
    fn name(&self) -> String {
        format!("{} at {}", id_or(self.queue_id.as_ref(), "a try"), iso(self.ts))
    }
}

impl Named for Rejection {
    fn name(&self) -> String {
        format!("{} at {}", self.stage, iso(self.ts))
    }
}

impl Named for Journey {
    fn name(&self) -> String {
        format!("message {}", self.id)
    }
}

fn id_or<'a>(id: Option<&'a QueueId>, otherwise: &'a str) -> &'a str {
    id.map_or(otherwise, QueueId::as_str)
}
