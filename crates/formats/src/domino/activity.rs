//! Activity records of mail (`Domino.MAIL`): one for the deposit of a message in MAIL.BOX, and one for each thing that became of it.
//!
//! Fields are those of the C API kit's user guide ("Activity Logging"). All records of a message have its Message-ID, on every server that
//! it crosses, so that a queue id is made of that. The console names the same message by its note: who imports both of one server gets
//! each delivery twice, because nothing in either ties the two names together.

use vigie_model::{Arrival, Outcome, QueueId};
use xxhash_rust::xxh3::xxh3_128;

use super::console::{bytes, dsn, status};
use crate::{
    Record,
    statement::{Addresses, End, Statement, Status, Word},
    transcript::columns,
};

/// Between the entries of a list, as the transcript writes it.
const LIST_SEPARATOR: u8 = b';';

#[derive(Default)]
struct Fields<'a> {
    message_id: &'a [u8],
    event: &'a [u8],
    originator: Option<&'a [u8]>,
    recipients: &'a [u8],
    previous_hop: &'a [u8],
    next_hop: &'a [u8],
    size: &'a [u8],
    error: &'a [u8],
}

pub fn read(text: &[u8]) -> Record<'_> {
    let mut columns = columns(text);
    match columns.next() {
        Some((b"Name", b"Domino.MAIL")) => {}
        // Sessions, databases, replication: understood, and no message.
        Some((b"Name", name)) if name.starts_with(b"Domino.") => return Record::Known,
        _ => return Record::Unknown,
    }
    let mut fields = Fields::default();
    for (name, value) in columns {
        match name {
            b"MessageId" => fields.message_id = value,
            b"EventType" => fields.event = value,
            b"Originator" => fields.originator = Some(value),
            b"Recipients" => fields.recipients = value,
            b"PrevHop" => fields.previous_hop = value,
            b"NextHop" => fields.next_hop = value,
            b"Size" => fields.size = value,
            b"ErrorMsg" => fields.error = value,
            _ => {}
        }
    }
    fields.statement().map_or(Record::Unknown, |statement| Record::Statement(Box::new(statement)))
}

impl<'a> Fields<'a> {
    fn statement(&self) -> Option<Statement<'a>> {
        let mut statement = Statement::about(queue_id(self.message_id)?);
        statement.message_id = self.message_id;
        statement.sender = self.originator;
        statement.size = bytes(self.size);
        statement.end = End::WhenDone;
        let recipients = Addresses::list(self.recipients, LIST_SEPARATOR);
        let outcome = match self.event {
            b"1" => {
                self.deposit(&mut statement, recipients);
                return Some(statement);
            }
            b"2" | b"8" => Status::Final(Outcome::Delivered),
            // The router sends a notice to the originator.
            b"4" => Status::Final(Outcome::Bounced),
            b"16" => status(self.error),
            _ => return None,
        };
        let mut word = Word::on(recipients, outcome);
        word.transport = if matches!(self.event, b"8" | b"16") { b"relay" } else { b"local" };
        word.relay_name = self.next_hop;
        (word.dsn, word.reply) = (dsn(self.error), self.error);
        statement.word = Some(word);
        Some(statement)
    }

    /// Who deposited is a server or a user, and the record does not say which; a depositor who is the originator is a user.
    fn deposit(&self, statement: &mut Statement<'a>, recipients: Addresses<'a>) {
        statement.begins = true;
        statement.client_name = self.previous_hop;
        statement.recipient_count = u32::try_from(recipients.count()).ok().filter(|count| *count > 0);
        if !self.previous_hop.is_empty() && self.originator == Some(self.previous_hop) {
            statement.arrival = Arrival::User;
            (statement.user, statement.client_name) = (self.previous_hop, b"");
        }
    }
}

/// `mid.` and 24 of the 32 digits of the Message-ID's hash.
fn queue_id(message_id: &[u8]) -> Option<QueueId> {
    const DIGITS: usize = 24;
    if message_id.is_empty() {
        return None;
    }
    let hash = xxh3_128(message_id);
    let mut id = *b"mid.000000000000000000000000";
    for (place, digit) in id.iter_mut().skip(4).take(DIGITS).enumerate() {
        *digit = *b"0123456789abcdef".get((hash >> (4 * place)) as usize & 15)?;
    }
    QueueId::new(&id)
}
