//! Which time to read next.
//!
//! Rows come late and change, so the last two days are read again and again: a *sweep* goes from the durable second to now, in windows,
//! the oldest first. The durable second is what outlives a restart: everything received before it was read when it was two days old at
//! least, and is not read again. It is also where a collector goes on that was away for a week.
//!
//! A large tenant's sweep takes many requests, so that the next begins the later the more the last one took. Between, and in the middle
//! of one, a *glance* reads the last hour.

use std::time::Duration;

/// How old a row may be and still change: Microsoft keeps a message in its queues for a day, and this long it is told of.
pub const AGAIN_S: i64 = 48 * 3600;
/// What Graph keeps: 90 days, counted from midnight in its own way.
pub const HISTORY_S: i64 = 90 * 86_400;
/// So much of that is left out, that no request asks for more than there is.
const HISTORY_SPARE_S: i64 = 3600;
/// Graph refuses a time that is still to come, and what was received a moment ago is not there yet anyway.
const LAG_S: i64 = 60;
/// What a glance reads.
const GLANCE_S: i64 = 3600;
/// The longest window that Graph takes.
const WINDOW_S_MAX: i64 = 10 * 86_400;
/// The shortest that is tried.
const WINDOW_S_MIN: i64 = 60;
/// The first one of a sweep.
const WINDOW_S: i64 = 86_400;
/// A window of more pages is followed by a shorter one: what was read of it is lost when it fails at the end.
const WINDOW_PAGES: u64 = 20;
/// A sweep of so many pages may go with each poll. One page has two megabytes at most.
const SWEEP_PAGES: u64 = 4;

/// Why a window is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Because it may have changed, or was never read.
    Sweep,
    /// To know early.
    Glance,
}

/// A time to read, in seconds since 1970. Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Why.
    pub kind: Kind,
    /// From.
    pub start: i64,
    /// To.
    pub end: i64,
}

/// What is under way.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    /// Up to here it is read.
    at: i64,
    until: i64,
    began: Duration,
    pages: u64,
}

#[derive(Debug)]
pub(crate) struct Plan {
    every: Duration,
    history_s: i64,
    durable: Option<i64>,
    /// Up to here everything was read once since the start.
    read: i64,
    span_s: i64,
    sweep: Option<Sweep>,
    sweep_due: Duration,
    glance_due: Duration,
}

/// What is to be read, or when to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Read(Window),
    /// Nothing before this moment.
    At(Duration),
}

impl Plan {
    pub(crate) fn new(every: Duration, history_days: u64, durable: Option<i64>) -> Self {
        Plan {
            every,
            history_s: i64::try_from(history_days).unwrap_or(i64::MAX / 86_400) * 86_400,
            durable,
            read: i64::MIN,
            span_s: WINDOW_S,
            sweep: None,
            sweep_due: Duration::ZERO,
            glance_due: Duration::ZERO,
        }
    }

    /// Everything received before this was read for good.
    pub(crate) fn durable(&self) -> Option<i64> {
        self.durable
    }

    /// What is next. `floor`: rows received before are not known any more. Seconds that Graph no longer has are told to `lost`, once.
    pub(crate) fn next(&mut self, wall: i64, steady: Duration, floor: i64, lost: &mut Option<(i64, i64)>) -> Next {
        let until = wall - LAG_S;
        if self.sweep.is_none() && self.sweep_due <= steady {
            self.begin_sweep(wall, steady, floor, lost);
        }
        let glance = Window { kind: Kind::Glance, start: until - GLANCE_S, end: until };
        match self.sweep {
            // What is read soon anyway needs no glance.
            Some(sweep) if self.glance_due <= steady && sweep.at + self.span_s < glance.start => Next::Read(glance),
            Some(sweep) => {
                let end = (sweep.at + self.span_s).min(sweep.until);
                Next::Read(Window { kind: Kind::Sweep, start: sweep.at, end })
            }
            None if self.glance_due <= steady => Next::Read(glance),
            None => Next::At(self.sweep_due.min(self.glance_due)),
        }
    }

    fn begin_sweep(&mut self, wall: i64, steady: Duration, floor: i64, lost: &mut Option<(i64, i64)>) {
        let until = wall - LAG_S;
        let oldest = wall - HISTORY_S + HISTORY_SPARE_S;
        let mut durable = self.durable.unwrap_or((wall - self.history_s).max(oldest));
        if durable < oldest {
            *lost = Some((durable, oldest));
            durable = oldest;
        }
        if durable >= until {
            // It was kept when a clock was wrong.
            durable = wall - AGAIN_S;
        }
        self.durable = Some(durable);
        // What is not known any more is not read again; but what was never read is.
        let at = durable.max(floor.min(self.read)).min(until - 1);
        self.sweep = Some(Sweep { at, until, began: steady, pages: 0 });
    }

    /// A window was read to its end and is on disk; `asked` is when its reading began.
    pub(crate) fn is_read(&mut self, window: Window, asked: i64, pages: u64, steady: Duration) {
        if window.kind == Kind::Glance {
            self.glance_due = steady + self.every;
            return;
        }
        let Some(mut sweep) = self.sweep.take() else { return };
        sweep.at = window.end;
        sweep.pages += pages;
        self.read = self.read.max(window.end);
        let read_for_good = window.end.min(asked - AGAIN_S);
        self.durable = Some(self.durable.unwrap_or(read_for_good).max(read_for_good));
        if pages <= 1 {
            self.span_s = (self.span_s * 2).min(WINDOW_S_MAX);
        } else if pages > WINDOW_PAGES {
            self.shorten(2);
        }
        if sweep.at < sweep.until {
            self.sweep = Some(sweep);
            return;
        }
        let times = u32::try_from(sweep.pages.div_ceil(SWEEP_PAGES).max(1)).unwrap_or(u32::MAX);
        self.sweep_due = (sweep.began + self.every.saturating_mul(times)).max(steady);
        self.glance_due = steady + self.every;
    }

    /// A window has too many rows, or some seem to be missing: it is read in parts, a glance by the next sweep. `false` when it is as
    /// short as can be.
    pub(crate) fn split(&mut self, window: Window, parts: i64, steady: Duration) -> bool {
        self.failed(window, steady);
        if window.kind == Kind::Glance {
            return true;
        }
        self.span_s = self.span_s.min(window.end - window.start);
        let is_long = self.span_s > WINDOW_S_MIN;
        self.shorten(parts);
        is_long
    }

    /// A window failed. A sweep begins it again; a glance is left for the next.
    pub(crate) fn failed(&mut self, window: Window, steady: Duration) {
        if window.kind == Kind::Glance {
            self.glance_due = steady + self.every;
        }
    }

    fn shorten(&mut self, parts: i64) {
        self.span_s = (self.span_s / parts.max(1)).max(WINDOW_S_MIN);
    }
}

#[cfg(test)]
mod tests;
