//! A session with a server that says what is to be tried.

use proptest::prelude::*;

use super::*;
use crate::received::ServerName;

const EXIM: &str = "Received: from client.example.net ([192.0.2.7])\r\n\tby mx1.example.org with esmtp (Exim 4.96)\r\n\tid 1vMabc-000000012Ab-3CDe; Sun, 22 Nov 2026 04:32:29 +0000\r\n";
const PDF: &str = r#"(("text" "plain" NIL NIL NIL "7bit" 5 1 NIL NIL NIL NIL)("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 4 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)"#;

fn session(progress: Progress) -> Session {
    let servers = Servers::new(vec![ServerName { name: "mx1".into(), by: None }]);
    Session::new(Account::new("journal", "pass word"), "INBOX", servers, false, progress)
}

fn copy(number: u32, uid: u32, header: &str, structure: &str) -> String {
    let size = header.len();
    format!(
        "* {number} FETCH (UID {uid} INTERNALDATE \"22-Nov-2026 04:32:31 +0000\" RFC822.SIZE 999 BODYSTRUCTURE {structure} BODY[HEADER.FIELDS (RECEIVED SUBJECT)] {{{size}}}\r\n{header})\r\n"
    )
}

fn header(number: u32) -> String {
    format!("{EXIM}Subject: Minutes {number}\r\nFrom: A <a@example.net>\r\nMessage-ID: <{number}@example.net>\r\n\r\n")
}

/// What is said on either side, and what happened. Each answer of the server follows the command of its turn.
#[derive(Debug, Default, PartialEq)]
struct Talk {
    said: Vec<String>,
    events: Vec<Event>,
    fault: Option<Fault>,
}

impl Talk {
    fn ranges(&self) -> Vec<&Range> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Range(range) = event { Some(range) } else { None })
            .collect()
    }
}

/// Speaks with a server that answers each command by its turn, in pieces of this size; `TAG` stands for the command's tag.
fn talk(session: &mut Session, answers: &[&str], piece: usize) -> Talk {
    let mut talk = Talk::default();
    let mut tag = String::new();
    for answer in answers {
        let answer = answer.replace("TAG", &tag);
        let mut out = Vec::new();
        for piece in answer.as_bytes().chunks(piece) {
            let mut told = Vec::new();
            let taken = session.take(piece, &mut out, |event| told.push(event));
            let is_range = told.iter().any(|event| matches!(event, Event::Range(_)));
            talk.events.extend(told);
            if is_range {
                session.stored(&mut out, |event| talk.events.push(event));
            }
            if let Err(fault) = taken {
                talk.fault = Some(fault);
                return talk;
            }
        }
        for line in String::from_utf8(out).expect("ASCII").lines() {
            tag = line.split(' ').next().unwrap_or_default().to_owned();
            talk.said.push(line.split_once(' ').map_or(line, |(_, rest)| rest).to_owned());
        }
    }
    talk
}

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1] ready\r\n";
const CAPABILITY: &str = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK\r\n";
const LOGGED_IN: &str = "TAG OK logged in\r\n";

fn examined(validity: u32, next: u32) -> String {
    format!(
        "* 2 EXISTS\r\n* OK [UIDVALIDITY {validity}] valid\r\n* OK [UIDNEXT {next}] next\r\n* OK [PERMANENTFLAGS ()] none\r\nTAG OK [READ-ONLY] done\r\n"
    )
}

#[test]
fn copies_are_read_and_nothing_is_changed() {
    let two =
        copy(1, 5, &header(1), PDF) + "* 1 FETCH (FLAGS (\\Seen))\r\n" + &copy(2, 9, &header(2), PDF) + "TAG OK\r\n";
    let answers = [GREETING, CAPABILITY, LOGGED_IN, &examined(7, 10), &two];
    let mut first = session(Progress::default());
    let whole = talk(&mut first, &answers, 1 << 20);
    assert_eq!(whole.fault, None);
    assert_eq!(whole.said[..3], ["CAPABILITY", "LOGIN \"journal\" \"pass word\"", "EXAMINE \"INBOX\""]);
    assert!(
        whole.said[3].starts_with(
            "UID FETCH 1:9 (UID INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (RECEIVED "
        )
    );
    assert_eq!(whole.said.len(), 4);
    let range = whole.ranges()[0];
    let told: Vec<_> = range.copies.iter().map(|of| (of.place.uid, &*of.server, &*of.copy.subject)).collect();
    assert_eq!(told, [(5, "mx1", "Minutes 1"), (9, "mx1", "Minutes 2")]);
    let copy = &range.copies[0].copy;
    assert_eq!(copy.queue_id.map(|id| id.to_string()).as_deref(), Some("1vMabc-000000012Ab-3CDe"));
    assert_eq!((&*copy.content.attachments[0].name, copy.content.attachments[0].size), ("a.pdf", 2));
    assert_eq!(range.copies[0].received, 1_795_321_949_000_000);
    assert_eq!(whole.events.last(), Some(&Event::UpToDate));
    assert_eq!(first.progress(), Progress { validity: 7, next_uid: 10, tries: 0 });
    // Later, nothing new; then one more.
    let mut out = Vec::new();
    first.look(&mut out);
    assert_eq!(out, b"v5 EXAMINE \"INBOX\"\r\n");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_cut_anywhere_say_the_same(piece in 1usize..400) {
        let three = copy(1, 5, &header(1), PDF) + &copy(2, 6, &header(2), "garbage") + &copy(3, 7, "Subject: stranger\r\n\r\n", PDF) + "TAG OK\r\n";
        let answers = [GREETING, CAPABILITY, LOGGED_IN, &examined(7, 10), &three];
        let whole = talk(&mut session(Progress::default()), &answers, 1 << 20);
        prop_assert_eq!(whole.ranges()[0].copies.len(), 2);
        prop_assert_eq!((whole.ranges()[0].strangers, whole.ranges()[0].copies[1].copy.content.cut), (1, true));
        prop_assert_eq!(talk(&mut session(Progress::default()), &answers, piece), whole);
    }
}

#[test]
fn it_goes_on_where_it_was_unless_the_mailbox_is_another() {
    let kept = Progress { validity: 7, next_uid: 6, tries: 0 };
    let range = copy(1, 6, &header(1), PDF) + "TAG OK\r\n";
    let same = talk(&mut session(kept), &[GREETING, CAPABILITY, LOGGED_IN, &examined(7, 7), &range], 50);
    assert!(same.said[3].starts_with("UID FETCH 6:6 "), "{:?}", same.said);
    assert!(!same.events.iter().any(|event| matches!(event, Event::Anew { .. })));
    let anew = talk(&mut session(kept), &[GREETING, CAPABILITY, LOGGED_IN, &examined(8, 7), &range], 50);
    assert!(anew.said[3].starts_with("UID FETCH 1:6 ") && anew.events[0] == Event::Anew { before: 7 });
    let nothing = talk(&mut session(kept), &[GREETING, CAPABILITY, LOGGED_IN, &examined(7, 6)], 50);
    assert_eq!((nothing.said.len(), nothing.events), (3, vec![Event::UpToDate]));
}

#[test]
fn many_are_asked_for_in_ranges_and_gaps_widen_them() {
    let some = copy(1, 600, &header(1), PDF) + "TAG OK\r\n";
    let answers =
        [GREETING, CAPABILITY, LOGGED_IN, &examined(7, 1001), "TAG OK\r\n", &some, "TAG OK\r\n", "TAG OK\r\n"];
    let talk = talk(&mut session(Progress::default()), &answers, 50);
    let asked: Vec<&str> = talk.said[3..].iter().filter_map(|said| said.split(' ').nth(2)).collect();
    assert_eq!(asked, ["1:200", "201:600", "601:800", "801:1000"]);
    assert_eq!(talk.events.last(), Some(&Event::UpToDate));
}

#[test]
fn without_a_next_uid_all_that_follow_are_asked_for() {
    let examined = "* OK [UIDVALIDITY 7]\r\nTAG OK\r\n";
    let some = copy(1, 4, &header(0), PDF) + &copy(2, 5, &header(1), PDF) + "TAG OK\r\n";
    let mut session = session(Progress { validity: 7, next_uid: 5, tries: 0 });
    let talk = talk(&mut session, &[GREETING, CAPABILITY, LOGGED_IN, examined, &some], 50);
    assert!(talk.said[3].starts_with("UID FETCH 5:* "));
    assert_eq!(
        (talk.ranges()[0].copies.len(), session.progress().next_uid),
        (1, 6),
        "what was read does not come again"
    );
    assert_eq!(talk.events.last(), Some(&Event::UpToDate));
}

/// As Exchange delivers it: the journaled message is the second part.
#[test]
fn of_a_journal_report_the_message_in_it_is_told() {
    let report = "Received: from x by mx1 id REPORT1; Sun, 22 Nov 2026 04:33:00 +0000\r\nX-MS-Journal-Report:\r\nSubject: Minutes\r\nMessage-ID: <report@x>\r\n\r\n";
    let structure = format!(
        r#"(("text" "plain" NIL NIL NIL "7bit" 5 1 NIL NIL NIL NIL)("message" "rfc822" NIL NIL NIL "7bit" 900 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) {PDF} 20 NIL NIL NIL NIL) "mixed" ("boundary" "r") NIL NIL NIL)"#
    );
    let inner = header(3);
    let of_report =
        format!("* 1 FETCH (UID 5 BODY[2.HEADER.FIELDS (RECEIVED)] {{{}}}\r\n{inner})\r\nTAG OK\r\n", inner.len());
    let range =
        copy(1, 5, report, &structure) + &copy(2, 6, report, &structure) + &copy(3, 7, &header(7), PDF) + "TAG OK\r\n";
    let answers = [GREETING, CAPABILITY, LOGGED_IN, &examined(7, 8), &range, &of_report, "TAG NO gone\r\n"];
    let talk = talk(&mut session(Progress::default()), &answers, 60);
    assert!(talk.said[4].starts_with("UID FETCH 5 (UID BODY.PEEK[2.HEADER.FIELDS (") && talk.said.len() == 6);
    let range = talk.ranges()[0];
    let told: Vec<_> =
        range.copies.iter().map(|of| (of.place.uid, &*of.copy.subject, of.copy.content.attachments.len())).collect();
    assert_eq!((told, range.unreadable), (vec![(5, "Minutes 3", 1), (7, "Minutes 7", 1)], 1));
}

#[test]
fn a_copy_that_the_server_cannot_give_is_left_out_in_the_end() {
    let no = "TAG NO [SERVERBUG] Internal error occurred\r\n";
    let (one, rest) = (copy(1, 1, &header(1), PDF) + "TAG OK\r\n", copy(2, 3, &header(3), PDF) + "TAG OK\r\n");
    let mut progress = Progress::default();
    let mut answers = vec![GREETING, CAPABILITY, LOGGED_IN];
    let examined = examined(7, 4);
    // 1:3 and 1:1; then 2:3 and 2:2, which fails.
    answers.extend([&*examined, no, &*one, no, no]);
    for turn in 1..=TRIES_MAX {
        let mut session = session(progress);
        if turn == TRIES_MAX {
            answers.extend([&*rest]);
        }
        let talk = talk(&mut session, &answers, 40);
        progress = session.progress();
        if turn < TRIES_MAX {
            assert_eq!(talk.fault, Some(Fault::Fetch("[SERVERBUG] Internal error occurred".into())));
            assert_eq!(progress, Progress { validity: 7, next_uid: 2, tries: turn });
        } else {
            assert_eq!((talk.fault.clone(), progress.next_uid, talk.ranges()[0].unreadable), (None, 4, 1), "{talk:#?}");
        }
        answers = vec![GREETING, CAPABILITY, LOGGED_IN, &*examined, no, no];
    }
}

#[test]
fn what_a_server_refuses_is_told_apart() {
    let after = |answers: &[&str]| talk(&mut session(Progress::default()), answers, 7).fault;
    let login = "TAG NO [AUTHENTICATIONFAILED] Authentication failed.\r\n";
    assert_eq!(
        after(&[GREETING, CAPABILITY, login]),
        Some(Fault::Login("[AUTHENTICATIONFAILED] Authentication failed.".into()))
    );
    assert_eq!(
        after(&[GREETING, CAPABILITY, LOGGED_IN, "TAG NO Mailbox doesn't exist\r\n"]),
        Some(Fault::Folder("Mailbox doesn't exist".into()))
    );
    assert_eq!(after(&[GREETING, CAPABILITY, LOGGED_IN, "TAG OK\r\n"]), Some(Fault::NoValidity));
    assert_eq!(after(&[GREETING, CAPABILITY, "* BYE too many\r\n"]), Some(Fault::Bye("too many".into())));
    assert_eq!(after(&["* BYE go away\r\n"]), Some(Fault::Bye("go away".into())));
    assert_eq!(after(&["220 mx1 ESMTP\r\n"]), Some(Fault::NotImap("220 mx1 ESMTP".into())));
    assert_eq!(after(&[GREETING, "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nTAG OK\r\n"]), Some(Fault::NoLogin));
    assert!(matches!(after(&[GREETING, CAPABILITY, "v9 OK\r\n"]), Some(Fault::NotImap(_))));
    assert!(matches!(after(&[GREETING, CAPABILITY, "+ go on\r\n"]), Some(Fault::NotImap(_))));
    assert_eq!(after(&[GREETING, "* X {99999999999}\r\n"]), Some(Fault::TooLarge(99_999_999_999)));
}

#[test]
fn where_login_is_not_offered_authenticate_is_used() {
    let capability = "* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN\r\nTAG OK\r\n";
    let mut session = session(Progress::default());
    let mut out = Vec::new();
    session.take(GREETING.as_bytes(), &mut out, |_| {}).expect("greeted");
    session.take(capability.replace("TAG", "v1").as_bytes(), &mut out, |_| {}).expect("told");
    session.take(b"+ \r\n", &mut out, |_| {}).expect("asked");
    let said = String::from_utf8(out).expect("ASCII");
    assert_eq!(said, "v1 CAPABILITY\r\nv2 AUTHENTICATE PLAIN\r\nAGpvdXJuYWwAcGFzcyB3b3Jk\r\n");
    assert!(matches!(session.take(b"+ \r\n", &mut Vec::new(), |_| {}), Err(Fault::NotImap(_))), "once");
}

#[test]
fn nothing_is_said_before_tls_and_nothing_believed() {
    let begin = |more: &str| {
        let mut session =
            Session::new(Account::new("j", "secret"), "INBOX", Servers::default(), true, Progress::default());
        let (mut out, mut events) = (Vec::new(), Vec::new());
        let taken = ["* OK\r\n", "* CAPABILITY STARTTLS AUTH=PLAIN\r\nv1 OK\r\n", more]
            .iter()
            .try_for_each(|answer| session.take(answer.as_bytes(), &mut out, |event| events.push(event)));
        let said = String::from_utf8(out.clone()).expect("ASCII");
        assert_eq!(said, "v1 CAPABILITY\r\nv2 STARTTLS\r\n");
        (taken, events, session)
    };
    let (taken, events, mut session) = begin("v2 OK go\r\n");
    assert_eq!((taken, events), (Ok(()), vec![Event::StartTls]));
    let mut out = Vec::new();
    session.secured(&mut out);
    assert_eq!(out, b"v3 CAPABILITY\r\n");
    // Before TLS began: anybody could have said that.
    assert_eq!(begin("v2 OK go\r\n* CAPABILITY X\r\n").0, Err(Fault::EarlyBytes));
    assert_eq!(begin("v2 NO\r\n").0, Err(Fault::NoStartTls));
    let mut without = Session::new(Account::new("j", "secret"), "INBOX", Servers::default(), true, Progress::default());
    assert_eq!(without.take(b"* OK\r\n* CAPABILITY X\r\nv1 OK\r\n", &mut Vec::new(), |_| {}), Err(Fault::NoStartTls));
    let mut known = Session::new(Account::new("j", "secret"), "INBOX", Servers::default(), true, Progress::default());
    assert_eq!(known.take(b"* PREAUTH hello\r\n", &mut Vec::new(), |_| {}), Err(Fault::NoStartTls));
}
