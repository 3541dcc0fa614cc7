//! The targets that read whole files: what comes out is the same in any pieces, and is read without panic.

use vigie_correlator::{Facts, Host, link};
use vigie_formats::{
    envelope::{Scratch, Stamp, parse},
    read,
    transcript::{DateOrder, HEAD_BYTES, Settings, recognise},
};
use vigie_model::Hop;

/// A header, so that what has lost its own is read all the same.
const TRACKING: &[u8] = b"#Fields: date-time,client-hostname,server-hostname,source-context,source,event-id,internal-message-id,network-message-id,recipient-address,recipient-status,related-recipient-address,reference,message-subject,return-path,message-info,custom-data\r\n";
const TRACE: &[u8] = b"Received,MessageTraceId,SenderAddress,RecipientAddress,Status,Subject,ToIP\r\n";

pub fn exchange(bytes: &[u8]) {
    file(bytes);
    file(&[TRACKING, bytes].concat());
}

pub fn microsoft365(bytes: &[u8]) {
    file(bytes);
    file(&[TRACE, bytes].concat());
    file(&[b"{\"MessageTraceId\":\"", bytes].concat());
}

fn file(bytes: &[u8]) {
    let settings = Settings { host: "host".to_owned(), ..Settings::default() };
    let Some(whole) = transcribed(bytes, &settings, bytes.len().max(1)) else { return };
    let sum = bytes.iter().fold(7usize, |sum, &byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    assert_eq!(Some(&whole), transcribed(bytes, &settings, 1 + sum % 50).as_ref());
    let known = Settings { dates: Some(DateOrder::DayFirst), ..settings };
    assert!(transcribed(bytes, &known, bytes.len().max(1)).is_some());
    lines(&whole.0);
}

fn transcribed(bytes: &[u8], settings: &Settings, piece: usize) -> Option<(Vec<u8>, Vec<String>)> {
    let mut transcriber = recognise(&bytes[..bytes.len().min(HEAD_BYTES)], settings)?;
    let mut out = Vec::new();
    bytes.chunks(piece).for_each(|bytes| transcriber.bytes(bytes, &mut out));
    transcriber.finish(&mut out);
    Some((out, transcriber.remarks()))
}

/// Every line stands for itself, with a time in UTC, and all of them are some messages.
fn lines(text: &[u8]) {
    assert!(text.is_empty() || text.ends_with(b"\n"));
    let mut scratch = Scratch::default();
    let (mut host, mut facts) = (Host::new("host"), Facts::default());
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        assert!(line.len() < 64 * 1024, "{}", line.len());
        let Some(envelope) = parse(line, &mut scratch) else { panic!("{}", line.escape_ascii()) };
        let Stamp::Utc(ts) = envelope.stamp else { panic!("{}", line.escape_ascii()) };
        assert!(matches!(envelope.program, b"exchange" | b"microsoft365"), "{}", line.escape_ascii());
        host.record(ts, &read(&envelope), &mut facts);
    }
    let mut hops: Vec<Hop> = facts.hops.into_iter().map(|hop| *hop).collect();
    hops.extend(host.open());
    let steps: usize = link(hops.clone()).iter().map(|journey| journey.steps.len()).sum();
    assert_eq!(steps, hops.len());
}
