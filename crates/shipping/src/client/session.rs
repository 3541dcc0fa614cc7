//! One session with the server: a greeting, then chunks and statuses until something ends it.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;
use zstd::bulk::Compressor;

use super::backoff::Backoff;
use super::lane::{Forgotten, Lane, Parcel};
use super::link::{Fault, Link};
use super::{Observer, ShipEvent, Shipper, Shutdown, Tale, now_us};
use crate::bounds::{NAME_BYTES_MAX, STATUS_WAIT_MAX, STREAMS_MAX};
use crate::protocol::{
    CHUNK_PATH, CURRENT, Durable, HELLO_PATH, Hello, HelloAnswer, OLDEST, Problem, Received, STATUS_PATH, Status,
    StatusAnswer, cut,
};

/// Chunks under way at once, of as many feeds. With the status fewer than any server takes.
const CHUNKS_AT_ONCE: usize = 4;
/// What all feeds together hold in memory. A feed with its turn takes a chunk and a piece beyond it.
const IN_HAND_BYTES_MAX: usize = 2 << 20;
/// Between two statuses while something is not durable: the server answers when it moved, and it moves every few seconds.
const STATUS_PAUSE: Duration = Duration::from_millis(250);
/// From here on a difference of clocks is told.
const CLOCK_OFF_MS: i64 = 60_000;
/// zstd's quickest: logs become a tenth with it, and a seventeenth with what costs four times as much.
const COMPRESSION_LEVEL: i32 = 1;

/// What came back.
enum Answer {
    Chunk { lane: usize, parcel: Parcel, result: Result<Received, Fault> },
    Status(Result<StatusAnswer, Fault>),
}

/// What a session is doing.
struct Session {
    link: Link,
    under_way: JoinSet<Answer>,
    chunks_under_way: usize,
    is_status_under_way: bool,
    status_at: Instant,
    /// When something became durable last, or nothing was open.
    durable_at: Instant,
    status_wait: Duration,
    streams_max: usize,
    turn: usize,
    /// When it has to stop.
    stop_at: Option<Instant>,
}

impl<O: Observer> Shipper<O> {
    /// Runs until shutdown, which is no fault, or until something breaks.
    pub(super) async fn session(&mut self, mut shutdown: Shutdown<'_>, backoff: &mut Backoff) -> Result<(), Fault> {
        let greeting = async {
            let link = self.dialer.dial().await?;
            self.greet(link).await
        };
        let mut session = tokio::select! {
            () = shutdown.as_mut() => return Ok(()),
            session = greeting => session?,
        };
        let mut compressor = Compressor::new(COMPRESSION_LEVEL).map_err(|error| Fault::Broken(error.to_string()))?;
        loop {
            self.gather(&mut session);
            self.dispatch(&mut session, &mut compressor);
            self.look_at_feeds();
            self.save_if_due();
            if session.stop_at.is_some_and(|at| at <= Instant::now() || self.lanes.iter().all(Lane::is_drained)) {
                return Ok(());
            }
            if session.link.is_closed() && session.under_way.is_empty() {
                return Err(Fault::Broken("it was closed".into()));
            }
            if session.durable_at.elapsed() > self.config.pace.stall {
                session = self.greet_again(session).await?;
            }
            let is_stopping = session.stop_at.is_some();
            tokio::select! {
                () = shutdown.as_mut(), if !is_stopping => {
                    session.stop_at = Some(Instant::now() + self.config.pace.drain);
                    self.lanes.iter_mut().for_each(Lane::look_again);
                }
                () = tokio::time::sleep(self.config.pace.poll) => {}
                Some(answer) = session.under_way.join_next() => match answer {
                    Ok(answer) => self.answered(&mut session, answer, backoff)?,
                    Err(error) => return Err(Fault::Broken(error.to_string())),
                },
            }
        }
    }

    /// Greets, and sets all feeds to what the server holds.
    async fn greet(&mut self, link: Link) -> Result<Session, Fault> {
        let streams: Vec<_> = self.lanes.iter().flat_map(Lane::known_streams).take(STREAMS_MAX).collect();
        let named = streams.iter().map(|known| known.stream).collect();
        let [program, host] =
            [&self.config.program, &self.config.host].map(|name| cut(name, NAME_BYTES_MAX).to_owned());
        let hello = Hello { protocol: CURRENT, program, host, clock_us: now_us(), streams };
        let answer: HelloAnswer = link.ask(HELLO_PATH, body(&hello), Duration::ZERO).await?;
        if !(OLDEST..=CURRENT).contains(&answer.protocol) {
            return Err(Fault::Nonsense);
        }
        self.tale.connected(answer.clock_us);
        for lane in &mut self.lanes {
            let (forgotten, errors) = lane.greeted(&named, &answer.streams, self.config.pace.trouble);
            forgotten.into_iter().for_each(|gone| self.tale.server_forgot(lane, gone));
            errors.into_iter().for_each(|error| self.tale.unreadable(lane, &error));
        }
        self.tale.tell_condition(&self.lanes);
        let status_wait =
            Duration::from_millis(answer.limits.wait_ms).min(self.config.pace.status).min(STATUS_WAIT_MAX);
        Ok(Session {
            link,
            under_way: JoinSet::new(),
            chunks_under_way: 0,
            is_status_under_way: false,
            status_at: Instant::now(),
            durable_at: Instant::now(),
            status_wait,
            streams_max: usize::try_from(answer.limits.streams).unwrap_or(STREAMS_MAX).min(STREAMS_MAX),
            turn: 0,
            stop_at: None,
        })
    }

    /// What was under way counts as not arrived.
    async fn greet_again(&mut self, session: Session) -> Result<Session, Fault> {
        let (link, stop_at) = (session.link.clone(), session.stop_at);
        drop(session);
        self.lanes.iter_mut().for_each(Lane::disconnected);
        Ok(Session { stop_at, ..self.greet(link).await? })
    }

    /// Lets each feed give a chunk's worth in turn, as far as there is memory for it.
    fn gather(&mut self, session: &mut Session) {
        let pace = self.config.pace;
        let count = self.lanes.len();
        let mut in_hand: usize = self.lanes.iter().map(Lane::bytes_in_hand).sum();
        for step in 0..count {
            if in_hand >= IN_HAND_BYTES_MAX {
                break;
            }
            let lane = &mut self.lanes[(session.turn + step) % count];
            in_hand -= lane.bytes_in_hand();
            if let Err(error) = lane.gather(pace.poll, pace.trouble) {
                self.tale.unreadable(lane, &error);
            }
            in_hand += lane.bytes_in_hand();
        }
        self.save_what_begins();
    }

    /// Sends what is ready, beginning with another feed each time.
    fn dispatch(&mut self, session: &mut Session, compressor: &mut Compressor<'_>) {
        let count = self.lanes.len();
        for step in 0..count {
            if session.chunks_under_way >= CHUNKS_AT_ONCE {
                break;
            }
            let lane = (session.turn + step) % count;
            if let Some(parcel) = self.lanes[lane].depart(compressor) {
                session.send(lane, parcel);
            }
        }
        session.turn = (session.turn + 1) % count.max(1);
        if !session.is_status_under_way {
            self.dispatch_status(session);
        }
    }

    fn dispatch_status(&mut self, session: &mut Session) {
        let streams: Vec<Durable> = self.lanes.iter().flat_map(Lane::open_streams).take(session.streams_max).collect();
        if streams.is_empty() {
            session.durable_at = Instant::now();
        }
        let pause = if streams.is_empty() { self.config.pace.status } else { STATUS_PAUSE };
        if Instant::now() < session.status_at + pause {
            return;
        }
        self.tale.tell_condition(&self.lanes);
        let wait = if streams.is_empty() { Duration::ZERO } else { session.status_wait };
        let condition = &self.tale.condition;
        let status = Status {
            clock_us: now_us(),
            backlog_bytes: condition.backlog_bytes,
            losses: condition.losses,
            lost_bytes: condition.lost_bytes,
            events: self.tale.counts.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            streams,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(0),
        };
        session.send_status(&status, wait);
    }

    fn answered(&mut self, session: &mut Session, answer: Answer, backoff: &mut Backoff) -> Result<(), Fault> {
        match answer {
            Answer::Status(result) => {
                session.is_status_under_way = false;
                session.status_at = Instant::now();
                match result {
                    Ok(status) => {
                        backoff.reset();
                        self.durable(session, &status.durable);
                        self.tale.clock(status.clock_us);
                        Ok(())
                    }
                    // It comes again anyway.
                    Err(Fault::Refused(problem)) if waiting(&problem).is_some() => {
                        session.status_at += waiting(&problem).unwrap_or_default();
                        Ok(())
                    }
                    Err(fault) => Err(fault),
                }
            }
            Answer::Chunk { lane, parcel, result } => {
                session.chunks_under_way -= 1;
                match result {
                    Ok(received) => {
                        backoff.reset();
                        self.arrived(session, lane, &parcel, &received);
                        Ok(())
                    }
                    Err(Fault::Refused(problem)) => self.refused(lane, &parcel, problem),
                    Err(fault) => Err(fault),
                }
            }
        }
    }

    fn arrived(&mut self, session: &mut Session, index: usize, parcel: &Parcel, received: &Received) {
        self.tale.condition.sent_bytes += parcel.raw_bytes;
        self.tale.condition.chunks += 1;
        let pace = self.config.pace;
        let lane = &mut self.lanes[index];
        self.tale.troubles.remove(lane.label());
        if let Err(error) = lane.arrived(parcel, received.received, pace.trouble) {
            self.tale.unreadable(lane, &error);
        }
        self.durable(session, &received.durable);
        if received.wait_ms > 0 {
            let wait = Duration::from_millis(received.wait_ms).min(pace.trouble);
            self.lanes.iter_mut().for_each(|lane| lane.pause(wait));
        }
    }

    fn durable(&mut self, session: &mut Session, moved: &[Durable]) {
        for Durable { stream, offset } in moved.iter().take(STREAMS_MAX) {
            for lane in &mut self.lanes {
                if lane.became_durable(*stream, *offset) {
                    session.durable_at = Instant::now();
                }
            }
        }
    }

    /// A chunk was refused: rewind, wait, or give the session up.
    fn refused(&mut self, index: usize, parcel: &Parcel, problem: Box<Problem>) -> Result<(), Fault> {
        let pace = self.config.pace;
        let lane = &mut self.lanes[index];
        if let Some(expected) = problem.expected {
            lane.returned(None, pace.trouble);
            match lane.resume(parcel.stream, expected, pace.trouble) {
                Ok(None) => {}
                Ok(Some(gone)) => self.tale.server_forgot(lane, gone),
                Err(error) => self.tale.unreadable(lane, &error),
            }
            return Ok(());
        }
        if let Some(wait) = waiting(&problem) {
            lane.returned(Some(wait), pace.trouble);
            return Ok(());
        }
        // Unauthorized, or a version that is not spoken: no other request would fare better.
        if matches!(problem.status, 401 | 404 | 426) {
            return Err(Fault::Refused(problem));
        }
        lane.returned(Some(pace.trouble), pace.trouble);
        let label = lane.label().to_owned();
        self.tale.tell_once(
            &label,
            &ShipEvent::Refused { label: label.clone(), detail: problem.detail, hint: problem.hint },
        );
        Ok(())
    }
}

impl Session {
    fn send(&mut self, lane: usize, parcel: Parcel) {
        let link = self.link.clone();
        self.chunks_under_way += 1;
        self.under_way.spawn(async move {
            let result = link.ask(CHUNK_PATH, parcel.body.clone(), Duration::ZERO).await;
            Answer::Chunk { lane, parcel, result }
        });
    }

    fn send_status(&mut self, status: &Status, wait: Duration) {
        let (link, body) = (self.link.clone(), body(status));
        self.is_status_under_way = true;
        self.under_way.spawn(async move { Answer::Status(link.ask(STATUS_PATH, body, wait).await) });
    }
}

impl<O: Observer> Tale<O> {
    fn connected(&mut self, server_us: i64) {
        if !self.condition.is_connected {
            self.condition.is_connected = true;
            self.condition.since_us = now_us();
            self.condition.trouble = None;
            let server = self.condition.server.clone();
            self.tell(&ShipEvent::Connected { server });
        }
        self.clock(server_us);
        if self.condition.clock_ahead_ms.abs() > CLOCK_OFF_MS {
            self.tell(&ShipEvent::ClockOff { seconds: self.condition.clock_ahead_ms / 1000 });
        }
    }

    fn clock(&mut self, server_us: i64) {
        self.condition.clock_ahead_ms = now_us().saturating_sub(server_us) / 1000;
    }

    fn server_forgot(&mut self, lane: &Lane, gone: Forgotten) {
        self.condition.losses += 1;
        self.condition.lost_bytes += gone.to - gone.from;
        self.tell(&ShipEvent::ServerForgot { label: lane.label().to_owned(), from: gone.from, to: gone.to });
    }

    pub(super) fn unreadable(&mut self, lane: &Lane, error: &vigie_sources::SourceError) {
        let (label, why, hint) = (lane.label().to_owned(), error.to_string(), error.hint());
        self.tell_once(lane.label(), &ShipEvent::Unreadable { label, why, hint });
    }
}

/// How long a server that is busy asks to wait.
fn waiting(problem: &Problem) -> Option<Duration> {
    let is_busy = matches!(problem.status, 408 | 429 | 502 | 503 | 504);
    let stated = problem.wait_ms.map(Duration::from_millis);
    stated.filter(|_| is_busy).or(is_busy.then_some(Duration::from_secs(1)))
}

/// A body of JSON. Numbers and texts alone: it cannot fail.
fn body(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}
