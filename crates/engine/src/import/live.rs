//! Lines as they come, from collectors and listeners, into the store: committed every moment, linked at once, each exactly once.
//!
//! A stream is one run of bytes of one sender: a log between two rotations. Whatever part of it comes again is passed over, and what is
//! stored of it is told ([`Live::durable`]): only below that may the sender forget. The state that says so is saved with the rows.
//!
//! Journeys that nothing can change any more are stored for good. Those still under way are stored as they stand, in files that the
//! next commit replaces. Lines that come too late for that (a source that was away) are stored at once, and the facts and journeys of
//! their time are derived from the store, as an import does it, when the caller has the time ([`Live::recount`]).

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use rustc_hash::{FxHashMap, FxHashSet};
use vigie_correlator::{BEFORE_ALL, LATE_MICROS_MAX, LiveLinker, Round};
use vigie_formats::calendar::{Calendar, RollScan, scan_rolls};
use vigie_lake::{Commit, Committed, Compaction, Coverage, Merged, Merging, ProvisionalFile, Replacement};
use vigie_model::{Journey, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, Text};
use vigie_sources::{Chunk, LINE_BYTES_MAX};

use super::{
    ImportError, Run, Store, StreamMark, batches, derive, hull, rebuild,
    sink::{Gathered, HostRun, ToLake},
    window::window,
};
use crate::intake::{self, HostRule, Reader, Track, line_hash};

/// Files that no commit lists any more stay this long, for readers that began before. There are many: each commit replaces some.
const READERS_LAST: Duration = Duration::from_secs(600);
/// What is stored of this much time before the newest line is read again at the start: more than live linking looks back.
const WINDOW_MICROS: Micros = 900 * MICROS_PER_SECOND;
/// Lines of this much time are remembered for copies in other streams; those of a stream that is behind by more are compared with the
/// stored ones.
const COPIES_MICROS: Micros = 180 * MICROS_PER_SECOND;
/// Streams remembered; of more, those that ended longest ago are forgotten, and would be told from their lines if they came again.
const STREAMS_MAX: usize = 10_000;
/// Bytes of one stream that wait for the next commit.
const WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;
/// In the place of the hash of a stream's first line: only a part of it came so far, or the stream did not begin at its beginning.
const FIRST_LINE_UNKNOWN: i64 = 0;
/// Coverage of hours older than this before the newest one gets few more lines, and is stored for good.
const COVERAGE_HOURS_OPEN: i64 = 1;

/// A run of bytes, and who sends it. Senders choose the number; two of them may choose the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey {
    pub sender: Text,
    pub stream: u128,
}

/// Bytes of a stream.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    pub key: StreamKey,
    /// How the sender calls what it reads: a path, an address.
    pub label: &'a str,
    /// The machine that it reads on, for lines that name none.
    pub host: &'a str,
    /// Place of the first byte in the stream.
    pub offset: u64,
    pub bytes: &'a [u8],
    /// Nothing follows; the last line may lack its end.
    pub is_last: bool,
    /// The sender does not hold what lies between the stream's end so far and `offset`: it had been told that it was durable.
    pub after_loss: bool,
}

/// Why bytes were not taken. Nothing of them was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("bytes are missing: the stream goes on at byte {expected}")]
    Gap { expected: u64 },
    #[error("the stream ended at byte {end}")]
    Over { end: u64 },
    #[error("{WAITING_BYTES_MAX} bytes of the stream wait to be stored")]
    Busy,
}

/// What a commit stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub lines: u64,
    /// The same by server, source and hour.
    pub coverage: Vec<Coverage>,
    pub settled: usize,
    pub unsettled: usize,
    /// Something came so late that it counts only after [`Live::recount`].
    pub late: bool,
}

/// The one writer of a store, at work while lines come.
pub struct Live {
    run: Run,
    options: intake::Options,
    reader: Reader,
    hosts: Vec<HostRun>,
    linker: LiveLinker,
    streams: FxHashMap<StreamKey, Stream>,
    next_track: usize,
    /// Streams that are remembered no more.
    forgotten: Vec<StreamKey>,
    /// Rows of the last commit that the next one replaces.
    provisional: Vec<ProvisionalFile>,
    /// Hours that may get more lines, by server and source.
    coverage: BTreeMap<(Text, Text, Micros), Coverage>,
}

struct Stream {
    mark: StreamMark,
    /// Its turn among those that came.
    order: usize,
    track: Track,
    /// Bytes from `mark.durable` on, to the end of what came.
    waiting: Vec<u8>,
    /// They are its last.
    ended: bool,
}

impl Stream {
    fn received(&self) -> u64 {
        self.mark.durable + self.waiting.len() as u64
    }

    /// Bytes up to the last line's end; all of them when nothing follows. Of a line without end, as much as is kept of one counts as a
    /// line.
    fn whole(&self) -> usize {
        match memchr::memrchr(b'\n', &self.waiting) {
            _ if self.ended => self.waiting.len(),
            Some(at) => at + 1,
            None if self.waiting.len() > LINE_BYTES_MAX => self.waiting.len(),
            None => 0,
        }
    }
}

impl Live {
    /// Takes the right to write, completes what an interrupted run left, and reads what is still under way.
    pub fn open(store: &Store, zone: TimeZone, default_host: String) -> Result<Self, ImportError> {
        let mut run = Run::begin(store)?;
        run.early = None;
        run.recent.forget();
        let options = intake::Options { zone, default_host, host_rule: HostRule::Line, dates: None, marks: Vec::new() };
        let mut live = Self {
            run,
            options,
            reader: Reader::default(),
            hosts: Vec::new(),
            linker: LiveLinker::default(),
            streams: FxHashMap::default(),
            next_track: 0,
            forgotten: Vec::new(),
            provisional: Vec::new(),
            coverage: BTreeMap::new(),
        };
        for mark in live.run.state.streams.clone() {
            live.add_stream(mark, BEFORE_ALL);
        }
        live.derive_late()?;
        Ok(live)
    }

    /// What is held in memory for linking.
    pub fn held(&self) -> vigie_correlator::Held {
        self.linker.held()
    }

    /// How far a stream is stored; `None` for one that is not known.
    pub fn durable(&self, key: &StreamKey) -> Option<u64> {
        self.streams.get(key).map(|stream| stream.mark.durable)
    }

    /// All streams: how far each is stored, and whether that is all of it.
    pub fn streams(&self) -> impl Iterator<Item = (&StreamKey, u64, bool)> {
        self.streams.iter().map(|(key, stream)| (key, stream.mark.durable, stream.mark.is_over))
    }

    /// Streams that were forgotten since this was asked last: there are too many to remember all.
    pub fn take_forgotten(&mut self) -> Vec<StreamKey> {
        std::mem::take(&mut self.forgotten)
    }

    /// Takes bytes for the next commit. What came before is passed over. Returns where the stream goes on.
    pub fn take(&mut self, arrival: &Arrival<'_>) -> Result<u64, NotTaken> {
        if !self.streams.contains_key(&arrival.key) {
            // The sender may forget what was durable, so a stream that we know nothing of begins where the sender says.
            let (sender, label) = (arrival.key.sender.clone(), format!("{}:{}", arrival.key.sender, arrival.label));
            let mark = StreamMark {
                sender,
                stream: arrival.key.stream,
                label: label.into(),
                host: arrival.host.into(),
                durable: arrival.offset,
                is_over: false,
                last_ts: BEFORE_ALL,
                first_line: if arrival.offset == 0 { first_line(arrival.bytes) } else { FIRST_LINE_UNKNOWN },
            };
            let known_until = self.known_until(&mark);
            if known_until > BEFORE_ALL {
                // Which hours were compared does not count for it.
                self.reader = Reader::default();
                self.hosts = Vec::new();
            }
            self.add_stream(mark, known_until);
        }
        let Some(stream) = self.streams.get_mut(&arrival.key) else { return Err(NotTaken::Busy) };
        let received = stream.received();
        let end = arrival.offset + arrival.bytes.len() as u64;
        if arrival.offset > received && (stream.ended || !arrival.after_loss) {
            return Err(NotTaken::Gap { expected: received });
        }
        if arrival.offset > received {
            tracing::warn!(stream = %stream.mark.label, bytes = arrival.offset - received, "bytes that were stored once are gone");
            // What waits has no end any more.
            let whole = stream.whole();
            stream.waiting.truncate(whole);
            stream.mark.durable = arrival.offset - whole as u64;
        }
        let received = stream.received();
        if stream.mark.is_over || stream.ended {
            return if end <= received { Ok(received) } else { Err(NotTaken::Over { end: received }) };
        }
        let known = (received - arrival.offset).min(arrival.bytes.len() as u64) as usize;
        if stream.waiting.len() + arrival.bytes.len() - known > WAITING_BYTES_MAX {
            return Err(NotTaken::Busy);
        }
        stream.waiting.extend_from_slice(&arrival.bytes[known..]);
        if stream.mark.first_line == FIRST_LINE_UNKNOWN && stream.mark.durable == 0 {
            stream.mark.first_line = first_line(&stream.waiting);
        }
        stream.ended = arrival.is_last && end >= received;
        Ok(stream.received())
    }

    /// Stores everything that came, and makes it visible; what came late is counted by [`Live::recount`].
    ///
    /// After an error the store is as it was after the commit before, and this must be opened anew.
    pub fn commit(&mut self) -> Result<Stored, ImportError> {
        let Gathered { mut commit, closed, coverage, hosts, lines, late } = self.read_waiting()?;
        self.hosts = hosts;
        let ended = self.mark_streams();
        if lines == 0 && !ended {
            return Ok(Stored::default());
        }
        self.add_coverage(coverage.clone(), &mut commit);
        let newest = self.newest();
        let round = self.linker.round(closed, self.run.state.open_hops_marked(), newest);
        if let Some((from, until)) = round.late {
            self.run.state.touched = hull(self.run.state.touched, from, until);
        }
        let late = late > 0 || round.late.is_some();
        let (settled, unsettled) = self.store_round(commit, round)?;
        Ok(Stored { lines, coverage, settled, unsettled, late })
    }

    /// Did something come late that is not counted yet?
    pub fn is_behind(&self) -> bool {
        self.run.state.touched.is_some() || self.recounting().next().is_some()
    }

    /// Hosts of which something came late that is not counted yet.
    pub fn recounting(&self) -> impl Iterator<Item = &str> {
        self.run.state.hosts.iter().filter(|host| host.dirty).map(|host| host.host.server())
    }

    /// Counts what came late: facts of its hosts are derived anew from all their lines, and journeys from the hops of that time. Says
    /// whether there was something. Interrupted, it is begun again when the store is opened.
    ///
    /// After an error the store is as it was after a commit, and this must be opened anew.
    pub fn recount(&mut self) -> Result<bool, ImportError> {
        let is_behind = self.is_behind();
        if is_behind {
            self.derive_late()?;
        }
        Ok(is_behind)
    }

    /// Which small files are to be merged. That can be done beside the commits.
    pub fn plan_compaction(&mut self) -> Result<Merging, ImportError> {
        Ok(self.run.writer.plan_compaction(Compaction::WhereNeeded, &self.provisional)?)
    }

    /// Takes merged files into the store, and removes what nobody reads any more.
    pub fn publish_compaction(&mut self, merged: Merged) -> Result<(), ImportError> {
        self.run.publish_compaction(merged, READERS_LAST)
    }

    /// Reads the lines that wait, those of several streams in order of time.
    fn read_waiting(&mut self) -> Result<Gathered, ImportError> {
        let (reader, options) = (&mut self.reader, &self.options);
        let mut watch = |_: &super::Phase| true;
        let going_on = self.streams.values().filter(|stream| stream.track.known_until == BEFORE_ALL);
        let tracks = going_on.map(|stream| (stream.mark.label.clone(), stream.track.id)).collect();
        let mut sink = ToLake::live(&mut self.run, std::mem::take(&mut self.hosts), tracks, &mut watch);
        let mut parts: Vec<(&mut Track, u64, &[u8], usize)> = Vec::new();
        let mut labels: FxHashMap<Text, FxHashSet<Text>> = FxHashMap::default();
        for mark in self.streams.values().map(|stream| &stream.mark) {
            labels.entry(mark.sender.clone()).or_default().insert(mark.label.clone());
        }
        // A log that was rotated goes on in its successor, whatever the clock says: of each origin the oldest stream first.
        let mut streams: Vec<&mut Stream> =
            self.streams.values_mut().filter(|stream| !stream.waiting.is_empty()).collect();
        streams.sort_by(|a, b| (&a.track.label, a.order).cmp(&(&b.track.label, b.order)));
        for stream in streams {
            let whole = stream.whole();
            stream.track.has_siblings = labels.get(&stream.mark.sender).is_some_and(|labels| labels.len() > 1);
            if whole > 0 {
                if !stream.track.moved {
                    stream.track.calendar = calendar(&options.zone, &stream.waiting[..whole]);
                }
                parts.push((&mut stream.track, stream.mark.durable, &stream.waiting[..whole], 0));
            }
        }
        while !parts.is_empty() {
            let is_first = |&at: &usize| {
                let label = &parts[at].0.label;
                at == 0 || parts[at - 1].0.label != *label || batches::is_of_batches(label)
            };
            let ready = || (0..parts.len()).filter(is_first);
            let Some(next) = ready().min_by_key(|&at| (parts[at].0.position(), at)) else { break };
            let other = ready().filter(|&at| at != next).map(|at| parts[at].0.position()).min();
            let (track, offset, bytes, at) = &mut parts[next];
            reader.lines(track, &Chunk { offset: *offset, bytes }, at, other, options, &mut sink)?;
            if *at >= bytes.len() {
                parts.remove(next);
            }
        }
        let newest = self.streams.values().map(|stream| stream.track.position()).max().unwrap_or(BEFORE_ALL);
        reader.forget_before(newest.saturating_sub(COPIES_MICROS));
        sink.gather()
    }

    /// Moves the streams' marks over what was read. Says whether one ended.
    fn mark_streams(&mut self) -> bool {
        let mut any_ended = false;
        for stream in self.streams.values_mut() {
            let whole = stream.whole();
            stream.waiting.drain(..whole);
            stream.mark.durable += whole as u64;
            if stream.track.moved {
                stream.mark.last_ts = stream.track.last_ts;
            }
            any_ended |= stream.ended && !stream.mark.is_over;
            stream.mark.is_over |= stream.ended;
        }
        self.forget_streams();
        let mut streams: Vec<&Stream> = self.streams.values().collect();
        // Batches in the order in which they came, since it says which are to be forgotten first.
        let turn = |stream: &Stream| if batches::is_of_batches(&stream.mark.label) { stream.order } else { 0 };
        streams.sort_by(|a, b| (&a.mark.sender, turn(a), a.mark.stream).cmp(&(&b.mark.sender, turn(b), b.mark.stream)));
        self.run.state.streams = streams.into_iter().map(|stream| stream.mark.clone()).collect();
        any_ended
    }

    /// Forgets streams where there are too many. Batches do not count among those of collectors.
    fn forget_streams(&mut self) {
        let over = self.streams.iter().filter(|(_, stream)| stream.mark.is_over);
        let mut surplus = batches::surplus(over.map(|(key, stream)| (key, stream.order)));
        let mut others: Vec<&StreamKey> = self.streams.keys().filter(|key| !key.is_batch()).collect();
        if others.len() > STREAMS_MAX {
            others.sort_by_key(|key| self.streams.get(key).map(|stream| (!stream.mark.is_over, stream.mark.last_ts)));
            surplus.extend(others[..others.len() - STREAMS_MAX].iter().map(|key| (*key).clone()));
        }
        for key in &surplus {
            self.streams.remove(key);
        }
        self.forgotten.extend(surplus);
    }

    fn add_stream(&mut self, mark: StreamMark, known_until: Micros) {
        self.next_track += 1;
        let host = Some(mark.host.to_string()).filter(|host| !host.is_empty());
        // A line without a year goes on from the last one.
        let year = Timestamp::from_microsecond(mark.last_ts.max(0))
            .map_or(1970, |ts| ts.to_zoned(self.options.zone.clone()).year());
        let calendar = Calendar::new(self.options.zone.clone(), year);
        // To tell copies of a line from equal lines, all batches of a sender are one file.
        let is_sibling = |stream: &&Stream| stream.mark.label == mark.label;
        let sibling = Some(()).filter(|()| batches::is_of_batches(&mark.label));
        let sibling = sibling.and_then(|()| self.streams.values().find(is_sibling)).map(|stream| stream.track.id);
        let mut track = Track::new(sibling.unwrap_or(self.next_track), mark.label.clone(), host, calendar);
        track.known_until = known_until;
        if mark.last_ts > BEFORE_ALL {
            (track.last_ts, track.moved) = (mark.last_ts, true);
        }
        let key = StreamKey { sender: mark.sender.clone(), stream: mark.stream };
        let stream = Stream { ended: mark.is_over, order: self.next_track, mark, track, waiting: Vec::new() };
        self.streams.insert(key, stream);
    }

    /// Up to when a stream that begins may hold what is stored already, as that of a collector which was set up anew. One that takes the
    /// place of another, as a log does that was rotated, does not.
    fn known_until(&self, mark: &StreamMark) -> Micros {
        // A batch that comes again is known by its hash; equal lines in two of them are two lines.
        if batches::is_of_batches(&mark.label) {
            return BEFORE_ALL;
        }
        let mut same_origin = self.streams.values().filter(|known| known.mark.label == mark.label).peekable();
        // A beginning that is not known may be any.
        let may_be = |known: i64| [mark.first_line, FIRST_LINE_UNKNOWN].contains(&known);
        let is_known = same_origin.peek().is_none()
            || mark.first_line == FIRST_LINE_UNKNOWN
            || same_origin.any(|known| may_be(known.mark.first_line));
        let stored = self.run.state.hosts.iter().filter_map(|host| host.stored);
        let newest = stored.map(|(_, last)| last).max().filter(|_| is_known);
        newest.map_or(BEFORE_ALL, |last| last + MICROS_PER_HOUR)
    }

    /// Adds lines to their hours; those that are over are stored for good.
    fn add_coverage(&mut self, rows: Vec<Coverage>, commit: &mut Commit) {
        for row in rows {
            match self.coverage.entry(hour_of(&row)) {
                std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(row)),
                std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().add(&row),
            }
        }
        // A line that says it comes from the future does not end the hours of the others.
        let now = Timestamp::now().as_microsecond();
        let newest = self.coverage.values().map(|row| row.hour.min(now)).max().unwrap_or_default();
        let is_open = |row: &Coverage| row.hour >= newest - COVERAGE_HOURS_OPEN * MICROS_PER_HOUR;
        let (open, over): (Vec<Coverage>, Vec<Coverage>) =
            std::mem::take(&mut self.coverage).into_values().partition(is_open);
        commit.coverage(&over).provisional_coverage(&open);
        self.coverage = open.into_iter().map(|row| (hour_of(&row), row)).collect();
    }

    /// The newest time seen.
    fn newest(&self) -> Micros {
        self.run.state.hosts.iter().map(|host| host.host.watermark()).max().unwrap_or(BEFORE_ALL)
    }

    fn store_round(&mut self, mut commit: Commit, round: Round) -> Result<(usize, usize), ImportError> {
        withdraw(&mut commit, round.withdrawn);
        let linker = std::mem::take(&mut self.linker);
        let unsettled: Vec<&Journey> = linker.unsettled().collect();
        let counts = (round.settled.len(), unsettled.len());
        self.store(commit, &round.settled, &unsettled)?;
        self.linker = linker;
        Ok(counts)
    }

    /// Commits, with journeys in the place of those that were provisional.
    fn store(&mut self, mut commit: Commit, settled: &[Journey], unsettled: &[&Journey]) -> Result<(), ImportError> {
        for file in self.provisional.drain(..) {
            commit.replace(Replacement::Provisional(file));
        }
        commit.journeys(settled).provisional_journeys(unsettled);
        if let Committed::Stored { provisional, .. } = self.run.commit(commit)? {
            self.provisional = provisional;
        }
        Ok(())
    }

    /// Derives from the store what lines that came late have changed, and goes on from there.
    fn derive_late(&mut self) -> Result<(), ImportError> {
        let mut watch = |_: &super::Phase| true;
        // From here on it is as after a start: a kill at any moment finds what is stored provisionally still there. Journeys under way
        // are replaced by their ids, and the hours of coverage are left as they stand.
        self.provisional.clear();
        self.coverage.clear();
        let rebuilt = rebuild::rebuild_dirty_hosts(&mut self.run, &mut watch)?;
        if !rebuilt.is_empty() {
            tracing::info!(hosts = rebuilt.len(), "facts derived anew, as lines came late");
        }
        derive::derive(&mut self.run, &mut watch)?;
        let newest = self.newest();
        let open = self.run.state.open_hops();
        let snapshot = self.run.lake.snapshot()?;
        let has_copies = self.run.state.hosts.iter().any(|host| host.has_copies);
        let (hops, stored) = window(&snapshot, &open, newest.saturating_sub(WINDOW_MICROS), has_copies)?;
        let (linker, mut round) = LiveLinker::go_on(hops, open, &stored, newest);
        self.linker = linker;
        // Of those that are not among what is stored nothing is known, only that they are not as they are.
        let known: FxHashSet<Text> = stored.into_iter().map(|journey| journey.id).collect();
        let others = self.linker.unsettled().filter(|journey| !known.contains(&journey.id));
        round.withdrawn.extend(others.map(|journey| (journey.first_arrival, journey.id.clone())));
        self.store_round(Commit::new(), round)?;
        Ok(())
    }
}

fn hour_of(row: &Coverage) -> (Text, Text, Micros) {
    (row.server.clone(), row.source.clone(), row.hour)
}

/// Takes journeys out of the store.
fn withdraw(commit: &mut Commit, journeys: Vec<(Micros, Text)>) {
    let first = journeys.iter().map(|(first_arrival, _)| *first_arrival).min();
    let last = journeys.iter().map(|(first_arrival, _)| *first_arrival).max();
    if let (Some(first), Some(last)) = (first, last) {
        let ids = journeys.into_iter().map(|(_, id)| id).collect();
        commit.replace(Replacement::Journeys { ids, first_arrivals: Some(first - LATE_MICROS_MAX..last + 1) });
    }
}

/// The hash of the first line, once all of it is there.
fn first_line(bytes: &[u8]) -> i64 {
    memchr::memchr(b'\n', bytes).map_or(FIRST_LINE_UNKNOWN, |end| line_hash(&bytes[..end]))
}

/// A calendar for lines that name no year: the newest lies in the past as little as can be.
fn calendar(zone: &TimeZone, lines: &[u8]) -> Calendar {
    let now = Timestamp::now();
    let mut scan = RollScan::default();
    scan_rolls(lines, &mut scan);
    let year = scan.first_year(now.as_microsecond(), zone);
    Calendar::new(zone.clone(), year.unwrap_or_else(|| now.to_zoned(zone.clone()).year()))
}
