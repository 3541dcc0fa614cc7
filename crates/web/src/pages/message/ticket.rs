//! The answer as plain text, to be pasted into a ticket.

use std::fmt::Write;

use vigie_i18n::fmt;

use super::sentence;
use crate::backend::Message;
use crate::parts::visible;
use crate::reader::Reader;
use crate::words;

/// Lines of evidence that fit in a ticket.
const LINES_MAX: usize = 40;
const RECIPIENTS_MAX: usize = 20;

pub fn text(reader: &Reader, message: &Message) -> String {
    let mut out = format!("{}\n\n", sentence::sentence(reader, message));
    let mut fact = |label: String, value: &str| {
        let _ = writeln!(out, "{label}: {}", visible(value));
    };
    fact(reader.t("column-sender"), if message.sender.is_empty() { "<>" } else { &message.sender });
    if let Some(subject) = &message.subject {
        fact(reader.t("column-subject"), subject);
    }
    if let Some(id) = &message.message_id {
        fact("Message-ID".to_owned(), id);
    }
    fact(
        reader.t("message-arrival"),
        &format!("{} {}", reader.datetime_s(message.first_arrival), fmt::zone(message.first_arrival, &reader.zone)),
    );

    out.push('\n');
    for recipient in message.recipients.iter().take(RECIPIENTS_MAX) {
        let reply = recipient.reply.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "{}: {} {}",
            visible(&recipient.address),
            reader.t(words::status(recipient.status)),
            visible(reply)
        );
    }
    let left_out = message.recipients.len().saturating_sub(RECIPIENTS_MAX) as u64 + message.recipients_more;
    if left_out > 0 {
        let _ = writeln!(out, "{}", reader.count("and-more", left_out));
    }

    out.push('\n');
    for line in message.lines.iter().take(LINES_MAX) {
        let _ = writeln!(out, "{}", visible(&line.text));
    }
    let left_out = message.lines.len().saturating_sub(LINES_MAX) as u64 + message.lines_more;
    if left_out > 0 {
        let _ = writeln!(out, "{}", reader.count("and-more", left_out));
    }
    out
}
