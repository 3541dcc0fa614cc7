//! Heights and order: little crossing, and every band exactly as thick as its count.

use super::shape::{Shape, ShapeBand};
use super::{Band, PlacedNode, Sankey};

/// Height to fill; more only when many tiny nodes need their room.
const HEIGHT: f64 = 320.0;
/// A label of 12 px must fit between the middles of two nodes of no height.
const NODE_GAP_MIN: f64 = 14.0;
const NODE_GAP_MAX: f64 = 44.0;
const NODE_HEIGHT_MIN: f64 = 3.0;
/// There and back, often enough for four columns to settle.
const SWEEPS: usize = 6;

/// Something that takes room in a column: a node, or the lane of a band that only passes.
struct Slot {
    what: What,
    value: f64,
    last: bool,
    top: f64,
    height: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    Node(usize),
    Lane(usize),
}

pub(super) fn place(shape: Shape) -> Sankey {
    let mut columns = slots(&shape);
    order(&mut columns, &shape);
    let scale = scale(&columns);
    let height = columns.iter_mut().map(|column| stack(column, scale)).fold(0.0, f64::max).max(60.0);
    for column in &mut columns {
        centre(column, height);
    }
    let bands = bands(&shape, &columns, scale);
    let mut nodes: Vec<PlacedNode> = shape
        .nodes
        .into_iter()
        .map(|node| PlacedNode {
            column: node.column,
            members: node.members,
            folded: node.folded,
            value: node.value,
            top: 0.0,
            height: 0.0,
        })
        .collect();
    for slot in columns.iter().flatten() {
        if let What::Node(at) = slot.what {
            (nodes[at].top, nodes[at].height) = (slot.top, slot.height);
        }
    }
    Sankey { nodes, bands, columns: shape.columns, dropped: shape.dropped, height }
}

fn slots(shape: &Shape) -> Vec<Vec<Slot>> {
    let mut columns: Vec<Vec<Slot>> = shape.columns.iter().map(|_| Vec::new()).collect();
    for (at, node) in shape.nodes.iter().enumerate() {
        columns[node.column].push(Slot {
            what: What::Node(at),
            value: node.value as f64,
            last: node.folded,
            top: 0.0,
            height: 0.0,
        });
    }
    for (at, band) in shape.bands.iter().enumerate() {
        for column in &mut columns[shape.nodes[band.from].column + 1..shape.nodes[band.to].column] {
            column.push(Slot { what: What::Lane(at), value: band.value as f64, last: false, top: 0.0, height: 0.0 });
        }
    }
    columns
}

/// Each slot goes where the middle of its neighbours is, left to right and back. Folded nodes stay last.
fn order(columns: &mut [Vec<Slot>], shape: &Shape) {
    let count = columns.len();
    for sweep in 0..SWEEPS {
        for step in 1..count {
            let (at, beside) = if sweep % 2 == 0 { (step, step - 1) } else { (count - 1 - step, count - step) };
            let middles: Vec<f64> =
                columns[at].iter().map(|slot| middle_of_neighbours(slot.what, at, beside, columns, shape)).collect();
            let mut keyed: Vec<(f64, Slot)> = middles.into_iter().zip(columns[at].drain(..)).collect();
            keyed.sort_by(|(a, slot_a), (b, slot_b)| slot_a.last.cmp(&slot_b.last).then(a.total_cmp(b)));
            columns[at].extend(keyed.into_iter().map(|(_, slot)| slot));
        }
    }
}

fn middle_of_neighbours(what: What, at: usize, beside: usize, columns: &[Vec<Slot>], shape: &Shape) -> f64 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (number, band) in shape.bands.iter().enumerate() {
        if stop(band, number, at, shape) == Some(what)
            && let Some(neighbour) = stop(band, number, beside, shape)
            && let Some(position) = columns[beside].iter().position(|slot| slot.what == neighbour)
        {
            sum += position as f64 * band.value as f64;
            weight += band.value as f64;
        }
    }
    let own = columns[at].iter().position(|slot| slot.what == what).unwrap_or(0) as f64;
    if weight > 0.0 { sum / weight } else { own }
}

/// What a band meets in a column.
fn stop(band: &ShapeBand, number: usize, column: usize, shape: &Shape) -> Option<What> {
    let (from, to) = (shape.nodes[band.from].column, shape.nodes[band.to].column);
    match column {
        column if column == from => Some(What::Node(band.from)),
        column if column == to => Some(What::Node(band.to)),
        column if from < column && column < to => Some(What::Lane(number)),
        _ => None,
    }
}

/// Pixels per count, so that the fullest column fits.
fn scale(columns: &[Vec<Slot>]) -> f64 {
    let of = |column: &Vec<Slot>| {
        let room = HEIGHT - NODE_GAP_MIN * column.len().saturating_sub(1) as f64;
        let total: f64 = column.iter().map(|slot| slot.value).sum();
        if total > 0.0 { room.max(HEIGHT / 3.0) / total } else { f64::INFINITY }
    };
    let scale = columns.iter().map(of).fold(f64::INFINITY, f64::min);
    if scale.is_finite() { scale } else { 0.0 }
}

/// Sets heights and tops from 0; gives the height of the column.
fn stack(column: &mut [Slot], scale: f64) -> f64 {
    for slot in &mut *column {
        let exact = slot.value * scale;
        slot.height = if matches!(slot.what, What::Node(_)) { exact.max(NODE_HEIGHT_MIN) } else { exact };
    }
    let filled: f64 = column.iter().map(|slot| slot.height).sum();
    let gaps = column.len().saturating_sub(1).max(1) as f64;
    let gap = ((HEIGHT - filled) / gaps).clamp(NODE_GAP_MIN, NODE_GAP_MAX);
    let mut top = 0.0;
    for slot in &mut *column {
        slot.top = top;
        top += slot.height + gap;
    }
    (top - gap).max(0.0)
}

fn centre(column: &mut [Slot], height: f64) {
    let bottom = column.last().map_or(0.0, |slot| slot.top + slot.height);
    let shift = (height - bottom) / 2.0;
    for slot in column {
        slot.top += shift;
    }
}

/// Where each band touches each column: in the order of the other ends, so that bands of one node do not cross.
fn bands(shape: &Shape, columns: &[Vec<Slot>], scale: f64) -> Vec<Band> {
    let slot_of = |column: usize, what: What| columns[column].iter().find(|slot| slot.what == what);
    let top_of = |column: usize, band: &ShapeBand, number: usize| {
        stop(band, number, column, shape).and_then(|what| slot_of(column, what)).map_or(0.0, |slot| slot.top)
    };
    let mut used_right = vec![0.0; shape.nodes.len()];
    let mut used_left = vec![0.0; shape.nodes.len()];
    let mut leaving: Vec<usize> = (0..shape.bands.len()).collect();
    let mut arriving = leaving.clone();
    leaving.sort_by(|a, b| {
        let next =
            |number: usize| top_of(shape.nodes[shape.bands[number].from].column + 1, &shape.bands[number], number);
        next(*a).total_cmp(&next(*b)).then(a.cmp(b))
    });
    arriving.sort_by(|a, b| {
        let before =
            |number: usize| top_of(shape.nodes[shape.bands[number].to].column - 1, &shape.bands[number], number);
        before(*a).total_cmp(&before(*b)).then(a.cmp(b))
    });

    let mut bands: Vec<Band> = shape
        .bands
        .iter()
        .enumerate()
        .map(|(number, band)| {
            let (from, to) = (shape.nodes[band.from].column, shape.nodes[band.to].column);
            let tops = (from..=to).map(|column| top_of(column, band, number)).collect();
            Band {
                from: band.from,
                to: band.to,
                value: band.value,
                tone: band.tone,
                tops,
                thickness: band.value as f64 * scale,
            }
        })
        .collect();
    for number in leaving {
        let band = &mut bands[number];
        band.tops[0] += used_right[band.from];
        used_right[band.from] += band.thickness;
    }
    for number in arriving {
        let band = &mut bands[number];
        if let Some(top) = band.tops.last_mut() {
            *top += used_left[band.to];
        }
        used_left[band.to] += band.thickness;
    }
    bands
}
