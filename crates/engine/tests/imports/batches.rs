//! Lines that come in batches, as OTLP brings them: in any order, some of them twice, with kills in between. The store holds what one
//! import of the whole logs gives.

use jiff::tz::TimeZone;
use vigie_engine::import::live::{Arrival, Live, StreamKey};
use vigie_testkit::random::Random;
use xxhash_rust::xxh3::xxh3_128;

use crate::store::{LONG, LONG_ROWS, Log, Place, Rows, SHORT, SHORT_ROWS};

/// Shippers, one on each host.
struct Shippers<'a> {
    place: Place,
    live: Option<Live>,
    /// The host of each, and its lines.
    batches: Vec<(&'a str, &'a [u8])>,
    /// Where the next batch stands.
    offset: u64,
    stored: u64,
}

impl<'a> Shippers<'a> {
    fn new(logs: &'a [Log], random: &mut Random) -> Self {
        let mut left: Vec<&[u8]> = logs.iter().map(|log| &*log.text).collect();
        let mut batches = Vec::new();
        let whole = |log: usize| logs[log].text.len();
        // The hosts stay abreast.
        while let Some(next) =
            (0..left.len()).filter(|&log| !left[log].is_empty()).max_by_key(|&log| left[log].len() * 1_000 / whole(log))
        {
            let bytes = (1 + random.below(8_000)).min(left[next].len());
            let end = left[next][bytes - 1..]
                .iter()
                .position(|&byte| byte == b'\n')
                .map_or(left[next].len(), |at| bytes + at);
            let (batch, rest) = left[next].split_at(end);
            batches.push((&*logs[next].host, batch));
            left[next] = rest;
        }
        let mut shippers = Shippers { place: Place::new(), live: None, batches, offset: 1 << 40, stored: 0 };
        shippers.open();
        shippers
    }

    fn open(&mut self) {
        drop(self.live.take());
        self.live = Some(Live::open(&self.place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens"));
    }

    fn live(&mut self) -> &mut Live {
        self.live.as_mut().expect("open")
    }

    /// As the door does it: what is known is not taken again.
    fn send(&mut self, batch: usize) {
        let (host, bytes) = self.batches[batch];
        // Whoever makes batches makes no two of one hash.
        let key = StreamKey::of_batch(host, xxh3_128(bytes) ^ batch as u128);
        if self.live().durable(&key).is_none() {
            let (label, offset) = ("batches", self.offset);
            self.offset += bytes.len() as u64;
            let arrival = Arrival { key, label, host, offset, bytes, is_last: true, after_loss: false };
            self.live().take(&arrival).expect("taken");
        }
    }

    fn commit(&mut self) {
        self.stored += self.live().commit().expect("a commit").lines;
    }

    /// Sends all in this order, and some of the last few again.
    fn run(mut self, order: &[usize], random: &mut Random) -> (Rows, u64) {
        let mut sent_from = 0;
        for (at, &batch) in order.iter().enumerate() {
            self.send(batch);
            if random.below(5) == 0 {
                self.send(order[at - random.below(at.min(50) + 1)]);
            }
            if random.below(4) == 0 {
                self.commit();
                sent_from = at + 1;
            }
            if random.below(30) == 0 {
                // Killed: what had no answer comes again.
                self.open();
                order[sent_from..=at].iter().for_each(|&batch| self.send(batch));
            }
        }
        self.commit();
        self.live().recount().expect("counted");
        (self.place.rows(), self.stored)
    }
}

fn lines(logs: &[Log]) -> u64 {
    logs.iter().map(|log| log.text.iter().filter(|&&byte| byte == b'\n').count() as u64).sum()
}

#[test]
fn one_after_the_other_and_some_again() {
    for (seed, logs, rows) in [(1, &*LONG, &*LONG_ROWS), (2, &*SHORT, &*SHORT_ROWS)] {
        let mut random = Random::new(seed);
        let shippers = Shippers::new(logs, &mut random);
        let order: Vec<usize> = (0..shippers.batches.len()).collect();
        let (live, stored) = shippers.run(&order, &mut random);
        live.assert_same(rows, &format!("seed {seed}"));
        assert_eq!(stored, lines(logs), "seed {seed}");
    }
}

/// A shipper with several connections, of which one waits now and then before it sends again.
#[test]
fn several_at_once_and_some_much_later() {
    for seed in 3..5 {
        let mut random = Random::new(seed);
        let shippers = Shippers::new(&LONG, &mut random);
        let mut turns: Vec<(usize, usize)> = (0..shippers.batches.len()).map(|batch| (batch, batch)).collect();
        for (turn, _) in &mut turns {
            *turn += if random.below(40) == 0 { 60 } else { random.below(4) };
        }
        turns.sort_unstable();
        let order: Vec<usize> = turns.into_iter().map(|(_, batch)| batch).collect();
        let (live, stored) = shippers.run(&order, &mut random);
        live.assert_same(&LONG_ROWS, &format!("seed {seed}"));
        assert_eq!(stored, lines(&LONG), "seed {seed}");
    }
}

#[test]
fn equal_lines_in_two_batches_are_two_lines() {
    let place = Place::new();
    let mut live = Live::open(&place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens");
    let line: &[u8] = b"Nov 22 10:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]\n";
    let take = |live: &mut Live, key: StreamKey, bytes: &[u8]| {
        let (label, host, offset) = ("batches", "gate", 0);
        live.take(&Arrival { key, label, host, offset, bytes, is_last: true, after_loss: false }).expect("taken");
    };
    take(&mut live, StreamKey::of_batch("gate", 1), line);
    take(&mut live, StreamKey::of_batch("gate", 2), line);
    take(&mut live, StreamKey { sender: "mx2".into(), stream: 3 }, b"Nov 22 10:00:00 mx2 postfix/smtpd[1]: other\n");
    assert_eq!(live.commit().expect("a commit").lines, 3, "in one commit, beside another stream");
    take(&mut live, StreamKey::of_batch("gate", 4), line);
    assert_eq!(live.commit().expect("a commit").lines, 1, "in the next");
    take(&mut live, StreamKey::of_batch("gate", 4), line);
    assert_eq!(live.commit().expect("a commit").lines, 0, "the same batch");
}

/// A server that holds lines already, of others and of a sender that has sent more than is remembered; batches stand anywhere.
#[test]
fn equal_lines_in_two_batches_are_two_lines_whatever_came_before() {
    let place = Place::new();
    let mut live = Live::open(&place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens");
    let line: &[u8] = b"Nov 22 10:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]\n";
    let mut offset = 1 << 40;
    let mut take = |live: &mut Live, key: StreamKey, bytes: &[u8]| {
        let (label, host) = ("batches", "gate");
        live.take(&Arrival { key, label, host, offset, bytes, is_last: true, after_loss: false }).expect("taken");
        offset += bytes.len() as u64;
    };
    take(&mut live, StreamKey { sender: "mx1".into(), stream: 1 }, b"Nov 22 10:00:00 mx1 postfix/smtpd[1]: other\n");
    take(&mut live, StreamKey { sender: "mx2".into(), stream: 3 }, b"Nov 22 10:00:00 mx2 postfix/smtpd[1]: other\n");
    assert_eq!(live.commit().expect("a commit").lines, 2);
    for batch in 0..1_100u32 {
        let other = format!("Nov 22 10:00:01 mx1 postfix/smtpd[1]: connect from m{batch}[192.0.2.1]\n");
        take(&mut live, StreamKey::of_batch("gate", batch.into()), other.as_bytes());
    }
    assert_eq!(live.commit().expect("a commit").lines, 1_100);
    for batch in 2_000..2_004 {
        take(&mut live, StreamKey::of_batch("gate", batch), line);
        assert_eq!(live.commit().expect("a commit").lines, 1, "batch {batch}");
    }
}
