//! Where the mail goes: the flow map as a picture and as a table.
//!
//! The engine counts whole paths; the picture needs nodes and the bands between neighbours. Small nodes are folded by the
//! chart, so filters are put together afterwards: a node is its term, a folded node is "none of the terms that stay".

use std::collections::BTreeMap;

use maud::{Markup, html};
use vigie_charts::Tone;
use vigie_charts::sankey::{Band, Graph, Keep, Link, Node, Part, PlacedNode, Sankey};
use vigie_i18n::Arg;

use crate::asked::Asked;
use crate::backend::{FLOW_COLUMNS, FlowMap, FlowNode, NodeLabel};
use crate::filter_text;
use crate::parts::{self, figure_address, picture};
use crate::words;

const CAPTIONS: [&str; FLOW_COLUMNS] = ["flow-origin", "flow-first-server", "flow-last-server", "flow-destination"];

pub fn card(asked: &Asked, map: &FlowMap) -> Markup {
    let reader = &asked.reader;
    let view = View::new(asked, map);
    if view.sankey.is_empty() {
        return html! {};
    }
    let captions = CAPTIONS.map(|key| reader.t(key));
    let svg =
        view.sankey.draw(&reader.t("flow-title"), &captions, |node| view.node_part(node), |band| view.band_part(band));
    parts::card(
        "flow",
        &reader.t("flow-title"),
        html! { p.card-note { (reader.t("flow-note")) } },
        html! {
            div.chart-box.wide tabindex="0" role="group" aria-label=(reader.t("flow-title")) { (picture(svg)) }
            details.twin { summary { (reader.t("show-table")) } (view.table()) }
        },
    )
}

struct View<'a> {
    asked: &'a Asked,
    map: &'a FlowMap,
    /// The nodes of all columns in one list, as the graph has them.
    nodes: Vec<&'a FlowNode>,
    sankey: Sankey,
}

impl<'a> View<'a> {
    fn new(asked: &'a Asked, map: &'a FlowMap) -> View<'a> {
        let nodes = map.columns.iter().flatten().collect();
        View { asked, map, nodes, sankey: Sankey::new(&graph(map)) }
    }

    fn node_part(&self, node: &PlacedNode) -> Part {
        let (reader, label) = (&self.asked.reader, self.label(node));
        let count = reader.count(words::counted(self.map.counted), node.value);
        Part {
            title: format!("{label}: {count}"),
            count: reader.compact(node.value as f64),
            href: self.address(&[node]),
            label,
        }
    }

    fn band_part(&self, band: &Band) -> Part {
        let reader = &self.asked.reader;
        let (from, to) = (&self.sankey.nodes[band.from], &self.sankey.nodes[band.to]);
        let label = format!("{} → {}", self.label(from), self.label(to));
        let count = reader.count(words::counted(self.map.counted), band.value);
        Part {
            title: format!("{label}: {count}"),
            count: reader.compact(band.value as f64),
            href: self.address(&[from, to]),
            label,
        }
    }

    fn label(&self, node: &PlacedNode) -> String {
        if node.folded {
            let members = node.members.iter().filter_map(|member| self.nodes.get(*member));
            return self.asked.reader.count("flow-other", members.map(|node| node.bundled.max(1)).sum());
        }
        node.members
            .first()
            .and_then(|member| self.nodes.get(*member))
            .map(|node| self.label_text(&node.label))
            .unwrap_or_default()
    }

    fn label_text(&self, label: &NodeLabel) -> String {
        let reader = &self.asked.reader;
        match label {
            NodeLabel::Name(name) => parts::visible(name),
            NodeLabel::Internet => reader.t("origin-internet"),
            NodeLabel::LocalProcess => reader.t("origin-local"),
            NodeLabel::AuthenticatedUser => reader.t("origin-user"),
            NodeLabel::InternalServer => reader.t("origin-server"),
            NodeLabel::Status(status) => reader.t(words::status(*status)),
            NodeLabel::Unknown => reader.t("unknown"),
        }
    }

    fn address(&self, through: &[&PlacedNode]) -> String {
        let q = through.iter().fold(self.map.filter.clone(), |q, node| filter_text::and(&q, &self.term(node)));
        figure_address(self.asked, self.map.counted, &q).to_string()
    }

    fn term(&self, node: &PlacedNode) -> String {
        let terms_of = |node: &PlacedNode| {
            node.members
                .iter()
                .filter_map(|member| self.nodes.get(*member))
                .map(|node| node.term.clone())
                .collect::<Vec<_>>()
        };
        if !node.folded {
            return terms_of(node).concat();
        }
        let shown = self.sankey.nodes.iter().filter(|other| other.column == node.column && !other.folded);
        shown.flat_map(terms_of).map(|term| filter_text::not(&term)).collect::<Vec<_>>().join(" ")
    }

    fn table(&self) -> Markup {
        let reader = &self.asked.reader;
        let mut bands: Vec<&Band> = self.sankey.bands.iter().collect();
        bands.sort_by_key(|band| (self.sankey.nodes[band.from].column, std::cmp::Reverse(band.value)));
        html! {
            div.table-box tabindex="0" role="group" aria-label=(reader.t("flow-title")) {
                table {
                    thead {
                        tr {
                            th scope="col" { (reader.t("flow-from")) }
                            th scope="col" { (reader.t("flow-to")) }
                            th.right scope="col" { (reader.t(words::counted_heading(self.map.counted))) }
                        }
                    }
                    tbody {
                        @for band in bands {
                            tr {
                                td { (self.label(&self.sankey.nodes[band.from])) }
                                td { (self.label(&self.sankey.nodes[band.to])) }
                                td.right { a.number href=(self.band_part(band).href) data-number=(band.value) data-measure=(parts::measure_word(self.map.counted)) { (reader.int(band.value)) } }
                            }
                        }
                    }
                }
            }
            @if self.sankey.dropped > 0 { p { (reader.tn("flow-dropped", &[("n", Arg::Count(self.sankey.dropped))])) } }
        }
    }
}

/// Neighbours on the paths, added up. A band whose mail ended in different ways is neutral.
fn graph(map: &FlowMap) -> Graph {
    let mut firsts = [0; FLOW_COLUMNS];
    let mut nodes = Vec::new();
    for (column, members) in map.columns.iter().enumerate() {
        firsts[column] = nodes.len();
        nodes.extend(members.iter().map(|node| Node { column: Some(column), keep: keep(node) }));
    }
    let mut sums: BTreeMap<(usize, usize), BTreeMap<Tone, u64>> = BTreeMap::new();
    for flow in &map.flows {
        let exists = |(column, stop): (usize, &Option<u32>)| {
            stop.map(|stop| stop as usize)
                .filter(|stop| *stop < map.columns[column].len())
                .map(|stop| firsts[column] + stop)
        };
        let stops: Vec<usize> = flow.stops.iter().enumerate().filter_map(exists).collect();
        for pair in stops.windows(2) {
            let sum = sums.entry((pair[0], pair[1])).or_default().entry(words::status_tone(flow.status)).or_default();
            *sum = sum.saturating_add(flow.count);
        }
    }
    let links = sums
        .into_iter()
        .map(|((from, to), tones)| Link {
            from,
            to,
            value: tones.values().fold(0, |sum, n| sum.saturating_add(*n)),
            tone: main_tone(&tones),
        })
        .collect();
    Graph { nodes, links }
}

fn keep(node: &FlowNode) -> Keep {
    match node.label {
        _ if node.bundled > 0 => Keep::Never,
        NodeLabel::Status(_) => Keep::Always,
        _ => Keep::Large,
    }
}

/// The tone of nearly all of it, else none: a band is one link, so it has one colour.
fn main_tone(tones: &BTreeMap<Tone, u64>) -> Tone {
    const MAIN_SHARE: f64 = 0.75;
    let total: f64 = tones.values().map(|count| *count as f64).sum();
    tones.iter().find(|(_, count)| **count as f64 >= total * MAIN_SHARE).map_or(Tone::Neutral, |(tone, _)| *tone)
}
