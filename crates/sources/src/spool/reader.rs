//! The reader's side of a spool: each segment is a stream.

use std::fs::{self, File};
use std::io;
use std::sync::Arc;

use super::segment::{self, Segment};
use super::state::{State, Turn};
use super::{Origin, Shared, SpoolEvent};
use crate::feed::PIECE_BYTES_MAX;
use crate::{Feed, FeedEvent, Piece, Place, SourceError, StreamId};

/// Gives out the lines of a spool. It needs no places: after a restart all that is held is given out again, with the same
/// streams and offsets, and what the server holds is passed over by [`Feed::rewind`] or [`Feed::durable`].
#[derive(Debug)]
pub struct SpoolFeed {
    shared: Arc<Shared>,
    /// The segment that was read last.
    open: Option<(u64, File)>,
}

impl SpoolFeed {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        SpoolFeed { shared, open: None }
    }

    /// The bytes of a turn, as many whole lines as a piece holds; `None` when they are not there any more.
    fn read(&mut self, turn: &Turn) -> io::Result<Option<Vec<u8>>> {
        let Segment { given, .. } = turn.segment;
        let wanted = turn.until.saturating_sub(given).min(PIECE_BYTES_MAX as u64) as usize;
        if wanted == 0 {
            return Ok(Some(Vec::new()));
        }
        let Some(file) = self.file(&turn.segment)? else { return Ok(None) };
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        while filled < wanted {
            match segment::read_at(file, &mut bytes[filled..], given + filled as u64)? {
                0 => return Ok(None),
                read => filled += read,
            }
        }
        // Behind the last newline a line begins whose end is in the next piece.
        if let Some(newline) = memchr::memrchr(b'\n', &bytes) {
            bytes.truncate(newline + 1);
        }
        Ok(Some(bytes))
    }

    fn file(&mut self, segment: &Segment) -> io::Result<Option<&File>> {
        if self.open.as_ref().is_none_or(|(sequence, _)| *sequence != segment.sequence) {
            self.open = match File::open(self.shared.path_of(segment)) {
                Ok(file) => Some((segment.sequence, file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(self.open.as_ref().map(|(_, file)| file))
    }

    fn vanished(&mut self, segment: &Segment) {
        self.open = None;
        let path = self.shared.path_of(segment);
        let mut state = self.shared.lock();
        let bytes = state.lose_rest(segment.sequence);
        state.tell(FeedEvent::Spool(SpoolEvent::Vanished { path, bytes }));
    }

    /// Removes the segments that the server holds whole.
    fn reap(&mut self) {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        let mut index = 0;
        while let Some(segment) = state.segments.get(index).cloned() {
            if segment.is_done() && shared.remove(&segment, &mut state) {
                state.segments.remove(index);
            } else {
                index += 1;
            }
        }
        let reading = self.open.as_ref().map(|(sequence, _)| *sequence);
        if !state.segments.iter().any(|segment| Some(segment.sequence) == reading) {
            self.open = None;
        }
        state.relieved(&shared.config);
        // Only now is the last of them closed, and its space there again.
        shared.make_reserve();
        drop(state);
        shared.room.notify_all();
    }
}

impl Shared {
    /// Removes a segment's file; whether it is gone. One that stays is tried again.
    fn remove(&self, segment: &Segment, state: &mut State) -> bool {
        let path = self.path_of(segment);
        // A newer line that is on disk is memory enough.
        let is_newest = !state.segments.iter().any(|other| other.sequence > segment.sequence && other.synced > 0);
        let kept = match self.config.origin {
            Origin::Resumable if is_newest => self.remember(segment),
            Origin::Resumable | Origin::Transient => Ok(()),
        };
        let gone = || match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        match kept.and_then(|()| gone()) {
            Ok(()) => true,
            Err(error) => {
                state.stuck(segment.sequence, SpoolEvent::Failed { path, why: format!("cannot be removed ({error})") });
                false
            }
        }
    }
}

impl Feed for SpoolFeed {
    fn label(&self) -> &str {
        &self.shared.config.label
    }

    fn next(&mut self) -> Result<Option<Piece>, SourceError> {
        loop {
            // The guard is gone before the disk is read: writers do not wait for it.
            let (turn, has_stuck) = self.shared.lock().turn(self.shared.config.origin);
            if has_stuck {
                self.reap();
            }
            let Some(turn) = turn else { return Ok(None) };
            let Segment { sequence, stream, given: offset, .. } = turn.segment;
            let read = self.read(&turn).map_err(|source| {
                let path = self.shared.path_of(&turn.segment);
                SourceError::Read { path, at: offset, source }
            })?;
            let Some(bytes) = read else {
                self.vanished(&turn.segment);
                continue;
            };
            let is_last = self.shared.lock().give(sequence, offset + bytes.len() as u64);
            if is_last {
                self.reap();
            }
            return Ok(Some(Piece { stream, offset, bytes, is_last }));
        }
    }

    fn durable(&mut self, stream: StreamId, offset: u64) {
        if let Some(segment) = self.shared.lock().stream_mut(stream) {
            // Never more than there is: what is added later is not durable.
            segment.durable = segment.durable.max(offset.min(segment.len));
            segment.given = segment.given.max(offset.min(segment.len));
        }
        self.reap();
    }

    fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        // A stream that is not there any more was durable to its end.
        if let Some(segment) = self.shared.lock().stream_mut(stream) {
            segment.given = offset.min(segment.len);
            segment.ended = false;
        }
        Ok(())
    }

    fn places(&self) -> Vec<Place> {
        Vec::new()
    }

    fn backlog_bytes(&self) -> u64 {
        self.shared.lock().backlog()
    }

    fn events(&mut self) -> Vec<FeedEvent> {
        self.shared.lock().take_events()
    }
}
