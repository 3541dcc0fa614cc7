//! Exchange's message tracking. Traps 27, 28 and 30; and what servers of one organisation tell each other's readers.

use vigie_formats::transcript::exchange::missing;
use vigie_model::{MICROS_PER_SECOND, MailClass};
use vigie_testkit::{Story, corpus::transcribed, log, story};

/// Columns of `rows`, which leave out what they do not need.
const FIELDS: &str = "date-time,client-hostname,server-hostname,source-context,source,event-id,internal-message-id,message-id,network-message-id,recipient-address,recipient-status,related-recipient-address,reference,message-subject,return-path,directionality";

/// A log of rows without their first columns: `TIME CLIENT>SERVER SOURCE EVENT ID MAIL RECIPIENTS [RELATED [REFERENCE [CONTEXT]]]`. A mail is
/// its network message id and its sender; `-` is an empty column.
fn rows(short: &str) -> String {
    let mut text = format!("#Log-type: Message Tracking Log\r\n#Fields: {FIELDS}\r\n");
    for line in short.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.splitn(10, ' ').map(|word| if word == "-" { "" } else { word });
        let mut next = || words.next().unwrap_or_default();
        let [time, servers, source, event, id, mail, recipients, related, reference, context] =
            [(); 10].map(|()| next());
        let (client, server) = servers.split_once('>').expect("client>server");
        let (network_id, sender) = mail.split_once('/').expect("network id/sender");
        let status = if event.starts_with("FAIL") { "550 5.1.1 not found" } else { "" };
        text += &format!(
            "2026-03-29T{time}Z,{client},{server},\"{context}\",{source},{event},{id},<{network_id}@example.com>,{network_id},{recipients},{status},{related},{reference},\"{network_id}, and more\",{sender},Incoming\r\n"
        );
    }
    text
}

fn read(logs: &[String]) -> Story {
    let lines = logs.iter().map(|text| String::from_utf8(transcribed(text.clone().into_bytes())).expect("text"));
    let lines: Vec<String> = lines.collect();
    let host = |text: &str| text.split(' ').nth(1).unwrap_or_default().to_owned();
    let hosts: Vec<String> = lines.iter().map(|text| host(text)).collect();
    let logs: Vec<(&str, String)> = hosts.iter().map(String::as_str).zip(lines).collect();
    let story = story(&logs);
    assert_eq!(story.unknown, Vec::<String>::new());
    story
}

/// Trap 27: a RECEIVE at each server on the way is one message.
#[test]
fn received_at_each_server_and_one_message() {
    let first = rows(
        "10:00:00.000 out>ex01 SMTP RECEIVE 1 n1/ann@example.net bob@example.com
         10:00:01.000 ex01>ex02 SMTP SEND 1 n1/ann@example.net bob@example.com - - ;250 2.6.0 <x> [InternalId=7, Hostname=ex02] Queued mail for delivery",
    );
    let second = rows(
        "10:00:00.990 ex01>ex02 SMTP RECEIVE 7 n1/ann@example.net bob@example.com
         10:00:02.000 ex02>ex02 STOREDRIVER DELIVER 3 n1/ann@example.net bob@example.com
         10:00:02.003 ex02>ex02 SMTP SEND 7 n1/ann@example.net bob@example.com - - ;250 2.0.0 OK <x> [Hostname=ex02]",
    );
    let story = read(&[first.clone(), second]);
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> ex01:1 reply>ex02:7 network message id>ex02:3/delivery | bob@example.com delivered"]
    );
    let counts = story.only().steps.iter().map(|step| step.counts.global()).collect::<Vec<_>>();
    assert_eq!(counts, [2, 1, 1], "received and sent, received, delivered");
    // Without the second server's log, the first one's word is the last.
    assert_eq!(read(&[first]).told(), ["mail <ann@example.net> ex01:1 | bob@example.com delivered"]);
}

/// Trap 27: shadow redundancy writes of copies that nobody receives.
#[test]
fn copies_for_a_server_that_fails_never_count() {
    let ex01 = rows(
        "10:00:00.000 out>ex01 SMTP HAREDIRECT 1 n1/ann@example.net bob@example.com
         10:00:00.001 out>ex01 SMTP RECEIVE 1 n1/ann@example.net bob@example.com
         10:00:00.002 out>ex01 SMTP HAREDIRECTFAIL 1 n1/ann@example.net bob@example.com
         10:00:01.000 ex01>mx SMTP SENDEXTERNAL 1 n1/ann@example.net bob@example.com",
    );
    let ex02 = rows(
        "10:00:00.000 ex01>ex02 SMTP HARECEIVE 9 n1/ann@example.net bob@example.com
         10:00:40.000 ex01>ex02 SMTP HADISCARD 9 n1/ann@example.net bob@example.com",
    );
    assert_eq!(read(&[ex01, ex02]).told(), ["mail <ann@example.net> ex01:1 | bob@example.com delivered"]);
}

/// Trap 27: monitoring is most of the mail of a small server, and nobody's.
#[test]
fn probes_are_a_class_of_their_own() {
    let health = "HealthMailbox0659e34c4fe34f02a5ae1a4a4bd4d7a5@example.com";
    let log = rows(&format!(
        "10:00:00.000 ex01>ex01 SMTP RECEIVE 1 n1/inboundproxy@inboundproxy.com {health}
         10:00:01.000 ex01>ex01 STOREDRIVER DELIVER 3 n1/inboundproxy@inboundproxy.com {health}
         10:00:02.000 ex01>ex01 SMTP RECEIVE 2 n2/{health} postmaster@example.net
         10:00:03.000 out>ex01 SMTP RECEIVE 4 n3/ann@example.net bob@example.com;{health}"
    ));
    let story = read(&[log]);
    let classes: Vec<MailClass> = story.journeys.iter().map(|journey| journey.class).collect();
    assert_eq!(classes, [MailClass::Probe, MailClass::Probe, MailClass::Mail], "{:#?}", story.told());
    let counted: u64 =
        story.journeys[..2].iter().flat_map(|journey| &journey.steps).map(|step| step.counts.global()).sum();
    assert_eq!(counted, 0);
}

/// Trap 27: a list is not a recipient, and who is on two lists has one copy.
#[test]
fn a_list_becomes_its_members_and_each_has_one_delivery() {
    let log = rows(
        "10:00:00.000 out>ex01 SMTP RECEIVE 1 n1/ann@example.net All@example.com;TEAM@example.com
         10:00:00.010 ex01>- ROUTING EXPAND 1 n1/ann@example.net bob@example.com;eve@example.com all@example.com
         10:00:00.011 ex01>- ROUTING EXPAND 1 n1/ann@example.net dan@example.com team@example.com
         10:00:00.012 ex01>- ROUTING DUPLICATEEXPAND 1 n1/ann@example.net bob@example.com team@example.com
         10:00:01.000 ex01>ex01 STOREDRIVER DELIVER 3 n1/ann@example.net bob@example.com;dan@example.com
         10:00:01.003 ex01>ex01 SMTP SEND 1 n1/ann@example.net bob@example.com;dan@example.com - - ;250 2.0.0 OK <x> [Hostname=ex01]
         10:00:01.500 ex01>ex01 STOREDRIVER DUPLICATEDELIVER 4 n1/ann@example.net bob@example.com
         10:00:01.600 ex01>mx SMTP DEFER 1 n1/ann@example.net eve@example.com",
    );
    let story = read(&[log]);
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> ex01:1 network message id>ex01:3/delivery network message id 0>ex01:4/delivery | \
          all@example.com forwarded; bob@example.com forwarded; bob@example.com (All@example.com) delivered; \
          dan@example.com (TEAM@example.com) delivered; eve@example.com (All@example.com) deferred; team@example.com forwarded"]
    );
    assert!(!story.only().closed, "eve waits");
    assert_eq!(story.attempts.len(), 1);
}

/// Trap 27: columns by the names in the header, with a byte order mark or without, 26 of Exchange 2010 or others.
#[test]
fn columns_are_read_by_their_names() {
    let old = "\u{FEFF}#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,message-id,recipient-address,recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,tenant-id,original-client-ip,original-server-ip,custom-data\r\n\
        2026-03-29T10:00:00.000Z,198.51.100.7,out.example.net,192.0.2.1,HUB10,08CE,HUB10\\Internet,SMTP,RECEIVE,7,<a@example.net>,bob@example.com,,4711,1,,,\"Subject, with comma\",ann@example.net,ann@example.net,00A: ,Incoming,,,,\r\n\
        2026-03-29T10:00:01.000Z,,HUB10,,MBX10,,,STOREDRIVER,DELIVER,7,<a@example.net>,bob@example.com,,4711,1,192.0.2.77,,\"Subject, with comma\",ann@example.net,ann@example.net,2026-03-29T10:00:00.000Z,Incoming,,,,\r\n";
    let story = read(&[old.to_owned()]);
    let journey = story.only();
    assert_eq!(story.told(), ["mail <ann@example.net> hub10:7 | bob@example.com delivered"]);
    assert_eq!(
        (&*journey.subject, journey.size, &*journey.client_ip),
        ("Subject, with comma", Some(4711), "198.51.100.7")
    );
    assert_eq!(journey.deliveries[0].delivery_ms, Some(1000));
}

/// Trap 28: logs are deleted by size long before they are old. Nothing in the rows tells; the numbers of the files do.
#[test]
fn files_that_were_deleted_are_seen_by_the_numbers_of_those_that_are_left() {
    let left =
        ["MSGTRK2026032910-3.LOG", "MSGTRK2026032910-4.LOG", "MSGTRK2026032911-1.LOG", "MSGTRKMD2026032910-1.LOG"];
    assert_eq!(missing(left), ["Of MSGTRK2026032910 the files 1 to 2 are missing."]);
    assert_eq!(missing(left[2..].iter().copied()), Vec::<String>::new());
}

/// Trap 30: rows are UTC, in the night in which clocks change as well: an hour that local time skips or repeats is told apart.
#[test]
fn times_stay_utc_in_the_night_of_the_change() {
    let log = rows(
        "00:30:00.000 out>ex01 SMTP RECEIVE 1 n1/ann@example.net bob@example.com
         01:30:00.000 out>ex01 SMTP RECEIVE 2 n2/ann@example.net bob@example.com
         02:30:00.000 out>ex01 SMTP RECEIVE 3 n3/ann@example.net bob@example.com",
    );
    let story = read(&[log]);
    let times: Vec<i64> = story.journeys.iter().map(|journey| journey.first_arrival).collect();
    assert_eq!(times, [0, 3_600, 7_200].map(|after| 1_774_744_200 * MICROS_PER_SECOND + after * MICROS_PER_SECOND));
}

/// Each service counts from 1 when it is started anew, and two services of one server have the same numbers.
#[test]
fn small_ids_are_used_again_within_minutes() {
    let delivery = rows(
        "10:00:00.000 ex01>ex01 STOREDRIVER DELIVER 1 n1/ann@example.net bob@example.com
         10:00:09.000 ex01>ex01 STOREDRIVER DELIVER 1 n2/eve@example.net dan@example.com",
    );
    let submission = rows(
        "10:00:04.000 ex01>ex01 STOREDRIVER RECEIVE 1 n3/bob@example.com ann@example.net
         10:00:04.100 ex01>ex01 STOREDRIVER SUBMIT 1 n3/bob@example.com ann@example.net",
    );
    let story = read(&[delivery, submission]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> ex01:1/delivery | bob@example.com delivered",
            "mail <bob@example.com> ex01:1/submission | ann@example.net delivered",
            "mail <eve@example.net> ex01:1/delivery | dan@example.com delivered",
        ]
    );
}

/// A fork takes its recipients along, whatever row comes first.
#[test]
fn recipients_that_moved_are_told_once() {
    let log = rows(
        "10:00:00.500 ex01>- ROUTING TRANSFER 2 n1/ann@example.com bob@example.net - 1
         10:00:00.500 out>ex01 SMTP RECEIVE 1 n1/ann@example.com bob@example.net;dan@example.com
         10:00:01.000 ex01>mx SMTP SENDEXTERNAL 2 n1/ann@example.com bob@example.net",
    );
    assert_eq!(
        read(&[log]).told(),
        ["mail <ann@example.com> ex01:1 previous id>ex01:2 | bob@example.net delivered; dan@example.com deferred"]
    );
}

/// To servers of other kinds behind it: their replies name their own ids, in their own words.
#[test]
fn exchange_before_others() {
    for (reply, id, lines) in [
        (
            "250 2.0.0 Ok: queued as 3A1B29E001",
            "3A1B29E001",
            "2026-03-29T10:00:01 smtpd 3A1B29E001: client=ex01[192.0.2.21]
             2026-03-29T10:00:01 cleanup 3A1B29E001: message-id=<n1@example.com>
             2026-03-29T10:00:01 qmgr 3A1B29E001: from=<ann@example.com>, size=1200, nrcpt=1 (queue active)
             2026-03-29T10:00:02 smtp 3A1B29E001: to=<bob@example.net>, relay=mx[192.0.2.9]:25, delay=2, delays=0/0/0/2, dsn=2.0.0, status=sent (250 ok)
             2026-03-29T10:00:02 qmgr 3A1B29E001: removed",
        ),
        (
            "250 2.0.0 62TA01qs002258 Message accepted for delivery",
            "62TA01qs002258",
            "2026-03-29T10:00:01 !sendmail 62TA01qs002258: from=<ann@example.com>, size=1200, class=0, nrcpts=1, msgid=<n1@example.com>, proto=ESMTP, daemon=MTA, relay=ex01 [192.0.2.21]
             2026-03-29T10:00:02 !sendmail 62TA01qs002258: to=<bob@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx. [192.0.2.9], dsn=2.0.0, stat=Sent (ok)",
        ),
    ] {
        let ex01 = rows(&format!(
            "10:00:00.000 pc1>ex01 SMTP RECEIVE 1 n1/ann@example.com bob@example.net
             10:00:01.000 ex01>out1 SMTP SENDEXTERNAL 1 n1/ann@example.com bob@example.net - - ;{reply};ClientSubmitTime:"
        ));
        let ex01 = String::from_utf8(transcribed(ex01.into_bytes())).expect("text");
        let told = story(&[("ex01", ex01), ("out1", log("out1", lines))]).told();
        assert_eq!(told, [format!("mail <ann@example.com> ex01:1 reply>out1:{id} | bob@example.net delivered")]);
    }
}

/// From Postfix before it: the reply names Exchange's own id.
#[test]
fn postfix_before_exchange() {
    let edge = log(
        "edge1",
        "2026-03-29T09:59:58 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         2026-03-29T09:59:58 cleanup 3A1B29E001: message-id=<n1@example.com>
         2026-03-29T09:59:58 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         2026-03-29T10:00:00.100 smtp 3A1B29E001: to=<bob@example.com>, relay=ex01[192.0.2.21]:25, delay=2, delays=0/0/0/2, dsn=2.6.0, status=sent (250 2.6.0 <n1@example.com> [InternalId=29519319995411, Hostname=ex01.example.com] Queued mail for delivery)
         2026-03-29T10:00:00.100 qmgr 3A1B29E001: removed",
    );
    let ex01 = rows(
        "10:00:00.000 edge1>ex01 SMTP RECEIVE 29519319995411 n1/ann@example.net bob@example.com
         10:00:01.000 ex01>ex01 STOREDRIVER DELIVER 3 n1/ann@example.net bob@example.com",
    );
    let ex01 = String::from_utf8(transcribed(ex01.into_bytes())).expect("text");
    assert_eq!(
        story(&[("edge1", edge), ("ex01", ex01)]).told(),
        [
            "mail <ann@example.net> edge1:3A1B29E001 reply>ex01:29519319995411 network message id>ex01:3/delivery | bob@example.com delivered"
        ]
    );
}
