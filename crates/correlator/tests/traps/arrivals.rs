//! How a message came, and what it calls itself. Traps 17 and 12.

use vigie_model::Arrival;
use vigie_testkit::{Story, log, story};

/// A message with these lines of cleanup(8).
fn named(lines: &str) -> Story {
    story(&[(
        "hub1",
        log(
            "hub1",
            &format!(
                "10:00:00.1 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
                 {lines}
                 10:00:00.4 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
                 10:00:01 virtual 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
                 10:00:01 qmgr 3A1B29E001: removed"
            ),
        ),
    )])
}

/// Trap 17.
#[test]
fn message_id_empty_or_twice_or_with_spaces() {
    for (lines, id) in [
        ("10:00:00.2 cleanup 3A1B29E001: message-id=<>", "<>"),
        ("10:00:00.2 cleanup 3A1B29E001: message-id=", ""),
        (
            "10:00:00.2 cleanup 3A1B29E001: message-id=<first@x>\n10:00:00.3 cleanup 3A1B29E001: message-id=<second@x>",
            "<first@x>",
        ),
        ("10:00:00.2 cleanup 3A1B29E001: message-id=<a b c@x> (added by h)", "<a b c@x> (added by h)"),
        ("10:00:00.2 cleanup 3A1B29E001: message-id=<unbalanced@x", "<unbalanced@x"),
        ("10:00:00.2 cleanup 3A1B29E001: message-id==?utf-8?Q?=3Ca=3Db@x=3E?=", "=?utf-8?Q?=3Ca=3Db@x=3E?="),
        ("10:00:00.2 cleanup 3A1B29E001: message-id=<a@x>? <b@x>", "<a@x>? <b@x>"),
        ("10:00:00.2 cleanup 3A1B29E001: resent-message-id=<again@x>", "<again@x>"),
        (
            "10:00:00.2 cleanup 3A1B29E001: resent-message-id=<again@x>\n10:00:00.3 cleanup 3A1B29E001: message-id=<orig@x>",
            "<orig@x>",
        ),
        (
            "10:00:00.2 cleanup 3A1B29E001: message-id=<orig@x>\n10:00:00.3 cleanup 3A1B29E001: resent-message-id=<again@x>",
            "<orig@x>",
        ),
    ] {
        let story = named(lines);
        assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"], "{lines}");
        assert_eq!(&*story.hops[0].message_id, id, "{lines}");
        assert_eq!(story.unknown, Vec::<String>::new());
    }
}

/// Trap 17: a message id of two kilobytes is kept in part, and the message whole.
#[test]
fn message_id_longer_than_any_name() {
    let id = format!("<{}@x>", "é".repeat(1_500));
    let story = named(&format!("10:00:00.2 cleanup 3A1B29E001: message-id={id}"));
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    let kept = &story.hops[0].message_id;
    assert!(
        kept.len() > 1_000 && kept.len() < 2_100 && id.starts_with(kept.trim_end_matches('\u{fffd}')),
        "{}",
        kept.len()
    );
}

/// Trap 17: two messages without a message id, or with the empty one, are not one.
#[test]
fn messages_without_message_id_are_not_mixed() {
    let mut edge = String::new();
    let mut hub = String::new();
    for (at, next, to) in [("3A1B29E001", "7C1D29E002", "bob"), ("4B1B29E003", "8D1D29E004", "eve")] {
        edge += &log(
            "edge1",
            &format!(
                "10:00:00 smtpd {at}: client=out.example.net[192.0.2.10]
                 10:00:00 cleanup {at}: message-id=<>
                 10:00:00 qmgr {at}: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
                 10:00:01 smtp {at}: to=<{to}@example.com>, relay=hub1.example.com[192.0.2.2]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {next})
                 10:00:01 qmgr {at}: removed"
            ),
        );
        hub += &log(
            "hub1",
            &format!(
                "10:00:01 smtpd {next}: client=edge1.example.com[192.0.2.1]
                 10:00:01 cleanup {next}: message-id=<>
                 10:00:01 qmgr {next}: from=<ann@example.net>, size=1300, nrcpt=1 (queue active)
                 10:00:02 virtual {next}: to=<{to}@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
                 10:00:02 qmgr {next}: removed"
            ),
        );
    }
    let mut told = story(&[("edge1", edge), ("hub1", hub)]).told();
    told.sort();
    assert_eq!(
        told,
        [
            "mail <ann@example.net> edge1:3A1B29E001 reply>hub1:7C1D29E002 | bob@example.com delivered",
            "mail <ann@example.net> edge1:4B1B29E003 reply>hub1:8D1D29E004 | eve@example.com delivered",
        ]
    );
}

/// A subject may imitate the rest of the line: the envelope is what stands last.
#[test]
fn a_subject_that_imitates_a_log_line() {
    let story = named(
        "10:00:00.2 cleanup 3A1B29E001: warning: header Subject: hi from evil[1.2.3.4]; from=<x@y> to=<z> proto=SMTP helo=<q>: status=sent from out.example.net[192.0.2.10]; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>
         10:00:00.3 cleanup 3A1B29E001: message-id=<one@example.net>",
    );
    let journey = story.only();
    assert_eq!(&*journey.subject, "hi from evil[1.2.3.4]; from=<x@y> to=<z> proto=SMTP helo=<q>: status=sent");
    assert_eq!((&*journey.sender, &*journey.helo), ("ann@example.net", "out.example.net"));
}

/// By a user, by a program of the host, by another server.
#[test]
fn who_brought_the_message() {
    let hub = log(
        "hub1",
        "10:00:00 submission/smtpd 3A1B29E001: client=pc.example.com[192.0.2.30], sasl_method=PLAIN, sasl_username=ann@example.com, sasl_sender=boss@example.com
         10:00:00 qmgr 3A1B29E001: from=<ann@example.com>, size=1200, nrcpt=1 (queue active)
         10:00:00 qmgr 3A1B29E001: removed
         10:00:01 pickup 3A1B29E002: uid=0 from=<root>
         10:00:01 cleanup 3A1B29E002: message-id=<two@hub1>
         10:00:01 qmgr 3A1B29E002: from=<root@hub1.example.com>, size=1200, nrcpt=1 (queue active)
         10:00:01 qmgr 3A1B29E002: removed
         10:00:02 smtpd 3A1B29E003: client=out.example.net[192.0.2.10]
         10:00:02 qmgr 3A1B29E003: from=<eve@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:02 qmgr 3A1B29E003: removed",
    );
    let story = story(&[("hub1", hub.replace(" submission/", " postfix/submission/"))]);
    let arrivals: Vec<_> =
        story.journeys.iter().map(|journey| (journey.arrival, &*journey.user, &*journey.sender)).collect();
    assert_eq!(
        arrivals,
        [
            (Arrival::User, "ann@example.com", "ann@example.com"),
            (Arrival::Local, "", "root@hub1.example.com"),
            (Arrival::Server, "", "eve@example.net"),
        ]
    );
}
