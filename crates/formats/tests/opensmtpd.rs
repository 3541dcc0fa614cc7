//! OpenSMTPD lines, one by one, of all three grammars. Those of 5.x and 6.0 to 6.3 are written after the server's source
//! (smtp_session.c, mta.c, mda.c of these versions): no such server was at hand.

use vigie_formats::{
    Record, opensmtpd,
    refusal::Refused,
    session::Session,
    statement::{End, Statement, Status},
};
use vigie_model::{Arrival, Outcome, QueueId};

fn line(text: &str) -> Record<'_> {
    opensmtpd::parse(text.as_bytes())
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

fn session(text: &str) -> Session<'_> {
    match line(text) {
        Record::Session(session) => session,
        other => panic!("{text}: {other:?}"),
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn recipients(statement: &Statement<'_>) -> Vec<String> {
    statement.word.iter().flat_map(|word| word.recipients).map(|address| text(address).to_owned()).collect()
}

const KEY: u64 = 0x0905_aa85_f346_7cf6;

#[test]
fn a_message_of_today() {
    let came = said("0905aa85f3467cf6 smtp message msgid=21ec9db6 size=2037 nrcpt=3 proto=ESMTP");
    assert_eq!((came.queue_id, came.begins, came.session), (id("21ec9db6"), true, Some(KEY)));
    assert_eq!((came.size, came.recipient_count, came.sender), (Some(2037), Some(3), None));
    assert_eq!(came.end, End::WhenDone);
    let envelope = said(
        "0905aa85f3467cf6 smtp envelope evpid=21ec9db6b401fa8f from=<orders@partner.example.net> to=<ops2@example.com>",
    );
    assert_eq!((envelope.queue_id, envelope.sender), (id("21ec9db6"), Some(&b"orders@partner.example.net"[..])));
    assert!(envelope.word.is_none(), "aliases are not expanded yet");
}

#[test]
fn a_message_of_6_0() {
    let came = said(
        "0905aa85f3467cf6 smtp event=message msgid=21ec9db6 from=<a msgid=ffffffff@b> to=<\"x size=1\"@d> size=2037 ndest=1 proto=ESMTP",
    );
    assert_eq!((came.queue_id, came.size, came.sender), (id("21ec9db6"), Some(2037), Some(&b"a msgid=ffffffff@b"[..])));
    let came = said(
        "0905aa85f3467cf6 smtp event=message address=192.0.2.60 host=out1.example.net msgid=21ec9db6 from=<> to=<c@d> size=2037 ndest=1 proto=SMTP",
    );
    assert_eq!((came.queue_id, came.sender, came.session), (id("21ec9db6"), Some(&b""[..]), Some(KEY)));
}

#[test]
fn a_message_of_5() {
    let came = said(
        "smtp-in: Accepted message 4296f490 on session 0905aa85f3467cf6: from=<root@ix.example.com>, to=<ddp@ix.example.com>, size=1746, ndest=1, proto=ESMTP",
    );
    assert_eq!((came.queue_id, came.session, came.size), (id("4296f490"), Some(KEY), Some(1746)));
    assert_eq!(came.sender, Some(&b"root@ix.example.com"[..]));
    let older = said(
        "smtp-in: Accepted message 4296f490 on session 0905aa85f3467cf6: from=<>, size=1746, nrcpts=2, proto=SMTP",
    );
    assert_eq!((older.sender, older.size), (Some(&b""[..]), Some(1746)));
}

#[test]
fn who_is_at_the_other_end() {
    for (text_, name, ip, arrival) in [
        (
            "0905aa85f3467cf6 smtp connected address=192.0.2.60 host=out1.example.net",
            "out1.example.net",
            "192.0.2.60",
            Arrival::Server,
        ),
        (
            "0905aa85f3467cf6 smtp event=connected address=[2001:db8::1] host=<unknown>",
            "<unknown>",
            "2001:db8::1",
            Arrival::Server,
        ),
        ("0905aa85f3467cf6 smtp connected address=local host=mx1.example.com", "", "", Arrival::Local),
        ("smtp-in: New session 0905aa85f3467cf6 from host ix.example.com [local]", "", "", Arrival::Local),
        (
            "smtp-in: New session 0905aa85f3467cf6 from host out1.example.net [192.0.2.60]",
            "out1.example.net",
            "192.0.2.60",
            Arrival::Server,
        ),
    ] {
        let session = session(text_);
        assert_eq!((text(session.client_name), text(session.client_ip)), (name, ip), "{text_}");
        assert_eq!((session.arrival, session.key, session.ends), (arrival, KEY, false), "{text_}");
    }
    for text_ in [
        "0905aa85f3467cf6 smtp authentication user=ann@example.com result=ok",
        "smtp-in: Accepted authentication for user ann@example.com on session 0905aa85f3467cf6",
    ] {
        let session = session(text_);
        assert_eq!(
            (text(session.user), session.arrival, session.key),
            ("ann@example.com", Arrival::User, KEY),
            "{text_}"
        );
    }
    assert_eq!(line("0905aa85f3467cf6 smtp authentication user=ann result=permfail"), Record::Known);
    for text_ in [
        "0905aa85f3467cf6 smtp disconnected reason=quit",
        "0905aa85f3467cf6 smtp event=closed reason=ca-failure",
        "smtp-in: Closing session 0905aa85f3467cf6",
        "smtp-in: Received disconnect from session 0905aa85f3467cf6",
    ] {
        assert!(session(text_).ends, "{text_}");
    }
}

#[test]
fn a_delivery_to_another_server() {
    for text_ in [
        r#"0905aa783b330ada mta delivery evpid=27a37dc7101df1c1 from=<frontdesk@example.com> to=<desk@partner.example.net> rcpt=<-> source="192.0.2.4" relay="192.0.2.50 (mx.partner.example.net)" delay=1d3h2s result="Ok" stat="250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7""#,
        r#"0905aa783b330ada mta event=delivery evpid=27a37dc7101df1c1 from=<frontdesk@example.com> to=<desk@partner.example.net> rcpt=<-> source="192.0.2.4" relay="192.0.2.50 (mx.partner.example.net)" delay=1d3h2s result="Ok" stat="250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7""#,
        "relay: Ok for 27a37dc7101df1c1: session=0905aa783b330ada, from=<frontdesk@example.com>, to=<desk@partner.example.net>, rcpt=<->, source=192.0.2.4, relay=192.0.2.50 (mx.partner.example.net), delay=1d3h2s, stat=250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7",
        "relay: Ok for 27a37dc7101df1c1: from=<frontdesk@example.com>, to=<desk@partner.example.net>, relay=192.0.2.50 (mx.partner.example.net) delay=1d3h2s, stat=250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7",
    ] {
        let statement = said(text_);
        assert_eq!(
            (statement.queue_id, statement.sender),
            (id("27a37dc7"), Some(&b"frontdesk@example.com"[..])),
            "{text_}"
        );
        assert_eq!(recipients(&statement), ["desk@partner.example.net"], "{text_}");
        let word = statement.word.expect("a word");
        assert_eq!((word.status, text(word.orig_recipient)), (Status::Final(Outcome::Delivered), ""), "{text_}");
        assert_eq!((text(word.relay_name), text(word.relay_ip)), ("mx.partner.example.net", "192.0.2.50"), "{text_}");
        assert_eq!((text(word.dsn), word.next_id), ("2.0.0", Some(id("4fPqXk0d5Zz1Y5Q7"))), "{text_}");
        assert_eq!(
            (word.delays.total_ms, text(word.transport)),
            (Some((86_400 + 3 * 3_600 + 2) * 1000), "smtp"),
            "{text_}"
        );
    }
}

#[test]
fn a_delivery_to_a_mailbox() {
    for (text_, transport) in [
        (
            "0905aa831a767c06 mda delivery evpid=d33ed127716ce70d from=<orders@partner.example.net> to=<sales2@example.com> rcpt=<sales@example.com> user=mail delay=0s result=Ok stat=Delivered",
            "local",
        ),
        (
            "0905aa831a767c06 mda event=delivery evpid=d33ed127716ce70d from=<orders@partner.example.net> to=<sales2@example.com> rcpt=<sales@example.com> user=mail method=lmtp delay=0s result=Ok stat=Delivered",
            "lmtp",
        ),
        (
            "delivery: Ok for d33ed127716ce70d: from=<orders@partner.example.net>, to=<sales2@example.com>, rcpt=<sales@example.com>, user=mail, method=mda, delay=0s, stat=Delivered",
            "pipe",
        ),
        (
            "delivery: Ok for d33ed127716ce70d: from=<orders@partner.example.net>, to=<sales2@example.com>, rcpt=<sales@example.com>, user=mail, method=maildir, delay=0s, stat=Delivered",
            "local",
        ),
    ] {
        let statement = said(text_);
        assert_eq!(recipients(&statement), ["sales2@example.com"], "{text_}");
        let word = statement.word.expect("a word");
        assert_eq!((text(word.orig_recipient), text(word.transport)), ("sales@example.com", transport), "{text_}");
        assert_eq!((word.status, text(word.reply)), (Status::Final(Outcome::Delivered), "Delivered"), "{text_}");
    }
    let own = said(
        "0905aa831a767c06 mda delivery evpid=15157ca79c4a6a3b from=<a@b> to=<sales2@example.com> rcpt=<sales2@example.com> user=mail delay=0s result=Ok stat=Delivered",
    );
    assert_eq!(own.word.map(|word| word.orig_recipient), Some(&b""[..]), "the address as it was given");
}

#[test]
fn words_for_what_became_of_an_envelope() {
    use Outcome as O;
    for (result, wanted) in [
        ("Ok", Status::Final(O::Delivered)),
        ("TempFail", Status::Deferred),
        ("PermFail", Status::Final(O::Bounced)),
        ("Loop", Status::Final(O::Bounced)),
        ("Expire", Status::Final(O::Expired)),
        ("Remove", Status::Final(O::Deleted)),
    ] {
        for whole in [
            format!(
                r#"0905aa783b330ada mta delivery evpid=27a37dc7101df1c1 from=<> to=<c@d> rcpt=<-> source="-" relay="slow.example.net" delay=9s result="{result}" stat="Network error on destination MXs""#
            ),
            format!(
                "relay: {result} for 27a37dc7101df1c1: from=<@>, to=<c@d>, rcpt=<->, delay=9s, stat=Envelope expired"
            ),
        ] {
            let statement = said(&whole);
            assert_eq!(statement.sender, Some(&b""[..]), "{whole}");
            assert_eq!(statement.word.map(|word| word.status), Some(wanted), "{whole}");
        }
    }
    assert_eq!(
        line("relay: Sideways for 27a37dc7101df1c1: from=<>, to=<c@d>, rcpt=<->, delay=9s, stat=x"),
        Record::Unknown
    );
}

/// Traps 19 and 32.
#[test]
fn texts_and_addresses_that_imitate_the_log() {
    let statement = said(
        r#"0905aa783b330ada mta delivery evpid=27a37dc7101df1c1 from=<a to=x@b> to=<"c rcpt=<d"@e> rcpt=<-> source="-" relay="192.0.2.50 (mx)" delay=0s result="PermFail" stat="550 5.1.1 "no" result="Ok" stat="250 fine""#,
    );
    assert_eq!(recipients(&statement), [r#""c rcpt=<d"@e"#]);
    let word = statement.word.expect("a word");
    assert_eq!(word.status, Status::Final(Outcome::Bounced));
    assert_eq!(text(word.reply), r#"550 5.1.1 "no" result="Ok" stat="250 fine"#);
}

#[test]
fn a_filter_or_another_opensmtpd_names_the_next_message() {
    let word = said(r#"0905aa783b330ada mta delivery evpid=27a37dc7101df1c1 from=<a@b> to=<c@d> rcpt=<-> source="127.0.0.1" relay="127.0.0.1 (localhost)" delay=0s result="Ok" stat="250 2.0.0: f6e94209 Message accepted for delivery""#).word.expect("a word");
    assert_eq!((word.next_id, text(word.dsn)), (Some(id("f6e94209")), "2.0.0"));
}

#[test]
fn refusals() {
    for (text_, stage, code, dsn) in [
        (
            r#"0905aa9179a09c9a smtp failed-command command="rcpt TO:<nobody0@example.com>" result="524 5.2.4 Mailing list expansion problem: <nobody0@example.com>""#,
            "RCPT",
            524,
            "5.2.4",
        ),
        (
            r#"0905aa9179a09c9a smtp event=failed-command address=192.0.2.60 host=out1.example.net command="RCPT TO:<nobody0@example.com> NOTIFY=NEVER" result="550 Invalid recipient""#,
            "RCPT",
            550,
            "",
        ),
        (
            r#"smtp-in: Failed command on session 1f55bdcdf16e28a3: "RCPT TO:<nobody0@example.com>" => 550 5.1.1: Invalid recipient"#,
            "RCPT",
            550,
            "5.1.1",
        ),
        (
            r#"0905aa9179a09c9a smtp failed-command command="data" result="554 5.3.4 Message too big for system: Transaction failed, message too big""#,
            "END-OF-MESSAGE",
            554,
            "5.3.4",
        ),
        (
            r#"smtp-in: Failed command on session 1f55bdcdf16e28a3: "MAIL FROM:<root@junction.example.com>  " => 421 4.3.0: Temporary Error"#,
            "MAIL",
            421,
            "4.3.0",
        ),
    ] {
        let refusal = refused(text_);
        assert_eq!((text(refusal.stage), refusal.code, text(refusal.dsn)), (stage, code, dsn), "{text_}");
        assert_eq!(
            text(refusal.transaction.recipient),
            if stage == "RCPT" { "nobody0@example.com" } else { "" },
            "{text_}"
        );
        assert_eq!(
            text(refusal.transaction.sender),
            if stage == "MAIL" { "root@junction.example.com" } else { "" },
            "{text_}"
        );
    }
    // No mail was refused: a login failed, or a command came out of order.
    for text_ in [
        r#"0905aa9179a09c9a smtp failed-command command="AUTH PLAIN (...)" result="535 Authentication failed""#,
        r#"0905aa9179a09c9a smtp failed-command command="DATA" result="503 5.5.1 Invalid command: Command not allowed at this point.""#,
        r#"0905aa9179a09c9a smtp bad-input result="500 5.5.1 Invalid command: Command unrecognized""#,
    ] {
        assert_eq!(line(text_), Record::Known, "{text_}");
    }
}

/// Trap 22.
#[test]
fn lines_of_no_consequence() {
    for text in [
        "info: OpenSMTPD 6.8.0p2 starting",
        "info: mta paused",
        "warn: Disabling incoming SMTP connections: Client limit reached",
        "smtp-out: Disabling route 192.0.2.4 <-> 192.0.2.52 (mx.slow.example.net) for 15s",
        "smtp-out: Connected on session 0905aa783b330ada",
        "smtp-in: Started TLS on session 0905aa783b330ada: version=TLSv1.2, cipher=x, bits=256",
        "0905aa783b330ada mta connecting address=smtp://192.0.2.50:25 host=mx.partner.example.net",
        "0905aa783b330ada mta connected",
        "0905aa783b330ada mta tls ciphers=TLSv1.3:TLS_AES_256_GCM_SHA384:256",
        "0905aa783b330ada mta error reason=IO Error: Connection refused",
        "0905aa783b330ada mta disconnected reason=quit messages=3",
        "0905aa783b330ada smtp tls ciphers=TLSv1.3:TLS_AES_256_GCM_SHA384:256",
        "Exiting",
    ] {
        assert_eq!(line(text), Record::Known, "{text}");
    }
    assert_eq!(line("something that no OpenSMTPD ever said"), Record::Unknown);
    assert_eq!(line("0905aa783b330ada xyz something"), Record::Unknown);
}

/// Of the older grammars no captured run exists; the lines that 6.8 writes are proven.
#[test]
fn lines_of_older_versions_say_that_they_are_unproven() {
    use vigie_formats::opensmtpd::{UNPROVEN, unproven};
    let of = |text: &str| unproven(b"smtpd", text.as_bytes());
    assert_eq!(of("smtp-in: Accepted message 0b5c0f9e on session 5ab7e0b9c31c9f26: from=<a@b>"), Some(UNPROVEN[0]));
    assert_eq!(of("relay: Ok for 0b5c0f9e3a2d1c4f: from=<a@b>, to=<c@d>"), Some(UNPROVEN[0]));
    assert_eq!(of("5ab7e0b9c31c9f26 smtp event=message msgid=0b5c0f9e from=<a@b>"), Some(UNPROVEN[1]));
    for proven in [
        "5ab7e0b9c31c9f26 smtp message msgid=0b5c0f9e size=1",
        "delivery: Expire for 0dc14debae2376a8: from=<a@b>, to=<c@d>, rcpt=<->, delay=20s, stat=Envelope expired",
        "relay: Remove for 0396a833a49f4a66: from=<a@b>, to=<c@d>, rcpt=<->, delay=11s, stat=Removed by administrator",
    ] {
        assert_eq!(of(proven), None, "{proven}");
    }
    assert_eq!(unproven(b"postfix/smtpd", b"smtp-in: Accepted message"), None);
}
