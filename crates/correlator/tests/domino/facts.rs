//! What the lines of router and SMTP server come to, each rule in a situation.

use jiff::tz::TimeZone;
use vigie_formats::{
    domino,
    envelope::{Scratch, parse},
};
use vigie_model::{Arrival, Outcome};
use vigie_testkit::Story;

use super::reading::{console, day, lines, settings, story};

fn told(short: &str) -> Vec<String> {
    let story = console(&day(short));
    assert_eq!(story.unknown, Vec::<String>::new());
    story.told()
}

#[test]
fn an_arrival_ties_note_and_message_id_and_gives_the_size_in_bytes() {
    let story = console(&day(
        "10:00:00 SMTP Server: Message 00060B84 (MessageID: <a.1@example.net>) received from mx.example.net size 4711 bytes
         10:00:02 Router: Message 00060B84 delivered to Jane Doe/Acme from ann@example.net OFAAAAAAAA:BBBBBBBB ONCCCCCCCC:DDDDDDDD Size: 5K Time: 00:00:01",
    ));
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:00060B84.20260131 | Jane Doe/Acme delivered"]);
    let journey = story.only();
    assert_eq!(
        (&*journey.message_id, journey.size, &*journey.client_name),
        ("a.1@example.net", Some(4711), "mx.example.net")
    );
    assert_eq!((journey.arrival, journey.closed), (Arrival::Server, true));
}

#[test]
fn a_size_with_k_is_times_1024_and_an_unknown_spelling_is_no_size() {
    let size = |size: &str| {
        let line =
            format!("10:00:00 Router: Message 00060B84 delivered to Jane Doe/Acme from Bob/Acme Size: {size} Time: 1");
        console(&day(&line)).only().size
    };
    assert_eq!(
        ["12K", "124K", "812", "1,2K", "1.5M", "K"].map(size),
        [Some(12_288), Some(126_976), Some(812), None, None, None]
    );
}

/// What a source cannot give stays empty: no subject, no size, no sender, no arrival.
#[test]
fn the_short_forms_say_only_who() {
    let story = console(&day("10:00:00 Router: Message 006CCCD5 delivered to someone/somewhere
         10:00:00 Router: Message 00060B84 transferred to MRH.EXAMPLE.NET for test@example.net via SMTP"));
    assert_eq!(
        story.told(),
        [
            "mail <> hub1:00060B84.20260131 | test@example.net delivered",
            "mail <> hub1:006CCCD5.20260131 | someone/somewhere delivered"
        ]
    );
    for hop in &story.hops {
        assert_eq!(
            (hop.size, hop.sender_known, hop.recipient_count, hop.arrival),
            (None, false, None, Arrival::Unknown)
        );
        assert_eq!((&*hop.subject, &*hop.message_id, &*hop.client.name), ("", "", ""));
    }
}

#[test]
fn names_are_cut_at_keywords_from_the_right() {
    assert_eq!(
        told(
            "10:00:00 Router: Message 00000001 delivered to Letters from Home/Acme from Mary Ann O'Hara/IT/Acme Size: 2K Time: 1
             10:00:01 Router: Message 00000002 transferred to mx.example.net for desk for orders@example.net from Jörg Müller/Sales/Acme Size: 2K via SMTP
             10:00:02 Router: Message 00000003 delivered to Info@Acme from \"x via y\"@example.net Size: 2K Time: 1"
        ),
        [
            "mail <Mary Ann O'Hara/IT/Acme> hub1:00000001.20260131 | Letters from Home/Acme delivered",
            "mail <Jörg Müller/Sales/Acme> hub1:00000002.20260131 | desk for orders@example.net delivered",
            "mail <\"x via y\"@example.net> hub1:00000003.20260131 | Info@Acme delivered",
        ]
    );
}

/// A sender chooses his address: it must not choose the recipient.
#[test]
fn a_keyword_within_quotes_is_none() {
    assert_eq!(
        told(
            "10:00:00 Router: Message 00000001 delivered to Jane/Acme from \"x from y from z\"@example.net Size: 2K Time: 1
             10:00:01 Router: Message 00000002 auto forwarded by Jane/Acme to \"a to b\"@example.net
             10:00:02 Router: Message 00000003 delivered to 3\" disks/Acme from Bob/Acme Size: 2K Time: 1
             10:00:03 Router: Message 00000004 delivered to Jane/Acme from 3\" disks/Acme Size: 2K Time: 1"
        ),
        [
            "mail <\"x from y from z\"@example.net> hub1:00000001.20260131 | Jane/Acme delivered",
            "mail <> hub1:00000002.20260131 | \"a to b\"@example.net (Jane/Acme) forwarded",
            "mail <Bob/Acme> hub1:00000003.20260131 | 3\" disks/Acme delivered",
            "mail <3\" disks/Acme> hub1:00000004.20260131 | Jane/Acme delivered",
        ]
    );
}

#[test]
fn a_delivered_line_may_carry_two_note_ids() {
    assert_eq!(
        told(
            "10:00:00 SMTP Server: Message 00060B84 (MessageID: <a@example.net>) received from 192.0.2.10 size 10 bytes
             10:00:01 Router: Message 00060B84, 00060B88 delivered to Jane Doe/Acme from ann@example.net Size: 1K Time: 1"
        ),
        ["mail <ann@example.net> hub1:00060B84.20260131 | Jane Doe/Acme delivered"]
    );
}

#[test]
fn a_note_used_again_on_another_day_is_another_message() {
    let line = |day: &str, to: &str| {
        format!("[1D44:0658-0C6C] 01/{day}/2026 10:00:00   Router: Message 00060B84 delivered to {to}\n")
    };
    let story = console(&(line("30", "Jane/Acme") + &line("31", "Bob/Acme")));
    assert_eq!(
        story.told(),
        ["mail <> hub1:00060B84.20260130 | Jane/Acme delivered", "mail <> hub1:00060B84.20260131 | Bob/Acme delivered"]
    );
}

#[test]
fn an_arrival_with_a_note_that_was_done_with_is_another_message() {
    assert_eq!(
        told(
            "10:00:00 SMTP Server: Message 00060B84 (MessageID: <a@x>) received from h size 10 bytes
             10:00:01 Router: Message 00060B84 delivered to Jane/Acme
             12:00:00 SMTP Server: Message 00060B84 (MessageID: <b@x>) received from h size 10 bytes
             12:00:01 Router: Message 00060B84 delivered to Bob/Acme"
        ),
        ["mail <> hub1:00060B84.20260131 | Jane/Acme delivered", "mail <> hub1:00060B84.20260131 | Bob/Acme delivered"]
    );
}

/// What is under way at midnight is one journey; the first day of a year too.
#[test]
fn a_message_over_midnight() {
    let text = "[1D44:0658-0C6C] 12/31/2025 23:59:50   SMTP Server: Message 00060B84 (MessageID: <a@x>) received from h size 10 bytes\n\
                [1D44:0658-0C6C] 01/01/2026 00:00:05   Router: Message 00060B84 delivered to Jane/Acme\n";
    let story = console(text);
    assert_eq!(
        story.told(),
        ["mail <> hub1:00060B84.20251231 previous id>hub1:00060B84.20260101 | Jane/Acme delivered"]
    );
    assert_eq!(&*story.only().message_id, "a@x");
}

/// The limit of a name that is used again: what waits for hours over midnight is told as two messages, and neither is made up.
#[test]
fn a_message_that_waits_over_midnight_is_told_as_two() {
    let text = "[1D44:0658-0C6C] 01/30/2026 20:00:00   Router: Message 00060B84 NOT transferred via SMTP to X.NET for a@x.net from Jane/Acme Size: 1K Error transferring to x.net; Timeout\n\
                [1D44:0658-0C6C] 01/31/2026 02:00:05   Router: Message 00060B84 transferred to x.net for a@x.net from Jane/Acme Size: 1K via SMTP\n";
    assert_eq!(
        console(text).told(),
        [
            "mail <Jane/Acme> hub1:00060B84.20260130 | a@x.net deferred",
            "mail <Jane/Acme> hub1:00060B84.20260131 | a@x.net delivered"
        ]
    );
}

/// The router tries again, until an answer is for good. The error text is kept as it is.
#[test]
fn not_transferred_is_an_attempt_unless_the_answer_is_for_good() {
    let story = console(&day(
        "10:00:00 Router: Message 003903B3 NOT transferred via SMTP to YAHOO.COM for xxx@yahoo.com from Serdar Basegmez/developi Size: 124K Error transferring to yahoo.com; Some Error Message
         10:15:00 Router: Message 003903B3 NOT transferred via SMTP to YAHOO.COM for xxx@yahoo.com from Serdar Basegmez/developi Size: 124K Error transferring to yahoo.com; Some Error Message
         10:30:00 Router: Message 003903B3 transferred to mx.yahoo.com for xxx@yahoo.com from Serdar Basegmez/developi OFAAAAAAAA:BBBBBBBB ONCCCCCCCC:DDDDDDDD Size: 124K via SMTP
         11:00:00 Router: Message 003903B7 NOT transferred via SMTP to YAHOO.COM for gone@yahoo.com from Jane/Acme Size: 1K Error transferring to yahoo.com; SMTP Protocol Returned a Permanent Error 550 5.1.1 User unknown",
    ));
    assert_eq!(
        story.told(),
        [
            "mail <Serdar Basegmez/developi> hub1:003903B3.20260131 | xxx@yahoo.com delivered",
            "mail <Jane/Acme> hub1:003903B7.20260131 | gone@yahoo.com bounced",
        ]
    );
    assert_eq!(story.attempts.len(), 2);
    assert_eq!(
        (&*story.attempts[0].relay, &*story.attempts[0].reply),
        ("YAHOO.COM", "Error transferring to yahoo.com; Some Error Message")
    );
    assert_eq!((story.journeys[0].size, &*story.journeys[1].deliveries[0].dsn), (Some(126_976), "5.1.1"));
}

/// The rule of a mailbox that sends its mail on is seen, and what was delivered stays delivered.
#[test]
fn auto_forward_names_who_and_where() {
    let story = console(&day(
        "10:00:00 Router: Message 00060B84 delivered to Jane Doe/Acme from ann@example.net Size: 2K Time: 1
         10:00:01 Router: Message 00060B84 auto forwarded by Jane Doe/Acme to jane@example.org
         10:00:02 Router: Message 00060B84 transferred to mx.example.org for jane@example.org from Jane Doe/Acme Size: 2K via SMTP",
    ));
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> hub1:00060B84.20260131 | Jane Doe/Acme delivered; jane@example.org delivered; jane@example.org (Jane Doe/Acme) forwarded"
        ]
    );
}

#[test]
fn forwarded_is_no_delivery_of_its_own() {
    let story = console(&day(
        "10:00:00 Router: Message 00060B84 forwarded to jane@example.org from ann@example.net OFAAAAAAAA:BBBBBBBB ONCCCCCCCC:DDDDDDDD",
    ));
    assert_eq!(story.only().deliveries[0].outcome, Outcome::Forwarded);
}

/// Batches have no line for each message, and no message is made of their counts.
#[test]
fn batches_are_no_facts() {
    let story = console(&day("10:00:00 Router: Transferred 3 messages to Mail2/Acme via Notes
         10:00:00 Router: Transferred 1 messages to mx.example.net via SMTP
         10:00:00 Router: No messages transferred to mx.example.net
         10:00:00 Router: 3 messages delivered to local mailboxes
         10:00:00 Router: Transferring mail to domain YAHOO.COM (host YAHOO.COM) via SMTP
         10:00:00 Router: Delivery thread 000A: searching for work
         10:00:00 Router: Transfer to server MX.EXAMPLE.NET is ready with 1 messages
         10:00:00 SMTP Server: mx.example.net disconnected. 1 message[s] received
         10:00:00 Finished replication with server pluto/NotesLab
         10:00:00 Unable to replicate with server saturn/Acme: Server not responding"));
    assert_eq!((story.hops.len(), story.understood, story.unknown), (0, 0, Vec::<String>::new()));
}

/// An arrival that went on by Domino's own protocol stays open, with nothing on its recipients.
#[test]
fn an_arrival_alone_has_no_outcome() {
    let story = console(&day("10:00:00 SMTP Server: Message 00060B84 (MessageID: <a@x>) received from h size 10 bytes
         10:00:01 Router: Transferred 1 messages to Mail2/Acme via Notes"));
    assert_eq!((story.told(), story.only().closed), (vec!["mail <> hub1:00060B84.20260131 | ".to_owned()], false));
}

#[test]
fn refusals_count_by_reason_and_failed_logins_are_none() {
    let story = console(&day(
        "10:00:00 SMTP Server [1D44:0658-0C6C] Connection from [192.0.2.66] rejected for policy reasons. Host found in DNS blacklist
         10:00:01 SMTP Server: Message rejected. Authenticated user jane from host 192.0.2.30 sending mail from boss@acme.example failed to match directory address jane@acme.example
         10:00:02 SMTP Server: Authentication failed for user postmaster ; connecting host 192.0.2.66
         10:00:03 smtp: postmaster [192.0.2.66] authentication failure using internet password",
    ));
    assert_eq!(
        story.refused(),
        [
            "CONNECT [192.0.2.66] 0  <> <>: Host found in DNS blacklist",
            " [192.0.2.30] 0  <boss@acme.example> <>: failed to match directory address <>",
        ]
    );
    assert_eq!(story.unknown, Vec::<String>::new());
}

/// Its own words in a shape that nobody knows: counted, and no guess.
#[test]
fn what_is_not_understood_is_counted() {
    let story = console(&day("10:00:00 Router: Message 00060B84 delivered to
         10:00:00 Router: Message 0006 delivered to Jane/Acme
         10:00:00 Router: Message 00060B84 teleported to Jane/Acme
         10:00:00 Router: Message 00060B84 transferred to nobody via SMTP
         10:00:00 SMTP Server: Message 00060B84 (MessageID: <a@x>) vanished
         10:00:00 SMTP Server [1D44:0658-0C6C] Connection from [192.0.2.1] considered
         10:00:00 Router: an entirely new sentence"));
    assert_eq!((story.hops.len(), story.unknown.len()), (0, 7));
}

/// A line without a time is shown where it stands and never read: it may be the rest of another line.
#[test]
fn lines_without_time_are_no_statements() {
    let story = console(&format!(
        "{}Router: Message 00060B88 delivered to Nobody/Acme\n[0C44:0009-1234] Router: Message 00060B8C delivered to Nobody/Acme\n",
        day("10:00:00 Router: Message 00060B84 delivered to Jane/Acme")
    ));
    assert_eq!(story.told(), ["mail <> hub1:00060B84.20260131 | Jane/Acme delivered"]);
    assert_eq!((story.lines, story.unknown.len()), (3, 0));
}

/// Two servers that log the unique id of one memo, as the long lines have it.
#[test]
fn a_unique_id_ties_two_servers_together() {
    let unique = "OF1A2B3C4D:5E6F7A8B ON85257A12:00512345";
    let at = |server: &str, time: &str, note: &str, to: &str, unique: &str| {
        let text =
            day(&format!("{time} Router: Message {note} delivered to {to} from Ann/Acme {unique} Size: 2K Time: 1"));
        lines(usize::from(server == "mail2"), text.as_bytes(), &settings(server, ""), &TimeZone::UTC)
    };
    let tied = |second: &str| -> Vec<String> {
        let lines = [
            at("hub1", "10:00:00", "00000010", "Jane/Acme", unique),
            at("mail2", "10:00:03", "00009990", "Bob/Acme", second),
        ];
        story(&["hub1", "mail2"], lines.concat()).told()
    };
    assert_eq!(
        tied(unique),
        [
            "mail <Ann/Acme> hub1:00000010.20260131 network message id>mail2:00009990.20260131 | Bob/Acme delivered; Jane/Acme delivered"
        ]
    );
    for other in ["OF1A2B3C4D:5E6F7A8B ON85257A12:00512346", ""] {
        assert_eq!(tied(other).len(), 2, "{other}");
    }
}

/// Shapes of which no real line is known can be counted apart.
#[test]
fn unproven_shapes_say_so() {
    let unproven = |text: &str| {
        let line = format!("2026-01-31T10:00:00 hub1 {text}");
        let mut scratch = Scratch::default();
        parse(line.as_bytes(), &mut scratch).and_then(|envelope| domino::unproven(envelope.program, envelope.text))
    };
    let shapes = [
        "domino-activity: Name=Domino.MAIL\tEventType=1\tMessageId=<a@x>",
        "domino: [1D44:0658-0C6C] Router: Message 00060B84 transferred to Mail2/Acme for Jane/Acme from Bob/Acme via Notes",
        "domino: [1D44:0658-0C6C] Router: Message 00060B84, 00060B88 delivered to Jane/Acme",
        "domino: [1D44:0658-0C6C] Router: Message 00060B84 delivered to J/A from B/A OF1A2B3C4D:5E6F7A8B ON85257A12:00512345 Size: 1K Time: 1",
        "domino: [1D44:0658-0C6C] Router: Message 00060B84 delivered to Jane/Acme from Bob/Acme Size: 1.5M",
    ];
    assert_eq!(shapes.map(unproven), domino::UNPROVEN.map(Some));
    assert_eq!(
        unproven("domino: Router: Message 00060B84 delivered to Jane/Acme from Bob/Acme Size: 12K Time: 1"),
        None
    );
}

fn dump(records: &[&str]) -> Story {
    let record = |(number, record): (usize, &&str)| {
        let fields: String = record.split('|').map(|field| format!("\t{}\n", field.trim())).collect();
        format!(
            "Record #: {number}, Name: Domino.MAIL, DescIdx: 3, Timestamp: 01/31/2026 10:00:{number:02}\n{{\n{fields}}}\n"
        )
    };
    let text: String = records.iter().enumerate().map(record).collect();
    story(&["hub1"], lines(0, text.as_bytes(), &settings("hub1", ""), &TimeZone::UTC))
}

/// A deposit begins the hop; its depositor is a server, or the originator himself.
#[test]
fn a_deposit_by_the_originator_is_a_users() {
    let deposit = |hop: &str| {
        dump(&[
            &format!("MessageId: <a@x> | EventType: 1 | Originator: CN=Jane/O=Acme | Size: 812 | PrevHop: {hop}"),
            "MessageId: <a@x> | EventType: 8 | Originator: CN=Jane/O=Acme | NextHop: mx.example.net | Recipients:
		{
		bob@example.net
		}",
        ])
    };
    let by_user = deposit("CN=Jane/O=Acme");
    let journey = by_user.only();
    assert_eq!((journey.arrival, &*journey.user, journey.size), (Arrival::User, "CN=Jane/O=Acme", Some(812)));
    assert_eq!((&*journey.message_id, &*journey.deliveries[0].relay), ("a@x", "mx.example.net"));
    let by_other = deposit("CN=Mail2/O=Acme");
    assert_eq!((by_other.only().arrival, &*by_other.only().client_name), (Arrival::Unknown, "CN=Mail2/O=Acme"));
}

#[test]
fn errors_of_activity_records() {
    let error = |event: u8, message: &str| {
        let rcpt = "Recipients:\n\t\t{\n\t\tx@y\n\t\t}";
        let story = dump(&[&format!("MessageId: <a@x> | EventType: {event} | ErrorMsg: {message} | {rcpt}")]);
        (story.only().deliveries[0].outcome, story.attempts.len())
    };
    assert_eq!(error(4, "User not listed"), (Outcome::Bounced, 0));
    assert_eq!(error(16, "Server not responding"), (Outcome::Deferred, 1));
    assert_eq!(error(16, "SMTP Protocol Returned a Permanent Error 550 no"), (Outcome::Bounced, 0));
}

#[test]
fn activity_records_that_say_too_little_are_unknown() {
    let story = dump(&["EventType: 2 | Originator: x@y", "MessageId: <a@x> | EventType: 32", "MessageId: <a@x>"]);
    assert_eq!((story.hops.len(), story.unknown.len()), (0, 3));
}
