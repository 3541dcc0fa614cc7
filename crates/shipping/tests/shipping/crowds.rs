//! Many at once.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use vigie_shipping::protocol::{HELLO_PATH, Hello, Reason};
use vigie_shipping::{Limits, Token};

use crate::raw::{Raw, chunk};
use crate::rig::{DEADLINE, Rig, until};
use crate::world::{Mood, now_us};

const CROWD: usize = 1000;
/// Both ends of each connection are in this process.
const FILES: u64 = 4096;

fn allow_files() {
    let allowed = rlimit::increase_nofile_limit(FILES).expect("a limit");
    assert!(allowed >= FILES, "too few files may be open: {allowed}");
}

fn hello(at: usize) -> Vec<u8> {
    let hello =
        Hello { protocol: 1, program: "x".into(), host: format!("mx{at}"), clock_us: now_us(), streams: vec![] };
    serde_json::to_vec(&hello).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_are_served_and_one_more_is_refused() {
    allow_files();
    let limits = Limits {
        connections: CROWD,
        connections_of_address: CROWD,
        requests_of_sender: CROWD,
        // A thousand handshakes are seconds of work for both ends.
        handshake_time: DEADLINE,
        ..Limits::default()
    };
    let rig = Rig::new(Mood::default(), limits, 1).await;
    let (address, token) = (rig.address, rig.token.text());
    let mut arriving = JoinSet::new();
    for at in 0..CROWD {
        let token = token.clone();
        arriving.spawn(async move {
            let raw = Raw::connect(address).await.unwrap();
            assert_eq!(raw.post(HELLO_PATH, &token, hello(at)).await.unwrap().status, 200);
            raw
        });
    }
    let crowd = arriving.join_all().await;
    assert_eq!(rig.counters.open(), CROWD as u64);
    assert!(Raw::connect(rig.address).await.is_err(), "one more got in");
    until("it is counted", || {
        rig.counters.refused(Reason::ConnectionsOfAddress) + rig.counters.refused(Reason::Connections) > 0
    })
    .await;
    // All of them still work, together.
    let mut asking = JoinSet::new();
    for (at, raw) in crowd.into_iter().enumerate() {
        let token = rig.token.clone();
        asking.spawn(async move {
            assert_eq!(raw.chunk(&token, &chunk(at as u128, 0, "a line\n")).await.status, 200);
        });
    }
    asking.join_all().await;
    assert_eq!(rig.world.state.lock().unwrap().streams.len(), CROWD);
    until("all left", || rig.counters.open() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_who_say_nothing_disturb_nobody() {
    allow_files();
    let limits = Limits {
        connections: 200,
        connections_of_address: 150,
        handshake_time: Duration::from_secs(2),
        ..Limits::default()
    };
    let rig = Rig::new(Mood::default(), limits, 1).await;
    let served = Raw::connect(rig.address).await.unwrap();
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(TcpStream::connect(rig.address).await.unwrap());
    }
    assert_eq!(served.chunk(&rig.token, &chunk(1, 0, "a line\n")).await.status, 200);
    // No more than its share could wait; those are sent away after their time, and then there is room again.
    let refused = |reason| rig.counters.refused(reason);
    until("all are sent away", || refused(Reason::ConnectionsOfAddress) + refused(Reason::Handshake) == CROWD as u64)
        .await;
    assert!(refused(Reason::ConnectionsOfAddress) > 0 && refused(Reason::Handshake) >= 149);
    assert!(Raw::connect(rig.address).await.is_ok());
}

#[tokio::test]
async fn what_speaks_no_tls_is_counted() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let mut plain = TcpStream::connect(rig.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ =
        tokio::time::timeout(Duration::from_secs(10), plain.read_to_end(&mut rest)).await.expect("it was never closed");
    until("it is counted", || rig.counters.refused(Reason::Handshake) == 1).await;
}

#[tokio::test]
async fn who_asks_nothing_for_long_is_sent_away() {
    let limits = Limits { idle_time: Duration::from_millis(300), ..Limits::default() };
    let rig = Rig::new(Mood::default(), limits, 1).await;
    let raw = Raw::connect(rig.address).await.unwrap();
    assert_eq!(raw.post(HELLO_PATH, &rig.token.text(), hello(1)).await.unwrap().status, 200);
    until("it is sent away", || rig.counters.refused(Reason::Idle) == 1).await;
    assert_eq!(rig.counters.open(), 0);
    // Only one with a token holds what others need: a guess is answered before its body is read.
    let again = Raw::connect(rig.address).await.unwrap();
    let guess = Token::generate().unwrap().text();
    assert_eq!(again.post(HELLO_PATH, &guess, vec![b' '; 60_000]).await.unwrap().status, 401);
}
