//! From what a person named, or from what a machine has, to the files to read.

use std::collections::{BTreeSet, HashSet};
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use vigie_formats::transcript::Settings;

use crate::{LogFile, SourceError};

/// How the file names of mail logs begin. `mail.err` and `mail.warn` are missing: they repeat lines of `mail.log`.
const MAIL_LOG_NAMES: [&str; 15] = [
    "mail.log",
    "maillog",
    "mail.info",
    "mail-",
    "postfix",
    "dovecot",
    "exim",
    "mainlog",
    "rejectlog",
    "sendmail",
    "opensmtpd",
    "chasquid",
    "amavis",
    "rspamd",
    "milter",
];
/// Beginnings of further names, in folders that somebody names: Exchange's message tracking, Domino's console. On a machine of its own
/// such a name may be anything.
const OTHER_LOG_NAMES: [&str; 2] = ["MSGTRK", "console"];
/// What repeats lines of others.
const REPEATING_NAMES: [&str; 2] = ["mail.err", "mail.warn"];
/// Folders of which every file is a mail log. (A folder `mail2` is that of a host.)
const MAIL_LOG_FOLDERS: [&str; 6] = ["mail", "postfix", "dovecot", "exim", "exim4", "rspamd"];
/// Logs of everything, read when a folder has nothing better.
const SYSTEM_LOG_NAMES: [&str; 2] = ["syslog", "messages"];
/// Files taken from one folder at most; a folder of more is some store of mail, not of logs.
const FILES_MAX: usize = 10_000;

/// What [`arrange`] made of a list of paths.
#[derive(Debug, Default)]
pub struct Arranged {
    /// The files, in the order given; those of a folder sorted by path. None is in it twice, under whatever names.
    pub files: Vec<Found>,
    /// One problem for each path that cannot be read.
    pub problems: Vec<SourceError>,
    /// Files in the folders of those which were taken of a folder, that nothing shows to be mail logs.
    pub passed_over: Vec<PathBuf>,
}

/// One file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// Whose lines these are where they do not say: found in a folder of the named folder, they are of a host that is called like it.
    pub host: Option<String>,
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
            Ok(metadata) => arranged.file(Found { path: path.to_owned(), host: None }, &metadata, &mut seen),
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
        arranged.listed(Found { path, host: None }, &mut seen);
    }
    arranged.files.into_iter().map(|found| found.path).collect()
}

type Seen = HashSet<(u64, u64)>;

impl Arranged {
    fn folder(&mut self, folder: &Path, seen: &mut Seen) {
        let known = self.problems.len();
        match logs_below(folder, &mut self.problems) {
            Err(error) => self.problems.push(error),
            Ok(found) if found.is_empty() && self.problems.len() == known => {
                self.problems.push(SourceError::NoMailLogs { path: folder.to_owned() });
            }
            Ok(found) => {
                self.passed_over.extend(beside(&found));
                found.into_iter().for_each(|found| self.listed(found, seen));
            }
        }
    }

    /// A file found in a folder.
    fn listed(&mut self, found: Found, seen: &mut Seen) {
        match std::fs::metadata(&found.path) {
            Ok(metadata) if metadata.len() > 0 => self.file(found, &metadata, seen),
            // Empty, or rotated away since it was listed.
            _ => {}
        }
    }

    fn file(&mut self, found: Found, metadata: &Metadata, seen: &mut Seen) {
        if !metadata.is_file() {
            return self.problems.push(SourceError::NotAFile { path: found.path });
        }
        if metadata.len() == 0 {
            return self.problems.push(SourceError::Empty { path: found.path });
        }
        if !seen.insert((metadata.dev(), metadata.ino())) {
            return;
        }
        match File::open(&found.path) {
            Ok(_) => self.files.push(found),
            Err(source) => self.problems.push(SourceError::opening(&found.path, source)),
        }
    }
}

/// The logs of a folder: its mail logs, else those of the folders in it (one folder a host), else its system logs. What is wrong
/// with a folder in it joins the problems.
fn logs_below(folder: &Path, problems: &mut Vec<SourceError>) -> Result<Vec<Found>, SourceError> {
    let nobodys = |paths: Vec<PathBuf>| paths.into_iter().map(|path| Found { path, host: None }).collect();
    let own = own_logs(folder, problems)?;
    if !own.is_empty() {
        return Ok(nobodys(own));
    }
    let entries = entries(folder)?;
    let mut inner = Vec::new();
    for path in entries.iter().filter(|path| path.is_dir()) {
        let host = path.file_name().map(|name| name.to_string_lossy().into_owned());
        match own_logs(path, problems) {
            Ok(logs) => inner.extend(logs.into_iter().map(|path| Found { path, host: host.clone() })),
            // Told when the folder's own logs were looked for.
            Err(_) if is_mail_log_folder(path) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if !inner.is_empty() {
        return Ok(inner);
    }
    Ok(nobodys(entries.into_iter().filter(|path| begins_with(path, &SYSTEM_LOG_NAMES) && path.is_file()).collect()))
}

/// What else is in the folders of these.
fn beside(found: &[Found]) -> Vec<PathBuf> {
    let folders: BTreeSet<&Path> = found.iter().filter_map(|found| found.path.parent()).collect();
    let taken: HashSet<&Path> = found.iter().map(|found| found.path.as_path()).collect();
    let is_passed_over = |path: &PathBuf| {
        let has_lines = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0);
        has_lines && !taken.contains(path.as_path()) && !begins_with(path, &REPEATING_NAMES)
    };
    folders.into_iter().flat_map(|folder| entries(folder).unwrap_or_default()).filter(is_passed_over).collect()
}

/// The mail logs of a folder that somebody named, sorted; also those whose names say nothing and whose beginning does.
fn own_logs(folder: &Path, problems: &mut Vec<SourceError>) -> Result<Vec<PathBuf>, SourceError> {
    let mut logs = mail_logs(folder, problems)?;
    for path in entries(folder)?.into_iter().filter(|path| path.is_file()) {
        let is_known = || LogFile::open_to_look(&path, &Settings::default()).is_ok_and(|log| log.is_transcribed());
        if begins_with(&path, &OTHER_LOG_NAMES) || is_known() {
            logs.push(path);
        }
    }
    logs.sort();
    logs.dedup();
    Ok(logs)
}

/// The files of a folder that are named like mail logs, and all files of folders that are, sorted.
pub(crate) fn mail_logs(folder: &Path, problems: &mut Vec<SourceError>) -> Result<Vec<PathBuf>, SourceError> {
    let mut logs = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            if is_mail_log_folder(&path) {
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

fn is_mail_log_folder(path: &Path) -> bool {
    MAIL_LOG_FOLDERS.iter().any(|name| path.file_name().is_some_and(|own| own == *name))
}

fn begins_with(path: &Path, beginnings: &[&str]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    beginnings.iter().any(|beginning| name.starts_with(beginning))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
