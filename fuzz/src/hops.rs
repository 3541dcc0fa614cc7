//! Hops of any sort, linked.

use vigie_correlator::{Linker, link};
use vigie_model::{
    Arrival, Attachment, Client, Content, Hop, Journey, Kind, MICROS_PER_SECOND, MailClass, Micros, Outcome, QueueId,
    Recipient,
};

/// Reads choices from bytes, zeros when they are used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn below(&mut self, limit: u8) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        first % limit
    }

    fn of<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::from(self.below(from.len() as u8))].clone()
    }
}

/// Hops of one input.
const HOPS_MAX: usize = 60;
const IDS: [&str; 6] = ["A00001", "A00002", "B00001", "B00002", "4fPqXk0d5Zz1Y5Q7", "S1"];
const ADDRESSES: [&str; 4] = ["a@x", "b@x", "B@X", ""];

fn id(choices: &mut Choices<'_>) -> Option<QueueId> {
    let text = choices.of(&IDS);
    (choices.below(3) > 0).then(|| QueueId::new(text.as_bytes())).flatten()
}

fn recipient(choices: &mut Choices<'_>, ts: Micros) -> Recipient {
    Recipient {
        recipient: choices.of(&ADDRESSES).into(),
        orig_recipient: choices.of(&ADDRESSES).into(),
        outcome: choices.of(&Outcome::ALL),
        ts: ts + Micros::from(choices.below(200)) * MICROS_PER_SECOND,
        transport: choices.of(&["smtp", "lmtp", "local", "pipe", "none"]).into(),
        next_id: id(choices),
        forwarded_to: if choices.below(4) == 0 { vec![choices.of(&ADDRESSES).into()] } else { Vec::new() },
        ..Recipient::default()
    }
}

fn hop(choices: &mut Choices<'_>, ts: Micros) -> Hop {
    if choices.below(8) == 7 {
        return copy(choices, ts);
    }
    let recipients: Vec<Recipient> = (0..choices.below(4)).map(|_| recipient(choices, ts)).collect();
    let last = recipients.iter().map(|recipient| recipient.ts).max().unwrap_or(ts);
    let kind = if choices.below(4) == 0 { Kind::Store } else { Kind::Transfer };
    Hop {
        kind,
        server: choices.of(&["edge1", "hub1", "mbx1"]).into(),
        instance: choices.of(&["", "", "", "out"]).into(),
        // Only a store may know none.
        queue_id: if kind == Kind::Store { id(choices) } else { QueueId::new(choices.of(&IDS).as_bytes()) },
        ts_in: ts,
        ts_out: last + Micros::from(choices.below(100)) * MICROS_PER_SECOND,
        closed: choices.below(6) > 0,
        class: choices.of(&[MailClass::Mail, MailClass::Mail, MailClass::Bounce, MailClass::Probe]),
        arrival: choices.of(&[Arrival::Unknown, Arrival::Server, Arrival::User, Arrival::Local]),
        client: Client::default(),
        message_id: choices.of(&["", "<>", "<1@x>", "<2@x>"]).into(),
        sender: choices.of(&ADDRESSES).into(),
        sender_known: choices.below(2) == 0,
        recipient_count: Some(u32::from(choices.below(5))),
        previous_queue_id: if choices.below(3) == 0 { id(choices) } else { None },
        notice_of: if choices.below(5) == 0 { id(choices) } else { None },
        requeued_as: if choices.below(5) == 0 { id(choices).into_iter().collect() } else { Vec::new() },
        recipients,
        ..Hop::default()
    }
}

/// What was found in a copy of anything. Its subject tells it from every other.
fn copy(choices: &mut Choices<'_>, ts: Micros) -> Hop {
    let attachments = vec![Attachment::default(); usize::from(choices.below(3))];
    Hop {
        kind: Kind::Copy,
        server: choices.of(&["edge1", "EDGE1.example.org", "hub1", "elsewhere"]).into(),
        queue_id: id(choices),
        ts_in: ts,
        ts_out: ts,
        closed: true,
        message_id: choices.of(&["", "<>", "<1@x>", "<2@x>"]).into(),
        subject: format!("{ts}").into(),
        content: Some(Box::new(Content { attachments, ..Content::default() })),
        ..Hop::default()
    }
}

/// Hops that contradict each other in every way.
pub fn linker(bytes: &[u8]) {
    hold(hops_of(bytes));
}

/// Bytes as choices of hops, in order of time.
pub fn hops_of(bytes: &[u8]) -> Vec<Hop> {
    let mut choices = Choices(bytes);
    let mut ts = 1_772_445_600 * MICROS_PER_SECOND;
    let mut hops = Vec::new();
    while !choices.0.is_empty() && hops.len() < HOPS_MAX {
        ts += Micros::from(choices.below(60)) * MICROS_PER_SECOND;
        hops.push(hop(&mut choices, ts));
    }
    // Two hops with one key cannot be: the correlator tells generations apart by their first lines.
    hops.sort_by_key(Hop::key);
    hops.dedup_by_key(|hop| hop.key());
    hops
}

/// No ring, no hop lost or told twice, and neither the order in which they come nor the size of the rounds ever shows.
pub fn hold(hops: Vec<Hop>) {
    let at_once = link(hops.clone());
    let steps: usize = at_once.iter().map(|journey| journey.steps.len()).sum();
    let is_hop = |hop: &&Hop| hop.kind != Kind::Copy;
    assert_eq!(steps, hops.iter().filter(is_hop).count(), "every hop in one journey");
    let without = |mut journey: Journey| {
        (journey.content, journey.subject) = (None, "".into());
        journey
    };
    let hops_alone = link(hops.iter().filter(is_hop).cloned().collect());
    assert!(at_once.iter().cloned().map(without).eq(hops_alone), "copies change nothing but what is inside");
    for step in at_once.iter().flat_map(|journey| journey.steps.iter().enumerate()) {
        assert!(step.1.previous.is_none_or(|previous| (previous as usize) < step.0), "a hop follows the one before it");
    }
    let mut backwards = hops.clone();
    backwards.reverse();
    assert!(link(backwards) == at_once, "in any order");
    let mut in_rounds: Vec<Journey> = Vec::new();
    let mut linker = Linker::in_rounds_of(3);
    hops.into_iter().for_each(|hop| linker.push(hop, &mut in_rounds));
    linker.finish(&mut in_rounds);
    in_rounds.sort_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
    assert!(in_rounds == at_once, "in rounds: {in_rounds:#?}\nat once: {at_once:#?}");
}
