//! What is fuzzed: each target takes any bytes, and panics when something does not hold.
//!
//! A target is a plain function, so that libFuzzer's harnesses (`fuzz_targets/`) and the runner without coverage
//! (`fuzz-run`) call the same thing. Add one here, in [`TARGETS`], and as a harness.

mod domino;
mod exim;
mod hops;
mod lines;
mod mailbox;
mod milter;
mod opensmtpd;
mod otlp;
mod sendmail;
mod texts;
mod transcripts;

pub use domino::domino;
pub use exim::exim;
pub use hops::{hold, hops_of, linker};
pub use lines::{calendar, dovecot, envelope, filter, host, line};
pub use mailbox::mailbox;
pub use milter::{milter, mime};
pub use opensmtpd::opensmtpd;
pub use otlp::otlp;
pub use sendmail::sendmail;
pub use texts::query;
pub use transcripts::{exchange, microsoft365};

/// A target by its name, and what the runner starts from.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub seeds: Seeds,
}

/// What a target's inputs are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// One line of a captured log.
    Line,
    /// Some lines of one host that stand together.
    Lines,
    /// A captured message.
    Message,
    /// Filter texts.
    Filters,
    /// The beginning of a file of the test data, as it is, and some of the rest.
    Files(&'static str),
}

pub const TARGETS: &[Target] = &[
    Target { name: "envelope", run: envelope, seeds: Seeds::Line },
    Target { name: "calendar", run: calendar, seeds: Seeds::Lines },
    Target { name: "line", run: line, seeds: Seeds::Line },
    Target { name: "dovecot", run: dovecot, seeds: Seeds::Line },
    Target { name: "filter", run: filter, seeds: Seeds::Line },
    Target { name: "sendmail", run: sendmail, seeds: Seeds::Line },
    Target { name: "opensmtpd", run: opensmtpd, seeds: Seeds::Line },
    Target { name: "exim", run: exim, seeds: Seeds::Line },
    Target { name: "query", run: query, seeds: Seeds::Filters },
    Target { name: "host", run: host, seeds: Seeds::Lines },
    Target { name: "otlp", run: otlp, seeds: Seeds::Lines },
    Target { name: "domino", run: domino, seeds: Seeds::Lines },
    Target { name: "milter", run: milter, seeds: Seeds::Message },
    Target { name: "mailbox", run: mailbox, seeds: Seeds::Message },
    Target { name: "mime", run: mime, seeds: Seeds::Message },
    Target { name: "linker", run: linker, seeds: Seeds::Lines },
    Target { name: "exchange", run: exchange, seeds: Seeds::Files("exchange/made") },
    Target { name: "microsoft365", run: microsoft365, seeds: Seeds::Files("microsoft365/made") },
];
