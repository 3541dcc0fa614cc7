//! How fast a tenant is asked: a share of what Microsoft allows, and longer pauses the longer it fails.

use std::collections::VecDeque;
use std::time::Duration;

use vigie_shipping::Backoff;

/// Microsoft counts the requests of the last five minutes.
const PERIOD: Duration = Duration::from_secs(300);
/// After what may pass by itself: a server that is busy, an answer that was cut off.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(300);
/// Throttled without a word how long.
const THROTTLED: Duration = Duration::from_secs(30);
/// The longest that Microsoft may make us wait; it asks for minutes.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(900);
/// After what only a person can set right. A permission that was granted takes minutes, or hours, to be known everywhere.
const PERSON: Duration = Duration::from_secs(600);

/// When the next request may go.
#[derive(Debug)]
pub(crate) struct Pace {
    requests_max: usize,
    /// When the requests of the last five minutes went.
    went: VecDeque<Duration>,
    not_before: Duration,
    backoff: Backoff,
}

impl Pace {
    pub(crate) fn new(requests_max: u64, seed: u64) -> Self {
        Pace {
            requests_max: usize::try_from(requests_max).unwrap_or(usize::MAX).max(1),
            went: VecDeque::new(),
            not_before: Duration::ZERO,
            backoff: Backoff::new(RETRY_MIN, RETRY_MAX, seed),
        }
    }

    /// When the next request may go: now, or later.
    pub(crate) fn free_at(&mut self, now: Duration) -> Duration {
        while self.went.front().is_some_and(|went| *went + PERIOD <= now) {
            self.went.pop_front();
        }
        let full = self.went.len() >= self.requests_max;
        let room = if full { self.went.front().map_or(now, |went| *went + PERIOD) } else { now };
        room.max(self.not_before).max(now)
    }

    /// One goes now.
    pub(crate) fn goes(&mut self, now: Duration) {
        self.went.push_back(now);
    }

    /// It was answered as it should.
    pub(crate) fn is_well(&mut self) {
        self.backoff.reset();
    }

    /// It failed, and may go well next time.
    pub(crate) fn failed(&mut self, now: Duration) {
        self.not_before = now + self.backoff.next();
    }

    /// Microsoft asks to wait; never shorter than it says, as far as that is sensible.
    pub(crate) fn throttled(&mut self, now: Duration, asked: Option<Duration>) -> Duration {
        let grown = self.backoff.next();
        let wait = asked.unwrap_or(THROTTLED + grown).clamp(RETRY_MIN, WAIT_MAX);
        self.not_before = now + wait;
        wait
    }

    /// Nothing will change by itself soon.
    pub(crate) fn needs_a_person(&mut self, now: Duration) {
        self.not_before = now + PERSON;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_five_minutes_have_more_requests_than_they_may() {
        let mut pace = Pace::new(10, 1);
        let (mut now, mut went) = (Duration::ZERO, Vec::new());
        for _ in 0..95 {
            now = pace.free_at(now);
            pace.goes(now);
            went.push(now);
            now += SECOND;
        }
        for (index, first) in went.iter().enumerate() {
            let within = went[index..].iter().filter(|at| **at < *first + PERIOD).count();
            assert!(within <= 10, "{within} from {first:?} on");
        }
        assert_eq!(went[94], went[84] + PERIOD, "and not fewer than they may");
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_within_reason() {
        let mut pace = Pace::new(10, 1);
        assert_eq!(pace.throttled(SECOND, Some(17 * SECOND)), 17 * SECOND);
        assert_eq!(pace.free_at(SECOND), 18 * SECOND);
        assert_eq!(pace.throttled(SECOND, Some(Duration::from_secs(1 << 40))), WAIT_MAX);
        assert_eq!(pace.throttled(SECOND, Some(Duration::ZERO)), RETRY_MIN);
        let unsaid = pace.throttled(SECOND, None);
        assert!(unsaid >= THROTTLED && unsaid <= WAIT_MAX, "{unsaid:?}");
    }

    #[test]
    fn failures_are_tried_again_ever_later_and_never_too_late() {
        let mut pace = Pace::new(1000, 1);
        let mut waits = Vec::new();
        for _ in 0..30 {
            pace.failed(SECOND);
            waits.push(pace.free_at(SECOND) - SECOND);
        }
        assert!(waits[0] <= RETRY_MIN && waits[29] > RETRY_MAX / 2 && waits[29] <= RETRY_MAX, "{waits:?}");
        pace.is_well();
        pace.failed(SECOND);
        assert!(pace.free_at(SECOND) <= SECOND + RETRY_MIN);
    }
}
