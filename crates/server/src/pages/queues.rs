//! What waits in queues: by server, domain and reason.

use std::collections::BTreeMap;

use jiff::Timestamp;
use vigie_lake::{DeliveryRow, Order, Snapshot};
use vigie_model::{MICROS_PER_SECOND, Micros, Outcome, Text};
use vigie_query::{Field, term_text};
use vigie_web::backend::{Failure, QUEUE_AGES_S, QueueGroup, QueueServer, Queues, Scope};

use super::{
    coverage, failure,
    question::{Question, status},
    some, stored_span, timestamp,
};

/// Deliveries that are looked at one by one.
const ROWS_MAX: usize = 100_000;
/// Groups on the page.
const GROUPS_MAX: usize = 200;
/// What waits, whatever the page asks for besides.
const WAITING: &str = "status:deferred,held";

/// Server, domain, whether held, code of the last try.
type Key = (Text, String, bool, Text);

pub fn queues(scope: &Scope, snapshot: &Snapshot) -> Result<Queues, Failure> {
    let mut question = Question::of(&Scope { period: vigie_web::backend::Period::All, ..scope.clone() }, snapshot)?;
    question.filter = question.and(WAITING)?;
    let fail = |error| failure(error, &question.q);
    let deliveries = question.count(snapshot, &question.filter)?.deliveries;
    let found = snapshot.search_by(&question.filter, Order::Newest, ROWS_MAX, None).map_err(fail)?;
    let now = Timestamp::now();
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    let mut servers: BTreeMap<Text, Group> = BTreeMap::new();
    for row in &found.rows {
        groups.entry(key(row)).or_default().add(row, now.as_microsecond());
        servers.entry(row.server.clone()).or_default().add(row, now.as_microsecond());
    }
    let mut groups: Vec<(Key, Group)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse((group.deliveries, now.as_microsecond() - group.oldest)));
    let groups_more = groups.len().saturating_sub(GROUPS_MAX) as u64;
    groups.truncate(GROUPS_MAX);
    let groups = groups.into_iter().map(|(key, group)| group.row(&question, &key)).collect::<Result<_, Failure>>()?;
    let servers = servers.into_iter().map(|(server, group)| group.server(&question, &server));
    Ok(Queues {
        stored: stored_span(snapshot),
        as_of: now,
        deliveries,
        groups,
        groups_more,
        unseen: deliveries.saturating_sub(found.rows.len() as u64),
        servers: servers.collect::<Result<_, Failure>>()?,
        coverage: coverage::of(&question, snapshot)?,
    })
}

fn key(row: &DeliveryRow) -> Key {
    let domain = row.recipient.rsplit_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default();
    (row.server.clone(), domain, row.outcome == Outcome::Held, row.dsn.clone())
}

/// Deliveries that wait together.
#[derive(Default)]
struct Group {
    deliveries: u64,
    held: u64,
    ages: [u64; QUEUE_AGES_S.len() + 1],
    oldest: Micros,
    attempts_max: u32,
    /// The last word on one of them, and what the next server is called there.
    last: Option<(Micros, Text, Text)>,
    outcome: Outcome,
}

impl Group {
    fn add(&mut self, row: &DeliveryRow, now: Micros) {
        self.oldest = if self.deliveries == 0 { row.first_arrival } else { self.oldest.min(row.first_arrival) };
        self.deliveries += 1;
        self.held += u64::from(row.outcome == Outcome::Held);
        let young = |&seconds: &i64| row.first_arrival >= now - seconds * MICROS_PER_SECOND;
        self.ages[QUEUE_AGES_S.iter().position(young).unwrap_or(QUEUE_AGES_S.len())] += 1;
        self.attempts_max = self.attempts_max.max(row.attempts);
        self.outcome = row.outcome;
        if !row.reply.is_empty() && self.last.as_ref().is_none_or(|(ts, ..)| row.ts > *ts) {
            self.last = Some((row.ts, row.reply.clone(), row.relay.clone()));
        }
    }

    fn row(self, question: &Question, (server, domain, _, dsn): &Key) -> Result<QueueGroup, Failure> {
        let exit = term_text(Field::Exit, server);
        let to = if domain.is_empty() { String::new() } else { format!("to:@{domain}") };
        let why = if dsn.is_empty() { String::new() } else { term_text(Field::Dsn, dsn) };
        let (reply, relay) = self.last.map(|(_, reply, relay)| (reply, relay)).unwrap_or_default();
        Ok(QueueGroup {
            server: server.to_string(),
            domain: domain.clone(),
            next_hop: next_hop(&relay, &reply).map(str::to_owned),
            status: status(self.outcome),
            dsn: some(dsn),
            reply: some(&reply),
            deliveries: self.deliveries,
            ages: self.ages,
            oldest: timestamp(self.oldest),
            attempts_max: self.attempts_max,
            filter: question.text(&[&format!("status:{}", self.outcome.as_str()), &exit, &to, &why])?,
        })
    }

    fn server(self, question: &Question, server: &str) -> Result<QueueServer, Failure> {
        Ok(QueueServer {
            server: server.to_owned(),
            deliveries: self.deliveries,
            held: self.held,
            oldest: timestamp(self.oldest),
            filter: question.text(&[WAITING, &term_text(Field::Exit, server)])?,
        })
    }
}

/// The server that it was to go to: as logged, or as Postfix names it in its own words when no connection came about.
fn next_hop<'a>(relay: &'a str, reply: &'a str) -> Option<&'a str> {
    let relay = relay.split(['[', ' ']).next().unwrap_or_default();
    if !relay.is_empty() && relay != "none" {
        return Some(relay);
    }
    // "connect to mx.example.org[192.0.2.1]:25: Connection refused", "lost connection with mx…", "host mx…[…] said: …"
    let words = ["connect to ", "connection with ", "conversation with ", "host ", "name="];
    let rest = words.iter().find_map(|word| reply.find(word).map(|at| &reply[at + word.len()..]))?;
    let name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || "-._".contains(c))).next()?;
    Some(name).filter(|name| name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_hop_is_found_where_no_connection_came_about() {
        let refused = "connect to mx.slow.example[192.0.2.9]:25: Connection refused";
        assert_eq!(next_hop("none", refused), Some("mx.slow.example"));
        assert_eq!(
            next_hop(
                "",
                "Host or domain name not found. Name service error for name=gone.example type=MX: Host not found, try again"
            ),
            Some("gone.example")
        );
        assert_eq!(next_hop("relay.example[192.0.2.1]:25", refused), Some("relay.example"));
        assert_eq!(next_hop("none", "mail transport unavailable"), None);
        assert_eq!(next_hop("", ""), None);
    }
}
