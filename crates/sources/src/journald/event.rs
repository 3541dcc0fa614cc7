//! What happens to a journal, in words for the person who runs it.

use std::fmt;

/// Something that a person should know of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalEvent {
    /// `journalctl` could not be started.
    NotStarted {
        /// The program.
        program: String,
        /// What the system says.
        why: String,
    },
    /// `journalctl` ended, and is started again.
    Ended {
        /// How, such as `exit status: 1`.
        status: String,
        /// The last that it said.
        said: String,
        /// Seconds until it is started again.
        wait_s: u64,
    },
    /// Bytes that are no entry.
    Broken {
        /// What was found.
        why: &'static str,
        /// The cursor of the entry, or of the last one before it; empty when there is none.
        near: String,
    },
    /// A stream that was given ended.
    StreamEnded {
        /// Entries that it had.
        entries: u64,
        /// Why it could not be read on, where that is the reason.
        why: Option<String>,
    },
}

impl fmt::Display for JournalEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalEvent::NotStarted { program, why } => {
                write!(
                    formatter,
                    "the journal cannot be read, because {program} cannot be started ({why}): install systemd, or follow log files"
                )
            }
            JournalEvent::Ended { status, said, wait_s } => write!(
                formatter,
                "journalctl ended ({status}) and is started again in {wait_s} s; it said: {said:?}; if it may not read the journal, add \
                 this user to the group systemd-journal"
            ),
            JournalEvent::Broken { why, near } => write!(
                formatter,
                "an entry of the journal near cursor {near:?} could not be read, because {why}, and is left out: `journalctl --verify` \
                 shows whether the journal is damaged"
            ),
            JournalEvent::StreamEnded { entries, why: None } => {
                write!(formatter, "the stream of the journal ended after {entries} entries")
            }
            JournalEvent::StreamEnded { entries, why: Some(why) } => {
                write!(
                    formatter,
                    "the stream of the journal cannot be read on after {entries} entries ({why}): give it again"
                )
            }
        }
    }
}
