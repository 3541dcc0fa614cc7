//! `enrol`: writes the configuration.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use vigie_shipping::Enrolment;

use crate::arguments::Enrol;
use crate::config::{Config, host_name};
use crate::failure::Failure;
use crate::log;

pub fn enrol(given: &Enrol) -> Result<(), Failure> {
    let enrolment = Enrolment::parse(&given.word).map_err(|error| Failure::new(error, error.hint()))?;
    check_server(&given.server)?;
    let mut config = Config {
        server: given.server.clone(),
        enrolment,
        name: given.name.clone().unwrap_or_else(host_name),
        files: Vec::new(),
        authorities: given.authorities.clone(),
        state: given.state.clone(),
        listen: Vec::new(),
        certificate: None,
        is_journal_read: false,
        milter: None,
        tenants: Vec::new(),
        mailboxes: Vec::new(),
        folders: Vec::new(),
        dates: None,
    };
    // Enrolled again, the sources stay those that the administrator chose.
    if let Ok(known) = Config::load(&given.config) {
        (config.files, config.listen, config.is_journal_read) = (known.files, known.listen, known.is_journal_read);
        (config.certificate, config.tenants, config.mailboxes) = (known.certificate, known.tenants, known.mailboxes);
        (config.folders, config.dates, config.milter) = (known.folders, known.dates, known.milter);
    }
    let failed = |error: io::Error| {
        Failure::new(
            format!("cannot write {}: {error}", given.config.display()),
            "run as root, or name your own file with --config",
        )
    };
    keep_secret(&given.config, config.text().as_bytes()).map_err(failed)?;
    log::say(&format!(
        "{} is enrolled at {}; the configuration is {}\nnow see whether it gets through: `vigie-collector doctor`; and start it: `systemctl enable --now vigie-collector`, or `vigie-collector run`\n",
        config.name,
        config.server,
        given.config.display()
    ));
    Ok(())
}

fn check_server(server: &str) -> Result<(), Failure> {
    let port = server.rsplit_once(':').and_then(|(host, port)| port.parse::<u16>().ok().filter(|_| !host.is_empty()));
    match port {
        Some(_) => Ok(()),
        None => Err(Failure::usage(format!("`{server}` is not HOST:PORT, such as vigie.example.org:8026"))),
    }
}

/// Writes a file that only this user can read, whole or not at all.
fn keep_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension("new");
    let _ = std::fs::remove_file(&fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}
