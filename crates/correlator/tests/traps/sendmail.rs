//! What Sendmail's lines come to: hand-over from the submission client, clones, notices, expiry, refusals. Trap 26, and those of others
//! that hold for it.

use vigie_model::{Arrival, Direction, MailClass};
use vigie_testkit::{
    Reading,
    corpus::{self, Corpus},
    log, story,
};

/// Lines of `host`, each `TIME PROGRAM TEXT`.
fn mail(host: &str, short: &str) -> String {
    let tagged: Vec<String> = short
        .lines()
        .map(str::trim_start)
        .filter_map(|line| line.split_once(' ').map(|(time, rest)| format!("{time} !{rest}")))
        .collect();
    log(host, &tagged.join("\n"))
}

/// Trap 26: one message in two queues of one host.
#[test]
fn the_submission_client_hands_over_to_the_server() {
    let host = mail(
        "web1",
        "10:00:00.1 sendmail n261B2HI005308: from=root, size=582, class=0, nrcpts=1, msgid=<1.n261B2HI005308@web1>, relay=root@localhost
         10:00:00.2 sm-mta n261B2dO005513: from=<root@web1>, size=771, class=0, nrcpts=1, msgid=<1.n261B2HI005308@web1>, proto=ESMTP, daemon=MTA-v4, relay=localhost [127.0.0.1]
         10:00:00.3 sendmail n261B2HI005308: to=Ann <ann@example.net>, ctladdr=root (0/0), delay=00:00:00, xdelay=00:00:00, mailer=relay, pri=30356, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (n261B2dO005513 Message accepted for delivery)
         10:00:01 sm-mta n261B2dO005513: to=<ann@example.net>, ctladdr=<root@web1> (0/0), delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=30771, relay=mx.example.net. [192.0.2.50], dsn=2.0.0, stat=Sent (ok 7)",
    );
    let story = story(&[("web1", host)]);
    assert_eq!(story.told(), ["mail <root> web1:n261B2HI005308 reply>web1:n261B2dO005513 | ann@example.net delivered"]);
    let journey = story.only();
    assert_eq!((journey.arrival, &*journey.user), (Arrival::Local, "root"));
    assert_eq!(journey.deliveries[0].direction, Direction::Out);
    assert!(journey.closed);
    let counts: Vec<_> =
        journey.steps.iter().map(|step| (step.counts.received_from_local, step.counts.sent_to_servers)).collect();
    assert_eq!(counts, [(1, 0), (0, 1)], "the host took one message and gave one away");
}

/// Trap 26: two servers, each with its own id.
#[test]
fn one_server_hands_over_to_another() {
    let edge = mail(
        "edge1",
        "10:00:00 sm-mta 0AM4xQ85021802: from=<ann@example.net>, size=1739, class=0, nrcpts=2, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:01 sm-mta 0AM4xQ85021802: to=<bob@example.com>,<eve@example.com>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=31959, relay=hub1.example.com. [192.0.2.2], dsn=2.0.0, stat=Sent (0AM4xR9s021900 Message accepted for delivery)",
    );
    let hub = mail(
        "hub1",
        "10:00:01 sm-mta 0AM4xR9s021900: to=<bob@example.com>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=31959, dsn=2.0.0, stat=Sent
         10:00:01 sm-mta 0AM4xR9s021900: from=<ann@example.net>, size=1902, class=0, nrcpts=2, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=edge1.example.com [192.0.2.1]
         10:00:02 sm-mta 0AM4xR9s021900: to=<eve@example.com>, delay=00:00:01, xdelay=00:00:00, mailer=local, pri=31959, dsn=5.1.1, stat=User unknown",
    );
    let story = story(&[("edge1", edge), ("hub1", hub)]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> edge1:0AM4xQ85021802 reply>hub1:0AM4xR9s021900 | bob@example.com delivered; eve@example.com bounced"
        ]
    );
    // The local delivery's line came before the arrival's.
    assert_eq!(story.only().steps[1].counts.received_from_servers, 1);
    assert_eq!(story.only().deliveries[0].direction, Direction::In);
}

/// Trap 26.
#[test]
fn a_list_with_an_owner_goes_on_as_a_clone() {
    let host = mail(
        "hub1",
        "10:00:00 sm-mta 0AM4xQ85021802: from=<ann@example.net>, size=1739, class=0, nrcpts=2, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:01 sm-mta 0AM4xQ85021802: 0AM4xQ85021804: clone: owner=owner-staff
         10:00:01 sm-mta 0AM4xQ85021802: to=<bob@example.com>, delay=00:00:01, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent
         10:00:02 sm-mta 0AM4xQ85021804: to=cyd,dan, delay=00:00:02, xdelay=00:00:01, mailer=local, pri=1, dsn=2.0.0, stat=Sent",
    );
    let story = story(&[("hub1", host)]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> hub1:0AM4xQ85021802 previous id>hub1:0AM4xQ85021804 | bob@example.com delivered; cyd delivered; dan delivered"
        ]
    );
}

/// A notice belongs to the message that it is about, and is a journey of its own.
#[test]
fn a_bounce_is_linked_to_what_bounced() {
    let host = mail(
        "hub1",
        "10:00:00 sm-mta 0AM4xQ85021802: from=<ann@example.com>, size=1739, class=0, nrcpts=1, msgid=<1@example.com>, proto=ESMTP, daemon=MTA, relay=pc1.example.com [192.0.2.70]
         10:00:01 sm-mta 0AM4xQ85021802: to=<no@example.net>, delay=00:00:01, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.example.net. [192.0.2.50], dsn=5.1.1, reply=550 5.1.1 no, stat=User unknown
         10:00:01 sm-mta 0AM4xQ85021802: 0AM4xQ85021803: DSN: User unknown
         10:00:02 sm-mta 0AM4xQ85021803: to=<ann@example.com>, delay=00:00:01, xdelay=00:00:01, mailer=local, pri=1, dsn=2.0.0, stat=Sent",
    );
    let story = story(&[("hub1", host)]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.com> hub1:0AM4xQ85021802 | no@example.net bounced",
            "bounce <> hub1:0AM4xQ85021803 | ann@example.com delivered",
        ]
    );
    assert_eq!(story.journeys[1].notice_of, story.journeys[0].id);
    assert_eq!((story.journeys[1].class, story.journeys[1].arrival), (MailClass::Bounce, Arrival::Local));
}

/// Trap 15: tried for days, then given up; the log says so only in the notice's line.
#[test]
fn a_message_that_was_tried_for_five_days() {
    let host = mail(
        "hub1",
        "2026-03-02T10:00:00 sm-mta 0AM4xQ85021802: from=<ann@example.com>, size=1739, class=0, nrcpts=2, msgid=<1@example.com>, proto=ESMTP, daemon=MTA, relay=pc1.example.com [192.0.2.70]
         2026-03-02T10:00:01 sm-mta 0AM4xQ85021802: to=<ok@example.net>, delay=00:00:01, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.example.net. [192.0.2.50], dsn=2.0.0, stat=Sent (ok)
         2026-03-02T10:00:01 sm-mta 0AM4xQ85021802: to=<late@example.org>, delay=00:00:01, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.example.org., dsn=4.4.1, stat=Deferred: Connection refused by mx.example.org.
         2026-03-02T14:00:01 sm-mta 0AM4xQ85021802: 0AM4xQ85021900: sender notify: Warning: could not send message for past 4 hours
         2026-03-07T10:00:01 sm-mta 0AM4xQ85021802: to=<late@example.org>, delay=5+00:00:01, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.example.org., dsn=4.4.1, stat=Deferred: Connection refused by mx.example.org.
         2026-03-07T10:00:01 sm-mta 0AM4xQ85021802: 0AM4xQ85021999: sender notify: Cannot send message for 5 days",
    );
    let story = story(&[("hub1", host)]);
    assert_eq!(
        story.told()[0],
        "mail <ann@example.com> hub1:0AM4xQ85021802 | late@example.org expired; ok@example.net delivered"
    );
    assert!(story.journeys[0].closed);
    assert_eq!(story.attempts.len(), 2);
    assert_eq!(story.journeys.len(), 3, "two notices: {:?}", story.told());
}

/// Trap 15: delivered after days, by the same id.
#[test]
fn delivered_after_nine_days() {
    let host = mail(
        "hub1",
        "2026-03-02T10:00:00 sm-mta 0AM4xQ85021802: from=<ann@example.com>, size=1739, class=0, nrcpts=1, msgid=<1@example.com>, proto=ESMTP, daemon=MTA, relay=pc1.example.com [192.0.2.70]
         2026-03-02T10:00:00 sm-mta 0AM4xQ85021802: to=<late@example.org>, delay=00:00:00, mailer=esmtp, pri=1, stat=queued
         2026-03-11T10:00:01 sm-mta 0AM4xQ85021802: to=<late@example.org>, delay=9+00:00:01, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.example.org. [192.0.2.51], dsn=2.0.0, stat=Sent (ok)",
    );
    let story = story(&[("hub1", host)]);
    assert_eq!(story.told(), ["mail <ann@example.com> hub1:0AM4xQ85021802 | late@example.org delivered"]);
    assert_eq!((story.only().deliveries[0].attempts, story.attempts.len()), (1, 0), "being queued is no try");
}

/// Trap 16: two messages with one Message-ID are two journeys.
#[test]
fn one_message_id_twice() {
    let one = |id: &str, second: u32| {
        mail(
            "hub1",
            &format!(
                "10:00:{second:02} sm-mta {id}: from=<ann@example.net>, size=1739, class=0, nrcpts=1, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
                 10:00:{second:02} sm-mta {id}: to=<bob@example.com>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent"
            ),
        )
    };
    let story = story(&[("hub1", one("0AM4xQ85021802", 0) + &one("0AM4xQ85021803", 1))]);
    assert_eq!(story.journeys.len(), 2, "{:?}", story.told());
}

/// Traps 18 and 33: accepted, and dropped.
#[test]
fn a_milter_drops_and_keeps() {
    let host = mail(
        "hub1",
        "10:00:00 sm-mta 0AM4xQ85021802: from=<ann@example.net>, size=1739, class=0, nrcpts=1, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:00 sm-mta 0AM4xQ85021802: Milter: to=<bob@example.com>, discard
         10:00:00 sm-mta 0AM4xQ85021802: discarded
         10:01:00 sm-mta 0AM4xQ85021803: milter=scan, quarantine=suspicious
         10:01:00 sm-mta 0AM4xQ85021803: from=<ann@example.net>, size=1739, class=0, nrcpts=1, msgid=<2@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:01:00 sm-mta 0AM4xQ85021803: to=<bob@example.com>, delay=00:00:00, mailer=local, pri=1, quarantine=suspicious, stat=quarantined",
    );
    assert_eq!(
        story(&[("hub1", host)]).told(),
        [
            "mail <ann@example.net> hub1:0AM4xQ85021802 | bob@example.com discarded",
            "mail <ann@example.net> hub1:0AM4xQ85021803 | bob@example.com held",
        ]
    );
}

/// A message that was refused at its end was never accepted, though its envelope and its recipients are logged.
#[test]
fn a_message_refused_after_its_text() {
    let host = mail(
        "hub1",
        "10:00:00 sm-mta 0AM4xQ85021802: from=<ann@example.net>, size=1739, class=0, nrcpts=1, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:00 sm-mta 0AM4xQ85021802: Milter: data, reject=554 5.7.1 virus found
         10:00:00 sm-mta 0AM4xQ85021802: to=<bob@example.com>, delay=00:00:00, pri=30500, stat=virus found
         10:00:09 sm-mta 0AM4xQ85021803: message size (1644842) exceeds maximum (1000000)
         10:00:09 sm-mta 0AM4xQ85021803: from=<ann@example.net>, size=1644842, class=0, nrcpts=1, msgid=<2@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]",
    );
    let story = story(&[("hub1", host)]);
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(
        story.refused(),
        [
            "END-OF-MESSAGE [] 554 5.7.1 <> <>: virus found",
            "END-OF-MESSAGE [] 0  <> <>: message size (1644842) exceeds maximum (1000000)",
        ]
    );
}

#[test]
fn sessions_that_bring_nothing() {
    let host = mail(
        "hub1",
        "10:00:00 sm-mta 0AM4xR9h021907: collect: premature EOM: unexpected close
         10:00:00 sm-mta 0AM4xR9h021907: from=<ann@example.net>, size=195, class=0, nrcpts=1, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:01 sm-mta 0AM4xRmu021851: <nobody@example.com>... User unknown
         10:00:01 sm-mta 0AM4xRmu021851: from=<ann@example.net>, size=1695, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:02 sm-mta 0AM4xRmu021852: from=<ann@example.net>, size=0, class=0, nrcpts=1, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:01:00 sm-mta starting daemon (8.17.1.9): SMTP+queueing@00:15:00",
    );
    let story = story(&[("hub1", host)]);
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(story.refused(), ["RCPT [] 0  <> <nobody@example.com>: User unknown"]);
    assert_eq!(story.aborted, 2, "the third may still turn out to be a message");
}

/// Versions that log no Message-ID where the client sent none: only its delivery tells that there was a message.
#[test]
fn a_message_without_message_id() {
    let host = mail(
        "hub1",
        "10:00:00 sm-mta 0AM4xRmu021852: from=<ann@example.net>, size=900, class=0, nrcpts=1, proto=SMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:01 sm-mta 0AM4xRmu021852: to=<bob@example.com>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent",
    );
    let story = story(&[("hub1", host)]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:0AM4xRmu021852 | bob@example.com delivered"]);
    assert_eq!((story.only().size, &*story.only().client_ip), (Some(900), "192.0.2.60"));
}

/// One recipient is refused, another accepted: a refusal and a message, with one id.
#[test]
fn a_transaction_that_is_partly_refused() {
    let host = mail(
        "hub1",
        "10:00:00 sm-mta 0AM4xRO6021857: <missing@example.com>... User unknown
         10:00:00 sm-mta 0AM4xRO6021857: from=<ann@example.net>, size=1210, class=0, nrcpts=1, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:01 sm-mta 0AM4xRO6021857: to=<bob@example.com>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent",
    );
    let story = story(&[("hub1", host)]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:0AM4xRO6021857 | bob@example.com delivered"]);
    assert_eq!(story.rejections[0].queue_id, story.hops[0].queue_id);
}

/// The login has a line without a queue id; the process and the client tell whose it is.
#[test]
fn who_was_logged_in() {
    let host = mail(
        "hub1",
        "10:00:01 sm-mta 0AM4xRO6000100: from=<ann@example.com>, size=1210, class=0, nrcpts=1, msgid=<1@example.com>, proto=ESMTPSA, daemon=MSA, relay=pc1.example.com [192.0.2.70]
         10:00:01 sm-mta AUTH=server, relay=pc1.example.com [192.0.2.70], authid=ann, mech=PLAIN, bits=0
         10:00:02 sm-mta 0AM4xRO6000100: to=<bob@example.net>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.example.net. [192.0.2.50], dsn=2.0.0, stat=Sent (ok)
         10:00:03 sm-mta 0AM4xRO7000100: from=<eve@example.net>, size=1210, class=0, nrcpts=1, msgid=<2@example.com>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]
         10:00:04 sm-mta 0AM4xRO7000100: to=<ann@example.com>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent",
    );
    let story = story(&[("hub1", host)]);
    let users: Vec<_> = story.journeys.iter().map(|journey| (&*journey.user, journey.arrival)).collect();
    assert_eq!(users, [("ann", Arrival::User), ("", Arrival::Server)]);
}

/// Aliases meet: fewer recipients than were counted. A day later nobody waits for more.
#[test]
fn two_addresses_of_one_person() {
    let came = "0AM4xRO6021857: from=<ann@example.net>, size=1210, class=0, nrcpts=2, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=out.example.net [192.0.2.60]";
    let went = "0AM4xRO6021857: to=<bob@example.com>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent";
    let closed = |later: &[&str]| {
        let later = later.iter().map(|time| format!("{time} sm-mta starting daemon (8.17.1.9): SMTP"));
        let lines: Vec<String> =
            [format!("10:00:00 sm-mta {came}"), format!("10:00:01 sm-mta {went}")].into_iter().chain(later).collect();
        story(&[("hub1", mail("hub1", &lines.join("\n")))]).only().closed
    };
    assert!(!closed(&["10:05:00"]));
    assert!(closed(&["2026-03-03T09:00:00", "2026-03-03T12:00:00"]));
}

/// Lines of a real server: what was sent with which arguments stands in the corpus' README.
#[test]
fn the_submission_client_of_a_real_server() {
    let corpus = Corpus::load(&corpus::testdata().join("sendmail/submission"));
    let mut reading = Reading::of(&corpus.hosts());
    corpus.lines().iter().flatten().for_each(|line| reading.line(line));
    let story = reading.story();
    assert_eq!(story.unknown, Vec::<String>::new());
    let told: Vec<String> = story.told().into_iter().map(|line| line.replace("sendmail1:", "")).collect();
    assert_eq!(
        told,
        [
            "mail <frontdesk@example.com> 6AN3mDkN016933 reply>6AN3mD2Z016941 | client@partner.example.net delivered",
            "mail <frontdesk@example.com> 6AN3mEYo016949 reply>6AN3mEYB016957 | client2@partner.example.net delivered; \
             sales1@store.example.com delivered",
            "mail <frontdesk@example.com> 6AN3mEFv016963 reply>6AN3mElt016977 previous id>6AN3mEls016981 | \
             client3@partner.example.net delivered; sales1@store.example.com delivered; sales2@store.example.com delivered",
            "mail <frontdesk@example.com> 6AN3mEex016986 reply>6AN3mEkY016995 | /mnt/filed.mbox (filed@example.com) bounced; \
             |/bin/cat >/dev/null (prog@example.com) delivered",
            "bounce <> 6AN3mEkX017001 | frontdesk@store.example.com delivered",
            "mail <frontdesk@example.com> 6AN3mEF8017007 reply>6AN3mECY017015 | r550-x@partner.example.net bounced",
            "mail <frontdesk@example.com> 6AN3mFkc017024 reply>6AN3mFdv017031 | nobody@example.com deferred",
            "bounce <> 6AN3mFCX017020 | frontdesk@store.example.com delivered",
            "mail <ops1@example.com> 6AN3mFZb017041 | client4@partner.example.net delivered; keep1@store.example.com delivered",
            "mail <ops1@example.com> 6AN3mL9v017498 | x9@slow.example.net deferred",
            "mail <orders@partner.example.net> 6AN3mROo017839 | dev1@store.example.com delivered; \
             frontdesk@store.example.com delivered; helpdesk@store.example.com delivered; ops1@store.example.com delivered; \
             ops2@store.example.com delivered; payroll@store.example.com delivered; sales1@store.example.com delivered; \
             sales2@store.example.com delivered; sales3@store.example.com delivered",
            "mail <orders@partner.example.net> 6AN3mRlM017844 | sales1@store.example.com delivered",
            "mail <orders@partner.example.net> 6AN3mRhb017848 | sales1@store.example.com delivered",
            "mail <orders@partner.example.net> 6AN3mSSv017855 | sales1@store.example.com delivered",
        ]
    );
    assert_eq!(
        story.refused(),
        [
            "END-OF-MESSAGE [] 0  <> <>: message size (1420085) exceeds maximum (1000000)",
            "RCPT [] 0  <> <\"a, b\"@example.com>: User unknown",
        ]
    );
    // A Message-ID of 300 letters was cut in the log, and one has all that confuses.
    let ids: Vec<&str> = story.journeys[12..].iter().map(|journey| &*journey.message_id).collect();
    assert_eq!(ids, ["", "a b=c, relay=evil [1.2.3.4]"]);
    let held = story.hops.iter().filter(|hop| hop.held).count();
    assert_eq!(held, 0, "the one that was put on hold was let go");
    let users: Vec<&str> = story.journeys.iter().map(|journey| &*journey.user).take(2).collect();
    assert_eq!(users, ["root", "root"]);
}
