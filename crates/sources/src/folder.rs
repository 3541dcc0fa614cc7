//! Following the files of a folder whose lines do not stand for themselves: Exchange's tracking logs, Domino's mirrored console.
//!
//! Such a server begins a new file every so often and removes old ones; nothing is renamed. Each file makes a stream, of the lines that are
//! made of it ([`vigie_formats::transcript`]), and places are places in these. A file that grew is read from its start again, which proves
//! by the way that it still begins with what was given out; how often that is done depends on how long it takes.

mod file;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vigie_formats::transcript::Settings;
use xxhash_rust::xxh3::xxh3_128;

use self::file::{File, Found};
use crate::feed::Events;
use crate::follow::IN_FLIGHT_PIECES_MAX;
use crate::{Feed, FeedEvent, LogFile, Piece, Place, SourceError, StreamId};

/// Files of one folder that are followed. Exchange keeps some hundred; more is another folder.
const FILES_MAX: usize = 4_096;
/// How often the folder is looked through.
const LOOK_TIME: Duration = Duration::from_secs(1);

/// Follows all files of a folder that are of a known kind.
pub struct Folder {
    path: PathBuf,
    label: String,
    settings: Settings,
    /// By path.
    files: Vec<File>,
    /// Files of no known kind, as they were when that was found out.
    passed_over: HashMap<PathBuf, Found>,
    /// From before a restart, until their file is met.
    unplaced: Vec<Place>,
    clock: Box<dyn Fn() -> Duration + Send>,
    looked: Option<Duration>,
    seed: u128,
    named: u64,
    trouble: Option<String>,
    events: Events,
}

impl Folder {
    /// Follows a folder, from the places that were saved. Nothing is opened before the first [`next`](Feed::next).
    pub fn new(path: impl Into<PathBuf>, settings: Settings, places: Vec<Place>) -> Self {
        let path = path.into();
        let begun = Instant::now();
        let random = || u128::from(RandomState::new().hash_one(std::process::id()));
        Folder {
            label: path.display().to_string(),
            path,
            settings: Settings { is_growing: true, ..settings },
            files: Vec::new(),
            passed_over: HashMap::new(),
            unplaced: places,
            clock: Box::new(move || begun.elapsed()),
            looked: None,
            seed: random() << 64 | random(),
            named: 0,
            trouble: None,
            events: Events::default(),
        }
    }

    /// Takes the time from elsewhere: any that never goes back.
    pub fn with_clock(mut self, clock: impl Fn() -> Duration + Send + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// An id that no stream had.
    fn new_id(&mut self, found: &Found) -> StreamId {
        let mut bytes = self.label.clone().into_bytes();
        bytes.extend(self.seed.to_le_bytes());
        [self.named, found.device, found.inode].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        self.named += 1;
        StreamId(xxh3_128(&bytes))
    }

    /// Meets what is new, and sees what grew.
    fn look(&mut self, now: Duration) {
        self.looked = Some(now);
        let found = match found_in(&self.path) {
            Ok(found) => found,
            Err(error) => return self.tell_trouble(&SourceError::opening(&self.path, error)),
        };
        if self.trouble.take().is_some() {
            self.events.tell(FeedEvent::Returned { path: self.path.clone() });
        }
        self.files.retain_mut(|file| file.is_awaited(&found, &mut self.events));
        self.passed_over.retain(|path, _| found.iter().any(|(there, _)| there == path));
        for (path, found) in found {
            match self.files.iter().position(|file| file.is_at(&path, &found)) {
                Some(at) if self.files[at].is_reopened(&found) => {
                    self.files[at] = File::new(path, found, self.new_id(&found), now);
                }
                Some(at) => self.files[at].seen(found, now),
                None => self.meet(path, found, now),
            }
        }
        self.forget_unplaced();
    }

    /// Places of files that are not there any more.
    fn forget_unplaced(&mut self) {
        let (there, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.unplaced).into_iter().partition(|place| Path::new(&place.file.path).exists());
        self.unplaced = there;
        for place in gone.into_iter().filter(|place| !place.is_ended) {
            let why = format!("{} was removed while nobody looked; keep such files longer", place.file.path);
            self.events.tell(FeedEvent::Lost { stream: place.stream, from: place.offset, bytes: None, why });
        }
    }

    fn meet(&mut self, path: PathBuf, found: Found, now: Duration) {
        let is_known = self.passed_over.get(&path).is_some_and(|known| known.bytes == found.bytes && found.bytes > 0);
        if is_known || found.bytes == 0 || self.files.len() >= FILES_MAX {
            return;
        }
        match LogFile::open_as(&path, &self.settings) {
            Ok(log) if log.is_transcribed() => {
                let place = self.unplaced.iter().position(|place| file::is_of(place, &path, &found));
                let file = match place.map(|at| self.unplaced.swap_remove(at)) {
                    Some(place) if !(place.is_ended && place.file.modified_ns != found.modified_ns) => {
                        File::placed(path, found, &place, now)
                    }
                    _ => File::new(path, found, self.new_id(&found), now),
                };
                self.files.push(file);
                self.files.sort_by(|a, b| a.path().cmp(b.path()));
            }
            // A file of another kind, or only its first bytes: it is looked at again when it has grown.
            Ok(_) | Err(SourceError::Empty { .. } | SourceError::Binary { .. } | SourceError::NotFound { .. }) => {
                self.passed_over.insert(path, found);
            }
            Err(error) => {
                self.passed_over.insert(path, found);
                self.tell_trouble(&error);
            }
        }
    }

    fn tell_trouble(&mut self, error: &SourceError) {
        let (why, hint) = (error.to_string(), error.hint());
        if self.trouble.as_ref() != Some(&why) {
            self.events.tell(FeedEvent::Unreadable { path: error.path().to_owned(), why: why.clone(), hint });
            self.trouble = Some(why);
        }
    }
}

impl Feed for Folder {
    fn label(&self) -> &str {
        &self.label
    }

    fn next(&mut self) -> Result<Option<Piece>, SourceError> {
        let now = (self.clock)();
        if self.looked.is_none_or(|looked| now.saturating_sub(looked) >= LOOK_TIME) {
            self.look(now);
        }
        if self.files.iter().map(File::in_flight).sum::<usize>() >= IN_FLIGHT_PIECES_MAX {
            return Ok(None);
        }
        for at in 0..self.files.len() {
            match self.files[at].next(&self.settings, now, &self.clock) {
                Ok(Some(piece)) => return Ok(Some(piece)),
                Ok(None) => {}
                // It does not begin with what was given out: what is in it now is another file's, and all of it is new.
                Err(file::Fault::Replaced) => {
                    let found = self.files[at].found();
                    let lost = self.files[at].stream();
                    let id = self.new_id(&found);
                    let path = self.files[at].path().to_owned();
                    self.events.tell(FeedEvent::Rotated { path: path.clone(), ended: lost, begun: id });
                    self.files[at] = File::new(path, found, id, now);
                }
                Err(file::Fault::Source(error)) => self.tell_trouble(&error),
            }
        }
        Ok(None)
    }

    fn durable(&mut self, stream: StreamId, offset: u64) {
        if let Some(file) = self.files.iter_mut().find(|file| file.stream() == stream) {
            file.durable(offset);
        }
    }

    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        match self.files.iter_mut().find(|file| file.stream() == stream) {
            Some(file) => file.rewind(offset),
            None => Ok(()),
        }
    }

    fn places(&self) -> Vec<Place> {
        self.files.iter().map(File::place).chain(self.unplaced.iter().cloned()).collect()
    }

    fn backlog_bytes(&self) -> u64 {
        self.files.iter().map(File::backlog_bytes).sum()
    }

    fn events(&mut self) -> Vec<FeedEvent> {
        self.events.take()
    }
}

/// The regular files of a folder, without those in folders below.
fn found_in(folder: &Path) -> std::io::Result<Vec<(PathBuf, Found)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // What is gone again since it was listed is no file of the folder.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            let modified_ns = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
            let found_now = Found { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), modified_ns };
            found.push((entry.path(), found_now));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.truncate(FILES_MAX);
    Ok(found)
}
