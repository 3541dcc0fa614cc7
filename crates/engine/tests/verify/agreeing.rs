//! Stores that nobody touched.

use std::{collections::BTreeMap, time::Duration};

use jiff::tz::TimeZone;
use vigie_engine::{
    import::{Store, live::Live},
    verify::{Compared, Options, Phase, Remark, verify},
};
use vigie_lake::Compaction;
use vigie_testkit::{log, random::Random};

use crate::store::{LONG, Log, Place, SHORT, at_once, cuts, line_end, set_back, with_copies};

/// Fails with what differs. Gives what was compared.
#[track_caller]
pub fn agrees(store: &Store, situation: &str) -> Compared {
    let verified = verify(store, &Options::default(), &mut |_| {}).expect("a store that can be read");
    assert_eq!(verified.differences, [], "{situation}");
    assert_eq!(verified.remarks, Vec::<Remark>::new(), "{situation}");
    verified.compared
}

/// As many lines as the logs have.
fn lines_of(logs: &[Log]) -> u64 {
    logs.iter().map(|log| log.text.iter().filter(|byte| **byte == b'\n').count() as u64).sum()
}

#[test]
fn after_one_import() {
    for logs in [&*LONG, &*SHORT] {
        let place = Place::new();
        agrees(&place.store, "nothing");
        let sources: Vec<_> = logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
        place.import(&sources);
        let compared = agrees(&place.store, "one import");
        let rows = place.rows();
        let count = |text: &str| text.lines().count() as u64;
        assert_eq!(compared.lines, place.lines());
        assert_eq!((compared.hops, compared.rejections), (count(&rows.hops), count(&rows.rejections)));
        assert_eq!((compared.messages, compared.deliveries), (count(&rows.journeys), count(&rows.deliveries)));
        assert!(compared.attempts > 0 && compared.hours > 0 && compared.files > 5, "{compared:?}");
    }
}

/// Copies before, between and after the logs that tell of their messages.
#[test]
fn copies_count_apart_and_are_never_late() {
    let (place, mut logs) = (Place::new(), with_copies());
    let copies = logs.pop().expect("the mailbox's");
    let count = copies.text.iter().filter(|byte| **byte == b'\n').count() as u64;
    let middle = line_end(&copies.text, copies.text.len() / 2);
    let file = |name: &str, text: &[u8]| place.file(&copies.host, name, text);
    place.import(&[file("first", &copies.text[..middle])]);
    let alone = agrees(&place.store, "copies alone");
    assert_eq!((alone.messages, alone.hops), (0, 0));
    assert!(alone.copies > 0 && alone.copies == alone.orphan_copies && alone.copies < count, "{alone:?}");
    let sources: Vec<_> = logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
    let imported = place.import(&sources);
    assert_eq!(imported.rebuilt, Vec::<String>::new(), "what came after copies is not late");
    let imported = place.import(&[file("second", &copies.text)]);
    assert_eq!(imported.rebuilt, Vec::<String>::new(), "copies are not late");
    let both = agrees(&place.store, "copies and logs");
    assert_eq!((both.copies, both.hops), (count, place.rows().hops.lines().count() as u64));
    assert_eq!(both.orphan_copies, count / 5, "every fifth has the Message-ID of no message");
}

#[test]
fn while_older_lines_come_in_pieces() {
    let (place, mut random) = (Place::new(), Random::new(3));
    let mut pieces = Vec::new();
    for log in LONG.iter() {
        let cuts = cuts(&log.text, 3);
        for (at, pair) in cuts.windows(2).enumerate() {
            pieces.push(place.file(&log.host, &format!("{}.{at}", log.name), &log.text[pair[0]..pair[1]]));
        }
    }
    random.shuffle(&mut pieces);
    let mut rebuilt = 0;
    for (at, piece) in pieces.iter().enumerate() {
        rebuilt += place.import(std::slice::from_ref(piece)).rebuilt.len();
        agrees(&place.store, &format!("after piece {at}"));
    }
    assert!(rebuilt > 0, "nothing came late");
}

#[test]
fn only_the_days_that_are_asked_for() {
    let place = Place::new();
    place.import(&[place.file("hub1", "mail.log", &LONG[0].text)]);
    let options = Options { days: 0..=1, ..Options::default() };
    let other = verify(&place.store, &options, &mut |_| {}).expect("verified");
    assert_eq!((other.compared, other.differences), (Compared::default(), Vec::new()));
}

/// Lines that come live.
struct Stream<'a> {
    live: Option<Live>,
    place: &'a Place,
    /// By stream; of those that are not here, what is durable.
    sent: BTreeMap<u128, usize>,
}

impl<'a> Stream<'a> {
    fn new(place: &'a Place) -> Self {
        let mut stream = Self { live: None, place, sent: BTreeMap::new() };
        stream.open();
        stream
    }

    /// As after a kill.
    fn open(&mut self) {
        drop(self.live.take());
        self.sent.clear();
        self.live = Some(Live::open(&self.place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens"));
    }

    fn live(&mut self) -> &mut Live {
        self.live.as_mut().expect("open")
    }

    /// Sends a log as a stream, up to here.
    fn send(&mut self, log: &Log, number: u128, until: usize) {
        let durable = self.live().durable(&log.key(number)).unwrap_or_default() as usize;
        let from = self.sent.get(&number).copied().unwrap_or(durable);
        self.live().take(&log.piece(number, from, until)).expect("taken");
        self.sent.insert(number, until);
    }

    /// Stores what came, and counts what came late.
    fn commit(&mut self) {
        self.live().commit().expect("a commit");
        self.live().recount().expect("counted");
    }
}

#[test]
fn after_each_live_commit() {
    for (seed, logs) in [(1, &*LONG), (2, &*SHORT)] {
        let (place, mut random) = (Place::new(), Random::new(seed));
        let mut stream = Stream::new(&place);
        let mut sent = vec![0; logs.len()];
        let mut round = 0;
        while sent.iter().zip(logs.iter()).any(|(sent, log)| *sent < log.text.len()) {
            round += 1;
            for (at, log) in logs.iter().enumerate() {
                // One of them lags behind, and comes late for it.
                let piece = if at == 1 && round % 3 != 0 { 0 } else { random.below(log.text.len() / 6) };
                let until = (sent[at] + piece).min(log.text.len());
                stream.send(log, at as u128, until);
                sent[at] = until;
            }
            stream.commit();
            agrees(&place.store, &format!("seed {seed}, round {round}"));
            if round % 4 == 0 {
                let merging = stream.live().plan_compaction().expect("planned");
                let merged = merging.run().expect("merged");
                stream.live().publish_compaction(merged).expect("published");
                agrees(&place.store, &format!("seed {seed}, merged in round {round}"));
            }
            if round % 5 == 0 {
                stream.open();
                agrees(&place.store, &format!("seed {seed}, opened in round {round}"));
            }
        }
        assert_eq!(agrees(&place.store, "at the end").lines, lines_of(logs));
    }
}

#[test]
fn by_a_clock_that_is_set_back() {
    let logs = set_back();
    let place = Place::new();
    let sources: Vec<_> = logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
    place.import(&sources);
    agrees(&place.store, "imported");
    for seed in 1..4 {
        let (place, mut random) = (Place::new(), Random::new(seed));
        let mut stream = Stream::new(&place);
        for (at, log) in logs.iter().enumerate() {
            let mut from = 0;
            while from < log.text.len() {
                let until = (from + 1 + random.below(log.text.len() / 8)).min(log.text.len());
                stream.send(log, at as u128, until);
                from = until;
                stream.commit();
            }
            agrees(&place.store, &format!("live, seed {seed}, {}", log.host));
        }
        drop(stream);
        place.rows().assert_same(&at_once(&logs), &format!("seed {seed}"));
    }
}

/// The second half of each log, by a clock that is behind by so much that the times of both halves mix: read in order of time, other
/// hops would come of them.
fn mixed() -> Vec<Log> {
    let of = |log: &Log| {
        let half = line_end(&log.text, log.text.len() / 2);
        let later = String::from_utf8_lossy(&log.text[half..]);
        let earlier: String = later.lines().map(|line| format!("{}\n", ten_minutes_earlier(line))).collect();
        let text = [&log.text[..half], earlier.as_bytes()].concat();
        Log { host: log.host.clone(), name: log.name.clone(), text }
    };
    LONG.iter().map(of).collect()
}

#[test]
fn by_a_clock_that_is_set_back_into_times_that_were() {
    for log in mixed() {
        let place = Place::new();
        place.import(&[place.file(&log.host, &log.name, &log.text)]);
        agrees(&place.store, &format!("{} at once", log.host));
        let live = Place::new();
        let mut stream = Stream::new(&live);
        for pair in cuts(&log.text, 9).windows(2) {
            stream.send(&log, 1, pair[1]);
            stream.commit();
            agrees(&live.store, &format!("{} live", log.host));
        }
        drop(stream);
        live.rows().assert_same(&place.rows(), &log.host);
    }
}

/// The hops of a host are derived anew, when lines of another log come late; its own log was read in its own order all the same.
#[test]
fn late_lines_beside_a_clock_that_is_set_back() {
    for logs in [set_back(), mixed()] {
        let expected = at_once(&logs);
        let place = Place::new();
        let sources: Vec<_> = logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
        place.import(&sources);
        for (at, log) in logs.iter().enumerate() {
            let late = format!(
                "2026-11-22T00:00:0{at}.000000+00:00 {} postfix/smtpd[1]: NOQUEUE: reject: RCPT from h.example.net[192.0.2.66]: 550 5.1.1 \
                 <x@example.org>: Recipient address rejected: User unknown; from=<> to=<x@example.org> proto=SMTP helo=<h>\n",
                log.host
            );
            let source = place.file(&log.host, "late.log", late.as_bytes());
            assert_eq!(place.import(&[source]).rebuilt, [log.host.as_str()], "it came late");
            agrees(&place.store, &format!("after a late line of {}", log.host));
        }
        let rows = place.rows();
        for (what, one, two) in [("hops", rows.hops, &expected.hops), ("journeys", rows.journeys, &expected.journeys)] {
            let differ = one.lines().zip(two.lines()).find(|(one, two)| one != two);
            assert!(one == *two, "{what}: {differ:?}");
        }
    }
}

/// `2026-11-22T04:32:…` to `2026-11-22T04:22:…`.
fn ten_minutes_earlier(line: &str) -> String {
    let (hours, rest) = line.split_at("2026-11-22T04:".len());
    let minute: u32 = rest[..2].parse().expect("minutes");
    format!("{hours}{:02}{}", minute.saturating_sub(10), &rest[2..])
}

/// A time that cannot be is no time: the line says nothing, now or later.
#[test]
fn lines_whose_time_cannot_be() {
    let place = Place::new();
    let log = &LONG[0];
    let (half, line) = (line_end(&log.text, log.text.len() / 2), "1970-01-01T00:00:07.000000+00:00");
    let stray =
        format!("{line} {} postfix/qmgr[1]: 4XYZXYZ: from=<a@example.org>, size=7, nrcpt=1 (queue active)\n", log.host);
    let text = [&log.text[..half], stray.as_bytes(), b"\xff\xfe no log line \xc3\x28\n", &log.text[half..]].concat();
    place.import(&[place.file(&log.host, &log.name, &text[..])]);
    agrees(&place.store, "imported");
    let late = place.file(&log.host, "late.log", &log.text[..line_end(&log.text, 0)]);
    place.import(&[late]);
    agrees(&place.store, "imported again");
}

/// A state that is lost is derived anew from the lines, and with it what they say.
#[test]
fn after_the_state_was_lost() {
    let logs = set_back();
    let place = Place::new();
    let sources: Vec<_> = logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
    place.import(&sources);
    std::fs::remove_dir_all(place.path("data/state")).expect("removed");
    let stray =
        place.file("hub9", "mail.log", b"2026-11-22T04:00:00.000000+00:00 hub9 postfix/qmgr[1]: 4XYZXYZ: removed\n");
    assert!(place.import(&[stray]).state_was_lost);
    agrees(&place.store, "derived anew");
}

/// Files are merged, and the old ones removed, while they are read.
#[test]
fn while_files_go() {
    let place = Place::new();
    for log in LONG.iter() {
        place.import(&[place.file(&log.host, &log.name, &log.text)]);
    }
    let (mut phases, mut merged) = (Vec::new(), 0);
    let verified = verify(&place.store, &Options::default(), &mut |phase| {
        phases.push(phase);
        if let (Phase::Files { done: 1, .. }, 0) = (phase, merged) {
            let mut writer = place.store.lake.writer().expect("the right to write");
            merged = writer.compact(Compaction::All).expect("merged").files_before;
            // As after an hour.
            for file in super::damage::data_files(&place, "", ".parquet") {
                let file = std::fs::File::open(file).expect("a file");
                file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3_600)).expect("made older");
            }
            assert!(writer.vacuum(Duration::ZERO).expect("removed").files > 0);
        }
    });
    let verified = verified.expect("verified");
    assert!(merged > 0 && phases.contains(&Phase::Again), "{merged} {phases:?}");
    assert_eq!((verified.differences, verified.compared.lines), (Vec::new(), place.lines()));
}

/// An import that is cut short leaves messages underived, which is no difference.
#[test]
fn after_an_import_was_cut_off() {
    let place = Place::new();
    let sources: Vec<_> = LONG.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
    place.import(&sources[..1]);
    let mut waited = 0;
    let mut seen = 0;
    // Looked at from within the import: what is committed by then is all that a kill would leave.
    place.import_in_steps(&sources, 500, &mut |_| {
        seen += 1;
        if seen == 6 {
            let options = Options { patience: Duration::from_millis(200), ..Options::default() };
            let verified = verify(&place.store, &options, &mut |phase| waited += u32::from(phase == Phase::Waiting));
            let verified = verified.expect("verified");
            assert_eq!((verified.differences, verified.remarks), (Vec::new(), vec![Remark::Unfinished]));
        }
        true
    });
    assert!(waited > 0);
    agrees(&place.store, "and completed");
}

/// A message waits at the second server, and the first has long done with it; a notice of another waits, too. The server starts again
/// when both are older than what it looks back at.
#[test]
fn mail_that_waits_over_a_restart() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd 3A1B29E001: client=mx.example.net[192.0.2.9]
         10:00:00 cleanup 3A1B29E001: message-id=<a@example.net>
         10:00:00 qmgr 3A1B29E001: from=<a@example.net>, size=700, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=hub1.example.com[192.0.2.2]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D29E002)
         10:00:01 qmgr 3A1B29E001: removed
         10:00:10 smtpd 3A1B29E005: client=mx.example.net[192.0.2.9]
         10:00:10 cleanup 3A1B29E005: message-id=<c@example.net>
         10:00:10 qmgr 3A1B29E005: from=<c@example.net>, size=700, nrcpt=1 (queue active)
         10:00:11 smtp 3A1B29E005: to=<nobody@example.com>, relay=hub1.example.com[192.0.2.2]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (host hub1.example.com[192.0.2.2] said: 550 5.1.1 no)
         10:00:11 cleanup 3A1B29E006: message-id=<n@edge1.example.com>
         10:00:11 bounce 3A1B29E005: sender non-delivery notification: 3A1B29E006
         10:00:11 qmgr 3A1B29E006: from=<>, size=2700, nrcpt=1 (queue active)
         10:00:11 qmgr 3A1B29E005: removed
         10:00:12 smtp 3A1B29E006: to=<c@example.net>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (no answer)
         13:00:00 smtpd 3A1B29E007: client=mx.example.net[192.0.2.9]
         13:30:00 smtpd 3A1B29E008: client=mx.example.net[192.0.2.9]
         15:00:02 smtp 3A1B29E006: to=<c@example.net>, relay=mx.example.net[192.0.2.9]:25, delay=18000, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)
         15:00:02 qmgr 3A1B29E006: removed
         15:10:02 smtpd 3A1B29E009: client=mx.example.net[192.0.2.9]
        ",
    );
    let hub = log(
        "hub1",
        "10:00:01 smtpd 7C1D29E002: client=edge1.example.com[192.0.2.1]
         10:00:01 cleanup 7C1D29E002: message-id=<a@example.net>
         10:00:01 qmgr 7C1D29E002: from=<a@example.net>, size=900, nrcpt=1 (queue active)
         10:00:02 smtp 7C1D29E002: to=<bob@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (no answer)
         13:00:00 smtpd 7C1D29E007: client=edge1.example.com[192.0.2.1]
         13:30:00 smtpd 7C1D29E008: client=edge1.example.com[192.0.2.1]
         15:00:02 smtp 7C1D29E002: to=<bob@example.com>, relay=mbx1.example.com[192.0.2.3]:25, delay=18000, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)
         15:00:02 qmgr 7C1D29E002: removed
         15:10:02 smtpd 7C1D29E009: client=edge1.example.com[192.0.2.1]
        ",
    );
    let logs = [("edge1", edge), ("hub1", hub)].map(|(host, text)| Log {
        host: host.to_owned(),
        name: "mail.log".to_owned(),
        text: text.into_bytes(),
    });
    let place = Place::new();
    let mut stream = Stream::new(&place);
    let ends = |hour: &str| {
        logs.each_ref().map(|log| {
            let text = String::from_utf8_lossy(&log.text);
            text.find(&format!("T{hour}")).unwrap_or(text.len())
        })
    };
    for (hour, what) in [("13:00", "both wait"), ("13:30", "silence"), ("15:00", "more silence"), ("24", "delivered")] {
        for (at, (log, until)) in logs.iter().zip(ends(hour)).enumerate() {
            let until = log.text[..until].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            stream.send(log, at as u128, until);
        }
        stream.commit();
        agrees(&place.store, what);
        stream.open();
        agrees(&place.store, &format!("{what}, opened again"));
    }
    let rows = place.rows();
    assert!(rows.journeys.lines().count() >= 3 && !rows.journeys.contains("deferred"), "{}", rows.journeys);
}

/// A log was rotated, and the number of its new stream was never saved: the collector sends it under another. At first only a part of
/// its first line was there.
#[test]
fn a_stream_that_is_sent_again_and_began_with_half_a_line() {
    let place = Place::new();
    let mut stream = Stream::new(&place);
    let (log, half) = (&LONG[0], line_end(&LONG[0].text, LONG[0].text.len() / 2));
    let part = |text: &[u8]| Log { host: log.host.clone(), name: log.name.clone(), text: text.to_vec() };
    let (before, after) = (part(&log.text[..half]), part(&log.text[half..]));
    stream.send(&before, 1, before.text.len());
    stream.commit();
    for until in [20, after.text.len() / 3] {
        stream.send(&after, 2, until);
        stream.commit();
    }
    stream.open();
    stream.send(&after, 3, after.text.len());
    stream.commit();
    assert_eq!(agrees(&place.store, "sent again").lines, lines_of(std::slice::from_ref(log)));
}
