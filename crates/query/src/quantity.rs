//! Numbers with units: sizes and durations, read and written.

/// Bytes in each unit of size, largest first; the first name is the canonical one.
///
/// KB, MB, GB are powers of 1000, as mail servers' limits and Exchange's reports are read by most people, and KiB, MiB, GiB powers of
/// 1024. Capitals do not count. `o` is the French octet.
const SIZES: &[(u64, &[&str])] = &[
    (1 << 40, &["TiB", "Tio"]),
    (1_000_000_000_000, &["TB", "To", "T"]),
    (1 << 30, &["GiB", "Gio"]),
    (1_000_000_000, &["GB", "Go", "G"]),
    (1 << 20, &["MiB", "Mio"]),
    (1_000_000, &["MB", "Mo", "M"]),
    (1 << 10, &["KiB", "Kio"]),
    (1_000, &["KB", "Ko", "K"]),
    (1, &["B", "o"]),
];

/// Milliseconds in each unit of duration, largest first.
const DURATIONS: &[(u64, &[&str])] = &[
    (7 * 86_400_000, &["w"]),
    (86_400_000, &["d", "j"]),
    (3_600_000, &["h"]),
    (60_000, &["min", "m", "mn"]),
    (1_000, &["s", "sec"]),
    (1, &["ms"]),
];

/// Largest value: columns are signed 64-bit.
const VALUE_MAX: u128 = i64::MAX as u128;

/// Digits that are looked at; longer numbers are refused.
const WHOLE_DIGITS_MAX: usize = 19;
const FRACTION_DIGITS_MAX: usize = 9;

/// Digits only.
pub(crate) fn read_number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.len() <= WHOLE_DIGITS_MAX && text.bytes().all(|b| b.is_ascii_digit());
    let number = if is_number {
        text.parse::<u64>().ok()?
    } else {
        return None;
    };
    (u128::from(number) <= VALUE_MAX).then_some(number)
}

/// `2MB`, `1.5GiB`, `300` (bytes). A fraction of a byte is dropped.
pub(crate) fn read_bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(number_len(text));
    if unit.is_empty() {
        return read_number(number);
    }
    scaled(number, unit_value(SIZES, unit)?)
}

/// Whether this word, standing alone, can only be a unit of size; a single letter is more likely a word.
pub(crate) fn is_size_unit(word: &str) -> bool {
    word.len() > 1 && unit_value(SIZES, word).is_some()
}

/// `30s`, `1.5h`, `1h30min`, and `0`; other numbers need their unit. A fraction of a millisecond is dropped.
pub(crate) fn read_duration(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(number_len(rest));
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        total += u128::from(scaled(number, unit_value(DURATIONS, unit)?)?);
        rest = tail;
    }
    (!text.is_empty() && total <= VALUE_MAX).then_some(total as u64)
}

/// The shortest honest size: a unit that needs at most one decimal.
pub(crate) fn written_bytes(bytes: u64) -> String {
    for (unit, names) in SIZES {
        let tenths = u128::from(bytes) * 10;
        if bytes < *unit || tenths % u128::from(*unit) != 0 || *unit == 1 {
            continue;
        }
        let tenths = tenths / u128::from(*unit);
        let fraction = if tenths % 10 == 0 { String::new() } else { format!(".{}", tenths % 10) };
        return format!("{}{fraction}{}", tenths / 10, names[0]);
    }
    bytes.to_string()
}

/// The largest unit of which it is a whole number.
pub(crate) fn written_duration(ms: u64) -> String {
    let fitting = DURATIONS.iter().skip(1).find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit));
    fitting.map_or_else(|| ms.to_string(), |(unit, names)| format!("{}{}", ms / unit, names[0]))
}

fn number_len(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len())
}

fn unit_value(units: &[(u64, &[&str])], name: &str) -> Option<u64> {
    units.iter().find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name))).map(|(value, _)| *value)
}

/// A decimal number of units, in whole numbers: no rounding of a binary fraction.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > FRACTION_DIGITS_MAX || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction_value = u128::from(read_number(fraction)?) * u128::from(unit) / 10_u128.pow(fraction.len() as u32);
    let value = u128::from(read_number(whole)?) * u128::from(unit) + fraction_value;
    (value <= VALUE_MAX).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_families_of_units() {
        let table = [
            ("300", Some(300)),
            ("300B", Some(300)),
            ("2MB", Some(2_000_000)),
            ("2mb", Some(2_000_000)),
            ("2Mo", Some(2_000_000)),
            ("2MiB", Some(2_097_152)),
            ("1.5GB", Some(1_500_000_000)),
            ("0.1MiB", Some(104_857)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("9999999TB", None),
            ("2XB", None),
            ("MB", None),
            ("1.MB", None),
            ("1..5MB", None),
            ("1.5", None),
            ("-1", None),
            ("", None),
        ];
        for (text, bytes) in table {
            assert_eq!(read_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit_and_may_have_several() {
        let table = [
            ("30s", Some(30_000)),
            ("250ms", Some(250)),
            ("1h30min", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("5m", Some(300_000)),
            ("2d", Some(172_800_000)),
            ("0", Some(0)),
            ("30", None),
            ("s", None),
            ("1h30", None),
            ("999999999999999999d", None),
            ("", None),
        ];
        for (text, ms) in table {
            assert_eq!(read_duration(text), ms, "{text}");
        }
    }

    #[test]
    fn quantities_are_written_with_the_unit_that_fits() {
        for (bytes, text) in [
            (0, "0"),
            (999, "999"),
            (1_500, "1.5KB"),
            (1_234_567, "1234567"),
            (2_000_000, "2MB"),
            (2_097_152, "2MiB"),
            (1 << 40, "1TiB"),
        ] {
            assert_eq!(written_bytes(bytes), text);
            assert_eq!(read_bytes(text), Some(bytes));
        }
        for (ms, text) in
            [(0, "0"), (1, "1ms"), (1_500, "1500ms"), (90_000, "90s"), (5_400_000, "90min"), (7 * 86_400_000, "7d")]
        {
            assert_eq!(written_duration(ms), text);
            assert_eq!(read_duration(text), Some(ms));
        }
    }
}
