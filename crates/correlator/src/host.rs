//! One host: its records in, its facts out, and its open state saved and restored.

use serde::{Deserialize, Serialize};
use vigie_formats::{
    Record, dovecot,
    postfix::{Daemon, Origin},
};
use vigie_model::{Attempt, Hop, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, Rejection, Text};

use crate::{BEFORE_ALL, LINGER_MICROS, OpenHop, PassedOver, queue::Queue, store::Sessions, text::Detail};

/// A line this far behind the newest one is from a clock that was set back, not a late line.
const CLOCK_STEP_MICROS: Micros = MICROS_PER_HOUR;
/// A line this far ahead of the newest one may be from a clock that is wrong, or follow a long silence.
const CLOCK_LEAP_MICROS: Micros = 24 * MICROS_PER_HOUR;
/// So many such lines in a row, and the clock is believed. Until then nothing is let go of on their word.
const CLOCK_STEP_LINES: u32 = 50;
/// Saved states carry this, so that a state of another layout is refused and not misread.
const STATE_VERSION: u8 = 7;

/// Servers other than Postfix have no instances.
pub(crate) const NOBODY: Origin<'_> = Origin { daemon: Daemon::Other, name: b"", instance: b"" };

/// What lines gave. The caller empties it as often as it likes; the order inside carries no meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Boxed, because they are moved about far more often than looked at.
    pub hops: Vec<Box<Hop>>,
    pub attempts: Vec<Attempt>,
    pub rejections: Vec<Rejection>,
    /// Sessions that began a queue file and never filled it.
    pub aborted: u64,
}

/// The correlator of one host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Host {
    server: Text,
    queue: Queue,
    sessions: Sessions,
    /// Newest time seen.
    watermark: Micros,
    swept: Micros,
    /// Lines in a row that were far behind the newest time, or far ahead of it.
    behind: u32,
    ahead: u32,
}

/// A saved state that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("the saved correlator state has layout {found}, this program reads {STATE_VERSION}")]
    Version { found: u8 },
    #[error("the saved correlator state is damaged")]
    Damaged(#[source] postcard::Error),
}

impl Host {
    pub fn new(server: &str) -> Self {
        Self::of(server, Detail::Whole)
    }

    /// A correlator whose facts are linked and counted, and shown to nobody: texts that do neither stay empty.
    pub fn counting(server: &str) -> Self {
        Self::of(server, Detail::Counts)
    }

    fn of(server: &str, detail: Detail) -> Self {
        Self {
            server: server.into(),
            queue: Queue::new(detail),
            sessions: Sessions::default(),
            watermark: BEFORE_ALL,
            swept: BEFORE_ALL,
            behind: 0,
            ahead: 0,
        }
    }

    pub fn server(&self) -> &str {
        &self.server
    }

    /// Newest time seen; [`BEFORE_ALL`] before the first line.
    pub fn watermark(&self) -> Micros {
        self.watermark
    }

    /// Takes one line's record. Finished hops come out once no late line can change them.
    pub fn record(&mut self, ts: Micros, record: &Record<'_>, facts: &mut Facts) {
        if let Record::Copy(copy) = record {
            // Whenever it comes, it is the same fact, and says nothing of what time it is for the server's own lines.
            return facts.hops.extend(self.queue.copy(ts, copy, &self.server));
        }
        match record {
            Record::Postfix(origin, record) => self.queue.record(ts, origin, record, &self.server, facts),
            Record::Dovecot(dovecot::Record::Stored(stored)) => self.sessions.stored(ts, stored),
            Record::Filter(verdict) => self.queue.verdict(ts, verdict),
            Record::Statement(statement) => self.queue.statement(ts, statement, &self.server, facts),
            Record::Refused(refused) => self.queue.refused(ts, &NOBODY, refused, &self.server, facts),
            Record::Session(session) => self.queue.session(ts, session),
            Record::Content(inside) => self.queue.content(ts, inside),
            Record::Dovecot(_) | Record::Copy(_) | Record::Known | Record::Unknown | Record::Foreign => {}
        }
        self.advance(ts, facts);
    }

    fn advance(&mut self, ts: Micros, facts: &mut Facts) {
        if ts == self.watermark {
            // As most lines: time stands still, and what it closes was closed by the line before.
            (self.behind, self.ahead) = (0, 0);
            return;
        }
        if ts > self.watermark + CLOCK_LEAP_MICROS && self.watermark != BEFORE_ALL {
            (self.behind, self.ahead) = (0, self.ahead + 1);
            if self.ahead >= CLOCK_STEP_LINES {
                (self.watermark, self.ahead) = (ts, 0);
            }
        } else if ts < self.watermark - CLOCK_STEP_MICROS {
            (self.behind, self.ahead) = (self.behind + 1, 0);
            if self.behind >= CLOCK_STEP_LINES {
                (self.watermark, self.swept, self.behind) = (ts, ts, 0);
            }
        } else {
            self.watermark = self.watermark.max(ts);
            (self.behind, self.ahead) = (0, 0);
        }
        self.queue.close_before(self.watermark - LINGER_MICROS, &self.server, facts);
        if self.watermark - self.swept > 60 * MICROS_PER_SECOND || self.swept == BEFORE_ALL {
            self.swept = self.watermark;
            self.sessions.close_before(self.watermark, &self.server, facts);
            self.queue.sweep(self.watermark, &self.server, facts);
        }
    }

    /// What is not closed yet, as it stands: mail in the queue, and hops that just ended.
    pub fn open(&self) -> Vec<Hop> {
        let mut hops = self.queue.open(&self.server);
        self.sessions.open(&self.server, &mut hops);
        hops
    }

    /// As [`Host::open`], for linking.
    pub fn open_hops(&self) -> impl Iterator<Item = OpenHop<'_>> {
        self.queue.open_hops(&self.server).chain(self.sessions.open_hops(&self.server))
    }

    /// When the oldest message began that is not closed yet, or session that may still become one.
    pub fn oldest_open(&self) -> Option<Micros> {
        self.queue.oldest(self.watermark).into_iter().chain(self.sessions.oldest()).min()
    }

    /// As [`Host::oldest_open`], but messages that began before `until` are passed over.
    pub fn oldest_open_after(&self, until: Micros, passed_over: &mut PassedOver) -> Option<Micros> {
        let oldest = self.queue.oldest_after(until, self.watermark, passed_over);
        oldest.into_iter().chain(self.sessions.oldest()).min()
    }

    /// Entries kept in memory.
    pub fn open_count(&self) -> usize {
        self.queue.len() + self.sessions.len()
    }

    /// The whole state as bytes; [`Host::restore`] goes on from it as if nothing had happened.
    pub fn snapshot(&self) -> Vec<u8> {
        // Serialising plain data into a vector has no way to fail.
        postcard::to_extend(self, vec![STATE_VERSION]).unwrap_or_default()
    }

    pub fn restore(bytes: &[u8]) -> Result<Self, RestoreError> {
        match bytes.split_first() {
            Some((&STATE_VERSION, state)) => {
                let mut host: Self = postcard::from_bytes(state).map_err(RestoreError::Damaged)?;
                host.queue.tell_apart();
                Ok(host)
            }
            Some((&found, _)) => Err(RestoreError::Version { found }),
            None => Err(RestoreError::Version { found: 0 }),
        }
    }
}
