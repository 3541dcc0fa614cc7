//! Links hops while messages are still under way: at every moment what linking everything at once would give.
//!
//! Hops that share a queue id, a message id or a network message id, however indirectly, form a component; every link joins two hops of one. So only the
//! components that something came to are linked again. One with nothing open is packed, and one that nothing can change any more is
//! forgotten.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use vigie_model::{Hop, Journey, Kind, MICROS_PER_SECOND, Micros, QueueId, Text};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    REACH_MICROS, SKEW_MICROS,
    asleep::{Asleep, Sleeper},
    at_one_time,
    evidence::{Links, Member},
    journey,
};
use crate::{BEFORE_ALL, OpenHop, text::Detail};

/// Lines of one server may come this much later than those of another, and still find what they belong to.
const LAG_MICROS: Micros = 120 * MICROS_PER_SECOND;
/// What can be forgotten is looked for this often, in the time of the lines.
const SWEEP_MICROS: Micros = 10 * MICROS_PER_SECOND;
/// Components that are packed together: enough for a well-filled block.
const DROWSY_MIN: usize = 256;

/// Links hops that come in any order, some of them not closed yet.
pub struct LiveLinker {
    components: FxHashMap<u32, Component>,
    asleep: Asleep,
    /// Components that may be packed.
    drowsy: Vec<u32>,
    next: u32,
    by_key: FxHashMap<Key, u32>,
    /// Hops that were open in the last round, by their marks: a key of their component, and how many are alike.
    open: FxHashMap<u64, (Key, u32)>,
    changed: Vec<u32>,
    /// Hops that ended before this are forgotten, unless they belong to younger ones.
    forgotten_until: Micros,
}

/// A queue id, a message id or a network message id, hashed: when two fall together, a component is larger than it need be, and no link is other.
type Key = u64;

/// What a round changed.
#[derive(Debug, Default)]
pub struct Round {
    /// First arrival and id of journeys that were given out as settled, and are not so any more.
    pub withdrawn: Vec<(Micros, Text)>,
    /// Journeys all of whose hops are closed.
    pub settled: Vec<Journey>,
    /// Hops came that are so old that what they belong to is forgotten: the time in which journeys must be derived from the store.
    pub late: Option<(Micros, Micros)>,
}

/// What a linker keeps in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// All hops.
    pub hops: usize,
    /// Hops, of these, that are packed.
    pub packed: usize,
    pub packed_bytes: usize,
}

/// Hops that may belong together.
#[derive(Default)]
struct Component {
    closed: Vec<Box<Hop>>,
    /// With their marks.
    open: Vec<(u64, Box<Hop>)>,
    /// What was given out as settled: first arrival, id, digest.
    given: Vec<(Micros, Text, u64)>,
    unsettled: Vec<Journey>,
    is_changed: bool,
}

impl Default for LiveLinker {
    fn default() -> Self {
        Self {
            components: FxHashMap::default(),
            asleep: Asleep::default(),
            drowsy: Vec::new(),
            next: 0,
            by_key: FxHashMap::default(),
            open: FxHashMap::default(),
            changed: Vec::new(),
            forgotten_until: BEFORE_ALL,
        }
    }
}

impl LiveLinker {
    /// Goes on from what is stored: closed hops, those that are open, and the journeys that the store has of them. What comes back is
    /// how the store differs from what they are now.
    pub fn go_on(hops: Vec<Box<Hop>>, open: Vec<Hop>, stored: &[Journey], until: Micros) -> (Self, Round) {
        let mut linker = Self::default();
        for journey in stored {
            let component = linker.component_of(&keys_of_journey(journey));
            let given = (journey.first_arrival, journey.id.clone(), digest(journey));
            linker.component(component).given.push(given);
        }
        let round = linker.round(hops, open, until);
        (linker, round)
    }

    /// Takes hops that closed, and all that are open as they stand. Every line before `until` is known, but for those of sources that
    /// lag.
    pub fn round<'a, O: Into<OpenHop<'a>>>(
        &mut self,
        closed: Vec<Box<Hop>>,
        open: impl IntoIterator<Item = O>,
        until: Micros,
    ) -> Round {
        let mut round = Round::default();
        for hop in closed {
            self.note_late(&hop, &mut round);
            self.add(hop, None);
        }
        self.take_open(open, &mut round);
        for at in std::mem::take(&mut self.changed) {
            if let Some(component) = self.components.get_mut(&at) {
                component.link(&mut round);
                if component.is_settled() {
                    self.drowsy.push(at);
                }
            }
        }
        if self.drowsy.len() >= DROWSY_MIN {
            self.put_to_sleep();
        }
        self.forget_before(until.saturating_sub(REACH_MICROS + LAG_MICROS));
        round
    }

    /// Journeys with something open, as the last round left them.
    pub fn unsettled(&self) -> impl Iterator<Item = &Journey> {
        self.components.values().flat_map(|component| &component.unsettled)
    }

    /// What is kept in memory.
    pub fn held(&self) -> Held {
        let (packed, packed_bytes) = self.asleep.held();
        let awake: usize = self.components.values().map(Component::hops).sum();
        Held { hops: awake + packed, packed, packed_bytes }
    }

    fn put_to_sleep(&mut self) {
        let mut sleepers = Vec::with_capacity(self.drowsy.len());
        for number in std::mem::take(&mut self.drowsy) {
            let is_settled = |component: &Component| component.is_settled() && !component.is_changed;
            if self.components.get(&number).is_some_and(is_settled)
                && let Some(component) = self.components.remove(&number)
            {
                sleepers.push(Sleeper { number, hops: component.closed });
            }
        }
        self.asleep.put(sleepers);
    }

    /// Takes away what is open no more, or not as it was, and adds what is new.
    fn take_open<'a, O: Into<OpenHop<'a>>>(&mut self, open: impl IntoIterator<Item = O>, round: &mut Round) {
        let mut before = std::mem::take(&mut self.open);
        for hop in open {
            let hop: OpenHop<'_> = hop.into();
            let mark = hop.mark();
            let key = match before.get_mut(&mark).filter(|(_, alike)| *alike > 0) {
                Some((key, alike)) => {
                    *alike -= 1;
                    *key
                }
                None => {
                    let hop = hop.build();
                    self.note_late(&hop, round);
                    self.add(hop, Some(mark))
                }
            };
            self.open.entry(mark).or_insert((key, 0)).1 += 1;
        }
        for (mark, (key, alike)) in before {
            for _ in 0..alike {
                let Some(&at) = self.by_key.get(&key) else { continue };
                let known = &mut self.component(at).open;
                if let Some(place) = known.iter().position(|(known, _)| *known == mark) {
                    known.swap_remove(place);
                }
                self.mark(at);
            }
        }
    }

    /// Was what this hop could belong to forgotten before it came? One that was known while it was open held it back, but for what
    /// it names only now, where its clock is so far behind the others that this was forgotten as soon as it came.
    fn note_late(&self, hop: &Hop, round: &mut Round) {
        let in_reach = self.forgotten_until.saturating_add(REACH_MICROS);
        // A copy belongs to what came about when it did, and to nothing that comes of that.
        let is_in_reach = hop.kind == Kind::Copy && hop.ts_in >= self.forgotten_until.saturating_add(SKEW_MICROS);
        if is_in_reach || hop.ts_in >= in_reach {
            return;
        }
        let keys = keys_of(hop);
        let component = keys.first().and_then(|key| self.components.get(self.by_key.get(key)?));
        let is_same =
            |known: &Hop| (known.ts_in, &known.server, known.queue_id) == (hop.ts_in, &hop.server, hop.queue_id);
        let known = component.and_then(|component| component.open.iter().find(|(_, known)| is_same(known)));
        let names_nothing_new = |known: &Hop| {
            let before = keys_of(known);
            hop.ts_out >= in_reach || keys.iter().all(|key| before.contains(key))
        };
        if known.is_none_or(|(_, known)| !names_nothing_new(known)) {
            let (from, until) = round.late.unwrap_or((hop.ts_in, hop.ts_out));
            round.late = Some((from.min(hop.ts_in), until.max(hop.ts_out)));
        }
    }

    fn add(&mut self, hop: Box<Hop>, open_mark: Option<u64>) -> Key {
        let keys = keys_of(&hop);
        let at = self.component_of(&keys);
        let component = self.component(at);
        match open_mark {
            Some(mark) => component.open.push((mark, hop)),
            None => component.closed.push(hop),
        }
        self.mark(at);
        keys[0]
    }

    fn mark(&mut self, at: u32) {
        let component = self.component(at);
        if !component.is_changed {
            component.is_changed = true;
            self.changed.push(at);
        }
    }

    fn component(&mut self, at: u32) -> &mut Component {
        let asleep = &mut self.asleep;
        self.components.entry(at).or_insert_with(|| asleep.take(at).map_or_else(Component::default, Component::awoken))
    }

    /// The component that has these keys; those that had some of them become one.
    fn component_of(&mut self, keys: &[Key]) -> u32 {
        let mut known: Vec<u32> = keys.iter().filter_map(|key| self.by_key.get(key).copied()).collect();
        known.sort_unstable();
        known.dedup();
        let size = |at: &u32| self.components.get(at).map_or(0, Component::hops);
        let largest = known.iter().copied().max_by_key(size);
        let at = largest.unwrap_or_else(|| self.unused());
        known.into_iter().filter(|&other| other != at).for_each(|other| self.unite(at, other));
        for key in keys {
            self.by_key.insert(*key, at);
        }
        at
    }

    /// A number that no component has.
    fn unused(&mut self) -> u32 {
        loop {
            self.next = self.next.wrapping_add(1);
            if !self.components.contains_key(&self.next) && !self.asleep.contains(self.next) {
                return self.next;
            }
        }
    }

    fn unite(&mut self, at: u32, other: u32) {
        self.component(other);
        let Some(other) = self.components.remove(&other) else { return };
        for key in other.keys() {
            self.by_key.insert(key, at);
        }
        let component = self.component(at);
        component.closed.extend(other.closed);
        component.open.extend(other.open);
        component.given.extend(other.given);
        component.unsettled.extend(other.unsettled);
        self.mark(at);
    }

    fn forget_before(&mut self, limit: Micros) {
        if limit < self.forgotten_until.saturating_add(SWEEP_MICROS) {
            return;
        }
        self.forgotten_until = limit;
        let mut forgotten = FxHashSet::default();
        self.asleep.forget_before(limit, &mut forgotten);
        self.components.retain(|number, component| {
            let is_old = component.is_over_before(limit);
            if is_old {
                forgotten.insert(*number);
            }
            !is_old
        });
        if !forgotten.is_empty() {
            self.by_key.retain(|_, number| !forgotten.contains(number));
        }
    }
}

impl Component {
    /// One that was packed. What was given out of it is what its hops give: it was settled.
    fn awoken(closed: Vec<Box<Hop>>) -> Self {
        let mut component = Self { closed, ..Self::default() };
        component.link(&mut Round::default());
        component
    }

    fn is_settled(&self) -> bool {
        self.open.is_empty() && self.unsettled.is_empty()
    }

    fn hops(&self) -> usize {
        self.closed.len() + self.open.len()
    }

    fn is_over_before(&self, limit: Micros) -> bool {
        self.open.is_empty() && self.closed.iter().all(|hop| hop.ts_out < limit)
    }

    fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let hops = self.closed.iter().chain(self.open.iter().map(|(_, hop)| hop));
        hops.flat_map(|hop| keys_of(hop))
    }

    fn link(&mut self, round: &mut Round) {
        self.is_changed = false;
        let closed = self.closed.iter().map(|hop| (hop.clone(), false));
        let open = self.open.iter().map(|(_, hop)| (hop.clone(), true));
        let mut both: Vec<(Box<Hop>, bool)> = closed.chain(open).collect();
        both.sort_by(|(a, _), (b, _)| a.ts_in.cmp(&b.ts_in).then_with(|| at_one_time(a, b)));
        let (mut hops, is_open): (Vec<_>, Vec<_>) = both.into_iter().unzip();
        let mut links = Links::find(&hops);
        let members = links.members();
        let mut before = std::mem::take(&mut self.given);
        self.unsettled.clear();
        for group in members.chunk_by(Member::same_group) {
            let is_settled = group.iter().all(|member| hops[member.at].closed && !is_open[member.at]);
            for members in group.chunk_by(Member::same_journey) {
                let Some(journey) = journey::build(&mut hops, &links, members, Detail::Whole) else { continue };
                match is_settled {
                    true => self.settle(journey, &mut before, round),
                    false => self.unsettled.push(journey),
                }
            }
        }
        round.withdrawn.extend(before.into_iter().map(|(first_arrival, id, _)| (first_arrival, id)));
    }

    /// Gives a journey out, unless that was done and it is the same; what is taken from `before` is not withdrawn.
    fn settle(&mut self, journey: Journey, before: &mut Vec<(Micros, Text, u64)>, round: &mut Round) {
        let given = (journey.first_arrival, journey.id.clone(), digest(&journey));
        match before.iter().position(|known| *known == given) {
            Some(place) => drop(before.swap_remove(place)),
            None => round.settled.push(journey),
        }
        self.given.push(given);
    }
}

/// What a hop may share with those it belongs to; never empty.
fn keys_of(hop: &Hop) -> Vec<Key> {
    let next = hop.recipients.iter().filter_map(|recipient| recipient.next_id);
    let named = hop.queue_id.into_iter().chain(hop.previous_queue_id).chain(hop.notice_of);
    let mut keys: Vec<Key> = named.chain(hop.requeued_as.iter().copied()).chain(next).map(key_of_id).collect();
    // The shortest, `<>`, is that of messages without one.
    if hop.message_id.len() > 2 {
        keys.push(key_of_message(&hop.message_id));
    }
    if !hop.network_id.is_empty() {
        keys.push(key_of_network_id(&hop.network_id));
    }
    if keys.is_empty() {
        keys.push(digest(&(&hop.server, hop.ts_in)));
    }
    keys
}

/// As [`keys_of`], as far as the journey keeps them.
fn keys_of_journey(journey: &Journey) -> Vec<Key> {
    let mut keys: Vec<Key> = journey.steps.iter().filter_map(|step| step.queue_id).map(key_of_id).collect();
    if keys.is_empty() {
        keys.push(key_of_message(&format!("<{}>", journey.message_id)));
        keys.push(key_of_message(&journey.message_id));
    }
    keys
}

fn key_of_id(id: QueueId) -> Key {
    xxh3_64(id.as_str().as_bytes())
}

fn key_of_message(id: &str) -> Key {
    // One more than a queue id with the same letters.
    xxh3_64(id.as_bytes()).wrapping_add(1)
}

fn key_of_network_id(id: &str) -> Key {
    xxh3_64(id.as_bytes()).wrapping_add(2)
}

fn digest<T: Serialize>(value: &T) -> u64 {
    // Serialising plain data into a vector has no way to fail.
    xxh3_64(&postcard::to_stdvec(value).unwrap_or_default())
}
