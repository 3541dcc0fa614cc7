//! What other servers answer. Traps 19 and 12.

use vigie_model::{Outcome, QueueId};
use vigie_testkit::{Story, log, story};

fn answered(status: &str) -> Story {
    story(&[(
        "hub1",
        log(
            "hub1",
            &format!(
                "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
                 10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
                 10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status={status}
                 10:00:01 qmgr 3A1B29E001: removed"
            ),
        ),
    )])
}

fn check(status: &str, outcome: Outcome, reply: &str) {
    let story = answered(status);
    let delivery = &story.only().deliveries[0];
    assert_eq!((delivery.outcome, &*delivery.reply), (outcome, reply), "{status}");
    assert_eq!(story.unknown, Vec::<String>::new());
}

/// Trap 19.
#[test]
fn nested_parentheses_and_semicolons_in_a_reply() {
    let said = "host mx.example.com[192.0.2.80] said: 550-5.7.1 Our system (see (a) and (b)) says: \"no\"; from=<x>, to=<y> \
                550 5.7.1 status=sent (really), dsn=2.0.0; ask (me) (in reply to end of DATA command)";
    check(&format!("bounced ({said})"), Outcome::Bounced, said);
    check("deferred (a)b) (c, status=sent (250 Ok))", Outcome::Deferred, "a)b) (c, status=sent (250 Ok)");
}

/// Trap 19: rsyslog writes line ends as `#012`, others leave the lines joined by spaces.
#[test]
fn multi_line_replies() {
    let said = "host mx.example.com[192.0.2.80] said: 550-5.1.1 The address#012550-5.1.1 is not#012550 5.1.1 known (in reply to RCPT TO command)";
    check(&format!("bounced ({said})"), Outcome::Bounced, said);
}

/// Trap 19.
#[test]
fn a_truncated_delivery_line() {
    check("sent (250 2.0.0 Ok: queued as 4B1B", Outcome::Delivered, "250 2.0.0 Ok: queued as 4B1B");
    check(
        "bounced (host mx.example.com[192.0.2.80] said: 550 5",
        Outcome::Bounced,
        "host mx.example.com[192.0.2.80] said: 550 5",
    );
    check("sent", Outcome::Delivered, "");
}

/// Trap 19: what became of it stood in the part that is lost: nothing is guessed, and the line shows up as unknown.
#[test]
fn a_delivery_line_cut_before_its_status() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, del
         10:00:01 smtp 3A1B29E001: to=<eve@exam",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | "]);
    assert_eq!(story.unknown.len(), 2);
}

/// Trap 12: what other servers call the message is not a queue id of ours.
#[test]
fn replies_of_other_servers() {
    for reply in [
        "250 2.0.0 OK  1700000000 a1-20020a05600c123400b0123456789abcd.12 - gsmtp",
        "250 2.6.0 <one@example.net> [InternalId=12345678901234, Hostname=MBX1.example.org] 9876 bytes in 0.123, 71.234 KB/sec Queued mail for delivery",
        "250 OK id=1vxNab-0000000ABcd-0z9Y",
        "250 Ok 110001890001122-000000",
        "250 2.0.0 Ok (v2-2002.4)",
        "250 2.0.0 5B2Aa1b2c3d4e5 Message accepted for delivery",
        "250 2.0.0: f6e94209 Message accepted for delivery",
        "250 Requested mail action okay, completed: id=0M1234-1abcDE2fGH-00ABCD",
        "250 2.5.0 OK (20A955F1C2D3E4F5A6)",
        "delivery via mx",
        "(())",
        "",
    ] {
        check(&format!("sent ({reply})"), Outcome::Delivered, reply);
    }
}

/// The next server's queue id, wherever the reply has it.
#[test]
fn queued_as_in_its_forms() {
    for (reply, id) in [
        ("250 2.0.0 Ok: queued as 4B1B29E003", Some("4B1B29E003")),
        ("250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4B1B29E003", Some("4B1B29E003")),
        ("250 2.6.0 Ok, id=0123-04, from MTA([127.0.0.1]:10025): 250 Ok: queued as 4B1B29E003", Some("4B1B29E003")),
        ("250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7", Some("4fPqXk0d5Zz1Y5Q7")),
        ("250 Ok: queued as 4B1B29E003.", Some("4B1B29E003")),
        ("250 Mail queued as (nothing)", None),
        ("250 queued as", None),
    ] {
        let story = answered(&format!("sent ({reply})"));
        assert_eq!(story.hops[0].recipients[0].next_id, id.and_then(|id| QueueId::new(id.as_bytes())), "{reply}");
    }
}
