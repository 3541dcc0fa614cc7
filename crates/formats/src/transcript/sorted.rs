//! Lines in order of time, of files that have them otherwise: services answer with the newest first, and a full console is written over
//! from its start.

use super::Transcriber;

/// Lines held at one time: some 400,000 rows. A larger file comes in runs, each in order.
const HELD_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A step back in local time that no clock makes for the season or for being set right.
const STEP_MINUTES_MIN: i64 = 120;

/// What is put in order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Each line. Those of one time stay in their order.
    Lines,
    /// Stretches between steps back in time, which stay as they are: local times repeat an hour in autumn.
    Stretches,
}

/// Puts what another transcriber writes in order, by the times that the lines begin with (ISO 8601, all of one form).
pub struct Sorted {
    inner: Box<dyn Transcriber>,
    of: Of,
    held: Vec<u8>,
    runs: usize,
}

impl Sorted {
    pub fn new(inner: Box<dyn Transcriber>, of: Of) -> Self {
        Self { inner, of, held: Vec::new(), runs: 0 }
    }

    fn give(&mut self, out: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> = self.held.split_inclusive(|&byte| byte == b'\n').collect();
        match self.of {
            Of::Lines if lines.is_sorted_by_key(|line| time(line)) => {}
            Of::Lines => lines.sort_by_key(|line| time(line)),
            Of::Stretches => {
                let mut stretches: Vec<_> =
                    lines.chunk_by(|one, next| !steps_back(one, next)).map(<[_]>::to_vec).collect();
                stretches.sort_by_key(|stretch| stretch.first().map(|line| time(line)));
                lines = stretches.concat();
            }
        }
        lines.iter().for_each(|line| out.extend_from_slice(line));
        self.held.clear();
        self.runs += 1;
    }
}

fn time(line: &[u8]) -> &[u8] {
    crate::scan::until(line, b" ").0
}

fn steps_back(one: &[u8], next: &[u8]) -> bool {
    time(next) < time(one) && minutes(time(one)) - minutes(time(next)) > STEP_MINUTES_MIN
}

/// Of `2026-03-25T21:10:30`: minutes since some day, with all months as long as the longest. More than enough to tell an hour from a day.
fn minutes(time: &[u8]) -> i64 {
    let number = |at: std::ops::Range<usize>| time.get(at).map_or(0, |digits| crate::scan::number(digits) as i64);
    let days = (number(0..4) * 12 + number(5..7)) * 31 + number(8..10);
    (days * 24 + number(11..13)) * 60 + number(14..16)
}

impl Transcriber for Sorted {
    fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.inner.bytes(bytes, &mut self.held);
        if self.held.len() > HELD_BYTES_MAX {
            self.give(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.inner.finish(&mut self.held);
        self.give(out);
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = self.inner.remarks();
        if self.runs > 1 {
            let runs = self.runs;
            remarks.push(format!("The file is so large that it was sorted in {runs} runs; split it by day if figures of it are to be the same however it is read."));
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what it is given.
    struct Copy;

    impl Transcriber for Copy {
        fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
            out.extend_from_slice(bytes);
        }

        fn finish(&mut self, _: &mut Vec<u8>) {}

        fn remarks(&self) -> Vec<String> {
            Vec::new()
        }
    }

    fn sorted(text: &str, of: Of) -> String {
        let mut sorted = Sorted::new(Box::new(Copy), of);
        let mut out = Vec::new();
        sorted.bytes(text.as_bytes(), &mut out);
        sorted.finish(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_newest_first_comes_out_the_oldest_first() {
        let text = "2026-03-25T10:00:02Z h p: c\n2026-03-25T10:00:01Z h p: a\n2026-03-25T10:00:01Z h p: b\n";
        let expected = "2026-03-25T10:00:01Z h p: a\n2026-03-25T10:00:01Z h p: b\n2026-03-25T10:00:02Z h p: c\n";
        assert_eq!(sorted(text, Of::Lines), expected);
    }

    #[test]
    fn a_console_that_was_written_over_begins_with_its_older_part_and_keeps_the_hour_of_autumn() {
        let older = "2026-10-25T01:59:00 h p: a\n2026-10-25T02:59:00 h p: b\n2026-10-25T02:01:00 h p: c\n";
        let newer = "2026-10-25T21:00:00 h p: d\n2026-10-26T00:10:00 h p: e\n";
        assert_eq!(sorted(&format!("{newer}{older}"), Of::Stretches), format!("{older}{newer}"));
        assert_eq!(sorted(&format!("{older}{newer}"), Of::Stretches), format!("{older}{newer}"));
    }
}
