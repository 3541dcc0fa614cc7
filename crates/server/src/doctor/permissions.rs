//! Are secrets private, and does all belong to one user?

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Check, Finding, Patient};
use crate::{collect, syslog};

pub const CHECK: Check = Check { name: "permissions", run };

/// Named one by one; the rest is counted.
const NAMED_MAX: usize = 10;
/// Folders that hold secrets: tokens' hashes, a key, lines that are in no log any more.
const PRIVATE: [&str; 2] = [collect::FOLDER, syslog::FOLDER];
/// A writer needs to replace these.
const WRITTEN: [&str; 5] = ["lake.json", "current.json", "writer.lock", "commits", "state"];
const OTHERS: u32 = 0o077;

fn run(patient: &Patient) -> Vec<Finding> {
    let data = &patient.data;
    let Ok(top) = fs::metadata(data) else { return vec![Finding::not_applicable("the folder cannot be looked at")] };
    let mut findings: Vec<Finding> = PRIVATE.iter().flat_map(|folder| exposed(&data.join(folder))).collect();
    findings.extend(foreign(data, &top));
    findings.extend(not_ours(data, &top));
    if findings.is_empty() {
        let owner = top.uid();
        findings.push(Finding::ok(format!("private files are private, and all belongs to user {owner}")));
    }
    findings
}

/// What others than the owner can reach.
fn exposed(folder: &Path) -> Vec<Finding> {
    let Ok(metadata) = fs::symlink_metadata(folder) else { return Vec::new() };
    let files = fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some((entry.path(), metadata))
    });
    let is_open = |(_, of): &(PathBuf, Metadata)| of.mode() & OTHERS != 0 && !of.file_type().is_symlink();
    let is_secret = |path: &Path| path.extension().is_none_or(|kind| kind != "lock");
    let found = std::iter::once((folder.to_owned(), metadata)).chain(files).filter(is_open);
    let found = found.filter(|(path, _)| is_secret(path));
    found
        .take(NAMED_MAX)
        .map(|(path, of)| {
            let wanted = if of.is_dir() { "0700" } else { "0600" };
            let mode = of.mode() & 0o7777;
            let advice =
                format!("chmod {wanted} {}; if others used this machine, enrol the collectors anew", path.display());
            Finding::error(format!("others may reach it: its mode is {mode:04o} instead of {wanted}"), advice)
                .of(path.display())
        })
        .collect()
}

/// What a command left that was run as another user.
fn foreign(data: &Path, top: &Metadata) -> Vec<Finding> {
    let files = WRITTEN.iter().chain(&PRIVATE).map(|name| data.join(name));
    let inner = PRIVATE
        .iter()
        .chain(&["state", "commits"])
        .flat_map(|folder| fs::read_dir(data.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path()));
    let tables = vigie_lake::Table::ALL.into_iter().map(|table| data.join(table.name()));
    let all: Vec<PathBuf> = files.chain(inner).chain(tables).collect();
    let owner_of = |path: &PathBuf| fs::symlink_metadata(path).ok().map(|of| of.uid());
    let odd: Vec<&PathBuf> = all.iter().filter(|path| owner_of(path).is_some_and(|uid| uid != top.uid())).collect();
    let advice = format!("chown -R {}:{} {}", top.uid(), top.gid(), data.display());
    let told = odd.iter().take(NAMED_MAX).map(|path| {
        let owner = owner_of(path).unwrap_or_default();
        Finding::error(format!("it belongs to user {owner}, the folder to user {}", top.uid()), advice.clone())
            .of(path.display())
    });
    told.collect()
}

/// Could this user write?
fn not_ours(data: &Path, top: &Metadata) -> Option<Finding> {
    // The files of our own process belong to who runs it.
    let own = fs::metadata("/proc/self").ok()?.uid();
    (own != 0 && own != top.uid()).then(|| {
        Finding::warning(
            format!("the store belongs to user {}, and this is user {own}: some checks see less", top.uid()),
            "run this as that user, or as root",
        )
        .of(data.display())
    })
}
