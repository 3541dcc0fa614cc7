//! What happens to a spool, in words for the person who runs it.

use std::fmt;
use std::path::PathBuf;

/// Something that a person should know of a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpoolEvent {
    /// It is about to be full. Nothing is lost yet.
    NearlyFull {
        /// The spool's folder.
        dir: PathBuf,
        /// Bytes that it holds.
        held_bytes: u64,
        /// Bytes that it can hold: its bound, or what its disk has left.
        capacity_bytes: u64,
        /// What will happen when it is full.
        when_full: String,
    },
    /// It takes nothing more.
    Full {
        /// The spool's folder.
        dir: PathBuf,
        /// Bytes that it holds.
        held_bytes: u64,
        /// What happens now.
        when_full: String,
        /// What to do.
        hint: String,
    },
    /// It has room again.
    Relieved {
        /// The spool's folder.
        dir: PathBuf,
        /// Lines that were lost while it was full.
        lost_lines: u64,
    },
    /// Lines are lost that it could not take.
    Lost {
        /// The spool's folder.
        dir: PathBuf,
        /// How many.
        lines: u64,
        /// Why it could not wait.
        why: &'static str,
    },
    /// A crash left half a line, which was cut off.
    Torn {
        /// The segment.
        path: PathBuf,
        /// Bytes cut off.
        bytes: u64,
    },
    /// A segment was taken away or shortened by somebody else.
    Vanished {
        /// The segment.
        path: PathBuf,
        /// Bytes that were not given out yet, and are lost.
        bytes: u64,
    },
    /// The disk does not do what it should.
    Failed {
        /// The segment or folder.
        path: PathBuf,
        /// What could not be done to it, and what the system says.
        why: String,
    },
}

impl fmt::Display for SpoolEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpoolEvent::NearlyFull { dir, held_bytes, capacity_bytes, when_full } => write!(
                formatter,
                "the spool {} is nearly full, with {held_bytes} of {capacity_bytes} bytes, because the server does not take what it \
                 holds; nothing is lost yet, but when it is full {when_full}: bring the server back, or raise the spool's bound",
                dir.display()
            ),
            SpoolEvent::Full { dir, held_bytes, when_full, hint } => write!(
                formatter,
                "the spool {} is full with {held_bytes} bytes; until there is room {when_full}: {hint}",
                dir.display()
            ),
            SpoolEvent::Relieved { dir, lost_lines: 0 } => {
                write!(formatter, "the spool {} has room again; nothing was lost", dir.display())
            }
            SpoolEvent::Relieved { dir, lost_lines } => {
                write!(formatter, "the spool {} has room again; {lost_lines} lines were lost meanwhile", dir.display())
            }
            SpoolEvent::Lost { dir, lines, why } => write!(
                formatter,
                "{lines} lines were lost before the spool {}, {why}: bring the server back, or raise the spool's bound",
                dir.display()
            ),
            SpoolEvent::Torn { path, bytes } => write!(
                formatter,
                "the last {bytes} bytes of {} were cut off: the machine or the process stopped while they were written",
                path.display()
            ),
            SpoolEvent::Vanished { path, bytes } => write!(
                formatter,
                "{} was removed or shortened by somebody else, and {bytes} bytes in it are lost: leave a spool's files alone",
                path.display()
            ),
            SpoolEvent::Failed { path, why } => {
                write!(formatter, "{}: {why}; check the disk (`dmesg` says more)", path.display())
            }
        }
    }
}
