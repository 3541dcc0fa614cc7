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
    /// For each recipient of each hop: the hop that took it over.
    pub child: Vec<Vec<Option<usize>>>,
    /// The hop that this notice is about.
    pub notice_of: Vec<Option<usize>>,
    pub root: Vec<usize>,
}

/// Hops that must be given out together, and the journeys among them (root first).
pub struct Group {
    pub members: Vec<usize>,
    pub journeys: Vec<Vec<usize>>,
}

struct Index<'a> {
    hops: &'a [Hop],
    by_id: FxHashMap<QueueId, Vec<usize>>,
    by_message: FxHashMap<&'a str, Vec<usize>>,
}

impl Links {
    /// `hops` must be sorted by key, so that ties are broken the same way every time.
    pub fn find(hops: &[Hop]) -> Self {
        let mut links = Self {
            parent: vec![None; hops.len()],
            child: hops.iter().map(|hop| vec![None; hop.recipients.len()]).collect(),
            notice_of: vec![None; hops.len()],
            root: Vec::new(),
        };
        let index = Index::new(hops);
        links.by_previous_id(&index);
        links.by_filter_log(&index);
        links.by_reply(&index);
        links.by_redirect(&index);
        links.by_message_id(&index);
        links.take_over_recipients(&index);
        links.notices(&index);
        links.roots();
        links
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
    fn by_previous_id(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            let Some(previous) = hop.previous_queue_id else { continue };
            let best = index.with_id(previous).filter(|&other| {
                let before = &index.hops[other];
                other != at
                    && before.kind == Kind::Transfer
                    && before.ts_in <= hop.ts_in + SKEW_MICROS
                    && before.ts_out >= hop.ts_in - SKEW_MICROS
                    && (before.server == hop.server || same_message(before, hop))
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
                    self.child[at][place] = Some(next);
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
                    if self.child[other][place].is_some() || !handed_over(before, recipient, hop) {
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
                self.child[before][place] = Some(at);
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
                let open = self.child[parent][place].is_none() && recipient.outcome == Outcome::Delivered;
                let timely = hop.ts_in <= recipient.ts + SKEW_MICROS && hop.ts_in >= recipient.ts - TRANSACTION_MICROS_MAX;
                if open && timely && recipient.next_id.is_none() && (names(hop, &recipient.recipient) || hop.recipients.is_empty()) {
                    self.child[parent][place] = Some(at);
                }
            }
        }
    }

    fn notices(&mut self, index: &Index<'_>) {
        for (at, hop) in index.hops.iter().enumerate() {
            let Some(about) = hop.notice_of else { continue };
            let original = index.with_id(about).filter(|&other| {
                let before = &index.hops[other];
                other != at && before.server == hop.server && before.ts_in <= hop.ts_in && before.ts_out >= hop.ts_in - SKEW_MICROS
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

    /// Journeys, and with each the journeys of its notices, which need its id.
    pub fn groups(&self, hops: &[Hop]) -> Vec<Group> {
        let mut journeys: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for at in 0..hops.len() {
            journeys.entry(self.root[at]).or_default().push(at);
        }
        // Which journey stands at the end of a chain of notices.
        let head = |root: usize| {
            let mut at = root;
            let mut steps = 0;
            while let Some(about) = self.notice_of[at] {
                at = self.root[about];
                steps += 1;
                if steps > hops.len() {
                    break;
                }
            }
            at
        };
        let mut groups: FxHashMap<usize, Group> = FxHashMap::default();
        let mut roots: Vec<usize> = journeys.keys().copied().collect();
        roots.sort_unstable();
        for root in roots {
            let members = journeys.remove(&root).unwrap_or_default();
            let group = groups.entry(head(root)).or_insert_with(|| Group { members: Vec::new(), journeys: Vec::new() });
            group.members.extend(&members);
            group.journeys.push(members);
        }
        let mut groups: Vec<(usize, Group)> = groups.into_iter().collect();
        groups.sort_unstable_by_key(|(head, _)| *head);
        groups.into_iter().map(|(_, group)| group).collect()
    }
}

impl<'a> Index<'a> {
    fn new(hops: &'a [Hop]) -> Self {
        let mut by_id: FxHashMap<QueueId, Vec<usize>> = FxHashMap::default();
        let mut by_message: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (at, hop) in hops.iter().enumerate() {
            if let Some(id) = hop.queue_id {
                by_id.entry(id).or_default().push(at);
            }
            if !hop.message_id.is_empty() {
                by_message.entry(&hop.message_id).or_default().push(at);
            }
        }
        Self { hops, by_id, by_message }
    }

    fn with_id(&self, id: QueueId) -> impl Iterator<Item = usize> + '_ {
        self.by_id.get(&id).into_iter().flatten().copied()
    }

    fn same_message(&self, hop: &Hop) -> impl Iterator<Item = usize> + '_ {
        self.by_message.get(&*hop.message_id).into_iter().flatten().copied()
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
    one.message_id == other.message_id || one.message_id.len() <= 2 || other.message_id.len() <= 2
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
        // A delivery agent without a session: the store's user is the address, or its local part.
        Kind::Store => {
            matches!(&*recipient.transport, "pipe" | "local" | "virtual" | "lmtp")
                && after.recipients.iter().any(|user| {
                    let local = recipient.recipient.split(['@', '+']).next().unwrap_or_default();
                    same_address(&user.recipient, &recipient.recipient) || same_address(&user.recipient, local)
                })
        }
        Kind::Transfer => {
            after.server != before.server
                && matches!(&*recipient.transport, "smtp" | "relay" | "lmtp")
                && names(after, &recipient.recipient)
        }
    }
}
