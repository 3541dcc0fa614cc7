//! The journal of systemd as a feed: from `journalctl`, or from a stream of its export or JSON form.
//!
//! What a child process wrote cannot be read again, so entries go through a [spool](crate::spool): a thread reads them and adds each as one
//! line of JSON, as `crates/formats/src/envelope/journal.rs` reads it. The line holds the entry's cursor. After a restart the spool's last
//! line says after which cursor `journalctl` is to go on, and an entry that was spooled before is known by its cursor: none is lost, none
//! comes twice.
//!
//! While the spool is full nothing is read; the journal keeps its entries within its own limits.

mod child;
mod cursor;
mod entry;
mod event;
mod export;
mod filter;
mod json;
mod pump;
mod stream;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::spool::{Origin, SPOOL_BYTES_DEFAULT, Spool, SpoolConfig, SpoolCounters, SpoolError, SpoolFeed};
use crate::{Feed, FeedEvent, Piece, Place, SourceError, StreamId};

pub use event::JournalEvent;
pub use filter::JournalFilter;
pub use pump::JournalTally;

use pump::Pump;

/// How often entries are brought to disk, before which they are not given out.
const SYNC_EVERY: Duration = Duration::from_millis(100);

/// Where to begin in a journal that was never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalStart {
    /// With the oldest entry that it keeps.
    Oldest,
    /// With what is written from now on.
    Newest,
}

/// What a journal is read with.
#[derive(Clone, Debug)]
pub struct JournalConfig {
    /// What the server calls it.
    pub label: String,
    /// The folder of its spool.
    pub spool_dir: PathBuf,
    /// What its spool may take.
    pub spool_bytes_max: u64,
    /// Which entries are wanted.
    pub filter: JournalFilter,
    /// Where to begin when nothing was read before.
    pub start: JournalStart,
    /// The program that reads the journal.
    pub journalctl: PathBuf,
}

impl JournalConfig {
    /// This machine's journal, all of its mail, with a spool in the given folder.
    pub fn new(spool_dir: impl Into<PathBuf>) -> Self {
        JournalConfig {
            label: "journald".into(),
            spool_dir: spool_dir.into(),
            spool_bytes_max: SPOOL_BYTES_DEFAULT,
            filter: JournalFilter::mail(),
            start: JournalStart::Oldest,
            journalctl: "journalctl".into(),
        }
    }
}

/// A journal, read by a thread of its own for as long as this lives.
#[derive(Debug)]
pub struct JournalFeed {
    feed: SpoolFeed,
    spool: Spool,
    stop: Arc<Stop>,
    tally: Arc<pump::Counters>,
    /// Those that end soon when they are told to.
    threads: Vec<JoinHandle<()>>,
}

impl JournalFeed {
    /// Reads this machine's journal by `journalctl`, which is started again whenever it ends.
    pub fn follow(config: JournalConfig, entropy: u128) -> Result<JournalFeed, SpoolError> {
        let (mut feed, pump) = Self::open(&config, entropy)?;
        feed.threads.push(std::thread::spawn(move || child::follow(&config, pump)));
        Ok(feed)
    }

    /// Reads a stream in the export or JSON form, such as a pipe from `journalctl` or a file, to its end.
    ///
    /// A stream that begins again with entries that were spooled before gives only those after the last one, as far as all are of the same
    /// journal (the `s=` of their cursors).
    pub fn read(
        config: JournalConfig,
        stream: impl Read + Send + 'static,
        entropy: u128,
    ) -> Result<JournalFeed, SpoolError> {
        let (feed, mut pump) = Self::open(&config, entropy)?;
        // Not waited for at the end: nothing can interrupt its read.
        drop(std::thread::spawn(move || pump.drain(stream)));
        Ok(feed)
    }

    fn open(config: &JournalConfig, entropy: u128) -> Result<(JournalFeed, Pump), SpoolError> {
        let spool_config = SpoolConfig {
            dir: config.spool_dir.clone(),
            label: config.label.clone(),
            bytes_max: config.spool_bytes_max,
            when_full:
                "the journal keeps entries until there is room, and those that its own limits (SystemMaxUse= in \
                        journald.conf) remove before that are lost"
                    .into(),
            origin: Origin::Resumable,
        };
        let (spool, feed) = Spool::open(spool_config, entropy)?;
        let stop = Arc::new(Stop::default());
        let tally = Arc::new(pump::Counters::default());
        let pump = Pump::new(spool.clone(), config.filter.clone(), stop.clone(), tally.clone())?;
        let syncing = std::thread::spawn({
            let (spool, stop) = (spool.clone(), stop.clone());
            move || keep_synced(&spool, &stop)
        });
        Ok((JournalFeed { feed, spool, stop, tally, threads: vec![syncing] }, pump))
    }

    /// What was read.
    pub fn tally(&self) -> JournalTally {
        self.tally.tally()
    }

    /// What its spool did, and how it stands.
    pub fn spool_counters(&self) -> SpoolCounters {
        self.spool.counters()
    }
}

impl Drop for JournalFeed {
    fn drop(&mut self) {
        self.stop.now();
        for thread in self.threads.drain(..) {
            // Of a panic there is nothing left to say here.
            drop(thread.join());
        }
    }
}

impl Feed for JournalFeed {
    fn label(&self) -> &str {
        self.feed.label()
    }

    fn next(&mut self) -> Result<Option<Piece>, SourceError> {
        self.feed.next()
    }

    fn durable(&mut self, stream: StreamId, offset: u64) {
        self.feed.durable(stream, offset);
    }

    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        self.feed.rewind(stream, offset)
    }

    fn places(&self) -> Vec<Place> {
        self.feed.places()
    }

    fn backlog_bytes(&self) -> u64 {
        self.feed.backlog_bytes()
    }

    fn events(&mut self) -> Vec<FeedEvent> {
        self.feed.events()
    }
}

fn keep_synced(spool: &Spool, stop: &Stop) {
    while !stop.wait(SYNC_EVERY) {
        // Of a failure the spool tells when the next line is written.
        drop(spool.sync());
    }
    drop(spool.sync());
}

/// Ends the threads of a feed, and the child that one of them waits for.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_stopped: AtomicBool,
    told: std::sync::Condvar,
    child: std::sync::Mutex<Option<std::process::Child>>,
}

impl Stop {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<std::process::Child>> {
        self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Ends everything.
    fn now(&self) {
        let mut child = self.lock();
        self.is_stopped.store(true, Ordering::Relaxed);
        if let Some(child) = child.as_mut() {
            // It may have ended by itself.
            drop(child.kill());
        }
        drop(child);
        self.told.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Waits for a time, or until it is stopped; whether it is.
    fn wait(&self, time: Duration) -> bool {
        let guard = self.lock();
        let still_runs = |_: &mut Option<std::process::Child>| !self.is_stopped();
        drop(self.told.wait_timeout_while(guard, time, still_runs).unwrap_or_else(std::sync::PoisonError::into_inner));
        self.is_stopped()
    }

    /// Keeps a child, to be ended with the rest. One that comes too late is ended at once.
    fn guard_child(&self, mut child: std::process::Child) {
        let mut place = self.lock();
        if self.is_stopped() {
            drop(child.kill());
        }
        *place = Some(child);
    }

    fn take_child(&self) -> Option<std::process::Child> {
        self.lock().take()
    }
}
