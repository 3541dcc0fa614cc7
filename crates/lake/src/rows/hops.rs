//! Table `hops`: one message at one server, with its recipients as a list.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::{Arrival, Client, Delays, Hop, Kind, MailClass, Outcome, QueueId, Recipient, Relay};

use super::{Fact, word};
use crate::columns::{Columns, Reader};

impl Fact for Hop {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let rows = || rows.iter().copied();
        let mut columns = Columns::default();
        columns.texts("kind", rows().map(|r| r.kind.as_str()));
        columns.texts("server", rows().map(|r| &*r.server));
        columns.texts("instance", rows().map(|r| &*r.instance));
        columns.texts_or_null("queue_id", rows().map(|r| r.queue_id.as_ref().map(QueueId::as_str)));
        columns.times("ts_in", rows().map(|r| r.ts_in));
        columns.times("ts_out", rows().map(|r| r.ts_out));
        columns.flags("closed", rows().map(|r| r.closed));
        columns.flags("held", rows().map(|r| r.held));
        columns.texts("class", rows().map(|r| r.class.as_str()));
        columns.texts("arrival", rows().map(|r| r.arrival.as_str()));
        columns.texts("client_name", rows().map(|r| &*r.client.name));
        columns.texts("client_ip", rows().map(|r| &*r.client.ip));
        columns.texts("user", rows().map(|r| &*r.user));
        columns.texts("helo", rows().map(|r| &*r.helo));
        columns.texts("message_id", rows().map(|r| &*r.message_id));
        columns.texts("sender", rows().map(|r| &*r.sender));
        columns.flags("sender_known", rows().map(|r| r.sender_known));
        columns.texts("subject", rows().map(|r| &*r.subject));
        columns.ints_or_null("size", rows().map(|r| r.size.map(|size| size as i64)));
        columns.ints_or_null("recipient_count", rows().map(|r| r.recipient_count.map(i64::from)));
        columns.texts_or_null("previous_queue_id", rows().map(|r| r.previous_queue_id.as_ref().map(QueueId::as_str)));
        columns.texts_or_null("notice_of", rows().map(|r| r.notice_of.as_ref().map(QueueId::as_str)));
        columns.texts("verdict", rows().map(|r| &*r.verdict));
        columns.text_lists(
            "requeued_as",
            rows().map(|r| r.requeued_as.len()),
            rows().flat_map(|r| r.requeued_as.iter().map(QueueId::as_str)),
        );
        let recipients: Vec<&Recipient> = rows().flat_map(|r| &r.recipients).collect();
        columns.lists("recipients", rows().map(|r| r.recipients.len()), encode_recipients(&recipients));
        columns.finish()
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (kind, server, instance) = (columns.texts("kind")?, columns.texts("server")?, columns.texts("instance")?);
        let (ts_in, ts_out) = (columns.times("ts_in")?, columns.times("ts_out")?);
        let (closed, held) = (columns.flags("closed")?, columns.flags("held")?);
        let (class, arrival) = (columns.texts("class")?, columns.texts("arrival")?);
        let (client_name, client_ip) = (columns.texts("client_name")?, columns.texts("client_ip")?);
        let (user, helo, message_id) = (columns.texts("user")?, columns.texts("helo")?, columns.texts("message_id")?);
        let (sender, sender_known) = (columns.texts("sender")?, columns.flags("sender_known")?);
        let (subject, verdict) = (columns.texts("subject")?, columns.texts("verdict")?);
        let (size, recipient_count) = (columns.ints("size")?, columns.ints("recipient_count")?);
        let (queue_id, previous) = (columns.texts("queue_id")?, columns.texts("previous_queue_id")?);
        let notice_of = columns.texts("notice_of")?;
        let mut requeued_as = columns.text_lists("requeued_as")?.into_iter();
        let (mut lengths, items) = columns.lists("recipients")?;
        let mut recipients = decode_recipients(items.reader())?.into_iter();
        (0..batch.num_rows())
            .map(|i| {
                Ok(Hop {
                    kind: word(Kind::parse(kind.at(i)), kind.at(i))?,
                    server: server.boxed(i),
                    instance: instance.boxed(i),
                    queue_id: queue_id.queue_id(i),
                    ts_in: ts_in[i],
                    ts_out: ts_out[i],
                    closed: closed.value(i),
                    held: held.value(i),
                    class: word(MailClass::parse(class.at(i)), class.at(i))?,
                    arrival: word(Arrival::parse(arrival.at(i)), arrival.at(i))?,
                    client: Client { name: client_name.boxed(i), ip: client_ip.boxed(i) },
                    user: user.boxed(i),
                    helo: helo.boxed(i),
                    message_id: message_id.boxed(i),
                    sender: sender.boxed(i),
                    sender_known: sender_known.value(i),
                    subject: subject.boxed(i),
                    size: size.some(i).map(|size| size as u64),
                    recipient_count: recipient_count.some(i).map(|count| count as u32),
                    previous_queue_id: previous.queue_id(i),
                    notice_of: notice_of.queue_id(i),
                    verdict: verdict.boxed(i),
                    requeued_as: queue_ids(requeued_as.next().unwrap_or_default()),
                    recipients: recipients.by_ref().take(lengths.next().unwrap_or(0)).collect(),
                })
            })
            .collect()
    }
}

fn queue_ids(texts: Vec<Box<str>>) -> Vec<QueueId> {
    texts.iter().filter_map(|text| QueueId::new(text.as_bytes())).collect()
}

fn encode_recipients(rows: &[&Recipient]) -> Columns {
    let rows = || rows.iter().copied();
    let mut columns = Columns::default();
    columns.texts("recipient", rows().map(|r| &*r.recipient));
    columns.texts("orig_recipient", rows().map(|r| &*r.orig_recipient));
    columns.texts("outcome", rows().map(|r| r.outcome.as_str()));
    columns.times("ts", rows().map(|r| r.ts));
    columns.texts("dsn", rows().map(|r| &*r.dsn));
    columns.texts("reply", rows().map(|r| &*r.reply));
    columns.texts("transport", rows().map(|r| &*r.transport));
    columns.texts("relay", rows().map(|r| &*r.relay.name));
    columns.texts("relay_ip", rows().map(|r| &*r.relay.ip));
    columns.ints("relay_port", rows().map(|r| i64::from(r.relay.port)));
    columns.texts_or_null("next_id", rows().map(|r| r.next_id.as_ref().map(QueueId::as_str)));
    columns.ints("before_ms", rows().map(|r| i64::from(r.delays.before_ms)));
    columns.ints("queue_ms", rows().map(|r| i64::from(r.delays.queue_ms)));
    columns.ints("connect_ms", rows().map(|r| i64::from(r.delays.connect_ms)));
    columns.ints("transmit_ms", rows().map(|r| i64::from(r.delays.transmit_ms)));
    columns.ints("total_ms", rows().map(|r| r.delays.total_ms as i64));
    columns.ints("attempts", rows().map(|r| i64::from(r.attempts)));
    columns.flags("tls", rows().map(|r| r.tls));
    columns.text_lists(
        "forwarded_to",
        rows().map(|r| r.forwarded_to.len()),
        rows().flat_map(|r| r.forwarded_to.iter().map(|to| &**to)),
    );
    columns
}

fn decode_recipients(columns: Reader<'_>) -> Result<Vec<Recipient>, ArrowError> {
    let (recipient, orig_recipient) = (columns.texts("recipient")?, columns.texts("orig_recipient")?);
    let (outcome, ts) = (columns.texts("outcome")?, columns.times("ts")?);
    let (dsn, reply, transport) = (columns.texts("dsn")?, columns.texts("reply")?, columns.texts("transport")?);
    let (relay, relay_ip, port) = (columns.texts("relay")?, columns.texts("relay_ip")?, columns.ints("relay_port")?);
    let (before, queue) = (columns.ints("before_ms")?, columns.ints("queue_ms")?);
    let (connect, transmit) = (columns.ints("connect_ms")?, columns.ints("transmit_ms")?);
    let (total, attempts) = (columns.ints("total_ms")?, columns.ints("attempts")?);
    let (next_id, tls) = (columns.texts("next_id")?, columns.flags("tls")?);
    let mut forwarded_to = columns.text_lists("forwarded_to")?.into_iter();
    (0..ts.len())
        .map(|i| {
            Ok(Recipient {
                recipient: recipient.boxed(i),
                orig_recipient: orig_recipient.boxed(i),
                outcome: word(Outcome::parse(outcome.at(i)), outcome.at(i))?,
                ts: ts[i],
                dsn: dsn.boxed(i),
                reply: reply.boxed(i),
                transport: transport.boxed(i),
                relay: Relay { name: relay.boxed(i), ip: relay_ip.boxed(i), port: port.at(i) as u16 },
                next_id: next_id.queue_id(i),
                delays: Delays {
                    before_ms: before.at(i) as u32,
                    queue_ms: queue.at(i) as u32,
                    connect_ms: connect.at(i) as u32,
                    transmit_ms: transmit.at(i) as u32,
                    total_ms: total.at(i) as u64,
                },
                attempts: attempts.at(i) as u32,
                tls: tls.value(i),
                forwarded_to: forwarded_to.next().unwrap_or_default(),
            })
        })
        .collect()
}
