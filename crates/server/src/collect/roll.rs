//! The roll of collectors: who may send, by the hash of a token. A file that only its owner can read; changes count at once, also for a
//! server that runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use vigie_shipping::{Token, TokenHash};

/// Collectors enrolled at a server.
const COLLECTORS_MAX: usize = 10_000;
/// Letters of a name.
const NAME_BYTES_MAX: usize = 64;

/// A collector that may send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    pub name: String,
    /// SHA-256 of its token, in hexadecimal.
    pub token_sha256: String,
    /// When it was enrolled, in seconds since 1970.
    pub since: i64,
}

/// The file as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Saved {
    collectors: Vec<Enrolled>,
}

/// Why the roll cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RollError {
    #[error("cannot read the roll of collectors in {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the roll of collectors in {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the roll of collectors in {} is damaged", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("a collector is called {name} already")]
    Known { name: String },
    #[error("no collector is called {name}")]
    Unknown { name: String },
    #[error("'{name}' cannot be a collector's name")]
    Name { name: String },
    #[error("{COLLECTORS_MAX} collectors are enrolled: there is no room for more")]
    Full,
}

impl RollError {
    pub fn hint(&self) -> String {
        match self {
            RollError::Read { .. } | RollError::Write { .. } => {
                "run this as the user that runs vigie, who owns the folder".to_owned()
            }
            RollError::Damaged { path, .. } => {
                format!("restore {} from a backup, or remove it and enrol the collectors again", path.display())
            }
            RollError::Known { name } => {
                format!("choose another name, or let it go first: vigie collectors remove {name}")
            }
            RollError::Unknown { .. } => "vigie collectors list names them".to_owned(),
            RollError::Name { .. } => {
                "names have up to 64 letters, digits, dots, hyphens and underscores, such as mail1.example.org"
                    .to_owned()
            }
            RollError::Full => "remove those that are no more".to_owned(),
        }
    }
}

/// The roll, as a server reads it.
pub struct Roll {
    path: PathBuf,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    modified: Option<SystemTime>,
    collectors: Vec<(Arc<str>, TokenHash)>,
}

impl Roll {
    /// Reads the roll in this folder; none is an empty one.
    pub fn open(folder: &Path) -> Result<Self, RollError> {
        let path = folder.join("collectors.json");
        let read = read(&path)?;
        Ok(Self { path, read: Mutex::new(read) })
    }

    /// Whose token this is.
    pub fn who(&self, token: &str) -> Option<Arc<str>> {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if modified(&self.path) != known.modified {
            match read(&self.path) {
                Ok(read) => *known = read,
                Err(error) => tracing::error!(%error, "the collectors enrolled before stay so"),
            }
        }
        // All are compared, so that the time tells nothing.
        let mut found = None;
        for (name, hash) in &known.collectors {
            if hash.matches(token) {
                found = Some(name.clone());
            }
        }
        found
    }
}

/// All that are enrolled, in the order of their enrolment.
pub fn list(folder: &Path) -> Result<Vec<Enrolled>, RollError> {
    Ok(load(&folder.join("collectors.json"))?.collectors)
}

/// Enrols a collector: its token comes back, and is kept nowhere.
pub fn add(folder: &Path, name: &str, token: &Token) -> Result<(), RollError> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_letter) {
        return Err(RollError::Name { name: name.escape_debug().to_string() });
    }
    change(folder, |collectors| {
        if collectors.iter().any(|known| known.name == name) {
            return Err(RollError::Known { name: name.to_owned() });
        }
        if collectors.len() >= COLLECTORS_MAX {
            return Err(RollError::Full);
        }
        let since = jiff::Timestamp::now().as_second();
        collectors.push(Enrolled { name: name.to_owned(), token_sha256: token.hash().to_hex(), since });
        Ok(())
    })
}

/// Takes a collector off the roll: it is refused from now on. What it sent stays.
pub fn remove(folder: &Path, name: &str) -> Result<(), RollError> {
    change(folder, |collectors| {
        let before = collectors.len();
        collectors.retain(|known| known.name != name);
        if collectors.len() < before { Ok(()) } else { Err(RollError::Unknown { name: name.to_owned() }) }
    })
}

fn change(folder: &Path, change: impl FnOnce(&mut Vec<Enrolled>) -> Result<(), RollError>) -> Result<(), RollError> {
    let path = folder.join("collectors.json");
    let failed = |source| RollError::Write { path: path.clone(), source };
    private_folder(folder).map_err(failed)?;
    // One change at a time, whoever makes it.
    let lock = fs::File::create(folder.join("collectors.lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let mut saved = load(&path)?;
    change(&mut saved.collectors)?;
    let text = serde_json::to_vec_pretty(&saved).map_err(|error| failed(io::Error::other(error)))?;
    let new = path.with_extension("new");
    write_private(&new, &text).and_then(|()| fs::rename(&new, &path)).map_err(failed)
}

fn read(path: &Path) -> Result<Read, RollError> {
    // The time first: a change in between is read again.
    let modified = modified(path);
    let parsed = load(path)?.collectors.into_iter();
    let hash = |one: Enrolled| Some((one.name.as_str().into(), TokenHash::parse_hex(&one.token_sha256)?));
    Ok(Read { modified, collectors: parsed.filter_map(hash).collect() })
}

fn load(path: &Path) -> Result<Saved, RollError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Saved::default()),
        Err(source) => return Err(RollError::Read { path: path.to_owned(), source }),
    };
    serde_json::from_slice(&bytes).map_err(|source| RollError::Damaged { path: path.to_owned(), source })
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// A folder that only its owner can look into.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file that only its owner can read.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_known_from_its_enrolment_to_its_removal() {
        let folder = tempfile::tempdir().expect("a folder");
        let roll = Roll::open(folder.path()).expect("none yet");
        let (one, other) = (Token::generate().expect("random"), Token::generate().expect("random"));
        add(folder.path(), "mail1", &one).expect("added");
        assert_eq!(roll.who(&one.text()).as_deref(), Some("mail1"));
        assert_eq!(roll.who(&other.text()), None);
        assert!(matches!(add(folder.path(), "mail1", &other), Err(RollError::Known { .. })));
        assert!(matches!(add(folder.path(), "mail 1", &other), Err(RollError::Name { .. })));
        remove(folder.path(), "mail1").expect("removed");
        assert!(matches!(remove(folder.path(), "mail1"), Err(RollError::Unknown { .. })));
        // The file may be as old as the one before, to the tick of the clock: a size would not tell either.
        assert_eq!(list(folder.path()).expect("read"), []);
    }
}
