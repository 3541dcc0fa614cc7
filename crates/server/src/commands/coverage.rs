//! `vigie coverage`: what was read, and what nobody understood.

use std::{collections::BTreeMap, io::Write, path::Path};

use serde::Serialize;
use vigie_lake::Snapshot;
use vigie_model::{MICROS_PER_HOUR, Micros, iso};
use vigie_query::Filter;

use super::{
    files,
    question::{self, clock},
};
use crate::{
    cli::{OutputOptions, Zone},
    output::{self, Outcome},
};

/// Shapes listed.
const SHAPES_MAX: usize = 50;

#[derive(Serialize)]
struct Report {
    servers: Vec<Server>,
    unknown_shapes: Vec<Shape>,
}

#[derive(Serialize, Default)]
struct Server {
    server: String,
    first_line: String,
    last_line: String,
    lines: u64,
    understood: u64,
    ignored: u64,
    unknown: u64,
    /// Whole hours without a line between hours with lines.
    silent_hours: u64,
    open_messages: u64,
    #[serde(skip)]
    span: (Micros, Micros),
    #[serde(skip)]
    hours: Vec<Micros>,
}

#[derive(Serialize)]
struct Shape {
    server: String,
    program: String,
    shape: String,
    count: u64,
    example: String,
}

pub fn run(options: &OutputOptions, data: &Path, zone: &Zone, words: &[String]) -> anyhow::Result<Outcome> {
    let zone = files::zone(zone)?;
    let filter = question::filter(words, &zone)?;
    let store = files::store_to_read(options, data)?;
    let snapshot = store.lake.snapshot()?;
    let mut servers = servers(&snapshot, &filter)?;
    for hop in store.open_hops()?.iter().filter(|hop| !hop.closed) {
        if let Some(server) = servers.get_mut(&*hop.server) {
            server.open_messages += 1;
        }
    }
    let report = Report { servers: servers.into_values().collect(), unknown_shapes: shapes(&snapshot, &filter)? };
    if options.json {
        output::json(&report)?;
        return Ok(Outcome::Done);
    }
    let rows = report.servers.iter().map(|server| {
        let share = 100.0 - 100.0 * server.unknown as f64 / server.lines.max(1) as f64;
        let counts = [server.lines, server.understood, server.ignored, server.unknown].map(|count| count.to_string());
        let mut row = vec![server.server.clone(), clock(server.span.0, &zone), clock(server.span.1, &zone)];
        row.extend(counts);
        row.extend([format!("{share:.2} %"), server.silent_hours.to_string(), server.open_messages.to_string()]);
        row
    });
    let head = [
        "server",
        "first line",
        "last line",
        "lines",
        "understood",
        "of no consequence",
        "unknown",
        "known",
        "silent hours",
        "open",
    ];
    output::table(&head, rows.collect())?;
    if !report.unknown_shapes.is_empty() {
        writeln!(std::io::stdout())?;
        let rows = report
            .unknown_shapes
            .into_iter()
            .map(|shape| vec![shape.count.to_string(), shape.server, shape.program, shape.shape, shape.example]);
        output::table(&["count", "server", "program", "shape", "example"], rows.collect())?;
    }
    Ok(Outcome::Done)
}

/// What the figures of a period rest on: stated beside each of them.
#[derive(Serialize)]
pub struct Stated {
    lines: u64,
    unknown: u64,
    servers: usize,
    /// Whole hours in which a server brought no line, between hours in which it did.
    silent_hours: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    first_line: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    last_line: String,
}

pub fn stated(snapshot: &Snapshot, filter: &Filter) -> anyhow::Result<Stated> {
    let servers = servers(snapshot, filter)?;
    let sum = |of: fn(&Server) -> u64| servers.values().map(of).sum();
    let iso_of = |ts: Option<Micros>| ts.map(iso).unwrap_or_default();
    Ok(Stated {
        lines: sum(|server| server.lines),
        unknown: sum(|server| server.unknown),
        servers: servers.len(),
        silent_hours: sum(|server| server.silent_hours),
        first_line: iso_of(servers.values().map(|server| server.span.0).min()),
        last_line: iso_of(servers.values().map(|server| server.span.1).max()),
    })
}

/// Says it to a person, beside answers that have a form of their own.
pub fn state(options: &OutputOptions, snapshot: &Snapshot, filter: &Filter) -> anyhow::Result<()> {
    if options.quiet {
        return Ok(());
    }
    let stated = stated(snapshot, filter)?;
    let known = 100.0 - 100.0 * stated.unknown as f64 / stated.lines.max(1) as f64;
    // All but one in a million is not all.
    let known = if stated.unknown > 0 { known.min(99.99) } else { known };
    options.remark(format_args!(
        "coverage: {} lines of {} servers, {known:.2} % known, {} silent hours, last line {}",
        stated.lines,
        stated.servers,
        stated.silent_hours,
        if stated.last_line.is_empty() { "never" } else { &stated.last_line },
    ));
    Ok(())
}

fn bounds(filter: &Filter) -> (Micros, Micros) {
    (filter.period.from.unwrap_or(Micros::MIN / 4), filter.period.until.unwrap_or(Micros::MAX / 4))
}

fn servers(snapshot: &Snapshot, filter: &Filter) -> anyhow::Result<BTreeMap<String, Server>> {
    let (from, until) = bounds(filter);
    let mut servers: BTreeMap<String, Server> = BTreeMap::new();
    for row in snapshot.coverage(from, until)? {
        let row = row?;
        let server = servers.entry(row.server.to_string()).or_insert_with(|| Server {
            server: row.server.to_string(),
            span: (row.first_ts, row.last_ts),
            ..Server::default()
        });
        server.lines += row.lines;
        server.understood += row.understood;
        server.ignored += row.ignored;
        server.unknown += row.unknown;
        server.span = (server.span.0.min(row.first_ts), server.span.1.max(row.last_ts));
        server.hours.push(row.hour);
    }
    for server in servers.values_mut() {
        (server.first_line, server.last_line) = (iso(server.span.0), iso(server.span.1));
        server.hours.sort_unstable();
        server.hours.dedup();
        let silent = server.hours.windows(2).map(|pair| (pair[1] - pair[0]) / MICROS_PER_HOUR - 1);
        server.silent_hours = silent.sum::<i64>().unsigned_abs();
    }
    Ok(servers)
}

fn shapes(snapshot: &Snapshot, filter: &Filter) -> anyhow::Result<Vec<Shape>> {
    let (from, until) = bounds(filter);
    let mut shapes: BTreeMap<(String, String, String), Shape> = BTreeMap::new();
    for row in snapshot.shapes(from, until)? {
        let row = row?;
        let key = (row.server.to_string(), row.program.to_string(), row.shape.to_string());
        let known = shapes.entry(key.clone()).or_insert_with(|| Shape {
            server: key.0,
            program: key.1,
            shape: key.2,
            count: 0,
            example: row.example.to_string(),
        });
        known.count += row.count;
    }
    let mut shapes: Vec<Shape> = shapes.into_values().collect();
    shapes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.shape.cmp(&b.shape)));
    shapes.truncate(SHAPES_MAX);
    Ok(shapes)
}
