//! Log formats: the envelope around a line, the calendar that places its time, and each mail server's own grammar.

pub mod accepted;
pub mod calendar;
pub mod dovecot;
pub mod envelope;
pub mod filter;
pub mod opensmtpd;
pub mod otlp;
pub mod postfix;
mod record;
pub mod refusal;
pub mod scan;
pub mod sendmail;
pub mod session;
mod shape;
pub mod statement;
pub mod subject;
pub mod transcript;

pub use record::{Format, Inside, Record, read};
pub use shape::shape;

/// All formats beside Postfix, whose lines are recognised first. Each takes a line by its program, or by the line's own form where
/// the program is not named.
const FORMATS: &[Format] = &[dovecot::FORMAT, filter::AMAVIS, filter::RSPAMD, sendmail::FORMAT, opensmtpd::FORMAT];
