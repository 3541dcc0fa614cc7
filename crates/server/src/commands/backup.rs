//! `vigie backup`: a copy of the store, while a server writes to it.

use std::{io::Write, path::Path, time::Instant};

use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::{files, restore::told};
use crate::{
    backup,
    cli::OutputOptions,
    output::{self, Outcome, Progress},
};

/// What a program reads.
#[derive(Serialize)]
struct Done<'a> {
    target: &'a Path,
    files: usize,
    bytes: u64,
    copied_files: usize,
    copied_bytes: u64,
    /// Number of the commit.
    sequence: u64,
    /// Time of the newest line, in microseconds since 1970 UTC.
    until_us: Option<i64>,
    seconds: f64,
}

pub fn run(output: &OutputOptions, data: &Path, target: &Path) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let store = files::existing_store(data)?;
    let progress = Progress::new(output);
    let made = backup::take(&store, target, &mut |moved| progress.moved(moved));
    progress.done();
    let made = made.map_err(told)?;
    let seconds = began.elapsed().as_secs_f64();
    let (manifest, files) = (&made.manifest, made.manifest.files.len());
    if output.json {
        output::json(&Done {
            target: &made.dir,
            files,
            bytes: manifest.bytes(),
            copied_files: made.copied_files,
            copied_bytes: made.copied_bytes,
            sequence: manifest.sequence,
            until_us: manifest.until_us,
            seconds,
        })?;
        return Ok(Outcome::Done);
    }
    writeln!(
        std::io::stdout(),
        "backed up {} files ({}), {}, to {} in {seconds:.1} s; {} files ({}) were new",
        HumanCount(files as u64),
        HumanBytes(manifest.bytes()),
        super::restore::until(manifest),
        made.dir.display(),
        HumanCount(made.copied_files as u64),
        HumanBytes(made.copied_bytes),
    )?;
    Ok(Outcome::Done)
}
