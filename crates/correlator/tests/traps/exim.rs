//! Exim's own traps: 15 to 20, 23 to 25 and 32 of the list.

use vigie_model::{Arrival, MailClass};
use vigie_testkit::{Story, log, story};

/// Lines of Exim's main log on 2 March 2026; a line without a time of its own has 10:00:00.
fn main_log(short: &str) -> String {
    let lines = short.lines().map(str::trim_start).filter(|line| !line.is_empty());
    let whole = |line: &str| match line.as_bytes().first() {
        Some(b'1') if line[..8].bytes().filter(|byte| *byte == b':').count() == 2 => format!("2026-03-02 {line}\n"),
        _ => format!("2026-03-02 10:00:00 {line}\n"),
    };
    lines.map(whole).collect()
}

fn exim(short: &str) -> Story {
    story(&[("mx1", main_log(short))])
}

fn syslog(short: &str) -> Story {
    story(&[("mx1", log("mx1", short))])
}

/// Trap 24: a cutthrough delivery is logged before the arrival.
#[test]
fn a_delivery_before_its_arrival() {
    let story = exim(
        r#"10:00:00 1xUzfh-0005eu-36 >> bob@example.com R=out T=smtp H=mx [192.0.2.80] C="250 OK"
           10:00:01 1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
           10:00:01 1xUzfh-0005eu-36 Completed"#,
    );
    assert_eq!(story.told(), ["mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com delivered"]);
    assert!(story.only().closed);
}

/// Trap 24: the retry time not reached is no try, and does not hide what the last try said.
#[test]
fn a_retry_that_is_not_due_is_no_attempt() {
    let story = exim(
        "1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
         1xUzfh-0005eu-36 == bob@example.com R=out T=smtp defer (111): Connection refused
         10:05:00 1xUzfh-0005eu-36 == bob@example.com R=out T=smtp defer (-54): retry time not reached for any host for 'example.com'
         10:06:00 1xUzfh-0005eu-36 == bob@example.com routing defer (-52): retry time not reached
         10:07:00 1xUzfi-0005fH-1A <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=two@example.net
         10:07:00 1xUzfi-0005fH-1A == carl@example.com routing defer (-52): retry time not reached",
    );
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com deferred",
            "mail <ann@example.net> mx1:1xUzfi-0005fH-1A | carl@example.com deferred",
        ]
    );
    assert_eq!(story.attempts.len(), 1, "{:?}", story.attempts);
    let delivery = &story.journeys[0].deliveries[0];
    assert_eq!((&*delivery.reply, delivery.attempts), ("Connection refused", 1));
    assert_eq!(story.journeys[1].deliveries[0].attempts, 0);
}

/// Trap 15: delivered after days.
#[test]
fn delivered_after_five_days() {
    let mut log = main_log(
        "1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
         1xUzfh-0005eu-36 == bob@example.com R=out T=smtp defer (111): Connection refused",
    );
    log += "2026-03-07 10:00:00 1xUzfh-0005eu-36 => bob@example.com R=out T=smtp H=mx [192.0.2.80] C=\"250 OK\"\n";
    log += "2026-03-07 10:00:00 1xUzfh-0005eu-36 Completed\n";
    let story = story(&[("mx1", log)]);
    assert_eq!(story.told(), ["mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com delivered"]);
    assert_eq!(story.only().deliveries[0].delivery_ms, Some(5 * 86_400_000));
    assert_eq!(story.only().deliveries[0].attempts, 2);
}

/// Trap 24: dropped on purpose, in each of the ways that Exim has.
#[test]
fn what_is_dropped_is_not_delivered() {
    let story = exim(
        "1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
         1xUzfh-0005eu-36 => :blackhole: <void@example.com> R=aliases
         1xUzfh-0005eu-36 => discarded <bob@example.com> R=userforward
         1xUzfh-0005eu-36 => /dev/null <carl@example.com> R=null T=**bypassed**
         1xUzfh-0005eu-36 Completed
         10:01:00 1xUzfi-0005fH-1A <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=two@example.net for bob@example.com
         10:01:00 1xUzfi-0005fH-1A => blackhole (DATA ACL discarded recipients)
         10:01:01 1xUzfi-0005fH-1A Completed",
    );
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com discarded; carl@example.com discarded; void@example.com discarded",
            "mail <ann@example.net> mx1:1xUzfi-0005fH-1A | bob@example.com discarded",
        ]
    );
}

/// Trap 18: accepted by the next server, which says that it drops it.
#[test]
fn accepted_and_discarded_by_a_filter() {
    let story = exim(
        r#"1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
           1xUzfh-0005eu-36 => bob@example.com R=out T=smtp H=127.0.0.1 [127.0.0.1] C="250 2.7.0 Ok, discarded; id=1-2 - spam"
           1xUzfh-0005eu-36 Completed"#,
    );
    assert_eq!(story.told(), ["mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com filtered"]);
}

#[test]
fn an_alias_is_expanded() {
    let story = exim(
        r#"1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net for sales@example.com
           1xUzfh-0005eu-36 => bob <sales@example.com> R=users T=maildir
           1xUzfh-0005eu-36 => carl@partner.example.org <sales@example.com> R=out T=smtp H=mx [192.0.2.80] C="250 OK"
           1xUzfh-0005eu-36 == dora@slow.example.org <sales@example.com> R=out T=smtp defer (111): Connection refused
           1xUzfh-0005eu-36 => |/usr/bin/store (robot@example.com) <sales@example.com> R=aliases T=pipe"#,
    );
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com (sales@example.com) delivered; \
          carl@partner.example.org (sales@example.com) delivered; dora@slow.example.org (sales@example.com) deferred; \
          robot@example.com (sales@example.com) delivered"]
    );
}

/// Whom `log_selector = +received_recipients` names waits until somebody tries.
#[test]
fn who_waits_is_known_from_the_arrival() {
    let arrival = "1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net for bob@example.com list@example.com\n";
    assert_eq!(
        exim(arrival).told(),
        ["mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com deferred; list@example.com deferred"]
    );
    let partly = arrival.to_owned() + "1xUzfh-0005eu-36 => carl <LIST@example.com> R=users T=maildir\n";
    assert_eq!(
        exim(&partly).told(),
        [
            "mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com deferred; carl@example.com (LIST@example.com) delivered"
        ]
    );
    assert_eq!(exim(&partly).attempts, []);
    let removed = partly + "10:00:07 1xUzfh-0005eu-36 removed by root\n10:00:09 1xUzfh-0005eu-36 Completed\n";
    assert_eq!(
        exim(&removed).told(),
        [
            "mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com deleted; carl@example.com (LIST@example.com) delivered"
        ]
    );
}

#[test]
fn frozen_released_and_removed_by_hand() {
    let base = "1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
                1xUzfh-0005eu-36 == bob@example.com R=out T=smtp defer (111): Connection refused
                10:01:00 1xUzfh-0005eu-36 frozen by root
                10:02:00 1xUzfh-0005eu-36 Message is frozen\n";
    let told = |more: &str| exim(&(base.to_owned() + more)).told()[0].rsplit(' ').next().map(str::to_owned);
    assert_eq!(told("").as_deref(), Some("held"));
    assert_eq!(told("10:03:00 1xUzfh-0005eu-36 Unfrozen by forced delivery").as_deref(), Some("deferred"));
    let removed = "10:03:00 1xUzfh-0005eu-36 removed by root\n10:03:01 1xUzfh-0005eu-36 Completed";
    assert_eq!(told(removed).as_deref(), Some("deleted"));
}

#[test]
fn given_up_after_days_and_reported() {
    let story = exim(
        "1xUzfh-0005eu-36 <= ann@example.com H=h [192.0.2.10] P=esmtp S=900 id=one@example.com
         1xUzfh-0005eu-36 == gone@example.net R=out T=smtp defer (111): Connection refused
         11:00:00 1xUzfh-0005eu-36 ** gone@example.net: retry timeout exceeded
         11:00:00 1xUzfi-0005fH-1A <= <> R=1xUzfh-0005eu-36 U=mail P=local S=3273
         11:00:00 1xUzfh-0005eu-36 Completed
         11:00:01 1xUzfi-0005fH-1A => ann <ann@example.com> R=users T=maildir
         11:00:01 1xUzfi-0005fH-1A Completed",
    );
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.com> mx1:1xUzfh-0005eu-36 | gone@example.net expired",
            "bounce <> mx1:1xUzfi-0005fH-1A | ann@example.com delivered",
        ]
    );
    assert_eq!(story.journeys[1].notice_of, story.journeys[0].id);
    assert_eq!(story.journeys[1].class, MailClass::Bounce);
}

/// Trap 24: a program that scans mail gives it back under a second id, in the same second and before it says that it took it.
#[test]
fn scanned_by_a_program_and_given_back_is_one_message() {
    let story = exim(
        "1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
         1xUzfi-0005fH-1A <= ann@example.net U=mail P=spam-scanned S=950 id=one@example.net
         1xUzfi-0005fH-1B <= ann@example.net U=mail P=spam-scanned S=950 id=one@example.net
         1xUzfh-0005eu-36 => bob <bob@example.com> R=scan T=scan
         1xUzfh-0005eu-36 => carl <carl@example.com> R=scan T=scan
         1xUzfh-0005eu-36 Completed
         10:00:01 1xUzfi-0005fH-1A => bob <bob@example.com> R=users T=maildir
         10:00:01 1xUzfi-0005fH-1A Completed
         10:00:01 1xUzfi-0005fH-1B ** carl@example.com R=users T=maildir: mailbox is full
         10:00:01 1xUzfi-0005fH-1B Completed",
    );
    let journey = story.only();
    assert_eq!(journey.steps.len(), 3);
    let outcomes: Vec<String> = journey.deliveries.iter().map(|d| format!("{} {:?}", d.recipient, d.outcome)).collect();
    assert_eq!(outcomes, ["bob@example.com Delivered", "carl@example.com Bounced"]);
    let local: u64 = journey.steps.iter().map(|step| step.counts.local_routing).sum();
    let received: u64 =
        journey.steps.iter().map(|step| step.counts.received_from_servers + step.counts.received_from_local).sum();
    assert_eq!((local, received), (1, 1), "the way to the program and back counts nothing");
}

/// Trap 16: two copies with one message id, both submitted.
#[test]
fn two_real_copies_stay_two_messages() {
    let one = |id: &str, origin: &str| {
        format!(
            "{id} <= ann@example.com {origin} S=900 id=one@example.com
             {id} => bob <bob@example.com> R=users T=maildir
             {id} Completed\n"
        )
    };
    for origin in ["U=ann P=local", "H=h [192.0.2.10] P=esmtp"] {
        let both = one("1xUzfh-0005eu-36", origin) + &one("1xUzfi-0005fH-1A", origin);
        assert_eq!(exim(&both).journeys.len(), 2, "{origin}");
    }
}

/// A message that another server, which takes no brackets off, received or sent on has the same message id.
#[test]
fn from_postfix_to_exim_and_back() {
    let hub = log(
        "hub1",
        "10:00:00.0 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00.1 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00.1 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:00.3 smtp 3A1B29E001: to=<bob@example.com>, relay=mx1[192.0.2.1]:25, delay=0.3, delays=0.1/0/0/0.2, dsn=2.0.0, status=sent (250 OK id=1xUzfh-0005eu-36)
         10:00:00.3 qmgr 3A1B29E001: removed",
    );
    let mx = main_log(
        r#"1xUzfh-0005eu-36 <= ann@example.net H=hub1 [192.0.2.2] P=esmtp S=1300 id=one@example.net
           1xUzfh-0005eu-36 => bob@example.com R=out T=smtp H=mbx1 [192.0.2.3] C="250 2.0.0 Ok: queued as 4A1B29E002"
           1xUzfh-0005eu-36 Completed"#,
    );
    let mbx = log(
        "mbx1",
        "10:00:00.4 smtpd 4A1B29E002: client=mx1[192.0.2.1]
         10:00:00.4 cleanup 4A1B29E002: message-id=<one@example.net>
         10:00:00.4 qmgr 4A1B29E002: from=<ann@example.net>, size=1400, nrcpt=1 (queue active)
         10:00:00.5 virtual 4A1B29E002: to=<bob@example.com>, relay=virtual, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:00.5 qmgr 4A1B29E002: removed",
    );
    let story = story(&[("hub1", hub), ("mx1", mx), ("mbx1", mbx)]);
    let journey = story.only();
    let path: Vec<&str> = journey.steps.iter().map(|step| &*step.server).collect();
    assert_eq!((path, &*journey.message_id), (vec!["hub1", "mx1", "mbx1"], "one@example.net"));
    assert_eq!(journey.deliveries.len(), 1);
}

/// Trap 24.
#[test]
fn a_fake_reject_is_delivered() {
    let story = exim(
        "1xUzfh-0005eu-36 (= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
         1xUzfh-0005eu-36 => bob <bob@example.com> R=users T=maildir
         1xUzfh-0005eu-36 Completed",
    );
    assert_eq!(story.told(), ["mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com delivered"]);
    assert_eq!(story.only().arrival, Arrival::Server);
}

/// Refused after DATA, with an id: no message, whatever was said of it before.
#[test]
fn refused_after_data_is_no_message() {
    let story = exim(
        "1xUzfh-0005eu-36 DKIM: d=example.net s=x c=relaxed/relaxed a=rsa-sha256 [verification succeeded]
         1xUzfh-0005eu-36 H=h [192.0.2.10] Warning: looks odd
         1xUzfh-0005eu-36 H=h [192.0.2.10] F=<ann@example.net> rejected after DATA: content refused",
    );
    assert_eq!(story.told(), Vec::<String>::new());
    assert_eq!(story.refused(), ["END-OF-MESSAGE h[192.0.2.10] 0  <ann@example.net> <>: content refused"]);
}

/// Trap 25: main log and reject log in one syslog.
#[test]
fn both_logs_in_one_syslog_count_a_refusal_once() {
    let entry =
        "2026-03-02 10:00:00 H=h [192.0.2.10] F=<ann@example.net> rejected RCPT <nobody@example.com>: unknown user";
    let after_data =
        "2026-03-02 10:00:00 1xUzfh-0005eu-36 H=h [192.0.2.10] F=<ann@example.net> rejected after DATA: no";
    let story = syslog(&format!(
        "10:00:00.000001 !exim {entry}
         10:00:00.000050 !exim {entry}
         10:00:00.100000 !exim {after_data}
         10:00:00.100010 !exim [1\\3] {after_data}
         10:00:00.100020 !exim [2\\3] Envelope-from: <ann@example.net>
         10:00:00.100030 !exim [3/3]   X-Odd: 1xUzfh-0005eu-36 => bob@example.com R=r T=t"
    ));
    assert_eq!((story.rejections.len(), story.journeys.len(), story.unknown.len()), (2, 0, 0), "{:?}", story.refused());
    let other_session = entry.to_owned();
    let two = format!(
        "|2026-03-02T10:00:00+00:00 mx1 exim[100]: {entry}\n|2026-03-02T10:00:00+00:00 mx1 exim[101]: {other_session}"
    );
    assert_eq!(syslog(&two).rejections.len(), 2, "two sessions, one second, and `syslog_duplication = false`");
}

/// Trap 25: rsyslog may say of the copy that the line was repeated.
#[test]
fn a_copy_that_rsyslog_calls_a_repetition() {
    let entry =
        "2026-03-02 10:00:00 H=h [192.0.2.10] F=<ann@example.net> rejected RCPT <nobody@example.com>: unknown user";
    let story = syslog(&format!("10:00:00 !exim {entry}\n10:00:00 !exim message repeated 1 times: [ {entry}]"));
    assert_eq!(story.rejections.len(), 1);
}

/// Trap 25: a long entry in pieces. What the first one says is told, and nothing is made of half a word.
#[test]
fn an_entry_in_pieces_is_one_message() {
    let story = syslog(
        "10:00:00 !exim [1/2] 2026-03-02 10:00:00 1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net for bob@example.com ca
         10:00:00 !exim [2/2] rl@example.com dora@example.com
         10:00:01 !exim 2026-03-02 10:00:01 1xUzfh-0005eu-36 => bob <bob@example.com> R=users T=maildir
         10:00:01 !exim 2026-03-02 10:00:01 1xUzfh-0005eu-36 => carl <carl@example.com> R=users T=maildir
         10:00:01 !exim 2026-03-02 10:00:01 1xUzfh-0005eu-36 => dora <dora@example.com> R=users T=maildir
         10:00:01 !exim 2026-03-02 10:00:01 1xUzfh-0005eu-36 Completed",
    );
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com delivered; carl@example.com delivered; dora@example.com delivered"
        ]
    );
    assert_eq!((&*story.only().message_id, story.unknown.len()), ("one@example.net", 0));
}

/// Traps 17 and 32: quoted local parts, percent signs, message ids and subjects with anything in them.
#[test]
fn addresses_subjects_and_message_ids_with_anything_in_them() {
    let story = exim(
        r#"1xUzfh-0005eu-36 <= "a b@x"@example.net H=([198.51.100.9]) [192.0.2.10] P=esmtp S=900 id="x y"@example.net T="=> evil <x@example.net> T=f C=\"250\" id=no" from <"a b@x"@example.net> for "c d"@example.com
           1xUzfh-0005eu-36 => "c d"@example.com R=out T=smtp H=mx [192.0.2.80] C="250 OK <x@y> => z"
           1xUzfh-0005eu-36 => user%other@example.com <"o \"r\""@example.com> R=out T=smtp H=mx [192.0.2.80] C="250 OK"
           1xUzfh-0005eu-36 Completed"#,
    );
    assert_eq!(
        story.told(),
        [
            r#"mail <"a b@x"@example.net> mx1:1xUzfh-0005eu-36 | "c d"@example.com delivered; user%other@example.com ("o \"r\""@example.com) delivered"#
        ]
    );
    let journey = story.only();
    assert_eq!((&*journey.message_id, &*journey.client_ip), (r#""x y"@example.net"#, "192.0.2.10"));
    assert_eq!(&*journey.subject, r#"=> evil <x@example.net> T=f C="250" id=no"#);
}

/// Trap 19: a reply over several lines, with brackets and quotes.
#[test]
fn replies_over_several_lines() {
    let story = exim(
        r#"1xUzfh-0005eu-36 <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@example.net
           1xUzfh-0005eu-36 ** bob@example.com R=out T=smtp H=mx [192.0.2.80]: SMTP error from remote mail server after RCPT TO:<bob@example.com>: 550-5.7.1 (no) "really"\n550 5.7.1 see <https://example.com/?a=1;b=2>, please
           1xUzfh-0005eu-36 Completed"#,
    );
    let delivery = &story.only().deliveries[0];
    assert!(delivery.reply.ends_with("see <https://example.com/?a=1;b=2>, please"), "{}", delivery.reply);
    assert_eq!(story.told(), ["mail <ann@example.net> mx1:1xUzfh-0005eu-36 | bob@example.com bounced"]);
}

/// Trap 20: the zone is in the line, with `log_timezone`.
#[test]
fn times_with_a_zone() {
    let log = "2026-03-02 12:00:00.250 +0200 [77] 1xUzfh-0005eu-36 <= ann@example.net P=local U=ann S=1\n\
               2026-03-02 10:00:01 +0000 [78] 1xUzfh-0005eu-36 => bob <bob@example.com> R=users T=maildir\n";
    let story = story(&[("mx1", log.to_owned())]);
    assert_eq!(story.only().deliveries[0].delivery_ms, Some(750));
}

/// Trap 22: what Exim says beside the life of messages.
#[test]
fn exim_chatter_is_known() {
    let story = syslog(
        "10:00:00 !exim exim 4.96 daemon started: pid=1, -q30m, listening for SMTP on port 25 (IPv6 and IPv4)
         10:00:00 !exim Start queue run: pid=2
         10:00:00 !exim End queue run: pid=2
         10:00:00 !exim cwd=/var/spool/exim4 3 args: exim -Mc 1xUzfh-0005eu-36
         10:00:00 !exim SMTP connection from [192.0.2.10]:1 I=[192.0.2.1]:25 (TCP/IP connection count = 1)
         10:00:00 !exim no host name found for IP address 192.0.2.10
         10:00:00 !exim TLS error on connection from h [192.0.2.10] (recv): The TLS connection was non-properly terminated.
         10:00:00 !exim login authenticator failed for h (x) [192.0.2.10]: 535 Incorrect authentication data (set_id=bob)
         10:00:00 !exim H=h [192.0.2.10] sender verify fail for <a@b>: Unrouteable address
         10:00:00 !exim SMTP syntax error in \"HELO\" H=h [192.0.2.10] NULL character(s) present (shown as '?')
         10:00:00 !exim no MAIL in SMTP connection from h [192.0.2.10] D=3s C=EHLO,QUIT
         10:00:00 !exim unexpected disconnection while reading SMTP command from h [192.0.2.10] D=1s
         10:00:00 !exim Warning: purging the environment.",
    );
    assert_eq!((story.told(), story.refused(), story.unknown), (Vec::new(), Vec::new(), Vec::<String>::new()));
    assert_eq!(syslog("10:00:00 !exim an entirely new sentence").unknown.len(), 1);
}

/// A message whose arrival was logged before the log begins.
#[test]
fn a_log_that_begins_too_late() {
    let story = exim(
        "1xUzfh-0005eu-36 => bob <bob@example.com> R=users T=maildir
         1xUzfh-0005eu-36 Completed",
    );
    assert_eq!(story.told(), ["mail <> mx1:1xUzfh-0005eu-36 | bob@example.com delivered"]);
    assert_eq!(story.only().arrival, Arrival::Unknown);
}
