//! The target that reads files of a Domino server, and what was written of them.

use vigie_formats::{
    Record,
    domino::counters::sample,
    envelope::{Scratch, parse},
    read,
    transcript::{DateOrder, HEAD_BYTES, Settings, recognise},
};

/// Beginnings by which each kind of file is recognised; the input goes on from there.
const BEGINNINGS: [&[u8]; 6] = [
    b"",
    b"[1D44:0658-0C6C] 01/02/2026 01:52:26   Router: x\n",
    b"20.03.2022 07:36:42   SMTP Server: x\n",
    b"Record #: 1, Name: Domino.MAIL, DescIdx: 3, Timestamp: 01/02/2026 01:52:26\n{\n",
    b"{\"time_unix_nano\":\"1785760554890000000\",\"body\":\"x\",\"scope\":{\"name\":\"domino.event\"}}\n",
    b"# x\nDomino_Mail_Delivered 1\n",
];

/// Any bytes behind any beginning: pieces of any size are one file, what is written are lines that can be read, that come to
/// the same with the correlator saved on the way, and no statement says what is not in its line.
pub fn domino(bytes: &[u8]) {
    let sum = bytes.iter().fold(7usize, |sum, &byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let file = [BEGINNINGS[sum % BEGINNINGS.len()], bytes].concat();
    let orders = [None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst), Some(DateOrder::YearFirst)];
    let settings = Settings {
        host: "hub1".to_owned(),
        dates: orders[sum / 7 % 4],
        modified: (sum % 3) as i64 * 899_372_800_000_000,
        ..Settings::default()
    };
    if let Some(written) = written(&file, &settings, file.len()) {
        assert_eq!(Some(&written), self::written(&file, &settings, 1 + sum / 31 % 97).as_ref(), "cut anywhere");
        written.0.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).for_each(line_of);
        crate::host(&written.0);
    }
    for payload in bytes.split(|&byte| byte == b'\n') {
        for program in
            [&b"domino: "[..], b"domino-activity: ", b"domino-activity: Name=Domino.MAIL\t", b"domino-counters: "]
        {
            said(&[b"2026-01-31T01:52:26 hub1 ", program, payload].concat());
        }
        sample(payload);
    }
}

fn written(file: &[u8], settings: &Settings, piece_bytes: usize) -> Option<(Vec<u8>, Vec<String>)> {
    let mut transcriber = recognise(&file[..file.len().min(HEAD_BYTES)], settings)?;
    let mut out = Vec::new();
    file.chunks(piece_bytes.max(1)).for_each(|piece| transcriber.bytes(piece, &mut out));
    transcriber.finish(&mut out);
    assert!(out.is_empty() || out.ends_with(b"\n"));
    assert!(std::str::from_utf8(&out).is_ok());
    Some((out, transcriber.remarks()))
}

/// A written line has a time, and a program that somebody reads.
fn line_of(line: &[u8]) {
    let mut scratch = Scratch::default();
    let envelope = parse(line, &mut scratch).expect("a line that was written can be opened");
    assert!(envelope.program.starts_with(b"domino"), "{}", line.escape_ascii());
    said(line);
}

fn said(line: &[u8]) {
    let mut scratch = Scratch::default();
    let Some(envelope) = parse(line, &mut scratch) else { return };
    let lies_in = |part: &[u8]| part.is_empty() || envelope.text.as_ptr_range().contains(&part.as_ptr());
    let record = read(&envelope);
    assert!(!(record.is_understood() && record.is_unknown()));
    if let Record::Statement(statement) = &record {
        assert!(statement.word.is_some() || statement.begins, "a statement says something");
        let texts =
            [statement.message_id, statement.client_name, statement.client_ip, statement.network_id, statement.user];
        assert!(texts.into_iter().chain(statement.sender).all(lies_in));
        assert!(
            statement.word.iter().all(|word| word
                .recipients
                .into_iter()
                .chain([word.reply, word.dsn, word.relay_name])
                .all(lies_in))
        );
    }
    vigie_formats::unproven(envelope.program, envelope.text);
}
