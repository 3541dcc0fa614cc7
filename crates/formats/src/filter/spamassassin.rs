//! SpamAssassin's spamd: the result line, which knows a message id and no queue id (`spamd.raw`).

use super::Verdict;
use crate::{Format, Record, scan};

pub const FORMAT: Format = Format {
    name: "SpamAssassin",
    read: |envelope| (envelope.program == b"spamd").then(|| line(envelope.text).unwrap_or(Record::Known)),
};

/// `spamd: result: Y 15 - TEST,TEST scantime=1.2,size=900,…,required_score=5.0,…,mid=<id>,autolearn=no …`. In the message id, spaces and
/// commas have become underscores: such an id ties it to nothing.
fn line(text: &[u8]) -> Option<Record<'_>> {
    let (_, rest) = scan::split(text, b"spamd: result: ")?;
    let (word, rest) = match rest.strip_prefix(b"Y ") {
        Some(rest) => (&b"spam"[..], rest),
        None => (&b"ham"[..], rest.strip_prefix(b". ")?),
    };
    let message_id = scan::split(rest, b",mid=").map_or(&b""[..], |(_, rest)| scan::until(rest, b",").0);
    let message_id = if message_id.starts_with(b"<") { message_id } else { b"" };
    let score = super::word(rest.trim_ascii_start());
    Some(Verdict { message_id, words: [word, score, b"", b""], ..Verdict::of("spamassassin") }.record())
}
