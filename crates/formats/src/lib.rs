//! Log formats: the envelope around a line, the calendar that places its time, and each mail server's own grammar.

pub mod calendar;
pub mod chasquid;
mod cyrus;
pub mod domino;
pub mod dovecot;
pub mod envelope;
pub mod exchange;
pub mod exim;
pub mod filter;
pub mod mailbox;
pub mod microsoft365;
pub mod milter;
pub mod opensmtpd;
pub mod otlp;
pub mod postfix;
mod record;
pub mod refusal;
pub mod reply;
pub mod scan;
pub mod sendmail;
pub mod session;
mod shape;
pub mod statement;
pub mod subject;
pub mod transcript;

pub use record::{Format, Inside, JournalCopy, Record, continues, read, unproven};
pub use shape::shape;

/// All formats beside Postfix, whose lines are recognised first. Each takes a line by its program.
const FORMATS: &[Format] = &[
    chasquid::FORMAT,
    cyrus::FORMAT,
    dovecot::FORMAT,
    filter::AMAVIS,
    filter::RSPAMD,
    filter::OPENDKIM,
    filter::OPENDMARC,
    filter::SPF,
    filter::SPAMASSASSIN,
    filter::CLAMAV,
    filter::MAILSCANNER,
    filter::POLICY,
    milter::FORMAT,
    mailbox::FORMAT,
    sendmail::FORMAT,
    opensmtpd::FORMAT,
    exchange::FORMAT,
    microsoft365::FORMAT,
    domino::FORMAT,
    exim::FORMAT,
];

/// Those that know a line without a program by its own form.
const NAMELESS: &[Format] = &[exim::OWN_LOG, filter::RSPAMD_OWN_LOG];

/// Which unproven shape a line is, by its program and text.
type Unproven = fn(&[u8], &[u8]) -> Option<&'static str>;

/// Formats with shapes that no real line is known of.
const UNPROVEN: &[Unproven] = &[domino::unproven, opensmtpd::unproven];
