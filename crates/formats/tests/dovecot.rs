//! Lines of Dovecot's LMTP, LDA and Sieve, in the forms of 2.2, 2.3 and 2.4. Numbers are those of the list of traps in the notes.

use vigie_formats::{
    Record,
    dovecot::{self, Action, Stored},
    envelope::{self, Scratch},
    read,
};
use vigie_model::QueueId;

fn stored<T>(line: &str, check: impl FnOnce(&Stored<'_>) -> T) -> T {
    let mut scratch = Scratch::default();
    match read(&envelope::parse(line.as_bytes(), &mut scratch).expect("an envelope")) {
        Record::Dovecot(dovecot::Record::Stored(stored)) => check(&stored),
        other => panic!("{line}: {other:?}"),
    }
}

fn session(text: &str) -> Option<QueueId> {
    QueueId::new(text.as_bytes())
}

/// The prefixes of three versions, by syslog and in Dovecot's own file, with and without parts of a second.
#[test]
fn who_it_was_for_in_all_prefixes() {
    for (line, wanted) in [
        ("Mar  2 10:00:00 h dovecot: lmtp(77, bob): S1a: msgid=<m@b>: saved mail to INBOX", "S1a"),
        ("Mar  2 10:00:00 h dovecot: lmtp(bob)<77><S1a>: msgid=<m@b>: saved mail to INBOX", "S1a"),
        ("Mar  2 10:00:00 h dovecot[12]: lmtp(bob)<77><S1a:T2:R3>: msgid=<m@b>: saved mail to INBOX", "S1a:T2"),
        ("Mar  2 10:00:00 lmtp(77, bob): Info: S1a: msgid=<m@b>: saved mail to INBOX", "S1a"),
        ("Mar  2 10:00:00 lmtp(bob)<77><S1a>: Info: msgid=<m@b>: saved mail to INBOX", "S1a"),
        ("2026-03-02 10:00:00 lmtp(bob)<77><S1a>: Info: msgid=<m@b>: saved mail to INBOX", "S1a"),
        ("Mar 02 10:00:00.123456 lmtp(bob)<77><S1a>: Info: msgid=<m@b>: saved mail to INBOX", "S1a"),
    ] {
        stored(line, |stored| {
            assert_eq!((stored.user, stored.message_id), (&b"bob"[..], &b"<m@b>"[..]), "{line}");
            assert_eq!((stored.session, stored.action), (session(wanted), Action::Saved), "{line}");
        });
    }
}

/// Trap 18: what Sieve discards is a mail, or only an answer to one (Pigeonhole 0.5: ext-vacation, cmd-redirect, ext-reject).
#[test]
fn sieve_actions_by_how_they_begin() {
    for (words, action) in [
        ("stored mail into mailbox 'INBOX'", Action::Saved),
        ("fileinto action: stored mail into mailbox 'rejected'", Action::Saved),
        (
            "discard action: Marked message to be discarded if not explicitly delivered (discard action)",
            Action::Discarded,
        ),
        ("redirect action: forwarded to <dev2@example.com>", Action::Forwarded(b"dev2@example.com")),
        ("redirect action: discarded duplicate forward to <dev2@example.com>", Action::Discarded),
        ("reject action: rejected message from <a@b.example> (reject)", Action::Rejected),
        ("vacation action: sent vacation response to <a@b.example>", Action::Note),
        ("vacation action: discarded duplicate vacation response to <a@b.example>", Action::Note),
        ("discarding vacation response to mailinglist recipient <a@b.example>", Action::Note),
        ("discarded vacation reply to own address <a@b.example>", Action::Note),
        ("failed to redirect message to <a@b.example>: try again (temporary failure)", Action::Note),
    ] {
        let line = format!("Mar  2 10:00:00 h dovecot: lmtp(bob)<77><S1a>: sieve: msgid=<m@b>: {words}");
        stored(&line, |stored| assert_eq!((stored.action, stored.text), (action, words.as_bytes()), "{words}"));
    }
    let full = "Mar  2 10:00:00 h dovecot: lmtp(bob)<77><S1a>: msgid=<m@b>: save failed to INBOX: Quota exceeded (mailbox for user is full)";
    stored(full, |stored| assert_eq!(stored.action, Action::Rejected));
}

/// A site's own `deliver_log_format`, and an id that is cut.
#[test]
fn other_delivery_formats() {
    for (text, id) in [
        (
            "from=a@b.example, to=bob@example.com, size=123, msgid=<m@b>, delivery_time=15, session_time=20, saved mail to INBOX",
            "<m@b>",
        ),
        ("mail from a@b.example: msgid=<m@b> saved mail to INBOX", "<m@b>"),
        ("msgid=<m@b> (added by postmaster@b.example): saved mail to INBOX", "<m@b>"),
        ("msgid=unspecified: saved mail to INBOX", "unspecified"),
        ("msgid=7a91f8d9-7f2d: saved mail to INBOX", "7a91f8d9-7f2d"),
        ("msgid=: saved mail to INBOX", ""),
        ("msgid=<aaaaaaaaaa...: saved mail to INBOX", "<aaaaaaaaaa..."),
        ("msgid=<m@b>: saved mail to INBOX 12345.M1P77.mbx1 bob@example.com", "<m@b>"),
    ] {
        stored(&format!("Mar  2 10:00:00 h dovecot: lda(bob)<77><S1a>: {text}"), |stored| {
            assert_eq!((std::str::from_utf8(stored.message_id), stored.action), (Ok(id), Action::Saved), "{text}");
        });
    }
}

/// Trap 17: a message id that imitates the end of itself and an action.
#[test]
fn action_within_a_message_id_is_not_one() {
    let line = "Mar  2 10:00:00 h dovecot: lmtp(bob)<77><S1a>: msgid=<m@b>: discarded message: x@b.example>: saved mail to INBOX";
    stored(line, |stored| {
        assert_eq!((stored.action, stored.message_id), (Action::Saved, &b"<m@b>: discarded message: x@b.example>"[..]));
    });
}

#[test]
fn new_words_on_a_message_are_counted_as_unknown() {
    let mut scratch = Scratch::default();
    let mut record = |text: &str| {
        let line = format!("Mar  2 10:00:00 h dovecot: lmtp(bob)<77><S1a>: {text}");
        read(&envelope::parse(line.as_bytes(), &mut scratch).expect("an envelope")).is_unknown()
    };
    assert!(record("msgid=<m@b>: transmogrified mail into nothing"));
    assert!(!record("Debug: msgid=<m@b>: transmogrified mail into nothing"));
    assert!(!record("Connect from 192.0.2.1"));
}
