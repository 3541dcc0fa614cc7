//! The time in a console line, in the seven forms that were seen.
//!
//! `01/31/2026 01:52:26`, `12/31/2019 05:16:40 PM`, `13/06/2014 11:36:38`, `20.03.2022 07:36:42`, `03-07-2005 23:07:20`,
//! `2016-06-14 15:54:23`, `09/13/2016 09:49:47.90 PM`: notes.ini's `DateOrder`, `DateSeparator`, `ClockType` and `TimeSeparator` decide.

use crate::envelope::stamp::days_in_month;

/// A time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub date: Date,
    /// The ten bytes of the date, for telling a person.
    pub written: [u8; DATE_BYTES],
    pub second_of_day: u32,
    /// Two digits, where there are any.
    pub hundredths: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Date {
    YearFirst(Day),
    /// The year stands behind; day and month in an order that the line does not tell.
    Open {
        first: u8,
        second: u8,
        year: i16,
    },
}

/// A day that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub year: i16,
    pub month: u8,
    pub day: u8,
}

pub const DATE_BYTES: usize = 10;
const TIME_BYTES: usize = 8;

impl Day {
    pub fn new(year: i16, month: u8, day: u8) -> Option<Self> {
        let exists = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        exists.then_some(Self { year, month, day })
    }
}

/// Reads the time at the start of a text, and says how many bytes it took.
pub fn read(text: &[u8]) -> Option<(Stamp, usize)> {
    let written = *text.first_chunk::<DATE_BYTES>()?;
    let date = date(&written)?;
    let rest = text.get(DATE_BYTES..)?.strip_prefix(b" ")?;
    let mut second_of_day = clock(rest.first_chunk::<TIME_BYTES>()?)?;
    let mut end = DATE_BYTES + 1 + TIME_BYTES;
    let mut hundredths = None;
    if let [b'.', a, b, ..] = text.get(end..)?
        && a.is_ascii_digit()
        && b.is_ascii_digit()
    {
        (hundredths, end) = (two(*a, *b), end + 3);
    }
    if let [b' ', half @ (b'A' | b'P'), b'M', rest @ ..] = text.get(end..)?
        && !rest.first().is_some_and(u8::is_ascii_alphanumeric)
    {
        (second_of_day, end) = (half_day(second_of_day, *half)?, end + 3);
    }
    let ends = text.get(end).is_none_or(|byte| matches!(byte, b' ' | b'\t' | b','));
    ends.then_some((Stamp { date, written, second_of_day, hundredths }, end))
}

fn date(written: &[u8; DATE_BYTES]) -> Option<Date> {
    let w = written;
    if is_separator(w[4]) {
        return (w[4] == w[7])
            .then_some(())
            .and_then(|()| Day::new(four([w[0], w[1], w[2], w[3]])?, two(w[5], w[6])?, two(w[8], w[9])?))
            .map(Date::YearFirst);
    }
    let open = is_separator(w[2]) && w[2] == w[5];
    let (first, second, year) = (two(w[0], w[1])?, two(w[3], w[4])?, four([w[6], w[7], w[8], w[9]])?);
    let is_a_day = Day::new(year, first, second).or_else(|| Day::new(year, second, first)).is_some();
    (open && is_a_day).then_some(Date::Open { first, second, year })
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'/' | b'.' | b'-')
}

/// `hh:mm:ss`, or with the other separator that is in use, a dot.
fn clock(text: &[u8; TIME_BYTES]) -> Option<u32> {
    let &[h1, h2, separator, m1, m2, again, s1, s2] = text;
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    let is_time = matches!(separator, b':' | b'.') && separator == again && hour < 24 && minute < 60 && second < 60;
    is_time.then(|| u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second))
}

/// 12 AM is midnight and 12 PM noon.
fn half_day(second_of_day: u32, half: u8) -> Option<u32> {
    const NOON: u32 = 12 * 3600;
    let in_half = match second_of_day / 3600 {
        12 => second_of_day - NOON,
        1..12 => second_of_day,
        _ => return None,
    };
    Some(if half == b'P' { in_half + NOON } else { in_half })
}

fn two(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| tens * 10 + ones)
}

fn four(digits: [u8; 4]) -> Option<i16> {
    let [a, b, c, d] = digits;
    Some(i16::from(two(a, b)?) * 100 + i16::from(two(c, d)?))
}
