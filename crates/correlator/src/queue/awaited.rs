//! Recipients that a message is known to have, before anything is said of their fate.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use vigie_model::{Outcome, Recipient, Text};

use crate::text::text_of;

/// Lists within lists are followed so far to what the sender wrote.
const LISTS_MAX: usize = 16;

/// By address in lower case: servers write one address in several ways.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Awaited {
    known: FxHashMap<Text, Expected>,
    /// Those of whom nothing was heard.
    unheard: usize,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Expected {
    address: Text,
    /// The address whose place it took.
    took_place_of: Text,
    /// The message came with it.
    is_written: bool,
    is_heard_of: bool,
}

impl Awaited {
    /// For a message of which these were heard of.
    pub fn beside(recipients: &[Recipient]) -> Self {
        let mut awaited = Self::default();
        recipients.iter().for_each(|recipient| awaited.heard_of(recipient));
        awaited
    }

    /// Nobody is waited for.
    pub fn is_empty(&self) -> bool {
        self.unheard == 0
    }

    /// The message has this recipient, instead of another or because it came with it (`instead_of` is empty).
    pub fn expect(&mut self, address: &[u8], instead_of: &[u8]) {
        let (address, instead_of) = (text_of(address), lower(&text_of(instead_of)));
        let known = self.known.entry(lower(&address)).or_insert_with(|| {
            self.unheard += 1;
            Expected { address: address.clone(), ..Expected::default() }
        });
        known.address = take_smaller(&known.address, address);
        known.is_written |= instead_of.is_empty();
        if !instead_of.is_empty() {
            known.took_place_of = take_smaller(&known.took_place_of, instead_of);
        }
    }

    /// There is a word on it.
    pub fn heard_of(&mut self, recipient: &Recipient) {
        for address in [&recipient.recipient, &recipient.orig_recipient].into_iter().filter(|text| !text.is_empty()) {
            match self.known.get_mut(&lower(address)) {
                Some(known) => {
                    self.unheard -= usize::from(!known.is_heard_of);
                    known.is_heard_of = true;
                    known.address = take_smaller(&known.address, address.clone());
                }
                None => {
                    let heard = Expected { address: address.clone(), is_heard_of: true, ..Expected::default() };
                    self.known.insert(lower(address), heard);
                }
            }
        }
    }

    /// Gives recipients that took the place of others the address that the sender wrote.
    pub fn name_originals(&self, recipients: &mut [Recipient]) {
        for recipient in recipients.iter_mut().filter(|recipient| recipient.orig_recipient.is_empty()) {
            recipient.orig_recipient = self.original(&recipient.recipient);
        }
    }

    fn original(&self, address: &str) -> Text {
        let mut original: Option<&Expected> = None;
        let mut at = self.known.get(&lower(address));
        for _ in 0..LISTS_MAX {
            match at.filter(|known| !known.is_written && !known.took_place_of.is_empty()) {
                Some(known) => {
                    let before = self.known.get(&known.took_place_of);
                    (original, at) = (before.or(original), before);
                }
                None => break,
            }
        }
        original.map(|known| known.address.clone()).unwrap_or_default()
    }

    /// The others, with what is to be said of them.
    pub fn unheard_of(&self, outcome: Outcome, ts: i64) -> impl Iterator<Item = Recipient> + '_ {
        self.known.values().filter(|known| !known.is_heard_of).map(move |known| Recipient {
            recipient: known.address.clone(),
            orig_recipient: self.original(&known.address),
            outcome,
            ts,
            ..Recipient::default()
        })
    }
}

fn lower(address: &str) -> Text {
    address.to_ascii_lowercase().into()
}

/// Any rule would do that does not ask which came first.
fn take_smaller(known: &Text, new: Text) -> Text {
    if known.is_empty() || new < *known { new } else { known.clone() }
}
