//! The store's rows as JSON lines, in an order and with keys that other programs rely on.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io::Write,
};

use serde::Serialize;
use vigie_lake::{Coverage, LakeError, Snapshot};
use vigie_model::{Content, Delivery, Hop, Journey, Kind, Micros, Rejection, Text, iso};

use crate::import::{ImportError, Store};

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    Journeys,
    Deliveries,
    Hops,
    Rejections,
    Coverage,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] ImportError),
    #[error("cannot write the export")]
    Write(#[from] std::io::Error),
}

impl From<vigie_lake::LakeError> for ExportError {
    fn from(error: vigie_lake::LakeError) -> Self {
        ExportError::Store(error.into())
    }
}

/// Writes the rows of a dataset whose first time lies in `[from, until)`; returns how many.
pub fn export(
    store: &Store,
    dataset: Dataset,
    from: Micros,
    until: Micros,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let mut lines = Lines { out, count: 0 };
    let snapshot = store.lake.snapshot()?;
    match dataset {
        Dataset::Journeys => {
            for journey in snapshot.journeys(from, until)? {
                lines.write(&journey_row(&journey?))?;
            }
        }
        Dataset::Deliveries => {
            for journey in snapshot.journeys(from, until)? {
                let journey = journey?;
                for row in delivery_rows(&journey) {
                    lines.write(&row)?;
                }
            }
        }
        Dataset::Hops => {
            let mut open = store.open_hops()?;
            open.retain(|hop| hop.ts_in >= from && hop.ts_in < until);
            open.sort_by_key(Hop::key);
            let mut open = open.into_iter().peekable();
            for hop in snapshot.hops_overlapping(from, until)? {
                let hop = hop?;
                if hop.ts_in < from || hop.kind == Kind::Copy {
                    continue;
                }
                while let Some(waiting) = open.next_if(|waiting| waiting.key() <= hop.key()) {
                    lines.write(&hop_row(&waiting))?;
                }
                lines.write(&hop_row(&hop))?;
            }
            for waiting in open {
                lines.write(&hop_row(&waiting))?;
            }
        }
        Dataset::Rejections => {
            // Of one time in order of their content, so that the order in which files were read never shows.
            let mut same_time: Vec<Rejection> = Vec::new();
            for rejection in snapshot.rejections(from, until)? {
                let rejection = rejection?;
                if same_time.last().is_some_and(|last| last.ts != rejection.ts) {
                    lines.rejections(&mut same_time)?;
                }
                same_time.push(rejection);
            }
            lines.rejections(&mut same_time)?;
        }
        Dataset::Coverage => {
            for row in coverage_rows(&snapshot, from, until)? {
                lines.write(&row)?;
            }
        }
    }
    lines.out.flush()?;
    Ok(lines.count)
}

/// Rows of one hour added up.
fn coverage_rows(snapshot: &Snapshot, from: Micros, until: Micros) -> Result<Vec<CoverageRow>, LakeError> {
    let mut hours: BTreeMap<(Micros, Text, Text), Coverage> = BTreeMap::new();
    for row in snapshot.coverage(from, until)? {
        let row = row?;
        match hours.entry((row.hour, row.server.clone(), row.source.clone())) {
            Entry::Vacant(entry) => drop(entry.insert(row)),
            Entry::Occupied(mut entry) => entry.get_mut().add(&row),
        }
    }
    let row = |row: Coverage| CoverageRow {
        hour: iso(row.hour),
        server: row.server,
        source: row.source,
        lines: row.lines,
        understood: row.understood,
        ignored: row.ignored,
        unknown: row.unknown,
        first_line: iso(row.first_ts),
        last_line: iso(row.last_ts),
    };
    Ok(hours.into_values().map(row).collect())
}

/// `vigie export coverage`: lines of one server that one source brought in one hour.
#[derive(Debug, Serialize)]
pub struct CoverageRow {
    hour: String,
    server: Text,
    /// Empty for imported files.
    source: Text,
    lines: u64,
    understood: u64,
    ignored: u64,
    unknown: u64,
    first_line: String,
    last_line: String,
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    count: u64,
}

impl Lines<'_> {
    fn write(&mut self, row: &impl Serialize) -> std::io::Result<()> {
        serde_json::to_writer(&mut *self.out, row)?;
        self.out.write_all(b"\n")?;
        self.count += 1;
        Ok(())
    }

    fn rejections(&mut self, rows: &mut Vec<Rejection>) -> std::io::Result<()> {
        rows.sort();
        for row in rows.drain(..) {
            self.write(&rejection_row(&row))?;
        }
        Ok(())
    }
}

/// `vigie export journeys`: one message.
#[derive(Debug, Serialize)]
pub struct JourneyRow<'a> {
    id: &'a str,
    class: &'static str,
    sender: &'a str,
    message_id: &'a str,
    first_arrival: String,
    last_seen: String,
    /// Nothing will happen any more.
    closed: bool,
    size: Option<u64>,
    subject: &'a str,
    arrival: &'static str,
    client_name: &'a str,
    client_ip: &'a str,
    user: &'a str,
    verdict: &'a str,
    /// Id of the message that this notice is about.
    notice_of: Option<&'a str>,
    /// What is inside; null where nobody looked.
    content: Option<&'a Content>,
    hops: Vec<StepRow<'a>>,
    recipients: Vec<RecipientRow<'a>>,
}

#[derive(Debug, Serialize)]
struct StepRow<'a> {
    server: &'a str,
    queue_id: &'a str,
    ts_in: String,
    ts_out: String,
    store: bool,
    /// Position of the hop before, and how the link is known.
    previous: Option<u32>,
    evidence: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct RecipientRow<'a> {
    recipient: &'a str,
    orig_recipient: &'a str,
    outcome: &'static str,
    dsn: &'a str,
    reply: &'a str,
    relay: &'a str,
    server: &'a str,
    queue_id: &'a str,
    ts: String,
    delivery_ms: Option<u64>,
    /// Null where no try is in the log.
    attempts: Option<u32>,
    /// The log says when it was, never when it was not.
    tls: Option<bool>,
    direction: &'static str,
}

/// The row of a journey.
pub fn journey_row(journey: &Journey) -> JourneyRow<'_> {
    JourneyRow {
        id: &journey.id,
        class: journey.class.as_str(),
        sender: &journey.sender,
        message_id: &journey.message_id,
        first_arrival: iso(journey.first_arrival),
        last_seen: iso(journey.last_seen),
        closed: journey.closed,
        size: journey.size,
        subject: &journey.subject,
        arrival: journey.arrival.as_str(),
        client_name: &journey.client_name,
        client_ip: &journey.client_ip,
        user: &journey.user,
        verdict: &journey.verdict,
        notice_of: (!journey.notice_of.is_empty()).then_some(&*journey.notice_of),
        content: journey.content.as_deref(),
        hops: journey
            .steps
            .iter()
            .map(|step| StepRow {
                server: &step.server,
                queue_id: step.queue_id.as_ref().map_or("", |id| id.as_str()),
                ts_in: iso(step.ts_in),
                ts_out: iso(step.ts_out),
                store: step.store,
                previous: step.previous,
                evidence: step.evidence.map(|evidence| evidence.as_str()),
            })
            .collect(),
        recipients: recipient_rows(journey),
    }
}

fn recipient_rows(journey: &Journey) -> Vec<RecipientRow<'_>> {
    journey.deliveries.iter().map(recipient_row).collect()
}

fn recipient_row(delivery: &Delivery) -> RecipientRow<'_> {
    RecipientRow {
        recipient: &delivery.recipient,
        orig_recipient: &delivery.orig_recipient,
        outcome: delivery.outcome.as_str(),
        dsn: &delivery.dsn,
        reply: &delivery.reply,
        relay: &delivery.relay,
        server: &delivery.server,
        queue_id: delivery.queue_id.as_ref().map_or("", |id| id.as_str()),
        ts: iso(delivery.ts),
        delivery_ms: delivery.delivery_ms,
        attempts: (delivery.attempts != 0).then_some(delivery.attempts),
        tls: delivery.tls.then_some(true),
        direction: delivery.direction.as_str(),
    }
}

#[derive(Debug, Serialize)]
struct DeliveryRow<'a> {
    journey: &'a str,
    class: &'static str,
    sender: &'a str,
    message_id: &'a str,
    first_arrival: String,
    size: Option<u64>,
    subject: &'a str,
    #[serde(flatten)]
    recipient: RecipientRow<'a>,
}

fn delivery_rows(journey: &Journey) -> impl Iterator<Item = DeliveryRow<'_>> {
    recipient_rows(journey).into_iter().map(|recipient| DeliveryRow {
        journey: &journey.id,
        class: journey.class.as_str(),
        sender: &journey.sender,
        message_id: &journey.message_id,
        first_arrival: iso(journey.first_arrival),
        size: journey.size,
        subject: &journey.subject,
        recipient,
    })
}

#[derive(Debug, Serialize)]
struct HopRow<'a> {
    server: &'a str,
    instance: &'a str,
    queue_id: &'a str,
    kind: &'static str,
    ts_in: String,
    ts_out: String,
    closed: bool,
    held: bool,
    class: &'static str,
    arrival: &'static str,
    client_name: &'a str,
    client_ip: &'a str,
    user: &'a str,
    helo: &'a str,
    message_id: &'a str,
    sender: &'a str,
    subject: &'a str,
    size: Option<u64>,
    recipient_count: Option<u32>,
    verdict: &'a str,
    recipients: Vec<HopRecipientRow<'a>>,
}

#[derive(Debug, Serialize)]
struct HopRecipientRow<'a> {
    recipient: &'a str,
    orig_recipient: &'a str,
    outcome: &'static str,
    ts: String,
    dsn: &'a str,
    reply: &'a str,
    transport: &'a str,
    next_id: &'a str,
    /// Null where the log has none.
    delay_ms: Option<u64>,
    /// Null where no try is in the log.
    attempts: Option<u32>,
}

fn hop_row(hop: &Hop) -> impl Serialize + '_ {
    HopRow {
        server: &hop.server,
        instance: &hop.instance,
        queue_id: hop.queue_id.as_ref().map_or("", |id| id.as_str()),
        kind: hop.kind.as_str(),
        ts_in: iso(hop.ts_in),
        ts_out: iso(hop.ts_out),
        closed: hop.closed,
        held: hop.held,
        class: hop.class.as_str(),
        arrival: hop.arrival.as_str(),
        client_name: &hop.client.name,
        client_ip: &hop.client.ip,
        user: &hop.user,
        helo: &hop.helo,
        message_id: &hop.message_id,
        sender: &hop.sender,
        subject: &hop.subject,
        size: hop.size,
        recipient_count: hop.recipient_count,
        verdict: &hop.verdict,
        recipients: hop
            .recipients
            .iter()
            .map(|r| HopRecipientRow {
                recipient: &r.recipient,
                orig_recipient: &r.orig_recipient,
                outcome: r.outcome.as_str(),
                ts: iso(r.ts),
                dsn: &r.dsn,
                reply: &r.reply,
                transport: &r.transport,
                next_id: r.next_id.as_ref().map_or("", |id| id.as_str()),
                delay_ms: r.delays.total_ms,
                attempts: (r.attempts != 0).then_some(r.attempts),
            })
            .collect(),
    }
}

#[derive(Debug, Serialize)]
struct RejectionRow<'a> {
    ts: String,
    server: &'a str,
    stage: &'a str,
    client: String,
    helo: &'a str,
    sender: &'a str,
    recipient: &'a str,
    /// SMTP reply code; null where the server does not log it.
    code: Option<u16>,
    dsn: &'a str,
    reason: &'a str,
    text: &'a str,
    queue_id: &'a str,
}

/// `name[ip]`; empty where the log names neither.
fn client(rejection: &Rejection) -> String {
    match (&*rejection.client_name, &*rejection.client_ip) {
        ("", "") => String::new(),
        (name, ip) => format!("{name}[{ip}]"),
    }
}

fn rejection_row(rejection: &Rejection) -> impl Serialize + '_ {
    RejectionRow {
        ts: iso(rejection.ts),
        server: &rejection.server,
        stage: &rejection.stage,
        client: client(rejection),
        helo: &rejection.helo,
        sender: &rejection.sender,
        recipient: &rejection.recipient,
        code: (rejection.code != 0).then_some(rejection.code),
        dsn: &rejection.dsn,
        reason: &rejection.reason,
        text: &rejection.text,
        queue_id: rejection.queue_id.as_ref().map_or("", |id| id.as_str()),
    }
}
