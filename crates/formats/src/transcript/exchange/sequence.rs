//! Files that should be there and are not.
//!
//! A log's file is `MSGTRK2026030210-3.LOG`: service, day (and from Exchange 2013 on the hour), and a number that begins with 1 anew each
//! time. Circular logging deletes the oldest files of a service by size long before they are old, so that a busy server may lose a day
//! within hours; nothing in the rows tells that.

use std::collections::BTreeMap;

/// More numbers than this in one hour are no log's.
const NUMBER_MAX: u32 = 100_000;

/// Files of which others of the same hour show that they existed, one sentence for each hour. Names may be of several services; paths and
/// packed names (`….LOG.gz`) will do, and other names say nothing. Whole hours that are missing cannot be seen.
pub fn missing<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut numbers: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (stem, number) in names.into_iter().filter_map(numbered) {
        numbers.entry(stem).or_default().push(number);
    }
    let sentence = |(stem, mut numbers): (String, Vec<u32>)| {
        numbers.sort_unstable();
        numbers.dedup();
        let gaps = gaps(&numbers);
        (!gaps.is_empty()).then(|| format!("Of {stem} the files {} are missing.", gaps.join(", ")))
    };
    numbers.into_iter().filter_map(sentence).collect()
}

/// `MSGTRKMD2026030210` and 3.
fn numbered(name: &str) -> Option<(String, u32)> {
    let name = name.rsplit(['/', '\\']).next()?.to_ascii_uppercase();
    let stem = name.split(".LOG").next().filter(|stem| stem.len() < name.len())?;
    let (stem, number) = stem.split_once('-')?;
    let digits = stem.strip_prefix("MSGTRK")?.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let is_time = matches!(digits.len(), 8 | 10) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|number| (1..=NUMBER_MAX).contains(number))?;
    is_time.then(|| (stem.to_owned(), number))
}

/// `1`, `4 to 6`: what the numbers leave out below the greatest.
fn gaps(numbers: &[u32]) -> Vec<String> {
    let mut next = 1;
    let mut gaps = Vec::new();
    for &number in numbers {
        match number - next {
            0 => {}
            1 => gaps.push(next.to_string()),
            _ => gaps.push(format!("{next} to {}", number - 1)),
        }
        next = number + 1;
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_were_left_out_are_told() {
        let names = [
            "C:\\Logs\\MSGTRK2026030210-1.LOG",
            "logs/MSGTRK2026030210-4.LOG.gz",
            "msgtrk2026030210-5.log",
            "MSGTRKMD2026030210-1.LOG",
            "MSGTRKMD2026030210-2.LOG",
            "MSGTRKMS20260302-3.LOG",
            "MSGTRK-1.LOG",
            "RECV2026030210-7.LOG",
            "MSGTRK2026030211-99999999999.LOG",
        ];
        assert_eq!(
            missing(names),
            ["Of MSGTRK2026030210 the files 2 to 3 are missing.", "Of MSGTRKMS20260302 the files 1 to 2 are missing."]
        );
        assert!(missing(names.into_iter().filter(|name| name.contains("MD"))).is_empty());
    }
}
