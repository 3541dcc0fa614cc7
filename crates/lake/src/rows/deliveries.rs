//! Table `deliveries`: one row per recipient of a message, with the message's columns repeated. The table that questions are asked of.
//!
//! `sender`, `recipient`, `orig_recipient` and `user` stand in lower case, so that a search finds them by bloom filter; as written
//! only where that differs. The hops of a message and its content stand in its first row, packed. A message without recipients has one row, with
//! an empty recipient.

use std::borrow::Borrow;
use std::borrow::Cow;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::{Delivery, Journey, Micros, QueueId, Text};

use super::packed::Packed;
use super::{content, domain_of, folded};
use crate::columns::Columns;

/// What the packed steps of a message usually take.
const STEPS_BYTES: usize = 96;

/// One row to be.
struct Row<'a> {
    journey: &'a Journey,
    delivery: &'a Delivery,
    seq: i64,
    sender: Cow<'a, str>,
    recipient: Cow<'a, str>,
    orig_recipient: Cow<'a, str>,
    user: Cow<'a, str>,
    servers: Text,
    queue_ids: Text,
}

/// Rows of these messages, in their order.
pub(crate) fn delivery_rows<J: Borrow<Journey>>(journeys: &[&J]) -> Result<RecordBatch, ArrowError> {
    let none = Delivery::default();
    let journeys: Vec<&Journey> = journeys.iter().map(|&journey| journey.borrow()).collect();
    let mut rows = Vec::with_capacity(journeys.iter().map(|journey| journey.deliveries.len().max(1)).sum());
    journeys.into_iter().for_each(|journey| add_rows(&mut rows, journey, &none));
    encode(&rows)
}

fn add_rows<'a>(rows: &mut Vec<Row<'a>>, journey: &'a Journey, none: &'a Delivery) {
    let deliveries = if journey.deliveries.is_empty() { std::slice::from_ref(none) } else { &journey.deliveries };
    let queue_ids = joined(journey.steps.iter().filter_map(|step| step.queue_id.as_ref().map(QueueId::as_str)));
    let (sender, user) = (folded(&journey.sender), folded(&journey.user));
    for (seq, delivery) in deliveries.iter().enumerate() {
        // Neighbours mostly end at the same hop.
        let same_path = rows.last().filter(|row| {
            seq > 0 && row.delivery.server == delivery.server && row.delivery.queue_id == delivery.queue_id
        });
        rows.push(Row {
            journey,
            delivery,
            seq: seq as i64,
            sender: sender.clone(),
            recipient: folded(&delivery.recipient),
            orig_recipient: folded(&delivery.orig_recipient),
            user: user.clone(),
            servers: same_path.map_or_else(|| servers_of(journey, delivery), |row| row.servers.clone()),
            queue_ids: queue_ids.clone(),
        });
    }
}

/// Servers from the first hop to the one that had the last word on this recipient, each once in a row; all servers when that hop is
/// not among the steps.
fn servers_of(journey: &Journey, delivery: &Delivery) -> Text {
    let is_last = |step: &vigie_model::Step| step.server == delivery.server && step.queue_id == delivery.queue_id;
    let Some(mut at) = journey.steps.iter().rposition(is_last) else {
        return joined(journey.steps.iter().map(|step| &*step.server));
    };
    let mut chain = vec![&*journey.steps[at].server];
    // A chain is never longer than the list: a damaged one ends here too.
    while let Some(previous) =
        journey.steps[at].previous.map(|at| at as usize).filter(|_| chain.len() < journey.steps.len())
    {
        let Some(step) = journey.steps.get(previous) else { break };
        chain.push(&*step.server);
        at = previous;
    }
    joined(chain.into_iter().rev())
}

/// Words with a space between, the same one not twice in a row.
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> Text {
    let mut text = Text::default();
    let mut last = "";
    for word in words.filter(|word| !word.is_empty()) {
        if word != last {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        last = word;
    }
    text
}

fn encode(rows: &[Row<'_>]) -> Result<RecordBatch, ArrowError> {
    let mut steps = Packed::with_capacity(rows.len(), rows.len() * STEPS_BYTES);
    rows.iter().try_for_each(|row| steps.push((row.seq == 0).then_some(&row.journey.steps)))?;
    let rows = || rows.iter();
    let mut columns = Columns::default();
    columns.texts("journey_id", rows().map(|r| &*r.journey.id));
    columns.ints("seq", rows().map(|r| r.seq));
    columns.times("first_arrival", rows().map(|r| r.journey.first_arrival));
    columns.times("last_seen", rows().map(|r| r.journey.last_seen));
    columns.times("ts", rows().map(last_word));
    columns.texts("class", rows().map(|r| r.journey.class.as_str()));
    columns.texts("arrival", rows().map(|r| r.journey.arrival.as_str()));
    columns.flags("closed", rows().map(|r| r.journey.closed));
    columns.texts("sender", rows().map(|r| &*r.sender));
    columns.texts_or_null("sender_as_written", rows().map(|r| as_written(&r.sender, &r.journey.sender)));
    columns.texts("sender_domain", rows().map(|r| domain_of(&r.sender)));
    columns.texts("recipient", rows().map(|r| &*r.recipient));
    columns.texts("recipient_domain", rows().map(|r| domain_of(&r.recipient)));
    columns.texts_or_null("recipient_as_written", rows().map(|r| as_written(&r.recipient, &r.delivery.recipient)));
    columns.texts("orig_recipient", rows().map(|r| &*r.orig_recipient));
    columns.texts_or_null(
        "orig_recipient_as_written",
        rows().map(|r| as_written(&r.orig_recipient, &r.delivery.orig_recipient)),
    );
    columns.texts("outcome", rows().map(|r| r.delivery.outcome.as_str()));
    columns.texts("dsn", rows().map(|r| &*r.delivery.dsn));
    columns.texts("reply", rows().map(|r| &*r.delivery.reply));
    columns.texts("relay", rows().map(|r| &*r.delivery.relay));
    columns.texts("server", rows().map(|r| &*r.delivery.server));
    columns.queue_ids("queue_id", rows().map(|r| r.delivery.queue_id.as_ref()));
    columns.texts("first_server", rows().map(|r| r.journey.steps.first().map_or("", |step| &*step.server)));
    columns.texts("servers", rows().map(|r| &*r.servers));
    columns.texts("queue_ids", rows().map(|r| &*r.queue_ids));
    columns.texts("message_id", rows().map(|r| &*r.journey.message_id));
    columns.texts("subject", rows().map(|r| &*r.journey.subject));
    columns.ints_or_null("size", rows().map(|r| r.journey.size.map(|size| size as i64)));
    columns.ints("recipients", rows().map(|r| r.journey.deliveries.len() as i64));
    columns.ints_or_null("delivery_ms", rows().map(|r| r.delivery.delivery_ms.map(|ms| ms as i64)));
    columns.ints("attempts", rows().map(|r| i64::from(r.delivery.attempts)));
    columns.flags("tls", rows().map(|r| r.delivery.tls));
    columns.texts("direction", rows().map(|r| r.delivery.direction.as_str()));
    columns.texts("client_name", rows().map(|r| &*r.journey.client_name));
    columns.texts("client_ip", rows().map(|r| &*r.journey.client_ip));
    columns.texts("helo", rows().map(|r| &*r.journey.helo));
    columns.texts("user", rows().map(|r| &*r.user));
    columns.texts_or_null("user_as_written", rows().map(|r| as_written(&r.user, &r.journey.user)));
    columns.texts("verdict", rows().map(|r| &*r.journey.verdict));
    columns.ints("hops", rows().map(|r| r.journey.steps.len() as i64));
    columns.texts("notice_of", rows().map(|r| &*r.journey.notice_of));
    let contents: Vec<_> = rows().map(|r| (r.journey.content.as_deref(), r.seq == 0)).collect();
    content::push(&mut columns, &contents)?;
    columns.push("steps", steps.finish()?, true);
    columns.finish()
}

fn last_word(row: &Row<'_>) -> Micros {
    if row.journey.deliveries.is_empty() { row.journey.last_seen } else { row.delivery.ts }
}

fn as_written<'a>(folded: &str, written: &'a str) -> Option<&'a str> {
    (folded != written).then_some(written)
}
