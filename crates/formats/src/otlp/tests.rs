//! Bodies as shippers send them, whole and broken.

use proptest::prelude::*;

use super::*;
use crate::envelope::{self, Stamp};

/// 2026-11-22T09:30:00.000001Z
const TIME: u64 = 1_795_339_800_000_001_000;

/// Protobuf written by hand, so that the reader is not compared with itself.
fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, value) in fields {
        bytes.push(number << 3 | 2);
        let mut length = value.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(value);
    }
    bytes
}

fn text(value: &str) -> Vec<u8> {
    message(&[(1, value.as_bytes())])
}

fn attribute(name: &str, value: &[u8]) -> Vec<u8> {
    message(&[(1, name.as_bytes()), (2, value)])
}

/// A record with this body, at [`TIME`].
fn record(body: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![1 << 3 | 1];
    bytes.extend(TIME.to_le_bytes());
    bytes.extend(message(&[(5, body)]));
    attributes.iter().for_each(|attribute| bytes.extend(message(&[(6, attribute)])));
    bytes
}

fn request(resource: &[Vec<u8>], records: &[Vec<u8>]) -> Vec<u8> {
    let resource: Vec<u8> = resource.iter().flat_map(|attribute| message(&[(1, attribute)])).collect();
    let records: Vec<u8> = records.iter().flat_map(|record| message(&[(2, record)])).collect();
    // The records first: the order is free.
    message(&[(1, &message(&[(2, &records), (1, &resource)]))])
}

fn read(body: &[u8]) -> Batch {
    Batch::read(body, Encoding::Protobuf, "intake").expect("a request")
}

/// Host, program, process, text and time of the one line of a batch.
fn said(batch: &Batch) -> (String, String, u32, String, Stamp) {
    assert_eq!(
        batch.lines.iter().filter(|byte| **byte == b'\n').count(),
        1,
        "{:?}",
        batch.lines.escape_ascii().to_string()
    );
    let line = batch.lines.strip_suffix(b"\n").expect("its newline");
    let mut scratch = Scratch::default();
    let envelope = envelope::parse(line, &mut scratch).expect("a line that is read");
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (words(envelope.host), words(envelope.program), envelope.pid, words(envelope.text), envelope.stamp)
}

fn at_time(host: &str, program: &str, pid: u32, text: &str) -> (String, String, u32, String, Stamp) {
    (host.into(), program.into(), pid, text.into(), Stamp::Utc((TIME / 1000).cast_signed()))
}

#[test]
fn a_syslog_line_stays_as_it_is() {
    for line in [
        "Nov 22 09:30:00 mx1 postfix/smtpd[7]: connect from a",
        "<22>1 2026-11-22T09:30:00Z mx1 postfix/smtpd 7 - - connect from a",
        "2026-11-22T09:30:00.1+01:00 mx1 postfix/smtpd[7]: connect from a",
        r#"{"__REALTIME_TIMESTAMP":"1795339800000001","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/smtpd","MESSAGE":"x"}"#,
    ] {
        let body = request(&[attribute("host.name", &text("gateway"))], &[record(&text(&format!("{line}\n")), &[])]);
        assert_eq!(String::from_utf8(read(&body).lines).expect("text"), format!("{line}\n"));
    }
}

#[test]
fn a_journal_entry_becomes_the_line_of_the_journal() {
    let entry = message(&[
        (1, &attribute("_HOSTNAME", &text("mx1"))),
        (1, &attribute("SYSLOG_IDENTIFIER", &text("postfix/qmgr"))),
        (1, &attribute("_PID", &text("9"))),
        (1, &attribute("_COMM", &text("qmgr"))),
        (1, &attribute("MESSAGE", &text("4fPqXk0d5Zz1Y5Q7: removed\nand more"))),
    ]);
    let body = request(&[], &[record(&message(&[(6, &entry)]), &[])]);
    assert_eq!(said(&read(&body)), at_time("mx1", "postfix/qmgr", 9, "4fPqXk0d5Zz1Y5Q7: removed\nand more"));
}

#[test]
fn a_bare_text_gets_what_record_and_resource_say() {
    let resource = [attribute("host.name", &text("mx1")), attribute("service.name", &text("unknown_service:x"))];
    let attributes = [attribute("syslog.appname", &text("postfix/smtpd")), attribute("process.pid", &[3 << 3, 77])];
    let body = request(&resource, &[record(&text("connect from a"), &attributes)]);
    assert_eq!(said(&read(&body)), at_time("mx1", "postfix/smtpd", 77, "connect from a"));
}

#[test]
fn a_text_with_a_tag_and_no_host_belongs_to_its_sender() {
    let body = request(&[], &[record(&text("postfix/smtpd[8]: connect from a"), &[])]);
    assert_eq!(said(&read(&body)), at_time("intake", "postfix/smtpd", 8, "connect from a"));
    let body = request(&[], &[record(&text("<22>postfix/smtpd[8]: connect from a"), &[])]);
    assert_eq!(said(&read(&body)), at_time("intake", "postfix/smtpd", 8, "connect from a"));
}

#[test]
fn a_line_of_dovecots_own_log_gets_the_host_of_its_resource() {
    let resource = [attribute("host.name", &text("store1"))];
    let body = request(&resource, &[record(&text("Nov 22 10:30:00 imap(u)<1><x>: Info: Logged out"), &[])]);
    assert_eq!(said(&read(&body)), at_time("store1", "imap(u)<1><x>", 0, "Info: Logged out"));
}

#[test]
fn line_ends_and_bytes_in_a_body_make_no_second_line() {
    let body = request(&[], &[record(&text("Nov 22 09:30:00 mx1 a[1]: one\ntwo\0"), &[])]);
    assert_eq!(read(&body).lines, b"Nov 22 09:30:00 mx1 a[1]: one#012two\n");
    let body = request(&[], &[record(&message(&[(7, b"one\n\xFFtwo")]), &[])]);
    assert_eq!(said(&read(&body)).3, "one\n\u{FFFD}two");
}

#[test]
fn what_gives_no_line_is_counted() {
    let untimed = message(&[(5, &text("words"))]);
    let body = request(&[], &[record(&[], &[]), untimed, record(&text(" words"), &[])]);
    let batch = read(&body);
    assert_eq!((batch.taken, batch.rejected, batch.rejection), (1, 2, Some(Rejection::NoText)));
}

#[test]
fn the_hash_tells_batches_apart_and_knows_one_again() {
    let line = text("Nov 22 09:30:00 mx1 postfix/smtpd[7]: connect from a");
    let mut later = record(&line, &[]);
    later[1] += 1;
    let (one, other) = (request(&[], &[record(&line, &[])]), request(&[], &[later]));
    assert_eq!(read(&one).lines, read(&other).lines);
    assert_ne!(read(&one).hash, read(&other).hash, "the same second, another nanosecond");
    assert_eq!(read(&one).hash, read(&one).hash);
    assert_ne!(read(&one).hash, read(&request(&[], &[record(&line, &[]), record(&line, &[])])).hash);
}

#[test]
fn json_reads_as_protobuf_does() {
    let json = r#"{"resourceLogs":[{"scopeLogs":[{"scope":{},"logRecords":[
        {"timeUnixNano":"1795339800000001000","severityNumber":9,"body":{"stringValue":"connect from \"a\""},
         "attributes":[{"value":{"intValue":"77"},"key":"process.pid"},{"key":"appname","value":{"stringValue":"postfix/smtpd"}},
           {"key":"log","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}}], "traceId":""}]}],
        "resource":{"attributes":[{"key":"host.name","value":{"stringValue":"mx1"}}]}}]}"#;
    let batch = Batch::read(json.as_bytes(), Encoding::Json, "intake").expect("a request");
    assert_eq!(said(&batch), at_time("mx1", "postfix/smtpd", 77, "connect from \"a\""));
    let attributes = [attribute("process.pid", &[3 << 3, 77]), attribute("appname", &text("postfix/smtpd"))];
    let body = request(&[attribute("host.name", &text("mx1"))], &[record(&text("connect from \"a\""), &attributes)]);
    assert_eq!(read(&body), batch);
}

#[test]
fn json_maps_bytes_and_plain_numbers_are_read() {
    let json = r#"{"resourceLogs":[{"resource":null,"scopeLogs":[{"logRecords":[
        {"timeUnixNano":1795339800000001000,"body":{"kvlistValue":{"values":[{"key":"MESSAGE","value":{"bytesValue":"aGVsbG8="}}]}}}]}]}]}"#;
    let batch = Batch::read(json.as_bytes(), Encoding::Json, "intake").expect("a request");
    assert_eq!(said(&batch), at_time("intake", "", 0, "hello"));
}

#[test]
fn what_is_no_request_is_refused() {
    let map = "{\"kvlistValue\":{\"values\":[{\"value\":";
    let deep = format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{}", map.repeat(100_000));
    for json in ["", "{", "[]", "{\"resourceLogs\":7}", "{} x", "\u{FEFF}{}", &deep] {
        assert_eq!(Batch::read(json.as_bytes(), Encoding::Json, "x"), Err(OtlpError::Damaged), "{json:.80}");
    }
    let lying = [1 << 3 | 2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0];
    for body in [&lying[..], &[1 << 3 | 2], &[0x0B], &[0xFF; 12], &[1 << 3 | 1, 0]] {
        assert_eq!(Batch::read(body, Encoding::Protobuf, "x"), Err(OtlpError::Damaged), "{body:?}");
    }
    for (body, encoding) in
        [(&b""[..], Encoding::Protobuf), (b"{}", Encoding::Json), (b"{\"resourceLogs\":[]}", Encoding::Json)]
    {
        let batch = Batch::read(body, encoding, "x").expect("an empty request");
        assert_eq!((batch.taken, batch.rejected), (0, 0));
    }
}

#[test]
fn many_small_records_and_long_names_are_bounded() {
    let many = request(&[], &vec![Vec::new(); RECORDS_MAX + 1]);
    assert_eq!(Batch::read(&many, Encoding::Protobuf, "x"), Err(OtlpError::Records));
    let json =
        format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{}{{}}]}}]}}]}}", "{},".repeat(RECORDS_MAX));
    assert_eq!(Batch::read(json.as_bytes(), Encoding::Json, "x"), Err(OtlpError::Records));
    let name = "h".repeat(255);
    let resource = [attribute("host.name", &text(&name)), attribute("service.name", &text(&name))];
    let body = request(&resource, &vec![record(&text("x"), &[]); 60_000]);
    assert_eq!(Batch::read(&body, Encoding::Protobuf, "x"), Err(OtlpError::Lines));
    let long = request(&[], &[record(&text(&"\u{1}".repeat(1 << 20)), &[])]);
    assert!(read(&long).lines.len() <= 64 * 1024 + 1);
}

proptest! {
    #[test]
    fn any_text_is_one_line(body in ".{0,200}", host in ".{0,20}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let resource = [attribute("host.name", &text(&host))];
        let batch = read(&request(&resource, &[record(&text(&body), &[]), record(&message(&[(7, &bytes)]), &[])]));
        prop_assert_eq!(batch.taken + batch.rejected, 2);
        prop_assert_eq!(batch.lines.iter().filter(|byte| **byte == b'\n').count() as u64, batch.taken);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Batch::read(&bytes, Encoding::Protobuf, "x");
        let _ = Batch::read(&bytes, Encoding::Json, "x");
    }
}
