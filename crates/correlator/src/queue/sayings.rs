//! What filters said of messages: kept beside the queue, so that a message of which nobody said anything takes no byte for it.
//!
//! A filter's line may come before the first line of its message, may know only a message id, and may be written in parts. Each pair of
//! lines that belong together is found when the second of them comes, whichever that is.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use vigie_formats::filter::Verdict;
use vigie_model::{MICROS_PER_SECOND, Micros, Outcome, QueueId, Text, Verdicts};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::Entry;
use crate::text::text_of;

/// A filter may stamp its line a little before the server stamps the message's first: its clock may have whole seconds only.
const EARLY_MICROS: Micros = 2 * MICROS_PER_SECOND;
/// A filter closes its own work on a message after the server did, but not much later.
const TRAILING_MICROS: Micros = 10 * MICROS_PER_SECOND;
/// A message is scanned after its header was read, and within this time. The one before the queue scans it first.
const SCAN_MICROS: Micros = 60 * MICROS_PER_SECOND;
/// Parts of one line, or of the lines of one task, come within this time.
const PARTS_MICROS: Micros = 20 * MICROS_PER_SECOND;
/// Nothing that has found nothing is kept longer, after no line of that time can come any more.
const KEPT_MICROS: Micros = SCAN_MICROS;
/// Of what waits for its other half, so much is kept: a clock that was set back may make it wait.
const WAITING_MAX: usize = 200_000;
/// Of one message.
const SAYINGS_MAX: usize = 64;
/// Recipients of one line. Amavis' own lines have some forty at most.
const RECIPIENTS_MAX: usize = 256;

/// All that was said on one host, and not given out yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sayings {
    by_id: FxHashMap<QueueId, Vec<Saying>>,
    /// When it is time to see whether an id was ever used.
    due: VecDeque<(Micros, QueueId)>,
    /// Message ids by their hash, as the server logged them: looked through only where a filter knows no queue id.
    names: VecDeque<(Micros, u64, QueueId)>,
    /// What was said of a message id, by its hash.
    by_name: Waiting,
    /// What was said in parts, by the hash of their tag.
    parts: Waiting,
}

/// Words on a message, and by what it was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Saying {
    /// When the message was there.
    at: Micros,
    said: Micros,
    text: Text,
    fate: Option<Outcome>,
    recipients: Vec<Text>,
    requeued_as: Vec<QueueId>,
    ids: Vec<QueueId>,
    /// Hash of the message id.
    name: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Waiting {
    by_key: FxHashMap<u64, Vec<Saying>>,
    order: VecDeque<(Micros, u64)>,
}

/// What all of them said of one message.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub verdicts: Verdicts,
    pub requeued_as: Vec<QueueId>,
    fates: Vec<(Outcome, Vec<Text>)>,
}

impl Said {
    /// What became of a recipient who, by the server's reply, was handed to the filter.
    pub fn fate(&self, recipient: &str, has_next: bool) -> Option<Outcome> {
        let is_meant = |named: &[Text]| match named {
            [] => !has_next,
            named => named.iter().any(|name| name.eq_ignore_ascii_case(recipient)),
        };
        self.fates.iter().filter(|(_, named)| is_meant(named)).map(|(fate, _)| *fate).max()
    }

    fn add(&mut self, saying: &Saying) {
        self.verdicts.add(&saying.text);
        self.requeued_as.extend(&saying.requeued_as);
        self.fates.extend(saying.fate.map(|fate| (fate, saying.recipients.clone())));
    }

    fn finish(mut self) -> Self {
        self.requeued_as.sort_unstable();
        self.requeued_as.dedup();
        self
    }
}

impl Sayings {
    /// Takes a filter's line. Gives the ids of which more is known now.
    pub fn add(&mut self, ts: Micros, verdict: &Verdict<'_>) -> Vec<QueueId> {
        let saying = Saying::of(ts, verdict);
        let mut known = self.place(&saying);
        if !verdict.tag.is_empty() {
            let key = xxh3_64_with_seed(verdict.tag, xxh3_64(verdict.program.as_bytes()));
            for other in self.parts.near(key, ts - PARTS_MICROS, ts + PARTS_MICROS) {
                known.extend(self.place(&saying.of_the_message_of(&other)));
                known.extend(self.place(&other.of_the_message_of(&saying)));
            }
            self.parts.add(key, saying);
        }
        known
    }

    /// The server has logged a message id.
    pub fn named(&mut self, ts: Micros, id: QueueId, message_id: &[u8]) {
        if message_id.len() <= 2 {
            return;
        }
        let name = xxh3_64(message_id);
        if !self.by_name.by_key.is_empty() {
            for saying in self.by_name.near(name, ts - TRAILING_MICROS, ts + SCAN_MICROS) {
                self.put(id, Saying { at: ts, ..saying });
            }
        }
        self.names.push_back((ts, name, id));
        if self.names.len() > WAITING_MAX {
            self.names.pop_front();
        }
    }

    /// Under its queue id, or under those that it was handed back as, or under whatever has its message id.
    fn place(&mut self, saying: &Saying) -> Vec<QueueId> {
        if saying.is_silent() {
            return Vec::new();
        }
        let mut ids = saying.ids.clone();
        if let Some(name) = saying.name.filter(|_| ids.is_empty()) {
            // A guess at which of two copies it was: words may stand at both, what ties or drops may not.
            let saying = Saying { fate: None, recipients: Vec::new(), requeued_as: Vec::new(), ..saying.clone() };
            let named = (saying.said - SCAN_MICROS, saying.said + TRAILING_MICROS);
            let fits = |(at, known, _): &&(Micros, u64, QueueId)| *known == name && (named.0..=named.1).contains(at);
            let found: Vec<(Micros, QueueId)> = self.names.iter().filter(fits).map(|&(at, _, id)| (at, id)).collect();
            for &(at, id) in &found {
                self.put(id, Saying { at, ..saying.clone() });
            }
            self.by_name.add(name, saying);
            return found.into_iter().map(|(_, id)| id).collect();
        }
        ids.dedup();
        ids.iter().for_each(|&id| self.put(id, saying.clone()));
        ids
    }

    fn put(&mut self, id: QueueId, saying: Saying) {
        let known = self.by_id.entry(id).or_default();
        if known.len() < SAYINGS_MAX && !known.contains(&saying) {
            self.due.push_back((saying.said, id));
            known.push(saying);
        }
    }

    /// What was said of the generation at `place`.
    pub fn of(&self, id: QueueId, generations: &[Entry], place: usize) -> Said {
        let mut said = Said::default();
        let all = self.by_id.get(&id).map_or(&[][..], Vec::as_slice);
        all.iter().filter(|saying| saying.is_about(generations, place)).for_each(|saying| said.add(saying));
        said.finish()
    }

    /// As [`Sayings::of`], for a generation that is given out.
    pub fn take(&mut self, id: QueueId, generations: &[Entry], place: usize) -> Said {
        let mut said = Said::default();
        if let Some(all) = self.by_id.get_mut(&id) {
            all.retain(|saying| {
                let is_mine = saying.is_about(generations, place);
                if is_mine {
                    said.add(saying);
                }
                !is_mine
            });
            if all.is_empty() {
                self.by_id.remove(&id);
            } else {
                // Of another generation, which may never come.
                self.due.extend(all.iter().map(|saying| (saying.said, id)));
            }
        }
        said.finish()
    }

    /// Forgets what nothing can belong to any more.
    pub fn forget_before(&mut self, limit: Micros, entries: &FxHashMap<QueueId, Vec<Entry>>) {
        let limit = limit - KEPT_MICROS;
        while self.names.front().is_some_and(|&(ts, ..)| ts < limit) {
            self.names.pop_front();
        }
        self.by_name.forget_before(limit);
        self.parts.forget_before(limit);
        while self.due.front().is_some_and(|&(ts, _)| ts < limit) || self.due.len() > WAITING_MAX {
            let Some((_, id)) = self.due.pop_front() else { return };
            if !entries.contains_key(&id) {
                self.by_id.remove(&id);
            }
        }
    }
}

impl Saying {
    fn of(ts: Micros, verdict: &Verdict<'_>) -> Self {
        let recipients = verdict.recipients.take(RECIPIENTS_MAX).map(text_of).collect();
        let mut saying = Self {
            at: ts,
            said: ts,
            text: text_of(&verdict.text()),
            fate: verdict.fate,
            recipients,
            requeued_as: verdict.requeued_as.clone(),
            ids: verdict.queue_id.into_iter().collect(),
            name: (verdict.message_id.len() > 2).then(|| xxh3_64(verdict.message_id)),
        };
        if saying.ids.is_empty() && !saying.requeued_as.is_empty() {
            // Before the queue: what it let through is the server's first and only file.
            saying.ids = std::mem::take(&mut saying.requeued_as);
        }
        saying
    }

    /// These words on the message that the other part names; nothing where they name one themselves.
    fn of_the_message_of(&self, other: &Self) -> Self {
        let mut saying = self.clone();
        if self.ids.is_empty() && (self.name.is_none() || !other.ids.is_empty()) {
            (saying.ids, saying.name) = (other.ids.clone(), other.name);
        } else {
            saying.ids.clear();
            saying.name = None;
        }
        saying
    }

    fn is_silent(&self) -> bool {
        self.text.is_empty() && self.fate.is_none() && self.requeued_as.is_empty()
    }

    /// Does it belong to this generation and no other?
    fn is_about(&self, generations: &[Entry], place: usize) -> bool {
        let Some(entry) = generations.get(place) else { return false };
        owner(generations, self.at) == Some(place)
            && entry.ended_at().is_none_or(|end| self.said <= end + TRAILING_MICROS)
    }
}

/// The generation that was alive then, or was about to begin.
fn owner(generations: &[Entry], at: Micros) -> Option<usize> {
    let alive = generations.iter().rposition(|entry| entry.ts_in <= at);
    match alive {
        Some(place) if generations[place].ended_at().is_none_or(|end| at <= end + TRAILING_MICROS) => Some(place),
        before => {
            let next = before.map_or(0, |place| place + 1);
            generations.get(next).filter(|entry| entry.ts_in <= at + EARLY_MICROS).map(|_| next)
        }
    }
}

impl Waiting {
    fn add(&mut self, key: u64, saying: Saying) {
        let known = self.by_key.entry(key).or_default();
        if known.len() < SAYINGS_MAX && !known.contains(&saying) {
            self.order.push_back((saying.said, key));
            known.push(saying);
        }
        if self.order.len() > WAITING_MAX {
            self.forget_first();
        }
    }

    fn near(&self, key: u64, from: Micros, until: Micros) -> Vec<Saying> {
        let known = self.by_key.get(&key).map_or(&[][..], Vec::as_slice);
        known.iter().filter(|saying| (from..=until).contains(&saying.said)).cloned().collect()
    }

    fn forget_before(&mut self, limit: Micros) {
        while self.order.front().is_some_and(|&(ts, _)| ts < limit) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some((ts, key)) = self.order.pop_front() else { return };
        if let Some(known) = self.by_key.get_mut(&key) {
            known.retain(|saying| saying.said != ts);
            if known.is_empty() {
                self.by_key.remove(&key);
            }
        }
    }
}
