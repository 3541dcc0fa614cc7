//! OpenDMARC: the domain and whether it aligned (`opendmarc/opendmarc.c`), and SPF where it looks that up itself.

use super::{Verdict, by_queue_id};
use crate::{Format, Record, scan};

pub const FORMAT: Format = Format {
    name: "OpenDMARC",
    read: |envelope| (envelope.program == b"opendmarc").then(|| line(envelope.text).unwrap_or(Record::Known)),
};

/// `ID: example.net pass`, `ID: SPF(mailfrom): example.net fail`.
fn line(text: &[u8]) -> Option<Record<'_>> {
    let (id, rest) = by_queue_id(text)?;
    let (program, rest) = match rest.strip_prefix(b"SPF(").and_then(|rest| scan::split(rest, b"): ")) {
        Some((_, result)) => ("spf", result),
        None => ("dmarc", rest),
    };
    let (domain, word) = scan::split(rest, b" ")?;
    let is_result = matches!(
        word,
        b"pass" | b"fail" | b"none" | b"softfail" | b"neutral" | b"tempfail" | b"temperror" | b"permerror"
    );
    is_result.then(|| Verdict::milter(program, id, word, domain))
}
