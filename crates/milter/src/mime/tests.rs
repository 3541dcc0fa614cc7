//! Messages as they come, and as nobody should send them.

use proptest::prelude::*;

use super::*;

/// A whole message, with `\n` for line ends, as the network has them.
fn read(message: &str) -> Told {
    read_bytes(message.replace('\n', "\r\n").as_bytes())
}

fn read_bytes(message: &[u8]) -> Told {
    let mut reader = Reader::default();
    reader.body(message);
    reader.finish()
}

fn attachments(told: &Told) -> Vec<(&str, &str, u64)> {
    told.content.attachments.iter().map(|of| (&*of.name, &*of.declared, of.size)).collect()
}

fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b\n{part}\n")).collect();
    format!("Content-Type: multipart/{kind}; boundary=b\n\npreamble\n{parts}--b--\nepilogue\n")
}

const TEXT: &str = "Content-Type: text/plain\n\nhello";

#[test]
fn headers_say_what_kind_of_mail_it_is() {
    let told = read(
        "DKIM-Signature: v=1\nFrom: =?utf-8?q?=C3=89=2C?= <a@example.com>\nSubject: =?utf-8?q?caf=C3?=\n =?utf-8?q?=A9?=\n\
         Message-ID: <1@example.com>\nList-Id: <l.example.com>\nAuto-Submitted: auto-generated\nContent-Type: Text/HTML\n\nx",
    );
    let content = &told.content;
    assert_eq!(
        (&*told.subject, &*told.message_id, &*content.header_from),
        ("café", "<1@example.com>", "a@example.com")
    );
    assert_eq!((content.list, content.automatic, content.dkim, &*content.media_type), (true, true, true, "text/html"));
    assert_eq!(read("Subject: x\n\ny").content, Content::default());
}

#[test]
fn what_a_person_wrote_is_not_automatic() {
    for (field, automatic) in [
        ("Auto-Submitted: no", false),
        ("Auto-Submitted: No (by hand)", false),
        ("Auto-Submitted: auto-replied; owner=x", true),
        ("Precedence: bulk", true),
        ("Precedence: first-class", false),
    ] {
        assert_eq!(read(&format!("{field}\n\nx")).content.automatic, automatic, "{field}");
    }
    assert!(read("Precedence: list\n\nx").content.list);
}

#[test]
fn attachments_have_their_decoded_size() {
    let told = read(&multipart(
        "mixed",
        &[
            TEXT,
            "Content-Disposition: attachment; filename=a.bin\nContent-Transfer-Encoding: base64\n\nAAEC\nAwQ=",
            "Content-Type: Text/CSV; name=\"b.csv\"\nContent-Transfer-Encoding: quoted-printable\n\na=3D\nb=\nc",
            "Content-Type: application/pdf\n\n%PDF-1.4",
        ],
    ));
    let expected = [("a.bin", "", 5), ("b.csv", "text/csv", 6), ("", "application/pdf", 8)];
    assert_eq!(attachments(&told), expected);
    assert_eq!(told.content.attachments[2].sniffed, "application/pdf");
}

#[test]
fn a_file_that_is_the_whole_message_is_an_attachment() {
    let told = read("Content-Type: application/pdf; name=x.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n");
    assert_eq!(attachments(&told), [("x.pdf", "application/pdf", 5)]);
}

#[test]
fn what_a_page_shows_is_no_attachment_and_what_apple_shows_inline_is() {
    let logo = "Content-Type: image/png; name=logo.png\nContent-ID: <logo>\nContent-Disposition: inline\n\nx";
    assert_eq!(attachments(&read(&multipart("related", &[TEXT, logo]))), []);
    let inline = "Content-Type: application/pdf\nContent-Disposition: inline; filename=x.pdf\n\nx";
    assert_eq!(attachments(&read(&multipart("mixed", &[TEXT, inline, TEXT]))).len(), 1);
    let invitation = "Content-Type: text/calendar; method=REQUEST; name=invite.ics\n\nBEGIN:VCALENDAR";
    assert_eq!(attachments(&read(&multipart("alternative", &[TEXT, invitation]))), []);
}

#[test]
fn an_attached_message_is_one_and_what_is_attached_to_it_too() {
    let inner = "Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\
                 Content-Disposition: attachment; filename=x\n\nabc\n--c--";
    let told = read(&format!("Subject: outer\n{}", multipart("mixed", &[TEXT, inner, TEXT])));
    let size = inner.replace('\n', "\r\n").len() as u64 - "Content-Type: message/rfc822\r\n\r\n".len() as u64;
    assert_eq!(attachments(&told), [("", "message/rfc822", size), ("x", "", 3)]);
    assert_eq!(told.subject, "outer");
}

#[test]
fn the_parts_of_a_notice_are_no_attachments() {
    let status = "Content-Type: message/delivery-status\n\nAction: failed";
    let returned = "Content-Type: message/rfc822\n\nSubject: x\n\nbody";
    assert_eq!(attachments(&read(&multipart("report", &[TEXT, status, returned]))), []);
}

#[test]
fn a_signature_of_an_attached_message_is_not_of_the_message() {
    let signed = multipart("signed; protocol=\"application/pgp-signature\"", &[TEXT])
        .replace("=b\n", "=c\n")
        .replace("--b", "--c");
    let told = read(&multipart("mixed", &[&format!("Content-Type: message/rfc822\n\n{signed}")]));
    assert_eq!(told.content.signed, "");
    // A list's footer around it changes nothing.
    assert_eq!(read(&multipart("mixed", &[&signed, TEXT])).content.signed, "pgp");
}

#[test]
fn smime_says_in_its_first_bytes_what_it_is_where_the_header_does_not() {
    for (first, signed, encrypted) in [
        ("MIIGQAYJKoZIhvcNAQcCoIIGMTCC", "s/mime", ""),
        ("MIICBgYJKoZIhvcNAQcDoIIB9zCC", "", "s/mime"),
        ("AAAA", "", ""),
    ] {
        let head = "Content-Type: application/x-pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64";
        let told = read(&format!("{head}\nContent-Disposition: attachment; filename=smime.p7m\n\n{first}\n"));
        assert_eq!((&*told.content.signed, &*told.content.encrypted), (signed, encrypted));
        assert_eq!(attachments(&told), []);
    }
}

#[test]
fn pgp_in_the_text_is_seen_through_its_encoding() {
    let told = read("Content-Transfer-Encoding: quoted-printable\n\n=2D----BEGIN PGP SIGNED MESSAGE-----\nHash: x\n");
    assert_eq!(told.content.signed, "pgp");
    assert_eq!(read("\n-----BEGIN PGP MESSAGE-----").content.encrypted, "pgp");
}

#[test]
fn uuencode_is_an_attachment_in_the_text_and_by_its_header() {
    let file = "begin 644 cat.txt\n#0V%T\n`\nend\n";
    assert_eq!(attachments(&read(&format!("\nhello\n{file}"))), [("cat.txt", "", 3)]);
    let part =
        format!("Content-Disposition: attachment; filename=c.txt\nContent-Transfer-Encoding: x-uuencode\n\n{file}");
    assert_eq!(attachments(&read(&multipart("mixed", &[&part]))), [("c.txt", "", 3)]);
}

#[test]
fn a_declared_type_that_lies_stands_beside_what_the_bytes_say() {
    let part = "Content-Type: image/jpeg; name=holiday.jpg\nContent-Transfer-Encoding: base64\n\nTVqQAAMAAAA=";
    let told = read(&multipart("mixed", &[part]));
    let holiday = &told.content.attachments[0];
    assert_eq!(
        (&*holiday.declared, &*holiday.sniffed),
        ("image/jpeg", "application/vnd.microsoft.portable-executable")
    );
}

#[test]
fn an_inner_boundary_that_begins_like_the_outer_one_is_told_apart() {
    let inner = "Content-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Disposition: attachment; filename=x\n\nabc\n--bb--";
    let told = read(&multipart("mixed", &[inner, "Content-Disposition: attachment; filename=y\n\nde"]));
    assert_eq!(attachments(&told), [("x", "", 3), ("y", "", 2)]);
}

#[test]
fn a_multipart_that_is_not_closed_ends_with_the_one_around_it() {
    let inner = "Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Disposition: attachment; filename=x\n\nabc";
    let told = read(&multipart("mixed", &[inner, "Content-Disposition: attachment; filename=y\n\nde"]));
    assert_eq!(attachments(&told), [("x", "", 3), ("y", "", 2)]);
    let cut_off =
        read("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment; filename=x\n\nabc");
    assert_eq!(attachments(&cut_off), [("x", "", 3)]);
    assert!(!cut_off.content.cut);
}

#[test]
fn headers_without_an_end_or_a_meaning_are_survived() {
    for message in [
        "",
        "\n",
        "Subject: x",
        "Content-Type: multipart/mixed\n\n--\n",
        "Content-Type: multipart/mixed; boundary=\n\n----\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n--b--\n--b--\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b--",
        "no field at all\n\n",
        ": x\n\n",
    ] {
        assert_eq!(attachments(&read(message)), [], "{message:?}");
    }
}

#[test]
fn ten_thousand_parts_are_not_all_looked_at() {
    let part = "--b\nContent-Disposition: attachment; filename=x\n\n\n";
    let told = read(&format!("Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n{}", part.repeat(10_000)));
    assert_eq!((told.content.attachments.len(), told.content.cut), (ATTACHMENTS_MAX, true));
    let empty = read(&format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n\n".repeat(10_000)));
    assert!(empty.content.cut);
}

#[test]
fn two_hundred_multiparts_in_each_other_are_not_all_opened() {
    let nested = |depth: usize| {
        let open: String =
            (0..depth).map(|at| format!("Content-Type: multipart/mixed; boundary=b{at}\n\n--b{at}\n")).collect();
        read(&format!("{open}Content-Disposition: attachment; filename=x\n\nabc\n"))
    };
    assert_eq!((attachments(&nested(NESTING_MAX)), nested(NESTING_MAX).content.cut), (vec![("x", "", 5)], false));
    assert_eq!((attachments(&nested(200)), nested(200).content.cut), (vec![], true));
    let messages = read(&"Content-Type: message/rfc822\n\n".repeat(10_000));
    assert!(messages.content.cut && messages.content.attachments.len() == ATTACHMENTS_MAX);
}

#[test]
fn a_header_line_of_a_megabyte_takes_no_megabyte() {
    let long = "x".repeat(1 << 20);
    let told = read(&format!(
        "Subject: {long}\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment; filename={long}\n\n"
    ));
    assert_eq!(told.subject.len(), SUBJECT_BYTES_MAX);
    assert_eq!(told.content.attachments[0].name.len(), NAME_BYTES_MAX);
}

#[test]
fn a_line_of_the_most_that_is_told_fits_into_a_line() {
    let part = format!(
        "--b\nContent-Type: a/{0}\nContent-Disposition: attachment; filename=\"{1}\"\n\n",
        "t".repeat(125),
        "\\\\".repeat(300)
    );
    let head = format!("Subject: {0}\nMessage-ID: <{0}>\nFrom: {0}@x\n", "\"".repeat(990));
    let told = read(&format!("{head}Content-Type: multipart/mixed; boundary=b\n\n{}", part.repeat(200)));
    let inside = vigie_formats::Inside {
        queue_id: vigie_model::QueueId::new(&[b'Q'; 32]).unwrap(),
        message_id: told.message_id.clone(),
        subject: told.subject.clone(),
        content: Box::new(told.content),
    };
    assert_eq!(inside.content.attachments.len(), ATTACHMENTS_MAX);
    let payload = vigie_formats::milter::payload(&inside);
    assert!(payload.len() + 1024 < vigie_sources::LINE_BYTES_MAX, "{}", payload.len());
}

/// A message made of pieces that matter to the reader, in any order.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        Just("Content-Type: multipart/mixed; boundary=b\r\n".to_owned()),
        Just("Content-Type: multipart/related;\r\n boundary=\"b b\"\r\n".to_owned()),
        Just("Content-Type: message/rfc822\r\n".to_owned()),
        Just("Content-Disposition: attachment; filename=x\r\n".to_owned()),
        Just("Content-Transfer-Encoding: base64\r\n".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("--b\r\n".to_owned()),
        Just("--b b--\r\n".to_owned()),
        Just("--b--\n".to_owned()),
        Just("begin 644 f\r\n#0V%T\r\n".to_owned()),
        Just("QUJD=\r\n".to_owned()),
        Just("=\r".to_owned()),
        (1020usize..1030).prop_map(|length| format!("{}\r\n", "y".repeat(length))),
        "[ -~]{0,20}",
    ];
    proptest::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn what_is_found_does_not_depend_on_how_the_body_is_cut(message in hostile(), cuts in proptest::collection::vec(1usize..50, 1..50)) {
        let whole = read_bytes(&message);
        let mut reader = Reader::default();
        let (mut rest, mut cuts) = (&message[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            reader.body(piece);
            rest = after;
        }
        prop_assert_eq!(reader.finish(), whole);
    }

    #[test]
    fn any_bytes_are_read(message in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let told = read_bytes(&message);
        prop_assert!(told.content.attachments.len() <= ATTACHMENTS_MAX);
    }
}
