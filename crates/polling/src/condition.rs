//! How a tenant's reading stands, for whoever asks.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// How it stands. Times are microseconds since 1970 UTC by this machine's clock, 0 for never.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PollCondition {
    /// What it is called.
    pub label: String,
    /// When a page was read last.
    pub read_us: i64,
    /// When it is asked next, as far as that is known.
    pub next_us: i64,
    /// Everything that was received before this was read for good.
    pub durable_us: i64,
    /// Requests since the start.
    pub requests: u64,
    /// Rows that were read since the start, each as often as it was read.
    pub rows: u64,
    /// Lines that were spooled since the start: rows that were new or had changed.
    pub lines: u64,
    /// Rows that were left out.
    pub unreadable: u64,
    /// Why, as the end of the sentence "they …".
    pub why_unreadable: String,
    /// How often nothing could be read, since the start.
    pub failures: u64,
    /// What keeps it from being read now.
    pub trouble: Option<String>,
}

/// A [`PollCondition`] that one writes and others read.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<Mutex<PollCondition>>);

impl Standing {
    /// As it is now.
    pub fn get(&self) -> PollCondition {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes it, by whoever it is of.
    pub fn change(&self, change: impl FnOnce(&mut PollCondition)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
