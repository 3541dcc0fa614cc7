//! From any graph to columns of at most eight nodes and links that only go right.

use std::collections::BTreeMap;

use super::{COLUMN_NODES_MAX, COLUMNS_MAX, Graph, Keep, Link};
use crate::Tone;

pub(super) struct Shape {
    pub nodes: Vec<ShapeNode>,
    pub bands: Vec<ShapeBand>,
    pub columns: Vec<usize>,
    pub dropped: u64,
}

pub(super) struct ShapeNode {
    pub column: usize,
    pub members: Vec<usize>,
    pub folded: bool,
    pub value: u64,
}

pub(super) struct ShapeBand {
    pub from: usize,
    pub to: usize,
    pub value: u64,
    pub tone: Tone,
}

pub(super) fn shape(graph: &Graph) -> Shape {
    let columns = columns_of(graph);
    let goes_right = |link: &&Link| {
        link.value > 0
            && match (columns.get(link.from), columns.get(link.to)) {
                (Some(from), Some(to)) => from < to,
                _ => false,
            }
    };
    let links: Vec<&Link> = graph.links.iter().filter(goes_right).collect();
    let drawn: u64 = links.iter().fold(0, |sum, link| sum.saturating_add(link.value));
    let all: u64 = graph.links.iter().fold(0, |sum, link| sum.saturating_add(link.value));

    let values = node_values(graph.nodes.len(), &links);
    let (mut nodes, place_of) = fold(graph, &columns, &values);
    let mut sums: BTreeMap<(usize, usize, Tone), u64> = BTreeMap::new();
    for link in links {
        if let (Some(from), Some(to)) = (place_of[link.from], place_of[link.to]) {
            let sum = sums.entry((from, to, link.tone)).or_default();
            *sum = sum.saturating_add(link.value);
        }
    }
    let bands = sums.into_iter().map(|((from, to, tone), value)| ShapeBand { from, to, value, tone }).collect();
    let columns = close_ranks(&mut nodes);
    Shape { nodes, bands, columns, dropped: all - drawn }
}

/// The column of each node: as asked for, else its longest way from a beginning, without the links that close a cycle.
fn columns_of(graph: &Graph) -> Vec<usize> {
    let depths = depths(graph);
    graph.nodes.iter().zip(depths).map(|(node, depth)| node.column.unwrap_or(depth).min(COLUMNS_MAX - 1)).collect()
}

/// Longest way from a beginning. Links that lead back to a node on the way to them are not followed.
fn depths(graph: &Graph) -> Vec<usize> {
    let count = graph.nodes.len();
    let mut onward: Vec<Vec<usize>> = vec![Vec::new(); count];
    for link in graph.links.iter().filter(|link| link.from < count && link.to < count && link.value > 0) {
        onward[link.from].push(link.to);
    }
    let order = finished_last_first(&onward);
    let mut position = vec![0; count];
    for (at, node) in order.iter().enumerate() {
        position[*node] = at;
    }
    let mut depths = vec![0; count];
    for &node in &order {
        // A link to an earlier position closes a cycle.
        for &to in onward[node].iter().filter(|to| position[**to] > position[node]) {
            depths[to] = depths[to].max(depths[node] + 1);
        }
    }
    depths
}

/// Depth-first finishing order, reversed: a topological order when there is no cycle, and a cut of the cycles otherwise.
/// Nodes without an incoming link come first. Iterative: a chain of ten thousand servers must not overflow the stack.
fn finished_last_first(onward: &[Vec<usize>]) -> Vec<usize> {
    let mut has_incoming = vec![false; onward.len()];
    for &to in onward.iter().flatten() {
        has_incoming[to] = true;
    }
    let beginnings = (0..onward.len())
        .filter(|node| has_incoming[*node])
        .chain((0..onward.len()).filter(|node| !has_incoming[*node]));
    let mut seen = vec![false; onward.len()];
    let mut finished = Vec::with_capacity(onward.len());
    // True beginnings are visited first, whatever their number.
    for start in beginnings.collect::<Vec<_>>().into_iter().rev() {
        let mut stack = vec![(start, 0)];
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        while let Some((node, next)) = stack.pop() {
            match onward[node].get(next) {
                Some(&to) => {
                    stack.push((node, next + 1));
                    if !std::mem::replace(&mut seen[to], true) {
                        stack.push((to, 0));
                    }
                }
                None => finished.push(node),
            }
        }
    }
    finished.reverse();
    finished
}

/// What goes in or what goes out, whichever is more.
fn node_values(count: usize, links: &[&Link]) -> Vec<u64> {
    let (mut incoming, mut outgoing) = (vec![0u64; count], vec![0u64; count]);
    for link in links {
        outgoing[link.from] = outgoing[link.from].saturating_add(link.value);
        incoming[link.to] = incoming[link.to].saturating_add(link.value);
    }
    incoming.into_iter().zip(outgoing).map(|(incoming, outgoing)| incoming.max(outgoing)).collect()
}

/// Keeps what must be seen and the largest nodes of each column, and makes one of the rest. Also gives the place of each node.
fn fold(graph: &Graph, columns: &[usize], values: &[u64]) -> (Vec<ShapeNode>, Vec<Option<usize>>) {
    let mut nodes = Vec::new();
    let mut place_of = vec![None; columns.len()];
    for column in 0..COLUMNS_MAX {
        let mut here: Vec<usize> =
            (0..columns.len()).filter(|node| columns[*node] == column && values[*node] > 0).collect();
        here.sort_by_key(|node| (graph.nodes[*node].keep, std::cmp::Reverse(values[*node]), *node));
        let single = here.iter().filter(|node| graph.nodes[**node].keep != Keep::Never).count();
        let is_full = here.len() > COLUMN_NODES_MAX;
        let kept = if is_full { single.min(COLUMN_NODES_MAX - 1) } else { single };
        let rest = here.split_off(kept);
        for node in here {
            place_of[node] = Some(nodes.len());
            nodes.push(ShapeNode { column, members: vec![node], folded: false, value: values[node] });
        }
        if !rest.is_empty() {
            for node in &rest {
                place_of[*node] = Some(nodes.len());
            }
            let value = rest.iter().fold(0, |sum: u64, node| sum.saturating_add(values[*node]));
            nodes.push(ShapeNode { column, members: rest, folded: true, value });
        }
    }
    (nodes, place_of)
}

/// Takes out the columns that nobody is in.
fn close_ranks(nodes: &mut [ShapeNode]) -> Vec<usize> {
    let used: Vec<usize> = (0..COLUMNS_MAX).filter(|column| nodes.iter().any(|node| node.column == *column)).collect();
    for node in nodes {
        node.column = used.iter().position(|column| *column == node.column).unwrap_or(0);
    }
    used
}
