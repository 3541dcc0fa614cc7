//! Who is at the other end of a session, for servers whose lines on a message name the session alone.
//!
//! Lines may come out of order: what is told of a session also reaches the messages that came before it was told.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use vigie_formats::session::Session;
use vigie_model::{Arrival, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, QueueId, Text};

use crate::{LINGER_MICROS, text::Detail};

/// What was told of a session holds so long: some servers log no end of sessions, and use their names again.
const SESSION_MICROS_MAX: Micros = 4 * MICROS_PER_HOUR;
/// More sessions are not remembered at once; messages of others have no client.
const SESSIONS_MAX: usize = 200_000;
const SWEEP_MICROS: Micros = 60 * MICROS_PER_SECOND;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Clients {
    sessions: FxHashMap<u64, Told>,
    swept: Micros,
}

/// What the lines of one session say.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Told {
    /// Time of the newest line.
    ts: Micros,
    over: bool,
    client: Option<Who>,
    user: Option<Who>,
    /// That came lately: a line about the session may still be under way.
    messages: Vec<(Micros, QueueId)>,
}

/// One line's word on the other end. Of two at one time the larger counts, in any order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Who {
    ts: Micros,
    pub arrival: Arrival,
    pub name: Text,
    pub ip: Text,
    pub user: Text,
}

impl Clients {
    /// Takes a line about a session; the messages that came in it lately may have more to say now.
    pub fn told(&mut self, ts: Micros, session: &Session<'_>, detail: Detail) -> Vec<(Micros, QueueId)> {
        let Some(told) = self.of(ts, session.key) else { return Vec::new() };
        told.over |= session.ends;
        let who = Who {
            ts,
            arrival: session.arrival,
            name: detail.shown(session.client_name),
            ip: detail.shown(session.client_ip),
            user: detail.shown(session.user),
        };
        if session.arrival != Arrival::Unknown {
            let place = if session.user.is_empty() { &mut told.client } else { &mut told.user };
            *place = place.take().max(Some(who));
        }
        told.messages.clone()
    }

    /// A message came in that session.
    pub fn message(&mut self, ts: Micros, key: u64, id: QueueId) {
        let Some(told) = self.of(ts, key) else { return };
        let limit = told.ts - LINGER_MICROS;
        told.messages.retain(|(at, known)| *at >= limit && *known != id);
        told.messages.push((ts, id));
    }

    /// What is known of the client of a message that came in that session at that time.
    pub fn of_message(&self, ts: Micros, key: u64) -> impl Iterator<Item = &Who> {
        let told = self.sessions.get(&key).into_iter().flat_map(|told| told.client.iter().chain(&told.user));
        told.filter(move |who| who.ts <= ts && who.ts > ts - SESSION_MICROS_MAX)
    }

    fn of(&mut self, ts: Micros, key: u64) -> Option<&mut Told> {
        if self.sessions.len() >= SESSIONS_MAX && !self.sessions.contains_key(&key) {
            return None;
        }
        let told = self.sessions.entry(key).or_insert_with(|| Told { ts, ..Told::default() });
        told.ts = told.ts.max(ts);
        Some(told)
    }

    /// Forgets what is over, once no late line can be part of it.
    pub fn sweep(&mut self, watermark: Micros) {
        if (watermark - self.swept).abs() < SWEEP_MICROS {
            return;
        }
        self.swept = watermark;
        self.sessions
            .retain(|_, told| told.ts > watermark - if told.over { LINGER_MICROS } else { SESSION_MICROS_MAX });
    }
}
