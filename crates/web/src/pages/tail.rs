//! `/tail`: messages as they come, the newest first, all or those that a filter chooses.

use maud::{Markup, html};

use crate::asked::Asked;
use crate::backend::{Scope, SearchPage};
use crate::filter_bar::filter_box;
use crate::layout::{Page, Place};
use crate::pages::search;
use crate::parts;
use crate::period::Period;

/// Rows of the tail: what a person can follow.
pub const ROWS: u32 = 50;
/// How far it looks back.
const HOURS: u32 = 1;
/// Clocks of servers may be this much ahead of ours.
const AHEAD_HOURS: i64 = 24;
const REFRESH_MS: u32 = 1_000;

/// The last hour, and what servers say comes from the future.
pub fn scope(asked: &Asked, now: jiff::Timestamp) -> Scope {
    let hours = |hours: i64| now.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap_or(now);
    let period = Period::fixed(hours(-i64::from(HOURS)), hours(AHEAD_HOURS));
    Scope { period, ..asked.scope() }
}

pub fn page(asked: &Asked, answer: SearchPage) -> Page {
    let reader = &asked.reader;
    Page {
        place: Some(Place::Tail),
        title: reader.t("tail-title"),
        actions: html! { (parts::live_switch(reader)) (parts::copy_link(reader)) },
        body: body(asked, &answer),
        coverage: Some(answer.coverage),
    }
}

fn body(asked: &Asked, answer: &SearchPage) -> Markup {
    let reader = &asked.reader;
    html! {
        (filter_box(asked, &[]))
        (parts::live(REFRESH_MS, html! {
            @if answer.rows.is_empty() {
                (nothing(asked, answer))
            } @else {
                p.totals {
                    strong { (reader.count("count-messages", answer.totals.messages)) } " " (reader.t("tail-hour"))
                    " · " a href=(asked.elsewhere("/search").period(Some(Period::Last { hours: HOURS }))) { (reader.t("tail-all")) }
                }
                section.card.flush aria-label=(reader.t("tail-title")) { (search::table(asked, &answer.rows, search::Headings::Plain)) }
            }
        }))
    }
}

fn nothing(asked: &Asked, answer: &SearchPage) -> Markup {
    let reader = &asked.reader;
    if answer.stored.is_none() {
        return parts::no_data(reader);
    }
    let next = html! {
        @if !asked.q.is_empty() { a.button href=(asked.with_filter("")) { (reader.t("clear-filter")) } }
        a.button href="/sources" { (reader.t("nav-sources")) }
    };
    parts::empty(&reader.t("tail-nothing-title"), &reader.t("tail-nothing-text"), next)
}
