//! What became of a recipient: agents, statuses, retries, notices. Traps 2, 3, 8, 9, 15, 16.

use vigie_model::{MICROS_PER_DAY, MailClass, Outcome};
use vigie_testkit::{Story, log, story};

/// A message for one recipient, with these lines between activation and removal.
fn fate(lines: &str) -> Story {
    story(&[(
        "hub1",
        log(
            "hub1",
            &format!(
                "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
                 10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
                 10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
                 {lines}"
            ),
        ),
    )])
}

/// Trap 2.
#[test]
fn conn_use_in_a_delivery_line() {
    let story = fate(
        "10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, conn_use=17, delay=1.4, delays=0.9/0.1/0/0.4, dsn=2.0.0, status=sent (250 Ok)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    let recipient = &story.hops[0].recipients[0];
    let delays = recipient.delays;
    assert_eq!(
        (delays.total_ms, delays.before_ms, delays.queue_ms, delays.connect_ms, delays.transmit_ms),
        (Some(1400), 900, 100, 0, 400)
    );
    assert_eq!(
        (&*recipient.relay.name, &*recipient.relay.ip, recipient.relay.port),
        ("mx.example.com", "192.0.2.80", 25)
    );
}

/// Trap 3.
#[test]
fn tls_and_keys_of_versions_to_come_in_a_delivery_line() {
    let story = fate(
        "10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, tls=verified:dane, later=x=y, dsn=2.0.0, status=sent (250 Ok)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    assert!(story.only().deliveries[0].tls);
}

/// Trap 8.
#[test]
fn the_error_transport_defers_and_bounces() {
    let story = fate(
        "10:00:01 error 3A1B29E001: to=<bob@example.com>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to mx.example.com[192.0.2.80]:25: Connection refused)
         10:10:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:10:01 retry 3A1B29E001: to=<bob@example.com>, relay=none, delay=601, delays=600/0/0/0, dsn=4.4.1, status=deferred (delivery temporarily suspended)
         10:20:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:20:01 error 3A1B29E001: to=<bob@example.com>, relay=none, delay=1201, delays=1200/0/0/0, dsn=5.1.1, status=bounced (User unknown in virtual mailbox table)
         10:20:01 qmgr 3A1B29E001: removed",
    );
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com bounced"]);
    let delivery = &story.only().deliveries[0];
    assert_eq!((delivery.attempts, delivery.delivery_ms, &*delivery.dsn), (3, Some(1_201_000), "5.1.1"));
    assert_eq!(story.attempts.len(), 2, "tries that were put off");
}

/// Trap 8: an expired notice, whose sender is empty.
#[test]
fn expired_with_an_empty_sender() {
    let hub = log(
        "hub1",
        "10:00:00 cleanup 3A1B29E001: message-id=<notice@hub1.example.com>
         10:00:00 qmgr 3A1B29E001: from=<>, size=3200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<ann@example.net>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to example.net[192.0.2.10]:25: Connection timed out)
         2026-03-07T10:00:00 qmgr 3A1B29E001: from=<>, status=expired, returned to sender
         2026-03-07T10:00:00 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.told(), ["bounce <> hub1:3A1B29E001 | ann@example.net expired"]);
    assert!(story.only().closed);
}

/// Trap 8: what expires bounces, and the notice is about the message.
#[test]
fn an_expired_message_and_its_notice() {
    let story = fate(
        "10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to mx.example.com[192.0.2.80]:25: Connection timed out)
         2026-03-07T10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, status=force-expired, returned to sender
         2026-03-07T10:00:00 cleanup 5E1F29E005: message-id=<notice@hub1.example.com>
         2026-03-07T10:00:00 bounce 3A1B29E001: sender non-delivery notification: 5E1F29E005
         2026-03-07T10:00:00 qmgr 5E1F29E005: from=<>, size=3200, nrcpt=1 (queue active)
         2026-03-07T10:00:00 qmgr 3A1B29E001: removed
         2026-03-07T10:00:01 smtp 5E1F29E005: to=<ann@example.net>, relay=mx.example.net[192.0.2.10]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         2026-03-07T10:00:01 qmgr 5E1F29E005: removed",
    );
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> hub1:3A1B29E001 | bob@example.com expired",
            "bounce <> hub1:5E1F29E005 | ann@example.net delivered"
        ]
    );
    assert_eq!(story.journeys[1].notice_of, story.journeys[0].id);
}

/// Trap 9.
#[test]
fn a_soft_bounce_is_not_the_end() {
    let story = fate(
        "10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=SOFTBOUNCE (host mx.example.com[192.0.2.80] said: 550 5.1.1 User unknown (in reply to RCPT TO command))",
    );
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com deferred"]);
    assert!(!story.only().closed);
}

/// Trap 9.
#[test]
fn address_verification_is_no_mail() {
    for (status, outcome) in [
        ("deliverable", Outcome::Delivered),
        ("undeliverable", Outcome::Bounced),
        ("undeliverable-but-not-cached", Outcome::Bounced),
    ] {
        let hub = log(
            "hub1",
            &format!(
                "10:00:00 cleanup 3A1B29E001: message-id=<probe@hub1.example.com>
                 10:00:00 qmgr 3A1B29E001: from=<double-bounce@hub1.example.com>, size=270, nrcpt=1 (queue active)
                 10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=2.1.5, status={status} (delivery via mx.example.com[192.0.2.80]:25: 250 2.1.5 Ok)
                 10:00:01 qmgr 3A1B29E001: removed"
            ),
        );
        let story = story(&[("hub1", hub)]);
        let journey = story.only();
        assert_eq!((journey.class, journey.deliveries[0].outcome), (MailClass::Probe, outcome), "{status}");
        assert_eq!(journey.steps[0].counts.global(), 0, "a probe counts for no server");
    }
}

/// Trap 15: nine days in the queue, with retries; the delivery time is from the arrival, not the sum of tries.
#[test]
fn delivered_after_days() {
    let story = fate(
        "10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to mx.example.com[192.0.2.80]:25: Connection timed out)
         2026-03-05T09:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         2026-03-05T09:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=none, delay=255601, delays=255600/0/1/0, dsn=4.4.1, status=deferred (connect to mx.example.com[192.0.2.80]:25: Connection timed out)
         2026-03-11T10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         2026-03-11T10:00:00 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=777600, delays=777600/0/0/0, dsn=2.0.0, status=sent (250 Ok)
         2026-03-11T10:00:00 qmgr 3A1B29E001: removed",
    );
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    let delivery = &story.only().deliveries[0];
    assert_eq!((delivery.delivery_ms, delivery.attempts), (Some(9 * MICROS_PER_DAY as u64 / 1000), 3));
    assert_eq!(story.attempts.len(), 2);
}

/// Trap 15: the log begins while the message waits; its arrival was never seen.
#[test]
fn a_log_that_begins_with_a_retry() {
    let hub = log(
        "hub1",
        "10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=2 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=90001, delays=90000/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    let counts = story.only().steps[0].counts;
    assert_eq!(
        (counts.received_from_servers, counts.received_from_local, counts.sent_to_servers),
        (0, 0, 1),
        "an arrival that was not seen is not counted"
    );
}

/// A retry of one MX after the other is one try; the lines of the first are no outcome.
#[test]
fn one_try_over_two_exchangers() {
    let story = fate(
        "10:00:01 smtp 3A1B29E001: host mx1.example.com[192.0.2.80] said: 451 4.7.1 Greylisted (in reply to RCPT TO command)
         10:00:01 smtp connect to mx2.example.com[192.0.2.81]:25: Connection refused
         10:00:02 smtp 3A1B29E001: lost connection with mx3.example.com[192.0.2.82] while sending RCPT TO
         10:00:03 smtp 3A1B29E001: to=<bob@example.com>, relay=mx4.example.com[192.0.2.83]:25, delay=3, delays=0/0/2/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:03 qmgr 3A1B29E001: removed",
    );
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    assert_eq!((story.only().deliveries[0].attempts, story.attempts.len()), (1, 0));
}

/// Trap 16: refused for now, then accepted: one message and one refusal.
#[test]
fn a_sender_that_retries_after_a_temporary_refusal() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 cleanup 3A1B29E001: milter-reject: END-OF-MESSAGE from out.example.net[192.0.2.10]: 4.7.1 Try again later; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>
         10:05:00 smtpd 4B1B29E003: client=out.example.net[192.0.2.10]
         10:05:00 cleanup 4B1B29E003: message-id=<one@example.net>
         10:05:00 qmgr 4B1B29E003: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:05:01 virtual 4B1B29E003: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:05:01 qmgr 4B1B29E003: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:4B1B29E003 | bob@example.com delivered"]);
    assert_eq!(
        story.refused(),
        ["END-OF-MESSAGE out.example.net[192.0.2.10] 0 4.7.1 <ann@example.net> <bob@example.com>: Try again later"]
    );
    assert_eq!(story.aborted, 1, "the first session filled no queue file");
}

/// Trap 16: two real copies with one message id, to one recipient, within a second.
#[test]
fn two_copies_with_one_message_id_are_two_messages() {
    let mut edge = String::new();
    let mut hub = String::new();
    for (at, next) in [("3A1B29E001", "7C1D29E002"), ("4B1B29E003", "8D1D29E004")] {
        edge += &log(
            "edge1",
            &format!(
                "10:00:00 smtpd {at}: client=lists.example.net[192.0.2.10]
                 10:00:00 cleanup {at}: message-id=<post@example.net>
                 10:00:00 qmgr {at}: from=<list@example.net>, size=1200, nrcpt=1 (queue active)
                 10:00:01 smtp {at}: to=<bob@example.com>, relay=hub1.example.com[192.0.2.2]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {next})
                 10:00:01 qmgr {at}: removed"
            ),
        );
        hub += &log(
            "hub1",
            &format!(
                "10:00:01 smtpd {next}: client=edge1.example.com[192.0.2.1]
                 10:00:01 cleanup {next}: message-id=<post@example.net>
                 10:00:01 qmgr {next}: from=<list@example.net>, size=1300, nrcpt=1 (queue active)
                 10:00:02 virtual {next}: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
                 10:00:02 qmgr {next}: removed"
            ),
        );
    }
    let mut told = story(&[("edge1", edge), ("hub1", hub)]).told();
    told.sort();
    assert_eq!(
        told,
        [
            "mail <list@example.net> edge1:3A1B29E001 reply>hub1:7C1D29E002 | bob@example.com delivered",
            "mail <list@example.net> edge1:4B1B29E003 reply>hub1:8D1D29E004 | bob@example.com delivered",
        ]
    );
}

/// An alias is replaced; the addresses behind it have the outcomes.
#[test]
fn an_alias_is_replaced_by_its_members() {
    let story = fate(
        "10:00:01 cleanup 5E1F29E005: message-id=<one@example.net>
         10:00:01 local 3A1B29E001: to=<team@hub1.example.com>, orig_to=<team@example.com>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (forwarded as 5E1F29E005)
         10:00:01 qmgr 3A1B29E001: removed
         10:00:01 qmgr 5E1F29E005: from=<ann@example.net>, size=1300, nrcpt=2 (queue active)
         10:00:02 local 5E1F29E005: to=<bob@hub1.example.com>, orig_to=<team@example.com>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (delivered to mailbox)
         10:00:02 smtp 5E1F29E005: to=<eve@example.org>, orig_to=<team@example.com>, relay=mx.example.org[192.0.2.90]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.90] said: 550 5.1.1 unknown (in reply to RCPT TO command))
         10:00:02 qmgr 5E1F29E005: removed",
    );
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> hub1:3A1B29E001 reply>hub1:5E1F29E005 | bob@hub1.example.com (team@example.com) delivered; \
          eve@example.org (team@example.com) bounced; team@hub1.example.com (team@example.com) forwarded"
        ]
    );
    let sum: u64 = story.only().steps.iter().map(|step| step.counts.global()).sum();
    assert_eq!(sum, 2, "one arrival, one delivery here");
}
