//! What each live source brought lately, for those who watch. Kept in memory: what must last is in the table `coverage`.

use std::collections::{BTreeMap, VecDeque};

use vigie_lake::Coverage;
use vigie_model::{MICROS_PER_SECOND, Micros, Text};

/// Sources remembered; of more, the one that was silent longest is forgotten.
const SOURCES_MAX: usize = 10_000;
/// Lines per second are told of so many seconds.
const RATE_SECONDS: i64 = 60;

/// What all sources brought since the program began.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    sources: BTreeMap<Text, SourceActivity>,
}

/// What one source brought since the program began.
#[derive(Clone, Debug, Default)]
pub struct SourceActivity {
    pub lines: u64,
    pub unknown: u64,
    /// The time that the newest line says of those that came last.
    pub last_ts: Micros,
    /// When something of it was stored last, by this machine's clock.
    pub arrived_at: Micros,
    /// When the first of it was.
    pub since: Micros,
    /// Lines of the last seconds that had some, oldest first.
    seconds: VecDeque<(i64, u64)>,
}

impl Activity {
    /// Adds what a commit stored at `now`, by this machine's clock.
    pub fn add(&mut self, rows: &[Coverage], now: Micros) {
        for row in rows.iter().filter(|row| !row.source.is_empty()) {
            let source = self.sources.entry(row.source.clone()).or_default();
            source.add(row, now);
        }
        while self.sources.len() > SOURCES_MAX {
            let silent = self.sources.iter().min_by_key(|(_, source)| source.arrived_at);
            let Some(name) = silent.map(|(name, _)| name.clone()) else { return };
            self.sources.remove(&name);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Text, &SourceActivity)> {
        self.sources.iter()
    }
}

impl SourceActivity {
    fn add(&mut self, row: &Coverage, now: Micros) {
        if self.lines == 0 {
            self.since = now;
        }
        self.lines += row.lines;
        self.unknown += row.unknown;
        // Of this commit alone: one line with a wrong clock must not hide how late all others are.
        self.last_ts = if self.arrived_at == now { self.last_ts.max(row.last_ts) } else { row.last_ts };
        self.arrived_at = now;
        let second = now.div_euclid(MICROS_PER_SECOND);
        match self.seconds.back_mut() {
            Some((last, lines)) if *last == second => *lines += row.lines,
            _ => self.seconds.push_back((second, row.lines)),
        }
        while self.seconds.front().is_some_and(|(first, _)| *first <= second - RATE_SECONDS) {
            self.seconds.pop_front();
        }
    }

    /// Over the last minute; of a younger source, over its time.
    pub fn lines_per_second(&self, now: Micros) -> f64 {
        let second = now.div_euclid(MICROS_PER_SECOND);
        let lately = self.seconds.iter().filter(|(at, _)| *at > second - RATE_SECONDS);
        let lines: u64 = lately.map(|(_, lines)| lines).sum();
        let known = (now - self.since).div_euclid(MICROS_PER_SECOND) + 1;
        lines as f64 / known.clamp(1, RATE_SECONDS) as f64
    }

    /// How old its newest line was when it was stored, by the clocks of both machines.
    pub fn lag(&self) -> Micros {
        self.arrived_at - self.last_ts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(source: &str, lines: u64, last_ts: Micros) -> Coverage {
        Coverage { source: source.into(), lines, last_ts, ..Coverage::default() }
    }

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let mut activity = Activity::default();
        for second in 0..120 {
            let now = second * MICROS_PER_SECOND;
            activity.add(&[row("a", if second < 60 { 100 } else { 5 }, now)], now + 7);
        }
        let (_, source) = activity.iter().next().expect("one source");
        assert_eq!((source.lines, source.lag()), (6_300, 7));
        assert_eq!(source.lines_per_second(119 * MICROS_PER_SECOND), 5.0);
        assert_eq!(source.lines_per_second(149 * MICROS_PER_SECOND), 2.5);
        assert_eq!(source.lines_per_second(500 * MICROS_PER_SECOND), 0.0);
    }

    #[test]
    fn a_young_source_is_measured_over_its_time_and_files_are_none() {
        let mut activity = Activity::default();
        activity.add(&[row("", 9, 1), row("a", 50, 1)], 0);
        activity.add(&[row("a", 50, 2)], MICROS_PER_SECOND);
        assert_eq!(activity.iter().count(), 1);
        let (_, source) = activity.iter().next().expect("one source");
        assert_eq!(source.lines_per_second(4 * MICROS_PER_SECOND), 20.0);
    }
}
