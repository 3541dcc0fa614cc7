//! MailScanner: it takes messages out of Postfix's hold queue and puts them back as other files. It names a message by its old queue
//! id and a random part of its own, `3A1B29E001.A4F2C`.

use super::{Verdict, queue_id};
use crate::{Format, Record, scan};

pub const FORMAT: Format = Format {
    name: "MailScanner",
    read: |envelope| (envelope.program == b"MailScanner").then(|| line(envelope.text).unwrap_or(Record::Known)),
};

fn line(text: &[u8]) -> Option<Record<'_>> {
    if let Some(rest) = text.strip_prefix(b"Requeue: ") {
        let (old, new) = scan::split(rest, b" to ")?;
        let old = own_id(old)?;
        let new = queue_id(super::word(new))?;
        let verdict =
            Verdict { queue_id: Some(old), requeued_as: vec![new], took_away: true, ..Verdict::of("mailscanner") };
        return Some(verdict.record());
    }
    // `Message ID from 192.0.2.10 (ann@example.net) to example.com is spam, SpamAssassin (not cached, score=8.2, required 6, …)`.
    let rest = text.strip_prefix(b"Message ")?;
    let id = own_id(super::word(rest))?;
    let (_, judged) = scan::split(rest, b" is ").filter(|(before, _)| scan::find(before, b" from ").is_some())?;
    let word = match judged {
        _ if judged.starts_with(b"not spam") => &b"not spam"[..],
        _ if judged.starts_with(b"spam") => b"spam",
        _ => return None,
    };
    let score = scan::split(judged, b"score=").map_or(&b""[..], |(_, rest)| scan::until(rest, b",").0);
    Some(Verdict::milter("mailscanner", id, word, score))
}

/// `3A1B29E001.A4F2C`: the queue id before the last dot (MailWatch #739 took a fixed number of characters).
fn own_id(text: &[u8]) -> Option<vigie_model::QueueId> {
    queue_id(scan::split_last(text, b".")?.0)
}
