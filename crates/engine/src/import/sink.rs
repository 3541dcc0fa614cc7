//! The sink that stores: lines, facts and counts gathered into commits.

use rustc_hash::FxHashMap;
use vigie_correlator::{Facts, Host, LATE_MICROS_MAX, REVISED_MICROS};
use vigie_formats::Record;
use vigie_lake::{Commit, Coverage, LineBatch, LineRef, Shape};
use vigie_model::{Hop, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, Text, day_of};

use super::{
    ImportError, Phase, Run, batches::is_of_batches, derive::derive_early, hull, namesakes::Namesakes, order::Place,
    recent::in_order, state::HostState,
};
use crate::intake::{FileMark, Line, Progress, Report, Seen, Sink, Track};

/// Text of one commit, for logs with long lines.
const COMMIT_TEXT_BYTES_MAX: usize = 96 * 1024 * 1024;
/// A window of hops is this part of the lines of a commit: a thousand, which stay in the processor's cache until they are written.
const WINDOW_SHARE: u64 = 400;
/// Refusals, or tries, that are written together.
const STAGED_ROWS_MIN: usize = 4_096;
/// Different unknown shapes remembered until the next commit; more are counted together.
const SHAPES_MAX: usize = 2_000;
/// What is kept of an example of an unknown line.
const EXAMPLE_BYTES_MAX: usize = 500;

/// Day, host, program and shape of a line that nobody understood, or that rests on an unproven shape; its count and an example stand behind it.
type ShapeKey = (i32, usize, Box<[u8]>, String);

/// When journeys are made of hops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Linking {
    /// After the run, of the time that it touched.
    Afterwards,
    /// With each commit, by the caller.
    Live,
}

/// A line of another stream this far behind the newest one may be a copy of one that was stored long ago.
const COPY_MICROS: Micros = 60 * MICROS_PER_SECOND;

/// An hour since 1970, and what brought its lines.
type SourceHour = (i64, Text);

/// What a live commit is made of, beside what is staged.
pub struct Gathered {
    pub commit: Commit,
    pub closed: Vec<Box<Hop>>,
    pub coverage: Vec<Coverage>,
    pub hosts: Vec<HostRun>,
    pub lines: u64,
    /// Of these, lines that came after younger ones of their host.
    pub late: u64,
}

/// What the parsers made of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineKind {
    Understood,
    /// Known, and of no interest.
    Ignored,
    Unknown,
}

pub struct ToLake<'a> {
    run: &'a mut Run,
    linking: Linking,
    /// Hops that closed, for live linking.
    closed: Vec<Box<Hop>>,
    /// Live streams that go on from what is stored of them, by what their lines are filed under.
    tracks: FxHashMap<Text, usize>,
    commit_lines_max: u64,
    watch: &'a mut dyn FnMut(&Phase) -> bool,
    /// For each host of this run: its place in the state, and its stored times before this run.
    hosts: Vec<HostRun>,
    lines: LineBatch,
    /// Lines and bytes of text since the last commit.
    pending: (u64, usize),
    facts: Facts,
    /// What is not written before the commit.
    commit: Commit,
    /// Hops that began before this are written already, but for late ones.
    hops_until: Micros,
    /// Of each host, source and hour of this commit.
    coverage: Vec<Coverage>,
    shapes: FxHashMap<ShapeKey, (u64, Text)>,
    counts: Counts,
}

/// How much of a window is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    OlderHalf,
    All,
}

pub struct HostRun {
    place: usize,
    name: Text,
    stored: Option<(Micros, Micros)>,
    newest: Option<Micros>,
    /// Hours, and their places in the coverage of the commit.
    hours: FxHashMap<SourceHour, usize>,
    /// The hour of the last line, as most lines have the same as the one before.
    last_hour: Option<(SourceHour, usize)>,
}

#[derive(Debug, Default)]
pub struct Counts {
    pub hosts: Vec<String>,
    pub lines: u64,
    pub understood: u64,
    pub unknown: u64,
    /// Lines whose host must be derived anew on their account.
    pub late: u64,
}

impl<'a> ToLake<'a> {
    pub fn new(run: &'a mut Run, commit_lines_max: u64, watch: &'a mut dyn FnMut(&Phase) -> bool) -> Self {
        Self {
            run,
            linking: Linking::Afterwards,
            closed: Vec::new(),
            tracks: FxHashMap::default(),
            commit_lines_max,
            watch,
            hosts: Vec::new(),
            lines: LineBatch::new(),
            pending: (0, 0),
            facts: Facts::default(),
            commit: Commit::new(),
            hops_until: Micros::MIN,
            coverage: Vec::new(),
            shapes: FxHashMap::default(),
            counts: Counts::default(),
        }
    }

    /// For lines as they come: the caller links and commits. `hosts` are those of the commit before.
    pub fn live(
        run: &'a mut Run,
        hosts: Vec<HostRun>,
        tracks: FxHashMap<Text, usize>,
        watch: &'a mut dyn FnMut(&Phase) -> bool,
    ) -> Self {
        Self { linking: Linking::Live, hosts, tracks, ..Self::new(run, u64::MAX, watch) }
    }

    /// Everything for the commit to come.
    pub fn gather(mut self) -> Result<Gathered, ImportError> {
        let (lines, late) = (self.counts.lines, self.counts.late);
        let commit = self.last_rows()?;
        Ok(Gathered {
            commit,
            closed: self.closed,
            coverage: std::mem::take(&mut self.coverage),
            hosts: self.hosts,
            lines,
            late,
        })
    }

    /// Commits what is left.
    pub fn finish(mut self, report: &Report) -> Result<Counts, ImportError> {
        let marks = report.files.iter().filter_map(|file| file.mark.clone()).collect();
        self.commit(marks)?;
        self.counts.hosts = self.hosts.iter().map(|host| host.name.to_string()).collect();
        Ok(self.counts)
    }

    fn commit(&mut self, marks: Vec<FileMark>) -> Result<(), ImportError> {
        self.run.state.remember(marks);
        let mut commit = self.last_rows()?;
        commit.coverage(&std::mem::take(&mut self.coverage));
        if self.run.writer.has_nothing_staged() && commit.is_empty() {
            return Ok(());
        }
        // Until journeys are derived, those of open hops are missing too.
        self.run.touch_open_hops();
        self.run.commit(commit).map(drop)
    }

    /// Writes what waits, but for the coverage, which is put in order.
    fn last_rows(&mut self) -> Result<Commit, ImportError> {
        self.stage(0)?;
        self.stage_hops(Part::All)?;
        self.hops_until = Micros::MIN;
        let mut commit = std::mem::take(&mut self.commit);
        commit.lines(std::mem::take(&mut self.lines));
        self.pending = (0, 0);
        self.end_coverage();
        commit.shapes(&self.take_shapes());
        Ok(commit)
    }

    /// Writes what need not wait for the commit, where there are so many rows of it.
    fn stage(&mut self, rows_min: usize) -> Result<(), ImportError> {
        let (writer, facts) = (&mut self.run.writer, &mut self.facts);
        writer.stage_lines(&mut self.lines)?;
        if facts.rejections.len() >= rows_min {
            writer.stage_rejections(&facts.rejections)?;
            facts.rejections.clear();
        }
        if facts.attempts.len() >= rows_min {
            writer.stage_attempts(&facts.attempts)?;
            facts.attempts.clear();
        }
        Ok(())
    }

    /// Hops gathered before the older half of them is written: they end nearly in the order in which they began.
    fn window_hops(&self) -> usize {
        (self.commit_lines_max / WINDOW_SHARE).max(8) as usize
    }

    /// Writes hops in order, and links those that nothing can change any more. Hops that come after younger ones were written, such
    /// as those that waited in a queue, get a file of their own with the commit.
    fn stage_hops(&mut self, part: Part) -> Result<(), ImportError> {
        let hops = &mut self.facts.hops;
        hops.sort_by(|a, b| in_order(a, b));
        let middle = hops.get(hops.len() / 2).filter(|_| part == Part::OlderHalf);
        let until = middle.map_or(Micros::MAX, |hop| hop.ts_in);
        let late = hops.partition_point(|hop| hop.ts_in < self.hops_until);
        let ready = hops.partition_point(|hop| hop.ts_in < until).max(late);
        let younger = hops.split_off(ready);
        let ready = std::mem::replace(hops, younger);
        self.commit.hops(&ready[..late]);
        self.run.writer.stage_hops(&ready[late..])?;
        self.hops_until = self.hops_until.max(until);
        if self.linking == Linking::Live {
            self.closed.extend(ready);
            return Ok(());
        }
        for hop in &ready {
            self.run.state.touched = hull(self.run.state.touched, hop.ts_in, hop.ts_out);
        }
        self.run.recent.add(ready);
        derive_early(self.run, self.hops_until)
    }

    fn end_coverage(&mut self) {
        for host in &mut self.hosts {
            host.hours.clear();
            host.last_hour = None;
        }
        self.coverage.sort_by(|a, b| (&a.server, &a.source, a.hour).cmp(&(&b.server, &b.source, b.hour)));
    }

    fn take_shapes(&mut self) -> Vec<Shape> {
        let hosts = &self.hosts;
        let shape = |((day, host, program, shape), (count, example)): (ShapeKey, (u64, Text))| Shape {
            day,
            server: hosts[host].name.clone(),
            program: String::from_utf8_lossy(&program).into(),
            shape: shape.into(),
            count,
            example,
        };
        let mut rows: Vec<Shape> = self.shapes.drain().map(shape).collect();
        rows.sort_by(|a, b| (a.day, &a.server, &a.program, &a.shape).cmp(&(b.day, &b.server, &b.program, &b.shape)));
        rows
    }

    fn cover(&mut self, line: &Line<'_>, kind: LineKind) {
        let hour = line.ts.div_euclid(MICROS_PER_HOUR);
        // Files are read again under other names; a source is what goes on bringing lines.
        let source = if self.linking == Linking::Live { line.file } else { "" };
        let (host, coverage) = (&mut self.hosts[line.host], &mut self.coverage);
        let place = match &host.last_hour {
            Some(((last, known), place)) if *last == hour && *known == *source => *place,
            _ => *host.hours.entry((hour, source.into())).or_insert_with(|| {
                coverage.push(Coverage {
                    server: host.name.clone(),
                    source: source.into(),
                    hour: hour * MICROS_PER_HOUR,
                    lines: 0,
                    understood: 0,
                    ignored: 0,
                    unknown: 0,
                    first_ts: line.ts,
                    last_ts: line.ts,
                });
                coverage.len() - 1
            }),
        };
        if host.last_hour.as_ref().is_none_or(|(_, last)| *last != place) {
            host.last_hour = Some(((hour, source.into()), place));
        }
        let row = &mut coverage[place];
        row.lines += 1;
        row.first_ts = row.first_ts.min(line.ts);
        row.last_ts = row.last_ts.max(line.ts);
        match kind {
            LineKind::Understood => row.understood += 1,
            LineKind::Ignored => row.ignored += 1,
            LineKind::Unknown => row.unknown += 1,
        }
    }

    fn unknown(&mut self, line: &Line<'_>) {
        let mut shape = vigie_formats::shape(line.text);
        if self.shapes.len() >= SHAPES_MAX {
            shape = "(further shapes)".to_owned();
        }
        self.count_shape(line, line.program.into(), shape);
    }

    fn count_shape(&mut self, line: &Line<'_>, program: Box<[u8]>, shape: String) {
        let example = || String::from_utf8_lossy(&line.raw[..line.raw.len().min(EXAMPLE_BYTES_MAX)]).into();
        let entry = self.shapes.entry((day_of(line.ts), line.host, program, shape)).or_insert_with(|| (0, example()));
        entry.0 += 1;
    }
}

/// Under which program and shape an understood line is counted beside the unknown ones, because it rests on a shape that no real line
/// is known of. Postfix and Dovecot, whose lines are most, have none.
pub fn experimental(record: &Record<'_>, program: &[u8], text: &[u8]) -> Option<(String, &'static str)> {
    if !matches!(record, Record::Statement(_) | Record::Refused(_) | Record::Session(_)) {
        return None;
    }
    let shape = vigie_formats::unproven(program, text)?;
    Some((format!("experimental: {}", String::from_utf8_lossy(program)), shape))
}

impl ToLake<'_> {
    /// A stream that goes on from what is stored of it brings nothing twice by itself: its lines are compared only when they could be
    /// copies of another's, or another's of theirs.
    fn stored_live(&mut self, host: usize, ts: Micros, track: &Track, seen: &mut Seen) -> Result<(), ImportError> {
        let run = &self.hosts[host];
        let state = &self.run.state.hosts[run.place];
        let overlaps = |(first, last)| ts >= first - MICROS_PER_HOUR && ts <= last + MICROS_PER_HOUR;
        let may_be_stored = state.stored.is_some_and(overlaps);
        let is_behind = |newest| *state.newest_from != *track.label && ts < newest - COPY_MICROS;
        // Of logs with the same lines the first one asks: what it brings must be remembered when the others come, and not be asked for.
        let may_come_again =
            track.has_siblings || may_be_stored && (ts <= track.known_until || state.newest.is_some_and(is_behind));
        if !may_come_again {
            return Ok(());
        }
        let Some(range) = seen.load(host, ts) else { return Ok(()) };
        if track.has_siblings {
            seen.watch(host, ts);
        }
        if !may_be_stored {
            return Ok(());
        }
        seen.begin_hour(host, ts);
        for known in self.run.lake.snapshot()?.line_hashes(&run.name, range.start, range.end)? {
            let known = known?;
            seen.add_stored(host, known.ts, known.hash, self.tracks.get(&known.file).copied());
        }
        Ok(())
    }
}

impl Sink for ToLake<'_> {
    type Error = ImportError;

    fn host(&mut self, name: &str) -> Result<(), ImportError> {
        let hosts = &mut self.run.state.hosts;
        let place = hosts.iter().position(|known| known.host.server() == name).unwrap_or_else(|| {
            hosts.push(HostState::new(Host::new(name)));
            hosts.len() - 1
        });
        let (stored, newest) = (hosts[place].stored, hosts[place].newest);
        if self.linking == Linking::Afterwards {
            // What is open now may end in this run: its journeys will change.
            let open: Vec<_> = hosts[place].host.open().iter().map(|hop| (hop.ts_in, hop.ts_out)).collect();
            for (from, until) in open {
                self.run.state.touched = hull(self.run.state.touched, from, until);
            }
        }
        self.hosts.push(HostRun {
            place,
            name: name.into(),
            stored,
            newest,
            hours: FxHashMap::default(),
            last_hour: None,
        });
        Ok(())
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), ImportError> {
        let understood = line.record.is_understood();
        let kind = match (understood, line.bare || line.record.is_unknown()) {
            (_, true) => LineKind::Unknown,
            (true, false) => LineKind::Understood,
            (false, false) => LineKind::Ignored,
        };
        self.counts.lines += 1;
        self.pending = (self.pending.0 + 1, self.pending.1 + line.raw.len());
        self.counts.understood += u64::from(kind == LineKind::Understood);
        if kind == LineKind::Unknown {
            self.counts.unknown += 1;
            self.unknown(line);
        }
        if let Some((program, shape)) = experimental(line.record, line.program, line.text) {
            self.count_shape(line, program.into_bytes().into(), shape.to_owned());
        }
        self.cover(line, kind);
        let host = &self.hosts[line.host];
        if line.pid != 0 && Namesakes::concerns(line.program) {
            self.run.namesakes.see(host.place, &host.name, line.ts, line.pid, line.file);
        }
        self.lines.push(LineRef {
            ts: line.ts,
            server: &host.name,
            file: line.file,
            offset: line.offset,
            queue_id: line.record.queue_id().as_ref(),
            text: line.raw,
            hash: line.hash(),
        });
        let state = &mut self.run.state.hosts[host.place];
        let stands_alone = line.record.stands_alone();
        let is_revised = line.record.is_revised();
        let newest = match self.linking {
            _ if stands_alone => None,
            Linking::Afterwards => host.newest,
            Linking::Live if is_revised => state.newest,
            // In one stream a line is where it belongs, whatever its clock says.
            Linking::Live => state.newest.filter(|_| *state.newest_from != *line.file || is_of_batches(line.file)),
        };
        // What is revised is open for days, and takes its lines in any order.
        let lateness_max = if is_revised && self.linking == Linking::Live { REVISED_MICROS } else { LATE_MICROS_MAX };
        let is_late = newest.is_some_and(|last| line.ts < last - lateness_max);
        if is_late && understood {
            state.dirty = true;
            self.counts.late += 1;
        }
        state.stored = hull(state.stored, line.ts, line.ts);
        if stands_alone {
            state.has_copies = true;
        } else {
            if let Some(last) = state.newest.filter(|last| !is_late && !is_revised && line.ts <= *last) {
                state.order.note(Place { ts: line.ts, file: line.file, offset: line.offset }, last);
            }
            if self.linking == Linking::Live
                && state.newest.is_none_or(|last| line.ts >= last)
                && *state.newest_from != *line.file
            {
                state.newest_from = line.file.into();
            }
            state.newest = state.newest.max(Some(line.ts));
        }
        // A host that is to be derived anew is seen as its other lines show it until then, where somebody looks at it meanwhile.
        let is_told = if self.linking == Linking::Live { !is_late } else { !state.dirty };
        if is_told {
            let times = if line.record.happens_again_when_repeated() { line.repeated } else { 1 };
            for _ in 0..times {
                state.host.record(line.ts, line.record, &mut self.facts);
            }
        }
        Ok(())
    }

    fn stored(&mut self, host: usize, ts: Micros, track: &Track, seen: &mut Seen) -> Result<(), ImportError> {
        let run = &self.hosts[host];
        let overlaps = |(first, last): &(Micros, Micros)| ts >= first - MICROS_PER_HOUR && ts <= last + MICROS_PER_HOUR;
        match self.linking {
            Linking::Afterwards if run.stored.as_ref().is_some_and(overlaps) => {
                let Some(range) = seen.load(host, ts) else { return Ok(()) };
                for known in self.run.before.line_hashes(&run.name, range.start, range.end)? {
                    let known = known?;
                    seen.add_stored(host, known.ts, known.hash, None);
                }
                Ok(())
            }
            Linking::Live => self.stored_live(host, ts, track, seen),
            Linking::Afterwards => Ok(()),
        }
    }

    fn go_on(&mut self, progress: &Progress, marks: &dyn Fn() -> Vec<FileMark>) -> Result<bool, ImportError> {
        if self.pending.0 >= self.commit_lines_max || self.pending.1 >= COMMIT_TEXT_BYTES_MAX {
            self.commit(marks())?;
        } else {
            self.stage(STAGED_ROWS_MIN)?;
            if self.facts.hops.len() >= self.window_hops() {
                self.stage_hops(Part::OlderHalf)?;
            }
        }
        Ok((self.watch)(&Phase::Reading(*progress)))
    }
}
