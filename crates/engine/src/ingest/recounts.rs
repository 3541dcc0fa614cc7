//! When facts and journeys are derived anew because lines came late: seldom enough that storing goes on.
//!
//! A recount reads everything that is stored of a host. A backlog brings late lines with every commit, and a recount after each would
//! take longer and longer; so it waits until no more come, for a bounded time, and rests after it has run.

use std::time::{Duration, Instant};

/// Without late lines for so long, they are believed to be all there.
const QUIET: Duration = Duration::from_secs(2);
/// Late lines are not waited for longer than this.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// After a recount, so many times as long as it took there is none: recounting takes a fifth of the time at most.
const REST: u32 = 4;

#[derive(Default)]
pub struct Recounts {
    /// When the first and the last late line came that are not counted.
    late: Option<(Instant, Instant)>,
    rest_until: Option<Instant>,
}

impl Recounts {
    /// A commit brought something late.
    pub fn late(&mut self, now: Instant) {
        self.late = Some((self.late.map_or(now, |(first, _)| first), now));
    }

    /// How long until a recount; `None` when there is nothing to be recounted.
    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        let (first, last) = self.late?;
        let due = (last + QUIET).min(first + WAIT_MAX);
        let due = self.rest_until.map_or(due, |rest| due.max(rest));
        Some(due.saturating_duration_since(now))
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.due_in(now) == Some(Duration::ZERO)
    }

    pub fn done(&mut self, began: Instant, ended: Instant) {
        self.late = None;
        self.rest_until = Some(ended + REST * (ended - began));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn late_lines_without_end_are_waited_for_so_long_and_no_longer() {
        let begin = Instant::now();
        let mut recounts = Recounts::default();
        assert_eq!(recounts.due_in(begin), None);
        for second in 0..60 {
            recounts.late(begin + second * SECOND);
            assert!(!recounts.is_due(begin + second * SECOND), "after {second} s");
        }
        assert!(recounts.is_due(begin + WAIT_MAX));
    }

    #[test]
    fn a_single_late_line_is_counted_soon() {
        let begin = Instant::now();
        let mut recounts = Recounts::default();
        recounts.late(begin);
        assert_eq!(recounts.due_in(begin + SECOND), Some(SECOND));
        assert!(recounts.is_due(begin + 2 * SECOND));
    }

    #[test]
    fn after_a_long_recount_comes_a_longer_rest() {
        let begin = Instant::now();
        let mut recounts = Recounts::default();
        recounts.late(begin);
        recounts.done(begin, begin + 30 * SECOND);
        assert_eq!(recounts.due_in(begin + 30 * SECOND), None);
        recounts.late(begin + 31 * SECOND);
        assert!(!recounts.is_due(begin + 149 * SECOND));
        assert!(recounts.is_due(begin + 150 * SECOND));
    }
}
