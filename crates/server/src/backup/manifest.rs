//! `backup.json`: what a backup consists of. Written to disk, so its shape is frozen: fields may be added with a default.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::BackupError;

/// Raise it when an older program would misread a backup.
const FORMAT: u32 = 1;
/// Some hundred bytes for each file: a million of files.
const MANIFEST_BYTES_MAX: u64 = 512 << 20;
pub const FILE: &str = "backup.json";
/// Folder of the data files.
pub const POOL: &str = "data";
/// What folders of everything else are called.
pub const COPY_PREFIX: &str = "copy-";

/// What a backup consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Which program made it.
    pub program: String,
    /// Which store it is of.
    #[serde(default)]
    pub store: Option<String>,
    /// Number of the commit.
    pub sequence: u64,
    /// When it was made, in microseconds since 1970 UTC.
    pub made_us: i64,
    /// Time of the newest line, in microseconds since 1970 UTC.
    #[serde(default)]
    pub until_us: Option<i64>,
    /// The folder of everything that is no data file.
    pub folder: String,
    pub files: Vec<Entry>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Relative to the store's folder.
    pub path: PathBuf,
    pub bytes: u64,
    /// XXH3, 128 bits in hexadecimal: finds damage, and is no seal.
    pub xxh3: String,
    /// Is it a data file?
    #[serde(default)]
    pub is_data: bool,
}

impl Manifest {
    /// An empty one.
    pub fn new(made_us: i64) -> Self {
        Manifest {
            format: FORMAT,
            program: concat!("vigie ", env!("CARGO_PKG_VERSION")).to_owned(),
            store: None,
            sequence: 0,
            made_us,
            until_us: None,
            folder: format!("{COPY_PREFIX}{made_us}"),
            files: Vec::new(),
        }
    }

    /// That of the newest complete backup; `None` when there is none.
    pub fn load(target: &Path) -> Result<Option<Self>, BackupError> {
        let path = target.join(FILE);
        let damaged = |why: String| BackupError::Manifest { path: path.clone(), why };
        let bytes = match fs::metadata(&path).and_then(|file| {
            if file.len() > MANIFEST_BYTES_MAX { Err(io::Error::other("it is too large")) } else { fs::read(&path) }
        }) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(BackupError::file("read", &path, error)),
        };
        // The format first: what a newer one holds may not be understood.
        let Format { format } = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if format > FORMAT {
            return Err(BackupError::NewerFormat { path: target.to_owned(), found: format, known: FORMAT });
        }
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        manifest.check().map(|()| Some(manifest)).map_err(damaged)
    }

    /// Replaces the one before: from here on this is the backup. What it names must be safe on the disk.
    pub fn save(&self, target: &Path) -> Result<(), BackupError> {
        let path = target.join(FILE);
        let bytes = serde_json::to_vec(self).map_err(|e| BackupError::file("write", &path, io::Error::other(e)))?;
        let new = path.with_extension("json.new");
        let write = || -> io::Result<()> {
            let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            fs::File::open(target)?.sync_all()
        };
        write().map_err(|error| BackupError::file("write", &path, error))
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Where a file of it lies.
    pub fn place(&self, target: &Path, entry: &Entry) -> PathBuf {
        target.join(if entry.is_data { POOL } else { &self.folder }).join(&entry.path)
    }

    /// Refuses paths that lead elsewhere.
    fn check(&self) -> Result<(), String> {
        let is_plain = |path: &Path| {
            path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
        };
        let odd = self.files.iter().map(|file| file.path.as_path()).chain([Path::new(&self.folder)]);
        match odd.into_iter().find(|path| !is_plain(path)) {
            Some(path) => Err(format!("it names the path {}", path.display().to_string().escape_debug())),
            None => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}
