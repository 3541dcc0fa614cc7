//! The way of one message: a lane per hop, time from left to right, an arrow from each hop to the next.

use std::fmt::Write;

use crate::Tone;
use crate::svg::{escape, percent, shortened};

const LANE_HEIGHT: f64 = 46.0;
const BAR_TOP: f64 = 22.0;
const BAR_HEIGHT: f64 = 14.0;
const AXIS_HEIGHT: f64 = 22.0;
/// Leaves room at both sides for the dots, on a telephone too.
const USED_WIDTH: f64 = 0.965;
const LABEL_CHARS_MAX: usize = 64;

pub struct HopTimeline {
    pub label: String,
    pub lanes: Vec<Lane>,
    pub ticks: Vec<Tick>,
}

pub struct Lane {
    /// Server and queue id.
    pub label: String,
    /// How long it stayed.
    pub note: String,
    pub title: String,
    /// From 0 (first arrival) to 1 (last thing known).
    pub begin: f64,
    /// `None`: still there.
    pub end: Option<f64>,
    pub previous: Option<usize>,
    pub tone: Tone,
    /// In-page address of the details.
    pub href: String,
}

pub struct Tick {
    pub at: f64,
    pub label: String,
}

impl HopTimeline {
    pub fn draw(&self) -> String {
        let lanes_height = LANE_HEIGHT * self.lanes.len().max(1) as f64;
        let height = lanes_height + AXIS_HEIGHT;
        let mut out = format!(
            r#"<svg class="chart hops" width="100%" height="{height}" role="group" aria-label="{}">"#,
            escape(&self.label)
        );
        self.draw_axis(&mut out, lanes_height);
        for (at, lane) in self.lanes.iter().enumerate() {
            if let Some((previous, from)) =
                lane.previous.filter(|from| *from != at).and_then(|from| Some((self.lanes.get(from)?, from)))
            {
                draw_arrow(&mut out, previous, from, lane, at);
            }
        }
        for (at, lane) in self.lanes.iter().enumerate() {
            lane.draw(&mut out, at as f64 * LANE_HEIGHT);
        }
        out.push_str("</svg>");
        out
    }

    fn draw_axis(&self, out: &mut String, lanes_height: f64) {
        for tick in &self.ticks {
            let x = percent(place(tick.at));
            let _ = write!(out, r#"<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{lanes_height}"/>"#);
            let anchor = if tick.at > 0.9 {
                "end"
            } else if tick.at < 0.05 {
                "start"
            } else {
                "middle"
            };
            let _ = write!(
                out,
                r#"<text class="tick" x="{x}" y="{}" text-anchor="{anchor}">{}</text>"#,
                lanes_height + 16.0,
                escape(&tick.label)
            );
        }
    }
}

impl Lane {
    fn draw(&self, out: &mut String, top: f64) {
        let begin = place(self.begin);
        let end = place(self.end.unwrap_or(1.0)).max(begin);
        let (y, class) = (top + BAR_TOP, self.tone.class());
        let open = if self.end.is_none() { " open" } else { "" };
        let title = escape(&self.title);
        let _ = write!(
            out,
            r#"<a class="lane {class}{open}" href="{}" aria-label="{title}"><title>{title}</title>"#,
            escape(&self.href)
        );
        // The whole lane can be clicked.
        let _ = write!(out, r#"<rect class="lane-back" x="0" y="{top}" width="100%" height="{LANE_HEIGHT}"/>"#);
        let _ = write!(
            out,
            r#"<text class="lane-label" x="2" y="{}">{} <tspan class="note" dx="6">{}</tspan></text>"#,
            top + 14.0,
            escape(&shortened(&self.label, LABEL_CHARS_MAX)),
            escape(&self.note)
        );
        let _ = write!(
            out,
            r#"<rect class="stay" x="{}" y="{y}" width="{}" height="{BAR_HEIGHT}"/>"#,
            percent(begin),
            percent(end - begin)
        );
        // A stay of a millisecond in a journey of an hour has no width: the dots stay visible.
        let middle = y + BAR_HEIGHT / 2.0;
        let _ = write!(out, r#"<circle class="dot" cx="{}" cy="{middle}" r="5"/>"#, percent(begin));
        if self.end.is_some() {
            let _ = write!(out, r#"<circle class="dot" cx="{}" cy="{middle}" r="5"/>"#, percent(end));
        }
        out.push_str("</a>");
    }
}

/// Down from where the previous hop handed over, across to where this one took it.
fn draw_arrow(out: &mut String, previous: &Lane, from: usize, lane: &Lane, to: usize) {
    let middle = |at: usize| at as f64 * LANE_HEIGHT + BAR_TOP + BAR_HEIGHT / 2.0;
    let handed_over = previous.end.unwrap_or(lane.begin).min(lane.begin.max(previous.begin));
    let (x1, x2) = (percent(place(handed_over)), percent(place(lane.begin)));
    let (y1, y2) = (middle(from), middle(to));
    let _ = write!(
        out,
        r#"<line class="arrow" x1="{x1}" x2="{x1}" y1="{y1}" y2="{y2}"/><line class="arrow" x1="{x1}" x2="{x2}" y1="{y2}" y2="{y2}"/>"#
    );
}

/// Leaves room for the dots at both ends.
fn place(share: f64) -> f64 {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    (1.0 - USED_WIDTH) / 2.0 + share * USED_WIDTH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(begin: f64, end: Option<f64>, previous: Option<usize>) -> Lane {
        Lane {
            label: "mx1".into(),
            note: "1 s".into(),
            title: "mx1".into(),
            begin,
            end,
            previous,
            tone: Tone::Good,
            href: "#hop-1".into(),
        }
    }

    #[test]
    fn odd_times_stay_in_the_picture() {
        let lanes = vec![lane(f64::NAN, None, Some(9)), lane(2.0, Some(-1.0), Some(1)), lane(0.5, Some(0.4), Some(0))];
        let svg = HopTimeline { label: "Path".into(), lanes, ticks: vec![] }.draw();
        assert!(!svg.contains("NaN") && !svg.contains("\"-"), "{svg}");
    }

    #[test]
    fn no_hops_draw_nothing() {
        let svg = HopTimeline { label: "Path".into(), lanes: vec![], ticks: vec![] }.draw();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
    }

    #[test]
    fn each_known_predecessor_has_an_arrow() {
        let lanes = vec![lane(0.0, Some(0.5), None), lane(0.5, Some(0.9), Some(0)), lane(0.9, None, Some(1))];
        let svg = HopTimeline { label: "Path".into(), lanes, ticks: vec![] }.draw();
        assert_eq!(svg.matches(r#"class="arrow""#).count(), 4);
        assert_eq!(svg.matches(r#"class="stay""#).count(), 3);
    }

    #[test]
    fn hostile_server_names_stay_text() {
        let mut hostile = lane(0.0, None, None);
        hostile.label = "<svg onload=alert(1)>".into();
        hostile.title = "\" onfocus=\"x".into();
        let svg = HopTimeline { label: "Path".into(), lanes: vec![hostile], ticks: vec![] }.draw();
        assert!(!svg.contains("<svg onload") && !svg.contains("\" onfocus"), "{svg}");
    }
}
