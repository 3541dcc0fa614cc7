//! Outcomes over time: the picture, its legend, and the same as a table.

use maud::{Markup, html};
use vigie_charts::time_series::{Bucket, Series, Tick, TimeSeries as Chart};

use crate::asked::Asked;
use crate::backend::{Counted, Span, TimeSeries};
use crate::parts::{self, figure_address, figure_address_in, measure_word, picture};
use crate::reader::Reader;
use crate::{time_axis, words};

const HOURS_PER_DAY: i64 = 24;

pub fn card(asked: &Asked, series: &TimeSeries, span: Span) -> Markup {
    let reader = &asked.reader;
    let title = reader.t("series-title");
    parts::card(
        "series",
        &title,
        legend(asked, series),
        html! {
            div.chart-box.has-y-axis { (picture(chart(asked, series, span, &title).draw(|count| reader.compact(count)))) }
            details.twin { summary { (reader.t("show-table")) } (table(asked, series)) }
        },
    )
}

/// Each name filters.
fn legend(asked: &Asked, series: &TimeSeries) -> Markup {
    let reader = &asked.reader;
    html! {
        ul.legend {
            @for one in &series.series {
                @let tone = words::status_tone(one.status);
                li {
                    a.(tone.class()) href=(figure_address(asked, one.counted, &one.filter)) { span.swatch {} (reader.t(words::status(one.status))) }
                }
            }
        }
    }
}

fn chart(asked: &Asked, series: &TimeSeries, span: Span, label: &str) -> Chart {
    let reader = &asked.reader;
    Chart {
        label: label.to_owned(),
        buckets: (0..series.buckets.len())
            .map(|at| Bucket { title: title(reader, series, at), href: bucket_address(asked, series, at) })
            .collect(),
        series: series
            .series
            .iter()
            .map(|one| Series { tone: words::status_tone(one.status), values: one.values.clone() })
            .collect(),
        ticks: time_axis::ticks(drawn_span(series, span), reader.lang, &reader.zone)
            .into_iter()
            .map(|(at, label)| Tick { at, label })
            .collect(),
    }
}

/// The axis begins where the first bucket begins, which may be a little before the period.
fn drawn_span(series: &TimeSeries, span: Span) -> Span {
    Span { from: series.buckets.first().copied().unwrap_or(span.from), until: series.until.max(span.from) }
}

/// Time, then a line per series from the top of the picture down.
fn title(reader: &Reader, series: &TimeSeries, at: usize) -> String {
    let mut lines = vec![bucket_name(reader, bucket_span(series, at))];
    let known: Vec<_> = series
        .series
        .iter()
        .rev()
        .filter_map(|one| Some((one.status, one.values.get(at).copied().flatten()?)))
        .collect();
    if known.is_empty() {
        lines.push(reader.t("series-gap"));
    }
    lines.extend(
        known.into_iter().map(|(status, count)| format!("{}: {}", reader.t(words::status(status)), reader.int(count))),
    );
    lines.join("\n")
}

fn bucket_name(reader: &Reader, span: Span) -> String {
    let length = span.until.duration_since(span.from);
    if length.as_hours() >= HOURS_PER_DAY {
        reader.date(span.from)
    } else if length.as_mins() < 1 {
        format!("{} – {}", reader.datetime_s(span.from), reader.time_s(span.until))
    } else {
        format!("{} – {}", reader.datetime(span.from), reader.time(span.until))
    }
}

fn bucket_span(series: &TimeSeries, at: usize) -> Span {
    let from = series.buckets.get(at).copied().unwrap_or(series.until);
    Span { from, until: series.buckets.get(at + 1).copied().unwrap_or(series.until) }
}

/// All that happened in the bucket.
fn bucket_address(asked: &Asked, series: &TimeSeries, at: usize) -> String {
    figure_address_in(Counted::Messages, &asked.q, bucket_span(series, at)).to_string()
}

fn table(asked: &Asked, series: &TimeSeries) -> Markup {
    let reader = &asked.reader;
    html! {
        div.table-box tabindex="0" role="group" aria-label=(reader.t("series-title")) {
            table {
                thead {
                    tr {
                        th scope="col" { (reader.t("column-time")) }
                        @for one in &series.series { th.right scope="col" { (reader.t(words::status(one.status))) } }
                    }
                }
                tbody {
                    @for at in 0..series.buckets.len() {
                        @let span = bucket_span(series, at);
                        tr {
                            th scope="row" { (bucket_name(reader, span)) }
                            @for one in &series.series {
                                td.right {
                                    @match one.values.get(at).copied().flatten() {
                                        Some(count) => { a.number href=(figure_address_in(one.counted, &one.filter, span)) data-number=(count) data-measure=(measure_word(one.counted)) { (reader.int(count)) } }
                                        None => { span.muted { (reader.t("series-gap")) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
