//! Counting years in dates that do not name them.

use jiff::tz::TimeZone;

use super::{MICROS_PER_DAY, rolls};
use crate::envelope::stamp::{days_from_epoch, is_leap};

/// A date that jumps by more than this has crossed a New Year, or come back over it.
const HALF_YEAR_DAYS: i32 = 183;
/// A jump is taken back while the log has moved on by at most this much on either side of it.
const RETURN_DAYS_MAX: i32 = 31;
/// Lines out of order are at most this far from their place.
const DISORDER_DAYS_MAX: i32 = 7;
const LEAP_YEAR_DAYS: i32 = 366;

/// The dates of a log whose lines name no year.
#[derive(Clone, Debug, Default)]
pub(super) struct Dates {
    /// Month and day of the first line and of the last.
    pub(super) first: Option<(u8, u8)>,
    pub(super) last: Option<(u8, u8)>,
    /// Years between the two; negative only when a file begins just after a New Year and ends before it.
    pub(super) rolls: i32,
    years: Years,
    /// After how many rolls a 29th of February was seen.
    leap_day_after: Option<i32>,
}

impl Dates {
    /// Takes the next line's date (which must exist in a leap year); the years passed since the first line.
    pub(super) fn step(&mut self, month: u8, day: u8) -> i32 {
        self.rolls = self.years.step(month, day);
        self.first = self.first.or(Some((month, day)));
        self.last = Some((month, day));
        if (month, day) == (2, 29) {
            self.leap_day_after = Some(self.rolls);
        }
        self.rolls
    }

    /// The year of the first line, if the last was written no later than a day after `anchor_utc_micros`.
    pub(super) fn first_year(&self, anchor_utc_micros: i64, zone: &TimeZone) -> Option<i16> {
        let (first, last) = (self.first?, self.last?);
        Some(rolls::first_year_with_leap_day(first, self.rolls, last, self.leap_day_after, anchor_utc_micros, zone))
    }
}

/// How many years a log has moved on since its first line.
///
/// A jump and its return cancel exactly, whatever the cause (a line out of order at New Year, a clock that was wrong for a
/// while), so that disorder never makes the year drift.
#[derive(Clone, Debug, Default)]
struct Years {
    last: Option<i32>,
    rolls: i32,
    jump: Option<Jump>,
}

#[derive(Clone, Debug)]
struct Jump {
    from: i32,
    to: i32,
    change: i32,
}

impl Years {
    /// Takes the next line's date (which must exist in a leap year); the years passed since the first line.
    fn step(&mut self, month: u8, day: u8) -> i32 {
        let next = day_of_leap_year(month, day);
        if let Some(last) = self.last.replace(next)
            && (next - last).abs() > HALF_YEAR_DAYS
        {
            self.jump(last, next);
        }
        self.rolls
    }

    fn jump(&mut self, last: i32, next: i32) {
        let went_on = -DISORDER_DAYS_MAX..=RETURN_DAYS_MAX;
        if let Some(jump) = self.jump.take()
            && went_on.contains(&(last - jump.to))
            && went_on.contains(&(next - jump.from))
        {
            self.rolls -= jump.change;
            return;
        }
        let change = if next < last {
            1
        } else if last + LEAP_YEAR_DAYS - next <= DISORDER_DAYS_MAX {
            -1
        } else {
            // A server that was silent for more than half a year.
            0
        };
        self.rolls += change;
        self.jump = Some(Jump { from: last, to: next, change });
    }
}

/// The year in which a date lies nearest to a known time.
pub(super) fn nearest(micros: i64, month: u8, day: u8) -> i16 {
    let today = micros.div_euclid(MICROS_PER_DAY);
    // Within a day or so of the true civil year, which is all that choosing among three neighbours needs.
    let about = super::clamp_year(i32::try_from(1970 + today * 400 / 146_097).unwrap_or(i32::MAX));
    let distance = |year: i16| (days_from_epoch(year, month, day) - today).abs();
    let years = [about, about.saturating_sub(1), about.saturating_add(1)];
    let exists = |year: &&i16| (month, day) != (2, 29) || is_leap(**year);
    years.iter().filter(exists).copied().min_by_key(|&year| distance(year)).unwrap_or(about)
}

/// 1 to 366, with the 29th of February in its place.
fn day_of_leap_year(month: u8, day: u8) -> i32 {
    let first_of_year = days_from_epoch(2000, 1, 1);
    i32::try_from(days_from_epoch(2000, month, day) - first_of_year + 1).unwrap_or(1)
}
