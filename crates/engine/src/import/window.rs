//! What live linking goes on from: the stored hops and journeys that lines to come may still change.
//!
//! Those are the youngest, and, however old, those that have to do with what is still in a queue.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use vigie_lake::{LakeError, Snapshot};
use vigie_model::{Hop, Journey, Kind, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, QueueId, Text};

/// Messages of messages (notices, requeued mail, lists) are looked for this many steps away from what is open.
const STEPS_MAX: usize = 4;
/// A notice is about a message that ended no longer before: clocks of two servers may differ by so much.
const NOTICE_MICROS: Micros = 120 * MICROS_PER_SECOND;
/// A copy tells of a message that came so long before or after, at most.
const COPY_MICROS: Micros = NOTICE_MICROS;
/// As far before an open message as one that it comes from may lie.
const REACH_MICROS: Micros = 2 * MICROS_PER_HOUR;

/// What is stored of the time since, and of what is open: hops, and journeys with all their hops.
///
/// `has_copies`: something that was told of copies may be stored.
pub fn window(
    snapshot: &Snapshot,
    open: &[Hop],
    from: Micros,
    has_copies: bool,
) -> Result<(Vec<Box<Hop>>, Vec<Journey>), LakeError> {
    let mut journeys: Vec<Journey> = snapshot.journeys_overlapping(from, Micros::MAX)?.collect::<Result<_, _>>()?;
    let boxed = |hop: Result<Hop, LakeError>| hop.map(Box::new);
    let mut hops: Vec<Box<Hop>> = snapshot.hops_overlapping(from, Micros::MAX)?.map(boxed).collect::<Result<_, _>>()?;
    let began_before = hops.iter().map(|hop| &**hop).chain(open).filter(|hop| hop.ts_in < from);
    let related = related(snapshot, began_before, from)?;
    let known: FxHashSet<Text> = journeys.iter().map(|journey| journey.id.clone()).collect();
    let hours: BTreeSet<Micros> = related.values().map(|first_arrival| hour(*first_arrival)).collect();
    for hour in hours {
        for journey in snapshot.journeys(hour, hour + MICROS_PER_HOUR)? {
            let journey = journey?;
            if related.contains_key(&journey.id) && !known.contains(&journey.id) {
                journeys.push(journey);
            }
        }
    }
    add_originals(snapshot, &mut journeys)?;
    add_hops_of(snapshot, &journeys, from, &mut hops)?;
    if has_copies {
        add_copies(snapshot, open, from, &mut hops)?;
    }
    Ok((hops, journeys))
}

/// Adds what was told of copies of these messages before: linked again without it, they would lose what is inside.
fn add_copies(snapshot: &Snapshot, open: &[Hop], from: Micros, hops: &mut Vec<Box<Hop>>) -> Result<(), LakeError> {
    let (mut ids, mut names) = (FxHashSet::default(), FxHashSet::default());
    // In each hour, the time in which copies of them came.
    let mut times: BTreeMap<Micros, (Micros, Micros)> = BTreeMap::new();
    let began_before = |hop: &&Hop| hop.kind == Kind::Transfer && hop.ts_in < from + COPY_MICROS;
    for hop in hops.iter().map(|hop| &**hop).chain(open).filter(began_before) {
        ids.extend(hop.queue_id);
        names.extend(message_name(&hop.message_id));
        let (first, end) = (hop.ts_in - COPY_MICROS, (hop.ts_in + COPY_MICROS + 1).min(from));
        for hour in [hour(first), hour(end)] {
            let (first, end) = (first.max(hour), end.min(hour + MICROS_PER_HOUR));
            if first < end {
                let known = times.entry(hour).or_insert((first, end));
                *known = (known.0.min(first), known.1.max(end));
            }
        }
    }
    for (first, end) in times.into_values() {
        for hop in snapshot.hops_overlapping(first, end)? {
            let hop = hop?;
            let is_theirs = hop.queue_id.is_some_and(|id| ids.contains(&id))
                || message_name(&hop.message_id).is_some_and(|name| names.contains(&name));
            if hop.kind == Kind::Copy && (first..end).contains(&hop.ts_in) && is_theirs {
                hops.push(Box::new(hop));
            }
        }
    }
    Ok(())
}

/// Adds the messages that these are notices about: linked again without them, a notice would be about nothing. Such a message ended, as far
/// as its server says, just before the notice began.
fn add_originals(snapshot: &Snapshot, journeys: &mut Vec<Journey>) -> Result<(), LakeError> {
    for _ in 0..STEPS_MAX {
        let known: FxHashSet<&Text> = journeys.iter().map(|journey| &journey.id).collect();
        let is_missing = |journey: &&Journey| !journey.notice_of.is_empty() && !known.contains(&journey.notice_of);
        let missing: FxHashMap<Text, Micros> = journeys
            .iter()
            .filter(is_missing)
            .map(|journey| (journey.notice_of.clone(), journey.first_arrival))
            .collect();
        if missing.is_empty() {
            break;
        }
        let hours: BTreeSet<Micros> = missing.values().map(|notice| hour(*notice)).collect();
        let mut found: FxHashMap<Text, Journey> = FxHashMap::default();
        for hour in hours {
            for journey in snapshot.journeys_overlapping(hour - NOTICE_MICROS, hour + MICROS_PER_HOUR)? {
                let journey = journey?;
                if missing.contains_key(&journey.id) {
                    found.insert(journey.id.clone(), journey);
                }
            }
        }
        if found.is_empty() {
            break;
        }
        journeys.extend(found.into_values());
    }
    Ok(())
}

/// Adds the hops of these journeys that ended before.
fn add_hops_of(
    snapshot: &Snapshot,
    journeys: &[Journey],
    from: Micros,
    hops: &mut Vec<Box<Hop>>,
) -> Result<(), LakeError> {
    let steps: FxHashSet<(Micros, Text)> = journeys
        .iter()
        .flat_map(|journey| &journey.steps)
        .filter(|step| step.ts_out < from)
        .map(|step| (step.ts_in, step.server.clone()))
        .collect();
    let hours: BTreeSet<Micros> = steps.iter().map(|(ts_in, _)| hour(*ts_in)).collect();
    for hour in hours {
        let until = hour + MICROS_PER_HOUR;
        for hop in snapshot.hops_overlapping(hour, until)? {
            let hop = hop?;
            let is_one =
                hop.kind != Kind::Copy && hop.ts_out < from && steps.contains(&(hop.ts_in, hop.server.clone()));
            if is_one && (hour..until).contains(&hop.ts_in) {
                hops.push(Box::new(hop));
            }
        }
    }
    Ok(())
}

/// Messages that have to do with these hops: ids and first arrivals.
fn related<'a>(
    snapshot: &Snapshot,
    hops: impl Iterator<Item = &'a Hop>,
    from: Micros,
) -> Result<FxHashMap<Text, Micros>, LakeError> {
    let (mut names, mut first): (FxHashSet<Text>, Micros) = (FxHashSet::default(), from);
    for hop in hops {
        first = first.min(hop.ts_in);
        let next = hop.recipients.iter().filter_map(|recipient| recipient.next_id);
        let named = hop.queue_id.into_iter().chain(hop.previous_queue_id).chain(hop.notice_of);
        let ids = named.chain(hop.requeued_as.iter().copied()).chain(next);
        names.extend(ids.map(|id: QueueId| Text::from(id.as_str())));
        names.extend(message_name(&hop.message_id));
    }
    let mut found = FxHashMap::default();
    // Where nothing began before, nothing has to be looked for.
    let steps = if first < from { STEPS_MAX } else { 0 };
    for _ in 0..steps {
        let before = found.len();
        for keys in snapshot.journey_keys(first - REACH_MICROS, from)? {
            let keys = keys?;
            let message = message_name(&keys.message_id);
            let is_related = message.iter().any(|name| names.contains(name))
                || keys.queue_ids.split(' ').any(|id| names.contains(id));
            if is_related && found.insert(keys.id, keys.first_arrival).is_none() {
                names.extend(message);
                names.extend(keys.queue_ids.split(' ').filter(|id| !id.is_empty()).map(Text::from));
            }
        }
        if found.len() == before {
            break;
        }
    }
    Ok(found)
}

/// A message id without brackets; none where it names nothing.
fn message_name(id: &str) -> Option<Text> {
    let id = id.trim_start_matches('<').trim_end_matches('>');
    (!id.is_empty()).then(|| id.into())
}

fn hour(ts: Micros) -> Micros {
    ts.div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR
}
