//! A journey in one line, so that a test can say in words what should come out.

use vigie_model::{Delivery, Journey, Rejection, Step};

/// `mail <sender> edge1:ID reply>hub1:ID | recipient (original) outcome; …`. Arrows name their evidence; one that does not
/// lead from the hop before says from which (`reply 0>`). An instance follows its server after a slash.
pub fn tell(journey: &Journey) -> String {
    let steps: Vec<String> = journey.steps.iter().enumerate().map(|(at, s)| step(at, s)).collect();
    let deliveries: Vec<String> = journey.deliveries.iter().map(delivery).collect();
    format!("{} <{}> {} | {}", journey.class.as_str(), journey.sender, steps.join(" "), deliveries.join("; "))
}

fn step(at: usize, step: &Step) -> String {
    let arrow = match (step.evidence, step.previous) {
        (Some(evidence), Some(previous)) if previous as usize + 1 == at => format!("{}>", evidence.as_str()),
        (Some(evidence), Some(previous)) => format!("{} {previous}>", evidence.as_str()),
        _ => String::new(),
    };
    let slash = if step.instance.is_empty() { "" } else { "/" };
    let id = step.queue_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    format!("{arrow}{}{slash}{}:{id}", step.server, step.instance)
}

fn delivery(delivery: &Delivery) -> String {
    let original = match &*delivery.orig_recipient {
        "" => String::new(),
        original => format!(" ({original})"),
    };
    format!("{}{original} {}", delivery.recipient, delivery.outcome.as_str())
}

/// `STAGE name[ip] code dsn <sender> <recipient>: reason`.
pub fn tell_rejection(rejection: &Rejection) -> String {
    format!(
        "{} {}[{}] {} {} <{}> <{}>: {}",
        rejection.stage,
        rejection.client_name,
        rejection.client_ip,
        rejection.code,
        rejection.dsn,
        rejection.sender,
        rejection.recipient,
        rejection.reason
    )
}
