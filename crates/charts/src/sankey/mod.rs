//! Where things flow: nodes in at most four columns, bands between them as thick as their counts.
//!
//! A [`Graph`] becomes a [`Sankey`] in three steps, one file each: `shape` decides columns, breaks cycles and folds the
//! small nodes of a column into one; `place` finds the heights; `draw` writes the SVG. Folding happens before the caller
//! is asked for labels and addresses, so that "Other (12)" can have a true label and a true link.

mod draw;
mod place;
mod shape;

use crate::Tone;

pub use draw::Part;

/// More columns than this do not fit beside each other on a page.
pub const COLUMNS_MAX: usize = 4;
/// More nodes in a column than this are folded.
pub const COLUMN_NODES_MAX: usize = 8;

/// What flows where, as the caller knows it.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub links: Vec<Link>,
}

#[derive(Debug, Clone, Default)]
pub struct Node {
    /// `None`: chosen from the links, as far left as they allow.
    pub column: Option<usize>,
    pub keep: Keep,
}

/// Whether a node is drawn by itself in a column with too many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Folded last: what must be seen however small it is.
    Always,
    #[default]
    Large,
    /// Folded always: it stands for many small ones.
    Never,
}

#[derive(Debug, Clone)]
pub struct Link {
    /// Positions in `Graph::nodes`.
    pub from: usize,
    pub to: usize,
    pub value: u64,
    pub tone: Tone,
}

/// The finished geometry, for [`Sankey::draw`] and for a table with the same rows.
#[derive(Debug)]
pub struct Sankey {
    pub nodes: Vec<PlacedNode>,
    pub bands: Vec<Band>,
    /// Which of the columns asked for are in the picture, left to right.
    pub columns: Vec<usize>,
    /// Sum of the links that could not be drawn: backwards, round a cycle, within a column.
    pub dropped: u64,
    height: f64,
}

#[derive(Debug)]
pub struct PlacedNode {
    /// Position in `Sankey::columns`.
    pub column: usize,
    /// The nodes of the graph that this one stands for; several when it is folded.
    pub members: Vec<usize>,
    pub folded: bool,
    /// What flows through it.
    pub value: u64,
    top: f64,
    height: f64,
}

#[derive(Debug)]
pub struct Band {
    /// Positions in `Sankey::nodes`.
    pub from: usize,
    pub to: usize,
    pub value: u64,
    pub tone: Tone,
    /// Upper edge at each column that it touches, first to last.
    tops: Vec<f64>,
    thickness: f64,
}

impl Sankey {
    pub fn new(graph: &Graph) -> Sankey {
        place::place(shape::shape(graph))
    }

    pub fn is_empty(&self) -> bool {
        self.bands.is_empty()
    }
}
