//! The order in which the lines of a host were read, where it is not that of their times: a clock was set back.
//!
//! Lines are stored by time. In their log those that follow a clock's step back stand behind younger ones, and were read so: which
//! message a line belongs to may depend on it. What is read out of time is noted here, with the state, so that another reading of the
//! stored lines gives the same facts.

use std::{iter::Peekable, vec};

use serde::{Deserialize, Serialize};
use vigie_correlator::LATE_MICROS_MAX;
use vigie_lake::{LakeError, Line, Rows, Snapshot};
use vigie_model::{Micros, Text};

/// Steps back remembered of one host, and logs that follow one. Of a host with more the order is not known any more.
const TURNS_MAX: usize = 64;
const STRETCHES_MAX: usize = 64;

/// Which lines of a host were not read in order of time, and when they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingOrder {
    turns: Vec<Turn>,
    /// There were too many of them.
    is_lost: bool,
}

/// One step back: what was read from there on, until the clock had caught up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Turn {
    /// The newest time read before: these lines were read behind all up to it.
    behind: Micros,
    reached: Micros,
    stretches: Vec<Stretch>,
}

/// Lines of one log, in one piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    file: Text,
    /// Places of the first and the last line.
    offsets: (u64, u64),
    times: (Micros, Micros),
    lines: u64,
}

/// Where a line stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub ts: Micros,
    pub file: &'a str,
    pub offset: u64,
}

impl ReadingOrder {
    /// Takes the next line that is read; `newest` is the newest time read before it.
    pub fn note(&mut self, line: Place<'_>, newest: Micros) {
        let is_open = self.turns.last().is_some_and(|turn| turn.behind == newest && line.ts <= newest);
        let steps_back = line.ts < newest - LATE_MICROS_MAX;
        if !is_open && !steps_back || self.is_lost {
            return;
        }
        if is_open && self.go_on(line) || !steps_back {
            return;
        }
        let follows =
            self.turns.last().filter(|turn| turn.behind == newest && line.ts >= turn.reached - LATE_MICROS_MAX);
        if follows.is_none() {
            self.turns.push(Turn { behind: newest, reached: line.ts, stretches: Vec::new() });
        }
        let Some(turn) = self.turns.last_mut() else { return };
        turn.reached = turn.reached.max(line.ts);
        let times = (line.ts, line.ts);
        turn.stretches.push(Stretch { file: line.file.into(), offsets: (line.offset, line.offset), times, lines: 1 });
        if turn.stretches.len() > STRETCHES_MAX || self.turns.len() > TURNS_MAX {
            *self = Self { turns: Vec::new(), is_lost: true };
        }
    }

    /// Is the line the next one of a stretch of the last turn? Then that grows.
    fn go_on(&mut self, line: Place<'_>) -> bool {
        let Some(turn) = self.turns.last_mut() else { return false };
        let mut stretches = turn.stretches.iter_mut().rev();
        let Some(stretch) = stretches.find(|stretch| *stretch.file == *line.file) else { return false };
        if line.offset <= stretch.offsets.1 || line.ts < turn.reached - LATE_MICROS_MAX {
            return false;
        }
        stretch.offsets.1 = line.offset;
        stretch.times = (stretch.times.0.min(line.ts), stretch.times.1.max(line.ts));
        stretch.lines += 1;
        turn.reached = turn.reached.max(line.ts);
        true
    }

    /// Facts are derived anew, in the order that is known: from now on that is the order in which they were read.
    pub fn begin_again(&mut self) {
        self.is_lost = false;
    }

    /// Is it known in which order all lines were read?
    pub fn is_known(&self) -> bool {
        !self.is_lost
    }
}

impl Turn {
    fn holds(&self, line: &Line) -> bool {
        let is_in = |stretch: &Stretch| {
            *stretch.file == *line.file
                && (stretch.offsets.0..=stretch.offsets.1).contains(&line.offset)
                && (stretch.times.0..=stretch.times.1).contains(&line.ts)
        };
        self.stretches.iter().any(is_in)
    }

    fn times(&self) -> (Micros, Micros) {
        let first = self.stretches.iter().map(|stretch| stretch.times.0).min();
        let last = self.stretches.iter().map(|stretch| stretch.times.1).max();
        (first.unwrap_or(self.behind), last.unwrap_or(self.behind))
    }

    fn lines(&self) -> u64 {
        self.stretches.iter().map(|stretch| stretch.lines).sum()
    }
}

/// All stored lines of a host, in the order in which they were read, up to the little disorder that a correlator takes.
pub struct LinesAsRead<'a> {
    snapshot: &'a Snapshot,
    server: &'a str,
    in_time: Peekable<Rows<Line>>,
    turns: &'a [Turn],
    waiting: vec::IntoIter<&'a Turn>,
    next: Option<&'a Turn>,
    /// A turn's own lines, and how many there should be.
    out_of_time: Option<(&'a Turn, Rows<Line>)>,
    /// Lines of turns that were found, and that were noted: the difference is the lines whose place is not certain.
    found: u64,
}

impl<'a> LinesAsRead<'a> {
    pub fn new(snapshot: &'a Snapshot, server: &'a str, order: &'a ReadingOrder) -> Result<Self, LakeError> {
        let in_time = snapshot.lines_of(server, Micros::MIN, Micros::MAX)?.peekable();
        let mut waiting = order.turns.iter().collect::<Vec<_>>().into_iter();
        let next = waiting.next();
        Ok(Self { snapshot, server, in_time, turns: &order.turns, waiting, next, out_of_time: None, found: 0 })
    }

    /// After all lines: was each line read where it was read before?
    pub fn is_certain(&self) -> bool {
        self.found == self.turns.iter().map(Turn::lines).sum::<u64>()
    }

    fn next_out_of_time(&mut self) -> Option<Result<Line, LakeError>> {
        let (turn, lines) = self.out_of_time.as_mut()?;
        let turn = *turn;
        let next = lines.find(|line| line.as_ref().map_or(true, |line| turn.holds(line)));
        self.found += u64::from(next.is_some());
        next
    }

    /// Begins the next turn, if it is time for it.
    fn begin_turn(&mut self) -> Result<bool, LakeError> {
        self.out_of_time = None;
        let Some(turn) = self.next else { return Ok(false) };
        let is_due = match self.in_time.peek() {
            Some(Ok(line)) => line.ts > turn.behind,
            Some(Err(_)) => false,
            None => true,
        };
        if is_due {
            let (first, last) = turn.times();
            self.out_of_time = Some((turn, self.snapshot.lines_of(self.server, first, last + 1)?));
            self.next = self.waiting.next();
        }
        Ok(is_due)
    }
}

impl Iterator for LinesAsRead<'_> {
    type Item = Result<Line, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.next_out_of_time() {
                return Some(line);
            }
            match self.begin_turn() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
            let line = self.in_time.next()?;
            let is_of_a_turn = |line: &Line| self.turns.iter().any(|turn| turn.holds(line));
            if !line.as_ref().is_ok_and(is_of_a_turn) {
                return Some(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    fn noted(lines: &[(&str, Micros, u64)]) -> ReadingOrder {
        let (mut order, mut newest) = (ReadingOrder::default(), Micros::MIN / 4);
        for &(file, second, offset) in lines {
            order.note(Place { ts: second * SECOND, file, offset }, newest);
            newest = newest.max(second * SECOND);
        }
        order
    }

    /// Newest time before, lines, of each turn.
    fn turns(order: &ReadingOrder) -> Vec<(Micros, u64)> {
        order.turns.iter().map(|turn| (turn.behind / SECOND, turn.lines())).collect()
    }

    #[test]
    fn little_disorder_is_no_turn() {
        assert_eq!(noted(&[("a", 10, 0), ("a", 6, 9), ("a", 12, 20), ("b", 7, 0)]), ReadingOrder::default());
    }

    #[test]
    fn a_turn_ends_where_the_clock_has_caught_up() {
        let order = noted(&[("a", 100, 0), ("a", 50, 9), ("a", 98, 20), ("a", 100, 30), ("a", 101, 40), ("a", 99, 50)]);
        assert_eq!(turns(&order), [(100, 3)]);
    }

    #[test]
    fn two_logs_of_one_clock_and_a_rotation_are_one_turn_and_a_second_step_another() {
        let lines =
            [("a", 100, 70), ("a", 50, 80), ("b", 51, 9), ("a", 52, 90), ("a", 53, 0), ("b", 54, 20), ("a", 20, 9)];
        let order = noted(&lines);
        assert_eq!(turns(&order), [(100, 5), (100, 1)]);
        assert_eq!(order.turns[0].stretches.len(), 3);
    }

    #[test]
    fn of_too_many_steps_the_order_is_not_known() {
        let lines: Vec<(&str, Micros, u64)> =
            (0..200).map(|at| ("a", if at % 2 == 0 { 1_000 + at } else { 10 + at }, at as u64)).collect();
        let mut order = noted(&lines);
        assert!(!order.is_known());
        order.begin_again();
        assert_eq!(order, ReadingOrder::default());
    }
}
