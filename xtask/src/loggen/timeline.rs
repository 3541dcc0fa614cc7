//! Lines invented message by message, written in the order of their times, as one log of all processes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Write;

use super::calendar::Stamps;
use super::people::SERVER;

/// Holds what is still to come: a retry stands here for minutes before its turn.
pub struct Timeline {
    stamps: Stamps,
    coming: BinaryHeap<Reverse<(u64, u64, String)>>,
    invented: u64,
}

impl Timeline {
    pub fn new(stamps: Stamps) -> Self {
        Self { stamps, coming: BinaryHeap::new(), invented: 0 }
    }

    /// Adds a line: the process (`postfix/smtpd[1234]`) and what it says. Lines of one time keep their order.
    pub fn say(&mut self, at: u64, process: &str, text: &str) {
        self.coming.push(Reverse((at, self.invented, format!("{process}: {text}"))));
        self.invented += 1;
    }

    pub fn invented(&self) -> u64 {
        self.invented
    }

    /// Writes all lines older than `now`; nothing older may be added afterwards.
    pub fn write_until(&mut self, now: u64, out: &mut impl Write) -> std::io::Result<()> {
        while self.coming.peek().is_some_and(|Reverse((at, _, _))| *at < now) {
            if let Some(Reverse((at, _, text))) = self.coming.pop() {
                writeln!(out, "{} {SERVER} {text}", self.stamps.format(at))?;
            }
        }
        Ok(())
    }
}
