//! When to look again for a file that has gone.

use std::time::Duration;

use super::LINGER;

/// The first pause between two attempts; each next one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);

/// A search for a stream's bytes: a file that is just being packed may be found a little later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    next: Duration,
    pause: Duration,
    end: Duration,
}

impl Search {
    pub fn begin(now: Duration) -> Self {
        Search { next: now, pause: PAUSE, end: now + LINGER }
    }

    /// A search that waits first: what was found just now was no good.
    pub fn later(now: Duration) -> Self {
        Search { next: now + PAUSE, ..Self::begin(now) }
    }

    /// Whether it is time for an attempt.
    pub fn is_due(&self, now: Duration) -> bool {
        now >= self.next
    }

    /// An attempt found nothing; whether there will be another.
    pub fn goes_on(&mut self, now: Duration) -> bool {
        self.next = now + self.pause;
        self.pause *= 2;
        now < self.end
    }
}
