//! `vigie import`: log files into the store.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use vigie_engine::{
    import::{self, Imported, Namesake, Store},
    intake::{FileReport, HostRule, Source},
};
use vigie_formats::transcript::{DateOrder, exchange};
use vigie_model::iso;

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
    state_was_lost: bool,
    /// Names that two machines seem to share.
    shared_names: Vec<SharedName<'a>>,
    problems: usize,
    stopped: bool,
}

#[derive(Serialize)]
struct SharedName<'a> {
    host: &'a str,
    files: &'a [String; 2],
    from: String,
    until: String,
    hint: String,
}

/// What the files do not say of themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    pub host_rule: HostRule,
    pub dates: Option<DateOrder>,
}

pub fn run(
    output: &OutputOptions,
    data: &Path,
    zone: &Zone,
    reading: Reading,
    arguments: &[String],
) -> anyhow::Result<Outcome> {
    stop::listen();
    let zone = files::zone(zone)?;
    let Files { sources, problems } = files::files(arguments, output);
    let unreadable = files::report_problems(problems.iter(), output);
    if sources.is_empty() && unreadable > 0 {
        anyhow::bail!("none of the files can be read: nothing was imported");
    }
    let store = Store::open(data).with_context(|| format!("cannot open the store in {}", data.display()))?;
    let imported = import_files(output, &store, &sources, zone, reading)
        .with_context(|| format!("the import into {} failed", data.display()))?;
    let problems = unreadable + files::report_problems(imported.report.problems().map(|(_, problem)| problem), output);
    report_namesakes(&imported.namesakes);
    let nothing_read = problems > 0 && imported.report.files.iter().all(gave_nothing) && !imported.report.stopped;
    if output.json || !nothing_read {
        say(output, &imported, problems)?;
    }
    if nothing_read {
        anyhow::bail!("none of the files can be read: nothing was imported");
    }
    Ok(match (stop::asked().filter(|_| imported.report.stopped), problems) {
        (Some(signal), _) => Outcome::Stopped(signal),
        (None, 0) => Outcome::Done,
        (None, _) => Outcome::Partly,
    })
}

/// Not one line, now or in an earlier import.
fn gave_nothing(file: &FileReport) -> bool {
    file.problem.is_some() && file.lines == 0 && file.skipped_bytes == 0
}

/// Names two machines that are taken for one, and says how to take them apart.
pub fn report_namesakes(namesakes: &[Namesake]) {
    for found in namesakes {
        let [one, two] = &found.files;
        let text = format!(
            "warning: two machines call themselves {}: {one} and {two} have lines of different Postfix processes of the same time, {} to {}\nhint: {}",
            found.host,
            iso(found.from),
            iso(found.until),
            how_to_take_apart(found)
        );
        anstream::eprintln!("{}", output::harmless(&text));
    }
}

fn how_to_take_apart(found: &Namesake) -> String {
    let (host, [one, two]) = (&found.host, &found.files);
    format!(
        "their messages may be mixed up; import the logs into a new folder and give one another name: \
         vigie import --data NEW --rename {one} {host}-b={two}"
    )
}

/// Imports with a progress bar.
pub fn import_files(
    output: &OutputOptions,
    store: &Store,
    sources: &[Source],
    zone: jiff::tz::TimeZone,
    reading: Reading,
) -> anyhow::Result<Imported> {
    let progress = Progress::new(output);
    let commit_lines_max = import::COMMIT_LINES_MAX;
    let Reading { host_rule, dates } = reading;
    let options = import::Options { zone, default_host: files::this_host(), host_rule, dates, commit_lines_max };
    let imported = import::import(store, sources, &options, &mut |phase| {
        progress.show(phase);
        stop::asked().is_none()
    });
    progress.done();
    Ok(imported?)
}

fn shared_name(found: &Namesake) -> SharedName<'_> {
    SharedName {
        host: &found.host,
        files: &found.files,
        from: iso(found.from),
        until: iso(found.until),
        hint: how_to_take_apart(found),
    }
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
            state_was_lost: imported.state_was_lost,
            shared_names: imported.namesakes.iter().map(shared_name).collect(),
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
    for file in report.files.iter().filter(|file| file.hostless > 0) {
        options.remark(format_args!(
            "{}: its lines name no host, so they were taken for this machine's ({}); if they are another's, import them into a new folder as HOST=FILE",
            file.path.display(),
            files::this_host()
        ));
    }
    for file in report.files.iter().filter(|file| file.overlong > 0) {
        options.remark(format_args!("{}: {} overlong lines were cut at 64 KiB", file.path.display(), file.overlong));
    }
    let names: Vec<_> = report.files.iter().map(|file| file.path.to_string_lossy()).collect();
    for remark in exchange::missing(names.iter().map(AsRef::as_ref)) {
        anstream::eprintln!(
            "warning: {remark}\nhint: Exchange removes old files when their folder is full; copy them sooner, or let it keep more"
        );
    }
    for file in &report.files {
        for remark in &file.remarks {
            options.remark(format_args!("{}: {remark}", file.path.display()));
        }
    }
    if imported.state_was_lost {
        options.remark(format_args!(
            "the import's state was missing, damaged or of another version: all facts were derived anew from the stored lines"
        ));
    }
    for host in imported.rebuilt.iter().filter(|_| !imported.state_was_lost) {
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
