//! Pages for what cannot be answered: what failed, what it means, what to do. The input is kept.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use vigie_i18n::Arg;

use crate::asked::{AddressProblem, Asked, KNOWN_NAMES};
use crate::backend::Failure;
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place};
use crate::parts::{empty, visible};

/// No answer from the backend. One table: kind of failure to HTTP status, log level and words.
pub fn failed(asked: &Asked, place: Place, failure: Failure) -> Response {
    let reader = &asked.reader;
    let again = html! { a.button href=(asked.here()) { (reader.t("try-again")) } };
    match failure {
        Failure::Filter(problems) => {
            let body = html! {
                (filter_bar(asked, None, &problems))
                div.empty-next {
                    a.button href=(asked.with_filter("")) { (reader.t("clear-filter")) }
                    a.button href="/help" { (reader.t("help-filters")) }
                }
            };
            asked.respond(StatusCode::BAD_REQUEST, Page::plain(Some(place), reader.t("error-filter-title"), body))
        }
        Failure::Cursor => {
            let first = html! { a.button href=(asked.with_filter(&asked.q)) { (reader.t("pager-first")) } };
            respond(
                asked,
                Some(place),
                StatusCode::BAD_REQUEST,
                empty(&reader.t("error-cursor-title"), &reader.t("error-cursor-text"), first),
            )
        }
        Failure::Unavailable { what, hint } => {
            tracing::warn!(path = asked.path, what, "page cannot be answered now");
            respond(asked, Some(place), StatusCode::SERVICE_UNAVAILABLE, empty(&what, &hint, again))
        }
        Failure::Internal { what, reference } => {
            tracing::error!(path = asked.path, what, reference, "page failed");
            let text =
                reader.tn("error-internal-text", &[("what", Arg::Text(&what)), ("reference", Arg::Text(&reference))]);
            respond(
                asked,
                Some(place),
                StatusCode::INTERNAL_SERVER_ERROR,
                empty(&reader.t("error-internal-title"), &text, again),
            )
        }
    }
}

/// The address carries something that cannot be meant.
pub fn bad_address(asked: &Asked, problems: &[AddressProblem]) -> Response {
    let reader = &asked.reader;
    let body = html! {
        div.empty role="alert" {
            p.empty-title { (reader.count("error-address-title", problems.len() as u64)) }
            ul.plain { @for problem in problems { li { (address_problem(asked, problem)) } } }
            div.empty-next { a.button href="/" { (reader.t("to-overview")) } }
        }
    };
    respond(asked, None, StatusCode::BAD_REQUEST, body)
}

fn address_problem(asked: &Asked, problem: &AddressProblem) -> String {
    let reader = &asked.reader;
    match problem {
        AddressProblem::UnknownName(name) => reader.tn(
            "error-address-name",
            &[("name", Arg::Text(&visible(name))), ("known", Arg::Text(&KNOWN_NAMES.join(", ")))],
        ),
        AddressProblem::BadValue { name, value } => {
            reader.tn("error-address-value", &[("name", Arg::Text(name)), ("value", Arg::Text(&visible(value)))])
        }
    }
}

pub fn no_such_message(asked: &Asked) -> Response {
    let reader = &asked.reader;
    let next = html! { a.button href="/search" { (reader.t("nav-search")) } a.button href="/coverage" { (reader.t("nav-coverage")) } };
    respond(
        asked,
        Some(Place::Search),
        StatusCode::NOT_FOUND,
        empty(&reader.t("error-message-title"), &reader.t("error-message-text"), next),
    )
}

pub fn no_such_page(asked: &Asked) -> Response {
    let reader = &asked.reader;
    let next = html! { a.button href="/" { (reader.t("to-overview")) } };
    respond(
        asked,
        None,
        StatusCode::NOT_FOUND,
        empty(&reader.t("error-page-title"), &reader.t("error-page-text"), next),
    )
}

fn respond(asked: &Asked, place: Option<Place>, status: StatusCode, body: Markup) -> Response {
    // The filter bar of a page that has none would lead back into the same error.
    let has_filter = status != StatusCode::NOT_FOUND && place.is_some() && !asked.path.starts_with("/message/");
    let body = html! { @if has_filter { (filter_bar(asked, None, &[])) } (body) };
    asked.respond(status, Page::plain(place, asked.reader.t("error-title"), body))
}
