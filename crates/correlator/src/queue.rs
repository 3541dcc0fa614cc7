//! The queues of one host: every queue id that is in use, by generation.
//!
//! A line belongs to the generation that was alive at the line's time, not to the one that was seen last: lines may come
//! late, and short queue ids are used again.

mod awaited;
mod clients;
mod copies;
mod entry;
mod notices;
mod sayings;
mod words;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, hash_map},
};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use vigie_formats::{
    Inside, JournalCopy,
    filter::Verdict,
    postfix::{ByHand, Daemon, Delivery, Header, HeaderAction, Origin, Record},
    refusal::{Refused, RefusedAction, reason, reply},
    session::Session,
    statement::{Also, End, Statement, Status},
};
use vigie_model::{
    Arrival, Attempt, Hop, Kind, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, QueueId, Rejection, Text,
};

pub use self::entry::Entry;
use self::{clients::Clients, copies::Copies, entry::Mark, notices::Notices, sayings::Sayings};
use crate::{
    Facts, LATE_MICROS_MAX, LINGER_MICROS, OpenHop, PassedOver, REVISED_MICROS,
    host::NOBODY,
    linker::{TRANSACTION_MICROS_MAX, passed_over::of_id},
    text::{Detail, same, text_of},
};

/// A session that never filled its queue file is forgotten after this; smtpd's own time limits are far shorter.
const UNFILLED_MICROS_MAX: Micros = MICROS_PER_DAY;
/// A message without any line for so long is no longer believed to be in the queue (six times Postfix's default lifetime).
const SILENT_MICROS_MAX: Micros = 30 * MICROS_PER_DAY;
/// A message at a server that logs no end is kept so long after the last word on its last recipient: an alias may still expand.
const DONE_MICROS: Micros = MICROS_PER_HOUR;
/// Servers other than Postfix do not use a queue id again, within this time.
const LASTING_MICROS: Micros = MICROS_PER_DAY;
/// More open entries than this are not kept: the most silent ones are let go, as if they had ended.
const OPEN_ENTRIES_MAX: usize = 4_000_000;

/// Open queue entries of one host. Nearly every id has one generation; the vector holds them in order of arrival.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    entries: FxHashMap<QueueId, Vec<Entry>>,
    /// Ended generations in order of their end, for closing.
    ended: BinaryHeap<Reverse<(Micros, QueueId)>>,
    clients: Clients,
    copies: Copies,
    notices: Notices,
    swept: Micros,
    /// What filters said of them.
    sayings: Sayings,
    detail: Detail,
    /// Counts what may have changed an entry.
    #[serde(skip)]
    changes: u32,
}

/// What a line means for the choice of its generation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Begins a queue file: a generation has only one such line.
    Start,
    /// Written once near the beginning, so it cannot follow the end.
    Early,
    /// May trail behind the end.
    Any,
}

impl Queue {
    pub fn new(detail: Detail) -> Self {
        Self { detail, ..Self::default() }
    }

    /// Restored entries are changed at no known time: each gets one of its own.
    pub fn tell_apart(&mut self) {
        for entry in self.entries.values_mut().flatten() {
            self.changes = self.changes.wrapping_add(1);
            entry.change = self.changes;
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn record(&mut self, ts: Micros, origin: &Origin<'_>, record: &Record<'_>, server: &str, facts: &mut Facts) {
        match record {
            Record::Delivery(delivery) => self.delivery(ts, origin, delivery, server, facts),
            Record::Active { queue_id, sender, size, recipient_count } => {
                self.entry(ts, *queue_id, origin, Sign::Early).active(ts, sender, *size, *recipient_count);
            }
            Record::Removed { queue_id } => {
                self.entry(ts, *queue_id, origin, Sign::Any).end(ts, Mark::Removed);
                self.ended.push(Reverse((ts, *queue_id)));
            }
            Record::MessageId { queue_id, id, resent } => {
                self.entry(ts, *queue_id, origin, Sign::Early).message_id(ts, id, *resent);
                self.sayings.named(ts, *queue_id, id);
            }
            Record::Arrived(arrived) => self.entry(ts, arrived.queue_id, origin, Sign::Start).arrived(ts, arrived),
            Record::PickedUp { queue_id, sender, previous } => {
                self.entry(ts, *queue_id, origin, Sign::Start).picked_up(ts, sender, *previous);
            }
            Record::Header(header) => self.header(ts, origin, header, server, facts),
            Record::Refused(refused) => self.refused(ts, origin, refused, server, facts),
            Record::Expired { queue_id, sender } => self.entry(ts, *queue_id, origin, Sign::Any).expired(ts, sender),
            Record::ByHand { queue_id, action } => {
                if self.entry(ts, *queue_id, origin, Sign::Any).by_hand(ts, *action) {
                    self.ended.push(Reverse((ts, *queue_id)));
                }
            }
            Record::Notice { queue_id, notice } => {
                self.entry(ts, *queue_id, origin, Sign::Any).touch(ts);
                self.entry(ts, *notice, origin, Sign::Any).notice_of(ts, *queue_id);
            }
            Record::Context { queue_id } => {
                if let Some(entry) = self.existing(ts, *queue_id) {
                    entry.touch(ts);
                }
            }
            Record::Known | Record::Unknown => {}
        }
    }

    /// What a server other than Postfix says of one message.
    pub fn statement(&mut self, ts: Micros, statement: &Statement<'_>, server: &str, facts: &mut Facts) {
        let id = statement.queue_id;
        if let Some(previous) = statement.previous.filter(|_| statement.moved) {
            let before = Statement { network_id: statement.network_id, ..Statement::about(previous) };
            self.lasting(ts, previous, &before).moved_away(ts, statement);
        }
        self.lasting(ts, id, statement).statement(ts, statement);
        self.notice(ts, statement);
        self.sayings.named(ts, id, statement.message_id);
        if !matches!(statement.end, End::Later | End::WhenDone) {
            self.ended.push(Reverse((ts, id)));
        }
        if let Some(session) = statement.session {
            self.clients.message(ts, session, id);
            self.tell_client(ts, session, id);
        }
        if let Some(also) = statement.also {
            let other = match also {
                Also::Notice(notice) => {
                    Statement { notice_of: Some(id), arrival: Arrival::Local, ..Statement::about(notice) }
                }
                Also::Part(part) => Statement { previous: Some(id), ..Statement::about(part) },
            };
            self.lasting(ts, other.queue_id, &other).statement(ts, &other);
        }
        for word in statement.word.iter().chain(&statement.more).filter(|word| word.status == Status::Deferred) {
            facts.attempts.extend(word.recipients.map(|recipient| Attempt {
                ts,
                server: server.into(),
                instance: Text::default(),
                queue_id: Some(id),
                recipient: self.detail.shown(recipient),
                relay: self.detail.shown(word.relay_name),
                dsn: self.detail.shown(word.dsn),
                reply: self.detail.shown(word.reply),
            }));
        }
    }

    fn notice(&mut self, ts: Micros, statement: &Statement<'_>) {
        let id = statement.queue_id;
        let announced = self.notices.announced(ts, statement.notice_message_id, id);
        let written = statement.is_notice.then(|| self.notices.written(ts, statement.message_id, id)).flatten();
        if let Some(notice) = written.or(announced)
            && let Some(entry) = self.existing(ts, notice.id)
        {
            entry.is_about(notice.about);
        }
    }

    /// Who is at the other end of a session, and of the messages that came in it.
    pub fn session(&mut self, ts: Micros, session: &Session<'_>) {
        for (at, id) in self.clients.told(ts, session, self.detail) {
            self.tell_client(at, session.key, id);
        }
    }

    fn tell_client(&mut self, ts: Micros, session: u64, id: QueueId) {
        let Some(generations) = self.entries.get_mut(&id) else { return };
        let at = generations.iter().rposition(|entry| entry.ts_in <= ts).unwrap_or(0);
        let Some(entry) = generations.get_mut(at) else { return };
        self.clients.of_message(ts, session).for_each(|who| entry.came_from(who));
        self.changes = self.changes.wrapping_add(1);
        entry.change = self.changes;
    }

    /// Somebody looked inside while the message came.
    pub fn content(&mut self, ts: Micros, inside: &Inside) {
        let seconds = self.in_whole_seconds(ts, inside);
        self.entry(seconds.unwrap_or(ts), inside.queue_id, &NOBODY, Sign::Early).content(ts, inside);
    }

    /// What somebody found in a copy: a fact of its own, which linking gives to the message that it names. Nothing where facts are only
    /// counted, because it counts nowhere.
    pub fn copy(&self, ts: Micros, copy: &JournalCopy, server: &str) -> Option<Box<Hop>> {
        (self.detail == Detail::Whole).then(|| {
            Box::new(Hop {
                kind: Kind::Copy,
                server: server.into(),
                queue_id: copy.queue_id,
                ts_in: ts,
                ts_out: ts,
                closed: true,
                message_id: text_of(copy.message_id.as_bytes()),
                subject: copy.subject.clone(),
                content: Some(copy.content.clone()),
                ..Hop::default()
            })
        })
    }

    /// The milter's clock has microseconds. Where the log's stamps are cut to seconds, a message may have ended by the log before
    /// the milter saw it; then this is the milter's time, cut alike. (Postfix gives an id again after a second at the earliest.)
    fn in_whole_seconds(&self, ts: Micros, inside: &Inside) -> Option<Micros> {
        let second = ts - ts.rem_euclid(MICROS_PER_SECOND);
        let ended = |entry: &Entry| entry.ended_at() == Some(second) && entry.may_be(&inside.message_id);
        self.entries.get(&inside.queue_id)?.iter().any(ended).then_some(second)
    }

    /// What a filter said of a message, which may be here already, or may come.
    pub fn verdict(&mut self, ts: Micros, verdict: &Verdict<'_>) {
        if let Some(id) = verdict.queue_id.filter(|_| verdict.took_away) {
            // As postsuper does it: the old file is gone, and its message goes on in the new one.
            self.entry(ts, id, &NOBODY, Sign::Any).by_hand(ts, ByHand::Requeued);
            self.ended.push(Reverse((ts, id)));
        }
        for id in self.sayings.add(ts, verdict) {
            for entry in self.entries.get_mut(&id).into_iter().flatten() {
                self.changes = self.changes.wrapping_add(1);
                entry.change = self.changes;
            }
        }
    }

    fn delivery(&mut self, ts: Micros, origin: &Origin<'_>, delivery: &Delivery<'_>, server: &str, facts: &mut Facts) {
        self.entry(ts, delivery.queue_id, origin, Sign::Any).delivery(ts, origin.name, delivery);
        if delivery.status == Status::Deferred {
            facts.attempts.push(Attempt {
                ts,
                server: server.into(),
                instance: self.detail.shown(origin.instance),
                queue_id: Some(delivery.queue_id),
                recipient: self.detail.shown(delivery.recipient),
                relay: self.detail.shown(delivery.relay),
                dsn: self.detail.shown(delivery.dsn),
                reply: self.detail.shown(delivery.reply),
            });
        }
    }

    fn header(&mut self, ts: Micros, origin: &Origin<'_>, header: &Header<'_>, server: &str, facts: &mut Facts) {
        self.entry(ts, header.queue_id, origin, Sign::Early).header(ts, header);
        match header.action {
            HeaderAction::Note | HeaderAction::Hold => {}
            HeaderAction::Discard => self.ended.push(Reverse((ts, header.queue_id))),
            HeaderAction::Reject => {
                self.ended.push(Reverse((ts, header.queue_id)));
                let (code, dsn, text) = reply(header.text);
                facts.rejections.push(Rejection {
                    ts,
                    server: server.into(),
                    instance: self.detail.shown(origin.instance),
                    queue_id: Some(header.queue_id),
                    stage: "END-OF-MESSAGE".into(),
                    client_name: self.detail.shown(header.transaction.client_name),
                    client_ip: self.detail.shown(header.transaction.client_ip),
                    helo: self.detail.shown(header.transaction.helo),
                    sender: self.detail.shown(header.transaction.sender),
                    recipient: self.detail.shown(header.transaction.recipient),
                    code,
                    dsn: self.detail.shown(dsn),
                    reason: text_of(&[b"header checks: ", &reason(text)[..]].concat()),
                    text: self.detail.shown(header.text),
                });
            }
        }
    }

    pub fn refused(&mut self, ts: Micros, origin: &Origin<'_>, refused: &Refused<'_>, server: &str, facts: &mut Facts) {
        if refused.copy_mark != 0 && self.copies.is_copy(ts, refused.copy_mark) {
            return;
        }
        if let Some(id) = refused.queue_id {
            // A refused recipient leaves the others be; a refused end of message takes them all.
            let whole = !matches!(refused.stage, b"RCPT" | b"VRFY" | b"ETRN");
            let ends = self.entry(ts, id, origin, Sign::Any).refused(ts, refused, whole);
            if ends {
                self.ended.push(Reverse((ts, id)));
            }
        }
        if refused.action != RefusedAction::Reject {
            return;
        }
        facts.rejections.push(Rejection {
            ts,
            server: server.into(),
            instance: self.detail.shown(origin.instance),
            queue_id: refused.queue_id,
            stage: self.detail.shown(refused.stage),
            client_name: self.detail.shown(refused.transaction.client_name),
            client_ip: self.detail.shown(refused.transaction.client_ip),
            helo: self.detail.shown(refused.transaction.helo),
            sender: self.detail.shown(refused.transaction.sender),
            recipient: self.detail.shown(refused.transaction.recipient),
            code: refused.code,
            dsn: self.detail.shown(refused.dsn),
            reason: text_of(&reason(refused.text)),
            text: self.detail.shown(refused.text),
        });
    }

    /// The generation that a line at `ts` belongs to; a new one where none fits.
    fn entry(&mut self, ts: Micros, id: QueueId, origin: &Origin<'_>, sign: Sign) -> &mut Entry {
        // One generation is what nearly every id has; room for four would be most of the memory of a full queue.
        let generations = self.entries.entry(id).or_insert_with(|| Vec::with_capacity(1));
        let index = choose(generations, ts, origin, sign).unwrap_or_else(|| {
            let at = generations.partition_point(|entry| entry.ts_in <= ts);
            generations.insert(at, Entry::new(ts, origin.instance, self.detail));
            at
        });
        let entry = &mut generations[index];
        // These daemons always log under their instance's own name; the others may have a name of their own in master.cf.
        if matches!(origin.daemon, Daemon::Qmgr | Daemon::Pickup | Daemon::Bounce | Daemon::Postsuper) {
            entry.own_instance(origin.instance);
        }
        self.changes = self.changes.wrapping_add(1);
        mark(generations, index, self.changes)
    }

    /// As [`Queue::entry`], for servers whose ids are not used again soon.
    fn lasting(&mut self, ts: Micros, id: QueueId, about: &Statement<'_>) -> &mut Entry {
        let generations = self.entries.entry(id).or_insert_with(|| Vec::with_capacity(1));
        let index = choose_lasting(generations, ts, about).unwrap_or_else(|| {
            let at = generations.partition_point(|entry| entry.ts_in <= ts);
            generations.insert(at, Entry::new(ts, b"", self.detail));
            at
        });
        self.changes = self.changes.wrapping_add(1);
        mark(generations, index, self.changes)
    }

    fn existing(&mut self, ts: Micros, id: QueueId) -> Option<&mut Entry> {
        let generations = self.entries.get_mut(&id)?;
        let at = generations.iter().rposition(|entry| entry.ts_in <= ts).unwrap_or(0);
        let entry = generations.get_mut(at)?;
        self.changes = self.changes.wrapping_add(1);
        entry.change = self.changes;
        Some(entry)
    }

    /// Gives out the generations that ended before `limit`.
    pub fn close_before(&mut self, limit: Micros, server: &str, facts: &mut Facts) {
        self.copies.forget_before(limit);
        self.sayings.forget_before(limit, &self.entries);
        while let Some(&Reverse((end, id))) = self.ended.peek() {
            if end >= limit {
                break;
            }
            self.ended.pop();
            let hash_map::Entry::Occupied(mut known) = self.entries.entry(id) else { continue };
            let generations = known.get_mut();
            let mut at = 0;
            while at < generations.len() {
                if generations[at].end_before(limit) {
                    let said = self.sayings.take(id, generations, at);
                    generations[at].close(id, server, said, facts);
                    generations.drain(at..=at);
                } else {
                    at += 1;
                }
            }
            if generations.is_empty() {
                known.remove();
            }
        }
    }

    /// Lets go of what will never end by itself.
    pub fn sweep(&mut self, watermark: Micros, server: &str, facts: &mut Facts) {
        self.clients.sweep(watermark);
        let crowded = self.entries.len() > OPEN_ENTRIES_MAX;
        // Either way: a clock that was set back must not stop the sweeping until it has caught up.
        if (watermark - self.swept).abs() < MICROS_PER_HOUR && !crowded {
            return;
        }
        self.swept = watermark;
        self.notices.forget_before(watermark - LASTING_MICROS);
        let silent_limit = watermark - if crowded { MICROS_PER_DAY } else { SILENT_MICROS_MAX };
        let Self { entries, sayings, .. } = self;
        entries.retain(|id, generations| {
            let mut at = 0;
            while at < generations.len() {
                let entry = &generations[at];
                let limit = match (entry.is_message(), entry.is_done()) {
                    (true, true) if entry.is_revised() => watermark - REVISED_MICROS,
                    (true, true) => watermark - DONE_MICROS,
                    (true, false) if entry.is_settled() && !entry.is_revised() => {
                        silent_limit.max(watermark - LASTING_MICROS)
                    }
                    (true, false) => silent_limit,
                    (false, _) => watermark - UNFILLED_MICROS_MAX,
                };
                if entry.ts_out < limit {
                    let said = sayings.take(*id, generations, at);
                    generations[at].close(*id, server, said, facts);
                    generations.drain(at..=at);
                } else {
                    at += 1;
                }
            }
            !generations.is_empty()
        });
    }

    /// When the oldest entry began, of messages and of sessions that are not older than any transaction.
    pub fn oldest(&self, watermark: Micros) -> Option<Micros> {
        self.lasting_entries(watermark).map(|(_, _, entry)| entry.ts_in).min()
    }

    /// As [`Queue::oldest`], but messages that began before `until` are passed over, unless they are about to be given out.
    pub fn oldest_after(&self, until: Micros, watermark: Micros, passed_over: &mut PassedOver) -> Option<Micros> {
        let mut oldest = None;
        for (id, place, entry) in self.lasting_entries(watermark) {
            if entry.ts_in < until && !entry.is_settled() {
                passed_over.add(entry.names(&id));
                let said = self.sayings.of(id, &self.entries[&id], place);
                passed_over.add(said.requeued_as.iter().map(of_id));
            } else if oldest.is_none_or(|oldest| entry.ts_in < oldest) {
                oldest = Some(entry.ts_in);
            }
        }
        oldest
    }

    /// Messages, and sessions that are not older than any transaction.
    fn lasting_entries(&self, watermark: Micros) -> impl Iterator<Item = (QueueId, usize, &Entry)> {
        let limit = watermark - TRANSACTION_MICROS_MAX;
        self.all_entries().filter(move |(.., entry)| entry.is_message() || entry.ts_in >= limit)
    }

    pub fn open(&self, server: &str) -> Vec<Hop> {
        self.messages().filter_map(|(id, place, _)| self.hop(id, place, server)).collect()
    }

    /// As [`Queue::open`], each with what tells it from all others and from itself as it stood before.
    pub fn open_hops<'a>(&'a self, server: &'a str) -> impl Iterator<Item = OpenHop<'a>> {
        self.messages().map(move |(id, place, entry)| OpenHop::of_entry(self, entry, id, place, server))
    }

    fn messages(&self) -> impl Iterator<Item = (QueueId, usize, &Entry)> {
        self.all_entries().filter(|(.., entry)| entry.is_message())
    }

    fn all_entries(&self) -> impl Iterator<Item = (QueueId, usize, &Entry)> {
        self.entries
            .iter()
            .flat_map(|(id, generations)| generations.iter().enumerate().map(move |(place, entry)| (*id, place, entry)))
    }

    /// A generation as it stands.
    pub fn hop(&self, id: QueueId, place: usize, server: &str) -> Option<Hop> {
        let generations = self.entries.get(&id)?;
        Some(generations.get(place)?.hop(id, server, self.sayings.of(id, generations, place)))
    }
}

/// Says that a generation changed, and its neighbours with it: what filters said may be of one or of the other.
fn mark(generations: &mut [Entry], index: usize, change: u32) -> &mut Entry {
    generations.iter_mut().for_each(|entry| entry.change = change);
    &mut generations[index]
}

/// Which generation a line belongs to. Times first; only then what the line says.
fn choose(generations: &[Entry], ts: Micros, origin: &Origin<'_>, sign: Sign) -> Option<usize> {
    let mine = |entry: &Entry| {
        entry.instance_is(origin.instance)
            || !matches!(origin.daemon, Daemon::Qmgr | Daemon::Pickup | Daemon::Bounce | Daemon::Postsuper)
            || !entry.instance_known()
    };
    // Two instances of one host with the same id at the same time: an exact name beats a tolerated one.
    let exact = generations.iter().any(|entry| entry.instance_is(origin.instance));
    let fits = |entry: &Entry| if exact { entry.instance_is(origin.instance) } else { mine(entry) };
    let alive = generations.iter().rposition(|entry| entry.ts_in <= ts && fits(entry));
    let index = match alive {
        Some(index) => index,
        // Older than all that is known: a late line of the oldest generation, unless too old for that.
        None => {
            let index = generations.iter().position(fits)?;
            return (generations[index].ts_in - ts <= LINGER_MICROS
                && !(sign == Sign::Start && generations[index].started()))
            .then_some(index);
        }
    };
    let entry = &generations[index];
    if sign == Sign::Start && entry.started() {
        return None;
    }
    match entry.ended_at() {
        None => Some(index),
        Some(end) if ts <= end => Some(index),
        // After the end: a straggler's stamp may be a little later; the beginning of the next message never is late.
        Some(end) => (sign == Sign::Any && ts - end <= LATE_MICROS_MAX).then_some(index),
    }
}

/// As [`choose`], for servers whose ids are not used again soon: whatever comes of one id within a day is one message. Only
/// another arrival after the end begins another. The organisation's own name for a message, where there is one, decides before
/// all that: a server that was started anew may count from 1 again. (Domino names each copy of a message on its own.)
fn choose_lasting(generations: &[Entry], ts: Micros, about: &Statement<'_>) -> Option<usize> {
    let Statement { begins, network_id, network_id_per_copy: per_copy, .. } = *about;
    let is_it = |entry: &Entry| same(entry.network_id(), network_id);
    if !network_id.is_empty()
        && let Some(index) = generations.iter().rposition(is_it)
    {
        return Some(index);
    }
    let may_be = |entry: &Entry| per_copy || network_id.is_empty() || entry.network_id().is_empty();
    let index = generations
        .iter()
        .rposition(|entry| entry.ts_in - LINGER_MICROS <= ts && may_be(entry))
        .or_else(|| generations.iter().position(may_be))?;
    let entry = generations.get(index)?;
    let apart = (entry.ts_in - ts).max(ts - entry.ts_out);
    let is_over = entry.ended_at().is_some() || entry.is_done();
    let is_another = apart > LASTING_MICROS && is_over || begins && entry.started() && is_over && apart > LINGER_MICROS;
    (!is_another).then_some(index)
}
