//! The lines of the hosts read again: what they say, and whether they are what was stored.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    ops::RangeInclusive,
};

use vigie_correlator::{Facts, Host};
use vigie_formats::shape;
use vigie_lake::{Coverage, LakeError, Line, Snapshot};
use vigie_model::{Attempt, Hop, Kind, MICROS_PER_HOUR, Micros, Rejection, Text, day_of, iso};

use super::{
    EXAMPLES_MAX,
    digest::{Digests, hash_of},
};
use crate::{
    import::{
        order::{LinesAsRead, ReadingOrder},
        reread::{Reread, Rereader},
        sink::experimental,
    },
    intake::line_hash,
};

/// Lines between two looks at what they gave.
const LINES_AT_A_TIME: u64 = 1_000;

/// What reading again gives, one after the other.
pub enum Found<'a> {
    Line(&'a Line, &'a Reread<'a>),
    Hop(&'a Hop),
    Attempt(&'a Attempt),
    Rejection(&'a Rejection),
}

/// Reads all lines of a host again. `true` when each was read where it was read before.
pub fn read_again(
    snapshot: &Snapshot,
    server: &str,
    order: &ReadingOrder,
    see: &mut dyn FnMut(Found<'_>),
) -> Result<bool, LakeError> {
    let (mut host, mut facts, mut rereader) = (Host::new(server), Facts::default(), Rereader::default());
    let mut lines = LinesAsRead::new(snapshot, server, order)?;
    let mut count = 0u64;
    for line in lines.by_ref() {
        let line = line?;
        let read = rereader.read(&line);
        for _ in 0..read.times() {
            host.record(line.ts, &read.record, &mut facts);
        }
        see(Found::Line(&line, &read));
        count += 1;
        if count.is_multiple_of(LINES_AT_A_TIME) {
            tell(&mut facts, see);
        }
    }
    tell(&mut facts, see);
    // When exactly a hop is closed may depend on how lines came; what it says does not.
    host.open().iter().for_each(|hop| see(Found::Hop(hop)));
    Ok(order.is_known() && lines.is_certain())
}

fn tell(facts: &mut Facts, see: &mut dyn FnMut(Found<'_>)) {
    facts.hops.drain(..).for_each(|hop| see(Found::Hop(&hop)));
    facts.attempts.drain(..).for_each(|attempt| see(Found::Attempt(&attempt)));
    facts.rejections.drain(..).for_each(|rejection| see(Found::Rejection(&rejection)));
}

/// The facts of hosts, as their lines or as the tables have them.
pub struct Recount {
    pub hops: Digests,
    /// Of these, what was told of copies.
    pub copies: u64,
    pub attempts: Digests,
    pub rejections: Digests,
    pub shapes: Digests,
    pub coverage: BTreeMap<(Text, Micros), Coverage>,
    pub lines: u64,
    /// Lines that are not what was stored: how many of a server and day, and some of them.
    pub odd_lines: BTreeMap<(Text, i32), (u64, Vec<String>)>,
    /// Servers and days of which not all shapes were told apart.
    further_shapes: BTreeSet<(Text, i32)>,
    days: RangeInclusive<i32>,
    last: Line,
}

impl Recount {
    pub fn of(days: &RangeInclusive<i32>) -> Self {
        let digests = || Digests::of(days);
        Self {
            hops: digests(),
            copies: 0,
            attempts: digests(),
            rejections: digests(),
            shapes: digests(),
            coverage: BTreeMap::new(),
            lines: 0,
            odd_lines: BTreeMap::new(),
            further_shapes: BTreeSet::new(),
            days: days.clone(),
            last: Line::default(),
        }
    }

    pub fn see(&mut self, found: &Found<'_>) {
        match found {
            Found::Line(line, read) => self.line(line, read),
            Found::Hop(hop) => {
                let day = day_of(hop.ts_in);
                self.copies += u64::from(hop.kind == Kind::Copy && self.days.contains(&day));
                self.hops.add(&hop.server, day, hop);
            }
            Found::Attempt(attempt) => self.attempts.add(&attempt.server, day_of(attempt.ts), attempt),
            Found::Rejection(rejection) => self.rejections.add(&rejection.server, day_of(rejection.ts), rejection),
        }
    }

    fn line(&mut self, line: &Line, read: &Reread<'_>) {
        let day = day_of(line.ts);
        if !self.days.contains(&day) {
            return;
        }
        self.lines += 1;
        if let Some(oddity) = self.oddity(line, read) {
            let (count, examples) = self.odd_lines.entry((line.server.clone(), day)).or_default();
            *count += 1;
            if examples.len() < EXAMPLES_MAX {
                examples.push(format!("byte {} of {} at {}: {oddity}", line.offset, line.file, iso(line.ts)));
            }
        }
        let is_unknown = read.bare || read.record.is_unknown();
        if is_unknown {
            let hash = shape_hash(&String::from_utf8_lossy(read.program), &shape(read.text));
            self.shapes.add_hash(&line.server, day, hash, 1);
            if line.text.contains(char::REPLACEMENT_CHARACTER) {
                // Its shape was that of other bytes.
                self.note_further_shapes(line.server.clone(), day);
            }
        }
        if let Some((program, shape)) = experimental(&read.record, read.program, read.text) {
            self.shapes.add_hash(&line.server, day, shape_hash(&program, shape), 1);
        }
        let is_understood = !is_unknown && read.record.is_understood();
        self.cover(Coverage {
            server: line.server.clone(),
            source: Text::default(),
            hour: line.ts.div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR,
            lines: 1,
            understood: is_understood.into(),
            ignored: (!is_unknown && !is_understood).into(),
            unknown: is_unknown.into(),
            first_ts: line.ts,
            last_ts: line.ts,
        });
        self.last = line.clone();
    }

    /// What is wrong with the line itself.
    fn oddity(&self, line: &Line, read: &Reread<'_>) -> Option<&'static str> {
        // Bytes that are not UTF-8 were replaced when it was stored; its hash is of what it was.
        let is_whole = !line.text.contains(char::REPLACEMENT_CHARACTER);
        // The first line of a stream may well be that of another one.
        if *line == self.last && line.offset > 0 {
            return Some("stored twice");
        }
        if is_whole && line_hash(line.text.as_bytes()) != line.hash {
            return Some("its text is not what was stored");
        }
        (is_whole && read.record.queue_id() != line.queue_id).then_some("it is filed under another queue id")
    }

    pub fn cover(&mut self, row: Coverage) {
        if !self.days.contains(&day_of(row.hour)) {
            return;
        }
        match self.coverage.entry((row.server.clone(), row.hour)) {
            // Which source brought a line is not told by the line.
            Entry::Vacant(entry) => drop(entry.insert(Coverage { source: Text::default(), ..row })),
            Entry::Occupied(mut entry) => entry.get_mut().add(&row),
        }
    }

    pub fn note_further_shapes(&mut self, server: Text, day: i32) {
        self.further_shapes.insert((server, day));
    }

    pub fn has_further_shapes(&self, server: &Text, day: i32) -> bool {
        self.further_shapes.contains(&(server.clone(), day))
    }
}

/// The hash of an unknown line's shape.
pub fn shape_hash(program: &str, shape: &str) -> u128 {
    hash_of(&(program, shape))
}
