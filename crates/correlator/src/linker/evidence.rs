//! Which hop continues which: each kind of evidence in turn, best first.

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};
use vigie_model::{Arrival, Hop, Kind, LinkEvidence, Micros, Outcome, QueueId, Recipient, Text};

use super::{SKEW_MICROS, TRANSACTION_MICROS_MAX};

/// A redirect or a hand-over to a program is logged on both sides within this time.
const NEAR_MICROS: Micros = SKEW_MICROS;

/// The arrows between hops. Positions refer to the slice that was given to [`Links::find`].
pub struct Links {
    /// The hop before, and how that is known.
    pub parent: Vec<Option<(usize, LinkEvidence)>>,
    /// For each recipient of each hop, one hop after the other: the hop that took it over.
    children: Vec<Option<u32>>,
    /// Where each hop's recipients begin in `children`.
    first_child: Vec<u32>,
    /// The hop that this notice is about.
    pub notice_of: Vec<Option<usize>>,
    /// Of what somebody found in a copy: the hop that it is told of.
    copy_of: Vec<Option<usize>>,
    pub root: Vec<usize>,
    /// Hops that could be linked, whether they are or not: what a later hop changes stays among them.
    related: Related,
    crowds: Crowds,
}

/// A hop's place among the journeys. They sort by group, then by journey.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// What must be given out together: a journey, the journeys of its notices, which need its id, and those whose links may
    /// still depend on its own.
    head: usize,
    /// First hop of the journey.
    root: usize,
    pub at: usize,
}

impl Member {
    pub fn same_group(&self, other: &Self) -> bool {
        self.head == other.head
    }

    pub fn same_journey(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

/// Positions by key, as chains through one vector: no list of its own for each key.
struct Chains<K> {
    first: FxHashMap<K, u32>,
    next: Vec<u32>,
}

const END: u32 = u32::MAX;

impl<K: std::hash::Hash + Eq> Chains<K> {
    fn new(keys: impl DoubleEndedIterator<Item = Option<K>> + ExactSizeIterator) -> Self {
        let mut chains = Self { first: FxHashMap::default(), next: vec![END; keys.len()] };
        chains.first.reserve(keys.len());
        // From the end, so that each chain is in ascending order.
        for (at, key) in keys.enumerate().rev() {
            if let Some(key) = key {
                let known = chains.first.insert(key, at as u32);
                chains.next[at] = known.unwrap_or(END);
            }
        }
        chains
    }

    fn with<Q: std::hash::Hash + Eq + ?Sized>(&self, key: &Q) -> impl Iterator<Item = usize> + use<'_, K, Q>
    where
        K: std::borrow::Borrow<Q>,
    {
        let first = self.first.get(key).copied().unwrap_or(END);
        std::iter::successors((first != END).then_some(first), |&at| {
            let next = self.next[at as usize];
            (next != END).then_some(next)
        })
        .map(|at| at as usize)
    }
}

/// The addresses of hops that have many, without case: a list is compared with each recipient of the hop before.
struct Crowds(FxHashMap<usize, FxHashSet<Text>>);

/// So many recipients are looked through one by one.
const LISTED_RECIPIENTS_MAX: usize = 32;

impl Crowds {
    fn new(hops: &[Box<Hop>]) -> Self {
        let crowded = hops.iter().enumerate().filter(|(_, hop)| hop.recipients.len() > LISTED_RECIPIENTS_MAX);
        let addresses = |hop: &Hop| {
            let both = hop.recipients.iter().flat_map(|r| [&r.recipient, &r.orig_recipient]);
            both.map(|address| address.to_ascii_lowercase()).collect()
        };
        Self(crowded.map(|(at, hop)| (at, addresses(hop))).collect())
    }
}

struct Index<'a> {
    hops: &'a [Box<Hop>],
    by_id: Chains<QueueId>,
    by_message: Chains<&'a str>,
    by_network: Chains<&'a str>,
}

impl Links {
    /// `hops` must be sorted by key, so that ties are broken the same way every time.
    pub fn find(hops: &[Box<Hop>]) -> Self {
        let mut recipients = 0;
        let first_child = hops.iter().map(|hop| {
            recipients += hop.recipients.len() as u32;
            recipients - hop.recipients.len() as u32
        });
        let first_child: Vec<u32> = first_child.collect();
        let mut links = Self {
            parent: vec![None; hops.len()],
            children: vec![None; recipients as usize],
            first_child,
            notice_of: vec![None; hops.len()],
            copy_of: vec![None; hops.len()],
            root: Vec::new(),
            related: Related((0..hops.len() as u32).collect()),
            crowds: Crowds::new(hops),
        };
        let index = Index::new(hops);
        links.by_previous_id(&index, true);
        links.by_filter_log(&index);
        links.by_reply(&index);
        links.by_previous_id(&index, false);
        links.by_redirect(&index);
        links.by_network_id(&index);
        links.by_message_id(&index);
        links.refused_by_store(&index);
        links.take_over_recipients(&index);
        links.notices(&index);
        links.copies(&index);
        links.roots();
        links
    }

    /// The hop that took over the recipient at `place` of hop `at`.
    pub fn child(&self, at: usize, place: usize) -> Option<usize> {
        self.children[self.first_child[at] as usize + place].map(|child| child as usize)
    }

    /// Does the hop have this address among its recipients, as it is now or was before expansion?
    pub fn names(&self, hop: &Hop, at: usize, address: &str) -> bool {
        match self.crowds.0.get(&at) {
            Some(addresses) => addresses.contains(address.to_ascii_lowercase().as_str()),
            None => {
                let named =
                    |r: &Recipient| same_address(&r.recipient, address) || same_address(&r.orig_recipient, address);
                hop.recipients.iter().any(named)
            }
        }
    }

    /// The same sender, and a recipient in common.
    fn same_envelope(&self, one: &Hop, other: &Hop, other_at: usize) -> bool {
        one.sender == other.sender && one.recipients.iter().any(|r| self.names(other, other_at, &r.recipient))
    }

    /// Could this recipient of `before` have become the hop `after`, by time, address and way?
    fn handed_over(&self, before: &Hop, recipient: &Recipient, after: &Hop, after_at: usize) -> bool {
        let timely = after.ts_in <= recipient.ts + NEAR_MICROS && after.ts_in >= recipient.ts - NEAR_MICROS;
        if before.kind == Kind::Store || recipient.outcome != Outcome::Delivered || !timely {
            return false;
        }
        match after.kind {
            Kind::Store => into_store(recipient, after),
            Kind::Copy => false,
            Kind::Transfer => {
                let is_way = if after.server == before.server {
                    came_back(before, recipient, after)
                } else {
                    matches!(&*recipient.transport, "smtp" | "relay" | "lmtp")
                };
                is_way && self.names(after, after_at, &recipient.recipient)
            }
        }
    }

    fn set_child(&mut self, at: usize, place: usize, child: usize) {
        self.children[self.first_child[at] as usize + place] = Some(child as u32);
    }

    fn set_parent(&mut self, child: usize, parent: usize, evidence: LinkEvidence) -> bool {
        if self.parent[child].is_some() || child == parent || self.is_ancestor(child, parent) {
            return false;
        }
        self.parent[child] = Some((parent, evidence));
        true
    }

    /// May `hop` continue `parent`? What is taken does not stand in the way of the next best: it may have been given out already.
    fn is_free(&self, hop: usize, parent: usize) -> bool {
        self.parent[hop].is_none_or(|(known, _)| known == parent)
    }

    /// Does `ancestor` stand above `hop`? Arrows must not make a ring.
    fn is_ancestor(&self, ancestor: usize, hop: usize) -> bool {
        let mut at = hop;
        while let Some((parent, _)) = self.parent[at] {
            if parent == ancestor {
                return true;
            }
            at = parent;
        }
        false
    }

    /// XFORWARD's `orig_queue_id` and the requeue's `orig_id`: the server itself names the hop before.
    ///
    /// A filter that keeps its connection may forget to name the next message's id: then the id named is of another message,
    /// and only a filter that changes message ids makes such a link true. Those wait until the replies were heard.
    fn by_previous_id(&mut self, index: &Index<'_>, sure: bool) {
        for (at, hop) in index.hops.iter().enumerate() {
            let Some(previous) = hop.previous_queue_id else { continue };
            let mut best = None;
            for other in index.with_id(previous) {
                let before = &index.hops[other];
                let possible = other != at
                    && before.kind == Kind::Transfer
                    && before.ts_in <= hop.ts_in + SKEW_MICROS
                    && before.ts_out >= hop.ts_in - SKEW_MICROS
                    && (before.server == hop.server || same_message(before, hop))
                    && (compatible(before, hop) || (!sure && self.same_envelope(before, hop, at)));
                if possible {
                    self.related.unite(at, other);
                    best =
                        best.max(Some((before.server == hop.server, same_message(before, hop), before.ts_in, other)));
                }
            }
            if let Some((.., before)) = best {
                self.set_parent(at, before, LinkEvidence::PreviousId);
            }
        }
    }

    fn by_filter_log(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            for &id in &hop.requeued_as {
                let mut best: Option<(Micros, usize)> = None;
                for other in index.with_id(id) {
                    let after = &index.hops[other];
                    if other == at || after.server != hop.server || !near(hop, hop.ts_out, after.ts_in) {
                        continue;
                    }
                    self.related.unite(at, other);
                    let score = ((after.ts_in - hop.ts_in).abs(), other);
                    if self.is_free(other, at) && best.is_none_or(|best| score < best) {
                        best = Some(score);
                    }
                }
                if let Some((_, next)) = best {
                    self.set_parent(next, at, LinkEvidence::FilterLog);
                }
            }
        }
    }

    /// `queued as X`, `forwarded as X`, a store's session: the reply names the next hop.
    fn by_reply(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            for (place, recipient) in hop.recipients.iter().enumerate() {
                let Some(next_id) = recipient.next_id else { continue };
                let forwarded = recipient.outcome == Outcome::Forwarded;
                let mut best = None;
                for other in index.with_id(next_id) {
                    let after = &index.hops[other];
                    let possible = other != at
                        && after.ts_in <= recipient.ts + SKEW_MICROS
                        && after.ts_in >= recipient.ts - TRANSACTION_MICROS_MAX
                        // Nothing is handed over before it came; and rounds of linking rely on it.
                        && after.ts_in >= hop.ts_in - SKEW_MICROS
                        && compatible(hop, after)
                        && (!forwarded || after.server == hop.server);
                    if !possible {
                        continue;
                    }
                    self.related.unite(at, other);
                    let score = (!same_message(hop, after), (after.ts_in - recipient.ts).abs(), other);
                    if self.is_free(other, at) && best.is_none_or(|best| score < best) {
                        best = Some(score);
                    }
                }
                let Some((.., next)) = best else { continue };
                let linked = self.set_parent(next, at, LinkEvidence::Reply);
                if (linked || self.parent[next].is_some_and(|(parent, _)| parent == at)) && !forwarded {
                    self.set_child(at, place, next);
                }
            }
        }
    }

    /// A store's redirect comes back as a new submission with the same message id, to the new address.
    fn by_redirect(&mut self, index: &Index<'_>) {
        for (at, store) in index.hops.iter().enumerate().filter(|(_, hop)| hop.kind == Kind::Store) {
            let addresses: Vec<&str> = store.recipients.iter().flat_map(|r| &r.forwarded_to).map(|a| &**a).collect();
            for address in addresses {
                let mut best: Option<(Micros, usize)> = None;
                for other in index.same_message(store) {
                    let after = &index.hops[other];
                    let apart = (after.ts_in - store.ts_out).abs();
                    if after.kind != Kind::Transfer || apart > NEAR_MICROS || !self.names(after, other, address) {
                        continue;
                    }
                    self.related.unite(at, other);
                    if self.parent[other].is_none() && best.is_none_or(|best| (apart, other) < best) {
                        best = Some((apart, other));
                    }
                }
                if let Some((_, next)) = best {
                    self.set_parent(next, at, LinkEvidence::Redirect);
                }
            }
        }
    }

    /// Exchange gives all copies of a message one name in its organisation. The hop before is the latest that handed a recipient to
    /// this one; where none says so, the first that had the message.
    fn by_network_id(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate().filter(|(_, hop)| !hop.network_id.is_empty()) {
            let mut best: Option<(bool, Micros, usize)> = None;
            for other in index.same_network_id(hop).filter(|&other| other < at) {
                let before = &index.hops[other];
                // What is older may have been given out: copies that a server sends again after hours are journeys of their own.
                if !near(before, before.ts_out, hop.ts_in) {
                    continue;
                }
                self.related.unite(at, other);
                // Its mailbox service may be a hop of its own on the same server.
                let gave = |r: &Recipient| {
                    r.outcome == Outcome::Delivered && !ends_here(r) && self.names(hop, at, &r.recipient)
                };
                let is_giver = before.recipients.iter().any(gave);
                let score = if is_giver { (true, before.ts_in, other) } else { (false, -before.ts_in, other) };
                best = best.max(Some(score));
            }
            if let Some((.., before)) = best {
                self.set_parent(at, before, LinkEvidence::NetworkId);
            }
        }
    }

    /// The last resort, and said so: the same message id and recipient at nearly the same time, where a reply names nothing
    /// that is known.
    fn by_message_id(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            if hop.message_id.len() <= 2 || hop.kind == Kind::Copy {
                continue;
            }
            // One that is linked may lose its link to a later hop, and then this is what it has left.
            let linked = self.parent[at].is_some();
            let mut best: Option<((Micros, usize), usize, usize)> = None;
            for other in index.same_message(hop).filter(|&other| other != at) {
                let before = &index.hops[other];
                // Where either may have given it to the other, by what both say, the one that had it first did.
                let gave = |recipient| self.handed_over(hop, recipient, before, other);
                if hop.ts_in < before.ts_in && hop.recipients.iter().any(gave) {
                    continue;
                }
                for (place, recipient) in before.recipients.iter().enumerate() {
                    if !self.handed_over(before, recipient, hop, at) {
                        continue;
                    }
                    self.related.unite(at, other);
                    if linked || self.child(other, place).is_some() {
                        continue;
                    }
                    let score = ((hop.ts_in - recipient.ts).abs(), other);
                    if best.is_none_or(|(known, ..)| score < known) {
                        best = Some((score, other, place));
                    }
                }
            }
            if let Some((_, before, place)) = best
                && self.set_parent(at, before, LinkEvidence::MessageId)
            {
                self.set_child(before, place, at);
            }
        }
    }

    /// A session in which the store refused a recipient (over quota): the reply names no session, so message id, user and time
    /// must do. The last word stays with the server that tried.
    fn refused_by_store(&mut self, index: &Index<'_>) {
        for (at, store) in index.hops.iter().enumerate() {
            if store.kind != Kind::Store {
                continue;
            }
            let mut best: Option<(Micros, usize)> = None;
            for other in index.same_message(store) {
                let before = &index.hops[other];
                let tried = before.kind == Kind::Transfer
                    && near(before, before.ts_out, store.ts_in)
                    && before.recipients.iter().any(|recipient| into_store(recipient, store));
                if tried {
                    self.related.unite(at, other);
                    best = best.into_iter().chain([((before.ts_out - store.ts_in).abs(), other)]).min();
                }
            }
            if let Some((_, before)) = best {
                self.set_parent(at, before, LinkEvidence::MessageId);
            }
        }
    }

    /// Where the link came from another evidence than the reply: the recipients that the next hop names are handed over too.
    fn take_over_recipients(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            let Some((parent, evidence)) = self.parent[at] else { continue };
            let before = &index.hops[parent];
            if before.kind == Kind::Store {
                continue;
            }
            for (place, recipient) in before.recipients.iter().enumerate() {
                if self.child(parent, place).is_none() && self.takes_over(hop, at, recipient, evidence) {
                    self.set_child(parent, place, at);
                }
            }
        }
    }

    /// Does the story of this recipient of the hop before go on here?
    fn takes_over(&self, hop: &Hop, at: usize, recipient: &Recipient, evidence: LinkEvidence) -> bool {
        let is_named = self.names(hop, at, &recipient.recipient);
        let by_network = evidence == LinkEvidence::NetworkId;
        let timely = hop.ts_in <= recipient.ts + SKEW_MICROS && hop.ts_in >= recipient.ts - TRANSACTION_MICROS_MAX;
        match recipient.outcome {
            // An id that names no hop may be one of a server that is known by another (Exchange's before Microsoft 365).
            Outcome::Delivered => {
                timely && (recipient.next_id.is_none() || by_network) && (is_named || hop.recipients.is_empty())
            }
            // Moved to another message of the server: told there, and what it was called before goes along.
            Outcome::Transferred => timely && is_named,
            // Nobody told of a try, and another server of the organisation has it.
            Outcome::Deferred => recipient.attempts == 0 && by_network && is_named,
            _ => false,
        }
    }

    fn notices(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            let Some(about) = hop.notice_of else { continue };
            let mut original = None;
            for other in index.with_id(about) {
                let before = &index.hops[other];
                let possible = other != at
                    && before.server == hop.server
                    && before.ts_in <= hop.ts_in
                    && before.ts_out >= hop.ts_in - SKEW_MICROS;
                if possible {
                    self.related.unite(at, other);
                    original = original.max(Some((before.ts_in, other)));
                }
            }
            self.notice_of[at] = original.map(|(_, other)| other);
        }
    }

    /// What was found in a copy belongs to the hop whose Received line it names; where the server has another name for itself, or none
    /// for the message there, to one with the same Message-ID. Either way the message came at that time.
    fn copies(&mut self, index: &Index<'_>) {
        for (at, copy) in index.hops.iter().enumerate().filter(|(_, hop)| hop.kind == Kind::Copy) {
            let mut best = None;
            let named = copy.queue_id.into_iter().flat_map(|id| index.with_id(id));
            for other in named.chain(index.same_message(copy)) {
                let hop = &index.hops[other];
                let is_here = same_server(&hop.server, &copy.server);
                let is_named = copy.queue_id.is_some() && hop.queue_id == copy.queue_id && is_here;
                let apart = (hop.ts_in - copy.ts_in).abs();
                let possible = hop.kind == Kind::Transfer
                    && apart <= SKEW_MICROS
                    && (is_named && compatible(hop, copy) || copy.message_id.len() > 2 && same_message(hop, copy));
                if possible {
                    self.related.unite(at, other);
                    best = best.max(Some((is_named, is_here, Reverse((apart, other)))));
                }
            }
            self.copy_of[at] = best.map(|(.., Reverse((_, other)))| other);
        }
    }

    fn roots(&mut self) {
        self.root = (0..self.parent.len())
            .map(|hop| {
                let mut at = self.copy_of[hop].unwrap_or(hop);
                while let Some((parent, _)) = self.parent[at] {
                    at = parent;
                }
                at
            })
            .collect();
    }

    /// All hops, in order of the first hop of their group.
    pub fn members(&mut self) -> Vec<Member> {
        let roots = self.root.iter().enumerate();
        let mut members: Vec<Member> =
            roots.map(|(at, &root)| Member { head: self.related.first(at), root, at }).collect();
        members.sort_unstable();
        members
    }
}

/// Hops that belong together, however indirectly: each points at an earlier one, the first at itself.
struct Related(Vec<u32>);

impl Related {
    fn first(&mut self, at: usize) -> usize {
        let mut at = at as u32;
        while self.0[at as usize] != at {
            let up = self.0[self.0[at as usize] as usize];
            self.0[at as usize] = up;
            at = up;
        }
        at as usize
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        self.0[one.max(other)] = one.min(other) as u32;
    }
}

impl<'a> Index<'a> {
    fn new(hops: &'a [Box<Hop>]) -> Self {
        Self {
            hops,
            by_id: Chains::new(hops.iter().map(|hop| hop.queue_id.filter(|_| is_hop(hop)))),
            by_message: Chains::new(
                hops.iter().map(|hop| (hop.message_id.len() > 2 && is_hop(hop)).then_some(&*hop.message_id)),
            ),
            by_network: Chains::new(network_ids(hops)),
        }
    }

    fn with_id(&self, id: QueueId) -> impl Iterator<Item = usize> + '_ {
        self.by_id.with(&id)
    }

    fn same_network_id(&self, hop: &Hop) -> impl Iterator<Item = usize> + '_ {
        self.by_network.with(&*hop.network_id)
    }

    fn same_message(&self, hop: &Hop) -> impl Iterator<Item = usize> + '_ {
        self.by_message.with(&*hop.message_id)
    }
}

/// What is told of copies names messages, and is none.
fn is_hop(hop: &Hop) -> bool {
    hop.kind != Kind::Copy
}

/// A log calls its machine by the whole name or up to the first dot, and so does a Received line.
fn same_server(one: &str, other: &str) -> bool {
    let first = |name: &'_ str| name.find('.').map_or(name.len(), |dot| dot);
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    one.eq_ignore_ascii_case(other)
        || !short.contains('.') && long.get(..first(long)).is_some_and(|name| name.eq_ignore_ascii_case(short))
}

/// Nothing at all where no server gives such names: then there is nothing to look up.
fn network_ids(hops: &[Box<Hop>]) -> impl DoubleEndedIterator<Item = Option<&str>> + ExactSizeIterator {
    let any = hops.iter().any(|hop| !hop.network_id.is_empty());
    hops[..if any { hops.len() } else { 0 }].iter().map(|hop| (!hop.network_id.is_empty()).then_some(&*hop.network_id))
}

fn near(before: &Hop, end: Micros, ts: Micros) -> bool {
    ts >= before.ts_in - SKEW_MICROS && ts <= end + SKEW_MICROS
}

fn same_message(one: &Hop, other: &Hop) -> bool {
    !one.message_id.is_empty() && one.message_id == other.message_id
}

/// Not known to be different messages. A message without id may get one from the next server.
fn compatible(one: &Hop, other: &Hop) -> bool {
    one.message_id.len() <= 2 || other.message_id.len() <= 2 || one.message_id == other.message_id
}

pub fn same_address(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Did a program on the server give back what it was given? Such a message comes from no client and no user, and a copy that somebody
/// submits with the same message id does not look like that.
fn came_back(before: &Hop, recipient: &Recipient, after: &Hop) -> bool {
    after.arrival == Arrival::Unknown
        && after.ts_in >= before.ts_in
        && before.sender == after.sender
        && matches!(&*recipient.transport, "pipe" | "local")
}

/// In a mailbox or a program of the server that says so.
fn ends_here(recipient: &Recipient) -> bool {
    matches!(&*recipient.transport, "store" | "local" | "virtual" | "pipe")
}

/// Was this recipient given to a store that has such a user? The user is the address, or its local part.
fn into_store(recipient: &Recipient, store: &Hop) -> bool {
    let local = recipient.recipient.split(['@', '+']).next().unwrap_or_default();
    let is_user =
        |user: &Recipient| same_address(&user.recipient, &recipient.recipient) || same_address(&user.recipient, local);
    matches!(&*recipient.transport, "pipe" | "local" | "virtual" | "lmtp") && store.recipients.iter().any(is_user)
}
