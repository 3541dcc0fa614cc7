//! How many files may be open at once?

use super::{Check, Finding, Patient};

pub const CHECK: Check = Check { name: "open files", run };

/// A question may open a file for each day and table, and each collector has a connection.
const FILES_MIN: u64 = 1_024;

fn run(patient: &Patient) -> Vec<Finding> {
    let whose = patient.writer().map_or_else(|| "self".to_owned(), |process| process.to_string());
    let limits = std::fs::read_to_string(format!("/proc/{whose}/limits"));
    let limits = limits.or_else(|_| std::fs::read_to_string("/proc/self/limits")).unwrap_or_default();
    vec![match soft_limit(&limits) {
        None => Finding::not_applicable("the system does not say"),
        Some(limit) if limit < FILES_MIN => Finding::warning(
            format!("no more than {limit}"),
            format!("raise it: LimitNOFILE={FILES_MIN} in the service, or ulimit -n {FILES_MIN} before vigie serve"),
        ),
        Some(limit) => Finding::ok(format!("up to {limit}")),
    }]
}

/// `Max open files            1024                 1048576              files`
fn soft_limit(limits: &str) -> Option<u64> {
    let words = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match words.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_as_the_kernel_writes_it() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            256                  1048576              files\n";
        assert_eq!(soft_limit(text), Some(256));
        assert_eq!(soft_limit("Max open files unlimited unlimited files"), Some(u64::MAX));
        assert_eq!(soft_limit("nothing"), None);
    }
}
