//! Counts by time and key, packed: a few bytes for each key that a stretch of time has.

use rustc_hash::FxHashMap;

use super::packed::{LONG, put, put_bytes, take, take_bytes};

/// `N` figures for each key in each slot of time. A slot may come more than once: its figures then add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cube<const N: usize> {
    /// Slots, and where the entries of each end. An entry is the step from the key before it, then its figures.
    slots: Vec<(i64, usize)>,
    entries: Vec<u8>,
}

impl<const N: usize> Cube<N> {
    /// Gives each entry of the slots that have a place: the place, the key, the figures.
    pub(crate) fn each(&self, place: impl Fn(i64) -> Option<usize>, mut look: impl FnMut(usize, u64, [u64; N])) {
        let mut begin = 0;
        for &(slot, end) in &self.slots {
            if let Some(place) = place(slot) {
                let is_whole = each_entry(&self.entries[begin..end], |key, figures| look(place, key, figures));
                debug_assert!(is_whole.is_some(), "entries are checked when they are read");
            }
            begin = end;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<(i64, usize)>() + self.entries.capacity()
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.slots.len() as u64);
        for &(slot, end) in &self.slots {
            put(bytes, slot.cast_unsigned());
            put(bytes, end as u64);
        }
        put_bytes(bytes, &self.entries);
    }

    /// None where the bytes are not a cube whose keys are below `keys`.
    pub(super) fn read(bytes: &mut &[u8], keys: u64) -> Option<Self> {
        let mut slots = Vec::new();
        for _ in 0..take(bytes)? {
            slots.push((take(bytes)?.cast_signed(), usize::try_from(take(bytes)?).ok()?));
        }
        let entries = take_bytes(bytes)?.to_vec();
        let mut begin = 0;
        for &(_, end) in &slots {
            let mut is_known = true;
            each_entry(entries.get(begin..end)?, |key, _: [u64; N]| is_known &= key < keys)?;
            if !is_known {
                return None;
            }
            begin = end;
        }
        Some(Cube { slots, entries })
    }
}

fn each_entry<const N: usize>(mut entries: &[u8], mut look: impl FnMut(u64, [u64; N])) -> Option<()> {
    let mut key = 0u64;
    while !entries.is_empty() {
        // Nearly all numbers are small: an entry is then as many bytes as numbers.
        if let Some((&step, rest)) = entries.split_first()
            && let Some((figures, rest)) = rest.split_first_chunk::<N>()
            && figures.iter().fold(step, |all, figure| all | figure) < LONG
        {
            key = key.checked_add(step.into())?;
            look(key, figures.map(u64::from));
            entries = rest;
            continue;
        }
        key = key.checked_add(take(&mut entries)?)?;
        let mut figures = [0; N];
        for figure in &mut figures {
            *figure = take(&mut entries)?;
        }
        look(key, figures);
    }
    Some(())
}

/// A cube being counted. Rows come mostly by time, so only the slot under way is open.
#[derive(Default)]
pub(super) struct Counting<const N: usize> {
    slot: i64,
    open: FxHashMap<u64, [u64; N]>,
    done: Cube<N>,
}

impl<const N: usize> Counting<N> {
    /// The figures of a key in a slot.
    pub(super) fn at(&mut self, slot: i64, key: u64) -> &mut [u64; N] {
        if slot != self.slot {
            self.close();
            self.slot = slot;
        }
        self.open.entry(key).or_insert([0; N])
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut entries: Vec<(u64, [u64; N])> = self.open.drain().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        let mut before = 0;
        for (key, figures) in entries {
            put(&mut self.done.entries, key - before);
            figures.iter().for_each(|&figure| put(&mut self.done.entries, figure));
            before = key;
        }
        self.done.slots.push((self.slot, self.done.entries.len()));
    }

    pub(super) fn finish(mut self) -> Cube<N> {
        self.close();
        self.done.entries.shrink_to_fit();
        self.done.slots.shrink_to_fit();
        self.done
    }
}
