//! Organisations whose servers name their messages: Exchange's tracking logs and Microsoft 365's message traces, made with their truth.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vigie_formats::envelope;
use vigie_model::{Journey, MailClass, Outcome};
use vigie_testkit::{
    Reading, Story,
    corpus::{self, Corpus},
    lines_of, truth,
};

fn made() -> Vec<Corpus> {
    let mut corpora = corpus::below("exchange/made");
    corpora.extend(corpus::below("microsoft365/made"));
    assert!(corpora.len() >= 3, "what was made is there");
    corpora
}

fn read(corpus: &Corpus) -> Story {
    let mut reading = Reading::of(&corpus.hosts());
    let mut lines: Vec<_> = corpus.lines().into_iter().flatten().collect();
    lines.sort_by_key(|line| line.ts);
    lines.iter().for_each(|line| reading.line(line));
    reading.story()
}

fn truth_of(corpus: &Corpus) -> Value {
    let packed = corpus::gunzip(&corpus.dir.join("ground-truth.json.gz"));
    serde_json::from_slice(&packed).expect("the truth is JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The journey of a message of the truth.
fn journey_of<'a>(story: &'a Story, message: &Value) -> &'a Journey {
    let id = message["queue_id"].as_str().expect("a queue id");
    let wanted = message["message_id"].as_str().expect("a message id").trim_matches(['<', '>']);
    let is_it = |journey: &&Journey| {
        &*journey.message_id == wanted && journey.steps[0].queue_id.is_some_and(|first| first.as_str() == id)
    };
    let mut found = story.journeys.iter().filter(is_it);
    let journey = found.next().unwrap_or_else(|| panic!("{message}"));
    assert_eq!(found.count(), 0, "{message}");
    journey
}

#[test]
fn journeys_are_as_the_truth_says() {
    for corpus in made() {
        let story = read(&corpus);
        let verdict = truth::compare(&corpus.dir, &story.journeys, &story.rejections);
        assert!(verdict.failed.is_empty(), "{}:\n{}", corpus.name, verdict.failed.join("\n"));
        for kind in ["found", "whole", "first", "outcome", "path", "no-extra"] {
            let checks = verdict.passed.get(kind).copied().unwrap_or(0);
            assert!(checks >= 10, "{}: {kind} was checked {checks} times", corpus.name);
        }
        assert_eq!(story.unknown, Vec::<String>::new(), "{}", corpus.name);
    }
}

/// No message more than were sent: nothing is counted twice, and probes and copies for shadow servers not at all.
#[test]
fn every_journey_is_a_message_or_a_probe() {
    for corpus in made() {
        let (story, truth) = (read(&corpus), truth_of(&corpus));
        let probes = story.journeys.iter().filter(|journey| journey.class == MailClass::Probe).count() as u64;
        let sent = list(&truth["messages"]).len() as u64;
        let own = ["probes", "copies"].iter().filter_map(|kind| truth[kind].as_u64()).sum::<u64>();
        assert_eq!(probes, own, "{}: probes, and copies that Safety Net sent again", corpus.name);
        assert_eq!(story.journeys.len() as u64, sent + probes, "{}: journeys", corpus.name);
    }
}

#[test]
fn deliveries_take_as_long_as_from_origin_to_end() {
    let mut checked = 0;
    for corpus in made() {
        let (story, truth) = (read(&corpus), truth_of(&corpus));
        for message in list(&truth["messages"]) {
            let journey = journey_of(&story, message);
            let expected = list(&message["rcpts"]).iter().flat_map(|recipient| list(&recipient["expect"]));
            for expect in expected {
                let is_it = |delivery: &&vigie_model::Delivery| {
                    delivery.outcome != Outcome::Forwarded && expect["final"] == *delivery.recipient
                };
                let delivery = journey.deliveries.iter().find(is_it).unwrap_or_else(|| panic!("{expect}"));
                if let Some(took) = expect.get("took_ms") {
                    assert_eq!(delivery.delivery_ms, took.as_u64(), "{}: {expect} of {message}", corpus.name);
                    checked += u64::from(!took.is_null());
                }
            }
        }
    }
    assert!(checked > 500, "{checked}");
}

/// The name of the server is told by the rows alone.
#[test]
fn files_say_who_wrote_them() {
    for corpus in made() {
        for file in &corpus.files {
            let mut scratch = envelope::Scratch::default();
            let mut hosts = BTreeSet::new();
            for line in lines_of(&file.text) {
                hosts.insert(envelope::parse(line, &mut scratch).expect("an envelope").host.to_vec());
            }
            assert_eq!(hosts, BTreeSet::from([file.host.clone().into_bytes()]), "{}/{}", corpus.name, file.name);
        }
    }
}

/// A notice leads back to the message that it is about.
#[test]
fn notices_name_their_messages() {
    let mut checked = 0;
    for corpus in made() {
        let (story, truth) = (read(&corpus), truth_of(&corpus));
        let first_of: BTreeMap<&str, &Journey> = story.journeys.iter().map(|journey| (&*journey.id, journey)).collect();
        for message in list(&truth["messages"]) {
            let journey = journey_of(&story, message);
            let about = first_of.get(&*journey.notice_of);
            let first = about.and_then(|about| about.steps[0].queue_id).map(|id| id.to_string());
            assert_eq!(first.as_deref(), message["notice_of"].as_str(), "{}: {message}", corpus.name);
            checked += u64::from(first.is_some());
        }
    }
    assert!(checked >= 10, "{checked}");
}

/// What the sender wrote, on the deliveries to a list's members.
#[test]
fn members_of_lists_are_told_with_what_the_sender_wrote() {
    for (name, scenario, written) in [
        ("dag", "expanded", "All@example.com"),
        ("dag", "large list", "everybody@example.com"),
        ("old", "2010 expanded", "Team@example.com"),
    ] {
        let corpus = Corpus::load(&corpus::testdata().join("exchange/made").join(name));
        let (story, truth) = (read(&corpus), truth_of(&corpus));
        let messages: Vec<&Value> = list(&truth["messages"]).iter().filter(|one| one["scenario"] == scenario).collect();
        assert!(!messages.is_empty(), "{scenario}");
        for message in messages {
            let journey = journey_of(&story, message);
            let through_list = journey.deliveries.iter().filter(|one| one.orig_recipient.eq_ignore_ascii_case(written));
            let direct = journey.deliveries.iter().filter(|one| one.orig_recipient.is_empty()).count();
            let through_list = through_list.count();
            let expected =
                list(&message["rcpts"]).iter().map(|recipient| list(&recipient["expect"]).len()).sum::<usize>();
            assert!(through_list >= 4 && through_list + direct >= expected, "{scenario}: {:#?}", journey.deliveries);
        }
    }
}
