//! Typed values, read for the kind of their field and written back.

use std::fmt;

use crate::fields::{Kind, Word};
use crate::lexer::Written;
use crate::nearest::nearest;
use crate::pattern::{NoPattern, Pattern};
use crate::problem::Problem;
use crate::quantity;

/// How a value is compared with what a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// It is one of the values.
    Is,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Op {
    /// Whether `held` stands in this relation to `wanted`.
    pub fn holds(self, held: u64, wanted: u64) -> bool {
        match self {
            Op::Is => held == wanted,
            Op::Less => held < wanted,
            Op::LessOrEqual => held <= wanted,
            Op::Greater => held > wanted,
            Op::GreaterOrEqual => held >= wanted,
        }
    }

    pub(crate) fn sign(self) -> &'static str {
        match self {
            Op::Is => ":",
            Op::Less => "<",
            Op::LessOrEqual => "<=",
            Op::Greater => ">",
            Op::GreaterOrEqual => ">=",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}

/// A value of a term; its form is that of the field's [`Kind`]. Numbers fit in an `i64`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// For text fields.
    Pattern(Pattern),
    /// A count.
    Number(u64),
    /// A size.
    Bytes(u64),
    /// A duration.
    DurationMs(u64),
    /// A word of the field's list, by its canonical name.
    Word(&'static str),
    /// Yes or no.
    Flag(bool),
}

const YES: [&str; 5] = ["yes", "true", "on", "1", "oui"];
const NO: [&str; 5] = ["no", "false", "off", "0", "non"];

impl Value {
    /// The amount, of a number, a size or a duration.
    pub fn amount(&self) -> Option<u64> {
        match self {
            Value::Number(amount) | Value::Bytes(amount) | Value::DurationMs(amount) => Some(*amount),
            Value::Pattern(_) | Value::Word(_) | Value::Flag(_) => None,
        }
    }

    /// Reads what was written after `:`.
    pub(crate) fn read(kind: Kind, written: &Written) -> Result<Value, Problem> {
        let text = written.text();
        let bad =
            |hint: &str| Err(Problem::new(written.span.clone(), format!("`{text}` is not {}", kind.noun())).hint(hint));
        match kind {
            Kind::Number => quantity::read_number(&text)
                .map_or_else(|| bad("write a whole number, as in recipients>20"), |n| Ok(Value::Number(n))),
            Kind::Bytes => quantity::read_bytes(&text).map_or_else(
                || bad("write for example 200KB, 2MB or 1.5GiB (1MB is 1,000,000 bytes, 1MiB is 1,048,576)"),
                |bytes| Ok(Value::Bytes(bytes)),
            ),
            Kind::Duration => quantity::read_duration(&text).map_or_else(
                || bad("write a number and its unit: 250ms, 30s, 5min, 2h or 1d"),
                |ms| Ok(Value::DurationMs(ms)),
            ),
            Kind::Flag => read_flag(&text).map_or_else(|| bad("write yes or no"), |flag| Ok(Value::Flag(flag))),
            Kind::Words(words) => read_word(words, &text, written),
            Kind::Anything | Kind::Address | Kind::Text | Kind::Dotted | Kind::Identifier => {
                read_pattern(kind, written)
            }
        }
    }

    /// Reads what was written after `=`: text is taken whole, without wildcards.
    pub(crate) fn read_exactly(kind: Kind, written: &Written) -> Result<Value, Problem> {
        if kind.is_text() {
            Ok(Value::Pattern(Pattern::exact(kind, &written.text())))
        } else {
            Value::read(kind, written)
        }
    }

    /// The canonical text after `:`; nothing when only `=` can say it.
    pub(crate) fn written(&self, kind: Kind) -> Option<String> {
        Some(match self {
            Value::Pattern(pattern) => return pattern.written(kind),
            Value::Number(number) => number.to_string(),
            Value::Bytes(bytes) => quantity::written_bytes(*bytes),
            Value::DurationMs(ms) => quantity::written_duration(*ms),
            Value::Word(word) => word.to_string(),
            Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_string(),
        })
    }

    /// The canonical text after `=`.
    pub(crate) fn written_exactly(&self, kind: Kind) -> String {
        match self {
            Value::Pattern(pattern) => pattern.written_exactly(kind),
            other => other.written(kind).unwrap_or_default(),
        }
    }
}

fn read_flag(text: &str) -> Option<bool> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_one_of(&YES) { Some(true) } else { is_one_of(&NO).then_some(false) }
}

fn read_word(words: &'static [Word], text: &str, written: &Written) -> Result<Value, Problem> {
    let is_meant = |word: &&Word| word.aliases.iter().chain([&word.name]).any(|name| name.eq_ignore_ascii_case(text));
    if let Some(word) = words.iter().find(is_meant) {
        return Ok(Value::Word(word.name));
    }
    let problem = Problem::new(written.span.clone(), format!("`{text}` is not one of the words of this field"));
    let names: Vec<&str> = words.iter().map(|word| word.name).collect();
    Err(match nearest(text, names.iter().copied()) {
        Some(name) => problem.hint(format!("did you mean `{name}`?")),
        None => problem.hint(format!("the words are {}", names.join(", "))),
    })
}

fn read_pattern(kind: Kind, written: &Written) -> Result<Value, Problem> {
    let problem = |message: &str| Problem::new(written.span.clone(), message);
    Pattern::read(kind, &written.pieces).map(Value::Pattern).map_err(|why| match why {
        NoPattern::Empty => problem("the value is empty")
            .hint("write subject=\"\" for those without a subject, subject:* for those with one"),
        NoPattern::NoDomain => problem("there is no domain after the @")
            .hint("write for example from:@example.com, or from:@*.example.com for all its subdomains"),
    })
}
