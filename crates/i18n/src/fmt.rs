//! Numbers, sizes, durations and times as people of a language write them.
//!
//! English: `12,345.6`, `83.6%`, `19.6 GB`, ISO dates (nobody mistakes the day for the month).
//! French: `12 345,6` with U+202F, `83,6 %` and units after U+00A0, `o ko Mo Go To`, `22/11/2026`.
//! Sizes are decimal (1 MB = 1,000,000 bytes), as in the filter language and on disk labels. Hours have 24 in both.

use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::Lang;

/// U+202F, between groups of three digits in French.
const NARROW_NO_BREAK_SPACE: char = '\u{202f}';
/// U+00A0, before units.
const NO_BREAK_SPACE: char = '\u{a0}';
const MINUS: char = '\u{2212}';

const BYTES_PER_STEP: f64 = 1000.0;
const MS_PER_S: u64 = 1000;
const MS_PER_MIN: u64 = 60 * MS_PER_S;
const MS_PER_H: u64 = 60 * MS_PER_MIN;
const MS_PER_DAY: u64 = 24 * MS_PER_H;

/// A count.
pub fn int(lang: Lang, n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(group_separator(lang));
        }
        out.push(digit);
    }
    out
}

/// A number with `places` decimals. What is not a number is a dash.
pub fn dec(lang: Lang, value: f64, places: usize) -> String {
    if !value.is_finite() {
        return dash().to_owned();
    }
    let plain = format!("{:.places$}", value.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut out = String::new();
    if value < 0.0 && plain.bytes().any(|b| b.is_ascii_digit() && b != b'0') {
        out.push(MINUS);
    }
    // Beyond u64 the digits stay ungrouped: such a figure is a defect, and should look like one.
    out.push_str(&whole.parse().map_or_else(|_| whole.to_owned(), |n| int(lang, n)));
    if !fraction.is_empty() {
        out.push(decimal_mark(lang));
        out.push_str(fraction);
    }
    out
}

/// A share from 0 to 1, as a percentage with one decimal. Never rounds a little to "0" or nearly all to "100".
pub fn pct(lang: Lang, share: f64) -> String {
    let percent = share * 100.0;
    let rounded = (percent * 10.0).round() / 10.0;
    let text = if percent > 0.0 && rounded == 0.0 {
        format!("<{}", dec(lang, 0.1, 1))
    } else if percent < 100.0 && rounded == 100.0 {
        format!(">{}", dec(lang, 99.9, 1))
    } else {
        dec(lang, percent, 1)
    };
    match lang {
        Lang::En => format!("{text}%"),
        Lang::Fr => format!("{text}{NO_BREAK_SPACE}%"),
    }
}

/// A size.
pub fn bytes(lang: Lang, n: u64) -> String {
    let units = match lang {
        Lang::En => ["B", "KB", "MB", "GB", "TB", "PB", "EB"],
        Lang::Fr => ["o", "ko", "Mo", "Go", "To", "Po", "Eo"],
    };
    if n < BYTES_PER_STEP as u64 {
        return format!("{n}{NO_BREAK_SPACE}{}", units[0]);
    }
    let mut value = n as f64;
    let mut step = 0;
    // 999.95 would print as "1000.0".
    while value >= BYTES_PER_STEP - 0.05 && step + 1 < units.len() {
        value /= BYTES_PER_STEP;
        step += 1;
    }
    format!("{}{NO_BREAK_SPACE}{}", dec(lang, value, 1), units[step])
}

/// A duration in milliseconds, in the two units that matter.
pub fn millis(lang: Lang, ms: u64) -> String {
    let day = match lang {
        Lang::En => "d",
        Lang::Fr => "j",
    };
    let two = |major: u64, unit: &str, minor: u64, minor_unit: &str| {
        if minor == 0 {
            return format!("{}{NO_BREAK_SPACE}{unit}", int(lang, major));
        }
        format!("{}{NO_BREAK_SPACE}{unit} {minor:02}{NO_BREAK_SPACE}{minor_unit}", int(lang, major))
    };
    match ms {
        0..MS_PER_S => format!("{ms}{NO_BREAK_SPACE}ms"),
        // From 59.95 s on, one decimal would print "60.0 s".
        MS_PER_S..59_950 => format!("{}{NO_BREAK_SPACE}s", dec(lang, ms as f64 / MS_PER_S as f64, 1)),
        59_950..MS_PER_MIN => two(1, "min", 0, "s"),
        MS_PER_MIN..MS_PER_H => two(ms / MS_PER_MIN, "min", ms % MS_PER_MIN / MS_PER_S, "s"),
        MS_PER_H..MS_PER_DAY => two(ms / MS_PER_H, "h", ms % MS_PER_H / MS_PER_MIN, "min"),
        _ => two(ms / MS_PER_DAY, day, ms % MS_PER_DAY / MS_PER_H, "h"),
    }
}

/// A count for an axis or a small label: `950`, `2.0k`, `149k`, `1.2M`.
pub fn compact(lang: Lang, value: f64) -> String {
    const STEPS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    // Below a hundred one decimal is worth its place.
    const WHOLE_FROM: f64 = 99.95;
    let Some((step, unit)) = STEPS.into_iter().find(|(step, _)| value.abs() >= *step * 0.9995) else {
        let places = usize::from(value.fract() != 0.0 && value.abs() < WHOLE_FROM);
        return dec(lang, value, places);
    };
    let scaled = value / step;
    let number = dec(lang, scaled, usize::from(scaled.abs() < WHOLE_FROM));
    match lang {
        Lang::En => format!("{number}{unit}"),
        Lang::Fr => format!("{number}{NO_BREAK_SPACE}{unit}"),
    }
}

/// Day and minute.
pub fn datetime(lang: Lang, at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", date(lang, at, zone), time(lang, at, zone))
}

/// Day and second, for evidence.
pub fn datetime_s(lang: Lang, at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", date(lang, at, zone), time_s(lang, at, zone))
}

pub fn date(lang: Lang, at: Timestamp, zone: &TimeZone) -> String {
    let day = local(at, zone);
    match lang {
        Lang::En => format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day()),
        Lang::Fr => format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year()),
    }
}

/// Day without the year, for axes.
pub fn day(lang: Lang, at: Timestamp, zone: &TimeZone) -> String {
    let day = local(at, zone);
    match lang {
        Lang::En => format!("{:02}-{:02}", day.month(), day.day()),
        Lang::Fr => format!("{:02}/{:02}", day.day(), day.month()),
    }
}

/// Hour and minute; the same in both languages.
pub fn time(_lang: Lang, at: Timestamp, zone: &TimeZone) -> String {
    let clock = local(at, zone);
    format!("{:02}:{:02}", clock.hour(), clock.minute())
}

/// Hour, minute, second.
pub fn time_s(_lang: Lang, at: Timestamp, zone: &TimeZone) -> String {
    let clock = local(at, zone);
    format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second())
}

/// The zone with its offset at that instant: `Europe/Paris (UTC+01:00)`.
pub fn zone(at: Timestamp, zone: &TimeZone) -> String {
    let offset_s = zone.to_offset(at).seconds();
    let sign = if offset_s < 0 { MINUS } else { '+' };
    let minutes = offset_s.unsigned_abs() / 60;
    let offset = format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60);
    match zone_name(zone) {
        Some("UTC") => "UTC".to_owned(),
        Some(name) => format!("{name} ({offset})"),
        None => offset,
    }
}

/// The name of a zone that has one: `Europe/Paris`, or `UTC` under whatever name a browser tells it.
pub fn zone_name(zone: &TimeZone) -> Option<&str> {
    match zone.iana_name()? {
        "Etc/UTC" | "Etc/UCT" | "Etc/Universal" | "Etc/Zulu" => Some("UTC"),
        name => Some(name),
    }
}

/// What stands where there is no value.
pub fn dash() -> &'static str {
    "–"
}

fn local(at: Timestamp, zone: &TimeZone) -> Zoned {
    at.to_zoned(zone.clone())
}

fn group_separator(lang: Lang) -> char {
    match lang {
        Lang::En => ',',
        Lang::Fr => NARROW_NO_BREAK_SPACE,
    }
}

fn decimal_mark(lang: Lang) -> char {
    match lang {
        Lang::En => '.',
        Lang::Fr => ',',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Lang::{En, Fr};

    #[test]
    fn counts_are_grouped_by_three() {
        assert_eq!(int(En, 275_383), "275,383");
        assert_eq!(int(Fr, 275_383), "275\u{202f}383");
        assert_eq!(int(En, 999), "999");
        assert_eq!(int(En, 0), "0");
        assert_eq!(int(Fr, 1_000_000), "1\u{202f}000\u{202f}000");
        assert_eq!(int(En, u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn decimals_and_signs() {
        assert_eq!(dec(En, 1234.56, 1), "1,234.6");
        assert_eq!(dec(Fr, -1234.56, 1), "\u{2212}1\u{202f}234,6");
        assert_eq!(dec(En, -0.01, 1), "0.0");
        assert_eq!(dec(En, f64::NAN, 1), "–");
        assert_eq!(dec(Fr, f64::INFINITY, 1), "–");
    }

    #[test]
    fn a_few_failures_are_not_none() {
        assert_eq!(pct(En, 0.836), "83.6%");
        assert_eq!(pct(Fr, 0.836), "83,6\u{a0}%");
        assert_eq!(pct(En, 0.00001), "<0.1%");
        assert_eq!(pct(Fr, 0.99999), ">99,9\u{a0}%");
        assert_eq!(pct(En, 1.0), "100.0%");
        assert_eq!(pct(En, 0.0), "0.0%");
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes(En, 0), "0\u{a0}B");
        assert_eq!(bytes(Fr, 999), "999\u{a0}o");
        assert_eq!(bytes(Fr, 19_600_000_000), "19,6\u{a0}Go");
        assert_eq!(bytes(En, 999_999), "1.0\u{a0}MB");
        assert_eq!(bytes(En, u64::MAX), "18.4\u{a0}EB");
    }

    #[test]
    fn durations() {
        assert_eq!(millis(En, 0), "0\u{a0}ms");
        assert_eq!(millis(Fr, 1_800), "1,8\u{a0}s");
        assert_eq!(millis(En, 59_999), "1\u{a0}min");
        assert_eq!(millis(En, 125_000), "2\u{a0}min 05\u{a0}s");
        assert_eq!(millis(Fr, 3 * MS_PER_H), "3\u{a0}h");
        assert_eq!(millis(Fr, 5 * MS_PER_DAY + MS_PER_H), "5\u{a0}j 01\u{a0}h");
    }

    #[test]
    fn axis_labels() {
        assert_eq!(compact(En, 0.0), "0");
        assert_eq!(compact(En, 0.5), "0.5");
        assert_eq!(compact(En, 950.0), "950");
        assert_eq!(compact(En, 2_000.0), "2.0k");
        assert_eq!(compact(Fr, 149_200.0), "149\u{a0}k");
        assert_eq!(compact(En, 999_999.0), "1.0M");
    }

    #[test]
    fn times_in_the_zone_of_the_reader() {
        let zone_paris = TimeZone::get("Europe/Paris").expect("bundled");
        let at: Timestamp = "2026-11-22T03:50:07Z".parse().expect("a time");
        assert_eq!(datetime(En, at, &zone_paris), "2026-11-22 04:50");
        assert_eq!(datetime_s(Fr, at, &zone_paris), "22/11/2026 04:50:07");
        assert_eq!(zone(at, &zone_paris), "Europe/Paris (UTC+01:00)");
        assert_eq!(zone(at, &TimeZone::UTC), "UTC");
        assert_eq!(zone(at, &TimeZone::get("Etc/UTC").expect("bundled")), "UTC");
        let zone_new_york = TimeZone::get("America/New_York").expect("bundled");
        assert_eq!(date(En, at, &zone_new_york), "2026-11-21");
        assert_eq!(zone(at, &zone_new_york), "America/New_York (UTC\u{2212}05:00)");
    }
}
