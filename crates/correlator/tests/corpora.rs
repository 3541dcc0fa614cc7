//! Captured logs with known truth: every message found, whole, and with the outcome that its sender and its mailbox saw.

use std::collections::BTreeMap;

use vigie_model::{Arrival, Hop, Journey, MICROS_PER_HOUR, MailClass, Micros, Outcome, ServerCounts};
use vigie_testkit::{
    Reading, Story,
    corpus::{self, Corpus},
    truth,
};

/// Every corpus whose files say all that is needed. Those of Domino have tests of their own.
fn corpora() -> Vec<Corpus> {
    let mut corpora = corpus::everywhere();
    corpora.retain(|corpus| !corpus.needs_settings());
    assert!(corpora.len() >= 19, "the captured and made runs are there");
    corpora
}

/// Lines in order of their times, as an import merges files.
fn read(corpus: &Corpus) -> Story {
    let mut reading = Reading::of(&corpus.hosts());
    let mut lines: Vec<_> = corpus.lines().into_iter().flatten().collect();
    lines.sort_by_key(|line| line.ts);
    lines.iter().for_each(|line| reading.line(line));
    reading.story()
}

#[test]
fn journeys_and_refusals_are_as_the_truth_says() {
    let mut checks: BTreeMap<&str, u64> = BTreeMap::new();
    for corpus in corpora() {
        let story = read(&corpus);
        let verdict = truth::compare(&corpus.dir, &story.journeys, &story.rejections);
        assert!(verdict.failed.is_empty(), "{}:\n{}", corpus.dir.display(), verdict.failed.join("\n"));
        for kind in ["found", "whole", "first", "outcome", "no-extra"] {
            let passed = verdict.passed.get(kind).copied().unwrap_or_default();
            assert!(passed >= 10, "{}: {kind} was checked: {:?}", corpus.dir.display(), verdict.passed);
        }
        verdict.passed.into_iter().for_each(|(kind, passed)| *checks.entry(kind).or_default() += passed);
    }
    // Not every truth has these.
    for kind in ["path", "rejection"] {
        assert!(checks[kind] >= 200, "{kind} was checked: {checks:?}");
    }
}

fn of_exim() -> Vec<Corpus> {
    let corpora = corpus::below("exim");
    assert!(corpora.len() >= 2, "the captured runs are there");
    corpora
}

/// With both logs, which share the refusals, and with the main log alone.
#[test]
fn journeys_and_refusals_of_exim_are_as_the_truth_says() {
    for corpus in of_exim().into_iter().flat_map(|corpus| [corpus.clone(), corpus.without("rejectlog")]) {
        let story = read(&corpus);
        let verdict = truth::compare(&corpus.dir, &story.journeys, &story.rejections);
        assert!(verdict.failed.is_empty(), "{}:\n{}", corpus.name, verdict.failed.join("\n"));
        for kind in ["found", "whole", "first", "outcome", "path", "no-extra", "rejection"] {
            let checks = verdict.passed.get(kind).copied().unwrap_or(0);
            assert!(checks >= 8, "{}: {kind} was checked: {:?}", corpus.name, verdict.passed);
        }
        assert_eq!(story.unknown, Vec::<String>::new(), "{}", corpus.name);
        let steps: usize = story.journeys.iter().map(|journey| journey.steps.len()).sum();
        assert_eq!(steps, story.hops.len(), "{}: every hop is in one journey", corpus.name);
    }
}

/// The truth says which transactions were refused; every one of them once.
#[test]
fn a_refusal_of_exim_counts_once_although_two_logs_have_it() {
    for corpus in of_exim() {
        let refused = |corpus: &Corpus| read(corpus).rejections;
        let both = refused(&corpus);
        assert_eq!(both, refused(&corpus.clone().without("rejectlog")), "{}", corpus.name);
        assert_eq!(both.len() as u64, truth::refusals(&corpus.dir), "{}: {both:#?}", corpus.name);
    }
}

/// Exim 4.97 and later: the same log with ids of 23 characters.
#[test]
fn long_ids_of_exim_give_the_same() {
    let corpus = Corpus::load(&corpus::testdata().join("exim/richall"));
    let mut long = corpus.clone();
    for file in &mut long.files {
        file.text = lengthened(&String::from_utf8_lossy(&file.text)).into_bytes();
    }
    let short: Vec<String> = read(&corpus).told().iter().map(|told| lengthened(told)).collect();
    assert!(short.len() > 70 && short[0].contains("-00000"), "{short:#?}");
    assert_eq!(read(&long).told(), short);
}

/// `1xUzfh-0005eu-36` becomes `1xUzfh-000000005eu-0036`.
fn lengthened(text: &str) -> String {
    let is_id = |word: &str| {
        let lengths: Vec<usize> = word.split('-').map(str::len).collect();
        lengths == [6, 6, 2] && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let mut out = String::new();
    for piece in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        match word.split('-').collect::<Vec<_>>()[..] {
            // Message ids that Exim makes have an E before it.
            [first, middle, last] if is_id(word) => out += &format!("{first}-00000{middle}-00{last}"),
            _ => out += word,
        }
        out += &piece[word.len()..];
    }
    out
}

/// Amavis behind the queue and before it, with OpenDKIM, OpenDMARC, Postgrey and policyd-spf.
#[test]
fn filtered_mail_is_as_the_truth_says() {
    for corpus in corpus::below("filters") {
        let story = read(&corpus);
        let verdict = truth::compare(&corpus.dir, &story.journeys, &story.rejections);
        assert!(verdict.failed.is_empty(), "{}:\n{}", corpus.name, verdict.failed.join("\n"));
        let refusals = verdict.passed.get("rejection").copied().unwrap_or_default();
        assert_eq!(story.rejections.len() as u64, refusals, "{}: each refusal once", corpus.name);
        let checked = truth::verdicts(&corpus.dir, &story.journeys);
        assert!(checked >= 35, "{}: {checked} verdicts", corpus.name);
    }
}

/// Exim, Postfix and Sendmail in a chain: the hub's milter saw all that came there by SMTP, also where the hub logs whole seconds.
#[test]
fn what_is_inside_is_known_across_kinds_of_servers() {
    for corpus in corpus::below("across") {
        let truth: serde_json::Value =
            serde_json::from_slice(&corpus::gunzip(&corpus.dir.join("ground-truth.json.gz")))
                .expect("the truth is JSON");
        let (story, mut seen) = (read(&corpus), [0, 0]);
        for message in truth["messages"].as_array().expect("messages") {
            let Some(id) = message["message_id"].as_str() else { continue };
            let id = id.trim_matches(['<', '>']);
            let crossed = |journey: &&Journey| journey.steps.iter().any(|step| &*step.server == "hub1");
            for journey in story.journeys.iter().filter(|journey| journey.message_id == id).filter(crossed) {
                let content = journey.content.as_deref().unwrap_or_else(|| panic!("{}: {id}", corpus.name));
                let told: Vec<_> = content.attachments.iter().map(|part| (&*part.name, part.size)).collect();
                let parts = message["parts"].as_array().expect("parts");
                let sent = parts.iter().map(|part| (part["filename"].as_str(), part["size"].as_u64()));
                let sent: Vec<_> = sent.map(|(name, size)| (name.expect("a name"), size.expect("a size"))).collect();
                assert_eq!(told, sent, "{}: {id}", corpus.name);
                seen[0] += 1;
                seen[1] += sent.len();
            }
        }
        assert!(seen[0] >= 22 && seen[1] == 3, "{}: {seen:?}", corpus.name);
    }
}

/// Each pair of servers that follow one another, and how that is known.
#[test]
fn every_pair_of_kinds_of_servers_is_linked_by_what_a_server_says() {
    for corpus in corpus::below("across") {
        let mut pairs: BTreeMap<(String, String, &str), u64> = BTreeMap::new();
        for journey in &read(&corpus).journeys {
            for step in &journey.steps {
                let (Some(previous), Some(evidence)) = (step.previous, step.evidence) else { continue };
                let before = journey.steps[previous as usize].server.to_string();
                *pairs.entry((before, step.server.to_string(), evidence.as_str())).or_default() += 1;
            }
        }
        let told: Vec<_> =
            pairs.keys().map(|(before, after, evidence)| format!("{before} {after} {evidence}")).collect();
        let known = [
            "exim1 hub1 reply",
            "hub1 exim1 reply",
            "hub1 hub1 previous id",
            "hub1 hub1 reply",
            "hub1 sendmail1 reply",
            "sendmail1 hub1 reply",
            "sendmail1 sendmail1 reply",
        ];
        assert_eq!(told, known, "{}", corpus.name);
    }
}

/// Rspamd's own log beside Postfix's: two messages went through it, and two while it was down.
#[test]
fn rspamd_said_it_of_the_messages_that_it_saw() {
    let story = read(&Corpus::load(&corpus::testdata().join("rspamd")));
    let said = |id: &str| {
        let mut journeys = story.journeys.iter().filter(|journey| journey.message_id.starts_with(id));
        journeys.find(|journey| journey.steps.len() > 1).map(|journey| journey.verdict.to_string()).unwrap_or_default()
    };
    assert_eq!([said("UP1@"), said("UP2@")], ["rspamd no action -0.10/15.00"; 2]);
    assert_eq!([said("DOWN1@"), said("DOWN2@")], ["", ""]);
}

#[test]
fn no_line_is_unknown() {
    let without_truth = ["rspamd", "opensmtpd/filter", "sendmail/submission"];
    let without_truth = without_truth.map(|folder| Corpus::load(&corpus::testdata().join(folder)));
    for corpus in corpora().into_iter().chain(without_truth) {
        let (story, folder) = (read(&corpus), corpus.dir.display());
        assert_eq!(story.unknown, Vec::<String>::new(), "{folder}");
        assert!(
            story.understood * 8 > story.lines,
            "{folder}: {} of {} lines understood",
            story.understood,
            story.lines
        );
    }
}

/// Events by server and hour of the hop's arrival.
type Table<T> = BTreeMap<(String, Micros), T>;

fn counted(journeys: &[Journey]) -> Table<ServerCounts> {
    let mut table = Table::default();
    for step in journeys.iter().flat_map(|journey| &journey.steps) {
        let hour = step.ts_in.div_euclid(MICROS_PER_HOUR);
        let sum: &mut ServerCounts = table.entry((step.server.to_string(), hour)).or_default();
        sum.received_from_servers += step.counts.received_from_servers;
        sum.received_from_local += step.counts.received_from_local;
        sum.local_routing += step.counts.local_routing;
        sum.sent_to_servers += step.counts.sent_to_servers;
    }
    table.retain(|_, counts| *counts != ServerCounts::default());
    table
}

/// Every event of a server once: a message that came to it from outside itself, a recipient's copy that it kept or gave away.
/// Told from hops and replies; only whether a hop came from the same server is taken from the journeys.
fn events(story: &Story) -> Table<u64> {
    let mut table = Table::default();
    let hop_of = |server: &str, id| story.hops.iter().find(|hop| &*hop.server == server && hop.queue_id == Some(id));
    for (hop, from_here) in hops_with_origin(story) {
        if hop.class == MailClass::Probe {
            continue;
        }
        let stayed = |recipient: &&vigie_model::Recipient| {
            let next = recipient.next_id.and_then(|id| hop_of(&hop.server, id));
            let user = next
                .and_then(|next| next.recipients.iter().find(|user| is_user(&user.recipient, &recipient.recipient)));
            match (next, user) {
                // Handed to the filter on this server, or to its own store, which dropped it or sent it on.
                (Some(next), _) if next.kind == vigie_model::Kind::Transfer => true,
                (Some(_), Some(user)) => user.outcome != Outcome::Delivered,
                _ => false,
            }
        };
        let arrived = u64::from(!from_here && hop.arrival != Arrival::Unknown);
        let left = match hop.kind {
            vigie_model::Kind::Store if from_here => 0,
            _ => {
                hop.recipients.iter().filter(|r| r.outcome == Outcome::Delivered).filter(|r| !stayed(r)).count() as u64
            }
        };
        if arrived + left > 0 {
            *table.entry((hop.server.to_string(), hop.ts_in.div_euclid(MICROS_PER_HOUR))).or_default() +=
                arrived + left;
        }
    }
    table
}

/// The rig's users are local parts, and `user+detail` is the same user.
fn is_user(user: &str, recipient: &str) -> bool {
    let local = |address: &str| address.split(['@', '+']).next().unwrap_or_default().to_lowercase();
    local(user) == local(recipient)
}

/// Each hop, and whether the hop before it was on the same server.
fn hops_with_origin(story: &Story) -> Vec<(&Hop, bool)> {
    let steps = story.journeys.iter().flat_map(|journey| {
        journey.steps.iter().map(move |step| {
            let previous = step.previous.map(|at| &journey.steps[at as usize]);
            (
                (&step.server, &step.instance, step.queue_id, step.ts_in),
                previous.is_some_and(|previous| previous.server == step.server),
            )
        })
    });
    let origin: std::collections::HashMap<_, _> = steps.collect();
    let of = |hop: &Hop| origin.get(&(&hop.server, &hop.instance, hop.queue_id, hop.ts_in)).copied();
    story.hops.iter().map(|hop| (hop, of(hop).expect("every hop belongs to a journey"))).collect()
}

#[test]
fn global_is_the_sum_of_the_four_events_of_each_server_and_hour() {
    for folder in ["postfix-chain/file-short", "postfix-chain/iso-long", "postfix-chain/rfc3164-long", "sample"] {
        let story = read(&Corpus::load(&corpus::testdata().join(folder)));
        let (counts, events) = (counted(&story.journeys), events(&story));
        let sums: Table<u64> = counts
            .iter()
            .map(|(key, c)| {
                (key.clone(), c.received_from_servers + c.received_from_local + c.local_routing + c.sent_to_servers)
            })
            .collect();
        assert_eq!(sums, events, "{folder}");
        assert!(sums.values().sum::<u64>() > 300, "{folder}: {counts:?}");
    }
}

#[test]
fn every_hop_belongs_to_exactly_one_journey() {
    for corpus in corpora() {
        let story = read(&corpus);
        let steps: usize = story.journeys.iter().map(|journey| journey.steps.len()).sum();
        assert_eq!(steps, story.hops.len(), "{}", corpus.dir.display());
    }
}

/// Who sent, from where: told at arrival, or for the session in which it came.
#[test]
fn senders_and_clients_are_as_the_truth_says() {
    for corpus in ["sendmail", "opensmtpd"].into_iter().flat_map(corpus::below) {
        let truth = corpus.truth();
        let story = read(&corpus);
        let mut checked = 0;
        for message in truth["messages"].as_array().expect("messages") {
            let Some(id) = message["queue_id"].as_str() else { continue };
            let of = |hop: &&Hop| hop.queue_id.is_some_and(|known| known.as_str() == id);
            let hop = story.hops.iter().find(of).unwrap_or_else(|| panic!("{id} in {}", corpus.dir.display()));
            let told = [&*hop.client.ip, &*hop.sender];
            let sent = ["client_ip", "envelope_from"].map(|key| message[key].as_str().unwrap_or_default());
            assert_eq!((told, hop.arrival), (sent, Arrival::Server), "{id} in {}", corpus.dir.display());
            checked += 1;
        }
        assert!(checked > 15, "{}: {checked}", corpus.dir.display());
    }
}
