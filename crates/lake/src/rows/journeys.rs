//! Table `journeys`: messages of the organisation, with their hops as a list. Their recipients stand in `deliveries`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::{Arrival, Journey, LinkEvidence, MailClass, QueueId, ServerCounts, Step};

use super::{Fact, word};
use crate::columns::{Columns, Reader};

impl Fact for Journey {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let rows = || rows.iter().copied();
        let mut columns = Columns::default();
        columns.texts("id", rows().map(|r| &*r.id));
        columns.texts("class", rows().map(|r| r.class.as_str()));
        columns.texts("arrival", rows().map(|r| r.arrival.as_str()));
        columns.texts("sender", rows().map(|r| &*r.sender));
        columns.texts("message_id", rows().map(|r| &*r.message_id));
        columns.texts("subject", rows().map(|r| &*r.subject));
        columns.ints_or_null("size", rows().map(|r| r.size.map(|size| size as i64)));
        columns.times("first_arrival", rows().map(|r| r.first_arrival));
        columns.times("last_seen", rows().map(|r| r.last_seen));
        columns.flags("closed", rows().map(|r| r.closed));
        columns.texts("client_name", rows().map(|r| &*r.client_name));
        columns.texts("client_ip", rows().map(|r| &*r.client_ip));
        columns.texts("helo", rows().map(|r| &*r.helo));
        columns.texts("user", rows().map(|r| &*r.user));
        columns.texts("notice_of", rows().map(|r| &*r.notice_of));
        columns.texts("verdict", rows().map(|r| &*r.verdict));
        columns.ints("delivery_count", rows().map(|r| r.deliveries.len() as i64));
        let steps: Vec<&Step> = rows().flat_map(|r| &r.steps).collect();
        columns.lists("steps", rows().map(|r| r.steps.len()), encode_steps(&steps));
        columns.finish()
    }

    /// Without deliveries: these are joined by the reader.
    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (id, class, arrival) = (columns.texts("id")?, columns.texts("class")?, columns.texts("arrival")?);
        let (sender, message_id, subject) =
            (columns.texts("sender")?, columns.texts("message_id")?, columns.texts("subject")?);
        let (size, closed) = (columns.ints("size")?, columns.flags("closed")?);
        let (first_arrival, last_seen) = (columns.times("first_arrival")?, columns.times("last_seen")?);
        let (client_name, client_ip) = (columns.texts("client_name")?, columns.texts("client_ip")?);
        let (helo, user) = (columns.texts("helo")?, columns.texts("user")?);
        let (notice_of, verdict) = (columns.texts("notice_of")?, columns.texts("verdict")?);
        let (mut lengths, items) = columns.lists("steps")?;
        let mut steps = decode_steps(items.reader())?.into_iter();
        (0..batch.num_rows())
            .map(|i| {
                Ok(Journey {
                    id: id.boxed(i),
                    class: word(MailClass::parse(class.at(i)), class.at(i))?,
                    arrival: word(Arrival::parse(arrival.at(i)), arrival.at(i))?,
                    sender: sender.boxed(i),
                    message_id: message_id.boxed(i),
                    subject: subject.boxed(i),
                    size: size.some(i).map(|size| size as u64),
                    first_arrival: first_arrival[i],
                    last_seen: last_seen[i],
                    closed: closed.value(i),
                    client_name: client_name.boxed(i),
                    client_ip: client_ip.boxed(i),
                    helo: helo.boxed(i),
                    user: user.boxed(i),
                    notice_of: notice_of.boxed(i),
                    verdict: verdict.boxed(i),
                    steps: steps.by_ref().take(lengths.next().unwrap_or(0)).collect(),
                    deliveries: Vec::new(),
                })
            })
            .collect()
    }
}

fn encode_steps(rows: &[&Step]) -> Columns {
    let rows = || rows.iter().copied();
    let mut columns = Columns::default();
    columns.texts("server", rows().map(|r| &*r.server));
    columns.texts("instance", rows().map(|r| &*r.instance));
    columns.texts_or_null("queue_id", rows().map(|r| r.queue_id.as_ref().map(QueueId::as_str)));
    columns.flags("store", rows().map(|r| r.store));
    columns.times("ts_in", rows().map(|r| r.ts_in));
    columns.times("ts_out", rows().map(|r| r.ts_out));
    columns.ints_or_null("previous", rows().map(|r| r.previous.map(i64::from)));
    columns.texts_or_null("evidence", rows().map(|r| r.evidence.map(LinkEvidence::as_str)));
    columns.ints_or_null("size", rows().map(|r| r.size.map(|size| size as i64)));
    columns.ints("received_from_servers", rows().map(|r| r.counts.received_from_servers as i64));
    columns.ints("received_from_local", rows().map(|r| r.counts.received_from_local as i64));
    columns.ints("local_routing", rows().map(|r| r.counts.local_routing as i64));
    columns.ints("sent_to_servers", rows().map(|r| r.counts.sent_to_servers as i64));
    columns
}

fn decode_steps(columns: Reader<'_>) -> Result<Vec<Step>, ArrowError> {
    let (server, instance, queue_id) =
        (columns.texts("server")?, columns.texts("instance")?, columns.texts("queue_id")?);
    let (store, ts_in, ts_out) = (columns.flags("store")?, columns.times("ts_in")?, columns.times("ts_out")?);
    let (previous, evidence, size) = (columns.ints("previous")?, columns.texts("evidence")?, columns.ints("size")?);
    let counts = server_counts(&columns)?;
    (0..ts_in.len())
        .map(|i| {
            let evidence = evidence.some(i).map(|text| word(LinkEvidence::parse(text), text)).transpose()?;
            Ok(Step {
                server: server.boxed(i),
                instance: instance.boxed(i),
                queue_id: queue_id.queue_id(i),
                store: store.value(i),
                ts_in: ts_in[i],
                ts_out: ts_out[i],
                previous: previous.some(i).map(|at| at as u32),
                evidence,
                size: size.some(i).map(|size| size as u64),
                counts: counts(i),
            })
        })
        .collect()
}

/// What one hop adds to its server's row of the server table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvents {
    pub server: Box<str>,
    pub counts: ServerCounts,
}

impl ServerEvents {
    /// All that [`ServerEvents::decode`] reads, and what the scan needs.
    pub(crate) const COLUMNS: [&str; 6] = [
        "first_arrival",
        "steps.list.element.server",
        "steps.list.element.received_from_servers",
        "steps.list.element.received_from_local",
        "steps.list.element.local_routing",
        "steps.list.element.sent_to_servers",
    ];

    pub(crate) fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (lengths, steps) = columns.lists("steps")?;
        let (steps, count) = (steps.reader(), lengths.sum());
        let server = steps.texts("server")?;
        let counts = server_counts(&steps)?;
        Ok((0..count).map(|i| ServerEvents { server: server.boxed(i), counts: counts(i) }).collect())
    }
}

fn server_counts<'a>(columns: &Reader<'a>) -> Result<impl Fn(usize) -> ServerCounts + 'a, ArrowError> {
    let (from_servers, from_local) = (columns.ints("received_from_servers")?, columns.ints("received_from_local")?);
    let (local_routing, sent) = (columns.ints("local_routing")?, columns.ints("sent_to_servers")?);
    Ok(move |i| ServerCounts {
        received_from_servers: from_servers.at(i) as u64,
        received_from_local: from_local.at(i) as u64,
        local_routing: local_routing.at(i) as u64,
        sent_to_servers: sent.at(i) as u64,
    })
}
