//! OpenDKIM: what became of signatures (`opendkim/opendkim.c`).
//!
//! It says so only with `SyslogSuccess`, and in other words with `LogResults`; most of its lines (`LogWhy`) say why it signed nothing.

use super::{Verdict, by_queue_id};
use crate::{Format, Record, scan};

pub const FORMAT: Format = Format {
    name: "OpenDKIM",
    read: |envelope| (envelope.program == b"opendkim").then(|| line(envelope.text).unwrap_or(Record::Known)),
};

fn line(text: &[u8]) -> Option<Record<'_>> {
    let (id, rest) = by_queue_id(text)?;
    let (word, domain) = result(rest)?;
    Some(Verdict::milter("dkim", id, word, domain))
}

fn result(text: &[u8]) -> Option<(&[u8], &[u8])> {
    // `s=sel d=example.net a=rsa-sha256 SSL error:…`, with the failure. With `LogWhy`, and without an error, it comes with a success too.
    if text.starts_with(b"s=") {
        let (_, rest) = scan::split(text, b" d=")?;
        scan::find(rest, b" SSL error:")?;
        return Some((b"fail", super::word(rest)));
    }
    if text.starts_with(b"signature=") {
        return Some(logged(text));
    }
    Some(match text {
        b"DKIM verification successful" => (b"pass", b""),
        b"bad signature data" => (b"fail", b""),
        b"no signature data" => (b"none", b""),
        _ if text.starts_with(b"DKIM-Signature field added ") => (b"signed", scan::until(domain(text), b")").0),
        _ if text.starts_with(b"key retrieval failed") => (b"temperror", scan::until(domain(text), b")").0),
        _ if text.starts_with(b"key revoked") => (b"permerror", scan::until(domain(text), b",").0),
        _ => return None,
    })
}

/// `(s=sel, d=example.com)`.
fn domain(text: &[u8]) -> &[u8] {
    scan::split(text, b" d=").map_or(b"", |(_, domain)| domain)
}

/// `signature=cPn1RqZb domain=example.net selector=sel result="no signature error"`, with commas between several of these.
fn logged(text: &[u8]) -> (&[u8], &[u8]) {
    let is_good = |signature: &[u8]| scan::find(signature, b"result=\"no signature error\"").is_some();
    let mut signatures = text.split(|&byte| byte == b',');
    let good = signatures.clone().find(|signature| is_good(signature));
    let told = good.or_else(|| signatures.next()).unwrap_or(text);
    let domain = scan::split(told, b"domain=").map_or(&b""[..], |(_, domain)| super::word(domain));
    (if good.is_some() { b"pass" } else { b"fail" }, domain)
}
