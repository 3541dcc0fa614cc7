//! From the payload of a line to a record of whichever product wrote it.

use crate::{dovecot, envelope::Envelope, filter, postfix};

/// What a line says, and whose line it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Record<'a> {
    Postfix(postfix::Origin<'a>, postfix::Record<'a>),
    Dovecot(dovecot::Record<'a>),
    Filter(filter::Verdict<'a>),
    /// Another program's line: not mail's, or of no consequence for it.
    Foreign,
}

impl Record<'_> {
    pub fn is_unknown(&self) -> bool {
        matches!(self, Record::Postfix(_, postfix::Record::Unknown) | Record::Dovecot(dovecot::Record::Unknown))
    }

    /// Understood, and of consequence.
    pub fn is_understood(&self) -> bool {
        match self {
            Record::Postfix(_, record) => !matches!(record, postfix::Record::Known | postfix::Record::Unknown),
            Record::Dovecot(record) => matches!(record, dovecot::Record::Stored(_)),
            Record::Filter(_) => true,
            Record::Foreign => false,
        }
    }
}

/// Reads the payload of one line.
pub fn read<'a>(envelope: &Envelope<'a>) -> Record<'a> {
    let program = envelope.program;
    if let Some(origin) = postfix::origin(program) {
        let record = postfix::parse(&origin, envelope.text);
        return Record::Postfix(origin, record);
    }
    if dovecot::is_dovecot(program) {
        return Record::Dovecot(dovecot::parse(program, envelope.text));
    }
    let verdict = match program {
        b"amavis" | b"amavisd" | b"amavisd-new" => filter::amavis(envelope.text),
        _ if program.starts_with(b"rspamd") => filter::rspamd(envelope.text),
        _ => None,
    };
    verdict.map_or(Record::Foreign, Record::Filter)
}
