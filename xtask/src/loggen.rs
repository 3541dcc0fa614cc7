//! `loggen`: a Postfix log of any length, and beside it the truth about the mail in it.
//!
//! One invented server takes mail from outside and from its own people, sends a share of it through an after-queue
//! content filter, defers, bounces and rejects some. The same arguments give the same bytes. The truth is counted where
//! a message is invented, never read back from the lines, so a log reader can be held against it.
//!
//! `random` draws, `calendar` stamps, `people` names, `timeline` sorts, `server` writes what a Postfix would write for a
//! message, `truth` counts.

mod calendar;
mod people;
mod random;
mod server;
mod timeline;
mod truth;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use calendar::{Stamps, day_number};
use random::Random;
use server::Server;
use timeline::Timeline;
use truth::Truth;

pub const USAGE: &str =
    "loggen [--lines N] [--seed S] [--days N] [--start YYYY-MM-DD] [--stamps rfc3164|iso] OUT.log TRUTH.json";

const MICROSECONDS_PER_DAY: u64 = 86_400_000_000;

/// What to generate; the defaults are those of the benchmark.
struct Plan {
    lines: u64,
    seed: u64,
    days: u64,
    start_day: u64,
    stamps: Stamps,
    log: PathBuf,
    truth: PathBuf,
}

pub fn run(arguments: &[String]) -> Result<(), String> {
    let plan = parse(arguments)?;
    let truth = write_log(&plan).map_err(|error| format!("cannot write `{}`: {error}", plan.log.display()))?;
    write_text(&plan.truth, &truth.to_json())?;
    eprintln!(
        "{}: {} lines, {} messages, {} deliveries",
        plan.log.display(),
        truth.lines,
        truth.messages,
        truth.deliveries
    );
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Plan, String> {
    let (mut lines, mut seed, mut days) = (1_000_000, 1, 7);
    let mut start_day = day_number(2026, 3, 2);
    let mut stamps = Stamps::Rfc3164;
    let mut paths = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(format!("`{argument}` wants a value; usage: {USAGE}"));
        match argument.as_str() {
            "--lines" => lines = number(value()?)?,
            "--seed" => seed = number(value()?)?,
            "--days" => days = number(value()?)?.max(1),
            "--start" => start_day = calendar::parse_day(value()?)?,
            "--stamps" => stamps = Stamps::parse(value()?)?,
            option if option.starts_with('-') => return Err(format!("unknown option `{option}`; usage: {USAGE}")),
            path => paths.push(PathBuf::from(path)),
        }
    }
    let [log, truth] = <[PathBuf; 2]>::try_from(paths).map_err(|_| format!("usage: {USAGE}"))?;
    Ok(Plan { lines, seed, days, start_day, stamps, log, truth })
}

fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("`{text}` is not a whole number"))
}

/// Invents sessions until the lines they cause reach the plan, spread over the days as an office's mail is.
fn write_log(plan: &Plan) -> std::io::Result<Truth> {
    let mut out = BufWriter::new(File::create(&plan.log)?);
    let mut timeline = Timeline::new(plan.stamps);
    let mut server = Server::new(Random::new(plan.seed));
    let start = plan.start_day * MICROSECONDS_PER_DAY;
    while timeline.invented() < plan.lines {
        let progress = timeline.invented() as f64 / plan.lines as f64;
        let now = start + calendar::office_time(progress, plan.days);
        timeline.write_until(now, &mut out)?;
        server.session(now, &mut timeline);
    }
    timeline.write_until(u64::MAX, &mut out)?;
    out.flush()?;
    Ok(server.into_truth(plan.seed, timeline.invented()))
}

fn write_text(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: u64 = 20_000;

    fn generate(name: &str, stamps: Stamps) -> (String, Truth) {
        let log = std::env::temp_dir().join(format!("xtask-loggen-{}-{name}.log", std::process::id()));
        let plan =
            Plan { lines: LINES, seed: 7, days: 2, start_day: 20_514, stamps, log: log.clone(), truth: PathBuf::new() };
        let truth = write_log(&plan).expect("the temporary folder is writable");
        let text = std::fs::read_to_string(&log).expect("the log was written");
        std::fs::remove_file(&log).expect("the log was there");
        (text, truth)
    }

    fn lines_with(text: &str, words: &[&str]) -> u64 {
        text.lines().filter(|line| words.iter().all(|word| line.contains(word))).count() as u64
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(generate("one", Stamps::Iso).0, generate("other", Stamps::Iso).0);
    }

    #[test]
    fn the_truth_agrees_with_what_the_lines_say() {
        let (text, truth) = generate("truth", Stamps::Rfc3164);
        assert!(truth.lines >= LINES);
        assert_eq!(text.lines().count() as u64, truth.lines);
        assert_eq!(lines_with(&text, &["NOQUEUE: reject"]), truth.rejections);
        assert_eq!(lines_with(&text, &["status=deferred"]), truth.deferrals);
        assert_eq!(lines_with(&text, &["status=bounced"]), truth.bounced);
        let handed_over = lines_with(&text, &["status=sent", "]:10025,"]);
        assert_eq!(lines_with(&text, &["status=sent"]) - handed_over, truth.deliveries + truth.notice_deliveries);
        assert_eq!(lines_with(&text, &["orig_queue_id="]), truth.messages_filtered);
        assert_eq!(lines_with(&text, &[": client="]), truth.messages + truth.messages_filtered);
        assert_eq!(lines_with(&text, &[": removed"]), truth.messages + truth.messages_filtered + truth.notices);
    }

    #[test]
    fn lines_stand_in_the_order_of_their_times() {
        let (text, _) = generate("order", Stamps::Iso);
        let stamps: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(stamps.is_sorted());
    }
}
