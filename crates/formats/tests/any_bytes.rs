//! Whatever the bytes: nothing panics, and nothing is told that is not in the line.

use jiff::tz::TimeZone;
use proptest::{prelude::*, test_runner::RngSeed};
use vigie_formats::{
    Record,
    calendar::Calendar,
    dovecot,
    envelope::{self, Envelope, Scratch, Stamp},
    filter, postfix, read, refusal, shape, subject,
};

/// The same cases every time.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_261_122),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

const TAGS: &[&str] = &[
    "postfix/smtpd",
    "postfix/smtp",
    "postfix/qmgr",
    "postfix/cleanup",
    "postfix/pickup",
    "postfix/bounce",
    "postfix/postsuper",
    "postfix/postscreen",
    "postfix/anvil",
    "dovecot",
    "lmtp(u)<1><s>",
    "amavis",
    "rspamd",
    "sendmail",
    "smtpd",
    "exim",
    "cron",
];

/// Pieces of real lines, in any order, with bytes between them.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "3A1B29E001: ",
        "4fPqXk0d5Zz1Y5Q7: ",
        "NOQUEUE: ",
        "client=h[192.0.2.1]",
        ", orig_queue_id=",
        "uid=0 from=<",
        "message-id=<",
        "from=<a@b>",
        ", size=",
        ", nrcpt=",
        "to=<c@d>",
        ", relay=",
        "h[::1]:25",
        ", delay=",
        ", delays=1/2/3/4",
        ", dsn=2.0.0",
        ", status=sent (",
        "queued as ",
        "forwarded as ",
        "reject: ",
        "RCPT from h[1.2.3.4]: ",
        "550 5.7.1 ",
        "; from=<",
        "> to=<",
        "> proto=ESMTP helo=<",
        "warning: header Subject: ",
        " from local",
        "removed",
        "(1-2) ",
        "Passed ",
        "Queue-ID: ",
        "queued_as: ",
        "rspamd_task_write_log: ",
        "qid: <",
        "(default: ",
        "lmtp(u)<1><s:T1:R2>: ",
        "msgid=<",
        ">: ",
        "saved mail to",
        "sender non-delivery notification: ",
        "6AM4xQEt021812: ",
        ", nrcpts=1, msgid=<",
        "to=<a@b>,<c@d>, ctladdr=",
        ", mailer=esmtp, pri=1",
        ", stat=Sent (",
        ", stat=Deferred",
        " Message accepted",
        "DSN: Cannot send message for ",
        "clone: owner=",
        "ruleset=check_rcpt, arg1=<",
        ", reject=",
        "Milter: to=<",
        ", discard",
        "... ",
        "0905aa85f3467cf6 ",
        "smtp message msgid=21ec9db6 ",
        "smtp event=",
        "mta delivery evpid=21ec9db6b401fa8f ",
        " rcpt=<-> ",
        " result=\"Ok\" stat=\"",
        "relay: Ok for 21ec9db6b401fa8f: ",
        "smtp-in: Failed command on session ",
        "command=\"RCPT TO:<",
        "proxy-reject: ",
        "1xUzfh-0005eu-36 ",
        "2026-11-22 04:59:25 ",
        "[1/2] ",
        "<= a@b H=h (x) [192.0.2.1]:25 ",
        "=> b <c@d> ",
        "** ",
        "== ",
        " defer (-54)",
        "T=\"a \\",
        " for a@b ",
        "H=h [::1] F=<a@b> rejected ",
        "RCPT <c@d>: ",
        "Completed",
        "\"",
        "<",
        ">",
        "[",
        "]",
        "(",
        ")",
        ":",
        ";",
        "=",
        ",",
        "/",
    ]);
    let piece = prop_oneof![6 => words.prop_map(|word| word.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..12)];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Does the part lie in the whole, and not only equal a part of it?
fn lies_in(part: &[u8], whole: &[u8]) -> bool {
    part.is_empty() || whole.as_ptr_range().contains(&part.as_ptr()) && part.len() <= whole.len()
}

proptest! {
    #![proptest_config(cases(30_000))]

    #[test]
    fn any_payload_of_any_program_is_read(tag in prop::sample::select(TAGS), text in payload()) {
        let line = [b"Mar  2 10:00:00 h ", tag.as_bytes(), b"[1]: ", &text].concat();
        let mut scratch = Scratch::default();
        if let Some(envelope) = envelope::parse(&line, &mut scratch) {
            let record = read(&envelope);
            prop_assert!(!(record.is_understood() && record.is_unknown()));
            if let Some(id) = record.queue_id() {
                let text = String::from_utf8_lossy(&line).into_owned();
                prop_assert!(text.contains(id.as_str()), "{id} in {text}");
            }
        }
    }

    #[test]
    fn what_a_postfix_line_tells_lies_in_it(tag in prop::sample::select(&TAGS[..9]), text in payload()) {
        let origin = postfix::origin(tag.as_bytes()).expect("a tag of Postfix");
        let parts: Vec<&[u8]> = match postfix::parse(&origin, &text) {
            postfix::Record::Delivery(d) => vec![d.recipient, d.orig_recipient, d.relay, d.dsn, d.reply],
            postfix::Record::Refused(r) => vec![r.stage, r.text, r.dsn, r.transaction.sender, r.transaction.recipient, r.transaction.helo],
            postfix::Record::Header(h) => vec![h.name, h.value, h.text, h.transaction.sender],
            postfix::Record::Arrived(a) => vec![a.client_name, a.client_ip, a.user],
            postfix::Record::MessageId { id, .. } => vec![id],
            postfix::Record::Active { sender, .. } | postfix::Record::PickedUp { sender, .. } => vec![sender],
            _ => vec![],
        };
        prop_assert!(parts.into_iter().all(|part| lies_in(part, &text)));
    }

    #[test]
    fn helpers_take_any_bytes(text in payload()) {
        prop_assert!(shape(&text).len() < 200);
        prop_assert!(subject::readable(&text).len() <= 3 * text.len());
        prop_assert!(refusal::reason(&text).len() <= text.len() + 20);
        let _ = (dovecot::parse(b"dovecot", &text), refusal::reply(&text));
    }

    #[test]
    fn what_a_filter_tells_lies_in_its_line(program in prop::sample::select(&filter::PROGRAMS[..]), text in payload()) {
        let envelope = Envelope { stamp: Stamp::None, host: b"", program: program.as_bytes(), pid: 0, text: &text, repeated: 1 };
        if let Record::Filter(verdict) = read(&envelope) {
            prop_assert!(lies_in(verdict.message_id, &text) && lies_in(verdict.tag, &text));
            prop_assert!(verdict.text().len() <= text.len() + 100 && verdict.requeued_as.len() <= text.len());
        }
    }

    #[test]
    fn any_line_is_opened_and_placed(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6)) {
        let mut scratch = Scratch::default();
        let mut calendar = Calendar::new(TimeZone::UTC, 2026);
        for line in &lines {
            if let Some(envelope) = envelope::parse(line, &mut scratch) {
                calendar.resolve(&envelope.stamp);
            }
        }
    }
}
