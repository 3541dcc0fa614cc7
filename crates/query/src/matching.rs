//! The expression against rows in memory. Stored facts are searched by the lake, to the same effect.

use crate::expr::{Expr, Term};
use crate::fields::{Field, Kind, anywhere};
use crate::values::Value;

/// What a row holds in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing, or not known.
    Missing,
    /// Text, or the canonical word of a [`Kind::Words`] field.
    Text(&'a str),
    /// Several texts, one of which must match: recipients, the servers of a path, the name and the address of a client.
    Texts(Vec<&'a str>),
    /// A count, bytes or milliseconds, as the kind of the field says.
    Amount(u64),
    /// Yes or no.
    Flag(bool),
}

/// A row that an expression can look at.
pub trait Row {
    /// What it holds in this field. Never asked for [`Field::Any`].
    fn cell(&self, field: Field) -> Cell<'_>;
}

/// Whether the expression chooses the row.
///
/// A missing cell matches no term, except the one that asks for an empty text (`subject=""`); its negation therefore matches.
pub fn matches(expr: &Expr, row: &dyn Row) -> bool {
    match expr {
        Expr::And(parts) => parts.iter().all(|part| matches(part, row)),
        Expr::Or(parts) => parts.iter().any(|part| matches(part, row)),
        Expr::Not(inner) => !matches(inner, row),
        Expr::Term(term) => term.values.iter().any(|value| holds(term, value, row)),
    }
}

fn holds(term: &Term, value: &Value, row: &dyn Row) -> bool {
    let kind = term.field.info().kind;
    match value {
        Value::Pattern(pattern) if term.field == Field::Any => anywhere(pattern)
            .iter()
            .any(|&field| any_text(&row.cell(field), |text| pattern.matches(text, Kind::Anything))),
        Value::Pattern(pattern) => any_text(&row.cell(term.field), |text| pattern.matches(text, kind)),
        Value::Word(word) => any_text(&row.cell(term.field), |text| text == *word),
        Value::Flag(flag) => row.cell(term.field) == Cell::Flag(*flag),
        Value::Number(wanted) | Value::Bytes(wanted) | Value::DurationMs(wanted) => {
            matches!(row.cell(term.field), Cell::Amount(held) if term.op.holds(held, *wanted))
        }
    }
}

/// A missing text is an empty one: only the pattern that wants it so matches.
fn any_text(cell: &Cell<'_>, is_wanted: impl Fn(&str) -> bool) -> bool {
    match cell {
        Cell::Missing => is_wanted(""),
        Cell::Text(text) => is_wanted(text),
        Cell::Texts(texts) if texts.is_empty() => is_wanted(""),
        Cell::Texts(texts) => texts.iter().any(|text| is_wanted(text)),
        Cell::Amount(_) | Cell::Flag(_) => false,
    }
}
