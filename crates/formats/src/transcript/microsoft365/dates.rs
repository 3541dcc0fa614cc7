//! Times as exports write them: ISO 8601, `/Date(1658751973240)/`, or as the machine that exported writes dates.

use vigie_model::Micros;

use crate::{
    envelope::stamp::{days_from_epoch, days_in_month},
    transcript::DateOrder,
};

const MICROS_PER_SECOND: Micros = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Times outside are none: 1980 to 2200, as the calendar of lines has it.
const MICROS: std::ops::Range<Micros> = 315_532_800_000_000..7_258_118_400_000_000;

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Date {
    At(Micros),
    /// The order of day and month is not said.
    Numeric(Numeric),
}

/// `11/22/2026 4:32:29 AM`, of UTC: only the way of writing is the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numeric {
    first: u8,
    second: u8,
    year: i16,
    seconds: i64,
    has_dots: bool,
    has_half_days: bool,
}

pub fn read(text: &[u8]) -> Option<Date> {
    let text = text.trim_ascii();
    if let Some(rest) = text.strip_prefix(b"/Date(").or_else(|| text.strip_prefix(b"\\/Date(")) {
        let mut scan = Scan(rest);
        return scan.number(15)?.checked_mul(1000).filter(|at| MICROS.contains(at)).map(Date::At);
    }
    iso(text).map(Date::At).or_else(|| numeric(text).map(Date::Numeric))
}

impl Numeric {
    /// The order, where this date alone tells it.
    pub fn order(&self) -> Option<DateOrder> {
        match (self.first, self.second) {
            (13.., _) => Some(DateOrder::DayFirst),
            (_, 13..) => Some(DateOrder::MonthFirst),
            // No country writes the month first with dots.
            _ if self.has_dots => Some(DateOrder::DayFirst),
            _ => None,
        }
    }

    /// What it most likely is, where nothing tells: America's months come first, and its hours are counted twice to twelve.
    pub fn likely_order(&self) -> DateOrder {
        if self.has_half_days { DateOrder::MonthFirst } else { DateOrder::DayFirst }
    }

    pub fn at(&self, order: DateOrder) -> Option<Micros> {
        let (month, day) = match order {
            DateOrder::DayFirst => (self.second, self.first),
            DateOrder::MonthFirst | DateOrder::YearFirst => (self.first, self.second),
        };
        micros(self.year, month, day, self.seconds, 0)
    }
}

/// `2026-11-22T04:32:29.0107850Z`, with a space for the T, with an offset, or without a zone: that is UTC.
fn iso(text: &[u8]) -> Option<Micros> {
    let mut scan = Scan(text);
    let year = scan.exactly(4)?;
    let separator = scan.any(b"-/.")?;
    let month = scan.number(2)?;
    scan.expect(separator)?;
    let day = scan.number(2)?;
    let seconds = match scan.any(b"T ") {
        Some(_) => scan.clock()?,
        None => 0,
    };
    let fraction = scan.fraction();
    let offset = match scan.0 {
        [] | [b'Z'] => 0,
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let mut scan = Scan(rest);
            let hours = scan.exactly(2)?;
            scan.any(b":");
            let minutes = scan.exactly(2)?;
            if !scan.0.is_empty() || hours > 14 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3600 + minutes * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let at = micros(year as i16, month as u8, day as u8, seconds, fraction)?;
    Some(at - offset * MICROS_PER_SECOND)
}

fn numeric(text: &[u8]) -> Option<Numeric> {
    let mut scan = Scan(text);
    let first = scan.number(2)?;
    let separator = scan.any(b"/.-")?;
    let second = scan.number(2)?;
    scan.expect(separator)?;
    let year = scan.exactly(4)?;
    scan.any(b",");
    scan.expect(b' ')?;
    let mut seconds = scan.clock()?;
    let rest = scan.0.trim_ascii();
    let half = rest.first().map(u8::to_ascii_lowercase);
    match half {
        None => {}
        Some(b'a' | b'p') if rest.len() <= 6 && seconds < 13 * 3600 => {
            seconds = seconds % (12 * 3600) + if half == Some(b'p') { 12 * 3600 } else { 0 };
        }
        Some(_) => return None,
    }
    let has_half_days = half.is_some();
    Some(Numeric {
        first: first as u8,
        second: second as u8,
        year: year as i16,
        seconds,
        has_dots: separator == b'.',
        has_half_days,
    })
}

fn micros(year: i16, month: u8, day: u8, seconds: i64, fraction: Micros) -> Option<Micros> {
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let seconds = days_from_epoch(year, month, day) * SECONDS_PER_DAY + seconds;
    Some(seconds * MICROS_PER_SECOND + fraction).filter(|at| MICROS.contains(at))
}

/// What is left of a text.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    /// Up to so many digits, and one at least.
    fn number(&mut self, digits_max: usize) -> Option<i64> {
        let digits = self.0.iter().take(digits_max).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        (digits > 0).then(|| number.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
    }

    fn exactly(&mut self, digits: usize) -> Option<i64> {
        let before = self.0.len();
        self.number(digits).filter(|_| before - self.0.len() == digits)
    }

    fn any(&mut self, wanted: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        wanted.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    fn expect(&mut self, wanted: u8) -> Option<u8> {
        self.any(&[wanted])
    }

    /// `4:32:29`, `04:32` or `04.32.29`, in seconds.
    fn clock(&mut self) -> Option<i64> {
        let hours = self.number(2)?;
        let separator = self.any(b":.")?;
        let minutes = self.exactly(2)?;
        let seconds = if self.expect(separator).is_some() { self.exactly(2)? } else { 0 };
        (hours < 24 && minutes < 60 && seconds < 61).then(|| hours * 3600 + minutes * 60 + seconds.min(59))
    }

    /// `.0107850` in microseconds; further digits are cut.
    fn fraction(&mut self) -> Micros {
        let [b'.', rest @ ..] = self.0 else { return 0 };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &rest[digits..];
        let digit = |at: usize| rest.get(at).filter(|_| at < digits).map_or(0, |digit| i64::from(digit - b'0'));
        (0..6).fold(0, |value, at| value * 10 + digit(at))
    }
}

#[cfg(test)]
mod tests {
    use vigie_model::iso as told;

    use super::*;

    fn at(text: &str, order: DateOrder) -> Option<String> {
        match read(text.as_bytes())? {
            Date::At(at) => Some(told(at)),
            Date::Numeric(date) => date.at(order).map(told),
        }
    }

    #[test]
    fn all_ways_of_writing_one_time() {
        for text in [
            "2026-11-22T04:32:29.0107850",
            "2026-11-22T04:32:29.010785Z",
            "2026-11-22 04:32:29.0107850",
            "2026-11-22T05:32:29.0107850+01:00",
            "2026-11-21T23:32:29.0107850-0500",
        ] {
            assert_eq!(at(text, DateOrder::DayFirst).as_deref(), Some("2026-11-22T04:32:29.010785Z"), "{text}");
        }
        for text in [
            "22/11/2026 04:32:29",
            "22.11.2026 04:32:29",
            "22-11-2026 4:32:29",
            "22/11/2026 4:32:29 am",
            "2026/11/22 4:32:29",
        ] {
            assert_eq!(at(text, DateOrder::DayFirst).as_deref(), Some("2026-11-22T04:32:29Z"), "{text}");
        }
        for text in ["11/22/2026 4:32:29 AM", "11/22/2026 04:32:29"] {
            assert_eq!(at(text, DateOrder::MonthFirst).as_deref(), Some("2026-11-22T04:32:29Z"), "{text}");
        }
        assert_eq!(at("/Date(1658751973240)/", DateOrder::DayFirst).as_deref(), Some("2022-07-25T12:26:13.240000Z"));
        assert_eq!(at("11/22/2026 12:00:00 AM", DateOrder::MonthFirst).as_deref(), Some("2026-11-22T00:00:00Z"));
        assert_eq!(at("11/22/2026 12:00:00 p.m.", DateOrder::MonthFirst).as_deref(), Some("2026-11-22T12:00:00Z"));
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "yesterday",
            "2026-02-30T00:00:00",
            "2026-13-01",
            "22/11/2026",
            "1/2/26 04:00",
            "2026-11-22T25:00:00",
            "2026-11-22T04:32:29 CET",
            "99/99/2026 04:32:29",
            "/Date()/",
            "/Date(5551232870069679821)/",
            "9999-01-01T00:00:00",
        ] {
            assert_eq!(at(text, DateOrder::DayFirst), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_told_by_days_above_twelve() {
        let order = |text: &str| match read(text.as_bytes()) {
            Some(Date::Numeric(date)) => (date.order(), date.likely_order()),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(order("13/1/2026 04:32:29"), (Some(DateOrder::DayFirst), DateOrder::DayFirst));
        assert_eq!(order("1/13/2026 4:32:29 PM"), (Some(DateOrder::MonthFirst), DateOrder::MonthFirst));
        assert_eq!(order("1.2.2026 04:32:29"), (Some(DateOrder::DayFirst), DateOrder::DayFirst));
        assert_eq!(order("1/2/2026 4:32:29 PM"), (None, DateOrder::MonthFirst));
    }
}
