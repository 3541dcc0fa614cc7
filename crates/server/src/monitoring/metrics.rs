//! What Prometheus scrapes. Names follow its conventions: units last and in the base unit, `_total` for what only grows (the encoder adds it).

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use vigie_model::{MICROS_PER_SECOND, Micros};
use vigie_shipping::{Counters, protocol::Reason};
use vigie_web::backend::{SourceState, Sources};

use crate::pages::{Figures, Pages};

type Labels = Vec<(&'static str, String)>;
type Values = Family<Labels, Gauge<f64, AtomicU64>>;
type Counts = Family<Labels, Counter>;

/// All metrics as text.
pub fn text(pages: &Pages) -> Result<String, String> {
    let figures = pages.figures()?;
    let mut book = Book { registry: Registry::with_prefix("vigie") };
    book.about_the_program();
    book.about_storing(&figures);
    book.about_sources(&figures.sources);
    book.about_queues(&figures);
    book.about_the_door(&figures);
    let mut text = String::new();
    encode(&mut text, &book.registry).map_err(|error| error.to_string())?;
    Ok(text)
}

struct Book {
    registry: Registry,
}

impl Book {
    fn values(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Values::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).set(value);
        }
        self.registry.register(name, help, family);
    }

    fn counts(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Counts::default();
        for (labels, count) in rows {
            family.get_or_create(&labels).inc_by(count);
        }
        self.registry.register(name, help, family);
    }

    fn about_the_program(&mut self) {
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        self.values("build_info", "Version of the program", [(version, 1.0)]);
        if let Some(bytes) = resident_bytes() {
            self.values("resident_memory_bytes", "Memory of the process", [(vec![], bytes as f64)]);
        }
    }

    fn about_storing(&mut self, figures: &Figures) {
        let tables = |value: fn(&vigie_lake::TableSize) -> f64| {
            figures.tables.iter().map(move |table| (vec![("table", table.table.name().to_owned())], value(table)))
        };
        let rows: Vec<_> = tables(|table| table.rows as f64).collect();
        self.values("table_rows", "Rows stored", rows);
        let files: Vec<_> = tables(|table| table.files as f64).collect();
        self.values("table_files", "Data files of the current version", files);
        let bytes: Vec<_> = tables(|table| table.bytes as f64).collect();
        self.values("table_bytes", "Bytes of these files", bytes);
        let Some(condition) = &figures.condition else { return };
        self.counts("ingest_lines", "Lines stored since the start", [(vec![], condition.lines)]);
        self.counts("ingest_commits", "Commits since the start", [(vec![], condition.commits)]);
        let late = "Times that facts were derived anew because lines came late";
        self.counts("ingest_derivations", late, [(vec![], condition.derivations)]);
        self.values("ingest_waiting_bytes", "Bytes that wait to be stored", [(vec![], condition.waiting_bytes as f64)]);
        let last = condition.last_commit.as_secs_f64();
        self.values("ingest_last_commit_seconds", "How long the last commit took", [(vec![], last)]);
        let trouble = f64::from(u8::from(condition.trouble.is_some()));
        self.values("ingest_trouble", "1 while nothing can be stored", [(vec![], trouble)]);
    }

    fn about_sources(&mut self, sources: &Sources) {
        let rows = |value: fn(&vigie_web::backend::SourceRow) -> Option<f64>| -> Vec<_> {
            let of = |row| Some((vec![("source", label(row)), ("collector", sender(row))], value(row)?));
            sources.rows.iter().filter_map(of).collect()
        };
        fn label(row: &vigie_web::backend::SourceRow) -> String {
            row.name.split_once(':').map_or(&*row.name, |(_, label)| label).to_owned()
        }
        fn sender(row: &vigie_web::backend::SourceRow) -> String {
            row.name.split_once(':').map_or("", |(sender, _)| sender).to_owned()
        }
        self.values("source_lines_day", "Lines of the last 24 hours", rows(|row| Some(row.lines as f64)));
        self.values("source_unknown_day", "Of them, lines of unknown shape", rows(|row| Some(row.unknown as f64)));
        self.values("source_lines_per_second", "Over the last minute", rows(|row| row.lines_per_second));
        let lag = "How old the newest line was when it was stored";
        self.values("source_lag_seconds", lag, rows(|row| row.lag_ms.map(|ms| ms as f64 / 1e3)));
        let last = "Time of the newest line";
        self.values("source_last_line_timestamp_seconds", last, rows(|row| row.last_line.map(seconds)));
        self.values(
            "source_gaps_day",
            "Hours without a line, between hours with lines",
            rows(|row| Some(row.gaps as f64)),
        );
        let silent = "1 when it should bring lines and does not";
        self.values(
            "source_silent",
            silent,
            rows(|row| match row.state {
                SourceState::Silent { .. } | SourceState::Away { .. } => Some(1.0),
                SourceState::Live | SourceState::Ahead { .. } => Some(0.0),
                SourceState::Ended => None,
            }),
        );
        let rows = |value: fn(&vigie_web::backend::CollectorRow) -> Option<f64>| -> Vec<_> {
            let of =
                |row: &vigie_web::backend::CollectorRow| Some((vec![("collector", row.name.clone())], value(row)?));
            sources.collectors.iter().filter_map(of).collect()
        };
        let heard = "When it was heard last";
        self.values("collector_last_heard_timestamp_seconds", heard, rows(|row| row.heard.map(seconds)));
        self.values("collector_backlog_bytes", "Bytes that wait there", rows(|row| Some(row.backlog_bytes as f64)));
        self.values(
            "collector_losses",
            "Losses that it knows of since it started",
            rows(|row| Some(row.losses as f64)),
        );
        let ahead = "By how much its clock is ahead";
        self.values("collector_clock_ahead_seconds", ahead, rows(|row| row.clock_ahead_ms.map(|ms| ms as f64 / 1e3)));
    }

    fn about_queues(&mut self, figures: &Figures) {
        let queues = &figures.queues;
        let rows: Vec<_> =
            queues.servers.iter().map(|row| (vec![("server", row.server.clone())], row.deliveries as f64)).collect();
        self.values("queue_deliveries", "Deliveries that wait", rows);
        let now = queues.as_of.as_microsecond();
        let age = |since: jiff::Timestamp| (now - since.as_microsecond()).max(0) as f64 / MICROS_PER_SECOND as f64;
        let rows: Vec<_> =
            queues.servers.iter().map(|row| (vec![("server", row.server.clone())], age(row.oldest))).collect();
        self.values("queue_oldest_seconds", "Age of the oldest of them", rows);
    }

    fn about_the_door(&mut self, figures: &Figures) {
        if figures.doors.is_empty() {
            return;
        }
        let sum = |of: &dyn Fn(&Counters) -> u64| figures.doors.iter().map(|door| of(door)).sum::<u64>();
        let rows = Reason::all()
            .map(|reason| (vec![("reason", reason.name().to_owned())], sum(&|door| door.refused(reason))))
            .collect::<Vec<_>>();
        self.counts("door_refusals", "What collectors and other shippers were refused", rows);
        self.counts("door_chunks", "Chunks taken, repeated ones among them", [(vec![], sum(&Counters::chunks))]);
        self.counts("door_bytes", "Their bytes, unpacked", [(vec![], sum(&Counters::bytes))]);
        self.counts("door_connections", "Connections that got through", [(vec![], sum(&Counters::connections))]);
        self.values("door_open_connections", "Those that are open", [(vec![], sum(&Counters::open) as f64)]);
    }
}

fn seconds(at: jiff::Timestamp) -> f64 {
    let micros: Micros = at.as_microsecond();
    micros as f64 / MICROS_PER_SECOND as f64
}

/// Of this process, where the system tells it.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}
