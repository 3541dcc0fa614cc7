//! Every shape of line, each with the ways in which it may be misread.

use super::*;

fn statement(text: &str) -> Statement<'_> {
    match parse(text.as_bytes()) {
        Record::Statement(statement) => *statement,
        other => panic!("{text}: {other:?}"),
    }
}

fn refusal(text: &str) -> Refused<'_> {
    match parse(text.as_bytes()) {
        Record::Refused(refused) => refused,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_arrival_names_its_client_and_counts_its_recipients() {
    for (text, ip) in [
        (
            "SOQtUHCcf80 from=a@b.example queued ip=127.0.0.60:60089 to=[full@example.com dev1@example.com]",
            "127.0.0.60",
        ),
        (
            "SOQtUHCcf80 from=a@b.example queued ip=[2001:db8::1]:60089 to=[full@example.com dev1@example.com]",
            "2001:db8::1",
        ),
    ] {
        let arrived = statement(text);
        assert_eq!((arrived.begins, arrived.arrival, arrived.recipient_count), (true, Arrival::Server, Some(2)));
        assert_eq!((arrived.client_ip, arrived.sender), (ip.as_bytes(), Some(&b"a@b.example"[..])));
    }
}

#[test]
fn a_login_and_the_message_that_follows_it_share_their_session() {
    let arrived = statement("QAGvmLNxGjE from=ops1@example.com queued ip=127.0.0.70:58845 to=[bob@grey.example.net]");
    match parse(b"127.0.0.70:58845 auth succeeded for ops1@example.com") {
        Record::Session(session) => {
            assert_eq!((Some(session.key), session.user), (arrived.session, &b"ops1@example.com"[..]));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(parse(b"127.0.0.1:55082 auth failed for ops1@example.com"), Record::Known);
}

#[test]
fn tries_and_their_answers() {
    let text = "_4OBVdBE5Z4 from=ops1@example.com to=r550-x@partner.example.net failed (permanent): MAIL+RCPT 550 5.1.1 <r550-x@partner.example.net>: Recipient refused";
    let word = statement(text).word.unwrap();
    assert_eq!((word.status, word.dsn), (Status::Final(Outcome::Bounced), &b"5.1.1"[..]));
    let text = "7e2ktNXm6vs from=ops1@example.com to=gone@dead.example.net failed (temporary): all MXs returned transient failures (last: Could not dial: dial tcp 127.0.0.54:25: connect: connection refused)";
    let word = statement(text).word.unwrap();
    assert_eq!((word.status, word.dsn), (Status::Deferred, &b""[..]));
    assert!(word.reply.starts_with(b"all MXs"));
}

/// An alias may be a program, whose command line stands where the address does.
#[test]
fn a_recipient_with_spaces() {
    let mut word = statement("yQ0 from=a@b.example to=/bin/sleep 0.2 sent").word.unwrap();
    assert_eq!((word.recipients.next(), word.recipients.next()), (Some(&b"/bin/sleep 0.2"[..]), None));
}

/// The words after a failure are another server's, who may write what he likes.
#[test]
fn words_that_imitate_another_line() {
    for words in ["x queued ip=192.0.2.1:25 to=[a@b]", "x to=z@example.com sent", "x all done"] {
        let text = format!("yQ0 from=a@b.example to=c@d.example failed (temporary): {words}");
        let told = statement(&text);
        assert_eq!((told.begins, told.end), (false, End::Later));
        let mut word = told.word.unwrap();
        assert_eq!((word.recipients.next(), word.reply), (Some(&b"c@d.example"[..]), words.as_bytes()));
    }
}

#[test]
fn refusals_and_their_stages() {
    let refused =
        refusal("127.0.0.60:39899 rejected from=a@b.example to=[nobody@example.com] - local user does not exist");
    assert_eq!((refused.stage, refused.code, refused.dsn), (&b"RCPT"[..], 0, &b""[..]));
    assert_eq!(
        (refused.transaction.recipient, refused.transaction.sender),
        (&b"nobody@example.com"[..], &b"a@b.example"[..])
    );
    let refused = refusal("127.0.0.60:48685 rejected from=ceo@forged.example.net - failed SPF: matched all");
    assert_eq!((refused.stage, refused.transaction.recipient), (&b"MAIL"[..], &b""[..]));
    let refused = refusal(
        "127.0.0.60:48751 rejected from=<> to=[dev1@example.com ops1@example.com] - 5.4.6 Loop detected (50 hops)",
    );
    assert_eq!(
        (refused.stage, refused.dsn, refused.transaction.sender),
        (&b"END-OF-MESSAGE"[..], &b"5.4.6"[..], &b""[..])
    );
    assert_eq!(refused.transaction.recipient, b"", "the whole message");
}

#[test]
fn the_daemons_own_words_are_known_and_others_are_counted() {
    for text in [
        "daemon listening on 127.0.0.4:25",
        "_ queue.go:308       Queue.SendLoop yxtxNAvohys: from <>",
        "SOQtUHCcf80 from=a@b.example completed loop, next in 1m57s",
    ] {
        assert_eq!(parse(text.as_bytes()), Record::Known, "{text}");
    }
    for text in
        ["", "x", "from=a@b", "SOQtUHCcf80 from=", "a b from=c all done", "1.2.3.4:5 rejected", "yQ0 from=a sent"]
    {
        assert_eq!(parse(text.as_bytes()), Record::Unknown, "{text}");
    }
}
