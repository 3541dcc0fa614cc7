//! `/`: how the mail flows.

mod flow;
mod series;
mod tiles;

use maud::{Markup, html};
use vigie_i18n::Arg;

use crate::address::Address;
use crate::asked::Asked;
use crate::backend::Overview;
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place, coverage_text};
use crate::pages::ranking;
use crate::parts;
use crate::period::Period;

/// The figures are asked for again this often at most.
const REFRESH_MS: u32 = 2_000;

pub fn page(asked: &Asked, overview: Overview) -> Page {
    let reader = &asked.reader;
    Page {
        place: Some(Place::Overview),
        title: reader.t("overview-title"),
        actions: actions(asked, &overview),
        body: body(asked, &overview),
        // It stands under the key figures.
        coverage: None,
    }
}

fn body(asked: &Asked, overview: &Overview) -> Markup {
    if overview.stored.is_none() {
        return parts::no_data(&asked.reader);
    }
    html! {
        (filter_bar(asked, Some(overview.span), &[]))
        (parts::live(REFRESH_MS, html! {
            @if is_empty(overview) {
                (parts::nothing_matches(asked, overview.stored))
                (coverage_line(asked, overview))
            } @else {
                (tiles::tiles(asked, &overview.tiles))
                (coverage_line(asked, overview))
                (series::card(asked, &overview.series, overview.span))
                (flow::card(asked, &overview.flows))
                div.rankings { @for one in &overview.rankings { (ranking::card(asked, one)) } }
            }
        }))
    }
}

/// No bucket counts anything.
fn is_empty(overview: &Overview) -> bool {
    overview.series.series.iter().all(|series| series.values.iter().flatten().all(|count| *count == 0))
}

/// The same page with its period fixed, for a ticket or a mail; and the list behind it.
fn actions(asked: &Asked, overview: &Overview) -> Markup {
    let reader = &asked.reader;
    let fixed =
        Address::new(&asked.path).filter(&asked.q).period(Some(Period::fixed(overview.span.from, overview.span.until)));
    html! {
        (parts::live_switch(reader))
        (parts::copy_link(reader))
        a.button href=(fixed) title=(reader.t("fix-period-title")) { (reader.t("fix-period")) }
        a.button href=(asked.elsewhere("/search.csv")) download { "CSV" }
    }
}

/// No figure without its coverage.
fn coverage_line(asked: &Asked, overview: &Overview) -> Markup {
    let (reader, coverage) = (&asked.reader, &overview.coverage);
    html! {
        p.coverage-line {
            a href=(asked.elsewhere("/coverage")) { (coverage_text(reader, coverage)) }
            " · " (reader.tn("updated", &[("time", Arg::Text(&reader.time_s(overview.updated)))]))
        }
    }
}
