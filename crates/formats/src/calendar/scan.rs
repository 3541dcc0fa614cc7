//! A quick pass over a whole log that looks at nothing but dates, to learn its years before the first line is placed.

use jiff::tz::TimeZone;

use super::rolls;
use super::years::Years;
use crate::envelope::{self, Scratch, Stamp, priority, stamp};

/// `Mar  2`: while a line begins like the one above, its date is the same.
const DATE_BYTES: usize = 6;

/// What [`scan_rolls`] has learned so far. Begin with `default()` and give it every chunk of a file in order.
#[derive(Debug, Default)]
pub struct RollScan {
    /// Month and day of the first line without a year.
    pub first: Option<(u8, u8)>,
    /// Month and day of the last line without a year.
    pub last: Option<(u8, u8)>,
    /// Years between the two; negative only when a file begins just after a New Year and ends before it.
    pub rolls: i32,
    /// The file needs a year from elsewhere. False until a line without a year is seen, and for good when the first line
    /// that has a time names its year.
    pub needs_year: bool,
    years: Years,
    /// After how many rolls a 29th of February was seen.
    leap_day_after: Option<i32>,
    date: [u8; DATE_BYTES],
    decided: bool,
    scratch: Scratch,
}

impl RollScan {
    /// The year of the file's first line, by a time at which the file was already written (its modification time);
    /// `None` when no year is needed.
    pub fn first_year(&self, anchor_utc_micros: i64, zone: &TimeZone) -> Option<i16> {
        let (first, last) = (self.first?, self.last?);
        let leap_day = self.leap_day_after;
        Some(rolls::first_year_with_leap_day(first, self.rolls, last, leap_day, anchor_utc_micros, zone))
    }

    #[inline]
    fn line(&mut self, line: &[u8]) {
        // A line after another of the same day, which is nearly every line, ends here.
        if line.first_chunk::<DATE_BYTES>() == Some(&self.date) {
            return;
        }
        let bare = match line.first() {
            Some(b'<') => priority::strip(line).unwrap_or(line),
            _ => line,
        };
        if bare.first_chunk::<DATE_BYTES>() != Some(&self.date) {
            self.new_date(line, bare);
        }
    }

    fn new_date(&mut self, line: &[u8], bare: &[u8]) {
        if let Some(Stamp::Local { year: None, month, day, .. }) = stamp::read(bare).map(|read| read.stamp)
            && self.decided
        {
            self.date = bare.first_chunk().copied().unwrap_or_default();
            return self.day(month, day);
        }
        match envelope::parse(line, &mut self.scratch).map(|envelope| envelope.stamp) {
            Some(Stamp::Local { year: None, month, day, .. }) => {
                (self.decided, self.needs_year) = (true, true);
                self.day(month, day);
            }
            Some(Stamp::Local { .. } | Stamp::Utc(_)) => self.decided = true,
            Some(Stamp::None) | None => {}
        }
    }

    fn day(&mut self, month: u8, day: u8) {
        self.rolls = self.years.step(month, day);
        self.first = self.first.or(Some((month, day)));
        self.last = Some((month, day));
        if (month, day) == (2, 29) {
            self.leap_day_after = Some(self.rolls);
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
