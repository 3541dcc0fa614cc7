//! `vigie trace`: where messages went, in one sentence, then hop by hop, then line by line.

use std::{io::Write, path::Path};

use jiff::tz::TimeZone;
use vigie_engine::export;
use vigie_lake::Snapshot;
use vigie_model::{Journey, MICROS_PER_HOUR, MICROS_PER_SECOND, MailClass, Micros, Outcome as Ending};
use vigie_query::{Expr, Field, Filter, term_text};

use super::{
    coverage, files,
    question::{self, clock, duration, unanswerable},
};
use crate::{
    cli::{OutputOptions, Zone},
    output::{self, Outcome, harmless},
};

/// Lines of a hop may be this much outside of its times.
const MARGIN_MICROS: Micros = 20 * MICROS_PER_SECOND;
/// Rows looked at for one message: it may have many recipients.
const ROWS_PER_MESSAGE: usize = 200;

pub fn run(options: &OutputOptions, data: &Path, zone: &Zone, limit: u32, words: &[String]) -> anyhow::Result<Outcome> {
    let zone = files::zone(zone)?;
    let snapshot = files::store_to_read(options, data)?.lake.snapshot()?;
    let ids = match exactly(&snapshot, &zone, limit as usize, words)? {
        found if !found.is_empty() => found,
        _ => loosely(options, &snapshot, &zone, limit as usize, words)?,
    };
    for id in &ids {
        let Some(journey) = snapshot.journey(id)? else { continue };
        if options.json {
            output::json_line(&export::journey_row(&journey))?;
        } else {
            tell(&snapshot, &zone, &journey)?;
        }
        let mut hours = question::filter(&[], &zone)?;
        (hours.period.from, hours.period.until) =
            (Some(journey.first_arrival - MICROS_PER_HOUR), Some(journey.last_seen + 1));
        coverage::state(options, &snapshot, &hours)?;
    }
    if ids.is_empty() {
        options.remark(format_args!(
            "no message matches {}; what servers refused is found by: vigie search 'status:rejected …'",
            words.join(" ")
        ));
        return Ok(Outcome::NothingFound);
    }
    Ok(Outcome::Done)
}

/// What one word may be the whole of, the surest first.
const WHOLE: [&[Field]; 3] = [&[Field::QueueId], &[Field::MessageId], &[Field::From, Field::To, Field::Orig]];

/// Messages of which the one word is the id, a queue id, the Message-ID, or an address.
fn exactly(snapshot: &Snapshot, zone: &TimeZone, limit: usize, words: &[String]) -> anyhow::Result<Vec<String>> {
    let [word] = words else { return Ok(Vec::new()) };
    if word.is_empty() || word.contains(char::is_whitespace) {
        return Ok(Vec::new());
    }
    if word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) && snapshot.journey(word)?.is_some() {
        return Ok(vec![word.clone()]);
    }
    for fields in WHOLE {
        let terms: Vec<String> = fields.iter().map(|field| term_text(*field, word)).collect();
        let found = newest(snapshot, limit, &question::filter(&[terms.join(" or ")], zone)?)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Messages that the words choose as a filter. A bare word is looked for anywhere: that was not asked for, so it is said.
fn loosely(
    options: &OutputOptions,
    snapshot: &Snapshot,
    zone: &TimeZone,
    limit: usize,
    words: &[String],
) -> anyhow::Result<Vec<String>> {
    let filter = question::filter(words, zone)?;
    let found = newest(snapshot, limit, &filter)?;
    if !found.is_empty() && matches!(&filter.expr, Some(Expr::Term(term)) if term.field == Field::Any) {
        options.remark(format_args!(
            "no id, queue id, Message-ID or address is exactly {}; these messages have it somewhere:",
            words.join(" ")
        ));
    }
    Ok(found)
}

fn newest(snapshot: &Snapshot, limit: usize, filter: &Filter) -> anyhow::Result<Vec<String>> {
    let page = snapshot.search(filter, limit.saturating_mul(ROWS_PER_MESSAGE), None).map_err(unanswerable)?;
    let mut ids: Vec<String> = page.rows.iter().map(|row| row.journey_id.to_string()).collect();
    ids.dedup();
    ids.truncate(limit);
    Ok(ids)
}

fn tell(snapshot: &Snapshot, zone: &TimeZone, journey: &Journey) -> anyhow::Result<()> {
    let mut out = Vec::new();
    writeln!(out, "{}", sentence(zone, journey))?;
    writeln!(
        out,
        "  {} -> {} recipient{}, {}, id {}",
        sender(journey),
        journey.deliveries.len(),
        if journey.deliveries.len() == 1 { "" } else { "s" },
        journey.size.map_or_else(|| "size unknown".to_owned(), question::bytes),
        journey.id
    )?;
    if !journey.subject.is_empty() {
        writeln!(out, "  subject: {}", journey.subject)?;
    }
    for delivery in &journey.deliveries {
        let took = delivery.delivery_ms.map(|ms| format!(" after {}", duration(ms))).unwrap_or_default();
        let outcome = delivery.outcome.as_str();
        let reply = if delivery.reply.is_empty() { "" } else { &format!(": {}", delivery.reply) };
        let text = format!("  {}: {outcome}{took} at {}{reply}", delivery.recipient, delivery.server);
        writeln!(out, "{text}")?;
    }
    writeln!(out, "\n  path ({}):", zone.iana_name().unwrap_or("local time"))?;
    for (at, step) in journey.steps.iter().enumerate() {
        let id = step.queue_id.map(|id| id.to_string()).unwrap_or_default();
        let how = step.evidence.map(|evidence| format!(", known by {}", evidence.as_str())).unwrap_or_default();
        writeln!(out, "  {}. {} {} {id}{how}", at + 1, clock(step.ts_in, zone), step.server)?;
    }
    writeln!(out, "\n  lines:")?;
    let mut lines = Vec::new();
    for step in &journey.steps {
        let Some(id) = step.queue_id else { continue };
        for line in snapshot.lines_for(&step.server, &id, step.ts_in - MARGIN_MICROS, step.ts_out + MARGIN_MICROS)? {
            lines.push(line?);
        }
    }
    lines.sort_by(|a, b| (a.ts, &a.file, a.offset).cmp(&(b.ts, &b.file, b.offset)));
    for line in lines {
        writeln!(out, "  {}", line.text)?;
    }
    writeln!(out)?;
    write!(anstream::stdout(), "{}", harmless(&String::from_utf8_lossy(&out)))?;
    Ok(())
}

fn sender(journey: &Journey) -> &str {
    match (&*journey.sender, journey.class) {
        ("", MailClass::Mail) => "sender unknown",
        ("", _) => "<>",
        (sender, _) => sender,
    }
}

/// The answer first.
fn sentence(zone: &TimeZone, journey: &Journey) -> String {
    let count = |ending: Ending| journey.deliveries.iter().filter(|delivery| delivery.outcome == ending).count();
    let counted: Vec<(Ending, usize)> =
        Ending::ALL.into_iter().map(|ending| (ending, count(ending))).filter(|(_, count)| *count > 0).collect();
    match (&counted[..], &journey.deliveries[..]) {
        ([], _) => {
            format!("Arrived at {}; nothing is known of its recipients yet.", clock(journey.first_arrival, zone))
        }
        ([(ending, 1)], [only]) if ending.is_final() => {
            let took = only.delivery_ms.map(|ms| format!(", {} after it arrived", duration(ms))).unwrap_or_default();
            format!("{} at {}{took}.", capital(ending.as_str()), clock(only.ts, zone))
        }
        ([(ending, 1)], [only]) => {
            format!(
                "Still in the queue of {} ({}), since {}.",
                only.server,
                ending.as_str(),
                clock(journey.first_arrival, zone)
            )
        }
        (many, _) => {
            let parts: Vec<String> =
                many.iter().map(|(ending, count)| format!("{count} {}", ending.as_str())).collect();
            format!("Of {} recipients: {}.", journey.deliveries.len(), parts.join(", "))
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}
