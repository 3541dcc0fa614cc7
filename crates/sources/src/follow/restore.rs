//! Going on after a restart.

use std::time::Duration;

use super::content::Content;
use super::rotation::{siblings_beside, since};
use super::search::Search;
use super::siblings::Sibling;
use super::stream::{Likeness, Origin, Stream};
use super::{Follower, STREAMS_MAX};

impl Follower {
    /// Makes streams of the places that were saved, once. Takes the file at the path if a stream goes on in it.
    pub(super) fn restore(&mut self, live: Option<Content>, now: Duration) -> Option<Content> {
        let Some(mut places) = self.unplaced.take() else { return live };
        if !places.is_empty() {
            self.start = super::Start::Beginning;
        }
        // The newest are the ones that can still be found.
        places.drain(..places.len().saturating_sub(STREAMS_MAX));
        self.streams = places.into_iter().map(|place| Stream::restored(place, Search::begin(now))).collect();
        let live = self.restore_live(live);
        let newest = self.streams.len().saturating_sub(1);
        for stream in &mut self.streams[..newest] {
            stream.supersede(now);
        }
        for at in 0..self.streams.len() {
            self.restore_hinted(at);
            self.seek(at, now);
        }
        for at in (0..self.streams.len()).rev() {
            self.drop_unused(at, now);
        }
        live
    }

    /// Finds the stream that goes on at the path: the newest, if several could.
    fn restore_live(&mut self, live: Option<Content>) -> Option<Content> {
        let mut live = live?;
        for at in (0..self.streams.len()).rev() {
            match self.adopt_restored(at, live) {
                None => {
                    let stream = self.streams.remove(at);
                    self.streams.push(stream);
                    return None;
                }
                Some(other) => live = other,
            }
        }
        Some(live)
    }

    /// Looks where the file was last: beside the path's siblings, as links lead elsewhere.
    fn restore_hinted(&mut self, at: usize) {
        let path = self.streams[at].mark().path;
        if path.is_empty() || std::path::Path::new(&path) == self.path {
            return;
        }
        if let Ok(content) = Content::open(std::path::Path::new(&path))
            && !self.streams.iter().any(|stream| stream.is_in(content.device, content.inode))
        {
            self.adopt_restored(at, content);
        }
    }

    /// Lets a stream go on in a file if it is its own; gives back another.
    fn adopt_restored(&mut self, at: usize, mut content: Content) -> Option<Content> {
        let stream = &mut self.streams[at];
        if !matches!(stream.origin, Origin::Sought(_)) || !matches!(stream.likeness(&content), Ok(Likeness::Whole)) {
            return Some(content);
        }
        let (offset, hash) = stream.claim();
        match content.prove(offset, hash) {
            Ok(Some(proof)) => {
                stream.adopt(Origin::of(content), proof);
                None
            }
            _ => Some(content),
        }
    }

    /// Gives up the place of a file that was empty: nobody heard of the stream, and there is nothing to recognise it by. The file
    /// is one that nobody saw.
    fn drop_unused(&mut self, at: usize, now: Duration) {
        let stream = &mut self.streams[at];
        if !matches!(stream.origin, Origin::Sought(_)) || !stream.is_unused() {
            return;
        }
        stream.lose(Search::begin(now));
        if self.streams.last().is_none_or(|newest| newest.content().is_none()) {
            // What is newer than the newest is looked for in any case, and nobody knows which is older.
            return;
        }
        let before = self.streams[at].before.clone();
        let live = Content::open_plain(&self.path).ok();
        let siblings = siblings_beside(&self.path, live.as_ref());
        // Those behind the file of a newer stream were written after that.
        let newer = &self.streams[at + 1..];
        let is_newer = |file: &Sibling| newer.iter().any(|stream| stream.is_in(file.device, file.inode));
        let end = siblings.iter().position(is_newer).unwrap_or(siblings.len());
        for file in (since(&siblings, before.as_ref(), i64::MIN)..end).rev() {
            if let Some(mut unseen) = self.unseen(&siblings, file) {
                unseen.supersede(now);
                self.streams.insert(at, unseen);
            }
        }
    }
}
