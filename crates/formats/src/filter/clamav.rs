//! clamav-milter: with `LogInfected Full` and `LogClean Full` its lines name the queue id (`clamav-milter/clamfi.c`).

use super::{Verdict, queue_id};
use crate::{Format, Record, scan};

pub const FORMAT: Format = Format {
    name: "clamav-milter",
    read: |envelope| (envelope.program == b"clamav-milter").then(|| line(envelope.text).unwrap_or(Record::Known)),
};

/// `Message ID from <a@b> to <c@d> with subject '…' message-id '…' date '…' infected by NAME`, `Clean message ID from …`.
fn line(text: &[u8]) -> Option<Record<'_>> {
    let (word, rest) = match text.strip_prefix(b"Clean message ") {
        Some(rest) => (&b"clean"[..], rest),
        None => (&b"infected"[..], text.strip_prefix(b"Message ")?),
    };
    let id = queue_id(super::word(rest)).filter(|_| scan::split(rest, b" from ").is_some())?;
    let name = if word == b"infected" { super::word(scan::split_last(rest, b" infected by ")?.1) } else { b"" };
    Some(Verdict::milter("clamav", id, word, name))
}
