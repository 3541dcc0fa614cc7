//! Which hop continues which: each kind of evidence in turn, best first.

use rustc_hash::FxHashMap;
use vigie_model::{Hop, Kind, LinkEvidence, Micros, Outcome, QueueId};

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
    pub root: Vec<usize>,
}

/// A hop's place among the journeys. They sort by group, then by journey.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// What must be given out together: a journey, and the journeys of its notices, which need its id.
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

struct Index<'a> {
    hops: &'a [Box<Hop>],
    by_id: Chains<QueueId>,
    by_message: Chains<&'a str>,
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
            root: Vec::new(),
        };
        let index = Index::new(hops);
        links.by_previous_id(&index, true);
        links.by_filter_log(&index);
        links.by_reply(&index);
        links.by_previous_id(&index, false);
        links.by_redirect(&index);
        links.by_message_id(&index);
        links.refused_by_store(&index);
        links.take_over_recipients(&index);
        links.notices(&index);
        links.roots();
        links
    }

    /// The hop that took over the recipient at `place` of hop `at`.
    pub fn child(&self, at: usize, place: usize) -> Option<usize> {
        self.children[self.first_child[at] as usize + place].map(|child| child as usize)
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
            let best = index.with_id(previous).filter(|&other| {
                let before = &index.hops[other];
                other != at
                    && before.kind == Kind::Transfer
                    && before.ts_in <= hop.ts_in + SKEW_MICROS
                    && before.ts_out >= hop.ts_in - SKEW_MICROS
                    && (before.server == hop.server || same_message(before, hop))
                    && (compatible(before, hop) || (!sure && same_envelope(before, hop)))
            });
            let best = best.max_by_key(|&other| {
                let before = &index.hops[other];
                (before.server == hop.server, same_message(before, hop), before.ts_in)
            });
            if let Some(before) = best {
                self.set_parent(at, before, LinkEvidence::PreviousId);
            }
        }
    }

    fn by_filter_log(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            for &id in &hop.requeued_as {
                let next = index.with_id(id).filter(|&other| {
                    let after = &index.hops[other];
                    other != at && after.server == hop.server && near(hop, hop.ts_out, after.ts_in)
                });
                if let Some(next) = next.min_by_key(|&other| (index.hops[other].ts_in - hop.ts_in).abs()) {
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
                let candidates = index.with_id(next_id).filter(|&other| {
                    let after = &index.hops[other];
                    other != at
                        && after.ts_in <= recipient.ts + SKEW_MICROS
                        && after.ts_in >= recipient.ts - TRANSACTION_MICROS_MAX
                        // Nothing is handed over before it came; and rounds of linking rely on it.
                        && after.ts_in >= hop.ts_in - SKEW_MICROS
                        && compatible(hop, after)
                        && (!forwarded || after.server == hop.server)
                });
                let best = candidates.min_by_key(|&other| {
                    let after = &index.hops[other];
                    (!same_message(hop, after), (after.ts_in - recipient.ts).abs(), other)
                });
                let Some(next) = best else { continue };
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
                let next = index.same_message(store).filter(|&other| {
                    let after = &index.hops[other];
                    after.kind == Kind::Transfer
                        && self.parent[other].is_none()
                        && (after.ts_in - store.ts_out).abs() <= NEAR_MICROS
                        && names(after, address)
                });
                if let Some(next) = next.min_by_key(|&other| ((index.hops[other].ts_in - store.ts_out).abs(), other)) {
                    self.set_parent(next, at, LinkEvidence::Redirect);
                }
            }
        }
    }

    /// The last resort, and said so: the same message id and recipient at nearly the same time, where a reply names nothing
    /// that is known.
    fn by_message_id(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            if self.parent[at].is_some() || hop.message_id.is_empty() || hop.message_id.len() <= 2 {
                continue;
            }
            let mut best: Option<((Micros, usize), usize, usize)> = None;
            for other in index.same_message(hop).filter(|&other| other != at) {
                let before = &index.hops[other];
                for (place, recipient) in before.recipients.iter().enumerate() {
                    if self.child(other, place).is_some() || !handed_over(before, recipient, hop) {
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
            if store.kind != Kind::Store || self.parent[at].is_some() {
                continue;
            }
            let tried = index.same_message(store).filter(|&other| {
                let before = &index.hops[other];
                before.kind == Kind::Transfer
                    && near(before, before.ts_out, store.ts_in)
                    && before.recipients.iter().any(|recipient| into_store(recipient, store))
            });
            if let Some(before) = tried.min_by_key(|&other| ((index.hops[other].ts_out - store.ts_in).abs(), other)) {
                self.set_parent(at, before, LinkEvidence::MessageId);
            }
        }
    }

    /// Where the link came from another evidence than the reply: the recipients that the next hop names are handed over too.
    fn take_over_recipients(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            let Some((parent, _)) = self.parent[at] else { continue };
            let before = &index.hops[parent];
            if before.kind == Kind::Store {
                continue;
            }
            for (place, recipient) in before.recipients.iter().enumerate() {
                let open = self.child(parent, place).is_none() && recipient.outcome == Outcome::Delivered;
                let timely =
                    hop.ts_in <= recipient.ts + SKEW_MICROS && hop.ts_in >= recipient.ts - TRANSACTION_MICROS_MAX;
                if open
                    && timely
                    && recipient.next_id.is_none()
                    && (names(hop, &recipient.recipient) || hop.recipients.is_empty())
                {
                    self.set_child(parent, place, at);
                }
            }
        }
    }

    fn notices(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            let Some(about) = hop.notice_of else { continue };
            let original = index.with_id(about).filter(|&other| {
                let before = &index.hops[other];
                other != at
                    && before.server == hop.server
                    && before.ts_in <= hop.ts_in
                    && before.ts_out >= hop.ts_in - SKEW_MICROS
            });
            self.notice_of[at] = original.max_by_key(|&other| index.hops[other].ts_in);
        }
    }

    fn roots(&mut self) {
        self.root = (0..self.parent.len())
            .map(|hop| {
                let mut at = hop;
                while let Some((parent, _)) = self.parent[at] {
                    at = parent;
                }
                at
            })
            .collect();
    }

    /// All hops, in order of the first hop of their group.
    pub fn members(&self) -> Vec<Member> {
        // Which journey stands at the end of a chain of notices.
        let head = |root: usize| {
            let mut at = root;
            for _ in 0..NOTICE_CHAIN_MAX {
                let Some(about) = self.notice_of[at] else { break };
                at = self.root[about];
            }
            at
        };
        let roots = self.root.iter().enumerate();
        let mut members: Vec<Member> = roots.map(|(at, &root)| Member { head: head(root), root, at }).collect();
        members.sort_unstable();
        members
    }
}

/// A notice about a notice about …: mail servers do not answer notices, so more is an attack.
const NOTICE_CHAIN_MAX: usize = 16;

impl<'a> Index<'a> {
    fn new(hops: &'a [Box<Hop>]) -> Self {
        Self {
            hops,
            by_id: Chains::new(hops.iter().map(|hop| hop.queue_id)),
            by_message: Chains::new(hops.iter().map(|hop| (hop.message_id.len() > 2).then_some(&*hop.message_id))),
        }
    }

    fn with_id(&self, id: QueueId) -> impl Iterator<Item = usize> + '_ {
        self.by_id.with(&id)
    }

    fn same_message(&self, hop: &Hop) -> impl Iterator<Item = usize> + '_ {
        self.by_message.with(&*hop.message_id)
    }
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

/// The same sender, and a recipient in common.
fn same_envelope(one: &Hop, other: &Hop) -> bool {
    one.sender == other.sender && one.recipients.iter().any(|r| names(other, &r.recipient))
}

/// Does the hop have this address among its recipients, as it is now or was before expansion?
fn names(hop: &Hop, address: &str) -> bool {
    hop.recipients.iter().any(|r| same_address(&r.recipient, address) || same_address(&r.orig_recipient, address))
}

pub fn same_address(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Could this recipient of `before` have become the hop `after`, by time, address and way?
fn handed_over(before: &Hop, recipient: &vigie_model::Recipient, after: &Hop) -> bool {
    let timely = after.ts_in <= recipient.ts + NEAR_MICROS && after.ts_in >= recipient.ts - NEAR_MICROS;
    if before.kind == Kind::Store || recipient.outcome != Outcome::Delivered || !timely {
        return false;
    }
    match after.kind {
        Kind::Store => into_store(recipient, after),
        Kind::Transfer => {
            after.server != before.server
                && matches!(&*recipient.transport, "smtp" | "relay" | "lmtp")
                && names(after, &recipient.recipient)
        }
    }
}

/// Was this recipient given to a store that has such a user? The user is the address, or its local part.
fn into_store(recipient: &vigie_model::Recipient, store: &Hop) -> bool {
    let local = recipient.recipient.split(['@', '+']).next().unwrap_or_default();
    let is_user = |user: &vigie_model::Recipient| {
        same_address(&user.recipient, &recipient.recipient) || same_address(&user.recipient, local)
    };
    matches!(&*recipient.transport, "pipe" | "local" | "virtual" | "lmtp") && store.recipients.iter().any(is_user)
}
