//! Spools: what was taken comes out once and in order, whatever was cut off, restarted, refused or read again.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vigie_sources::spool::{
    Block, Origin, SEGMENT_BYTES_MAX, SPOOL_BYTES_MIN, Spool, SpoolConfig, SpoolError, SpoolEvent, SpoolFeed,
};
use vigie_sources::{Feed, FeedEvent, LINE_BYTES_MAX, PIECE_BYTES_MAX, StreamId};
use vigie_testkit::random::Random;

fn config(dir: &Path) -> SpoolConfig {
    SpoolConfig { bytes_max: SPOOL_BYTES_MIN, ..SpoolConfig::new(dir, "udp 127.0.0.1:514") }
}

fn open(dir: &Path, entropy: u128) -> (Spool, SpoolFeed) {
    Spool::open(config(dir), entropy).expect("a spool")
}

/// Everything that there is now, with what it says of the last pieces.
fn drain(feed: &mut SpoolFeed) -> (Vec<u8>, Vec<(StreamId, u64, bool)>) {
    let (mut bytes, mut pieces) = (Vec::new(), Vec::new());
    while let Some(piece) = feed.next().expect("readable") {
        assert!(piece.bytes.len() <= PIECE_BYTES_MAX);
        assert!(piece.bytes.is_empty() || piece.bytes.ends_with(b"\n"));
        pieces.push((piece.stream, piece.offset + piece.bytes.len() as u64, piece.is_last));
        bytes.extend(piece.bytes);
    }
    (bytes, pieces)
}

fn make_durable(feed: &mut SpoolFeed, pieces: &[(StreamId, u64, bool)]) {
    pieces.iter().for_each(|(stream, end, _)| feed.durable(*stream, *end));
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "lines")).collect();
    paths.sort();
    paths
}

#[test]
fn lines_come_out_as_they_went_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    assert_eq!(feed.next().expect("readable"), None);
    spool.append(b"one").expect("room");
    spool.append(b"two\nlines\0").expect("room");
    let (bytes, pieces) = drain(&mut feed);
    assert_eq!(bytes, b"one\ntwo#012lines#000\n");
    assert_eq!((pieces.len(), pieces[0].2), (1, false));
    assert_eq!(feed.label(), "udp 127.0.0.1:514");
    assert!(feed.places().is_empty());
    let counters = spool.counters();
    assert_eq!((counters.accepted_lines, counters.accepted_bytes, counters.backlog_bytes), (2, 21, 0));
}

#[test]
fn a_torn_end_is_cut_off_at_whatever_byte() {
    let source = tempfile::tempdir().expect("a folder");
    let (spool, _feed) = open(source.path(), 1);
    let lines: Vec<String> = (0..12).map(|number| "x".repeat(number * 7 % 31)).collect();
    lines.iter().for_each(|line| spool.append(line.as_bytes()).expect("room"));
    let segment = segments(source.path()).remove(0);
    let bytes = fs::read(&segment).expect("a segment");
    for cut in 0..=bytes.len() {
        let whole = memchr::memrchr(b'\n', &bytes[..cut]).map_or(0, |newline| newline + 1);
        for garbage in [&b""[..], b"\0half\n"] {
            let folder = tempfile::tempdir().expect("a folder");
            let torn = folder.path().join(segment.file_name().expect("a name"));
            fs::write(&torn, [&bytes[..cut], garbage].concat()).expect("written");
            let (spool, mut feed) = open(folder.path(), 2);
            spool.append(b"new").expect("room");
            let (given, pieces) = drain(&mut feed);
            assert_eq!(given, [&bytes[..whole], b"new\n"].concat(), "cut at {cut}, then {garbage:?}");
            // What is new stands in a stream of its own: the server may know the old one longer than it is here.
            assert_eq!(pieces.len(), 1 + usize::from(whole > 0));
            let torn_bytes = (cut - whole + garbage.len()) as u64;
            let told = feed.events();
            assert_eq!(told.is_empty(), torn_bytes == 0);
            assert!(told.iter().all(
                |event| matches!(event, FeedEvent::Spool(SpoolEvent::Torn { bytes, .. }) if *bytes == torn_bytes)
            ));
        }
    }
}

#[test]
fn a_restart_gives_the_same_streams_and_offsets_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    (0..1000).for_each(|number| spool.append(format!("line {number}").as_bytes()).expect("room"));
    let first = feed.next().expect("readable").expect("a piece");
    feed.durable(first.stream, 500);
    drop((spool, feed));
    let (_spool, mut feed) = open(folder.path(), 2);
    let again = feed.next().expect("readable").expect("a piece");
    assert_eq!((again.stream, again.offset, &again.bytes), (first.stream, 0, &first.bytes));
    assert!(again.is_last, "an earlier process's segment is ended");
    // The server says where it stands, which may be within a line.
    feed.rewind(first.stream, 503).expect("known");
    let rest = feed.next().expect("readable").expect("a piece");
    assert_eq!((rest.offset, rest.bytes.as_slice(), rest.is_last), (503, &first.bytes[503..], true));
}

#[test]
fn a_server_that_holds_more_than_the_disk_kept_ends_the_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    spool.append(b"kept").expect("room");
    spool.append(b"lost by the disk").expect("room");
    let given = feed.next().expect("readable").expect("a piece");
    drop((spool, feed));
    fs::File::options().write(true).open(&segments(folder.path())[0]).and_then(|file| file.set_len(5)).expect("cut");
    let (spool, mut feed) = open(folder.path(), 2);
    feed.durable(given.stream, given.bytes.len() as u64);
    let last = feed.next().expect("readable").expect("a piece");
    assert_eq!((last.stream, last.offset, last.bytes.is_empty(), last.is_last), (given.stream, 5, true, true));
    assert!(segments(folder.path()).is_empty());
    spool.append(b"new").expect("room");
    let new = feed.next().expect("readable").expect("a piece");
    assert_ne!(new.stream, given.stream);
    assert_eq!((new.offset, new.bytes.as_slice()), (0, &b"new\n"[..]));
}

#[test]
fn a_server_that_claims_more_than_there_is_does_not_make_later_lines_durable() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    spool.append(b"one").expect("room");
    let given = feed.next().expect("readable").expect("a piece");
    feed.durable(given.stream, u64::MAX);
    let line = vec![b'x'; LINE_BYTES_MAX];
    (0..3).for_each(|_| spool.append(&line).expect("room"));
    let (_, pieces) = drain(&mut feed);
    assert!(pieces[0].2 && pieces[0].0 == given.stream);
    feed.rewind(given.stream, 4).expect("still there");
    assert_eq!(feed.next().expect("readable").expect("a piece").offset, 4);
}

#[test]
fn segments_rotate_end_and_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SpoolConfig::new(folder.path(), "x");
    let (spool, mut feed) = Spool::open(config, 1).expect("a spool");
    let line = vec![b'x'; 1 << 16];
    let count = 2 * SEGMENT_BYTES_MAX / (1 << 16);
    (0..count).for_each(|_| spool.append(&line).expect("room"));
    assert_eq!(segments(folder.path()).len(), 3);
    let (bytes, pieces) = drain(&mut feed);
    assert_eq!(bytes.len() as u64, count * ((1 << 16) + 1));
    let last: Vec<_> = pieces.iter().filter(|(_, _, is_last)| *is_last).collect();
    assert_eq!(last.len(), 2);
    feed.durable(last[0].0, last[0].1 - 1);
    assert_eq!(segments(folder.path()).len(), 3);
    feed.durable(last[0].0, last[0].1);
    assert_eq!(segments(folder.path()).len(), 2);
    feed.rewind(last[0].0, 0).expect("a stream that went is no trouble");
    assert_eq!(feed.next().expect("readable"), None);
    make_durable(&mut feed, &pieces);
    assert_eq!(segments(folder.path()).len(), 1);
}

#[test]
fn a_segment_that_was_given_out_before_it_was_sealed_still_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    let line = vec![b'x'; LINE_BYTES_MAX];
    spool.append(&line).expect("room");
    let (_, before) = drain(&mut feed);
    make_durable(&mut feed, &before);
    assert_eq!(segments(folder.path()).len(), 1);
    (0..2).for_each(|_| spool.append(&line).expect("room"));
    let last = feed.next().expect("readable").expect("a piece");
    assert_eq!((last.stream, last.is_last), (before[0].0, true));
    let (_, after) = drain(&mut feed);
    assert_ne!(after[0].0, before[0].0);
}

#[test]
fn a_full_spool_warns_first_refuses_then_and_loses_nothing_it_took() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    let mut taken = Vec::new();
    let mut warned_at = None;
    let error = loop {
        let line = format!("{:0>999}", taken.len() / 1000);
        match spool.append(line.as_bytes()) {
            Ok(()) => taken.extend_from_slice(format!("{line}\n").as_bytes()),
            Err(error) => break error,
        }
        for event in feed.events() {
            assert!(matches!(event, FeedEvent::Spool(SpoolEvent::NearlyFull { .. })), "{event}");
            assert!(event.to_string().contains("what comes by UDP is lost"), "{event}");
            assert!(warned_at.replace(taken.len() as u64).is_none(), "it is said once");
        }
    };
    let warned_at = warned_at.expect("a warning before the end");
    assert!((SPOOL_BYTES_MIN * 80 / 100..SPOOL_BYTES_MIN * 81 / 100).contains(&warned_at), "{warned_at}");
    assert!(
        matches!(&error, SpoolError::Full { held_bytes, bytes_max: SPOOL_BYTES_MIN, .. } if *held_bytes == taken.len() as u64)
    );
    assert!(error.to_string().contains(&taken.len().to_string()) && error.hint().contains("server"), "{error}");
    assert!(spool.append(b"x").is_ok(), "a shorter line still has room");
    taken.extend_from_slice(b"x\n");
    assert!(!spool.has_room(1000));
    assert!(spool.append(&[b'y'; 999]).is_err());
    spool.note_lost(2, "which datagrams cannot wait for");
    spool.note_lost(3, "which datagrams cannot wait for");
    let told: Vec<String> = feed.events().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("is full") && told[1].starts_with("5 lines were lost"), "{told:?}");
    assert_eq!((spool.counters().refused_lines, spool.counters().lost_lines), (2, 5));
    let (bytes, pieces) = drain(&mut feed);
    assert!(bytes == taken);
    make_durable(&mut feed, &pieces);
    assert!(spool.has_room(1000));
    assert!(matches!(&feed.events()[..], [FeedEvent::Spool(SpoolEvent::Relieved { lost_lines: 5, .. })]));
    spool.append(&[b'y'; 999]).expect("room again");
}

#[test]
fn a_block_is_taken_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    let mut block = Block::new();
    (0..10_000).for_each(|_| block.push(&[b'x'; 99]));
    spool.append_block(&block).expect("room");
    assert!(spool.append_block(&block).is_err());
    assert_eq!(drain(&mut feed).0.len(), 1_000_000);
    assert_eq!(spool.counters().refused_lines, 10_000);
}

#[test]
fn two_processes_do_not_share_a_spool() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = open(folder.path(), 1);
    let error = Spool::open(config(folder.path()), 2).expect_err("in use");
    assert!(matches!(error, SpoolError::InUse { .. }), "{error}");
    drop(held);
    open(folder.path(), 3);
}

#[test]
fn a_folder_that_cannot_be_made_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("written");
    let error = Spool::open(config(&file.join("spool")), 1).expect_err("no folder");
    assert!(matches!(&error, SpoolError::Open { path, .. } if path.starts_with(&file)), "{error}");
    assert!(error.hint().contains("ls -ld"));
}

#[test]
fn files_that_somebody_took_away_are_told_and_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    spool.append(b"taken away").expect("room");
    fs::remove_file(&segments(folder.path())[0]).expect("removed");
    let last = feed.next().expect("readable").expect("a piece");
    assert!(last.is_last && last.bytes.is_empty());
    assert!(matches!(&feed.events()[..], [FeedEvent::Spool(SpoolEvent::Vanished { bytes: 11, .. })]));
    spool.append(b"after").expect("room");
    assert_eq!(drain(&mut feed).0, b"after\n");
}

#[test]
fn a_resumable_source_is_given_out_when_synced_and_its_last_line_is_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SpoolConfig { origin: Origin::Resumable, ..config(folder.path()) };
    let (spool, mut feed) = Spool::open(config.clone(), 1).expect("a spool");
    assert_eq!(spool.last_line().expect("readable"), None);
    spool.append(b"first").expect("room");
    assert_eq!(feed.next().expect("readable"), None);
    spool.sync().expect("synced");
    spool.append(b"second").expect("room");
    assert_eq!(drain(&mut feed).0, b"first\n");
    assert_eq!(spool.last_line().expect("readable").as_deref(), Some(&b"second"[..]));
    drop((spool, feed));
    for entropy in 2..5 {
        let (spool, mut feed) = Spool::open(config.clone(), entropy).expect("a spool");
        let (_, pieces) = drain(&mut feed);
        make_durable(&mut feed, &pieces);
        assert!(segments(folder.path()).is_empty());
        assert_eq!(spool.last_line().expect("readable").as_deref(), Some(&b"second"[..]));
    }
    let (spool, _feed) = Spool::open(config.clone(), 5).expect("a spool");
    spool.append(b"third").expect("room");
    assert_eq!(spool.last_line().expect("readable").as_deref(), Some(&b"third"[..]));
}

#[test]
fn writers_and_the_reader_do_not_disturb_each_other() {
    const WRITERS: usize = 4;
    const LINES: usize = 5000;
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = open(folder.path(), 1);
    let mut next_of = [0; WRITERS];
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let spool = spool.clone();
            scope.spawn(move || {
                for number in 0..LINES {
                    let line = format!("{writer} {number} {}", "x".repeat(100));
                    while spool.append(line.as_bytes()).is_err() {
                        spool.wait_for_room(std::time::Duration::from_millis(10));
                    }
                }
            });
        }
        while next_of != [LINES; WRITERS] {
            let Some(piece) = feed.next().expect("readable") else { continue };
            for line in piece.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let text = std::str::from_utf8(line).expect("text");
                let mut words = text.split(' ').map(|word| word.parse::<usize>());
                let (Some(Ok(writer)), Some(Ok(number))) = (words.next(), words.next()) else { panic!("{text}") };
                assert_eq!(number, next_of[writer], "in order, nothing missing, nothing twice");
                next_of[writer] += 1;
            }
            feed.durable(piece.stream, piece.offset + piece.bytes.len() as u64);
        }
    });
}

/// Where this test finds its small disk, when it is started within the namespace that has one.
const SMALL_DISK: &str = "VIGIE_SMALL_DISK";

/// Runs a test of this program where 2 MiB of memory are the disk. Only root can make one: without that right, nothing can be tried.
fn on_a_small_disk(test: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let script = r#"mount -t tmpfs -o size=2m vigie "$0" || exit 77; exec "$1" --exact "$2" --nocapture"#;
    let program = std::env::current_exe().expect("this program");
    let started = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .args([folder.path(), &program, Path::new(test)])
        .env(SMALL_DISK, folder.path())
        .output();
    if let Ok(output) = started
        && output.status.code() != Some(77)
        && !String::from_utf8_lossy(&output.stderr).contains("unshare failed")
    {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
}

#[test]
fn a_full_disk_is_told_before_and_drained_whatever_the_origin() {
    let Some(disk) = std::env::var_os(SMALL_DISK) else {
        return on_a_small_disk("a_full_disk_is_told_before_and_drained_whatever_the_origin");
    };
    for origin in [Origin::Transient, Origin::Resumable] {
        let config = SpoolConfig { origin, ..SpoolConfig::new(Path::new(&disk).join(format!("{origin:?}")), "x") };
        let (spool, mut feed) = Spool::open(config.clone(), 1).expect("a spool");
        let mut taken = Vec::new();
        let error = loop {
            let line = vec![b'a' + (taken.len() % 26) as u8; 10_000];
            match spool.append(&line) {
                Ok(()) => taken.extend([&line[..], b"\n"].concat()),
                Err(error) => break error,
            }
            spool.sync().expect("synced");
        };
        assert!(matches!(error, SpoolError::DiskFull { .. }), "{error}");
        assert!(error.hint().contains("df -h"));
        let told = feed.events();
        assert!(matches!(told[0], FeedEvent::Spool(SpoolEvent::NearlyFull { .. })), "{told:?}");
        assert!(matches!(told[1], FeedEvent::Spool(SpoolEvent::Full { .. })), "{told:?}");
        // A kill now changes nothing.
        drop((spool, feed));
        let (spool, mut feed) = Spool::open(config, 2).expect("a spool");
        assert!(spool.append(&[b'x'; 60_000]).is_err());
        let (bytes, pieces) = drain(&mut feed);
        assert!(bytes == taken);
        make_durable(&mut feed, &pieces);
        spool.sync().expect("synced");
        spool.append(&[b'y'; 60_000]).expect("room again");
        spool.sync().expect("synced");
        assert!(feed.events().iter().any(|event| matches!(event, FeedEvent::Spool(SpoolEvent::Relieved { .. }))));
        let (bytes, pieces) = drain(&mut feed);
        assert_eq!(bytes.len(), 60_001);
        make_durable(&mut feed, &pieces);
        fs::remove_dir_all(spool.dir()).expect("removed");
    }
}

#[test]
fn a_disk_that_one_growing_segment_fills_is_drained() {
    let Some(disk) = std::env::var_os(SMALL_DISK) else {
        return on_a_small_disk("a_disk_that_one_growing_segment_fills_is_drained");
    };
    for origin in [Origin::Transient, Origin::Resumable] {
        let config = SpoolConfig { origin, ..SpoolConfig::new(Path::new(&disk).join(format!("{origin:?}")), "x") };
        let (spool, mut feed) = Spool::open(config, 1).expect("a spool");
        let line = [b'x'; 60_000];
        let mut given = 0;
        for round in 0..5 {
            let mut taken = 0;
            while spool.append(&line).is_ok() {
                taken += line.len() + 1;
            }
            assert!(taken > 1_000_000, "{origin:?}, round {round}: {taken} bytes had room");
            spool.sync().expect("synced");
            let (bytes, pieces) = drain(&mut feed);
            make_durable(&mut feed, &pieces);
            given += bytes.len();
            assert_eq!(bytes.len(), taken);
        }
        assert_eq!(spool.counters().accepted_bytes, given as u64);
        fs::remove_dir_all(spool.dir()).expect("removed");
    }
}

/// A server that forgets what it did not make durable, as after a kill.
#[derive(Default)]
struct Server {
    streams: HashMap<StreamId, Vec<u8>>,
    durable: HashMap<StreamId, usize>,
    order: Vec<StreamId>,
}

impl Server {
    /// Takes a piece, or says where the stream is to be read again.
    fn take(&mut self, stream: StreamId, offset: u64, bytes: &[u8]) -> Option<u64> {
        if !self.streams.contains_key(&stream) {
            self.order.push(stream);
        }
        let held = self.streams.entry(stream).or_default();
        let offset = offset as usize;
        if offset > held.len() {
            return Some(held.len() as u64);
        }
        let known = (held.len() - offset).min(bytes.len());
        assert!(held[offset..offset + known] == bytes[..known], "the same bytes in the same place");
        held.extend_from_slice(&bytes[known..]);
        None
    }

    fn forget(&mut self) {
        for (stream, bytes) in &mut self.streams {
            bytes.truncate(self.durable.get(stream).copied().unwrap_or(0));
        }
    }

    fn lines(&self) -> Vec<u8> {
        self.order.iter().flat_map(|stream| self.streams[stream].clone()).collect()
    }
}

#[test]
fn any_schedule_of_kills_gives_every_line_once() {
    for seed in 0..25 {
        run_schedule(seed);
    }
}

fn run_schedule(seed: u64) {
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let (mut spool, mut feed) = open(folder.path(), u128::from(random.draw()));
    let (mut server, mut taken) = (Server::default(), Vec::new());
    for step in 0..400 {
        match random.below(20) {
            0..8 => {
                let mut block = Block::new();
                for _ in 0..random.below(30) {
                    block.push(format!("{seed} {step} {}", "x".repeat(random.below(2000))).as_bytes());
                }
                if spool.append_block(&block).is_ok() {
                    taken.extend_from_slice(block.bytes());
                }
            }
            8..15 => {
                ship(&mut feed, &mut server);
            }
            15..18 => {
                for (stream, bytes) in &server.streams {
                    let durable = server.durable.entry(*stream).or_default();
                    *durable = (*durable).max(random.below(bytes.len() + 1));
                    feed.durable(*stream, *durable as u64);
                }
            }
            18 => {
                server.forget();
                for stream in &server.order {
                    feed.rewind(*stream, server.streams[stream].len() as u64).expect("a rewind");
                }
            }
            _ => {
                drop((spool, feed));
                // A kill in the middle of a write.
                if let Some(newest) = segments(folder.path()).last() {
                    let mut bytes = fs::read(newest).expect("a segment");
                    bytes.extend(std::iter::repeat_n(b'?', random.below(100)));
                    fs::write(newest, bytes).expect("written");
                }
                (spool, feed) = open(folder.path(), u128::from(random.draw()));
            }
        }
    }
    ship_all(&mut feed, &mut server);
    assert!(server.lines() == taken, "seed {seed}");
    let all: Vec<_> = server.streams.iter().map(|(stream, bytes)| (*stream, bytes.len() as u64, true)).collect();
    make_durable(&mut feed, &all);
    assert!(segments(folder.path()).len() <= 1, "seed {seed}: only the segment that grows is left");
}

fn ship(feed: &mut SpoolFeed, server: &mut Server) -> bool {
    let Some(piece) = feed.next().expect("readable") else { return false };
    if let Some(offset) = server.take(piece.stream, piece.offset, &piece.bytes) {
        feed.rewind(piece.stream, offset).expect("a rewind");
    }
    true
}

fn ship_all(feed: &mut SpoolFeed, server: &mut Server) {
    while ship(feed, server) {}
}
