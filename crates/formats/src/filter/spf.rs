//! policyd-spf (pyspf's `spf_engine`, and the older one in Perl): what SPF says, by queue id where Postfix had one already.
//!
//! At a message's first recipient there is none: then the line stands beside a refusal that Postfix tells, or says nothing that could
//! be tied to a message.

use super::{Verdict, by_queue_id};
use crate::{Format, Record, scan};

pub const FORMAT: Format = Format {
    name: "policyd-spf",
    read: |envelope| match envelope.program {
        b"policyd-spf" | b"pyspf-milter" => Some(line(envelope.text).unwrap_or(Record::Known)),
        _ => None,
    },
};

/// `ID: prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=x; helo=x; envelope-from=ann@example.net; receiver=x`.
fn line(text: &[u8]) -> Option<Record<'_>> {
    let (id, rest) = by_queue_id(text)?;
    let (_, rest) = scan::split(rest, b"Received-SPF: ")?;
    let word = match super::word(rest) {
        b"Pass" => &b"pass"[..],
        b"Fail" => b"fail",
        b"Softfail" => b"softfail",
        b"Neutral" => b"neutral",
        b"None" => b"none",
        b"Temperror" => b"temperror",
        b"Permerror" => b"permerror",
        _ => return None,
    };
    let sender = scan::split(rest, b"envelope-from=").map_or(&b""[..], |(_, rest)| scan::until(rest, b";").0);
    let domain = scan::split_last(sender, b"@").map_or(&b""[..], |(_, domain)| domain);
    Some(Verdict::milter("spf", id, word, domain))
}
