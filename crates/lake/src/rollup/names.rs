//! Texts by number: each text is held once.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Texts, numbered in the order in which they came.
#[derive(Default)]
pub(crate) struct Names {
    /// All of them, one after the other.
    text: String,
    ends: Vec<usize>,
    numbers: HashTable<u32>,
}

impl Names {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a number that was given out here.
    pub(crate) fn text(&self, number: u32) -> &str {
        text_of(&self.text, &self.ends, number)
    }

    pub(crate) fn number(&self, text: &str) -> Option<u32> {
        self.numbers.find(hash(text), |&number| self.text(number) == text).copied()
    }

    /// The number of a text, a new one if need be.
    pub(crate) fn add(&mut self, text: &str) -> u32 {
        let (known, ends) = (&self.text, &self.ends);
        let is_same = |&number: &u32| text_of(known, ends, number) == text;
        let hash_of = |&number: &u32| hash(text_of(known, ends, number));
        match self.numbers.entry(hash(text), is_same, hash_of) {
            hashbrown::hash_table::Entry::Occupied(entry) => *entry.get(),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                let number = self.ends.len() as u32;
                entry.insert(number);
                self.text.push_str(text);
                self.ends.push(self.text.len());
                number
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as u32).map(|number| self.text(number))
    }

    /// Memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>() + self.numbers.allocation_size()
    }
}

fn text_of<'a>(text: &'a str, ends: &[usize], number: u32) -> &'a str {
    let at = number as usize;
    let begin = if at == 0 { 0 } else { ends[at - 1] };
    &text[begin..ends[at]]
}

fn hash(text: &str) -> u64 {
    FxBuildHasher.hash_one(text)
}
