//! From messages to lines in a spool, on a thread of its own: a disk that hangs must not hold up mail.
//!
//! Between the connections and that thread is a bounded queue. What finds it full, or the spool, is lost and counted: mail does not wait.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use vigie_formats::{Inside, milter};
use vigie_sources::listen::Clock;
use vigie_sources::spool::{Block, Spool};

/// Messages that wait for the disk: some seconds of a busy server.
const WAITING_MAX: usize = 4096;
/// How often what was written is brought to disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// What was seen and not told, since the start.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    /// The disk is so far behind that no more may wait.
    behind: AtomicU64,
    /// Messages without a queue id.
    nameless: AtomicU64,
}

/// Where messages go. Its clones go to the same spool.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    queue: SyncSender<Waiting>,
    losses: Arc<Losses>,
    clock: Clock,
}

/// A message, and when it came to its end.
#[derive(Debug)]
struct Waiting {
    stamp: String,
    inside: Inside,
}

impl Writer {
    /// Begins to write. The thread ends when all writers are gone.
    pub(crate) fn begin(spool: Spool, host: String, clock: Clock) -> io::Result<(Writer, JoinHandle<()>)> {
        let (queue, waiting) = sync_channel(WAITING_MAX);
        let losses = Arc::new(Losses::default());
        let task = Task { spool, host, losses: losses.clone(), told: Told::default() };
        let thread = std::thread::Builder::new().name("milter-spool".into()).spawn(move || task.run(&waiting))?;
        Ok((Writer { queue, losses, clock }, thread))
    }

    /// Never waits.
    pub(crate) fn tell(&self, inside: Inside) {
        if self.queue.try_send(Waiting { stamp: self.clock.stamp(), inside }).is_err() {
            self.losses.behind.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn nameless(&self) {
        self.losses.nameless.fetch_add(1, Ordering::Relaxed);
    }
}

struct Task {
    spool: Spool,
    host: String,
    losses: Arc<Losses>,
    /// How many losses the spool was told of.
    told: Told,
}

#[derive(Default)]
struct Told {
    behind: u64,
    nameless: u64,
}

impl Task {
    fn run(mut self, waiting: &Receiver<Waiting>) {
        let mut block = Block::new();
        let mut synced = Instant::now();
        let mut is_synced = true;
        loop {
            let first = waiting.recv_timeout(SYNC_EVERY);
            let is_over = matches!(first, Err(RecvTimeoutError::Disconnected));
            for message in first.into_iter().chain(std::iter::from_fn(|| waiting.try_recv().ok())) {
                block.push(self.line(&message).as_bytes());
                if block.is_ample() {
                    self.write(&mut block);
                }
            }
            if !block.is_empty() {
                self.write(&mut block);
                is_synced = false;
            }
            self.tell_losses();
            if !is_synced && (is_over || synced.elapsed() >= SYNC_EVERY) {
                // A failure is seen again by the next line.
                drop(self.spool.sync());
                (synced, is_synced) = (Instant::now(), true);
            }
            if is_over {
                return;
            }
        }
    }

    fn line(&self, message: &Waiting) -> String {
        format!("{} {} {}: {}", message.stamp, self.host, milter::PROGRAM, milter::payload(&message.inside))
    }

    fn write(&self, block: &mut Block) {
        if self.spool.append_block(block).is_err() {
            self.spool.note_lost(block.lines(), "which takes no more, and mail does not wait for it");
        }
        block.clear();
    }

    fn tell_losses(&mut self) {
        let behind = self.losses.behind.load(Ordering::Relaxed);
        if behind > self.told.behind {
            self.spool
                .note_lost(behind - self.told.behind, "which is slower than the mail, and mail does not wait for it");
            self.told.behind = behind;
        }
        let nameless = self.losses.nameless.load(Ordering::Relaxed);
        if nameless > self.told.nameless {
            let why = "because the mail server gave the milter no queue id (macro i at the end of the message)";
            self.spool.note_lost(nameless - self.told.nameless, why);
            self.told.nameless = nameless;
        }
    }
}
