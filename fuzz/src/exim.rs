//! Exim's grammar on text that need not be Exim's.

use vigie_formats::{
    Record,
    envelope::{Envelope, Stamp},
    exim, read, subject,
};

/// What stands behind the time, as each of the ways in which Exim's lines come.
pub fn exim(bytes: &[u8]) {
    for line in bytes.split(|&byte| byte == b'\n') {
        let text = line.get(20..).filter(|_| line.first().is_some_and(u8::is_ascii_digit)).unwrap_or(line);
        exim::continues(text);
        for program in [&b""[..], b"exim", b"other"] {
            look(program, text);
            // A piece of an entry, cut anywhere.
            look(program, &[b"[1/2] ", text].concat());
        }
    }
}

fn look(program: &[u8], text: &[u8]) {
    let envelope = Envelope { stamp: Stamp::None, host: b"", program, pid: 7, text, repeated: 1 };
    let record = read(&envelope);
    assert!(!(record.is_understood() && record.is_unknown()));
    if let Some(id) = record.queue_id() {
        assert!(text.windows(id.as_bytes().len()).any(|part| part == id.as_bytes()), "{id} is not in the line");
    }
    match record {
        Record::Statement(statement) => {
            statement.subject.iter().for_each(|text| drop(subject::readable(text)));
            let recipients = statement.word.iter().flat_map(|word| word.recipients).count();
            assert!(recipients <= text.len());
            lies_in(statement.message_id, text);
            statement.word.iter().for_each(|word| lies_in(word.reply, text));
        }
        Record::Refused(refused) => lies_in(refused.text, text),
        _ => {}
    }
}

fn lies_in(part: &[u8], whole: &[u8]) {
    let is_inside = part.is_empty() || whole.as_ptr_range().contains(&part.as_ptr()) || part == b"unqualified address";
    assert!(is_inside, "told, and not in the line");
}
