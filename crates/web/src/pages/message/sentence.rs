//! The one sentence that answers "where is this message?".

use std::collections::BTreeMap;

use vigie_i18n::{Arg, fmt};

use crate::backend::{Message, Recipient, Status};
use crate::parts::visible;
use crate::reader::Reader;
use crate::words;

pub fn sentence(reader: &Reader, message: &Message) -> String {
    match &message.recipients[..] {
        [] => reader.t("sentence-nobody"),
        [one] if message.recipients_more == 0 => about_one(reader, message, one),
        _ => about_many(reader, message),
    }
}

/// What the last server said, where that explains something.
pub fn reply(message: &Message) -> Option<&str> {
    let worst = message.recipients.iter().max_by_key(|recipient| urgency(recipient.status))?;
    (urgency(worst.status) > 0).then_some(worst.reply.as_deref()).flatten().filter(|reply| !reply.is_empty())
}

fn about_one(reader: &Reader, message: &Message, recipient: &Recipient) -> String {
    let (to, server) = (address(&recipient.address), visible(recipient.server.as_deref().unwrap_or(fmt::dash())));
    let time = recipient.time.map(|at| time_beside(reader, message, at)).unwrap_or_else(|| fmt::dash().to_owned());
    let waited = u64::try_from(message.as_of.duration_since(message.first_arrival).as_millis()).unwrap_or(0);
    let took = reader.millis(recipient.delivery_ms.unwrap_or(waited));
    let args = [
        ("to", Arg::Text(&to)),
        ("time", Arg::Text(&time)),
        ("took", Arg::Text(&took)),
        ("server", Arg::Text(&server)),
        ("attempts", Arg::Count(u64::from(recipient.attempts))),
    ];
    let sentence = match (recipient.status, recipient.delivery_ms) {
        (Status::Delivered, None) => "sentence-delivered-untimed",
        (status, _) => words::status_sentence(status),
    };
    reader.tn(sentence, &args)
}

/// The hour alone when it is the day of the arrival, which stands beside it on the page.
fn time_beside(reader: &Reader, message: &Message, at: jiff::Timestamp) -> String {
    if reader.date(at) == reader.date(message.first_arrival) { reader.time_s(at) } else { reader.datetime_s(at) }
}

fn about_many(reader: &Reader, message: &Message) -> String {
    let mut counts: BTreeMap<Status, u64> = BTreeMap::new();
    for recipient in &message.recipients {
        *counts.entry(recipient.status).or_default() += 1;
    }
    let mut parts: Vec<String> =
        counts.into_iter().map(|(status, n)| reader.count(words::status_count(status), n)).collect();
    if message.recipients_more > 0 {
        parts.push(reader.count("and-more", message.recipients_more));
    }
    let total = message.recipients.len() as u64 + message.recipients_more;
    let slowest = message.recipients.iter().filter_map(|recipient| recipient.delivery_ms).max();
    let text = reader.tn("sentence-many", &[("n", Arg::Count(total)), ("list", Arg::Text(&parts.join(", ")))]);
    match slowest {
        Some(ms) => format!("{text} {}", reader.tn("sentence-slowest", &[("took", Arg::Text(&reader.millis(ms)))])),
        None => text,
    }
}

fn address(address: &str) -> String {
    if address.is_empty() { "<>".to_owned() } else { visible(address) }
}

/// 0: nothing to do.
fn urgency(status: Status) -> u8 {
    match status {
        Status::Delivered | Status::Forwarded => 0,
        Status::Discarded | Status::Filtered => 1,
        Status::Deferred | Status::Held => 2,
        Status::Deleted | Status::Rejected => 3,
        Status::Bounced | Status::Expired => 4,
    }
}
