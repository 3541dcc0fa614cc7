//! Journeys: one message of the organisation, whatever servers and filters it crossed. Derived from hops.

use serde::{Deserialize, Serialize};

use crate::{Arrival, Direction, LinkEvidence, MailClass, Micros, Outcome, QueueId, ServerCounts};

/// A message, with all its hops and the last word on each recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// 16 hexadecimal digits, from the first hop's key: the same lines always give the same id.
    pub id: Box<str>,
    pub class: MailClass,
    pub arrival: Arrival,
    pub sender: Box<str>,
    pub message_id: Box<str>,
    pub subject: Box<str>,
    pub size: Option<u64>,
    pub first_arrival: Micros,
    /// Last thing known of any hop.
    pub last_seen: Micros,
    /// Nothing will happen any more.
    pub closed: bool,
    pub client_name: Box<str>,
    pub client_ip: Box<str>,
    pub helo: Box<str>,
    pub user: Box<str>,
    /// Id of the journey that this notice is about.
    pub notice_of: Box<str>,
    pub verdict: Box<str>,
    pub steps: Vec<Step>,
    pub deliveries: Vec<Delivery>,
}

/// One hop of a journey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub server: Box<str>,
    pub instance: Box<str>,
    pub queue_id: Option<QueueId>,
    pub store: bool,
    pub ts_in: Micros,
    pub ts_out: Micros,
    /// Position of the hop that handed it over; none for the first.
    pub previous: Option<u32>,
    pub evidence: Option<LinkEvidence>,
    pub size: Option<u64>,
    /// What this hop adds to its server's table.
    pub counts: ServerCounts,
}

/// One recipient's outcome for one message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub recipient: Box<str>,
    pub orig_recipient: Box<str>,
    pub outcome: Outcome,
    pub dsn: Box<str>,
    pub reply: Box<str>,
    pub relay: Box<str>,
    /// The server that had the last word, and its name for the message.
    pub server: Box<str>,
    pub queue_id: Option<QueueId>,
    /// Time of the last word.
    pub ts: Micros,
    /// End at the last hop minus arrival at the first; none while it is open.
    pub delivery_ms: Option<u64>,
    pub attempts: u32,
    pub tls: bool,
    pub direction: Direction,
}
