//! Are all data files there, and as the log has them?

use super::{Check, Finding, Patient, patient};

pub const CHECK: Check = Check { name: "files", run };

/// Named one by one; the rest is counted.
const NAMED_MAX: usize = 20;

fn run(patient: &Patient) -> Vec<Finding> {
    if patient.is_of_another_layout() {
        return vec![Finding::not_applicable("the store is of another layout")];
    }
    if let Some(error) = patient.trouble() {
        return vec![Finding::error(patient::told(error), patient::advice(error))];
    }
    let Some((_, snapshot)) = patient.store() else { return vec![Finding::not_applicable("there is no store")] };
    let faults = snapshot.check_footers(&mut |_, _| ());
    if faults.is_empty() {
        let sizes = snapshot.sizes();
        let (files, rows) =
            (sizes.iter().map(|of| of.files).sum::<usize>(), sizes.iter().map(|of| of.rows).sum::<u64>());
        return vec![Finding::ok(format!("{files} data files with {rows} rows are as the log has them"))];
    }
    let advice = "restore the store from a backup (vigie restore), or import the logs again into a new one";
    let named = faults.iter().take(NAMED_MAX);
    let mut findings: Vec<Finding> = named
        .map(|fault| {
            Finding::error(format!("a file of table {} {}", fault.table, fault.fault), advice).of(fault.path.display())
        })
        .collect();
    if faults.len() > NAMED_MAX {
        findings.push(Finding::error(format!("{} more files are damaged", faults.len() - NAMED_MAX), advice));
    }
    findings
}
