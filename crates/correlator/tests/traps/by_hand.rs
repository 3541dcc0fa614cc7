//! Milters and administrators: holds, discards, quarantines, deletions. Trap 33.

use vigie_testkit::{Story, log, story};

fn fate(lines: &str) -> Story {
    story(&[(
        "hub1",
        log(
            "hub1",
            &format!(
                "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
                 10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
                 {lines}"
            ),
        ),
    )])
}

const ACTIVE: &str = "10:00:01 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)\n";
const DEFERRED: &str = "10:00:02 smtp 3A1B29E001: to=<bob@example.com>, relay=none, delay=2, delays=1/0/1/0, dsn=4.4.1, status=deferred (connect to mx.example.com[192.0.2.80]:25: Connection timed out)\n";
const SENT: &str = "12:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=7201, delays=7200/0/0/1, dsn=2.0.0, status=sent (250 Ok)
                    12:00:01 qmgr 3A1B29E001: removed\n";
const END: &str = "; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>";

/// Trap 33.
#[test]
fn milter_discard_hold_and_quarantine() {
    for (line, told) in [
        (
            format!(
                "milter-discard: END-OF-MESSAGE from out.example.net[192.0.2.10]: milter triggers DISCARD action{END}"
            ),
            "discarded",
        ),
        (
            format!("milter-hold: END-OF-MESSAGE from out.example.net[192.0.2.10]: milter triggers HOLD action{END}"),
            "held",
        ),
        (format!("milter-quarantine: END-OF-MESSAGE from out.example.net[192.0.2.10]: suspicious{END}"), "held"),
        (format!("hold: header X-Hold: yes from out.example.net[192.0.2.10]{END}: look at this"), "held"),
        (format!("discard: header X-Drop: yes from out.example.net[192.0.2.10]{END}: drop"), "discarded"),
        (format!("discard: body advertising from out.example.net[192.0.2.10]{END}: drop"), "discarded"),
    ] {
        let story = fate(&format!("10:00:00 cleanup 3A1B29E001: {line}"));
        assert_eq!(
            story.told(),
            [format!("mail <ann@example.net> hub1:3A1B29E001 | bob@example.com {told}")],
            "{line}"
        );
        assert_eq!((story.refused().len(), story.unknown.len()), (0, 0), "{line}");
        assert_eq!(story.only().closed, told == "discarded", "{line}");
    }
}

/// Trap 33: an access table's DISCARD and HOLD, said by smtpd(8).
#[test]
fn an_access_table_discards_and_holds() {
    for (line, told) in [("discard", "discarded"), ("hold", "held")] {
        let story = fate(&format!(
            "10:00:00 smtpd 3A1B29E001: {line}: RCPT from out.example.net[192.0.2.10]: <bob@example.com>: Recipient address triggers {} action{END}",
            line.to_uppercase()
        ));
        assert_eq!(story.told(), [format!("mail <ann@example.net> hub1:3A1B29E001 | bob@example.com {told}")]);
    }
}

/// Trap 33.
#[test]
fn postsuper_deletes_requeues_holds_and_releases() {
    let deleted = fate(&format!(
        "{ACTIVE}{DEFERRED}11:00:00 postsuper 3A1B29E001: removed\n11:00:00 postsuper Deleted: 1 message"
    ));
    assert_eq!(deleted.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com deleted"]);
    assert!(deleted.only().closed);

    let held = fate(&format!(
        "{ACTIVE}{DEFERRED}11:00:00 postsuper 3A1B29E001: placed on hold\n11:00:00 postsuper Placed on hold: 1 message"
    ));
    assert_eq!(held.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com held"]);
    assert!(!held.only().closed);

    let released = fate(&format!(
        "{ACTIVE}{DEFERRED}11:00:00 postsuper 3A1B29E001: placed on hold\n11:30:00 postsuper 3A1B29E001: released from hold\n"
    ));
    assert_eq!(released.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com deferred"]);

    let sent = fate(&format!(
        "{ACTIVE}{DEFERRED}11:00:00 postsuper 3A1B29E001: placed on hold
         11:30:00 postsuper 3A1B29E001: released from hold
         12:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         {SENT}"
    ));
    assert_eq!(sent.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    assert_eq!([deleted, held, released, sent].map(|story| story.unknown.len()), [0; 4]);
}

/// Trap 33: `postsuper -r` gives the message a new queue id, by way of pickup(8).
#[test]
fn a_requeued_message_stays_one() {
    let story = fate(&format!(
        "{ACTIVE}{DEFERRED}11:00:00 postsuper 3A1B29E001: requeued
         11:00:00 postsuper Requeued: 1 message
         11:00:30 pickup 5E1F29E005: uid=110 from=<ann@example.net> orig_id=3A1B29E001
         11:00:30 cleanup 5E1F29E005: message-id=<one@example.net>
         11:00:30 qmgr 5E1F29E005: from=<ann@example.net>, size=1300, nrcpt=1 (queue active)
         11:00:31 smtp 5E1F29E005: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=3631, delays=3630/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         11:00:31 qmgr 5E1F29E005: removed"
    ));
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> hub1:3A1B29E001 previous id>hub1:5E1F29E005 | bob@example.com delivered"]
    );
    assert_eq!(story.only().deliveries[0].delivery_ms, Some(3_631_000));
    let sum: u64 = story.only().steps.iter().map(|step| step.counts.global()).sum();
    assert_eq!(sum, 2, "it came once and left once");
}

/// Trap 33: deleted while one of two recipients was served.
#[test]
fn deleting_does_not_take_back_what_was_delivered() {
    let story = fate(
        "10:00:01 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=2 (queue active)
         10:00:02 smtp 3A1B29E001: to=<bob@example.com>, relay=none, delay=2, delays=1/0/1/0, dsn=4.4.1, status=deferred (no answer)
         10:00:02 smtp 3A1B29E001: to=<eve@example.org>, relay=mx.example.org[192.0.2.90]:25, delay=2, delays=1/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         11:00:00 postsuper 3A1B29E001: removed",
    );
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com deleted; eve@example.org delivered"]
    );
}

/// `postsuper -e` and `-f` (3.9): the message expires at once.
#[test]
fn postsuper_expires() {
    let story = fate(&format!(
        "{ACTIVE}{DEFERRED}11:00:00 postsuper 3A1B29E001: force-expired
         11:00:10 qmgr 3A1B29E001: from=<ann@example.net>, status=force-expired, returned to sender
         11:00:10 qmgr 3A1B29E001: removed"
    ));
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com expired"]);
}
