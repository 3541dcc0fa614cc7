//! A mail server's connection: what it says in, what it is answered out, and what was inside its messages. No socket, no clock.
//!
//! The only answer there is says "go on". Where the server lets us, it does not even wait for that, but at the end of a message.

use vigie_formats::Inside;
use vigie_model::QueueId;

use crate::mime::Reader;
use crate::protocol::{self, Fault, Packets, Part, STEPS_WANTED, command, packet, pairs, reply, step};

/// The macro in which Postfix and Sendmail give the queue id.
const QUEUE_ID: [&[u8]; 2] = [b"i", b"{i}"];
const WORDS_OF_NEGOTIATION: usize = 3;

/// What a session tells of a message that has come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// What is in it.
    Seen(Box<Seen>),
    /// The server gave no queue id, so that nothing can be told of it.
    Nameless,
}

/// A message with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub queue_id: QueueId,
    pub told: crate::mime::Told,
}

impl From<Seen> for Inside {
    fn from(seen: Seen) -> Inside {
        let Seen { queue_id, told } = seen;
        Inside { queue_id, message_id: told.message_id, subject: told.subject, content: Box::new(told.content) }
    }
}

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    GoOn,
    /// The server has said goodbye.
    Close,
}

/// One connection.
#[derive(Debug, Default)]
pub struct Session {
    packets: Packets,
    conversation: Conversation,
}

#[derive(Debug, Default)]
struct Conversation {
    /// The steps that were agreed on.
    steps: Option<u32>,
    queue_id: Option<QueueId>,
    message: Option<Box<Reader>>,
    is_over: bool,
}

impl Session {
    /// Takes what came, cut anywhere; adds what is to be answered to `answers`, and tells of messages that ended. After a fault the
    /// connection is to be closed: the server then does as its `default_action` says.
    pub fn take(&mut self, bytes: &[u8], answers: &mut Vec<u8>, mut tell: impl FnMut(Message)) -> Result<Next, Fault> {
        let conversation = &mut self.conversation;
        let taken = self.packets.take(bytes, |part| {
            if conversation.is_over {
                return Ok(());
            }
            match part {
                Part::Body(bytes) => conversation.body(bytes),
                Part::Whole(command, data) => conversation.command(command, data, answers, &mut tell),
            }
        });
        // What follows a goodbye is nobody's fault.
        if conversation.is_over { Ok(Next::Close) } else { taken.map(|()| Next::GoOn) }
    }

    /// Whether a message is under way.
    pub fn is_inside_message(&self) -> bool {
        self.conversation.message.is_some()
    }
}

impl Conversation {
    fn body(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.steps.ok_or(Fault::TooEarly)?;
        let message = self.message();
        message.end_of_header();
        message.body(bytes);
        Ok(())
    }

    fn message(&mut self) -> &mut Reader {
        self.message.get_or_insert_default()
    }

    fn command(
        &mut self,
        command: u8,
        data: &[u8],
        answers: &mut Vec<u8>,
        tell: &mut impl FnMut(Message),
    ) -> Result<(), Fault> {
        if command == command::NEGOTIATE {
            return self.negotiate(data, answers);
        }
        let steps = self.steps.ok_or(Fault::TooEarly)?;
        let unanswered = match command {
            command::CONNECT => step::NO_REPLY_CONNECT,
            command::HELO => step::NO_REPLY_HELO,
            command::MAIL => step::NO_REPLY_MAIL,
            command::RECIPIENT => step::NO_REPLY_RECIPIENT,
            command::DATA => step::NO_REPLY_DATA,
            command::UNKNOWN => step::NO_REPLY_UNKNOWN,
            command::HEADER => step::NO_REPLY_HEADER,
            command::END_OF_HEADER => step::NO_REPLY_END_OF_HEADER,
            command::BODY => step::NO_REPLY_BODY,
            command::END_OF_BODY => 0,
            command::MACRO | command::ABORT | command::QUIT | command::QUIT_NEW_CONNECTION => u32::MAX,
            other => return Err(Fault::NoCommand(other)),
        };
        // The mail goes on before anything is told.
        if steps & unanswered == 0 && unanswered != u32::MAX {
            let is_enough = command == command::BODY && steps & step::SKIP != 0 && self.message().is_done();
            answers.extend(packet(if is_enough { reply::SKIP } else { reply::CONTINUE }, b""));
        }
        match command {
            command::MACRO => self.macros(data),
            command::HEADER => pairs(data).take(1).for_each(|(name, value)| self.message().field(name, value)),
            command::END_OF_HEADER => self.message().end_of_header(),
            command::END_OF_BODY => tell(self.end()),
            command::ABORT | command::QUIT_NEW_CONNECTION => self.forget(),
            command::QUIT => self.is_over = true,
            _ => {}
        }
        Ok(())
    }

    /// Agrees on the older of two versions, on no action at all, and on the steps that are wanted and offered.
    fn negotiate(&mut self, data: &[u8], answers: &mut Vec<u8>) -> Result<(), Fault> {
        let words: Vec<u32> =
            data.chunks_exact(4).map(|word| word.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte))).collect();
        let &[version, _actions, offered] = words.get(..WORDS_OF_NEGOTIATION).ok_or(Fault::NoVersions)? else {
            return Err(Fault::NoVersions);
        };
        if version < protocol::VERSION_MIN {
            return Err(Fault::TooOld(version));
        }
        let mut steps = STEPS_WANTED & offered;
        if steps & step::NO_REPLY_BODY != 0 {
            // Without answers there is none that could say "enough".
            steps &= !step::SKIP;
        }
        self.forget();
        self.steps = Some(steps);
        let agreed = [version.min(protocol::VERSION), 0, steps].map(u32::to_be_bytes).concat();
        answers.extend(packet(command::NEGOTIATE, &agreed));
        Ok(())
    }

    /// `COMMAND NAME NUL VALUE NUL …`
    fn macros(&mut self, data: &[u8]) {
        let values = pairs(data.get(1..).unwrap_or_default());
        let ids = values.filter(|(name, _)| QUEUE_ID.contains(name)).filter_map(|(_, value)| QueueId::new(value));
        self.queue_id = ids.last().or(self.queue_id);
    }

    fn end(&mut self) -> Message {
        let reader = self.message.take().unwrap_or_default();
        match self.queue_id.take() {
            Some(queue_id) => Message::Seen(Box::new(Seen { queue_id, told: reader.finish() })),
            None => Message::Nameless,
        }
    }

    fn forget(&mut self) {
        (self.message, self.queue_id) = (None, None);
    }
}

#[cfg(test)]
mod tests;
