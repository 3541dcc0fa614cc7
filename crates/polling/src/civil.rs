//! Times as Graph writes them, and as HTTP does.

use vigie_model::{MICROS_PER_SECOND, Micros, iso, parse_iso};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECONDS_PER_MINUTE: i64 = 60;
const MINUTES_PER_HOUR: i64 = 60;

/// `2026-11-22T04:32:29Z`: the only form that a filter may name.
pub(crate) fn written(seconds: i64) -> String {
    iso(seconds.saturating_mul(MICROS_PER_SECOND))
}

/// A time as in `receivedDateTime`: with any number of digits behind the second, with `Z`, an offset, or (as older reports have it)
/// nothing, which is UTC too. `None` for anything else.
pub(crate) fn read(text: &str) -> Option<Micros> {
    let text = text.trim();
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let clock = rest.strip_prefix(['T', ' '])?;
    let end = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = (clock.get(..end)?, clock.get(end..)?);
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let is_shaped = is_like(date, "0000-00-00") && is_like(seconds, "00:00:00");
    if !is_shaped || fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A leap second would be the next day's first; nobody writes one here.
    if seconds.get(..2)? > "23" || seconds.get(3..5)? > "59" || seconds.get(6..8)? > "59" {
        return None;
    }
    let local = parse_iso(&format!("{date}T{seconds}.{fraction}Z"))?;
    // 31 February would be read as a day of March.
    if !iso(local).starts_with(date) {
        return None;
    }
    local.checked_sub(offset(zone)?)
}

fn offset(zone: &str) -> Option<Micros> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let digits = zone.get(1..)?;
    if !is_like(digits, "00:00") {
        return None;
    }
    let (hours, minutes): (i64, i64) = (digits.get(..2)?.parse().ok()?, digits.get(3..)?.parse().ok()?);
    let seconds = (hours * MINUTES_PER_HOUR + minutes) * SECONDS_PER_MINUTE;
    Some(if zone.starts_with('-') { -seconds } else { seconds } * MICROS_PER_SECOND)
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, IMF-fixdate: all that servers may write).
pub(crate) fn of_http(text: &str) -> Option<i64> {
    let (_, date) = text.trim().split_once(", ")?;
    let words: Vec<&str> = date.split(' ').collect();
    let [day, month, year, clock, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    Some(read(&format!("{year}-{month:02}-{day}T{clock}Z"))? / MICROS_PER_SECOND)
}

/// Digits where the pattern has a 0, and the pattern's own signs elsewhere.
fn is_like(text: &str, pattern: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_graph_are_read_in_every_form() {
        for (text, micros) in [
            ("2026-11-22T04:32:29Z", 1_795_321_949_000_000),
            ("2026-11-22T04:32:29.010785Z", 1_795_321_949_010_785),
            ("2026-11-22T04:32:29.0107859Z", 1_795_321_949_010_785),
            ("2026-11-22T04:32:29.01", 1_795_321_949_010_000),
            ("2026-11-22T05:32:29+01:00", 1_795_321_949_000_000),
            ("2026-11-21T23:02:29-05:30", 1_795_321_949_000_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        ] {
            assert_eq!(read(text), Some(micros), "{text}");
        }
        assert_eq!(written(1_795_321_949), "2026-11-22T04:32:29Z");
    }

    #[test]
    fn what_is_no_time_is_not_guessed() {
        for text in [
            "",
            "0001-01-01",
            "2026-02-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T04:32:60Z",
            "2026-11-22T04:32:29.Z",
            "2026-11-22T04:32:29 UTC",
            "2026-11-22T04:32:29+1:00",
            "22/11/2026 04:32:29",
            "é026-11-22T04:32:29Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(of_http("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for text in [
            "",
            "120",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 31 Feb 1994 08:49:37 GMT",
        ] {
            assert_eq!(of_http(text), None, "{text}");
        }
    }
}
