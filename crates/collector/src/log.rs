//! Our own log: plain lines to standard error, and never more than a person would read.

use std::io::Write;
use std::time::{Duration, Instant};

/// What is told in one minute at most; the rest is counted.
const LINES_MAX: u32 = 60;
const WINDOW: Duration = Duration::from_secs(60);
/// A line is cut here: texts in it may come from a server.
const LINE_BYTES_MAX: usize = 2000;

/// Prints to standard output. A closed pipe is no failure.
pub fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Writes one line to standard error, whatever stands in the text.
pub fn write(level: &str, text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{level}: {}", one_line(text));
}

fn one_line(text: &str) -> String {
    let end = text.floor_char_boundary(LINE_BYTES_MAX);
    text[..end].chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Lets so many lines through in a minute.
pub struct Bounded {
    began: Instant,
    told: u32,
    omitted: u64,
}

impl Bounded {
    pub fn new() -> Bounded {
        Bounded { began: Instant::now(), told: 0, omitted: 0 }
    }

    /// Writes the line, if there is room for it.
    pub fn write(&mut self, level: &str, text: &str) {
        self.pass(Instant::now(), |note| write(level, note.unwrap_or(text)));
    }

    /// Calls back with `None` for the line itself, before that with a note of what was left out.
    fn pass(&mut self, now: Instant, mut write: impl FnMut(Option<&str>)) {
        if now.duration_since(self.began) >= WINDOW {
            if self.omitted > 0 {
                write(Some(&format!("{} more lines were not told one by one", self.omitted)));
            }
            *self = Bounded { began: now, told: 0, omitted: 0 };
        }
        if self.told < LINES_MAX {
            self.told += 1;
            write(None);
        } else {
            self.omitted += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_counted_instead() {
        let mut bounded = Bounded::new();
        let began = bounded.began;
        let mut lines = 0;
        (0..1000).for_each(|_| bounded.pass(began, |_| lines += 1));
        assert_eq!(lines, LINES_MAX);
        let mut notes = Vec::new();
        bounded.pass(began + WINDOW, |note| notes.push(note.map(str::to_owned)));
        assert_eq!(notes, [Some("940 more lines were not told one by one".to_owned()), None]);
    }

    #[test]
    fn a_text_cannot_begin_a_line_of_its_own() {
        assert_eq!(one_line("a\nerror: b\x1B[31m"), "a error: b [31m");
        assert_eq!(one_line(&"é".repeat(2000)).len(), LINE_BYTES_MAX);
    }
}
