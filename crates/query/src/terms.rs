//! A field, its sign and its values -> a typed term, or what is wrong with it.

use std::ops::Range;

use crate::Context;
use crate::expr::Term;
use crate::fields::{FieldInfo, fields};
use crate::lexer::{Sign, Written};
use crate::nearest::nearest;
use crate::period::{PeriodInfo, periods};
use crate::problem::Problem;
use crate::tree::Node;
use crate::values::{Op, Value};

pub(crate) fn unknown_field(name: &str, span: Range<usize>, term: &str) -> Problem {
    let names = fields().iter().flat_map(|info| info.aliases.iter().chain([&info.name]));
    let names = names.chain(periods().iter().flat_map(|info| info.aliases.iter().chain([&info.name])));
    let problem = Problem::new(span, format!("there is no field `{name}`"));
    match nearest(name, names.copied()) {
        Some(name) => problem.hint(format!("did you mean `{name}`?")),
        None => problem.hint(format!("to search for this text put it in quotes: \"{}\"", term.replace('"', "\\\""))),
    }
}

pub(crate) fn period_term(
    info: &PeriodInfo,
    sign: Sign,
    values: &[Written],
    span: Range<usize>,
    context: &Context,
) -> Result<Option<Node>, Problem> {
    match values {
        [] => Ok(None),
        _ if !matches!(sign, Sign::Colon | Sign::Equal) => {
            Err(Problem::new(span, format!("`{}` is a period, which is not compared", info.name))
                .hint(format!("write for example {}", info.example)))
        }
        [value] => Ok(Some(Node::Period(info.period(value, context)?, span))),
        _ => Err(Problem::new(span, format!("`{}:` takes one value", info.name))
            .hint("a stretch of several days is since:2026-11-01 until:2026-11-03")),
    }
}

pub(crate) fn field_term(
    info: &FieldInfo,
    sign: Sign,
    mut values: Vec<Written>,
    span: Range<usize>,
) -> Result<Option<Node>, Problem> {
    let sign = if info.kind.is_ordered() && sign == Sign::Colon { sign_within(&mut values)? } else { sign };
    let op = match sign {
        Sign::Colon | Sign::Equal | Sign::NotEqual => Op::Is,
        Sign::Less => Op::Less,
        Sign::LessOrEqual => Op::LessOrEqual,
        Sign::Greater => Op::Greater,
        Sign::GreaterOrEqual => Op::GreaterOrEqual,
    };
    if op != Op::Is && !info.kind.is_ordered() {
        let message = format!("`{}` holds {}, which `{op}` cannot compare", info.name, info.kind.noun());
        return Err(Problem::new(span, message)
            .hint(format!("write {}:value; numbers, sizes and durations are compared", info.name)));
    }
    if op != Op::Is && values.len() > 1 {
        return Err(
            Problem::new(span, format!("`{op}` takes one value")).hint("decimals are written with a point: 1.5MB")
        );
    }
    let read = if matches!(sign, Sign::Equal | Sign::NotEqual) { Value::read_exactly } else { Value::read };
    let mut typed: Vec<Value> = Vec::with_capacity(values.len());
    for written in &values {
        let value = read(info.kind, written)?;
        if !typed.contains(&value) {
            typed.push(value);
        }
    }
    if typed.is_empty() {
        return Ok(None);
    }
    let term = Node::Term(Term { field: info.field, op, values: typed });
    Ok(Some(if sign == Sign::NotEqual { Node::Not(Box::new(term)) } else { term }))
}

/// `size:>2MB`, as other search boxes have it: the sign is taken off the value.
fn sign_within(values: &mut [Written]) -> Result<Sign, Problem> {
    let Some(first) = values.first_mut() else {
        return Ok(Sign::Colon);
    };
    let Some((sign, written)) = first.pieces.first().and_then(|piece| Sign::leading(piece)) else {
        return Ok(Sign::Colon);
    };
    if let Some(piece) = first.pieces.first_mut() {
        piece.drain(..written.len());
    }
    if first.text().is_empty() {
        return Err(Problem::new(first.span.clone(), format!("there is no value after `{written}`"))
            .hint("write it without spaces: size>2MB"));
    }
    Ok(sign)
}
