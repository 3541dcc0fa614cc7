//! The collector's side: carries pieces from feeds to the server, and lets a feed forget only what the server holds for good.
//!
//! A session begins with a greeting, in which the server says what it holds; each feed is rewound to there. Then pieces are gathered
//! feed by feed in turn, put together into chunks, and sent: one chunk of a feed at a time, since chunks of a stream must arrive in order,
//! and several feeds at once. Whatever goes wrong ends the session, and the next greeting sets everything right.

mod backoff;
mod event;
mod lane;
mod link;
mod places;
mod reach;
mod session;
mod trust;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use vigie_sources::spool::SpoolEvent;
use vigie_sources::{Feed, FeedEvent};

use crate::bounds::EVENT_KINDS_MAX;
use crate::enrolment::Enrolment;
pub use backoff::Backoff;
pub use event::{Condition, FeedCondition, Observer, ShipEvent};
use lane::Lane;
use link::{Dialer, Fault};
pub use places::{Places, PlacesError};
pub use reach::{Reached, Unreachable, reach};
pub use trust::{TrustError, authorities};

/// What a [`Shipper`] needs to know.
#[derive(Clone, Debug)]
pub struct ShipConfig {
    /// `HOST:PORT`.
    pub server: String,
    /// The word that the server gave out.
    pub enrolment: Enrolment,
    /// Certificates of the authorities to trust, in PEM, instead of the pinned key. Without either, the system's own are trusted.
    pub authorities: Option<PathBuf>,
    /// The name of this machine.
    pub host: String,
    /// Name and version of this program.
    pub program: String,
    /// Where it is kept how far the server has come.
    pub places: PathBuf,
    /// For the jitter between attempts to connect.
    pub seed: u64,
    /// How fast.
    pub pace: Pace,
}

/// Times of a [`Shipper`].
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two looks at a feed that had nothing; what came meanwhile goes in one chunk.
    pub poll: Duration,
    /// Before the second attempt to connect; each next one waits twice as long.
    pub retry_min: Duration,
    /// The longest between two attempts.
    pub retry_max: Duration,
    /// For name, connection and TLS.
    pub connect: Duration,
    /// For one request.
    pub request: Duration,
    /// Between two signs of life, and the longest wait to hear that something became durable.
    pub status: Duration,
    /// Between two writes of the places.
    pub save: Duration,
    /// For shipping what is there when it is to stop.
    pub drain: Duration,
    /// Between two notices that the server is still away.
    pub notice: Duration,
    /// Without anything becoming durable, although something is sent: then the server is greeted again, and asked what it holds.
    pub stall: Duration,
    /// After a feed or a chunk that failed in a way that will not pass by itself.
    pub trouble: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            poll: Duration::from_millis(150),
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            request: Duration::from_secs(60),
            status: Duration::from_secs(5),
            save: Duration::from_secs(1),
            drain: Duration::from_secs(5),
            notice: Duration::from_secs(600),
            stall: Duration::from_secs(60),
            trouble: Duration::from_secs(10),
        }
    }
}

/// Carries feeds to a server, until it is told to stop.
pub struct Shipper<O> {
    config: ShipConfig,
    lanes: Vec<Lane>,
    dialer: Dialer,
    tale: Tale<O>,
    /// When the places are to be written, if they moved.
    save_due: Option<Instant>,
    /// They could not be written: not tried again before.
    save_again_at: Instant,
}

/// What troubles with the places are told under; no feed is called so.
const PLACES: &str = "";

/// What is told to the observer and to the server.
struct Tale<O> {
    observer: O,
    condition: Condition,
    counts: BTreeMap<&'static str, u64>,
    /// What was told of a feed that is tried again and again, until something of it arrives.
    troubles: BTreeMap<String, String>,
}

/// A future that stays complete: a session may break after the stop was asked for, and the next step asks again.
struct Latch<F>(Option<Pin<Box<F>>>);

impl<F: Future<Output = ()>> Future for Latch<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(future) = &mut self.0 {
            std::task::ready!(future.as_mut().poll(context));
            self.0 = None;
        }
        Poll::Ready(())
    }
}

type Shutdown<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

impl<O: Observer> Shipper<O> {
    /// Made ready; nothing is connected yet. The feeds stand where their [`Places`] say.
    pub fn new(config: ShipConfig, feeds: Vec<Box<dyn Feed>>, observer: O) -> Result<Shipper<O>, TrustError> {
        let dialer = Dialer::new(&config)?;
        let lanes = feeds.into_iter().map(Lane::new).collect();
        let condition = Condition { server: config.server.clone(), since_us: now_us(), ..Condition::default() };
        let tale = Tale { observer, condition, counts: BTreeMap::new(), troubles: BTreeMap::new() };
        Ok(Shipper { config, lanes, dialer, tale, save_due: None, save_again_at: Instant::now() })
    }

    /// Ships until `shutdown` completes, and then for at most [`Pace::drain`] what is there. Gives back how it stood at the end.
    pub async fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> Condition {
        let mut shutdown = std::pin::pin!(Latch(Some(Box::pin(shutdown))));
        let pace = self.config.pace;
        let mut backoff = Backoff::new(pace.retry_min, pace.retry_max, self.config.seed);
        loop {
            let ended = self.session(shutdown.as_mut(), &mut backoff).await;
            self.lanes.iter_mut().for_each(Lane::disconnected);
            let Err(fault) = ended else { break };
            self.away(&fault);
            if self.rest(shutdown.as_mut(), backoff.next()).await {
                break;
            }
        }
        self.save();
        self.tale.condition.is_connected = false;
        self.tale.tell_condition(&self.lanes);
        self.tale.condition
    }

    /// Waits for the next attempt; whether it is to stop instead. Feeds are looked at meanwhile, so that they follow their logs.
    async fn rest(&mut self, mut shutdown: Shutdown<'_>, time: Duration) -> bool {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.look_at_feeds();
            // A chunk of each is read ahead, so that its log is open: it can be read to its end even when rotation removes it.
            for lane in &mut self.lanes {
                if let Err(error) = lane.gather(self.config.pace.poll, self.config.pace.trouble) {
                    self.tale.unreadable(lane, &error);
                }
            }
            self.save_what_begins();
            self.save_if_due();
            self.tale.still_away(&self.lanes, self.config.pace.notice);
            let step = until.min(Instant::now() + self.config.pace.poll);
            tokio::select! {
                () = shutdown.as_mut() => return true,
                () = tokio::time::sleep_until(step) => {}
            }
        }
        false
    }

    fn away(&mut self, fault: &Fault) {
        if self.tale.condition.is_connected || self.tale.condition.trouble.is_none() {
            self.tale.condition.since_us = now_us();
        }
        self.tale.condition.is_connected = false;
        let backlog_bytes = self.lanes.iter().map(Lane::backlog_bytes).sum();
        let event = ShipEvent::Away { why: fault.to_string(), hint: fault.hint(), backlog_bytes };
        let text = event.to_string();
        if self.tale.condition.trouble.as_ref() != Some(&text) {
            self.tale.condition.trouble = Some(text);
            self.tale.tell(&event);
        }
        self.tale.tell_condition(&self.lanes);
    }

    fn look_at_feeds(&mut self) {
        for lane in &mut self.lanes {
            for event in lane.feed_events() {
                self.tale.happened(lane.label(), event);
            }
        }
    }

    /// Writes the places when they moved and it is time.
    fn save_if_due(&mut self) {
        // Each is asked: `any` would stop at the first.
        let moved = self.lanes.iter_mut().filter_map(|lane| lane.take_moved().then_some(())).count() > 0;
        if moved && self.save_due.is_none() {
            self.save_due = Some(Instant::now() + self.config.pace.save);
        }
        if self.save_due.is_some_and(|due| due <= Instant::now()) {
            self.save_due = None;
            self.save();
        }
    }

    /// A stream that begins is kept at once, also while the server is away: its log may be rotated before this runs again.
    fn save_what_begins(&mut self) {
        if self.save_again_at <= Instant::now() && self.lanes.iter().any(Lane::is_unsaved) {
            self.save();
        }
    }

    fn save(&mut self) {
        let places = Places::of(self.lanes.iter().map(Lane::places));
        match places.save(&self.config.places) {
            Ok(()) => self.lanes.iter_mut().for_each(Lane::saved),
            Err(error) => {
                self.save_due = Some(Instant::now() + self.config.pace.trouble);
                self.save_again_at = Instant::now() + self.config.pace.save.min(self.config.pace.trouble);
                let event = ShipEvent::PlacesNotSaved { why: error.to_string(), hint: error.hint() };
                self.tale.tell_once(PLACES, &event);
                return;
            }
        }
        self.tale.troubles.remove(PLACES);
    }
}

impl<O: Observer> Tale<O> {
    fn tell(&mut self, event: &ShipEvent) {
        let kind = event.kind();
        if self.counts.len() < EVENT_KINDS_MAX || self.counts.contains_key(kind) {
            *self.counts.entry(kind).or_default() += 1;
        }
        self.observer.event(event);
    }

    /// Tells it unless it was the last thing told of this feed.
    fn tell_once(&mut self, label: &str, event: &ShipEvent) {
        let text = event.to_string();
        if self.troubles.get(label) != Some(&text) {
            self.troubles.insert(label.to_owned(), text);
            self.tell(event);
        }
    }

    fn tell_condition(&mut self, lanes: &[Lane]) {
        self.condition.now_us = now_us();
        self.condition.feeds = lanes.iter().map(Lane::condition).collect();
        self.condition.backlog_bytes = self.condition.feeds.iter().map(|feed| feed.backlog_bytes).sum();
        self.observer.condition(&self.condition);
    }

    fn happened(&mut self, label: &str, event: FeedEvent) {
        let lost = lost_bytes(&event);
        if let Some(bytes) = lost {
            self.condition.losses += 1;
            self.condition.lost_bytes += bytes;
        }
        self.tell(&ShipEvent::Feed { label: label.to_owned(), text: event.to_string(), is_loss: lost.is_some() });
    }

    /// Says from time to time that the server is still away, and what that will cost.
    fn still_away(&mut self, lanes: &[Lane], notice: Duration) {
        let now = now_us();
        let last = self.condition.since_us.max(self.condition.noticed_us);
        if Duration::from_micros(u64::try_from(now - last).unwrap_or(0)) < notice {
            return;
        }
        self.condition.noticed_us = now;
        let backlog_bytes = lanes.iter().map(Lane::backlog_bytes).sum();
        let seconds = u64::try_from((now - self.condition.since_us) / 1_000_000).unwrap_or(0);
        self.tell(&ShipEvent::StillAway { seconds, backlog_bytes });
        self.tell_condition(lanes);
    }
}

/// The bytes of a loss, 0 when nobody knows; `None` for what is no loss.
fn lost_bytes(event: &FeedEvent) -> Option<u64> {
    match event {
        FeedEvent::Lost { bytes, .. } => Some(bytes.unwrap_or(0)),
        FeedEvent::Spool(SpoolEvent::Lost { .. }) => Some(0),
        FeedEvent::Poll { is_loss: true, .. } => Some(0),
        _ => None,
    }
}

/// This machine's clock, in microseconds since 1970 UTC.
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Latch;

    #[tokio::test]
    async fn a_stop_that_was_asked_for_stays_so() {
        let mut shutdown = std::pin::pin!(Latch(Some(Box::pin(async {}))));
        for _ in 0..3 {
            shutdown.as_mut().await;
        }
    }
}
