//! Is the store of a layout that this program knows?

use super::{Check, Finding, Patient, patient};

pub const CHECK: Check = Check { name: "layout", run };

fn run(patient: &Patient) -> Vec<Finding> {
    vec![match patient.trouble() {
        Some(error) if error.is_of_another_version() => Finding::error(patient::told(error), patient::advice(error)),
        _ if patient.store().is_some() => Finding::ok("this program reads and writes it"),
        _ => Finding::not_applicable("the store cannot be opened"),
    }]
}
