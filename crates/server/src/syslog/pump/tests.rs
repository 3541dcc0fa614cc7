//! A spool carried into a store, killed at any moment.

use std::{cell::RefCell, path::Path};

use vigie_sources::spool::{SEGMENT_BYTES_MAX, SPOOL_BYTES_MIN, Spool, SpoolConfig, SpoolFeed};

use super::*;

/// Splitmix64, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % limit
    }
}

/// A store in memory that has no room at times, and forgets what it did not make durable.
#[derive(Default)]
struct Memory {
    streams: RefCell<BTreeMap<u128, Held>>,
    is_busy: bool,
}

#[derive(Clone, Default)]
struct Held {
    bytes: Vec<u8>,
    durable: usize,
    is_over: bool,
}

impl Memory {
    fn commit(&self) {
        self.streams.borrow_mut().values_mut().for_each(|held| held.durable = held.bytes.len());
    }

    fn lose(&self) {
        self.streams.borrow_mut().retain(|_, held| {
            // The end is durable with the last byte.
            held.is_over &= held.durable == held.bytes.len();
            held.bytes.truncate(held.durable);
            held.durable > 0
        });
    }
}

impl Store for Memory {
    fn take(&self, arrival: &Arrival<'_>) -> Result<Position, NotTaken> {
        assert!(!arrival.after_loss, "nothing is lost here");
        if self.is_busy {
            return Err(NotTaken::Busy);
        }
        let mut streams = self.streams.borrow_mut();
        let held = streams.get(&arrival.key.stream).cloned().unwrap_or_default();
        let (offset, received) = (arrival.offset as usize, held.bytes.len());
        if offset > received {
            return Err(NotTaken::Gap { expected: received as u64 });
        }
        let new = arrival.bytes.get(received - offset..).unwrap_or_default();
        assert!(!held.is_over || new.is_empty(), "a stream goes on behind its end");
        let held = streams.entry(arrival.key.stream).or_default();
        held.bytes.extend_from_slice(new);
        held.is_over |= arrival.is_last;
        Ok(Position::default())
    }

    fn position(&self, key: &StreamKey) -> Option<Position> {
        let streams = self.streams.borrow();
        let held = streams.get(&key.stream)?;
        let mut position = Position::default();
        (position.received, position.durable) = (held.bytes.len() as u64, held.durable as u64);
        Some(position)
    }
}

fn open(folder: &Path, entropy: u128) -> (Spool, Lane<SpoolFeed>) {
    let config = SpoolConfig { bytes_max: 2 * SPOOL_BYTES_MIN, ..SpoolConfig::new(folder, "tcp 127.0.0.1:514") };
    let (spool, feed) = Spool::open(config, entropy).expect("a spool");
    (spool, Lane::new(feed))
}

#[test]
fn nothing_is_lost_or_stored_twice_whatever_happens() {
    for seed in 1..=20 {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut dice, mut store) = (Dice(seed), Memory::default());
        let mut entropy = 1;
        let (mut spool, mut lane) = open(folder.path(), entropy);
        let mut taken = 0u64;
        for _ in 0..3_000 {
            match dice.below(20) {
                0..=9 => {
                    for _ in 0..dice.below(200) {
                        let line = format!("{taken:08} {}", "x".repeat(dice.below(40) as usize));
                        taken += u64::from(spool.append(line.as_bytes()).is_ok());
                    }
                }
                10..=15 => drop(lane.turn(&store)),
                16 => store.commit(),
                17 => store.is_busy = dice.below(3) == 0,
                18 if dice.below(4) == 0 => store.lose(),
                19 if dice.below(20) == 0 => {
                    // Killed, the store with it.
                    drop((spool, lane));
                    store.lose();
                    entropy += 1;
                    (spool, lane) = open(folder.path(), entropy);
                }
                _ => {}
            }
        }
        store.is_busy = false;
        while lane.turn(&store) {}
        store.commit();
        lane.turn(&store);
        let mut numbers: Vec<u64> = Vec::new();
        for held in store.streams.borrow().values() {
            let text = std::str::from_utf8(&held.bytes).expect("text");
            numbers.extend(text.lines().map(|line| line[..8].parse::<u64>().expect("a number")));
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..taken).collect::<Vec<_>>(), "seed {seed}");
        assert!(taken > 20_000, "seed {seed}: {taken} lines are no test");
        assert!(
            spool.counters().held_bytes <= SEGMENT_BYTES_MAX && lane.feed.backlog_bytes() == 0,
            "seed {seed}: room comes back"
        );
    }
}
