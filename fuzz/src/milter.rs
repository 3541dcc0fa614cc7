//! The targets that read what mail servers show of mail: the milter protocol, and MIME structure.

use vigie_formats::{Inside, Record, milter as line};
use vigie_milter::mime::{ATTACHMENTS_MAX, Reader, Told};
use vigie_milter::protocol::{Fault, command, packet};
use vigie_milter::session::{Message, Next, Session};

/// What Postfix offers: all steps.
const OFFERED: u32 = 0x001F_FFFF;

/// Any bytes as a message: what is found does not depend on how it is cut, is bounded, and its line reads as the same.
pub fn mime(bytes: &[u8]) {
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, 1 + bytes.len() % 13), whole);
    assert!(whole.content.attachments.len() <= ATTACHMENTS_MAX);
    let texts = whole.content.attachments.iter().flat_map(|of| [&of.name, &of.declared, &of.sniffed]);
    for text in texts.chain([&whole.subject, &whole.message_id, &whole.content.header_from, &whole.content.media_type])
    {
        assert!(text.len() <= 1000 && !text.contains(char::is_control), "{text:?}");
    }
    let Some(queue_id) = vigie_model::QueueId::new(b"4F1") else { return };
    let Told { message_id, subject, content } = whole;
    let inside = Inside { queue_id, message_id, subject, content: Box::new(content) };
    let payload = line::payload(&inside);
    assert!(payload.len() < 63 * 1024 && !payload.contains(['\n', '\r', '\0']));
    assert_eq!(line::read(payload.as_bytes()), Record::Content(inside));
}

fn read(bytes: &[u8], piece: usize) -> Told {
    let mut reader = Reader::default();
    bytes.chunks(piece).for_each(|piece| reader.body(piece));
    reader.finish()
}

/// Any bytes as a conversation, and as the data of packets in it: only "go on" is ever answered, and once for each message that ends.
pub fn milter(bytes: &[u8]) {
    let greeting = packet(command::NEGOTIATE, &[6, 0, OFFERED].map(u32::to_be_bytes).concat());
    let _ = led(bytes, 5);
    let raw = [&greeting, bytes].concat();
    assert_eq!(led(&raw, raw.len()), led(&raw, 1));
    let letters = b"DLNBEADLBBETK";
    let lines = bytes.split(|&byte| byte == b'\n').enumerate();
    let packets = lines.flat_map(|(at, line)| packet(letters.get(at % letters.len()).copied().unwrap_or(b'B'), line));
    let talk: Vec<u8> = greeting.iter().copied().chain(packets).collect();
    let (next, answers, told) = led(&talk, 1 + bytes.len() % 101);
    assert_eq!((next, answers.len()), (Ok(Next::GoOn), 17 + 5 * told.len()));
    assert!(answers.get(17..).unwrap_or_default().chunks(5).all(|answer| answer == b"\0\0\0\x01c"));
}

/// All answers, and what was told.
fn led(bytes: &[u8], piece: usize) -> (Result<Next, Fault>, Vec<u8>, Vec<Message>) {
    let mut session = Session::default();
    let (mut answers, mut told) = (Vec::new(), Vec::new());
    let mut next = Ok(Next::GoOn);
    for piece in bytes.chunks(piece.max(1)) {
        next = session.take(piece, &mut answers, |message| told.push(message));
        if next != Ok(Next::GoOn) {
            break;
        }
    }
    (next, answers, told)
}
