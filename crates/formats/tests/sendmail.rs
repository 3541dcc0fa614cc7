//! Sendmail lines, one by one: what a line says, and what it does not. Shapes are those of the server's source; numbers are those of the
//! list of traps in the notes.

use vigie_formats::{
    Record, envelope, read,
    refusal::{Refused, RefusedAction},
    sendmail,
    statement::{Also, End, Statement, Status},
};
use vigie_model::{Arrival, Outcome, QueueId};

const PID: u32 = 21768;

fn line(text: &str) -> Record<'_> {
    sendmail::parse(PID, text.as_bytes())
}

fn id(text: &str) -> QueueId {
    QueueId::new(text.as_bytes()).expect("an id")
}

fn said(text: &str) -> Statement<'_> {
    match line(text) {
        Record::Statement(statement) => *statement,
        other => panic!("{text}: {other:?}"),
    }
}

fn refused(text: &str) -> Refused<'_> {
    match line(text) {
        Record::Refused(refused) => refused,
        other => panic!("{text}: {other:?}"),
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn recipients(statement: &Statement<'_>) -> Vec<String> {
    statement.word.iter().flat_map(|word| word.recipients).map(|address| text(address).to_owned()).collect()
}

#[test]
fn an_arrival_by_smtp() {
    let came = said(
        "6AM4xQEt021812: from=<orders@partner.example.net>, size=765, class=0, nrcpts=1, msgid=<gt63-0006.de59d61608@partner.example.net>, \
         bodytype=8BITMIME, proto=ESMTPS, daemon=MTA, relay=out1.partner.example.net [127.0.42.60]",
    );
    assert_eq!((came.queue_id, came.begins, came.tentative), (id("6AM4xQEt021812"), true, false));
    assert_eq!(came.sender, Some(&b"orders@partner.example.net"[..]));
    assert_eq!((came.size, came.recipient_count), (Some(765), Some(1)));
    assert_eq!(text(came.message_id), "<gt63-0006.de59d61608@partner.example.net>");
    assert_eq!((text(came.client_name), text(came.client_ip)), ("out1.partner.example.net", "127.0.42.60"));
    assert_eq!((came.arrival, came.user, came.end), (Arrival::Server, &b""[..], End::Later));
}

#[test]
fn an_arrival_from_a_program_of_the_host() {
    let came = said(
        "n261B2HI005308: from=root, size=582, class=0, nrcpts=1, msgid=<200903060111.n261B2HI005308@mail.example.com>, relay=root@localhost",
    );
    assert_eq!((came.arrival, text(came.user)), (Arrival::Local, "root"));
    assert_eq!((came.sender, came.client_ip), (Some(&b"root"[..]), &b""[..]));
}

#[test]
fn where_a_client_came_from() {
    let client = |relay: &str| {
        let whole =
            format!("6AM4xQEt021812: from=<a@b>, size=1, class=0, nrcpts=1, msgid=<1@b>, proto=SMTP, relay={relay}");
        let came = said(&whole);
        (text(came.client_name).to_owned(), text(came.client_ip).to_owned(), came.arrival)
    };
    for (relay, name, ip) in [
        ("mx.example.net [192.0.2.1]", "mx.example.net", "192.0.2.1"),
        ("[192.0.2.1]", "", "192.0.2.1"),
        ("mx.example.net. [IPv6:2001:db8:0:0:0:0:0:1b]", "mx.example.net", "2001:db8:0:0:0:0:0:1b"),
        ("mx.example.net [192.0.2.1] (may be forged)", "mx.example.net", "192.0.2.1"),
        ("IDENT:ann@mx.example.net [192.0.2.1]", "mx.example.net", "192.0.2.1"),
    ] {
        assert_eq!(client(relay), (name.to_owned(), ip.to_owned(), Arrival::Server), "{relay}");
    }
    assert_eq!(client("localhost"), ("".to_owned(), "".to_owned(), Arrival::Local));
}

/// Trap 32.
#[test]
fn the_null_sender_and_no_sender() {
    let sender = |from: &str| {
        let whole = format!("6AM4xQEt021812: from={from}, size=1, class=0, nrcpts=1, msgid=<1@b>, relay=x [192.0.2.1]");
        said(&whole).sender.map(|sender| text(sender).to_owned())
    };
    assert_eq!(sender("<>").as_deref(), Some(""));
    assert_eq!(sender("<NONE>"), None);
    assert_eq!(sender(r#"<"a, size=9 b"@example.net>"#).as_deref(), Some(r#""a, size=9 b"@example.net"#));
    assert_eq!(sender("<été@example.net>").as_deref(), Some("été@example.net"));
    // Cut after 200 bytes.
    let long = format!("<{}", "x".repeat(199));
    assert_eq!(sender(&long), Some("x".repeat(199)));
}

/// Trap 17.
#[test]
fn message_ids_of_every_sort() {
    let message_id = |id: &str| {
        let whole = format!(
            "6AM4xQEt021812: from=<a@b>, size=1, class=0, nrcpts=1, msgid={id}, proto=ESMTP, daemon=MTA, relay=x [192.0.2.1]"
        );
        let came = said(&whole);
        assert_eq!((text(came.client_ip), came.arrival), ("192.0.2.1", Arrival::Server));
        text(came.message_id).to_owned()
    };
    for id in [
        "<1@example.net>",
        "<a b=c, relay=evil [10.0.0.1]>",
        "<1, proto=SMTP@example.net>",
        "<1>, nrcpts=9@example.net>",
        "1.without.brackets@example.net",
        "<>",
    ] {
        assert_eq!(message_id(id), id);
    }
    // Cut after 100 bytes up to 8.13: a part of an id would say that two servers had different messages.
    let cut = format!("<{}", "x".repeat(99));
    assert_eq!(message_id(&cut), "");
}

#[test]
fn an_arrival_without_a_message_id_may_be_none() {
    let none = said(
        "6AM4xR9h021907: from=<desk@partner.example.net>, size=195, class=0, nrcpts=1, proto=ESMTP, daemon=MTA, relay=x [192.0.2.1]",
    );
    assert_eq!((none.tentative, none.end), (true, End::Later));
    let refused = said(
        "6AM4xRmu021851: from=<billing@partner.example.net>, size=1695, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=x [192.0.2.1]",
    );
    assert_eq!((refused.end, refused.recipient_count), (End::Never, None));
    let broken = said("6AM4xR9h021907: collect: premature EOM: unexpected close");
    assert_eq!(broken.end, End::Never);
}

/// Trap 26.
#[test]
fn several_recipients_of_one_line() {
    let words = said(
        "6AM4xQuu021828: to=<dev1@example.com>,<\"x, y\"@example.com>,Vasya <v@example.com>, delay=1+02:03:04, xdelay=00:00:01, mailer=esmtp, \
         pri=91769, relay=store.example.com. [127.0.42.55], dsn=2.0.0, stat=Sent (Ok: queued as SINK000004)",
    );
    assert_eq!(recipients(&words), ["dev1@example.com", "\"x, y\"@example.com", "v@example.com"]);
    let word = words.word.expect("a word");
    assert_eq!(word.status, Status::Final(Outcome::Delivered));
    assert_eq!(word.delays.total_ms, Some((86_400 + 2 * 3_600 + 3 * 60 + 4) * 1000));
    assert_eq!((text(word.relay_name), text(word.relay_ip), word.relay_port), ("store.example.com", "127.0.42.55", 0));
    assert_eq!((text(word.dsn), text(word.reply), text(word.transport)), ("2.0.0", "Ok: queued as SINK000004", "smtp"));
    assert_eq!((word.next_id, word.tls), (Some(id("SINK000004")), false));
}

/// Trap 26.
#[test]
fn a_list_that_goes_on_over_further_lines() {
    let first = said(
        "6AM4xQuu021828: to=<a@b>,<c@d>, [more], delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=x. [192.0.2.1], dsn=2.0.0, stat=Sent",
    );
    assert_eq!(recipients(&first), ["a@b", "c@d"]);
    let last = said(
        "6AM4xQuu021828: to=<e@f>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=x. [192.0.2.1], dsn=2.0.0, stat=Sent",
    );
    assert_eq!(recipients(&last), ["e@f"]);
    // A line too long for syslog: its parts are numbered, and the first says what is of consequence.
    assert_eq!(
        recipients(&said("6AM4xQuu021828[1]: to=<a@b>, delay=00:00:01, mailer=esmtp, pri=1, stat=Sent")),
        ["a@b"]
    );
    assert_eq!(line("6AM4xQuu021828[2]: and the rest of a reply"), Record::Known);
}

#[test]
fn words_for_what_became_of_recipients() {
    let status = |tail: &str| {
        let whole = format!(
            "6AM4xQuu021828: to=<a@b>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=x. [192.0.2.1], {tail}"
        );
        let word = said(&whole).word.expect("a word");
        (word.status, text(word.reply).to_owned())
    };
    use Outcome as O;
    for (tail, wanted, reply) in [
        ("dsn=2.0.0, stat=Sent", Status::Final(O::Delivered), ""),
        ("dsn=2.0.0, stat=Sent (ok (really) 1)", Status::Final(O::Delivered), "ok (really) 1"),
        ("stat=queued", Status::Waiting, "queued"),
        ("dsn=4.4.1, stat=Deferred: Connection refused by x.", Status::Deferred, "Deferred: Connection refused by x."),
        (
            "dsn=4.2.0, reply=450 4.2.0 <a@b>: Greylisted, try again, stat=Deferred: 450 4.2.0 <a@b>: Greylisted, try again",
            Status::Deferred,
            "450 4.2.0 <a@b>: Greylisted, try again",
        ),
        ("dsn=4.0.0, stat=Operating system error", Status::Deferred, "Operating system error"),
        ("dsn=5.1.1, reply=550 5.1.1 <a@b>: no, stat=User unknown", Status::Final(O::Bounced), "550 5.1.1 <a@b>: no"),
        ("dsn=5.0.0, stat=Service unavailable", Status::Final(O::Bounced), "Service unavailable"),
        (
            "dsn=5.1.2, stat=Host unknown (Name server: b.: host not found)",
            Status::Final(O::Bounced),
            "Host unknown (Name server: b.: host not found)",
        ),
        ("dsn=5.6.0, stat=Data format error", Status::Final(O::Bounced), "Data format error"),
        // Before 8.10 no status code was logged.
        ("stat=User unknown", Status::Final(O::Bounced), "User unknown"),
        ("stat=Deferred", Status::Deferred, "Deferred"),
    ] {
        assert_eq!(status(tail), (wanted, reply.to_owned()), "{tail}");
    }
}

/// Trap 19: the other server's words are no keys, and its "Sent" is not ours.
#[test]
fn a_reply_that_imitates_the_log() {
    let word = said("6AM4xQuu021828: to=<a@b>, delay=00:00:01, mailer=esmtp, pri=1, relay=x. [192.0.2.1], dsn=5.7.1, reply=554 5.7.1 no, stat=Sent (ok), relay=evil, stat=Service unavailable").word.expect("a word");
    assert_ne!(word.status, Status::Deferred);
    assert_eq!((text(word.relay_name), text(word.dsn)), ("x", "5.7.1"));
}

#[test]
fn local_mailers() {
    let word = |to: &str, mailer: &str| {
        let whole = format!(
            "6AM4xQuu021828: to={to}, ctladdr=<ann@example.com> (1001/1001), delay=00:00:00, xdelay=00:00:00, mailer={mailer}, pri=30771, dsn=2.0.0, stat=Sent"
        );
        let statement = said(&whole);
        let told = recipients(&statement);
        let word = statement.word.expect("a word");
        (told, text(word.orig_recipient).to_owned(), text(word.transport).to_owned())
    };
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(word("<ann@example.com>", "local"), (owned(&["ann@example.com"]), "".into(), "local".into()));
    assert_eq!(
        word("\"|/usr/bin/vacation -a x, ann\"", "prog"),
        (owned(&["|/usr/bin/vacation -a x, ann"]), "ann@example.com".into(), "pipe".into())
    );
    assert_eq!(
        word("/var/mail/archive", "*file*"),
        (owned(&["/var/mail/archive"]), "ann@example.com".into(), "local".into())
    );
    assert_eq!(word("ann", "cyrusv2").2, "lmtp");
    assert_eq!(word("ann", "site-mailer").2, "site-mailer");
}

#[test]
fn the_submission_client_hands_over() {
    let word = said("v9PCoLxI006666: to=Vasya <v@example.net>, ctladdr=ann (1000/1000), delay=00:00:00, xdelay=00:00:00, mailer=relay, pri=30127, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (v9PCoLiO006667 Message accepted for delivery)").word.expect("a word");
    assert_eq!(
        (word.next_id, text(word.transport), text(word.relay_ip)),
        (Some(id("v9PCoLiO006667")), "smtp", "127.0.0.1")
    );
    assert_eq!((text(word.orig_recipient), text(word.relay_name)), ("", "[127.0.0.1]"));
}

#[test]
fn what_another_id_has_to_do_with_a_message() {
    let clone = said("h5QG2YLj023291: h5QG2cLj023292: clone: owner=owner-whine");
    assert_eq!((clone.queue_id, clone.also), (id("h5QG2YLj023291"), Some(Also::Part(id("h5QG2cLj023292")))));
    let split = said("h5QG2YLj023291: split: maxrcpts=100, rcpts=150, count=1, id=h5QG2cLj023292");
    assert_eq!(split.also, clone.also);
    for (text, end) in [
        ("DSN: User unknown", End::Later),
        ("return to sender: Host unknown", End::Later),
        ("postmaster notify: Service unavailable", End::Later),
        ("sender notify: Warning: could not send message for past 4 hours", End::Later),
        ("sender notify: Cannot send message for 5 days", End::Expired),
        ("DSN: Cannot send message for 5 days", End::Expired),
        ("DSN: Cannot send message within 5 days", End::Expired),
        ("DSN: delivery time expired 3600s", End::Expired),
    ] {
        let whole = format!("6AM4xQTD021793: 6AM50CnL023877: {text}");
        let notice = said(&whole);
        assert_eq!(
            (notice.queue_id, notice.also),
            (id("6AM4xQTD021793"), Some(Also::Notice(id("6AM50CnL023877")))),
            "{text}"
        );
        assert_eq!(notice.end, end, "{text}");
    }
}

#[test]
fn refusals_of_recipients() {
    let ruleset = refused(
        "6AM4xRam021860: ruleset=check_rcpt, arg1=<victim@other.example.net>, relay=out1.partner.example.net [127.0.42.60], reject=550 5.7.1 <victim@other.example.net>... Relaying denied",
    );
    assert_eq!(
        (ruleset.queue_id, ruleset.action, text(ruleset.stage)),
        (Some(id("6AM4xRam021860")), RefusedAction::Reject, "RCPT")
    );
    assert_eq!((ruleset.code, text(ruleset.dsn), text(ruleset.text)), (550, "5.7.1", "Relaying denied"));
    assert_eq!(text(ruleset.transaction.recipient), "victim@other.example.net");
    assert_eq!(
        (text(ruleset.transaction.client_name), text(ruleset.transaction.client_ip)),
        ("out1.partner.example.net", "127.0.42.60")
    );
    let listed = refused(
        "6AM4xRfY021862: ruleset=check_rcpt, arg1=<frontdesk@example.com>, relay=[127.0.42.66], reject=554 5.7.1 127.0.42.66 listed at rbl.example.net",
    );
    assert_eq!((listed.code, text(listed.text)), (554, "127.0.42.66 listed at rbl.example.net"));
    // The server's own words have no code, and name no client.
    let unknown = refused("6AM4xRO6021857: <missing0@example.com>... User unknown");
    assert_eq!((unknown.code, text(unknown.dsn), text(unknown.text)), (0, "", "User unknown"));
    assert_eq!((text(unknown.stage), text(unknown.transaction.recipient)), ("RCPT", "missing0@example.com"));
}

#[test]
fn refusals_at_every_stage() {
    for (text_, stage, id_) in [
        (
            "NOQUEUE: ruleset=check_relay, arg1=bad.example.net, arg2=192.0.2.66, relay=bad.example.net [192.0.2.66], reject=550 5.7.1 Access denied",
            "CONNECT",
            None,
        ),
        ("ruleset=check_relay, arg1=bad.example.net, arg2=192.0.2.66, reject=550 5.7.1 Access denied", "CONNECT", None),
        (
            "6AM4xRam021860: ruleset=check_mail, arg1=<a@bad.example.net>, relay=x [192.0.2.66], reject=553 5.1.8 <a@bad.example.net>... Domain of sender address a@bad.example.net does not exist",
            "MAIL",
            Some("6AM4xRam021860"),
        ),
        (
            "6AM4xRam021860: ruleset=check_eom, arg1=1234, relay=x [192.0.2.66], reject=554 5.7.1 no",
            "END-OF-MESSAGE",
            Some("6AM4xRam021860"),
        ),
        (
            "6AM4xRam021860: ruleset=CheckSubject, arg1=viagra, relay=x [192.0.2.66], reject=554 5.7.1 no",
            "END-OF-MESSAGE",
            Some("6AM4xRam021860"),
        ),
        ("6AM4xRam021860: Milter: to=<a@b>, reject=550 5.7.1 no", "RCPT", Some("6AM4xRam021860")),
        ("6AM4xRam021860: Milter: from=<a@b>, reject=550 5.7.1 no", "MAIL", Some("6AM4xRam021860")),
        ("6AM4xRam021860: Milter: data, reject=554 5.7.1 virus", "END-OF-MESSAGE", Some("6AM4xRam021860")),
        ("6AM4xRam021860: Milter: cmd=data, reject=451 4.3.2 Please try again later", "DATA", Some("6AM4xRam021860")),
        ("6AM4xRam021860: Milter: helo=bad, reject=550 5.7.1 no", "HELO", Some("6AM4xRam021860")),
        (
            "6AM4xRam021860: Milter: connect: host=bad.example.net, addr=192.0.2.66, reject=550 5.7.1 no",
            "CONNECT",
            Some("6AM4xRam021860"),
        ),
        ("6AM4xRam021860: message size (1644842) exceeds maximum (1000000)", "END-OF-MESSAGE", Some("6AM4xRam021860")),
        (
            "6AM4xRam021860: rejecting commands from bad.example.net [192.0.2.66] due to pre-greeting traffic after 3 seconds",
            "CONNECT",
            Some("6AM4xRam021860"),
        ),
    ] {
        let refusal = refused(text_);
        assert_eq!((text(refusal.stage), refusal.queue_id), (stage, id_.map(id)), "{text_}");
        assert_eq!(refusal.action, RefusedAction::Reject);
        if stage == "CONNECT" {
            assert_eq!(text(refusal.transaction.client_ip), "192.0.2.66", "{text_}");
        }
    }
}

/// Trap 33.
#[test]
fn what_is_dropped_kept_and_let_go() {
    for text in [
        "6AM4xRam021860: Milter: data, discard",
        "6AM4xRam021860: Milter: to=<a@b>, discard",
        "6AM4xRam021860: ruleset=check_rcpt, arg1=<a@b>, relay=x [192.0.2.66], discard",
        "6AM4xRam021860: discarded",
    ] {
        assert_eq!(said(text).end, End::Discarded, "{text}");
    }
    assert_eq!(recipients(&said("6AM4xRam021860: Milter: to=<a@b>, discard")), ["a@b"]);
    let each = said("6AM4xRam021860: to=<a@b>, delay=00:00:00, pri=30000, stat=discarded");
    assert_eq!(each.word.map(|word| word.status), Some(Status::Final(Outcome::Discarded)));
    for (text, held) in [
        ("6AM4xRam021860: milter=scan, quarantine=suspicious", true),
        ("6AM4xRam021860: ruleset=check_eom, arg1=1, relay=x [192.0.2.66], quarantine=suspicious", true),
        ("6AM4xRam021860: quarantine=by hand", true),
        (
            "6AM4xRam021860: to=<a@b>, delay=00:00:00, mailer=esmtp, pri=30000, quarantine=suspicious, stat=quarantined",
            true,
        ),
        ("6AM4xRam021860: unquarantine", false),
    ] {
        assert_eq!(said(text).hold, Some(held), "{text}");
    }
}

/// The message was refused while it came: its recipients are logged, and it was never accepted (srvrsmtp.c, `logundelrcpts`).
#[test]
fn recipients_of_a_refused_message() {
    assert_eq!(line("6AM4xRam021860: to=<a@b>, delay=00:00:00, pri=30500, stat=virus"), Record::Known);
}

#[test]
fn a_login_is_of_its_session() {
    let Record::Session(session) =
        line("AUTH=server, relay=pc1.example.com [192.0.2.70], authid=ann@example.com, mech=PLAIN, bits=0")
    else {
        panic!("a session")
    };
    assert_eq!((text(session.user), session.arrival), ("ann@example.com", Arrival::User));
    let came = "6AM4xQEt021768: from=<ann@example.com>, size=1, class=0, nrcpts=1, msgid=<1@b>, proto=ESMTPSA, daemon=MSA, relay=pc1.example.com [192.0.2.70]";
    assert_eq!(said(came).session, Some(session.key));
    let Record::Statement(other) = sendmail::parse(PID + 1, came.as_bytes()) else { panic!("an arrival") };
    assert_ne!(other.session, Some(session.key), "another process");
}

#[test]
fn a_connection_that_was_encrypted() {
    for (verify, tls) in [("OK", true), ("NO", true), ("FAIL", true), ("NONE", false), ("PROTOCOL", false)] {
        let whole = format!(
            "6AM4xQuu021828: to=<a@b>, delay=00:00:01, mailer=esmtp, tls_verify={verify}, pri=1, relay=x. [192.0.2.1], dsn=2.0.0, stat=Sent"
        );
        assert_eq!(said(&whole).word.map(|word| word.tls), Some(tls), "{verify}");
    }
}

/// Trap 22.
#[test]
fn lines_of_no_consequence() {
    for text in [
        "starting daemon (8.17.1.9): SMTP+queueing@00:00:04",
        "STARTTLS=server, relay=x [192.0.2.1], version=TLSv1.3, verify=NO, cipher=TLS_AES_256_GCM_SHA384, bits=256/256",
        "STARTTLS=client, relay=mx.example.net., version=TLSv1.3, verify=OK, cipher=TLS_AES_256_GCM_SHA384, bits=256/256",
        "AUTH=client, relay=mx.example.net., mech=PLAIN, bits=0",
        "gethostbyaddr(192.0.2.2) failed: 1",
        "alias database /etc/mail/aliases rebuilt by root",
        "/etc/mail/aliases: 40 aliases, longest 10 bytes, 405 bytes total",
        "rejecting connections on daemon MTA: load average: 20",
        "6AM4xOvl021609: x [192.0.2.1] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA",
        "6AM4xOvl021609: lost input channel from x [192.0.2.1] to MTA after rcpt",
        "6AM4xOvl021609: timeout waiting for input from x [192.0.2.1] during server cmd read",
        "6AM4xOvl021609: Authentication-Warning: mail: www-data set sender to a@b using -f",
        "6AM4xOvl021609: SYSERR(root): hash map \"Alias0\": missing map file",
        "6AM4xOvl021609: Milter add: header: X-Scanned: yes",
        "6AM4xOvl021609: Milter (scan) add: header: X-Scanned: yes",
        "6AM4xOvl021609: milter=scan, action=mail, continue",
        "6AM4xOvl021609: x [192.0.2.1]: VRFY root [rejected]",
        "6AM4xOvl021609: AUTH failure (LOGIN): authentication failure (-13) SASL(-13), relay=x [192.0.2.1]",
        "NOQUEUE: connect from x [192.0.2.1]",
        "NOQUEUE: SYSERR(root): opendaemonsocket: daemon MTA: cannot bind",
    ] {
        assert_eq!(line(text), Record::Known, "{text}");
    }
    assert_eq!(line("something that no Sendmail ever said"), Record::Unknown);
    assert_eq!(line("6AM4xOvl021609: something that no Sendmail ever said"), Record::Unknown);
}

#[test]
fn a_log_level_that_tells_the_end() {
    assert_eq!(said("6AM4xQEt021812: done; delay=00:00:03, ntries=2").end, End::Now);
}

/// Trap 26: the names under which Sendmail runs, and what Solaris puts before the text.
#[test]
fn the_programs_that_are_sendmail() {
    let tail = "kBC502520512: from=root, size=301, class=0, nrcpts=1, msgid=<200612120500.kBC502520512@mail.example.com>, relay=root@localhost";
    for (tag, is_sendmail) in [
        ("sendmail[20512]: [ID 801593 mail.info]", true),
        ("sendmail[20512]:", true),
        ("sm-mta[20512]:", true),
        ("sm-msp-queue[20512]:", true),
        ("sendmail-in[20512]:", true),
        ("sendmailer[20512]:", false),
        ("sm-other[20512]:", false),
        ("postfix/sendmail[20512]:", false),
    ] {
        let raw = format!("Dec 12 00:00:02 mail {tag} {tail}");
        let mut scratch = envelope::Scratch::default();
        let envelope = envelope::parse(raw.as_bytes(), &mut scratch).expect("an envelope");
        assert_eq!(matches!(read(&envelope), Record::Statement(_)), is_sendmail, "{tag}");
    }
}
