//! From log text to journeys, as the program does it: envelope, calendar, record, host, link.

use jiff::tz::TimeZone;
use vigie_correlator::{Facts, Host, link};
use vigie_formats::{
    calendar::{Calendar, RollScan, scan_rolls},
    continues, envelope, read,
};
use vigie_model::{Attempt, Hop, Journey, Micros, Rejection};

use crate::{tell, tell_rejection};

/// The day on which lines without a date of their own are written.
const DAY: &str = "2026-03-02";

/// Writes log lines: each `TIME TAG TEXT` becomes an RFC 3339 line of `host`. A time is `10:00:00.5` of 2 March 2026, or has a
/// date of its own (`2026-03-05T10:00:00`). A tag is a daemon of Postfix (`smtpd`), a whole tag (`postfix-out/smtp`), or after a
/// `!` another program's. Lines that begin with `|` stand as they are.
pub fn log(host: &str, short: &str) -> String {
    let lines = short.lines().map(str::trim_start).filter(|line| !line.is_empty());
    lines.map(|line| line.strip_prefix('|').map_or_else(|| whole(host, line), str::to_owned) + "\n").collect()
}

fn whole(host: &str, line: &str) -> String {
    let mut parts = line.splitn(3, ' ');
    let [time, tag, text] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let time = if time.contains('T') { time.to_owned() } else { format!("{DAY}T{time}") };
    let tag = match (tag.strip_prefix('!'), tag.contains('/')) {
        (Some(foreign), _) => foreign.to_owned(),
        (None, true) => tag.to_owned(),
        (None, false) => format!("postfix/{tag}"),
    };
    format!("{time}+00:00 {host} {tag}[100]: {text}")
}

/// A line with its place in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedLine {
    pub ts: Micros,
    pub host: usize,
    pub raw: Vec<u8>,
}

/// The lines of a log, without their ends.
pub fn lines_of(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    log.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}

/// Places the lines of one file in time. A line whose time cannot be known has that of the line before.
pub fn timed(host: usize, text: &[u8], zone: &TimeZone, written_until: Micros) -> Vec<TimedLine> {
    let mut scan = RollScan::default();
    scan_rolls(text, &mut scan);
    let year = scan.needs_year.then(|| scan.first_year(written_until, zone)).flatten();
    let mut calendar = Calendar::new(zone.clone(), year.unwrap_or(1970));
    let mut scratch = envelope::Scratch::default();
    let mut last = 0;
    let line = |raw: &[u8]| {
        let stamp = envelope::parse(raw, &mut scratch).map(|envelope| envelope.stamp);
        last = stamp.and_then(|stamp| calendar.resolve(&stamp)).unwrap_or(last);
        TimedLine { ts: last, host, raw: raw.to_vec() }
    };
    lines_of(text).map(line).collect()
}

/// The correlators of several hosts at work.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub hosts: Vec<Host>,
    pub facts: Facts,
    pub lines: u64,
    pub understood: u64,
    /// The lines that nobody understood, lossily.
    pub unknown: Vec<String>,
}

impl Reading {
    pub fn of(hosts: &[&str]) -> Self {
        Self { hosts: hosts.iter().map(|name| Host::new(name)).collect(), ..Self::default() }
    }

    pub fn line(&mut self, line: &TimedLine) {
        let mut scratch = envelope::Scratch::default();
        self.lines += 1;
        let Some(envelope) = envelope::parse(&line.raw, &mut scratch) else {
            if !continues(&line.raw) {
                self.unknown.push(String::from_utf8_lossy(&line.raw).into());
            }
            return;
        };
        let record = read(&envelope);
        self.understood += u64::from(record.is_understood());
        if record.is_unknown() {
            self.unknown.push(String::from_utf8_lossy(&line.raw).into());
        }
        let times = if record.happens_again_when_repeated() { envelope.repeated } else { 1 };
        for _ in 0..times {
            self.hosts[line.host].record(line.ts, &record, &mut self.facts);
        }
    }

    /// All hops so far, open ones too.
    pub fn hops(&self) -> Vec<Hop> {
        self.facts.hops.iter().map(|hop| (**hop).clone()).chain(self.hosts.iter().flat_map(Host::open)).collect()
    }

    /// What it comes to.
    pub fn story(mut self) -> Story {
        let mut hops = self.hops();
        hops.sort_by_key(Hop::key);
        self.facts.rejections.sort();
        self.facts.attempts.sort_by(|a, b| (a.ts, &a.recipient, &a.reply).cmp(&(b.ts, &b.recipient, &b.reply)));
        Story {
            journeys: link(hops.clone()),
            hops,
            rejections: self.facts.rejections,
            attempts: self.facts.attempts,
            aborted: self.facts.aborted,
            lines: self.lines,
            understood: self.understood,
            unknown: self.unknown,
        }
    }
}

/// What a log says happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// By first arrival, then id.
    pub journeys: Vec<Journey>,
    /// By key.
    pub hops: Vec<Hop>,
    pub rejections: Vec<Rejection>,
    pub attempts: Vec<Attempt>,
    pub aborted: u64,
    pub lines: u64,
    pub understood: u64,
    pub unknown: Vec<String>,
}

impl Story {
    /// Each journey in a line (see [`tell`]).
    pub fn told(&self) -> Vec<String> {
        self.journeys.iter().map(tell).collect()
    }

    /// Each rejection in a line (see [`tell_rejection`]).
    pub fn refused(&self) -> Vec<String> {
        self.rejections.iter().map(tell_rejection).collect()
    }

    /// The only journey there is.
    pub fn only(&self) -> &Journey {
        assert_eq!(self.journeys.len(), 1, "{:#?}", self.told());
        &self.journeys[0]
    }
}

/// Reads the logs of several hosts, `(host, text)` each; a host may have several. Times without a zone are UTC; logs without
/// years were written by the end of 2026.
pub fn story(logs: &[(&str, String)]) -> Story {
    const END_OF_2026: Micros = 1_798_761_599_000_000;
    let mut names: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for (name, text) in logs {
        let host = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        lines.push(timed(host, text.as_bytes(), &TimeZone::UTC, END_OF_2026));
    }
    let mut reading = Reading::of(&names);
    merge(lines).iter().for_each(|line| reading.line(line));
    reading.story()
}

/// Merges files by time, each in its own order.
fn merge(mut files: Vec<Vec<TimedLine>>) -> Vec<TimedLine> {
    files.iter_mut().for_each(|file| file.reverse());
    let mut merged = Vec::new();
    while let Some(next) =
        files.iter_mut().filter(|file| !file.is_empty()).min_by_key(|file| file.last().map(|line| line.ts))
    {
        merged.extend(next.pop());
    }
    merged
}
