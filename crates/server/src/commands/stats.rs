//! `vigie stats`: figures of the store, or of files counted in memory.

use std::{collections::BTreeMap, io::Write, path::Path};

use serde::Serialize;
use vigie_engine::{intake, tally};
use vigie_lake::{Dataset, Dimension, Measure, Snapshot};
use vigie_model::{Micros, Outcome as Ending, ServerCounts, Text};
use vigie_query::Filter;

use super::{
    coverage,
    files::{self, Files},
    question::{self, bytes, duration, unanswerable},
};
use crate::{
    cli::{OutputOptions, Zone},
    output::{self, Outcome},
};

/// Rows of each ranking.
const TOP_ROWS: usize = 10;

pub fn run(
    output: &OutputOptions,
    data: &Path,
    zone: &Zone,
    memory: &[String],
    filter: &[String],
) -> anyhow::Result<Outcome> {
    if memory.is_empty() { of_store(output, data, zone, filter) } else { in_memory(output, zone, memory) }
}

#[derive(Serialize)]
struct Stats {
    messages: u64,
    /// Recipients who got the mail.
    deliveries: u64,
    outcomes: BTreeMap<&'static str, u64>,
    rejected: u64,
    /// Tries that were put off, of all mail in the period whatever the filter says.
    deferrals: u64,
    bytes: u64,
    delivery_ms_p50: Option<u64>,
    delivery_ms_p95: Option<u64>,
    delivery_ms_p99: Option<u64>,
    /// The server table counts every message in the period, whatever else the filter says.
    servers: Vec<ServerRow>,
    top_senders: Vec<Row>,
    top_recipient_domains: Vec<Row>,
    reject_reasons: Vec<Row>,
    coverage: coverage::Stated,
}

#[derive(Serialize)]
struct ServerRow {
    server: String,
    global: u64,
    #[serde(flatten)]
    counts: ServerCounts,
}

#[derive(Serialize)]
struct Row {
    value: String,
    count: u64,
}

fn of_store(options: &OutputOptions, data: &Path, zone: &Zone, words: &[String]) -> anyhow::Result<Outcome> {
    let zone = files::zone(zone)?;
    let context = vigie_query::Context { now: jiff::Timestamp::now(), zone: zone.clone() };
    let asked = question::filter(words, &zone)?;
    let snapshot = files::store_to_read(options, data)?.lake.snapshot()?;
    if Dataset::of(&asked).map_err(unanswerable)? == Dataset::Rejections {
        coverage::state(options, &snapshot, &asked)?;
        return refusals(options, &snapshot, &asked);
    }
    // Notices and probes are classes of their own: counted when asked for, never mixed in.
    let says_class = asked.mentions(vigie_query::Field::Class);
    let and =
        |filter: &Filter, text: &str| filter.and(text, &context).map_err(|_| anyhow::anyhow!("the filter is too long"));
    let mail = if says_class { asked.clone() } else { and(&asked, "class:mail")? };
    let stats = stats(&snapshot, &asked, &mail, &and)?;
    if options.json {
        output::json(&stats)?;
    } else {
        if asked.expr.is_some() {
            options.remark(format_args!(
                "the server table counts all messages of the period, whatever else the filter says"
            ));
        }
        show(&stats)?;
        coverage::state(options, &snapshot, &asked)?;
    }
    Ok(if stats.messages == 0 && stats.rejected == 0 { Outcome::NothingFound } else { Outcome::Done })
}

fn stats(
    snapshot: &Snapshot,
    asked: &Filter,
    mail: &Filter,
    and: &dyn Fn(&Filter, &str) -> anyhow::Result<Filter>,
) -> anyhow::Result<Stats> {
    let totals = snapshot.count(mail).map_err(unanswerable)?;
    let (from, until) = (asked.period.from.unwrap_or(Micros::MIN / 4), asked.period.until.unwrap_or(Micros::MAX / 4));
    let whole = snapshot.by_time(mail, &[from, until]).map_err(unanswerable)?;
    let outcomes: BTreeMap<&'static str, u64> = whole
        .iter()
        .flat_map(|bucket| Ending::ALL.iter().zip(bucket.outcomes))
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| (outcome.as_str(), count))
        .collect();
    let delays = snapshot.delays(&and(mail, "status:delivered")?).map_err(unanswerable)?;
    let refused = and(asked, "status:rejected")?;
    // A filter on what only accepted mail has chooses no refusals.
    let rejected = snapshot.count(&refused).map_or(0, |totals| totals.deliveries);
    let reasons = snapshot.top(&refused, Dimension::Reason, Measure::Deliveries, TOP_ROWS).unwrap_or_default();
    let senders = snapshot.top(mail, Dimension::Sender, Measure::Messages, TOP_ROWS).map_err(unanswerable)?;
    let domains =
        snapshot.top(mail, Dimension::RecipientDomain, Measure::Deliveries, TOP_ROWS).map_err(unanswerable)?;
    let rows = |ranking: vigie_lake::Ranking, by: Measure| -> Vec<Row> {
        ranking.rows.into_iter().map(|row| Row { count: by.of(&row.totals), value: row.value.into() }).collect()
    };
    Ok(Stats {
        messages: totals.messages,
        deliveries: outcomes.get("delivered").copied().unwrap_or(0),
        outcomes,
        rejected,
        deferrals: snapshot.attempts(from, until)?.count() as u64,
        bytes: totals.bytes,
        delivery_ms_p50: delays.percentile(0.50),
        delivery_ms_p95: delays.percentile(0.95),
        delivery_ms_p99: delays.percentile(0.99),
        servers: servers(snapshot, from, until)?,
        top_senders: rows(senders, Measure::Messages),
        top_recipient_domains: rows(domains, Measure::Deliveries),
        reject_reasons: rows(reasons, Measure::Deliveries),
        coverage: coverage::stated(snapshot, asked)?,
    })
}

fn servers(snapshot: &Snapshot, from: Micros, until: Micros) -> anyhow::Result<Vec<ServerRow>> {
    let row =
        |(server, counts): (Text, ServerCounts)| ServerRow { server: server.into(), global: counts.global(), counts };
    Ok(snapshot.servers(from, until)?.into_iter().map(row).collect())
}

fn show(stats: &Stats) -> anyhow::Result<()> {
    let time = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), duration);
    let mut rows = vec![
        vec!["messages".to_owned(), stats.messages.to_string()],
        vec!["volume".to_owned(), bytes(stats.bytes)],
        vec!["rejected before the queue".to_owned(), stats.rejected.to_string()],
    ];
    rows.extend(stats.outcomes.iter().map(|(outcome, count)| vec![format!("recipients {outcome}"), count.to_string()]));
    for (name, ms) in
        [("half", stats.delivery_ms_p50), ("95 %", stats.delivery_ms_p95), ("99 %", stats.delivery_ms_p99)]
    {
        rows.push(vec![format!("{name} delivered within"), time(ms)]);
    }
    output::table(&["figure", "value"], rows)?;
    writeln!(std::io::stdout())?;
    let rows = stats.servers.iter().map(|row| {
        let counts = &row.counts;
        let numbers = [
            row.global,
            counts.received_from_servers,
            counts.received_from_local,
            counts.local_routing,
            counts.sent_to_servers,
        ];
        let mut cells = vec![row.server.clone()];
        cells.extend(numbers.map(|number| number.to_string()));
        cells
    });
    let head = ["server", "global", "received from servers", "received from local", "local routing", "sent to servers"];
    output::table(&head, rows.collect())?;
    for (title, rows) in [
        ("sender", &stats.top_senders),
        ("recipient domain", &stats.top_recipient_domains),
        ("reject reason", &stats.reject_reasons),
    ] {
        writeln!(std::io::stdout())?;
        let rows = rows.iter().map(|row| {
            let value = if row.value.is_empty() { "<>".to_owned() } else { row.value.clone() };
            vec![value, row.count.to_string()]
        });
        output::table(&[title, "count"], rows.collect())?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Refusals {
    rejected: u64,
    reject_reasons: Vec<Row>,
}

fn refusals(options: &OutputOptions, snapshot: &Snapshot, filter: &Filter) -> anyhow::Result<Outcome> {
    let rejected = snapshot.count(filter).map_err(unanswerable)?.deliveries;
    let reasons = snapshot.top(filter, Dimension::Reason, Measure::Deliveries, TOP_ROWS).map_err(unanswerable)?;
    let reject_reasons: Vec<Row> =
        reasons.rows.into_iter().map(|row| Row { value: row.value.into(), count: row.totals.deliveries }).collect();
    if options.json {
        output::json(&Refusals { rejected, reject_reasons })?;
    } else {
        let mut rows = vec![vec!["all".to_owned(), rejected.to_string()]];
        rows.extend(reject_reasons.into_iter().map(|row| vec![row.value, row.count.to_string()]));
        output::table(&["reject reason", "count"], rows)?;
    }
    Ok(if rejected == 0 { Outcome::NothingFound } else { Outcome::Done })
}

fn in_memory(options: &OutputOptions, zone: &Zone, arguments: &[String]) -> anyhow::Result<Outcome> {
    let Files { sources, problems } = files::files(arguments, options);
    let mut bad = files::report_problems(problems.iter(), options);
    if sources.is_empty() {
        anyhow::bail!("none of the files can be read: nothing was counted");
    }
    let reading = intake::Options {
        zone: files::zone(zone)?,
        default_host: files::this_host(),
        host_rule: intake::HostRule::Line,
        dates: None,
        marks: Vec::new(),
    };
    let (tally, report) = tally::tally(&sources, &reading);
    bad += files::report_problems(report.problems().map(|(_, problem)| problem), options);
    if options.json {
        output::json(&tally)?;
    } else {
        let figures = [
            ("lines", tally.lines),
            ("lines not understood", tally.unknown),
            ("messages", tally.messages),
            ("deliveries", tally.deliveries),
            ("bounced", tally.bounced),
            ("expired", tally.expired),
            ("filtered", tally.filtered),
            ("discarded", tally.discarded),
            ("tries put off", tally.deferrals),
            ("rejected before the queue", tally.rejected),
            ("bytes", tally.bytes),
        ];
        output::table(
            &["figure", "value"],
            figures.map(|(name, value)| vec![name.to_owned(), value.to_string()]).into(),
        )?;
    }
    Ok(if bad == 0 { Outcome::Done } else { Outcome::Partly })
}
