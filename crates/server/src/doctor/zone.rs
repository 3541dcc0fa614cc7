//! In which zone are times without one read?

use jiff::tz::TimeZone;

use super::{Check, Finding, Patient};

pub const CHECK: Check = Check { name: "time zone", run };

fn run(patient: &Patient) -> Vec<Finding> {
    let zone = TimeZone::system();
    let now = patient.now.to_zoned(zone.clone());
    let offset = now.offset();
    vec![match zone.iana_name() {
        Some(name) => {
            Finding::ok(format!("{name} ({offset}); logs without a zone are read in it, unless --zone says otherwise"))
        }
        None => Finding::warning(
            format!("this machine's zone has no name; times are read with {offset} from UTC"),
            "timedatectl set-timezone Europe/Paris, or name it: vigie serve --zone Europe/Paris",
        ),
    }]
}
