//! What an HCL Domino server leaves behind as text: its console, the dump of its activity records, its events as JSON, its statistics.
//!
//! None of these files can be read line by line. Console and dump write dates in an order that no single line tells ([`order`]), an
//! activity record is a block of lines, an event is JSON whose names are not those of a log shipper, and statistics have no time.

mod activity;
mod console;
mod counters;
mod events;
pub(crate) mod order;
mod paper;
pub(crate) mod stamp;

pub use activity::recognise as activity;
pub use counters::recognise as counters;
pub use events::recognise as events;

use super::{
    Settings, Transcriber,
    sorted::{Of, Sorted},
};

/// Console text. A full console.log is written over from its start, so that its older part stands behind the newer one; of a file that
/// is followed while it is written, that is not known yet.
pub fn console(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>> {
    let console = console::recognise(head, settings)?;
    Some(if settings.is_growing { console } else { Box::new(Sorted::new(console, Of::Stretches)) })
}

/// Console lines become `domino: `.
const CONSOLE: &[u8] = b"domino";
/// An activity record becomes `domino-activity: `.
const ACTIVITY: &[u8] = b"domino-activity";
/// Statistics become `domino-counters: `.
const COUNTERS: &[u8] = b"domino-counters";

/// The text of a transcribed console line, without `[pid:task-thread]`; `None` where the line has no time of its own, or was cut. A line
/// that came by syslog as the server wrote it has its own time too.
pub(crate) fn console_text(payload: &[u8]) -> Option<&[u8]> {
    if payload.first() == Some(&b'\t') {
        return None;
    }
    Some(console::Parts::of(payload).text)
}
