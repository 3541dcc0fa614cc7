//! From the time in a line to UTC: the missing year, the zone of the machine that wrote it, the hour that comes twice.
//!
//! [`RollScan`] reads a file once, quickly, to learn how often its year changes; [`RollScan::first_year`] anchors it to the
//! file's own time; [`Calendar`] then places line after line. The zone database is asked once per hour of local time.

mod hours;
mod rolls;
mod scan;
mod years;

pub use rolls::first_year;
pub use scan::{RollScan, scan_rolls};

use jiff::tz::TimeZone;

use crate::envelope::Stamp;
use crate::envelope::stamp::{days_in_month, is_leap};
use hours::{Hours, Placed};
use years::Dates;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// How far a line may lie before the one above it in the hour that comes twice, and still count as a little out of order.
const FOLD_DISORDER_MICROS: i64 = MICROS_PER_MINUTE;

/// Places the times of one log, in the order of its lines.
#[derive(Debug)]
pub struct Calendar {
    hours: Hours,
    dates: Dates,
    /// The year at zero rolls.
    base_year: i16,
    /// Month and day of the last line without a year, and the year it was placed in.
    day: (u8, u8),
    year: i16,
    /// The last time given out.
    last: Option<i64>,
    /// The stamp that it was given out for.
    last_stamp: Option<Stamp>,
    /// The last line named its year itself, and so says more about the next line's year than any counting.
    dated: bool,
}

impl Calendar {
    /// A calendar for lines of `zone`, whose first line without a year lies in `first_year` (see [`RollScan::first_year`]).
    pub fn new(zone: TimeZone, first_year: i16) -> Self {
        Calendar {
            hours: Hours::new(zone),
            dates: Dates::default(),
            base_year: first_year,
            day: (0, 0),
            year: first_year,
            last: None,
            last_stamp: None,
            dated: false,
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z; `None` for [`Stamp::None`] and for dates that do not exist.
    ///
    /// A line without a year opens the next year when its date jumps back by more than half a year, and returns to the old
    /// one when it was only out of order. In the hour that clocks skip, time is read with the offset before it; in the hour
    /// that comes twice, the first pass is meant unless the log would run backward.
    #[inline]
    pub fn resolve(&mut self, stamp: &Stamp) -> Option<i64> {
        // Lines of one moment follow each other.
        if self.last_stamp == Some(*stamp) {
            return self.last;
        }
        self.last_stamp = None;
        let micros = match *stamp {
            Stamp::Utc(micros) => {
                self.dated = true;
                micros
            }
            Stamp::Local { year: Some(year), month, day, micros_of_day } => {
                let micros = self.place(year, month, day, micros_of_day)?;
                self.dated = true;
                micros
            }
            Stamp::Local { year: None, month, day, micros_of_day } => {
                if self.day != (month, day) || self.dated {
                    self.turn_to(month, day)?;
                }
                self.place(self.year, month, day, micros_of_day)?
            }
            Stamp::None => return None,
        };
        (self.last, self.last_stamp) = (Some(micros), Some(*stamp));
        self.last
    }

    /// The year in which the first line without one lies, by all lines placed so far: what [`RollScan::first_year`] says of them.
    pub fn first_year(&self, anchor_utc_micros: i64) -> Option<i16> {
        self.dates.first_year(anchor_utc_micros, self.hours.zone())
    }

    #[inline]
    fn place(&mut self, year: i16, month: u8, day: u8, micros_of_day: i64) -> Option<i64> {
        match self.hours.place(year, month, day, micros_of_day)? {
            Placed::Once(micros) => Some(micros),
            Placed::Twice { first, second } => Some(self.pass(first, second)),
        }
    }

    /// Which pass through a repeated hour continues the log.
    fn pass(&self, first: i64, second: i64) -> i64 {
        match self.last.map(|last| last - FOLD_DISORDER_MICROS) {
            // When even the second pass lies before the last line, the log jumped for another reason.
            Some(earliest) if first < earliest && second >= earliest => second,
            _ => first,
        }
    }

    /// Finds the year of a new day.
    fn turn_to(&mut self, month: u8, day: u8) -> Option<()> {
        if !(1..=12).contains(&month) || day == 0 || day > days_in_month(2000, month) {
            return None;
        }
        let rolls = self.dates.step(month, day);
        if let (true, Some(last)) = (self.dated, self.last) {
            let near = years::nearest(last, month, day);
            self.base_year = clamp_year(i32::from(near) - rolls);
            self.dated = false;
        }
        self.day = (month, day);
        self.year = clamp_year(i32::from(self.base_year) + rolls);
        if (month, day) == (2, 29) {
            self.year = leap_at_or_before(self.year);
        }
        Some(())
    }
}

/// Years that jiff and a four-digit form can both hold.
fn clamp_year(year: i32) -> i16 {
    i16::try_from(year.clamp(-9999, 9999)).unwrap_or_default()
}

/// The 29th of February of a wrong year belongs to the last one that had it: logs are of the past.
fn leap_at_or_before(year: i16) -> i16 {
    (0..8).map(|back| clamp_year(i32::from(year) - back)).find(|&year| is_leap(year)).unwrap_or(year)
}

#[cfg(test)]
mod tests;
