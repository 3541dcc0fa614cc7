//! Whose queue id it is: long ones, used again, the same on two hosts and instances. Traps 4, 5, 6.

use vigie_model::QueueId;
use vigie_testkit::{log, story};

/// Trap 4.
#[test]
fn long_queue_ids() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 4fPqXk0d5Zz1Y5Q7: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 4fPqXk0d5Zz1Y5Q7: message-id=<one@example.net>
         10:00:00 qmgr 4fPqXk0d5Zz1Y5Q7: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 virtual 4fPqXk0d5Zz1Y5Q7: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:01 qmgr 4fPqXk0d5Zz1Y5Q7: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:4fPqXk0d5Zz1Y5Q7 | bob@example.com delivered"]);
    assert_eq!(story.unknown, Vec::<String>::new());
}

/// One message from arrival to removal, with one id.
fn message(host: &str, id: &str, second: u32, sender: &str) -> String {
    log(
        host,
        &format!(
            "10:00:{second:02}.1 smtpd {id}: client=out.example.net[192.0.2.10]
             10:00:{second:02}.2 cleanup {id}: message-id=<{second}-{sender}>
             10:00:{second:02}.3 qmgr {id}: from=<{sender}>, size=1200, nrcpt=1 (queue active)
             10:00:{second:02}.4 virtual {id}: to=<bob@example.com>, relay=virtual, delay=0.3, delays=0.3/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
             10:00:{second:02}.5 qmgr {id}: removed"
        ),
    )
}

/// Trap 5.
#[test]
fn queue_id_reused_within_a_day() {
    let hub =
        message("hub1", "3A1B29E001", 0, "ann@example.net") + &message("hub1", "3A1B29E001", 50, "eve@example.net");
    assert_eq!(
        story(&[("hub1", hub)]).told(),
        [
            "mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered",
            "mail <eve@example.net> hub1:3A1B29E001 | bob@example.com delivered",
        ]
    );
}

/// Trap 5.
#[test]
fn queue_id_reused_within_a_second() {
    let hub = log(
        "hub1",
        "10:00:00.10 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00.11 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00.12 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:00.13 virtual 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:00.14 qmgr 3A1B29E001: removed
         10:00:00.20 smtpd 3A1B29E001: client=out.example.org[192.0.2.11]
         10:00:00.21 cleanup 3A1B29E001: message-id=<two@example.org>
         10:00:00.22 qmgr 3A1B29E001: from=<oto@example.org>, size=900, nrcpt=1 (queue active)
         10:00:00.23 virtual 3A1B29E001: to=<pia@example.com>, relay=virtual, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:00.24 qmgr 3A1B29E001: removed",
    );
    assert_eq!(
        story(&[("hub1", hub)]).told(),
        [
            "mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered",
            "mail <oto@example.org> hub1:3A1B29E001 | pia@example.com delivered",
        ]
    );
}

/// Trap 5: stamps of whole seconds, so that both messages have all their lines at one time. The order of the lines decides.
#[test]
fn queue_id_reused_within_a_second_of_whole_seconds() {
    let hub = "\
Mar  2 10:00:00 hub1 postfix/smtpd[1]: 3A1B29E001: client=out.example.net[192.0.2.10]
Mar  2 10:00:00 hub1 postfix/cleanup[2]: 3A1B29E001: message-id=<one@example.net>
Mar  2 10:00:00 hub1 postfix/qmgr[3]: 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
Mar  2 10:00:00 hub1 postfix/virtual[4]: 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
Mar  2 10:00:00 hub1 postfix/qmgr[3]: 3A1B29E001: removed
Mar  2 10:00:00 hub1 postfix/smtpd[1]: 3A1B29E001: client=out.example.org[192.0.2.11]
Mar  2 10:00:00 hub1 postfix/cleanup[2]: 3A1B29E001: message-id=<two@example.org>
Mar  2 10:00:00 hub1 postfix/qmgr[3]: 3A1B29E001: from=<oto@example.org>, size=900, nrcpt=1 (queue active)
Mar  2 10:00:00 hub1 postfix/virtual[4]: 3A1B29E001: to=<pia@example.com>, relay=virtual, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
Mar  2 10:00:00 hub1 postfix/qmgr[3]: 3A1B29E001: removed
";
    let mut told = story(&[("hub1", hub.to_owned())]).told();
    told.sort();
    assert_eq!(
        told,
        [
            "mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered",
            "mail <oto@example.org> hub1:3A1B29E001 | pia@example.com delivered",
        ]
    );
}

/// Trap 5: a session breaks off, and the next message gets the same id at once.
#[test]
fn queue_id_reused_after_a_session_that_broke_off() {
    let hub = log(
        "hub1",
        "10:00:00.1 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00.2 smtpd lost connection after DATA from out.example.net[192.0.2.10]
         10:00:07.1 smtpd 3A1B29E001: client=out.example.org[192.0.2.11]
         10:00:07.2 cleanup 3A1B29E001: message-id=<two@example.org>
         10:00:07.3 qmgr 3A1B29E001: from=<oto@example.org>, size=900, nrcpt=1 (queue active)
         10:00:07.4 virtual 3A1B29E001: to=<pia@example.com>, relay=virtual, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:07.5 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.told(), ["mail <oto@example.org> hub1:3A1B29E001 | pia@example.com delivered"]);
    assert_eq!((&*story.only().client_ip, story.only().first_arrival % 60_000_000), ("192.0.2.11", 7_100_000));
}

/// Trap 5.
#[test]
fn same_queue_id_on_two_hosts() {
    let story = story(&[
        ("edge1", message("edge1", "3A1B29E001", 0, "ann@example.net")),
        ("edge2", message("edge2", "3A1B29E001", 0, "eve@example.net")),
    ]);
    let mut told = story.told();
    told.sort();
    assert_eq!(
        told,
        [
            "mail <ann@example.net> edge1:3A1B29E001 | bob@example.com delivered",
            "mail <eve@example.net> edge2:3A1B29E001 | bob@example.com delivered",
        ]
    );
}

/// Trap 5: another server answers with an id that one of ours used half an hour before; neither message has a message id.
#[test]
fn a_message_is_not_handed_over_before_it_came() {
    let old = message("mbx1", "7C1D29E002", 0, "eve@example.net")
        .replace("10:00:", "09:30:")
        .replace("<0-eve@example.net>", "");
    let new = log(
        "edge1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.org>, relay=mx.example.org[192.0.2.90]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D29E002)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    assert_eq!(
        story(&[("mbx1", old), ("edge1", new)]).told(),
        [
            "mail <eve@example.net> mbx1:7C1D29E002 | bob@example.com delivered",
            "mail <ann@example.net> edge1:3A1B29E001 | bob@example.org delivered",
        ]
    );
}

/// Traps 5 and 6.
#[test]
fn same_queue_id_on_two_instances_at_once() {
    let hub = log(
        "hub1",
        "10:00:00.1 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00.1 postfix-out/smtpd 3A1B29E001: client=app.example.com[192.0.2.20]
         10:00:00.2 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00.2 postfix-out/cleanup 3A1B29E001: message-id=<two@example.com>
         10:00:00.3 postfix-out/qmgr 3A1B29E001: from=<app@example.com>, size=900, nrcpt=1 (queue active)
         10:00:00.3 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:00.4 virtual 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=0.3, delays=0.3/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:00.4 postfix-out/smtp 3A1B29E001: to=<cat@example.org>, relay=mx.example.org[192.0.2.90]:25, delay=0.3, delays=0.3/0/0/0, dsn=2.0.0, status=sent (250 Ok)
         10:00:00.5 postfix-out/qmgr 3A1B29E001: removed
         10:00:00.6 qmgr 3A1B29E001: removed",
    );
    let mut told = story(&[("hub1", hub)]).told();
    told.sort();
    assert_eq!(
        told,
        [
            "mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered",
            "mail <app@example.com> hub1/postfix-out:3A1B29E001 | cat@example.org delivered",
        ]
    );
}

/// Trap 6: services named in master.cf log with the message's instance, and only the last word of the tag is the program.
#[test]
fn syslog_names_of_services_and_instances() {
    let hub = log(
        "hub1",
        "10:00:00 postfix/submission/smtpd 3A1B29E001: client=pc.example.com[192.0.2.30], sasl_method=PLAIN, sasl_username=ann
         10:00:00 postfix/sender-cleanup/cleanup 3A1B29E001: message-id=<one@example.com>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.com>, size=1200, nrcpt=1 (queue active)
         10:00:01 postfix/relay/smtp 3A1B29E001: to=<bob@example.net>, relay=mx.example.net[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:01 qmgr 3A1B29E001: removed
         10:00:02 postfix-submission/smtpd 3A1B29E002: client=pc.example.com[192.0.2.30], sasl_method=PLAIN, sasl_username=ann
         10:00:02 cleanup 3A1B29E002: message-id=<two@example.com>
         10:00:02 qmgr 3A1B29E002: from=<ann@example.com>, size=1200, nrcpt=1 (queue active)
         10:00:03 postfix/10025/smtp 3A1B29E002: to=<bob@example.net>, relay=mx.example.net[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:03 qmgr 3A1B29E002: removed
         10:00:04 postfix-170.55.103.23/smtpd 3A1B29E003: client=out.example.net[192.0.2.10]
         10:00:04 postfix-170.55.103.23/cleanup 3A1B29E003: message-id=<three@example.net>
         10:00:04 postfix-170.55.103.23/qmgr 3A1B29E003: from=<eve@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:05 postfix-170.55.103.23/smtp 3A1B29E003: to=<bob@example.com>, relay=mx.example.com[192.0.2.81]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:05 postfix-170.55.103.23/qmgr 3A1B29E003: removed
         10:00:06 192.0.2.7/smtpd 3A1B29E004: client=out.example.net[192.0.2.10]
         10:00:06 192.0.2.7/cleanup 3A1B29E004: message-id=<four@example.net>
         10:00:06 192.0.2.7/qmgr 3A1B29E004: from=<eve@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:07 192.0.2.7/virtual 3A1B29E004: to=<bob@example.com>, relay=virtual, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:07 192.0.2.7/qmgr 3A1B29E004: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.com> hub1:3A1B29E001 | bob@example.net delivered",
            "mail <ann@example.com> hub1:3A1B29E002 | bob@example.net delivered",
            "mail <eve@example.net> hub1/postfix-170.55.103.23:3A1B29E003 | bob@example.com delivered",
            "mail <eve@example.net> hub1/192.0.2.7:3A1B29E004 | bob@example.com delivered",
        ]
    );
    assert_eq!(story.journeys[0].steps[0].queue_id, QueueId::new(b"3A1B29E001"));
    assert_eq!(story.unknown, Vec::<String>::new());
}
