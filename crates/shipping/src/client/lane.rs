//! One feed on its way to the server: what it gave out, what arrived, what may be forgotten.
//!
//! Invariant: a feed hears `durable` only of what the server said is durable and the feed itself gave out; and it is never rewound below
//! that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use vigie_sources::{Feed, FeedEvent, PIECE_BYTES_MAX, Piece, Place, SourceError, StreamId};
use zstd::bulk::Compressor;

use super::event::FeedCondition;
use crate::bounds::LABEL_BYTES_MAX;
use crate::protocol::{Chunk, Durable, HeldStream, KnownStream, cut};

/// Small pieces go together up to this. A piece is never divided: the server gets whole lines.
const CHUNK_BYTES: usize = PIECE_BYTES_MAX;
/// Streams of one feed that may be open. A feed with more is not read on until some became durable.
const OPEN_STREAMS_MAX: usize = 64;
/// Between two refusals of one feed: doubled with each, up to the pace's time of trouble.
const FAULT_PAUSE: Duration = Duration::from_millis(50);
const FAULT_DOUBLINGS_MAX: u32 = 10;

pub(super) struct Lane {
    feed: Box<dyn Feed>,
    streams: BTreeMap<StreamId, Extent>,
    /// Rewinds that failed and are to be tried again before anything else is read.
    rewinds: BTreeMap<StreamId, u64>,
    gathered: Option<Chunk>,
    /// The piece that did not fit to what was gathered.
    ahead: Option<Piece>,
    /// Is what was gathered as much as there is, or as fits?
    is_complete: bool,
    /// What is to be sent, again when the server was busy.
    parcel: Option<Parcel>,
    is_in_flight: bool,
    is_exhausted: bool,
    /// Reads nothing before then.
    read_at: Instant,
    /// Sends nothing before then.
    send_at: Instant,
    faults: u32,
    has_moved: bool,
    touches: u64,
}

/// A chunk, ready to be sent.
#[derive(Clone)]
pub(super) struct Parcel {
    pub(super) stream: StreamId,
    pub(super) raw_bytes: u64,
    offset: u64,
    end: u64,
    pub(super) body: Bytes,
    is_last: bool,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    /// Up to where the feed gave it out.
    given: u64,
    /// Up to where it arrived at the server.
    received: u64,
    /// Up to where the server holds it for good.
    durable: u64,
    /// Up to where the feed was told so, and may have forgotten it.
    told: u64,
    /// The feed gave out its end.
    is_end_given: bool,
    /// Its end arrived.
    has_ended: bool,
    /// Its place is on the disk: after a crash the stream is known by its number.
    is_saved: bool,
    /// What the server misses is forgotten here: the next chunk says so.
    after_loss: bool,
    /// When it was touched last, by count.
    touched: u64,
}

/// Bytes below these are missing at the server and may be forgotten here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forgotten {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Lane {
    pub(super) fn new(feed: Box<dyn Feed>) -> Self {
        // A feed may have just numbered a stream: what it names need not be on the disk.
        let of_place = |place: Place| {
            let offset = place.offset;
            (place.stream, Extent { given: offset, durable: offset, told: offset, ..Extent::default() })
        };
        Lane {
            streams: feed.places().into_iter().filter(|place| !place.is_ended).map(of_place).collect(),
            feed,
            rewinds: BTreeMap::new(),
            gathered: None,
            ahead: None,
            is_complete: false,
            parcel: None,
            is_in_flight: false,
            is_exhausted: false,
            read_at: Instant::now(),
            send_at: Instant::now(),
            faults: 0,
            has_moved: false,
            touches: 0,
        }
    }

    pub(super) fn label(&self) -> &str {
        self.feed.label()
    }

    pub(super) fn places(&self) -> (String, Vec<Place>) {
        (self.feed.label().to_owned(), self.feed.places())
    }

    pub(super) fn feed_events(&mut self) -> Vec<FeedEvent> {
        self.feed.events()
    }

    /// Bytes that the feed has, and those that it gave out and that did not arrive.
    pub(super) fn backlog_bytes(&self) -> u64 {
        let under_way: u64 = self.streams.values().map(|extent| extent.given.saturating_sub(extent.received)).sum();
        self.feed.backlog_bytes().saturating_add(under_way)
    }

    pub(super) fn condition(&self) -> FeedCondition {
        let open = self.streams.values().filter(|extent| extent.is_open());
        let undurable_bytes = open.clone().map(|extent| extent.given.saturating_sub(extent.told)).sum();
        FeedCondition {
            label: self.label().to_owned(),
            backlog_bytes: self.backlog_bytes(),
            open_streams: open.count() as u64,
            undurable_bytes,
        }
    }

    /// Did places move since this was asked last?
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.has_moved)
    }

    /// Does something wait of a stream whose place is not kept? Nothing of it is sent before: after a crash it would be sent again under
    /// another number.
    pub(super) fn is_unsaved(&self) -> bool {
        let next = self.parcel.as_ref().map(|parcel| parcel.stream);
        let next = next.or(self.gathered.as_ref().map(|chunk| chunk.stream));
        next.is_some_and(|stream| !self.is_saved(stream))
    }

    fn is_saved(&self, stream: StreamId) -> bool {
        self.streams.get(&stream).is_none_or(|extent| extent.is_saved)
    }

    /// All places are kept.
    pub(super) fn saved(&mut self) {
        self.streams.values_mut().for_each(|extent| extent.is_saved = true);
    }

    /// The streams to greet with.
    pub(super) fn known_streams(&self) -> impl Iterator<Item = KnownStream> + '_ {
        let known = |(stream, extent): (&StreamId, &Extent)| KnownStream {
            stream: *stream,
            label: cut(self.feed.label_of(*stream), LABEL_BYTES_MAX).to_owned(),
            durable: extent.told,
        };
        self.streams.iter().map(known)
    }

    /// The streams to ask about: of which something is not durable.
    pub(super) fn open_streams(&self) -> impl Iterator<Item = Durable> + '_ {
        let open = self.streams.iter().filter(|(_, extent)| extent.is_open());
        open.map(|(stream, extent)| Durable { stream: *stream, offset: extent.durable })
    }

    /// Has its feed nothing to give, and is all that it gave durable at the server?
    pub(super) fn is_drained(&self) -> bool {
        let in_hand = self.is_in_flight || self.parcel.is_some() || self.gathered.is_some() || self.ahead.is_some();
        !in_hand && self.is_exhausted && self.open_streams().next().is_none()
    }

    /// Looks at its feed at once, whenever it did before.
    pub(super) fn look_again(&mut self) {
        self.is_exhausted = false;
        self.read_at = Instant::now();
    }

    /// Raw bytes that it holds in memory.
    pub(super) fn bytes_in_hand(&self) -> usize {
        let gathered = self.gathered.as_ref().map_or(0, |chunk| chunk.bytes.capacity());
        let ahead = self.ahead.as_ref().map_or(0, |piece| piece.bytes.capacity());
        gathered + ahead + self.parcel.as_ref().map_or(0, |parcel| parcel.body.len())
    }

    /// The connection ended: what was under way counts as not arrived, until the next greeting says more.
    pub(super) fn disconnected(&mut self) {
        self.is_in_flight = false;
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        streams.into_iter().for_each(|stream| self.drop_in_hand(stream));
    }

    /// Sets everything to what the server says it holds. Streams that were named to it and that it does not name are new to it.
    pub(super) fn greeted(
        &mut self,
        named: &BTreeSet<StreamId>,
        held: &[HeldStream],
        pause: Duration,
    ) -> (Vec<Forgotten>, Vec<SourceError>) {
        (self.read_at, self.send_at) = (Instant::now(), Instant::now());
        self.faults = 0;
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        let (mut forgotten, mut errors) = (Vec::new(), Vec::new());
        for stream in streams {
            let held = held.iter().find(|held| held.stream == stream);
            // One too many to be named is taken to be where it was; a gap would be answered by a refusal.
            let told = self.streams.get(&stream).filter(|_| !named.contains(&stream)).map_or(0, |extent| extent.told);
            let (durable, received) = held.map_or((told, told), |held| (held.durable, held.received.max(held.durable)));
            self.became_durable(stream, durable);
            match self.resume(stream, received, pause) {
                Ok(None) => {}
                Ok(Some(gone)) => forgotten.push(gone),
                Err(error) => errors.push(error),
            }
        }
        (forgotten, errors)
    }

    /// The server has a stream up to `received`, neither more nor less: go on from there.
    pub(super) fn resume(
        &mut self,
        stream: StreamId,
        received: u64,
        pause: Duration,
    ) -> Result<Option<Forgotten>, SourceError> {
        self.drop_in_hand(stream);
        let extent = self.streams.entry(stream).or_default();
        extent.received = received;
        let target = received.max(extent.told);
        let forgotten = (received < extent.told).then_some(Forgotten { from: received, to: extent.told });
        extent.after_loss = forgotten.is_some();
        if target < extent.given {
            self.rewind(stream, target, pause)?;
        }
        Ok(forgotten)
    }

    /// Drops what was read of a stream and not sent: a rewind gives it again.
    fn drop_in_hand(&mut self, stream: StreamId) {
        let parcel = self.parcel.take_if(|parcel| parcel.stream == stream).map(|parcel| parcel.offset);
        let gathered = self.gathered.take_if(|chunk| chunk.stream == stream).map(|chunk| chunk.offset);
        let ahead = self.ahead.take_if(|piece| piece.stream == stream).map(|piece| piece.offset);
        self.is_complete = self.gathered.is_some();
        let Some(dropped) = [parcel, gathered, ahead].into_iter().flatten().min() else { return };
        // Even where the server has all of it: the end of the stream may have been in hand.
        self.rewinds.insert(stream, dropped);
    }

    fn rewind(&mut self, stream: StreamId, offset: u64, pause: Duration) -> Result<(), SourceError> {
        self.rewinds.insert(stream, offset);
        self.try_rewinds(pause)
    }

    fn try_rewinds(&mut self, pause: Duration) -> Result<(), SourceError> {
        while let Some((&stream, &offset)) = self.rewinds.first_key_value() {
            let extent = self.streams.entry(stream).or_default();
            let offset = offset.max(extent.told);
            if let Err(error) = self.feed.rewind(stream, offset) {
                self.read_at = Instant::now() + pause;
                return Err(error);
            }
            extent.given = extent.given.min(offset);
            (extent.is_end_given, extent.has_ended) = (false, false);
            self.is_exhausted = false;
            self.rewinds.remove(&stream);
        }
        Ok(())
    }

    /// Reads until there is a chunk's worth, or nothing more.
    pub(super) fn gather(&mut self, poll: Duration, pause: Duration) -> Result<(), SourceError> {
        if self.is_complete || Instant::now() < self.read_at {
            return Ok(());
        }
        self.try_rewinds(pause)?;
        while !self.is_complete {
            let piece = self.next(pause);
            let Ok(Some(piece)) = piece else {
                self.is_complete = self.gathered.is_some();
                self.read_at = self.read_at.max(Instant::now() + poll);
                return piece.map(|_| ());
            };
            if let Some(chunk) = self.placed(piece) {
                self.add(chunk);
            }
        }
        Ok(())
    }

    fn next(&mut self, pause: Duration) -> Result<Option<Piece>, SourceError> {
        if self.ahead.is_some() {
            return Ok(self.ahead.take());
        }
        if !self.has_room() {
            return Ok(None);
        }
        let piece = self.feed.next().inspect_err(|_| self.read_at = Instant::now() + pause)?;
        self.is_exhausted = piece.is_none();
        Ok(piece)
    }

    /// May the feed begin one more stream? Those of which nothing is open are let go of first.
    fn has_room(&mut self) -> bool {
        while self.streams.len() >= OPEN_STREAMS_MAX {
            let newest = self.touches;
            let closed = self.streams.iter().filter(|(_, extent)| !extent.is_open() && extent.touched < newest);
            let Some(oldest) = closed.min_by_key(|(_, extent)| extent.touched).map(|(stream, _)| *stream) else {
                return self.streams.len() < OPEN_STREAMS_MAX;
            };
            self.streams.remove(&oldest);
        }
        true
    }

    /// Notes that a piece was given out, and takes off what the server has already; `None` when that is all.
    fn placed(&mut self, piece: Piece) -> Option<Chunk> {
        self.touches += 1;
        let Piece { stream, offset, mut bytes, is_last } = piece;
        let end = offset.saturating_add(bytes.len() as u64);
        let extent = self.streams.entry(stream).or_default();
        extent.touched = self.touches;
        extent.given = extent.given.max(end);
        extent.is_end_given |= is_last;
        let after_loss = extent.after_loss && offset == extent.told;
        let known = usize::try_from(extent.received.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len());
        bytes.drain(..known);
        self.tell(stream);
        let is_news = !bytes.is_empty() || is_last;
        is_news.then(|| Chunk {
            stream,
            label: self.feed.label_of(stream).to_owned(),
            offset: offset + known as u64,
            bytes,
            is_last,
            after_loss,
        })
    }

    fn add(&mut self, chunk: Chunk) {
        let Some(gathered) = &mut self.gathered else {
            self.is_complete = chunk.is_last || chunk.bytes.len() >= CHUNK_BYTES;
            self.gathered = Some(chunk);
            return;
        };
        let follows = gathered.stream == chunk.stream && gathered.end() == chunk.offset && !chunk.after_loss;
        if follows && gathered.bytes.len() + chunk.bytes.len() <= CHUNK_BYTES {
            gathered.bytes.extend_from_slice(&chunk.bytes);
            gathered.is_last = chunk.is_last;
            self.is_complete = chunk.is_last;
        } else {
            let Chunk { stream, offset, bytes, is_last, .. } = chunk;
            self.ahead = Some(Piece { stream, offset, bytes, is_last });
            self.is_complete = true;
        }
    }

    /// What to send now, when nothing of this feed is under way.
    pub(super) fn depart(&mut self, compressor: &mut Compressor<'_>) -> Option<Parcel> {
        if self.is_in_flight {
            return None;
        }
        if self.parcel.is_none() && self.is_complete {
            self.parcel = self.gathered.take().and_then(|chunk| Parcel::pack(&chunk, compressor));
            self.is_complete = false;
        }
        let is_ready = |parcel: &Parcel| self.send_at <= Instant::now() && self.is_saved(parcel.stream);
        let parcel = self.parcel.clone().filter(is_ready);
        self.is_in_flight = parcel.is_some();
        parcel
    }

    /// The parcel under way arrived, and the stream with it up to `received`.
    pub(super) fn arrived(&mut self, sent: &Parcel, received: u64, pause: Duration) -> Result<(), SourceError> {
        self.is_in_flight = false;
        self.parcel = None;
        self.faults = 0;
        let extent = self.streams.entry(sent.stream).or_default();
        extent.after_loss = false;
        if received < sent.end {
            return self.resume(sent.stream, received, pause).map(|_| ());
        }
        extent.received = received;
        extent.has_ended |= sent.is_last && received == sent.end;
        self.tell(sent.stream);
        Ok(())
    }

    /// The parcel under way was not taken. It is sent again after a pause, unless the stream is resumed elsewhere.
    pub(super) fn returned(&mut self, wait: Option<Duration>, longest: Duration) {
        self.is_in_flight = false;
        let doubled = FAULT_PAUSE * (1 << self.faults.min(FAULT_DOUBLINGS_MAX));
        self.faults += 1;
        self.send_at = Instant::now() + wait.unwrap_or(doubled).min(longest);
    }

    /// Sends nothing for so long.
    pub(super) fn pause(&mut self, wait: Duration) {
        self.send_at = self.send_at.max(Instant::now() + wait);
    }

    /// The server holds a stream for good up to there. Whether that is news.
    pub(super) fn became_durable(&mut self, stream: StreamId, offset: u64) -> bool {
        let Some(extent) = self.streams.get_mut(&stream) else { return false };
        let is_news = offset > extent.durable;
        extent.durable = extent.durable.max(offset);
        extent.received = extent.received.max(extent.durable);
        self.tell(stream);
        is_news
    }

    /// Tells the feed what it may forget: what is durable, as far as it was given out.
    fn tell(&mut self, stream: StreamId) {
        let Some(extent) = self.streams.get_mut(&stream) else { return };
        let may_forget = extent.durable.min(extent.given);
        // A feed that gave out the end forgets all of a stream with its last byte; the end may have to be asked for once more.
        let is_end_open = extent.is_end_given && !extent.has_ended && may_forget == extent.given;
        if may_forget > extent.told && !is_end_open {
            extent.told = may_forget;
            self.feed.durable(stream, may_forget);
            self.has_moved = true;
        }
        if extent.has_ended && extent.told == extent.given {
            // Once more where the end came later than the last byte became durable.
            self.feed.durable(stream, extent.told);
            self.has_moved = true;
            self.streams.remove(&stream);
        }
    }
}

impl Extent {
    fn is_open(&self) -> bool {
        self.told < self.given || self.is_end_given
    }
}

impl Parcel {
    fn pack(chunk: &Chunk, compressor: &mut Compressor<'_>) -> Option<Parcel> {
        // It fails for want of memory only; the next greeting begins anew from what arrived.
        let body = chunk.encode(compressor).ok()?;
        let (offset, end) = (chunk.offset, chunk.end());
        Some(Parcel {
            stream: chunk.stream,
            raw_bytes: end - offset,
            offset,
            end,
            body: body.into(),
            is_last: chunk.is_last,
        })
    }
}
