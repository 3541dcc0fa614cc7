//! The body of a request: so many bytes, in so much time, and no more of all of them together than there is room for.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::protocol::{Malformed, Refusal};

/// What all bodies that are being received may hold together. Each takes as it grows: one that only promises much takes nothing.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// When there may be room again: bodies come and go within milliseconds.
const ROOM_WAIT_MS: u64 = 250;

/// A body, and the room that it takes.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Room(Arc::new(Semaphore::new(bytes)))
    }

    /// Reads a body of at most `max` bytes.
    pub(super) async fn receive(
        &self,
        body: Incoming,
        what: &'static str,
        max: usize,
        time: Duration,
    ) -> Result<Held, Refusal> {
        let stated = body.size_hint().lower();
        if stated > max as u64 {
            return Err(Refusal::TooLarge { what, size: stated, max: max as u64 });
        }
        timeout(time, self.gather(body, what, max)).await.unwrap_or(Err(Refusal::Slow))
    }

    async fn gather(&self, mut body: Incoming, what: &'static str, max: usize) -> Result<Held, Refusal> {
        let mut bytes = BytesMut::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Malformed::Body)?.into_data() else { continue };
            if bytes.len() + data.len() > max {
                return Err(Refusal::TooLarge { what, size: (bytes.len() + data.len()) as u64, max: max as u64 });
            }
            let more = self.take(data.len())?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Held { bytes: bytes.freeze(), _room: room })
    }

    /// Room for what a body becomes.
    pub(super) fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.0.clone().try_acquire_many_owned(bytes).map_err(|_| Refusal::Busy { wait_ms: ROOM_WAIT_MS })
    }
}
