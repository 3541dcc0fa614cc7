//! Stacked counts over time: areas from zero, an axis with round numbers, gaps that stay gaps, one link per bucket.

use std::fmt::Write;

use crate::Tone;
use crate::scale::nice_ticks;
use crate::svg::{escape, num, open_stretched, percent, polyline};

/// More series than this nobody tells apart.
pub const SERIES_MAX: usize = 5;

const PLOT_HEIGHT: f64 = 220.0;
/// Below the plot, for the labels of the time axis.
const AXIS_HEIGHT: f64 = 24.0;
/// Above the plot, so that the highest label is not cut.
const TOP: f64 = 8.0;
const Y_STEPS: usize = 4;
/// Width of a bucket in the stretched drawing area.
const STEP: f64 = 10.0;

pub struct TimeSeries {
    /// What a screen reader says for the picture.
    pub label: String,
    pub buckets: Vec<Bucket>,
    /// From the bottom up; at most [`SERIES_MAX`], further ones are left out.
    pub series: Vec<Series>,
    pub ticks: Vec<Tick>,
}

pub struct Bucket {
    /// What the pointer shows: time and counts, one per line.
    pub title: String,
    pub href: String,
}

pub struct Series {
    pub tone: Tone,
    /// One per bucket; `None` is "not known", not zero.
    pub values: Vec<Option<u64>>,
}

/// A label of the time axis.
pub struct Tick {
    /// 0 is the begin of the first bucket, 1 the end of the last.
    pub at: f64,
    pub label: String,
}

/// Bottom and top of one series in one bucket, in counts.
type Layer = Option<(f64, f64)>;

impl TimeSeries {
    /// The picture. `y_label` writes a number of the count axis.
    pub fn draw(&self, y_label: impl Fn(f64) -> String) -> String {
        let layers = stack(&self.series, self.buckets.len());
        let max = layers.iter().flatten().flatten().map(|(_, top)| *top).fold(0.0, f64::max);
        let ticks = nice_ticks(max, Y_STEPS);
        let scale_max = ticks.last().copied().unwrap_or(1.0);

        let height = TOP + PLOT_HEIGHT + AXIS_HEIGHT;
        let mut out = format!(
            r#"<svg class="chart time-series" width="100%" height="{height}" role="group" aria-label="{}">"#,
            escape(&self.label)
        );
        self.draw_grid(&mut out, &ticks, scale_max, y_label);
        self.draw_areas(&mut out, &layers, scale_max);
        self.draw_time_axis(&mut out);
        self.draw_hit_areas(&mut out);
        out.push_str("</svg>");
        out
    }

    fn draw_grid(&self, out: &mut String, ticks: &[f64], scale_max: f64, y_label: impl Fn(f64) -> String) {
        for tick in ticks {
            let y = num(TOP + PLOT_HEIGHT * (1.0 - tick / scale_max));
            let class = if *tick == 0.0 { "axis" } else { "grid" };
            let _ = write!(out, r#"<line class="{class}" x1="0" x2="100%" y1="{y}" y2="{y}"/>"#);
            let _ = write!(
                out,
                r#"<text class="tick" x="-8" y="{y}" dy="4" text-anchor="end">{}</text>"#,
                escape(&y_label(*tick))
            );
        }
    }

    fn draw_areas(&self, out: &mut String, layers: &[Vec<Layer>], scale_max: f64) {
        let width = STEP * self.buckets.len().max(1) as f64;
        open_stretched(out, width, TOP + PLOT_HEIGHT);
        for gap in gaps(layers, self.buckets.len()) {
            let (x, w) = (gap.start as f64 * STEP, gap.len() as f64 * STEP);
            let _ = write!(
                out,
                r#"<rect class="gap" x="{}" y="{TOP}" width="{}" height="{PLOT_HEIGHT}"/>"#,
                num(x),
                num(w)
            );
        }
        for (series, layer) in self.series.iter().zip(layers) {
            let _ = write!(out, r#"<g class="{}">"#, series.tone.class());
            for run in runs(layer) {
                draw_area(out, &layer[run.clone()], run.start, scale_max);
            }
            out.push_str("</g>");
        }
        out.push_str("</svg>");
    }

    fn draw_time_axis(&self, out: &mut String) {
        let y = num(TOP + PLOT_HEIGHT + 17.0);
        for tick in &self.ticks {
            // Labels at the borders would be cut in half.
            let anchor = match tick.at {
                at if at < 0.02 => "start",
                at if at > 0.97 => "end",
                _ => "middle",
            };
            let _ = write!(
                out,
                r#"<text class="tick" x="{}" y="{y}" text-anchor="{anchor}">{}</text>"#,
                percent(tick.at),
                escape(&tick.label)
            );
        }
    }

    /// One link per bucket. Only the first is a stop of the tab key; arrow keys go on from there.
    fn draw_hit_areas(&self, out: &mut String) {
        let width = 1.0 / self.buckets.len().max(1) as f64;
        for (at, bucket) in self.buckets.iter().enumerate() {
            let (x, w) = (percent(at as f64 * width), percent(width));
            let tab = if at == 0 { "0" } else { "-1" };
            let title = escape(&bucket.title);
            let _ = write!(
                out,
                r#"<a class="hit" href="{}" tabindex="{tab}" aria-label="{title}"><rect x="{x}" y="{TOP}" width="{w}" height="{PLOT_HEIGHT}"><title>{title}</title></rect></a>"#,
                escape(&bucket.href)
            );
        }
    }
}

fn draw_area(out: &mut String, layer: &[Layer], first: usize, scale_max: f64) {
    let y = |count: f64| TOP + PLOT_HEIGHT * (1.0 - count / scale_max);
    let known: Vec<(f64, f64)> = layer.iter().flatten().copied().collect();
    let tops = outline(first, known.iter().map(|(_, top)| y(*top)));
    let mut bottoms = outline(first, known.iter().map(|(bottom, _)| y(*bottom)));
    bottoms.reverse();
    let closed: Vec<_> = tops.iter().chain(&bottoms).copied().collect();
    let _ =
        write!(out, r#"<path class="area" d="{}Z"/><path class="line" d="{}"/>"#, polyline(&closed), polyline(&tops));
}

/// Points through the middle of each bucket, drawn flat to the outer edges: a run of one bucket is one bucket wide.
fn outline(first: usize, ys: impl ExactSizeIterator<Item = f64>) -> Vec<(f64, f64)> {
    let last = ys.len().saturating_sub(1);
    let mut points = Vec::with_capacity(ys.len() + 2);
    for (at, y) in ys.enumerate() {
        let left = (first + at) as f64 * STEP;
        if at == 0 {
            points.push((left, y));
        }
        points.push((left + STEP / 2.0, y));
        if at == last {
            points.push((left + STEP, y));
        }
    }
    points
}

/// Each series on the one below it. A bucket that no series knows stays `None`; one that some know counts the others as 0.
fn stack(series: &[Series], buckets: usize) -> Vec<Vec<Layer>> {
    let series = &series[..series.len().min(SERIES_MAX)];
    let known = |at: usize| series.iter().any(|series| series.values.get(at).copied().flatten().is_some());
    let mut floor: Vec<Option<f64>> = (0..buckets).map(|at| known(at).then_some(0.0)).collect();
    let mut layers = Vec::with_capacity(series.len());
    for one in series {
        let layer: Vec<Layer> = floor
            .iter()
            .enumerate()
            .map(|(at, bottom)| bottom.map(|bottom| (bottom, bottom + value(one, at))))
            .collect();
        floor = layer.iter().map(|layer| layer.map(|(_, top)| top)).collect();
        layers.push(layer);
    }
    layers
}

fn value(series: &Series, at: usize) -> f64 {
    series.values.get(at).copied().flatten().unwrap_or(0) as f64
}

/// Stretches of buckets with data.
fn runs(layer: &[Layer]) -> Vec<std::ops::Range<usize>> {
    stretches(layer.len(), |at| layer[at].is_some())
}

/// Stretches of buckets without data.
fn gaps(layers: &[Vec<Layer>], buckets: usize) -> Vec<std::ops::Range<usize>> {
    match layers.first() {
        Some(layer) => stretches(buckets, |at| layer[at].is_none()),
        None => Vec::new(),
    }
}

fn stretches(len: usize, wanted: impl Fn(usize) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..len).filter(|at| wanted(*at)) {
        match out.last_mut() {
            Some(range) if range.end == at => range.end = at + 1,
            _ => out.push(at..at + 1),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[&[Option<u64>]]) -> TimeSeries {
        let buckets = values.first().map_or(0, |values| values.len());
        TimeSeries {
            label: "Messages".into(),
            buckets: (0..buckets)
                .map(|n| Bucket { title: format!("bucket {n}"), href: format!("/search?n={n}") })
                .collect(),
            series: values.iter().map(|values| Series { tone: Tone::Good, values: values.to_vec() }).collect(),
            ticks: vec![Tick { at: 0.0, label: "05:00".into() }],
        }
    }

    fn finite(svg: &str) {
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn layers_add_up_to_the_sum_of_the_series() {
        let chart = chart(&[&[Some(3), None, Some(5)], &[Some(4), None, Some(0)], &[Some(1), None, None]]);
        let layers = stack(&chart.series, 3);
        assert_eq!(layers[2][0], Some((7.0, 8.0)));
        assert_eq!(layers[2][1], None);
        assert_eq!(layers[2][2], Some((5.0, 5.0)));
        for pair in layers.windows(2) {
            for (below, above) in pair[0].iter().zip(&pair[1]) {
                assert_eq!(below.map(|(_, top)| top), above.map(|(bottom, _)| bottom));
            }
        }
    }

    #[test]
    fn empty_one_and_huge_values_are_finite() {
        finite(&chart(&[]).draw(|n| n.to_string()));
        finite(&chart(&[&[]]).draw(|n| n.to_string()));
        finite(&chart(&[&[None]]).draw(|n| n.to_string()));
        finite(&chart(&[&[Some(0)]]).draw(|n| n.to_string()));
        finite(&chart(&[&[Some(u64::MAX), Some(1)], &[Some(u64::MAX), None]]).draw(|n| n.to_string()));
    }

    #[test]
    fn no_data_is_a_gap_and_not_a_line_at_zero() {
        let svg = chart(&[&[Some(1), None, None, Some(2)]]).draw(|n| n.to_string());
        assert_eq!(svg.matches(r#"class="line""#).count(), 2);
        assert_eq!(svg.matches(r#"class="gap""#).count(), 1);
    }

    #[test]
    fn each_bucket_is_a_link_and_one_is_a_tab_stop() {
        let svg = chart(&[&[Some(1), None, Some(2)]]).draw(|n| n.to_string());
        assert_eq!(svg.matches("<a class=\"hit\"").count(), 3);
        assert_eq!(svg.matches("tabindex=\"0\"").count(), 1);
        assert!(svg.contains("href=\"/search?n=2\""));
    }

    #[test]
    fn hostile_titles_stay_text() {
        let mut chart = chart(&[&[Some(1)]]);
        chart.buckets[0] = Bucket { title: "</title><script>alert(1)</script>".into(), href: "/?q=\"><script>".into() };
        chart.label = "\" onload=\"x".into();
        let svg = chart.draw(|n| n.to_string());
        assert!(!svg.contains("<script") && !svg.contains("\" onload"), "{svg}");
    }

    #[test]
    fn a_sixth_series_is_left_out() {
        let row: &[Option<u64>] = &[Some(1)];
        let svg = chart(&[row; 7]).draw(|n| n.to_string());
        assert_eq!(svg.matches(r#"class="area""#).count(), SERIES_MAX);
    }
}
