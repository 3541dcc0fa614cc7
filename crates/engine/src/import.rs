//! Log files into the store: each line once, whatever is imported again, in whatever order, and wherever it was interrupted.
//!
//! Lines and facts are committed together, every few hundred thousand lines, with the correlators' state. Journeys are
//! derived afterwards for the time that was touched. A run that is cut short leaves a store that the next run completes.

mod batches;
mod derive;
pub mod live;
mod namesakes;
pub(crate) mod order;
mod pinned;
mod rebuild;
mod recent;
pub(crate) mod reread;
pub(crate) mod sink;
mod state;
mod window;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use vigie_formats::transcript::DateOrder;
use vigie_lake::{Commit, Committed, Compaction, Lake, LakeError, Merged, Snapshot, Writer};
use vigie_model::{Hop, Micros};

use self::{derive::Linking, namesakes::Namesakes, recent::Recent};
pub use self::{
    namesakes::Namesake,
    pinned::Pinned,
    state::{State, StateError, StreamMark},
};
use crate::intake::{self, HostRule, Progress, Report, Source};

/// Files that no commit lists any more stay this long, for readers that began before.
const READERS_LAST: Duration = Duration::from_secs(3_600);

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    pub report: Report,
    pub hosts: Vec<String>,
    /// Lines that were new.
    pub lines: u64,
    pub understood: u64,
    pub unknown: u64,
    pub journeys: u64,
    /// Hosts whose facts were derived anew, because lines came that are older than what was known.
    pub rebuilt: Vec<String>,
    /// The state was lost, or of another version: all facts were derived anew from the stored lines.
    pub state_was_lost: bool,
    /// Names that two machines seem to share.
    pub namesakes: Vec<Namesake>,
}

/// Why an import, or reading its result, failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    State(#[from] StateError),
}

impl ImportError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            ImportError::Lake(error) => error.hint().map(str::to_owned),
            ImportError::State(error) => Some(error.hint()),
        }
    }

    /// Was the store made by another version of the program, which keeps other tables?
    pub fn is_of_another_version(&self) -> bool {
        matches!(self, ImportError::Lake(LakeError::OlderLayout { .. } | LakeError::NewerLayout { .. }))
    }
}

/// What the import tells while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Reading(Progress),
    /// Facts of one host are derived anew from its stored lines.
    Rebuilding {
        lines: u64,
    },
    /// Hops are linked into journeys.
    Linking {
        journeys: u64,
    },
    Compacting,
}

/// How to import.
pub struct Options {
    pub zone: TimeZone,
    pub default_host: String,
    pub host_rule: HostRule,
    /// As [`intake::Options::dates`].
    pub dates: Option<DateOrder>,
    /// Lines of one commit at most. What is stored does not depend on it.
    pub commit_lines_max: u64,
}

/// Lines of one commit: enough for well-filled files, few enough for memory.
pub const COMMIT_LINES_MAX: u64 = 400_000;

/// The store with the correlators' state that belongs to it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub lake: Lake,
    dir: PathBuf,
}

impl Store {
    pub fn open(dir: &Path) -> Result<Self, ImportError> {
        Ok(Self { lake: Lake::open(dir)?, dir: dir.to_owned() })
    }

    /// The state that belongs to what is committed.
    pub fn state(&self) -> Result<State, ImportError> {
        Ok(State::load(&self.dir, self.lake.snapshot()?.sequence())?)
    }

    /// All tables with the state that belongs to them, also while another process commits.
    pub(crate) fn with_state(&self) -> Result<(Snapshot, State), ImportError> {
        // It ends: a further turn needs a further commit, and reading the state takes a fraction of the pause between two.
        loop {
            let snapshot = self.lake.snapshot()?;
            if let Some(state) = State::of_commit(&self.dir, snapshot.sequence())? {
                return Ok((snapshot, state));
            }
            let state = State::load(&self.dir, snapshot.sequence());
            // The next commit takes earlier states away: what was found belongs to a commit that is still the newest.
            if self.lake.snapshot()?.sequence() == snapshot.sequence() {
                return Ok((snapshot, state?));
            }
        }
    }

    /// Messages that are still in a queue, and hops that only just ended.
    pub fn open_hops(&self) -> Result<Vec<Hop>, ImportError> {
        Ok(self.state()?.open_hops())
    }
}

/// Imports files. `watch` hears of the progress and may stop it by answering `false`.
pub fn import(
    store: &Store,
    sources: &[Source],
    options: &Options,
    watch: &mut dyn FnMut(&Phase) -> bool,
) -> Result<Imported, ImportError> {
    let mut run = Run::begin(store)?;
    let reading = intake::Options {
        zone: options.zone.clone(),
        default_host: options.default_host.clone(),
        host_rule: options.host_rule,
        dates: options.dates,
        marks: run.state.marks.clone(),
    };
    let mut sink = sink::ToLake::new(&mut run, options.commit_lines_max, watch);
    let report = intake::read(sources, &reading, &mut sink)?;
    let counts = sink.finish(&report)?;
    let rebuilt = rebuild::rebuild_dirty_hosts(&mut run, watch)?;
    run.touch_open_hops();
    let journeys = derive::derive(&mut run, watch)?;
    watch(&Phase::Compacting);
    run.compact()?;
    Ok(Imported {
        report,
        hosts: counts.hosts,
        lines: counts.lines,
        understood: counts.understood,
        unknown: counts.unknown,
        journeys,
        rebuilt,
        state_was_lost: run.state_was_lost,
        namesakes: run.namesakes.take_found(),
    })
}

/// One process's turn at writing.
pub(crate) struct Run {
    lake: Lake,
    writer: Writer,
    dir: PathBuf,
    sequence: u64,
    state: State,
    /// The store as it was before this run.
    before: Snapshot,
    recent: Recent,
    /// Journeys derived while the lines are read, as long as that can be done.
    early: Option<Linking>,
    namesakes: Namesakes,
    state_was_lost: bool,
}

impl Run {
    fn begin(store: &Store) -> Result<Self, ImportError> {
        // The lock first: the state is read when nobody can change it any more.
        let writer = store.lake.writer()?;
        let before = store.lake.snapshot()?;
        let sequence = before.sequence();
        let (state, state_was_lost) = match State::load(&store.dir, sequence) {
            Err(error) if State::is_lost(&error) => (State::of_lines(&before)?, true),
            state => (state?, false),
        };
        let (lake, dir) = (store.lake.clone(), store.dir.clone());
        let namesakes = Namesakes::default();
        let (early, recent) = (Linking::early(&before), Recent::default());
        Ok(Self { lake, writer, dir, sequence, state, before, recent, early, namesakes, state_was_lost })
    }

    /// Commits rows together with the state. The state is written first, under the number that the commit will have.
    fn commit(&mut self, commit: Commit) -> Result<Committed, ImportError> {
        self.state.save(&self.dir, self.sequence + 1)?;
        let committed = self.writer.commit(commit)?;
        let before = std::mem::replace(&mut self.sequence, self.lake.snapshot()?.sequence());
        if self.sequence == before {
            // No row changed, but what is still to be derived may have: copies alone give no journey.
            self.state.save(&self.dir, self.sequence)?;
        }
        State::forget_before(&self.dir, self.sequence);
        Ok(committed)
    }

    /// What is open is seen as it stands now: its journeys are derived again.
    fn touch_open_hops(&mut self) {
        for hop in self.state.open_hops() {
            self.state.touched = hull(self.state.touched, hop.ts_in, hop.ts_out);
        }
    }

    /// Merging files changes no row, but it is a commit: the state must be there under its number too.
    fn compact(&mut self) -> Result<(), ImportError> {
        let merged = self.writer.plan_compaction(Compaction::WhereNeeded, &[])?.run()?;
        self.publish_compaction(merged, READERS_LAST)
    }

    fn publish_compaction(&mut self, merged: Merged, readers_last: Duration) -> Result<(), ImportError> {
        self.writer.publish_compaction(merged)?;
        self.writer.vacuum(readers_last)?;
        let sequence = self.lake.snapshot()?.sequence();
        if sequence != self.sequence {
            self.sequence = sequence;
            self.state.save(&self.dir, sequence)?;
            State::forget_before(&self.dir, sequence);
        }
        Ok(())
    }
}

/// The smallest range that holds both.
pub(crate) fn hull(range: Option<(Micros, Micros)>, from: Micros, until: Micros) -> Option<(Micros, Micros)> {
    Some(range.map_or((from, until), |(a, b)| (a.min(from), b.max(until))))
}
