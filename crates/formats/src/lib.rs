//! Log formats: the envelope around a line, the calendar that places its time, and each mail server's own grammar.

pub mod calendar;
pub mod dovecot;
pub mod envelope;
pub mod filter;
pub mod otlp;
pub mod postfix;
mod record;
pub mod scan;
mod shape;
pub mod subject;

pub use record::{Record, read};
pub use shape::shape;
