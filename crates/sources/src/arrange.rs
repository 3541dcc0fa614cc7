//! From what a person named, or from what a machine has, to the files to read.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::SourceError;

/// How the file names of mail logs begin. `mail.err` and `mail.warn` are missing: they repeat lines of `mail.log`.
const MAIL_LOG_NAMES: [&str; 9] =
    ["mail.log", "maillog", "mail.info", "postfix", "dovecot", "exim", "mainlog", "rejectlog", "mail-"];
/// Beginnings of further names, in folders that somebody names: Exchange's message tracking, Domino's console. On a machine of its own
/// such a name may be anything.
const OTHER_LOG_NAMES: [&str; 2] = ["MSGTRK", "console"];
/// Folders of which every file is a mail log; their names begin so.
const MAIL_LOG_FOLDERS: [&str; 4] = ["mail", "postfix", "dovecot", "exim"];
/// Logs of everything, read when a folder has nothing better.
const SYSTEM_LOG_NAMES: [&str; 2] = ["syslog", "messages"];
/// Files taken from one folder at most; a folder of more is some store of mail, not of logs.
const FILES_MAX: usize = 10_000;

/// What [`arrange`] made of a list of paths.
#[derive(Debug, Default)]
pub struct Arranged {
    /// The files, in the order given; those of a folder sorted by path. None is in it twice, under whatever names.
    pub files: Vec<PathBuf>,
    /// One problem for each path that cannot be read.
    pub problems: Vec<SourceError>,
}

/// Turns paths into files: folders are searched for mail logs (and, when they have none, the folders in them, then system
/// logs), files are checked to be readable and not empty. Collects problems instead of stopping at the first.
///
/// Within a folder, empty files are passed over in silence: rotation leaves them.
pub fn arrange(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Arranged {
    let mut arranged = Arranged::default();
    let mut seen = HashSet::new();
    for path in paths {
        let path = path.as_ref();
        match std::fs::metadata(path) {
            Err(source) => arranged.problems.push(SourceError::opening(path, source)),
            Ok(metadata) if metadata.is_dir() => arranged.folder(path, &mut seen),
            Ok(metadata) => arranged.file(path.to_owned(), &metadata, &mut seen),
        }
    }
    arranged
}

/// The mail logs in this machine's usual places that can be read and are not empty.
pub fn find_machine_logs() -> Vec<PathBuf> {
    find_machine_logs_below(Path::new("/"))
}

/// The same below another root, such as a mounted disk or a container's file system.
pub fn find_machine_logs_below(root: &Path) -> Vec<PathBuf> {
    let mut arranged = Arranged::default();
    let mut seen = HashSet::new();
    for path in mail_logs(&root.join("var/log"), &mut Vec::new()).unwrap_or_default() {
        arranged.listed(path, &mut seen);
    }
    arranged.files
}

type Seen = HashSet<(u64, u64)>;

impl Arranged {
    fn folder(&mut self, folder: &Path, seen: &mut Seen) {
        let known = self.problems.len();
        match logs_below(folder, &mut self.problems) {
            Err(error) => self.problems.push(error),
            Ok(paths) if paths.is_empty() && self.problems.len() == known => {
                self.problems.push(SourceError::NoMailLogs { path: folder.to_owned() });
            }
            Ok(paths) => paths.into_iter().for_each(|path| self.listed(path, seen)),
        }
    }

    /// A file found in a folder.
    fn listed(&mut self, path: PathBuf, seen: &mut Seen) {
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.len() > 0 => self.file(path, &metadata, seen),
            // Empty, or rotated away since it was listed.
            _ => {}
        }
    }

    fn file(&mut self, path: PathBuf, metadata: &Metadata, seen: &mut Seen) {
        if !metadata.is_file() {
            return self.problems.push(SourceError::NotAFile { path });
        }
        if metadata.len() == 0 {
            return self.problems.push(SourceError::Empty { path });
        }
        if !seen.insert((metadata.dev(), metadata.ino())) {
            return;
        }
        match File::open(&path) {
            Ok(_) => self.files.push(path),
            Err(source) => self.problems.push(SourceError::opening(&path, source)),
        }
    }
}

/// The logs of a folder: its mail logs, else those of the folders in it (one folder a host), else its system logs. What is wrong
/// with a folder in it joins the problems.
fn logs_below(folder: &Path, problems: &mut Vec<SourceError>) -> Result<Vec<PathBuf>, SourceError> {
    let own = own_logs(folder, problems)?;
    if !own.is_empty() {
        return Ok(own);
    }
    let entries = entries(folder)?;
    let mut inner = Vec::new();
    for path in entries.iter().filter(|path| path.is_dir()) {
        match own_logs(path, problems) {
            Ok(logs) => inner.extend(logs),
            // Told when the folder's own logs were looked for.
            Err(_) if begins_with(path, &MAIL_LOG_FOLDERS) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if !inner.is_empty() {
        return Ok(inner);
    }
    Ok(entries.into_iter().filter(|path| begins_with(path, &SYSTEM_LOG_NAMES) && path.is_file()).collect())
}

/// The mail logs of a folder that somebody named, sorted.
fn own_logs(folder: &Path, problems: &mut Vec<SourceError>) -> Result<Vec<PathBuf>, SourceError> {
    let mut logs = mail_logs(folder, problems)?;
    logs.extend(entries(folder)?.into_iter().filter(|path| begins_with(path, &OTHER_LOG_NAMES) && path.is_file()));
    logs.sort();
    Ok(logs)
}

/// The files of a folder that are named like mail logs, and all files of folders that are, sorted.
pub(crate) fn mail_logs(folder: &Path, problems: &mut Vec<SourceError>) -> Result<Vec<PathBuf>, SourceError> {
    let mut logs = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            if begins_with(&path, &MAIL_LOG_FOLDERS) {
                match entries(&path) {
                    Ok(paths) => logs.extend(paths.into_iter().filter(|path| path.is_file())),
                    Err(problem) => problems.push(problem),
                }
            }
        } else if path.is_file()
            && (begins_with(&path, &MAIL_LOG_NAMES) || path.file_name().is_some_and(|name| name == "mail"))
        {
            logs.push(path);
        }
    }
    Ok(logs)
}

/// The visible entries of a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let listing = std::fs::read_dir(folder).map_err(|source| SourceError::opening(folder, source))?;
    let mut paths: Vec<PathBuf> =
        listing.flatten().map(|entry| entry.path()).filter(|path| !is_hidden(path)).take(FILES_MAX).collect();
    paths.sort();
    Ok(paths)
}

fn begins_with(path: &Path, beginnings: &[&str]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    beginnings.iter().any(|beginning| name.starts_with(beginning))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
