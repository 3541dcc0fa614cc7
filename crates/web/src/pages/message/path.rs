//! The path of a message: the picture, and the same as a list with how each step is known.

use maud::{Markup, html};
use vigie_charts::hops::{HopTimeline, Lane, Tick};
use vigie_charts::{Tone, nice_ticks};
use vigie_i18n::Arg;

use crate::asked::Asked;
use crate::backend::{Hop, HopLink, Message};
use crate::parts::{self, foreign, or_dash, picture};
use crate::reader::Reader;
use crate::words;

const TICKS: usize = 4;
const MS_PER_S: f64 = 1000.0;
/// Steps of the clock, so that an axis of hours has no tick at "2 h 46 min".
const STEPS_S: [f64; 14] = [
    60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0,
    432_000.0,
];

pub fn card(asked: &Asked, message: &Message) -> Markup {
    let reader = &asked.reader;
    let guessed = message.hops.iter().any(|hop| hop.link == HopLink::MessageId);
    parts::card(
        "path",
        &reader.t("path-title"),
        html! { p.card-note { (reader.count("count-hops", message.hops.len() as u64)) } },
        html! {
            div.chart-box { (picture(timeline(reader, message).draw())) }
            @if guessed { p.warning { (reader.t("path-guessed")) } }
            ol.hops { @for (at, hop) in message.hops.iter().enumerate() { (hop_item(reader, message, at, hop)) } }
        },
    )
}

fn timeline(reader: &Reader, message: &Message) -> HopTimeline {
    let whole_ms = whole_ms(message);
    let place = |at: jiff::Timestamp| since_ms(message, at) / whole_ms;
    let lanes = message.hops.iter().enumerate().map(|(at, hop)| Lane {
        label: name(hop),
        note: stay(reader, hop),
        title: format!("{} {} · {}", name(hop), stay(reader, hop), reader.t(words::hop_role(hop.role))),
        begin: place(hop.time_in),
        end: hop.time_out.map(place),
        previous: hop.previous,
        tone: if hop.time_out.is_some() { Tone::Good } else { Tone::Waiting },
        href: format!("#hop-{}", at + 1),
    });
    HopTimeline { label: reader.t("path-title"), lanes: lanes.collect(), ticks: ticks(reader, whole_ms) }
}

fn ticks(reader: &Reader, whole_ms: f64) -> Vec<Tick> {
    let times = match STEPS_S.into_iter().map(|step| step * MS_PER_S).find(|step| whole_ms / step <= TICKS as f64) {
        Some(step_ms) if whole_ms > 60.0 * MS_PER_S => (0..=TICKS).map(|n| n as f64 * step_ms).collect(),
        _ => nice_ticks(whole_ms, TICKS),
    };
    let label = |ms: f64| if ms == 0.0 { "0".to_owned() } else { format!("+{}", reader.millis(ms as u64)) };
    times.into_iter().filter(|ms| *ms <= whole_ms).map(|ms| Tick { at: ms / whole_ms, label: label(ms) }).collect()
}

/// From the first arrival to the last thing known; never 0.
fn whole_ms(message: &Message) -> f64 {
    let open = message.hops.iter().any(|hop| hop.time_out.is_none());
    let ends = message.hops.iter().filter_map(|hop| hop.time_out).chain(message.hops.iter().map(|hop| hop.time_in));
    let last = ends.chain(open.then_some(message.as_of)).max().unwrap_or(message.first_arrival);
    since_ms(message, last).max(1.0)
}

fn since_ms(message: &Message, at: jiff::Timestamp) -> f64 {
    at.duration_since(message.first_arrival).as_secs_f64() * MS_PER_S
}

fn name(hop: &Hop) -> String {
    match &hop.queue_id {
        Some(id) => format!("{} · {id}", hop.server),
        None => hop.server.clone(),
    }
}

fn stay(reader: &Reader, hop: &Hop) -> String {
    match hop.time_out {
        Some(out) => reader.millis(u64::try_from(out.duration_since(hop.time_in).as_millis()).unwrap_or(0)),
        None => reader.t("hop-open"),
    }
}

fn hop_item(reader: &Reader, message: &Message, at: usize, hop: &Hop) -> Markup {
    let before = hop.previous.filter(|previous| *previous != at && *previous < message.hops.len());
    html! {
        li id={ "hop-" (at + 1) } {
            div.hop-head {
                strong { (foreign(&hop.server)) }
                " " @if let Some(id) = &hop.queue_id { code { (parts::visible(id)) } }
                " " span.hop-role { (reader.t(words::hop_role(hop.role))) }
            }
            div.hop-facts {
                span { (reader.datetime_s(hop.time_in)) " → " (or_dash(hop.time_out.map(|at| reader.time_s(at)))) " (" (stay(reader, hop)) ")" }
                @if let Some(client) = &hop.client { span { (reader.tn("hop-client", &[("client", Arg::Text(&parts::visible(client)))])) } }
                @if let Some(step) = before.map(|before| before + 1) {
                    a href={ "#hop-" (step) } { (reader.tn("hop-previous", &[("step", Arg::Text(&step.to_string()))])) }
                }
                span.muted { (reader.t(words::hop_link(hop.link))) }
            }
        }
    }
}
