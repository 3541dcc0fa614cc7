//! A line of the size of a word: the course of one figure.

use std::fmt::Write;

use crate::Tone;
use crate::svg::{num, polyline};

/// Units of the stretched drawing area; pixels of the height come from CSS.
const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 24.0;
/// Room for half the stroke.
const MARGIN: f64 = 1.5;

/// The picture; hidden from screen readers, because the figure beside it says what matters. From 0, gaps stay gaps.
pub fn draw(values: &[Option<f64>], tone: Tone) -> String {
    let mut out = format!(
        r#"<svg class="spark {}" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">"#,
        tone.class()
    );
    for run in runs(values) {
        let line = polyline(&run);
        let (first, last) = (run[0].0, run[run.len() - 1].0);
        let _ = write!(out, r#"<path class="area" d="{line}L{} {HEIGHT}L{} {HEIGHT}Z"/>"#, num(last), num(first));
        let _ = write!(out, r#"<path class="line" d="{line}"/>"#);
    }
    out.push_str("</svg>");
    out
}

/// The points of each stretch without a gap. A single value is drawn one step wide.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let known = |value: &Option<f64>| value.filter(|value| value.is_finite()).map(|value| value.max(0.0));
    let max = values.iter().filter_map(known).fold(0.0, f64::max);
    let step = WIDTH / values.len().max(1) as f64;
    let y =
        |value: f64| if max > 0.0 { HEIGHT - MARGIN - value / max * (HEIGHT - 2.0 * MARGIN) } else { HEIGHT - MARGIN };
    let mut out: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut in_run = false;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = known(value) else {
            in_run = false;
            continue;
        };
        let begin = at as f64 * step;
        if !in_run {
            out.push(vec![(begin, y(value))]);
            in_run = true;
        }
        if let Some(run) = out.last_mut() {
            run.push((begin + step, y(value)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_one_and_huge_values_are_finite() {
        for values in [
            vec![],
            vec![None],
            vec![Some(1.0)],
            vec![Some(f64::MAX), Some(0.0)],
            vec![Some(f64::NAN)],
            vec![Some(0.0); 3],
        ] {
            let svg = draw(&values, Tone::Good);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn a_gap_makes_two_lines() {
        let svg = draw(&[Some(1.0), Some(2.0), None, Some(3.0)], Tone::Good);
        assert_eq!(svg.matches(r#"class="line""#).count(), 2);
    }

    #[test]
    fn all_points_lie_inside() {
        for (x, y) in runs(&[Some(0.0), Some(5.0), Some(2.5), None, Some(5.0)]).concat() {
            assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{x} {y}");
        }
    }
}
