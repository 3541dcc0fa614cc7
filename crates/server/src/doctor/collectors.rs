//! How is each collector, by its last word?

use indicatif::HumanBytes;

use super::{Check, Finding, Patient};
use crate::collect::{self, Heard, roll};

pub const CHECK: Check = Check { name: "collectors", run };

/// A collector that is well is heard every few seconds.
const SILENT_WARNING_S: i64 = 5 * 60;
const SILENT_ERROR_S: i64 = 3_600;
/// Half an hour of a busy server.
const BACKLOG_WARNING_BYTES: u64 = 64 << 20;
const CLOCK_WARNING_US: u64 = 2_000_000;
const CLOCK_ERROR_US: u64 = 60_000_000;

fn run(patient: &Patient) -> Vec<Finding> {
    let folder = collect::folder(&patient.data);
    let enrolled = match roll::list(&folder) {
        Ok(enrolled) if enrolled.is_empty() => return vec![Finding::not_applicable("no collector is enrolled")],
        Ok(enrolled) => enrolled,
        Err(error) => return vec![Finding::error(error.to_string(), error.hint()).of(folder.display())],
    };
    let heard = collect::heard(&patient.data);
    let now_us = patient.now.as_microsecond();
    let each = enrolled.iter().flat_map(|one| {
        let known = heard.iter().find(|heard| heard.name == one.name);
        let findings = known.map_or_else(|| vec![never(now_us / 1_000_000 - one.since)], |heard| judged(heard, now_us));
        findings.into_iter().map(|finding| finding.of(&one.name)).collect::<Vec<_>>()
    });
    each.collect()
}

fn never(enrolled_s: i64) -> Finding {
    Finding::warning(
        format!("enrolled {} ago, and never heard", lasting(enrolled_s)),
        "on its machine: vigie-collector doctor; if it is not to come: vigie collectors remove NAME",
    )
}

/// What is wrong with one, or that nothing is.
fn judged(heard: &Heard, now_us: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let silent_s = now_us.saturating_sub(heard.at_us) / 1_000_000;
    if silent_s > SILENT_WARNING_S {
        let found = format!("silent for {}", lasting(silent_s));
        let advice = "see on its machine: vigie-collector doctor, systemctl status vigie-collector";
        let is_error = silent_s > SILENT_ERROR_S;
        findings.push(if is_error { Finding::error(found, advice) } else { Finding::warning(found, advice) });
    }
    if heard.losses > 0 {
        findings.push(Finding::error(
            format!("it lost lines {} times since it started, {} known", heard.losses, HumanBytes(heard.lost_bytes)),
            "its log says which and why (journalctl -u vigie-collector); if rotated logs are still there, import them: vigie import",
        ));
    }
    if heard.backlog_bytes > BACKLOG_WARNING_BYTES {
        findings.push(Finding::warning(
            format!("{} wait there", HumanBytes(heard.backlog_bytes)),
            "it is catching up, or the connection is slow; rotation must not remove logs before they are sent",
        ));
    }
    let off_us = heard.clock_ahead_us.unsigned_abs();
    if off_us > CLOCK_WARNING_US {
        let way = if heard.clock_ahead_us > 0 { "ahead of" } else { "behind" };
        let found = format!("its clock is {} s {way} the server's", off_us / 1_000_000);
        let advice = "let both machines set their clocks by NTP (timedatectl set-ntp true): times of messages across servers are wrong until then";
        findings.push(if off_us > CLOCK_ERROR_US {
            Finding::error(found, advice)
        } else {
            Finding::warning(found, advice)
        });
    }
    if findings.is_empty() {
        findings.push(Finding::ok(format!(
            "heard {} ago, {} wait there",
            lasting(silent_s),
            HumanBytes(heard.backlog_bytes)
        )));
    }
    findings
}

fn lasting(seconds: i64) -> String {
    match seconds.max(0) {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7_200 => format!("{} min", seconds / 60),
        seconds if seconds < 172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_collector_is_judged_by_its_last_word() {
        let now_us = 1_800_000_000_000_000;
        let heard = |ago_s: i64| Heard { at_us: now_us - ago_s * 1_000_000, ..Heard::default() };
        let worst = |heard: &Heard| judged(heard, now_us).iter().map(|finding| finding.verdict).max();
        assert_eq!(worst(&heard(5)), Some(Verdict::Ok));
        assert_eq!(worst(&heard(600)), Some(Verdict::Warning));
        assert_eq!(worst(&heard(4_000)), Some(Verdict::Error));
        assert_eq!(worst(&Heard { losses: 1, ..heard(5) }), Some(Verdict::Error));
        assert_eq!(worst(&Heard { backlog_bytes: 1 << 30, ..heard(5) }), Some(Verdict::Warning));
        assert_eq!(worst(&Heard { clock_ahead_us: -3_000_000, ..heard(5) }), Some(Verdict::Warning));
        assert_eq!(worst(&Heard { clock_ahead_us: 61_000_000, ..heard(5) }), Some(Verdict::Error));
        // Whatever stands in the file.
        assert_eq!(worst(&Heard { at_us: i64::MIN, clock_ahead_us: i64::MIN, ..heard(5) }), Some(Verdict::Error));
        assert_eq!(worst(&Heard { at_us: i64::MAX, ..heard(5) }), Some(Verdict::Ok));
    }
}
