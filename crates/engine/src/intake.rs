//! Log files to records, in time order: which lines are new, whose they are, and when they were written.
//!
//! Several files are read side by side and merged by time, so that the files of one host may overlap (`mail.log` and
//! `dovecot.log`, or `mail.log` and `mail.info`) or follow each other (rotation), in whatever order they were given.

mod cursor;
mod seen;
mod track;

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use vigie_formats::{Record, envelope, transcript::DateOrder};
use vigie_model::{MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use vigie_sources::{Chunk, SourceError};

use self::cursor::Cursor;
pub use self::seen::{Seen, line_hash};
pub use self::track::Track;

/// A file is read on until it is this far ahead of the next one: fewer changes of file, and well within the disorder that
/// the correlator takes.
const RUN_MICROS: Micros = 2 * MICROS_PER_SECOND;
/// Lines from this much before another file's position are remembered, so that a copy in that file is recognised.
const OVERLAP_MICROS: Micros = 60 * MICROS_PER_SECOND;
/// Times outside are taken for damage, not for time: 1980 to 2200.
pub(crate) const TIMES: std::ops::Range<Micros> = 315_532_800 * MICROS_PER_SECOND..7_258_118_400 * MICROS_PER_SECOND;

/// Hosts of one run: far more than an organisation has.
const HOSTS_MAX: usize = 20_000;
/// What the others are called.
const FURTHER_HOSTS: &str = "(further hosts)";

/// Whose word counts where a file is given with a host and its lines name one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostRule {
    /// The line's: the host of the file is for lines that say nothing.
    #[default]
    Line,
    /// The file's: a machine that shares its name with another gets one of its own.
    File,
}

/// One file to read, and the host it speaks for (see [`HostRule`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    pub host: Option<String>,
}

/// What an earlier import knows of a file: how far it was read, and the hash of what was read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileMark {
    /// Identity of the beginning.
    pub fingerprint: u128,
    /// Bytes that the fingerprint covers.
    pub fingerprint_bytes: u32,
    /// Decompressed bytes read, always up to the end of a line.
    pub consumed: u64,
    /// Hash of those bytes.
    pub hash: u128,
    pub host: Option<String>,
}

/// A line on its way to the sink. Everything borrows from the reader's buffer.
pub struct Line<'a> {
    pub ts: Micros,
    pub host: usize,
    pub file: &'a str,
    pub offset: u64,
    pub raw: &'a [u8],
    pub program: &'a [u8],
    pub pid: u32,
    pub text: &'a [u8],
    pub record: &'a Record<'a>,
    pub repeated: u32,
    /// No envelope was recognised, and it is no part of the line before, whose time it has.
    pub bare: bool,
}

impl Line<'_> {
    /// Identity of the line's bytes.
    pub fn hash(&self) -> i64 {
        line_hash(self.raw)
    }
}

/// How the years of a file are found whose lines name none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Years {
    /// From the dates of all its lines, before it is read.
    #[default]
    Scanned,
    /// From its first dates, as if they were its last; the report says when the others prove that wrong.
    Guessed,
}

/// Where lines go.
pub trait Sink {
    type Error;

    /// Will somebody want to go on from here another time? Then what is read is hashed, and the report has marks.
    const KEEPS_MARKS: bool = true;

    /// A guess spares reading the file twice. It is for those who can begin again.
    fn years(&self) -> Years {
        Years::Scanned
    }

    /// A host that was not seen before in this run; its lines carry its place in the order of these calls.
    fn host(&mut self, name: &str) -> Result<(), Self::Error>;

    fn line(&mut self, line: &Line<'_>) -> Result<(), Self::Error>;

    /// Was an identical line of this hour stored before? Asked for each hour of a host that a file's lines come to.
    fn stored(&mut self, host: usize, ts: Micros, track: &Track, seen: &mut Seen) -> Result<(), Self::Error>;

    /// Called after each buffer; `false` stops the reading cleanly (Ctrl-C). `marks` tells how far each file was read.
    fn go_on(&mut self, progress: &Progress, marks: &dyn Fn() -> Vec<FileMark>) -> Result<bool, Self::Error>;
}

/// How far the reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub files: usize,
    pub files_done: usize,
    /// Bytes on disk.
    pub bytes: u64,
    pub bytes_done: u64,
    pub lines: u64,
}

/// What one file gave.
#[derive(Debug)]
pub struct FileReport {
    pub path: PathBuf,
    pub lines: u64,
    /// Lines that were known from another file or an earlier run.
    pub duplicates: u64,
    /// Bytes at the beginning that an earlier run had read.
    pub skipped_bytes: u64,
    /// Bytes at the end without a line's end: they wait until the file grows.
    pub unfinished_bytes: u64,
    /// Lines that were longer than what is kept of them.
    pub overlong: u64,
    /// Lines that name no host, in a file that was given without one: they were taken for this machine's.
    pub hostless: u64,
    pub mark: Option<FileMark>,
    /// The year was guessed, and wrongly.
    pub year_misjudged: bool,
    /// What was found out about a file whose lines do not stand for themselves.
    pub remarks: Vec<String>,
    pub problem: Option<SourceError>,
}

/// What the whole run gave.
#[derive(Debug, Default)]
pub struct Report {
    pub files: Vec<FileReport>,
    pub lines: u64,
    pub duplicates: u64,
    /// Stopped on request before the end; what was read stands.
    pub stopped: bool,
}

impl Report {
    pub fn problems(&self) -> impl Iterator<Item = (&Path, &SourceError)> {
        self.files.iter().filter_map(|file| Some((&*file.path, file.problem.as_ref()?)))
    }
}

/// What the reading needs to know beside the files.
pub struct Options {
    /// Zone of times that carry none.
    pub zone: TimeZone,
    /// Host of lines that name none, in files without a host of their own.
    pub default_host: String,
    pub host_rule: HostRule,
    /// Which comes first in dates like `03/04/2026`, in files whose dates do not show it.
    pub dates: Option<DateOrder>,
    pub marks: Vec<FileMark>,
}

/// Reads all files to the end, or until the sink stops it.
pub fn read<S: Sink>(sources: &[Source], options: &Options, sink: &mut S) -> Result<Report, S::Error> {
    let mut reader = Reader::default();
    let years = sink.years();
    let open = |source| Cursor::open(source, options, years, S::KEEPS_MARKS);
    let mut cursors: Vec<Cursor> = sources.iter().map(open).collect();
    let mut progress =
        Progress { files: cursors.len(), bytes: cursors.iter().map(Cursor::disk_bytes).sum(), ..Progress::default() };
    while let Some(at) = next_cursor(&cursors) {
        let others =
            cursors.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(_, cursor)| cursor.position());
        let other = others.min();
        reader.run(&mut cursors[at], other, options, sink)?;
        progress.lines = cursors.iter().map(|cursor| cursor.track.lines).sum();
        progress.bytes_done = cursors.iter().map(Cursor::disk_bytes_done).sum();
        progress.files_done = cursors.iter().filter(|cursor| cursor.position().is_none()).count();
        if !sink.go_on(&progress, &|| cursors.iter().filter_map(Cursor::mark).collect())? {
            reader.stopped = true;
            break;
        }
    }
    let files: Vec<FileReport> = cursors.into_iter().map(Cursor::into_report).collect();
    Ok(Report {
        lines: files.iter().map(|file| file.lines).sum(),
        duplicates: files.iter().map(|file| file.duplicates).sum(),
        stopped: reader.stopped,
        files,
    })
}

/// The file that is furthest behind; of equals the first by path, whatever the order given.
fn next_cursor(cursors: &[Cursor]) -> Option<usize> {
    let open =
        cursors.iter().enumerate().filter_map(|(at, cursor)| Some(((cursor.position()?, &cursor.report.path), at)));
    open.min().map(|(_, at)| at)
}

/// Places lines, whatever they come from.
pub struct Reader {
    hosts: Hosts,
    seen: Seen,
    scratch: envelope::Scratch,
    /// Lines up to this time are remembered.
    remembered_until: Micros,
    stopped: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            hosts: Hosts::default(),
            seen: Seen::default(),
            scratch: envelope::Scratch::default(),
            remembered_until: TIMES.start,
            stopped: false,
        }
    }
}

impl Reader {
    /// Lets go of what no file can bring again.
    pub fn forget_before(&mut self, ts: Micros) {
        self.seen.forget_before(ts);
    }

    /// Reads one file until it is ahead of the others, or to the end of its buffer.
    fn run<S: Sink>(
        &mut self,
        cursor: &mut Cursor,
        other: Option<Micros>,
        options: &Options,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        if let Some(other) = other {
            self.seen.forget_before(other.min(cursor.position().unwrap_or(other)) - 2 * OVERLAP_MICROS);
        }
        let Some((file, mut at)) = cursor.lend() else { return Ok(()) };
        let outcome = self.lines(&mut cursor.track, &file.chunk(), &mut at, other, options, sink);
        cursor.give_back(file, at);
        outcome
    }

    /// Takes lines from `at` on, to the end or until those of `other` files come first.
    pub fn lines<S: Sink>(
        &mut self,
        track: &mut Track,
        chunk: &Chunk<'_>,
        at: &mut usize,
        other: Option<Micros>,
        options: &Options,
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let bytes = chunk.bytes;
        let limit = other.map_or(Micros::MAX, |ts| ts.saturating_add(RUN_MICROS));
        let remember_from = match other {
            _ if track.has_siblings => TIMES.start,
            Some(ts) => ts - OVERLAP_MICROS,
            None => Micros::MAX,
        };
        let file = track.id;
        let label = track.label.clone();
        // The last host by name, and the last hour of which the stored lines were asked for.
        let mut last_host: (Vec<u8>, usize) = (Vec::new(), usize::MAX);
        let mut last_hour = (usize::MAX, i64::MIN);
        while *at < bytes.len() {
            let rest = &bytes[*at..];
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let raw = &rest[..length];
            if raw.is_empty() {
                *at += 1;
                continue;
            }
            let parsed = envelope::parse(raw, &mut self.scratch);
            let stamp = parsed
                .as_ref()
                .and_then(|envelope| track.calendar.resolve(&envelope.stamp))
                .filter(|ts| TIMES.contains(ts));
            let parsed = parsed.as_ref().filter(|_| stamp.is_some());
            let ts = stamp.unwrap_or(track.position());
            // Another file's turn first. This file's position is now later than that one's, so every turn moves on.
            if ts > limit {
                (track.moved, track.last_ts) = (true, ts);
                return Ok(());
            }
            (track.moved, track.last_ts) = (true, ts);
            let name = match (parsed, &track.given_host) {
                (_, Some(host)) if options.host_rule == HostRule::File => host.as_bytes(),
                (Some(envelope), _) if !envelope.host.is_empty() => envelope.host,
                (_, Some(host)) => host.as_bytes(),
                // A line without any envelope belongs to the host of the line before.
                (None, None) if last_host.1 != usize::MAX => &last_host.0,
                (Some(_), None) => {
                    track.hostless += 1;
                    options.default_host.as_bytes()
                }
                (None, None) => options.default_host.as_bytes(),
            };
            let host = if last_host.1 != usize::MAX && last_host.0 == name {
                last_host.1
            } else {
                let host = self.hosts.place(name, sink)?;
                last_host = (name.to_vec(), host);
                host
            };
            let hour = (host, ts.div_euclid(MICROS_PER_HOUR));
            if hour != last_hour {
                last_hour = hour;
                sink.stored(host, ts, track, &mut self.seen)?;
            }
            let compare = ts >= remember_from || ts <= self.remembered_until || self.seen.watches(host, ts);
            if ts >= remember_from {
                self.remembered_until = self.remembered_until.max(ts);
            }
            track.lines += 1;
            let line_at = chunk.offset + *at as u64;
            *at += length + 1;
            if compare && !self.seen.is_new(host, ts, line_hash(raw), file) {
                track.duplicates += 1;
                continue;
            }
            let record = match parsed {
                Some(envelope) => vigie_formats::read(envelope),
                None => Record::Foreign,
            };
            let (program, pid, text, repeated) = match parsed {
                Some(envelope) => (envelope.program, envelope.pid, envelope.text, envelope.repeated),
                None => (&b""[..], 0, raw, 1),
            };
            sink.line(&Line {
                ts,
                host,
                file: &label,
                offset: line_at,
                raw,
                program,
                pid,
                text,
                record: &record,
                repeated,
                bare: parsed.is_none() && !vigie_formats::continues(raw),
            })?;
        }
        Ok(())
    }
}

/// Hosts in the order in which they were met.
#[derive(Default)]
struct Hosts(FxHashMap<Box<[u8]>, usize>);

impl Hosts {
    fn place<S: Sink>(&mut self, name: &[u8], sink: &mut S) -> Result<usize, S::Error> {
        if let Some(&host) = self.0.get(name) {
            return Ok(host);
        }
        let host = match self.0.len() {
            HOSTS_MAX.. => FURTHER_HOSTS.as_bytes(),
            _ => name,
        };
        // Those that are one too many go under one name: each has a state of its own, and anybody who may send can invent names.
        if host != name {
            return match self.0.get(host) {
                Some(&host) => Ok(host),
                None => self.add(host, sink),
            };
        }
        self.add(name, sink)
    }

    fn add<S: Sink>(&mut self, name: &[u8], sink: &mut S) -> Result<usize, S::Error> {
        sink.host(&String::from_utf8_lossy(name))?;
        let host = self.0.len();
        self.0.insert(name.into(), host);
        Ok(host)
    }
}
