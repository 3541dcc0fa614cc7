//! `vigie stats`: figures of the store, or of files counted in memory.

use std::path::Path;

use vigie_engine::{intake, tally};

use super::files::{self, Files};
use crate::{
    cli::{OutputOptions, Zone},
    output::{self, Outcome},
};

pub fn run(output: &OutputOptions, data: &Path, zone: &Zone, memory: &[String], filter: &[String]) -> anyhow::Result<Outcome> {
    if memory.is_empty() {
        let _ = filter;
        let _store = files::existing_store(data)?;
        anyhow::bail!("not yet");
    }
    in_memory(output, zone, memory)
}

fn in_memory(options: &OutputOptions, zone: &Zone, arguments: &[String]) -> anyhow::Result<Outcome> {
    let Files { sources, problems } = files::files(arguments);
    let mut bad = files::report_problems(problems.iter(), options);
    if sources.is_empty() {
        anyhow::bail!("none of the files can be read: nothing was counted");
    }
    let reading = intake::Options { zone: files::zone(zone)?, default_host: files::this_host(), marks: Vec::new() };
    let (tally, report) = tally::tally(&sources, &reading);
    bad += files::report_problems(report.problems().map(|(_, problem)| problem), options);
    output::json(&tally)?;
    Ok(if bad == 0 { Outcome::Done } else { Outcome::Partly })
}
