//! The top values of a dimension: a card of the overview, and `/top/{dimension}`, its long form.

use maud::{Markup, html};
use vigie_charts::{Tone, bars, sparkline};

use crate::address::Address;
use crate::asked::Asked;
use crate::backend::{Dimension, RankRow, Ranking};
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place};
use crate::parts::{self, count_link, mailbox, picture};
use crate::words;

/// Rows in a card of the overview.
const CARD_ROWS: usize = 8;
/// From here on the share of failures is marked.
const FAILED_SHARE_MARKED: f64 = 0.1;

pub fn page(asked: &Asked, ranking: Ranking) -> Page {
    let reader = &asked.reader;
    let body = html! {
        (filter_bar(asked, None, &[]))
        @if ranking.rows.is_empty() { (nothing(asked)) }
        @else { section.card aria-label=(reader.t(words::dimension_title(ranking.by))) { (table(asked, &ranking, ranking.rows.len())) } }
    };
    let title = reader.t(words::dimension_title(ranking.by));
    Page { coverage: ranking.coverage, ..Page::plain(Some(Place::Overview), title, body) }
}

fn nothing(asked: &Asked) -> Markup {
    let reader = &asked.reader;
    let next = html! { a.button href=(asked.with_filter("")) { (reader.t("clear-filter")) } };
    parts::empty(&reader.t("empty-nothing-title"), &reader.t("empty-nothing-text"), next)
}

pub fn card(asked: &Asked, ranking: &Ranking) -> Markup {
    let reader = &asked.reader;
    let path = words::dimension_path(ranking.by);
    let all = Address::new(format!("/top/{path}")).filter(&asked.q).period(asked.period);
    let aside = html! { @if ranking.groups > 0 { a href=(all) { (reader.count("see-all", ranking.groups)) } } };
    parts::card(
        &format!("top-{path}"),
        &reader.t(words::dimension_title(ranking.by)),
        aside,
        html! {
            @if ranking.rows.is_empty() { p.muted { (reader.t("ranking-empty")) } } @else { (table(asked, ranking, CARD_ROWS)) }
        },
    )
}

/// Label with a bar behind it, count, share of failures, course.
pub fn table(asked: &Asked, ranking: &Ranking, rows_max: usize) -> Markup {
    let reader = &asked.reader;
    let max = ranking.rows.iter().map(|row| row.count).max().unwrap_or(0).max(1);
    let failures = ranking.rows.iter().any(|row| row.failed_share.is_some());
    let course = ranking.rows.iter().any(|row| !row.spark.is_empty());
    html! {
        table.ranking {
            thead {
                tr {
                    th scope="col" { (reader.t(words::dimension_column(ranking.by))) }
                    th.right scope="col" { (reader.t(words::counted_heading(ranking.counted))) }
                    @if failures { th.right scope="col" { (reader.t("column-failed")) } }
                    @if course { th.course scope="col" { (reader.t("column-course")) } }
                }
            }
            tbody { @for row in ranking.rows.iter().take(rows_max) { (ranking_row(asked, ranking, row, max, failures, course)) } }
        }
    }
}

fn ranking_row(asked: &Asked, ranking: &Ranking, row: &RankRow, max: u64, failures: bool, course: bool) -> Markup {
    let label = match ranking.by {
        Dimension::Sender => mailbox(&row.label),
        _ if row.label.is_empty() => html! { (asked.reader.t("unknown")) },
        Dimension::RecipientDomain => parts::breakable(&row.label),
        Dimension::RejectReason => parts::foreign(&row.label),
    };
    html! {
        tr {
            th.bar-cell scope="row" title=(parts::visible(&row.label)) { (picture(bars::behind(row.count as f64 / max as f64))) span { (label) } }
            td.right { (count_link(asked, row.count, ranking.counted, &row.filter)) }
            @if failures {
                @let marked = row.failed_share.is_some_and(|share| share >= FAILED_SHARE_MARKED);
                td.right.marked[marked] { (parts::or_dash(row.failed_share.map(|share| asked.reader.pct(share)))) }
            }
            @if course { td.course { (picture(sparkline::draw(&row.spark, Tone::Neutral))) } }
        }
    }
}
