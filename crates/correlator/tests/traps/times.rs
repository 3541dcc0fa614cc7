//! Lines out of order, clocks, years, repetitions. Traps 13, 14, 20, 21.

use vigie_model::iso;
use vigie_testkit::{Reading, TimedLine, log, story, timed};

/// Trap 13.
#[test]
fn lines_out_of_order_by_a_second() {
    let hub = log(
        "hub1",
        "10:00:02 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:01 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:02 qmgr 3A1B29E001: removed
         10:00:01 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:01 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:03 smtpd disconnect from out.example.net[192.0.2.10] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    let journey = story.only();
    assert_eq!((iso(journey.first_arrival), &*journey.client_ip), ("2026-03-02T10:00:01Z".to_owned(), "192.0.2.10"));
}

/// Trap 13: the delivery is written down after the removal, and the filter's word later still.
#[test]
fn stragglers_after_the_removal() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 qmgr 3A1B29E001: removed
         10:00:03 smtp 3A1B29E001: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:04 !amavis (00123-05) Blocked SPAM {DiscardedInbound}, [192.0.2.10] <ann@example.net> -> <bob@example.com>, Queue-ID: 3A1B29E001, mail_id: xYz, Hits: 22, size: 1180, 650 ms",
    );
    assert_eq!(story(&[("hub1", hub)]).told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com filtered"]);
}

/// Trap 13: a clock that was set back by two hours; new messages are told apart from old ones all the same.
#[test]
fn a_clock_that_was_set_back() {
    let mut hub = String::new();
    for (hour, id) in [(12, "3A1B29E001"), (10, "4B1B29E003"), (10, "4B1B29E004")] {
        hub += &log(
            "hub1",
            &format!(
                "{hour}:00:00 smtpd {id}: client=out.example.net[192.0.2.10]
                 {hour}:00:00 qmgr {id}: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
                 {hour}:00:01 virtual {id}: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
                 {hour}:00:01 qmgr {id}: removed"
            ),
        );
    }
    assert_eq!(
        story(&[("hub1", hub)]).told(),
        [
            "mail <ann@example.net> hub1:4B1B29E003 | bob@example.com delivered",
            "mail <ann@example.net> hub1:4B1B29E004 | bob@example.com delivered",
            "mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered",
        ]
    );
}

/// Trap 13: one line of a year later, and what was waiting in the queue is still one message.
#[test]
fn one_line_of_a_year_later_disturbs_nothing() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (no answer)
         2027-03-02T10:00:01 smtpd connect from out.example.net[192.0.2.10]
         10:00:02 smtpd 4B1B29E003: client=out.example.net[192.0.2.10]
         10:00:02 qmgr 4B1B29E003: from=<eve@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:03 virtual 4B1B29E003: to=<pia@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:03 qmgr 4B1B29E003: removed
         10:10:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:10:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=601, delays=600/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:10:01 qmgr 3A1B29E001: removed",
    );
    assert_eq!(
        story(&[("hub1", hub)]).told(),
        [
            "mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered",
            "mail <eve@example.net> hub1:4B1B29E003 | pia@example.com delivered",
        ]
    );
}

/// A message that crosses two servers whose clocks differ by a minute.
#[test]
fn two_servers_whose_clocks_differ() {
    let edge = log(
        "edge1",
        "10:01:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:01:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:01:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:01:01 smtp 3A1B29E001: to=<bob@example.com>, relay=hub1.example.com[192.0.2.2]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D29E002)
         10:01:01 qmgr 3A1B29E001: removed",
    );
    let hub = log(
        "hub1",
        "10:00:01 smtpd 7C1D29E002: client=edge1.example.com[192.0.2.1]
         10:00:01 cleanup 7C1D29E002: message-id=<one@example.net>
         10:00:01 qmgr 7C1D29E002: from=<ann@example.net>, size=1300, nrcpt=1 (queue active)
         10:00:02 virtual 7C1D29E002: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:02 qmgr 7C1D29E002: removed",
    );
    let story = story(&[("edge1", edge), ("hub1", hub)]);
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> edge1:3A1B29E001 reply>hub1:7C1D29E002 | bob@example.com delivered"],
        "the first hop comes first, whatever the clocks say"
    );
    assert_eq!(story.only().deliveries[0].delivery_ms, Some(0), "never less than nothing");
}

fn message(stamp: [&str; 3], id: &str) -> String {
    let [arrived, sent, removed] = stamp;
    format!(
        "{arrived} hub1 postfix/smtpd[1]: {id}: client=out.example.net[192.0.2.10]\n\
         {arrived} hub1 postfix/qmgr[3]: {id}: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)\n\
         {sent} hub1 postfix/virtual[4]: {id}: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)\n\
         {removed} hub1 postfix/qmgr[3]: {id}: removed\n"
    )
}

/// Trap 20.
#[test]
fn year_roll_in_a_log_without_years() {
    let hub = message(["Dec 30 08:00:00"; 3], "3A1B29E001")
        + &message(["Dec 31 23:59:59", "Jan  1 00:00:01", "Jan  1 00:00:01"], "4B1B29E003")
        + &message(["Feb  1 09:00:00"; 3], "4B1B29E004");
    let story = story(&[("hub1", hub)]);
    let times: Vec<(String, String, Option<u64>)> =
        story.journeys.iter().map(|j| (iso(j.first_arrival), iso(j.last_seen), j.deliveries[0].delivery_ms)).collect();
    let row = |from: &str, until: &str, ms| (from.to_owned(), until.to_owned(), Some(ms));
    assert_eq!(
        times,
        [
            row("2025-12-30T08:00:00Z", "2025-12-30T08:00:00Z", 0),
            row("2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z", 2_000),
            row("2026-02-01T09:00:00Z", "2026-02-01T09:00:00Z", 0),
        ]
    );
}

/// Trap 20: in Paris the hour from two to three comes twice on 25 October 2026.
#[test]
fn dst_fold() {
    let hub = message(["Oct 25 01:59:00"; 3], "3A1B29E001")
        + &message(["Oct 25 02:30:00", "Oct 25 02:59:59", "Oct 25 02:59:59"], "4B1B29E003")
        + &message(["Oct 25 02:00:01", "Oct 25 02:10:00", "Oct 25 02:10:00"], "4B1B29E004")
        + &message(["Oct 25 03:00:00"; 3], "4B1B29E005");
    let zone = jiff::tz::TimeZone::get("Europe/Paris").expect("a zone");
    let mut reading = Reading::of(&["hub1"]);
    timed(0, hub.as_bytes(), &zone, 1_798_761_599_000_000).iter().for_each(|line| reading.line(line));
    let story = reading.story();
    let times: Vec<_> = story.journeys.iter().map(|j| (iso(j.first_arrival), j.deliveries[0].delivery_ms)).collect();
    assert_eq!(
        times,
        [
            ("2026-10-24T23:59:00Z".to_owned(), Some(0)),
            ("2026-10-25T00:30:00Z".to_owned(), Some(1_799_000)),
            ("2026-10-25T01:00:01Z".to_owned(), Some(599_000)),
            ("2026-10-25T02:00:00Z".to_owned(), Some(0)),
        ]
    );
}

/// Trap 20: one set of files, several forms of time and zone; all of one moment.
#[test]
fn mixed_forms_of_time_in_one_log() {
    let hub = "\
Mar  2 10:00:00 hub1 postfix/smtpd[1]: 3A1B29E001: client=out.example.net[192.0.2.10]
2026-03-02T11:00:00.250000+01:00 hub1 postfix/cleanup[2]: 3A1B29E001: message-id=<one@example.net>
2026-03-02T10:00:00.500+0000 hub1 postfix/qmgr[3]: 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
<22>1 2026-03-02T05:00:01-05:00 hub1 postfix/virtual 4 - - 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
<22>Mar  2 10:00:01 hub1 postfix/qmgr[3]: [ID 197553 mail.info] 3A1B29E001: removed
";
    let story = story(&[("hub1", hub.to_owned())]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    assert_eq!(story.only().deliveries[0].delivery_ms, Some(1_000));
}

/// Trap 20: more than a year of lines without years.
#[test]
fn more_than_a_year_without_years() {
    let stamps = [
        "May 10 10:00:00",
        "Sep 10 10:00:00",
        "Jan 10 10:00:00",
        "May 10 10:00:00",
        "Sep 10 10:00:00",
        "Jan 10 10:00:00",
        "Apr 10 10:00:00",
    ];
    let hub: String =
        stamps.iter().enumerate().map(|(at, stamp)| message([stamp; 3], &format!("3A1B29E00{at}"))).collect();
    let days: Vec<String> =
        story(&[("hub1", hub)]).journeys.iter().map(|journey| iso(journey.first_arrival)[..7].to_owned()).collect();
    assert_eq!(days, ["2024-05", "2024-09", "2025-01", "2025-05", "2025-09", "2026-01", "2026-04"]);
}

/// Trap 21.
#[test]
fn rsyslog_repeats() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (no answer)
         10:00:01 smtp message repeated 2 times: [ 3A1B29E001: to=<bob@example.com>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (no answer)]
         10:00:02 smtpd message repeated 3 times: [ NOQUEUE: reject: RCPT from h.example.net[192.0.2.66]: 554 5.7.1 <x@example.org>: Relay access denied; from=<a@b.example> to=<x@example.org> proto=ESMTP helo=<h>]
         10:00:05 virtual 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=5, delays=5/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:05 virtual message repeated 2 times: [ 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=5, delays=5/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)]
         10:00:05 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"],
        "a copy is no second delivery"
    );
    assert_eq!(story.rejections.len(), 3, "a refusal that is repeated happened again");
    assert_eq!(story.only().steps[0].counts.local_routing, 1);
}

/// Trap 21: a container's header around the mail server's, an hour apart.
#[test]
fn a_double_header_has_the_inner_clock() {
    let hub = "\
May  2 22:56:18 dockerhost docker[7]: May  2 20:56:17 hub1 postfix/smtpd[1]: 3A1B29E001: client=out.example.net[192.0.2.10]
May  2 22:56:18 dockerhost docker[7]: May  2 20:56:17 hub1 postfix/qmgr[3]: 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
May  2 22:56:19 dockerhost docker[7]: May  2 20:56:18 hub1 postfix/virtual[4]: 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
May  2 22:56:19 dockerhost docker[7]: May  2 20:56:18 hub1 postfix/qmgr[3]: 3A1B29E001: removed
";
    let story = story(&[("hub1", hub.to_owned())]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    assert_eq!(iso(story.only().first_arrival), "2026-05-02T20:56:17Z");
}

/// Trap 14: what one host says does not depend on when another is read.
#[test]
fn reading_one_host_after_the_other_or_side_by_side_is_the_same() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=hub1.example.com[192.0.2.2]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D29E002)
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
    let utc = jiff::tz::TimeZone::UTC;
    let files: Vec<Vec<TimedLine>> =
        [&edge, &hub].iter().enumerate().map(|(at, text)| timed(at, text.as_bytes(), &utc, 0)).collect();
    let mut one_after_the_other = Reading::of(&["edge1", "hub1"]);
    files.iter().rev().flatten().for_each(|line| one_after_the_other.line(line));
    let side_by_side = story(&[("edge1", edge), ("hub1", hub)]);
    assert_eq!(one_after_the_other.story().journeys, side_by_side.journeys);
    assert_eq!(
        side_by_side.told(),
        ["mail <ann@example.net> edge1:3A1B29E001 reply>hub1:7C1D29E002 | bob@example.com delivered"]
    );
}
