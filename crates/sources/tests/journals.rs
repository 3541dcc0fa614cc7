//! Journals: both forms, bad bytes, and a `journalctl` (a script) that ends, repeats and is killed with the spool at any point.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vigie_formats::envelope::{Scratch, Stamp, parse};
use vigie_sources::journald::{JournalConfig, JournalEvent, JournalFeed, JournalFilter, JournalStart};
use vigie_sources::spool::{SPOOL_BYTES_MIN, SpoolError};
use vigie_sources::{Feed, FeedEvent, LINE_BYTES_MAX, StreamId};
use vigie_testkit::random::Random;

/// Nothing here takes nearly as long; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// 2026-03-02T10:00:00Z.
const TIME: u64 = 1_772_445_600_000_000;

fn config(dir: &Path) -> JournalConfig {
    let filter = JournalFilter::default();
    JournalConfig { spool_bytes_max: SPOOL_BYTES_MIN, filter, ..JournalConfig::new(dir.join("spool")) }
}

/// Opens a feed over a stream, with new entropy each time. A reader that was just dropped may hold the spool for another moment.
fn read(config: &JournalConfig, stream: impl Read + Send + Clone + 'static) -> JournalFeed {
    static OPENINGS: AtomicU64 = AtomicU64::new(0);
    let entropy = u128::from(OPENINGS.fetch_add(1, Ordering::Relaxed));
    let deadline = Instant::now() + PATIENCE;
    loop {
        match JournalFeed::read(config.clone(), stream.clone(), entropy) {
            Ok(feed) => return feed,
            Err(SpoolError::InUse { .. }) if Instant::now() < deadline => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn cursor(number: u64) -> String {
    format!("s=0123456789abcdef;i={number:x};b=00;m={number:x};t={:x};x=0", TIME + number)
}

fn export(number: u64, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = format!("__CURSOR={}\n__REALTIME_TIMESTAMP={}\n", cursor(number), TIME + number).into_bytes();
    for (name, value) in fields {
        bytes.extend_from_slice(name.as_bytes());
        if value.contains(&b'\n') || std::str::from_utf8(value).is_err() {
            bytes.push(b'\n');
            bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            bytes.push(b'=');
        }
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
    }
    bytes.push(b'\n');
    bytes
}

fn postfix(number: u64) -> Vec<u8> {
    let message = format!("connect from client{number}");
    export(
        number,
        &[
            ("_HOSTNAME", b"edge1"),
            ("SYSLOG_IDENTIFIER", b"postfix/smtpd"),
            ("_PID", b"5"),
            ("MESSAGE", message.as_bytes()),
        ],
    )
}

/// What a server holds, which outlives the feeds.
#[derive(Default)]
struct Server {
    durable: HashMap<StreamId, u64>,
}

impl Server {
    /// Waits until so many new lines came, makes them durable, and gives them.
    fn lines(&mut self, feed: &mut JournalFeed, count: usize) -> Vec<Vec<u8>> {
        self.durable.iter().for_each(|(stream, offset)| feed.durable(*stream, *offset));
        let (mut lines, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        while lines.len() < count {
            assert!(Instant::now() < deadline, "{} of {count} lines; {:?}", lines.len(), feed.tally());
            match feed.next().expect("readable") {
                Some(piece) => {
                    let held = self.durable.insert(piece.stream, piece.offset + piece.bytes.len() as u64);
                    assert_eq!(piece.offset, held.unwrap_or(0), "each byte once");
                    feed.durable(piece.stream, piece.offset + piece.bytes.len() as u64);
                    let new = piece.bytes.split_inclusive(|byte| *byte == b'\n');
                    lines.extend(new.map(|line| line[..line.len() - 1].to_vec()));
                }
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        lines
    }
}

fn lines(feed: &mut JournalFeed, count: usize) -> Vec<Vec<u8>> {
    Server::default().lines(feed, count)
}

/// Waits until the feed tells of what is wanted.
fn told(feed: &mut JournalFeed, wanted: impl Fn(&JournalEvent) -> bool) -> Vec<JournalEvent> {
    let (mut events, deadline) = (Vec::new(), Instant::now() + PATIENCE);
    while !events.iter().any(&wanted) {
        assert!(Instant::now() < deadline, "{events:?}");
        let new = feed.events().into_iter().filter_map(|event| match event {
            FeedEvent::Journal(event) => Some(event),
            _ => None,
        });
        events.extend(new);
        std::thread::sleep(Duration::from_millis(1));
    }
    events
}

fn ended(feed: &mut JournalFeed) -> Vec<JournalEvent> {
    told(feed, |event| matches!(event, JournalEvent::StreamEnded { .. }))
}

/// What the server reads in a line: program and text.
fn opened(line: &[u8]) -> (String, Vec<u8>) {
    let mut scratch = Scratch::default();
    let envelope = parse(line, &mut scratch).expect("an envelope");
    assert!(matches!(envelope.stamp, Stamp::Utc(micros) if micros as u64 >= TIME), "{:?}", envelope.stamp);
    (String::from_utf8(envelope.program.to_vec()).expect("text"), envelope.text.to_vec())
}

fn numbers(lines: &[Vec<u8>]) -> Vec<u64> {
    let number = |line: &Vec<u8>| {
        String::from_utf8(opened(line).1).expect("text").strip_prefix("connect from client")?.parse().ok()
    };
    lines.iter().map(|line| number(line).expect("a number")).collect()
}

#[test]
fn the_export_form_is_read_with_its_binary_fields() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bytes = postfix(1);
    bytes.extend(export(
        2,
        &[("_COREDUMP", &[b'\n'; 3_000_000]), ("_COMM", b"dovecot"), ("MESSAGE", b"two\nlines \"\xFF")],
    ));
    bytes.extend(b"\n\n");
    bytes.extend(export(3, &[("PRIORITY", b"6"), ("MESSAGE", b"a=b"), ("_COMM", b"x"), ("MESSAGE", b"second")]));
    bytes.extend(b"__CURSOR=s=1;i=4\nMESSAGE=cut off by the e");
    let mut feed = read(&config(folder.path()), io::Cursor::new(bytes));
    let lines = lines(&mut feed, 3);
    let opened: Vec<_> = lines.iter().map(|line| opened(line)).collect();
    assert_eq!(opened[0], ("postfix/smtpd".into(), b"connect from client1".to_vec()));
    assert_eq!(opened[1], ("dovecot".into(), b"two\nlines \"\xFF".to_vec()));
    assert_eq!(opened[2], ("x".into(), b"a=b".to_vec()));
    let events = ended(&mut feed);
    assert_eq!(events, [JournalEvent::StreamEnded { entries: 3, why: None }]);
    assert_eq!(feed.label(), "journald");
}

#[test]
fn the_json_form_is_read_with_its_other_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let start =
        |number| format!("{{\"__CURSOR\":\"{}\",\"__REALTIME_TIMESTAMP\":\"{}\",", cursor(number), TIME + number);
    let stream = [
        start(1) + r#""SYSLOG_IDENTIFIER":"postfix/smtpd","MESSAGE":"caf\u00e9 \"x\"","X":{"a":[1,{}]}}"#,
        start(2) + r#""SYSLOG_IDENTIFIER":["p","q"],"MESSAGE":[72,105,255]}"#,
        "\x1E".to_owned() + &start(3) + r#""_PID":5,"_COMM":"c","MESSAGE":"last, without a newline"}"#,
    ]
    .join("\n");
    let mut feed = read(&config(folder.path()), io::Cursor::new(stream.into_bytes()));
    let opened: Vec<_> = lines(&mut feed, 3).iter().map(|line| opened(line)).collect();
    assert_eq!(opened[0], ("postfix/smtpd".into(), "caf\u{e9} \"x\"".as_bytes().to_vec()));
    assert_eq!(opened[1], ("p".into(), b"Hi\xFF".to_vec()));
    assert_eq!(opened[2], ("c".into(), b"last, without a newline".to_vec()));
}

#[test]
fn only_what_is_wanted_is_spooled() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bytes = postfix(1);
    bytes.extend(export(2, &[("SYSLOG_IDENTIFIER", b"cron"), ("MESSAGE", b"no mail")]));
    bytes.extend(export(3, &[("SYSLOG_IDENTIFIER", b"postfix/smtpd")]));
    bytes.extend(postfix(4));
    let filter = JournalFilter { identifiers: vec!["postfix".into()], ..JournalFilter::default() };
    let mut feed = read(&JournalConfig { filter, ..config(folder.path()) }, io::Cursor::new(bytes));
    assert_eq!(numbers(&lines(&mut feed, 2)), [1, 4]);
    ended(&mut feed);
    assert_eq!((feed.tally().spooled, feed.tally().unwanted), (2, 2));
}

#[test]
fn broken_entries_are_told_and_the_next_ones_are_read() {
    let long_name = [&[b'N'; 300][..], b"=x\n\n"].concat();
    let lying = |length: u64| [b"__CURSOR=s=1;i=1\nMESSAGE\n".as_slice(), &length.to_le_bytes(), b"abc\n\n"].concat();
    let many_fields = ["A=b\n".repeat(2000).as_bytes(), b"\n"].concat();
    for (bytes, what) in [
        (b"=no name\n\n".to_vec(), "no name"),
        (long_name, "a long name"),
        (lying(u64::MAX), "a lying length"),
        (lying(1 << 40), "another"),
        (lying(1), "a length too short"),
        (b"MESSAGE=no cursor\n\n".to_vec(), "no cursor"),
        (b"__CURSOR=a b\nMESSAGE=x\n\n".to_vec(), "a bad cursor"),
        (many_fields, "many fields"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let bytes = [postfix(1), bytes, postfix(2)].concat();
        let mut feed = read(&config(folder.path()), io::Cursor::new(bytes));
        assert_eq!(numbers(&lines(&mut feed, 2)), [1, 2], "{what}");
        let events = ended(&mut feed);
        assert!(matches!(events[0], JournalEvent::Broken { .. }), "{what}: {events:?}");
        assert!(feed.tally().broken >= 1, "{what}");
    }
}

#[test]
fn broken_json_is_told_and_the_next_lines_are_read() {
    let good = |number: u64| {
        let (cursor, time) = (cursor(number), TIME + number);
        format!(r#"{{"__CURSOR":"{cursor}","__REALTIME_TIMESTAMP":"{time}","MESSAGE":"connect from client{number}"}}"#)
    };
    let deep = format!(r#"{{"MESSAGE":{}"#, "[".repeat(100_000));
    let long = format!(r#"{{"__CURSOR":"x","MESSAGE":"{}"}}"#, "x".repeat(2 << 20));
    for bad in
        ["{", "[]", "{} {}", "not JSON", r#"{"MESSAGE":"no cursor"}"#, r#"{"__CURSOR":"x","MESSAGE":{}}"#, &deep, &long]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let stream = format!("{}\n{bad}\n{}\n", good(1), good(2));
        let mut feed = read(&config(folder.path()), io::Cursor::new(stream.into_bytes()));
        assert_eq!(numbers(&lines(&mut feed, 2)), [1, 2]);
        let events = ended(&mut feed);
        assert!(matches!(events[0], JournalEvent::Broken { .. }), "{events:?}");
    }
}

#[test]
fn any_bytes_are_survived() {
    let mut random = Random::new(252);
    for seed in 0..200 {
        let mut bytes: Vec<u8> = (1..20).flat_map(postfix).collect();
        for _ in 0..random.below(30) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = random.draw() as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, *random.pick(b"\n=\0\xFF").expect("a byte")),
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut feed = read(&config(folder.path()), io::Cursor::new(bytes));
        ended(&mut feed);
        let tally = feed.tally();
        assert!(tally.spooled > 0 || tally.broken > 0, "seed {seed}: {tally:?}");
    }
}

#[test]
fn a_message_too_long_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bytes = export(1, &[("_COMM", b"x"), ("MESSAGE", &vec![b'm'; 3 << 20])]);
    bytes.extend(postfix(2));
    let mut feed = read(&config(folder.path()), io::Cursor::new(bytes));
    let lines = lines(&mut feed, 2);
    assert!(lines[0].len() <= LINE_BYTES_MAX && opened(&lines[0]).1.len() > LINE_BYTES_MAX - 500);
    assert_eq!(numbers(&lines[1..]), [2]);
    assert_eq!(feed.tally().cut, 1);
}

#[test]
fn a_stream_that_begins_again_gives_only_what_is_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let entries = |until: u64| io::Cursor::new((1..=until).flat_map(postfix).collect::<Vec<u8>>());
    let (mut seen, mut server) = (Vec::new(), Server::default());
    for until in [3, 3, 20, 10, 21] {
        let mut feed = read(&config(folder.path()), entries(until));
        ended(&mut feed);
        let new = feed.tally().spooled as usize;
        seen.extend(numbers(&server.lines(&mut feed, new)));
    }
    assert_eq!(seen, (1..=21).collect::<Vec<u64>>());
}

/// A stream that gives its bytes and then nothing, until it is dropped.
#[derive(Clone)]
struct Endless(io::Cursor<Vec<u8>>);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the pipe broke")),
            bytes => Ok(bytes),
        }
    }
}

#[test]
fn a_stream_that_breaks_says_so_and_keeps_what_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut feed = read(&config(folder.path()), Endless(io::Cursor::new([postfix(1), postfix(2)].concat())));
    assert_eq!(numbers(&lines(&mut feed, 2)), [1, 2]);
    let events = ended(&mut feed);
    assert!(
        matches!(&events[..], [JournalEvent::StreamEnded { entries: 2, why: Some(why) }] if why.contains("broke")),
        "{events:?}"
    );
}

#[test]
fn a_full_spool_makes_the_stream_wait_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let count = 20_000;
    let stream: Vec<u8> = (1..=count).flat_map(postfix).collect();
    let mut feed = read(&config(folder.path()), io::Cursor::new(stream));
    let deadline = Instant::now() + PATIENCE;
    while feed.spool_counters().refused_lines == 0 {
        assert!(Instant::now() < deadline, "it never was full");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(feed.tally().spooled < count);
    assert_eq!(numbers(&lines(&mut feed, count as usize)), (1..=count).collect::<Vec<u64>>());
    let told: Vec<String> = feed.events().iter().map(ToString::to_string).collect();
    assert!(told[0].contains("nearly full") && told[0].contains("SystemMaxUse="), "{told:?}");
}

/// A `journalctl` that gives entries up to the number in the file `count`, `step` of them in one life, from the cursor that it is told.
fn fake_journalctl(dir: &Path, count: u64, step: u64, ending: &str) {
    let script = format!(
        r#"#!/bin/sh
echo "$@" >> {dir}/calls
after=0
for argument in "$@"; do
  case $argument in
    --after-cursor=*) after=${{argument#*i=}}; after=$((0x${{after%%;*}})) ;;
    --lines=0) after={count} ;;
  esac
done
until=$((after + {step}))
[ $until -gt {count} ] && until={count}
number=$((after + 1))
while [ $number -le $until ]; do
  printf '__CURSOR=s=0123456789abcdef;i=%x;b=00\n__REALTIME_TIMESTAMP=%d\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE=connect from client%d\n\n' $number $(({TIME} + number)) $number
  number=$((number + 1))
done
{ending}
"#,
        dir = dir.display()
    );
    let path = dir.join("journalctl");
    fs::write(&path, script).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
}

fn follow(dir: &Path, entropy: u128) -> JournalFeed {
    JournalFeed::follow(JournalConfig { journalctl: dir.join("journalctl"), ..config(dir) }, entropy).expect("a feed")
}

#[test]
fn journalctl_goes_on_after_the_last_spooled_entry_whoever_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    fake_journalctl(folder.path(), 50, 10, "printf '__CURSOR=s=01;i=ff\\nMESSAGE=half an entr'; exec sleep 600");
    let (mut seen, mut server) = (Vec::new(), Server::default());
    for round in 1..=5 {
        let mut feed = follow(folder.path(), round);
        seen.extend(numbers(&server.lines(&mut feed, 10)));
        drop(feed);
        let calls = fs::read_to_string(folder.path().join("calls")).expect("calls");
        assert_eq!(calls.lines().count() as u128, round);
    }
    assert_eq!(seen, (1..=50).collect::<Vec<u64>>());
    let calls = fs::read_to_string(folder.path().join("calls")).expect("calls");
    let calls: Vec<&str> = calls.lines().collect();
    assert!(calls[0].contains("--output=export --follow") && !calls[0].contains("--after-cursor"), "{calls:?}");
    assert!(calls[4].contains("--after-cursor=s=0123456789abcdef;i=28;b=00"), "{calls:?}");
}

#[test]
fn what_was_spooled_and_not_durable_comes_again_from_the_spool_and_not_from_journalctl() {
    let folder = tempfile::tempdir().expect("a folder");
    fake_journalctl(folder.path(), 20, 10, "exec sleep 600");
    let mut feed = follow(folder.path(), 1);
    let deadline = Instant::now() + PATIENCE;
    let first = loop {
        assert!(Instant::now() < deadline);
        if let Some(piece) = feed.next().expect("readable") {
            break piece;
        }
    };
    drop(feed);
    let mut feed = follow(folder.path(), 2);
    let again = feed.next().expect("readable").expect("it is there at once");
    assert_eq!((again.stream, again.offset), (first.stream, first.offset));
    assert!(again.bytes.starts_with(&first.bytes));
    feed.rewind(again.stream, 0).expect("a rewind");
    assert_eq!(numbers(&lines(&mut feed, 20)), (1..=20).collect::<Vec<u64>>());
    assert_eq!(feed.tally().known, 0);
}

/// Cuts the newest segment of a spool anywhere behind what the server holds, as a loss of power does with what was not synced,
/// and leaves half a line or zeros there.
fn lose_power(dir: &Path, server: &Server, random: &mut Random) {
    let entries = fs::read_dir(dir.join("spool")).expect("a spool").map(|entry| entry.expect("an entry").path());
    let Some(newest) = entries.filter(|path| path.extension().is_some_and(|ending| ending == "lines")).max() else {
        return;
    };
    let name = newest.file_stem().and_then(|name| name.to_str()).expect("a name");
    let stream = u128::from_str_radix(name.split_once('-').expect("two parts").1, 16).expect("a stream");
    let held = server.durable.get(&StreamId(stream)).copied().unwrap_or(0) as usize;
    let mut bytes = fs::read(&newest).expect("a segment");
    bytes.truncate(held + random.below(bytes.len() - held + 1));
    bytes.extend(std::iter::repeat_n(*random.pick(b"?\0").expect("a byte"), random.below(50)));
    fs::write(&newest, bytes).expect("written");
}

#[test]
fn any_kill_and_loss_of_power_gives_every_entry_once() {
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let folder = tempfile::tempdir().expect("a folder");
        let (mut seen, mut server) = (Vec::new(), Server::default());
        let count = 150;
        for round in 0.. {
            fake_journalctl(folder.path(), count, 1 + random.below(40) as u64, "exec sleep 600");
            let mut feed = follow(folder.path(), u128::from(random.draw()));
            let wanted =
                if round < 20 { random.below(8).min(count as usize - seen.len()) } else { count as usize - seen.len() };
            seen.extend(numbers(&server.lines(&mut feed, wanted.min(1))));
            drop(feed);
            lose_power(folder.path(), &server, &mut random);
            if seen.len() == count as usize {
                break;
            }
            assert!(round < 400, "seed {seed}: {seen:?}");
        }
        assert_eq!(seen, (1..=count).collect::<Vec<u64>>(), "seed {seed}");
    }
}

#[test]
fn journalctl_that_ends_is_started_again_where_it_was_and_tells_what_it_said() {
    let folder = tempfile::tempdir().expect("a folder");
    fake_journalctl(
        folder.path(),
        4,
        2,
        "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1",
    );
    let mut feed = follow(folder.path(), 1);
    assert_eq!(numbers(&lines(&mut feed, 4)), [1, 2, 3, 4]);
    let events = told(&mut feed, |event| matches!(event, JournalEvent::Ended { .. }));
    let text = events[0].to_string();
    assert!(
        text.contains("exit status: 1")
            && text.contains("insufficient permissions")
            && text.contains("systemd-journal"),
        "{text}"
    );
    assert!(feed.tally().starts >= 2);
}

#[test]
fn a_missing_journalctl_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut feed = follow(folder.path(), 1);
    let events = told(&mut feed, |event| matches!(event, JournalEvent::NotStarted { .. }));
    assert!(events[0].to_string().contains("install systemd"), "{}", events[0]);
}

#[test]
fn a_journal_may_begin_with_what_is_new() {
    let folder = tempfile::tempdir().expect("a folder");
    fake_journalctl(folder.path(), 9, 10, "exec sleep 600");
    let started = JournalConfig {
        start: JournalStart::Newest,
        journalctl: folder.path().join("journalctl"),
        ..config(folder.path())
    };
    let feed = JournalFeed::follow(started, 1).expect("a feed");
    let deadline = Instant::now() + PATIENCE;
    let calls = folder.path().join("calls");
    while !fs::read_to_string(&calls).is_ok_and(|calls| calls.contains("--lines=0")) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(feed.tally().spooled, 0);
}
