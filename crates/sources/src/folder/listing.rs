//! What lies in a folder now.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Entries of a folder that are looked at: a folder of more is no folder of logs.
const ENTRIES_MAX: usize = 65_536;
/// Files changed last that are opened to be seen: a Windows server writes size and time of a file into its folder only when it is closed,
/// but tells them to who opens it.
const OPENED_MAX: usize = 8;

/// A file as it lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub device: u64,
    pub inode: u64,
    pub bytes: u64,
    pub modified_ns: i64,
}

impl Found {
    fn of(metadata: &Metadata) -> Self {
        let modified_ns = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        Found { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), modified_ns }
    }

    /// Is this the same file of its disk? A share that was mounted again may number its files anew.
    pub fn is_same_file(&self, other: &Found) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// The regular files of a folder, without hidden ones and those in folders below, and without a console that is mirrored: its mirror
/// files have the same lines, and are not written over.
pub fn listing(folder: &Path) -> io::Result<HashMap<PathBuf, Found>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(folder)?.take(ENTRIES_MAX) {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => drop(found.insert(entry.path(), Found::of(&metadata))),
            Ok(_) => {}
            // What is gone again since it was listed is no file of the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    for path in youngest(&found, OPENED_MAX) {
        if let Ok(metadata) = fs::File::open(&path).and_then(|file| file.metadata()) {
            found.insert(path, Found::of(&metadata));
        }
    }
    if found.keys().any(|path| is_mirror(path)) {
        found.retain(|path, _| !path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("console.log")));
    }
    Ok(found)
}

/// `console1.log` to `console999.log`.
fn is_mirror(path: &Path) -> bool {
    let name =
        path.file_name().map(|name| name.to_ascii_lowercase().to_string_lossy().into_owned()).unwrap_or_default();
    let number = name.strip_prefix("console").and_then(|rest| rest.strip_suffix(".log"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The paths of the files that were changed last, the youngest first.
pub fn youngest(found: &HashMap<PathBuf, Found>, files_max: usize) -> Vec<PathBuf> {
    let mut paths: Vec<(&PathBuf, i64)> = found.iter().map(|(path, found)| (path, found.modified_ns)).collect();
    paths.sort_by(|(a, a_ns), (b, b_ns)| b_ns.cmp(a_ns).then_with(|| b.cmp(a)));
    paths.truncate(files_max);
    paths.into_iter().map(|(path, _)| path.clone()).collect()
}
