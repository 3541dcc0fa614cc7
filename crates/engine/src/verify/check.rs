//! The comparison itself, part by part, each of what the parts before it found whole.

use std::{collections::BTreeMap, ops::RangeInclusive};

use vigie_lake::{Coverage, FileFault, LakeError, Snapshot, Table};
use vigie_model::{Hop, MICROS_PER_DAY, Micros, Text, day_of, iso};

use super::{
    Difference, EXAMPLES_MAX, EXPLAINED_MAX, Phase, Remark, Verified, What,
    digest::{Differing, Digests},
    examples::Examples,
    linked::{link_again, server_of},
    recount::{Found, Recount, read_again, shape_hash},
};
use crate::import::{State, order::ReadingOrder};

/// Lines between two words on how far it is.
const LINES_PER_WORD: u64 = 50_000;
/// Where a commit has too many unknown shapes, those that are left are counted under this one.
const FURTHER_SHAPES: &str = "(further shapes)";

pub struct Check<'a> {
    snapshot: Snapshot,
    state: State,
    days: &'a RangeInclusive<i32>,
    watch: &'a mut dyn FnMut(Phase),
    verified: Verified,
    /// Servers of which it is not certain in which order their lines were read.
    uncertain: Vec<Text>,
}

/// What messages are, by the hops and by the table.
struct Messages {
    stored: Digests,
    recounted: Digests,
    deliveries: u64,
    orphan_copies: u64,
}

impl<'a> Check<'a> {
    pub fn new(
        snapshot: Snapshot,
        state: State,
        days: &'a RangeInclusive<i32>,
        watch: &'a mut dyn FnMut(Phase),
    ) -> Self {
        Self { snapshot, state, days, watch, verified: Verified::default(), uncertain: Vec::new() }
    }

    pub fn run(mut self) -> Result<Verified, LakeError> {
        self.files()?;
        if self.verified.differences.is_empty() {
            self.rollups()?;
            self.facts()?;
            self.messages()?;
        } else {
            self.verified.remarks.push(Remark::Unreadable);
        }
        self.verified.differences.sort_by(|a, b| (a.what, &a.server, a.day).cmp(&(b.what, &b.server, b.day)));
        Ok(self.verified)
    }

    fn files(&mut self) -> Result<(), LakeError> {
        let of = Table::ALL.iter().map(|table| self.snapshot.file_count(*table, self.days)).sum();
        let mut done = 0;
        for table in Table::ALL {
            let watch = &mut self.watch;
            let faults = self.snapshot.check_files(table, self.days, &mut || {
                done += 1;
                watch(Phase::Files { done, of });
            })?;
            self.verified.differences.extend(faults.into_iter().map(|fault| of_file(What::Files, fault)));
        }
        self.verified.compared.files = done as u64;
        Ok(())
    }

    fn rollups(&mut self) -> Result<(), LakeError> {
        let (compared, faults) = self.snapshot.check_rollups(self.days)?;
        self.verified.compared.rollups = compared as u64;
        self.verified.differences.extend(faults.into_iter().map(|fault| of_file(What::RollUps, fault)));
        Ok(())
    }

    /// What the lines of each host say.
    fn facts(&mut self) -> Result<(), LakeError> {
        let mut recounted = Recount::of(self.days);
        let of = self.snapshot.sizes().iter().find(|size| size.table == Table::Lines).map_or(0, |size| size.rows);
        let mut done = 0;
        for (server, order) in self.servers()? {
            let watch = &mut self.watch;
            let is_certain = read_again(&self.snapshot, &server, &order, &mut |found| {
                recounted.see(&found);
                if let Found::Line(..) = found {
                    done += 1;
                    if done % LINES_PER_WORD == 0 {
                        watch(Phase::Lines { done, of });
                    }
                }
            })?;
            if !is_certain {
                self.uncertain.push(server);
            }
        }
        if done != of {
            let examples = vec!["lines of servers that have no coverage".to_owned()];
            self.differs(What::Lines, Text::default(), 0, (of, done), examples);
        }
        let stored = self.stored()?;
        self.lines_and_coverage(&stored, &recounted);
        self.note_facts(&stored, &recounted)?;
        let compared = &mut self.verified.compared;
        compared.lines = recounted.lines;
        compared.hours = stored.coverage.len() as u64;
        (compared.hops, compared.attempts) = (stored.hops.rows() - stored.copies, stored.attempts.rows());
        compared.copies = stored.copies;
        compared.rejections = stored.rejections.rows();
        Ok(())
    }

    /// Every server that has lines, with what is known of their order.
    fn servers(&self) -> Result<BTreeMap<Text, ReadingOrder>, LakeError> {
        let mut servers = BTreeMap::new();
        for row in self.snapshot.coverage(Micros::MIN, Micros::MAX)? {
            servers.entry(row?.server).or_default();
        }
        let known = self.state.hosts.iter().map(|host| (host.host.server().into(), host.order.clone()));
        servers.extend(known);
        Ok(servers)
    }

    /// What the tables have.
    fn stored(&self) -> Result<Recount, LakeError> {
        let mut stored = Recount::of(self.days);
        let (from, until) = bounds(self.days);
        for hop in self.snapshot.hops_overlapping(from, until)? {
            stored.see(&Found::Hop(&hop?));
        }
        self.state.open_hops().iter().for_each(|hop| stored.see(&Found::Hop(hop)));
        for attempt in self.snapshot.attempts(from, until)? {
            stored.see(&Found::Attempt(&attempt?));
        }
        for rejection in self.snapshot.rejections(from, until)? {
            stored.see(&Found::Rejection(&rejection?));
        }
        for row in self.snapshot.coverage(from, until)? {
            stored.cover(row?);
        }
        for row in self.snapshot.shapes(from, until)? {
            let row = row?;
            stored.shapes.add_hash(&row.server, row.day, shape_hash(&row.program, &row.shape), row.count);
            if &*row.shape == FURTHER_SHAPES {
                stored.note_further_shapes(row.server, row.day);
            }
        }
        Ok(stored)
    }

    fn lines_and_coverage(&mut self, stored: &Recount, recounted: &Recount) {
        for ((server, day), (odd, examples)) in &recounted.odd_lines {
            self.differs(What::Lines, server.clone(), *day, (*odd, 0), examples.clone());
        }
        let mut days: BTreeMap<(Text, i32), Vec<String>> = BTreeMap::new();
        let keys = stored.coverage.keys().chain(recounted.coverage.keys());
        for key in keys {
            let (one, other) = (stored.coverage.get(key), recounted.coverage.get(key));
            if one != other {
                let examples = days.entry((key.0.clone(), day_of(key.1))).or_default();
                examples.push(format!("{}: {} stored, {} read", iso(key.1), counted(one), counted(other)));
            }
        }
        for ((server, day), mut examples) in days {
            examples.sort();
            examples.dedup();
            examples.truncate(EXAMPLES_MAX);
            let lines = |recount: &Recount| {
                let of_day = recount.coverage.iter().filter(|((s, hour), _)| *s == server && day_of(*hour) == day);
                of_day.map(|(_, row)| row.lines).sum()
            };
            self.differs(What::Coverage, server.clone(), day, (lines(stored), lines(recounted)), examples);
        }
        for differing in Digests::differing(&stored.shapes, &recounted.shapes) {
            let has_further =
                [stored, recounted].iter().any(|recount| recount.has_further_shapes(&differing.server, differing.day));
            if !has_further || differing.stored != differing.recounted {
                let counts = (differing.stored, differing.recounted);
                self.differs(What::Shapes, differing.server, differing.day, counts, Vec::new());
            }
        }
    }

    fn note_facts(&mut self, stored: &Recount, recounted: &Recount) -> Result<(), LakeError> {
        for (what, differing) in [
            (What::Hops, Digests::differing(&stored.hops, &recounted.hops)),
            (What::Attempts, Digests::differing(&stored.attempts, &recounted.attempts)),
            (What::Rejections, Digests::differing(&stored.rejections, &recounted.rejections)),
        ] {
            for differing in differing {
                if let Some(remark) = self.excuse(&differing.server) {
                    if !self.verified.remarks.contains(&remark) {
                        self.verified.remarks.push(remark);
                    }
                    continue;
                }
                let examples = self.explained(|check| check.examples_of(what, &differing))?;
                let counts = (differing.stored, differing.recounted);
                self.differs(what, differing.server, differing.day, counts, examples);
            }
        }
        Ok(())
    }

    /// Why the facts of a server may differ without a fault.
    fn excuse(&self, server: &Text) -> Option<Remark> {
        if self.uncertain.contains(server) {
            return Some(Remark::OrderUnknown(server.clone()));
        }
        let is_dirty = self.state.hosts.iter().any(|host| host.dirty && host.host.server() == &**server);
        is_dirty.then_some(Remark::Unfinished)
    }

    fn examples_of(&self, what: What, differing: &Differing) -> Result<Vec<String>, LakeError> {
        let (server, day) = (&differing.server, differing.day);
        let (from, until) = bounds(&(day..=day));
        let mut examples = Examples::default();
        let order = self.servers()?.remove(server).unwrap_or_default();
        read_again(&self.snapshot, server, &order, &mut |found| match found {
            Found::Hop(hop) if what == What::Hops && day_of(hop.ts_in) == day => examples.recounted(hop),
            Found::Attempt(row) if what == What::Attempts && day_of(row.ts) == day => examples.recounted(row),
            Found::Rejection(row) if what == What::Rejections && day_of(row.ts) == day => examples.recounted(row),
            _ => {}
        })?;
        let is_it = |hop: &Hop| hop.server == *server && day_of(hop.ts_in) == day;
        match what {
            What::Hops => {
                for hop in self.snapshot.hops_overlapping(from, until)? {
                    Some(hop?).iter().filter(|hop| is_it(hop)).for_each(|hop| examples.stored(hop));
                }
                self.state.open_hops().iter().filter(|hop| is_it(hop)).for_each(|hop| examples.stored(hop));
            }
            What::Attempts => {
                for row in self.snapshot.attempts(from, until)? {
                    Some(row?).iter().filter(|row| row.server == *server).for_each(|row| examples.stored(row));
                }
            }
            _ => {
                for row in self.snapshot.rejections(from, until)? {
                    Some(row?).iter().filter(|row| row.server == *server).for_each(|row| examples.stored(row));
                }
            }
        }
        Ok(examples.named())
    }

    /// What the hops say of messages.
    fn messages(&mut self) -> Result<(), LakeError> {
        if self.state.touched.is_some() {
            if !self.verified.remarks.contains(&Remark::Unfinished) {
                self.verified.remarks.push(Remark::Unfinished);
            }
            return Ok(());
        }
        let messages = self.linked()?;
        let compared = &mut self.verified.compared;
        (compared.messages, compared.deliveries) = (messages.stored.rows(), messages.deliveries);
        compared.orphan_copies = messages.orphan_copies;
        for differing in Digests::differing(&messages.stored, &messages.recounted) {
            let examples = self.explained(|check| check.examples_of_messages(&differing))?;
            let counts = (differing.stored, differing.recounted);
            self.differs(What::Deliveries, differing.server, differing.day, counts, examples);
        }
        Ok(())
    }

    fn linked(&mut self) -> Result<Messages, LakeError> {
        let mut messages = Messages {
            stored: Digests::of(self.days),
            recounted: Digests::of(self.days),
            deliveries: 0,
            orphan_copies: 0,
        };
        let (from, until) = bounds(self.days);
        for journey in self.snapshot.journeys(from, until)? {
            let journey = journey?;
            messages.deliveries += journey.deliveries.len() as u64;
            messages.stored.add(server_of(&journey), day_of(journey.first_arrival), &journey);
        }
        let (mut count, watch) = (0, &mut self.watch);
        messages.orphan_copies = link_again(&self.snapshot, self.state.open_hops(), &mut |journey| {
            messages.recounted.add(server_of(journey), day_of(journey.first_arrival), journey);
            count += 1;
            if count % LINES_PER_WORD == 0 {
                watch(Phase::Linking { messages: count });
            }
        })?;
        Ok(messages)
    }

    fn examples_of_messages(&self, differing: &Differing) -> Result<Vec<String>, LakeError> {
        let (server, day) = (&*differing.server, differing.day);
        let (from, until) = bounds(&(day..=day));
        let mut examples = Examples::default();
        link_again(&self.snapshot, self.state.open_hops(), &mut |journey| {
            if server_of(journey) == server && day_of(journey.first_arrival) == day {
                examples.recounted(journey);
            }
        })?;
        for journey in self.snapshot.journeys(from, until)? {
            let journey = journey?;
            if server_of(&journey) == server {
                examples.stored(&journey);
            }
        }
        Ok(examples.named())
    }

    /// Examples, while there are not too many differences.
    fn explained(
        &mut self,
        explain: impl FnOnce(&Self) -> Result<Vec<String>, LakeError>,
    ) -> Result<Vec<String>, LakeError> {
        if self.verified.differences.len() >= EXPLAINED_MAX {
            return Ok(Vec::new());
        }
        (self.watch)(Phase::Explaining);
        explain(self)
    }

    fn differs(&mut self, what: What, server: Text, day: i32, counts: (u64, u64), examples: Vec<String>) {
        let (stored, recounted) = counts;
        self.verified.differences.push(Difference { what, server, day, stored, recounted, examples });
    }
}

fn of_file(what: What, fault: FileFault) -> Difference {
    let examples = vec![format!("{}/{}: {}", fault.table, fault.file, fault.fault)];
    Difference { what, server: Text::default(), day: fault.day, stored: 0, recounted: 0, examples }
}

fn counted(row: Option<&Coverage>) -> String {
    row.map_or_else(
        || "no lines".to_owned(),
        |row| {
            let Coverage { lines, understood, ignored, unknown, .. } = row;
            let (first, last) = (iso(row.first_ts), iso(row.last_ts));
            format!("{lines} lines ({understood} understood, {ignored} ignored, {unknown} unknown, {first} to {last})")
        },
    )
}

/// The time of these days; the end is not included.
fn bounds(days: &RangeInclusive<i32>) -> (Micros, Micros) {
    let begins = |day: i64| day.saturating_mul(MICROS_PER_DAY);
    (begins(i64::from(*days.start())), begins(i64::from(*days.end()) + 1))
}
