//! Exim's lines, one by one. They are written for these tests in the syntax of its sources and of its own test suite's logs.

use vigie_formats::{
    Record,
    envelope::{self, Scratch},
    read,
    refusal::Refused,
    statement::{End, Statement, Status, Word},
};
use vigie_model::{Arrival, Outcome};

const ID: &str = "1xUzfh-0005eu-36";

/// What a function makes of the record of a line.
fn with<T>(line: &str, look: impl FnOnce(Record<'_>) -> T) -> T {
    let mut scratch = Scratch::default();
    let envelope = envelope::parse(line.as_bytes(), &mut scratch).expect("an envelope");
    look(read(&envelope))
}

fn statement<T>(line: &str, look: impl FnOnce(&Statement<'_>) -> T) -> T {
    with(line, |record| match record {
        Record::Statement(statement) => look(&statement),
        other => panic!("{line}: {other:?}"),
    })
}

/// Of a line in Exim's own log: `ID` and what follows.
fn about<T>(text: &str, look: impl FnOnce(&Statement<'_>) -> T) -> T {
    statement(&format!("2026-11-22 04:59:25 {ID} {text}"), look)
}

fn word<T>(text: &str, look: impl FnOnce(&Word<'_>) -> T) -> T {
    about(text, |statement| look(statement.word.as_ref().expect("a word on somebody")))
}

fn refused<T>(text: &str, look: impl FnOnce(&Refused<'_>) -> T) -> T {
    with(&format!("2026-11-22 04:59:25 {text}"), |record| match record {
        Record::Refused(refused) => look(&refused),
        other => panic!("{text}: {other:?}"),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Recipient, original, outcome or `deferred`.
fn told(line: &str) -> (String, String, String) {
    word(line, |word| {
        let status = match word.status {
            Status::Final(outcome) => format!("{outcome:?}"),
            other => format!("{other:?}"),
        };
        let domain = if word.domain.is_empty() { String::new() } else { format!("@{}", text(word.domain)) };
        let recipients: Vec<String> = word.recipients.map(text).collect();
        (recipients.join(",") + &domain, text(word.orig_recipient), status)
    })
}

fn outcome(line: &str, recipient: &str, original: &str, status: &str) {
    assert_eq!(told(line), (recipient.to_owned(), original.to_owned(), status.to_owned()), "{line}");
}

/// Trap 23.
#[test]
fn ids_of_both_lengths_with_any_columns_before_them() {
    for id in ["1xUzfh-0005eu-36", "1xUzfh-00000005euX-36Ab"] {
        for time in [
            "2026-11-22 04:59:25",
            "2026-11-22 04:59:25.123",
            "2026-11-22 04:59:25 +0100",
            "2026-11-22 04:59:25.123 +0100",
            "2026-11-22 04:59:25 [1234]",
            "2026-11-22 04:59:25.123 +0100 [4194303]",
        ] {
            for tag in [
                "",
                "Nov 22 04:59:25 mx1 exim[77]: ",
                "2026-11-22T04:59:25.1+00:00 mx1 exim4: ",
                "<22>1 2026-11-22T04:59:25Z mx1 exim 7 - - ",
            ] {
                let line = format!("{tag}{time} {id} <= ann@example.net H=out.example.net [192.0.2.10] P=esmtp S=900");
                statement(&line, |statement| {
                    assert_eq!(statement.queue_id.as_str(), id, "{line}");
                    assert!(statement.begins && statement.size == Some(900), "{line}");
                });
            }
        }
        // With `syslog_timestamp = false`.
        let line = format!("Nov 22 04:59:25 mx1 exim[77]: {id} Completed");
        assert_eq!(statement(&line, |statement| statement.end), End::Now);
    }
}

#[test]
fn what_only_looks_like_an_id_is_none() {
    for line in [
        "2026-11-22 04:59:25 1xUzfh-0005eu-3 <= ann@example.net P=local S=1",
        "2026-11-22 04:59:25 1xUzfh-0005eu-366 <= ann@example.net P=local S=1",
        "2026-11-22 04:59:25 1xUzfh_0005eu_36 <= ann@example.net P=local S=1",
        "2026-11-22 04:59:25 1xUzfh-0005eu-36",
        "Nov 22 04:59:25 mx1 archiver[9]: 1xUzfh-0005eu-36 is clean",
        "Nov 22 04:59:25 mx1 archiver[9]: prefork: child states: II",
        "2026-11-22 04:59:25 host archiver[9]: text",
    ] {
        with(line, |record| assert_eq!(record, Record::Foreign, "{line}"));
    }
}

#[test]
fn a_container_or_another_name_for_exim_is_known_by_its_lines() {
    for line in [
        "May 02 22:00:00 X docker/mail[1]: 2026-05-02 20:56:17 1xUzfh-0005eu-36 => bob@example.com R=r T=t H=mx [192.0.2.80]",
        "May 02 22:00:00 X smarthost[1]: 1xUzfh-0005eu-36 => bob@example.com R=r T=t H=mx [192.0.2.80]",
    ] {
        assert_eq!(statement(line, |statement| statement.queue_id.to_string()), ID, "{line}");
    }
}

#[test]
fn an_arrival_with_everything() {
    about(
        r#"<= "a b"@example.net R=1xUzfg-0005aa-01 H=out.example.net (we) [192.0.2.10]:40508 I=[192.0.2.1]:25 U=ident P=esmtpsa L.- X=TLS1.3:A:256 CV=no DN="CN=x; y=\"z\"" SNI="mx" A=plain:ann@example.net:other K S=1316 M8S=0 RT=0.006s id="x y"@example.net T="a \"b\" \\c Pr\303\274f => <x@y> for z" from <"a b"@example.net> for bob@example.com "c d"@example.com"#,
        |a| {
            assert_eq!((a.begins, a.arrival), (true, Arrival::User));
            assert_eq!(a.sender, Some(&br#""a b"@example.net"#[..]));
            assert_eq!(a.notice_of.map(|id| id.to_string()).as_deref(), Some("1xUzfg-0005aa-01"));
            assert_eq!(
                (text(a.client_name), text(a.helo), text(a.client_ip)),
                ("out.example.net".into(), "we".into(), "192.0.2.10".into())
            );
            assert_eq!(text(a.user), "ann@example.net");
            assert_eq!(text(a.message_id), r#""x y"@example.net"#);
            assert_eq!(a.subject.as_deref().map(text).as_deref(), Some(r#"a "b" \c Prüf => <x@y> for z"#));
            assert_eq!((a.size, a.recipient_count), (Some(1316), Some(2)));
        },
    );
}

#[test]
fn how_a_message_came() {
    for (fields, arrival, user) in [
        ("H=h [192.0.2.10] P=esmtp S=1", Arrival::Server, ""),
        ("H=(x) [192.0.2.10] U=ident P=smtp S=1", Arrival::Server, ""),
        ("H=h [192.0.2.10] P=esmtpa A=cram S=1", Arrival::User, ""),
        ("H=h [192.0.2.10] P=esmtpsa X=T:A:1 A=login:ann S=1", Arrival::User, "ann"),
        ("U=ann P=local S=1", Arrival::Local, "ann"),
        ("U=ann P=local-esmtp S=1", Arrival::Local, "ann"),
        ("U=mail P=spam-scanned S=1", Arrival::Unknown, ""),
        ("", Arrival::Unknown, ""),
    ] {
        about(&format!("<= ann@example.net {fields}"), |a| {
            assert_eq!((a.arrival, text(a.user)), (arrival, user.to_owned()), "{fields}");
        });
    }
    about("<= <> R=1xUzfg-0005aa-01 U=mail P=local S=1", |a| {
        assert_eq!((a.sender, a.arrival, a.user), (Some(&b""[..]), Arrival::Local, &b""[..]));
    });
}

/// Trap 24: the sender is told 550, and the message is delivered.
#[test]
fn a_fake_reject_is_an_arrival() {
    assert!(about("(= ann@example.net H=h [192.0.2.10] P=esmtp S=1", |a| a.begins));
}

#[test]
fn only_the_last_brackets_hold_the_clients_address() {
    for (host, name, helo, ip) in [
        ("([198.51.100.1]) [192.0.2.10]:25", "", "[198.51.100.1]", "192.0.2.10"),
        ("(x) [198.51.100.1] (y) [192.0.2.10]", "", "x) [198.51.100.1] (y", "192.0.2.10"),
        ("n (h) [2001:db8::1]:2525", "n", "h", "2001:db8::1"),
        ("n DS [192.0.2.10]", "n", "", "192.0.2.10"),
        ("[192.0.2.10]", "", "", "192.0.2.10"),
    ] {
        about(&format!("<= ann@example.net H={host} P=smtp S=1"), |a| {
            let found = (text(a.client_name), text(a.helo), text(a.client_ip));
            assert_eq!(found, (name.into(), helo.into(), ip.into()), "{host}");
            assert_eq!(a.size, Some(1), "{host}");
        });
    }
}

#[test]
fn targets_of_deliveries() {
    outcome("=> bob@example.com R=r T=t H=mx [192.0.2.80]", "bob@example.com", "", "Delivered");
    outcome("-> carl@example.com R=r T=t H=mx [192.0.2.80]*", "carl@example.com", "", "Delivered");
    outcome(">> bob@example.com R=r T=t H=mx [192.0.2.80]", "bob@example.com", "", "Delivered");
    outcome("=> bob <bob@example.com> R=r T=t", "bob@example.com", "", "Delivered");
    outcome("=> bob <info@example.com> R=r T=t", "bob@example.com", "info@example.com", "Delivered");
    outcome(
        "=> bob@other.example.com (list@example.com) <info@example.com> R=r T=t",
        "bob@other.example.com",
        "info@example.com",
        "Delivered",
    );
    outcome(
        "=> bob@o.example.com (l@example.com, m@example.com) <i@example.com> R=r T=t",
        "bob@o.example.com",
        "i@example.com",
        "Delivered",
    );
    outcome(
        r#"=> "a b"@example.com <"c <d> e"@example.com> R=r T=t"#,
        r#""a b"@example.com"#,
        r#""c <d> e"@example.com"#,
        "Delivered",
    );
    outcome("=> |/usr/bin/x -a <in >out <bob@example.com> R=r T=address_pipe", "bob@example.com", "", "Delivered");
    outcome(
        "=> /var/mail/x (u@example.com) <bob@example.com> R=r T=address_file",
        "u@example.com",
        "bob@example.com",
        "Delivered",
    );
    outcome("=> >ann@example.net <bob@example.com> R=vacation T=vacation_reply", "bob@example.com", "", "Delivered");
    outcome("=> :blackhole: <bob@example.com> R=aliases", "bob@example.com", "", "Discarded");
    outcome("=> discarded <bob@example.com> R=userforward", "bob@example.com", "", "Discarded");
    outcome("=> /dev/null <bob@example.com> R=r T=**bypassed**", "bob@example.com", "", "Discarded");
    outcome("*> bob <bob@example.com> R=r T=t", "bob@example.com", "", "Discarded");
    outcome("=> postmaster R=r T=t", "postmaster", "", "Delivered");
}

#[test]
fn a_whole_message_that_was_dropped() {
    for line in ["=> blackhole (DATA ACL discarded recipients): no reason", "=> discarded (system filter)"] {
        assert_eq!(about(line, |a| (a.end, a.word.is_none())), (End::Discarded, true), "{line}");
    }
}

#[test]
fn a_delivery_with_everything() {
    word(
        r#"=> bob@example.com F=<ann@example.net> P=<prvs=a=b@example.net> R=outside T=smtp S=2564 H=mx.example.com [192.0.2.80]:2525* I=[192.0.2.1]:41661 X=TLS1.3:A:256 CV=yes DN="CN=a b" A=plain L K C="250 2.0.0 \"Ok\": queued as 3A1B29E001" QT=1m0.105s DT=0.087s"#,
        |w| {
            assert_eq!(
                (text(w.relay_name), text(w.relay_ip), w.relay_port),
                ("mx.example.com".into(), "192.0.2.80".into(), 2525)
            );
            assert_eq!((text(w.transport), w.tls, text(w.dsn)), ("smtp".into(), true, "2.0.0".into()));
            assert_eq!(w.next_id.map(|id| id.to_string()).as_deref(), Some("3A1B29E001"));
            assert_eq!((w.delays.total_ms, w.delays.transmit_ms), (Some(60_105), 87));
        },
    );
}

#[test]
fn what_the_next_server_calls_the_message() {
    for (reply, id) in [
        ("250 OK id=1xUzfi-0005fH-1A", Some("1xUzfi-0005fH-1A")),
        ("250- 900 byte chunk, total 901\\\\n250 OK id=1xUzfi-00000005fHX-1Abc", Some("1xUzfi-00000005fHX-1Abc")),
        ("250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 OK id=1xUzfi-0005fH-1A", Some("1xUzfi-0005fH-1A")),
        ("250 2.0.0 9AM4xPq1022001 Message accepted for delivery", Some("9AM4xPq1022001")),
        ("250 2.0.0 Ok: queued as 3A1B29E001", Some("3A1B29E001")),
        ("250 OK", None),
        ("250 id=short", None),
    ] {
        word(&format!("=> bob@example.com R=r T=t H=mx [192.0.2.80] C=\"{reply}\""), |w| {
            assert_eq!(w.next_id.map(|id| id.to_string()).as_deref(), id, "{reply}");
        });
    }
}

#[test]
fn failures() {
    let line = "** bob@example.com R=r T=smtp H=mx [192.0.2.80]:25 I=[192.0.2.1]:5: SMTP error from remote mail server after RCPT TO:<bob@example.com>: 550 5.1.1 <bob@example.com>: unknown; sorry (really) DT=0.000s";
    outcome(line, "bob@example.com", "", "Bounced");
    word(line, |w| {
        assert_eq!(
            (text(w.dsn), text(w.relay_ip), text(w.transport)),
            ("5.1.1".into(), "192.0.2.80".into(), "smtp".into())
        );
        assert!(text(w.reply).ends_with("unknown; sorry (really)"), "{}", text(w.reply));
    });
    outcome("** x@nosuch.example.net: Unrouteable address", "x@nosuch.example.net", "", "Bounced");
    outcome(
        "** x@nosuch.example.net <list@example.com> F=<ann@example.net>: Unrouteable address",
        "x@nosuch.example.net",
        "list@example.com",
        "Bounced",
    );
    outcome(
        "** |/bin/x <bob@example.com> R=r T=address_pipe: Child process returned 127 <x> : y",
        "bob@example.com",
        "",
        "Bounced",
    );
    outcome("** gone@example.net: retry timeout exceeded", "gone@example.net", "", "Expired");
    outcome(
        "** gone@example.net R=r T=t: all hosts for 'example.net' have been failing for a long time (and retry time not reached)",
        "gone@example.net",
        "",
        "Expired",
    );
    outcome("** bob@example.com: delivery cancelled; message timed out", "bob@example.com", "", "Expired");
}

#[test]
fn deferrals() {
    let line = "== bob@example.com R=r T=smtp defer (-44) H=mx [192.0.2.80]: SMTP error from remote mail server after RCPT TO:<bob@example.com>: 450 4.2.0 later";
    outcome(line, "bob@example.com", "", "Deferred");
    assert_eq!(word(line, |w| (text(w.dsn), text(w.relay_name))), ("4.2.0".to_owned(), "mx".to_owned()));
    let line = "== bob@example.com R=r T=smtp defer (110): Connection timed out H=mx [192.0.2.80]:25 DT=30s: SMTP timeout while connected to mx";
    assert_eq!(word(line, |w| (w.status, text(w.relay_ip))), (Status::Deferred, "192.0.2.80".to_owned()));
    outcome("== |/no/file <bob@example.com> R=r defer (-30): pipe_transport unset", "bob@example.com", "", "Deferred");
}

/// Trap 24: a line that says that nothing was tried.
#[test]
fn the_retry_time_is_not_reached() {
    outcome("== bob@example.com routing defer (-52): retry time not reached", "bob@example.com", "", "Waiting");
    outcome(
        "== bob@example.com R=r T=t defer (-54) DT=0s: retry time not reached for any host for 'example.com'",
        "bob@example.com",
        "",
        "Waiting",
    );
    outcome("== bob@example.com R=r T=t defer (-53): retry time not reached", "bob@example.com", "", "Waiting");
    outcome("== bob@example.com R=r T=t defer (-1): forced", "bob@example.com", "", "Deferred");
}

#[test]
fn what_an_administrator_does() {
    for line in ["Frozen", "Frozen (delivery error message)", "frozen by root", "Message is frozen"] {
        assert_eq!(about(line, |a| a.hold), Some(true), "{line}");
    }
    for line in ["Unfrozen by forced delivery", "unfrozen by root", "Unfrozen by errmsg timer"] {
        assert_eq!(about(line, |a| a.hold), Some(false), "{line}");
    }
    assert_eq!(about("removed by root", |a| a.end), End::Deleted);
    assert_eq!(about("Completed QT=0.030s", |a| a.end), End::Now);
    assert_eq!(
        word("address <bob@example.com> marked delivered by root", |w| w.status),
        Status::Final(Outcome::Deleted)
    );
}

#[test]
fn what_is_said_of_a_queued_message_and_of_one_that_only_comes() {
    for line in [
        "H=mx [192.0.2.80] Connection refused",
        "H=mx [192.0.2.80]:25: SMTP error from remote mail server after MAIL FROM:<a@b>: 451 x",
        "no immediate delivery: queued by ACL",
        "bob@example.com: error ignored",
    ] {
        about(line, |a| assert_eq!(*a, Statement::about(a.queue_id), "{line}"));
    }
    for line in [
        "H=h (x) [192.0.2.10] F=<a@b> Warning: odd",
        "H=h [192.0.2.10] Warning: odd",
        "DKIM: d=example.net s=x [verification succeeded]",
        "SMTP data timeout (message abandoned) on connection from h [192.0.2.10] F=<a@b>",
        "timed out while reading local message",
    ] {
        with(&format!("2026-11-22 04:59:25 {ID} {line}"), |record| assert_eq!(record, Record::Known, "{line}"));
    }
    with(&format!("2026-11-22 04:59:25 {ID} an entirely new fate"), |record| assert_eq!(record, Record::Unknown));
}

#[test]
fn refusals() {
    refused(
        "H=out.example.net (x) [192.0.2.10]:1 I=[192.0.2.1]:25 U=root X=TLS1.3:A:256 CV=no F=<ann@example.net> A=plain:ann temporarily rejected RCPT <bob@example.com>: 450 4.7.1 greylisted: later",
        |r| {
            assert_eq!(
                (text(r.stage), r.code, text(r.dsn), text(r.text)),
                ("RCPT".into(), 450, "4.7.1".into(), "greylisted: later".into())
            );
            let t = &r.transaction;
            assert_eq!(
                [t.client_name, t.client_ip, t.helo, t.sender, t.recipient, t.user].map(text),
                ["out.example.net", "192.0.2.10", "x", "ann@example.net", "bob@example.com", "ann"]
            );
        },
    );
    for (line, stage, sender, recipient, said) in [
        (
            "H=h [192.0.2.10] F=<a@b> rejected RCPT <c@d>: relay not permitted",
            "RCPT",
            "a@b",
            "c@d",
            "relay not permitted",
        ),
        ("H=h [192.0.2.10] F=<a@b> rejected RCPT c@d: odd", "RCPT", "a@b", "c@d", "odd"),
        ("H=h [192.0.2.10] rejected MAIL <a@b>: no", "MAIL", "a@b", "", "no"),
        (
            "rejected MAIL FROM:<a@b> H=h [192.0.2.10]:5 I=[192.0.2.1]:25: message too big: size=2 max=1",
            "MAIL",
            "a@b",
            "",
            "message too big: size=2 max=1",
        ),
        ("H=h [192.0.2.10] rejected EHLO or HELO x: no such name", "EHLO", "", "", "no such name"),
        (
            "rejected HELO from h [192.0.2.10]: syntactically invalid argument(s): x_y",
            "EHLO",
            "",
            "",
            "syntactically invalid argument(s): x_y",
        ),
        ("H=[192.0.2.10] rejected connection in \"connect\" ACL: listed", "CONNECT", "", "", "listed"),
        ("refused connection from [192.0.2.10] (host_reject_connection)", "CONNECT", "", "", "host_reject_connection"),
        ("Connection from [192.0.2.10]:5 refused: too many connections", "CONNECT", "", "", "too many connections"),
        ("1xUzfh-0005eu-36 H=h [192.0.2.10] F=<a@b> rejected after DATA: spam", "END-OF-MESSAGE", "a@b", "", "spam"),
        (
            "1xUzfh-0005eu-36 rejected from <a@b> H=h [192.0.2.10]: message too big: read=2 max=1",
            "END-OF-MESSAGE",
            "a@b",
            "",
            "message too big: read=2 max=1",
        ),
        ("1xUzfh-0005eu-36 F=<a@b> rejected by non-SMTP ACL: no", "END-OF-MESSAGE", "a@b", "", "no"),
        ("U=ann F=<a@b> rejected VRFY <c@d>: no", "VRFY", "a@b", "", "no"),
        ("unqualified recipient rejected: <bob> H=h [192.0.2.10]", "RCPT", "", "bob", "unqualified address"),
        (
            "1xUzfh-0005eu-36 H=h [192.0.2.10] c@d F=<a@b> rejected after DATA: R=r T=t H=mx [192.0.2.80]: 550 no",
            "END-OF-MESSAGE",
            "a@b",
            "c@d",
            "R=r T=t H=mx [192.0.2.80]: 550 no",
        ),
    ] {
        refused(line, |r| {
            let found = (text(r.stage), text(r.transaction.sender), text(r.transaction.recipient), text(r.text));
            assert_eq!(found, (stage.into(), sender.into(), recipient.into(), said.into()), "{line}");
            assert_eq!(r.queue_id.is_some(), line.starts_with("1x"), "{line}");
        });
    }
}

#[test]
fn what_refuses_nothing_is_no_refusal() {
    for line in [
        "H=h [192.0.2.10] sender verify fail for <a@b>: response to \"RCPT TO:<a@b>\" from mx [192.0.2.80] was: 550 rejected by us",
        "H=h [192.0.2.10] Warning: message would have been rejected for spam",
        "H=h [192.0.2.10] F=<a@b> RCPT <c@d>: discarded by RCPT ACL: message rejected silently",
        "SMTP connection from h [192.0.2.10] lost",
    ] {
        with(&format!("2026-11-22 04:59:25 {line}"), |record| assert_eq!(record, Record::Foreign, "{line}"));
        with(&format!("Nov 22 04:59:25 mx1 exim[7]: {line}"), |record| assert_eq!(record, Record::Known, "{line}"));
    }
}

/// Trap 25.
#[test]
fn pieces_of_an_entry_that_syslog_splits() {
    let syslog =
        |piece: &str, text: &str| format!("Nov 22 04:59:25 mx1 exim[7]: [{piece}] 2026-11-22 04:59:25 {ID} {text}");
    // Cut at its length: what may be cut is left out.
    statement(&syslog("1/2", "<= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=one@exam"), |a| {
        assert_eq!((a.size, text(a.message_id)), (Some(900), String::new()));
    });
    statement(&syslog("1/2", "<= ann@example.net P=local S=900 id=one@example.net T=\"half a sub"), |a| {
        assert_eq!((text(a.message_id), a.subject.is_none()), ("one@example.net".to_owned(), true));
    });
    // At the end of a line the first one is whole.
    with(&syslog("1\\5", "H=h [192.0.2.10] F=<a@b> rejected after DATA: no thanks"), |record| match record {
        Record::Refused(refused) => assert_eq!(text(refused.text), "no thanks"),
        other => panic!("{other:?}"),
    });
    for piece in [
        "[2/2] ple.net T=\"x\" for bob@example.com",
        "[2\\5] Envelope-from: <a@b>",
        "[5/5]   X-Odd: 1xUzfh-0005eu-36 => x@y",
    ] {
        with(&format!("Nov 22 04:59:25 mx1 exim[7]: {piece}"), |record| assert_eq!(record, Record::Known, "{piece}"));
    }
}

/// Trap 25: the copy in the reject log has the same mark, in one piece or several, and nothing else has it.
#[test]
fn both_copies_of_a_refusal_have_one_mark() {
    let mark = |pid: u32, text: &str| {
        with(&format!("Nov 22 04:59:25 mx1 exim[{pid}]: {text}"), |record| match record {
            Record::Refused(refused) => refused.copy_mark,
            other => panic!("{other:?}"),
        })
    };
    let entry = "2026-11-22 04:59:25 1xUzfh-0005eu-36 H=h [192.0.2.10] F=<a@b> rejected after DATA: no";
    let first = mark(7, entry);
    assert_eq!(first, mark(7, &format!("[1\\7] {entry}")));
    assert_ne!(first, mark(8, entry), "another session");
    assert_ne!(first, mark(7, &entry.replace(":25", ":26")), "another second");
    assert_ne!(first, 0);
    // The two files are told apart by who reads them.
    refused(&entry[20..], |r| assert_eq!(r.copy_mark, 0));
}

/// Quotes that are never closed and brackets that mean nothing must not be looked for again and again.
#[test]
fn a_hostile_line_takes_linear_time() {
    let many = |piece: &str| piece.repeat(300_000);
    for text in [
        format!("<= a@b P=local S=1 for {}", many("\\\" ")),
        format!("=> |x{}>", many(" <")),
        format!("** a@b: {}", many(": ")),
        format!("<= a@b H=({}", many(") [")),
        format!("H={} rejected x", many("( ")),
    ] {
        let line = format!("2026-11-22 04:59:25 {ID} {text}");
        let started = std::time::Instant::now();
        with(&line, |record| {
            if let Record::Statement(statement) = record {
                statement.word.iter().for_each(|word| assert!(word.recipients.count() <= line.len()));
            }
        });
        assert!(started.elapsed().as_secs() < 5, "{}", &line[..60]);
    }
}
