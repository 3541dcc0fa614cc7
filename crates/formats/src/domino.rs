//! HCL Domino: what its router and SMTP server say on the console, and what its activity records say of mail.
//!
//! Lines come from [`crate::transcript`], as `domino: [pid:task-thread] text` and `domino-activity: name=value<tab>…`.
//!
//! A server names a message by the eight digits of its note in a MAIL.BOX, and uses them again. What is known of the reuse is only
//! that a day is short enough, so the queue id is digits and day: `00060B84.20260131`. A message that stays over midnight has two.
//! The first two minutes of a day name the id of the day before as the one they continue, which holds what was under way at midnight
//! together; what waits for longer is told as two messages.
//!
//! Domino logs no end of a message. What it moves to another Domino server by its own protocol it does not log message by message:
//! of such a message the log has the arrival at most.

mod activity;
mod console;
pub mod counters;
mod note;

use crate::{Format, Record};

pub const FORMAT: Format = Format {
    name: "HCL Domino",
    read: |envelope| match envelope.program {
        b"domino" => Some(console::read(envelope)),
        b"domino-activity" => Some(activity::read(envelope.text)),
        // Evidence, and no fact of a message.
        b"domino-counters" => Some(Record::Known),
        _ => None,
    },
};

/// Shapes that no real line is known of: they are read as parsers that ran in production or the vendor's documents have them
/// (see [`crate::unproven`]).
pub const UNPROVEN: [&str; 5] = [
    "activity record",
    "message transferred via Notes",
    "two note ids",
    "unique id tokens",
    "size that is no number of K or bytes",
];

/// Which of [`UNPROVEN`] a line is, if any.
pub fn unproven(program: &[u8], text: &[u8]) -> Option<&'static str> {
    match program {
        b"domino" => console::unproven(text),
        b"domino-activity" => text.starts_with(b"Name=Domino.MAIL").then_some(UNPROVEN[0]),
        _ => None,
    }
}
