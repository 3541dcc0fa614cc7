//! The way of a message into the spool, the same for all transports.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::counters::{Counters, add};
use super::event::is_worth_saying;
use super::framing::{LongMessages, Wholeness};
use super::line::{self, Kept};
use super::{ListenConfig, ListenEvent, Refusal};
use crate::FeedEvent;
use crate::spool::{Block, Spool};

/// How long a stream waits before it looks again whether the spool has room.
const FULL_WAIT: Duration = Duration::from_millis(200);

/// What connections and datagrams share.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) config: ListenConfig,
    pub(super) counters: Arc<Counters>,
    pub(super) long_messages: Arc<LongMessages>,
    spool: Spool,
    at: SocketAddr,
}

/// What became of a block that a stream brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    AtOnce,
    AfterWaiting,
}

impl Intake {
    pub(super) fn new(spool: Spool, config: ListenConfig, at: SocketAddr, counters: Arc<Counters>) -> Self {
        let long_messages = LongMessages::new(config.limits.long_messages_max);
        Intake { config, counters, long_messages, spool, at }
    }

    /// Adds a message to a block that will be delivered.
    pub(super) fn take(&self, message: &[u8], wholeness: Wholeness, peer: IpAddr, block: &mut Block) {
        let cut_before = block.cut();
        match line::keep(message, peer, self.config.clock, block) {
            Kept::AsItCame => 0,
            Kept::Headed => add(&self.counters.headed, 1),
            Kept::Empty => add(&self.counters.empty, 1),
        };
        if wholeness == Wholeness::Cut || block.cut() > cut_before {
            add(&self.counters.cut, 1);
        }
    }

    /// Delivers what cannot wait: it is lost when the spool is full.
    pub(super) fn deliver_now(&self, block: &mut Block) {
        if !self.deliver(block) {
            self.lose(block, "which has no room, and datagrams cannot wait");
        }
    }

    /// Delivers what can wait. A stop has the patience of its limit, after which it is lost.
    pub(super) async fn deliver_when_possible(&self, block: &mut Block, stop: &mut Stop) -> Delivered {
        let mut delivered = Delivered::AtOnce;
        while !self.deliver(block) {
            delivered = Delivered::AfterWaiting;
            loop {
                if stop.is_over() {
                    self.lose(block, "which has no room, and the listener stops");
                    return delivered;
                }
                stop.wait(FULL_WAIT).await;
                // Asked first, so that the spool counts no refusals that lose nothing.
                if self.spool.has_room(block.bytes().len() as u64) {
                    break;
                }
            }
        }
        delivered
    }

    /// Whether the spool took it.
    fn deliver(&self, block: &mut Block) -> bool {
        // Of an error that is not fullness the spool has told.
        if self.spool.append_block(block).is_err() {
            return false;
        }
        add(&self.counters.received, block.lines());
        add(&self.counters.received_bytes, block.bytes().len() as u64);
        block.clear();
        true
    }

    fn lose(&self, block: &mut Block, why: &'static str) {
        add(&self.counters.dropped, block.lines());
        self.spool.note_lost(block.lines(), why);
        block.clear();
    }

    /// Counts a connection that is refused or ended, and says so now and then.
    pub(super) fn refuse(&self, peer: IpAddr, reason: Refusal) {
        let count = self.counters.refuse(reason);
        if is_worth_saying(count) {
            let peer = peer.to_canonical();
            self.spool.tell(FeedEvent::Listener(ListenEvent::Refused { at: self.at, peer, reason, count }));
        }
    }

    /// Counts datagrams that the kernel dropped, and says so.
    pub(super) fn dropped_by_kernel(&self, datagrams: u64) {
        if datagrams > 0 {
            add(&self.counters.dropped_by_kernel, datagrams);
            self.spool.tell(FeedEvent::Listener(ListenEvent::DroppedByKernel { at: self.at, datagrams }));
        }
    }
}

/// The end of a listener, as one of its tasks sees it.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    stopped: tokio::sync::watch::Receiver<()>,
    patience: Duration,
    until: Option<Instant>,
}

impl Stop {
    pub(super) fn new(stopped: tokio::sync::watch::Receiver<()>, patience: Duration) -> Self {
        Stop { stopped, patience, until: None }
    }

    /// When what is left must be done, once the listener stops.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Whether there is no time left.
    pub(super) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Comes back when the listener begins to stop; never, when it did before.
    pub(super) async fn begun(&mut self) {
        if self.until.is_some() {
            return std::future::pending().await;
        }
        // Nothing is ever sent: it is over when the sender is gone.
        drop(self.stopped.changed().await);
        self.until = Some(Instant::now() + self.patience);
    }

    /// Waits, and notes when the listener begins to stop.
    async fn wait(&mut self, time: Duration) {
        drop(tokio::time::timeout(time, self.begun()).await);
    }
}
