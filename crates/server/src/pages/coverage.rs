//! What was read and what was not: per server and hour, and the lines nobody understood.

use std::collections::BTreeMap;

use vigie_engine::import::Store;
use vigie_lake::{Coverage as Row, Snapshot};
use vigie_model::{MICROS_PER_HOUR, Micros, Text};
use vigie_web::backend::{
    Coverage, CoverageSummary, Failure, HourCoverage, LineCounts, Scope, SourceCoverage, Span, UnknownShape,
};

use super::{failure, question::Question, span, stored_span, timestamp};

/// Servers on one page.
const SERVERS_MAX: usize = 500;
/// Unknown shapes on one page.
const SHAPES_MAX: usize = 100;
/// Hours drawn for one server; of a longer time only the newest.
const HOURS_MAX: usize = 24 * 62;

pub fn coverage(scope: &Scope, store: &Store, snapshot: &Snapshot) -> Result<Coverage, Failure> {
    let question = Question::of(scope, snapshot)?;
    let mut servers: BTreeMap<String, ByServer> = BTreeMap::new();
    for row in rows(question.from, question.until, snapshot)? {
        let server = servers.entry(row.server.to_string()).or_default();
        server.sources.entry(row.source.to_string()).or_default().add(&row);
        server.all.add(&row);
    }
    let mut open: BTreeMap<String, u64> = BTreeMap::new();
    for hop in store.open_hops().unwrap_or_default().iter().filter(|hop| !hop.closed) {
        *open.entry(hop.server.to_string()).or_default() += 1;
    }
    let mut sources = Vec::new();
    let servers_more = servers.len().saturating_sub(SERVERS_MAX) as u64;
    for (server, lines) in servers.into_iter().take(SERVERS_MAX) {
        let open_messages = open.get(&server).copied().unwrap_or(0);
        sources.push(lines.all.source(server.clone(), None, Some(open_messages)));
        // Of a server that is only imported, they would say the same again.
        if lines.sources.keys().any(|source| !source.is_empty()) {
            sources
                .extend(lines.sources.into_iter().map(|(name, hours)| hours.source(server.clone(), Some(name), None)));
        }
    }
    let (unknown_shapes, unknown_shapes_more) = shapes(&question, snapshot)?;
    Ok(Coverage {
        span: span(question.from, question.until),
        stored: stored_span(snapshot),
        sources,
        servers_more,
        unknown_shapes,
        unknown_shapes_more,
    })
}

/// The one line of coverage that stands below every figure.
pub fn summary(from: Micros, until: Micros, snapshot: &Snapshot) -> Result<(CoverageSummary, Vec<Micros>), Failure> {
    let mut summary = CoverageSummary::default();
    let (mut unknown, mut servers, mut read_hours) = (0u64, BTreeMap::<Text, Hours>::new(), Vec::new());
    for row in rows(from, until, snapshot)? {
        summary.lines += row.lines;
        unknown += row.unknown;
        read_hours.push(row.hour);
        let last = timestamp(row.last_ts);
        summary.last_line = Some(summary.last_line.map_or(last, |known| known.max(last)));
        servers.entry(row.server.clone()).or_default().add(&row);
    }
    summary.gaps = servers.values().map(|hours| hours.gaps().len() as u64).sum();
    if summary.lines > 0 {
        summary.understood_share = Some(1.0 - unknown as f64 / summary.lines as f64);
    }
    read_hours.sort_unstable();
    read_hours.dedup();
    Ok((summary, read_hours))
}

/// What stands below the figures of a period.
pub fn of(question: &Question, snapshot: &Snapshot) -> Result<CoverageSummary, Failure> {
    summary(question.from, question.until, snapshot).map(|(summary, _)| summary)
}

fn rows(from: Micros, until: Micros, snapshot: &Snapshot) -> Result<Vec<Row>, Failure> {
    let from = from.div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR;
    let rows = snapshot.coverage(from, until).map_err(|error| failure(error, ""))?;
    rows.collect::<Result<_, _>>().map_err(|error| failure(error, ""))
}

fn shapes(question: &Question, snapshot: &Snapshot) -> Result<(Vec<UnknownShape>, u64), Failure> {
    /// Server, program, shape.
    type Key = (Text, Text, Text);
    let mut shapes: BTreeMap<Key, UnknownShape> = BTreeMap::new();
    for row in snapshot.shapes(question.from, question.until).map_err(|error| failure(error, ""))? {
        let row = row.map_err(|error| failure(error, ""))?;
        let known = shapes.entry((row.server.clone(), row.program.clone(), row.shape.clone())).or_insert_with(|| {
            UnknownShape {
                program: row.program.to_string(),
                shape: row.shape.to_string(),
                count: 0,
                example: row.example.to_string(),
                server: row.server.to_string(),
            }
        });
        known.count += row.count;
    }
    let mut shapes: Vec<UnknownShape> = shapes.into_values().collect();
    shapes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.shape.cmp(&b.shape)));
    let more = shapes.len().saturating_sub(SHAPES_MAX) as u64;
    shapes.truncate(SHAPES_MAX);
    Ok((shapes, more))
}

/// One server's lines.
#[derive(Default)]
struct ByServer {
    all: Hours,
    sources: BTreeMap<String, Hours>,
}

/// The hours of one server, or of one of its sources.
#[derive(Default)]
pub struct Hours {
    hours: BTreeMap<Micros, (u64, u64)>,
    counts: LineCounts,
    first: Option<Micros>,
    last: Option<Micros>,
}

impl Hours {
    pub fn add(&mut self, row: &Row) {
        let hour = self.hours.entry(row.hour).or_default();
        *hour = (hour.0 + row.lines, hour.1 + row.unknown);
        self.counts.read += row.lines;
        self.counts.understood += row.understood;
        self.counts.ignored += row.ignored;
        self.counts.unknown += row.unknown;
        self.first = Some(self.first.map_or(row.first_ts, |known| known.min(row.first_ts)));
        self.last = Some(self.last.map_or(row.last_ts, |known| known.max(row.last_ts)));
    }

    /// Whole hours without a line, between hours with lines.
    pub fn gaps(&self) -> Vec<Span> {
        let hours: Vec<Micros> = self.hours.keys().copied().collect();
        let far = hours.windows(2).filter(|pair| pair[1] - pair[0] > MICROS_PER_HOUR);
        far.map(|pair| span(pair[0] + MICROS_PER_HOUR, pair[1])).collect()
    }

    fn source(self, server: String, source: Option<String>, open_messages: Option<u64>) -> SourceCoverage {
        let gaps = self.gaps();
        let (first, last) = (self.hours.keys().next().copied(), self.hours.keys().next_back().copied());
        let mut hours = Vec::new();
        if let (Some(first), Some(last)) = (first, last) {
            let begin = first.max(last - (HOURS_MAX as Micros - 1) * MICROS_PER_HOUR);
            let mut at = begin;
            while at <= last {
                let read = self.hours.get(&at);
                hours.push(HourCoverage {
                    from: timestamp(at),
                    lines: read.map(|hour| hour.0),
                    unknown: read.map_or(0, |hour| hour.1),
                });
                at += MICROS_PER_HOUR;
            }
        }
        SourceCoverage {
            source,
            server,
            first_line: self.first.map(timestamp),
            last_line: self.last.map(timestamp),
            lines: self.counts,
            open_messages,
            gaps,
            hours,
        }
    }
}
