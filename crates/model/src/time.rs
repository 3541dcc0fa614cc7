//! Times: microseconds since 1970 in UTC, and their ISO 8601 text.

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Micros = i64;

pub const MICROS_PER_SECOND: Micros = 1_000_000;
pub const MICROS_PER_HOUR: Micros = 3_600 * MICROS_PER_SECOND;
pub const MICROS_PER_DAY: Micros = 24 * MICROS_PER_HOUR;

/// The UTC day of a time, as days since 1970-01-01.
pub fn day_of(ts: Micros) -> i32 {
    ts.div_euclid(MICROS_PER_DAY) as i32
}

/// `2026-11-22T04:32:29.010785Z`; the fraction is left out when it is zero.
pub fn iso(ts: Micros) -> String {
    let day = iso_day(day_of(ts));
    let in_day = ts.rem_euclid(MICROS_PER_DAY);
    let second = in_day / MICROS_PER_SECOND;
    let fraction = in_day % MICROS_PER_SECOND;
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    if fraction == 0 {
        format!("{day}T{h:02}:{m:02}:{s:02}Z")
    } else {
        format!("{day}T{h:02}:{m:02}:{s:02}.{fraction:06}Z")
    }
}

/// The time that [`iso`] wrote; `None` for any other shape.
pub fn parse_iso(text: &str) -> Option<Micros> {
    let text = text.strip_suffix('Z')?;
    let (day, clock) = text.split_once('T')?;
    let mut parts = day.splitn(3, '-');
    let (y, m, d): (i64, i64, i64) =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second): (i64, i64, i64) =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let seconds = days_from_civil(y, m, d) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * MICROS_PER_SECOND + micros)
}

/// `2026-11-22` for days since 1970-01-01 (proleptic Gregorian calendar).
pub fn iso_day(day: i32) -> String {
    let (y, m, d) = civil_from_days(i64::from(day));
    format!("{y:04}-{m:02}-{d:02}")
}

/// Hinnant's `civil_from_days`: years begin in March, so that the leap day is a year's last.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

fn days_from_civil(y: i64, m: i64, d: i64) -> i64 {
    let y = y - i64::from(m <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (m + if m > 2 { -3 } else { 9 }) + 2) / 5 + d - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_text_and_time_are_inverse() {
        for (ts, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_321_949_010_785, "2026-11-22T04:32:29.010785Z"),
            (1_709_164_800_000_000, "2024-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(iso(ts), text);
            assert_eq!(parse_iso(text), Some(ts));
        }
    }

    #[test]
    fn other_text_is_no_time() {
        for text in ["", "2026-11-22", "2026-11-22T04:32:29", "xT1:2:3Z", "2026-11-22T04:32Z"] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }
}
