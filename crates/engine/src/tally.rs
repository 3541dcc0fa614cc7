//! Counts in memory, without a store: what `vigie stats --memory` prints, and what the benchmark measures.

use rustc_hash::FxHashMap;
use serde::Serialize;
use vigie_correlator::{Facts, Host, Linker, PassedOver};
use vigie_model::{Hop, Journey, MailClass, Micros, Outcome, ServerCounts, Text};

use crate::intake::{self, FileMark, Line, Progress, Report, Seen, Sink, Source, Track, Years};

/// Figures of a whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub lines: u64,
    pub understood: u64,
    pub unknown: u64,
    /// Messages of people and programs; notices and probes apart.
    pub messages: u64,
    pub notices: u64,
    pub probes: u64,
    /// Recipients who got the mail of `messages`.
    pub deliveries: u64,
    pub bounced: u64,
    pub expired: u64,
    pub filtered: u64,
    pub discarded: u64,
    /// Tries that were put off.
    pub deferrals: u64,
    pub rejected: u64,
    /// Bytes of `messages`, as the first server logged them.
    pub bytes: u64,
    pub servers: Vec<ServerRow>,
    pub top_senders: Vec<(String, u64)>,
    pub top_recipient_domains: Vec<(String, u64)>,
    pub reject_reasons: Vec<(String, u64)>,
}

/// One server's row of the server table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServerRow {
    pub server: String,
    pub global: u64,
    #[serde(flatten)]
    pub counts: ServerCounts,
}

/// Hops gathered before the next round of linking: few enough to stay in the processor's cache.
const ROUND_HOPS_MIN: usize = 400;
/// Rows of each ranking.
const TOP_ROWS: usize = 10;

/// Reads, correlates, links and counts; keeps nothing else.
pub fn tally(sources: &[Source], options: &intake::Options) -> (Tally, Report) {
    let (tally, report) = count(sources, options, Years::Guessed);
    let misjudged = report.files.iter().any(|file| file.year_misjudged);
    if misjudged { count(sources, options, Years::Scanned) } else { (tally, report) }
}

fn count(sources: &[Source], options: &intake::Options, years: Years) -> (Tally, Report) {
    let mut counter = Counter::new(years);
    let report = match intake::read(sources, options, &mut counter) {
        Ok(report) => report,
        Err(never) => match never {},
    };
    (counter.finish(), report)
}

struct Counter {
    years: Years,
    hosts: Vec<Host>,
    facts: Facts,
    hops: Vec<Box<Hop>>,
    /// So many hops make the next round of linking worth while.
    next_round: usize,
    linker: Linker,
    journeys: Vec<Journey>,
    tally: Tally,
    senders: FxHashMap<Text, u64>,
    domains: FxHashMap<Text, u64>,
    reasons: FxHashMap<Text, u64>,
    servers: FxHashMap<Text, ServerCounts>,
}

impl Sink for Counter {
    type Error = std::convert::Infallible;

    const KEEPS_MARKS: bool = false;

    fn years(&self) -> Years {
        self.years
    }

    fn host(&mut self, name: &str) -> Result<(), Self::Error> {
        self.hosts.push(Host::counting(name));
        Ok(())
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), Self::Error> {
        self.tally.lines += 1;
        self.tally.understood += u64::from(line.record.is_understood());
        self.tally.unknown += u64::from(line.bare || line.record.is_unknown());
        let times = if line.record.happens_again_when_repeated() { line.repeated } else { 1 };
        for _ in 0..times {
            self.hosts[line.host].record(line.ts, line.record, &mut self.facts);
        }
        Ok(())
    }

    fn stored(&mut self, _: usize, _: Micros, _: &Track, _: &mut Seen) -> Result<(), Self::Error> {
        Ok(())
    }

    fn go_on(&mut self, _: &Progress, _: &dyn Fn() -> Vec<FileMark>) -> Result<bool, Self::Error> {
        self.take_facts();
        Ok(true)
    }
}

impl Counter {
    fn new(years: Years) -> Self {
        Self {
            years,
            hosts: Vec::new(),
            facts: Facts::default(),
            hops: Vec::new(),
            next_round: 0,
            linker: Linker::counting(),
            journeys: Vec::new(),
            tally: Tally::default(),
            senders: FxHashMap::default(),
            domains: FxHashMap::default(),
            reasons: FxHashMap::default(),
            servers: FxHashMap::default(),
        }
    }

    fn take_facts(&mut self) {
        self.tally.deferrals += self.facts.attempts.len() as u64;
        self.facts.attempts.clear();
        for rejection in self.facts.rejections.drain(..) {
            self.tally.rejected += 1;
            *self.reasons.entry(rejection.reason).or_default() += 1;
        }
        self.hops.append(&mut self.facts.hops);
        self.link();
    }

    /// Hops close in order of their end; those that no open message precedes can be linked already.
    fn link(&mut self) {
        if self.hops.len() < self.next_round.max(ROUND_HOPS_MIN) {
            return;
        }
        let newest = self.hosts.iter().map(Host::watermark).max().unwrap_or(Micros::MIN);
        let (mut passed_over, until) = PassedOver::at(newest);
        let open = self.hosts.iter().filter_map(|host| host.oldest_open_after(until, &mut passed_over)).min();
        let limit = open.unwrap_or(Micros::MAX).min(passed_over.limit());
        // To look through what is open must not cost more than to link what closed.
        let names = passed_over.len();
        self.linker.pass_over(passed_over);
        // Those that waited are in order already, which the merge sort likes.
        self.hops.sort_by_key(|hop| hop.ts_in);
        let ready = self.hops.partition_point(|hop| hop.ts_in < limit);
        for hop in self.hops.drain(..ready) {
            self.linker.push(hop, &mut self.journeys);
        }
        self.next_round = 2 * self.hops.len() + names;
        self.count();
    }

    fn count(&mut self) {
        let mut journeys = std::mem::take(&mut self.journeys);
        for journey in &journeys {
            for step in &journey.steps {
                change(&mut self.servers, &step.server, |counts| {
                    counts.received_from_servers += step.counts.received_from_servers;
                    counts.received_from_local += step.counts.received_from_local;
                    counts.local_routing += step.counts.local_routing;
                    counts.sent_to_servers += step.counts.sent_to_servers;
                });
            }
            match journey.class {
                MailClass::Bounce => self.tally.notices += 1,
                MailClass::Probe => self.tally.probes += 1,
                MailClass::Mail => self.mail(journey),
            }
        }
        journeys.clear();
        self.journeys = journeys;
    }

    fn mail(&mut self, journey: &Journey) {
        self.tally.messages += 1;
        self.tally.bytes += journey.size.unwrap_or(0);
        for delivery in &journey.deliveries {
            match delivery.outcome {
                Outcome::Delivered => self.tally.deliveries += 1,
                Outcome::Bounced => self.tally.bounced += 1,
                Outcome::Expired => self.tally.expired += 1,
                Outcome::Filtered => self.tally.filtered += 1,
                Outcome::Discarded => self.tally.discarded += 1,
                _ => {}
            }
            let at = memchr::memrchr(b'@', delivery.recipient.as_bytes());
            let domain = at.map_or("", |at| &delivery.recipient[at + 1..]);
            change(&mut self.domains, domain, |count| *count += 1);
        }
        change(&mut self.senders, &journey.sender, |count| *count += 1);
    }

    fn finish(mut self) -> Tally {
        self.take_facts();
        self.hops.extend(self.hosts.iter().flat_map(Host::open).map(Box::new));
        self.hops.sort_unstable_by_key(|hop| hop.ts_in);
        for hop in std::mem::take(&mut self.hops) {
            self.linker.push(hop, &mut self.journeys);
        }
        std::mem::take(&mut self.linker).finish(&mut self.journeys);
        self.count();
        let mut tally = self.tally;
        tally.servers = self
            .servers
            .into_iter()
            .map(|(server, counts)| ServerRow { server: server.into(), global: counts.global(), counts })
            .collect();
        tally.servers.sort_by(|a, b| a.server.cmp(&b.server));
        tally.top_senders = top(self.senders);
        tally.top_recipient_domains = top(self.domains);
        tally.reject_reasons = top(self.reasons);
        tally
    }
}

/// Changes the entry of a name that is nearly always there already.
fn change<T: Default>(map: &mut FxHashMap<Text, T>, name: &str, how: impl FnOnce(&mut T)) {
    match map.get_mut(name) {
        Some(value) => how(value),
        None => how(map.entry(name.into()).or_default()),
    }
}

fn top(counts: FxHashMap<Text, u64>) -> Vec<(String, u64)> {
    let mut rows: Vec<(String, u64)> = counts.into_iter().map(|(value, count)| (value.into(), count)).collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    rows.truncate(TOP_ROWS);
    rows
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    /// More than a chunk, so that a guess has not seen the file's end.
    const LINES: usize = 4_000;

    #[test]
    fn a_year_that_was_guessed_wrongly_is_found_out() {
        let line =
            |day: &str| format!("{day} 10:00:00 mail1 postfix/smtpd[1]: connect from mx.example.org[192.0.2.1]\n");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mail.log");
        std::fs::write(&path, line("Nov  2").repeat(LINES) + &line("Feb  3").repeat(LINES)).expect("a file");
        // December: November may be of the same year, but after it came a February.
        let december_2026 = SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_083_200);
        std::fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(december_2026))
            .expect("its time");
        let sources = [Source { path, host: None }];
        let options = intake::Options {
            zone: jiff::tz::TimeZone::UTC,
            default_host: String::new(),
            host_rule: intake::HostRule::Line,
            dates: None,
            marks: Vec::new(),
        };
        let misjudged = |report: &Report| report.files[0].year_misjudged;
        assert!(misjudged(&count(&sources, &options, Years::Guessed).1));
        assert!(!misjudged(&count(&sources, &options, Years::Scanned).1));
        let (tally, report) = tally(&sources, &options);
        assert_eq!((tally.lines, misjudged(&report)), (2 * LINES as u64, false));
    }
}
