//! A server that writes two logs, one of which is read hours behind the other: its lines are stored as they come, and counted once.

use std::{
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use vigie_engine::{
    import::live::{Live, StreamKey},
    ingest::Ingest,
};

use crate::store::{LONG, LONG_ROWS, Log, Place, cuts};

/// Pieces of the log that is behind; each gets a commit of its own.
const PIECES: usize = 24;
/// Nothing takes so long on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// After so long without late lines, the running ingest counts what came late.
const QUIET: Duration = Duration::from_secs(2);

/// The log of the first host in two: what its smtpd says, and all else. Those of the other hosts behind them.
fn logs() -> Vec<Log> {
    let text = |of_smtpd: bool| {
        let lines = LONG[0].text.split_inclusive(|&byte| byte == b'\n');
        let is_of = |line: &&[u8]| line.windows(5).any(|word| word == b"smtpd") == of_smtpd;
        lines.filter(is_of).collect::<Vec<_>>().concat()
    };
    let log = |name: &str, text| Log { host: LONG[0].host.clone(), name: name.to_owned(), text };
    let others =
        LONG[1..].iter().map(|log| Log { host: log.host.clone(), name: log.name.clone(), text: log.text.clone() });
    [log("smtpd.log", text(true)), log("mail.log", text(false))].into_iter().chain(others).collect()
}

fn wait_until_durable(ingest: &Ingest, key: &StreamKey, until: usize, commits: &Receiver<()>) {
    let deadline = Instant::now() + PATIENCE;
    while ingest.position(key).is_none_or(|position| position.durable < until as u64) {
        assert!(Instant::now() < deadline, "{until} bytes of {key:?} are not durable");
        let _ = commits.recv_timeout(Duration::from_millis(50));
    }
}

#[test]
fn a_backlog_in_many_commits_is_counted_once() {
    let (place, logs) = (Place::new(), logs());
    let (told, commits) = mpsc::channel();
    let on_commit = {
        let told = std::sync::Mutex::new(told);
        move || drop(told.lock().map(|told| told.send(())))
    };
    let ingest = Ingest::start(place.store.clone(), TimeZone::UTC, "here".to_owned(), on_commit).expect("begun");
    let send = |at: usize, from: usize, until: usize| {
        let arrival = logs[at].piece(at as u128, from, until);
        ingest.take(&arrival).expect("taken");
        wait_until_durable(&ingest, &arrival.key, until, &commits);
    };
    (0..logs.len()).filter(|&at| at != 1).for_each(|at| send(at, 0, logs[at].text.len()));
    let (mut slow, before) = (0, ingest.condition().derivations);
    for piece in cuts(&logs[1].text, PIECES).windows(2) {
        let began = Instant::now();
        send(1, piece[0], piece[1]);
        slow += u64::from(began.elapsed() >= QUIET);
        let condition = ingest.condition();
        assert!(slow > 0 || condition.recounting.iter().any(|host| **host == *logs[0].host), "{condition:?}");
    }
    ingest.stop();
    let condition = ingest.condition();
    let counted = condition.derivations - before;
    assert!(counted >= 1 && counted <= 1 + slow, "{counted} times, {slow} pieces were slow");
    assert!(condition.commits >= PIECES as u64 && condition.recounting.is_empty(), "{condition:?}");
    assert_eq!((condition.trouble, condition.waiting_bytes), (None, 0));
    place.rows().assert_same(&LONG_ROWS, "after the backlog");
}

#[test]
fn other_hosts_are_seen_meanwhile_and_a_kill_loses_nothing() {
    let (place, logs) = (Place::new(), logs());
    let open = || Live::open(&place.store, TimeZone::UTC, "here".to_owned()).expect("the store opens");
    let mut live = open();
    let send = |live: &mut Live, at: usize, from: usize, until: usize| {
        live.take(&logs[at].piece(at as u128, from, until)).expect("taken");
        assert!(live.commit().expect("a commit").lines > 0);
    };
    let half = cuts(&logs[1].text, 2)[1];
    send(&mut live, 0, 0, logs[0].text.len());
    send(&mut live, 1, 0, half);
    assert_eq!(live.recounting().collect::<Vec<_>>(), [&*logs[0].host]);
    let hops = place.rows().hops.lines().count();
    (2..logs.len()).for_each(|at| send(&mut live, at, 0, logs[at].text.len()));
    assert!(live.is_behind() && place.rows().hops.lines().count() > hops + 100);
    drop(live);
    let mut live = open();
    assert!(!live.is_behind(), "what was put off is done at the start");
    send(&mut live, 1, half, logs[1].text.len());
    drop(live);
    drop(open());
    place.rows().assert_same(&LONG_ROWS, "killed before the recount, twice");
}
