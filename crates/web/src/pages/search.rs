//! `/search`: the messages that match.

use maud::{Markup, html};

use crate::address::Address;
use crate::asked::Asked;
use crate::backend::{Counted, SearchPage, SearchRow, Sort, Totals};
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place};
use crate::parts::{self, badge, foreign, foreign_or_dash, mailbox, or_dash, pager};
use crate::words;

pub fn page(asked: &Asked, answer: SearchPage) -> Page {
    let reader = &asked.reader;
    let actions = html! {
        (parts::copy_link(reader))
        a.button href=(asked.elsewhere("/search.csv").sort(asked.sort)) download { "CSV" }
    };
    Page {
        place: Some(Place::Search),
        title: reader.t("search-title"),
        actions,
        body: body(asked, &answer),
        coverage: Some(answer.coverage),
    }
}

fn body(asked: &Asked, answer: &SearchPage) -> Markup {
    let listed = match answer.listed {
        Counted::Messages => answer.totals.messages,
        Counted::Deliveries => answer.totals.deliveries,
        Counted::Rejections => answer.totals.rejections,
    };
    html! {
        (filter_bar(asked, Some(answer.span), &[]))
        @if answer.stored.is_some() { (totals(asked, answer.totals)) }
        @if answer.rows.is_empty() {
            (parts::nothing_matches(asked, answer.stored))
        } @else {
            section.card.flush aria-label=(asked.reader.t("search-title")) { (table(asked, &answer.rows, Headings::Sort)) }
            (pager(asked, answer.first, answer.rows.len(), listed, answer.next.as_deref()))
        }
    }
}

/// The numbers that links elsewhere promise.
fn totals(asked: &Asked, totals: Totals) -> Markup {
    let reader = &asked.reader;
    html! {
        p.totals {
            strong #total-messages data-total-messages=(totals.messages) { (reader.count("count-messages", totals.messages)) }
            " · " strong #total-deliveries data-total-deliveries=(totals.deliveries) { (reader.count("count-deliveries", totals.deliveries)) }
            @if totals.rejections > 0 { " · " a href=(asked.elsewhere("/rejections")) data-total-rejections=(totals.rejections) { (reader.count("count-rejections", totals.rejections)) } }
        }
    }
}

/// Do the headings of a list put it in another order?
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Headings {
    Sort,
    Plain,
}

pub fn table(asked: &Asked, rows: &[SearchRow], headings: Headings) -> Markup {
    let reader = &asked.reader;
    html! {
        table.rows.search-rows {
            caption.hidden { (reader.t("search-title")) }
            thead {
                tr {
                    (heading(asked, headings, "column-time", Sort::Newest, Sort::Oldest, ""))
                    th scope="col" { (reader.t("column-sender")) }
                    th scope="col" { (reader.t("column-recipient")) }
                    th scope="col" { (reader.t("column-subject")) }
                    th scope="col" { (reader.t("column-status")) }
                    th scope="col" { (reader.t("column-server")) }
                    (heading(asked, headings, "column-delivery-time", Sort::Slowest, Sort::Slowest, "right"))
                    (heading(asked, headings, "column-size", Sort::Largest, Sort::Largest, "right"))
                }
            }
            tbody { @for row in rows { (row_markup(asked, row)) } }
        }
    }
}

fn heading(asked: &Asked, headings: Headings, key: &str, sort: Sort, opposite: Sort, class: &str) -> Markup {
    match headings {
        Headings::Sort => sort_heading(asked, key, sort, opposite, class),
        Headings::Plain => html! { th.(class) scope="col" { (asked.reader.t(key)) } },
    }
}

/// A heading that sorts; a second time the other way round, where there is one.
fn sort_heading(asked: &Asked, key: &str, sort: Sort, opposite: Sort, class: &str) -> Markup {
    let (current, reader) = (asked.sort, &asked.reader);
    let direction = match current {
        Sort::Oldest if opposite == Sort::Oldest => Some(("ascending", "↑")),
        current if current == sort => Some(("descending", "↓")),
        _ => None,
    };
    let next = if current == sort { opposite } else { sort };
    html! {
        th.(class) scope="col" aria-sort=[direction.map(|(word, _)| word)] {
            a.sort href=(Address::new(&asked.path).filter(&asked.q).period(asked.period).sort(next)) {
                (reader.t(key)) @if let Some((_, arrow)) = direction { " " span aria-hidden="true" { (arrow) } }
            }
        }
    }
}

fn row_markup(asked: &Asked, row: &SearchRow) -> Markup {
    let reader = &asked.reader;
    html! {
        // The script knows by its name which row is new.
        tr data-row={ (parts::visible(&row.id)) " " (parts::visible(&row.recipient)) " " (row.time.as_microsecond()) } {
            td.time {
                // A refused message was never accepted: there is nothing to open.
                @if row.id.is_empty() { (reader.datetime_s(row.time)) }
                @else { a.row-link href=(Address::message(&row.id)) { (reader.datetime_s(row.time)) } }
            }
            td.address title=(parts::visible(&row.sender)) { (mailbox(&row.sender)) }
            td.address title=(parts::visible(&row.recipient)) {
                span.to aria-hidden="true" { "→ " } (mailbox(&row.recipient))
                @if row.recipients_more > 0 { " " span.more { (reader.count("recipients-more", row.recipients_more)) } }
            }
            td.subject title=[row.subject.as_deref().map(parts::visible)] {
                @if let Some(class) = words::class(row.class) { span.class-note { (reader.t(class)) } " " }
                (foreign_or_dash(row.subject.as_deref()))
            }
            td.status { (badge(reader, row.status)) }
            td.server { (foreign(&row.server)) }
            td.right.duration { (or_dash(row.delivery_ms.map(|ms| reader.millis(ms)))) }
            td.right.size { (or_dash(row.bytes.map(|n| reader.bytes(n)))) }
        }
    }
}
