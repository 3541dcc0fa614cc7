//! The words of Vigie in each language, and how numbers, sizes, durations and times are written in it.
//!
//! Words stand in `locales/en.ftl` and `locales/fr.ftl`, compiled in. [`t`] fetches a text, [`tn`] one with arguments.
//! Counts in texts are given as [`Arg::Count`]: the text chooses its plural by `$n` and prints `$n-shown`, because
//! fluent's own formatter does not group digits.
//!
//! This crate has no clock and no zone of its own: both are passed in.

pub mod fmt;
mod lang;
mod texts;

pub use lang::Lang;
pub use texts::{Arg, has, keys, t, tn};
