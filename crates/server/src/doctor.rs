//! What is wrong with a store, its collectors and this machine: one check per file, and one line of registration each.

mod certificate;
mod clock;
mod collectors;
mod coverage;
mod disk;
mod folder;
mod integrity;
mod layout;
mod leftovers;
mod logs;
mod open_files;
mod patient;
mod permissions;
mod state;
mod writer;
mod zone;

use serde::Serialize;

pub use patient::Patient;

/// In the order in which they are told: what others rest on first.
const CHECKS: [Check; 15] = [
    folder::CHECK,
    permissions::CHECK,
    disk::CHECK,
    layout::CHECK,
    integrity::CHECK,
    state::CHECK,
    writer::CHECK,
    leftovers::CHECK,
    certificate::CHECK,
    collectors::CHECK,
    coverage::CHECK,
    logs::CHECK,
    clock::CHECK,
    open_files::CHECK,
    zone::CHECK,
];

/// A look at one thing.
pub struct Check {
    pub name: &'static str,
    pub run: fn(&Patient) -> Vec<Finding>,
}

/// How something is. The worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    NotApplicable,
    Ok,
    Warning,
    Error,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub verdict: Verdict,
    /// At which thing: a file, a collector, a server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub thing: String,
    pub found: String,
    /// What to do next.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

impl Finding {
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotApplicable, thing: String::new(), found: why.into(), advice: String::new() }
    }

    pub fn ok(found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, ..Self::not_applicable(found) }
    }

    pub fn warning(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, advice: advice.into(), ..Self::not_applicable(found) }
    }

    pub fn error(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Error, advice: advice.into(), ..Self::not_applicable(found) }
    }

    /// Names the thing.
    pub fn of(self, thing: impl ToString) -> Self {
        Self { thing: thing.to_string(), ..self }
    }
}

/// A check that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    pub check: &'static str,
    /// The worst of its findings.
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
}

/// Makes all checks.
pub fn examine(patient: &Patient) -> Vec<Checked> {
    CHECKS.iter().map(|check| checked(check.name, (check.run)(patient))).collect()
}

fn checked(check: &'static str, findings: Vec<Finding>) -> Checked {
    let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::NotApplicable);
    Checked { check, verdict, findings }
}
