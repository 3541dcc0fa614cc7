//! Batches of OTLP: each is a stream of its own, which begins and ends with it and is known again by its hash.

use std::sync::atomic::{AtomicU64, Ordering};

use vigie_engine::{
    import::live::{Arrival, NotTaken, StreamKey},
    ingest::Position,
};
use vigie_formats::otlp::Batch;
use vigie_shipping::{Refusal, Sender, Standing};

use super::{BUSY_WAIT_MS, Door, now_us};

/// How the lines' origin is called, behind the sender's name.
const LABEL: &str = "batches";
/// Places for each microsecond: stored lines of one time stay in the order of their batches, as long as less than 32 MB come in a second.
const PLACES_PER_MICRO: u64 = 32;

/// Where the lines of the next batch stand. A batch begins at the time at which it comes, since batches of one sender are stored as
/// one file, and lines of one second must stay in order there.
#[derive(Debug, Default)]
pub struct Places(AtomicU64);

impl Places {
    fn next(&self, bytes: usize) -> u64 {
        let now = u64::try_from(now_us()).unwrap_or(0).saturating_mul(PLACES_PER_MICRO);
        let begin = |free: u64| free.max(now);
        let moved = |free: u64| Some(begin(free).saturating_add(bytes as u64));
        let free = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved).unwrap_or_default();
        begin(free)
    }
}

impl Door {
    /// Takes a batch that is new, and says how it stands.
    pub(super) fn take_batch(&self, sender: &Sender, batch: &Batch) -> Result<Standing, Refusal> {
        let key = StreamKey::of_batch(&sender.name, batch.hash);
        if let Some(position) = self.ingest.position(&key) {
            return Ok(standing(position));
        }
        self.hear(sender, |_| ());
        let arrival = Arrival {
            key,
            label: LABEL,
            host: &sender.name,
            offset: self.places.next(batch.lines.len()),
            bytes: &batch.lines,
            is_last: true,
            after_loss: false,
        };
        match self.ingest.take(&arrival) {
            Ok(position) => Ok(standing(position)),
            Err(NotTaken::Busy) => Err(Refusal::Busy { wait_ms: BUSY_WAIT_MS }),
            // The same batch came on another connection at this moment.
            Err(NotTaken::Gap { .. } | NotTaken::Over { .. }) => Ok(Standing::Taken),
        }
    }
}

fn standing(position: Position) -> Standing {
    if position.is_durable_whole() { Standing::Durable } else { Standing::Taken }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_stand_behind_each_other() {
        let places = Places::default();
        let first = places.next(1 << 40);
        assert_eq!(places.next(10), first + (1 << 40), "however much came in one moment");
        assert!(first > 1_700_000_000_000_000 * PLACES_PER_MICRO && i64::try_from(first).is_ok());
    }
}
