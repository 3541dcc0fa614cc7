//! How a spool stands: its segments, what is not synced yet, and what a person should be told.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

use super::segment::Segment;
use super::{Block, Origin, SEGMENTS_MAX, SpoolConfig, SpoolCounters, SpoolError, SpoolEvent};
use crate::{FeedEvent, StreamId};

/// Share of what a spool can hold from which on a person is warned.
const NEARLY_FULL_PERCENT: u64 = 80;
/// Share below which it counts as relieved. Well below the other, so that a spool that fills and drains is not told of each time.
const RELIEVED_PERCENT: u64 = 60;
/// Events that wait to be asked for.
const EVENTS_MAX: usize = 64;

/// The file that is being written.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) file: Arc<File>,
    /// A failed write left bytes behind the last line that could not be taken away yet.
    pub(super) is_torn: bool,
}

impl Active {
    pub(super) fn new(file: File) -> Self {
        Active { file: Arc::new(file), is_torn: false }
    }
}

/// How full it is, as far as a person was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Calm,
    Nearly,
    Full,
}

#[derive(Debug)]
pub(super) struct State {
    /// By sequence.
    pub(super) segments: VecDeque<Segment>,
    /// The file of the last segment, unless that is sealed.
    pub(super) active: Option<Active>,
    /// Sealed and not synced, by sequence.
    pub(super) unsynced: Vec<(u64, Arc<File>)>,
    pub(super) sequence_next: u64,
    /// What the disk had left when it was last asked.
    pub(super) disk_bytes: u64,
    /// How many lines were lost when the spool became full.
    lost_before: u64,
    level: Level,
    events: VecDeque<FeedEvent>,
    counters: SpoolCounters,
}

/// What a reader reads next: a part of a segment.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) segment: Segment,
    /// Where the part ends that may be given out.
    pub(super) until: u64,
}

impl State {
    pub(super) fn new(segments: VecDeque<Segment>, sequence_next: u64) -> Self {
        State {
            segments,
            active: None,
            unsynced: Vec::new(),
            sequence_next,
            disk_bytes: u64::MAX,
            lost_before: 0,
            level: Level::Calm,
            events: VecDeque::new(),
            counters: SpoolCounters::default(),
        }
    }

    pub(super) fn held(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    pub(super) fn backlog(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len - segment.given).sum()
    }

    pub(super) fn has_room(&self, bytes: u64, config: &SpoolConfig) -> bool {
        self.segments.len() < SEGMENTS_MAX && self.held().saturating_add(bytes) <= config.bytes_max
    }

    pub(super) fn counters(&self) -> SpoolCounters {
        SpoolCounters { held_bytes: self.held(), backlog_bytes: self.backlog(), ..self.counters }
    }

    /// Makes a new segment the one that grows.
    pub(super) fn begin(&mut self, segment: Segment, active: Active) {
        self.sequence_next = segment.sequence + 1;
        self.segments.push_back(segment);
        self.active = Some(active);
    }

    /// Ends the segment that grows.
    pub(super) fn seal(&mut self) {
        let (Some(active), Some(segment)) = (self.active.take(), self.segments.back_mut()) else { return };
        segment.sealed = true;
        if segment.synced < segment.len {
            self.unsynced.push((segment.sequence, active.file));
        }
    }

    /// What is to be synced: sequence, length, file.
    pub(super) fn take_unsynced(&mut self) -> Vec<(u64, u64, Arc<File>)> {
        let mut due = std::mem::take(&mut self.unsynced);
        if let (Some(active), Some(segment)) = (&self.active, self.segments.back())
            && segment.synced < segment.len
        {
            due.push((segment.sequence, active.file.clone()));
        }
        // A segment that the server holds and that went meanwhile needs no sync.
        let length = |sequence| self.segment(sequence).map(|segment| segment.len);
        due.into_iter().filter_map(|(sequence, file)| Some((sequence, length(sequence)?, file))).collect()
    }

    pub(super) fn synced(&mut self, sequence: u64, len: u64) {
        if let Some(segment) = self.segment_mut(sequence) {
            segment.synced = segment.synced.max(len);
        }
    }

    /// A sync failed. Trying it again proves nothing, because the system then calls the pages clean; lines that waited for it
    /// are given out all the same, so that none is stuck here.
    pub(super) fn sync_failed(&mut self) {
        for segment in self.segments.iter_mut().filter(|segment| segment.sealed) {
            segment.synced = segment.len;
        }
    }

    /// The first part that may be given out, if any, and whether there is a segment whose removal is to be tried again. What waits for
    /// its sync makes what came after it wait: two syncs may end in any order, and lines keep theirs.
    pub(super) fn turn(&self, origin: Origin) -> (Option<Turn>, bool) {
        let until = |segment: &Segment| match origin {
            Origin::Transient => segment.len,
            Origin::Resumable => segment.synced,
        };
        let ready =
            |segment: &&Segment| segment.given < until(segment) || (segment.sealed && segment.given == segment.len);
        let mut left =
            self.segments.iter().filter(|segment| !segment.ended && (segment.sealed || segment.given < segment.len));
        let segment = left.next().filter(ready);
        let turn = segment.map(|segment| Turn { segment: segment.clone(), until: until(segment) });
        (turn, self.segments.iter().any(|segment| segment.stuck))
    }

    /// Notes what was given out; whether it was the segment's last.
    pub(super) fn give(&mut self, sequence: u64, until: u64) -> bool {
        let Some(segment) = self.segment_mut(sequence) else { return true };
        segment.given = until.min(segment.len);
        segment.ended = segment.sealed && segment.given == segment.len;
        segment.ended
    }

    /// Ends a segment at what was given out, because the rest is not there any more; the bytes that this loses.
    pub(super) fn lose_rest(&mut self, sequence: u64) -> u64 {
        if self.segments.back().is_some_and(|segment| segment.sequence == sequence) {
            self.seal();
        }
        let Some(segment) = self.segment_mut(sequence) else { return 0 };
        let lost = segment.len - segment.given;
        segment.len = segment.given;
        segment.synced = segment.len;
        segment.sealed = true;
        lost
    }

    /// Says once that a segment cannot be removed.
    pub(super) fn stuck(&mut self, sequence: u64, event: SpoolEvent) {
        if let Some(segment) = self.segment_mut(sequence)
            && !std::mem::replace(&mut segment.stuck, true)
        {
            self.tell(FeedEvent::Spool(event));
        }
    }

    pub(super) fn stream_mut(&mut self, stream: StreamId) -> Option<&mut Segment> {
        self.segments.iter_mut().find(|segment| segment.stream == stream)
    }

    fn segment(&self, sequence: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.sequence == sequence)
    }

    fn segment_mut(&mut self, sequence: u64) -> Option<&mut Segment> {
        self.segments.iter_mut().find(|segment| segment.sequence == sequence)
    }

    pub(super) fn accepted(&mut self, block: &Block, config: &SpoolConfig) {
        self.counters.accepted_lines += block.lines();
        self.counters.accepted_bytes += block.bytes().len() as u64;
        self.counters.cut_lines += block.cut();
        self.relieved(config);
        if self.level == Level::Calm && self.is_above(NEARLY_FULL_PERCENT, config) {
            self.level = Level::Nearly;
            let (held_bytes, capacity_bytes) = (self.held(), self.capacity(config));
            let (dir, when_full) = (config.dir.clone(), config.when_full.clone());
            self.tell(FeedEvent::Spool(SpoolEvent::NearlyFull { dir, held_bytes, capacity_bytes, when_full }));
        }
    }

    pub(super) fn refused(&mut self, block: &Block, error: &SpoolError, config: &SpoolConfig) {
        self.counters.refused_lines += block.lines();
        if self.level == Level::Full {
            return;
        }
        self.level = Level::Full;
        self.lost_before = self.counters.lost_lines;
        let dir = config.dir.clone();
        self.tell(FeedEvent::Spool(match error {
            error if error.is_full() => {
                let (held_bytes, when_full) = (self.held(), config.when_full.clone());
                SpoolEvent::Full { dir, held_bytes, when_full, hint: error.hint() }
            }
            SpoolError::Write { path, source } => {
                SpoolEvent::Failed { path: path.clone(), why: format!("cannot be written ({source})") }
            }
            error => SpoolEvent::Failed { path: dir, why: error.to_string() },
        }));
    }

    /// Something was taken, or a segment went: says so when the trouble is over.
    pub(super) fn relieved(&mut self, config: &SpoolConfig) {
        if self.level == Level::Calm || self.is_above(RELIEVED_PERCENT, config) {
            return;
        }
        if self.level == Level::Full {
            let lost_lines = self.counters.lost_lines - self.lost_before;
            self.tell(FeedEvent::Spool(SpoolEvent::Relieved { dir: config.dir.clone(), lost_lines }));
        }
        self.level = Level::Calm;
    }

    /// Counts lines as lost. While nobody asks, one event adds up what is lost for the same reason.
    pub(super) fn lost(&mut self, lines: u64, why: &'static str, config: &SpoolConfig) {
        self.counters.lost_lines += lines;
        if let Some(FeedEvent::Spool(SpoolEvent::Lost { lines: sum, why: before, .. })) = self.events.back_mut()
            && *before == why
        {
            *sum += lines;
            return;
        }
        self.tell(FeedEvent::Spool(SpoolEvent::Lost { dir: config.dir.clone(), lines, why }));
    }

    pub(super) fn tell(&mut self, event: FeedEvent) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    pub(super) fn take_events(&mut self) -> Vec<FeedEvent> {
        std::mem::take(&mut self.events).into()
    }

    fn is_above(&self, percent: u64, config: &SpoolConfig) -> bool {
        let capacity = u128::from(self.capacity(config));
        u128::from(self.held()) * 100 >= capacity * u128::from(percent)
    }

    /// What the spool can hold: its bound, or less when its disk has less.
    fn capacity(&self, config: &SpoolConfig) -> u64 {
        config.bytes_max.min(self.held().saturating_add(self.disk_bytes))
    }
}
