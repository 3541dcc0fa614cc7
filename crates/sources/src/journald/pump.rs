//! From a stream of entries into the spool, each once.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::cursor::Cursor;
use super::entry::Entry;
use super::stream::{Entries, Found};
use super::{JournalEvent, JournalFilter, Stop};
use crate::FeedEvent;
use crate::spool::{Block, Spool, SpoolError};

/// How long it waits before it looks again whether the spool has room.
const FULL_WAIT: Duration = Duration::from_millis(200);

/// What was read of a journal since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalTally {
    /// Entries that are in the spool.
    pub spooled: u64,
    /// Entries that are not wanted, or say nothing.
    pub unwanted: u64,
    /// Entries that had been read before.
    pub known: u64,
    /// Entries of which a part was too long.
    pub cut: u64,
    /// Bytes that were no entry, once for each place.
    pub broken: u64,
    /// How often `journalctl` was started.
    pub starts: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    spooled: AtomicU64,
    unwanted: AtomicU64,
    known: AtomicU64,
    cut: AtomicU64,
    broken: AtomicU64,
    pub(super) starts: AtomicU64,
}

impl Counters {
    pub(super) fn tally(&self) -> JournalTally {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        JournalTally {
            spooled: read(&self.spooled),
            unwanted: read(&self.unwanted),
            known: read(&self.known),
            cut: read(&self.cut),
            broken: read(&self.broken),
            starts: read(&self.starts),
        }
    }
}

pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// How a stream came to its end.
#[derive(Debug)]
pub(super) struct Ended {
    /// Entries that it had, wanted or not.
    pub(super) entries: u64,
    /// Why it could not be read on, when that is the reason.
    pub(super) error: Option<io::Error>,
}

/// Adds what is wanted of a journal to a spool.
#[derive(Debug)]
pub(super) struct Pump {
    spool: Spool,
    filter: JournalFilter,
    pub(super) stop: Arc<Stop>,
    pub(super) counters: Arc<Counters>,
    /// The last entry that was read. When this begins, the last one that was spooled.
    last: Option<Cursor>,
    /// Lines that are not in the spool yet.
    block: Block,
    line: Vec<u8>,
}

impl Pump {
    pub(super) fn new(
        spool: Spool,
        filter: JournalFilter,
        stop: Arc<Stop>,
        counters: Arc<Counters>,
    ) -> Result<Self, SpoolError> {
        let last = spool.last_line()?.and_then(|line| Cursor::of_line(&line));
        Ok(Pump { spool, filter, stop, counters, last, block: Block::new(), line: Vec::new() })
    }

    /// The entry after which to go on.
    pub(super) fn last(&self) -> Option<&Cursor> {
        self.last.as_ref()
    }

    /// Reads a stream that cannot be begun anew.
    pub(super) fn drain(&mut self, stream: impl Read) {
        let Ended { entries, error } = self.read(stream);
        self.tell(JournalEvent::StreamEnded { entries, why: error.map(|error| error.to_string()) });
    }

    /// Reads a stream to its end, or until it is stopped. What it gave is in the spool then, unless it was stopped.
    pub(super) fn read(&mut self, stream: impl Read) -> Ended {
        let mut stream = Entries::new(stream);
        let mut entries = 0;
        let error = loop {
            match stream.next() {
                Ok(Some(Found::Entry(entry))) => {
                    entries += 1;
                    self.take(entry);
                }
                Ok(Some(Found::Broken { why, cursor })) => self.broken(why, cursor),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
            if (self.block.is_ample() || !stream.is_ahead()) && !self.deliver() {
                break None;
            }
        };
        self.deliver();
        Ended { entries, error }
    }

    pub(super) fn tell(&self, event: JournalEvent) {
        self.spool.tell(FeedEvent::Journal(event));
    }

    fn take(&mut self, entry: Entry) {
        let Some(cursor) = &entry.cursor else { return };
        if self.last.as_ref().is_some_and(|last| cursor.is_known_to(last)) {
            return count(&self.counters.known, 1);
        }
        if entry.has_message() && self.filter.wants(&entry) {
            if !entry.line(&mut self.line) {
                count(&self.counters.cut, 1);
            }
            self.block.push(&self.line);
        } else {
            count(&self.counters.unwanted, 1);
        }
        self.last = entry.cursor;
    }

    fn broken(&mut self, why: &'static str, cursor: Option<Cursor>) {
        count(&self.counters.broken, 1);
        let near = cursor.as_ref().or(self.last.as_ref()).map_or("", Cursor::text).to_owned();
        self.tell(JournalEvent::Broken { why, near });
        // The child is not to be started again before what it cannot write.
        if let Some(cursor) = cursor {
            self.last = Some(cursor);
        }
    }

    /// Adds the lines to the spool, and waits for room; `false` when it was stopped before. What is not spooled then will be read again.
    fn deliver(&mut self) -> bool {
        while self.spool.append_block(&self.block).is_err() {
            loop {
                self.spool.wait_for_room(FULL_WAIT);
                if self.stop.is_stopped() {
                    return false;
                }
                // Asked first, so that the spool counts no refusals that lose nothing.
                if self.spool.has_room(self.block.bytes().len() as u64) {
                    break;
                }
            }
        }
        count(&self.counters.spooled, self.block.lines());
        self.block.clear();
        !self.stop.is_stopped()
    }
}
