//! One message: its recipients, its path, and the log lines that prove it.

use vigie_lake::{Line, Snapshot};
use vigie_model::{Arrival, Delivery, Journey, LinkEvidence, MICROS_PER_SECOND, MailClass, Micros, Step};
use vigie_web::backend::{
    Attachment, Content, CoverageSummary, Failure, Hop, HopLink, HopRole, LogLine, Message, Recipient,
};

use super::{coverage, failure, question::status, some, span, stored, timestamp};

/// Recipients on one page.
const RECIPIENTS_MAX: usize = 500;
/// Lines on one page.
const LINES_MAX: usize = 1_000;
/// Lines of a hop may be this much outside of its times.
const MARGIN_MICROS: Micros = 20 * MICROS_PER_SECOND;

pub fn message(id: &str, snapshot: &Snapshot) -> Result<Option<Message>, Failure> {
    let Some(journey) = snapshot.journey(id).map_err(|error| failure(error, ""))? else { return Ok(None) };
    let (lines, lines_more) = lines(&journey, snapshot)?;
    let (covered, _) = coverage::summary(journey.first_arrival, journey.last_seen + 1, snapshot)?;
    let as_of = stored(snapshot).map_or(journey.last_seen, |(_, last)| last);
    Ok(Some(Message {
        id: journey.id.to_string(),
        sender: journey.sender.to_string(),
        subject: some(&journey.subject),
        message_id: some(journey.message_id.trim_start_matches('<').trim_end_matches('>')),
        bytes: journey.size,
        first_arrival: timestamp(journey.first_arrival),
        as_of: timestamp(as_of),
        coverage: CoverageSummary { span: Some(span(journey.first_arrival, journey.last_seen + 1)), ..covered },
        recipients: journey.deliveries.iter().take(RECIPIENTS_MAX).map(recipient).collect(),
        recipients_more: journey.deliveries.len().saturating_sub(RECIPIENTS_MAX) as u64,
        content: journey.content.as_deref().map(content),
        hops: journey.steps.iter().enumerate().map(|(at, step)| hop(&journey, at, step)).collect(),
        lines,
        lines_more,
    }))
}

fn content(content: &vigie_model::Content) -> Content {
    let attachment = |attachment: &vigie_model::Attachment| Attachment {
        name: attachment.name.to_string(),
        declared: attachment.declared.to_string(),
        sniffed: attachment.sniffed.to_string(),
        bytes: attachment.size,
    };
    Content {
        header_from: content.header_from.to_string(),
        media_type: content.media_type.to_string(),
        is_list: content.list,
        is_automatic: content.automatic,
        signed: content.signed.to_string(),
        encrypted: content.encrypted.to_string(),
        has_dkim: content.dkim,
        is_cut: content.cut,
        attachments: content.attachments.iter().map(attachment).collect(),
    }
}

fn recipient(delivery: &Delivery) -> Recipient {
    Recipient {
        address: delivery.recipient.to_string(),
        original: some(&delivery.orig_recipient),
        status: status(delivery.outcome),
        dsn: some(&delivery.dsn),
        reply: some(&delivery.reply),
        server: some(&delivery.server),
        relay: some(&delivery.relay).filter(|relay| relay != "none"),
        time: Some(timestamp(delivery.ts)),
        delivery_ms: delivery.delivery_ms,
        attempts: delivery.attempts,
    }
}

fn hop(journey: &Journey, at: usize, step: &Step) -> Hop {
    let previous = step.previous.and_then(|previous| journey.steps.get(previous as usize));
    let role = match previous {
        _ if step.store => HopRole::Store,
        None if journey.class == MailClass::Bounce && journey.arrival == Arrival::Local => HopRole::Notice,
        None if matches!(journey.arrival, Arrival::User | Arrival::Local) => HopRole::Submission,
        None => HopRole::Arrival,
        Some(_) if step.evidence == Some(LinkEvidence::Redirect) => HopRole::Redirect,
        Some(previous) if previous.server == step.server && !previous.store => same_server(step.evidence),
        Some(_) => HopRole::Relay,
    };
    Hop {
        server: step.server.to_string(),
        queue_id: step.queue_id.map(|id| id.to_string()),
        time_in: timestamp(step.ts_in),
        time_out: Some(timestamp(step.ts_out)).filter(|_| !waits_at(journey, step)),
        role,
        client: if at == 0 { client(journey) } else { previous.map(|previous| previous.server.to_string()) },
        previous: step.previous.map(|previous| previous as usize),
        link: match step.evidence {
            None => HopLink::Origin,
            Some(LinkEvidence::PreviousId) => HopLink::PreviousId,
            Some(LinkEvidence::FilterLog) => HopLink::FilterLog,
            Some(LinkEvidence::Reply) => HopLink::Reply,
            Some(LinkEvidence::Redirect) => HopLink::Redirect,
            Some(LinkEvidence::NetworkId) => HopLink::NetworkId,
            Some(LinkEvidence::MessageId) => HopLink::MessageId,
        },
    }
}

/// A filter names the earlier queue id, or logs both. A reply alone may as well be that of an alias that was replaced.
fn same_server(evidence: Option<LinkEvidence>) -> HopRole {
    match evidence {
        Some(LinkEvidence::PreviousId | LinkEvidence::FilterLog) => HopRole::FilterReturn,
        _ => HopRole::Again,
    }
}

/// Is a recipient's mail still in the queue of this hop?
fn waits_at(journey: &Journey, step: &Step) -> bool {
    let here = |delivery: &&Delivery| delivery.server == step.server && delivery.queue_id == step.queue_id;
    !journey.closed && journey.deliveries.iter().filter(here).any(|delivery| !delivery.outcome.is_final())
}

fn client(journey: &Journey) -> Option<String> {
    let host = match (&*journey.client_name, &*journey.client_ip) {
        ("", "") => String::new(),
        (name, "") => name.to_owned(),
        (name, ip) => format!("{name} [{ip}]"),
    };
    match (&*journey.user, host.is_empty()) {
        ("", _) => some(&host),
        (user, true) => Some(user.to_owned()),
        (user, false) => Some(format!("{user}, {host}")),
    }
}

/// The lines of all hops, by time.
fn lines(journey: &Journey, snapshot: &Snapshot) -> Result<(Vec<LogLine>, u64), Failure> {
    let mut found: Vec<(usize, Line)> = Vec::new();
    for (at, step) in journey.steps.iter().enumerate() {
        let Some(id) = step.queue_id else { continue };
        let (from, until) = (step.ts_in - MARGIN_MICROS, step.ts_out + MARGIN_MICROS);
        let lines = snapshot.lines_for(&step.server, &id, from, until).map_err(|error| failure(error, ""))?;
        for line in lines.take(LINES_MAX + 1) {
            found.push((at, line.map_err(|error| failure(error, ""))?));
        }
    }
    found.sort_by(|(_, a), (_, b)| (a.ts, &a.file, a.offset).cmp(&(b.ts, &b.file, b.offset)));
    let more = found.len().saturating_sub(LINES_MAX) as u64;
    let line = |(hop, line): (usize, Line)| LogLine {
        server: line.server.to_string(),
        source: line.file.to_string(),
        time: Some(timestamp(line.ts)),
        text: line.text.to_string(),
        hop: Some(hop),
    };
    Ok((found.into_iter().take(LINES_MAX).map(line).collect(), more))
}
