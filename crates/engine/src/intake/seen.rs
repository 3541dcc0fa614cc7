//! Which lines are known already, where the same line may stand in several files.
//!
//! A line's identity is its host, its bytes and its count: equal lines in one file are legal, so of a line that stands twice
//! in one file and three times in another, three are kept.

use rustc_hash::{FxHashMap, FxHashSet};
use vigie_model::{MICROS_PER_HOUR, Micros};
use xxhash_rust::xxh3::xxh3_64;

/// The identity of a line's bytes.
pub fn line_hash(raw: &[u8]) -> i64 {
    xxh3_64(raw).cast_signed()
}

/// Lines seen, by host and hour.
#[derive(Debug, Default)]
pub struct Seen {
    hours: FxHashMap<(usize, i64), FxHashMap<i64, Counts>>,
    /// Hours whose stored lines were asked for.
    loaded: FxHashSet<(usize, i64)>,
    /// Hours that hold stored lines: every line of them must be compared.
    watched: FxHashSet<(usize, i64)>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Copies kept so far, stored or new.
    kept: u32,
    /// Copies met in each file of this run. Nearly always one.
    files: Vec<(usize, u32)>,
}

impl Counts {
    fn met_in(&mut self, file: usize) -> &mut u32 {
        let at = self.files.iter().position(|(known, _)| *known == file).unwrap_or_else(|| {
            self.files.push((file, 0));
            self.files.len() - 1
        });
        &mut self.files[at].1
    }
}

fn hour(ts: Micros) -> i64 {
    ts.div_euclid(MICROS_PER_HOUR)
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
        self.loaded.insert((host, hour)).then(|| hour * MICROS_PER_HOUR..(hour + 1) * MICROS_PER_HOUR)
    }

    /// A stored line. `file` is the one that it came from, where that goes on from behind it in this run.
    pub fn add_stored(&mut self, host: usize, ts: Micros, hash: i64, file: Option<usize>) {
        let key = (host, hour(ts));
        self.watched.insert(key);
        let counts = self.hours.entry(key).or_default().entry(hash).or_default();
        counts.kept += 1;
        if let Some(file) = file {
            *counts.met_in(file) += 1;
        }
    }

    /// Forgets the lines of a host and hour: those that are stored come with [`Seen::add_stored`].
    pub fn begin_hour(&mut self, host: usize, ts: Micros) {
        self.hours.remove(&(host, hour(ts)));
    }

    /// Takes a line of a file; says whether it is one more than is kept.
    pub fn is_new(&mut self, host: usize, ts: Micros, hash: i64, file: usize) -> bool {
        let counts = self.hours.entry((host, hour(ts))).or_default().entry(hash).or_default();
        let met = counts.met_in(file);
        *met += 1;
        let met = *met;
        let is_new = met > counts.kept;
        counts.kept = counts.kept.max(met);
        is_new
    }

    /// Lets go of what no file can bring again.
    pub fn forget_before(&mut self, ts: Micros) {
        let limit = hour(ts);
        if self.hours.len() > 2 || self.watched.len() > 2 {
            self.hours.retain(|(_, hour), _| *hour >= limit);
            self.watched.retain(|(_, hour)| *hour >= limit);
            // A clock that was set back comes to such an hour again: then its stored lines are asked for once more.
            self.loaded.retain(|(_, hour)| *hour >= limit);
        }
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
}
