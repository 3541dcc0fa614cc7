//! `vigie import`: log files into the store.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use vigie_engine::{
    import::{self, Imported, Store},
    intake::Source,
};

use super::files::{self, Files};
use crate::{
    cli::{OutputOptions, Zone},
    output::{self, Outcome, Progress},
    stop,
};

#[derive(Serialize)]
struct Summary<'a> {
    files: usize,
    lines_read: u64,
    lines_new: u64,
    lines_known: u64,
    understood: u64,
    unknown: u64,
    messages_derived: u64,
    hosts: &'a [String],
    rebuilt: &'a [String],
    problems: usize,
    stopped: bool,
}

pub fn run(output: &OutputOptions, data: &Path, zone: &Zone, arguments: &[String]) -> anyhow::Result<Outcome> {
    stop::listen();
    let zone = files::zone(zone)?;
    let Files { sources, problems } = files::files(arguments);
    let unreadable = files::report_problems(problems.iter(), output);
    if sources.is_empty() && unreadable > 0 {
        anyhow::bail!("none of the files can be read: nothing was imported");
    }
    let store = Store::open(data).with_context(|| format!("cannot open the store in {}", data.display()))?;
    let imported = import_files(output, &store, &sources, zone)?;
    let problems = unreadable + files::report_problems(imported.report.problems().map(|(_, problem)| problem), output);
    say(output, &imported, problems)?;
    Ok(match (imported.report.stopped, problems) {
        (true, _) => Outcome::Stopped,
        (false, 0) => Outcome::Done,
        (false, _) => Outcome::Partly,
    })
}

/// Imports with a progress bar.
pub fn import_files(
    output: &OutputOptions,
    store: &Store,
    sources: &[Source],
    zone: jiff::tz::TimeZone,
) -> anyhow::Result<Imported> {
    let progress = Progress::new(output);
    let options = import::Options { zone, default_host: files::this_host() };
    let imported = import::import(store, sources, &options, &mut |phase| {
        progress.show(phase);
        !stop::asked()
    });
    progress.done();
    Ok(imported?)
}

fn say(options: &OutputOptions, imported: &Imported, problems: usize) -> anyhow::Result<()> {
    let report = &imported.report;
    if options.json {
        return output::json(&Summary {
            files: report.files.len(),
            lines_read: report.lines,
            lines_new: imported.lines,
            lines_known: report.duplicates,
            understood: imported.understood,
            unknown: imported.unknown,
            messages_derived: imported.journeys,
            hosts: &imported.hosts,
            rebuilt: &imported.rebuilt,
            problems,
            stopped: report.stopped,
        });
    }
    let skipped: u64 = report.files.iter().map(|file| file.skipped_bytes).sum();
    options.remark(format_args!(
        "{} new lines from {} file{}{}{}{}",
        imported.lines,
        report.files.len(),
        if report.files.len() == 1 { "" } else { "s" },
        if imported.hosts.is_empty() { "" } else { " of " },
        imported.hosts.join(", "),
        match (report.duplicates, skipped) {
            (0, 0) => String::new(),
            (0, bytes) => format!("; {bytes} bytes were known already"),
            (lines, 0) => format!("; {lines} lines were known already"),
            (lines, bytes) => format!("; {lines} lines and {bytes} bytes were known already"),
        }
    ));
    if imported.unknown > 0 {
        options.remark(format_args!("{} lines were not understood; see: vigie coverage", imported.unknown));
    }
    for file in report.files.iter().filter(|file| file.unfinished_bytes > 0) {
        options.remark(format_args!(
            "{}: the last line has no end yet ({} bytes); it is read once the file has grown",
            file.path.display(),
            file.unfinished_bytes
        ));
    }
    for file in report.files.iter().filter(|file| file.overlong > 0) {
        options.remark(format_args!("{}: {} overlong lines were cut at 64 KiB", file.path.display(), file.overlong));
    }
    for host in &imported.rebuilt {
        options
            .remark(format_args!("{host}: these lines are older than what was known, so its facts were derived anew"));
    }
    if imported.lines > 0 && !report.stopped {
        options.remark(format_args!(
            "next: vigie stats, vigie search, vigie trace, or vigie serve for the pages (same --data)"
        ));
    }
    if report.stopped {
        options.remark(format_args!("stopped; the same command goes on from here"));
    }
    Ok(())
}
