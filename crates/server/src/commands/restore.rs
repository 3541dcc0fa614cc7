//! `vigie restore`: a store from a backup.

use std::{io::Write, path::Path};

use indicatif::{HumanBytes, HumanCount};
use jiff::Timestamp;
use serde::Serialize;
use vigie_engine::import::Store;
use vigie_lake::Table;

use crate::{
    backup::{self, BackupError, Manifest},
    cli::OutputOptions,
    output::{self, Hint, Outcome, Progress},
};

/// What is to be done with a backup.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    Check,
    Restore,
}

/// What a program reads.
#[derive(Serialize)]
struct Done<'a> {
    data: Option<&'a Path>,
    files: usize,
    bytes: u64,
    sequence: u64,
    until_us: Option<i64>,
    lines: Option<u64>,
}

pub fn run(output: &OutputOptions, data: &Path, source: &Path, what: What) -> anyhow::Result<Outcome> {
    let progress = Progress::new(output);
    let mut watch = |moved| progress.moved(moved);
    let done = match what {
        What::Check => backup::check(source, &mut watch),
        What::Restore => backup::restore(source, data, &mut watch),
    };
    progress.done();
    let manifest = done.map_err(told)?;
    let restored = (what == What::Restore).then(|| Store::open(data)).transpose()?;
    let sizes = restored.map(|store| store.lake.snapshot()).transpose()?.map(|snapshot| snapshot.sizes());
    let rows = |table| sizes.iter().flatten().find(|size| size.table == table).map_or(0, |size| size.rows);
    if output.json {
        output::json(&Done {
            data: sizes.is_some().then_some(data),
            files: manifest.files.len(),
            bytes: manifest.bytes(),
            sequence: manifest.sequence,
            until_us: manifest.until_us,
            lines: sizes.is_some().then(|| rows(Table::Lines)),
        })?;
        return Ok(Outcome::Done);
    }
    let size = format!("{} files ({})", HumanCount(manifest.files.len() as u64), HumanBytes(manifest.bytes()));
    match what {
        What::Check => {
            writeln!(std::io::stdout(), "the backup in {} is whole: {size}, {}", source.display(), until(&manifest))?
        }
        What::Restore => writeln!(
            std::io::stdout(),
            "restored {size} to {}: {} lines, {} deliveries, {} rejections, {}",
            data.display(),
            HumanCount(rows(Table::Lines)),
            HumanCount(rows(Table::Deliveries)),
            HumanCount(rows(Table::Rejections)),
            until(&manifest),
        )?,
    }
    Ok(Outcome::Done)
}

/// Up to when the lines of a backup go.
pub fn until(manifest: &Manifest) -> String {
    let time = manifest.until_us.and_then(|us| Timestamp::from_microsecond(us).ok());
    time.map_or_else(|| "without a line".to_owned(), |time| format!("up to {} UTC", time.strftime("%Y-%m-%d %H:%M:%S")))
}

/// All that is wrong, and what to do.
pub fn told(error: BackupError) -> anyhow::Error {
    for problem in error.problems() {
        anstream::eprintln!("vigie: {problem}");
    }
    let hint = error.hint();
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(&format!(": {text}"));
        }
        cause = error.source();
    }
    Hint { message, hint }.into()
}
