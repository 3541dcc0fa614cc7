//! From linked hops to the journey: the path, the last word on each recipient, and what each server counts.
//!
//! A hop is given up for its journey, so texts move from one to the other and are not copied.

use std::mem::take;

use rustc_hash::FxHashMap;
use vigie_model::{
    Arrival, Delivery, Direction, Hop, Journey, Kind, Micros, Outcome, Recipient, Relay, ServerCounts, Step, Text,
    Verdicts,
};
use xxhash_rust::xxh3::xxh3_64;

use super::evidence::{Links, Member, same_address};
use crate::{
    content::order,
    text::{Detail, of_joined},
};

/// Builds one journey of these hops; what identifies a hop stays in it, because the notices about it ask for that. `None`: there is no
/// hop among them, but what is told of copies of a message that no log tells of.
pub fn build(hops: &mut [Box<Hop>], links: &Links, members: &[Member], detail: Detail) -> Option<Journey> {
    let (one, mut several, copies): (_, _, Vec<usize>);
    let path: &[usize] = if let [only] = members {
        one = [only.at];
        copies = Vec::new();
        if hops[only.at].kind == Kind::Copy {
            return None;
        }
        &one
    } else {
        several = in_order(hops, links, members);
        copies = several.extract_if(.., |&mut at| hops[at].kind == Kind::Copy).collect();
        &several
    };
    let root = *path.first()?;
    let first = &*hops[root];
    let along = || path.iter().map(|&at| &*hops[at]);
    let sender_at = path.iter().copied().find(|&at| hops[at].sender_known).unwrap_or(root);
    let Names { id, notice_of, message_id } = match detail {
        Detail::Whole => names(hops, links, path, root),
        Detail::Counts => Names::default(),
    };
    let class = hops[sender_at].class.max(first.class);
    let size = along().find_map(|hop| hop.size);
    let last_seen = along().map(|hop| hop.ts_out).max().unwrap_or(first.ts_out);
    let closed = along().all(|hop| hop.closed);
    let steps = path.iter().map(|&at| step(hops, links, path, at)).collect();
    let deliveries = Leaves { hops, links, root, originals: FxHashMap::default(), out: Vec::new() }.collect(path);
    let sender = take(&mut hops[sender_at].sender);
    let subject = take_first(hops, path, |hop| &mut hop.subject);
    let verdict = verdict(hops, path);
    let content = path.iter().find_map(|&at| hops[at].content.take());
    let first = &mut hops[root];
    let mut journey = Journey {
        id,
        class,
        arrival: first.arrival,
        sender,
        message_id,
        subject,
        size,
        first_arrival: first.ts_in,
        last_seen,
        closed,
        client_name: take(&mut first.client.name),
        client_ip: take(&mut first.client.ip),
        helo: take(&mut first.helo),
        user: take(&mut first.user),
        notice_of,
        verdict,
        content,
        steps,
        deliveries,
    };
    add_copies(&mut journey, hops, &copies);
    Some(journey)
}

/// Whoever saw the message pass saw all of it, and knows better than who found a copy; of several copies the one that says most counts.
fn add_copies(journey: &mut Journey, hops: &mut [Box<Hop>], copies: &[usize]) {
    let said = |at: &usize| hops[*at].content.as_ref().map(|content| (order(content), &hops[*at].subject));
    let Some(best) =
        copies.iter().copied().filter(|at| hops[*at].content.is_some()).min_by(|a, b| said(a).cmp(&said(b)))
    else {
        return;
    };
    if journey.subject.is_empty() {
        journey.subject = take(&mut hops[best].subject);
    }
    journey.content = journey.content.take().or_else(|| hops[best].content.take());
}

/// What a journey is shown and found by.
#[derive(Default)]
struct Names {
    id: Text,
    notice_of: Text,
    message_id: Text,
}

fn names(hops: &[Box<Hop>], links: &Links, path: &[usize], root: usize) -> Names {
    let mut message_ids = path.iter().map(|&at| without_brackets(&hops[at].message_id));
    Names {
        id: id(&hops[root]),
        notice_of: links.notice_of[root].map(|about| id(&hops[links.root[about]])).unwrap_or_default(),
        message_id: message_ids.find(|id| !id.is_empty()).unwrap_or_default().into(),
    }
}

/// The id is the first hop's key, hashed.
fn id(hop: &Hop) -> Text {
    let queue_id = hop.queue_id.as_ref().map_or(&b""[..], |id| id.as_bytes());
    let message_id = if hop.queue_id.is_none() { &*hop.message_id } else { "" };
    let parts = [
        hop.server.as_bytes(),
        b"\0",
        hop.instance.as_bytes(),
        b"\0",
        queue_id,
        b"\0",
        message_id.as_bytes(),
        &hop.ts_in.to_le_bytes(),
    ];
    let hash = of_joined(&parts, xxh3_64);
    let digits: [u8; 16] = std::array::from_fn(|place| b"0123456789abcdef"[(hash >> (60 - 4 * place)) as usize & 15]);
    std::str::from_utf8(&digits).unwrap_or_default().into()
}

/// The first of these texts that says something.
fn take_first(hops: &mut [Box<Hop>], path: &[usize], text: impl Fn(&mut Hop) -> &mut Text) -> Text {
    let told = path.iter().copied().find(|&at| !text(&mut hops[at]).is_empty());
    told.map(|at| take(text(&mut hops[at]))).unwrap_or_default()
}

/// What filters said anywhere on the path.
fn verdict(hops: &mut [Box<Hop>], path: &[usize]) -> Text {
    let mut told = path.iter().copied().filter(|&at| !hops[at].verdict.is_empty());
    let (first, second) = (told.next(), told.next());
    match (first, second) {
        (None, _) => Text::default(),
        (Some(only), None) => take(&mut hops[only].verdict),
        _ => {
            let mut all = Verdicts::default();
            path.iter()
                .for_each(|&at| Verdicts::read(&hops[at].verdict).each_text().for_each(|verdict| all.add(verdict)));
            all.text()
        }
    }
}

/// A Message-ID as people and filters write it. Hops keep what the log says; an unbalanced bracket stays.
fn without_brackets(id: &str) -> &str {
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

/// By time, but never a hop before the one that handed it over, whatever the clocks say.
fn in_order(hops: &[Box<Hop>], links: &Links, members: &[Member]) -> Vec<usize> {
    let key = |at: usize| {
        let (mut ts, mut depth, mut up) = (hops[at].ts_in, 0usize, at);
        while let Some((parent, _)) = links.parent[up] {
            ts = ts.max(hops[parent].ts_in);
            depth += 1;
            up = parent;
        }
        (ts, depth, at)
    };
    let mut path: Vec<(Micros, usize, usize)> = members.iter().map(|member| key(member.at)).collect();
    path.sort_unstable();
    path.into_iter().map(|(.., at)| at).collect()
}

fn step(hops: &[Box<Hop>], links: &Links, path: &[usize], at: usize) -> Step {
    let hop = &hops[at];
    let parent = links.parent[at];
    Step {
        server: hop.server.clone(),
        instance: hop.instance.clone(),
        queue_id: hop.queue_id,
        store: hop.kind == Kind::Store,
        ts_in: hop.ts_in,
        ts_out: hop.ts_out,
        previous: parent
            .and_then(|(parent, _)| path.iter().position(|&at| at == parent))
            .and_then(|at| u32::try_from(at).ok()),
        evidence: parent.map(|(_, evidence)| evidence),
        size: hop.size,
        counts: counts(hops, links, at),
    }
}

/// The events of the server table. A content filter on the same server is no server: neither its way out nor in counts.
fn counts(hops: &[Box<Hop>], links: &Links, at: usize) -> ServerCounts {
    let hop = &hops[at];
    let mut counts = ServerCounts::default();
    let from_here = links.parent[at].is_some_and(|(parent, _)| hops[parent].server == hop.server);
    if hop.class == vigie_model::MailClass::Probe {
        return counts;
    }
    if !from_here {
        match hop.arrival {
            Arrival::Server => counts.received_from_servers = 1,
            Arrival::User | Arrival::Local => counts.received_from_local = 1,
            Arrival::Unknown => {}
        }
    }
    for (place, recipient) in hop.recipients.iter().enumerate().filter(|(_, r)| r.outcome == Outcome::Delivered) {
        let next = links.child(at, place).map(|next| &hops[next]);
        match next {
            Some(next) if next.server == hop.server && next.kind == Kind::Transfer => {}
            // The store's own hop counts where the store is another server; on the same one the delivery counts here.
            Some(next) if next.kind == Kind::Store && next.server == hop.server => {
                counts.local_routing += u64::from(kept(next, recipient));
            }
            Some(_) => counts.sent_to_servers += 1,
            None if hop.kind == Kind::Store => counts.local_routing += u64::from(!from_here),
            None if is_local(recipient) => counts.local_routing += 1,
            None => counts.sent_to_servers += 1,
        }
    }
    counts
}

fn kept(store: &Hop, recipient: &Recipient) -> bool {
    matching_user(store, recipient).is_none_or(|user| store.recipients[user].outcome == Outcome::Delivered)
}

/// Delivered on the server itself: by a local agent, or into a store by LMTP.
fn is_local(recipient: &Recipient) -> bool {
    matches!(&*recipient.transport, "local" | "virtual" | "lmtp" | "pipe" | "store")
}

/// The store's user for a recipient: the address, the address without its detail, or the local part; the only user there is.
fn matching_user(store: &Hop, recipient: &Recipient) -> Option<usize> {
    let plain = without_detail(&recipient.recipient);
    let local = plain.split('@').next().unwrap_or_default();
    let users = &store.recipients;
    let by = |name: &str| users.iter().position(|user| same_address(&user.recipient, name));
    by(&recipient.recipient).or_else(|| by(&plain)).or_else(|| by(local)).or((users.len() == 1).then_some(0))
}

/// `user+detail@domain` -> `user@domain`.
fn without_detail(address: &str) -> String {
    match (address.find('+'), address.rfind('@')) {
        (Some(plus), Some(at)) if 0 < plus && plus < at => format!("{}{}", &address[..plus], &address[at..]),
        _ => address.to_owned(),
    }
}

/// Gathers the last word on each recipient. Whoever hands over comes before the one that takes, so that recipients are taken
/// out of their hop only after all that looks at them.
struct Leaves<'a> {
    hops: &'a mut [Box<Hop>],
    links: &'a Links,
    root: usize,
    /// What the sender wrote, by hop and address there, without case.
    originals: FxHashMap<(usize, Text), Text>,
    out: Vec<Delivery>,
}

impl Leaves<'_> {
    fn collect(mut self, path: &[usize]) -> Vec<Delivery> {
        for &at in path {
            let hop = &self.hops[at];
            // A store's users are told with the hop that handed over to it.
            if hop.kind == Kind::Store && self.links.parent[at].is_some() {
                continue;
            }
            let mut recipients = take(&mut self.hops[at].recipients);
            self.out.reserve_exact(recipients.len());
            for (place, recipient) in recipients.iter_mut().enumerate() {
                self.recipient(at, place, recipient);
            }
        }
        self.out.sort_by(|a, b| {
            (&a.recipient, &a.orig_recipient, a.ts, a.outcome, &a.server, a.queue_id).cmp(&(
                &b.recipient,
                &b.orig_recipient,
                b.ts,
                b.outcome,
                &b.server,
                b.queue_id,
            ))
        });
        self.out
    }

    fn recipient(&mut self, at: usize, place: usize, recipient: &mut Recipient) {
        self.inherit_original(at, recipient);
        let next = self.links.child(at, place);
        if let Some(next) = next.filter(|_| !recipient.orig_recipient.is_empty()) {
            let there = (next, recipient.recipient.to_ascii_lowercase());
            self.originals.entry(there).or_insert_with(|| recipient.orig_recipient.clone());
        }
        let Some(next) = next else {
            // Requeued, and the new hop is known: it goes on there. Not known: it is still in the queue.
            let outcome = match recipient.outcome {
                Outcome::Transferred if self.links.parent.iter().any(|p| p.is_some_and(|(parent, _)| parent == at)) => {
                    return;
                }
                Outcome::Transferred => Outcome::Deferred,
                outcome => outcome,
            };
            let leaf = self.leaf(at, recipient, outcome);
            return self.out.push(leaf);
        };
        match self.hops[next].kind {
            Kind::Store => self.stored(next, recipient),
            Kind::Transfer | Kind::Copy => self.waiting_at(next, recipient),
        }
    }

    /// An alias may be expanded hops before the last one: the address that the sender wrote goes along the path.
    fn inherit_original(&self, at: usize, recipient: &mut Recipient) {
        if self.originals.is_empty() {
            return;
        }
        let known_as =
            if recipient.orig_recipient.is_empty() { &recipient.recipient } else { &recipient.orig_recipient };
        if let Some(original) = self.originals.get(&(at, known_as.to_ascii_lowercase())) {
            recipient.orig_recipient = original.clone();
        }
    }

    fn stored(&mut self, store: usize, recipient: &mut Recipient) {
        let user = matching_user(&self.hops[store], recipient);
        let mut leaf = self.leaf(store, recipient, Outcome::Delivered);
        if let Some(user) = user.map(|user| &self.hops[store].recipients[user]) {
            leaf.outcome = user.outcome;
            leaf.reply = user.reply.clone();
        }
        self.out.push(leaf);
    }

    /// Handed over to a hop that has not said anything of this recipient yet.
    fn waiting_at(&mut self, next: usize, recipient: &mut Recipient) {
        let hop = &self.hops[next];
        let told = hop.recipients.len();
        let missing = !hop.closed
            && (told == 0
                || (hop.recipient_count.is_some_and(|count| told < count as usize)
                    && !self.links.names(hop, next, &recipient.recipient)));
        let outcome = match (missing, hop.closed && told == 0) {
            (true, _) if hop.held => Outcome::Held,
            (true, _) => Outcome::Deferred,
            // It ended there without a word on anybody: all that is known is that it was accepted.
            (_, true) => Outcome::Delivered,
            _ => return,
        };
        recipient.ts = hop.ts_out;
        let leaf = self.leaf(next, recipient, outcome);
        self.out.push(leaf);
    }

    /// Takes the recipient's texts.
    fn leaf(&self, at: usize, recipient: &mut Recipient, outcome: Outcome) -> Delivery {
        let (hop, first) = (&self.hops[at], &self.hops[self.root]);
        let inside = matches!(first.arrival, Arrival::User | Arrival::Local);
        let ends_here = outcome == Outcome::Delivered && is_local(recipient);
        Delivery {
            outcome,
            server: hop.server.clone(),
            queue_id: hop.queue_id,
            ts: recipient.ts,
            delivery_ms: outcome.is_final().then(|| delivery_ms(first, hop, recipient)).flatten(),
            attempts: recipient.attempts,
            tls: recipient.tls,
            direction: match (inside, ends_here, outcome == Outcome::Delivered) {
                (true, true, _) => Direction::Internal,
                (true, false, _) => Direction::Out,
                (false, false, true) => Direction::Relay,
                (false, ..) => Direction::In,
            },
            recipient: take(&mut recipient.recipient),
            orig_recipient: take(&mut recipient.orig_recipient),
            dsn: take(&mut recipient.dsn),
            reply: take(&mut recipient.reply),
            relay: relay_text(take(&mut recipient.relay)),
        }
    }
}

/// How long it took. Where an organisation names its messages, a server may know that it had one before the first hop that was read;
/// and where nobody said when, nobody knows. Nor does anybody of a message whose end alone was logged.
fn delivery_ms(first: &Hop, hop: &Hop, recipient: &Recipient) -> Option<u64> {
    let since_first = u64::try_from((recipient.ts - first.ts_in) / 1000).unwrap_or(0);
    let is_end_alone = first.arrival == Arrival::Unknown && first.ts_in == recipient.ts;
    match (hop.network_id.is_empty(), recipient.attempts) {
        (true, _) if is_end_alone => recipient.delays.total_ms,
        (true, _) => Some(since_first),
        (false, 0) => None,
        (false, _) => Some(since_first.max(recipient.delays.total_ms.unwrap_or(0))),
    }
}

/// `name[ip]:port`, as Postfix writes it.
fn relay_text(relay: Relay) -> Text {
    match (relay.ip.is_empty(), relay.port) {
        (true, _) => relay.name,
        (false, 0) => [&*relay.name, "[", &*relay.ip, "]"].concat().into(),
        (false, port) => [&*relay.name, "[", &*relay.ip, "]:", &port.to_string()].concat().into(),
    }
}
