//! Is there a store, and may we look into it?

use std::{fs, io};

use super::{Check, Finding, Patient};

pub const CHECK: Check = Check { name: "folder", run };

fn run(patient: &Patient) -> Vec<Finding> {
    let data = &patient.data;
    vec![look(patient).of(data.display())]
}

fn look(patient: &Patient) -> Finding {
    let data = &patient.data;
    match fs::read_dir(data).and_then(|_| fs::read(data.join("lake.json"))) {
        Ok(_) => Finding::ok("holds a store"),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Finding::error(
            format!("this user may not look into it: {error}"),
            "run this as the user that owns the store (sudo -u vigie vigie doctor …), or as root",
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::error(
            "there is no store",
            "name its folder (--data), import logs (vigie import), or restore a backup (vigie restore)",
        ),
        Err(error) => Finding::error(
            format!("cannot be read: {error}"),
            "see what the system's log says of the disk (dmesg), and whether it is mounted",
        ),
    }
}
