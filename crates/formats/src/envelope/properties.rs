//! What holds for any bytes: no panic, no slice from elsewhere, no value outside its range.

use proptest::prelude::*;

use super::{Envelope, Scratch, Stamp, parse};

/// Pieces that envelopes are made of, so that random lines reach deep.
const PIECES: &[&[u8]] = &[
    b"Mar  2 10:00:00",
    b"2026-03-02T10:00:00",
    b"2026-03-02 10:00:00",
    b"+02:00",
    b".123456",
    b" ",
    b": ",
    b"[",
    b"]",
    b"]:",
    b"(",
    b")",
    b"<22>",
    b"1 ",
    b"- ",
    b"h",
    b"docker[1]: ",
    b"postfix/smtpd[123]: ",
    b"message repeated 2 times: [",
    b"[ID 801593 mail.info]",
    b"{",
    b"}",
    b"\"",
    b"\\",
    b"\\ud83d",
    b":",
    b",",
    b"\"MESSAGE\":",
    b"\"_PID\":",
    b"\0",
    b"\r",
    b"\xFF",
];

fn holds(raw: &[u8]) {
    let mut scratch = Scratch::default();
    scratch.bytes.reserve(raw.len() * 3 + 16);
    let room = scratch.bytes.as_ptr()..scratch.bytes.as_ptr().wrapping_add(scratch.bytes.capacity());
    if let Some(Envelope { host, program, text, repeated, stamp, .. }) = parse(raw, &mut scratch) {
        for slice in [host, program, text] {
            let ends = slice.as_ptr_range();
            let in_scratch = room.start <= ends.start && ends.end <= room.end;
            let in_line = raw.as_ptr_range().start <= ends.start && ends.end <= raw.as_ptr_range().end;
            assert!(slice.is_empty() || in_line || in_scratch);
        }
        assert!(repeated >= 1);
        if let Stamp::Local { month, day, micros_of_day, .. } = stamp {
            assert!((1..=12).contains(&month) && (1..=31).contains(&day));
            assert!((0..=86_400_999_999).contains(&micros_of_day));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_safe(raw in prop::collection::vec(any::<u8>(), 0..300)) {
        holds(&raw);
    }

    #[test]
    fn any_mixture_of_pieces_is_safe(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..16)) {
        holds(&pieces.concat());
    }

    #[test]
    fn any_byte_changed_or_cut_is_safe(at in 0usize..200, byte: u8, cut in 0usize..200) {
        for line in [
            &b"Mar  2 10:00:00 edge1 postfix/smtpd[123]: message repeated 2 times: [ connect from a[1.2.3.4]]"[..],
            b"2026-03-02T10:00:00.123456+02:00 edge1 docker[1]: Mar  2 10:00:00 h lmtp(a b)<1><x>: t",
            br#"<22>1 2026-03-02T10:00:00Z h p 1 - [a k="v\"]"] t"#,
            br#"{"__REALTIME_TIMESTAMP":"1772445600000001","_PID":5,"MESSAGE":[72,105],"SYSLOG_IDENTIFIER":"a\u00e9"}"#,
        ] {
            let mut line = line.to_vec();
            let place = at % line.len();
            line[place] = byte;
            line.truncate(cut.max(1));
            holds(&line);
        }
    }
}
