//! Facts made up for tests, the same ones every time.

use proptest::prelude::*;
use vigie_model::{
    Arrival, Attachment, Attempt, Client, Content, Delays, Delivery, Direction, Hop, Journey, Kind, LinkEvidence,
    MailClass, Micros, Outcome, QueueId, Recipient, Rejection, Relay, ServerCounts, Step, Text,
};

use crate::{Commit, Committed, Lake, Rows, Writer};

/// 2026-11-01T00:00:00Z
pub(super) const DAY0: Micros = 1_793_491_200_000_000;
pub(super) const HOUR: Micros = vigie_model::MICROS_PER_HOUR;
pub(super) const ALWAYS: (Micros, Micros) = (Micros::MIN / 2, Micros::MAX / 2);

pub(super) fn lake() -> (tempfile::TempDir, Lake) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let lake = Lake::open(dir.path()).expect("a new lake");
    (dir, lake)
}

pub(super) fn commit_with(build: impl FnOnce(&mut Commit)) -> Commit {
    let mut commit = Commit::new();
    build(&mut commit);
    commit
}

pub(super) fn store(writer: &mut Writer, build: impl FnOnce(&mut Commit)) -> Committed {
    writer.commit(commit_with(build)).expect("stored")
}

pub(super) fn all<T>(rows: Result<Rows<T>, crate::LakeError>) -> Vec<T> {
    rows.expect("rows").collect::<Result<_, _>>().expect("each row")
}

pub(super) fn queue_id(n: u64) -> QueueId {
    QueueId::new(format!("{n:011X}").as_bytes()).expect("a queue id")
}

/// A journey through hub1 and mx2, with this many recipients.
pub(super) fn journey(n: u64, first_arrival: Micros, recipients: usize) -> Journey {
    let step = |server: &str, previous| Step {
        server: server.into(),
        queue_id: Some(queue_id(n)),
        ts_in: first_arrival,
        ts_out: first_arrival + 1_000,
        previous,
        evidence: previous.map(|_| LinkEvidence::Reply),
        counts: ServerCounts { received_from_servers: 1, ..ServerCounts::default() },
        ..Step::default()
    };
    let delivery = |r: usize| Delivery {
        recipient: format!("User{r}@Example.com").into(),
        outcome: if r % 3 == 2 { Outcome::Bounced } else { Outcome::Delivered },
        dsn: "2.0.0".into(),
        server: "mx2".into(),
        queue_id: Some(queue_id(n)),
        ts: first_arrival + 2_000_000,
        delivery_ms: Some(2_000),
        attempts: 1,
        direction: Direction::In,
        ..Delivery::default()
    };
    Journey {
        id: format!("{n:016x}").into(),
        arrival: Arrival::Server,
        sender: format!("Sender{}@Example.ORG", n % 7).into(),
        message_id: format!("{n}@example.org").into(),
        subject: format!("Ordre numéro {n}").into(),
        size: Some(1_000 + n),
        first_arrival,
        last_seen: first_arrival + 2_000_000,
        closed: true,
        client_name: "mail.example.org".into(),
        client_ip: "192.0.2.1".into(),
        steps: vec![step("hub1", None), step("mx2", Some(0))],
        deliveries: (0..recipients).map(delivery).collect(),
        ..Journey::default()
    }
}

/// Short texts, some of them not ASCII and some with capitals.
fn text() -> impl Strategy<Value = Text> {
    prop_oneof![Just(String::new()), "[a-zA-Z0-9@. Éσ]{0,12}", ".{0,6}"].prop_map(Into::into)
}

fn id() -> impl Strategy<Value = Option<QueueId>> {
    prop::option::of("[0-9A-Za-z/]{1,20}".prop_map(|text| QueueId::new(text.as_bytes()).expect("letters and digits")))
}

/// Three days, to the microsecond.
fn time() -> impl Strategy<Value = Micros> {
    DAY0..DAY0 + 72 * HOUR
}

prop_compose! {
    fn recipient()(
        texts in prop::array::uniform8(text()), outcome in prop::sample::select(Outcome::ALL.to_vec()), ts in time(), next_id in id(),
        numbers in any::<(u32, u32, u64, u16)>(), tls in any::<bool>(), forwarded_to in prop::collection::vec(text(), 0..3),
    ) -> Recipient {
        let [recipient, orig_recipient, dsn, reply, transport, name, ip, _] = texts;
        let (before_ms, attempts, total_ms, port) = numbers;
        Recipient {
            recipient, orig_recipient, outcome, ts, dsn, reply, transport, relay: Relay { name, ip, port }, next_id,
            delays: Delays { before_ms, queue_ms: 2, connect_ms: 3, transmit_ms: 4, total_ms: Some(total_ms) }, attempts, tls, forwarded_to,
        }
    }
}

prop_compose! {
    fn content()(
        texts in prop::array::uniform8(text()), flags in any::<[bool; 4]>(), sizes in prop::collection::vec(0..u64::from(u32::MAX), 0..3),
    ) -> Content {
        let [header_from, media_type, signed, encrypted, name, declared, sniffed, _] = texts;
        let attachment = |size| Attachment { name: name.clone(), declared: declared.clone(), sniffed: sniffed.clone(), size };
        let attachments = sizes.into_iter().map(attachment).collect();
        let [list, automatic, dkim, cut] = flags;
        Content { header_from, media_type, list, automatic, signed, encrypted, dkim, attachments, cut }
    }
}

prop_compose! {
    pub(super) fn hop()(
        texts in prop::array::uniform9(text()), ids in (id(), id(), id()), ts_in in time(), lasts in 0..50 * HOUR,
        flags in any::<[bool; 4]>(), size in any::<Option<u64>>(), recipient_count in any::<Option<u32>>(),
        requeued_as in prop::collection::vec(id(), 0..3), recipients in prop::collection::vec(recipient(), 0..4),
        network_id in text(), content in prop::option::of(content()),
    ) -> Hop {
        let [server, instance, name, ip, user, helo, message_id, sender, subject] = texts;
        Hop {
            kind: if flags[0] { Kind::Store } else { Kind::Transfer },
            server, instance, queue_id: ids.0, ts_in, ts_out: ts_in + lasts, closed: flags[1], held: flags[2],
            class: if flags[3] { MailClass::Bounce } else { MailClass::Mail }, arrival: Arrival::User,
            client: Client { name, ip }, user, helo, message_id, sender, sender_known: flags[0], subject, size, recipient_count,
            previous_queue_id: ids.1, notice_of: ids.2, verdict: "SPAM".into(),
            requeued_as: requeued_as.into_iter().flatten().collect(), recipients,
            network_id, content: content.map(Box::new),
        }
    }
}

prop_compose! {
    fn step()(
        texts in (text(), text()), queue_id in id(), ts_in in time(), previous in prop::option::of(0u32..3), size in any::<Option<u64>>(),
        counts in any::<[u64; 4]>(), store in any::<bool>(),
    ) -> Step {
        let [received_from_servers, received_from_local, local_routing, sent_to_servers] = counts;
        Step {
            server: texts.0, instance: texts.1, queue_id, store, ts_in, ts_out: ts_in + 5, previous,
            evidence: previous.map(|_| LinkEvidence::MessageId), size,
            counts: ServerCounts { received_from_servers, received_from_local, local_routing, sent_to_servers },
        }
    }
}

prop_compose! {
    fn delivery()(
        texts in prop::array::uniform6(text()), queue_id in id(), ts in time(), delivery_ms in any::<Option<u64>>(), attempts in any::<u32>(),
        tls in any::<bool>(), outcome in prop::sample::select(Outcome::ALL.to_vec()),
    ) -> Delivery {
        let [recipient, orig_recipient, dsn, reply, relay, server] = texts;
        Delivery {
            recipient, orig_recipient, outcome, dsn, reply, relay, server, queue_id, ts, delivery_ms, attempts, tls,
            direction: Direction::Relay,
        }
    }
}

prop_compose! {
    /// Ids are given by the caller: they must differ.
    pub(super) fn any_journey()(
        texts in prop::array::uniform9(text()), first_arrival in time(), lasts in 0..50 * HOUR, size in any::<Option<u64>>(),
        closed in any::<bool>(), steps in prop::collection::vec(step(), 0..4), deliveries in prop::collection::vec(delivery(), 0..4),
        content in prop::option::of(content()),
    ) -> Journey {
        let [sender, message_id, subject, client_name, client_ip, helo, user, notice_of, verdict] = texts;
        Journey {
            class: MailClass::Probe, arrival: Arrival::Local, sender, message_id, subject, size, first_arrival,
            last_seen: first_arrival + lasts, closed, client_name, client_ip, helo, user, notice_of, verdict, steps, deliveries,
            content: content.map(Box::new), ..Journey::default()
        }
    }
}

prop_compose! {
    pub(super) fn rejection()(texts in prop::array::uniform11(text()), queue_id in id(), ts in time(), code in any::<u16>()) -> Rejection {
        let [server, instance, stage, client_name, client_ip, helo, sender, recipient, dsn, reason, text] = texts;
        Rejection { ts, server, instance, queue_id, stage, client_name, client_ip, helo, sender, recipient, code, dsn, reason, text }
    }
}

prop_compose! {
    pub(super) fn attempt()(texts in prop::array::uniform6(text()), queue_id in id(), ts in time()) -> Attempt {
        let [server, instance, recipient, relay, dsn, reply] = texts;
        Attempt { ts, server, instance, queue_id, recipient, relay, dsn, reply }
    }
}
