//! `vigie try`: from nothing to the pages in one command.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use vigie_engine::{
    import::Store,
    intake::{HostRule, Source},
};

use super::{files, import, serve};
use crate::{
    cli::{OutputOptions, Zone},
    output::Outcome,
    stop,
};

/// Where the sample lies in the project.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/sample");

pub fn run(
    output: &OutputOptions,
    arguments: &[String],
    sample: bool,
    data: Option<&Path>,
    zone: &Zone,
    listen: SocketAddr,
) -> anyhow::Result<Outcome> {
    let (arguments, what) = choose(arguments, sample);
    output.remark(format_args!("reading {what}"));
    let files = files::files(&arguments);
    files::report_problems(files.problems.iter(), output);
    if files.sources.is_empty() {
        anyhow::bail!("none of the files can be read: there is nothing to show");
    }
    let data = data.map_or_else(|| own_folder(&files.sources), Path::to_owned);
    stop::listen();
    let store = Store::open(&data)?;
    let imported = import::import_files(output, &store, &files.sources, files::zone(zone)?, HostRule::Line)?;
    files::report_problems(imported.report.problems().map(|(_, problem)| problem), output);
    import::report_namesakes(&imported.namesakes);
    output.remark(format_args!(
        "{} lines read, {} new; the store is {}",
        imported.report.lines,
        imported.lines,
        data.display()
    ));
    if let (true, Some(signal)) = (imported.report.stopped, stop::asked()) {
        return Ok(Outcome::Stopped(signal));
    }
    drop(store);
    serve::run(output, &data, listen)
}

/// The files given, or this machine's own logs, or the sample.
fn choose(arguments: &[String], sample: bool) -> (Vec<String>, String) {
    if !arguments.is_empty() {
        return (arguments.to_vec(), arguments.join(" "));
    }
    let found = if sample { Vec::new() } else { vigie_sources::find_machine_logs() };
    if found.is_empty() {
        let what = if sample { "the sample" } else { "the sample: no mail log was found on this machine" };
        return (vec![SAMPLE.to_owned()], what.to_owned());
    }
    let found: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
    let what = format!("this machine's mail logs: {}", found.join(" "));
    (found, what)
}

/// A folder for each set of files, so that trying another log does not mix it with the first.
fn own_folder(sources: &[Source]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    for source in sources {
        (source.path.canonicalize().unwrap_or_else(|_| source.path.clone()), &source.host).hash(&mut hasher);
    }
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    cache.join("vigie").join(format!("try-{:016x}", hasher.finish()))
}
