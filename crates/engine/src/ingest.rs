//! The running ingest: takes streams from any thread, and one thread of its own stores them, moment by moment.
//!
//! Taking is quick and bounded: what cannot be held now is refused as busy, and the sender keeps it. When storing fails (a full disk), what
//! was taken and is not stored is let go of, senders are told where each stream goes on, and storing is tried again.

mod activity;
mod recounts;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::{Timestamp, tz::TimeZone};
use rustc_hash::FxHashMap;
use vigie_lake::{LakeError, Merged};
use vigie_model::Text;

pub use self::activity::{Activity, SourceActivity};
use self::recounts::Recounts;
use crate::import::{
    ImportError, Store,
    live::{Arrival, Live, NotTaken, Stored, StreamKey},
};

/// Bytes that wait for the next commit, over all streams.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// With this much waiting, no commit is put off.
const HURRY_BYTES: usize = 4 * 1024 * 1024;
/// From the beginning of one commit to that of the next, at least: what a reader waits for a line, and what a commit costs.
const COMMIT_PAUSE: Duration = Duration::from_millis(250);
/// Small files are merged after so many commits.
const COMPACT_COMMITS: u32 = 64;
/// With nothing to do, the thread looks about this often.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Before storing is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Where a stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Everything below has arrived.
    pub received: u64,
    /// Everything below is stored for good.
    pub durable: u64,
    is_over: bool,
}

impl Position {
    /// Is all of a stream that has ended stored for good?
    pub fn is_durable_whole(&self) -> bool {
        self.is_over && self.durable >= self.received
    }
}

/// How ingest is.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    pub lines: u64,
    pub commits: u64,
    /// How often facts and journeys were derived anew, because lines came late.
    pub derivations: u64,
    /// Hosts of which lines came late that are stored and not counted yet.
    pub recounting: Vec<Text>,
    pub waiting_bytes: usize,
    /// Why nothing is stored at the moment.
    pub trouble: Option<String>,
    pub last: Stored,
    pub last_commit: Duration,
}

/// The thread that stores, and the way to it.
pub struct Ingest {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    held: Mutex<Held>,
    changed: Condvar,
    on_commit: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Held {
    positions: FxHashMap<StreamKey, Position>,
    queue: Vec<Piece>,
    queue_bytes: usize,
    is_stopping: bool,
    condition: Condition,
    activity: Activity,
}

/// An [`Arrival`] that waits.
struct Piece {
    key: StreamKey,
    label: Text,
    host: Text,
    offset: u64,
    bytes: Vec<u8>,
    is_last: bool,
    after_loss: bool,
}

impl Ingest {
    /// Opens the store for writing and begins. `on_commit` is called whenever something became durable.
    pub fn start(
        store: Store,
        zone: TimeZone,
        default_host: String,
        on_commit: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, ImportError> {
        let live = Live::open(&store, zone.clone(), default_host.clone())?;
        let mut held = Held::default();
        held.take_positions(&live);
        let shared =
            Arc::new(Shared { held: Mutex::new(held), changed: Condvar::new(), on_commit: Box::new(on_commit) });
        let work = Work { store, zone, default_host, shared: shared.clone() };
        let thread = std::thread::Builder::new().name("ingest".to_owned()).spawn(move || work.run(live));
        Ok(Self { shared, thread: Mutex::new(thread.ok()) })
    }

    /// Takes bytes of a stream. Returns where the stream goes on.
    pub fn take(&self, arrival: &Arrival<'_>) -> Result<Position, NotTaken> {
        let mut held = self.shared.held();
        if held.is_stopping || held.condition.trouble.is_some() || held.queue_bytes >= QUEUE_BYTES_MAX {
            return Err(NotTaken::Busy);
        }
        let position = held.position_for(arrival)?;
        let known = (position.received - arrival.offset).min(arrival.bytes.len() as u64) as usize;
        let bytes = &arrival.bytes[known..];
        if bytes.is_empty() && (!arrival.is_last || position.is_over) {
            return Ok(position);
        }
        let position =
            Position { received: position.received + bytes.len() as u64, is_over: arrival.is_last, ..position };
        held.positions.insert(arrival.key.clone(), position);
        held.queue_bytes += bytes.len();
        held.queue.push(Piece {
            key: arrival.key.clone(),
            label: arrival.label.into(),
            host: arrival.host.into(),
            offset: arrival.offset + known as u64,
            bytes: bytes.to_vec(),
            is_last: arrival.is_last,
            after_loss: arrival.after_loss,
        });
        self.shared.changed.notify_all();
        Ok(position)
    }

    /// Where a stream stands; `None` for one that is not known.
    pub fn position(&self, key: &StreamKey) -> Option<Position> {
        self.shared.held().positions.get(key).copied()
    }

    /// All streams that are known.
    pub fn streams(&self) -> Vec<StreamKey> {
        self.shared.held().positions.keys().cloned().collect()
    }

    pub fn condition(&self) -> Condition {
        let held = self.shared.held();
        Condition { waiting_bytes: held.queue_bytes, ..held.condition.clone() }
    }

    /// What each source brought lately.
    pub fn activity(&self) -> Activity {
        self.shared.held().activity.clone()
    }

    /// Stores what was taken, counts what came late, and ends.
    pub fn stop(&self) {
        self.shared.held().is_stopping = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Where the arrival's stream stands, if the arrival can go on from there.
    fn position_for(&self, arrival: &Arrival<'_>) -> Result<Position, NotTaken> {
        let begins = Position { received: arrival.offset, durable: arrival.offset, is_over: false };
        let position = self.positions.get(&arrival.key).copied().unwrap_or(begins);
        let end = arrival.offset + arrival.bytes.len() as u64;
        match position.received {
            received if arrival.offset > received && arrival.after_loss && !position.is_over => {
                Ok(Position { received: arrival.offset, ..position })
            }
            received if arrival.offset > received => Err(NotTaken::Gap { expected: received }),
            received if position.is_over && end > received => Err(NotTaken::Over { end: received }),
            _ => Ok(position),
        }
    }

    /// What is stored is all that is known.
    fn take_positions(&mut self, live: &Live) {
        self.queue.clear();
        self.queue_bytes = 0;
        let stored = live
            .streams()
            .map(|(key, durable, is_over)| (key.clone(), Position { received: durable, durable, is_over }));
        self.positions = stored.collect();
    }
}

/// What the thread needs.
struct Work {
    store: Store,
    zone: TimeZone,
    default_host: String,
    shared: Arc<Shared>,
}

impl Work {
    fn run(self, live: Live) {
        let mut live = Some(live);
        loop {
            let done = catch_unwind(AssertUnwindSafe(|| match live.take() {
                Some(live) => self.store_until_stopped(live),
                None => self.reopen().map(|opened| live = Some(opened)).map(|()| false),
            }));
            let trouble = match done {
                Ok(Ok(true)) => return,
                Ok(Ok(false)) => continue,
                Ok(Err(error)) => with_causes(&error),
                Err(_) => "storing was broken off by a fault of the program".to_owned(),
            };
            tracing::error!(%trouble, "lines cannot be stored at the moment; senders keep them");
            self.shared.held().condition.trouble = Some(trouble);
            live = None;
            if self.pause(RETRY_PAUSE) {
                return;
            }
        }
    }

    fn reopen(&self) -> Result<Live, ImportError> {
        let live = Live::open(&self.store, self.zone.clone(), self.default_host.clone())?;
        let mut held = self.shared.held();
        held.take_positions(&live);
        held.condition.trouble = None;
        tracing::info!("lines are stored again");
        Ok(live)
    }

    /// Stores what comes. `true` when it was asked to end and has.
    fn store_until_stopped(&self, mut live: Live) -> Result<bool, ImportError> {
        let (mut commits, mut recounts) = (0, Recounts::default());
        let mut merging: Option<JoinHandle<Result<Merged, LakeError>>> = None;
        loop {
            let (pieces, is_stopping) = self.next_pieces(&recounts);
            let mut began = Instant::now();
            let touched = self.store_pieces(&mut live, pieces, &mut recounts)?;
            self.told(&mut live, touched);
            if is_stopping || recounts.is_due(Instant::now()) {
                self.recount(&mut live, &mut recounts)?;
                // What waited meanwhile waits no longer for that.
                began = Instant::now();
            }
            if is_stopping {
                return Ok(true);
            }
            commits += 1;
            if let Some(done) = merging.take_if(|merging| merging.is_finished()) {
                // One that failed leaves small files for the next.
                match done.join() {
                    Ok(Ok(merged)) => live.publish_compaction(merged)?,
                    Ok(Err(error)) => tracing::warn!(%error, "small files could not be merged"),
                    Err(_) => tracing::warn!("merging small files was broken off"),
                }
            }
            if commits % COMPACT_COMMITS == 0 && merging.is_none() {
                let plan = live.plan_compaction()?;
                merging = std::thread::Builder::new().name("merge".to_owned()).spawn(move || plan.run()).ok();
            }
            self.put_off(began);
        }
    }

    /// Waits until there is something to store, or to recount, or nothing more to come.
    fn next_pieces(&self, recounts: &Recounts) -> (Vec<Piece>, bool) {
        let mut held = self.shared.held();
        while held.queue.is_empty() && !held.is_stopping && !recounts.is_due(Instant::now()) {
            let wait = recounts.due_in(Instant::now()).unwrap_or(WAIT_MAX);
            held = self
                .shared
                .changed
                .wait_timeout(held, wait)
                .map_or_else(|poison| poison.into_inner().0, |(held, _)| held);
        }
        held.queue_bytes = 0;
        (std::mem::take(&mut held.queue), held.is_stopping)
    }

    fn store_pieces(
        &self,
        live: &mut Live,
        pieces: Vec<Piece>,
        recounts: &mut Recounts,
    ) -> Result<Vec<StreamKey>, ImportError> {
        let mut touched = Vec::new();
        for piece in pieces {
            let arrival = piece.arrival();
            if live.take(&arrival) == Err(NotTaken::Busy) {
                self.commit(live, recounts)?;
                // What cannot be taken now either was checked when it came, so it is none of this stream's.
                let _ = live.take(&arrival);
            }
            if touched.last() != Some(&piece.key) {
                touched.push(piece.key);
            }
        }
        self.commit(live, recounts)?;
        Ok(touched)
    }

    fn commit(&self, live: &mut Live, recounts: &mut Recounts) -> Result<(), ImportError> {
        let began = Instant::now();
        let stored = live.commit()?;
        if stored.late {
            recounts.late(Instant::now());
        }
        let mut held = self.shared.held();
        held.activity.add(&stored.coverage, Timestamp::now().as_microsecond());
        let condition = &mut held.condition;
        condition.lines += stored.lines;
        condition.commits += 1;
        condition.recounting = live.recounting().map(Text::from).collect();
        (condition.last, condition.last_commit) = (stored, began.elapsed());
        Ok(())
    }

    /// Counts what came late. Lines wait meanwhile.
    fn recount(&self, live: &mut Live, recounts: &mut Recounts) -> Result<(), ImportError> {
        let began = Instant::now();
        let any = live.recount()?;
        recounts.done(began, Instant::now());
        let condition = &mut self.shared.held().condition;
        condition.derivations += u64::from(any);
        condition.recounting.clear();
        Ok(())
    }

    /// Notes what is durable now, and says so.
    fn told(&self, live: &mut Live, touched: Vec<StreamKey>) {
        let mut held = self.shared.held();
        for key in live.take_forgotten() {
            held.positions.remove(&key);
        }
        for key in touched {
            if let (Some(durable), Some(position)) = (live.durable(&key), held.positions.get_mut(&key)) {
                position.durable = durable;
            }
        }
        drop(held);
        (self.shared.on_commit)();
    }

    /// Lets lines gather for the next commit: the longer, the longer a commit takes.
    fn put_off(&self, began: Instant) {
        let pause = COMMIT_PAUSE.max(2 * began.elapsed());
        let mut held = self.shared.held();
        while held.queue_bytes < HURRY_BYTES && !held.is_stopping {
            let Some(left) = pause.checked_sub(began.elapsed()) else { return };
            held = self
                .shared
                .changed
                .wait_timeout(held, left)
                .map_or_else(|poison| poison.into_inner().0, |(held, _)| held);
        }
    }

    /// `true` when it was asked to end meanwhile.
    fn pause(&self, time: Duration) -> bool {
        let began = Instant::now();
        let mut held = self.shared.held();
        while !held.is_stopping {
            let Some(left) = time.checked_sub(began.elapsed()) else { return false };
            held = self
                .shared
                .changed
                .wait_timeout(held, left)
                .map_or_else(|poison| poison.into_inner().0, |(held, _)| held);
        }
        true
    }
}

/// An error, and why it came about: that a disk is full stands at the end.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl Piece {
    fn arrival(&self) -> Arrival<'_> {
        Arrival {
            key: self.key.clone(),
            label: &self.label,
            host: &self.host,
            offset: self.offset,
            bytes: &self.bytes,
            is_last: self.is_last,
            after_loss: self.after_loss,
        }
    }
}
