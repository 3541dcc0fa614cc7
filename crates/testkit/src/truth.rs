//! Journeys held against a corpus' truth, as `testdata/check-journeys.py` does it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;
use vigie_model::{Journey, Outcome, Rejection};

use crate::corpus::gunzip;

/// What was compared, and what was wrong.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Checks by kind.
    pub passed: BTreeMap<&'static str, u64>,
    /// Differences, in words.
    pub failed: Vec<String>,
}

impl Verdict {
    fn check(&mut self, kind: &'static str, good: bool, message: impl FnOnce() -> String) {
        if good {
            *self.passed.entry(kind).or_default() += 1;
        } else {
            self.failed.push(format!("{kind}: {}", message()));
        }
    }
}

/// The truth's word, and the outcomes that count as right.
fn accepted(word: &str) -> &'static [Outcome] {
    use Outcome as O;
    match word {
        "delivered" => &[O::Delivered],
        "bounced" => &[O::Bounced],
        "expired" => &[O::Expired, O::Bounced],
        "discarded" => &[O::Discarded, O::Filtered],
        "filtered" => &[O::Filtered],
        "deleted" => &[O::Deleted],
        "held" => &[O::Held],
        "deferred" => &[O::Deferred],
        "sieve-rejected" => &[O::Bounced, O::Discarded],
        // `rejected` and `aborted` never came into a queue.
        _ => &[],
    }
}

/// Compares what was found with the `ground-truth.json.gz` of a corpus.
pub fn compare(corpus: &Path, journeys: &[Journey], rejections: &[Rejection]) -> Verdict {
    let truth: Value =
        serde_json::from_slice(&gunzip(&corpus.join("ground-truth.json.gz"))).expect("the truth is JSON");
    let mut verdict = Verdict::default();
    let found = Found::new(journeys);
    for message in list(&truth["messages"]) {
        check_message(&mut verdict, message, &found);
    }
    check_rejections(&mut verdict, list(&truth["messages"]), rejections);
    let ids: BTreeSet<&str> = journeys.iter().map(|journey| &*journey.id).collect();
    verdict.check("unique", ids.len() == journeys.len(), || "journey ids repeat".to_owned());
    if let Some(count) = truth["burst"]["count"].as_u64() {
        let sender = address(text(&truth["burst"]["envelope_from"]));
        let counted = journeys.iter().filter(|journey| address(&journey.sender) == sender).count() as u64;
        verdict.check("burst", counted == count, || format!("burst of {count} messages counted as {counted}"));
    }
    verdict
}

/// How many recipients, or whole messages before any recipient, a corpus' server refused.
pub fn refusals(corpus: &Path) -> u64 {
    let truth: Value =
        serde_json::from_slice(&gunzip(&corpus.join("ground-truth.json.gz"))).expect("the truth is JSON");
    list(&truth["messages"])
        .iter()
        .flat_map(expectations)
        .filter(|expect| text(&expect["outcome"]) == "rejected")
        .count() as u64
}

/// Looks for the words that filters must have said of each message; gives how many were looked for.
///
/// # Panics
///
/// Where one is missing.
pub fn verdicts(corpus: &Path, journeys: &[Journey]) -> u64 {
    let truth: Value =
        serde_json::from_slice(&gunzip(&corpus.join("ground-truth.json.gz"))).expect("the truth is JSON");
    let found = Found::new(journeys);
    let mut checked = 0;
    for message in list(&truth["messages"]) {
        for wanted in list(&message["verdict"]).iter().map(text) {
            let hits = found.hits(message);
            let said: Vec<&str> = hits.iter().map(|(_, journey)| &*journey.verdict).collect();
            let is_said = |verdict: &&str| verdict.split("; ").any(|said| said.starts_with(wanted));
            assert!(said.iter().all(is_said) && !said.is_empty(), "{}: {wanted} is not in {said:?}", message["gt_id"]);
            checked += 1;
        }
    }
    checked
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn bare(message_id: &str) -> &str {
    message_id.trim_matches(['<', '>'])
}

/// Folds what the corpora's servers do to one mailbox: case, `+detail`, and the domain of the store to which Sendmail hands over.
fn address(text: &str) -> String {
    let text = text.trim_matches(['<', '>']).to_lowercase().replace("@store.", "@");
    match (text.find('+'), text.rfind('@')) {
        (Some(plus), Some(at)) if plus < at => format!("{}{}", &text[..plus], &text[at..]),
        _ => text,
    }
}

struct Found<'a> {
    by_queue_id: BTreeMap<String, Vec<(usize, &'a Journey)>>,
    by_message_id: BTreeMap<&'a str, Vec<(usize, &'a Journey)>>,
}

impl<'a> Found<'a> {
    fn new(journeys: &'a [Journey]) -> Self {
        let mut found = Self { by_queue_id: BTreeMap::new(), by_message_id: BTreeMap::new() };
        for journey in journeys {
            for (place, step) in journey.steps.iter().enumerate() {
                let id = step.queue_id.map(|id| id.to_string()).unwrap_or_default();
                found.by_queue_id.entry(id).or_default().push((place, journey));
            }
            found.by_message_id.entry(bare(&journey.message_id)).or_default().push((0, journey));
        }
        found
    }

    /// The journeys that hold the message's first hop, with the place of that hop.
    fn hits(&self, message: &Value) -> Vec<(usize, &'a Journey)> {
        let wanted = bare(text(&message["message_id"]));
        let Some(queue_id) = message["queue_id"].as_str() else {
            let none = wanted.is_empty();
            return if none { Vec::new() } else { self.by_message_id.get(wanted).cloned().unwrap_or_default() };
        };
        let hits = self.by_queue_id.get(queue_id).cloned().unwrap_or_default();
        let same: Vec<_> = hits.iter().copied().filter(|(_, journey)| bare(&journey.message_id) == wanted).collect();
        if wanted.is_empty() || same.is_empty() { hits } else { same }
    }
}

fn expectations(message: &Value) -> impl Iterator<Item = &Value> {
    list(&message["rcpts"]).iter().flat_map(|recipient| list(&recipient["expect"]))
}

fn check_message(verdict: &mut Verdict, message: &Value, found: &Found<'_>) {
    let name = format!("{} {} {}", message["gt_id"], message["scenario"], message["queue_id"]);
    let wanted: Vec<&Value> =
        expectations(message).filter(|expect| !accepted(text(&expect["outcome"])).is_empty()).collect();
    if wanted.is_empty() {
        return;
    }
    let hits = found.hits(message);
    verdict.check("found", !hits.is_empty(), || format!("{name}: no journey has its first hop"));
    let Some(&(place, journey)) = hits.iter().min_by_key(|(place, _)| *place) else { return };
    let whole = hits.iter().all(|(_, other)| other.id == journey.id);
    verdict.check("whole", whole, || format!("{name}: split over {} journeys", hits.len()));
    verdict.check("first", place == 0, || format!("{name}: its first hop stands at place {place} of the journey"));
    check_recipients(verdict, &name, &wanted, journey);
}

fn check_recipients(verdict: &mut Verdict, name: &str, wanted: &[&Value], journey: &Journey) {
    let mut left: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    for delivery in journey.deliveries.iter().filter(|delivery| delivery.outcome != Outcome::Forwarded) {
        left.entry(address(&delivery.recipient)).or_default().push(delivery.outcome);
    }
    for expect in wanted {
        let recipient = address(text(&expect["final"]));
        let seen = left.get_mut(&recipient).filter(|outcomes| !outcomes.is_empty()).map(|outcomes| outcomes.remove(0));
        let right = seen.is_some_and(|seen| accepted(text(&expect["outcome"])).contains(&seen));
        verdict.check("outcome", right, || format!("{name}: {recipient} should be {}, is {seen:?}", expect["outcome"]));
        let path =
            list(&expect["observed_hops"]).iter().filter_map(|hop| hop["id"].as_str()).filter(|id| !id.is_empty());
        let known = |id: &str| journey.steps.iter().any(|step| step.queue_id.is_some_and(|known| known.as_str() == id));
        let missing: Vec<&str> = path.filter(|id| !known(id)).collect();
        verdict.check("path", missing.is_empty(), || {
            format!("{name}: {recipient} went through {missing:?}, which the journey lacks")
        });
    }
    left.retain(|_, outcomes| !outcomes.is_empty());
    verdict.check("no-extra", left.is_empty(), || format!("{name}: recipients that never were: {left:?}"));
}

fn check_rejections(verdict: &mut Verdict, messages: &[Value], rejections: &[Rejection]) {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for rejection in rejections {
        *seen.entry(address(&rejection.recipient)).or_default() += 1;
    }
    // A refusal of the whole message names no recipient.
    let mut take = |recipient: &str| {
        [recipient, ""].iter().any(|key| seen.get_mut(*key).filter(|n| **n > 0).map(|n| *n -= 1).is_some())
    };
    for message in messages {
        for expect in expectations(message) {
            let stage = matches!(text(&expect["stage"]), "rcpt" | "data" | "end-of-data");
            if text(&expect["outcome"]) != "rejected" || !stage {
                continue;
            }
            let recipient = address(text(&expect["final"]));
            let good = take(&recipient);
            verdict.check("rejection", good, || {
                format!("{} {}: refusal of {recipient} not found", message["gt_id"], message["scenario"])
            });
        }
    }
}
