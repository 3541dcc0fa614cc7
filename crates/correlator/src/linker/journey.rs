//! From linked hops to the journey: the path, the last word on each recipient, and what each server counts.

use vigie_model::{
    Arrival, Delivery, Direction, Hop, Journey, Kind, Micros, Outcome, Recipient, ServerCounts, Step,
};
use xxhash_rust::xxh3::Xxh3;

use super::evidence::{Links, same_address};

/// Builds one journey; `members` are the positions of its hops.
pub fn build(hops: &[Box<Hop>], links: &Links, members: &[usize]) -> Journey {
    let path = in_order(hops, links, members);
    let Some(&root) = path.first() else { return Journey::default() };
    let first = &*hops[root];
    let along = || path.iter().map(|&at| &*hops[at]);
    let deliveries = Leaves { hops, links, first, out: Vec::new() }.collect(&path);
    let sender_of = along().find(|hop| hop.sender_known).unwrap_or(first);
    Journey {
        id: id(first),
        class: sender_of.class.max(first.class),
        arrival: first.arrival,
        sender: sender_of.sender.clone(),
        message_id: first_text(along().map(|hop| &hop.message_id)),
        subject: first_text(along().map(|hop| &hop.subject)),
        size: along().find_map(|hop| hop.size),
        first_arrival: first.ts_in,
        last_seen: along().map(|hop| hop.ts_out).max().unwrap_or(first.ts_out),
        closed: along().all(|hop| hop.closed),
        client_name: first.client.name.clone(),
        client_ip: first.client.ip.clone(),
        helo: first.helo.clone(),
        user: first.user.clone(),
        notice_of: links.notice_of[root].map(|about| id(&hops[links.root[about]])).unwrap_or_default(),
        verdict: first_text(along().map(|hop| &hop.verdict)),
        steps: path.iter().map(|&at| step(hops, links, &path, at)).collect(),
        deliveries,
    }
}

/// The id is the first hop's key, hashed.
fn id(hop: &Hop) -> Box<str> {
    let mut hash = Xxh3::new();
    for part in [&*hop.server, &*hop.instance, hop.queue_id.as_ref().map_or("", |id| id.as_str())] {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    if hop.queue_id.is_none() {
        hash.update(hop.message_id.as_bytes());
    }
    hash.update(&hop.ts_in.to_le_bytes());
    format!("{:016x}", hash.digest()).into()
}

fn first_text<'a>(mut texts: impl Iterator<Item = &'a Box<str>>) -> Box<str> {
    texts.find(|text| !text.is_empty()).cloned().unwrap_or_default()
}

/// By time, but never a hop before the one that handed it over, whatever the clocks say.
fn in_order(hops: &[Box<Hop>], links: &Links, members: &[usize]) -> Vec<usize> {
    if members.len() == 1 {
        return members.to_vec();
    }
    let key = |at: usize| {
        let (mut ts, mut depth, mut up) = (hops[at].ts_in, 0usize, at);
        while let Some((parent, _)) = links.parent[up] {
            ts = ts.max(hops[parent].ts_in);
            depth += 1;
            up = parent;
        }
        (ts, depth, at)
    };
    let mut path: Vec<(Micros, usize, usize)> = members.iter().map(|&at| key(at)).collect();
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
        previous: parent.and_then(|(parent, _)| path.iter().position(|&at| at == parent)).and_then(|at| u32::try_from(at).ok()),
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

/// Gathers the last word on each recipient.
struct Leaves<'a> {
    hops: &'a [Box<Hop>],
    links: &'a Links,
    first: &'a Hop,
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
            for (place, recipient) in hop.recipients.iter().enumerate() {
                self.recipient(at, place, recipient);
            }
        }
        self.out.sort_by(|a, b| {
            (&a.recipient, &a.orig_recipient, a.ts, a.outcome, &a.server, a.queue_id)
                .cmp(&(&b.recipient, &b.orig_recipient, b.ts, b.outcome, &b.server, b.queue_id))
        });
        self.out
    }

    fn recipient(&mut self, at: usize, place: usize, recipient: &Recipient) {
        let hop = &self.hops[at];
        let Some(next) = self.links.child(at, place).map(|next| &*self.hops[next]) else {
            // Requeued, and the new hop is known: it goes on there. Not known: it is still in the queue.
            let outcome = match recipient.outcome {
                Outcome::Transferred if self.links.parent.iter().any(|p| p.is_some_and(|(parent, _)| parent == at)) => return,
                Outcome::Transferred => Outcome::Deferred,
                outcome => outcome,
            };
            let leaf = self.leaf(hop, recipient, outcome);
            self.out.push(leaf);
            return;
        };
        match next.kind {
            Kind::Store => {
                let mut leaf = self.leaf(next, recipient, Outcome::Delivered);
                leaf.attempts = recipient.attempts;
                if let Some(user) = matching_user(next, recipient) {
                    let user = &next.recipients[user];
                    leaf.outcome = user.outcome;
                    leaf.reply = user.reply.clone();
                }
                self.out.push(leaf);
            }
            Kind::Transfer => self.waiting_at(next, recipient),
        }
    }

    /// Handed over to a hop that has not said anything of this recipient yet.
    fn waiting_at(&mut self, next: &Hop, recipient: &Recipient) {
        let told = next.recipients.len();
        let missing = !next.closed
            && (told == 0
                || (next.recipient_count.is_some_and(|count| told < count as usize)
                    && !next.recipients.iter().any(|r| {
                        same_address(&r.recipient, &recipient.recipient) || same_address(&r.orig_recipient, &recipient.recipient)
                    })));
        let outcome = match (missing, next.closed && told == 0) {
            (true, _) if next.held => Outcome::Held,
            (true, _) => Outcome::Deferred,
            // It ended there without a word on anybody: all that is known is that it was accepted.
            (_, true) => Outcome::Delivered,
            _ => return,
        };
        let leaf = self.leaf(next, &Recipient { ts: next.ts_out, ..recipient.clone() }, outcome);
        self.out.push(leaf);
    }

    fn leaf(&self, hop: &Hop, recipient: &Recipient, outcome: Outcome) -> Delivery {
        let relay = &recipient.relay;
        let inside = matches!(self.first.arrival, Arrival::User | Arrival::Local);
        let ends_here = outcome == Outcome::Delivered && is_local(recipient);
        Delivery {
            recipient: recipient.recipient.clone(),
            orig_recipient: recipient.orig_recipient.clone(),
            outcome,
            dsn: recipient.dsn.clone(),
            reply: recipient.reply.clone(),
            relay: match (relay.ip.is_empty(), relay.port) {
                (true, _) => relay.name.clone(),
                (false, 0) => format!("{}[{}]", relay.name, relay.ip).into(),
                (false, port) => format!("{}[{}]:{port}", relay.name, relay.ip).into(),
            },
            server: hop.server.clone(),
            queue_id: hop.queue_id,
            ts: recipient.ts,
            delivery_ms: outcome.is_final().then(|| u64::try_from((recipient.ts - self.first.ts_in) / 1000).unwrap_or(0)),
            attempts: recipient.attempts,
            tls: recipient.tls,
            direction: match (inside, ends_here, outcome == Outcome::Delivered) {
                (true, true, _) => Direction::Internal,
                (true, false, _) => Direction::Out,
                (false, false, true) => Direction::Relay,
                (false, ..) => Direction::In,
            },
        }
    }
}
