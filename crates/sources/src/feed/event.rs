//! What a feed has to tell besides its lines.

use std::fmt;
use std::path::PathBuf;

use super::StreamId;
use crate::{journald::JournalEvent, listen::ListenEvent, spool::SpoolEvent};

/// Events kept for a caller that does not ask. Of more, those that tell of no loss are only counted.
pub const EVENTS_MAX: usize = 64;

/// Something that happened to a feed. The text says what, to which file, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeedEvent {
    /// Another file stands at the path.
    Rotated {
        /// The path that is followed.
        path: PathBuf,
        /// What was read until now; it is read to its end.
        ended: StreamId,
        /// What is read from now on.
        begun: StreamId,
    },
    /// The file was emptied, or overwritten, in place.
    Truncated {
        /// The file.
        path: PathBuf,
        /// What was in it.
        stream: StreamId,
        /// How much of that had been read.
        at: u64,
    },
    /// The rest of a stream stands in another file than the one that it was read from.
    Found {
        /// The path that is followed.
        path: PathBuf,
        /// Whose rest.
        stream: StreamId,
        /// The file that begins with what had been read.
        copy: PathBuf,
        /// From where it is read there.
        from: u64,
    },
    /// A file was written and rotated away while nobody looked; it is read whole.
    CaughtUp {
        /// The path that is followed.
        path: PathBuf,
        /// The rotated file.
        file: PathBuf,
        /// Its stream.
        stream: StreamId,
    },
    /// A file no longer begins with what was read of it: something else was written over it, or stands in its place.
    Overwritten {
        /// The file.
        path: PathBuf,
        /// What was in it.
        stream: StreamId,
        /// How much of that had been read.
        at: u64,
    },
    /// What a person should know of a folder: files that are missing, or what has to be said before they can be read.
    Notice {
        /// What it is, and what to do.
        text: String,
    },
    /// Bytes are gone, or may be.
    Lost {
        /// Of which stream.
        stream: StreamId,
        /// The first byte that is missing.
        from: u64,
        /// How many; `None` when nobody can know, and it may be none.
        bytes: Option<u64>,
        /// What happened, with the file's name, and what to do.
        why: String,
    },
    /// There is no file at the path.
    Missing {
        /// The path that is followed.
        path: PathBuf,
    },
    /// Something is there and cannot be read. It is tried again.
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    },
    /// What was missing or unreadable is read again.
    Returned {
        /// The path.
        path: PathBuf,
    },
    /// Something happened to a spool.
    Spool(SpoolEvent),
    /// Something happened to a syslog listener.
    Listener(ListenEvent),
    /// Something happened to the journal.
    Journal(JournalEvent),
    /// Something happened to what is asked for page by page.
    Poll {
        /// What happened, and what to do.
        text: String,
        /// Is something gone that cannot be asked for any more?
        is_loss: bool,
    },
    /// More happened than is kept.
    Omitted {
        /// How many events.
        count: u64,
    },
}

impl fmt::Display for FeedEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedEvent::Rotated { path, .. } => {
                write!(
                    formatter,
                    "{} was rotated: the old file is read to its end, the new one from its start",
                    path.display()
                )
            }
            FeedEvent::Truncated { path, at, .. } => write!(
                formatter,
                "{} was emptied in place after {at} bytes of it were read; lines written between the copy and the emptying \
                 are in neither (let logrotate use `create` instead of `copytruncate`)",
                path.display()
            ),
            FeedEvent::Found { path, copy, from, .. } => write!(
                formatter,
                "the rest of the former {} is read from {}, from byte {from} on",
                path.display(),
                copy.display()
            ),
            FeedEvent::CaughtUp { path, file, .. } => write!(
                formatter,
                "{} was rotated to {} before any of it was read; that file is read whole",
                path.display(),
                file.display()
            ),
            FeedEvent::Overwritten { path, at, .. } => write!(
                formatter,
                "{} no longer begins with what was read of it ({at} bytes of lines): it is read from its start, and what stood behind that \
                 before is lost, if anything",
                path.display()
            ),
            FeedEvent::Notice { text } => formatter.write_str(text),
            FeedEvent::Lost { from, bytes: Some(bytes), why, .. } => {
                write!(formatter, "{bytes} bytes are lost, from byte {from} on: {why}")
            }
            FeedEvent::Lost { from, bytes: None, why, .. } => {
                write!(formatter, "what stood there from byte {from} on, if anything, is lost: {why}")
            }
            FeedEvent::Missing { path } => write!(
                formatter,
                "{} is not there; it will be read as soon as it is (check that the mail server logs to it)",
                path.display()
            ),
            FeedEvent::Unreadable { path, why, hint } => {
                write!(formatter, "{} cannot be read and is tried again: {why}; {hint}", path.display())
            }
            FeedEvent::Returned { path } => write!(formatter, "{} is read again", path.display()),
            FeedEvent::Spool(event) => event.fmt(formatter),
            FeedEvent::Listener(event) => event.fmt(formatter),
            FeedEvent::Journal(event) => event.fmt(formatter),
            FeedEvent::Poll { text, .. } => formatter.write_str(text),
            FeedEvent::Omitted { count } => write!(formatter, "{count} more events are not told one by one"),
        }
    }
}

/// Events that wait to be asked for, with a bound.
#[derive(Debug, Default)]
pub(crate) struct Events {
    waiting: Vec<FeedEvent>,
    omitted: u64,
}

impl Events {
    pub(crate) fn tell(&mut self, event: FeedEvent) {
        // One place is left for the count of those that found none.
        if self.waiting.len() + 1 >= EVENTS_MAX {
            self.omitted += 1;
            let is_loss = |event: &FeedEvent| matches!(event, FeedEvent::Lost { .. });
            match self.waiting.iter().position(|waiting| !is_loss(waiting)) {
                Some(at) if is_loss(&event) => drop(self.waiting.remove(at)),
                _ => return,
            }
        }
        self.waiting.push(event);
    }

    pub(crate) fn take(&mut self) -> Vec<FeedEvent> {
        let mut events = std::mem::take(&mut self.waiting);
        match std::mem::take(&mut self.omitted) {
            0 => {}
            count => events.push(FeedEvent::Omitted { count }),
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::{EVENTS_MAX, Events, FeedEvent, StreamId};

    fn lost(from: u64) -> FeedEvent {
        FeedEvent::Lost { stream: StreamId(1), from, bytes: None, why: "a test".into() }
    }

    #[test]
    fn losses_outlive_a_flood_of_other_events() {
        let mut events = Events::default();
        for _ in 0..200 {
            events.tell(FeedEvent::Returned { path: "mail.log".into() });
        }
        events.tell(lost(7));
        let told = events.take();
        assert_eq!(told.len(), EVENTS_MAX);
        assert_eq!(told[EVENTS_MAX - 2], lost(7));
        assert_eq!(told[EVENTS_MAX - 1], FeedEvent::Omitted { count: 138 });
        assert_eq!(events.take(), []);
    }

    #[test]
    fn a_flood_of_losses_is_bounded_and_keeps_the_first() {
        let mut events = Events::default();
        (0..200).for_each(|from| events.tell(lost(from)));
        let told = events.take();
        assert_eq!((told.len(), &told[0]), (EVENTS_MAX, &lost(0)));
    }
}
