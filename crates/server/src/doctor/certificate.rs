//! How long is the certificate that collectors trust valid?

use std::time::SystemTime;

use vigie_shipping::ServerIdentity;

use super::{Check, Finding, Patient};
use crate::collect;

pub const CHECK: Check = Check { name: "certificate", run };

const DAY_S: u64 = 86_400;
/// Time enough to enrol all collectors anew.
const WARNING_DAYS: u64 = 60;
const ERROR_DAYS: u64 = 7;

fn run(patient: &Patient) -> Vec<Finding> {
    let path = collect::folder(&patient.data).join("collect.pem");
    if !path.exists() {
        return vec![Finding::not_applicable("no collector was ever enrolled")];
    }
    vec![look(&path).of(path.display())]
}

fn look(path: &std::path::Path) -> Finding {
    let identity = match ServerIdentity::from_files(path, path) {
        Ok(identity) => identity,
        Err(error) => return Finding::error(error.to_string(), error.hint()),
    };
    let anew = "move the file away, start the server, and enrol the collectors anew; or bring a certificate of your own (--certificate)";
    let Some(until) = identity.valid_until() else {
        return Finding::error(
            "the server's own certificate is not valid at this time",
            format!("see whether `date` is right; otherwise {anew}"),
        );
    };
    let days = until.duration_since(SystemTime::now()).unwrap_or_default().as_secs() / DAY_S;
    let found = format!("the server's own certificate is valid for {days} days");
    match days {
        days if days < ERROR_DAYS => Finding::error(found, anew),
        days if days < WARNING_DAYS => Finding::warning(found, anew),
        _ => Finding::ok(found),
    }
}
