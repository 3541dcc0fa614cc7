//! What the checks look at, opened once. Nothing is made or changed.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use jiff::Timestamp;
use vigie_engine::import::{ImportError, Store};
use vigie_lake::{LakeError, Snapshot};

/// A store, and the machine that it is on.
pub struct Patient {
    pub data: PathBuf,
    pub now: Timestamp,
    /// None where no store is.
    opened: Option<Result<(Store, Snapshot), ImportError>>,
}

impl Patient {
    pub fn new(data: &Path, now: Timestamp) -> Self {
        // To open a folder that holds no store would make one.
        let is_there = data.join("lake.json").exists();
        let opened = is_there.then(|| open(data));
        Self { data: data.to_owned(), now, opened }
    }

    /// The store, if it can be opened.
    pub fn store(&self) -> Option<(&Store, &Snapshot)> {
        let opened = self.opened.as_ref()?.as_ref().ok()?;
        Some((&opened.0, &opened.1))
    }

    /// Why it cannot be opened.
    pub fn trouble(&self) -> Option<&ImportError> {
        self.opened.as_ref()?.as_ref().err()
    }

    /// That the store is of another layout says nothing of its files.
    pub fn is_of_another_layout(&self) -> bool {
        self.trouble().is_some_and(ImportError::is_of_another_version)
    }

    /// The process that may write now, by the system's list of locks.
    pub fn writer(&self) -> Option<u32> {
        lock_holder(&self.data.join("writer.lock"))
    }

    /// How long ago something was written.
    pub fn age_s(&self, path: &Path) -> Option<u64> {
        let modified = std::fs::symlink_metadata(path).ok()?.modified().ok()?;
        Some(SystemTime::now().duration_since(modified).unwrap_or_default().as_secs())
    }
}

fn open(data: &Path) -> Result<(Store, Snapshot), ImportError> {
    let store = Store::open(data)?;
    let snapshot = store.lake.snapshot()?;
    Ok((store, snapshot))
}

/// An error with all its causes.
pub fn told(error: &ImportError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(&format!(": {more}"));
        }
        cause = error.source();
    }
    text
}

/// What its own hint says.
pub fn advice(error: &ImportError) -> String {
    match error {
        ImportError::Lake(LakeError::Damaged { .. } | LakeError::Log { .. }) => {
            "restore the store from a backup (vigie restore), or import the logs again into a new one".to_owned()
        }
        error => error.hint().unwrap_or_default(),
    }
}

/// To try the lock would keep a server that is just starting from it.
fn lock_holder(path: &Path) -> Option<u32> {
    let file = std::fs::metadata(path).ok()?;
    let (device, inode) = (file.dev(), file.ino());
    // As the kernel packs them into one number for programs.
    let major = (device >> 8 & 0xfff) | (device >> 32 & !0xfff);
    let minor = (device & 0xff) | (device >> 12 & !0xff);
    let (exact, like) = (format!("{major:02x}:{minor:02x}:{inode}"), format!(":{inode}"));
    let written: Option<u32> = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 4242 08:01:123456 0 EOF`
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (kind, holder, place) = (words.get(1)?, words.get(4)?.parse().ok(), words.get(5)?);
        // Some file systems have other numbers there: then who holds it must have written its id into it.
        let is_it = *place == exact || (place.ends_with(&like) && holder == written);
        if *kind == "FLOCK" && is_it { written.or(holder) } else { None }
    })
}
