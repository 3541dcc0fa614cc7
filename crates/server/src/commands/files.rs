//! From what was typed to files and stores: `[HOST=]FILE`, folders, zones, data folders.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::tz::TimeZone;
use vigie_engine::{import::Store, intake::Source};
use vigie_sources::{SourceError, arrange};

use crate::{
    cli::{OutputOptions, Zone},
    output::{Hint, Usage, harmless},
};

/// Files to read, and what could not even be looked at.
pub struct Files {
    pub sources: Vec<Source>,
    pub problems: Vec<SourceError>,
}

/// Splits off hosts and opens folders; says what is left out of these.
pub fn files(arguments: &[String], output: &OutputOptions) -> Files {
    let mut files = Files { sources: Vec::new(), problems: Vec::new() };
    for argument in arguments {
        let (host, path) = host_and_path(argument);
        let arranged = arrange([path]);
        if let Some(first) = arranged.passed_over.first() {
            output.remark(format_args!(
                "{argument}: passed over {} of its files, such as {}: neither name nor first lines show a mail log; to have a file read, name it",
                arranged.passed_over.len(),
                first.file_name().unwrap_or_default().display(),
            ));
        }
        files.problems.extend(arranged.problems);
        files.sources.extend(
            arranged.files.into_iter().map(|found| Source { path: found.path, host: host.clone().or(found.host) }),
        );
    }
    // The same file named twice, once in its folder, is one file.
    files.sources.sort_by(|a, b| (&a.path, &a.host).cmp(&(&b.path, &b.host)));
    files.sources.dedup();
    files
}

/// `HOST=FILE`, unless a file of that whole name is there.
fn host_and_path(argument: &str) -> (Option<String>, PathBuf) {
    match argument.split_once('=') {
        Some((host, path)) if !host.is_empty() && !host.contains('/') && !Path::new(argument).exists() => {
            (Some(host.to_owned()), path.into())
        }
        _ => (None, argument.into()),
    }
}

pub fn zone(zone: &Zone) -> anyhow::Result<TimeZone> {
    match &zone.name {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name).map_err(|_| {
            Usage(format!(
                "vigie: '{name}' is no time zone\nhint: names look like Europe/Paris, America/Montreal or UTC"
            ))
            .into()
        }),
    }
}

/// The host of lines that name none: this machine.
pub fn this_host() -> String {
    let name =
        std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    name.map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// Opens a store that must be there already.
pub fn existing_store(data: &Path) -> anyhow::Result<Store> {
    let mut entries = match std::fs::read_dir(data) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Hint {
                message: format!("cannot open the store in {}: {error}", data.display()),
                hint: "let the user that runs vigie own the folder, or run it as the one that does".to_owned(),
            }
            .into());
        }
        entries => entries.ok(),
    };
    if entries.as_mut().and_then(Iterator::next).is_none() {
        return Err(Hint {
            message: format!("there is no store in {}", data.display()),
            hint: format!("import logs first: vigie import --data {} FILE…, or name another folder", data.display()),
        }
        .into());
    }
    Store::open(data).with_context(|| format!("cannot open the store in {}", data.display()))
}

/// The same, for answers: says so when they are not complete.
pub fn store_to_read(output: &OutputOptions, data: &Path) -> anyhow::Result<Store> {
    let store = existing_store(data)?;
    // A state that cannot be read is the next import's to mend; the stored facts are whole without it.
    if store.state().is_ok_and(|state| state.touched.is_some()) {
        output.remark(format_args!(
            "an import is under way or was cut off: messages are missing until it is done; the same import again completes it"
        ));
    }
    Ok(store)
}

/// Names each file that gave trouble, why, and what to do; returns how many.
pub fn report_problems<'a>(problems: impl Iterator<Item = &'a SourceError>, _output: &OutputOptions) -> usize {
    let mut count = 0;
    for problem in problems {
        // An empty log was just rotated, as a rule: worth a word, but nothing failed.
        count += usize::from(!matches!(problem, SourceError::Empty { .. }));
        let mut text = problem.to_string();
        let mut cause = std::error::Error::source(problem);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        anstream::eprintln!("vigie: {}\nhint: {}", harmless(&text), harmless(&problem.hint()));
    }
    count
}
