//! Mail logs of this machine that an import could not read.

use std::path::Path;

use vigie_sources::machine::unreadable_logs_below;

use super::{Check, Finding, Patient};

pub const CHECK: Check = Check { name: "logs", run };

/// Named one by one; the rest is counted.
const NAMED_MAX: usize = 10;

fn run(_: &Patient) -> Vec<Finding> {
    let denied = unreadable_logs_below(Path::new("/"));
    if denied.is_empty() {
        return vec![Finding::ok("no mail log of this machine is closed to this user")];
    }
    let told = denied.iter().take(NAMED_MAX).map(|log| {
        let advice = match &log.group {
            Some(group) => format!("let the user join its group: usermod -aG {group} USER, then log in again"),
            None => "run vigie as root, or let a group read the log".to_owned(),
        };
        Finding::warning("there, and this user may not read it", advice).of(log.path.display())
    });
    let more = denied.len().saturating_sub(NAMED_MAX);
    let rest = (more > 0).then(|| Finding::warning(format!("{more} more logs cannot be read"), "the same helps"));
    told.chain(rest).collect()
}
