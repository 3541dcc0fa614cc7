//! `/sources`: where lines come from, whether they come, and how late.

use maud::{Markup, html};
use vigie_charts::{Tone, sparkline};
use vigie_i18n::{Arg, fmt};

use crate::asked::Asked;
use crate::backend::{CollectorRow, SourceRow, SourceState, Sources};
use crate::layout::{Page, Place};
use crate::parts::{self, foreign, or_dash, picture};
use crate::reader::Reader;

const REFRESH_MS: u32 = 1_000;
/// Servers of one source that are named; the others are counted.
const SERVERS_NAMED_MAX: usize = 8;
/// A clock this far off is marked: lines of two servers are then told in the wrong order.
const CLOCK_MARKED_MS: u64 = 2_000;
/// Less than this ahead is as good as now.
const CLOCK_SHAKES_MS: i64 = 2_000;
/// A source this late is marked.
const LAG_MARKED_MS: i64 = 10_000;

const COLUMNS: [(&str, bool); 9] = [
    ("column-status", false),
    ("sources-rate", true),
    ("sources-last-line", false),
    ("sources-lag", true),
    ("sources-lines", true),
    ("coverage-unknown", true),
    ("coverage-gaps", true),
    ("sources-clock", true),
    ("coverage-hours", false),
];

pub fn page(asked: &Asked, sources: Sources) -> Page {
    let reader = &asked.reader;
    Page {
        place: Some(Place::Sources),
        title: reader.t("sources-title"),
        actions: html! { (parts::live_switch(reader)) (parts::copy_link(reader)) },
        body: parts::live(REFRESH_MS, body(asked, &sources)),
        coverage: None,
    }
}

fn body(asked: &Asked, sources: &Sources) -> Markup {
    let reader = &asked.reader;
    html! {
        @if let Some(trouble) = &sources.trouble {
            p.warning role="alert" { (reader.tn("sources-trouble", &[("why", Arg::Text(&parts::visible(trouble)))])) }
        }
        @if !sources.recounting.is_empty() {
            p.warning { (reader.tn("sources-recounting", &[("servers", Arg::Text(&parts::visible(&sources.recounting.join(", "))))])) }
        }
        @if sources.rows.is_empty() && sources.collectors.is_empty() {
            (none_yet(reader, sources))
        } @else {
            p.answer { (sentence(reader, sources)) }
            section.card.flush aria-labelledby="sources" {
                h2.padded #sources { (reader.t("coverage-sources")) }
                (source_table(reader, sources))
            }
            @if !sources.collectors.is_empty() {
                section.card.flush aria-labelledby="collectors" {
                    h2.padded #collectors { (reader.t("sources-collectors")) }
                    (collector_table(reader, sources))
                }
            }
            p.muted { (reader.t("sources-note")) }
        }
    }
}

fn none_yet(reader: &Reader, sources: &Sources) -> Markup {
    let text = if sources.is_taking { "sources-none-taking" } else { "sources-none-text" };
    let command = if sources.is_taking {
        "vigie collectors add NAME --server HOST:PORT"
    } else {
        "vigie serve --collect 0.0.0.0:8026"
    };
    let next = html! { pre.command tabindex="0" { code { (command) } } a.button href="/coverage" { (reader.t("nav-coverage")) } };
    parts::empty(&reader.t("sources-none-title"), &reader.t(text), next)
}

/// The answer first: is all well, and if not, how many are not.
fn sentence(reader: &Reader, sources: &Sources) -> String {
    let count = |wanted: fn(&SourceState) -> bool| sources.rows.iter().filter(|row| wanted(&row.state)).count() as u64;
    let rate: f64 = sources.rows.iter().filter_map(|row| row.lines_per_second).sum();
    let troubled = count(|state| {
        matches!(state, SourceState::Silent { .. } | SourceState::Away { .. } | SourceState::Ahead { .. })
    });
    let key = match (sources.is_taking, sources.trouble.is_some(), troubled) {
        (false, ..) => "sources-sentence-idle",
        (true, true, _) => "sources-sentence-stuck",
        (true, false, 0) => "sources-sentence",
        (true, false, _) => "sources-sentence-troubled",
    };
    reader.tn(
        key,
        &[
            ("sources", Arg::Text(&reader.count("count-sources", sources.rows.len() as u64))),
            ("rate", Arg::Text(&fmt::dec(reader.lang, rate, usize::from(rate < 100.0)))),
            ("troubled", Arg::Text(&reader.count("count-silent", troubled))),
        ],
    )
}

fn source_table(reader: &Reader, sources: &Sources) -> Markup {
    html! {
        div.table-box tabindex="0" role="group" aria-label=(reader.t("coverage-sources")) {
            table.rows.source-rows {
                thead {
                    tr {
                        th scope="col" { (reader.t("sources-source")) }
                        @for (key, right) in COLUMNS { th.wrapped.right[right] scope="col" { (reader.t(key)) } }
                    }
                }
                tbody { @for row in &sources.rows { (source_row(reader, row)) } }
            }
        }
    }
}

fn source_row(reader: &Reader, row: &SourceRow) -> Markup {
    let hours: Vec<Option<f64>> = row.hours.iter().map(|lines| lines.map(|lines| lines as f64)).collect();
    html! {
        tr {
            th scope="row" {
                (parts::breakable(&row.name))
                @if !row.servers.is_empty() {
                    span.block.muted {
                        (foreign(&row.servers[..row.servers.len().min(SERVERS_NAMED_MAX)].join(", ")))
                        @if row.servers.len() > SERVERS_NAMED_MAX { " " (reader.count("and-more", (row.servers.len() - SERVERS_NAMED_MAX) as u64)) }
                    }
                }
            }
            td.status { (state(reader, row.state)) }
            td.right { (or_dash(row.lines_per_second.map(|rate| fmt::dec(reader.lang, rate, usize::from(rate < 100.0))))) }
            td.time { (or_dash(row.last_line.map(|at| reader.datetime_s(at)))) }
            td.right.marked[row.lag_ms.is_some_and(|lag| lag.abs() > LAG_MARKED_MS)] { (or_dash(row.lag_ms.map(|lag| signed(reader, if lag < -CLOCK_SHAKES_MS { lag } else { lag.max(0) })))) }
            td.right { (reader.int(row.lines)) }
            td.right.marked[row.unknown > 0] { @if row.unknown > 0 { a.number href="/coverage?period=24h#unknown" { (reader.int(row.unknown)) } } @else { "0" } }
            td.right.marked[row.gaps > 0] { @if row.gaps > 0 { a.number href="/coverage?period=24h#gaps" { (reader.int(row.gaps)) } } @else { "0" } }
            td.right.marked[row.clock_ahead_ms.is_some_and(|ahead| ahead.unsigned_abs() > CLOCK_MARKED_MS)] { (or_dash(row.clock_ahead_ms.map(|ahead| signed(reader, ahead)))) }
            td.course { (picture(sparkline::draw(&hours, Tone::Neutral))) }
        }
    }
}

fn state(reader: &Reader, state: SourceState) -> Markup {
    let since = |key: &str, tone: Tone, since: jiff::Timestamp| {
        html! { span.badge.(tone.class()) { (reader.t(key)) } span.block.muted { (reader.tn("sources-since", &[("time", Arg::Text(&reader.datetime_s(since)))])) } }
    };
    match state {
        SourceState::Live => html! { span.badge.(Tone::Good.class()) { (reader.t("sources-live")) } },
        SourceState::Silent { since: at } => since("sources-silent", Tone::Failed, at),
        SourceState::Away { since: at } => since("sources-away", Tone::Failed, at),
        SourceState::Ahead { ms } => html! {
            span.badge.(Tone::Waiting.class()) { (reader.t("sources-ahead")) }
            span.block.muted { (reader.millis(ms)) }
        },
        SourceState::Ended => html! { span.badge.(Tone::Neutral.class()) { (reader.t("sources-ended")) } },
    }
}

fn collector_table(reader: &Reader, sources: &Sources) -> Markup {
    html! {
        div.table-box tabindex="0" role="group" aria-label=(reader.t("sources-collectors")) {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (reader.t("sources-collector")) }
                        th scope="col" { (reader.t("sources-host")) }
                        th scope="col" { (reader.t("sources-heard")) }
                        th.right scope="col" { (reader.t("sources-backlog")) }
                        th.right scope="col" { (reader.t("sources-lost")) }
                        th.right scope="col" { (reader.t("sources-clock")) }
                    }
                }
                tbody { @for row in &sources.collectors { (collector_row(reader, row)) } }
            }
        }
    }
}

fn collector_row(reader: &Reader, row: &CollectorRow) -> Markup {
    html! {
        tr {
            th scope="row" { (foreign(&row.name)) }
            td { (parts::foreign_or_dash(row.host.as_deref())) }
            td.time.marked[row.is_away] { @match row.heard { Some(at) => (reader.datetime_s(at)), None => (reader.t("sources-never")) } }
            td.right { (reader.bytes(row.backlog_bytes)) }
            td.right.marked[row.losses > 0] { @if row.losses > 0 { (reader.int(row.losses)) " · " (reader.bytes(row.lost_bytes)) } @else { "0" } }
            td.right { (or_dash(row.clock_ahead_ms.map(|ahead| signed(reader, ahead)))) }
        }
    }
}

fn signed(reader: &Reader, ms: i64) -> String {
    let text = reader.millis(ms.unsigned_abs());
    if ms < 0 { format!("−{text}") } else { text }
}
