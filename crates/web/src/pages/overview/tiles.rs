//! The figures at the top: label, value, change, course.

use maud::{Markup, html};
use vigie_charts::sparkline;
use vigie_i18n::{Arg, fmt};

use crate::asked::Asked;
use crate::backend::{Measure, Tile};
use crate::parts::{figure_address, measure_word, picture};
use crate::reader::Reader;
use crate::words;

/// A smaller change than this is none.
const CHANGE_SHOWN_MIN: f64 = 0.0005;

pub fn tiles(asked: &Asked, tiles: &[Tile]) -> Markup {
    html! { ul.tiles aria-label=(asked.reader.t("tiles")) { @for one in tiles { li { (tile(asked, one)) } } } }
}

fn tile(asked: &Asked, tile: &Tile) -> Markup {
    let reader = &asked.reader;
    html! {
        a.tile href=(figure_address(asked, tile.counted, &tile.filter)) data-number=[counts(tile)] data-measure=[counts(tile).map(|_| measure_word(tile.counted))] {
            span.tile-label { (reader.t(words::measure(tile.measure))) }
            span.tile-value { (shown(reader, tile.measure, tile.value)) }
            (change(reader, tile))
            (picture(sparkline::draw(&tile.spark, words::measure_tone(tile.measure))))
        }
    }
}

/// The tile's figure where it is a count; a share, a time or a volume is none.
fn counts(tile: &Tile) -> Option<u64> {
    let is_count =
        matches!(tile.measure, Measure::Messages | Measure::Deliveries | Measure::Deferred | Measure::Rejected);
    tile.value.filter(|value| is_count && *value >= 0.0).map(|value| value as u64)
}

fn shown(reader: &Reader, measure: Measure, value: Option<f64>) -> String {
    let Some(value) = value.filter(|value| value.is_finite() && *value >= 0.0) else { return fmt::dash().to_owned() };
    match measure {
        Measure::Messages | Measure::Deliveries | Measure::Deferred | Measure::Rejected => reader.int(value as u64),
        Measure::DeliveredShare => reader.pct(value),
        Measure::DeliveryMedian => reader.millis(value as u64),
        Measure::Volume => reader.bytes(value as u64),
    }
}

/// Arrow, sign and size of the change; the colour only says whether it is good news.
fn change(reader: &Reader, tile: &Tile) -> Markup {
    let (Some(value), Some(previous)) = (tile.value, tile.previous) else { return html! { span.change {} } };
    let Some((delta, text)) = difference(reader, tile.measure, value, previous) else {
        return html! { span.change {} };
    };
    let direction = if delta > 0.0 {
        "▲"
    } else if delta < 0.0 {
        "▼"
    } else {
        "="
    };
    let class = match words::measure_better_up(tile.measure) {
        Some(better_up) if delta != 0.0 => {
            if (delta > 0.0) == better_up {
                "better"
            } else {
                "worse"
            }
        }
        _ => "neutral",
    };
    let before = shown(reader, tile.measure, Some(previous));
    let title = reader.tn("previous-period", &[("value", Arg::Text(&before))]);
    html! { span.change.(class) title=(title) { (direction) " " (text) span.hidden { ", " (title) } } }
}

/// Signed share of the change and its text; shares change by points. `None` when there was nothing to compare with.
fn difference(reader: &Reader, measure: Measure, value: f64, previous: f64) -> Option<(f64, String)> {
    let delta = match measure {
        Measure::DeliveredShare => value - previous,
        _ if previous > 0.0 => value / previous - 1.0,
        _ => return None,
    };
    let delta = if delta.abs() < CHANGE_SHOWN_MIN { 0.0 } else { delta };
    let text = match measure {
        Measure::DeliveredShare => {
            reader.tn("points", &[("n", Arg::Text(&fmt::dec(reader.lang, delta.abs() * 100.0, 1)))])
        }
        _ => reader.pct(delta.abs()),
    };
    Some((delta, text))
}
