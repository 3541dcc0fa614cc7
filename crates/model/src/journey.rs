//! Journeys: one message of the organisation, whatever servers and filters it crossed. Derived from hops.

use serde::{Deserialize, Serialize};

use crate::{Arrival, Content, Direction, LinkEvidence, MailClass, Micros, Outcome, QueueId, ServerCounts, Text};

/// A message, with all its hops and the last word on each recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// 16 hexadecimal digits, from the first hop's key: the same lines always give the same id.
    pub id: Text,
    pub class: MailClass,
    pub arrival: Arrival,
    pub sender: Text,
    pub message_id: Text,
    pub subject: Text,
    pub size: Option<u64>,
    pub first_arrival: Micros,
    /// Last thing known of any hop.
    pub last_seen: Micros,
    /// Nothing will happen any more.
    pub closed: bool,
    pub client_name: Text,
    pub client_ip: Text,
    pub helo: Text,
    pub user: Text,
    /// Id of the journey that this notice is about.
    pub notice_of: Text,
    /// What filters said on the way, as [`crate::Verdicts`] writes it.
    pub verdict: Text,
    /// What is inside, where somebody looked.
    pub content: Option<Box<Content>>,
    pub steps: Vec<Step>,
    pub deliveries: Vec<Delivery>,
}

/// One hop of a journey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub server: Text,
    pub instance: Text,
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
    pub recipient: Text,
    pub orig_recipient: Text,
    pub outcome: Outcome,
    pub dsn: Text,
    pub reply: Text,
    pub relay: Text,
    /// The server that had the last word, and its name for the message.
    pub server: Text,
    pub queue_id: Option<QueueId>,
    /// Time of the last word.
    pub ts: Micros,
    /// End at the last hop minus arrival at the first; none while it is open.
    pub delivery_ms: Option<u64>,
    pub attempts: u32,
    pub tls: bool,
    pub direction: Direction,
}
