//! What is inside the message, where a milter looked or a copy was found: its kind, who wrote it, its attachments.

use maud::{Markup, html};

use crate::backend::{Attachment, Content};
use crate::parts::{self, foreign, foreign_or_dash};
use crate::reader::Reader;

pub fn card(reader: &Reader, content: &Content) -> Markup {
    parts::card(
        "content",
        &reader.t("content-title"),
        html! { p.card-note { (reader.count("count-attachments", content.attachments.len() as u64)) } },
        html! {
            (facts(reader, content))
            @if content.is_cut { p.warning { (reader.t("content-cut")) } }
            @if !content.attachments.is_empty() { (attachments(reader, &content.attachments)) }
        },
    )
}

fn facts(reader: &Reader, content: &Content) -> Markup {
    let kinds = kinds(reader, content);
    html! {
        dl.facts {
            div { dt { (reader.t("content-from")) } dd { (foreign_or_dash(Some(&content.header_from))) } }
            div { dt { (reader.t("content-type")) } dd { (foreign_or_dash(Some(&content.media_type))) } }
            @if !kinds.is_empty() { div { dt { (reader.t("content-kind")) } dd { (kinds.join(", ")) } } }
        }
    }
}

/// In words: only what was seen.
fn kinds(reader: &Reader, content: &Content) -> Vec<String> {
    let with = |key: &str, how: &str| if how.is_empty() { String::new() } else { format!("{} ({how})", reader.t(key)) };
    let flag = |key: &str, is: bool| if is { reader.t(key) } else { String::new() };
    let words = [
        flag("content-list", content.is_list),
        flag("content-automatic", content.is_automatic),
        with("content-signed", &content.signed),
        with("content-encrypted", &content.encrypted),
        flag("content-dkim", content.has_dkim),
    ];
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

fn attachments(reader: &Reader, attachments: &[Attachment]) -> Markup {
    html! {
        div.table-box tabindex="0" role="group" aria-labelledby="content" {
            table.rows {
                thead { tr {
                    th scope="col" { (reader.t("column-attachment")) }
                    th.right scope="col" { (reader.t("column-size")) }
                    th scope="col" { (reader.t("column-declared")) }
                    th scope="col" { (reader.t("column-sniffed")) }
                } }
                tbody {
                    @for attachment in attachments {
                        tr {
                            th scope="row" { (foreign_or_dash(Some(&attachment.name))) }
                            td.right { (reader.bytes(attachment.bytes)) }
                            td { (foreign_or_dash(Some(&attachment.declared))) }
                            td { @if attachment.sniffed.is_empty() { (reader.t("sniffed-nothing")) } @else { (foreign(&attachment.sniffed)) } }
                        }
                    }
                }
            }
        }
    }
}
