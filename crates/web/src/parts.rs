//! Pieces that several pages share.

use maud::{Markup, PreEscaped, html};
use vigie_i18n::fmt;

use crate::address::Address;
use crate::asked::Asked;
use crate::backend::{Counted, Span, Status};
use crate::period::Period;
use crate::reader::Reader;
use crate::words;

/// Text that strangers wrote: kept apart from the direction of our own, without control characters.
pub fn foreign(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// An address or a host name in a narrow column: lines break behind its dots and its `@`, and not within `[192.0.2.1]:25`.
pub fn breakable(text: &str) -> Markup {
    let text = visible(text);
    let (name, ip) = text.split_at(text.find('[').unwrap_or(text.len()));
    html! {
        bdi {
            @for piece in name.split_inclusive(['@', '.']) { (piece) wbr; }
            @if !ip.is_empty() { span.unbroken { (ip) } }
        }
    }
}

/// Control characters and direction overrides made visible as U+FFFD.
pub fn visible(text: &str) -> String {
    let hidden =
        |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// An address as mail people write it: the empty envelope sender is `<>`.
pub fn mailbox(address: &str) -> Markup {
    if address.is_empty() {
        html! { "<>" }
    } else {
        breakable(address)
    }
}

/// What is asked for again when something changed, at most so often. One on a page.
pub fn live(every_ms: u32, body: Markup) -> Markup {
    html! { div.live #live data-live=(every_ms) { (body) } }
}

/// Says whether the page follows what happens, and stops it: what moves must be able to stand still (WCAG 2.2.2).
pub fn live_switch(reader: &Reader) -> Markup {
    html! {
        button.button.js-only #live-switch type="button" aria-pressed="true" title=(reader.t("live-title"))
            data-on=(reader.t("live-on")) data-off=(reader.t("live-off")) data-lost=(reader.t("live-lost")) { (reader.t("live-on")) }
    }
}

/// Copies the address of the page, period and filter with it.
pub fn copy_link(reader: &Reader) -> Markup {
    html! { button.button.js-only type="button" data-copy-link { (reader.t("copy-link")) } }
}

/// Our own SVG.
pub fn picture(svg: String) -> Markup {
    PreEscaped(svg)
}

pub fn badge(reader: &Reader, status: Status) -> Markup {
    html! { span.badge.(words::status_tone(status).class()) { (reader.t(words::status(status))) } }
}

/// The address behind a figure of this page.
pub fn figure_address(asked: &Asked, counted: Counted, filter: &str) -> Address {
    Address::list(counted).filter(filter).period(asked.period)
}

/// The same, for a part of the period.
pub fn figure_address_in(counted: Counted, filter: &str, span: Span) -> Address {
    Address::list(counted).filter(filter).period(Some(Period::fixed(span.from, span.until)))
}

/// A count that opens.
pub fn count_link(asked: &Asked, n: u64, counted: Counted, filter: &str) -> Markup {
    html! { a.number href=(figure_address(asked, counted, filter)) data-number=(n) data-measure=(measure_word(counted)) { (asked.reader.int(n)) } }
}

/// What a figure counts, for programs that follow it: the page behind the link says the same number under the same word.
pub fn measure_word(counted: Counted) -> &'static str {
    match counted {
        Counted::Messages => "messages",
        Counted::Deliveries => "deliveries",
        Counted::Rejections => "rejections",
    }
}

pub fn or_dash(text: Option<String>) -> Markup {
    match text {
        Some(text) => html! { (text) },
        None => html! { span.muted { (fmt::dash()) } },
    }
}

/// Text that strangers wrote, or a dash.
pub fn foreign_or_dash(text: Option<&str>) -> Markup {
    text.map_or_else(|| or_dash(None), foreign)
}

/// "2026-11-21 04:50 – 2026-11-22 04:50".
pub fn span_text(reader: &Reader, span: Span) -> String {
    format!("{} – {}", reader.datetime(span.from), reader.datetime(span.until))
}

/// A state without rows: why, and what to do next.
pub fn empty(title: &str, text: &str, next: Markup) -> Markup {
    html! {
        div.empty role="status" {
            p.empty-title { (title) }
            p { (text) }
            div.empty-next { (next) }
        }
    }
}

/// Nothing matches: offers to clear the filter and to widen the period to what is stored.
pub fn nothing_matches(asked: &Asked, stored: Option<Span>) -> Markup {
    let reader = &asked.reader;
    let Some(stored) = stored else { return no_data(reader) };
    let text = format!(
        "{} {}",
        reader.t("empty-nothing-text"),
        reader.tn("empty-stored", &[("span", vigie_i18n::Arg::Text(&span_text(reader, stored)))])
    );
    empty(
        &reader.t("empty-nothing-title"),
        &text,
        html! {
            @if !asked.q.is_empty() { a.button href=(asked.with_filter("")) { (reader.t("clear-filter")) } }
            @if asked.period_in_force() != Period::All {
                a.button href=(Address::new(&asked.path).filter(&asked.q).period(Some(Period::All))) { (reader.t("show-all-time")) }
            }
        },
    )
}

/// Nothing was ever read: how to add a source.
pub fn no_data(reader: &Reader) -> Markup {
    empty(
        &reader.t("empty-store-title"),
        &reader.t("empty-store-text"),
        html! {
            pre.command tabindex="0" { code { "vigie import /var/log/mail.log" } }
            a.button href="/help" { (reader.t("nav-help")) }
        },
    )
}

/// "1–50 of 12,000" and the way to the next page.
pub fn pager(asked: &Asked, first: u64, rows: usize, total: u64, next: Option<&str>) -> Markup {
    let reader = &asked.reader;
    let last = (first + rows as u64).saturating_sub(1);
    let args = [
        ("first", vigie_i18n::Arg::Count(first)),
        ("last", vigie_i18n::Arg::Count(last)),
        ("total", vigie_i18n::Arg::Count(total)),
    ];
    html! {
        nav.pager aria-label=(reader.t("pager")) {
            span { (reader.tn("pager-rows", &args)) }
            @if asked.after.is_some() { a.button href=(asked.with_filter(&asked.q)) { (reader.t("pager-first")) } }
            @if let Some(cursor) = next { a.button rel="next" href=(asked.with_filter(&asked.q).after(Some(cursor))) { (reader.t("pager-next")) } }
        }
    }
}

/// A card with a heading.
pub fn card(id: &str, title: &str, aside: Markup, body: Markup) -> Markup {
    html! {
        section.card aria-labelledby=(id) {
            div.card-head { h2 #(id) { (title) } (aside) }
            (body)
        }
    }
}
