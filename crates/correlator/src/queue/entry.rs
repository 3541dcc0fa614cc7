//! One generation of one queue id, while it is open.
//!
//! Every order of the same lines gives the same entry: of two words on one thing a rule says which counts, never which came first.

use std::{cmp::Reverse, mem::take};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use vigie_formats::{
    Inside,
    postfix::{Arrived, ByHand, Delivery, Header, HeaderAction},
    refusal::{Refused, RefusedAction},
    statement::{Also, End, Statement, Status, Word},
    subject,
};
use vigie_model::{Arrival, Client, Content, Hop, Kind, MailClass, Micros, Outcome, QueueId, Recipient, Text};

use super::{
    awaited::Awaited,
    clients::Who,
    sayings::Said,
    words::{drop_waiting, recipient, stated, weight},
};
use crate::{
    BEFORE_ALL, Facts,
    content::order,
    linker::passed_over,
    text::{Detail, joined, same, text_of},
};

/// How an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mark {
    Removed,
    HandedOn,
    Deleted,
    Requeued,
    Discarded,
    Refused,
    Expired,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub ts_in: Micros,
    pub ts_out: Micros,
    end: Option<(Micros, Mark)>,
    detail: Detail,
    instance: Text,
    /// `instance` was logged by a daemon that cannot be renamed in master.cf.
    instance_known: bool,
    started: bool,
    /// The queue manager, or something equally sure, has seen it: it is a message and not only a session.
    queued: bool,
    /// Time of the last hold or release, and which it was.
    hold: (Micros, bool),
    expired_at: Option<Micros>,
    probe: bool,
    arrival: Arrival,
    client: Client,
    user: Text,
    helo: Text,
    message_id: Text,
    message_id_at: Option<Micros>,
    sender: Text,
    sender_known: bool,
    subject: Text,
    /// Time of the line that showed it.
    subject_at: Micros,
    size: Option<u64>,
    recipient_count: Option<u32>,
    previous: Option<QueueId>,
    notice_of: Option<QueueId>,
    aside: Option<Box<Aside>>,
    /// A recipient that only a header check named.
    hint: Text,
    /// As they stand: what became of one without a last word is said when the hop is given out.
    recipients: Vec<Recipient>,
    /// Where each of them stands, when they are many. What is restored makes it anew.
    #[serde(skip)]
    places: Option<Box<Places>>,
    /// When it was changed last, as the queue counts changes; 0 since it was restored.
    #[serde(skip)]
    pub change: u32,
}

/// Places of recipients by address and original address.
type Places = FxHashMap<(Text, Text), usize>;

/// So many recipients are looked through one by one; more have an index, because a list can have tens of thousands.
const LISTED_RECIPIENTS_MAX: usize = 32;

/// What only servers other than Postfix tell, and whoever looks inside. A message in Postfix's queue, of which there
/// may be a million, has none of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Aside {
    /// When the line was written that says who gave the message.
    began_at: Micros,
    /// When it was said: a message's arrival has the first word, and then the earliest line.
    sender_at: Micros,
    size_at: Micros,
    network_id: Text,
    /// The server says what became of messages, and not what it does with their queue files.
    by_statements: bool,
    /// The server logs no end of a message.
    ends_when_done: bool,
    /// It may say other things later.
    is_revised: bool,
    /// Another hop took some of the recipients over.
    parted: bool,
    content: Option<Box<Content>>,
    awaited: Option<Box<Awaited>>,
}

impl Default for Aside {
    fn default() -> Self {
        Self {
            began_at: Micros::MAX,
            sender_at: Micros::MAX,
            size_at: Micros::MAX,
            network_id: Text::default(),
            by_statements: false,
            ends_when_done: false,
            is_revised: false,
            parted: false,
            content: None,
            awaited: None,
        }
    }
}

impl Entry {
    pub fn new(ts: Micros, instance: &[u8], detail: Detail) -> Self {
        Self {
            detail,
            ts_in: ts,
            ts_out: ts,
            end: None,
            instance: text_of(instance),
            instance_known: false,
            started: false,
            queued: false,
            hold: (BEFORE_ALL, false),
            expired_at: None,
            probe: false,
            arrival: Arrival::Unknown,
            client: Client::default(),
            user: Text::default(),
            helo: Text::default(),
            message_id: Text::default(),
            message_id_at: None,
            sender: Text::default(),
            sender_known: false,
            subject: Text::default(),
            subject_at: Micros::MAX,
            size: None,
            recipient_count: None,
            previous: None,
            notice_of: None,
            aside: None,
            hint: Text::default(),
            recipients: Vec::new(),
            places: None,
            change: 0,
        }
    }

    pub fn touch(&mut self, ts: Micros) {
        self.ts_in = self.ts_in.min(ts);
        self.ts_out = self.ts_out.max(ts);
    }

    pub fn started(&self) -> bool {
        self.started
    }

    /// A server that logs envelopes early may have told of one before it refused the whole.
    pub fn is_message(&self) -> bool {
        let refused = || matches!(self.end, Some((_, Mark::Refused))) && self.recipients.is_empty();
        self.queued && !(self.aside.as_ref().is_some_and(|told| told.by_statements) && refused())
    }

    pub fn ended_at(&self) -> Option<Micros> {
        self.end.map(|(ts, _)| ts)
    }

    pub fn end_before(&self, limit: Micros) -> bool {
        self.end.is_some_and(|(ts, _)| ts < limit)
    }

    pub fn instance_known(&self) -> bool {
        self.instance_known
    }

    pub fn instance_is(&self, instance: &[u8]) -> bool {
        same(self.instance.as_bytes(), instance)
    }

    pub fn own_instance(&mut self, instance: &[u8]) {
        if !self.instance_known {
            self.instance_known = true;
            if !self.instance_is(instance) {
                self.instance = text_of(instance);
            }
        }
    }

    pub fn end(&mut self, ts: Micros, mark: Mark) {
        self.touch(ts);
        self.queued |= !matches!(mark, Mark::Refused);
        // The last word counts; of two at one time the graver.
        if self.end.is_none_or(|end| end < (ts, mark)) {
            self.end = Some((ts, mark));
        }
    }

    pub fn arrived(&mut self, ts: Micros, arrived: &Arrived<'_>) {
        self.touch(ts);
        self.started = true;
        self.arrival = if arrived.user.is_empty() { Arrival::Server } else { Arrival::User };
        self.client = Client { name: self.detail.shown(arrived.client_name), ip: self.detail.shown(arrived.client_ip) };
        self.user = self.detail.shown(arrived.user);
        self.previous = arrived.previous;
    }

    pub fn picked_up(&mut self, ts: Micros, sender: &[u8], previous: Option<QueueId>) {
        self.touch(ts);
        self.started = true;
        self.arrival = Arrival::Local;
        self.previous = previous;
        if !self.sender_known {
            self.sender = text_of(sender);
        }
    }

    /// The first id counts, except that the original one beats `resent-message-id`. Two lines at one time: the smaller text.
    pub fn message_id(&mut self, ts: Micros, id: &[u8], resent: bool) {
        self.message_id_text(ts, text_of(id), resent);
    }

    fn message_id_text(&mut self, ts: Micros, id: Text, resent: bool) {
        self.touch(ts);
        let better = match self.message_id_at {
            None => true,
            Some(at) => !resent && (ts < at || (ts == at && id < self.message_id)),
        };
        if better {
            (self.message_id, self.message_id_at) = (id, Some(if resent { Micros::MAX } else { ts }));
        }
    }

    pub fn active(&mut self, ts: Micros, sender: &[u8], size: u64, recipient_count: u32) {
        self.touch(ts);
        self.queued = true;
        if !self.sender_known {
            (self.sender, self.sender_known) = (text_of(sender), true);
        }
        self.size = Some(size);
        // After a partial delivery the count is of those that are left: the first, and largest, is the message's.
        self.recipient_count = self.recipient_count.max(Some(recipient_count));
        if self.hold.1 && ts > self.hold.0 {
            self.hold = (ts, false);
        }
    }

    pub fn header(&mut self, ts: Micros, header: &Header<'_>) {
        self.touch(ts);
        if let Some(text) = header.subject()
            && self.detail == Detail::Whole
            && ts < self.subject_at
        {
            // The headers of an attached message are logged too, after the message's own.
            (self.subject, self.subject_at) = (subject::readable(text).into(), ts);
        }
        if self.helo.is_empty() {
            self.helo = self.detail.shown(header.transaction.helo);
        }
        if !self.sender_known {
            self.sender = text_of(header.transaction.sender);
        }
        if self.hint.is_empty() {
            self.hint = text_of(header.transaction.recipient);
        }
        match header.action {
            HeaderAction::Note => {}
            HeaderAction::Hold => self.set_hold(ts, true),
            HeaderAction::Discard => {
                self.sender_known = true;
                self.end(ts, Mark::Discarded);
            }
            HeaderAction::Reject => self.end(ts, Mark::Refused),
        }
    }

    /// Returns whether that was the end of it.
    pub fn refused(&mut self, ts: Micros, refused: &Refused<'_>, whole: bool) -> bool {
        self.touch(ts);
        if self.helo.is_empty() {
            self.helo = self.detail.shown(refused.transaction.helo);
        }
        match refused.action {
            RefusedAction::Note => false,
            RefusedAction::Hold => {
                self.set_hold(ts, true);
                self.envelope_hint(refused);
                false
            }
            RefusedAction::Discard => {
                self.envelope_hint(refused);
                self.end(ts, Mark::Discarded);
                true
            }
            RefusedAction::Reject if whole => {
                self.end(ts, Mark::Refused);
                true
            }
            RefusedAction::Reject => false,
        }
    }

    fn envelope_hint(&mut self, refused: &Refused<'_>) {
        if self.hint.is_empty() {
            self.hint = text_of(refused.transaction.recipient);
        }
        if !self.sender_known {
            self.sender = text_of(refused.transaction.sender);
            self.sender_known = true;
        }
    }

    fn set_hold(&mut self, ts: Micros, held: bool) {
        self.queued = true;
        if ts >= self.hold.0 {
            self.hold = (ts, held);
        }
    }

    pub fn expired(&mut self, ts: Micros, sender: &[u8]) {
        self.touch(ts);
        self.queued = true;
        self.expired_at = self.expired_at.max(Some(ts));
        if !self.sender_known {
            (self.sender, self.sender_known) = (text_of(sender), true);
        }
    }

    /// Returns whether that was the end of it.
    pub fn by_hand(&mut self, ts: Micros, action: ByHand) -> bool {
        self.touch(ts);
        match action {
            ByHand::Deleted => self.end(ts, Mark::Deleted),
            ByHand::Requeued => self.end(ts, Mark::Requeued),
            ByHand::Held => self.set_hold(ts, true),
            ByHand::Released => self.set_hold(ts, false),
            ByHand::Expired => {}
        }
        matches!(action, ByHand::Deleted | ByHand::Requeued)
    }

    pub fn notice_of(&mut self, ts: Micros, parent: QueueId) {
        self.touch(ts);
        self.notice_of = Some(parent);
    }

    /// As [`Entry::notice_of`], where the notice's own line does not say so.
    pub fn is_about(&mut self, parent: QueueId) {
        self.notice_of = Some(parent);
    }

    pub fn statement(&mut self, ts: Micros, statement: &Statement<'_>) {
        self.touch(ts);
        self.queued |= !statement.tentative && statement.end != End::Never;
        if statement.begins {
            self.begins(ts, statement);
        }
        if statement.arrival != Arrival::Unknown {
            self.arrival = self.arrival.max(statement.arrival);
        }
        if !statement.message_id.is_empty() {
            self.message_id_text(ts, bracketed(statement.message_id), false);
        }
        let at = if statement.begins { BEFORE_ALL } else { ts };
        if let Some(text) = statement.subject.as_ref().filter(|_| self.detail == Detail::Whole) {
            let subject: Text = subject::readable(text).into();
            if (at, &subject) < (self.subject_at, &self.subject) {
                (self.subject, self.subject_at) = (subject, at);
            }
        }
        self.recipient_count = self.recipient_count.max(statement.recipient_count);
        if let Some(previous) = statement.previous {
            self.previous.get_or_insert(previous);
        }
        if let Some(parent) = statement.notice_of {
            self.notice_of.get_or_insert(parent);
        }
        if let Some(held) = statement.hold {
            self.set_hold(ts, held);
        }
        let told = self.aside.get_or_insert_default();
        told.by_statements = true;
        if let Some(sender) = statement.sender.map(text_of)
            && (at, &sender) < (told.sender_at, &self.sender)
        {
            (self.sender, self.sender_known, told.sender_at) = (sender, true, at);
        }
        if statement.size.is_some() && (at, statement.size) < (told.size_at, self.size) {
            (self.size, told.size_at) = (statement.size, at);
        }
        let network_id = text_of(statement.network_id);
        if !network_id.is_empty() && (told.network_id.is_empty() || network_id < told.network_id) {
            told.network_id = network_id;
        }
        told.ends_when_done |= statement.end == End::WhenDone;
        told.is_revised |= statement.revised;
        told.parted |= matches!(statement.also, Some(Also::Part(_)));
        match statement.end {
            End::Later | End::WhenDone => {}
            End::Now => self.ends(ts, Mark::Removed),
            End::Deleted => self.ends(ts, Mark::Deleted),
            End::Discarded => self.ends(ts, Mark::Discarded),
            End::HandedOn => self.ends(ts, Mark::HandedOn),
            End::Expired => self.ends(ts, Mark::Expired),
            End::Never => self.ends(ts, Mark::Refused),
        }
        self.probe |= statement.probe;
        self.expect(statement);
        for word in statement.word.iter().chain(&statement.more) {
            self.probe |= matches!(word.status, Status::Probe(_));
            for address in word.recipients {
                self.word(stated(ts, address, word, self.detail));
            }
        }
    }

    /// Who gave the message. Of several lines that begin it the first with a client counts: Microsoft 365 has one for each recipient,
    /// all of one time.
    fn begins(&mut self, ts: Micros, statement: &Statement<'_>) {
        let began_at = &mut self.aside.get_or_insert_default().began_at;
        let shown = |text| self.detail.shown(text);
        let client = Client { name: shown(statement.client_name), ip: shown(statement.client_ip) };
        let (helo, user) = (shown(statement.helo), shown(statement.user));
        let is_better = !self.started || {
            let known = (
                self.client.ip.is_empty(),
                *began_at,
                Reverse((&self.client.ip, &self.client.name, &self.helo, &self.user)),
            );
            (client.ip.is_empty(), ts, Reverse((&client.ip, &client.name, &helo, &user))) < known
        };
        self.started = true;
        if is_better {
            *began_at = ts;
            (self.client, self.helo, self.user) = (client, helo, user);
        }
    }

    /// A server that says why a message ends may say later that it has ended: the reason stays.
    fn ends(&mut self, ts: Micros, mark: Mark) {
        let graver = self.end.map_or(mark, |(_, known)| known.max(mark));
        self.end(ts, graver);
        self.end = self.end.map(|(end, _)| (end, graver));
    }

    /// Recipients went to another message of this server.
    pub fn moved_away(&mut self, ts: Micros, statement: &Statement<'_>) {
        self.touch(ts);
        self.queued = true;
        self.probe |= statement.probe;
        let told = self.aside.get_or_insert_default();
        told.by_statements = true;
        if told.network_id.is_empty() {
            told.network_id = text_of(statement.network_id);
        }
        let word = Word::on(statement.awaited, Status::Final(Outcome::Transferred));
        for address in word.recipients {
            self.word(stated(ts, address, &word, self.detail));
        }
    }

    fn expect(&mut self, statement: &Statement<'_>) {
        let recipients = &self.recipients;
        let told = self.aside.get_or_insert_default();
        for address in statement.awaited {
            let awaited = told.awaited.get_or_insert_with(|| Box::new(Awaited::beside(recipients)));
            awaited.expect(address, statement.awaited_for);
        }
    }

    pub fn network_id(&self) -> &[u8] {
        self.aside.as_ref().map_or(b"", |told| told.network_id.as_bytes())
    }

    /// All by which other hops may be known to belong to this one.
    pub fn names(&self, id: &QueueId) -> impl Iterator<Item = passed_over::Name> + '_ {
        let next = self.recipients.iter().filter_map(|recipient| recipient.next_id);
        let ids = [Some(*id), self.previous, self.notice_of].into_iter().flatten().chain(next);
        let network_id = self.aside.as_ref().and_then(|told| passed_over::of_text(&told.network_id));
        ids.map(|id| passed_over::of_id(&id)).chain(passed_over::of_text(&self.message_id)).chain(network_id)
    }

    /// Who was at the other end of the session in which it came. What the message's own lines say counts more.
    pub fn came_from(&mut self, who: &Who) {
        self.arrival = self.arrival.max(who.arrival);
        for (own, told) in
            [(&mut self.client.name, &who.name), (&mut self.client.ip, &who.ip), (&mut self.user, &who.user)]
        {
            if own.is_empty() {
                own.clone_from(told);
            }
        }
    }

    /// Is it not known to have another message id?
    pub fn may_be(&self, message_id: &Text) -> bool {
        self.message_id.len() <= 2 || message_id.len() <= 2 || self.message_id == *message_id
    }

    /// Somebody looked inside. Of two who did, at one time or not, the same one counts in any order.
    pub fn content(&mut self, ts: Micros, inside: &Inside) {
        self.touch(ts);
        if !inside.message_id.is_empty() {
            self.message_id(ts, inside.message_id.as_bytes(), false);
        }
        if !inside.subject.is_empty() && (ts, &inside.subject) < (self.subject_at, &self.subject) {
            (self.subject, self.subject_at) = (inside.subject.clone(), ts);
        }
        let known = &mut self.aside.get_or_insert_default().content;
        if known.as_ref().is_none_or(|known| order(&inside.content) < order(known)) {
            *known = Some(inside.content.clone());
        }
    }

    /// The server logs no end, and no recipient is left without a last word.
    pub fn is_done(&self) -> bool {
        self.is_settled() && self.is_complete()
    }

    fn is_complete(&self) -> bool {
        match self.aside.as_ref().and_then(|told| told.awaited.as_ref()) {
            Some(awaited) => awaited.is_empty(),
            None => self.recipients.len() >= self.recipients_left().unwrap_or(0) as usize,
        }
    }

    pub fn is_revised(&self) -> bool {
        self.aside.as_ref().is_some_and(|told| told.is_revised)
    }

    /// As [`Entry::is_done`], of the recipients that were told. They may be fewer than were counted: aliases meet.
    pub fn is_settled(&self) -> bool {
        self.aside.as_ref().is_some_and(|told| told.ends_when_done)
            && !self.recipients.is_empty()
            && self.recipients.iter().all(|recipient| recipient.outcome.is_final())
    }

    /// How many recipients there are, where that is known.
    fn recipients_left(&self) -> Option<u32> {
        self.recipient_count.filter(|_| !self.aside.as_ref().is_some_and(|told| told.parted))
    }

    pub fn delivery(&mut self, ts: Micros, transport: &[u8], delivery: &Delivery<'_>) {
        self.touch(ts);
        self.queued = true;
        let outcome = match delivery.status {
            Status::Final(outcome) => outcome,
            Status::Deferred | Status::Waiting => Outcome::Deferred,
            Status::Probe(outcome) => {
                self.probe = true;
                outcome
            }
        };
        self.word(recipient(ts, transport, outcome, delivery, self.detail));
    }

    fn word(&mut self, new: Recipient) {
        if let Some(awaited) = self.aside.as_mut().and_then(|told| told.awaited.as_mut()) {
            awaited.heard_of(&new);
        }
        let Some(known) = self.known(&new) else {
            // Most messages have one recipient; a vector's own first step makes room for four.
            if self.recipients.is_empty() {
                self.recipients.reserve_exact(1);
            }
            return self.recipients.push(new);
        };
        let known = &mut self.recipients[known];
        let attempts = known.attempts.saturating_add(new.attempts);
        if weight(&new) > weight(known) {
            *known = new;
        }
        known.attempts = attempts;
    }

    /// The recipient's place, if there was a word on it before. A new one is about to be the last.
    fn known(&mut self, new: &Recipient) -> Option<usize> {
        if self.recipients.len() < LISTED_RECIPIENTS_MAX {
            return self
                .recipients
                .iter()
                .position(|known| known.recipient == new.recipient && known.orig_recipient == new.orig_recipient);
        }
        let key = |known: &Recipient| (known.recipient.clone(), known.orig_recipient.clone());
        let listed = || self.recipients.iter().enumerate().map(|(place, known)| (key(known), place)).collect();
        let places = self.places.get_or_insert_with(|| Box::new(listed()));
        let new_place = self.recipients.len();
        Some(*places.entry(key(new)).or_insert(new_place)).filter(|&place| place < new_place)
    }

    /// Gives the hop out for good; a session without a message gives none. What is left is empty.
    pub fn close(&mut self, id: QueueId, server: &str, said: Said, facts: &mut Facts) {
        if self.is_message() {
            let mut hop = Box::write(Box::new_uninit(), self.take_hop(id, server, said));
            hop.closed = true;
            facts.hops.push(hop);
        } else {
            facts.aborted += 1;
        }
    }

    /// The hop as it stands.
    pub fn hop(&self, id: QueueId, server: &str, said: Said) -> Hop {
        self.clone().take_hop(id, server, said)
    }

    fn take_hop(&mut self, id: QueueId, server: &str, said: Said) -> Hop {
        let held = self.hold.1 && self.end.is_none();
        let is_done = self.is_done();
        let recipients = self.last_words(held, &said);
        let (class, arrival, recipient_count) = (self.class(), self.arrival(), self.recipients_left());
        let (network_id, content) =
            self.aside.as_mut().map(|aside| (take(&mut aside.network_id), aside.content.take())).unwrap_or_default();
        Hop {
            kind: Kind::Transfer,
            server: server.into(),
            instance: take(&mut self.instance),
            queue_id: Some(id),
            ts_in: self.ts_in,
            ts_out: self.ts_out,
            closed: self.end.is_some() || is_done,
            held,
            class,
            arrival,
            client: take(&mut self.client),
            user: take(&mut self.user),
            helo: take(&mut self.helo),
            message_id: take(&mut self.message_id),
            sender: take(&mut self.sender),
            sender_known: self.sender_known,
            subject: take(&mut self.subject),
            size: self.size,
            recipient_count,
            previous_queue_id: self.previous,
            notice_of: self.notice_of,
            verdict: said.verdicts.text(),
            requeued_as: said.requeued_as,
            recipients,
            network_id,
            content,
        }
    }

    fn class(&self) -> MailClass {
        if self.probe {
            MailClass::Probe
        } else if self.notice_of.is_some() || (self.sender_known && self.sender.is_empty()) {
            MailClass::Bounce
        } else {
            MailClass::Mail
        }
    }

    /// cleanup(8) wrote the message id, and neither smtpd(8) nor pickup(8) began the file: the server made it itself.
    fn arrival(&self) -> Arrival {
        let by_statements = self.aside.as_ref().is_some_and(|told| told.by_statements);
        match self.arrival {
            Arrival::Unknown if !by_statements && self.message_id_at.is_some() => Arrival::Local,
            arrival => arrival,
        }
    }

    /// What became of a recipient on whom no agent had a last word.
    fn unfinished(&self, held: bool) -> Outcome {
        match self.end {
            Some((_, Mark::Deleted)) => Outcome::Deleted,
            Some((_, Mark::Discarded)) => Outcome::Discarded,
            Some((_, Mark::Requeued)) => Outcome::Transferred,
            Some((_, Mark::Expired)) => Outcome::Expired,
            Some((_, Mark::HandedOn)) => Outcome::Delivered,
            _ if self.expired_at.is_some() => Outcome::Expired,
            _ if held => Outcome::Held,
            _ => Outcome::Deferred,
        }
    }

    /// The recipients in order of their addresses, with what is known of each now.
    fn last_words(&mut self, held: bool, said: &Said) -> Vec<Recipient> {
        let mut recipients = take(&mut self.recipients);
        drop_waiting(&mut recipients, matches!(self.end, Some((_, Mark::Removed))));
        for known in &mut recipients {
            match known.outcome {
                Outcome::Deferred => known.outcome = self.unfinished(held),
                Outcome::Delivered => {
                    if let Some(fate) = said.fate(&known.recipient, known.next_id.is_some()) {
                        // The reply may name what the filter made of the message for the other recipients.
                        (known.outcome, known.next_id) = (fate, None);
                    }
                }
                _ => {}
            }
        }
        if recipients.is_empty() && !self.hint.is_empty() && !matches!(self.end, Some((_, Mark::Removed))) {
            recipients.push(Recipient {
                recipient: take(&mut self.hint),
                outcome: self.unfinished(held),
                ts: self.end.map_or(self.ts_out, |(ts, _)| ts),
                ..Recipient::default()
            });
        }
        if let Some(awaited) = self.aside.as_mut().and_then(|told| told.awaited.take()) {
            awaited.name_originals(&mut recipients);
            let ts = self.end.map_or(self.ts_out, |(ts, _)| ts);
            recipients.extend(awaited.unheard_of(self.unfinished(held), ts));
        }
        recipients.sort_by(|a, b| (&a.recipient, &a.orig_recipient).cmp(&(&b.recipient, &b.orig_recipient)));
        recipients
    }
}

/// One message has one id, whether a server takes the angle brackets off or not.
fn bracketed(message_id: &[u8]) -> Text {
    if message_id.starts_with(b"<") { text_of(message_id) } else { joined(&[b"<", message_id, b">"]) }
}
