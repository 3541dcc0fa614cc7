//! Microsoft 365's message trace, as [`crate::transcript::microsoft365`] writes its rows.
//!
//! All of Microsoft 365 is one server, and a message there is a hop whose queue id is the trace id without its hyphens. A trace says when a
//! message came and how things stand with each recipient, not when that came to be: only extended reports, whose rows are events, tell
//! how long a delivery took. Asked again, a row may have another status. Which of two is the newer one is told by what may follow what:
//! `pending` and `gettingStatus` by anything, and what was held back by `delivered`.

use std::borrow::Cow;

use vigie_model::{Arrival, Outcome, QueueId};

use crate::{
    Format, Record, scan,
    statement::{Addresses, End, Statement, Status, Word},
    transcript::columns,
};

pub const FORMAT: Format = Format {
    name: "Microsoft 365 message trace",
    read: |envelope| (envelope.program == b"microsoft365").then(|| read(envelope.text)),
};

#[derive(Default)]
struct Row<'a> {
    id: &'a [u8],
    message_id: &'a [u8],
    sender: &'a [u8],
    recipient: &'a [u8],
    subject: &'a [u8],
    size: &'a [u8],
    status: &'a [u8],
    from_ip: &'a [u8],
    to_ip: &'a [u8],
    direction: &'a [u8],
    event: &'a [u8],
}

fn read(text: &[u8]) -> Record<'_> {
    let mut row = Row::default();
    for (name, value) in columns(text) {
        let place = match name {
            b"id" => &mut row.id,
            b"messageId" => &mut row.message_id,
            b"senderAddress" => &mut row.sender,
            b"recipientAddress" => &mut row.recipient,
            b"subject" => &mut row.subject,
            b"size" => &mut row.size,
            b"status" => &mut row.status,
            b"fromIP" => &mut row.from_ip,
            b"toIP" => &mut row.to_ip,
            b"directionality" => &mut row.direction,
            b"event" => &mut row.event,
            _ => continue,
        };
        *place = value;
    }
    row.statement().map_or(Record::Unknown, |statement| Record::Statement(Box::new(statement)))
}

impl<'a> Row<'a> {
    fn statement(&self) -> Option<Statement<'a>> {
        let recipient = Addresses::one(self.recipient);
        recipient.peekable().peek()?;
        let mut statement = Statement {
            begins: true,
            arrival: self.arrival(),
            client_ip: told(self.from_ip),
            message_id: self.message_id,
            sender: match self.sender {
                b"" => None,
                b"<>" => Some(b""),
                sender => Some(sender),
            },
            subject: (!self.subject.is_empty()).then_some(Cow::Borrowed(self.subject)),
            size: (!self.size.is_empty()).then(|| scan::number(self.size)),
            network_id: self.id,
            revised: true,
            end: End::WhenDone,
            ..Statement::about(queue_id(self.id)?)
        };
        match self.outcome()? {
            Some(outcome) => {
                statement.word = Some(Word {
                    transport: self.transport(outcome),
                    relay_ip: told(self.to_ip),
                    tries: u32::from(!self.event.is_empty()),
                    ..Word::on(recipient, Status::Final(outcome))
                });
            }
            None => statement.awaited = recipient,
        }
        Some(statement)
    }

    /// `None`: a status that nobody knows. `Some(None)`: not decided yet.
    fn outcome(&self) -> Option<Option<Outcome>> {
        Some(match self.status {
            b"delivered" => Some(Outcome::Delivered),
            b"expanded" => Some(Outcome::Forwarded),
            b"failed" => Some(Outcome::Bounced),
            b"filteredAsSpam" | b"quarantined" => Some(Outcome::Filtered),
            b"pending" | b"gettingStatus" => None,
            _ => return None,
        })
    }

    /// The address of a server outside is named for mail from there, and none for mail from a mailbox.
    fn arrival(&self) -> Arrival {
        match (self.direction, self.from_ip) {
            (b"originating", _) => Arrival::User,
            (b"incoming", _) => Arrival::Server,
            (_, b"") => Arrival::Unknown,
            (_, b"-") => Arrival::User,
            _ => Arrival::Server,
        }
    }

    fn transport(&self, outcome: Outcome) -> &'static [u8] {
        match (outcome, self.event, self.to_ip) {
            (Outcome::Delivered, b"DELIVER", _) | (Outcome::Delivered, _, b"-") => b"store",
            (_, b"SEND" | b"SENDEXTERNAL", _) => b"smtp",
            (_, _, b"" | b"-") => b"",
            _ => b"smtp",
        }
    }
}

fn told(ip: &[u8]) -> &[u8] {
    if ip == b"-" { b"" } else { ip }
}

/// The trace id without its hyphens: with them it is longer than an id may be.
fn queue_id(id: &[u8]) -> Option<QueueId> {
    let mut digits = [0; 32];
    let mut len = 0;
    for &byte in id.iter().filter(|&&byte| byte != b'-') {
        *digits.get_mut(len)? = byte;
        len += 1;
    }
    QueueId::new(digits.get(..len)?)
}

#[cfg(test)]
mod tests;
