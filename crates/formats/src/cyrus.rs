//! Cyrus IMAP: what its LMTP server put into a mailbox (`imap/lmtpd.c`, `imap/duplicate.c`). It has no session that a reply names:
//! message id, user and time tie it to the server that handed the message over.

use crate::{
    Format, Record as Read,
    dovecot::{Action, Record, Stored},
    scan,
};

pub const FORMAT: Format = Format { name: "Cyrus", read: |envelope| line(envelope.program, envelope.text) };

fn line<'a>(program: &[u8], text: &'a [u8]) -> Option<Read<'a>> {
    let service = program.strip_prefix(b"cyrus/").unwrap_or(program);
    match service {
        b"lmtpunix" | b"lmtpd" => {
            Some(stored(text).map_or(Read::Known, |stored| Read::Dovecot(Record::Stored(stored))))
        }
        // Dovecot's own log has the same name.
        b"lmtp" => stored(text).map(|stored| Read::Dovecot(Record::Stored(stored))),
        _ => None,
    }
}

fn stored(text: &[u8]) -> Option<Stored<'_>> {
    let (message_id, mailbox, action) = if let Some(rest) = text.strip_prefix(b"Delivered: ") {
        let (id, mailbox) = scan::split_last(rest, b" to mailbox: ")?;
        (id, mailbox, Action::Saved)
    } else {
        // `dupelim: eliminated duplicate message to user.bob id <m@b> date … (delivery)`.
        let rest = text.strip_prefix(b"dupelim: eliminated duplicate message to ")?;
        let (mailbox, rest) = scan::split(rest, b" id ")?;
        (word(rest), mailbox, Action::Discarded)
    };
    Some(Stored { session: None, user: user(mailbox)?, message_id, action, text })
}

/// `user.bob`, `user/bob/Lists`, `example.com!user.bob`.
fn user(mailbox: &[u8]) -> Option<&[u8]> {
    let name = scan::split(mailbox, b"!").map_or(mailbox, |(_, name)| name);
    let rest = name.strip_prefix(b"user.").or_else(|| name.strip_prefix(b"user/"))?;
    let separator = name[b"user".len()];
    let user = &rest[..scan::byte(rest, separator).unwrap_or(rest.len())];
    (!user.is_empty()).then_some(user)
}

fn word(text: &[u8]) -> &[u8] {
    scan::until(text, b" ").0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_mailbox_it_was() {
        for (mailbox, wanted) in [
            ("user.bob", Some("bob")),
            ("user.bob.Lists", Some("bob")),
            ("user/bob.smith/Lists", Some("bob.smith")),
            ("example.com!user.bob", Some("bob")),
            ("shared.archive", None),
            ("user.", None),
        ] {
            assert_eq!(user(mailbox.as_bytes()), wanted.map(str::as_bytes), "{mailbox}");
        }
    }

    #[test]
    fn what_the_lmtp_server_did() {
        let told = |text| line(b"cyrus/lmtpunix", text);
        match told(b"Delivered: <m@b.example> to mailbox: user.bob") {
            Some(Read::Dovecot(Record::Stored(stored))) => {
                assert_eq!(
                    (stored.user, stored.message_id, stored.action),
                    (&b"bob"[..], &b"<m@b.example>"[..], Action::Saved)
                );
            }
            other => panic!("{other:?}"),
        }
        match told(b"dupelim: eliminated duplicate message to user.bob id <m@b.example> date x (delivery)") {
            Some(Read::Dovecot(Record::Stored(stored))) => assert_eq!(stored.action, Action::Discarded),
            other => panic!("{other:?}"),
        }
        assert_eq!(told(b"accepted connection"), Some(Read::Known));
        assert_eq!(line(b"lmtp", b"Connect from 192.0.2.1"), None);
    }
}
