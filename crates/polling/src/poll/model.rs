//! A tenant that lives for days in some milliseconds: rows that come late and change, a service that fails in every way, and kills at
//! every moment. At the end each row's newest state has to be spooled, and nothing twice in one life.

use std::collections::{HashMap, HashSet};

use vigie_formats::transcript::microsoft365;
use vigie_testkit::random::Random;

use super::*;
use crate::seen::{Mark, Seen};

const BEGIN: i64 = 1_795_321_949;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const STATES: [&str; 4] = ["gettingStatus", "pending", "delivered", "quarantined"];

/// A recipient of a message.
struct Recipient {
    id: usize,
    received: i64,
    /// From when on the service tells of it.
    appears: i64,
    /// When it comes to the next state.
    changes: Vec<i64>,
}

impl Recipient {
    fn state(&self, now: i64) -> &'static str {
        STATES[self.changes.iter().filter(|at| **at <= now).count().min(STATES.len() - 1)]
    }

    fn json(&self, now: i64) -> String {
        format!(
            r#"{{"id":"trace-{}","recipientAddress":"user{}@example.org","senderAddress":"a@b","receivedDateTime":"{}","status":"{}","size":7}}"#,
            self.id / 3,
            self.id % 3,
            crate::civil::written(self.received),
            self.state(now)
        )
    }

    /// As it has to stand in the spool in the end.
    fn line(&self) -> String {
        format!(
            "{} microsoft365 microsoft365: id=trace-{}\tsenderAddress=a@b\trecipientAddress=user{}@example.org\tsize=7\tstatus={}",
            crate::civil::written(self.received),
            self.id / 3,
            self.id % 3,
            self.state(i64::MAX)
        )
    }
}

/// Microsoft, as far as it concerns us.
struct Service {
    recipients: Vec<Recipient>,
    random: Random,
    faults: usize,
}

impl Service {
    fn new(seed: u64, count: usize, faults: usize) -> Service {
        let mut random = Random::new(seed);
        let recipients = (0..count).map(|id| recipient(id, &mut random)).collect();
        Service { recipients, random, faults }
    }

    /// One of a hundred requests fails in so many ways.
    fn page(&mut self, path: &str, now: i64) -> Result<Answer, Fault> {
        let wrong = if self.random.below(100) < self.faults { self.random.below(6) } else { 6 };
        let whole = self.whole(path, now);
        match wrong {
            0 => Err(Fault::Late { host: "graph".into() }),
            1 => Ok(Answer { status: 429, retry_after: Some(Duration::from_secs(40)), ..whole }),
            2 => Ok(Answer { status: 500, ..whole }),
            3 => Ok(Answer { status: 401, ..whole }),
            4 => Ok(Answer { body: whole.body[..self.random.below(whole.body.len())].to_vec(), ..whole }),
            5 if path.contains("skiptoken") => Ok(Answer { status: 400, body: Vec::new(), ..whole }),
            _ => Ok(whole),
        }
    }

    /// The newest first; where a page begins is counted, so that rows which come meanwhile move all others.
    fn whole(&mut self, path: &str, now: i64) -> Answer {
        let path = path.replace("%20", " ").replace("%3A", ":");
        let after =
            |word: &str| path.split(word).nth(1).and_then(|rest| rest.split([' ', '&']).next().map(str::to_owned));
        let time = |word: &str| after(word).and_then(|text| crate::civil::read(&text)).expect("a time") / 1_000_000;
        let (start, end) = (time(" ge "), time(" le "));
        assert!(end <= now && end - start <= 10 * DAY && start >= now - 90 * DAY, "{path}");
        let top: usize = after("$top=").and_then(|top| top.parse().ok()).expect("a size");
        let skipped: usize = after("$skiptoken=").map_or(0, |token| token.parse().expect("a token"));
        let is_told = |row: &&Recipient| (start..=end).contains(&row.received) && row.appears <= now;
        let mut told: Vec<&Recipient> = self.recipients.iter().filter(is_told).collect();
        told.sort_by_key(|row| (std::cmp::Reverse(row.received), row.id));
        let rows: Vec<String> = told.iter().skip(skipped).take(top).map(|row| row.json(now)).collect();
        let next = if skipped + top < told.len() {
            let filter = path.split("$skiptoken").next().unwrap_or_default().trim_end_matches('&').to_owned();
            format!(r#","@odata.nextLink":"https://graph.microsoft.com{filter}&$skiptoken={}""#, skipped + top)
        } else {
            String::new()
        };
        let body = format!(r#"{{"value":[{}]{next}}}"#, rows.join(",")).into_bytes();
        Answer { status: 200, date: Some(now), body, ..Answer::default() }
    }
}

fn recipient(id: usize, random: &mut Random) -> Recipient {
    let draw = |random: &mut Random, below: i64| random.below(below as usize) as i64;
    let received = BEGIN - 8 * DAY + draw(random, 11 * DAY);
    // Most are told of within minutes, some after hours.
    let late = if random.below(10) == 0 { 30 * HOUR } else { 15 * 60 };
    let appears = received + draw(random, late);
    let mut changes: Vec<i64> = (0..random.below(4)).map(|_| received + draw(random, 47 * HOUR)).collect();
    changes.sort();
    Recipient { id, received, appears, changes }
}

/// What is on disk.
#[derive(Default)]
struct Disk {
    /// One stream for each life.
    streams: Vec<Vec<String>>,
    marks: Vec<Mark>,
    durable: Option<i64>,
}

/// One life of the collector, from a start to a kill.
struct Life {
    poll: Poll,
    seen: Seen,
    now: Now,
}

impl Life {
    fn begin(tenant: &Tenant, disk: &mut Disk, wall: i64, seed: u64) -> Life {
        let mut seen = Seen::new(100_000);
        disk.marks.iter().for_each(|mark| seen.add(*mark));
        disk.streams.push(Vec::new());
        Life { poll: Poll::new(tenant, disk.durable, seed), seen, now: Now { wall, steady: Duration::ZERO } }
    }

    fn pass(&mut self, time: Duration) {
        self.now.steady += time;
        self.now.wall += i64::try_from(time.as_millis().div_ceil(1000)).expect("some seconds");
    }

    /// One step; `false` when it was killed in it.
    fn step(&mut self, service: &mut Service, disk: &mut Disk, kills: usize) -> bool {
        let dies = |service: &mut Service| service.random.below(1000) < kills;
        match self.poll.step(self.now, self.seen.floor()) {
            Step::Wait(until) => self.pass(until - self.now.steady),
            Step::Token => {
                self.pass(Duration::from_secs(1));
                let body = br#"{"access_token":"eyJ","expires_in":3599}"#.to_vec();
                let answer = Answer { status: 200, date: Some(self.now.wall), body, ..Answer::default() };
                assert!(self.poll.token_answered(self.now, Ok(answer)).is_none());
            }
            Step::Page(path) => {
                let answer = service.page(&path, self.now.wall);
                self.pass(Duration::from_secs(1 + service.random.below(5) as u64));
                let Got::Rows { rows, unreadable: 0 } = self.poll.page_answered(self.now, answer) else {
                    return !dies(service);
                };
                let marks = self.spool(&rows, disk);
                if dies(service) {
                    return false;
                }
                if self.poll.stored(self.now) {
                    self.seen.forget_before(self.poll.forgets_before());
                }
                if dies(service) {
                    return false;
                }
                disk.marks.extend(marks);
                disk.durable = self.poll.durable();
            }
        }
        !dies(service)
    }

    fn spool(&mut self, rows: &[GraphRow], disk: &mut Disk) -> Vec<Mark> {
        let mut marks = Vec::new();
        for row in rows {
            let mut line = Vec::new();
            microsoft365::line(&row.row(), &mut line);
            let line = line.strip_suffix(b"\n").expect("an end");
            let mark = Mark::of(row, line);
            if self.seen.is_news(&mark) {
                self.seen.add(mark);
                marks.push(mark);
                disk.streams.last_mut().expect("a stream").push(String::from_utf8(line.to_vec()).expect("text"));
            }
        }
        marks
    }
}

/// Lives until everything that can change has changed, and is read.
fn live(seed: u64, page: usize, faults: usize, kills: usize) -> (Service, Disk) {
    let tenant = format!("tenant=contoso.com client=c secret-file=/s page={page} history=9 requests=100000");
    let tenant: Tenant = tenant.parse().expect("a tenant");
    let mut service = Service::new(seed, 600, faults);
    let (mut disk, mut wall, mut lives) = (Disk::default(), BEGIN, 0);
    let mut end = BEGIN + 6 * DAY;
    while wall < end {
        lives += 1;
        let mut life = Life::begin(&tenant, &mut disk, wall, seed + lives);
        while life.now.wall < end && life.step(&mut service, &mut disk, kills) {}
        // Sometimes it is away for days. How far its history goes back counts from when it began for good.
        let away = if disk.durable.is_some() && service.random.below(20) == 0 { 2 * DAY } else { 30 };
        wall = life.now.wall + service.random.below(away as usize) as i64;
        // However long it was away at last, it has a day to come back.
        end = end.max(if wall > BEGIN + 5 * DAY && away > 30 { wall + DAY } else { 0 });
    }
    (service, disk)
}

fn check(service: &Service, disk: &Disk, seed: u64) {
    let mut newest: HashMap<String, &str> = HashMap::new();
    for stream in &disk.streams {
        let mut lines = HashSet::new();
        for line in stream {
            assert!(lines.insert(line), "seed {seed}: twice in one stream: {line}");
            let name: Vec<&str> =
                line.split('\t').filter(|part| part.contains("id=") || part.starts_with("recipient")).collect();
            newest.insert(name.join(" "), line);
        }
    }
    let count = newest.len();
    let newest: HashSet<&str> = newest.into_values().collect();
    for recipient in &service.recipients {
        assert!(newest.contains(recipient.line().as_str()), "seed {seed}: {}", recipient.line());
    }
    assert_eq!(count, service.recipients.len(), "seed {seed}: rows are made up");
}

#[test]
fn every_rows_newest_state_is_spooled_and_nothing_twice() {
    for seed in 0..6 {
        let (service, disk) = live(seed, 5000, 0, 0);
        check(&service, &disk, seed);
        // Without kills each state that was seen is spooled once.
        assert_eq!(disk.streams.len(), 1);
    }
}

#[test]
fn small_pages_and_faults_change_nothing() {
    for seed in 10..16 {
        let (service, disk) = live(seed, 7 + seed as usize, 15, 0);
        check(&service, &disk, seed);
    }
}

#[test]
fn kills_at_every_moment_lose_nothing() {
    for seed in 20..32 {
        let (service, disk) = live(seed, 40, 10, 30);
        assert!(disk.streams.len() > 5, "it was killed {} times", disk.streams.len());
        check(&service, &disk, seed);
        // What comes again after a kill is what was not kept: a page or two.
        let spooled: usize = disk.streams.iter().map(Vec::len).sum();
        let kept = disk.marks.len();
        assert!(spooled - kept <= 40 * disk.streams.len(), "{spooled} of {kept}");
    }
}
