//! UTC offsets by the hour of local time, so that the zone database is asked rarely.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};
use crate::envelope::stamp::{days_from_epoch, days_in_month};

/// The last microsecond of a day that ends with a leap second.
const MICROS_OF_DAY_MAX: i64 = MICROS_PER_DAY + MICROS_PER_SECOND - 1;

/// A wall-clock time in UTC.
#[derive(Clone, Copy, Debug)]
pub(super) enum Placed {
    Once(i64),
    /// Clocks were put back: this time was shown twice.
    Twice {
        first: i64,
        second: i64,
    },
}

/// One zone, with what is known about the hour that was asked for last.
#[derive(Debug)]
pub(super) struct Hours {
    zone: TimeZone,
    key: u64,
    hour: Hour,
}

#[derive(Clone, Copy, Debug)]
enum Hour {
    /// The same answer throughout: UTC of the local midnight, as each offset sees it.
    Same(Offsets),
    /// A change happens within the hour (Lord Howe, or a zone of half hours): every line is asked anew.
    Changing,
}

/// UTC of local midnight, in microseconds, by the one or two offsets that a time can have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Offsets {
    One(i64),
    Two { first: i64, second: i64 },
}

impl Offsets {
    #[inline]
    fn at(self, micros_of_day: i64) -> Placed {
        match self {
            Offsets::One(midnight) => Placed::Once(midnight + micros_of_day),
            Offsets::Two { first, second } => {
                Placed::Twice { first: first + micros_of_day, second: second + micros_of_day }
            }
        }
    }
}

impl Hours {
    pub(super) fn new(zone: TimeZone) -> Self {
        // No date has this key: it would be hour 255 of day 255.
        Hours { zone, key: u64::MAX, hour: Hour::Changing }
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    #[inline]
    pub(super) fn place(&mut self, year: i16, month: u8, day: u8, micros_of_day: i64) -> Option<Placed> {
        if !(0..=MICROS_OF_DAY_MAX).contains(&micros_of_day) {
            return None;
        }
        let hour = (micros_of_day / MICROS_PER_HOUR).min(23) as u8;
        let key =
            u64::from(year.cast_unsigned()) << 24 | u64::from(month) << 16 | u64::from(day) << 8 | u64::from(hour);
        if key != self.key {
            self.hour = self.look_up(year, month, day, hour)?;
            self.key = key;
        }
        match self.hour {
            Hour::Same(offsets) => Some(offsets.at(micros_of_day)),
            Hour::Changing => self.offsets(year, month, day, micros_of_day).map(|offsets| offsets.at(micros_of_day)),
        }
    }

    #[cold]
    fn look_up(&self, year: i16, month: u8, day: u8, hour: u8) -> Option<Hour> {
        let start = i64::from(hour) * MICROS_PER_HOUR;
        let first = self.offsets(year, month, day, start)?;
        let last = self.offsets(year, month, day, start + MICROS_PER_HOUR - 1)?;
        Some(if first == last { Hour::Same(first) } else { Hour::Changing })
    }

    /// Asks the zone database. A time that clocks skipped is read with the offset before the change, as jiff's `compatible`.
    fn offsets(&self, year: i16, month: u8, day: u8, micros_of_day: i64) -> Option<Offsets> {
        if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        let second = micros_of_day.min(MICROS_PER_DAY - 1) / MICROS_PER_SECOND;
        let [h, m, s] = [second / 3600, second / 60 % 60, second % 60].map(|part| i8::try_from(part).unwrap_or(0));
        let civil = DateTime::new(year, month as i8, day as i8, h, m, s, 0).ok()?;
        let midnight = days_from_epoch(year, month, day) * MICROS_PER_DAY;
        let seen_by = |offset: Offset| midnight - i64::from(offset.seconds()) * MICROS_PER_SECOND;
        Some(match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => Offsets::One(seen_by(offset)),
            AmbiguousOffset::Gap { before, .. } => Offsets::One(seen_by(before)),
            AmbiguousOffset::Fold { before, after } => Offsets::Two { first: seen_by(before), second: seen_by(after) },
        })
    }
}
