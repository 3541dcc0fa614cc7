//! From the payload of a line to a record of whichever product wrote it.

use vigie_model::QueueId;

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

impl Record<'_> {
    /// The server's name for the message that the line is about.
    pub fn queue_id(&self) -> Option<QueueId> {
        use postfix::Record as P;
        match self {
            Record::Postfix(_, record) => match record {
                P::Arrived(arrived) => Some(arrived.queue_id),
                P::Header(header) => Some(header.queue_id),
                P::Delivery(delivery) => Some(delivery.queue_id),
                P::Refused(refused) => refused.queue_id,
                P::PickedUp { queue_id, .. }
                | P::MessageId { queue_id, .. }
                | P::Active { queue_id, .. }
                | P::Expired { queue_id, .. }
                | P::Removed { queue_id }
                | P::ByHand { queue_id, .. }
                | P::Notice { queue_id, .. }
                | P::Context { queue_id } => Some(*queue_id),
                P::Known | P::Unknown => None,
            },
            Record::Dovecot(dovecot::Record::Stored(stored)) => stored.session,
            Record::Filter(verdict) => verdict.queue_id,
            Record::Dovecot(_) | Record::Foreign => None,
        }
    }

    /// A refusal before the queue stands for itself: when syslog says "repeated", it happened again. Every other line is
    /// about a queued message, and a repetition is only a copy.
    pub fn happens_again_when_repeated(&self) -> bool {
        matches!(self, Record::Postfix(_, postfix::Record::Refused(refused)) if refused.queue_id.is_none())
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
