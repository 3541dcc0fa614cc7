//! The wire's version 1, as it was recorded: a change that breaks it breaks these.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vigie_shipping::protocol::{
    Durable, HEADER_BYTES, HeldStream, Hello, HelloAnswer, KnownStream, Problem, Received, Status, StatusAnswer,
    WireLimits,
};
use vigie_shipping::{Chunk, Placement, Refusal};
use vigie_sources::StreamId;

const STREAM: StreamId = StreamId(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);

fn recorded(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/v1").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Says the value what was recorded, and is it read from it, among fields that a newer program may add?
#[track_caller]
fn is_recorded<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, value: &T) {
    let text = recorded(name);
    let text = text.trim_ascii_end();
    let written = serde_json::to_string(value).unwrap();
    assert_eq!(written, String::from_utf8_lossy(text), "{name}");
    assert_eq!(serde_json::from_slice::<T>(text).unwrap(), *value, "{name}");
    let newer = format!("{{\"added_later\":{{\"x\":[1,null]}},{}", &written[1..]);
    assert_eq!(serde_json::from_str::<T>(&newer).unwrap(), *value, "{name}");
}

fn recorded_chunk() -> Chunk {
    Chunk {
        stream: STREAM,
        label: "/var/log/mail.log".into(),
        offset: 4_294_967_296,
        bytes: b"Nov 22 10:00:00 mx1 postfix/qmgr[1]: 4X: removed\nno end".to_vec(),
        is_last: true,
        after_loss: true,
    }
}

#[test]
fn requests_are_written_as_recorded() {
    let known = KnownStream { stream: STREAM, label: "/var/log/mail.log".into(), durable: 1234 };
    is_recorded(
        "hello.json",
        &Hello {
            protocol: 1,
            program: "vigie-collector 0.1.0".into(),
            host: "mx1.example.org".into(),
            clock_us: 1_763_812_800_000_000,
            streams: vec![known],
        },
    );
    is_recorded(
        "status.json",
        &Status {
            clock_us: 1_763_812_800_000_000,
            backlog_bytes: 17,
            losses: 1,
            lost_bytes: 99,
            events: BTreeMap::from([("away".into(), 2)]),
            streams: vec![Durable { stream: STREAM, offset: 1234 }],
            wait_ms: 5000,
        },
    );
}

#[test]
fn answers_are_written_as_recorded() {
    is_recorded(
        "hello-answer.json",
        &HelloAnswer {
            protocol: 1,
            program: "vigie 0.1.0".into(),
            clock_us: 1_763_812_800_000_001,
            streams: vec![HeldStream { stream: STREAM, durable: 1234, received: 2345 }],
            limits: WireLimits { chunk_bytes: 1_048_576, streams: 512, requests: 8, wait_ms: 10_000 },
        },
    );
    let durable = vec![Durable { stream: STREAM, offset: 2000 }];
    is_recorded("received.json", &Received { received: 2345, durable: durable.clone(), wait_ms: 0 });
    is_recorded("status-answer.json", &StatusAnswer { clock_us: 1_763_812_800_000_002, durable });
    is_recorded::<Problem>("problem-gap.json", &Refusal::Gap { expected: 2345 }.problem());
    is_recorded::<Problem>("problem-version.json", &Refusal::Version { asked: 9 }.problem());
    is_recorded::<Problem>("problem-busy.json", &Refusal::Busy { wait_ms: 250 }.problem());
}

#[test]
fn a_chunk_is_read_as_recorded_and_its_header_written_so() {
    let bytes = recorded("chunk.bin");
    assert_eq!(Chunk::decode(&bytes), Ok(recorded_chunk()));
    let written = recorded_chunk().encode(&mut zstd::bulk::Compressor::new(1).unwrap()).unwrap();
    // What zstd makes of the text may change with its version; nothing else may.
    let head = HEADER_BYTES + recorded_chunk().label.len();
    assert_eq!(written[..head], bytes[..head]);
    assert_eq!(Chunk::decode(&written), Ok(recorded_chunk()));
}

#[test]
fn flags_of_a_newer_version_are_passed_over() {
    let mut bytes = recorded("chunk.bin");
    bytes[7] = 0xFF;
    bytes[38..40].copy_from_slice(&[0xFF; 2]);
    assert_eq!(Chunk::decode(&bytes), Ok(recorded_chunk()));
}

#[test]
fn the_answers_of_an_older_server_suffice() {
    let answer: HelloAnswer = serde_json::from_str("{\"protocol\":1,\"clock_us\":0}").unwrap();
    assert_eq!((answer.streams.len(), answer.limits), (0, WireLimits::default()));
    assert_eq!(serde_json::from_str::<Received>("{\"received\":7}").unwrap().received, 7);
}

#[test]
fn a_label_is_cut_between_characters() {
    let long = Chunk { label: "é".repeat(2000), ..recorded_chunk() };
    let written = long.encode(&mut zstd::bulk::Compressor::new(1).unwrap()).unwrap();
    assert_eq!(Chunk::decode(&written).unwrap().label, "é".repeat(512));
}

#[test]
fn a_chunk_is_placed_by_its_offsets() {
    let chunk = Chunk { offset: 10, bytes: b"0123456789".to_vec(), is_last: false, ..recorded_chunk() };
    assert_eq!(chunk.placement(9), Placement::Gap);
    assert_eq!(chunk.placement(10), Placement::New(b"0123456789"));
    assert_eq!(chunk.placement(15), Placement::New(b"56789"));
    assert_eq!(chunk.placement(20), Placement::Known);
    assert_eq!(chunk.placement(u64::MAX), Placement::Known);
    let last = Chunk { is_last: true, ..chunk };
    assert_eq!(last.placement(20), Placement::New(b""));
    assert_eq!(last.placement(21), Placement::Known);
}
