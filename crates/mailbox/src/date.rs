//! Dates of header lines, `Sun, 22 Nov 2026 05:32:46 +0100 (CET)`, and of IMAP, `22-Nov-2026 05:32:46 +0100`.

use vigie_model::{MICROS_PER_SECOND, Micros, iso, parse_iso};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// Names of zones in hours from UTC (RFC 5322, 4.3). Others do not say where they are.
const ZONES: [(&str, i64); 12] = [
    ("utc", 0),
    ("gmt", 0),
    ("ut", 0),
    ("z", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
];
const SECONDS_PER_HOUR: i64 = 3600;
/// No zone is farther from UTC.
const HOURS_MAX: i64 = 14;

/// The time; `None` for what is none, or does not say in which zone it is.
pub(crate) fn read(text: &str) -> Option<Micros> {
    let text = text.split_once(',').map_or(text, |(_, rest)| rest).to_ascii_lowercase();
    let text = text.split('(').next()?.replace('-', " -");
    let mut words = text.split_ascii_whitespace();
    let bare = |word: &'_ str| word.strip_prefix('-').map_or_else(|| word.to_owned(), str::to_owned);
    let day: u32 = number(words.next()?, 1..=2)?;
    let month = bare(words.next()?);
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let year: u32 = number(&bare(words.next()?), 4..=4)?;
    let clock: Vec<&str> = words.next()?.split(':').collect();
    let (hour, minute, second) = match clock[..] {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let (hour, minute, second) = (number(hour, 1..=2)?, number(minute, 2..=2)?, number(second, 1..=2)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let zone = zone_seconds(words.next()?)?;
    // A leap second is the last of its minute twice.
    let written = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second.min(59));
    let local = parse_iso(&written)?;
    // 31 February would be read as a day of March.
    (iso(local) == written).then_some(local - zone * MICROS_PER_SECOND)
}

fn zone_seconds(word: &str) -> Option<i64> {
    let (sign, digits) = match word.as_bytes() {
        [b'+', ..] => (1, &word[1..]),
        [b'-', ..] => (-1, &word[1..]),
        _ => return ZONES.iter().find(|(name, _)| *name == word).map(|(_, hours)| hours * SECONDS_PER_HOUR),
    };
    let number: i64 = number(digits, 4..=4)?.into();
    let (hours, minutes) = (number / 100, number % 100);
    (hours <= HOURS_MAX && minutes < 60).then_some(sign * (hours * SECONDS_PER_HOUR + minutes * 60))
}

fn number(word: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let is_number = digits.contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_headers_and_of_imap_are_read() {
        for text in [
            "Sun, 22 Nov 2026 04:32:29 +0000",
            "Sun, 22 Nov 2026 05:32:29 +0100 (CET)",
            "22 Nov 2026 04:32:29 GMT",
            "Sat, 21 Nov 2026 23:32:29 EST",
            "Sat, 21 nov 2026 23:02:29 -0530",
            "22-Nov-2026 04:32:29 +0000",
            " 22-Nov-2026 04:32:29 +0000",
            "21-Nov-2026 23:02:29 -0530",
        ] {
            assert_eq!(read(text), Some(1_795_321_949_000_000), "{text}");
        }
        assert_eq!(read("22 Nov 2026 04:32 Z"), Some(1_795_321_920_000_000));
        assert_eq!(read("31 Dec 2016 23:59:60 Z"), read("31 Dec 2016 23:59:59 Z"));
    }

    #[test]
    fn what_is_no_date_is_not_guessed() {
        for text in [
            "",
            "Sun, 22 Nov 2026 04:32:29",
            "Sun, 31 Feb 2026 04:32:29 +0000",
            "Sun, 22 Nov 26 04:32:29 +0000",
            "Sun, 22 Brumaire 2026 04:32:29 +0000",
            "Sun, 22 Nov 2026 24:32:29 +0000",
            "Sun, 22 Nov 2026 04:32:29 +9900",
            "Sun, 22 Nov 2026 04:32:29 CEST",
            "Sun, 22 Nov 2026 04:é2:29 +0000",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
