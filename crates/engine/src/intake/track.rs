//! What the lines of one file, or stream, need to be placed: how they are called, whose they are, when they were written.

use vigie_formats::calendar::Calendar;
use vigie_model::{Micros, Text};

use super::TIMES;

/// The lines of one file in their order.
pub struct Track {
    /// Tells files apart when copies of a line are counted.
    pub id: usize,
    /// How the file is called in the store.
    pub label: Text,
    /// The host that it was given with.
    pub given_host: Option<String>,
    pub calendar: Calendar,
    /// The time of the first line.
    pub first_ts: Micros,
    pub last_ts: Micros,
    /// A line of it was taken since it was opened.
    pub moved: bool,
    /// Its lines up to this time may be stored already, from elsewhere.
    pub known_until: Micros,
    /// Another log may bring the same lines later, `mail.info` those of `mail.log`: all are remembered, and compared.
    pub has_siblings: bool,
    pub lines: u64,
    pub duplicates: u64,
    pub hostless: u64,
}

impl Track {
    pub fn new(id: usize, label: Text, given_host: Option<String>, calendar: Calendar) -> Self {
        Self {
            id,
            label,
            given_host,
            calendar,
            first_ts: TIMES.start,
            last_ts: TIMES.start,
            moved: false,
            known_until: Micros::MAX,
            has_siblings: false,
            lines: 0,
            duplicates: 0,
            hostless: 0,
        }
    }

    /// Where it stands in time.
    pub fn position(&self) -> Micros {
        if self.moved { self.last_ts } else { self.first_ts }
    }
}
