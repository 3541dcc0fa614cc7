//! `/coverage`: what was read, what was understood, and what is missing. Every other figure is as good as this page says.

use maud::{Markup, html};
use vigie_charts::{Tone, bars};
use vigie_i18n::Arg;

use crate::asked::Asked;
use crate::backend::{Coverage, LineCounts, SourceCoverage, UnknownShape};
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place};
use crate::parts::{self, foreign, or_dash, picture, span_text};
use crate::reader::Reader;

/// The columns of numbers in the table of sources.
const COUNT_COLUMNS: [&str; 6] = [
    "coverage-read",
    "coverage-understood-column",
    "coverage-ignored",
    "coverage-unknown",
    "coverage-open",
    "coverage-gaps",
];
const REFRESH_MS: u32 = 5_000;
/// Gaps named one by one; the others are counted.
const GAPS_SHOWN_MAX: usize = 20;
/// From this share of unknown lines on, an hour is marked.
const UNKNOWN_SHARE_MARKED: f64 = 0.02;

pub fn page(asked: &Asked, coverage: Coverage) -> Page {
    let reader = &asked.reader;
    let actions = html! { (parts::live_switch(reader)) (parts::copy_link(reader)) };
    Page {
        place: Some(Place::Coverage),
        title: reader.t("coverage-title"),
        actions,
        body: body(asked, &coverage),
        // It is nothing else.
        coverage: None,
    }
}

fn body(asked: &Asked, coverage: &Coverage) -> Markup {
    let reader = &asked.reader;
    if coverage.stored.is_none() {
        return parts::no_data(reader);
    }
    html! {
        (filter_bar(asked, Some(coverage.span), &[]))
        (parts::live(REFRESH_MS, html! {
            @if coverage.sources.is_empty() {
                (parts::nothing_matches(asked, coverage.stored))
            } @else {
                p.answer { (sentence(reader, coverage)) }
                section.card.flush aria-labelledby="sources" {
                    h2.padded #sources { (reader.t("coverage-sources")) }
                    (source_table(asked, &coverage.sources))
                }
                @if coverage.servers_more > 0 { p.warning { (reader.count("and-more", coverage.servers_more)) } }
                (gap_list(reader, &coverage.sources))
                (unknown_shapes(reader, coverage))
            }
        }))
    }
}

fn sentence(reader: &Reader, coverage: &Coverage) -> String {
    let servers = || coverage.sources.iter().filter(|row| row.source.is_none());
    let total = servers().fold(LineCounts::default(), |sum, server| sum.plus(server.lines));
    let understood = total.understood_share().map(|share| reader.pct_of_all(share)).unwrap_or_default();
    let gaps = servers().map(|server| server.gaps.len() as u64).sum();
    let sources = reader.count("count-servers", servers().count() as u64);
    reader.tn(
        "coverage-sentence",
        &[
            ("sources", Arg::Text(&sources)),
            ("lines", Arg::Text(&reader.count("count-lines", total.read))),
            ("share", Arg::Text(&understood)),
            ("unknown", Arg::Text(&reader.int(total.unknown))),
            ("gaps", Arg::Text(&reader.count("count-gaps", gaps))),
        ],
    )
}

fn source_table(asked: &Asked, sources: &[SourceCoverage]) -> Markup {
    let reader = &asked.reader;
    html! {
        div.table-box tabindex="0" role="group" aria-label=(reader.t("coverage-sources")) {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (reader.t("column-server")) }
                        th scope="col" { (reader.t("coverage-span")) }
                        @for key in COUNT_COLUMNS { th.right.wrapped scope="col" { (reader.t(key)) } }
                        th.hours scope="col" { (reader.t("coverage-hours")) }
                    }
                }
                tbody { @for source in sources { (source_row(reader, source)) } }
            }
        }
    }
}

fn source_row(reader: &Reader, source: &SourceCoverage) -> Markup {
    let lines = source.lines;
    html! {
        tr {
            @match &source.source {
                None => { th scope="row" { (foreign(&source.server)) } }
                Some(name) => { th.of-server scope="row" { (source_name(reader, name)) } }
            }
            td.time {
                (or_dash(source.first_line.map(|at| reader.datetime_s(at))))
                span.block { (or_dash(source.last_line.map(|at| reader.datetime_s(at)))) }
            }
            td.right { (reader.int(lines.read)) }
            td.right { (reader.int(lines.understood)) (share_of(reader, lines.understood, lines.read)) }
            td.right { (reader.int(lines.ignored)) (share_of(reader, lines.ignored, lines.read)) }
            td.right.marked[lines.unknown > 0] { @if lines.unknown > 0 { a.number href="#unknown" { (reader.int(lines.unknown)) } } @else { "0" } }
            td.right { (or_dash(source.open_messages.map(|open| reader.int(open)))) }
            td.right.marked[!source.gaps.is_empty()] {
                @if source.gaps.is_empty() { "0" } @else { a.number href="#gaps" { (reader.int(source.gaps.len() as u64)) } }
            }
            td.hours { (picture(hours(reader, source))) }
        }
    }
}

/// Imported files have no name of their own.
fn source_name(reader: &Reader, name: &str) -> Markup {
    if name.is_empty() {
        html! { (reader.t("coverage-files")) }
    } else {
        parts::breakable(name)
    }
}

fn hours(reader: &Reader, source: &SourceCoverage) -> String {
    let max = source.hours.iter().filter_map(|hour| hour.lines).max().unwrap_or(0).max(1) as f64;
    let cells: Vec<bars::Cell> = source
        .hours
        .iter()
        .map(|hour| {
            let lines = hour.lines.map_or_else(|| reader.t("series-gap"), |lines| reader.count("count-lines", lines));
            let doubtful = hour.lines.is_some_and(|lines| hour.unknown as f64 > lines as f64 * UNKNOWN_SHARE_MARKED);
            bars::Cell {
                title: format!("{}: {lines}", reader.datetime(hour.from)),
                level: hour.lines.map(|lines| lines as f64 / max),
                tone: if doubtful { Tone::Waiting } else { Tone::Good },
            }
        })
        .collect();
    bars::strip(
        &reader.tn("coverage-hours-of", &[("server", Arg::Text(source.source.as_deref().unwrap_or(&source.server)))]),
        &cells,
    )
}

fn gap_list(reader: &Reader, sources: &[SourceCoverage]) -> Markup {
    let gaps: Vec<_> = sources.iter().flat_map(|source| source.gaps.iter().map(move |gap| (source, *gap))).collect();
    if gaps.is_empty() {
        return html! {};
    }
    parts::card(
        "gaps",
        &reader.t("coverage-gaps"),
        html! { p.card-note { (reader.t("coverage-gaps-note")) } },
        html! {
            ul.plain {
                @for (source, gap) in gaps.iter().take(GAPS_SHOWN_MAX) {
                    @let length_ms = u64::try_from(gap.until.duration_since(gap.from).as_millis()).unwrap_or(0);
                    li { strong { (foreign(&source.server)) } " " @if let Some(name) = &source.source { (source_name(reader, name)) " " } (span_text(reader, *gap)) " " span.muted { (reader.millis(length_ms)) } }
                }
                @if gaps.len() > GAPS_SHOWN_MAX { li.muted { (reader.count("and-more", (gaps.len() - GAPS_SHOWN_MAX) as u64)) } }
            }
        },
    )
}

fn unknown_shapes(reader: &Reader, coverage: &Coverage) -> Markup {
    parts::card(
        "unknown",
        &reader.t("unknown-title"),
        html! { p.card-note { (reader.t("unknown-note")) } },
        html! {
            @if coverage.unknown_shapes.is_empty() { p.muted { (reader.t("unknown-none")) } }
            @else { ul.shapes { @for shape in &coverage.unknown_shapes { li { (shape_markup(reader, shape)) } } } }
            @if coverage.unknown_shapes_more > 0 { p.muted { (reader.count("and-more", coverage.unknown_shapes_more)) } }
        },
    )
}

fn shape_markup(reader: &Reader, shape: &UnknownShape) -> Markup {
    html! {
        details {
            summary {
                span.shape-count { (reader.int(shape.count)) "×" }
                " " strong { (foreign(&shape.program)) } " " code { (parts::visible(&shape.shape)) }
            }
            p.muted { (reader.tn("unknown-example", &[("server", Arg::Text(&parts::visible(&shape.server)))])) }
            pre.raw tabindex="0" { (parts::visible(&shape.example)) }
        }
    }
}

fn share_of(reader: &Reader, part: u64, whole: u64) -> Markup {
    html! { span.block.muted { (or_dash(share(part, whole).map(|share| reader.pct(share)))) } }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl LineCounts {
    fn plus(self, other: LineCounts) -> LineCounts {
        LineCounts {
            read: self.read + other.read,
            understood: self.understood + other.understood,
            ignored: self.ignored + other.ignored,
            unknown: self.unknown + other.unknown,
        }
    }

    /// Understood, or known to mean nothing for mail.
    fn understood_share(self) -> Option<f64> {
        share(self.understood + self.ignored, self.read)
    }
}
