//! Postfix lines, one by one: what a line says, and what it does not. Numbers are those of the list of traps in the notes.

use vigie_formats::{
    Record, dovecot,
    envelope::{self, Scratch},
    postfix::{self, Arrived, ByHand, Delivery, Header, HeaderAction, Record as Line},
    read,
    refusal::{self, Refused, RefusedAction},
    statement::Status,
};
use vigie_model::{Delays, Outcome, QueueId};

/// Reads the payload of a daemon's line.
fn line<'a>(daemon: &'a str, text: &'a str) -> Line<'a> {
    let origin = postfix::origin(daemon.as_bytes()).expect("a tag of Postfix");
    postfix::parse(&origin, text.as_bytes())
}

fn id(text: &str) -> QueueId {
    QueueId::new(text.as_bytes()).expect("an id")
}

fn delivery(text: &str) -> Delivery<'_> {
    match line("postfix/smtp", text) {
        Line::Delivery(delivery) => delivery,
        other => panic!("{text}: {other:?}"),
    }
}

fn refused(text: &str) -> Refused<'_> {
    match line("postfix/smtpd", text) {
        Line::Refused(refused) => refused,
        other => panic!("{text}: {other:?}"),
    }
}

fn header(text: &str) -> Header<'_> {
    match line("postfix/cleanup", text) {
        Line::Header(header) => header,
        other => panic!("{text}: {other:?}"),
    }
}

/// Traps 2 and 3.
#[test]
fn every_key_of_a_delivery_line() {
    let whole = delivery(
        "3A1B29E001: to=<bob@example.com>, orig_to=<team@example.com>, relay=mx.example.com[2001:db8::80]:25, conn_use=3, delay=93601, \
         delays=93600/0.02/0.5/0.48, tls=verified, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7)",
    );
    assert_eq!(
        whole,
        Delivery {
            queue_id: id("3A1B29E001"),
            recipient: b"bob@example.com",
            orig_recipient: b"team@example.com",
            relay: b"mx.example.com[2001:db8::80]:25",
            delays: Delays {
                before_ms: 93_600_000,
                queue_ms: 20,
                connect_ms: 500,
                transmit_ms: 480,
                total_ms: Some(93_601_000)
            },
            dsn: b"2.0.0",
            status: Status::Final(Outcome::Delivered),
            reply: b"250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7",
            next_id: Some(id("4fPqXk0d5Zz1Y5Q7")),
            tls: true,
        }
    );
}

/// Traps 8 and 9.
#[test]
fn every_status() {
    for (word, status) in [
        ("sent", Status::Final(Outcome::Delivered)),
        ("bounced", Status::Final(Outcome::Bounced)),
        ("expired", Status::Final(Outcome::Expired)),
        ("force-expired", Status::Final(Outcome::Expired)),
        ("deferred", Status::Deferred),
        ("SOFTBOUNCE", Status::Deferred),
        ("deliverable", Status::Probe(Outcome::Delivered)),
        ("undeliverable", Status::Probe(Outcome::Bounced)),
        ("undeliverable-but-not-cached", Status::Probe(Outcome::Bounced)),
    ] {
        let text = format!(
            "3A1B29E001: to=<b@x>, relay=x[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status={word} (text)"
        );
        assert_eq!(delivery(&text).status, status, "{word}");
        assert_eq!(delivery(&text).reply, b"text");
    }
}

/// Trap 9: a status of a version to come is unknown, and not guessed.
#[test]
fn a_new_status_is_unknown() {
    let text =
        "3A1B29E001: to=<b@x>, relay=x[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=teleported (text)";
    assert_eq!(line("postfix/smtp", text), Line::Unknown);
}

/// Trap 18.
#[test]
fn sent_is_not_always_delivered() {
    for (relay, reply, outcome) in [
        ("virtual", "delivered to maildir", Outcome::Delivered),
        ("local", "delivered to command: /usr/bin/procmail", Outcome::Delivered),
        ("local", "forwarded as 4B1B29E003", Outcome::Forwarded),
        ("none", "nobody reads this", Outcome::Discarded),
        ("127.0.0.1[127.0.0.1]:10024", "250 2.7.0 Ok, discarded, id=1-2 - spam", Outcome::Filtered),
        ("127.0.0.1[127.0.0.1]:10024", "250 2.5.0 Ok, id=1-2, quarantined", Outcome::Filtered),
        ("127.0.0.1[127.0.0.1]:10024", "250 2.0.0 Ok: queued as 4B1B29E003", Outcome::Delivered),
    ] {
        let text =
            format!("3A1B29E001: to=<b@x>, relay={relay}, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent ({reply})");
        assert_eq!(delivery(&text).status, Status::Final(outcome), "{reply}");
    }
}

/// Trap 19: whatever is cut off, a line is a delivery only when it says what became of it.
#[test]
fn a_delivery_line_cut_anywhere() {
    let whole = "3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, \
                 status=sent (250 2.0.0 Ok (see a) b: queued as 4B1B29E003)";
    let said = whole.find("status=sent").expect("it is there") + "status=sent".len();
    for end in 0..whole.len() {
        let record = line("postfix/smtp", &whole[..end]);
        assert_eq!(matches!(record, Line::Delivery(_)), end >= said, "{}", &whole[..end]);
    }
}

/// Trap 4.
#[test]
fn what_is_a_queue_id() {
    for text in ["3A1B29E001", "0123456789AB", "A0B1C2", "4fPqXk0d5Zz1Y5Q7", "3Pt2mN2VXxznjll", "4jXGQ81jL5z1Y5c6"] {
        assert_eq!(postfix::queue_id(text.as_bytes()), QueueId::new(text.as_bytes()), "{text}");
    }
    for text in [
        "",
        "NOQUEUE",
        "warning",
        "statistics",
        "3a1b29e001",
        "A0B1",
        "3A1B29E001x",
        "4fPqXk0d5Zz1Y5Q7aeiou",
        "fatal",
        "DEADBEEG",
    ] {
        assert_eq!(postfix::queue_id(text.as_bytes()), None, "{text}");
    }
    // A word of a sentence may be made of hexadecimal digits.
    assert_eq!(line("postfix/smtpd", "FACADE: something else"), Line::Unknown);
    assert_eq!(line("postfix/smtpd", "warning: 3A1B29E001: removed"), Line::Known);
}

#[test]
fn an_arrival_with_all_it_may_name() {
    let arrived = |text| match line("postfix/submission/smtpd", text) {
        Line::Arrived(arrived) => arrived,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        arrived(
            "3A1B29E001: client=pc.example.com[192.0.2.30]:51234, sasl_method=PLAIN, sasl_username=ann@example.com, sasl_sender=x@y"
        ),
        Arrived {
            queue_id: id("3A1B29E001"),
            client_name: b"pc.example.com",
            client_ip: b"192.0.2.30",
            user: b"ann@example.com",
            previous: None,
        }
    );
    let inside = arrived(
        "3A1B29E001: client=localhost[127.0.0.1], orig_queue_id=4B1B29E003, orig_client=out.example.net[192.0.2.10]",
    );
    assert_eq!((inside.previous, inside.client_ip), (Some(id("4B1B29E003")), &b"127.0.0.1"[..]), "behind the filter");
    let proxied = arrived("3A1B29E001: client=localhost[127.0.0.1], orig_client=out.example.net[192.0.2.10]");
    assert_eq!(
        (proxied.previous, proxied.client_ip),
        (None, &b"192.0.2.10"[..]),
        "before the queue there is no other arrival"
    );
}

#[test]
fn lines_of_the_queues_life() {
    let one = id("3A1B29E001");
    for (daemon, text, record) in [
        ("pickup", "3A1B29E001: uid=0 from=<root>", Line::PickedUp { queue_id: one, sender: b"root", previous: None }),
        (
            "pickup",
            "3A1B29E001: uid=110 from=<a b@x> orig_id=4B1B29E003",
            Line::PickedUp { queue_id: one, sender: b"a b@x", previous: Some(id("4B1B29E003")) },
        ),
        ("cleanup", "3A1B29E001: message-id=<a@b>", Line::MessageId { queue_id: one, id: b"<a@b>", resent: false }),
        (
            "cleanup",
            "3A1B29E001: resent-message-id=<a@b>",
            Line::MessageId { queue_id: one, id: b"<a@b>", resent: true },
        ),
        (
            "qmgr",
            "3A1B29E001: from=<a, size=9@x>, size=1234, nrcpt=56 (queue active)",
            Line::Active { queue_id: one, sender: b"a, size=9@x", size: 1234, recipient_count: 56 },
        ),
        ("qmgr", "3A1B29E001: removed", Line::Removed { queue_id: one }),
        (
            "qmgr",
            "3A1B29E001: from=<>, status=expired, returned to sender",
            Line::Expired { queue_id: one, sender: b"" },
        ),
        ("qmgr", "3A1B29E001: skipped, still being delivered", Line::Context { queue_id: one }),
        (
            "bounce",
            "3A1B29E001: sender non-delivery notification: 4B1B29E003",
            Line::Notice { queue_id: one, notice: id("4B1B29E003") },
        ),
        (
            "bounce",
            "3A1B29E001: sender delay notification: 4B1B29E003",
            Line::Notice { queue_id: one, notice: id("4B1B29E003") },
        ),
        (
            "bounce",
            "3A1B29E001: postmaster non-delivery notification: 4B1B29E003",
            Line::Notice { queue_id: one, notice: id("4B1B29E003") },
        ),
        (
            "trace",
            "3A1B29E001: sender delivery status notification: 4B1B29E003",
            Line::Notice { queue_id: one, notice: id("4B1B29E003") },
        ),
        ("postsuper", "3A1B29E001: removed", Line::ByHand { queue_id: one, action: ByHand::Deleted }),
        ("postsuper", "3A1B29E001: requeued", Line::ByHand { queue_id: one, action: ByHand::Requeued }),
        ("postsuper", "3A1B29E001: placed on hold", Line::ByHand { queue_id: one, action: ByHand::Held }),
        ("postsuper", "3A1B29E001: released from hold", Line::ByHand { queue_id: one, action: ByHand::Released }),
        (
            "smtp",
            "3A1B29E001: host mx[192.0.2.80] said: 451 4.7.1 wait (in reply to RCPT TO command)",
            Line::Context { queue_id: one },
        ),
    ] {
        assert_eq!(line(&format!("postfix/{daemon}"), text), record, "{text}");
    }
}

/// Trap 10.
#[test]
fn refusals_in_their_forms() {
    let plain = refused(
        "NOQUEUE: reject: RCPT from h.example.net[192.0.2.66]: 554 5.7.1 <x@example.org>: Relay access denied; from=<a@b.example> \
         to=<x@example.org> proto=ESMTP helo=<h>",
    );
    assert_eq!(
        (plain.queue_id, plain.action, plain.stage, plain.code, plain.dsn),
        (None, RefusedAction::Reject, &b"RCPT"[..], 554, &b"5.7.1"[..])
    );
    assert_eq!(plain.text, b"<x@example.org>: Relay access denied");
    assert_eq!(
        (plain.transaction.client_name, plain.transaction.client_ip, plain.transaction.helo),
        (&b"h.example.net"[..], &b"192.0.2.66"[..], &b"h"[..])
    );
    assert_eq!(refusal::reason(plain.text), b"Relay access denied");

    let commas = refused(
        "NOQUEUE: reject: RCPT from [192.0.2.66]:51234: 450 4.3.2 Service currently unavailable; from=<a@b>, to=<c@d>, proto=ESMTP, helo=<h>",
    );
    assert_eq!(
        (commas.transaction.sender, commas.transaction.recipient, commas.transaction.helo),
        (&b"a@b"[..], &b"c@d"[..], &b"h"[..])
    );
    assert_eq!((commas.transaction.client_name, commas.transaction.client_ip), (&b""[..], &b"192.0.2.66"[..]));

    let user = refused(
        "3A1B29E001: reject: RCPT from pc[192.0.2.30]: 553 5.7.1 <x@y>: Sender address rejected: not owned by user ann; from=<x@y> to=<c@d> \
         proto=ESMTP helo=<pc> sasl_username=ann",
    );
    assert_eq!((user.queue_id, user.transaction.user), (Some(id("3A1B29E001")), &b"ann"[..]));

    let proxy = refused(
        "proxy-reject: END-OF-MESSAGE: 554 5.7.0 Reject, id=1-2 from MTA: spam; from=<a@b> to=<c@d> proto=ESMTP helo=<h>",
    );
    assert_eq!(
        (proxy.stage, proxy.code, proxy.text),
        (&b"END-OF-MESSAGE"[..], 554, &b"Reject, id=1-2 from MTA: spam"[..])
    );
    assert_eq!((proxy.transaction.client_name, proxy.transaction.sender), (&b""[..], &b"a@b"[..]));
}

/// Traps 10 and 19: the reply copies what the client said, and the envelope is what stands last.
#[test]
fn a_refusal_whose_text_imitates_the_envelope() {
    let refused = refused(
        "NOQUEUE: reject: RCPT from h[192.0.2.66]: 550 5.7.1 <\"; from=<x@y> to=<z> proto=SMTP helo=<q\"@b>: no (a; b, \"c\"): d; \
         from=<ann@b> to=<c@d> proto=SMTP helo=<h>",
    );
    let envelope = &refused.transaction;
    assert_eq!((envelope.sender, envelope.recipient, envelope.helo), (&b"ann@b"[..], &b"c@d"[..], &b"h"[..]));
    assert_eq!((refused.code, refused.dsn), (550, &b"5.7.1"[..]));
}

#[test]
fn what_refuses_nothing() {
    for text in [
        "NOQUEUE: client=out.example.net[192.0.2.10], sasl_method=PLAIN, sasl_username=ann",
        "NOQUEUE: reject_warning: RCPT from h[192.0.2.66]: 450 4.1.8 <a@b>: Domain not found; from=<a@b> to=<c@d> proto=SMTP helo=<h>",
        "NOQUEUE: filter: RCPT from h[192.0.2.66]: <c@d>: Recipient address triggers FILTER smtp:x; from=<a@b> to=<c@d> proto=SMTP helo=<h>",
        "NOQUEUE: redirect: RCPT from h[192.0.2.66]: <c@d>: Recipient address triggers REDIRECT x@y; from=<a@b> to=<c@d> proto=SMTP helo=<h>",
        "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 3A1B29E001; from=<a@b> to=<c@d> proto=ESMTP helo=<h>",
    ] {
        assert_eq!(line("postfix/smtpd", text), Line::Known, "{text}");
    }
}

/// Trap 33.
#[test]
fn milters_and_header_checks() {
    for (word, action) in [
        ("milter-reject", RefusedAction::Reject),
        ("milter-discard", RefusedAction::Discard),
        ("milter-hold", RefusedAction::Hold),
        ("milter-quarantine", RefusedAction::Hold),
        ("quarantine", RefusedAction::Hold),
    ] {
        let text = format!(
            "3A1B29E001: {word}: END-OF-MESSAGE from h[192.0.2.66]: 5.7.1 why; from=<a@b> to=<c@d> proto=SMTP helo=<h>"
        );
        assert_eq!(refused(&text).action, action, "{word}");
    }
    for (word, action) in [
        ("warning", HeaderAction::Note),
        ("info", HeaderAction::Note),
        ("prepend", HeaderAction::Note),
        ("replace", HeaderAction::Note),
        ("hold", HeaderAction::Hold),
        ("discard", HeaderAction::Discard),
        ("reject", HeaderAction::Reject),
    ] {
        let text = format!(
            "3A1B29E001: {word}: header Subject: a: b from h[192.0.2.66]; from=<a@b> to=<c@d> proto=SMTP helo=<h>: why"
        );
        let header = header(&text);
        assert_eq!((header.action, header.subject(), header.text), (action, Some(&b"a: b"[..]), &b"why"[..]), "{word}");
    }
    let local = header("3A1B29E001: warning: header SUBJECT: hi from local; from=<root@x> to=<c@d>");
    assert_eq!(
        (local.subject(), local.transaction.client_name, local.transaction.sender),
        (Some(&b"hi"[..]), &b"local"[..], &b"root@x"[..])
    );
}

/// Trap 6.
#[test]
fn tags_and_instances() {
    for (tag, name, instance) in [
        ("postfix/smtpd", "smtpd", ""),
        ("postfix/submission/smtpd", "smtpd", ""),
        ("postfix/sender-cleanup/cleanup", "cleanup", ""),
        ("postfix-out/smtp", "smtp", "postfix-out"),
        ("postfix-170.55.103.23/smtpd", "smtpd", "postfix-170.55.103.23"),
        ("postfix/10025/smtpd", "smtpd", ""),
        ("192.0.2.7/smtpd", "smtpd", "192.0.2.7"),
        ("postfix/custom-transport", "custom-transport", ""),
        ("postfixed/smtpd", "smtpd", "postfixed"),
    ] {
        let origin = postfix::origin(tag.as_bytes()).unwrap_or_else(|| panic!("{tag}"));
        assert_eq!((origin.name, origin.instance), (name.as_bytes(), instance.as_bytes()), "{tag}");
    }
    for tag in ["smtpd", "postfix", "", "/", "app/worker", "haproxy/frontend", "dovecot"] {
        assert_eq!(postfix::origin(tag.as_bytes()), None, "{tag}");
    }
}

fn whole_line(text: &str) -> (Option<QueueId>, bool, bool) {
    let mut scratch = Scratch::default();
    let envelope = envelope::parse(text.as_bytes(), &mut scratch).expect("an envelope");
    let record = read(&envelope);
    (record.queue_id(), record.is_understood(), record.is_unknown())
}

/// Trap 22.
#[test]
fn foreign_lines_are_neither_understood_nor_unknown() {
    for text in [
        "Mar  2 10:00:00 h CRON[1]: (root) CMD (true)",
        "Mar  2 10:00:00 h app/worker[1]: 3A1B29E001: removed",
        "Mar  2 10:00:00 h kernel: [1.0] postfix/smtpd[1]: 3A1B29E001: removed",
        "2026-03-02T10:00:00Z h systemd-journald[1]: Suppressed 12 messages from postfix@-.service",
    ] {
        assert_eq!(whole_line(text), (None, false, false), "{text}");
    }
    assert_eq!(
        whole_line("Mar  2 10:00:00 h postfix/qmgr[1]: 3A1B29E001: removed"),
        (Some(id("3A1B29E001")), true, false)
    );
    assert_eq!(whole_line("Mar  2 10:00:00 h postfix/qmgr[1]: 3A1B29E001: sings"), (None, false, true));
}

fn record(text: &str, check: impl FnOnce(&Record<'_>)) {
    let mut scratch = Scratch::default();
    let envelope = envelope::parse(text.as_bytes(), &mut scratch).expect("an envelope");
    check(&read(&envelope));
}

/// Trap 18: what the store did, in the forms of its versions.
#[test]
fn dovecot_says_what_was_stored() {
    for (text, user, session, outcome) in [
        ("lmtp(bob)<77><S1a:T2:R3>: msgid=<m@b>: saved mail to INBOX", "bob", Some("S1a:T2"), Some(Outcome::Delivered)),
        (
            "lmtp(bob)<77><S1a>: sieve: msgid=<m@b>: stored mail into mailbox 'Work: x'",
            "bob",
            Some("S1a"),
            Some(Outcome::Delivered),
        ),
        (
            "lmtp(77, bob): S1a: sieve: msgid=<m@b>: stored mail into mailbox 'INBOX'",
            "bob",
            Some("S1a"),
            Some(Outcome::Delivered),
        ),
        ("lda(bob): msgid=<m@b>: saved mail to INBOX", "bob", None, Some(Outcome::Delivered)),
        (
            "lmtp(bob)<77><S1a>: sieve: msgid=<m@b>: marked message to be discarded if not explicitly delivered (discard action)",
            "bob",
            Some("S1a"),
            Some(Outcome::Discarded),
        ),
        ("lmtp(bob)<77><S1a>: sieve: msgid=<m@b>: forwarded to <x@y>", "bob", Some("S1a"), Some(Outcome::Forwarded)),
        (
            "lmtp(bob)<77><S1a>: sieve: msgid=<m@b>: rejected message from <a@b> (reject)",
            "bob",
            Some("S1a"),
            Some(Outcome::Bounced),
        ),
        (
            "lmtp(bob)<77><S1a>: sieve: msgid=unspecified: saved mail to INBOX",
            "bob",
            Some("S1a"),
            Some(Outcome::Delivered),
        ),
        ("lmtp(bob)<77><S1a>: sieve: msgid=<m@b>: sent vacation response to <a@b>", "bob", Some("S1a"), None),
    ] {
        record(&format!("Mar  2 10:00:00 h dovecot: {text}"), |record| {
            let Record::Dovecot(dovecot::Record::Stored(stored)) = record else { panic!("{text}: {record:?}") };
            let session = session.map(id);
            assert_eq!(
                (stored.user, stored.session, stored.action.outcome()),
                (user.as_bytes(), session, outcome),
                "{text}"
            );
        });
    }
}
