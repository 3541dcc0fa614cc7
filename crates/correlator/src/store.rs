//! Mail stores: LMTP and LDA sessions of Dovecot, each one hop at the store.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use vigie_formats::dovecot::{Action, Stored};
use vigie_model::{Arrival, Hop, Kind, MICROS_PER_SECOND, Micros, Outcome, QueueId, Recipient, Text};

use crate::{
    BEFORE_ALL, Facts, OpenHop,
    text::{kept, text_of},
};

/// A session's lines for one message come within seconds; LMTP itself gives up after minutes.
const SESSION_SILENT_MICROS: Micros = 300 * MICROS_PER_SECOND;

/// Sessions whose lines may still come, by session id, or by user and message id where the delivery agent has no session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sessions {
    open: FxHashMap<(Option<QueueId>, Text), Session>,
    /// Counts what changed a session.
    #[serde(skip)]
    changes: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    pub ts_in: Micros,
    ts_out: Micros,
    message_id: Text,
    users: Vec<User>,
    /// When it was changed last, as the sessions count changes; 0 since it was restored.
    #[serde(skip)]
    pub change: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct User {
    name: Text,
    ts: Micros,
    outcome: Outcome,
    text: Text,
    forwarded_to: Vec<Text>,
}

impl Sessions {
    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn stored(&mut self, ts: Micros, stored: &Stored<'_>) {
        let Some(outcome) = stored.action.outcome() else { return };
        let by_user = if stored.session.is_some() {
            Text::default()
        } else {
            text_of(&[stored.user, b" ", stored.message_id].concat())
        };
        let session = self.open.entry((stored.session, by_user)).or_insert_with(|| Session {
            ts_in: ts,
            ts_out: ts,
            message_id: text_of(stored.message_id),
            users: Vec::new(),
            change: 0,
        });
        self.changes += 1;
        session.change = self.changes;
        session.ts_in = session.ts_in.min(ts);
        session.ts_out = session.ts_out.max(ts);
        session.user(stored.user).action(ts, outcome, stored);
    }

    pub fn close_before(&mut self, watermark: Micros, server: &str, facts: &mut Facts) {
        self.open.retain(|key, session| {
            let silent = session.ts_out < watermark - SESSION_SILENT_MICROS;
            if silent {
                facts.hops.push(Box::new(session.hop(key.0, server, true)));
            }
            !silent
        });
    }

    pub fn oldest(&self) -> Option<Micros> {
        self.open.values().map(|session| session.ts_in).min()
    }

    pub fn open(&self, server: &str, hops: &mut Vec<Hop>) {
        // All that such a session will say is said: it is only kept for late lines.
        hops.extend(self.open.iter().map(|(key, session)| session.hop(key.0, server, true)));
    }

    /// As [`Sessions::open`], for linking.
    pub fn open_hops<'a>(&'a self, server: &'a str) -> impl Iterator<Item = OpenHop<'a>> {
        self.open.iter().map(|((id, by_user), session)| OpenHop::of_session(session, *id, by_user, server))
    }
}

impl Session {
    fn user(&mut self, name: &[u8]) -> &mut User {
        let kept = kept(name);
        let at = self.users.iter().position(|user| user.name.as_bytes() == &*kept).unwrap_or_else(|| {
            self.users.push(User {
                name: text_of(name),
                ts: BEFORE_ALL,
                outcome: Outcome::Discarded,
                text: Text::default(),
                forwarded_to: Vec::new(),
            });
            self.users.len() - 1
        });
        &mut self.users[at]
    }

    pub fn hop(&self, id: Option<QueueId>, server: &str, closed: bool) -> Hop {
        let mut recipients: Vec<Recipient> = self.users.iter().map(User::recipient).collect();
        recipients.sort_by(|a, b| a.recipient.cmp(&b.recipient));
        Hop {
            kind: Kind::Store,
            server: server.into(),
            queue_id: id,
            ts_in: self.ts_in,
            ts_out: self.ts_out,
            closed,
            arrival: Arrival::Server,
            message_id: self.message_id.clone(),
            recipients,
            ..Hop::default()
        }
    }
}

/// A kept copy is a delivery, whatever else was done; a refusal outweighs a mere discard.
fn weight(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Delivered => 3,
        Outcome::Forwarded => 2,
        Outcome::Bounced => 1,
        _ => 0,
    }
}

impl User {
    fn action(&mut self, ts: Micros, outcome: Outcome, stored: &Stored<'_>) {
        if let Action::Forwarded(address) = stored.action {
            let address = text_of(address);
            if let Err(at) = self.forwarded_to.binary_search(&address) {
                self.forwarded_to.insert(at, address);
            }
        }
        let text = text_of(stored.text);
        if self.ts == BEFORE_ALL || (weight(outcome), &text) > (weight(self.outcome), &self.text) {
            (self.outcome, self.text) = (outcome, text);
        }
        self.ts = self.ts.max(ts);
    }

    fn recipient(&self) -> Recipient {
        Recipient {
            recipient: self.name.clone(),
            outcome: self.outcome,
            ts: self.ts,
            reply: self.text.clone(),
            transport: "store".into(),
            attempts: 1,
            forwarded_to: self.forwarded_to.clone(),
            ..Recipient::default()
        }
    }
}
