//! Which lines are known already, where the same line may stand in several files.
//!
//! A line's identity is its host, its bytes and its count: equal lines in one file are legal, so of a line that stands twice
//! in one file and three times in another, three are kept.

use rustc_hash::{FxHashMap, FxHashSet};
use vigie_model::{MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use xxhash_rust::xxh3::xxh3_64;

const MICROS_PER_MINUTE: Micros = 60 * MICROS_PER_SECOND;
const MINUTES_PER_HOUR: i64 = 60;
/// Minutes of a host that stay, wherever others are.
const LAST_MINUTES: i64 = 3;

/// The identity of a line's bytes.
pub fn line_hash(raw: &[u8]) -> i64 {
    xxh3_64(raw).cast_signed()
}

/// Lines seen, by host and time.
#[derive(Debug, Default)]
pub struct Seen {
    minutes: FxHashMap<(usize, i64), FxHashMap<i64, Counts>>,
    /// Hours whose stored lines were asked for, and the turn in which that was last of use.
    loaded: FxHashMap<(usize, i64), u32>,
    /// Hours whose stored lines were asked for, or that hold some: every line of them must be compared.
    watched: FxHashSet<(usize, i64)>,
    /// The newest line of each host that was compared.
    newest: FxHashMap<usize, Micros>,
    turn: u32,
    forgotten_until: i64,
}

/// There is one for each line of some minutes, so it is small.
#[derive(Debug, Default)]
struct Counts {
    /// Copies kept so far, stored or new.
    kept: u32,
    /// The file that the line was met in first, and how many times.
    file: u32,
    met: u32,
    /// The same of other files.
    others: Box<[(u32, u32)]>,
}

impl Counts {
    fn met_in(&mut self, file: usize) -> &mut u32 {
        let file = file as u32;
        if self.met == 0 {
            self.file = file;
        }
        if self.file == file {
            return &mut self.met;
        }
        let known = self.others.iter().position(|(known, _)| *known == file);
        let at = known.unwrap_or_else(|| {
            let mut others = std::mem::take(&mut self.others).into_vec();
            others.push((file, 0));
            self.others = others.into_boxed_slice();
            self.others.len() - 1
        });
        &mut self.others[at].1
    }
}

fn hour(ts: Micros) -> i64 {
    ts.div_euclid(MICROS_PER_HOUR)
}

fn minute(ts: Micros) -> i64 {
    ts.div_euclid(MICROS_PER_MINUTE)
}

impl Seen {
    /// Must lines of this host and hour be compared with stored ones?
    pub fn watches(&self, host: usize, ts: Micros) -> bool {
        !self.watched.is_empty() && self.watched.contains(&(host, hour(ts)))
    }

    /// Is this the first call for this host and hour? Then the stored lines of that hour should be given with
    /// [`Seen::add_stored`]; the range of the hour comes back.
    pub fn load(&mut self, host: usize, ts: Micros) -> Option<std::ops::Range<Micros>> {
        let hour = hour(ts);
        let is_first = self.loaded.insert((host, hour), self.turn).is_none();
        is_first.then(|| hour * MICROS_PER_HOUR..(hour + 1) * MICROS_PER_HOUR)
    }

    /// All lines of this hour are to be compared, also if none is stored yet.
    pub fn watch(&mut self, host: usize, ts: Micros) {
        self.watched.insert((host, hour(ts)));
    }

    /// A stored line. `file` is the one that it came from, where that goes on from behind it in this run.
    pub fn add_stored(&mut self, host: usize, ts: Micros, hash: i64, file: Option<usize>) {
        self.watched.insert((host, hour(ts)));
        let counts = self.counts(host, ts, hash);
        counts.kept += 1;
        if let Some(file) = file {
            *counts.met_in(file) += 1;
        }
    }

    /// Forgets the lines of a host and hour: those that are stored come with [`Seen::add_stored`].
    pub fn begin_hour(&mut self, host: usize, ts: Micros) {
        let first = hour(ts) * MINUTES_PER_HOUR;
        for minute in first..first + MINUTES_PER_HOUR {
            self.minutes.remove(&(host, minute));
        }
    }

    /// Takes a line of a file; says whether it is one more than is kept.
    pub fn is_new(&mut self, host: usize, ts: Micros, hash: i64, file: usize) -> bool {
        let newest = self.newest.entry(host).or_insert(ts);
        *newest = ts.max(*newest);
        let counts = self.counts(host, ts, hash);
        let met = counts.met_in(file);
        *met += 1;
        let met = *met;
        let is_new = met > counts.kept;
        counts.kept = counts.kept.max(met);
        is_new
    }

    fn counts(&mut self, host: usize, ts: Micros, hash: i64) -> &mut Counts {
        self.minutes.entry((host, minute(ts))).or_default().entry(hash).or_default()
    }

    /// Lets go of what no file can bring again: whole minutes, and hours of stored lines that were of no use since the last time. Of a
    /// host whose lines are older than that, the last minutes stay.
    pub fn forget_before(&mut self, ts: Micros) {
        if minute(ts) == self.forgotten_until {
            return;
        }
        self.forgotten_until = minute(ts);
        let (limit, turn) = (hour(ts), self.turn);
        // A clock that was set back comes to such an hour again: then its stored lines are asked for once more.
        self.loaded.retain(|(_, hour), used| *hour >= limit || *used == turn);
        self.watched.retain(|hour| self.loaded.contains_key(hour));
        let (limit, watched, newest) = (minute(ts), &self.watched, &self.newest);
        let limit_of = |host: usize| newest.get(&host).map_or(limit, |ts| limit.min(minute(*ts) - LAST_MINUTES));
        self.minutes.retain(|(host, minute), _| {
            *minute >= limit_of(*host) || watched.contains(&(*host, minute.div_euclid(MINUTES_PER_HOUR)))
        });
        self.turn = turn.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_copies_in_several_files_the_largest_count_is_kept() {
        let mut seen = Seen::default();
        let first: Vec<bool> = (0..2).map(|_| seen.is_new(0, 0, 7, 1)).collect();
        let second: Vec<bool> = (0..3).map(|_| seen.is_new(0, 0, 7, 2)).collect();
        assert_eq!((first, second), (vec![true, true], vec![false, false, true]));
        assert!(seen.is_new(1, 0, 7, 2), "another host's line is another line");
    }

    #[test]
    fn stored_lines_are_no_news() {
        let mut seen = Seen::default();
        assert!(seen.load(0, 5).is_some() && seen.load(0, 6).is_none());
        seen.add_stored(0, 5, 42, None);
        assert!(seen.watches(0, 9) && !seen.watches(0, MICROS_PER_HOUR));
        assert!(!seen.is_new(0, 5, 42, 1) && seen.is_new(0, 5, 42, 1));
    }

    /// Of two streams with the same lines one may be there when the hour is empty: what the other brings then is compared.
    #[test]
    fn an_hour_that_was_empty_may_be_watched() {
        let mut seen = Seen::default();
        assert!(seen.load(0, 5).is_some() && !seen.watches(0, 9));
        seen.watch(0, 5);
        assert!(seen.watches(0, 9) && !seen.watches(0, MICROS_PER_HOUR));
        assert!(seen.is_new(0, 9, 42, 1) && seen.load(0, 6).is_none() && !seen.is_new(0, 9, 42, 2));
    }

    /// A host whose log is of yesterday is no less read in two files.
    #[test]
    fn the_last_minutes_of_each_host_stay() {
        let mut seen = Seen::default();
        assert!(seen.is_new(0, 5, 42, 1) && seen.is_new(1, 9 * MICROS_PER_HOUR, 42, 1));
        seen.forget_before(8 * MICROS_PER_HOUR);
        assert!(!seen.is_new(0, 5, 42, 2));
        assert!(seen.is_new(0, MICROS_PER_HOUR, 43, 1));
        seen.forget_before(7 * MICROS_PER_HOUR);
        assert!(seen.is_new(0, 5, 42, 3));
    }

    /// Half a million lines of a busy hour must not stay for an hour.
    #[test]
    fn minutes_that_are_over_are_forgotten() {
        let mut seen = Seen::default();
        for second in 0..3_600 {
            let ts = second * MICROS_PER_SECOND;
            assert!(seen.is_new(0, ts, second, 1) && !seen.is_new(0, ts, second, 2));
            seen.forget_before(ts - 2 * MICROS_PER_MINUTE);
            assert!(seen.minutes.len() <= 4, "{} minutes", seen.minutes.len());
        }
        assert!(!seen.is_new(0, 3_500 * MICROS_PER_SECOND, 3_500, 3));
    }

    #[test]
    fn hours_of_stored_lines_stay_as_long_as_somebody_reads_there() {
        let mut seen = Seen::default();
        for minute in 0..200 {
            let loads = seen.load(0, 5).is_some();
            assert_eq!(loads, minute == 0, "minute {minute}");
            if loads {
                seen.add_stored(0, 5, 42, None);
            }
            seen.forget_before((9 * 60 + minute) * MICROS_PER_MINUTE);
            assert!(seen.watches(0, 5));
        }
        seen.forget_before(24 * MICROS_PER_HOUR);
        assert!(!seen.watches(0, 5) && seen.minutes.is_empty());
        assert!(seen.load(0, 5).is_some());
    }
}
