//! A filter as DataFusion conditions.
//!
//! Equality with stored text stays plain equality, so that bloom filters and statistics prune; every other pattern is
//! [`text_matches`]. A missing number matches nothing, and the negation of that matches: `not` is *is not true*.

use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{cast, ident};
use datafusion::scalar::ScalarValue;
use vigie_model::Micros;
use vigie_query::{Expr as Asked, Field, Filter, Kind, Op, Pattern, Term, Value, anywhere};

use super::dataset::{Dataset, Place, is_about_the_message, kind_of};
use super::text_udf::{Look, text_matches};
use crate::LakeError;
use crate::rows::folded;

/// All of these must hold, the cheap ones first. `period` is what the choice of files leaves of the filter's.
pub(crate) fn conditions(
    dataset: Dataset,
    (from, until): (Option<Micros>, Option<Micros>),
    filter: &Filter,
) -> Result<Vec<Expr>, LakeError> {
    let mut conditions = Vec::new();
    if let Some(from) = from {
        conditions.push(ident(dataset.time()).gt_eq(time(from)));
    }
    if let Some(until) = until {
        conditions.push(ident(dataset.time()).lt(time(until)));
    }
    for part in filter.expr.as_ref().map_or(&[][..], Asked::conjuncts) {
        conditions.push(condition(dataset, part)?);
    }
    Ok(conditions)
}

/// Does the filter choose whole messages, never some of their rows only?
pub(crate) fn is_about_messages(filter: &Filter) -> bool {
    fn all(expr: &Asked) -> bool {
        match expr {
            Asked::And(parts) | Asked::Or(parts) => parts.iter().all(all),
            Asked::Not(inner) => all(inner),
            Asked::Term(term) => is_about_the_message(term.field),
        }
    }
    filter.expr.as_ref().is_none_or(all)
}

pub(crate) fn time(ts: Micros) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(ts), Some("UTC".into())))
}

fn condition(dataset: Dataset, expr: &Asked) -> Result<Expr, LakeError> {
    match expr {
        Asked::And(parts) => joined(dataset, parts, Expr::and),
        Asked::Or(parts) => joined(dataset, parts, Expr::or),
        Asked::Not(inner) => Ok(condition(dataset, inner)?.is_not_true()),
        Asked::Term(term) => any(term.values.iter().map(|value| holds(dataset, term, value))),
    }
}

fn joined(dataset: Dataset, parts: &[Asked], join: fn(Expr, Expr) -> Expr) -> Result<Expr, LakeError> {
    let mut conditions = parts.iter().map(|part| condition(dataset, part));
    // The parser makes no empty conjunction; nothing to ask is nothing in the way.
    let Some(first) = conditions.next() else { return Ok(lit(true)) };
    conditions.try_fold(first?, |all, next| Ok(join(all, next?)))
}

fn any(mut conditions: impl Iterator<Item = Result<Expr, LakeError>>) -> Result<Expr, LakeError> {
    let Some(first) = conditions.next() else { return Ok(lit(false)) };
    conditions.try_fold(first?, |all, next| Ok(all.or(next?)))
}

fn holds(dataset: Dataset, term: &Term, value: &Value) -> Result<Expr, LakeError> {
    if let (Field::Any, Value::Pattern(pattern)) = (term.field, value) {
        // What a dataset does not have is missing in it: only the empty text is found there, and nobody looks for that.
        let places = anywhere(pattern).iter().filter_map(|&field| dataset.place(field).ok());
        return any(places.map(|place| Ok(text(place, pattern, Kind::Anything))));
    }
    let place = dataset.place(term.field)?;
    Ok(match value {
        Value::Pattern(pattern) => text(place, pattern, kind_of(term.field)),
        Value::Word(word) => word_is(place, word),
        Value::Flag(flag) => flag_is(place, *flag),
        Value::Number(wanted) | Value::Bytes(wanted) | Value::DurationMs(wanted) => number(place, term.op, *wanted),
    })
}

fn text(place: Place, pattern: &Pattern, kind: Kind) -> Expr {
    match place {
        Place::Lower { column, domain } => lower(column, domain, pattern, kind),
        Place::Text(column) => match pattern {
            Pattern::Exact(text) if kind.is_case_sensitive() && !text.is_empty() => {
                ident(column).eq(lit(text.as_str()))
            }
            _ => text_matches(ident(column), pattern, kind, Look::Whole),
        },
        Place::Words(column) => text_matches(ident(column), pattern, kind, Look::Words),
        Place::Relay(column) => text_matches(ident(column), pattern, kind, Look::Relay),
        Place::Code(column) => {
            let code = cast(ident(column), arrow::datatypes::DataType::Utf8View);
            let is_known = ident(column).not_eq(lit(0i64));
            is_known
                .clone()
                .and(text_matches(code, pattern, kind, Look::Whole))
                .or(is_known.is_not_true().and(lit(pattern.matches("", kind))))
        }
        Place::Either(places) => {
            let matching = places.iter().map(|&place| text(place, pattern, kind)).reduce(Expr::or);
            matching.unwrap_or_else(|| lit(false))
        }
        Place::OrElse(first, second) => or_else(*first, *second, pattern, kind),
        Place::Number(_) | Place::Flag(_) | Place::Rejected => lit(false),
    }
}

/// Stored in lower case: equality of the folded text is equality without case.
fn lower(column: &'static str, domain: Option<&'static str>, pattern: &Pattern, kind: Kind) -> Expr {
    match (pattern, domain) {
        (Pattern::Exact(text), _) if !kind.is_case_sensitive() => ident(column).eq(lit(folded(text).as_ref())),
        (Pattern::Domain(name), Some(domain)) if !name.is_empty() => ident(domain).eq(lit(folded(name).as_ref())),
        _ => text_matches(ident(column), pattern, kind, Look::Whole),
    }
}

fn or_else(first: Place, second: Place, pattern: &Pattern, kind: Kind) -> Expr {
    let Place::Lower { column, .. } = first else { return text(first, pattern, kind) };
    let is_empty = ident(column).eq(lit(""));
    let said = is_empty.clone().is_not_true().and(text(first, pattern, kind));
    said.or(is_empty.and(text(second, pattern, kind)))
}

fn word_is(place: Place, word: &str) -> Expr {
    match place {
        Place::Text(column) => ident(column).eq(lit(word)),
        Place::Rejected => lit(word == "rejected"),
        _ => lit(false),
    }
}

fn flag_is(place: Place, flag: bool) -> Expr {
    match place {
        Place::Flag(column) if flag => ident(column).is_true(),
        Place::Flag(column) => ident(column).is_false(),
        _ => lit(false),
    }
}

fn number(place: Place, op: Op, wanted: u64) -> Expr {
    let Place::Number(column) = place else { return lit(false) };
    // The filter language promises numbers that fit.
    let (column, wanted) = (ident(column), lit(wanted as i64));
    match op {
        Op::Is => column.eq(wanted),
        Op::Less => column.lt(wanted),
        Op::LessOrEqual => column.lt_eq(wanted),
        Op::Greater => column.gt(wanted),
        Op::GreaterOrEqual => column.gt_eq(wanted),
    }
}
