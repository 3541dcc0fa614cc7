//! Conversations as Postfix and Sendmail lead them, and as nobody does.

use proptest::prelude::*;

use super::*;
use crate::protocol::{PACKET_BYTES_MAX, VERSION};

/// What Postfix 3.7 and Sendmail 8.17 offer: all steps.
const OFFERED: u32 = 0x001F_FFFF;

fn negotiation(version: u32, offered: u32) -> Vec<u8> {
    packet(command::NEGOTIATE, &[version, 0x1FF, offered].map(u32::to_be_bytes).concat())
}

fn macros(of: u8, id: &str) -> Vec<u8> {
    packet(command::MACRO, &[&[of], &b"{mail_addr}\0a@example.com\0i\0"[..], id.as_bytes(), b"\0"].concat())
}

fn header(name: &str, value: &str) -> Vec<u8> {
    packet(command::HEADER, format!("{name}\0{value}\0").as_bytes())
}

/// A message as a server sends it, without what was agreed to leave out.
fn message(id: &str, subject: &str) -> Vec<u8> {
    [
        macros(command::DATA, id),
        header("Subject", subject),
        header("Content-Type", "multipart/mixed;\n\tboundary=b"),
        packet(command::END_OF_HEADER, b""),
        packet(command::BODY, b"--b\r\nContent-Disposition: attachment; filename=x\r\n\r\nab"),
        packet(command::BODY, b"c\r\n--b--\r\n"),
        macros(command::END_OF_BODY, id),
        packet(command::END_OF_BODY, b""),
    ]
    .concat()
}

/// The answers' letters and what was told.
fn led(bytes: &[u8], piece: usize) -> (Result<Next, Fault>, String, Vec<Message>) {
    let mut session = Session::default();
    let (mut answers, mut told) = (Vec::new(), Vec::new());
    let mut next = Ok(Next::GoOn);
    for piece in bytes.chunks(piece) {
        next = session.take(piece, &mut answers, |message| told.push(message));
        if next != Ok(Next::GoOn) {
            break;
        }
    }
    (next, letters(&answers), told)
}

fn letters(answers: &[u8]) -> String {
    let mut letters = String::new();
    let mut rest = answers;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        letters.push(char::from(after[0]));
        rest = &after[u32::from_be_bytes(*length) as usize..];
    }
    letters
}

fn seen(message: &Message) -> (&str, &str, usize) {
    let Message::Seen(seen) = message else { panic!("{message:?}") };
    (seen.queue_id.as_str(), &*seen.told.subject, seen.told.content.attachments.len())
}

#[test]
fn a_server_waits_for_nothing_but_the_end_of_each_message() {
    let talk =
        [negotiation(6, OFFERED), message("4F1", "one"), message("4F2", "two"), packet(command::QUIT, b"")].concat();
    for piece in [1, 7, talk.len()] {
        let (next, answers, told) = led(&talk, piece);
        assert_eq!((next, &*answers), (Ok(Next::Close), "Occ"));
        assert_eq!(told.iter().map(seen).collect::<Vec<_>>(), [("4F1", "one", 1), ("4F2", "two", 1)]);
    }
}

#[test]
fn nothing_is_asked_for_that_changes_mail_or_was_not_offered() {
    for (offered, agreed) in [(OFFERED, STEPS_WANTED & !step::SKIP), (0x7F, 0xF), (0, 0)] {
        let mut answers = Vec::new();
        Session::default().take(&negotiation(99, offered), &mut answers, |_| ()).unwrap();
        assert_eq!(answers, packet(command::NEGOTIATE, &[VERSION, 0, agreed].map(u32::to_be_bytes).concat()));
    }
}

#[test]
fn an_old_server_that_leaves_nothing_out_gets_an_answer_to_each_step() {
    let steps = [command::CONNECT, command::HELO, command::MAIL, command::RECIPIENT, command::UNKNOWN, command::DATA];
    let steps: Vec<u8> = steps.iter().flat_map(|&step| packet(step, b"x\0")).collect();
    let talk = [negotiation(2, 0x7F & !0xF), steps, message("4F1", "one"), packet(command::ABORT, b"")].concat();
    let (next, answers, told) = led(&talk, 5);
    // Six steps, two fields, the end of the header, two pieces of the body, the end.
    assert_eq!((next, &*answers, told.len()), (Ok(Next::GoOn), "Occcccccccccccc".get(..13).unwrap(), 1));
}

#[test]
fn a_server_that_waits_for_the_body_is_told_when_it_was_enough() {
    let talk = [negotiation(6, step::SKIP), message("4F1", "one")].concat();
    assert_eq!(led(&talk, 9).1, "Occccsc");
}

#[test]
fn sendmail_gives_the_queue_id_with_the_sender_and_not_at_the_end() {
    let end = packet(command::END_OF_BODY, b"a body in the last packet\r\n");
    let talk =
        [negotiation(6, OFFERED), macros(command::MAIL, "xAN3TdOw001"), header("Subject", "s"), end.clone()].concat();
    assert_eq!(seen(&led(&talk, 4).2[0]), ("xAN3TdOw001", "s", 0));
    // It is of that message alone.
    let again = [talk, header("Subject", "t"), end].concat();
    assert_eq!(led(&again, 4).2[1], Message::Nameless);
}

#[test]
fn a_message_that_is_given_up_is_not_told_and_leaves_nothing() {
    let half = [macros(command::MAIL, "4F1"), header("Subject", "one"), packet(command::BODY, b"x")].concat();
    for given_up in [command::ABORT, command::QUIT_NEW_CONNECTION] {
        let talk = [negotiation(6, OFFERED), half.clone(), packet(given_up, b""), message("4F2", "two")].concat();
        let told = led(&talk, 3).2;
        assert_eq!(told.iter().map(seen).collect::<Vec<_>>(), [("4F2", "two", 1)]);
    }
}

#[test]
fn what_is_no_milter_protocol_ends_the_connection() {
    for (bytes, fault) in [
        (b"EHLO x\r\n".to_vec(), Fault::Length(u32::from_be_bytes(*b"EHLO"))),
        (vec![0, 0, 0, 0, b'O'], Fault::Length(0)),
        (packet(command::HEADER, b"a\0b\0"), Fault::TooEarly),
        (packet(command::BODY, b"x"), Fault::TooEarly),
        (packet(command::NEGOTIATE, b"1234"), Fault::NoVersions),
        (negotiation(1, 0), Fault::TooOld(1)),
        ([negotiation(6, 0), packet(b'z', b"")].concat(), Fault::NoCommand(b'z')),
    ] {
        assert_eq!(led(&bytes, 3).0, Err(fault), "{bytes:?}");
    }
}

#[test]
fn a_field_of_fifteen_megabytes_takes_no_such_memory() {
    let mut session = Session::default();
    session.take(&negotiation(6, OFFERED), &mut Vec::new(), |_| ()).unwrap();
    let length = (PACKET_BYTES_MAX - 1).to_be_bytes();
    session.take(&[&length[..], &[command::HEADER], b"Subject\0"].concat(), &mut Vec::new(), |_| ()).unwrap();
    for _ in 0..100 {
        session.take(&[b'x'; 100_000], &mut Vec::new(), |_| ()).unwrap();
    }
    assert!(format!("{session:?}").len() < 10 * protocol::KEPT_BYTES_MAX);
}

#[test]
fn fields_without_an_end_and_macros_without_a_value_are_survived() {
    let talk = [
        negotiation(6, OFFERED),
        packet(command::MACRO, b""),
        packet(command::MACRO, b"Mi"),
        packet(command::MACRO, b"Mi\0"),
        packet(command::MACRO, b"Mi\0no id!\0"),
        packet(command::HEADER, b""),
        packet(command::HEADER, b"Subject"),
        packet(command::HEADER, b"\0\0\0"),
        packet(command::END_OF_BODY, b""),
    ]
    .concat();
    assert_eq!(led(&talk, 2), (Ok(Next::GoOn), "Oc".to_owned(), vec![Message::Nameless]));
}

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..500), agreed in any::<bool>()) {
        let mut talk = if agreed { negotiation(6, OFFERED) } else { Vec::new() };
        talk.extend(bytes);
        let whole = led(&talk, talk.len().max(1));
        let (next, answers, told) = led(&talk, 1);
        prop_assert_eq!((next.is_err(), told), (whole.0.is_err(), whole.2));
        prop_assert!(answers.chars().all(|letter| "Ocs".contains(letter)));
    }

    #[test]
    fn any_packets_are_taken(packets in proptest::collection::vec((prop::sample::select(b"ABCDEHKLMNQRTU".to_vec()), "[ -~\0]{0,30}"), 0..40)) {
        let packets: Vec<u8> = packets.iter().flat_map(|(command, data)| packet(*command, data.as_bytes())).collect();
        let talk = [negotiation(6, OFFERED), packets].concat();
        let (next, answers, told) = led(&talk, 3);
        prop_assert!(next.is_ok());
        prop_assert_eq!(answers.len(), 1 + told.len());
    }
}
