//! What a machine lets us do: logs that cannot be read, and whose group would help; what a disk has left.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::arrange::mail_logs;

/// Groups of one machine; a longer file is read so far.
const GROUPS_MAX: usize = 10_000;
/// Journals of one machine: one folder for each machine that it keeps journals of.
const JOURNALS_MAX: usize = 1_000;

/// A log that is there and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub path: PathBuf,
    /// The group whose members may read it, where there is one.
    pub group: Option<String>,
}

/// What a disk has left, for a user without privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    pub free_bytes: u64,
    pub bytes: u64,
    /// Files that can still be made; `None` where the file system has no bound.
    pub free_files: Option<u64>,
}

/// The space of the disk that this folder lies on.
pub fn space(folder: &Path) -> io::Result<Space> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(Space {
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        free_files: (disk.f_files > 0).then_some(disk.f_favail),
    })
}

/// Makes all that was written to this folder's disk safe. For many small files this is one wait instead of one each.
pub fn sync_disk(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

/// Mail logs in the usual places below this root, and journals, that this user may not read.
pub fn unreadable_logs_below(root: &Path) -> Vec<Unreadable> {
    let logs = mail_logs(&root.join("var/log"), &mut Vec::new()).unwrap_or_default();
    let journals = ["var/log/journal", "run/log/journal"].into_iter().flat_map(|folder| journals(&root.join(folder)));
    let denied = logs.into_iter().chain(journals).filter(|path| is_denied(path));
    denied.map(|path| Unreadable { group: reading_group(root, &path), path }).collect()
}

/// Is it there, and may it not be opened?
pub fn is_denied(path: &Path) -> bool {
    File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// The system's journals; the folder itself when it may not be listed.
fn journals(folder: &Path) -> Vec<PathBuf> {
    let machines = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return vec![folder.to_owned()],
        Err(_) => return Vec::new(),
    };
    let system = machines.flatten().take(JOURNALS_MAX).map(|machine| machine.path().join("system.journal"));
    system.filter(|path| path.exists()).collect()
}

/// The group that may read a file, by its mode.
pub fn reading_group(root: &Path, path: &Path) -> Option<String> {
    const GROUP_READS: u32 = 0o040;
    let metadata = fs::metadata(path).ok().filter(|of| of.mode() & GROUP_READS != 0)?;
    // A journal is root's own, and its readers are of this group by an access list.
    if path.ends_with("system.journal") && metadata.gid() == 0 {
        return Some("systemd-journal".to_owned());
    }
    let groups = fs::read_to_string(root.join("etc/group")).ok()?;
    let named = |line: &str| {
        let mut parts = line.split(':');
        let (name, id) = (parts.next()?, parts.nth(1)?);
        (id.parse() == Ok(metadata.gid()) && metadata.gid() != 0).then(|| name.to_owned())
    };
    groups.lines().take(GROUPS_MAX).find_map(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_a_log_is_named() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join("var/log")).expect("made");
        fs::create_dir_all(root.path().join("etc")).expect("made");
        let log = root.path().join("var/log/mail.log");
        fs::write(&log, "x\n").expect("written");
        let gid = fs::metadata(&log).expect("there").gid();
        fs::write(root.path().join("etc/group"), format!("root:x:0:\nodd\nadm:x:{}:syslog\n", gid)).expect("written");
        let expected = (gid != 0).then(|| "adm".to_owned());
        assert_eq!(reading_group(root.path(), &log), expected);
        // The log can be read by whoever runs this.
        assert_eq!(unreadable_logs_below(root.path()), []);
    }

    #[test]
    fn a_disk_says_what_it_has_left() {
        let here = tempfile::tempdir().expect("a folder");
        let space = space(here.path()).expect("told");
        assert!(space.free_bytes <= space.bytes && space.bytes > 0, "{space:?}");
        assert!(super::space(&here.path().join("nothing")).is_err());
    }
}
