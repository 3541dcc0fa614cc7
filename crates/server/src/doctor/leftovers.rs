//! What was begun and left: half written files, data files that no commit lists, a restore that was cut off.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use indicatif::HumanBytes;

use super::{Check, Finding, Patient};
use crate::collect;

pub const CHECK: Check = Check { name: "leftovers", run };

/// Files that were replaced stay an hour for readers; merging, which takes them away, comes with writing.
const OLD_S: u64 = 24 * 3_600;

fn run(patient: &Patient) -> Vec<Finding> {
    let data = &patient.data;
    let Some((store, _)) = patient.store() else { return vec![Finding::not_applicable("the store cannot be opened")] };
    let mut findings: Vec<Finding> = staging(data).into_iter().collect();
    let Ok(inventory) = store.pin().map_err(drop).and_then(|pinned| pinned.pin.inventory().map_err(drop)) else {
        findings.push(Finding::not_applicable("the newest commit cannot be looked at"));
        return findings;
    };
    let listed: HashSet<PathBuf> = inventory.data.into_iter().map(|file| data.join(file.path)).collect();
    let is_old = |path: &PathBuf| patient.age_s(path).is_some_and(|age| age > OLD_S);
    let old: Vec<PathBuf> = files(data).filter(|path| !listed.contains(path)).filter(is_old).collect();
    let bytes = old.iter().filter_map(|path| fs::metadata(path).ok()).map(|of| of.len()).sum();
    findings.extend(old.first().map(|first| {
        let found = format!("{} old files ({}) that no commit lists, such as this one", old.len(), HumanBytes(bytes));
        Finding::warning(found, "they do no harm; the next merge of small files (with an import, or a server that takes lines) removes data files")
            .of(first.display())
    }));
    if findings.is_empty() {
        findings.push(Finding::ok("nothing was left behind"));
    }
    findings
}

fn staging(data: &Path) -> Option<Finding> {
    let data = data.canonicalize().ok()?;
    let path = data.parent()?.join(format!(".{}.restoring", data.file_name()?.to_string_lossy()));
    path.exists().then(|| {
        Finding::warning("a restore is under way or was cut off", format!("when none runs: rm -r {}", path.display()))
            .of(path.display())
    })
}

/// Data files of all days, and files that are written before they are renamed.
fn files(data: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let tables = vigie_lake::Table::ALL.map(|table| data.join(table.name()));
    let is_new = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "new");
    let is_data = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "parquet");
    let is_day = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("day="));
    let days = tables.clone().into_iter().flat_map(entries).filter(is_day);
    let small = ["", "state", "commits", collect::FOLDER].map(|name| data.join(name)).into_iter();
    let logs = tables.into_iter().map(|table| table.join("_delta_log"));
    days.flat_map(entries).filter(is_data).chain(small.chain(logs).flat_map(entries).filter(is_new))
}
