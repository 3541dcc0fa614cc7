//! The newest commit with the state that belongs to it, for a copy of the store.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use vigie_lake::{LakeError, Pin};

use super::{ImportError, State, StateError, Store};

/// A commit comes some times a second, and to pin one takes a millisecond.
const TRIES_MAX: usize = 1_000;

/// A commit, and its state.
pub struct Pinned {
    pub pin: Pin,
    /// Path relative to the store's folder, and content; none of a store without commits.
    pub state: Option<(PathBuf, Vec<u8>)>,
}

impl Store {
    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The newest commit. Needs no lock, and does not keep a writer from going on.
    pub fn pin(&self) -> Result<Pinned, ImportError> {
        for _ in 0..TRIES_MAX {
            let pin = self.lake.pin()?;
            let state = self.state_bytes(pin.sequence())?;
            // A state goes only after the next commit was made: as long as this one is the newest, what was found is its own.
            if pin.is_newest()? {
                return match state {
                    None if pin.sequence() > 0 => Err(StateError::Damaged { path: self.dir.join("state") }.into()),
                    state => Ok(Pinned { pin, state }),
                };
            }
        }
        Err(ImportError::Lake(LakeError::Busy { dir: self.dir.clone() }))
    }

    fn state_bytes(&self, sequence: u64) -> Result<Option<(PathBuf, Vec<u8>)>, StateError> {
        let Some(path) = State::file_of(&self.dir, sequence) else { return Ok(None) };
        match fs::read(&path) {
            Ok(bytes) => Ok(Some((path.strip_prefix(&self.dir).unwrap_or(&path).to_owned(), bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::Read { path, source }),
        }
    }
}
