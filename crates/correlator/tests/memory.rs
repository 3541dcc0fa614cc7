//! A full queue in memory: what a million messages that wait would take.

use vigie_correlator::{Facts, Host};
use vigie_formats::{envelope, read};

/// As in the program: with the system's own, many small texts take a third more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Messages in the test, and in the claim that is scaled from it.
const MESSAGES: u64 = 200_000;
const CLAIMED_MESSAGES: u64 = 1_000_000;
/// What the claim allows.
const RESIDENT_BYTES_MAX: u64 = 1_200_000_000;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("a number") * 1024
}

#[test]
fn a_million_waiting_messages_stay_below_1200_megabytes() {
    let before = resident_bytes();
    let mut host = Host::new("hub1");
    let mut facts = Facts::default();
    let mut scratch = envelope::Scratch::default();
    let mut ts = 1_772_445_600_000_000;
    for number in 0..MESSAGES {
        for text in message(number) {
            ts += 1_000;
            let line = format!("2026-03-02T10:00:00+00:00 hub1 {text}");
            let envelope = envelope::parse(line.as_bytes(), &mut scratch).expect("an envelope");
            host.record(ts, &read(&envelope), &mut facts);
        }
        facts.attempts.clear();
    }
    assert_eq!((host.open_count() as u64, facts.hops.len()), (MESSAGES, 0));
    let used = resident_bytes() - before;
    let claimed = used * CLAIMED_MESSAGES / MESSAGES;
    println!("{used} bytes for {MESSAGES} messages: {claimed} for {CLAIMED_MESSAGES}");
    assert!(claimed < RESIDENT_BYTES_MAX, "{claimed} bytes");
    let restored = Host::restore(&host.snapshot()).expect("its own state");
    assert_eq!(restored.open_count(), host.open_count());
}

/// A message with all that a message can have while it waits.
fn message(number: u64) -> [String; 5] {
    let id = format!("{:X}", 0xA_0000_0000u64 + number);
    [
        format!("postfix/smtpd[1]: {id}: client=out{number}.mail.example.net[192.0.2.10]"),
        format!(
            "postfix/cleanup[2]: {id}: warning: header Subject: Minutes of meeting {number} from out.example.net[192.0.2.10]; from=<sender{number}@example.net> to=<recipient{number}@example.com> proto=ESMTP helo=<out{number}.mail.example.net>"
        ),
        format!("postfix/cleanup[2]: {id}: message-id=<20260302100000.{number}.abcdef@out.mail.example.net>"),
        format!("postfix/qmgr[3]: {id}: from=<sender{number}@example.net>, size=12345, nrcpt=1 (queue active)"),
        format!(
            "postfix/smtp[4]: {id}: to=<recipient{number}@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=4.7.1, status=deferred (host mx.example.com[192.0.2.80] said: 451 4.7.1 Greylisted, please come back later (in reply to RCPT TO command))"
        ),
    ]
}
