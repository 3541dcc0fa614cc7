//! `/help`: the filter language, the keys, the counting rules.

use maud::{Markup, html};
use vigie_query::{FieldInfo, Kind};

use crate::address::Address;
use crate::asked::Asked;
use crate::filter_bar::filter_bar;
use crate::layout::{Page, Place, keys_list};
use crate::parts;
use crate::reader::Reader;

/// Filters worth knowing, with the key of what they find.
const EXAMPLES: [(&str, &str); 8] = [
    ("marie@example.org", "example-address"),
    ("from:@example.com to:*@partner.example", "example-domain"),
    ("status:bounced,expired", "example-failed"),
    ("status:deferred delay>30min", "example-waiting"),
    ("subject:\"invoice\" size>2MB", "example-subject"),
    ("server:mx1 -class:probe", "example-server"),
    ("dsn:5.1.1 on:yesterday", "example-dsn"),
    ("(from:a@example.org or from:b@example.org) attempts>1", "example-or"),
];

const COUNTING: [&str; 6] =
    ["counting-message", "counting-delivery", "counting-hop", "counting-time", "counting-class", "counting-filtered"];

pub fn page(asked: &Asked) -> Page {
    let reader = &asked.reader;
    let body = html! {
        (filter_bar(&asked.on_search(), None, &[]))
        (parts::card("language", &reader.t("help-language"), html! {}, html! { p { (reader.t("help-language-text")) } (examples(reader)) }))
        (parts::card("fields", &reader.t("help-fields"), html! {}, fields(reader)))
        (parts::card("periods", &reader.t("help-periods"), html! {}, periods(reader)))
        (parts::card("counting", &reader.t("help-counting"), html! {}, html! { ul.prose { @for key in COUNTING { li { (reader.t(key)) } } } }))
        (parts::card("shortcuts", &reader.t("keys-title"), html! {}, keys_list(asked)))
    };
    Page::plain(Some(Place::Help), reader.t("help-title"), body)
}

fn examples(reader: &Reader) -> Markup {
    html! {
        ul.examples {
            @for (filter, key) in EXAMPLES { li { a href=(Address::new("/search").filter(filter)) { code { (filter) } } " " span { (reader.t(key)) } } }
        }
    }
}

fn fields(reader: &Reader) -> Markup {
    html! {
        div.table-box tabindex="0" role="group" aria-labelledby="fields" {
            table.rows {
                thead { tr { @for key in ["help-field", "help-meaning", "help-values"] { th scope="col" { (reader.t(key)) } } } }
                tbody { @for field in vigie_query::fields() { (field_row(reader, field)) } }
            }
        }
    }
}

fn field_row(reader: &Reader, field: &FieldInfo) -> Markup {
    html! {
        tr {
            th scope="row" { code { (field.name) } @if !field.aliases.is_empty() { span.block.muted { (field.aliases.join(", ")) } } }
            td { (reader.t(&format!("field-{}", field.name))) }
            td { (values(reader, field.kind)) }
        }
    }
}

fn values(reader: &Reader, kind: Kind) -> Markup {
    let example = |text: &str| html! { code { (text) } };
    match kind {
        Kind::Words(words) => {
            html! { @for (at, word) in words.iter().enumerate() { @if at > 0 { ", " } code { (word.name) } } }
        }
        Kind::Flag => html! { code { "yes" } ", " code { "no" } },
        Kind::Bytes => example(">2MB"),
        Kind::Duration => example(">30s"),
        Kind::Number => example(">20"),
        Kind::Address => html! { code { ":@example.org" } ", " code { ":marie*" } },
        Kind::Dotted | Kind::Identifier | Kind::Text | Kind::Anything => html! { (reader.t("help-text-value")) },
    }
}

fn periods(reader: &Reader) -> Markup {
    html! {
        p { (reader.t("help-periods-text")) }
        ul.examples { @for period in vigie_query::periods() { li { code { (period.example) } } } }
    }
}
