//! The typed expression and its canonical text.

use std::fmt;

use crate::fields::Field;
use crate::values::{Op, Value};

/// What rows a filter chooses, the period apart.
///
/// Made by [`crate::parse`]: `And` and `Or` have at least two parts, none of their own sort, and `Not` never holds a `Not`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// All of them.
    And(Vec<Expr>),
    /// At least one of them.
    Or(Vec<Expr>),
    /// Not this one. What a row does not have does not match, so it matches the negation.
    Not(Box<Expr>),
    /// One condition.
    Term(Term),
}

/// One condition: the field stands in relation `op` to one of the values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Term {
    /// What it looks at.
    pub field: Field,
    /// How.
    pub op: Op,
    /// At least one value; exactly one unless `op` is [`Op::Is`].
    pub values: Vec<Value>,
}

impl Expr {
    /// The parts of a conjunction, or the expression itself.
    pub fn conjuncts(&self) -> &[Expr] {
        match self {
            Expr::And(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// All of these; nothing when there are none.
    pub(crate) fn all(parts: impl IntoIterator<Item = Expr>) -> Option<Expr> {
        joined(parts, Expr::And, |part| match part {
            Expr::And(parts) => Ok(parts),
            other => Err(other),
        })
    }

    /// One of these; nothing when there are none.
    pub(crate) fn any(parts: impl IntoIterator<Item = Expr>) -> Option<Expr> {
        joined(parts, Expr::Or, |part| match part {
            Expr::Or(parts) => Ok(parts),
            other => Err(other),
        })
    }

    pub(crate) fn negated(self) -> Expr {
        match self {
            Expr::Not(inner) => *inner,
            other => Expr::Not(Box::new(other)),
        }
    }

    /// Its text as one conjunct among several.
    pub(crate) fn conjunct_text(&self) -> String {
        if matches!(self, Expr::Or(_)) { format!("({self})") } else { self.to_string() }
    }
}

fn joined(
    parts: impl IntoIterator<Item = Expr>,
    join: fn(Vec<Expr>) -> Expr,
    split: fn(Expr) -> Result<Vec<Expr>, Expr>,
) -> Option<Expr> {
    let mut flat = Vec::new();
    for part in parts {
        match split(part) {
            Ok(inner) => flat.extend(inner),
            Err(part) => flat.push(part),
        }
    }
    if flat.len() > 1 { Some(join(flat)) } else { flat.pop() }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::And(parts) => write_parts(f, parts, " ", |part| part.conjunct_text()),
            Expr::Or(parts) => write_parts(f, parts, " or ", |part| part.to_string()),
            Expr::Not(inner) if matches!(**inner, Expr::Term(_)) => write!(f, "-{inner}"),
            Expr::Not(inner) => write!(f, "-({inner})"),
            Expr::Term(term) => term.fmt(f),
        }
    }
}

fn write_parts(f: &mut fmt::Formatter<'_>, parts: &[Expr], between: &str, text: fn(&Expr) -> String) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        f.write_str(&text(part))?;
    }
    Ok(())
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.field.info();
        let written: Option<Vec<String>> = self.values.iter().map(|value| value.written(info.kind)).collect();
        match written {
            Some(values) if self.field == Field::Any => f.write_str(&values.join(",")),
            Some(values) => write!(f, "{}{}{}", info.name, self.op, values.join(",")),
            None => {
                let values: Vec<String> = self.values.iter().map(|value| value.written_exactly(info.kind)).collect();
                write!(f, "{}={}", info.name, values.join(","))
            }
        }
    }
}
