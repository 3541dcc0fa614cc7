//! The milter on a real socket: what it answers, what it leaves in the spool, and that nothing of its own keeps mail.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vigie_formats::envelope::{self, Scratch};
use vigie_formats::{Inside, Record};
use vigie_milter::protocol::{command, packet};
use vigie_milter::{Milter, MilterPlace, Running};
use vigie_sources::Feed;
use vigie_sources::listen::Clock;
use vigie_sources::spool::{SPOOL_BYTES_MIN, Spool, SpoolConfig, SpoolFeed};

/// A milter that hangs makes a test fail, not hang.
const PATIENCE: Duration = Duration::from_secs(20);
const OFFERED: u32 = 0x001F_FFFF;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(1_781_576_769_196_080)
}

fn spool(dir: &Path) -> (Spool, SpoolFeed) {
    let config = SpoolConfig { bytes_max: SPOOL_BYTES_MIN, ..SpoolConfig::new(dir.join("spool"), "milter") };
    Spool::open(config, 1).expect("a spool")
}

fn started(place: &MilterPlace, spool: &Spool) -> (Running, Option<std::net::SocketAddr>) {
    let milter = Milter::bind(place, "mx1".to_owned(), Clock(now)).expect("a socket");
    let address = milter.local_addr();
    (milter.start(spool.clone()).expect("started"), address)
}

fn anywhere() -> MilterPlace {
    "inet:127.0.0.1:0".parse().expect("a place")
}

fn message(id: &str, subject: &str) -> Vec<u8> {
    [
        packet(command::MACRO, format!("Ei\0{id}\0").as_bytes()),
        packet(command::HEADER, format!("Subject\0{subject}\0").as_bytes()),
        packet(command::END_OF_HEADER, b""),
        packet(command::BODY, &[b'x'; 60_000]),
        packet(command::END_OF_BODY, b""),
    ]
    .concat()
}

/// Negotiates, sends messages and goes on when each is answered.
fn send(mut stream: impl Read + Write, messages: &[Vec<u8>]) {
    stream.write_all(&packet(command::NEGOTIATE, &[6, 0, OFFERED].map(u32::to_be_bytes).concat())).expect("sent");
    let mut answer = [0; 17];
    stream.read_exact(&mut answer).expect("answered");
    assert_eq!((answer[4], &answer[9..13]), (b'O', &[0; 4][..]), "no action is asked for");
    for message in messages {
        stream.write_all(message).expect("sent");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("answered");
        assert_eq!(answer, *b"\0\0\0\x01c");
    }
    stream.write_all(&packet(command::QUIT, b"")).expect("sent");
    assert_eq!(stream.read(&mut [0]).expect("closed"), 0);
}

fn connect(address: Option<std::net::SocketAddr>) -> TcpStream {
    let stream = TcpStream::connect(address.expect("an address")).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

fn lines(feed: &mut SpoolFeed) -> Vec<String> {
    let mut text = Vec::new();
    while let Some(piece) = feed.next().expect("a piece") {
        text.extend(piece.bytes);
    }
    String::from_utf8(text).expect("text").lines().map(str::to_owned).collect()
}

fn told(line: &str) -> Inside {
    let mut scratch = Scratch::default();
    let envelope = envelope::parse(line.as_bytes(), &mut scratch).expect("an envelope");
    assert_eq!((envelope.host, envelope.stamp), (&b"mx1"[..], envelope::Stamp::Utc(1_781_576_769_196_080)));
    let Record::Content(inside) = vigie_formats::read(&envelope) else { panic!("{line}") };
    inside
}

#[test]
fn each_message_is_one_line_that_the_server_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = spool(folder.path());
    let (running, address) = started(&anywhere(), &spool);
    send(connect(address), &[message("4F1", "one\nVigie: two"), message("4F2", "=?utf-8?q?=C3=A9?=")]);
    running.stop();
    let told: Vec<Inside> = lines(&mut feed).iter().map(|line| told(line)).collect();
    let said: Vec<(&str, &str)> = told.iter().map(|inside| (inside.queue_id.as_str(), &*inside.subject)).collect();
    assert_eq!(said, [("4F1", "oneVigie: two"), ("4F2", "é")]);
}

#[test]
fn a_hundred_connections_are_served_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = spool(folder.path());
    let (running, address) = started(&anywhere(), &spool);
    let streams: Vec<TcpStream> = (0..100).map(|_| connect(address)).collect();
    std::thread::scope(|scope| {
        for (index, stream) in streams.into_iter().enumerate() {
            scope
                .spawn(move || send(stream, &[message(&format!("Q{index}"), "s"), message(&format!("R{index}"), "s")]));
        }
    });
    running.stop();
    let mut ids: Vec<String> = lines(&mut feed).iter().map(|line| told(line).queue_id.as_str().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200);
}

#[test]
fn mail_goes_on_when_the_spool_is_full_and_what_is_not_told_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = spool(folder.path());
    let filling = "x".repeat(60_000);
    while spool.append(filling.as_bytes()).is_ok() {}
    let (running, address) = started(&anywhere(), &spool);
    let subject = "s".repeat(900);
    let messages: Vec<Vec<u8>> = (0..100).map(|index| message(&format!("Q{index}"), &subject)).collect();
    send(connect(address), &messages);
    running.stop();
    let kept = lines(&mut feed).iter().filter(|line| line.contains("vigie-milter")).count() as u64;
    let lost = spool.counters().lost_lines;
    assert!(lost > 0 && kept + lost == 100, "{kept} kept, {lost} lost");
    let events: Vec<String> = feed.events().iter().map(ToString::to_string).collect();
    assert!(events.iter().any(|event| event.contains("mail does not wait")), "{events:?}");
}

#[test]
fn mail_goes_on_when_the_disk_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _feed) = spool(folder.path());
    // Its folder is gone: no segment can be made.
    std::fs::remove_dir_all(spool.dir()).expect("removed");
    let (running, address) = started(&anywhere(), &spool);
    send(connect(address), &[message("4F1", "one"), message("4F2", "two")]);
    running.stop();
    assert_eq!(spool.counters().lost_lines, 2);
}

#[test]
fn a_message_without_a_queue_id_is_counted_as_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = spool(folder.path());
    let (running, address) = started(&anywhere(), &spool);
    send(connect(address), &[packet(command::END_OF_BODY, b"")]);
    running.stop();
    assert_eq!((lines(&mut feed).len(), spool.counters().lost_lines), (0, 1));
}

#[test]
fn who_speaks_nonsense_is_left_alone_and_others_are_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = spool(folder.path());
    let (running, address) = started(&anywhere(), &spool);
    let mut nonsense = connect(address);
    nonsense.write_all(b"EHLO example.com\r\n").expect("sent");
    assert!(matches!(nonsense.read(&mut [0]), Ok(0) | Err(_)));
    let half = connect(address);
    (&half).write_all(&[0, 0, 0]).expect("sent");
    send(connect(address), &[message("4F1", "one")]);
    running.stop();
    assert_eq!(lines(&mut feed).len(), 1);
}

#[test]
fn a_socket_that_a_killed_milter_left_is_taken_over_and_one_in_use_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("milter.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    let place: MilterPlace = format!("unix:{}", path.display()).parse().expect("a place");
    let (spool, mut feed) = spool(folder.path());
    let (running, _) = started(&place, &spool);
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o660);
    assert!(Milter::bind(&place, "mx1".to_owned(), Clock(now)).is_err());
    send(UnixStream::connect(&path).expect("connected"), &[message("4F1", "one")]);
    running.stop();
    assert!(!path.exists());
    assert_eq!(lines(&mut feed).len(), 1);
    std::fs::write(&path, "somebody's").expect("written");
    assert!(Milter::bind(&place, "mx1".to_owned(), Clock(now)).is_err());
}

#[test]
fn a_stop_lets_the_message_under_way_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, mut feed) = spool(folder.path());
    let (running, address) = started(&anywhere(), &spool);
    let mut stream = connect(address);
    stream.write_all(&packet(command::NEGOTIATE, &[6, 0, 0].map(u32::to_be_bytes).concat())).expect("sent");
    let mut answer = [0; 17];
    stream.read_exact(&mut answer).expect("answered");
    // An answer to the header shows that the message is under way.
    stream.write_all(&packet(command::HEADER, b"Subject\0one\0")).expect("sent");
    stream.read_exact(&mut [0; 5]).expect("answered");
    let stopping = std::thread::spawn(move || running.stop());
    stream.write_all(&packet(command::MACRO, b"Ei\x004F1\0")).expect("sent");
    stream.write_all(&packet(command::END_OF_BODY, b"")).expect("sent");
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).expect("answered");
    stopping.join().expect("stopped");
    assert_eq!((answer[4], lines(&mut feed).len()), (b'c', 1));
}
