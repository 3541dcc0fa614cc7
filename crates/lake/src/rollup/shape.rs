//! What a roll-up holds, and how it is written.

use vigie_model::Outcome;
use xxhash_rust::xxh3::xxh3_64;

use super::packed::{put, put_bytes, take, take_bytes};
use super::{Cube, Names};
use crate::ask::{DELAY_BUCKETS, Origin};

/// What a file of a roll-up begins with; its last figure is the version.
const MAGIC: &[u8; 8] = b"vigie-r1";
const CHECKSUM_BYTES: usize = 8;
/// Messages, deliveries and bytes, then deliveries by outcome.
pub(crate) const TOTALS: usize = 3 + Outcome::ALL.len();
/// Stands for a word that is no [`Outcome`].
pub(super) const NO_OUTCOME: u8 = Outcome::ALL.len() as u8;

/// Everything that is counted, with the texts that it names.
#[derive(Default)]
pub(crate) struct Rollup {
    pub(crate) texts: Texts,
    pub(crate) counts: Counts,
}

/// The texts that counts name.
#[derive(Default)]
pub(crate) struct Texts {
    pub(crate) senders: Names,
    /// All others. Apart from the senders, of which there are many more.
    pub(crate) names: Names,
}

/// Counts by slot of time. Texts are numbers of [`Rollup::texts`].
#[derive(Default)]
pub(crate) struct Counts {
    /// Texts of the mail classes; other keys name a class by its place here.
    pub(crate) classes: Vec<u32>,
    /// Ways, and exits from them; other keys name them by their places here.
    pub(crate) ways: Vec<Way>,
    pub(crate) exits: Vec<Exit>,
    /// By class.
    pub(crate) totals: Cube<TOTALS>,
    /// Delivered, by class and bucket of the delivery time ([`delay_key`]).
    pub(crate) delays: Cube<1>,
    /// Sum and maximum of these delivery times, by class.
    pub(crate) delay_ends: Cube<2>,
    /// Messages, deliveries and failed ones, by sender and class ([`sender_key`]).
    pub(crate) senders: Cube<3>,
    /// Deliveries by exit.
    pub(crate) taken: Cube<1>,
    /// Refusals by reason.
    pub(crate) reasons: Cube<1>,
}

/// The way of a delivery through the servers, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) class: u32,
    pub(crate) origin: Origin,
    pub(crate) first_server: u32,
    pub(crate) last_server: u32,
    /// Place in [`Outcome::ALL`].
    pub(crate) outcome: u8,
}

/// A way, and the domain of the recipient at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Exit {
    pub(crate) way: u32,
    pub(crate) domain: u32,
}

/// Classes told apart at most in one file; the program knows three.
const CLASSES_MAX: u64 = 256;

pub(super) fn sender_key(sender: u32, class: u32) -> u64 {
    u64::from(sender) * CLASSES_MAX + u64::from(class)
}

/// Sender and class of a key.
pub(crate) fn of_sender_key(key: u64) -> (usize, usize) {
    ((key / CLASSES_MAX) as usize, (key % CLASSES_MAX) as usize)
}

pub(super) fn delay_key(class: u32, bucket: usize) -> u64 {
    u64::from(class) * DELAY_BUCKETS as u64 + bucket as u64
}

/// Class and bucket of a key.
pub(crate) fn of_delay_key(key: u64) -> (usize, usize) {
    ((key / DELAY_BUCKETS as u64) as usize, (key % DELAY_BUCKETS as u64) as usize)
}

impl Counts {
    /// Memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let cubes = [self.totals.bytes(), self.delays.bytes(), self.delay_ends.bytes()];
        let cubes = cubes.iter().sum::<usize>() + self.senders.bytes() + self.taken.bytes() + self.reasons.bytes();
        cubes + self.ways.capacity() * size_of::<Way>() + self.exits.capacity() * size_of::<Exit>()
    }
}

impl Rollup {
    /// As a file; `rows` are those of the data file.
    pub(super) fn write(&self, rows: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, rows);
        for names in [&self.texts.senders, &self.texts.names] {
            put(&mut bytes, names.len() as u64);
            names.iter().for_each(|name| put_bytes(&mut bytes, name.as_bytes()));
        }
        let counts = &self.counts;
        put(&mut bytes, counts.classes.len() as u64);
        counts.classes.iter().for_each(|&class| put(&mut bytes, class.into()));
        put(&mut bytes, counts.ways.len() as u64);
        counts.ways.iter().for_each(|way| way.write(&mut bytes));
        put(&mut bytes, counts.exits.len() as u64);
        for exit in &counts.exits {
            put(&mut bytes, exit.way.into());
            put(&mut bytes, exit.domain.into());
        }
        counts.totals.write(&mut bytes);
        counts.delays.write(&mut bytes);
        counts.delay_ends.write(&mut bytes);
        counts.senders.write(&mut bytes);
        counts.taken.write(&mut bytes);
        counts.reasons.write(&mut bytes);
        let checksum = xxh3_64(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// None where the bytes are not a whole roll-up of this version, of a data file with so many rows.
    pub(super) fn read(bytes: &[u8], rows: u64) -> Option<Self> {
        let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
        if xxh3_64(body).to_le_bytes() != checksum {
            return None;
        }
        let bytes = &mut body.strip_prefix(MAGIC)?;
        if take(bytes)? != rows {
            return None;
        }
        let texts = Texts { senders: names(bytes)?, names: names(bytes)? };
        let known = texts.names.len() as u64;
        let classes = list(bytes, |bytes| below(take(bytes)?, known))?;
        let kinds = classes.len() as u64;
        let ways = list(bytes, |bytes| Way::read(bytes, known, kinds))?;
        let way_count = ways.len() as u64;
        let exits = list(bytes, |bytes| {
            Some(Exit { way: below(take(bytes)?, way_count)?, domain: below(take(bytes)?, known)? })
        })?;
        let counts = Counts {
            totals: Cube::read(bytes, kinds)?,
            delays: Cube::read(bytes, kinds * DELAY_BUCKETS as u64)?,
            delay_ends: Cube::read(bytes, kinds)?,
            senders: Cube::read(bytes, texts.senders.len() as u64 * CLASSES_MAX)?,
            taken: Cube::read(bytes, exits.len() as u64)?,
            reasons: Cube::read(bytes, known)?,
            classes,
            ways,
            exits,
        };
        bytes.is_empty().then_some(Rollup { texts, counts })
    }
}

impl Way {
    fn write(&self, bytes: &mut Vec<u8>) {
        for number in [self.class, self.first_server, self.last_server] {
            put(bytes, number.into());
        }
        bytes.extend([self.origin as u8, self.outcome]);
    }

    fn read(bytes: &mut &[u8], names: u64, classes: u64) -> Option<Self> {
        let class = below(take(bytes)?, classes)?;
        let (first_server, last_server) = (below(take(bytes)?, names)?, below(take(bytes)?, names)?);
        let origin = Origin::ALL.get(take(bytes)? as usize).copied()?;
        let outcome = below(take(bytes)?, u64::from(NO_OUTCOME) + 1)? as u8;
        Some(Way { class, origin, first_server, last_server, outcome })
    }
}

fn names(bytes: &mut &[u8]) -> Option<Names> {
    let mut names = Names::default();
    for _ in 0..take(bytes)? {
        names.add(std::str::from_utf8(take_bytes(bytes)?).ok()?);
    }
    Some(names)
}

fn below(number: u64, end: u64) -> Option<u32> {
    if number < end { u32::try_from(number).ok() } else { None }
}

fn list<T>(bytes: &mut &[u8], mut read: impl FnMut(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    (0..take(bytes)?).map(|_| read(bytes)).collect()
}
