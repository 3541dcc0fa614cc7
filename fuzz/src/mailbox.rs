//! The target that reads what an IMAP server answers.

use vigie_formats::{Record, envelope, mailbox as line};
use vigie_mailbox::{Account, Event, Fault, Progress, Servers, Session};
use vigie_milter::mime::ATTACHMENTS_MAX;

const WORDS: [&str; 16] = [
    "(",
    ")",
    "(",
    ")",
    " ",
    "\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 9 1",
    "\"APPLICATION\" \"PDF\" (\"NAME\" \"a.pdf\") NIL NIL \"BASE64\" 78",
    "\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 99 (NIL)",
    "NIL",
    "\"MIXED\" (\"BOUNDARY\" \"b\") NIL NIL",
    "18446744073709551615",
    "{1}\r\n(",
    "\"a\\\"b\"",
    "(\"ATTACHMENT\" (\"FILENAME*\" \"utf-8''%C3%BC\"))",
    "UID 7",
    "BODY[HEADER.FIELDS (SUBJECT)] \"Subject: x\"",
];
const OPENED: &[u8] = b"* OK ready\r\nv1 OK\r\nv2 OK\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 900]\r\nv3 OK\r\n";

/// Any bytes as what a server says: as they are, as a header, and as choices of words of a structure.
pub fn mailbox(bytes: &[u8]) {
    hold(bytes);
    hold(&[OPENED, bytes].concat());
    let structure: String = bytes.iter().take(400).map(|byte| WORDS[usize::from(byte % 16)]).collect();
    let received = "Received: from x by mx1.example.org id 4F1; Sun, 22 Nov 2026 04:32:29 +0000\r\n";
    let header = [received.as_bytes(), bytes].concat();
    let size = header.len();
    let answer = [
        OPENED,
        format!("* 1 FETCH (UID 5 BODY[HEADER] {{{size}}}\r\n").as_bytes(),
        &header,
        format!(" BODYSTRUCTURE {structure})\r\n* 2 FETCH ({structure})\r\nv4 OK\r\n").as_bytes(),
    ]
    .concat();
    // An answer that was given whole is told of, whatever stands in it.
    assert!(hold(&answer), "nothing was told");
}

/// No cut of the bytes shows, nothing is ever said that changes a mailbox or asks for a body, and what is told is bounded. Was
/// something told?
fn hold(bytes: &[u8]) -> bool {
    let whole = led(bytes, bytes.len().max(1));
    assert_eq!(led(bytes, 1 + bytes.len() % 97), whole);
    let said = String::from_utf8_lossy(&whole.1);
    for command in said.lines().filter_map(|line| line.split_once(' ')).map(|(_, command)| command) {
        let is_known =
            matches!(command, "CAPABILITY" | "LOGIN \"j\" \"p\"" | "EXAMINE \"INBOX\"" | "AUTHENTICATE PLAIN");
        let asks_for_headers = command.starts_with("UID FETCH ")
            && command.matches("BODY").count()
                == command.matches("BODY.PEEK[").count() + command.matches("BODYSTRUCTURE").count();
        assert!(is_known || asks_for_headers && command.contains("HEADER.FIELDS"), "{command}");
    }
    for event in &whole.2 {
        let Event::Range(range) = event else { continue };
        for told in &range.copies {
            assert!(told.copy.content.attachments.len() <= ATTACHMENTS_MAX);
            let text = line::line(told.received, &told.server, &told.copy, told.place);
            assert!(text.len() < 63 * 1024 && !text.contains(['\n', '\r', '\0']), "{text}");
            let mut scratch = envelope::Scratch::default();
            let read = envelope::parse(text.as_bytes(), &mut scratch).map(|envelope| vigie_formats::read(&envelope));
            assert_eq!(read, Some(Record::Copy(told.copy.clone())), "{text}");
            assert_eq!(line::place_of(text.as_bytes()), Some(told.place));
        }
    }
    whole.2.iter().any(|event| matches!(event, Event::Range(_)))
}

/// What came of it, all that was said, and what was told.
fn led(bytes: &[u8], piece: usize) -> (Result<(), Fault>, Vec<u8>, Vec<Event>) {
    let mut session = Session::new(Account::new("j", "p"), "INBOX", Servers::default(), false, Progress::default());
    let (mut out, mut events) = (Vec::new(), Vec::new());
    let mut outcome = Ok(());
    for piece in bytes.chunks(piece) {
        outcome = session.take(piece, &mut out, |event| events.push(event));
        if outcome.is_err() {
            break;
        }
    }
    (outcome, out, events)
}
