//! Messages read back from table `deliveries`, and what their steps say of the servers.

use arrow::array::{Array, RecordBatch};
use arrow::error::ArrowError;
use vigie_model::{Arrival, Delivery, Direction, Journey, MailClass, Micros, Outcome, ServerCounts, Step, Text};

use super::packed::unpack;
use super::word;
use crate::columns::Reader;

/// Messages in the order of the rows. The first and the last may have further rows in other batches.
pub(crate) fn journeys_of(batch: &RecordBatch) -> Result<Vec<Journey>, ArrowError> {
    let columns = Reader::new(batch);
    let (id, count) = (columns.texts("journey_id")?, columns.ints("recipients")?);
    let journey = message_at(&columns)?;
    let delivery = delivery_at(&columns)?;
    let mut journeys: Vec<Journey> = Vec::new();
    for row in 0..batch.num_rows() {
        if journeys.last().is_none_or(|last| *last.id != *id.at(row)) {
            journeys.push(journey(row)?);
        }
        // A message without recipients has a row all the same.
        if let Some(last) = journeys.last_mut().filter(|_| count.at(row) > 0) {
            last.deliveries.push(delivery(row)?);
        }
    }
    Ok(journeys)
}

/// What the row says of its message, which is the same in all of its rows but for the steps and the content: those are in the first.
fn message_at(columns: &Reader<'_>) -> Result<impl Fn(usize) -> Result<Journey, ArrowError>, ArrowError> {
    let (id, class, arrival) = (columns.texts("journey_id")?, columns.texts("class")?, columns.texts("arrival")?);
    let (sender, sender_as_written) = (columns.texts("sender")?, columns.texts("sender_as_written")?);
    let (message_id, subject) = (columns.texts("message_id")?, columns.texts("subject")?);
    let (size, closed) = (columns.ints("size")?, columns.flags("closed")?);
    let (first_arrival, last_seen) = (columns.times("first_arrival")?, columns.times("last_seen")?);
    let (client_name, client_ip) = (columns.texts("client_name")?, columns.texts("client_ip")?);
    let (helo, user) = (columns.texts("helo")?, columns.texts("user")?);
    let user_as_written = columns.texts("user_as_written")?;
    let (notice_of, verdict) = (columns.texts("notice_of")?, columns.texts("verdict")?);
    let (steps, content) = (columns.bytes("steps")?, columns.bytes("content")?);
    Ok(move |row| {
        Ok(Journey {
            id: id.text(row),
            class: word(MailClass::parse(class.at(row)), class.at(row))?,
            arrival: word(Arrival::parse(arrival.at(row)), arrival.at(row))?,
            sender: sender_as_written.some(row).unwrap_or(sender.at(row)).into(),
            message_id: message_id.text(row),
            subject: subject.text(row),
            size: size.some(row).map(|size| size as u64),
            first_arrival: first_arrival[row],
            last_seen: last_seen[row],
            closed: closed.value(row),
            client_name: client_name.text(row),
            client_ip: client_ip.text(row),
            helo: helo.text(row),
            user: user_as_written.some(row).unwrap_or(user.at(row)).into(),
            notice_of: notice_of.text(row),
            verdict: verdict.text(row),
            content: if content.is_valid(row) { Some(unpack(content.value(row))?) } else { None },
            steps: if steps.is_valid(row) { unpack(steps.value(row))? } else { Vec::new() },
            deliveries: Vec::new(),
        })
    })
}

/// What the row says of its recipient.
fn delivery_at(columns: &Reader<'_>) -> Result<impl Fn(usize) -> Result<Delivery, ArrowError>, ArrowError> {
    let ts = columns.times("ts")?;
    let (recipient, recipient_as_written) = (columns.texts("recipient")?, columns.texts("recipient_as_written")?);
    let (orig, orig_as_written) = (columns.texts("orig_recipient")?, columns.texts("orig_recipient_as_written")?);
    let (outcome, dsn, reply) = (columns.texts("outcome")?, columns.texts("dsn")?, columns.texts("reply")?);
    let (relay, server, queue_id) = (columns.texts("relay")?, columns.texts("server")?, columns.texts("queue_id")?);
    let (delivery_ms, attempts) = (columns.ints("delivery_ms")?, columns.ints("attempts")?);
    let (tls, direction) = (columns.flags("tls")?, columns.texts("direction")?);
    Ok(move |row| {
        Ok(Delivery {
            recipient: recipient_as_written.some(row).unwrap_or(recipient.at(row)).into(),
            orig_recipient: orig_as_written.some(row).unwrap_or(orig.at(row)).into(),
            outcome: word(Outcome::parse(outcome.at(row)), outcome.at(row))?,
            dsn: dsn.text(row),
            reply: reply.text(row),
            relay: relay.text(row),
            server: server.text(row),
            queue_id: queue_id.queue_id(row),
            ts: ts[row],
            delivery_ms: delivery_ms.some(row).map(|ms| ms as u64),
            attempts: attempts.at(row) as u32,
            tls: tls.value(row),
            direction: word(Direction::parse(direction.at(row)), direction.at(row))?,
        })
    })
}

/// By what a message is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JourneyKeys {
    pub id: Text,
    pub first_arrival: Micros,
    pub message_id: Text,
    /// Those of all its hops, with spaces between.
    pub queue_ids: Text,
}

impl JourneyKeys {
    /// All that [`JourneyKeys::decode`] reads.
    pub(crate) const COLUMNS: [&str; 4] = ["journey_id", "first_arrival", "message_id", "queue_ids"];

    pub(crate) fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (id, first_arrival) = (columns.texts("journey_id")?, columns.times("first_arrival")?);
        let (message_id, queue_ids) = (columns.texts("message_id")?, columns.texts("queue_ids")?);
        let row = |i| JourneyKeys {
            id: id.text(i),
            first_arrival: first_arrival[i],
            message_id: message_id.text(i),
            queue_ids: queue_ids.text(i),
        };
        Ok((0..batch.num_rows()).map(row).collect())
    }
}

/// What one hop adds to its server's row of the server table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvents {
    pub server: Text,
    pub counts: ServerCounts,
}

impl ServerEvents {
    /// All that [`ServerEvents::decode`] reads, and what the scan needs.
    pub(crate) const COLUMNS: [&str; 2] = ["first_arrival", "steps"];

    pub(crate) fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let steps = Reader::new(batch).bytes("steps")?;
        let mut events = Vec::new();
        for packed in steps.iter().flatten() {
            let steps: Vec<Step> = unpack(packed)?;
            events.extend(steps.into_iter().map(|step| ServerEvents { server: step.server, counts: step.counts }));
        }
        Ok(events)
    }
}
