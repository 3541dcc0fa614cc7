//! Messages that real servers delivered, held against the truth of who sent them: subjects, senders, attachments, signatures.

use std::collections::BTreeMap;

use serde_json::Value;
use vigie_milter::mime::{Reader, Told};
use vigie_testkit::corpus::{below, gunzip};

/// As a mail server shows it: with the line ends of the network, field by field, and the body in pieces of an odd size.
fn shown(message: &[u8]) -> Told {
    let text: Vec<u8> = message.split_inclusive(|&byte| byte == b'\n').flat_map(with_return).copied().collect();
    let end = text.windows(4).position(|four| four == b"\r\n\r\n").expect("a body");
    let mut reader = Reader::default();
    for field in fields(&text[..end]) {
        let (name, value) = field.split_once(':').expect("a field");
        reader.field(name.as_bytes(), value.strip_prefix(' ').unwrap_or(value).replace("\r\n", "\n").as_bytes());
    }
    reader.end_of_header();
    text[end + 4..].chunks(997).for_each(|piece| reader.body(piece));
    reader.finish()
}

fn with_return(line: &[u8]) -> impl Iterator<Item = &u8> {
    let content = line.strip_suffix(b"\n").unwrap_or(line);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    content.iter().chain(if content.len() < line.len() { &b"\r\n"[..] } else { b"" })
}

fn fields(header: &[u8]) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(header).split("\r\n") {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => *field = format!("{field}\r\n{line}"),
            _ => fields.push(line.to_owned()),
        }
    }
    fields
}

fn protection(crypto: &str) -> (&str, &str) {
    let standard = if crypto.starts_with("smime") { "s/mime" } else { "pgp" };
    if crypto.contains("signed") { (standard, "") } else { ("", standard) }
}

#[test]
fn what_was_sent_is_what_is_told() {
    let mut compared = 0;
    let mut attachments = 0;
    for corpus in below("postfix-chain") {
        let truth: Value =
            serde_json::from_slice(&gunzip(&corpus.dir.join("ground-truth.json.gz"))).expect("the truth");
        let sent: BTreeMap<&str, &Value> = truth["messages"]
            .as_array()
            .expect("messages")
            .iter()
            .map(|message| (message["gt_id"].as_str().expect("an id"), message))
            .collect();
        for (name, message) in corpus.messages() {
            let Some(of) = name.get(..9).and_then(|id| sent.get(id)) else { continue };
            let told = shown(&message);
            let mut whole = Reader::default();
            whole.body(&message);
            let whole = whole.finish();
            assert_eq!(told.subject, of["subject"].as_str().expect("a subject"), "{name}");
            assert_eq!(told.content.header_from, of["header_from"].as_str().expect("an address"), "{name}");
            assert_eq!(Some(&*told.message_id), of["message_id"].as_str(), "{name}");
            let found: Vec<_> = told.content.attachments.iter().map(|of| (&*of.name, &*of.declared, of.size)).collect();
            let parts = of["parts"].as_array().expect("parts").iter();
            let parts: Vec<_> = parts
                .map(|part| {
                    let text = |key: &str| part[key].as_str().expect("a text");
                    (text("filename"), text("content_type"), part["size"].as_u64().expect("a size"))
                })
                .collect();
            assert_eq!(found, parts, "{name}");
            let (signed, encrypted) = of["crypto"].as_str().map_or(("", ""), protection);
            assert_eq!((&*told.content.signed, &*told.content.encrypted), (signed, encrypted), "{name}");
            assert!(!told.content.cut && !told.content.list && !told.content.automatic, "{name}");
            // Line ends and the way in make no difference.
            assert_eq!(whole, told, "{name}");
            compared += 1;
            attachments += parts.len();
        }
    }
    // Nine of each of three runs: two with attachments (4 and 10 of them), seven that are signed or encrypted.
    assert_eq!((compared, attachments), (27, 42));
}

#[test]
fn what_the_first_bytes_say_is_told_beside_what_was_declared() {
    let corpus = below("postfix-chain").into_iter().find(|corpus| corpus.name == "iso-long").expect("a corpus");
    let messages: BTreeMap<String, Vec<u8>> = corpus.messages().into_iter().collect();
    let told = shown(&messages["GT13-0075-attachments.eml"]);
    let sniffed: BTreeMap<&str, &str> = told.content.attachments.iter().map(|of| (&*of.name, &*of.sniffed)).collect();
    for (name, kind) in [
        ("report.pdf", "application/pdf"),
        ("letter.docx", "application/zip"),
        ("photo.png", "image/png"),
        ("notes.txt", ""),
        ("meeting.ics", "text/calendar"),
        ("invoice.pdf.exe", "application/vnd.microsoft.portable-executable"),
    ] {
        assert_eq!(sniffed[name], kind, "{name}");
    }
}

#[test]
fn notices_of_the_mail_server_are_automatic_and_what_they_return_is_no_attachment() {
    let mut notices = 0;
    for corpus in below("postfix-chain") {
        for (name, message) in corpus.messages() {
            if !name.starts_with("dsn-") {
                continue;
            }
            let told = shown(&message);
            assert!(told.content.automatic, "{name}");
            assert_eq!((&*told.content.media_type, told.content.attachments.len()), ("multipart/report", 0), "{name}");
            notices += 1;
        }
    }
    assert_eq!(notices, 24);
}
