//! The tree as it was written, and the filter made of it: periods are lifted out of the conjunction at the top.

use std::ops::Range;

use crate::expr::{Expr, Term};
use crate::filter::Filter;
use crate::period::Period;
use crate::problem::Problem;

/// The tree before periods are lifted out of it.
pub(crate) enum Node {
    Term(Term),
    Period(Period, Range<usize>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

/// Takes the periods out of the conjunction at the top.
pub(crate) fn lifted(tree: Option<Node>, text: &str, problems: &mut Vec<Problem>) -> Filter {
    let mut parts = Vec::new();
    let mut period = Period::default();
    let mut place = None;
    if let Some(tree) = tree {
        flatten(tree, &mut |node| match node {
            Node::Period(said, span) => {
                period.narrowed_by(said);
                place = Some(span);
            }
            node => parts.extend(expression(node, "or", text, problems)),
        });
    }
    if let (true, Some(span)) = (period.is_empty(), place) {
        problems.push(Problem::new(span, "no moment is in all the periods of this filter").hint("keep one of them"));
    }
    Filter { expr: Expr::all(parts), period }
}

/// Every conjunct, however the conjunctions are nested.
fn flatten(node: Node, see: &mut impl FnMut(Node)) {
    match node {
        Node::And(parts) => parts.into_iter().for_each(|part| flatten(part, see)),
        other => see(other),
    }
}

/// A tree in which periods have no place: they stand inside `around`.
fn expression(node: Node, around: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Expr> {
    match node {
        Node::Term(term) => Some(Expr::Term(term)),
        Node::Not(inner) => expression(*inner, "not", text, problems).map(Expr::negated),
        Node::And(parts) => {
            Expr::all(parts.into_iter().filter_map(|part| expression(part, around, text, problems)).collect::<Vec<_>>())
        }
        Node::Or(parts) => {
            let around = if around == "not" { "not" } else { "or" };
            Expr::any(parts.into_iter().filter_map(|part| expression(part, around, text, problems)).collect::<Vec<_>>())
        }
        Node::Period(_, span) => {
            let said = &text[span.clone()];
            problems.push(
                Problem::new(
                    span.clone(),
                    format!("a period holds for the whole filter and cannot stand inside `{around}`"),
                )
                .hint(format!("write it beside the rest: (…) {said}")),
            );
            None
        }
    }
}
