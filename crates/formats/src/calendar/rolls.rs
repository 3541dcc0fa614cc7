//! The year of a file's first line, from the time of the file itself.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{MICROS_PER_DAY, clamp_year};
use crate::envelope::stamp::is_leap;

/// Leap years are at most this far apart (1896 to 1904, 2096 to 2104).
const LEAP_GAP_YEARS: i32 = 8;

/// The year of the first line of a log whose lines have none.
///
/// `first` and `last` are the (month, day) of its first and last lines, `rolls` how many years lie between them (both from
/// [`super::RollScan`]), and `anchor_utc_micros` a time by which the log was written, such as the file's modification time: the
/// last line lies in the latest year that puts it no more than a day after that. A 29th of February lands in a leap year.
pub fn first_year(first: (u8, u8), rolls: i32, last: (u8, u8), anchor_utc_micros: i64, zone: &TimeZone) -> i16 {
    first_year_with_leap_day(first, rolls, last, None, anchor_utc_micros, zone)
}

/// The same, knowing after how many rolls a 29th of February stands somewhere in the middle.
pub(super) fn first_year_with_leap_day(
    first: (u8, u8),
    rolls: i32,
    last: (u8, u8),
    leap_day_after: Option<i32>,
    anchor_utc_micros: i64,
    zone: &TimeZone,
) -> i16 {
    let latest = zone.to_datetime(timestamp(anchor_utc_micros.saturating_add(MICROS_PER_DAY)));
    let reached = last <= (latest.month() as u8, latest.day() as u8);
    let start = i32::from(latest.year()) - i32::from(!reached) - rolls;
    let leap_days = [(first == (2, 29)).then_some(0), (last == (2, 29)).then_some(rolls), leap_day_after];
    let fits = |year: i32| leap_days.iter().flatten().all(|rolls| is_leap(clamp_year(year + rolls)));
    // Two leap days that contradict each other fit nowhere: then the anchor alone decides.
    clamp_year((0..=LEAP_GAP_YEARS).map(|back| start - back).find(|&year| fits(year)).unwrap_or(start))
}

fn timestamp(micros: i64) -> Timestamp {
    let nearest = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(nearest)
}
