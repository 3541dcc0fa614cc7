//! `/rejections`: what was refused before the queue, and why.

use maud::{Markup, html};

use crate::asked::Asked;
use crate::backend::{RejectionPage, RejectionRow};
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place};
use crate::pages::ranking;
use crate::parts::{self, foreign, mailbox, or_dash, pager};

const COLUMNS: [&str; 7] = [
    "column-time",
    "column-server",
    "column-client",
    "column-sender",
    "column-recipient",
    "column-code",
    "column-reply",
];

pub fn page(asked: &Asked, answer: RejectionPage) -> Page {
    let reader = &asked.reader;
    let actions = parts::copy_link(reader);
    Page {
        place: Some(Place::Rejections),
        title: reader.t("rejections-title"),
        actions,
        body: body(asked, &answer),
        coverage: Some(answer.coverage),
    }
}

fn body(asked: &Asked, answer: &RejectionPage) -> Markup {
    let reader = &asked.reader;
    html! {
        (filter_bar(asked, Some(answer.span), &[]))
        @if answer.stored.is_some() {
            p.totals { strong #total-rejections data-total-rejections=(answer.total) { (reader.count("count-rejections", answer.total)) } }
        }
        @if answer.rows.is_empty() {
            (parts::nothing_matches(asked, answer.stored))
        } @else {
            @if asked.after.is_none() && !answer.reasons.rows.is_empty() { (ranking::card(asked, &answer.reasons)) }
            section.card.flush aria-label=(reader.t("rejections-title")) { (table(asked, &answer.rows)) }
            (pager(asked, answer.first, answer.rows.len(), answer.total, answer.next.as_deref()))
        }
    }
}

fn table(asked: &Asked, rows: &[RejectionRow]) -> Markup {
    let reader = &asked.reader;
    html! {
        div.table-box tabindex="0" role="group" aria-label=(reader.t("rejections-title")) {
            table.rows {
                thead {
                    tr {
                        @for key in COLUMNS { th scope="col" { (reader.t(key)) } }
                    }
                }
                tbody { @for row in rows { (row_markup(asked, row)) } }
            }
        }
    }
}

fn row_markup(asked: &Asked, row: &RejectionRow) -> Markup {
    let code =
        [row.code.map(|code| code.to_string()), row.dsn.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    html! {
        tr {
            td.time { (asked.reader.datetime_s(row.time)) }
            td.server { (foreign(&row.server)) }
            td.address title=[row.helo.as_deref().map(|helo| format!("HELO {}", parts::visible(helo)))] { (client(row)) }
            td.address { @match &row.sender { Some(sender) => (mailbox(sender)), None => (or_dash(None)) } }
            td.address { @match &row.recipient { Some(recipient) => (mailbox(recipient)), None => (or_dash(None)) } }
            td.code { (or_dash((!code.is_empty()).then_some(code))) }
            td.subject title=(parts::visible(&row.reply)) { (foreign(&row.reply)) }
        }
    }
}

fn client(row: &RejectionRow) -> Markup {
    match (&row.client_name, &row.client_ip) {
        (Some(name), Some(ip)) => html! { (parts::breakable(name)) " " span.muted { (foreign(ip)) } },
        (Some(one), None) | (None, Some(one)) => foreign(one),
        (None, None) => or_dash(None),
    }
}
