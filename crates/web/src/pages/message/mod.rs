//! `/message/{id}`: where is this message? One sentence, then the path, the recipients, the lines that prove it.

mod content;
mod path;
mod sentence;
mod ticket;

use maud::{Markup, html};
use vigie_i18n::{Arg, fmt};
use vigie_query::{Field, term_text};

use crate::address::Address;
use crate::asked::Asked;
use crate::backend::{LogLine, Message, Recipient};
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place};
use crate::parts::{self, badge, foreign, foreign_or_dash, mailbox, or_dash};
use crate::period::Period;

pub fn page(asked: &Asked, message: Message) -> Page {
    let reader = &asked.reader;
    let title = match message.subject.as_deref().map(str::trim) {
        Some(subject) if !subject.is_empty() => subject.to_owned(),
        _ => reader.t("message-title"),
    };
    let actions = html! {
        (parts::copy_link(reader))
        button.button.primary.js-only type="button" data-copy="ticket" { (reader.t("copy-ticket")) }
    };
    Page { place: Some(Place::Search), title, actions, body: body(asked, &message), coverage: Some(message.coverage) }
}

fn body(asked: &Asked, message: &Message) -> Markup {
    let reader = &asked.reader;
    html! {
        (filter_bar(&asked.on_search(), None, &[]))
        p.answer { (sentence::sentence(reader, message)) }
        @if let Some(reply) = sentence::reply(message) { blockquote.reply { (foreign(reply)) } }
        (facts(asked, message))
        @if !message.hops.is_empty() { (path::card(asked, message)) }
        (recipients(asked, message))
        @if let Some(content) = &message.content { (content::card(reader, content)) }
        (lines(asked, message))
        section.card aria-labelledby="ticket-title" {
            details {
                summary #ticket-title { (reader.t("ticket-title")) }
                textarea #ticket readonly rows="14" aria-labelledby="ticket-title" { (ticket::text(reader, message)) }
            }
        }
    }
}

/// What identifies it; sender and Message-ID find their like, whenever that was.
fn facts(asked: &Asked, message: &Message) -> Markup {
    let reader = &asked.reader;
    let like = |filter: String| Address::new("/search").filter(&filter).period(Some(Period::All));
    let from = if message.sender.is_empty() { "from:<>".to_owned() } else { term_text(Field::From, &message.sender) };
    html! {
        dl.facts {
            div { dt { (reader.t("column-sender")) } dd { a href=(like(from)) { (mailbox(&message.sender)) } } }
            div {
                dt { (reader.t("message-arrival")) }
                dd { (reader.datetime_s(message.first_arrival)) " " span.muted { (fmt::zone(message.first_arrival, &reader.zone)) } }
            }
            @if let Some(bytes) = message.bytes { div { dt { (reader.t("column-size")) } dd { (reader.bytes(bytes)) } } }
            @if let Some(id) = &message.message_id {
                div { dt { "Message-ID" } dd { a href=(like(term_text(Field::MessageId, id))) { (foreign(id)) } } }
            }
        }
    }
}

fn recipients(asked: &Asked, message: &Message) -> Markup {
    let reader = &asked.reader;
    parts::card(
        "recipients",
        &reader.count("recipients-title", message.recipients.len() as u64 + message.recipients_more),
        html! {},
        html! {
            div.table-box tabindex="0" role="group" aria-labelledby="recipients" {
                table.rows {
                    thead { tr {
                        @for key in ["column-recipient", "column-status", "column-time"] { th scope="col" { (reader.t(key)) } }
                        th.right scope="col" { (reader.t("column-delivery-time")) }
                        th.right scope="col" { (reader.t("column-attempts")) }
                        @for key in ["column-server", "column-reply"] { th scope="col" { (reader.t(key)) } }
                    } }
                    tbody { @for recipient in &message.recipients { (recipient_row(asked, recipient)) } }
                }
            }
            @if message.recipients_more > 0 { p.muted { (reader.count("and-more", message.recipients_more)) } }
        },
    )
}

fn recipient_row(asked: &Asked, recipient: &Recipient) -> Markup {
    let reader = &asked.reader;
    let code = recipient.dsn.as_deref().unwrap_or_default();
    html! {
        tr {
            th scope="row" {
                (mailbox(&recipient.address))
                @if let Some(original) = recipient.original.as_deref().map(parts::visible) {
                    span.block.muted { (reader.tn("recipient-original", &[("address", Arg::Text(&original))])) }
                }
            }
            td { (badge(reader, recipient.status)) }
            td.time { (or_dash(recipient.time.map(|at| reader.datetime_s(at)))) }
            td.right { (or_dash(recipient.delivery_ms.map(|ms| reader.millis(ms)))) }
            td.right { (or_dash((recipient.attempts > 0).then(|| reader.int(u64::from(recipient.attempts))))) }
            td.given-to {
                (foreign_or_dash(recipient.server.as_deref()))
                @if let Some(relay) = &recipient.relay { span.block.muted { "→ " (parts::breakable(relay)) } }
            }
            td.reply-cell {
                @if !code.is_empty() { strong { (foreign(code)) } " " }
                @if code.is_empty() || recipient.reply.is_some() { (foreign_or_dash(recipient.reply.as_deref())) }
            }
        }
    }
}

fn lines(asked: &Asked, message: &Message) -> Markup {
    let reader = &asked.reader;
    let aside = html! { button.button.js-only type="button" data-copy="lines" { (reader.t("copy-lines")) } };
    parts::card(
        "lines-title",
        &reader.t("lines-title"),
        aside,
        html! {
            @if message.lines.is_empty() { p.muted { (reader.t("lines-none")) } }
            @else {
                div.table-box tabindex="0" role="group" aria-labelledby="lines-title" {
                    table.raw-lines { tbody #lines { @for line in &message.lines { (line_row(message, line)) } } }
                }
                @if message.lines_more > 0 { p.muted { (reader.count("and-more", message.lines_more)) } }
            }
        },
    )
}

fn line_row(message: &Message, line: &LogLine) -> Markup {
    let hop = line.hop.filter(|hop| *hop < message.hops.len());
    html! {
        tr {
            td.line-hop { @if let Some(hop) = hop { a href={ "#hop-" (hop + 1) } { (hop + 1) } } }
            th scope="row" title=(parts::visible(&line.source)) { (foreign(&line.server)) }
            td { code { (parts::visible(&line.text)) } }
        }
    }
}
