//! Bad input: each is refused with a reason and counted, and what is good still arrives.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use vigie_shipping::protocol::{
    CHUNK_PATH, HELLO_PATH, Hello, HelloAnswer, Problem, Reason, Received, STATUS_PATH, Status, StatusAnswer,
};
use vigie_shipping::{Chunk, Limits, Token};
use vigie_sources::StreamId;

use crate::raw::{Answer, Raw, chunk, encoded, tls};
use crate::rig::{Rig, until};
use crate::world::{Mood, now_us};

const LINE: &str = "Nov 22 10:00:00 mx1 postfix/qmgr[1]: 4X: removed\n";

async fn rig() -> Rig {
    Rig::new(Mood::default(), Limits::default(), 1).await
}

/// Refused for this reason, counted, with a text that helps; and another collector is served all the same.
async fn refused(rig: &Rig, answer: Answer, status: u16, reason: Reason) -> Problem {
    let problem = answer.problem();
    assert_eq!((answer.status, problem.status, &*problem.reason), (status, status, reason.name()), "{problem:?}");
    assert!(!problem.detail.is_empty() && !problem.hint.is_empty() && !problem.title.is_empty());
    assert!(rig.counters.refused(reason) > 0);
    let others = Raw::connect(rig.address).await.unwrap();
    assert_eq!(others.chunk(&rig.other_token, &chunk(u128::MAX, 0, LINE)).await.status, 200);
    problem
}

fn received(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice::<Received>(&answer.body).unwrap().received
}

#[tokio::test]
async fn a_wrong_token() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    for token in [Token::generate().unwrap().text(), String::new(), "x".repeat(5000)] {
        for path in [HELLO_PATH, CHUNK_PATH, STATUS_PATH] {
            let answer = raw.post(path, &token, encoded(&chunk(1, 0, LINE))).await.unwrap();
            refused(&rig, answer, 401, Reason::Token).await;
        }
    }
    assert_eq!(rig.counters.refused(Reason::Token), 9);
    assert_eq!(rig.world.held(StreamId(1)).received(), 0);
}

#[tokio::test]
async fn a_stream_of_another_collector() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    assert_eq!(received(&raw.chunk(&rig.token, &chunk(1, 0, LINE)).await), LINE.len() as u64);
    let answer = raw.chunk(&rig.other_token, &chunk(1, LINE.len() as u64, LINE)).await;
    refused(&rig, answer, 403, Reason::Foreign).await;
    assert_eq!(rig.world.held(StreamId(1)).durable, LINE.as_bytes());
}

#[tokio::test]
async fn chunks_out_of_order_and_repeated() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let length = LINE.len() as u64;
    let later = chunk(1, length, LINE);
    let answer = raw.chunk(&rig.token, &later).await;
    assert_eq!(refused(&rig, answer, 409, Reason::Gap).await.expected, Some(0));
    assert_eq!(received(&raw.chunk(&rig.token, &chunk(1, 0, LINE)).await), length);
    for _ in 0..3 {
        assert_eq!(received(&raw.chunk(&rig.token, &later).await), 2 * length);
        assert_eq!(received(&raw.chunk(&rig.token, &chunk(1, 0, LINE)).await), 2 * length);
    }
    // One that begins in what is there and goes beyond it.
    assert_eq!(received(&raw.chunk(&rig.token, &chunk(1, length, &LINE.repeat(2))).await), 3 * length);
    assert_eq!(rig.world.held(StreamId(1)).durable, LINE.repeat(3).as_bytes());
}

#[tokio::test]
async fn truncated_chunks() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let whole = encoded(&chunk(1, 0, LINE));
    for length in [0, 1, 47, 48, 50, whole.len() - 1] {
        let answer = raw.post(CHUNK_PATH, &rig.token.text(), whole[..length].to_vec()).await.unwrap();
        refused(&rig, answer, 400, Reason::Malformed).await;
    }
    assert_eq!(rig.world.held(StreamId(1)).received(), 0);
}

#[test]
fn a_chunk_cut_or_changed_anywhere_is_no_chunk() {
    let known = chunk(1, 0, &LINE.repeat(20));
    let whole = encoded(&known);
    for length in 0..whole.len() {
        assert!(Chunk::decode(&whole[..length]).is_err(), "{length}");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            // Stream, offset and label are the connection's to protect; the text is never another.
            if let Ok(read) = Chunk::decode(&changed) {
                assert_eq!(read.bytes, known.bytes, "byte {at} bit {bit}");
            }
        }
    }
}

/// A chunk with other bytes at a place of its header.
fn lying(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut body = encoded(&chunk(1, 0, LINE));
    body[at..at + bytes.len()].copy_from_slice(bytes);
    body
}

#[tokio::test]
async fn lying_lengths() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let length = LINE.len() as u32;
    for (body, status, reason) in [
        (lying(32, &(length - 1).to_le_bytes()), 400, Reason::Malformed),
        (lying(32, &(length + 1).to_le_bytes()), 400, Reason::Malformed),
        (lying(32, &0u32.to_le_bytes()), 400, Reason::Malformed),
        (lying(32, &u32::MAX.to_le_bytes()), 413, Reason::TooLarge),
        (lying(36, &1000u16.to_le_bytes()), 400, Reason::Malformed),
        (lying(36, &u16::MAX.to_le_bytes()), 413, Reason::TooLarge),
        (lying(24, &u64::MAX.to_le_bytes()), 400, Reason::Malformed),
        (lying(40, &[0; 8]), 400, Reason::Malformed),
        (lying(0, b"GET "), 400, Reason::Malformed),
        (lying(48, b"\xFF\xFE"), 400, Reason::Malformed),
        (vec![0; 4 << 20], 413, Reason::TooLarge),
    ] {
        let answer = raw.post(CHUNK_PATH, &rig.token.text(), body).await.unwrap();
        refused(&rig, answer, status, reason).await;
    }
    assert_eq!(rig.world.held(StreamId(1)).received(), 0);
}

#[tokio::test]
async fn decompression_bombs() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let header = |raw_bytes: u32| {
        let mut header = encoded(&Chunk { label: String::new(), ..chunk(1, 0, LINE) })[..48].to_vec();
        header[32..36].copy_from_slice(&raw_bytes.to_le_bytes());
        header
    };
    // 512 MiB of nothing in one frame, and a million of small frames.
    let mut encoder = zstd::Encoder::new(Vec::new(), 19).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 512 << 20), &mut encoder).unwrap();
    let one = encoder.finish().unwrap();
    let many = zstd::bulk::compress(&[b'x'; 1000], 1).unwrap().repeat(50_000);
    for (packed, stated) in [(&one, LINE.len() as u32), (&one, 1 << 20), (&many, 1 << 20)] {
        let body = [&header(stated), &packed[..packed.len().min(1 << 20)]].concat();
        let answer = raw.post(CHUNK_PATH, &rig.token.text(), body).await.unwrap();
        refused(&rig, answer, 400, Reason::Malformed).await;
    }
    let body = [&header(512 << 20), &one[..one.len().min(1 << 20)]].concat();
    let answer = raw.post(CHUNK_PATH, &rig.token.text(), body).await.unwrap();
    refused(&rig, answer, 413, Reason::TooLarge).await;
}

#[tokio::test]
async fn versions_that_are_not_spoken() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let hello = |protocol: u32| Hello {
        protocol,
        program: "x".into(),
        host: "mx1".into(),
        clock_us: now_us(),
        streams: vec![],
    };
    let body = |protocol| serde_json::to_vec(&hello(protocol)).unwrap();
    for (path, body) in [
        (HELLO_PATH, body(0)),
        (CHUNK_PATH, lying(4, &9u16.to_le_bytes())),
        ("/collect/v2/chunk", encoded(&chunk(1, 0, LINE))),
    ] {
        let answer = raw.post(path, &rig.token.text(), body).await.unwrap();
        assert_eq!(refused(&rig, answer, 426, Reason::Version).await.versions, [1]);
    }
    // A collector that is newer speaks what both know.
    let answer = raw.post(HELLO_PATH, &rig.token.text(), body(7)).await.unwrap();
    assert_eq!(serde_json::from_slice::<HelloAnswer>(&answer.body).unwrap().protocol, 1);
}

#[tokio::test]
async fn json_that_is_none_and_paths_that_lead_nowhere() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let deep = "[".repeat(100_000);
    for body in ["", "{", "null", "{\"protocol\":-1}", "{\"protocol\":1e400}", &deep] {
        for path in [HELLO_PATH, STATUS_PATH] {
            let answer = raw.post(path, &rig.token.text(), body.to_owned()).await.unwrap();
            refused(&rig, answer, 400, Reason::Malformed).await;
        }
    }
    for (method, path) in
        [("GET", HELLO_PATH), ("POST", "/"), ("POST", "/collect/v1/hello/"), ("DELETE", "/collect/v999999999999/x")]
    {
        let answer = raw.ask(method, path, &rig.token.text(), "").await.unwrap();
        refused(&rig, answer, 404, Reason::Unknown).await;
    }
}

#[tokio::test]
async fn a_greeting_with_more_than_anybody_has() {
    let rig = rig().await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let hello = |host: usize, streams: usize, label: usize| {
        let known =
            |at: usize| serde_json::json!({"stream": format!("{at:032x}"), "label": "l".repeat(label), "durable": 0});
        let streams: Vec<_> = (0..streams).map(known).collect();
        serde_json::json!({"protocol": 1, "program": "p", "host": "h".repeat(host), "clock_us": 0, "streams": streams})
            .to_string()
    };
    for body in [hello(256, 0, 0), hello(1, 513, 1), hello(1, 1, 1025), " ".repeat(2 << 20)] {
        let answer = raw.post(HELLO_PATH, &rig.token.text(), body).await.unwrap();
        refused(&rig, answer, 413, Reason::TooLarge).await;
    }
    let answer = raw.post(HELLO_PATH, &rig.token.text(), hello(255, 512, 1000)).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_server_that_is_busy_says_when_to_try_again() {
    let rig = Rig::new(Mood { busy: 1, ..Mood::default() }, Limits::default(), 1).await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let answer = raw.chunk(&rig.token, &chunk(1, 0, LINE)).await;
    assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("1")));
    assert_eq!(answer.problem().wait_ms, Some(5));
    rig.world.state.lock().unwrap().mood.busy = 0;
    assert_eq!(received(&raw.chunk(&rig.token, &chunk(1, 0, LINE)).await), LINE.len() as u64);
}

#[tokio::test]
async fn more_requests_at_once_than_one_collector_may() {
    let rig = Rig::new(
        Mood { commit: usize::MAX, ..Mood::default() },
        Limits { requests_of_sender: 2, ..Limits::default() },
        1,
    )
    .await;
    let raw = Raw::connect(rig.address).await.unwrap();
    let waiting = serde_json::to_vec(&Status { wait_ms: 10_000, ..Status::default() }).unwrap();
    let token = rig.token.text();
    let (one, two) = (raw.post(STATUS_PATH, &token, waiting.clone()), raw.post(STATUS_PATH, &token, waiting.clone()));
    let third = async {
        until("two wait", || rig.world.state.lock().unwrap().statuses.len() == 2).await;
        let answer = raw.post(STATUS_PATH, &token, waiting.clone()).await.unwrap();
        let problem = refused(&rig, answer, 429, Reason::TooMany).await;
        assert!(problem.wait_ms.is_some());
    };
    tokio::select! {
        _ = one => panic!("it had nothing to answer"),
        _ = two => panic!("it had nothing to answer"),
        () = third => {}
    }
    // Those that went away make room.
    let end = Instant::now() + Duration::from_secs(10);
    while received_status(&raw, &token).await.is_none() {
        assert!(Instant::now() < end);
    }
}

async fn received_status(raw: &Raw, token: &str) -> Option<StatusAnswer> {
    let answer = raw.post(STATUS_PATH, token, serde_json::to_vec(&Status::default()).unwrap()).await.unwrap();
    (answer.status == 200).then(|| serde_json::from_slice(&answer.body).unwrap())
}

#[tokio::test]
async fn a_status_is_answered_when_something_becomes_durable() {
    let rig = Rig::new(Mood { commit: usize::MAX, ..Mood::default() }, Limits::default(), 1).await;
    let raw = Raw::connect(rig.address).await.unwrap();
    received(&raw.chunk(&rig.token, &chunk(1, 0, LINE)).await);
    let known = serde_json::json!({"clock_us": 0, "backlog_bytes": 0, "wait_ms": 10_000, "from_the_future": [1],
        "streams": [{"stream": format!("{:032x}", 1), "offset": 0}]});
    let began = Instant::now();
    let token = rig.token.text();
    let asking = raw.post(STATUS_PATH, &token, known.to_string());
    let committing = async {
        until("it waits", || !rig.world.state.lock().unwrap().statuses.is_empty()).await;
        rig.world.commit();
    };
    let (answer, ()) = tokio::join!(asking, committing);
    let answer: StatusAnswer = serde_json::from_slice(&answer.unwrap().body).unwrap();
    assert_eq!((answer.durable.len(), answer.durable[0].offset), (1, LINE.len() as u64));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_body_that_trickles() {
    let limits = Limits { body_time: Duration::from_millis(300), ..Limits::default() };
    let rig = Rig::new(Mood::default(), limits, 1).await;
    let mut slow = tls(rig.address, b"http/1.1").await.unwrap();
    let head = format!(
        "POST {CHUNK_PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 100000\r\n\r\nVG",
        rig.token.text()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut text = vec![0; 12];
    slow.read_exact(&mut text).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&text), "HTTP/1.1 408");
    until("it is counted", || rig.counters.refused(Reason::Slow) == 1).await;
}

#[tokio::test]
async fn headers_that_trickle() {
    let limits =
        Limits { header_time: Duration::from_millis(300), idle_time: Duration::from_millis(600), ..Limits::default() };
    let rig = Rig::new(Mood::default(), limits, 1).await;
    for protocol in [&b"http/1.1"[..], b"h2"] {
        let mut slow = tls(rig.address, protocol).await.unwrap();
        slow.write_all(b"PRI * HTTP/2").await.unwrap();
        let mut rest = Vec::new();
        // It ends, whatever it says before that.
        let _ = tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut rest))
            .await
            .expect("it was never closed");
    }
    until("both are closed", || rig.counters.open() == 0).await;
}

#[tokio::test]
async fn a_body_that_ends_early() {
    let rig = rig().await;
    let mut cut = tls(rig.address, b"http/1.1").await.unwrap();
    let head = format!(
        "POST {CHUNK_PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 99\r\n\r\nVG",
        rig.token.text()
    );
    cut.write_all(head.as_bytes()).await.unwrap();
    cut.shutdown().await.unwrap();
    until("it is counted", || rig.counters.refused(Reason::Malformed) + rig.counters.refused(Reason::Broken) > 0).await;
    until("it is closed", || rig.counters.open() == 0).await;
}

#[tokio::test]
async fn one_who_does_not_read_answers() {
    let limits = Limits { idle_time: Duration::from_millis(500), ..Limits::default() };
    let rig = Rig::new(Mood::default(), limits, 1).await;
    let mut deaf = tls(rig.address, b"http/1.1").await.unwrap();
    let asked = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nx: {}\r\n\r\n", "y".repeat(1000));
    let raw = Raw::connect(rig.address).await.unwrap();
    // It asks until nothing more is taken, and never reads.
    let asking = async {
        while tokio::time::timeout(Duration::from_secs(2), deaf.write_all(asked.as_bytes()))
            .await
            .is_ok_and(|sent| sent.is_ok())
        {}
    };
    let others = async {
        for at in 0..50 {
            assert_eq!(
                received(&raw.chunk(&rig.token, &chunk(1, at * LINE.len() as u64, LINE)).await),
                (at + 1) * LINE.len() as u64
            );
        }
    };
    tokio::join!(asking, others);
    drop(raw);
    until("it is closed", || rig.counters.open() == 0).await;
}
