//! Rows counted into a roll-up.

use std::hash::Hash;

use arrow::array::{Array, RecordBatch, StringViewArray};
use rustc_hash::FxHashMap;
use vigie_model::{Micros, Outcome};

use super::cube::Counting;
use super::shape::{Counts, Exit, NO_OUTCOME, Rollup, TOTALS, Texts, Way, delay_key, sender_key};
use crate::LakeError;
use crate::ask::{Origin, bucket_of, ints, size_at, texts, times};

/// A roll-up being counted, with slots of time as the caller has them.
#[derive(Default)]
pub(crate) struct Tally {
    texts: Texts,
    classes: Vec<u32>,
    ways: Numbered<Way>,
    exits: Numbered<Exit>,
    totals: Counting<TOTALS>,
    delays: Counting<1>,
    delay_ends: Counting<2>,
    senders: Counting<3>,
    taken: Counting<1>,
    reasons: Counting<1>,
}

/// A row of `deliveries`, its texts as numbers.
struct Row {
    slot: i64,
    /// The size of its message, where a message begins here.
    begins: Option<u64>,
    sender: u32,
    way: Way,
    domain: u32,
    delivery_ms: Option<u64>,
}

/// Things by number, in the order in which they came.
struct Numbered<T> {
    all: Vec<T>,
    numbers: FxHashMap<T, u32>,
}

impl Tally {
    /// Columns of `deliveries` that are read, beside what tells messages apart.
    pub(crate) const OF_DELIVERIES: [&str; 9] = [
        "first_arrival",
        "class",
        "arrival",
        "sender",
        "first_server",
        "server",
        "recipient_domain",
        "outcome",
        "delivery_ms",
    ];
    /// Columns of `rejections` that are read.
    pub(crate) const OF_REJECTIONS: [&str; 2] = ["ts", "reason"];

    /// Adds rows of `deliveries` that have a slot; `begins` says where a message begins.
    pub(crate) fn add_deliveries(
        &mut self,
        batch: &RecordBatch,
        begins: &[bool],
        slot: impl Fn(Micros) -> Option<i64>,
    ) -> Result<(), LakeError> {
        let arrivals = times(batch, "first_arrival")?.values();
        let (sizes, delays) = (ints(batch, "size").ok(), ints(batch, "delivery_ms")?);
        let mut classes = Column::of(batch, "class")?;
        let mut origins = Column::of(batch, "arrival")?;
        let mut outcomes = Column::of(batch, "outcome")?;
        let mut senders = Column::of(batch, "sender")?;
        let mut first_servers = Column::of(batch, "first_server")?;
        let mut last_servers = Column::of(batch, "server")?;
        let mut domains = Column::of(batch, "recipient_domain")?;
        for (row, &arrival) in arrivals.iter().enumerate() {
            let Some(slot) = slot(arrival) else { continue };
            let way = Way {
                class: classes.at(row, |text| self.class(text)),
                origin: origins.at(row, Origin::of),
                outcome: outcomes.at(row, outcome_number),
                first_server: first_servers.at(row, |text| self.texts.names.add(text)),
                last_server: last_servers.at(row, |text| self.texts.names.add(text)),
            };
            let domain = domains.at(row, |text| self.texts.names.add(text));
            let sender = senders.at(row, |text| self.texts.senders.add(text));
            let begins = begins[row].then(|| size_at(sizes, row));
            let delivery_ms = delays.is_valid(row).then(|| delays.value(row) as u64);
            self.add(&Row { slot, begins, sender, way, domain, delivery_ms });
        }
        Ok(())
    }

    /// Adds rows of `rejections` that have a slot.
    pub(crate) fn add_rejections(
        &mut self,
        batch: &RecordBatch,
        slot: impl Fn(Micros) -> Option<i64>,
    ) -> Result<(), LakeError> {
        let mut reasons = Column::of(batch, "reason")?;
        for (row, &ts) in times(batch, "ts")?.values().iter().enumerate() {
            let Some(slot) = slot(ts) else { continue };
            let reason = reasons.at(row, |text| self.texts.names.add(text));
            self.reasons.at(slot, reason.into())[0] += 1;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Rollup {
        let counts = Counts {
            classes: self.classes,
            ways: self.ways.all,
            exits: self.exits.all,
            totals: self.totals.finish(),
            delays: self.delays.finish(),
            delay_ends: self.delay_ends.finish(),
            senders: self.senders.finish(),
            taken: self.taken.finish(),
            reasons: self.reasons.finish(),
        };
        Rollup { texts: self.texts, counts }
    }

    fn class(&mut self, text: &str) -> u32 {
        let name = self.texts.names.add(text);
        let known = self.classes.iter().position(|&class| class == name);
        known.unwrap_or_else(|| {
            self.classes.push(name);
            self.classes.len() - 1
        }) as u32
    }

    fn add(&mut self, row: &Row) {
        let (slot, class) = (row.slot, row.way.class);
        let outcome = Outcome::ALL.get(usize::from(row.way.outcome));
        let is_failed = matches!(outcome, Some(Outcome::Bounced | Outcome::Expired));
        let totals = self.totals.at(slot, class.into());
        totals[0] += u64::from(row.begins.is_some());
        totals[1] += 1;
        totals[2] += row.begins.unwrap_or(0);
        if outcome.is_some() {
            totals[3 + usize::from(row.way.outcome)] += 1;
        }
        if let (Some(Outcome::Delivered), Some(ms)) = (outcome, row.delivery_ms) {
            self.delays.at(slot, delay_key(class, bucket_of(ms)))[0] += 1;
            let ends = self.delay_ends.at(slot, class.into());
            *ends = [ends[0].saturating_add(ms), ends[1].max(ms)];
        }
        let sender = self.senders.at(slot, sender_key(row.sender, class));
        sender[0] += u64::from(row.begins.is_some());
        sender[1] += 1;
        sender[2] += u64::from(is_failed);
        let way = self.ways.number(row.way);
        let exit = self.exits.number(Exit { way, domain: row.domain });
        self.taken.at(slot, exit.into())[0] += 1;
    }
}

impl<T: Copy + Eq + Hash> Numbered<T> {
    fn number(&mut self, thing: T) -> u32 {
        *self.numbers.entry(thing).or_insert_with(|| {
            self.all.push(thing);
            self.all.len() as u32 - 1
        })
    }
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Numbered { all: Vec::new(), numbers: FxHashMap::default() }
    }
}

fn outcome_number(word: &str) -> u8 {
    Outcome::ALL.iter().position(|outcome| outcome.as_str() == word).map_or(NO_OUTCOME, |at| at as u8)
}

/// What the texts of a column stand for, found out once for each view: equal views are equal texts.
struct Column<'a, T> {
    texts: &'a StringViewArray,
    found: FxHashMap<u128, T>,
    last: Option<(u128, T)>,
}

impl<'a, T: Copy> Column<'a, T> {
    fn of(batch: &'a RecordBatch, name: &str) -> Result<Self, LakeError> {
        Ok(Column { texts: texts(batch, name)?, found: FxHashMap::default(), last: None })
    }

    fn at(&mut self, row: usize, find: impl FnOnce(&str) -> T) -> T {
        if self.texts.is_null(row) {
            return find("");
        }
        let view = self.texts.views()[row];
        if let Some((last, meaning)) = self.last
            && last == view
        {
            return meaning;
        }
        let meaning = *self.found.entry(view).or_insert_with(|| find(self.texts.value(row)));
        self.last = Some((view, meaning));
        meaning
    }
}
