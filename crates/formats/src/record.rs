//! From the payload of a line to a record of whichever product wrote it.

use vigie_model::{Content, QueueId, Text};

use crate::{
    FORMATS, NAMELESS, UNPROVEN, dovecot, envelope::Envelope, exim, filter, postfix, refusal::Refused,
    session::Session, statement::Statement,
};

/// What a line says, and whose line it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Record<'a> {
    Postfix(postfix::Origin<'a>, postfix::Record<'a>),
    Dovecot(dovecot::Record<'a>),
    /// Of a content filter or another judge of messages. Boxed as a statement is.
    Filter(Box<filter::Verdict<'a>>),
    /// Of one message at any other server. Boxed, because it is twice as large as any other record.
    Statement(Box<Statement<'a>>),
    /// A refusal by any other server.
    Refused(Refused<'a>),
    /// Of a session, at a server whose lines on messages name their session.
    Session(Session<'a>),
    /// What is inside a message.
    Content(Inside),
    /// What is inside a message, told from a copy of it. It stands for itself: no other line of its server is needed to read it.
    Copy(JournalCopy),
    /// Of any other mail program: understood, and of no consequence.
    Known,
    /// Of any other mail program.
    Unknown,
    /// Another program's line: not mail's, or of no consequence for it.
    Foreign,
}

/// What somebody who looked into a message tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inside {
    pub queue_id: QueueId,
    pub message_id: Text,
    /// Decoded.
    pub subject: Text,
    pub content: Box<Content>,
}

/// What somebody tells of a message who found a copy of it in a journal mailbox. It has a queue id or a Message-ID.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalCopy {
    /// As the server wrote it into its Received line.
    pub queue_id: Option<QueueId>,
    pub message_id: Text,
    /// Decoded.
    pub subject: Text,
    pub content: Box<Content>,
}

/// A log format: one module, and one line in [`FORMATS`] or [`NAMELESS`].
pub struct Format {
    /// As the documentation names it.
    pub name: &'static str,
    /// Reads a line of this format; `None`: it is none.
    pub read: for<'a> fn(&Envelope<'a>) -> Option<Record<'a>>,
}

impl Record<'_> {
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Record::Unknown | Record::Postfix(_, postfix::Record::Unknown) | Record::Dovecot(dovecot::Record::Unknown)
        )
    }

    /// Understood, and of consequence.
    pub fn is_understood(&self) -> bool {
        match self {
            Record::Postfix(_, record) => !matches!(record, postfix::Record::Known | postfix::Record::Unknown),
            Record::Dovecot(record) => matches!(record, dovecot::Record::Stored(_)),
            Record::Filter(_) | Record::Statement(_) | Record::Refused(_) | Record::Session(_) => true,
            Record::Content(_) | Record::Copy(_) => true,
            Record::Known | Record::Unknown | Record::Foreign => false,
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
            // A filter before the queue knows only what became of the message.
            Record::Filter(verdict) => verdict.queue_id.or_else(|| verdict.requeued_as.first().copied()),
            Record::Statement(statement) => Some(statement.queue_id),
            Record::Refused(refused) => refused.queue_id,
            Record::Content(inside) => Some(inside.queue_id),
            Record::Copy(copy) => copy.queue_id,
            Record::Dovecot(_) | Record::Session(_) | Record::Known | Record::Unknown | Record::Foreign => None,
        }
    }

    /// Does it say the same wherever it stands among the lines of its server? Then it may come at any time, and is never late.
    pub fn stands_alone(&self) -> bool {
        matches!(self, Record::Copy(_))
    }

    /// Is it said of a message as it stands now, whenever that came to be, and perhaps said otherwise later? Such lines have no order.
    pub fn is_revised(&self) -> bool {
        matches!(self, Record::Statement(statement) if statement.revised)
    }

    /// A refusal before the queue stands for itself: when syslog says "repeated", it happened again. Every other line is
    /// about a queued message, and a repetition is only a copy.
    pub fn happens_again_when_repeated(&self) -> bool {
        matches!(self, Record::Postfix(_, postfix::Record::Refused(refused)) | Record::Refused(refused) if refused.queue_id.is_none())
    }
}

/// Is this line without an envelope a part of the entry above it? Then it is no riddle: whoever wrote it wrote several lines.
pub fn continues(raw: &[u8]) -> bool {
    exim::continues(raw)
}

/// Names the shape of an understood line that is read after documents or source alone, because no real line of that shape is known.
/// Whoever counts lines counts these apart.
pub fn unproven(program: &[u8], text: &[u8]) -> Option<&'static str> {
    UNPROVEN.iter().find_map(|unproven| unproven(program, text))
}

/// Reads the payload of one line.
pub fn read<'a>(envelope: &Envelope<'a>) -> Record<'a> {
    if envelope.program.is_empty() {
        return first_of(NAMELESS, envelope);
    }
    // By far the most lines, and the fewest steps.
    if let Some(origin) = postfix::origin(envelope.program) {
        let record = postfix::parse(&origin, envelope.text);
        return Record::Postfix(origin, record);
    }
    first_of(FORMATS, envelope)
}

fn first_of<'a>(formats: &[Format], envelope: &Envelope<'a>) -> Record<'a> {
    for format in formats {
        if let Some(record) = (format.read)(envelope) {
            return record;
        }
    }
    Record::Foreign
}
