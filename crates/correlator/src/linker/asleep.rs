//! Components that nothing is expected of any more, packed: their hops are needed only when something comes to them after all, which is
//! seldom, and in memory they are by far the most.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};
use vigie_model::{Hop, Micros};

/// Hops that are packed together, before: texts repeat from hop to hop, and to unpack one is to unpack all.
const BLOCK_BYTES: usize = 64 * 1024;
/// Unpacked blocks that are kept: a server whose lines lag wakes the components of a moment one after the other.
const UNPACKED_MAX: usize = 16;
/// Quick: packing is to cost less than what it spares in memory traffic.
const LEVEL: i32 = 1;

/// Packed components, by number.
#[derive(Default)]
pub struct Asleep {
    places: FxHashMap<u32, Place>,
    blocks: FxHashMap<u32, Block>,
    next: u32,
    unpacked: VecDeque<(u32, Vec<u8>)>,
    hops: usize,
    bytes: usize,
}

struct Place {
    block: u32,
    /// Where it begins in the block, unpacked.
    at: u32,
    hops: u32,
}

struct Block {
    packed: Box<[u8]>,
    unpacked_bytes: usize,
    /// Components that still are in it.
    left: u32,
    /// When the last of its hops ended.
    last: Micros,
}

/// A component that is to sleep.
pub struct Sleeper {
    pub number: u32,
    pub hops: Vec<Box<Hop>>,
}

impl Sleeper {
    fn last(&self) -> Micros {
        self.hops.iter().map(|hop| hop.ts_out).max().unwrap_or(Micros::MIN)
    }
}

impl Asleep {
    pub fn contains(&self, number: u32) -> bool {
        self.places.contains_key(&number)
    }

    /// Hops, and the bytes that they take.
    pub fn held(&self) -> (usize, usize) {
        (self.hops, self.bytes)
    }

    /// Packs components: those that end at one time together, as they will be forgotten together.
    pub fn put(&mut self, mut sleepers: Vec<Sleeper>) {
        sleepers.sort_by_key(Sleeper::last);
        let (mut bytes, mut places, mut last) =
            (Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 4), Vec::new(), Micros::MIN);
        for sleeper in sleepers {
            last = last.max(sleeper.last());
            places.push((sleeper.number, bytes.len() as u32, sleeper.hops.len() as u32));
            // Serialising plain data into a vector has no way to fail.
            bytes = postcard::to_extend(&sleeper.hops, bytes).unwrap_or_default();
            if bytes.len() >= BLOCK_BYTES {
                self.add_block(&bytes, std::mem::take(&mut places), last);
                (last, bytes) = (Micros::MIN, emptied(bytes));
            }
        }
        if !places.is_empty() {
            self.add_block(&bytes, places, last);
        }
    }

    fn add_block(&mut self, bytes: &[u8], places: Vec<(u32, u32, u32)>, last: Micros) {
        let packed =
            zstd::bulk::compress(bytes, LEVEL).expect("memory has room for less than what is there").into_boxed_slice();
        while self.blocks.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.bytes += packed.len();
        self.blocks.insert(number, Block { packed, unpacked_bytes: bytes.len(), left: places.len() as u32, last });
        for (component, at, hops) in places {
            self.hops += hops as usize;
            self.places.insert(component, Place { block: number, at, hops });
        }
    }

    /// The hops of a component, which does not sleep any more.
    pub fn take(&mut self, number: u32) -> Option<Vec<Box<Hop>>> {
        let place = self.places.remove(&number)?;
        self.hops -= place.hops as usize;
        let bytes = self.unpacked(place.block);
        let hops = bytes.get(place.at as usize..).and_then(|bytes| postcard::take_from_bytes(bytes).ok());
        // Without them the journeys would be wrong from here on.
        let (hops, _) = hops.expect("what was packed here");
        let block = self.blocks.get_mut(&place.block)?;
        block.left -= 1;
        if block.left == 0 {
            self.remove_block(place.block);
        }
        Some(hops)
    }

    fn unpacked(&mut self, block: u32) -> &[u8] {
        if let Some(at) = self.unpacked.iter().position(|(known, _)| *known == block) {
            return &self.unpacked[at].1;
        }
        let packed = &self.blocks[&block];
        let bytes = zstd::bulk::decompress(&packed.packed, packed.unpacked_bytes).expect("what was packed here");
        if self.unpacked.len() >= UNPACKED_MAX {
            self.unpacked.pop_front();
        }
        self.unpacked.push_back((block, bytes));
        self.unpacked.back().map_or(&[], |(_, bytes)| bytes)
    }

    fn remove_block(&mut self, number: u32) {
        self.unpacked.retain(|(known, _)| *known != number);
        if let Some(block) = self.blocks.remove(&number) {
            self.bytes -= block.packed.len();
        }
    }

    /// Lets go of components that ended before this, as far as their whole block did. Their numbers are added to `forgotten`.
    pub fn forget_before(&mut self, limit: Micros, forgotten: &mut FxHashSet<u32>) {
        let old: FxHashSet<u32> =
            self.blocks.iter().filter(|(_, block)| block.last < limit).map(|(number, _)| *number).collect();
        if old.is_empty() {
            return;
        }
        let hops = &mut self.hops;
        self.places.retain(|number, place| {
            let stays = !old.contains(&place.block);
            if !stays {
                *hops -= place.hops as usize;
                forgotten.insert(*number);
            }
            stays
        });
        old.into_iter().for_each(|number| self.remove_block(number));
    }
}

fn emptied(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.clear();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(number: u32) -> Sleeper {
        let hop =
            |ts_out| Hop { ts_out, message_id: format!("<{number}@example.com>").as_str().into(), ..Hop::default() };
        Sleeper { number, hops: vec![Box::new(hop(i64::from(number))), Box::new(hop(0))] }
    }

    #[test]
    fn each_is_taken_once_as_it_was_put() {
        let mut asleep = Asleep::default();
        asleep.put((0..5_000).map(sleeper).collect());
        assert!(asleep.blocks.len() > 5, "{} blocks", asleep.blocks.len());
        for number in [7, 4_999, 8, 2_500] {
            assert_eq!(asleep.take(number), Some(sleeper(number).hops));
            assert_eq!(asleep.take(number), None);
        }
        assert_eq!((asleep.held().0, asleep.contains(7), asleep.contains(9)), (9_992, false, true));
    }

    #[test]
    fn what_is_over_is_forgotten_with_its_block() {
        let mut asleep = Asleep::default();
        asleep.put((0..5_000).map(sleeper).collect());
        let mut forgotten = FxHashSet::default();
        asleep.forget_before(2_500, &mut forgotten);
        assert!(forgotten.len() > 1_000 && forgotten.iter().all(|&number| number < 2_500), "{}", forgotten.len());
        assert_eq!(asleep.held().0, 2 * (5_000 - forgotten.len()));
        asleep.forget_before(Micros::MAX, &mut forgotten);
        assert_eq!((forgotten.len(), asleep.held()), (5_000, (0, 0)));
    }

    #[test]
    fn a_block_that_nobody_sleeps_in_any_more_is_gone() {
        let mut asleep = Asleep::default();
        asleep.put((0..50).map(sleeper).collect());
        (0..50).for_each(|number| drop(asleep.take(number)));
        assert_eq!((asleep.held(), asleep.unpacked.len()), ((0, 0), 0));
    }
}
