//! What an import remembers beside the rows: the correlators, how far each file was read, and what is still to be derived.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vigie_correlator::{BEFORE_ALL, Host, LATE_MICROS_MAX, OpenHop, RestoreError};
use vigie_lake::{LakeError, Snapshot};
use vigie_model::{Hop, Micros, Text};

use super::{hull, order::ReadingOrder};
use crate::intake::FileMark;

/// Layout of the saved state; it changes with every change of the structures below.
const STATE_LAYOUT: u32 = 4;
/// Files whose place is remembered; of more, those that were read longest ago are forgotten, which costs time and not rows.
const MARKS_MAX: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub struct State {
    pub hosts: Vec<HostState>,
    pub marks: Vec<FileMark>,
    /// Live streams, and how far each is stored.
    pub streams: Vec<StreamMark>,
    /// Time whose journeys must be derived again.
    pub touched: Option<(Micros, Micros)>,
}

#[derive(Clone, Debug)]
pub struct HostState {
    pub host: Host,
    /// First and last time of the stored lines.
    pub stored: Option<(Micros, Micros)>,
    /// The last time of those whose place among the others counts: all but those that stand alone.
    pub newest: Option<Micros>,
    /// Some of its lines tell of copies.
    pub has_copies: bool,
    /// The file or stream that the last of these came from, where they came live. Its own clock may be set back; a line from elsewhere
    /// is late then.
    pub newest_from: Text,
    /// Lines were stored that are older than what the correlator had seen: its facts must be derived anew.
    pub dirty: bool,
    /// How it was read, where that was not by time.
    pub order: ReadingOrder,
}

impl HostState {
    pub fn new(host: Host) -> Self {
        Self {
            host,
            stored: None,
            newest: None,
            has_copies: false,
            newest_from: Text::default(),
            dirty: false,
            order: ReadingOrder::default(),
        }
    }
}

/// How far a live stream is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamMark {
    /// Who sends it.
    pub sender: Text,
    pub stream: u128,
    /// How its lines' origin is called: the sender's file or listener.
    pub label: Text,
    /// The sender's machine, for lines that name none.
    pub host: Text,
    /// Bytes below are stored, always up to the end of a line.
    pub durable: u64,
    /// Nothing more will come.
    pub is_over: bool,
    /// Time of its last line, and the year at which a line without one goes on.
    pub last_ts: Micros,
    /// Hash of its first line, by which a stream that is sent again is known.
    pub first_line: i64,
}

/// The state as it lies on disk.
#[derive(Serialize, Deserialize)]
struct Saved {
    layout: u32,
    hosts: Vec<SavedHost>,
    marks: Vec<FileMark>,
    streams: Vec<StreamMark>,
    touched: Option<(Micros, Micros)>,
}

#[derive(Serialize, Deserialize)]
struct SavedHost {
    host: Packed,
    stored: Option<(Micros, Micros)>,
    newest: Option<Micros>,
    has_copies: bool,
    newest_from: Text,
    dirty: bool,
    order: ReadingOrder,
}

/// Bytes, written as such: one by one they take longer than all that they say.
struct Packed(Vec<u8>);

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Self(bytes.to_vec()))
    }
}

/// Why the state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("cannot write the import's state to {}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot read the import's state from {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the import's state in {} is missing, damaged, or of another version of Vigie", path.display())]
    Damaged { path: PathBuf },
    #[error("the import's state in {} cannot be used", path.display())]
    Host { path: PathBuf, source: RestoreError },
}

impl StateError {
    pub fn hint(&self) -> String {
        match self {
            StateError::Write { path, .. } => {
                format!(
                    "make room or check the permissions of {}, then import again: what was stored stays",
                    parent(path)
                )
            }
            StateError::Read { path, .. } => format!("check the permissions of {}", parent(path)),
            StateError::Damaged { .. } | StateError::Host { .. } => {
                "run the import again with this version: it derives the state anew from the stored lines".to_owned()
            }
        }
    }
}

fn parent(path: &Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}

impl State {
    fn path(dir: &Path, sequence: u64) -> PathBuf {
        dir.join("state").join(format!("{sequence:020}.state"))
    }

    /// Can it be derived anew from the stored lines?
    pub fn is_lost(error: &StateError) -> bool {
        matches!(error, StateError::Damaged { .. } | StateError::Host { .. })
    }

    /// In the place of one that is lost: all hosts of the stored lines, with everything to be derived anew.
    pub fn of_lines(snapshot: &Snapshot) -> Result<Self, LakeError> {
        let mut stored: BTreeMap<Text, Option<(Micros, Micros)>> = BTreeMap::new();
        for row in snapshot.coverage(Micros::MIN, Micros::MAX)? {
            let row = row?;
            let range = stored.entry(row.server).or_default();
            *range = hull(*range, row.first_ts, row.last_ts);
        }
        let touched = stored.values().flatten().fold(None, |all, (first, last)| hull(all, *first, *last));
        let host = |(name, stored): (Text, Option<(Micros, Micros)>)| {
            let newest = stored.map(|(_, last)| last);
            HostState { stored, newest, dirty: true, ..HostState::new(Host::new(&name)) }
        };
        Ok(Self { hosts: stored.into_iter().map(host).collect(), touched, ..Self::default() })
    }

    /// The state of a commit; an empty one for a store without commits.
    pub fn load(dir: &Path, sequence: u64) -> Result<Self, StateError> {
        match Self::of_commit(dir, sequence)? {
            Some(state) => Ok(state),
            None => Self::before(dir, sequence),
        }
    }

    /// The state that was saved under the number of this commit.
    pub fn of_commit(dir: &Path, sequence: u64) -> Result<Option<Self>, StateError> {
        let path = Self::path(dir, sequence);
        match fs::read(&path) {
            Ok(bytes) => Self::decode(&bytes, &path).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::Read { path, source }),
        }
    }

    /// Maintenance (compaction) commits without changing rows: then the newest earlier state is the one that belongs.
    fn before(dir: &Path, sequence: u64) -> Result<Self, StateError> {
        match Self::saved(dir).into_iter().filter(|(number, _)| *number < sequence).max() {
            None if sequence == 0 => Ok(Self::default()),
            None => Err(StateError::Damaged { path: Self::path(dir, sequence) }),
            Some((_, path)) => {
                let bytes = fs::read(&path).map_err(|source| StateError::Read { path: path.clone(), source })?;
                Self::decode(&bytes, &path)
            }
        }
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self, StateError> {
        let saved: Saved = postcard::from_bytes(bytes).map_err(|_| StateError::Damaged { path: path.to_owned() })?;
        if saved.layout != STATE_LAYOUT {
            return Err(StateError::Damaged { path: path.to_owned() });
        }
        let host = |saved: SavedHost| {
            let host =
                Host::restore(&saved.host.0).map_err(|source| StateError::Host { path: path.to_owned(), source })?;
            let SavedHost { stored, newest, has_copies, newest_from, dirty, order, .. } = saved;
            Ok(HostState { host, stored, newest, has_copies, newest_from, dirty, order })
        };
        let hosts = saved.hosts.into_iter().map(host).collect::<Result<_, _>>()?;
        Ok(Self { hosts, marks: saved.marks, streams: saved.streams, touched: saved.touched })
    }

    /// Writes the state so that it is there in full or not at all.
    pub fn save(&self, dir: &Path, sequence: u64) -> Result<(), StateError> {
        let path = Self::path(dir, sequence);
        let failed = |source| StateError::Write { path: path.clone(), source };
        let hosts = self.hosts.iter();
        let saved = Saved {
            layout: STATE_LAYOUT,
            hosts: hosts
                .map(|host| SavedHost {
                    host: Packed(host.host.snapshot()),
                    stored: host.stored,
                    newest: host.newest,
                    has_copies: host.has_copies,
                    newest_from: host.newest_from.clone(),
                    dirty: host.dirty,
                    order: host.order.clone(),
                })
                .collect(),
            marks: self.marks.clone(),
            streams: self.streams.clone(),
            touched: self.touched,
        };
        let bytes = postcard::to_stdvec(&saved).map_err(|error| failed(std::io::Error::other(error)))?;
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder).map_err(failed)?;
        let new = path.with_extension("new");
        let write = || -> std::io::Result<()> {
            let mut file = fs::File::create(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(|source| {
            let _ = fs::remove_file(&new);
            failed(source)
        })
    }

    fn saved(dir: &Path) -> Vec<(u64, PathBuf)> {
        let entries = fs::read_dir(dir.join("state")).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some((entry.path().file_stem()?.to_str()?.parse().ok()?, entry.path()))).collect()
    }

    /// Where the state of this commit lies: under its number, or after maintenance under the newest earlier one.
    pub fn file_of(dir: &Path, sequence: u64) -> Option<PathBuf> {
        let states =
            Self::saved(dir).into_iter().filter(|(_, path)| path.extension().is_some_and(|kind| kind == "state"));
        states.filter(|(number, _)| *number <= sequence).max().map(|(_, path)| path)
    }

    /// Removes the states of earlier commits. One that cannot be removed does no harm.
    pub fn forget_before(dir: &Path, sequence: u64) {
        for (_, path) in Self::saved(dir).into_iter().filter(|(number, _)| *number < sequence) {
            let _ = fs::remove_file(path);
        }
    }

    /// Remembers how far files were read; a longer reading of the same file takes the place of a shorter one.
    pub fn remember(&mut self, marks: Vec<FileMark>) {
        for mark in marks {
            let same = |known: &FileMark| {
                known.fingerprint == mark.fingerprint
                    && known.fingerprint_bytes == mark.fingerprint_bytes
                    && known.host == mark.host
            };
            let shorter = |known: &FileMark| same(known) && known.consumed <= mark.consumed;
            if self.marks.iter().any(|known| same(known) && known.consumed > mark.consumed) {
                continue;
            }
            self.marks.retain(|known| !shorter(known));
            self.marks.push(mark);
        }
        let surplus = self.marks.len().saturating_sub(MARKS_MAX);
        self.marks.drain(..surplus);
    }

    /// No line to come, unless it is later than lines may be, concerns what began before this.
    pub fn settled_until(&self) -> Micros {
        let oldest = |host: &Host| host.oldest_open().unwrap_or(Micros::MAX).min(host.watermark());
        // A host of which nothing is known but copies is as one that is not known.
        let is_known = |state: &&HostState| state.dirty || state.host.watermark() > BEFORE_ALL;
        let oldest = self.hosts.iter().filter(is_known).map(|state| oldest(&state.host)).min();
        oldest.map_or(Micros::MIN, |oldest| oldest.saturating_sub(LATE_MICROS_MAX))
    }

    /// As [`State::open_hops`], for linking.
    pub fn open_hops_marked(&self) -> impl Iterator<Item = OpenHop<'_>> {
        self.hosts.iter().flat_map(|state| state.host.open_hops())
    }

    pub fn open_hops(&self) -> Vec<Hop> {
        self.hosts.iter().flat_map(|state| state.host.open()).collect()
    }
}
