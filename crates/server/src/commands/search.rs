//! `vigie search`: deliveries that a filter chooses, newest first.

use std::path::Path;

use serde::Serialize;
use vigie_lake::{Dataset, DeliveryRow};
use vigie_model::{Rejection, iso};

use super::{
    coverage, files,
    question::{self, clock, duration, unanswerable},
};
use crate::{
    cli::{OutputOptions, Zone},
    output::{self, Outcome},
};

pub fn run(options: &OutputOptions, data: &Path, zone: &Zone, limit: u32, words: &[String]) -> anyhow::Result<Outcome> {
    let zone = files::zone(zone)?;
    let filter = question::filter(words, &zone)?;
    let snapshot = files::store_to_read(options, data)?.lake.snapshot()?;
    coverage::state(options, &snapshot, &filter)?;
    if Dataset::of(&filter).map_err(unanswerable)? == Dataset::Rejections {
        let page = snapshot.search_rejections(&filter, limit as usize, None).map_err(unanswerable)?;
        if options.json {
            page.rows.iter().try_for_each(|row| output::json_line(&refusal(row)))?;
        } else {
            let rows = page.rows.iter().map(|row| {
                let code = if row.code == 0 { row.dsn.to_string() } else { format!("{} {}", row.code, row.dsn) };
                [
                    clock(row.ts, &zone),
                    row.server.to_string(),
                    shown(&row.sender),
                    shown(&row.recipient),
                    code,
                    row.reason.to_string(),
                ]
            });
            let rows: Vec<Vec<String>> = rows.map(Vec::from).collect();
            output::table(&["time", "server", "sender", "recipient", "code", "reason"], rows)?;
        }
        return Ok(found(options, page.rows.len(), page.next.is_some()));
    }
    let page = snapshot.search(&filter, limit as usize, None).map_err(unanswerable)?;
    if options.json {
        page.rows.iter().try_for_each(|row| output::json_line(&delivery(row)))?;
    } else {
        let rows = page.rows.iter().map(|row| {
            vec![
                clock(row.first_arrival, &zone),
                shown(&row.sender),
                shown(&row.recipient),
                row.outcome.as_str().to_owned(),
                row.class.as_str().to_owned(),
                row.delivery_ms.map(duration).unwrap_or_default(),
                row.subject.to_string(),
                row.journey_id.to_string(),
            ]
        });
        output::table(&["time", "sender", "recipient", "status", "class", "took", "subject", "id"], rows.collect())?;
    }
    Ok(found(options, page.rows.len(), page.next.is_some()))
}

fn shown(address: &str) -> String {
    if address.is_empty() { "<>".to_owned() } else { address.to_owned() }
}

fn found(options: &OutputOptions, rows: usize, more: bool) -> Outcome {
    match (rows, more) {
        (0, _) => {
            options.remark(format_args!("nothing matches"));
            return Outcome::NothingFound;
        }
        (_, true) => options.remark(format_args!("the newest {rows} rows; there are more: --limit N shows N")),
        (_, false) => {}
    }
    Outcome::Done
}

#[derive(Serialize)]
struct DeliveryJson<'a> {
    id: &'a str,
    first_arrival: String,
    sender: &'a str,
    recipient: &'a str,
    orig_recipient: &'a str,
    status: &'static str,
    subject: &'a str,
    message_id: &'a str,
    size: Option<u64>,
    delivery_ms: Option<u64>,
    server: &'a str,
    servers: Vec<&'a str>,
    queue_ids: Vec<&'a str>,
    relay: &'a str,
    dsn: &'a str,
    reply: &'a str,
    direction: &'static str,
    class: &'static str,
    attempts: u32,
    /// The log says when it was, never when it was not.
    tls: Option<bool>,
}

fn delivery(row: &DeliveryRow) -> DeliveryJson<'_> {
    DeliveryJson {
        id: &row.journey_id,
        first_arrival: iso(row.first_arrival),
        sender: &row.sender,
        recipient: &row.recipient,
        orig_recipient: &row.orig_recipient,
        status: row.outcome.as_str(),
        subject: &row.subject,
        message_id: &row.message_id,
        size: row.size,
        delivery_ms: row.delivery_ms,
        server: &row.server,
        servers: row.servers.split(' ').collect(),
        queue_ids: row.queue_ids.split(' ').collect(),
        relay: &row.relay,
        dsn: &row.dsn,
        reply: &row.reply,
        direction: row.direction.as_str(),
        class: row.class.as_str(),
        attempts: row.attempts,
        tls: row.tls.then_some(true),
    }
}

#[derive(Serialize)]
struct RefusalJson<'a> {
    ts: String,
    server: &'a str,
    client_name: &'a str,
    client_ip: &'a str,
    helo: &'a str,
    sender: &'a str,
    recipient: &'a str,
    status: &'static str,
    code: Option<u16>,
    dsn: &'a str,
    reason: &'a str,
    text: &'a str,
}

fn refusal(row: &Rejection) -> RefusalJson<'_> {
    RefusalJson {
        ts: iso(row.ts),
        server: &row.server,
        client_name: &row.client_name,
        client_ip: &row.client_ip,
        helo: &row.helo,
        sender: &row.sender,
        recipient: &row.recipient,
        status: "rejected",
        code: (row.code != 0).then_some(row.code),
        dsn: &row.dsn,
        reason: &row.reason,
        text: &row.text,
    }
}
