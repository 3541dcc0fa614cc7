//! `vigie verify`: facts recounted from the raw lines.

use std::{
    io::{IsTerminal, Write},
    ops::RangeInclusive,
    path::Path,
};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use serde::Serialize;
use vigie_engine::verify::{self, Compared, Difference, Phase, Remark, Verified, VerifyError, What};
use vigie_model::{Micros, day_of, iso_day};

use super::{files, question};
use crate::{
    cli::OutputOptions,
    output::{self, Hint, Outcome, Usage},
};

/// Differences listed one by one.
const LISTED_MAX: usize = 1_000;

#[derive(Serialize)]
struct Report<'a> {
    agrees: bool,
    compared: Compared,
    differences: Vec<Row<'a>>,
    remarks: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    what: What,
    server: &'a str,
    day: String,
    stored: u64,
    recounted: u64,
    examples: &'a [String],
}

pub fn run(options: &OutputOptions, data: &Path, words: &[String]) -> anyhow::Result<Outcome> {
    let asked = verify::Options { days: days(words)?, ..verify::Options::default() };
    let store = files::existing_store(data)?;
    let progress = Progress::new(options);
    let verified = verify::verify(&store, &asked, &mut |phase| progress.show(phase));
    progress.done();
    let verified = verified.map_err(told)?;
    if options.json {
        output::json(&report(&verified))?;
    } else {
        say(options, &verified)?;
    }
    Ok(if verified.differences.is_empty() { Outcome::Done } else { Outcome::Differs })
}

/// Whole UTC days that the period touches.
fn days(words: &[String]) -> anyhow::Result<RangeInclusive<i32>> {
    let filter = question::filter(words, &TimeZone::UTC)?;
    if filter.expr.is_some() {
        let message = "vigie: only a period can be chosen here\nhint: such as last:7d or month:2026-11";
        return Err(Usage(message.to_owned()).into());
    }
    let day = |ts: Option<Micros>, otherwise| ts.map_or(otherwise, day_of);
    let until = filter.period.until.map(|until| until - 1);
    Ok(day(filter.period.from, i32::MIN)..=day(until, i32::MAX))
}

fn told(error: VerifyError) -> anyhow::Error {
    match (error.hint(), error) {
        (_, VerifyError::Store(error)) => error.into(),
        (hint, error) => Hint { message: error.to_string(), hint: hint.unwrap_or_default() }.into(),
    }
}

fn report(verified: &Verified) -> Report<'_> {
    let rows = verified.differences.iter().map(|difference| Row {
        what: difference.what,
        server: &difference.server,
        day: iso_day(difference.day),
        stored: difference.stored,
        recounted: difference.recounted,
        examples: &difference.examples,
    });
    Report {
        agrees: verified.differences.is_empty(),
        compared: verified.compared,
        differences: rows.collect(),
        remarks: verified.remarks.iter().map(remark).collect(),
    }
}

fn say(options: &OutputOptions, verified: &Verified) -> anyhow::Result<()> {
    writeln!(anstream::stdout(), "{}", answer(verified))?;
    if !verified.differences.is_empty() {
        let listed = verified.differences.iter().take(LISTED_MAX);
        output::table(&["what", "server", "day", "stored", "recounted", "examples"], listed.map(row).collect())?;
    }
    if verified.differences.len() > LISTED_MAX {
        options.remark(format_args!("{} more are not listed", verified.differences.len() - LISTED_MAX));
    }
    verified.remarks.iter().for_each(|found| options.remark(format_args!("{}", remark(found))));
    Ok(())
}

fn answer(verified: &Verified) -> String {
    let Compared { lines, hops, attempts, rejections, messages, deliveries, hours, files, rollups, .. } =
        verified.compared;
    let Compared { copies, orphan_copies: orphans, .. } = verified.compared;
    let count = |number: u64, what: &str| format!("{} {what}", HumanCount(number));
    let mut compared = vec![
        count(lines, "lines"),
        count(hops, "hops"),
        count(attempts, "attempts"),
        count(rejections, "rejections"),
        count(messages, "messages"),
        count(deliveries, "deliveries"),
        count(hours, "hours of coverage"),
        count(files, "files"),
        count(rollups, "roll-ups"),
    ];
    if copies + orphans > 0 {
        let orphans = count(orphans, "of messages that no log tells of");
        compared.push(format!("{} ({orphans})", count(copies, "copies in journal mailboxes")));
    }
    let compared = compared.join(", ");
    match verified.differences.len() {
        0 if verified.remarks.is_empty() => format!("All figures agree with the lines: {compared}"),
        0 => format!("All that could be compared agrees with the lines: {compared}"),
        1 => format!("1 difference between what is stored and what the lines say; compared: {compared}"),
        many => format!("{many} differences between what is stored and what the lines say; compared: {compared}"),
    }
}

fn row(difference: &Difference) -> Vec<String> {
    let counts = match difference.what {
        What::Files | What::RollUps => ["", ""].map(str::to_owned),
        What::Lines => [difference.stored.to_string(), String::new()],
        _ => [difference.stored.to_string(), difference.recounted.to_string()],
    };
    let mut row = vec![difference.what.as_str().to_owned(), difference.server.to_string(), iso_day(difference.day)];
    row.extend(counts);
    row.push(difference.examples.join("; "));
    row
}

fn remark(remark: &Remark) -> String {
    match remark {
        Remark::Unfinished => {
            "an import is under way or was cut off: messages are not derived yet, and were not compared".to_owned()
        }
        Remark::OrderUnknown(server) => format!(
            "the clock of {server} was set back so often, or under another log's lines, that the order in which its lines were read is not \
             known: its hops, attempts and rejections were not compared"
        ),
        Remark::Unreadable => "the rows were not compared, as files cannot be read".to_owned(),
    }
}

/// How far it is, on a terminal; nothing elsewhere.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(options: &OutputOptions) -> Self {
        let hidden = options.quiet || !std::io::stderr().is_terminal();
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(0) };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:30} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    fn show(&self, phase: Phase) {
        match phase {
            Phase::Files { done, of } => self.share(done as u64, of as u64, format!("file {done} of {of}")),
            Phase::Lines { done, of } => self.share(done, of, format!("reading {} lines again", HumanCount(of))),
            Phase::Linking { messages } => self.say(format!("following messages: {}", HumanCount(messages))),
            Phase::Waiting => self.say("waiting for an import, or for late lines, to be through".to_owned()),
            Phase::Explaining => self.say("looking for what differs".to_owned()),
            Phase::Again => self.say("files were replaced meanwhile: beginning again".to_owned()),
        }
    }

    fn share(&self, done: u64, of: u64, text: String) {
        self.bar.set_length(of.max(1));
        self.bar.set_position(done);
        self.say(text);
    }

    fn say(&self, text: String) {
        self.bar.set_message(text);
        self.bar.tick();
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}
