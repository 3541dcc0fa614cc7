//! Bars: behind the label of a ranking, as a chart of their own, and as a strip of hours.

use std::fmt::Write;

use crate::Tone;
use crate::svg::{escape, percent, shortened};

const ROW_HEIGHT: f64 = 26.0;
const BAR_HEIGHT: f64 = 20.0;
const STRIP_HEIGHT: f64 = 18.0;
const LABEL_CHARS_MAX: usize = 48;

/// One bar of a chart.
pub struct Bar {
    pub label: String,
    /// The value as people read it.
    pub shown: String,
    pub value: u64,
    pub href: String,
    pub tone: Tone,
}

/// One cell of a strip; `level` is 0 to 1, `None` draws a gap.
pub struct Cell {
    pub title: String,
    pub level: Option<f64>,
    pub tone: Tone,
}

/// A bar that fills `share` of its box, to be laid behind a label. Nothing for screen readers: the number is beside it.
pub fn behind(share: f64) -> String {
    let width = percent(within(share));
    format!(
        r#"<svg class="bar-behind" width="100%" height="100%" aria-hidden="true" focusable="false"><rect width="{width}" height="100%" rx="3"/></svg>"#
    )
}

/// Horizontal bars, each a link, longest is full width.
pub fn horizontal(label: &str, bars: &[Bar]) -> String {
    let height = ROW_HEIGHT * bars.len().max(1) as f64;
    let max = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1) as f64;
    let mut out = format!(
        r#"<svg class="chart bars" width="100%" height="{height}" role="group" aria-label="{}">"#,
        escape(label)
    );
    for (at, bar) in bars.iter().enumerate() {
        let top = at as f64 * ROW_HEIGHT;
        let (text_y, label) = (top + 15.0, escape(&shortened(&bar.label, LABEL_CHARS_MAX)));
        let title = escape(&format!("{}: {}", bar.label, bar.shown));
        let _ = write!(
            out,
            r#"<a class="bar {}" href="{}" aria-label="{title}"><title>{title}</title>"#,
            bar.tone.class(),
            escape(&bar.href)
        );
        let _ = write!(
            out,
            r#"<rect x="0" y="{top}" width="{}" height="{BAR_HEIGHT}" rx="3"/>"#,
            percent(within(bar.value as f64 / max))
        );
        let _ = write!(
            out,
            r#"<text x="6" y="{text_y}">{label}</text><text class="value" x="100%" dx="-2" y="{text_y}" text-anchor="end">{}</text></a>"#,
            escape(&bar.shown)
        );
    }
    out.push_str("</svg>");
    out
}

/// A strip of equal cells, as high as their level: the hours of a source.
pub fn strip(label: &str, cells: &[Cell]) -> String {
    let mut out = format!(
        r#"<svg class="strip" width="100%" height="{STRIP_HEIGHT}" role="img" aria-label="{}">"#,
        escape(label)
    );
    let width = 1.0 / cells.len().max(1) as f64;
    for (at, cell) in cells.iter().enumerate() {
        let (class, level) = match cell.level {
            // Something was read: never thinner than can be seen.
            Some(level) => (cell.tone.class(), within(level).max(0.12)),
            None => ("gap", 1.0),
        };
        let height = STRIP_HEIGHT * level;
        let _ = write!(
            out,
            r#"<rect class="{class}" x="{}" width="{}" y="{:.1}" height="{height:.1}"><title>{}</title></rect>"#,
            percent(at as f64 * width),
            percent(width),
            STRIP_HEIGHT - height,
            escape(&cell.title)
        );
    }
    out.push_str("</svg>");
    out
}

fn within(share: f64) -> f64 {
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, value: u64) -> Bar {
        Bar { label: label.into(), shown: value.to_string(), value, href: "/search".into(), tone: Tone::Neutral }
    }

    #[test]
    fn longest_bar_is_full_and_empty_is_none() {
        let svg = horizontal("Senders", &[bar("a", 4), bar("b", 2), bar("c", 0)]);
        assert!(
            svg.contains(r#"width="100%" height="20""#)
                && svg.contains(r#"width="50%" height="20""#)
                && svg.contains(r#"width="0%" height="20""#)
        );
        assert!(!horizontal("Senders", &[]).contains("NaN"));
        assert!(horizontal("Senders", &[bar("zero", 0)]).contains(r#"width="0%""#));
    }

    #[test]
    fn shares_outside_the_box_are_held_in_it() {
        assert!(behind(7.0).contains(r#"width="100%" height="100%" rx"#));
        assert!(behind(f64::NAN).contains(r#"<rect width="0%""#));
    }

    #[test]
    fn hour_without_lines_is_a_gap() {
        let svg = strip("hours", &[Cell { title: "10:00".into(), level: None, tone: Tone::Good }]);
        assert!(svg.contains(r#"class="gap""#));
    }

    #[test]
    fn hostile_labels_stay_text() {
        assert!(!horizontal("x", &[bar("<img src=x onerror=alert(1)>", 1)]).contains("<img"));
    }
}
