//! Messages, from the hops that are stored and those that are open.

use vigie_correlator::Linker;
use vigie_lake::{LakeError, Snapshot};
use vigie_model::{Hop, Journey, Micros};

/// Links all hops again, in bounded memory. Returns of how many copies something was told, and no log tells of the message.
pub fn link_again(snapshot: &Snapshot, mut open: Vec<Hop>, see: &mut dyn FnMut(&Journey)) -> Result<u64, LakeError> {
    open.sort_by_key(|hop| hop.ts_in);
    let (mut linker, mut linked) = (Linker::default(), Vec::new());
    let mut open = open.into_iter().peekable();
    for hop in snapshot.hops_overlapping(Micros::MIN, Micros::MAX)? {
        let hop = hop?;
        while let Some(waiting) = open.next_if(|waiting| waiting.ts_in <= hop.ts_in) {
            linker.push(waiting, &mut linked);
        }
        linker.push(hop, &mut linked);
        linked.drain(..).for_each(|journey| see(&journey));
    }
    open.for_each(|waiting| linker.push(waiting, &mut linked));
    let orphans = linker.finish(&mut linked);
    linked.iter().for_each(see);
    Ok(orphans)
}

/// The server that a message is counted under.
pub fn server_of(journey: &Journey) -> &str {
    journey.steps.first().map_or("", |step| &step.server)
}
