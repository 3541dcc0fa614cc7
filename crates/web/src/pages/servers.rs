//! `/servers`: the server table. What each server took, delivered and sent on in the period.

use maud::{Markup, html};

use crate::address::Address;
use crate::asked::Asked;
use crate::backend::{ServerRow, ServerTable};
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place};
use crate::parts::{self, foreign};

/// The columns of numbers: their sum first.
const COLUMNS: [&str; 5] =
    ["servers-global", "servers-from-servers", "servers-from-local", "servers-local-routing", "servers-to-servers"];

pub fn page(asked: &Asked, table: ServerTable) -> Page {
    let reader = &asked.reader;
    let actions = parts::copy_link(reader);
    Page {
        place: Some(Place::Servers),
        title: reader.t("servers-title"),
        actions,
        body: body(asked, &table),
        coverage: Some(table.coverage),
    }
}

fn body(asked: &Asked, table: &ServerTable) -> Markup {
    let reader = &asked.reader;
    if table.stored.is_none() {
        return parts::no_data(reader);
    }
    html! {
        (filter_bar(asked, Some(table.span), &[]))
        @if table.rows.is_empty() {
            (parts::nothing_matches(asked, table.stored))
        } @else {
            @if !asked.q.is_empty() { p.warning { (reader.t("servers-whole")) } }
            section.card.flush aria-label=(reader.t("servers-title")) { (rows(asked, &table.rows)) }
            p.muted { (reader.t("servers-note")) }
        }
    }
}

fn rows(asked: &Asked, rows: &[ServerRow]) -> Markup {
    let reader = &asked.reader;
    html! {
        div.table-box tabindex="0" role="group" aria-label=(reader.t("servers-title")) {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (reader.t("column-server")) }
                        @for key in COLUMNS { th.right.wrapped scope="col" { (reader.t(key)) } }
                    }
                }
                tbody { @for row in rows { (row_markup(asked, row)) } }
            }
        }
    }
}

fn row_markup(asked: &Asked, row: &ServerRow) -> Markup {
    let others = [row.received_from_servers, row.received_from_local, row.local_routing, row.sent_to_servers];
    let messages = Address::new("/search").filter(&row.filter).period(asked.period);
    html! {
        tr {
            th scope="row" { a href=(messages) { (foreign(&row.server)) } }
            td.right { strong { (asked.reader.int(row.global)) } }
            @for count in others { td.right { (asked.reader.int(count)) } }
        }
    }
}
