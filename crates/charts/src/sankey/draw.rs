//! The SVG of a placed Sankey.

use std::fmt::Write;

use super::{Band, PlacedNode, Sankey};
use crate::svg::{escape, num, open_stretched, percent, shortened};

/// Stretched units of the width.
const WIDTH: f64 = 1000.0;
const NODE_WIDTH: f64 = 10.0;
/// Above the nodes, for the captions of the columns.
const CAPTION_HEIGHT: f64 = 24.0;
const MARGIN: f64 = 6.0;
/// Thinner than this a band cannot be seen or met.
const BAND_VISIBLE_MIN: f64 = 1.0;
const LABEL_CHARS_MAX: usize = 26;

/// What the caller says about a node or a band.
pub struct Part {
    pub label: String,
    /// The count as people read it; shown beside the label of a node.
    pub count: String,
    pub title: String,
    pub href: String,
}

impl Sankey {
    /// The picture. `captions` are the names of the columns asked for, by their original position.
    pub fn draw(
        &self,
        label: &str,
        captions: &[String],
        node: impl Fn(&PlacedNode) -> Part,
        band: impl Fn(&Band) -> Part,
    ) -> String {
        let height = CAPTION_HEIGHT + self.height + 2.0 * MARGIN;
        let mut out = format!(
            r#"<svg class="chart sankey" width="100%" height="{}" role="group" aria-label="{}">"#,
            num(height),
            escape(label)
        );
        self.draw_captions(&mut out, captions);
        open_stretched(&mut out, WIDTH, height);
        // Thick ones first, so that thin ones stay on top and can be met.
        let mut bands: Vec<&Band> = self.bands.iter().collect();
        bands.sort_by_key(|band| std::cmp::Reverse(band.value));
        for one in bands {
            self.draw_band(&mut out, one, &band(one));
        }
        out.push_str("</svg>");
        for (at, one) in self.nodes.iter().enumerate() {
            self.draw_node(&mut out, one, &node(one), at == 0);
        }
        out.push_str("</svg>");
        out
    }

    fn draw_captions(&self, out: &mut String, captions: &[String]) {
        for (at, column) in self.columns.iter().enumerate() {
            let Some(caption) = captions.get(*column) else { continue };
            let (x, anchor) = if self.is_last(at) { (1.0, "end") } else { (self.left(at) / WIDTH, "start") };
            let _ = write!(
                out,
                r#"<text class="caption" x="{}" y="14" text-anchor="{anchor}">{}</text>"#,
                percent(x),
                escape(caption)
            );
        }
    }

    fn draw_band(&self, out: &mut String, band: &Band, part: &Part) {
        let title = escape(&part.title);
        let _ = write!(
            out,
            r#"<a class="band {}" href="{}" tabindex="-1" aria-label="{title}"><path d="{}"><title>{title}</title></path></a>"#,
            band.tone.class(),
            escape(&part.href),
            self.band_path(band)
        );
    }

    /// Along the upper edge from left to right, back along the lower one.
    fn band_path(&self, band: &Band) -> String {
        let column = self.nodes[band.from].column;
        let thickness = band.thickness.max(BAND_VISIBLE_MIN);
        let last = band.tops.len().saturating_sub(1);
        let y = |at: usize| CAPTION_HEIGHT + MARGIN + band.tops[at];
        let mut d = format!("M{} {}", num(self.left(column) + NODE_WIDTH), num(y(0)));
        for at in 0..last {
            let (x1, x2) = (self.left(column + at) + NODE_WIDTH, self.left(column + at + 1));
            d += &curve(x1, x2, y(at), y(at + 1));
            if at + 1 < last {
                let _ = write!(d, "H{}", num(x2 + NODE_WIDTH));
            }
        }
        let _ = write!(d, "V{}", num(y(last) + thickness));
        for at in (0..last).rev() {
            let (x1, x2) = (self.left(column + at) + NODE_WIDTH, self.left(column + at + 1));
            d += &curve(x2, x1, y(at + 1) + thickness, y(at) + thickness);
            if at > 0 {
                let _ = write!(d, "H{}", num(x1 - NODE_WIDTH));
            }
        }
        d + "Z"
    }

    fn draw_node(&self, out: &mut String, node: &PlacedNode, part: &Part, tab_stop: bool) {
        let (left, top) = (self.left(node.column), CAPTION_HEIGHT + MARGIN + node.top);
        let title = escape(&part.title);
        let tab = if tab_stop { "0" } else { "-1" };
        let (label, count) = (escape(&shortened(&part.label, LABEL_CHARS_MAX)), escape(&part.count));
        // The name begins with what can be seen, for those who speak to their browser.
        let _ = write!(
            out,
            r#"<a class="node" href="{}" tabindex="{tab}" aria-label="{label} {count}, {title}" data-tip="{title}"><title>{title}</title>"#,
            escape(&part.href)
        );
        let _ = write!(
            out,
            r#"<rect x="{}" y="{}" width="{}" height="{}" rx="2"/>"#,
            percent(left / WIDTH),
            num(top),
            percent(NODE_WIDTH / WIDTH),
            num(node.height)
        );
        let (x, dx, anchor) =
            if self.is_last(node.column) { (left, -6, "end") } else { (left + NODE_WIDTH, 6, "start") };
        let _ = write!(
            out,
            r#"<text x="{}" y="{}" dx="{dx}" dy="4" text-anchor="{anchor}">{label} <tspan class="count">{count}</tspan></text></a>"#,
            percent(x / WIDTH),
            num(top + node.height / 2.0)
        );
    }

    fn left(&self, column: usize) -> f64 {
        let steps = self.columns.len().saturating_sub(1).max(1) as f64;
        column as f64 / steps * (WIDTH - NODE_WIDTH)
    }

    fn is_last(&self, column: usize) -> bool {
        column > 0 && column + 1 == self.columns.len()
    }
}

fn curve(x1: f64, x2: f64, y1: f64, y2: f64) -> String {
    let middle = num((x1 + x2) / 2.0);
    format!("C{middle} {} {middle} {} {} {}", num(y1), num(y2), num(x2), num(y2))
}

#[cfg(test)]
mod tests {
    use super::super::{COLUMN_NODES_MAX, Graph, Keep, Link, Node};
    use super::*;
    use crate::Tone;

    fn graph(columns: &[usize], links: &[(usize, usize, u64)]) -> Graph {
        Graph {
            nodes: columns.iter().map(|column| Node { column: Some(*column), keep: Keep::Large }).collect(),
            links: links
                .iter()
                .map(|(from, to, value)| Link { from: *from, to: *to, value: *value, tone: Tone::Good })
                .collect(),
        }
    }

    fn without_columns(nodes: usize, links: &[(usize, usize, u64)]) -> Graph {
        let mut graph = graph(&vec![0; nodes], links);
        graph.nodes.iter_mut().for_each(|node| node.column = None);
        graph
    }

    fn svg(sankey: &Sankey) -> String {
        let part =
            |label: &str| Part { label: label.into(), count: "1".into(), title: label.into(), href: "/search".into() };
        sankey.draw("Flow", &[], |_| part("node"), |_| part("band"))
    }

    #[test]
    fn bands_of_a_node_add_up_to_its_height() {
        let sankey =
            Sankey::new(&graph(&[0, 0, 1, 1, 2], &[(0, 2, 60), (0, 3, 30), (1, 2, 10), (2, 4, 70), (3, 4, 30)]));
        for (at, node) in sankey.nodes.iter().enumerate() {
            let incoming: f64 = sankey.bands.iter().filter(|band| band.to == at).map(|band| band.thickness).sum();
            let outgoing: f64 = sankey.bands.iter().filter(|band| band.from == at).map(|band| band.thickness).sum();
            assert!((incoming.max(outgoing) - node.height).abs() < 0.01, "node {at}");
            for band in sankey.bands.iter().filter(|band| band.from == at) {
                assert!(
                    band.tops[0] >= node.top - 0.01 && band.tops[0] + band.thickness <= node.top + node.height + 0.01
                );
            }
        }
    }

    #[test]
    fn nodes_of_a_column_do_not_overlap() {
        let links: Vec<_> =
            (0..8).flat_map(|from| (8..16).map(move |to| (from, to, 1 + (from * to) as u64 % 97))).collect();
        let columns: Vec<usize> = (0..16).map(|node| node / 8).collect();
        let sankey = Sankey::new(&graph(&columns, &links));
        for column in 0..2 {
            let mut spans: Vec<_> = sankey
                .nodes
                .iter()
                .filter(|node| node.column == column)
                .map(|node| (node.top, node.top + node.height))
                .collect();
            spans.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{spans:?}");
            assert!(spans.iter().all(|(top, bottom)| *top >= -0.01 && *bottom <= sankey.height + 0.01));
        }
    }

    #[test]
    fn small_nodes_are_folded_and_nothing_is_lost() {
        let links: Vec<_> = (1..=40).map(|to| (0, to, to as u64)).collect();
        let mut columns = vec![1; 41];
        columns[0] = 0;
        let sankey = Sankey::new(&graph(&columns, &links));
        assert_eq!(sankey.nodes.iter().filter(|node| node.column == 1).count(), COLUMN_NODES_MAX);
        let other = sankey.nodes.iter().find(|node| node.folded).expect("a folded node");
        assert_eq!(other.members.len(), 40 - 7);
        assert_eq!(sankey.bands.iter().map(|band| band.value).sum::<u64>(), (1..=40).sum::<u64>());
        assert_eq!(sankey.dropped, 0);
    }

    #[test]
    fn a_node_that_must_be_seen_is_never_folded() {
        let links: Vec<_> = (1..=40).map(|to| (0, to, to as u64)).collect();
        let mut columns = vec![1; 41];
        columns[0] = 0;
        let mut graph = graph(&columns, &links);
        graph.nodes[1].keep = Keep::Always;
        let sankey = Sankey::new(&graph);
        assert!(sankey.nodes.iter().any(|node| node.members == [1]));
    }

    #[test]
    fn a_node_that_stands_for_many_is_folded_however_large() {
        let mut graph = graph(&[0, 1, 1], &[(0, 1, 5), (0, 2, 100)]);
        graph.nodes[2].keep = Keep::Never;
        let sankey = Sankey::new(&graph);
        let folded: Vec<_> = sankey.nodes.iter().filter(|node| node.folded).map(|node| node.members.clone()).collect();
        assert_eq!(folded, [vec![2]]);
    }

    #[test]
    fn a_mail_loop_is_cut_and_counted() {
        let sankey = Sankey::new(&without_columns(3, &[(0, 1, 100), (1, 2, 90), (2, 1, 7), (2, 2, 3)]));
        assert_eq!(sankey.columns.len(), 3);
        assert_eq!(sankey.dropped, 10);
        assert_eq!(sankey.bands.len(), 2);
    }

    #[test]
    fn a_pure_cycle_without_a_beginning_still_ends() {
        let sankey = Sankey::new(&without_columns(2, &[(0, 1, 5), (1, 0, 5)]));
        assert_eq!((sankey.bands.len(), sankey.dropped), (1, 5));
    }

    #[test]
    fn a_chain_of_ten_thousand_is_held_in_four_columns() {
        let links: Vec<_> = (0..10_000).map(|at| (at, at + 1, 1)).collect();
        let sankey = Sankey::new(&without_columns(10_001, &links));
        assert_eq!(sankey.columns.len(), 4);
        assert!(!svg(&sankey).contains("NaN"));
    }

    #[test]
    fn a_band_over_a_column_keeps_a_lane_free() {
        let sankey = Sankey::new(&graph(&[0, 1, 2, 2], &[(0, 1, 50), (1, 2, 50), (0, 3, 50)]));
        let band = sankey.bands.iter().find(|band| band.tops.len() == 3).expect("the long band");
        let node = sankey.nodes.iter().find(|node| node.column == 1).expect("the node beside it");
        assert!(band.tops[1] + band.thickness <= node.top || band.tops[1] >= node.top + node.height);
    }

    #[test]
    fn empty_one_and_huge_values_are_finite() {
        for links in [
            vec![],
            vec![(0, 1, 0)],
            vec![(0, 1, 1)],
            vec![(0, 1, u64::MAX), (0, 1, u64::MAX)],
            vec![(0, 9, 1)],
            vec![(0, 1, u64::MAX), (0, 2, 1)],
        ] {
            let svg = svg(&Sankey::new(&graph(&[0, 1, 1], &links)));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn hostile_labels_stay_text() {
        let sankey = Sankey::new(&graph(&[0, 1], &[(0, 1, 1)]));
        let part = || Part {
            label: "<script>".into(),
            count: "\"".into(),
            title: "</title><script>".into(),
            href: "javascript:\"><script>".into(),
        };
        let svg = sankey.draw("\"><script>", &["<script>".into()], |_| part(), |_| part());
        assert!(!svg.contains("<script"), "{svg}");
    }
}
