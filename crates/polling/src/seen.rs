//! Which rows were spooled, and with what line: so that a row that is read again is spooled again only when it changed.
//!
//! Of a row two hashes are kept, of what it is called (trace id and recipient) and of its line, and when its message was received: 20
//! bytes on disk, 25 in memory. There is a bound. Where a tenant has more mail than that in two days, the oldest are forgotten, and
//! [`Seen::floor`] says from where on rows can still be told apart; before that nothing may be read again.

use std::collections::HashMap;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::graph::GraphRow;

/// So many fill a table of 2^20 places, 26 MB.
pub const ROWS_MAX: usize = 900_000;
/// What goes when there are too many: a tenth, so that it is not done for each row.
const FORGOTTEN_PART: usize = 10;

/// A row, by its hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) key: u64,
    pub(crate) line: u64,
    /// Seconds since 1970.
    pub(crate) received: u32,
}

impl Mark {
    /// Of a row and its line.
    pub(crate) fn of(row: &GraphRow, line: &[u8]) -> Mark {
        let mut key = Xxh3::new();
        // A row without an id is still told apart by its message.
        let named = [&row.id, &row.recipient].map(|word| word.text().to_ascii_lowercase());
        let spare = if named[0].is_empty() { row.message_id.text() } else { "" };
        for part in [&named[0], &named[1], spare] {
            key.update(part.as_bytes());
            key.update(&[0]);
        }
        Mark { key: key.digest(), line: xxh3_64(line), received: seconds(row.received) }
    }
}

/// Times beyond 2106 and before 1970 are nonsense, and kept as the last and the first.
fn seconds(received: i64) -> u32 {
    u32::try_from((received / 1_000_000).max(0)).unwrap_or(u32::MAX)
}

/// The rows that were spooled.
#[derive(Debug)]
pub struct Seen {
    rows: HashMap<u64, (u64, u32)>,
    rows_max: usize,
    floor: i64,
}

impl Seen {
    /// None yet, and never more than so many.
    pub fn new(rows_max: usize) -> Self {
        Seen { rows: HashMap::new(), rows_max: rows_max.max(1), floor: i64::MIN }
    }

    /// Is it to be spooled?
    pub(crate) fn is_news(&self, mark: &Mark) -> bool {
        self.rows.get(&mark.key).is_none_or(|(line, _)| *line != mark.line)
    }

    /// It is in the spool.
    pub(crate) fn add(&mut self, mark: Mark) {
        if self.rows.len() >= self.rows_max && !self.rows.contains_key(&mark.key) {
            self.forget_oldest();
        }
        self.rows.insert(mark.key, (mark.line, mark.received));
    }

    /// Lets go of what is not read again.
    pub(crate) fn forget_before(&mut self, second: i64) {
        self.rows.retain(|_, (_, received)| i64::from(*received) >= second);
    }

    /// Rows received before this second may have been forgotten although they could come again.
    pub fn floor(&self) -> i64 {
        self.floor
    }

    /// As [`Seen::floor`] was.
    pub(crate) fn raise_floor(&mut self, second: i64) {
        self.floor = self.floor.max(second);
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is none known?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> {
        self.rows.iter().map(|(&key, &(line, received))| Mark { key, line, received })
    }

    fn forget_oldest(&mut self) {
        let mut times: Vec<u32> = self.rows.values().map(|(_, received)| *received).collect();
        let part = (times.len() / FORGOTTEN_PART).min(times.len() - 1);
        let (_, last, _) = times.select_nth_unstable(part);
        // Its whole second goes, so that none of that second is known and another not.
        let floor = i64::from(*last) + 1;
        self.forget_before(floor);
        self.raise_floor(floor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Word;

    fn row(id: &str, recipient: &str) -> GraphRow {
        let word = |text: &str| Word::Text(text.to_owned());
        GraphRow { id: word(id), recipient: word(recipient), received: 1_000_000_000_000_000, ..GraphRow::default() }
    }

    #[test]
    fn a_row_is_news_when_its_line_is_another_one() {
        let mut seen = Seen::new(10);
        let one = Mark::of(&row("A", "x@example.org"), b"pending");
        assert!(seen.is_news(&one));
        seen.add(one);
        assert!(!seen.is_news(&one));
        assert!(!seen.is_news(&Mark::of(&row("a", "X@example.org"), b"pending")), "case of names is no difference");
        assert!(seen.is_news(&Mark::of(&row("A", "x@example.org"), b"delivered")));
        assert!(seen.is_news(&Mark::of(&row("A", "y@example.org"), b"pending")));
        assert!(seen.is_news(&Mark::of(&row("Ax", "@example.org"), b"pending")), "parts of a name have ends");
    }

    #[test]
    fn rows_without_an_id_are_told_apart_by_their_message() {
        let with = |message: &str| GraphRow { message_id: Word::Text(message.into()), ..row("", "x@example.org") };
        let [one, two] = ["<1@a>", "<2@a>"].map(|message| Mark::of(&with(message), b"line"));
        assert_ne!(one.key, two.key);
    }

    #[test]
    fn of_too_many_the_oldest_go_and_the_floor_says_so() {
        let mut seen = Seen::new(100);
        for at in 0..100u32 {
            seen.add(Mark { key: u64::from(at), line: 1, received: 1000 + at });
        }
        assert_eq!((seen.len(), seen.floor()), (100, i64::MIN));
        seen.add(Mark { key: 100, line: 1, received: 1100 });
        assert_eq!((seen.len(), seen.floor()), (90, 1011));
        assert!(seen.is_news(&Mark { key: 10, line: 1, received: 1010 }));
        assert!(!seen.is_news(&Mark { key: 11, line: 1, received: 1011 }));
        // Known ones that change need no room.
        (0..1000).for_each(|line| seen.add(Mark { key: 50, line, received: 1050 }));
        assert_eq!(seen.len(), 90);
    }

    #[test]
    fn all_of_one_second_still_leave_room() {
        let mut seen = Seen::new(10);
        (0..100).for_each(|key| seen.add(Mark { key, line: 1, received: 7 }));
        assert!(seen.len() <= 10);
    }
}
