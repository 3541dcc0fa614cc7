//! Lines that come live, in pieces of several streams, committed at any moment, and gone on with after a kill: the store holds what
//! one import of the whole logs gives.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::tz::TimeZone;
use vigie_engine::{
    import::live::{Arrival, Live, NotTaken, StreamKey},
    ingest::Ingest,
};
use vigie_testkit::random::Random;

use crate::store::{LONG, LONG_ROWS, Log, Place, Rows, SHORT, SHORT_ROWS, at_once, set_back, with_copies};

/// How the streams' turns come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turns {
    /// Always the one of which least was sent: all hosts live.
    InStep,
    /// Any: hosts hours apart.
    AtRandom,
    /// Each to its end before the next begins.
    OneAfterTheOther,
}

struct Replay<'a> {
    place: Place,
    logs: &'a [Log],
    random: Random,
    live: Option<Live>,
    sent: Vec<usize>,
}

impl<'a> Replay<'a> {
    fn new(logs: &'a [Log], seed: u64) -> Self {
        let mut replay =
            Self { place: Place::new(), logs, random: Random::new(seed), live: None, sent: vec![0; logs.len()] };
        replay.open();
        replay
    }

    /// As after a kill: nothing is known but what is stored.
    fn open(&mut self) {
        drop(self.live.take());
        let live = Live::open(&self.place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens");
        for at in 0..self.logs.len() {
            self.sent[at] = live.durable(&self.key(at)).unwrap_or_default() as usize;
        }
        self.live = Some(live);
    }

    fn key(&self, at: usize) -> StreamKey {
        self.logs[at].key(at as u128)
    }

    fn live(&mut self) -> &mut Live {
        self.live.as_mut().expect("open")
    }

    fn send(&mut self, at: usize) {
        let log = &self.logs[at];
        let from = self.sent[at];
        let bytes = 1 + self.random.below(log.text.len() / 20);
        let until = (from + bytes).min(log.text.len());
        let next = self.live().take(&log.piece(at as u128, from, until)).expect("taken");
        assert_eq!(next, until as u64);
        self.sent[at] = until;
    }

    fn next(&mut self, turns: Turns) -> Option<usize> {
        let left: Vec<usize> = (0..self.logs.len()).filter(|&at| self.sent[at] < self.logs[at].text.len()).collect();
        let share = |at: usize| self.sent[at] * 1_000 / self.logs[at].text.len();
        match turns {
            Turns::InStep => left.into_iter().min_by_key(|&at| share(at)),
            Turns::AtRandom => (!left.is_empty()).then(|| left[self.random.below(left.len())]),
            Turns::OneAfterTheOther => left.first().copied(),
        }
    }

    /// Sends everything, with a commit after about every third piece, and a kill after about every tenth.
    fn run(mut self, turns: Turns) -> (Rows, bool) {
        let (mut derived, mut merged) = (false, None);
        while let Some(at) = self.next(turns) {
            self.send(at);
            if self.random.below(3) == 0 {
                self.live().commit().expect("a commit");
            }
            if self.random.below(6) == 0 {
                derived |= self.live().recount().expect("a recount");
            }
            if self.random.below(10) == 0 {
                self.open();
            }
            if self.random.below(20) == 0 {
                let merging = self.live().plan_compaction().expect("planned");
                merged = Some(merging.run().expect("merged"));
            }
            // Commits came in between.
            if let Some(merged) = merged.take_if(|_| self.random.below(4) == 0) {
                self.live().publish_compaction(merged).expect("published");
            }
        }
        self.live().commit().expect("a commit");
        derived |= self.live().recount().expect("a recount");
        (self.place.rows(), derived)
    }
}

#[test]
fn hosts_in_step() {
    for (seed, logs, rows) in [(1, &*LONG, &*LONG_ROWS), (2, &*LONG, &*LONG_ROWS), (3, &*SHORT, &*SHORT_ROWS)] {
        let (live, derived) = Replay::new(logs, seed).run(Turns::InStep);
        live.assert_same(rows, &format!("seed {seed}"));
        assert!(!derived || logs.len() > 3, "seed {seed}: nothing came late");
    }
}

#[test]
fn hosts_hours_apart() {
    for turns in [Turns::AtRandom, Turns::OneAfterTheOther] {
        for seed in 1..4 {
            let (live, _) = Replay::new(&LONG, seed).run(turns);
            live.assert_same(&LONG_ROWS, &format!("{turns:?}, seed {seed}"));
            let (live, _) = Replay::new(&SHORT, seed).run(turns);
            live.assert_same(&SHORT_ROWS, &format!("{turns:?}, seed {seed}"));
        }
    }
}

#[test]
fn by_a_clock_that_is_set_back() {
    let logs = set_back();
    let expected = at_once(&logs);
    for seed in 1..4 {
        let (live, _) = Replay::new(&logs, seed).run(Turns::InStep);
        live.assert_same(&expected, &format!("seed {seed}"));
    }
}

/// A mailbox is read along with the logs, hours behind them, before them, or when all is over: journeys have what is inside all the same.
#[test]
fn copies_in_a_journal_mailbox_at_any_time() {
    let mut logs = with_copies();
    let expected = at_once(&logs);
    let count = |rows: &Rows, what: &str| rows.journeys.matches(what).count();
    assert_eq!(count(&expected, "\"id\""), count(&LONG_ROWS, "\"id\""), "no journey more, and none less");
    let copies = count(&expected, "@example.com\",\"type\"") + count(&expected, "\"header_from\"");
    assert!(copies > 100, "{copies} journeys have what is inside: {}", &expected.journeys[..2000]);
    assert_eq!(expected.hops, LONG_ROWS.hops, "a copy is no hop");
    assert_eq!(expected.rejections, LONG_ROWS.rejections);
    for (turns, seeds) in [(Turns::InStep, 1..4), (Turns::AtRandom, 4..7), (Turns::OneAfterTheOther, 7..8)] {
        for seed in seeds {
            let (live, _) = Replay::new(&logs, seed).run(turns);
            live.assert_same(&expected, &format!("{turns:?}, seed {seed}"));
        }
    }
    // The copies first, of messages that no log tells of yet.
    logs.rotate_right(1);
    let (live, _) = Replay::new(&logs, 8).run(Turns::OneAfterTheOther);
    live.assert_same(&expected, "the mailbox before the logs");
}

/// The message waits for hours, the copy of it was read when it came, and Vigie is started anew in between.
#[test]
fn a_copy_of_a_message_that_was_delivered_long_after() {
    let message = |at: &str, id: &str| {
        format!(
            "2026-03-02T{at}:00Z mx1 postfix/smtpd[1]: {id}: client=client.example.net[192.0.2.1]\n\
             2026-03-02T{at}:01Z mx1 postfix/cleanup[2]: {id}: message-id=<{id}@example.net>\n\
             2026-03-02T{at}:02Z mx1 postfix/qmgr[3]: {id}: from=<a@example.net>, size=900, nrcpt=1 (queue active)\n"
        )
    };
    let tried = |at: &str, id: &str, dsn: &str, status: &str| {
        format!(
            "2026-03-02T{at}:00Z mx1 postfix/smtp[4]: {id}: to=<b@example.org>, relay=none, delay=1, delays=0/0/1/0, dsn={dsn}, status={status}\n"
        )
    };
    let removed = |at: &str, id: &str| format!("2026-03-02T{at}:01Z mx1 postfix/qmgr[3]: {id}: removed\n");
    let copy = |at: &str, id: &str| {
        format!(
            "2026-03-02T{at}:00Z mx1 vigie-mailbox: {{\"v\":1,\"queue_id\":\"{id}\",\"subject\":\"copy of {id}\"}}\n"
        )
    };
    let deferred = [message("10:00", "4A1B2C"), tried("10:01", "4A1B2C", "4.4.1", "deferred (timed out)")].concat();
    let meanwhile = |at: &str, until: &str, id: &str| {
        [message(at, id), tried(until, id, "2.0.0", "sent (250 ok)"), removed(until, id)].concat()
    };
    let delivered = [tried("14:00", "4A1B2C", "2.0.0", "sent (250 ok)"), removed("14:00", "4A1B2C")].concat();
    let steps = [
        (0, deferred),
        (1, copy("10:00", "4A1B2C")),
        (0, meanwhile("12:00", "12:01", "5A1B2C")),
        (1, copy("12:00", "5A1B2C")),
        (0, delivered),
        (0, meanwhile("15:00", "15:01", "6A1B2C")),
    ];
    let whole = |stream: usize| -> String {
        steps.iter().filter(|(of, _)| *of == stream).map(|(_, text)| text.as_str()).collect()
    };
    let at_once = Place::new();
    at_once.import(&[
        at_once.file("mx1", "mail.log", whole(0).as_bytes()),
        at_once.file("mx1", "mailbox", whole(1).as_bytes()),
    ]);
    let expected = at_once.rows();
    assert!(
        ["4A1B2C", "5A1B2C"].iter().all(|id| expected.journeys.contains(&format!("copy of {id}"))),
        "{}",
        expected.journeys
    );
    for starts in 0..1u32 << steps.len() {
        let place = Place::new();
        let open = || Live::open(&place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens");
        let (mut live, mut sent) = (open(), [0u64; 2]);
        for (step, (stream, text)) in steps.iter().enumerate() {
            let key = StreamKey { sender: "mx1".into(), stream: *stream as u128 };
            let (label, host, bytes) = (["mail.log", "mailbox"][*stream], "mx1", text.as_bytes());
            let arrival = Arrival { key, label, host, offset: sent[*stream], bytes, is_last: false, after_loss: false };
            sent[*stream] = live.take(&arrival).expect("taken");
            live.commit().expect("a commit");
            live.recount().expect("a recount");
            if starts >> step & 1 == 1 {
                drop(live);
                live = open();
            }
        }
        place.rows().assert_same(&expected, &format!("started anew after {starts:06b}"));
    }
}

/// A collector that was set up anew sends everything again, under other names of its streams.
#[test]
fn sent_again_under_another_name() {
    let mut replay = Replay::new(&LONG, 5);
    for round in 0..2u128 {
        for (at, log) in LONG.iter().enumerate() {
            let whole = log.piece(100 * round + at as u128, 0, log.text.len());
            let arrival = Arrival { is_last: round == 1, ..whole };
            replay.live().take(&arrival).expect("taken");
        }
        replay.live().commit().expect("a commit");
        replay.live().recount().expect("a recount");
        replay.place.rows().assert_same(&LONG_ROWS, &format!("round {round}"));
    }
}

#[test]
fn after_an_import_of_the_same_files_and_before_another() {
    let mut replay = Replay::new(&LONG, 6);
    let sources: Vec<_> =
        LONG.iter().map(|log| replay.place.file(&log.host, &log.name, &log.text[..log.text.len() / 2])).collect();
    drop(replay.live.take());
    replay.place.import(&sources);
    replay.open();
    let (half, text) = (LONG[0].text.len() / 3, &LONG[0].text);
    for (at, log) in LONG.iter().enumerate() {
        let until = if at == 0 { half } else { log.text.len() };
        let arrival = Arrival { is_last: false, ..log.piece(at as u128, 0, until) };
        replay.live().take(&arrival).expect("taken");
        replay.live().commit().expect("a commit");
    }
    drop(replay.live.take());
    let sources: Vec<_> = LONG.iter().map(|log| replay.place.file(&log.host, &log.name, &log.text)).collect();
    replay.place.import(&sources);
    replay.place.rows().assert_same(&LONG_ROWS, "import, live, import");
    assert!(text.len() > half);
}

#[test]
fn pieces_repeated_missing_and_after_the_end() {
    let place = Place::new();
    let mut live = Live::open(&place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens");
    let key = StreamKey { sender: "one".into(), stream: 7 };
    let line = b"2026-06-16T02:26:09.196080+02:00 one postfix/qmgr[1]: 4XYZ: removed\n";
    let mut take = |offset: u64, bytes: &[u8], is_last: bool| {
        let arrival =
            Arrival { key: key.clone(), label: "mail.log", host: "one", offset, bytes, is_last, after_loss: false };
        live.take(&arrival).map_err(|e| e.to_string())
    };
    let gap = |expected| Err(NotTaken::Gap { expected }.to_string());
    let length = line.len() as u64;
    assert_eq!(take(0, line, false), Ok(length));
    assert_eq!(take(length + 1, line, false), gap(length));
    assert_eq!(take(0, line, false), Ok(length), "repeated");
    assert_eq!(take(10, &[&line[10..], &line[..20]].concat(), false), Ok(length + 20), "what was known, and more");
    assert_eq!(take(length + 20, &line[20..line.len() - 1], true), Ok(2 * length - 1), "the last line without its end");
    assert_eq!(take(2 * length - 1, line, false), Err(NotTaken::Over { end: 2 * length - 1 }.to_string()));
    assert_eq!(live.durable(&key), Some(0), "nothing is durable before a commit");
    assert_eq!(live.commit().expect("a commit").lines, 2);
    assert_eq!(live.durable(&key), Some(2 * length - 1));
    assert_eq!(live.commit().expect("a commit").lines, 0);
}

/// Four senders at once, each on a thread, into the running ingest; it is stopped in the middle and begun again.
#[test]
fn by_several_senders_at_once() {
    let place = Place::new();
    let commits = Arc::new(AtomicU64::new(0));
    for until in [2, 1] {
        let counted = commits.clone();
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let ingest = Ingest::start(place.store.clone(), TimeZone::UTC, "here".to_owned(), count).expect("begun");
        std::thread::scope(|scope| {
            for (at, log) in LONG.iter().enumerate() {
                let ingest = &ingest;
                scope.spawn(move || {
                    let key = log.key(at as u128);
                    let end = log.text.len() / until;
                    let mut from = ingest.position(&key).map_or(0, |position| position.durable) as usize;
                    while from < end {
                        // The last bytes of each piece are sent twice.
                        let piece = log.piece(at as u128, from.saturating_sub(10), (from + 9_000).min(end));
                        let arrival = Arrival { is_last: false, ..piece };
                        from = ingest.take(&arrival).expect("taken").received as usize;
                    }
                });
            }
        });
        ingest.stop();
        let condition = ingest.condition();
        assert_eq!((condition.trouble, condition.waiting_bytes), (None, 0));
    }
    assert!(commits.load(Ordering::Relaxed) >= 2);
    place.rows().assert_same(&LONG_ROWS, "several senders");
}

/// Whoever may send syslog can invent a name for each line.
#[test]
fn hosts_that_are_one_too_many_go_under_one_name() {
    const HOSTS: usize = 20_010;
    let place = Place::new();
    let mut live = Live::open(&place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens");
    let line =
        |host: usize| format!("2026-11-22T10:00:00.1+00:00 h{host} postfix/smtpd[1]: connect from a[192.0.2.1]\n");
    let bytes: String = (0..HOSTS).map(line).collect();
    let key = StreamKey { sender: "server/syslog".into(), stream: 1 };
    let arrival =
        Arrival { key, label: "tcp", host: "", offset: 0, bytes: bytes.as_bytes(), is_last: true, after_loss: false };
    live.take(&arrival).expect("taken");
    let stored = live.commit().expect("a commit");
    let further = stored.coverage.iter().find(|row| &*row.server == "(further hosts)").expect("one name for the rest");
    assert_eq!((stored.lines, stored.coverage.len(), further.lines), (20_010, 20_001, 10));
}
