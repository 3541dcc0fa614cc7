//! What was not read, or not understood, in the last day?

use std::collections::BTreeMap;

use vigie_lake::{LakeError, Snapshot};
use vigie_model::{MICROS_PER_DAY, MICROS_PER_HOUR, Micros};

use super::{Check, Finding, Patient};

pub const CHECK: Check = Check { name: "coverage", run };

/// Named one by one; the rest is counted.
const NAMED_MAX: usize = 10;

#[derive(Default)]
struct Day {
    hours: Vec<Micros>,
    lines: u64,
    unknown: u64,
}

fn run(patient: &Patient) -> Vec<Finding> {
    let Some((_, snapshot)) = patient.store() else {
        return vec![Finding::not_applicable("the store cannot be opened")];
    };
    let now = patient.now.as_microsecond();
    match looked(snapshot, now) {
        Ok(findings) => findings,
        Err(error) => vec![Finding::error(error.to_string(), error.hint().unwrap_or_default())],
    }
}

fn looked(snapshot: &Snapshot, now: Micros) -> Result<Vec<Finding>, LakeError> {
    let from = (now - MICROS_PER_DAY).div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR;
    let mut servers: BTreeMap<String, Day> = BTreeMap::new();
    for row in snapshot.coverage(from, now)? {
        let row = row?;
        let day = servers.entry(row.server.to_string()).or_default();
        day.hours.push(row.hour);
        (day.lines, day.unknown) = (day.lines + row.lines, day.unknown + row.unknown);
    }
    if servers.is_empty() {
        return Ok(vec![Finding::not_applicable("no line is of the last 24 hours")]);
    }
    let (count, lines) = (servers.len(), servers.values().map(|day| day.lines).sum::<u64>());
    let mut findings: Vec<Finding> =
        servers.into_iter().filter_map(|(server, day)| judged(day).map(|of| of.of(server))).collect();
    let more = findings.len().saturating_sub(NAMED_MAX);
    findings.truncate(NAMED_MAX);
    if more > 0 {
        findings.push(Finding::warning(
            format!("{more} more servers have gaps or unknown lines"),
            "see vigie coverage last:24h",
        ));
    }
    if findings.is_empty() {
        let found =
            format!("{lines} lines of {count} servers in the last 24 hours, without a gap, all of known shapes");
        findings.push(Finding::ok(found));
    }
    Ok(findings)
}

fn judged(mut day: Day) -> Option<Finding> {
    day.hours.sort_unstable();
    day.hours.dedup();
    let silent: i64 = day.hours.windows(2).map(|pair| (pair[1] - pair[0]) / MICROS_PER_HOUR - 1).sum();
    let mut parts = Vec::new();
    if silent > 0 {
        parts.push(format!("{silent} hours without a line between hours with lines"));
    }
    if day.unknown > 0 {
        parts.push(format!("{} of {} lines have shapes that nobody knows", day.unknown, day.lines));
    }
    let advice = match (silent > 0, day.unknown > 0) {
        (true, false) => {
            "if there was mail, import the log of these hours: vigie import; what is known is not stored twice"
        }
        (false, _) => "see them with vigie coverage last:24h, and report them with an example: no figure counts them",
        (true, true) => "see vigie coverage last:24h; import the log of the silent hours, report the shapes",
    };
    (!parts.is_empty()).then(|| Finding::warning(parts.join("; "), advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_unknown_lines_are_told() {
        let day = |hours: &[i64], unknown| Day {
            hours: hours.iter().map(|hour| hour * MICROS_PER_HOUR).collect(),
            lines: 10,
            unknown,
        };
        assert_eq!(judged(day(&[1, 2, 2, 3], 0)), None);
        assert!(judged(day(&[5, 1, 2], 0)).expect("a gap").found.starts_with("2 hours"));
        assert!(judged(day(&[1], 3)).expect("unknown").found.starts_with("3 of 10 lines"));
    }
}
