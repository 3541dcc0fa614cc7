//! What happens at the path and beside it: new files, files that nobody saw, and copies.

use std::path::Path;
use std::time::Duration;

use super::content::Content;
use super::siblings::{self, Sibling};
use super::stream::{Likeness, Origin, Phase, Stream};
use super::{Follower, STREAMS_MAX, Start};
use crate::{FeedEvent, FileMark, SourceError};

impl Follower {
    /// Another file stands at the path than the newest stream is read from.
    pub(super) fn rotated(&mut self, now: Duration) {
        if self.unplaced.is_none() && self.streams.len() >= STREAMS_MAX {
            return;
        }
        let content = match Content::open_plain(&self.path) {
            Ok(content) => content,
            // Between the look and the opening: the next look sees what is there then.
            Err(SourceError::NotFound { .. }) => return,
            Err(error) => return self.tell_unreadable(&error),
        };
        self.tell_returned();
        let Some(content) = self.restore(Some(content), now) else { return };
        let Some(content) = self.went_on(content, now) else { return };
        self.check_newest(&content, now);
        self.catch_up(Some(&content), now);
        if self.streams.len() < STREAMS_MAX {
            self.begin_live(content, now);
        }
    }

    /// Takes the file if a stream goes on in it: one that had been rotated away, or the newest, as a copy of itself.
    fn went_on(&mut self, mut content: Content, now: Duration) -> Option<Content> {
        let is_it = |stream: &Stream| stream.phase != Phase::Ended && is_held_in(stream, &content);
        if let Some(at) = self.streams.iter().position(is_it) {
            let mut stream = self.streams.remove(at);
            self.streams.iter_mut().for_each(|stream| stream.supersede(now));
            if stream.phase != Phase::Closing {
                stream.phase = Phase::Open;
            }
            self.streams.push(stream);
            return None;
        }
        let Some(newest) = self.streams.last_mut() else { return Some(content) };
        if newest.phase != Phase::Open || !matches!(newest.likeness(&content), Ok(Likeness::Whole)) {
            return Some(content);
        }
        let (offset, hash) = newest.claim();
        match content.prove(offset, hash) {
            Ok(Some(proof)) if holds_all(&content, newest) => {
                newest.adopt(Origin::Held(content), proof);
                None
            }
            _ => Some(content),
        }
    }

    fn begin_live(&mut self, content: Content, now: Duration) {
        let before = newest_mark(&siblings_beside(&self.path, Some(&content)));
        let last_line = content.last_line();
        let id = self.new_id(content.device, content.inode);
        let mut stream = Stream::begin(id, Origin::Held(content), before);
        if self.start == Start::End {
            stream.start_at(last_line.unwrap_or(0));
        }
        // It was for the first file only.
        self.start = Start::Beginning;
        if let Some(former) = self.streams.last().filter(|former| former.phase == Phase::Open) {
            let (path, ended) = (self.path.clone(), former.id);
            self.events.tell(FeedEvent::Rotated { path, ended, begun: id });
        }
        self.push(stream, now);
    }

    fn push(&mut self, stream: Stream, now: Duration) {
        // What was never used was no rotation: its successor takes its place.
        if !self.streams.last().is_some_and(|newest| newest.is_acknowledged && newest.is_unused()) {
            self.streams.iter_mut().for_each(|stream| stream.supersede(now));
        }
        self.streams.push(stream);
        self.forget();
    }

    /// Begins a stream for each file that was written and rotated away since the newest stream was looked at last, but not
    /// for the one that is at the path, or was just now. How many.
    pub(super) fn catch_up(&mut self, live: Option<&Content>, now: Duration) -> usize {
        let Some(newest) = self.streams.last() else { return 0 };
        let siblings = siblings_beside(&self.path, live);
        let mut begun = 0;
        let known = position(&siblings, newest);
        let written = newest.mark().modified_ns;
        let from = known.unwrap_or_else(|| since(&siblings, newest.before.as_ref(), written));
        // What is older than a file that is known is not newer than the newest.
        let is_known = |file: &Sibling| self.streams.iter().any(|stream| stream.is_in(file.device, file.inode));
        let from = siblings.iter().rposition(is_known).map_or(from, |at| from.max(at + 1));
        for at in from..siblings.len() {
            if self.streams.len() >= STREAMS_MAX {
                break;
            }
            if let Some(stream) = self.unseen(&siblings, at) {
                self.push(stream, now);
                begun += 1;
            }
        }
        begun
    }

    /// The newest stream's file may have been emptied, and written anew, before it was renamed.
    fn check_newest(&mut self, live: &Content, now: Duration) {
        let Some(at) = self.streams.len().checked_sub(1) else { return };
        if let Ok(false) = self.streams[at].still_holds(now) {
            self.overwritten(at, now);
        }
        self.check_beginning(Some(live));
    }

    /// Before the first byte of a new file is given out: whether it was copied and emptied before anybody saw what was in it.
    pub(super) fn check_beginning(&mut self, live: Option<&Content>) {
        let Some(newest) = self.streams.last_mut() else { return };
        if newest.content().is_none() || !newest.may_have_missed() {
            return;
        }
        let before = newest.before.clone();
        let mut siblings = siblings_beside(&self.path, live);
        let from = since(&siblings, before.as_ref(), i64::MIN);
        let own = siblings.iter().position(|sibling| newest.is_in(sibling.device, sibling.inode));
        siblings.truncate(own.unwrap_or(siblings.len()));
        // A copy may lie there already of what is about to be emptied.
        let copy = siblings.iter().skip(from).position(|sibling| is_like(sibling, newest));
        siblings.truncate(copy.map_or(siblings.len(), |copy| from + copy));
        for at in from..siblings.len() {
            if self.streams.len() >= STREAMS_MAX {
                return;
            }
            if let Some(mut stream) = self.unseen(&siblings, at) {
                stream.close();
                self.streams.insert(self.streams.len() - 1, stream);
            }
        }
        if let (Some(newest), Some(mark)) = (self.streams.last_mut(), newest_mark(&siblings)) {
            newest.before = Some(mark);
        }
    }

    /// A stream for a rotated file, unless it is one's that is known, or is packed and empty. An empty one that is not may
    /// still be written to.
    pub(super) fn unseen(&mut self, siblings: &[Sibling], at: usize) -> Option<Stream> {
        let sibling = siblings.get(at)?;
        if self.streams.iter().any(|stream| stream.is_in(sibling.device, sibling.inode)) {
            return None;
        }
        let (content, head) = self.open_sibling(sibling)?;
        let is_void = head.is_empty() && !content.is_plain();
        let is_known = |stream: &Stream| !matches!(stream.likeness(&content), Ok(Likeness::None));
        if is_void || self.streams.iter().any(is_known) {
            return None;
        }
        let before = newest_mark(&siblings[..at]);
        let id = self.new_id(sibling.device, sibling.inode);
        if !head.is_empty() {
            let (path, file) = (self.path.clone(), sibling.path.clone());
            self.events.tell(FeedEvent::CaughtUp { path, file, stream: id });
        }
        Some(Stream::begin(id, Origin::of(content), before))
    }

    fn open_sibling(&mut self, sibling: &Sibling) -> Option<(Content, Vec<u8>)> {
        let path = sibling.path.clone();
        let opened = Content::open(&sibling.path).and_then(|content| {
            let head = content.head().map_err(|source| SourceError::Read { path, at: 0, source })?;
            Ok((content, head))
        });
        match opened {
            Ok(opened) => Some(opened),
            Err(error) => {
                self.events.tell(super::unreadable(&error));
                None
            }
        }
    }

    /// Tries to find the bytes of all streams that lost them.
    pub(super) fn seek_all(&mut self, now: Duration) {
        for at in 0..self.streams.len() {
            if matches!(&self.streams[at].origin, Origin::Sought(search) if search.is_due(now)) {
                self.seek(at, now);
            }
        }
    }

    /// Looks for a file that begins with what was read of a stream.
    pub(super) fn seek(&mut self, at: usize, now: Duration) {
        if !matches!(self.streams[at].origin, Origin::Sought(_)) {
            return;
        }
        let mut beginning = None;
        for sibling in siblings::list(&self.path).iter().rev() {
            if self.streams.iter().any(|stream| stream.is_in(sibling.device, sibling.inode)) {
                continue;
            }
            let Ok(content) = Content::open(&sibling.path) else { continue };
            match self.streams[at].likeness(&content) {
                Ok(Likeness::Whole) => match self.take_if_proved(at, content) {
                    None => return,
                    Some(content) => beginning = beginning.or(Some(content)),
                },
                Ok(Likeness::Beginning) => beginning = beginning.or(Some(content)),
                Ok(Likeness::None) | Err(_) => {}
            }
        }
        let is_taken = beginning.is_some_and(|content| self.take_beginning(at, content));
        if !is_taken {
            self.not_found(at, now);
        }
    }

    /// Lets a stream go on in a file that is proved to be its own; gives back another.
    fn take_if_proved(&mut self, at: usize, mut content: Content) -> Option<Content> {
        let stream = &mut self.streams[at];
        let (offset, hash) = stream.claim();
        let Ok(Some(proof)) = content.prove(offset, hash) else { return Some(content) };
        let found = FeedEvent::Found {
            path: self.path.clone(),
            stream: stream.id,
            copy: content.path.clone(),
            from: stream.next_offset(),
        };
        // What is closed was emptied in place: its copy is whole.
        let origin = if stream.phase == Phase::Closing { Origin::Copied(content) } else { Origin::of(content) };
        stream.adopt(origin, proof);
        self.events.tell(found);
        None
    }

    /// A copy that was made before the last bytes were read: nothing of it is missing, as long as nobody goes back. Whether
    /// it is one.
    fn take_beginning(&mut self, at: usize, mut content: Content) -> bool {
        let stream = &mut self.streams[at];
        let mut beyond = [0];
        let is_shorter = matches!(content.read_at(stream.tip(), &mut beyond), Ok(0));
        if !is_shorter || stream.known_rest().is_some() {
            return false;
        }
        let (offset, hash) = stream.base();
        if let Ok(Some(_)) = content.prove(offset, hash) {
            stream.origin = Origin::Copied(content);
        } else {
            stream.abandon();
        }
        true
    }

    fn not_found(&mut self, at: usize, now: Duration) {
        let stream = &mut self.streams[at];
        let Origin::Sought(search) = &mut stream.origin else { return };
        if search.goes_on(now) {
            return;
        }
        let why = format!(
            "{} no longer holds it, and no file beside it begins with what had been read (a rotation that keeps no copy, or \
             a copy elsewhere?); if there is a copy, import it with `vigie import`",
            self.path.display()
        );
        stream.give_up(why, &mut self.events);
    }
}

/// Whether a copy is not shorter than what it replaces.
fn holds_all(content: &Content, stream: &Stream) -> bool {
    let length = |content: &Content| content.look().map_or(0, |look| look.bytes);
    length(content) >= stream.content().map_or(0, length)
}

fn is_held_in(stream: &Stream, content: &Content) -> bool {
    matches!(stream.origin, Origin::Held(_)) && stream.is_in(content.device, content.inode)
}

fn is_like(sibling: &Sibling, stream: &Stream) -> bool {
    let content = Content::open(&sibling.path);
    content.is_ok_and(|content| !matches!(stream.likeness(&content), Ok(Likeness::None)))
}

fn rotated_siblings(path: &Path) -> Vec<Sibling> {
    let mut siblings = siblings::list(path);
    siblings.retain(Sibling::is_rotated);
    siblings
}

/// The rotated siblings without the live file, under whatever name it is by now, and without a copy of it that was made to
/// empty it next.
pub(super) fn siblings_beside(path: &Path, live: Option<&Content>) -> Vec<Sibling> {
    let mut siblings = rotated_siblings(path);
    let Some(live) = live else { return siblings };
    if let Some(at) = siblings.iter().position(|sibling| live.is_file(sibling.device, sibling.inode)) {
        // It was rotated since it was opened; what is newer comes after it.
        siblings.truncate(at);
        return siblings;
    }
    let head = live.head().unwrap_or_default();
    siblings.pop_if(|newest| {
        let copy = Content::open(&newest.path).ok().and_then(|content| content.head().ok()).unwrap_or_default();
        let common = copy.len().min(head.len());
        common > 0 && copy[..common] == head[..common]
    });
    siblings
}

/// Behind the file that a stream is in.
fn position(siblings: &[Sibling], stream: &Stream) -> Option<usize> {
    let held = siblings.iter().rposition(|sibling| stream.is_in(sibling.device, sibling.inode));
    held.or_else(|| position_of(siblings, &stream.mark())).map(|at| at + 1)
}

/// The file that a mark was taken of. If several begin with a few bytes that are the same, the oldest of them is taken: what is
/// read again is known to the server, what is passed over is lost.
fn position_of(siblings: &[Sibling], mark: &FileMark) -> Option<usize> {
    let has_mark = |sibling: &Sibling| {
        let content = Content::open(&sibling.path);
        content.is_ok_and(|content| content.has_mark(mark).unwrap_or(false))
    };
    let is_same_file = |sibling: &Sibling| (sibling.device, sibling.inode) == (mark.device, mark.inode);
    let same = siblings.iter().position(|sibling| is_same_file(sibling) && has_mark(sibling));
    same.or_else(|| siblings.iter().position(has_mark))
}

/// Behind the file that was the newest when a stream began; where that is gone, what was written since the stream was.
pub(super) fn since(siblings: &[Sibling], before: Option<&FileMark>, written_ns: i64) -> usize {
    let Some(before) = before else { return 0 };
    if let Some(at) = position_of(siblings, before) {
        return at + 1;
    }
    let limit = before.modified_ns.max(written_ns);
    siblings.iter().position(|sibling| sibling.look.modified_ns > limit).unwrap_or(siblings.len())
}

/// What the newest rotated file is recognised by.
fn newest_mark(siblings: &[Sibling]) -> Option<FileMark> {
    siblings.iter().rev().filter(|sibling| sibling.look.bytes > 0).find_map(|sibling| {
        let content = Content::open(&sibling.path).ok()?;
        let head = content.head().ok()?;
        (!head.is_empty()).then(|| content.mark(&head, sibling.look.modified_ns))
    })
}
