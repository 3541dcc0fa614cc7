//! The period of a page as it stands in the address: relative, fixed, or everything.
//!
//! `24h`, `7d` · `2026-11-01/2026-11-08` (days of the reader's zone, the last one included) ·
//! `2026-11-22T05:00:00Z/2026-11-22T05:15:00Z` (exact, the end excluded) · `all`.

use std::fmt;

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// Longest relative period: ten years.
const LAST_HOURS_MAX: u32 = 10 * 366 * 24;
const HOURS_PER_DAY: u32 = 24;

/// Which time a page is about. Relative periods stay relative in links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Last {
        hours: u32,
    },
    /// Whole days of the reader's zone, both included.
    Days {
        first: Date,
        last: Date,
    },
    /// `[from, until)`.
    Fixed {
        from: Timestamp,
        until: Timestamp,
    },
    All,
}

impl Period {
    /// `None` when the text is not a period.
    pub fn parse(text: &str) -> Option<Period> {
        let text = text.trim();
        if text == "all" {
            return Some(Period::All);
        }
        if let Some((from, until)) = text.split_once('/') {
            return Self::parse_days(from, until).or_else(|| Self::parse_fixed(from, until));
        }
        let (digits, hours_per_unit) = match text.as_bytes().last()? {
            b'h' => (&text[..text.len() - 1], 1),
            b'd' => (&text[..text.len() - 1], HOURS_PER_DAY),
            _ => return None,
        };
        let hours = digits.parse::<u32>().ok()?.checked_mul(hours_per_unit)?;
        (1..=LAST_HOURS_MAX).contains(&hours).then_some(Period::Last { hours })
    }

    /// The fixed period between two instants.
    pub fn fixed(from: Timestamp, until: Timestamp) -> Period {
        Period::Fixed { from, until }
    }

    /// `[from, until)`; `None` for all that is stored.
    pub fn range(&self, now: Timestamp, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        match *self {
            Period::Last { hours } => {
                let from = now.checked_sub(SignedDuration::from_hours(i64::from(hours))).unwrap_or(Timestamp::MIN);
                Some((from, now))
            }
            Period::Days { first, last } => {
                let after_last = last.checked_add(1.day()).unwrap_or(Date::MAX);
                Some((day_begin(first, zone)?, day_begin(after_last, zone)?))
            }
            Period::Fixed { from, until } => Some((from, until)),
            Period::All => None,
        }
    }

    fn parse_days(from: &str, until: &str) -> Option<Period> {
        let (first, last) = (date(from)?, date(until)?);
        (first <= last).then_some(Period::Days { first, last })
    }

    fn parse_fixed(from: &str, until: &str) -> Option<Period> {
        let (from, until) = (from.parse().ok()?, until.parse().ok()?);
        (from < until).then_some(Period::Fixed { from, until })
    }
}

/// A plain date only: jiff's own parser also takes the date of a longer text.
fn date(text: &str) -> Option<Date> {
    const ISO_DATE_LEN: usize = "2026-11-22".len();
    if text.len() == ISO_DATE_LEN { text.parse().ok() } else { None }
}

fn day_begin(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().and_then(|day| day.start_of_day().ok()).map(|day| day.timestamp())
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Last { hours } if *hours > HOURS_PER_DAY && hours % HOURS_PER_DAY == 0 => {
                write!(f, "{}d", hours / HOURS_PER_DAY)
            }
            Period::Last { hours } => write!(f, "{hours}h"),
            Period::Days { first, last } => write!(f, "{first}/{last}"),
            Period::Fixed { from, until } => write!(f, "{from}/{until}"),
            Period::All => f.write_str("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_parses_back() {
        for text in [
            "1h",
            "24h",
            "7d",
            "30d",
            "49h",
            "all",
            "2026-11-01/2026-11-08",
            "2026-11-22T05:00:00Z/2026-11-22T05:15:00Z",
        ] {
            assert_eq!(Period::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["", "h", "0h", "-3d", "99999999999d", "2026-11-08/2026-11-01", "2026-11-01", "yesterday", "é", "5é"]
        {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_of_the_change_to_winter_time_has_25_hours() {
        let zone = TimeZone::get("Europe/Paris").expect("bundled");
        let (from, until) =
            Period::parse("2026-10-25/2026-10-25").and_then(|p| p.range(Timestamp::UNIX_EPOCH, &zone)).expect("a day");
        assert_eq!(until.duration_since(from), SignedDuration::from_hours(25));
    }
}
