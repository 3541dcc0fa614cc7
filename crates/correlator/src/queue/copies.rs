//! Refusals that a server logs twice into one log.

use std::{cmp::Reverse, collections::BinaryHeap};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use vigie_model::{MICROS_PER_SECOND, Micros};

/// The two lines are written one right after the other.
const APART_MICROS_MAX: Micros = MICROS_PER_SECOND;
/// Refusals remembered: far more than a server logs in some seconds.
const REMEMBERED_MAX: usize = 100_000;

/// Refusals whose copy may still come, by their mark.
///
/// Of equal lines every second one is the copy. Where the server logs once after all, and refuses the same thing twice within a
/// second in one session, the two count as one: nothing in the lines tells that apart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Copies {
    single: FxHashMap<u64, Vec<Micros>>,
    /// In order of time, for forgetting.
    times: BinaryHeap<Reverse<(Micros, u64)>>,
}

impl Copies {
    /// Is this the second line of a refusal? Each of them answers for one other.
    pub fn is_copy(&mut self, ts: Micros, mark: u64) -> bool {
        let single = self.single.entry(mark).or_default();
        if let Some(at) = single.iter().position(|known| (known - ts).abs() <= APART_MICROS_MAX) {
            single.swap_remove(at);
            if single.is_empty() {
                self.single.remove(&mark);
            }
            return true;
        }
        single.push(ts);
        self.times.push(Reverse((ts, mark)));
        if self.times.len() > REMEMBERED_MAX {
            self.forget_first();
        }
        false
    }

    pub fn forget_before(&mut self, limit: Micros) {
        while self.times.peek().is_some_and(|Reverse((ts, _))| *ts < limit) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(Reverse((ts, mark))) = self.times.pop() else { return };
        let Some(single) = self.single.get_mut(&mark) else { return };
        single.retain(|known| *known != ts);
        if single.is_empty() {
            self.single.remove(&mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_lines_every_second_one_is_a_copy() {
        let mut copies = Copies::default();
        let found: Vec<bool> = (0..4).map(|_| copies.is_copy(0, 7)).collect();
        assert_eq!(found, [false, true, false, true]);
        assert!(!copies.is_copy(0, 8), "another refusal");
        assert!(!copies.is_copy(APART_MICROS_MAX + 1, 8), "too late for a copy");
    }

    #[test]
    fn what_is_remembered_has_a_bound_although_the_clock_stands_still() {
        let mut copies = Copies::default();
        for mark in 1..=2 * REMEMBERED_MAX as u64 {
            assert!(!copies.is_copy(0, mark));
        }
        assert_eq!((copies.times.len(), copies.single.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        copies.forget_before(1);
        assert_eq!((copies.times.len(), copies.single.len()), (0, 0));
    }
}
