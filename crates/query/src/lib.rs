//! The filter language: one text for the search box, URLs, rules, reports and the command line.
//!
//! ```text
//! from:laurent* to:@us.ibm.com subject:"ordre" size>2MB recipients>20 delay>30s status:bounced,expired -class:probe last:7d
//! ```
//!
//! [`parse`] turns text into a typed [`Filter`] or into [`Problem`]s with their places; `Display` prints it back canonically;
//! [`matches()`] tries it on a row in memory. Nothing here reads a file or a clock.
//!
//! # Grammar
//!
//! | written | means |
//! | --- | --- |
//! | `field:value` | text: see below; numbers: equal |
//! | `field=value` | text: exactly this, whole, `*` being a star; numbers: equal |
//! | `field!=value` | `-field=value` |
//! | `field>value`, `>=`, `<`, `<=` | numbers, sizes and durations (also `field:>value`) |
//! | `field:a,b` | any of them |
//! | `word`, `"some words"` | found anywhere, see [`anywhere`] |
//! | `a b`, `a and b` | both |
//! | `a or b` | at least one; binds less than `and` |
//! | `-a`, `not a` | not; binds most |
//! | `( )` | grouping |
//! | `"…"` | a value with spaces, commas or parentheses; `\"`, `\\` and `\*` are the characters themselves |
//! | `*` | in text, any characters, in quotes too; the rest of the value is then anchored at both ends |
//!
//! Without wildcard, a value of a [`Kind::Address`] field is a part of the address; the whole address when it has an `@`; `@example.com`
//! is exactly that domain, `@*.example.com` all the domains under it, `laurent@` that local part in any domain. In a [`Kind::Text`]
//! field it is found anywhere, in a [`Kind::Dotted`] field it is the name or its leading labels, in a [`Kind::Identifier`] field the
//! whole. `subject:*` is *has a subject*, `subject=""` *has none*.
//!
//! Sizes: KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB powers of 1024. Durations: ms, s, min (or m), h, d, w.
//!
//! Periods ([`periods`]) hold for the whole filter; several narrow each other. Names and words are read without regard to capitals.

mod expr;
mod fields;
mod filter;
mod lexer;
mod matching;
mod nearest;
mod parser;
mod pattern;
mod period;
mod problem;
mod quantity;
mod terms;
mod tree;
mod values;

pub use expr::{Expr, Term};
pub use fields::{Field, FieldInfo, Kind, Word, anywhere, fields};
pub use filter::{Filter, term_text};
pub use matching::{Cell, Row, matches};
pub use parser::parse;
pub use pattern::Pattern;
pub use period::{Period, PeriodInfo, periods};
pub use problem::{Problem, render};
pub use values::{Op, Value};

/// Longest text, read or printed: it must fit in a URL that proxies let through.
pub const TEXT_BYTES_MAX: usize = 4096;
/// Deepest parentheses: reading and matching recurse, with a stack to spare.
pub const NESTING_MAX: usize = 64;
/// Most terms, each value of a list counting as one: every one is a comparison per row.
pub const TERMS_MAX: usize = 256;
/// Most problems told at once: more do not help.
pub const PROBLEMS_MAX: usize = 20;

/// What the meaning of a text depends on besides itself.
#[derive(Debug, Clone)]
pub struct Context {
    /// The moment that `last:7d` and `on:today` start from.
    pub now: jiff::Timestamp,
    /// The zone of local times and days.
    pub zone: jiff::tz::TimeZone,
}
