//! `/queues`: what waits where, since when, for whom and why.

use jiff::SignedDuration;
use maud::{Markup, html};
use vigie_i18n::Arg;

use crate::asked::Asked;
use crate::backend::{Counted, QUEUE_AGES_S, QueueGroup, QueueServer, Queues, Status};
use crate::filter_bar::filter_box;
use crate::layout::{Page, Place};
use crate::parts::{self, badge, foreign};
use crate::period::Period;
use crate::reader::Reader;

const REFRESH_MS: u32 = 3_000;
const AGE_HEADINGS: [&str; QUEUE_AGES_S.len() + 1] =
    ["queues-age-5m", "queues-age-1h", "queues-age-6h", "queues-age-24h", "queues-age-older"];

pub fn page(asked: &Asked, queues: Queues) -> Page {
    let reader = &asked.reader;
    Page {
        place: Some(Place::Queues),
        title: reader.t("queues-title"),
        actions: html! { (parts::live_switch(reader)) (parts::copy_link(reader)) },
        body: body(asked, &queues),
        coverage: Some(queues.coverage),
    }
}

fn body(asked: &Asked, queues: &Queues) -> Markup {
    let reader = &asked.reader;
    if queues.stored.is_none() {
        return parts::no_data(reader);
    }
    html! {
        (filter_box(asked, &[]))
        (parts::live(REFRESH_MS, html! {
            (sentence(asked, queues))
            @if !queues.servers.is_empty() {
                section.card.flush aria-labelledby="queue-servers" {
                    h2.padded #queue-servers { (reader.t("queues-servers")) }
                    (servers(asked, queues))
                }
            }
            @if !queues.groups.is_empty() {
                section.card.flush aria-labelledby="queue-groups" {
                    h2.padded #queue-groups { (reader.t("queues-groups")) }
                    (groups(asked, queues))
                }
            }
            @if queues.groups_more > 0 { p.muted { (reader.count("and-more", queues.groups_more)) } }
            @if queues.unseen > 0 { p.warning { (reader.count("queues-unseen", queues.unseen)) } }
        }))
    }
}

/// The answer first.
fn sentence(asked: &Asked, queues: &Queues) -> Markup {
    let reader = &asked.reader;
    let oldest = queues.servers.iter().map(|server| server.oldest).min();
    html! {
        p.answer {
            @if let Some(oldest) = oldest {
                (reader.tn("queues-sentence", &[
                    ("deliveries", Arg::Text(&reader.count("count-deliveries", queues.deliveries))),
                    ("servers", Arg::Text(&reader.count("count-servers", queues.servers.len() as u64))),
                    ("since", Arg::Text(&reader.datetime(oldest))),
                    ("age", Arg::Text(&age(reader, queues.as_of, oldest))),
                ]))
            } @else { (reader.t("queues-none")) }
        }
    }
}

fn servers(asked: &Asked, queues: &Queues) -> Markup {
    let reader = &asked.reader;
    html! {
        div.table-box tabindex="0" role="group" aria-label=(reader.t("queues-servers")) {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (reader.t("column-server")) }
                        th.right scope="col" { (reader.t("queues-waiting")) }
                        th.right scope="col" { (reader.t("queues-held")) }
                        th scope="col" { (reader.t("queues-oldest")) }
                    }
                }
                tbody { @for server in &queues.servers { (server_row(asked, queues, server)) } }
            }
        }
    }
}

fn server_row(asked: &Asked, queues: &Queues, server: &QueueServer) -> Markup {
    let reader = &asked.reader;
    html! {
        tr {
            th scope="row" { (foreign(&server.server)) }
            td.right { (waiting_link(reader, server.deliveries, &server.filter, Period::All)) }
            td.right { (reader.int(server.held)) }
            td { (reader.datetime(server.oldest)) " " span.muted { (age(reader, queues.as_of, server.oldest)) } }
        }
    }
}

fn groups(asked: &Asked, queues: &Queues) -> Markup {
    let reader = &asked.reader;
    html! {
        div.table-box tabindex="0" role="group" aria-label=(reader.t("queues-groups")) {
            table.rows.queue-rows {
                thead {
                    tr {
                        th scope="col" { (reader.t("queues-to")) }
                        th scope="col" { (reader.t("column-server")) }
                        th scope="col" { (reader.t("queues-why")) }
                        th.right scope="col" { (reader.t("queues-waiting")) }
                        @for key in AGE_HEADINGS { th.right scope="col" { (reader.t(key)) } }
                        th scope="col" { (reader.t("queues-oldest")) }
                        th.right scope="col" { (reader.t("column-attempts")) }
                    }
                }
                tbody { @for group in &queues.groups { (group_row(asked, queues, group)) } }
            }
        }
    }
}

fn group_row(asked: &Asked, queues: &Queues, group: &QueueGroup) -> Markup {
    let reader = &asked.reader;
    html! {
        tr {
            th scope="row" {
                @if group.domain.is_empty() { (reader.t("unknown")) } @else { (parts::breakable(&group.domain)) }
                @if let Some(next) = &group.next_hop { span.block.muted { "→ " (parts::breakable(next)) } }
            }
            td { (foreign(&group.server)) }
            td.why { (why(reader, group)) }
            td.right { (waiting_link(reader, group.deliveries, &group.filter, Period::All)) }
            @for (at, count) in group.ages.iter().enumerate() {
                td.right.marked[at == group.ages.len() - 1 && *count > 0] {
                    @if *count == 0 { span.muted { "0" } }
                    @else { (waiting_link(reader, *count, &group.filter, period_of_age(queues, at))) }
                }
            }
            td { (reader.datetime(group.oldest)) span.block.muted { (age(reader, queues.as_of, group.oldest)) } }
            td.right { (reader.int(u64::from(group.attempts_max))) }
        }
    }
}

fn why(reader: &Reader, group: &QueueGroup) -> Markup {
    html! {
        @if group.status == Status::Held { (badge(reader, group.status)) " " }
        @match (&group.dsn, &group.reply) {
            (None, None) => { span.muted { (reader.t("queues-untried")) } }
            // The next server took it, and has not said more.
            (Some(dsn), _) if dsn.starts_with("2.") => { span.muted { (reader.t("queues-handed")) } }
            (dsn, reply) => { @if let Some(dsn) = dsn { strong { (foreign(dsn)) } " " } @if let Some(reply) = reply { (foreign(reply)) } }
        }
    }
}

fn waiting_link(reader: &Reader, count: u64, filter: &str, period: Period) -> Markup {
    let address = crate::address::Address::list(Counted::Deliveries).filter(filter).period(Some(period));
    html! { a.number href=(address) data-number=(count) data-measure=(parts::measure_word(Counted::Deliveries)) { (reader.int(count)) } }
}

/// When that arrived which is so old now.
fn period_of_age(queues: &Queues, at: usize) -> Period {
    let before =
        |seconds: i64| queues.as_of.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(jiff::Timestamp::MIN);
    let from = QUEUE_AGES_S.get(at).map_or(jiff::Timestamp::MIN, |&seconds| before(seconds));
    let until = at.checked_sub(1).map_or(before(-24 * 3_600), |younger| before(QUEUE_AGES_S[younger]));
    Period::fixed(from.max(jiff::Timestamp::UNIX_EPOCH), until)
}

fn age(reader: &Reader, now: jiff::Timestamp, since: jiff::Timestamp) -> String {
    reader.millis(u64::try_from(now.duration_since(since).as_millis()).unwrap_or(0))
}
