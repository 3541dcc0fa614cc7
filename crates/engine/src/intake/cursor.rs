//! One file on its way through the merge: its place in time, its buffer, and what it gave so far.

use std::sync::atomic::{AtomicUsize, Ordering};

use vigie_correlator::LATE_MICROS_MAX;
use vigie_formats::{
    calendar::{Calendar, RollScan, scan_rolls},
    envelope,
    transcript::Settings,
};
use vigie_model::Micros;
use vigie_sources::{Chunk, Identity, LogFile, Resumed, SourceError};

use super::{FileMark, FileReport, Options, Source, TIMES, Years, track::Track};

/// A file being read. It holds a buffer (in its [`LogFile`]) only once its turn has come.
pub struct Cursor {
    pub track: Track,
    pub report: FileReport,
    /// How a file is read whose lines do not stand for themselves.
    settings: Settings,
    /// The year that was guessed, and when the file was last written.
    guess: Option<(i16, Micros)>,
    state: State,
    /// What is read is hashed as it goes.
    keeps_marks: bool,
    /// Where an earlier import stopped.
    resumed: Option<(u64, u128)>,
    before: Option<Identity>,
    after: Option<Identity>,
    /// How much of the file's chunk was taken.
    at: usize,
    disk_bytes: u64,
    disk_bytes_done: u64,
}

/// How far before the end of what was read lines of the same moment are looked for.
const REWIND_BYTES_MAX: u64 = 1024 * 1024;
/// Lines looked at for a file's first time.
const FIRST_TIME_LINES_MAX: usize = 1_000;

#[expect(clippy::large_enum_variant, reason = "one for each file, and moved about only when the file opens")]
enum State {
    Open(LogFile),
    /// Taken out for reading.
    Lent,
    /// Closed until its turn.
    Parked,
    Done,
}

static NEXT_ID: AtomicUsize = AtomicUsize::new(1);

impl Cursor {
    /// Opens the file, goes to where an earlier import stopped, and finds out where it stands in time.
    pub fn open(source: &Source, options: &Options, years: Years, keeps_marks: bool) -> Self {
        let mut cursor = Self {
            track: Track::new(
                NEXT_ID.fetch_add(1, Ordering::Relaxed),
                source.path.to_string_lossy().into(),
                source.host.clone(),
                Calendar::new(options.zone.clone(), 1970),
            ),
            report: FileReport {
                path: source.path.clone(),
                lines: 0,
                duplicates: 0,
                skipped_bytes: 0,
                unfinished_bytes: 0,
                overlong: 0,
                hostless: 0,
                mark: None,
                year_misjudged: false,
                remarks: Vec::new(),
                problem: None,
            },
            settings: Settings {
                host: source.host.clone().unwrap_or_else(|| options.default_host.clone()),
                dates: options.dates,
                ..Settings::default()
            },
            guess: None,
            state: State::Done,
            keeps_marks,
            resumed: None,
            before: None,
            after: None,
            at: 0,
            disk_bytes: 0,
            disk_bytes_done: 0,
        };
        match cursor.start(source, options, years) {
            Ok(()) => {}
            Err(problem) => cursor.report.problem = Some(problem),
        }
        cursor
    }

    fn start(&mut self, source: &Source, options: &Options, years: Years) -> Result<(), SourceError> {
        let file = LogFile::open_as(&source.path, &self.settings)?;
        self.disk_bytes = file.len();
        if let Some(year) = first_year(&source.path, &self.settings, options, years)? {
            self.track.calendar = Calendar::new(options.zone.clone(), year);
            self.guess = (years == Years::Guessed).then(|| (year, file.modified()));
        }
        let identity = file.identity();
        let marks = options.marks.iter().filter(|mark| {
            mark.fingerprint_bytes <= identity.fingerprint_bytes
                && mark.host == source.host
                && (mark.fingerprint_bytes < identity.fingerprint_bytes || mark.fingerprint == identity.fingerprint)
        });
        let mut file = Some(file);
        // The longest known beginning first: most likely the whole file.
        let mut marks: Vec<&FileMark> = marks.collect();
        marks.sort_by_key(|mark| std::cmp::Reverse(mark.consumed));
        for mark in marks {
            if let Resumed::Continues(resumed) =
                LogFile::resume(&source.path, &self.settings, mark.consumed, mark.hash)?
            {
                self.report.skipped_bytes = mark.consumed;
                // The calendar must know the year of the first line that is read now.
                self.pass_over(&source.path, mark.consumed)?;
                self.resumed = Some((mark.consumed, mark.hash));
                file = Some(resumed);
                break;
            }
        }
        self.state = file.map_or(State::Done, State::Open);
        self.fill();
        self.rewind()?;
        match self.first_time() {
            Some(ts) => self.track.first_ts = ts,
            None if self.is_no_log() => {
                self.state = State::Done;
                return Err(SourceError::NoTimes { path: source.path.clone() });
            }
            None => self.track.first_ts = self.track.last_ts,
        }
        self.park();
        Ok(())
    }

    /// Lets the calendar see the times of what is skipped, so that years go on from there.
    fn pass_over(&mut self, path: &std::path::Path, consumed: u64) -> Result<(), SourceError> {
        let mut scratch = envelope::Scratch::default();
        let mut file = LogFile::open_as(path, &self.settings)?;
        while let Some(chunk) = file.next()? {
            for (offset, line) in chunk.lines() {
                if offset >= consumed {
                    return Ok(());
                }
                let Some(parsed) = envelope::parse(line, &mut scratch) else { continue };
                if !matches!(parsed.stamp, envelope::Stamp::Local { .. }) {
                    return Ok(());
                }
                if let Some(ts) = self.track.calendar.resolve(&parsed.stamp) {
                    self.track.last_ts = ts;
                }
            }
        }
        Ok(())
    }

    /// Goes back to the last lines that an earlier import read, where there are new ones. Of equal lines of one moment some may
    /// have been read and some not: only when all are seen can the new ones be told from copies of the old.
    fn rewind(&mut self) -> Result<(), SourceError> {
        let (Some((consumed, _)), State::Open(_)) = (self.resumed, &self.state) else { return Ok(()) };
        let Some(last) = last_stamp(&self.report.path, &self.settings, consumed)? else { return Ok(()) };
        let mut scratch = envelope::Scratch::default();
        let mut file = LogFile::open_as(&self.report.path, &self.settings)?;
        loop {
            let before = file.identity();
            let Some(chunk) = file.next()? else { return Ok(()) };
            let near = |(offset, line): &(u64, &[u8])| {
                *offset + REWIND_BYTES_MAX >= consumed
                    && envelope::parse(line, &mut scratch).is_some_and(|envelope| at_about(&envelope.stamp, &last))
            };
            if chunk.offset + chunk.bytes.len() as u64 + REWIND_BYTES_MAX < consumed {
                continue;
            }
            if let Some((offset, _)) = chunk.lines().take_while(|(offset, _)| *offset < consumed).find(near) {
                self.at = (offset - chunk.offset) as usize;
                (self.before, self.after) = (Some(before), Some(file.identity()));
                self.state = State::Open(file);
                return Ok(());
            }
            if chunk.offset >= consumed {
                return Ok(());
            }
        }
    }

    /// Where the file stands in time; `None` when it is read or cannot be read.
    pub fn position(&self) -> Option<Micros> {
        match self.state {
            State::Done => None,
            _ => Some(self.track.position()),
        }
    }

    /// What was given out for certain: everything before the chunk at hand, or all when the chunk is used up.
    pub fn mark(&self) -> Option<FileMark> {
        let identity = if self.used_up() { self.after } else { self.before };
        let identity = identity.filter(|identity| identity.consumed > 0)?;
        Some(FileMark {
            fingerprint: identity.fingerprint,
            fingerprint_bytes: identity.fingerprint_bytes,
            consumed: identity.consumed,
            hash: identity.consumed_hash,
            host: self.track.given_host.clone(),
        })
    }

    /// Is nothing of the chunk left to be read?
    fn used_up(&self) -> bool {
        match &self.state {
            State::Open(file) => self.at >= file.chunk().bytes.len(),
            State::Lent | State::Parked | State::Done => true,
        }
    }

    /// Takes the file out for reading its chunk, with the place where to go on in it.
    pub fn lend(&mut self) -> Option<(LogFile, usize)> {
        if let State::Parked = self.state {
            self.unpark();
        }
        match std::mem::replace(&mut self.state, State::Lent) {
            State::Open(file) => Some((file, self.at)),
            State::Lent | State::Parked | State::Done => {
                self.state = State::Done;
                None
            }
        }
    }

    /// Puts the file back, and goes on to the next chunk when this one is used up.
    pub fn give_back(&mut self, file: LogFile, at: usize) {
        (self.state, self.at) = (State::Open(file), at);
        if self.used_up() {
            self.fill();
        }
    }

    pub fn disk_bytes(&self) -> u64 {
        self.disk_bytes
    }

    pub fn disk_bytes_done(&self) -> u64 {
        self.disk_bytes_done
    }

    fn fill(&mut self) {
        self.at = 0;
        let State::Open(file) = &mut self.state else { return };
        self.before = self.keeps_marks.then(|| file.identity());
        match file.next() {
            Ok(Some(_)) => {
                self.after = self.keeps_marks.then(|| file.identity());
                self.disk_bytes_done = file.position();
                return;
            }
            Ok(None) => {}
            Err(problem) => self.report.problem = Some(problem),
        }
        self.after = self.keeps_marks.then(|| file.identity());
        self.report.unfinished_bytes = file.unfinished_tail();
        self.report.overlong = file.overlong();
        self.report.remarks = file.remarks();
        self.report.year_misjudged =
            self.guess.is_some_and(|(year, modified)| self.track.calendar.first_year(modified) != Some(year));
        self.disk_bytes_done = self.disk_bytes;
        self.state = State::Done;
    }

    /// Gives file and buffer back until its turn comes: many rotated files would hold many buffers.
    fn park(&mut self) {
        if let State::Open(_) = self.state {
            self.state = State::Parked;
            self.at = 0;
            // Nothing of that chunk was given out: an import that is stopped before its turn must not take it for read.
            self.after = self.before;
        }
    }

    fn unpark(&mut self) {
        let opened = match self.resumed {
            Some((consumed, hash)) => {
                LogFile::resume(&self.report.path, &self.settings, consumed, hash).map(|resumed| match resumed {
                    Resumed::Continues(file) => file,
                    Resumed::Different(file) => {
                        self.resumed = None;
                        file
                    }
                })
            }
            None if self.keeps_marks => LogFile::open_as(&self.report.path, &self.settings),
            None => LogFile::open_to_look(&self.report.path, &self.settings),
        };
        match opened {
            Ok(file) => {
                self.state = State::Open(file);
                self.fill();
                if let Err(problem) = self.rewind() {
                    self.report.problem = Some(problem);
                }
            }
            Err(problem) => {
                self.report.problem = Some(problem);
                self.state = State::Done;
            }
        }
    }

    /// The first time in the chunk. The calendar will meet that line again, which does it no harm.
    fn first_time(&mut self) -> Option<Micros> {
        let State::Open(file) = &self.state else { return None };
        let mut scratch = envelope::Scratch::default();
        let chunk = file.chunk();
        let lines = Chunk { offset: 0, bytes: &chunk.bytes[self.at.min(chunk.bytes.len())..] }.lines();
        for (_, line) in lines.take(FIRST_TIME_LINES_MAX) {
            let parsed = envelope::parse(line, &mut scratch);
            if let Some(ts) =
                parsed.and_then(|envelope| self.track.calendar.resolve(&envelope.stamp)).filter(|ts| TIMES.contains(ts))
            {
                return Some(ts);
            }
        }
        None
    }

    /// Whole lines, and a chunk of them without any time. What was read before, and goes on without times, is let be.
    fn is_no_log(&self) -> bool {
        let State::Open(file) = &self.state else { return false };
        let mut scratch = envelope::Scratch::default();
        let chunk = file.chunk();
        let is_timeless = |(_, line): (u64, &[u8])| envelope::parse(line, &mut scratch).is_none();
        self.resumed.is_none() && chunk.lines().next().is_some() && chunk.lines().all(is_timeless)
    }

    pub fn into_report(mut self) -> FileReport {
        self.report.mark = self.mark();
        (self.report.lines, self.report.duplicates, self.report.hostless) =
            (self.track.lines, self.track.duplicates, self.track.hostless);
        self.report
    }
}

/// The time in the last line of those bytes that has one.
fn last_stamp(
    path: &std::path::Path,
    settings: &Settings,
    consumed: u64,
) -> Result<Option<envelope::Stamp>, SourceError> {
    let mut scratch = envelope::Scratch::default();
    let mut file = LogFile::open_to_look(path, settings)?;
    let mut last = None;
    while let Some(chunk) = file.next()? {
        if chunk.offset >= consumed {
            break;
        }
        if chunk.offset + chunk.bytes.len() as u64 + REWIND_BYTES_MAX < consumed {
            continue;
        }
        for (_, line) in chunk.lines().take_while(|(offset, _)| *offset < consumed) {
            last = envelope::parse(line, &mut scratch).map(|envelope| envelope.stamp).or(last);
        }
    }
    Ok(last)
}

/// Are these times close enough for one line to come before the other by disorder?
fn at_about(stamp: &envelope::Stamp, last: &envelope::Stamp) -> bool {
    use envelope::Stamp::{Local, Utc};
    match (*stamp, *last) {
        (Utc(one), Utc(two)) => (one - two).abs() <= LATE_MICROS_MAX,
        (
            Local { month, day, micros_of_day, .. },
            Local { month: last_month, day: last_day, micros_of_day: last_micros, .. },
        ) => (month, day) == (last_month, last_day) && (micros_of_day - last_micros).abs() <= LATE_MICROS_MAX,
        _ => false,
    }
}

/// The year of the file's first line, where its lines name none: its newest line is not newer than the file.
fn first_year(
    path: &std::path::Path,
    settings: &Settings,
    options: &Options,
    years: Years,
) -> Result<Option<i16>, SourceError> {
    let mut scan = RollScan::default();
    let mut file = LogFile::open_to_look(path, settings)?;
    // Where the file is cut or damaged, the years end too: what stands before that is read, and the reading tells the fault.
    while let Ok(Some(chunk)) = file.next() {
        if !scan_rolls(chunk.bytes, &mut scan) || (scan.needs_year && years == Years::Guessed) {
            break;
        }
    }
    Ok(scan.needs_year.then(|| scan.first_year(file.modified(), &options.zone)).flatten())
}
