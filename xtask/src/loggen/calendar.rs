//! Days, stamps and the daily rhythm of mail. Everything is UTC; microseconds count from 1970-01-01.

use super::MICROSECONDS_PER_DAY;

/// How much mail each hour of a day carries, in parts of 100: quiet nights, a peak in the morning, a lower one after lunch.
const HOURLY_SHARE: [u64; 24] = [1, 1, 1, 1, 1, 1, 2, 4, 7, 9, 9, 8, 5, 6, 8, 8, 8, 6, 4, 3, 2, 2, 2, 1];
const MICROSECONDS_PER_HOUR: f64 = 3_600_000_000.0;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The form of the time at the head of a line.
#[derive(Clone, Copy)]
pub enum Stamps {
    /// `Mar  2 08:00:01`, RFC 3164: no year, no zone.
    Rfc3164,
    /// `2026-03-02T08:00:01.123456+00:00`, as rsyslog's RSYSLOG_FileFormat.
    Iso,
}

impl Stamps {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "rfc3164" => Ok(Self::Rfc3164),
            "iso" => Ok(Self::Iso),
            other => Err(format!("`{other}` is no kind of stamp; choose rfc3164 or iso")),
        }
    }

    pub fn format(self, at: u64) -> String {
        let (year, month, day) = civil(at / MICROSECONDS_PER_DAY);
        let seconds = at % MICROSECONDS_PER_DAY / 1_000_000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match self {
            Self::Rfc3164 => format!("{} {day:2} {hour:02}:{minute:02}:{second:02}", MONTHS[month as usize - 1]),
            Self::Iso => {
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}+00:00", at % 1_000_000)
            }
        }
    }
}

/// Days since 1970-01-01 (Hinnant, *chrono-compatible low-level date algorithms*, for years after 1970).
pub fn day_number(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The reverse of `day_number`: year, month, day.
fn civil(day_number: u64) -> (u64, u64, u64) {
    let days = day_number + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

pub fn parse_day(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no day; write it as 2026-03-02");
    let parts: Vec<u64> = text.split('-').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    match parts[..] {
        [year, month, day]
            if (1971..10_000).contains(&year)
                && (1..=12).contains(&month)
                && (1..=31).contains(&day)
                && civil(day_number(year, month, day)) == (year, month, day) =>
        {
            Ok(day_number(year, month, day))
        }
        _ => Err(wrong()),
    }
}

/// How far into the days the mail stands when a share of it (0 to 1) has arrived, in microseconds.
pub fn office_time(progress: f64, days: u64) -> u64 {
    let day = (progress * days as f64).floor();
    let mut share = (progress * days as f64 - day) * HOURLY_SHARE.iter().sum::<u64>() as f64;
    let mut hour = 0.0;
    for hourly in HOURLY_SHARE {
        if share <= hourly as f64 {
            hour += share / hourly as f64;
            break;
        }
        share -= hourly as f64;
        hour += 1.0;
    }
    (day as u64) * MICROSECONDS_PER_DAY + (hour * MICROSECONDS_PER_HOUR) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_turn_into_each_other() {
        for (day, date) in [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_514, (2026, 3, 2)), (20_788, (2026, 12, 1))]
        {
            assert_eq!(civil(day), date);
            assert_eq!(day_number(date.0, date.1, date.2), day);
        }
    }

    #[test]
    fn a_day_that_never_was_is_refused() {
        assert!(parse_day("2026-02-30").is_err());
        assert!(parse_day("2026-02").is_err());
        assert!(parse_day("2024-02-29").is_ok());
    }

    #[test]
    fn stamps_look_as_syslog_writes_them() {
        let at = day_number(2026, 3, 2) * MICROSECONDS_PER_DAY + 8 * 3_600_000_000 + 1_123_456;
        assert_eq!(Stamps::Rfc3164.format(at), "Mar  2 08:00:01");
        assert_eq!(Stamps::Iso.format(at), "2026-03-02T08:00:01.123456+00:00");
    }

    #[test]
    fn office_time_never_runs_backwards() {
        let times: Vec<u64> = (0..=1000).map(|step| office_time(f64::from(step) / 1000.0, 3)).collect();
        assert!(times.is_sorted());
        assert_eq!(times[0], 0);
    }
}
