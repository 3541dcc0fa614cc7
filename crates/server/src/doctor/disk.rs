//! Is there room, for now and for the days to come?

use indicatif::HumanBytes;
use vigie_model::day_of;
use vigie_sources::machine::{Space, space};

use super::{Check, Finding, Patient};

pub const CHECK: Check = Check { name: "disk", run };

/// Less than this is used up by one merge of a busy day.
const FREE_ERROR_BYTES: u64 = 512 << 20;
const FREE_WARNING_BYTES: u64 = 4 << 30;
/// The disk is full within so many days.
const DAYS_ERROR: u64 = 3;
const DAYS_WARNING: u64 = 30;
const FILES_MIN: u64 = 10_000;
/// Days from which the growth is measured.
const DAYS_MEASURED: i32 = 7;

fn run(patient: &Patient) -> Vec<Finding> {
    let space = match space(&patient.data) {
        Ok(space) => space,
        Err(error) => return vec![Finding::not_applicable(format!("the disk does not say what it has left: {error}"))],
    };
    vec![judged(space, growth(patient)).of(patient.data.display())]
}

/// Bytes that a day takes, by the days before today.
fn growth(patient: &Patient) -> Option<u64> {
    let (_, snapshot) = patient.store()?;
    let today = day_of(patient.now.as_microsecond());
    let days = snapshot.bytes_by_day();
    let measured: Vec<u64> = days.range(today - DAYS_MEASURED..today).map(|(_, bytes)| *bytes).collect();
    let count = u64::try_from(measured.len()).ok().filter(|count| *count > 0)?;
    Some(measured.iter().sum::<u64>() / count)
}

fn judged(space: Space, growth: Option<u64>) -> Finding {
    let free = space.free_bytes;
    let mut found = format!("{} of {} are free", HumanBytes(free), HumanBytes(space.bytes));
    let days = growth.filter(|growth| *growth > 0).map(|growth| free / growth);
    if let (Some(growth), Some(days)) = (growth, days) {
        found.push_str(&format!("; a day takes {}: enough for {days} days", HumanBytes(growth)));
    }
    let advice = "make room or enlarge the disk: when it is full nothing is stored, and collectors keep what they can";
    if space.free_files.is_some_and(|files| files < FILES_MIN) {
        return Finding::error(
            format!("{found}; no more than {FILES_MIN} files can be made"),
            "remove files, see `df -i`",
        );
    }
    match days {
        _ if free < FREE_ERROR_BYTES => Finding::error(found, advice),
        Some(days) if days < DAYS_ERROR => Finding::error(found, advice),
        _ if free < FREE_WARNING_BYTES => Finding::warning(found, advice),
        Some(days) if days < DAYS_WARNING => Finding::warning(found, advice),
        _ => Finding::ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_disk_is_judged_by_what_is_free_and_by_what_a_day_takes() {
        let space = |free_bytes| Space { free_bytes, bytes: 1 << 40, free_files: None };
        let verdict = |free, growth| judged(space(free), growth).verdict;
        assert_eq!(verdict(1 << 39, None), Verdict::Ok);
        assert_eq!(verdict(1 << 39, Some(1 << 30)), Verdict::Ok);
        assert_eq!(verdict(20 << 30, Some(1 << 30)), Verdict::Warning);
        assert_eq!(verdict(20 << 30, Some(9 << 30)), Verdict::Error);
        assert_eq!(verdict(1 << 30, None), Verdict::Warning);
        assert_eq!(verdict(1 << 20, None), Verdict::Error);
        let full = Space { free_files: Some(5), ..space(1 << 39) };
        assert_eq!(judged(full, None).verdict, Verdict::Error);
    }
}
