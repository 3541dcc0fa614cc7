//! Rows of a server and day as a count and a sum of hashes: the same rows give the same, in whatever order they come.

use std::{collections::BTreeMap, ops::RangeInclusive};

use rustc_hash::FxHashMap;
use serde::Serialize;
use vigie_model::Text;
use xxhash_rust::xxh3::xxh3_128;

/// Some rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub rows: u64,
    sum: u128,
}

impl Digest {
    /// Adds a row that comes so many times.
    pub fn add(&mut self, hash: u128, times: u64) {
        self.rows += times;
        self.sum = self.sum.wrapping_add(hash.wrapping_mul(times.into()));
    }
}

/// The hash of a row with everything in it.
pub fn hash_of<T: Serialize>(row: &T) -> u128 {
    // Serialising plain data into a vector has no way to fail.
    xxh3_128(&postcard::to_stdvec(row).unwrap_or_default())
}

/// Digests of a table's rows by server and day.
#[derive(Debug)]
pub struct Digests {
    days: RangeInclusive<i32>,
    servers: FxHashMap<Text, BTreeMap<i32, Digest>>,
}

/// A server and day whose rows differ.
#[derive(Clone, Debug)]
pub struct Differing {
    pub server: Text,
    pub day: i32,
    pub stored: u64,
    pub recounted: u64,
}

impl Digests {
    /// Of rows of these days; others are passed over.
    pub fn of(days: &RangeInclusive<i32>) -> Self {
        Self { days: days.clone(), servers: FxHashMap::default() }
    }

    pub fn takes(&self, day: i32) -> bool {
        self.days.contains(&day)
    }

    pub fn add(&mut self, server: &str, day: i32, row: &impl Serialize) {
        if self.takes(day) {
            self.add_hash(server, day, hash_of(row), 1);
        }
    }

    pub fn add_hash(&mut self, server: &str, day: i32, hash: u128, times: u64) {
        if !self.takes(day) {
            return;
        }
        let days = match self.servers.get_mut(server) {
            Some(days) => days,
            None => self.servers.entry(server.into()).or_default(),
        };
        days.entry(day).or_default().add(hash, times);
    }

    pub fn rows(&self) -> u64 {
        self.servers.values().flat_map(BTreeMap::values).map(|digest| digest.rows).sum()
    }

    /// Where what is stored is not what was recounted, in order.
    pub fn differing(stored: &Self, recounted: &Self) -> Vec<Differing> {
        let mut both: BTreeMap<(&Text, i32), [Digest; 2]> = BTreeMap::new();
        for (side, digests) in [stored, recounted].into_iter().enumerate() {
            for (server, days) in &digests.servers {
                for (day, digest) in days {
                    both.entry((server, *day)).or_default()[side] = *digest;
                }
            }
        }
        let differing = both.into_iter().filter(|(_, [stored, recounted])| stored != recounted);
        let told = |((server, day), [stored, recounted]): ((&Text, i32), [Digest; 2])| Differing {
            server: server.clone(),
            day,
            stored: stored.rows,
            recounted: recounted.rows,
        };
        differing.map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(rows: &[(&str, i32, &str)]) -> Digests {
        let mut digests = Digests::of(&(0..=9));
        rows.iter().for_each(|(server, day, row)| digests.add(server, *day, row));
        digests
    }

    #[test]
    fn order_does_not_count_and_everything_else_does() {
        let rows = [("a", 1, "x"), ("a", 1, "y"), ("b", 1, "x"), ("a", 2, "x"), ("a", 99, "z")];
        let mut turned = rows;
        turned.reverse();
        assert!(Digests::differing(&digests(&rows), &digests(&turned)).is_empty());
        for (other, server, day) in [("y", "a", 1), ("x", "b", 1), ("x", "a", 2)] {
            let more = [&rows[..], &[(server, day, other)]].concat();
            let differing = Digests::differing(&digests(&rows), &digests(&more));
            assert_eq!(differing.len(), 1);
            assert_eq!((&*differing[0].server, differing[0].day), (server, day));
            assert_eq!(differing[0].recounted, differing[0].stored + 1);
        }
        let mut twice = rows;
        twice[1].2 = "x";
        assert_eq!(Digests::differing(&digests(&rows), &digests(&twice)).len(), 1, "as many rows, others");
    }
}
