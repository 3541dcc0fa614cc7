//! Exchange's message tracking, as [`crate::transcript::exchange`] writes its rows.
//!
//! A message is a hop at each service that has it: the transport service knows it by its `internal-message-id`, which the next server's reply
//! names. From Exchange 2013 on, the mailbox transport services on the same server count messages on their own, from 1 at each start: their
//! ids become `438/submission` and `17/delivery`, so that none is taken for another's. All of them are one journey by the network message id.
//!
//! | event | what it says |
//! | --- | --- |
//! | RECEIVE, RESUBMIT | the message came, and for whom; RESUBMIT by Safety Net is a copy of what was delivered, and no message |
//! | SUBMIT | the mailbox server handed it to transport |
//! | RESOLVE, EXPAND, REDIRECT, and their DUPLICATE… | other addresses take the place of one |
//! | TRANSFER | recipients left another message of this server for this one |
//! | SEND, SENDEXTERNAL | the next server has it |
//! | DELIVER, PROCESS | it is in a mailbox |
//! | DUPLICATEDELIVER | it was in the mailbox already: no delivery |
//! | FAIL, SUBMITFAIL; DROP, BADMAIL | it came back; it was dropped without a word |
//! | DEFER, SUBMITDEFER, RESUBMITDEFER | a try that was put off |
//! | DSN | the server wrote a notice |
//! | POISONMESSAGE, INITMESSAGECREATED | it waits for somebody to decide |
//! | HA… | copies for a server that fails: they never count |
//!
//! Microsoft's "Message tracking" has the tables of events, sources and columns.

mod probe;
mod row;
mod status;

use std::borrow::Cow;

use vigie_model::{Arrival, Delays, Outcome, QueueId};

use self::{
    row::Row,
    status::{Reply, statuses},
};
use crate::{
    Format, Record,
    envelope::{Envelope, Stamp},
    reply, scan,
    statement::{Addresses, End, Statement, Status, Word},
};

pub const FORMAT: Format = Format {
    name: "Exchange message tracking",
    read: |envelope| (envelope.program == b"exchange").then(|| read(envelope)),
};

/// Status texts of the queue's own that say that its time was over.
const EXPIRED: &[u8] = b"4.4.7";

fn read<'a>(envelope: &Envelope<'a>) -> Record<'a> {
    let ts = if let Stamp::Utc(ts) = envelope.stamp { ts } else { 0 };
    let row = Row { ts, ..Row::of(envelope.text) };
    match row.event {
        b"RECEIVE" | b"RESUBMIT" => received(&row),
        b"SUBMIT" => submitted(&row),
        b"SEND" | b"SENDEXTERNAL" => sent(&row),
        b"DELIVER" | b"PROCESS" => delivered(&row),
        b"DUPLICATEDELIVER" => {
            told(&row, |about| with_words(&row, about, |_| Status::Final(Outcome::Forwarded), b"store"))
        }
        b"EXPAND" | b"RESOLVE" | b"REDIRECT" => replaced(&row, true),
        b"DUPLICATEEXPAND" | b"DUPLICATERESOLVE" | b"DUPLICATEREDIRECT" => replaced(&row, false),
        b"TRANSFER" => transferred(&row),
        b"FAIL" | b"SUBMITFAIL" => {
            told(&row, |about| Statement {
                // The notice is written afterwards, and has this message id.
                notice_message_id: if row.reference.starts_with(b"<") { row.reference } else { b"" },
                ..with_words(&row, about, |reply| Status::Final(failure(&row, reply)), b"")
            })
        }
        b"DROP" | b"BADMAIL" => told(&row, |about| with_words(&row, about, |_| Status::Final(Outcome::Discarded), b"")),
        b"DEFER" | b"SUBMITDEFER" | b"RESUBMITDEFER" => {
            told(&row, |about| with_words(&row, about, |_| Status::Deferred, b""))
        }
        b"DSN" => told(&row, |about| Statement {
            begins: true,
            arrival: Arrival::Local,
            is_notice: true,
            awaited: row.recipients(),
            ..about
        }),
        b"POISONMESSAGE" | b"INITMESSAGECREATED" => told(&row, |about| Statement { hold: Some(true), ..about }),
        b"AGENTINFO" | b"THROTTLE" | b"LOAD" | b"DELIVERFAIL" | b"PROCESSMEETINGMESSAGE" => {
            row.queue_id().map_or(Record::Known, |_| told(&row, |about| about))
        }
        b"NOTIFYMAPI" | b"NOTIFYSHADOW" | b"CLIENTSUBMISSION" | b"SUPPRESSED" | b"RESUBMITFAIL" | b"HARECEIVE"
        | b"HAREDIRECT" | b"HAREDIRECTFAIL" | b"HADISCARD" | b"MODERATIONEXPIRE" | b"MODERATORAPPROVE"
        | b"MODERATORREJECT" | b"MODERATORSALLNDR" => Record::Known,
        _ => Record::Unknown,
    }
}

/// A row that says something of a message needs the server's name for it.
fn told<'a>(row: &Row<'a>, more: impl FnOnce(Statement<'a>) -> Statement<'a>) -> Record<'a> {
    match row.queue_id() {
        Some(id) => Record::Statement(Box::new(more(row.statement(id)))),
        None => Record::Unknown,
    }
}

fn received<'a>(row: &Row<'a>) -> Record<'a> {
    told(row, |about| {
        let client = row.client();
        Statement {
            begins: true,
            arrival: arrival(row),
            client_name: client.name,
            client_ip: client.ip,
            recipient_count: row.recipient_count(),
            awaited: row.recipients(),
            // Safety Net sends again what was delivered before.
            probe: about.probe || row.source == b"SAFETYNET",
            ..about
        }
    })
}

/// Whoever has the message first in the organisation knows who brought it; for all behind, it is a server.
fn arrival(row: &Row<'_>) -> Arrival {
    match row.source {
        b"STOREDRIVER" => Arrival::User,
        b"SMTP" if row.is_client_connector() => Arrival::User,
        b"SMTP" if row.directionality == b"Originating" && row.is_first_of_organisation() => Arrival::User,
        b"SMTP" | b"GATEWAY" => Arrival::Server,
        _ => Arrival::Local,
    }
}

fn submitted<'a>(row: &Row<'a>) -> Record<'a> {
    // Exchange 2010 names no id here; the hub's own RECEIVE tells the same.
    if row.internal_id.is_empty() {
        return Record::Known;
    }
    told(row, |about| {
        let handed = Word {
            relay_name: row.server_name,
            relay_ip: row.server_ip,
            transport: b"smtp",
            ..Word::on(row.recipients(), Status::Final(Outcome::Delivered))
        };
        Statement { end: End::HandedOn, word: Some(handed), ..about }
    })
}

fn sent<'a>(row: &Row<'a>) -> Record<'a> {
    told(row, |about| {
        let reply = status::reply_of_context(row.source_context);
        // Another Exchange's own word first: its reply quotes a message id, which may look like anything.
        let next_id = status::internal_id(reply).or_else(|| reply::next_id(reply));
        // The mailbox delivery service names its host, and no message of its own.
        let is_mailbox = next_id.is_none() && scan::find(reply, b"[Hostname=").is_some();
        let mut statement =
            with_words(row, about, |_| Status::Final(Outcome::Delivered), if is_mailbox { b"lmtp" } else { b"smtp" });
        for word in statement.word.iter_mut().chain(&mut statement.more) {
            word.relay_name = row.server_name;
            word.relay_ip = row.server_ip;
            word.next_id = next_id;
            word.tls = row.is_encrypted();
            if !reply.is_empty() {
                word.reply = reply;
            }
        }
        statement
    })
}

fn delivered<'a>(row: &Row<'a>) -> Record<'a> {
    told(row, |about| {
        // What stands as status is the folder that a rule chose.
        let word = Word {
            transport: b"store",
            reply: row.recipient_status,
            delays: delays(row),
            ..Word::on(row.recipients(), Status::Final(Outcome::Delivered))
        };
        Statement { word: Some(word), ..about }
    })
}

/// `related-recipient-address` is the address that the recipients stand for. Those of a DUPLICATE… event have the message already.
fn replaced<'a>(row: &Row<'a>, is_new: bool) -> Record<'a> {
    told(row, |about| {
        let word = Word::on(Addresses::list(row.related, b';'), Status::Final(Outcome::Forwarded));
        let awaited = if is_new { row.recipients() } else { Addresses::NONE };
        Statement { awaited, awaited_for: row.related, word: Some(word), ..about }
    })
}

fn transferred<'a>(row: &Row<'a>) -> Record<'a> {
    told(row, |about| {
        let previous = row.id_of(row.reference);
        Statement { awaited: row.recipients(), previous, moved: previous.is_some(), ..about }
    })
}

fn failure(row: &Row<'_>, reply: &Reply<'_>) -> Outcome {
    if row.source == b"ADMIN" {
        return Outcome::Deleted;
    }
    match reply.dsn {
        EXPIRED => Outcome::Expired,
        // `250 2.1.5 RESOLVER…`: dropped on purpose, and nobody is told.
        [b'2', ..] => Outcome::Discarded,
        _ => Outcome::Bounced,
    }
}

/// A word for all recipients, or one for each where their statuses differ.
fn with_words<'a>(
    row: &Row<'a>,
    about: Statement<'a>,
    status: impl Fn(&Reply<'a>) -> Status,
    transport: &'static [u8],
) -> Statement<'a> {
    let word = |recipients, reply: Reply<'a>| Word {
        dsn: reply.dsn,
        reply: reply.text,
        transport,
        relay_name: reply.server_name,
        relay_ip: reply.server_ip,
        delays: delays(row),
        ..Word::on(recipients, status(&reply))
    };
    let mut each = statuses(row.recipients(), row.recipient_status).map(|(recipients, reply)| word(recipients, reply));
    Statement { word: each.next(), more: each.collect(), ..about }
}

/// How long the message was under way in the organisation: the server's own figure, or the time since the origin that it names.
fn delays(row: &Row<'_>) -> Delays {
    let told = scan::split(row.custom_data, b"S:E2ELatency=").map(|(_, seconds)| scan::millis(seconds));
    let since_origin = || Some(u64::try_from((row.ts - row.origin()?) / 1000).unwrap_or(0));
    Delays { total_ms: told.or_else(since_origin), ..Delays::default() }
}

impl<'a> Row<'a> {
    /// What any row says of its message.
    fn statement(&self, id: QueueId) -> Statement<'a> {
        Statement {
            message_id: self.message_id,
            network_id: self.network_id,
            sender: self.sender(),
            size: self.total_bytes(),
            subject: (!self.subject.is_empty()).then_some(Cow::Borrowed(self.subject)),
            probe: probe::is_probe(self.sender_address, self.return_path, self.recipients()),
            end: End::WhenDone,
            ..Statement::about(id)
        }
    }
}

#[cfg(test)]
mod tests;
