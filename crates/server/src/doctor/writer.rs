//! Who writes, and was a commit cut off?

use super::{Check, Finding, Patient};
use crate::collect::{self, roll};

pub const CHECK: Check = Check { name: "writer", run };

/// A commit takes a moment; with this much more it stands still.
const COMMIT_S_MAX: u64 = 300;

fn run(patient: &Patient) -> Vec<Finding> {
    if !patient.data.join("lake.json").exists() {
        return vec![Finding::not_applicable("there is no store")];
    }
    let pending = patient.data.join("commits").join("pending.json");
    let age_s = patient.age_s(&pending);
    let has_collectors = roll::list(&collect::folder(&patient.data)).is_ok_and(|all| !all.is_empty());
    vec![match (patient.writer(), age_s) {
        (Some(process), Some(age_s)) if age_s > COMMIT_S_MAX => Finding::error(
            format!("process {process} has been at one commit for {age_s} s"),
            "see what it logs, and whether the disk has room; after kill -9 the next writer completes the commit",
        )
        .of(pending.display()),
        (Some(process), _) => Finding::ok(format!("process {process} writes")),
        (None, Some(_)) => Finding::warning(
            "a commit was cut off after its journal was written",
            "the next import, or start of the server, completes it: nothing is lost",
        )
        .of(pending.display()),
        (None, None) if has_collectors => Finding::error(
            "collectors are enrolled, and no server takes what they send",
            "start it: vigie serve --collect ADDRESS:PORT (systemctl start vigie, where it is a service)",
        ),
        (None, None) => Finding::ok("nobody writes at the moment"),
    }]
}
