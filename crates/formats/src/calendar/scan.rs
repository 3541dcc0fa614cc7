//! A quick pass over a whole log that looks at nothing but dates, to learn its years before the first line is placed.

use jiff::tz::TimeZone;

use super::years::Dates;
use crate::envelope::{self, Scratch, Stamp, priority, stamp};

/// `Mar  2`: while a line begins like the one above, its date is the same.
const DATE_BYTES: usize = 6;

/// What [`scan_rolls`] has learned so far. Begin with `default()` and give it every chunk of a file in order.
#[derive(Debug, Default)]
pub struct RollScan {
    /// The file needs a year from elsewhere. False until a line without a year is seen, and for good when the first line
    /// that has a time names its year.
    pub needs_year: bool,
    pub(super) dates: Dates,
    date: Option<[u8; DATE_BYTES]>,
    decided: bool,
    scratch: Scratch,
}

impl RollScan {
    /// The year of the file's first line, by a time at which the file was already written (its modification time);
    /// `None` when no year is needed.
    pub fn first_year(&self, anchor_utc_micros: i64, zone: &TimeZone) -> Option<i16> {
        self.dates.first_year(anchor_utc_micros, zone)
    }

    #[inline]
    fn line(&mut self, line: &[u8]) {
        // A line after another of the same day, which is nearly every line, ends here.
        if line.first_chunk() == self.date.as_ref() && self.date.is_some() {
            return;
        }
        let bare = match line.first() {
            Some(b'<') => priority::strip(line).unwrap_or(line),
            _ => line,
        };
        if bare.first_chunk() != self.date.as_ref() || self.date.is_none() {
            self.new_date(line, bare);
        }
    }

    fn new_date(&mut self, line: &[u8], bare: &[u8]) {
        self.date = None;
        match envelope::parse(line, &mut self.scratch).map(|envelope| envelope.stamp) {
            Some(Stamp::Local { year: None, month, day, .. }) => {
                (self.decided, self.needs_year) = (true, true);
                self.dates.step(month, day);
                // The date of a container's line stands further on.
                if stamp::read(bare).is_some_and(|read| read.stamp.is_of(month, day)) {
                    self.date = bare.first_chunk().copied();
                }
            }
            Some(Stamp::Local { .. } | Stamp::Utc(_)) => self.decided = true,
            Some(Stamp::None) | None => {}
        }
    }
}

/// Looks at the dates of a chunk of whole lines. `false` when the log names its years and the rest need not be read.
pub fn scan_rolls(chunk: &[u8], state: &mut RollScan) -> bool {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', chunk).chain(std::iter::once(chunk.len())) {
        state.line(&chunk[start..end]);
        if state.decided && !state.needs_year {
            return false;
        }
        start = end + 1;
    }
    true
}
