//! What a stored line says, read again: the same as when it came.

use jiff::tz::TimeZone;
use vigie_formats::{Record, calendar::Calendar, envelope};
use vigie_lake::Line;

use crate::intake::TIMES;

/// Reads stored lines.
pub struct Rereader {
    scratch: envelope::Scratch,
    /// Says which times exist; when they were is known.
    calendar: Calendar,
}

/// A stored line, opened.
pub struct Reread<'a> {
    pub program: &'a [u8],
    pub pid: u32,
    pub text: &'a [u8],
    pub record: Record<'a>,
    pub repeated: u32,
    /// No envelope was recognised, or none with a time, and it is no part of the line before.
    pub bare: bool,
}

impl Default for Rereader {
    fn default() -> Self {
        Self { scratch: envelope::Scratch::default(), calendar: Calendar::new(TimeZone::UTC, 2000) }
    }
}

impl Rereader {
    pub fn read<'a>(&'a mut self, line: &'a Line) -> Reread<'a> {
        let calendar = &mut self.calendar;
        let parsed = envelope::parse(line.text.as_bytes(), &mut self.scratch);
        // As the intake does it: without a time that can be, a line says nothing.
        let parsed = parsed.filter(|envelope| calendar.resolve(&envelope.stamp).is_some_and(|ts| TIMES.contains(&ts)));
        let Some(envelope) = parsed else {
            let text = line.text.as_bytes();
            let bare = !vigie_formats::continues(text);
            return Reread { program: b"", pid: 0, text, record: Record::Foreign, repeated: 1, bare };
        };
        let record = vigie_formats::read(&envelope);
        let (program, pid, text, repeated) = (envelope.program, envelope.pid, envelope.text, envelope.repeated);
        Reread { program, pid, text, record, repeated, bare: false }
    }
}

impl Reread<'_> {
    /// How often what it says happened.
    pub fn times(&self) -> u32 {
        if self.record.happens_again_when_repeated() { self.repeated } else { 1 }
    }
}
