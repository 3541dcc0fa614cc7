//! What may be in the way, and going back.

use std::fs;
use std::time::{Duration, Instant};

use vigie_sources::{Feed, FeedEvent, Follower, IN_FLIGHT_PIECES_MAX, STREAMS_MAX, SourceError, Start, StreamId};

use super::rig::Rig;
use super::samples::{Packing, pack};
use super::yard::{Naming, Yard, compress};

fn unreadable(rig: &Rig) -> usize {
    rig.told(|event| matches!(event, FeedEvent::Unreadable { .. }))
}

fn returned(rig: &Rig) -> usize {
    rig.told(|event| matches!(event, FeedEvent::Returned { .. }))
}

#[test]
fn a_directory_in_its_place() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(2);
    rig.poll();
    rig.yard.append_lines(1);
    rig.yard.rename();
    fs::create_dir(rig.yard.path()).unwrap();
    for _ in 0..5 {
        rig.poll();
        rig.pass(20);
    }
    assert_eq!((unreadable(&rig), returned(&rig)), (1, 0), "{:?}", rig.events);
    let line = rig.yard.line();
    rig.yard.append_to_renamed(&line);
    fs::remove_dir(rig.yard.path()).unwrap();
    rig.yard.append_lines(1);
    rig.poll();
    assert_eq!((unreadable(&rig), returned(&rig)), (1, 1));
    rig.expect_all();
}

#[test]
fn a_file_that_may_not_be_read_is_tried_again() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(2);
    rig.poll();
    rig.yard.append_lines(1);
    rig.yard.rotate();
    // For everybody, root too: a link to itself.
    let hidden = rig.yard.beside("hidden");
    fs::rename(rig.yard.path(), &hidden).unwrap();
    std::os::unix::fs::symlink(rig.yard.path(), rig.yard.path()).unwrap();
    for _ in 0..5 {
        rig.poll();
        rig.pass(20);
    }
    assert_eq!((unreadable(&rig), returned(&rig)), (1, 0), "{:?}", rig.events);
    rig.stop_and_start();
    rig.poll();
    fs::remove_file(rig.yard.path()).unwrap();
    fs::rename(&hidden, rig.yard.path()).unwrap();
    rig.yard.append_lines(1);
    rig.poll();
    rig.expect_all();
    assert_eq!(returned(&rig), 1);
}

#[test]
fn permission_is_lost_and_comes_back() {
    use std::os::unix::fs::PermissionsExt;
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(2);
    let allow = |rig: &Rig, mode| fs::set_permissions(rig.yard.path(), fs::Permissions::from_mode(mode)).unwrap();
    allow(&rig, 0o000);
    // root reads everything: then there is no trouble to be told.
    let is_refused = fs::File::open(rig.yard.path()).is_err();
    rig.poll();
    assert_eq!((unreadable(&rig), rig.streams().is_empty()), (usize::from(is_refused), is_refused));
    allow(&rig, 0o644);
    rig.expect_all();
    assert_eq!(returned(&rig), usize::from(is_refused));
}

#[test]
fn pieces_in_flight_are_bounded() {
    let mut rig = Rig::new(Naming::Numbers);
    let mut given = 0;
    for _ in 0..IN_FLIGHT_PIECES_MAX + 50 {
        rig.yard.append_lines(1);
        given += rig.poll();
    }
    assert_eq!(given, IN_FLIGHT_PIECES_MAX);
    // Rotations are seen all the same.
    rig.yard.copytruncate();
    rig.yard.append_lines(1);
    assert_eq!(rig.poll(), 0);
    rig.yard.rotate();
    rig.yard.append_lines(1);
    assert_eq!(rig.poll(), 0);
    assert!(rig.follower.backlog_bytes() > 0);
    rig.expect_all();
}

#[test]
fn what_is_not_durable_comes_again_after_a_restart() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(9_000);
    rig.poll();
    let (stream, first) = (rig.order[0], rig.server[&rig.order[0]].bytes.clone());
    for durable in [0, 1, 262_100, 300_001, first.len() as u64] {
        rig.durable(stream, durable);
        rig.stop_and_start();
        assert_eq!(rig.follower.places()[0].offset, durable);
        let piece = rig.follower.next().unwrap();
        match piece {
            Some(piece) => assert_eq!(
                (piece.stream, piece.offset, piece.bytes[..9].to_vec()),
                (stream, durable, first[durable as usize..][..9].to_vec())
            ),
            None => assert_eq!(durable, first.len() as u64),
        }
    }
    rig.expect_all();
}

#[test]
fn the_server_holds_more_than_the_places_say() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(5_000);
    rig.poll();
    rig.restart();
    let (stream, end) = (rig.order[0], rig.server[&rig.order[0]].end());
    rig.durable(stream, end);
    assert_eq!(rig.poll(), 0);
    rig.yard.append_lines(1);
    rig.expect_all();
}

#[test]
fn going_back_to_any_line_and_never_below_what_is_durable() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(5_000);
    rig.poll();
    let stream = rig.order[0];
    rig.durable(stream, 1_000);
    for offset in [1_000, 262_000, 1_001, 300_000] {
        rig.rewind(stream, offset).unwrap();
        rig.poll();
        assert_eq!(rig.streams(), rig.expected());
    }
    assert!(matches!(rig.rewind(stream, 999), Err(SourceError::NotAgain { offset: 999, .. })));
    let error = rig.follower.rewind(vigie_sources::StreamId(7), 0).unwrap_err();
    assert!(!error.hint().is_empty());
    rig.expect_all();
}

#[test]
fn going_back_in_a_file_that_has_ended_gives_its_end_again() {
    for packing in [None, Some(Packing::Xz)] {
        let mut rig = Rig::new(Naming::Numbers);
        rig.yard.append_lines(5_000);
        rig.poll_some(1);
        let copy = rig.yard.copytruncate();
        packing.map(|packing| compress(&copy, packing));
        rig.yard.append_lines(1);
        rig.poll();
        assert!(rig.server[&rig.order[0]].is_ended);
        rig.rewind(rig.order[0], 70).unwrap();
        rig.poll();
        assert!(rig.server[&rig.order[0]].is_ended);
        rig.expect_all();
    }
}

#[test]
fn a_copy_that_lacks_what_was_read_is_enough_until_someone_goes_back() {
    for is_rewound in [false, true] {
        let mut rig = Rig::new(Naming::Numbers);
        rig.yard.append_lines(3);
        let copied = rig.yard.generations[0].len() as u64;
        rig.poll();
        rig.yard.copy();
        rig.yard.append_lines(2);
        rig.poll();
        rig.yard.truncate();
        rig.yard.append_lines(1);
        rig.poll();
        if !is_rewound {
            rig.expect_all();
            continue;
        }
        rig.rewind(rig.order[0], 0).unwrap();
        rig.settle();
        assert_eq!(rig.server[&rig.order[0]].end(), copied);
        let lost = rig.losses();
        assert!(matches!(lost[..], [FeedEvent::Lost { from, bytes: Some(_), .. }] if from == copied), "{lost:?}");
    }
}

#[test]
fn a_damaged_copy_gives_what_stands_before_the_damage() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    rig.yard.append_lines(20_000);
    let copy = rig.yard.copytruncate();
    let mut packed = pack(&fs::read(&copy).unwrap(), Packing::Gzip);
    packed.truncate(packed.len() / 2);
    fs::remove_file(&copy).unwrap();
    fs::write(rig.yard.beside("mail.log.1.gz"), packed).unwrap();
    rig.yard.append_lines(1);
    rig.settle();
    let (held, lost) = (&rig.server[&rig.order[0]], rig.losses());
    assert!(held.is_ended && held.end() > 100_000 && held.bytes.ends_with(b"\n"), "{}", held.end());
    assert!(matches!(lost[..], [FeedEvent::Lost { from, .. }] if from == held.end()), "{lost:?}");
    assert!((1..=2).contains(&unreadable(&rig)), "{:?}", rig.events);
    assert_eq!(rig.streams()[1], rig.expected()[1]);
}

#[test]
fn more_rotations_than_streams_are_read_one_after_the_other() {
    let mut rig = Rig::new(Naming::Dates);
    rig.yard.append_lines(1);
    rig.poll();
    rig.save();
    for _ in 0..STREAMS_MAX + 20 {
        rig.yard.rotate();
        rig.yard.append_lines(1);
    }
    rig.restart();
    rig.poll();
    assert!(rig.follower.places().len() <= STREAMS_MAX);
    rig.expect_all();
}

/// The real clock, and real races: rotations by the thousandth of a second. (By date: names that are shifted as fast cannot be
/// told apart while the folder is read.)
#[test]
fn written_and_rotated_while_it_is_read() {
    for _ in 0..3 {
        let mut yard = Yard::new(Naming::Dates);
        yard.append("first\n");
        let mut follower = Follower::new(yard.path(), Vec::new(), Start::Beginning);
        let mut streams: Vec<(StreamId, Vec<u8>)> = Vec::new();
        let mut poll = |follower: &mut Follower| {
            while let Some(piece) = follower.next().expect("a feed that never fails") {
                if streams.iter().all(|(id, _)| *id != piece.stream) {
                    streams.push((piece.stream, Vec::new()));
                }
                let (_, bytes) = streams.iter_mut().find(|(id, _)| *id == piece.stream).expect("a stream");
                assert_eq!(bytes.len() as u64, piece.offset);
                bytes.extend_from_slice(&piece.bytes);
                follower.durable(piece.stream, piece.end());
            }
            streams.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
        };
        poll(&mut follower);
        let writer = std::thread::spawn(move || {
            for _ in 0..60 {
                yard.append_lines(200);
                let rotated = yard.rotate();
                for _ in 0..50 {
                    let line = yard.line();
                    yard.append_to_renamed(&line);
                }
                yard.append_lines(20);
                drop(rotated);
            }
            yard
        });
        while !writer.is_finished() {
            poll(&mut follower);
        }
        let yard = writer.join().expect("a writer that ends");
        let wanted: usize = yard.generations.iter().map(Vec::len).sum();
        let deadline = Instant::now() + Duration::from_secs(5);
        while poll(&mut follower) < wanted && Instant::now() < deadline {}
        let read: Vec<Vec<u8>> = streams.into_iter().map(|(_, bytes)| bytes).collect();
        let short: Vec<usize> = (0..read.len()).filter(|at| read.get(*at) != yard.generations.get(*at)).collect();
        assert!(read == yard.generations, "{} streams, other: {short:?}", read.len());
    }
}

#[test]
fn broken_places_do_no_harm() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    rig.durable(rig.order[0], 30);
    let place = rig.follower.places().remove(0);
    for (offset, hashed, hash) in [(u64::MAX, u64::MAX, 1), (5, 30, place.hash), (u64::MAX, 0, place.hash), (30, 0, 9)]
    {
        let broken = vigie_sources::Place { offset, hashed, hash, ..place.clone() };
        let mut follower =
            vigie_sources::Follower::new(rig.yard.path(), vec![broken.clone(), broken], Default::default());
        for _ in 0..5 {
            follower.next().unwrap();
        }
        follower.durable(place.stream, u64::MAX);
        let _ = follower.rewind(place.stream, u64::MAX);
        follower.next().unwrap();
        assert!(follower.places().len() <= 3);
    }
}
