//! The rotated files beside a log, from the oldest to the newest.
//!
//! Names decide where they can, as times of files lie when somebody copied them: `.1` is newer than `.2`, and `-20261122` newer
//! than `-20261121`. A rotation that shifts all numbers while the folder is looked at is seen by reading the folder again, but two of
//! them within a few milliseconds may confuse what is found. Where names of both kinds stand side by side (the rotation was configured anew), times decide.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::content::Look;

/// Names of a folder that are looked at.
const NAMES_MAX: usize = 20_000;
/// Rotated files of one log that are known at once; years of days.
const SIBLINGS_MAX: usize = 4_000;
/// How often a folder is read until two readings agree.
const LISTINGS_MAX: usize = 5;
/// What compressors append to a name.
const PACKED_ENDINGS: [&[u8]; 6] = [b".gz", b".bz2", b".xz", b".zst", b".zstd", b".lz4"];
/// `.999` is the highest number; what has more digits is a date.
const NUMBER_DIGITS_MAX: usize = 3;
/// A group of more digits is neither a date nor a time.
const GROUP_DIGITS_MAX: usize = 14;

/// A file that has the log's name and something more.
#[derive(Clone, Debug)]
pub(super) struct Sibling {
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
    pub look: Look,
    /// None for names that no rotation gives, such as `mail.log.bak`. They may be a copy, and are never caught up with.
    rank: Option<Rank>,
    is_packed: bool,
}

impl Sibling {
    pub fn is_rotated(&self) -> bool {
        self.rank.is_some()
    }
}

/// What a rotated file's name says about its age.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rank {
    /// Counted upwards with each rotation.
    Number(u64),
    /// Year first, or seconds since 1970.
    Date(Vec<u64>),
    /// Digits that do not sort by time, such as `22112026`.
    Digits(Vec<u64>),
}

/// The siblings of a log, and those of the file that its path leads to, if it is a link. The file itself is not among them.
pub(super) fn list(path: &Path) -> Vec<Sibling> {
    let mut siblings = list_once(path);
    let names = |siblings: &[Sibling]| -> Vec<_> {
        siblings.iter().map(|sibling| (sibling.path.clone(), sibling.device, sibling.inode)).collect()
    };
    for _ in 1..LISTINGS_MAX {
        // A name that is changed while the folder is read may come twice, or not at all.
        let again = list_once(path);
        let is_same = names(&siblings) == names(&again);
        siblings = again;
        if is_same {
            break;
        }
    }
    siblings
}

fn list_once(path: &Path) -> Vec<Sibling> {
    let mut siblings = Vec::new();
    collect(path, &mut siblings);
    if let Ok(target) = std::fs::canonicalize(path)
        && path.is_symlink()
    {
        collect(&target, &mut siblings);
    }
    if let Ok(live) = std::fs::metadata(path) {
        siblings.retain(|sibling| (sibling.device, sibling.inode) != (live.dev(), live.ino()));
    }
    sort(&mut siblings);
    // A file that is just being packed stands there twice, and its packed half is not whole.
    siblings.dedup_by(|packed, plain| plain.rank.is_some() && plain.rank == packed.rank && plain.path != packed.path);
    siblings
}

fn collect(path: &Path, siblings: &mut Vec<Sibling>) {
    let (Some(own), Some(folder)) = (path.file_name(), path.parent()) else { return };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten().take(NAMES_MAX) {
        let name = entry.file_name();
        let Some(suffix) = suffix(own.as_bytes(), name.as_bytes()) else { continue };
        let path = entry.path();
        if let Ok(metadata) = std::fs::metadata(&path)
            && metadata.is_file()
            && siblings.len() < SIBLINGS_MAX
        {
            let is_packed = without_packing(name.as_bytes()).len() < name.len();
            let rank = rank(without_packing(suffix));
            let (device, inode, look) = (metadata.dev(), metadata.ino(), Look::of(&metadata));
            siblings.push(Sibling { path, device, inode, look, rank, is_packed });
        }
    }
}

/// What a name has more than the log's: `1.gz` of `mail.log.1.gz`, `20261122` of `mail-20261122.log`.
fn suffix<'a>(own: &[u8], name: &'a [u8]) -> Option<&'a [u8]> {
    let separated = |rest: &'a [u8]| match rest {
        [b'.' | b'-' | b'_', suffix @ ..] if !suffix.is_empty() => Some(suffix),
        _ => None,
    };
    if let Some(suffix) = name.strip_prefix(own).and_then(separated) {
        return Some(suffix);
    }
    let dot = memchr::memrchr(b'.', own).filter(|dot| *dot > 0)?;
    let (stem, ending) = own.split_at(dot);
    let suffix = without_packing(name).strip_suffix(ending)?.strip_prefix(stem).and_then(separated)?;
    // `mail-errors.log` is another log, not an older `mail.log`.
    rank(suffix).map(|_| suffix)
}

fn without_packing(name: &[u8]) -> &[u8] {
    PACKED_ENDINGS.iter().find_map(|ending| name.strip_suffix(*ending)).unwrap_or(name)
}

fn rank(suffix: &[u8]) -> Option<Rank> {
    let is_separator = |byte: &u8| matches!(byte, b'-' | b'.' | b'_' | b':' | b'T');
    let mut groups = Vec::new();
    for group in suffix.split(is_separator) {
        if group.is_empty() || group.len() > GROUP_DIGITS_MAX || !group.iter().all(u8::is_ascii_digit) {
            return None;
        }
        groups.push(group.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')));
    }
    let digits = suffix.split(is_separator).next().map_or(0, <[u8]>::len);
    Some(match (groups.as_slice(), digits) {
        ([number], ..=NUMBER_DIGITS_MAX) => Rank::Number(*number),
        (_, 4 | 6 | 8 | 10 | 12 | 14) if sorts_by_time(&suffix[..digits]) => Rank::Date(groups),
        _ => Rank::Digits(groups),
    })
}

/// Whether digits begin with a year, or count seconds.
fn sorts_by_time(digits: &[u8]) -> bool {
    digits.starts_with(b"20") || digits.starts_with(b"19") || digits.len() == 10
}

/// From the oldest to the newest, a packed file behind the plain one of its name.
fn sort(siblings: &mut [Sibling]) {
    let kinds = siblings.iter().filter_map(|sibling| sibling.rank.as_ref());
    let (numbers, dates, digits) = kinds.fold((false, false, false), |(numbers, dates, digits), rank| match rank {
        Rank::Number(_) => (true, dates, digits),
        Rank::Date(_) => (numbers, true, digits),
        Rank::Digits(_) => (numbers, dates, true),
    });
    let times_decide = digits || (numbers && dates);
    siblings.sort_by(|one, other| {
        let by_time = || one.look.modified_ns.cmp(&other.look.modified_ns);
        let by_name = match (&one.rank, &other.rank) {
            (Some(Rank::Number(one)), Some(Rank::Number(other))) => other.cmp(one),
            (Some(Rank::Date(one)), Some(Rank::Date(other))) => one.cmp(other),
            _ => Ordering::Equal,
        };
        // Names of no rotation first: they are newer than nothing.
        let kinds = one.rank.is_some().cmp(&other.rank.is_some());
        let age = if times_decide || one.rank.is_none() { by_time() } else { by_name };
        kinds.then(age).then(one.is_packed.cmp(&other.is_packed)).then_with(|| one.path.cmp(&other.path))
    });
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::list;

    /// The names of siblings in a folder with these files, the first of them written first.
    fn names(live: &str, files: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (second, name) in files.iter().enumerate() {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(start + Duration::from_secs(second as u64)).unwrap();
        }
        let listed = list(&folder.path().join(live)).into_iter().filter(|sibling| sibling.is_rotated());
        listed.map(|sibling| sibling.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn higher_numbers_are_older_whatever_their_times() {
        let files = ["mail.log", "mail.log.1", "mail.log.10.gz", "mail.log.2.gz", "mail.log.9.xz"];
        assert_eq!(names("mail.log", &files), ["mail.log.10.gz", "mail.log.9.xz", "mail.log.2.gz", "mail.log.1"]);
    }

    #[test]
    fn later_dates_are_newer_whatever_their_times() {
        let files = ["maillog-20261122", "maillog-20261121.gz", "maillog-20251231.bz2", "maillog"];
        assert_eq!(names("maillog", &files), ["maillog-20251231.bz2", "maillog-20261121.gz", "maillog-20261122"]);
        let postlogd = ["maillog.20261122-120000", "maillog.20261122-110000.gz"];
        assert_eq!(names("maillog", &postlogd), ["maillog.20261122-110000.gz", "maillog.20261122-120000"]);
        let seconds = ["maillog-1700000100", "maillog-1700000000"];
        assert_eq!(names("maillog", &seconds), ["maillog-1700000000", "maillog-1700000100"]);
    }

    #[test]
    fn a_date_before_the_ending_is_one_too() {
        let files = ["mail-20261122.log", "mail-20261121.log.gz", "mail-errors.log", "mail.log"];
        assert_eq!(names("mail.log", &files), ["mail-20261121.log.gz", "mail-20261122.log"]);
    }

    #[test]
    fn times_decide_between_kinds_and_where_days_come_first() {
        let files = ["mail.log.2.gz", "mail.log.1", "mail.log-20261122"];
        assert_eq!(names("mail.log", &files), files);
        let files = ["mail.log-30112026", "mail.log-01122026"];
        assert_eq!(names("mail.log", &files), files);
    }

    #[test]
    fn a_file_that_is_being_packed_counts_once_and_plain() {
        let files = ["mail.log.2.gz", "mail.log.2", "mail.log.1"];
        assert_eq!(names("mail.log", &files), ["mail.log.2", "mail.log.1"]);
    }

    #[test]
    fn other_names_are_no_rotations() {
        let files = [
            "mail.log.bak",
            "mail.log.offset",
            "mail.log~",
            "mail.logger",
            "mail.log.1.tmp",
            "mail.err.1",
            "mail.log.",
        ];
        assert_eq!(names("mail.log", &files), Vec::<String>::new());
    }
}
