//! Linking while messages are under way: after every round, what linking all hops at once gives.

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::RngSeed};
use vigie_correlator::{BEFORE_ALL, Host, LiveLinker, Round, link};
use vigie_model::{Content, Hop, Journey, Kind, MICROS_PER_SECOND, Micros, QueueId};
use vigie_testkit::{
    Reading, TimedLine,
    corpus::{self, Corpus},
    random::Random,
};

/// The journeys that somebody has who applied every round.
#[derive(Default)]
struct Stored(BTreeMap<(Micros, String), Journey>);

impl Stored {
    fn apply(&mut self, round: Round) {
        for (first_arrival, id) in round.withdrawn {
            assert!(self.0.remove(&(first_arrival, id.to_string())).is_some(), "{id} was never given out");
        }
        for journey in round.settled {
            assert!(journey.closed, "{} is open", journey.id);
            let known = self.0.insert((journey.first_arrival, journey.id.to_string()), journey);
            assert!(known.is_none(), "{known:?} was given out twice");
        }
    }

    fn with(&self, linker: &LiveLinker) -> Vec<Journey> {
        let mut all: Vec<Journey> = self.0.values().chain(linker.unsettled()).cloned().collect();
        all.sort_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
        all
    }
}

/// All lines of a run in order of their arrival: those of each host later than the clock by a lag of its own.
fn arriving(corpus: &Corpus, random: &mut Random, lag_s_max: usize) -> Vec<TimedLine> {
    let lags: Vec<Micros> =
        corpus.hosts().iter().map(|_| random.below(lag_s_max) as Micros * MICROS_PER_SECOND).collect();
    let mut lines: Vec<TimedLine> = corpus.lines().into_iter().flatten().collect();
    lines.sort_by_key(|line| line.ts + lags[line.host]);
    lines
}

fn newest(hosts: &[Host]) -> Micros {
    hosts.iter().map(Host::watermark).max().unwrap_or(BEFORE_ALL)
}

fn corpora() -> impl Iterator<Item = Corpus> {
    let folders = [
        "postfix-chain/file-short",
        "postfix-chain/iso-long",
        "postfix-chain/rfc3164-long",
        "sample",
        "filters/after-queue",
        "filters/before-queue",
        "exim/rich",
        "exchange/made/dag",
        "microsoft365/made/tenant",
    ];
    folders.into_iter().map(|folder| Corpus::load(&corpus::testdata().join(folder)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, rng_seed: RngSeed::Fixed(20_261_122), failure_persistence: None, ..ProptestConfig::default() })]

    /// Hosts that lag behind each other by up to 100 s, and rounds at any line.
    #[test]
    fn after_every_round_it_is_what_linking_at_once_gives(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        for corpus in corpora() {
            let mut reading = Reading::of(&corpus.hosts());
            let (mut linker, mut stored, mut taken) = (LiveLinker::default(), Stored::default(), 0);
            let lines = arriving(&corpus, &mut random, 100);
            for (at, line) in lines.iter().enumerate() {
                reading.line(line);
                if random.below(60) > 0 && at + 1 < lines.len() {
                    continue;
                }
                let closed = reading.facts.hops[taken..].to_vec();
                taken = reading.facts.hops.len();
                let open = reading.hosts.iter().flat_map(Host::open_hops);
                let round = linker.round(closed, open, newest(&reading.hosts));
                prop_assert_eq!(round.late, None, "{}", &corpus.name);
                stored.apply(round);
                prop_assert_eq!(&stored.with(&linker), &link(reading.hops()), "{} after line {}", &corpus.name, at);
            }
        }
    }
}

fn later(mut hop: Hop, by: Micros) -> Hop {
    hop.ts_in += by;
    hop.ts_out += by;
    hop.recipients.iter_mut().for_each(|recipient| recipient.ts += by);
    hop
}

/// The same run over and over, each time a little later: ids are used again, and what is over is forgotten.
#[test]
fn ids_used_again_after_what_they_meant_was_forgotten() {
    const TIMES: i64 = 30;
    for (corpus, apart_s) in corpora().zip([97, 600, 1_801, 7_203]) {
        let mut reading = Reading::of(&corpus.hosts());
        corpus.lines().into_iter().flatten().for_each(|line| reading.line(&line));
        let once: Vec<Hop> = reading.hops().into_iter().filter(|hop| hop.closed).collect();
        let shifted = |times| once.iter().cloned().map(move |hop| later(hop, times * apart_s * MICROS_PER_SECOND));
        let mut hops: Vec<Hop> = (0..TIMES).flat_map(shifted).collect();
        let at_once = link(hops.clone());
        hops.sort_by_key(|hop| hop.ts_out);
        let (mut linker, mut stored) = (LiveLinker::default(), Stored::default());
        let mut held_max = 0;
        for piece in hops.chunks(50) {
            let until = piece.last().map_or(BEFORE_ALL, |hop| hop.ts_out);
            // What will close is open before, as far as it began.
            let open = hops.iter().filter(|hop| hop.ts_in <= until && hop.ts_out > until);
            let open = open.map(|hop| Hop { closed: false, ..hop.clone() });
            stored.apply(linker.round(piece.iter().cloned().map(Box::new).collect(), open, until));
            held_max = held_max.max(linker.held().hops);
        }
        assert!(stored.with(&linker) == at_once, "{} every {apart_s} s", corpus.name);
        if apart_s > 7_000 {
            assert!(held_max < 3 * once.len(), "{} every {apart_s} s: {held_max} hops were held", corpus.name);
        }
    }
}

/// A run that is cut anywhere and gone on with from what is stored.
#[test]
fn going_on_from_what_is_stored_changes_nothing() {
    for corpus in corpora() {
        let mut reading = Reading::of(&corpus.hosts());
        let (mut linker, mut stored, mut taken) = (LiveLinker::default(), Stored::default(), 0);
        for (at, line) in arriving(&corpus, &mut Random::new(7), 60).iter().enumerate() {
            reading.line(line);
            if at % 500 != 499 {
                continue;
            }
            let closed = reading.facts.hops[taken..].to_vec();
            taken = reading.facts.hops.len();
            let open = || reading.hosts.iter().flat_map(Host::open).collect::<Vec<_>>();
            stored.apply(linker.round(closed, open(), newest(&reading.hosts)));
            let rows = stored.with(&linker);
            stored.0 = rows.iter().map(|row| ((row.first_arrival, row.id.to_string()), row.clone())).collect();
            let (again, round) = LiveLinker::go_on(reading.facts.hops.clone(), open(), &rows, newest(&reading.hosts));
            assert!(round.settled.is_empty(), "{}: {:?}", corpus.name, round.settled);
            stored.apply(round);
            linker = again;
            assert_eq!(stored.with(&linker), link(reading.hops()), "{} after line {at}", corpus.name);
        }
    }
}

/// A copy of each message, told of by its server's name in one of two forms, by its queue id or its Message-ID alone.
fn copies(hops: &[Hop]) -> Vec<Hop> {
    let named = hops.iter().filter(|hop| hop.kind == Kind::Transfer && hop.queue_id.is_some() && hop.closed);
    let copy = |(at, hop): (usize, &Hop)| {
        let by_message_id = at % 3 == 0 && hop.message_id.len() > 2;
        let server = if at % 2 == 0 { hop.server.clone() } else { format!("{}.example.org", hop.server).into() };
        let ts_in = hop.ts_in - hop.ts_in.rem_euclid(MICROS_PER_SECOND);
        Hop {
            kind: Kind::Copy,
            server: if by_message_id { "elsewhere".into() } else { server },
            queue_id: hop.queue_id.filter(|_| !by_message_id),
            ts_in,
            ts_out: ts_in,
            closed: true,
            message_id: hop.message_id.clone(),
            subject: format!("copy {at}").into(),
            content: Some(Box::new(Content { header_from: format!("{at}@example.com").into(), ..Content::default() })),
            ..Hop::default()
        }
    };
    named.enumerate().map(copy).collect()
}

#[test]
fn copies_that_come_when_they_like_say_what_is_inside_and_nothing_else() {
    for corpus in corpora() {
        let mut reading = Reading::of(&corpus.hosts());
        corpus.lines().into_iter().flatten().for_each(|line| reading.line(&line));
        let (hops, mut random) = (reading.hops(), Random::new(20_261_123));
        let mut copies = copies(&hops);
        assert!(copies.len() > 10, "{}", corpus.name);
        let orphan = Hop { queue_id: QueueId::new(b"NOBODYS"), message_id: "<nobodys@x>".into(), ..copies[3].clone() };
        copies.push(orphan);
        let plain = link(hops.clone());
        let whole: Vec<Hop> = hops.iter().cloned().chain(copies.iter().cloned()).collect();
        let at_once = link(whole.clone());
        let with_content = at_once.iter().filter(|journey| journey.content.is_some()).count();
        assert!(with_content * 10 >= plain.len() * 8, "{}: {with_content} of {}", corpus.name, plain.len());
        let bare = |journey: &Journey| Journey { content: None, subject: "".into(), ..journey.clone() };
        assert!(at_once.iter().map(bare).eq(plain.iter().map(bare)), "{}: nothing but what is inside", corpus.name);
        let kept = |journey: &&Journey| !journey.subject.is_empty();
        let subjects: Vec<_> = plain.iter().filter(kept).map(|journey| &journey.subject).collect();
        let same = at_once.iter().zip(&plain).filter(|(_, before)| kept(before)).map(|(journey, _)| &journey.subject);
        assert!(same.eq(subjects), "{}: a subject that the log has stays", corpus.name);

        // In bounded memory, in order of time.
        let mut in_order = whole;
        in_order.sort_by_key(|hop| hop.ts_in);
        let (mut linker, mut in_rounds) = (vigie_correlator::Linker::in_rounds_of(5), Vec::new());
        in_order.into_iter().for_each(|hop| linker.push(hop, &mut in_rounds));
        assert_eq!(linker.finish(&mut in_rounds), 1, "{}: one is an orphan's", corpus.name);
        in_rounds.sort_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
        assert!(in_rounds == at_once, "{}", corpus.name);

        // Live: each up to 100 s late, of which some come before the message does.
        let late = |hop: &Hop, random: &mut Random| match hop.kind {
            Kind::Copy => hop.ts_in + random.below(100) as Micros * MICROS_PER_SECOND,
            _ => hop.ts_out,
        };
        let all = hops.iter().cloned().chain(copies);
        let mut arriving: Vec<(Micros, Hop)> = all.map(|hop| (late(&hop, &mut random), hop)).collect();
        arriving.sort_by_key(|(ts, _)| *ts);
        let (mut linker, mut stored) = (LiveLinker::default(), Stored::default());
        for piece in arriving.chunks(7) {
            let until = piece.last().map_or(BEFORE_ALL, |(ts, _)| *ts);
            let is_open =
                |ts: Micros, hop: &Hop| hop.kind != Kind::Copy && hop.ts_in <= until && (ts > until || !hop.closed);
            let open = arriving.iter().filter(|(ts, hop)| is_open(*ts, hop));
            let open = open.map(|(_, hop)| Hop { closed: false, ..hop.clone() });
            let closed = piece.iter().filter(|(_, hop)| hop.closed).map(|(_, hop)| Box::new(hop.clone())).collect();
            let round = linker.round(closed, open, until);
            assert_eq!(round.late, None, "{}", corpus.name);
            stored.apply(round);
        }
        assert!(stored.with(&linker) == at_once, "{}", corpus.name);
    }
}

#[test]
fn a_copy_that_comes_when_its_message_is_forgotten_is_said_to_be_late() {
    let at = |minutes: Micros| minutes * 60 * MICROS_PER_SECOND;
    let hop = |minutes, kind| Hop { kind, ts_in: at(minutes), ts_out: at(minutes), closed: true, ..Hop::default() };
    let mut linker = LiveLinker::default();
    let none = Vec::<Hop>::new();
    linker.round(vec![Box::new(hop(10, Kind::Transfer))], none.clone(), at(10));
    linker.round(vec![Box::new(hop(60, Kind::Transfer))], none.clone(), at(60));
    assert_eq!(linker.round(vec![Box::new(hop(57, Kind::Copy))], none.clone(), at(60)).late, None);
    let late = linker.round(vec![Box::new(hop(10, Kind::Copy))], none, at(60)).late;
    assert_eq!(late, Some((at(10), at(10))));
}

/// Exchange names a message by itself; whoever signs or encrypts it in between may give it another message id.
#[test]
fn hops_that_share_nothing_but_a_network_message_id() {
    let hop = |server: &str, ts: Micros, id: &str| Hop {
        server: server.into(),
        ts_in: ts * MICROS_PER_SECOND,
        ts_out: (ts + 1) * MICROS_PER_SECOND,
        closed: true,
        queue_id: vigie_model::QueueId::new(id.as_bytes()),
        message_id: format!("<{id}@example.com>").into(),
        network_id: "5ecb6b5a-0d0e-4b0f-9f3c-08de2a1b3c4d".into(),
        ..Hop::default()
    };
    let hops = [hop("ex01", 10, "11"), hop("ex02", 12, "22")];
    let at_once = link(hops.to_vec());
    assert_eq!(at_once.len(), 1);
    let (mut linker, mut stored) = (LiveLinker::default(), Stored::default());
    for hop in hops {
        let until = hop.ts_out;
        stored.apply(linker.round(vec![Box::new(hop)], Vec::<Hop>::new(), until));
    }
    assert_eq!(stored.with(&linker), at_once);
}

#[test]
fn a_hop_that_comes_when_its_like_is_forgotten_is_said_to_be_late() {
    let hop = |minutes: Micros, id: &str| {
        let ts = minutes * 60 * MICROS_PER_SECOND;
        Hop {
            ts_in: ts,
            ts_out: ts + 1,
            closed: true,
            queue_id: vigie_model::QueueId::new(id.as_bytes()),
            ..Hop::default()
        }
    };
    let mut linker = LiveLinker::default();
    let none = Vec::<Hop>::new();
    let at = |minutes: Micros| minutes * 60 * MICROS_PER_SECOND;
    assert_eq!(linker.round(vec![Box::new(hop(10, "A"))], none.clone(), at(10)).late, None);
    assert_eq!(linker.round(vec![Box::new(hop(60, "B"))], none.clone(), at(60)).late, None);
    assert_eq!(
        linker.round(vec![Box::new(hop(59, "C"))], none.clone(), at(60)).late,
        None,
        "a lag of a minute is no lateness"
    );
    assert_eq!(linker.round(vec![Box::new(hop(11, "D"))], none.clone(), at(60)).late, Some((at(11), at(11) + 1)));
}
