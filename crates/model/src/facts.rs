//! Facts: what happened at one server. Immutable once closed, and a pure function of that server's lines.

use serde::{Deserialize, Serialize};

use crate::{Micros, QueueId, Text};

/// One message at one server: one generation of one queue id.
///
/// Text fields are empty, never absent, when the log did not say; numbers that may be unknown are `Option`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    pub kind: Kind,
    /// Host name of the server, as the log's envelope gives it.
    pub server: Text,
    /// Postfix's `syslog_name` where it is not `postfix`: several instances share one host.
    pub instance: Text,
    pub queue_id: Option<QueueId>,
    /// First line of this generation.
    pub ts_in: Micros,
    /// Last line of this generation; the `removed` line when closed.
    pub ts_out: Micros,
    /// The server has nothing more to say: removed, deleted, refused, or stored.
    pub closed: bool,
    /// Put on hold by a rule or by hand, and not released.
    pub held: bool,
    pub class: MailClass,
    pub arrival: Arrival,
    pub client: Client,
    /// Login name, for mail submitted with authentication.
    pub user: Text,
    pub helo: Text,
    pub message_id: Text,
    pub sender: Text,
    /// Was the envelope sender seen at all? (An empty `sender` may be the null sender.)
    pub sender_known: bool,
    pub subject: Text,
    /// Bytes in the queue file, as the server logs it.
    pub size: Option<u64>,
    /// Recipients after expansion, as the server logs it.
    pub recipient_count: Option<u32>,
    /// Queue id of the hop that this one continues, where the server says so (XFORWARD, requeue).
    pub previous_queue_id: Option<QueueId>,
    /// Queue id of the message that this notice is about.
    pub notice_of: Option<QueueId>,
    /// What filters on this host said, as [`crate::Verdicts`] writes it: `amavis SPAM 22.2; dkim pass example.net`.
    pub verdict: Text,
    /// Queue ids that a content filter says it made out of this one.
    pub requeued_as: Vec<QueueId>,
    pub recipients: Vec<Recipient>,
    /// A name that all copies of the message have in one organisation (Exchange, Microsoft 365).
    pub network_id: Text,
    /// What is inside, where somebody looked.
    pub content: Option<Box<Content>>,
}

/// What is inside a message, told from its headers and its structure. Never a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The address in the header `From`.
    pub header_from: Text,
    /// Media type of the whole, in lower case: `multipart/mixed`.
    pub media_type: Text,
    /// From a mailing list: `List-Id` and its kin.
    pub list: bool,
    /// Written by a program: `Auto-Submitted`, `Precedence: bulk`.
    pub automatic: bool,
    /// `s/mime` or `pgp`; empty: not signed.
    pub signed: Text,
    /// `s/mime` or `pgp`; empty: not encrypted.
    pub encrypted: Text,
    /// It came with a DKIM signature; whether that holds is not said.
    pub dkim: bool,
    pub attachments: Vec<Attachment>,
    /// The structure was larger than what is looked at: there may be more.
    pub cut: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attachment {
    /// File name, decoded; empty where the part has none.
    pub name: Text,
    /// Media type as declared, in lower case.
    pub declared: Text,
    /// Media type by its first bytes; empty where these say nothing.
    pub sniffed: Text,
    /// Bytes, decoded.
    pub size: u64,
}

/// What identifies a hop. `ts_in` tells generations of one queue id apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HopKey {
    pub ts_in: Micros,
    pub server: Text,
    pub instance: Text,
    pub queue_id: Option<QueueId>,
}

impl Hop {
    pub fn key(&self) -> HopKey {
        HopKey {
            ts_in: self.ts_in,
            server: self.server.clone(),
            instance: self.instance.clone(),
            queue_id: self.queue_id,
        }
    }
}

/// What kind of server a hop is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A mail transfer agent: it has a queue.
    #[default]
    Transfer,
    /// A mail store: one LMTP or LDA session, which ends in mailboxes.
    Store,
    /// No hop of a message: what somebody who has a copy of it tells of its inside, at any later time. It names server, queue id and
    /// Message-ID, and both its times are when that server received the message. Linking gives it to the journey; nothing counts it.
    Copy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MailClass {
    #[default]
    Mail,
    /// Non-delivery and other notices: mail with the null sender.
    Bounce,
    /// Address verification: never a message of somebody.
    Probe,
}

/// How a message came to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Arrival {
    /// The log begins after the arrival, or never told it.
    #[default]
    Unknown,
    /// By SMTP or LMTP from another server or a filter.
    Server,
    /// By SMTP from an authenticated user.
    User,
    /// From a process on the host: `sendmail`, or the server itself (notices, forwards).
    Local,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Reverse name, `unknown` as logged, or empty.
    pub name: Text,
    pub ip: Text,
}

/// One recipient at one hop, with the last word on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    pub recipient: Text,
    /// The address before alias expansion; empty when it is the same.
    pub orig_recipient: Text,
    pub outcome: Outcome,
    /// Time of the line that said so.
    pub ts: Micros,
    pub dsn: Text,
    pub reply: Text,
    /// Postfix's delivery agent (`smtp`, `lmtp`, `local`, …) or the store's action.
    pub transport: Text,
    pub relay: Relay,
    /// Id by which the next server knows the message, from its reply.
    pub next_id: Option<QueueId>,
    pub delays: Delays,
    /// Tries so far, this one included.
    pub attempts: u32,
    pub tls: bool,
    /// Addresses that took this recipient's place (Sieve redirect).
    pub forwarded_to: Vec<Text>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    pub name: Text,
    pub ip: Text,
    pub port: u16,
}

/// Postfix's `delays=a/b/c/d`, in milliseconds: before the queue manager, in it, connection set-up, transmission. And the whole time, as
/// far as the server says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays {
    pub before_ms: u32,
    pub queue_ms: u32,
    pub connect_ms: u32,
    pub transmit_ms: u32,
    pub total_ms: Option<u64>,
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Still in a queue.
    #[default]
    Deferred,
    /// Still in a queue, and nobody tries until it is released.
    Held,
    /// In a mailbox, or accepted by a server that we do not read.
    Delivered,
    /// Accepted by a server that we read: the story goes on there. Only at a hop, never of a message.
    Transferred,
    /// Replaced by other addresses: alias, list, redirect. No delivery of its own.
    Forwarded,
    Bounced,
    Expired,
    /// Accepted, then dropped by a rule of the server or of the mailbox.
    Discarded,
    /// Quarantined or dropped by a content filter.
    Filtered,
    /// Removed from the queue by hand.
    Deleted,
}

impl Outcome {
    pub const ALL: [Outcome; 10] = [
        Outcome::Deferred,
        Outcome::Held,
        Outcome::Delivered,
        Outcome::Transferred,
        Outcome::Forwarded,
        Outcome::Bounced,
        Outcome::Expired,
        Outcome::Discarded,
        Outcome::Filtered,
        Outcome::Deleted,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Deferred => "deferred",
            Outcome::Held => "held",
            Outcome::Delivered => "delivered",
            Outcome::Transferred => "transferred",
            Outcome::Forwarded => "forwarded",
            Outcome::Bounced => "bounced",
            Outcome::Expired => "expired",
            Outcome::Discarded => "discarded",
            Outcome::Filtered => "filtered",
            Outcome::Deleted => "deleted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Nothing will happen any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Outcome::Deferred | Outcome::Held)
    }
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $word),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some($type::$variant),)+ _ => None }
            }
        }
    };
}

words!(Kind { Transfer = "transfer", Store = "store", Copy = "copy" });
words!(MailClass { Mail = "mail", Bounce = "bounce", Probe = "probe" });
words!(Arrival { Unknown = "unknown", Server = "server", User = "user", Local = "local" });

/// A try that was not the last word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub ts: Micros,
    pub server: Text,
    pub instance: Text,
    pub queue_id: Option<QueueId>,
    pub recipient: Text,
    pub relay: Text,
    pub dsn: Text,
    pub reply: Text,
}

/// A refusal before the queue: nothing was accepted, so there is no message.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rejection {
    pub ts: Micros,
    pub server: Text,
    pub instance: Text,
    /// Present when an earlier recipient of the same transaction was accepted.
    pub queue_id: Option<QueueId>,
    /// SMTP stage: `CONNECT`, `RCPT`, `END-OF-MESSAGE`, …
    pub stage: Text,
    pub client_name: Text,
    pub client_ip: Text,
    pub helo: Text,
    pub sender: Text,
    pub recipient: Text,
    /// SMTP reply code; 0 where the server does not log it (header checks, milters).
    pub code: u16,
    pub dsn: Text,
    /// Words of the reply without addresses, fit for counting: `User unknown in relay recipient table`.
    pub reason: Text,
    pub text: Text,
}

/// Which way a delivery went, seen from the organisation. From evidence alone: who submitted it, and whether it ended here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From another server into a mailbox of ours.
    #[default]
    In,
    /// From a user or process of ours to another server.
    Out,
    /// From a user or process of ours into a mailbox of ours.
    Internal,
    /// From another server to another server.
    Relay,
}

words!(Direction { In = "in", Out = "out", Internal = "internal", Relay = "relay" });

/// How a hop was tied to the one before it, best evidence first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LinkEvidence {
    /// The server names the earlier queue id (XFORWARD, requeue).
    PreviousId,
    /// The filter logs both ids.
    FilterLog,
    /// The next server's reply names its queue id.
    Reply,
    /// The store's redirect names the new address; message id and time agree.
    Redirect,
    /// The servers of one organisation gave all copies the same name.
    NetworkId,
    /// A guess: same message id and recipient, at nearly the same time.
    MessageId,
}

words!(LinkEvidence {
    PreviousId = "previous id",
    FilterLog = "filter log",
    Reply = "reply",
    Redirect = "redirect",
    NetworkId = "network message id",
    MessageId = "message id",
});

/// An arrow from one hop to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Positions in the journey's list of hops.
    pub from: usize,
    pub evidence: LinkEvidence,
}

/// The four events of the server table. *Global* is their sum, by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCounts {
    pub received_from_servers: u64,
    pub received_from_local: u64,
    pub local_routing: u64,
    pub sent_to_servers: u64,
}

impl ServerCounts {
    pub fn global(&self) -> u64 {
        self.received_from_servers + self.received_from_local + self.local_routing + self.sent_to_servers
    }
}
