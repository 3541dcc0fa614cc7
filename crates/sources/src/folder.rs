//! Following the files of a folder whose lines do not stand for themselves: Exchange's tracking logs, Domino's mirrored console.
//!
//! Such a server begins a new file every so often and removes old ones. Each file makes a stream, of the lines that are made of it
//! ([`vigie_formats::transcript`]), and places are places in these. Files whose names differ in their numbers are one log, of which what was
//! written first is read first. A file that grew is read from its start again, which proves by the way
//! that it still begins with what was given out; how often that is done depends on how long it takes. One file is open at a time.
//!
//! - A file that nobody wrote to for a day comes to its end: what waited for more is told. Written to after that, it makes another stream,
//!   with all of it: whoever stores the lines recognises copies.
//! - A file that no longer begins with what was given out is another one, and read whole.
//! - A file that is removed before it was read is told as lost. A folder in which nothing lies any more is a share that is not mounted:
//!   nothing is taken for removed.

mod examined;
mod file;
mod gaps;
mod listing;
mod names;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vigie_formats::transcript::{Growth, HEAD_BYTES, Settings};
use xxhash_rust::xxh3::xxh3_128;

pub use self::examined::{ExaminedFolder, examine_folder};
use self::file::{Fault, File, Now, SHARE_OF_TIME, Step, not_again};
use self::gaps::Gaps;
use self::listing::{Found, listing, youngest};
use self::names::{in_order, is_numbered, log_of};
use crate::feed::Events;
use crate::follow::IN_FLIGHT_PIECES_MAX;
use crate::{Compression, Feed, FeedEvent, LogFile, Piece, Place, SourceError, StreamId};

/// Files of one folder that are followed: those that were changed last. Exchange keeps a month, with some files an hour.
const FILES_MAX: usize = 8_192;
/// How often the folder is looked through.
const LOOK_TIME: Duration = Duration::from_secs(1);
/// Files that are opened in one call, where nothing comes of it: others wait for their turn meanwhile.
const OPENED_MAX: usize = 8;
/// After so long no further one is.
const CALL_TIME: Duration = Duration::from_millis(100);
/// A file that could not be read is tried again.
const RETRY_TIME: Duration = Duration::from_secs(30);

/// Follows all files of a folder that are of a known kind.
pub struct Folder {
    path: PathBuf,
    label: String,
    settings: Settings,
    /// Sorted by path.
    files: Vec<File>,
    /// Another file stands at their path. They have to be given an end.
    left: Vec<File>,
    /// Files that nobody looked into, the oldest last.
    unmet: Vec<Unmet>,
    /// Files of no known kind, as they were when that was found out.
    passed_over: HashMap<PathBuf, PassedOver>,
    /// From before a restart, until the folder could be looked at.
    unplaced: Vec<Place>,
    gaps: Gaps,
    clock: Box<dyn Fn() -> Duration + Send>,
    /// When the folder is looked through again.
    due: Duration,
    youngest_ns: i64,
    seed: u128,
    named: u64,
    trouble: Option<String>,
    is_too_many_told: bool,
    events: Events,
}

struct Unmet {
    path: PathBuf,
    found: Found,
    log: String,
}

struct PassedOver {
    found: Found,
    /// When it is looked at again, though it did not change.
    again: Option<Duration>,
    told: Option<String>,
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
            settings: Settings { growth: Growth::Growing, ..settings },
            files: Vec::new(),
            left: Vec::new(),
            unmet: Vec::new(),
            passed_over: HashMap::new(),
            unplaced: places,
            gaps: Gaps::default(),
            clock: Box::new(move || begun.elapsed()),
            due: Duration::ZERO,
            youngest_ns: 0,
            seed: random() << 64 | random(),
            named: 0,
            trouble: None,
            is_too_many_told: false,
            events: Events::default(),
        }
    }

    /// Takes the time from elsewhere: any that never goes back.
    pub fn with_clock(mut self, clock: impl Fn() -> Duration + Send + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Takes its randomness from elsewhere: stream ids are made of it, so that it must differ for each folder and run.
    pub fn with_seed(mut self, seed: u128) -> Self {
        self.seed = seed;
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
        let there = match listing(&self.path) {
            Ok(there) => there,
            Err(error) => return self.tell_away(&error),
        };
        let is_known = !(self.files.is_empty() && self.unplaced.is_empty());
        if there.is_empty() && is_known {
            return self.tell_empty();
        }
        if self.trouble.take().is_some() {
            self.events.tell(FeedEvent::Returned { path: self.path.clone() });
        }
        self.youngest_ns = there.values().map(|found| found.modified_ns).max().unwrap_or(0);
        let chosen = self.choose(&there);
        self.see(&there, now);
        self.place(&there, now);
        self.forget(&chosen);
        self.gather_unmet(&chosen, &there, now);
        self.gaps.look(there.keys(), &mut self.events);
    }

    /// Of more files than are followed, those that were changed last.
    fn choose(&mut self, there: &HashMap<PathBuf, Found>) -> Vec<PathBuf> {
        if there.len() > FILES_MAX && !self.is_too_many_told {
            self.is_too_many_told = true;
            let text = format!(
                "{} has more than {FILES_MAX} files: only those that were changed last are followed; import the others, or move them away",
                self.label
            );
            self.events.tell(FeedEvent::Notice { text });
        }
        youngest(there, FILES_MAX)
    }

    /// Sees which of the files are there, were moved, are gone, or were written to after their end.
    fn see(&mut self, there: &HashMap<PathBuf, Found>, now: Duration) {
        let mut moved = false;
        for at in 0..self.files.len() {
            let path = self.files[at].path().to_owned();
            let found = match there.get(&path) {
                Some(found) => *found,
                None => match self.moved_to(at, there) {
                    Some((path, found)) => {
                        self.files[at].moved(path);
                        moved = true;
                        found
                    }
                    None => {
                        self.files[at].missed(now);
                        continue;
                    }
                },
            };
            self.files[at].seen(found, now);
            if self.files[at].is_reopened() {
                let id = self.new_id(&found);
                self.files[at] = File::new(self.files[at].path().to_owned(), found, id, now);
            }
        }
        if moved {
            self.files.sort_by(|a, b| a.path().cmp(b.path()));
        }
    }

    /// Where a file is that is not at its path any more. That it is the same one, its bytes have to prove.
    fn moved_to(&self, at: usize, there: &HashMap<PathBuf, Found>) -> Option<(PathBuf, Found)> {
        let file = &self.files[at];
        let is_same = |(path, found): &(&PathBuf, &Found)| found.is_same_file(&file.found()) && self.at(path).is_err();
        if file.given() == 0 { None } else { there.iter().find(is_same).map(|(path, found)| (path.clone(), *found)) }
    }

    /// Finds the file at a path, or where it would stand.
    fn at(&self, path: &Path) -> Result<usize, usize> {
        self.files.binary_search_by(|file| file.path().cmp(path))
    }

    /// Puts the places from before a restart to their files.
    fn place(&mut self, there: &HashMap<PathBuf, Found>, now: Duration) {
        if self.unplaced.is_empty() {
            return;
        }
        let (at_path, elsewhere): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unplaced)
            .into_iter()
            .partition(|place| there.contains_key(Path::new(&place.file.path)));
        for place in at_path {
            let path = PathBuf::from(&place.file.path);
            let found = there[&path];
            let file = File::placed(path.clone(), found, &place, now);
            let file = file.unwrap_or_else(|| File::new(path.clone(), found, self.new_id(&found), now));
            match self.at(&path) {
                Ok(_) => {}
                Err(at) => self.files.insert(at, file),
            }
        }
        for place in elsewhere {
            self.place_elsewhere(&place, there, now);
        }
    }

    fn place_elsewhere(&mut self, place: &Place, there: &HashMap<PathBuf, Found>, now: Duration) {
        let is_same = |(path, found): &(&PathBuf, &Found)| {
            place.hashed > 0
                && (place.file.device, place.file.inode) == (found.device, found.inode)
                && self.at(path).is_err()
        };
        let moved = there.iter().find(is_same).map(|(path, found)| (path.clone(), *found));
        let file = moved.and_then(|(path, found)| File::placed(path, found, place, now));
        match file {
            Some(file) => {
                let at = self.at(file.path()).unwrap_or_else(|at| at);
                self.files.insert(at, file);
            }
            None if place.is_ended => {}
            None => {
                let why = format!("{} was removed while nobody looked; keep such files longer", place.file.path);
                self.events.tell(FeedEvent::Lost { stream: place.stream, from: place.offset, bytes: None, why });
            }
        }
    }

    /// Forgets files that are gone to their end, or are over and too old.
    fn forget(&mut self, chosen: &[PathBuf]) {
        self.left.retain(File::is_awaited);
        self.files.retain(File::is_awaited);
        if self.files.len() > FILES_MAX {
            let chosen: HashSet<&PathBuf> = chosen.iter().collect();
            self.files.retain(|file| !file.is_over() || chosen.contains(&file.path().to_owned()));
        }
    }

    fn gather_unmet(&mut self, chosen: &[PathBuf], there: &HashMap<PathBuf, Found>, now: Duration) {
        self.passed_over.retain(|path, _| there.contains_key(path));
        let mut room = FILES_MAX.saturating_sub(self.files.len());
        self.unmet.clear();
        for path in chosen {
            let Some(found) = there.get(path).filter(|found| found.bytes > 0) else { continue };
            if room == 0 || self.at(path).is_ok() || !self.is_worth_a_look(path, found, now) {
                continue;
            }
            room -= 1;
            self.unmet.push(Unmet { log: log_of(path), path: path.clone(), found: *found });
        }
    }

    /// What a file is shows in its beginning: when that is whole, it is looked at once.
    fn is_worth_a_look(&self, path: &Path, found: &Found, now: Duration) -> bool {
        let Some(passed) = self.passed_over.get(path) else { return true };
        let is_another = !passed.found.is_same_file(found) || found.bytes < passed.found.bytes;
        let has_grown = found.bytes > passed.found.bytes && passed.found.bytes < HEAD_BYTES as u64;
        is_another || has_grown || passed.again.is_some_and(|again| now >= again)
    }

    /// Looks into a file that is new. It is followed when it is of a kind that grows.
    fn meet(&mut self, path: PathBuf, found: Found, now: Duration) {
        let told = self.passed_over.remove(&path).and_then(|passed| passed.told);
        let mut passed = PassedOver { found, again: None, told: None };
        let mut file = File::new(path.clone(), found, self.new_id(&found), now);
        let settings = file.settings(&self.settings, self.now(now));
        match LogFile::open_as(&path, &settings) {
            Ok(log) if log.is_transcribed() && log.compression() == Compression::Plain => {
                let file = file.opened(log);
                let at = self.at(file.path()).unwrap_or_else(|at| at);
                return self.files.insert(at, file);
            }
            // Another kind, packed, or only its first bytes.
            Ok(_) | Err(SourceError::Empty { .. } | SourceError::Binary { .. } | SourceError::NotFound { .. }) => {}
            Err(SourceError::NotCompressed { .. } | SourceError::Corrupt { .. } | SourceError::Truncated { .. }) => {}
            Err(error) => {
                let why = reason(&error);
                if told.as_ref() != Some(&why) {
                    self.events.tell(FeedEvent::Unreadable {
                        path: path.clone(),
                        why: why.clone(),
                        hint: error.hint(),
                    });
                }
                passed = PassedOver { again: Some(now + RETRY_TIME), told: Some(why), ..passed };
            }
        }
        self.passed_over.insert(path, passed);
    }

    /// A piece of the file at hand, or else of the one with something new that was changed first: a log goes on from file to file.
    fn read(&mut self, now: Duration) -> Option<Piece> {
        let began = (self.clock)();
        let mut opened = 0;
        // Logs of which an older file has to be read first.
        let mut held_up: HashSet<String> = HashSet::new();
        for at in self.waiting(now) {
            let (is_waiting, is_due) = self.files[at].is_waiting(self.now(now));
            if held_up.contains(self.files[at].log()) || !is_waiting {
                continue;
            }
            if !is_due {
                held_up.insert(self.files[at].log().to_owned());
                continue;
            }
            match self.step(at, now) {
                Step::Piece(piece) => return Some(piece),
                Step::Looked => opened += 1,
                Step::Nothing => {}
            }
            if opened >= OPENED_MAX || (opened > 0 && (self.clock)().saturating_sub(began) >= CALL_TIME) {
                return None;
            }
        }
        while opened < OPENED_MAX && (self.clock)().saturating_sub(began) < CALL_TIME {
            let Unmet { path, found, .. } = self.next_unmet(&held_up)?;
            opened += 1;
            self.meet(path, found, now);
            if let Some(at) = self.files.iter().position(File::is_open)
                && let Step::Piece(piece) = self.step(at, now)
            {
                return Some(piece);
            }
        }
        None
    }

    /// The files with something to give: the one at hand, and then those that were changed first.
    fn waiting(&self, now: Duration) -> Vec<usize> {
        let now = self.now(now);
        let mut waiting: Vec<usize> = (0..self.files.len()).filter(|&at| self.files[at].is_waiting(now).0).collect();
        waiting.sort_by_cached_key(|&at| {
            let file = &self.files[at];
            (!file.is_open(), file.found().modified_ns, in_order(file.path()))
        });
        waiting
    }

    /// Of the files that nobody looked into, the oldest; of a tracking log, the one that the numbers in the names put first.
    fn next_unmet(&mut self, held_up: &HashSet<String>) -> Option<Unmet> {
        let oldest = self.unmet.iter().rposition(|unmet| !held_up.contains(&unmet.log))?;
        let log = &self.unmet[oldest].log;
        let of_log = (0..self.unmet.len()).filter(|&at| is_numbered(log) && self.unmet[at].log == *log);
        let first = of_log.min_by_key(|&at| in_order(&self.unmet[at].path)).unwrap_or(oldest);
        Some(self.unmet.remove(first))
    }

    fn now(&self, time: Duration) -> Now {
        Now { time, youngest_ns: self.youngest_ns }
    }

    fn step(&mut self, at: usize, now: Duration) -> Step {
        let now = self.now(now);
        let file = &mut self.files[at];
        match file.next(&self.settings, now, &self.clock, &mut self.events) {
            Ok(step) => step,
            Err(Fault::Replaced) => {
                self.replaced(at, now.time);
                Step::Looked
            }
            Err(Fault::Foreign) => {
                let why = "it does not look any more like a log that is followed";
                file.tell(why.to_owned(), "see what it begins with".to_owned(), &mut self.events);
                Step::Looked
            }
            // That it is gone is seen when the folder is looked at.
            Err(Fault::Source(SourceError::NotFound { .. } | SourceError::Empty { .. })) => Step::Looked,
            Err(Fault::Source(error)) => {
                file.tell(reason(&error), error.hint(), &mut self.events);
                Step::Looked
            }
        }
    }

    fn replaced(&mut self, at: usize, now: Duration) {
        let found = self.files[at].found();
        let id = self.new_id(&found);
        let new = self.files[at].replaced(id, now);
        let mut old = std::mem::replace(&mut self.files[at], new);
        let (path, stream) = (old.path().to_owned(), old.stream());
        self.events.tell(FeedEvent::Overwritten { path, stream, at: old.given() });
        old.leave(now);
        self.left.push(old);
    }

    fn read_left(&mut self, now: Duration) -> Option<Piece> {
        let now = self.now(now);
        for file in &mut self.left {
            if let Ok(Step::Piece(piece)) = file.next(&self.settings, now, &self.clock, &mut self.events) {
                return Some(piece);
            }
        }
        None
    }

    fn held(&mut self, stream: StreamId) -> Option<&mut File> {
        self.files.iter_mut().chain(&mut self.left).find(|file| file.stream() == stream)
    }

    fn tell_away(&mut self, error: &std::io::Error) {
        let event = match error.kind() {
            std::io::ErrorKind::NotFound => FeedEvent::Missing { path: self.path.clone() },
            _ => {
                let hint = "see with `ls` whether this user may list it, and whether the share is mounted".to_owned();
                FeedEvent::Unreadable { path: self.path.clone(), why: error.to_string(), hint }
            }
        };
        self.tell_trouble(event);
    }

    fn tell_empty(&mut self) {
        let hint = "see whether the share is mounted there; nothing is taken for removed".to_owned();
        let why = "nothing lies in it any more".to_owned();
        self.tell_trouble(FeedEvent::Unreadable { path: self.path.clone(), why, hint });
    }

    fn tell_trouble(&mut self, event: FeedEvent) {
        let text = event.to_string();
        if self.trouble.as_ref() != Some(&text) {
            self.events.tell(event);
            self.trouble = Some(text);
        }
    }
}

impl Feed for Folder {
    fn label(&self) -> &str {
        &self.label
    }

    /// The files of one service, or of one console, are one log.
    fn label_of(&self, stream: StreamId) -> &str {
        let file = self.files.iter().chain(&self.left).find(|file| file.stream() == stream);
        file.map_or(&self.label, File::log)
    }

    /// Never fails: what is in the way is an event, and tried again.
    fn next(&mut self) -> Result<Option<Piece>, SourceError> {
        let now = (self.clock)();
        if now >= self.due {
            self.look(now);
            let took = (self.clock)().saturating_sub(now);
            self.due = now + LOOK_TIME.max(took * SHARE_OF_TIME);
        }
        if self.files.iter().map(File::in_flight).sum::<usize>() >= IN_FLIGHT_PIECES_MAX {
            return Ok(None);
        }
        let piece = self.read_left(now);
        // In a folder that is not there, nothing can be opened.
        Ok(if piece.is_none() && self.trouble.is_none() { self.read(now) } else { piece })
    }

    fn durable(&mut self, stream: StreamId, offset: u64) {
        if let Some(place) = self.unplaced.iter_mut().find(|place| place.stream == stream) {
            place.offset = place.offset.max(offset);
        }
        if let Some(file) = self.held(stream) {
            file.durable(offset);
        }
    }

    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        if let Some(place) = self.unplaced.iter().find(|place| place.stream == stream) {
            let is_held = offset < place.offset || place.is_ended;
            return if is_held { Err(not_again(&self.path, offset)) } else { Ok(()) };
        }
        match self.held(stream) {
            Some(file) => file.rewind(offset),
            None => Err(not_again(&self.path, offset)),
        }
    }

    fn places(&self) -> Vec<Place> {
        self.files.iter().map(File::place).chain(self.unplaced.iter().cloned()).collect()
    }

    fn backlog_bytes(&self) -> u64 {
        let unmet: u64 = self.unmet.iter().map(|unmet| unmet.found.bytes).sum();
        self.files.iter().map(File::backlog_bytes).sum::<u64>().saturating_add(unmet)
    }

    fn events(&mut self) -> Vec<FeedEvent> {
        self.events.take()
    }
}

fn reason(error: &SourceError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
