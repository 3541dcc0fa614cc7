//! Sendmail's grammar on any payload, and what every record of a server that speaks in statements must hold.

use vigie_formats::{Record, refusal, sendmail as grammar};

/// Any payload, after the header of a line where it has one.
pub fn sendmail(bytes: &[u8]) {
    let text = payload(bytes);
    hold(text, &grammar::parse(1, text));
}

/// What stands after the header of a line.
pub fn payload(bytes: &[u8]) -> &[u8] {
    let colon = bytes.windows(3).position(|part| part == b"]: ");
    colon.map_or(bytes, |at| &bytes[at + 3..])
}

/// Every text lies in the line, and recipients are no more than the line has room for.
pub fn hold(line: &[u8], record: &Record<'_>) {
    assert!(!(record.is_understood() && record.is_unknown()));
    let lies_in =
        |part: &[u8]| part.is_empty() || line.as_ptr_range().contains(&part.as_ptr()) && part.len() <= line.len();
    let texts: Vec<&[u8]> = match record {
        Record::Statement(said) => {
            let mut texts = vec![
                said.client_name,
                said.client_ip,
                said.helo,
                said.user,
                said.message_id,
                said.sender.unwrap_or_default(),
            ];
            if let Some(word) = &said.word {
                texts.extend([word.orig_recipient, word.dsn, word.reply, word.relay_name, word.relay_ip]);
                texts.extend(word.recipients);
                assert!(word.recipients.count() <= line.len());
            }
            texts
        }
        Record::Refused(refused) => {
            assert!(refusal::reason(refused.text).len() <= refused.text.len() + 20);
            let of = &refused.transaction;
            vec![refused.dsn, refused.text, of.client_name, of.client_ip, of.sender, of.recipient, of.helo, of.user]
        }
        Record::Session(session) => vec![session.client_name, session.client_ip, session.user],
        _ => Vec::new(),
    };
    assert!(texts.into_iter().all(lies_in));
}
