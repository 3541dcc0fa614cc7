//! The made corpora against their truth.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::tz::TimeZone;
use serde_json::Value;
use vigie_formats::transcript::Settings;
use vigie_model::{MICROS_PER_SECOND, Micros};
use vigie_testkit::{
    Story, TimedLine,
    corpus::{Corpus, gunzip, testdata},
    truth,
};

use super::reading::{lines, story, transcribed};

const CORPORA: [&str; 5] = ["acme", "autumn", "ambiguous", "activity", "events"];

/// A corpus, opened.
pub struct Run {
    pub name: &'static str,
    pub dir: PathBuf,
    pub truth: Value,
    pub servers: Vec<String>,
    pub lines: Vec<TimedLine>,
    remarks: BTreeMap<String, Vec<String>>,
}

impl Run {
    pub fn load(name: &'static str) -> Self {
        let dir = testdata().join("domino/made").join(name);
        let corpus = Corpus::as_written(&dir);
        let truth: Value = serde_json::from_slice(&gunzip(&dir.join("ground-truth.json.gz"))).expect("JSON");
        let zone = TimeZone::get(truth["zone"].as_str().expect("a zone")).expect("a zone that exists");
        let servers: Vec<String> = corpus.hosts().into_iter().map(str::to_owned).collect();
        let (mut all, mut remarks) = (Vec::new(), BTreeMap::new());
        for file in &corpus.files {
            let path = format!("{}/{}", file.host, file.name);
            let modified =
                truth["files"][&path]["modified"].as_i64().expect("every file has a time") * MICROS_PER_SECOND;
            let settings = Settings { host: file.host.clone(), modified, ..Settings::default() };
            let host = servers.iter().position(|server| *server == file.host).expect("its server");
            all.extend(lines(host, &file.text, &settings, &zone));
            remarks.insert(path, transcribed(&file.text, &settings, 1000).expect("it is recognised").1);
        }
        all.sort_by_key(|line| line.ts);
        Self { name, dir, truth, servers, lines: all, remarks }
    }

    pub fn story(&self) -> Story {
        let servers: Vec<&str> = self.servers.iter().map(String::as_str).collect();
        story(&servers, self.lines.clone())
    }
}

#[test]
fn journeys_and_refusals_are_as_the_truth_says() {
    for run in CORPORA.map(Run::load) {
        let story = run.story();
        let verdict = truth::compare(&run.dir, &story.journeys, &story.rejections);
        assert!(verdict.failed.is_empty(), "{}: {:#?}", run.name, verdict.failed);
        let passed = |kind: &str| verdict.passed.get(kind).copied().unwrap_or_default();
        assert!(passed("found") >= 100 && passed("outcome") >= 100, "{}: {:?}", run.name, verdict.passed);
        // Some are only an arrival in the log, or tell the same as another.
        assert_eq!(run.truth["journeys"].as_u64(), Some(story.journeys.len() as u64), "journeys of {}", run.name);
    }
}

/// The first line of a message has the moment at which it was made, also where an hour comes twice.
#[test]
fn times_are_as_the_truth_says() {
    for run in CORPORA.map(Run::load) {
        let story = run.story();
        let first_arrivals = |queue_id: &str, message_id: &str| -> Vec<Micros> {
            let of = |step: &vigie_model::Step| step.queue_id.is_some_and(|id| id.as_str() == queue_id);
            let hits = story.journeys.iter().filter(|journey| journey.steps.iter().any(of));
            hits.filter(|journey| message_id.is_empty() || *message_id == *journey.message_id)
                .map(|journey| journey.first_arrival)
                .collect()
        };
        let mut checked = 0;
        for message in run.truth["messages"].as_array().expect("messages") {
            let (Some(queue_id), Some(at)) = (message["queue_id"].as_str(), message["submitted_at"].as_f64()) else {
                continue;
            };
            let message_id = message["message_id"].as_str().unwrap_or_default().trim_matches(['<', '>']);
            let found = first_arrivals(queue_id, message_id);
            let seconds: Vec<i64> = found.iter().map(|at| at / MICROS_PER_SECOND).collect();
            assert!(
                seconds.contains(&(at as i64)),
                "{}: {} is at {at}, not at {seconds:?}",
                run.name,
                message["gt_id"]
            );
            checked += 1;
        }
        assert!(checked >= 100 || run.name == "activity", "{}: {checked} times", run.name);
    }
}

#[test]
fn no_line_is_unknown() {
    for run in CORPORA.map(Run::load) {
        let story = run.story();
        assert_eq!(story.unknown, Vec::<String>::new(), "{}", run.name);
        assert!(story.understood * 4 > story.lines, "{}: {} of {} understood", run.name, story.understood, story.lines);
    }
}

/// What a person is told of each file.
#[test]
fn remarks_say_how_dates_were_read_and_what_was_odd() {
    let said = |name: &'static str, path: &str| Run::load(name).remarks[path].join("\n");
    assert!(said("acme", "edge1/console2.log").contains("dates are month first: 03/25/2026 in line 1"));
    let wrapped = said("acme", "mail2/console.log");
    assert!(wrapped.contains("dates are day first: 25/03/2026 in line 1"), "{wrapped}");
    assert!(wrapped.contains("1 times the time jumps back in the middle of the file, first in line "), "{wrapped}");
    assert!(wrapped.contains("lines are no UTF-8: they were read as ISO 8859-1"), "{wrapped}");
    for (path, order) in
        [("night/console.log", "day first"), ("single/console.log", "month first"), ("old/console.log", "day first")]
    {
        let said = said("ambiguous", path);
        assert!(said.contains(&format!("dates were read {order}, which is an assumption")), "{path}: {said}");
    }
    assert!(said("ambiguous", "iso/console.log").contains("dates are year first: 2026-06-05 in line 1"));
    assert!(said("activity", "hub1/activity.txt").contains("activity records were read"));
    assert!(said("events", "hub1/domino-events.json").contains("events of a Domino server were read"));
}

/// The captured logs of other servers stand for themselves.
#[test]
fn captured_logs_of_other_servers_are_not_taken_for_a_domino_servers() {
    let mut corpora = vigie_testkit::corpus::below("postfix-chain");
    corpora.extend(["sample", "rspamd"].map(|folder| Corpus::load(&testdata().join(folder))));
    let files: Vec<_> = corpora.iter().flat_map(|corpus| &corpus.files).collect();
    assert!(files.len() >= 10);
    for file in files {
        assert!(transcribed(&file.text, &Settings::default(), 4096).is_none(), "{}/{}", file.host, file.name);
    }
}
