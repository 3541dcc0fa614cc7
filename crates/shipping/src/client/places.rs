//! How far the server has come with each feed, kept in a file over restarts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vigie_sources::Place;

/// The version of the file's layout.
const VERSION: u32 = 1;
/// Far more than any collector's places.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The places of all feeds, by their labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Places {
    version: u32,
    feeds: BTreeMap<String, Vec<Place>>,
}

/// Why places cannot be kept or found again.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is damaged, or of a newer program.
    #[error("{} does not hold places that this program knows", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
}

impl PlacesError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            PlacesError::Read { path, .. } => {
                format!("see with `ls -l {}` whether this user may read it", path.display())
            }
            PlacesError::Write { path, .. } => {
                format!(
                    "see with `df {}` whether the disk is full, and whether this user may write there",
                    path.display()
                )
            }
            PlacesError::Unknown { path } => format!(
                "update this program if it was newer before; otherwise move {} away: all logs are then sent again from their beginnings",
                path.display()
            ),
        }
    }
}

impl Places {
    /// Those of these feeds. Feeds of one label share their places.
    pub(super) fn of(feeds: impl Iterator<Item = (String, Vec<Place>)>) -> Places {
        let mut places = Places { version: VERSION, feeds: BTreeMap::new() };
        for (label, of_feed) in feeds {
            places.feeds.entry(label).or_default().extend(of_feed);
        }
        places
    }

    /// Those kept in a file; none when there is no file yet.
    pub fn load(path: &Path) -> Result<Places, PlacesError> {
        let mut text = Vec::new();
        match File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Places::default()),
            Err(source) => return Err(PlacesError::Read { path: path.to_owned(), source }),
            Ok(_) => {}
        }
        let places: Option<Places> = serde_json::from_slice(&text).ok();
        places.filter(|places| places.version == VERSION).ok_or_else(|| PlacesError::Unknown { path: path.to_owned() })
    }

    /// Takes out those of one feed.
    pub fn take(&mut self, label: &str) -> Vec<Place> {
        self.feeds.remove(label).unwrap_or_default()
    }

    /// Keeps them: after a crash the file is the old one or the new one, whole.
    pub fn save(&self, path: &Path) -> Result<(), PlacesError> {
        let text = serde_json::to_vec(self).map_err(io::Error::other);
        text.and_then(|text| replace(path, &text))
            .map_err(|source| PlacesError::Write { path: path.to_owned(), source })
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    // The name itself is on disk only then.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
