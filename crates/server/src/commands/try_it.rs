//! `vigie try`: from nothing to the pages in one command.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use vigie_engine::{import::Store, intake::Source};

use super::{files, import, serve};
use crate::{
    cli::{Intake, OutputOptions, Zone},
    output::Outcome,
    stop,
};

/// The sample, in the program itself (93 KB): one log for each host.
const SAMPLE: [(&str, &[u8]); 3] = [
    ("edge1", include_bytes!("../../../../testdata/sample/edge1/mail.log.gz")),
    ("hub1", include_bytes!("../../../../testdata/sample/hub1/mail.log.gz")),
    ("mbx1", include_bytes!("../../../../testdata/sample/mbx1/mail.log.gz")),
];

pub fn run(
    output: &OutputOptions,
    arguments: &[String],
    sample: bool,
    data: Option<&Path>,
    zone: &Zone,
    listen: SocketAddr,
) -> anyhow::Result<Outcome> {
    let (arguments, what) = choose(arguments, sample)?;
    output.remark(format_args!("reading {what}"));
    let files = files::files(&arguments, output);
    files::report_problems(files.problems.iter(), output);
    if files.sources.is_empty() {
        anyhow::bail!("none of the files can be read: there is nothing to show");
    }
    stop::listen();
    let (data, store) = match data {
        Some(data) => (data.to_owned(), Store::open(data)?),
        None => own_store(output, &files.sources)?,
    };
    let imported =
        import::import_files(output, &store, &files.sources, files::zone(zone)?, import::Reading::default())?;
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
    serve::run(output, &data, zone, listen, &Intake::default())
}

/// The files given, or this machine's own logs, or the sample.
fn choose(arguments: &[String], sample: bool) -> anyhow::Result<(Vec<String>, String)> {
    if !arguments.is_empty() {
        return Ok((arguments.to_vec(), arguments.join(" ")));
    }
    let found = if sample { Vec::new() } else { vigie_sources::find_machine_logs() };
    if found.is_empty() {
        let what = if sample { "the sample" } else { "the sample: no mail log was found on this machine" };
        return Ok((vec![unpacked_sample()?.display().to_string()], what.to_owned()));
    }
    let found: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
    let what = format!("this machine's mail logs: {}", found.join(" "));
    Ok((found, what))
}

/// Writes the sample where its like is kept, and says where.
fn unpacked_sample() -> anyhow::Result<PathBuf> {
    let folder = cache().join("sample");
    for (host, log) in SAMPLE {
        let path = folder.join(host).join("mail.log.gz");
        let write = || fs::create_dir_all(folder.join(host)).and_then(|()| fs::write(&path, log));
        if fs::read(&path).ok().as_deref() != Some(log) {
            write().with_context(|| format!("cannot write the sample to {}", path.display()))?;
        }
    }
    Ok(folder)
}

/// The store of an earlier try with these files. One of another version holds nothing that the files do not: it is made anew.
fn own_store(output: &OutputOptions, sources: &[Source]) -> anyhow::Result<(PathBuf, Store)> {
    let data = own_folder(sources);
    let store = match Store::open(&data) {
        Err(error) if error.is_of_another_version() => {
            output.remark(format_args!("the store of an earlier try, by another version of vigie, is made anew"));
            fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))?;
            Store::open(&data)
        }
        opened => opened,
    };
    Ok((data, store?))
}

/// A folder for each set of files, so that trying another log does not mix it with the first.
fn own_folder(sources: &[Source]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    for source in sources {
        (source.path.canonicalize().unwrap_or_else(|_| source.path.clone()), &source.host).hash(&mut hasher);
    }
    cache().join(format!("try-{:016x}", hasher.finish()))
}

fn cache() -> PathBuf {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from).join("vigie")
}
