//! Addresses as people and programs write them. Traps 7 and 32.

use vigie_model::MailClass;
use vigie_testkit::{Story, log, story};

/// A message from one address to another.
fn between(sender: &str, recipient: &str) -> Story {
    story(&[(
        "hub1",
        log(
            "hub1",
            &format!(
                "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
                 10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
                 10:00:00 qmgr 3A1B29E001: from=<{sender}>, size=1200, nrcpt=1 (queue active)
                 10:00:01 virtual 3A1B29E001: to=<{recipient}>, orig_to=<{recipient}x>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
                 10:00:01 qmgr 3A1B29E001: removed"
            ),
        ),
    )])
}

fn check(sender: &str, recipient: &str) {
    let story = between(sender, recipient);
    let class = if sender.is_empty() { MailClass::Bounce } else { MailClass::Mail };
    let journey = story.only();
    assert_eq!((journey.class, &*journey.sender), (class, sender));
    assert_eq!(
        (&*journey.deliveries[0].recipient, &*journey.deliveries[0].orig_recipient),
        (recipient, &*format!("{recipient}x"))
    );
    assert_eq!(story.unknown, Vec::<String>::new());
}

/// Trap 7.
#[test]
fn sender_without_domain() {
    check("root", "bob");
    check("MAILER-DAEMON", "postmaster");
}

/// Trap 32.
#[test]
fn null_sender_and_quoted_local_part_with_at() {
    check("", "\"a b@x\"@example.com");
    check("\"<>\"@example.net", "\"o'neil, bob\"@example.com");
    check("\"a> b\"@example.net", "\"x, relay=y\"@example.com");
}

/// Trap 32: info_log_address_format = internal writes quoted parts without their quotes.
#[test]
fn unquoted_local_parts_with_spaces_and_brackets() {
    check("a b@x@example.net", "bob eve@example.com");
    check("a>b@example.net", "c<d@example.com");
}

/// Trap 32.
#[test]
fn percent_signs_bang_paths_and_case() {
    check("bob%example.org@Example.NET", "host!user%x@EXAMPLE.com");
    check("prvs=0123456789=ann@example.net", "SRS0=abcd=7T=example.net=ann@example.com");
    check("ann+tag=bob=example.com@lists.example.net", "user+detail@example.com");
    check("x+caf_=bob=example.com@example.net", "{brace}@example.com");
}

/// Trap 32.
#[test]
fn smtputf8_addresses() {
    check("грета@пример.example", "用户@例子.example");
    check("josé@example.net", "bjørn@xn--exmple-cua.example");
}

/// Trap 32: bytes that are no UTF-8 are shown as well as they can be, and lose nothing else: retries are of one recipient.
#[test]
fn addresses_in_latin_1() {
    let text = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 3A1B29E001: from=<jos?@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<b?b@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (no answer from ?)
         10:10:01 smtp 3A1B29E001: to=<b?b@example.com>, relay=none, delay=601, delays=600/0/1/0, dsn=4.4.1, status=deferred (no answer from ?)
         10:20:01 smtp 3A1B29E001: to=<b?b@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1201, delays=1200/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:20:01 qmgr 3A1B29E001: removed",
    );
    let bytes: Vec<u8> = text.bytes().map(|byte| if byte == b'?' { 0xE9 } else { byte }).collect();
    let mut reading = vigie_testkit::Reading::of(&["hub1"]);
    vigie_testkit::timed(0, &bytes, &jiff::tz::TimeZone::UTC, 0).iter().for_each(|line| reading.line(line));
    let story = reading.story();
    assert_eq!(story.told(), ["mail <jos\u{fffd}@example.net> hub1:3A1B29E001 | b\u{fffd}b@example.com delivered"]);
    assert_eq!(story.only().deliveries[0].attempts, 3);
}

/// Trap 32: an address longer than what is kept of it is still one address.
#[test]
fn an_address_of_three_kilobytes() {
    let address = format!("{}@example.com", "b".repeat(3_000));
    let story = story(&[(
        "hub1",
        log(
            "hub1",
            &format!(
                "10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
                 10:00:01 smtp 3A1B29E001: to=<{address}>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (no answer)
                 10:10:01 smtp 3A1B29E001: to=<{address}>, relay=none, delay=601, delays=600/0/1/0, dsn=5.1.1, status=bounced (too long)
                 10:10:01 qmgr 3A1B29E001: removed"
            ),
        ),
    )]);
    let [delivery] = &story.only().deliveries[..] else { panic!("{:?}", story.told()) };
    assert_eq!((delivery.outcome, delivery.attempts), (vigie_model::Outcome::Bounced, 2));
}

/// The next server changes the case of the domain: still the same recipient.
#[test]
fn the_same_address_in_another_case_is_handed_over() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<Bob@Example.COM>, relay=hub1.example.com[192.0.2.2]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Message accepted)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    let hub = log(
        "hub1",
        "10:00:01 smtpd 7C1D29E002: client=edge1.example.com[192.0.2.1]
         10:00:01 cleanup 7C1D29E002: message-id=<one@example.net>
         10:00:01 qmgr 7C1D29E002: from=<ann@example.net>, size=1300, nrcpt=1 (queue active)
         10:00:02 virtual 7C1D29E002: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:02 qmgr 7C1D29E002: removed",
    );
    assert_eq!(
        story(&[("edge1", edge), ("hub1", hub)]).told(),
        ["mail <ann@example.net> edge1:3A1B29E001 message id>hub1:7C1D29E002 | bob@example.com delivered"],
        "a guess, and it says so"
    );
}
