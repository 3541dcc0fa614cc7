//! A read filter: what it chooses and when, and the small changes that a page makes to it.

use std::fmt;

use crate::expr::{Expr, Term};
use crate::fields::Field;
use crate::pattern::Pattern;
use crate::period::Period;
use crate::problem::Problem;
use crate::values::{Op, Value};
use crate::{Context, parse};

/// A filter. Its `Display` is the canonical text, which reads as the same filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// What rows it chooses; nothing for all of them.
    pub expr: Option<Expr>,
    /// When.
    pub period: Period,
}

impl Expr {
    /// Does a term of it look at this field?
    pub fn mentions(&self, field: Field) -> bool {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(|part| part.mentions(field)),
            Expr::Not(inner) => inner.mentions(field),
            Expr::Term(term) => term.field == field,
        }
    }
}

impl Filter {
    /// Does the filter look at this field anywhere?
    pub fn mentions(&self, field: Field) -> bool {
        self.expr.as_ref().is_some_and(|expr| expr.mentions(field))
    }

    /// It chooses everything.
    pub fn is_empty(&self) -> bool {
        self.expr.is_none() && self.period.text.is_empty()
    }

    /// The texts of its top-level conditions (all of which must hold), the period apart: the chips of a page.
    pub fn terms(&self) -> Vec<String> {
        self.conjuncts().iter().map(ToString::to_string).collect()
    }

    /// Without the condition at this place of [`Filter::terms`]; unchanged when there is none.
    pub fn without(&self, index: usize) -> Filter {
        let kept = self.conjuncts().iter().enumerate().filter(|(at, _)| *at != index).map(|(_, part)| part.clone());
        Filter { expr: Expr::all(kept), period: self.period.clone() }
    }

    /// Narrowed by another text, which may have several conditions and a period. What is there already is not repeated.
    pub fn and(&self, text: &str, context: &Context) -> Result<Filter, Vec<Problem>> {
        let added = parse(text, context)?;
        let new = added.conjuncts().iter().filter(|part| !self.conjuncts().contains(part));
        let parts: Vec<String> = self.conjuncts().iter().chain(new).map(Expr::conjunct_text).collect();
        parse(&format!("{} {} {}", parts.join(" "), self.period.text, added.period.text), context)
    }

    /// With this period (such as `last:7d`) in place of its own.
    pub fn with_period(&self, text: &str, context: &Context) -> Result<Filter, Vec<Problem>> {
        let period = parse(text, context)?.period;
        self.without_period().and(&period.text, context)
    }

    /// Without its period.
    pub fn without_period(&self) -> Filter {
        Filter { expr: self.expr.clone(), period: Period::default() }
    }

    fn conjuncts(&self) -> &[Expr] {
        self.expr.as_ref().map_or(&[], Expr::conjuncts)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expr {
            None => f.write_str(&self.period.text),
            Some(expr) if self.period.text.is_empty() => expr.fmt(f),
            Some(expr) => write!(f, "{} {}", expr.conjunct_text(), self.period.text),
        }
    }
}

/// The canonical text of the condition that a field has exactly this value, for links from a figure to the rows behind it.
///
/// Text is quoted as needed and never taken for a wildcard. For [`Field::Any`] the words are looked for anywhere. A number, word or
/// flag is written as it is given.
pub fn term_text(field: Field, value: &str) -> String {
    let info = field.info();
    let pattern = match field {
        Field::Any => Pattern::Contains(value.to_string()),
        _ if info.kind.is_text() => Pattern::exact(info.kind, value),
        _ => return format!("{}:{value}", info.name),
    };
    Term { field, op: Op::Is, values: vec![Value::Pattern(pattern)] }.to_string()
}
