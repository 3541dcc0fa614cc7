//! Who logs in, and how that is said: LOGIN, or AUTHENTICATE PLAIN (RFC 4616) where LOGIN is not offered or has no letters for it.

use std::fmt;

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD};

/// A user with the password. It shows the password to nobody.
#[derive(Clone)]
pub struct Account {
    user: String,
    password: String,
    /// AUTHENTICATE was said, and the server is to say when the rest may come.
    waits: bool,
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Account {
    /// Of this user.
    pub fn new(user: &str, password: &str) -> Account {
        Account { user: user.to_owned(), password: password.to_owned(), waits: false }
    }

    /// Can LOGIN say it?
    pub(crate) fn is_plain_text(&self) -> bool {
        let is_plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        is_plain(&self.user) && is_plain(&self.password)
    }

    pub(crate) fn login(&self) -> Vec<u8> {
        [b"LOGIN ", &*quoted(self.user.as_bytes()), b" ", &*quoted(self.password.as_bytes())].concat()
    }

    pub(crate) fn authenticate(&mut self) -> Vec<u8> {
        self.waits = true;
        b"AUTHENTICATE PLAIN".to_vec()
    }

    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// What follows AUTHENTICATE, once.
    pub(crate) fn plain(&mut self) -> Vec<u8> {
        self.waits = false;
        let said = format!("\0{}\0{}", self.user, self.password);
        [STANDARD.encode(said).as_bytes(), b"\r\n"].concat()
    }
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let escaped = text.iter().flat_map(|&byte| {
        let escape = matches!(byte, b'"' | b'\\').then_some(b'\\');
        escape.into_iter().chain([byte])
    });
    std::iter::once(b'"').chain(escaped).chain([b'"']).collect()
}

/// A folder's name as IMAP has it: quoted, and letters beyond ASCII in modified UTF-7 (RFC 3501, 5.1.3).
pub(crate) fn mailbox_name(name: &str) -> Vec<u8> {
    let engine = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);
    let (mut out, mut beyond) = (String::new(), Vec::new());
    let flush = |out: &mut String, beyond: &mut Vec<u8>| {
        if !beyond.is_empty() {
            out.push('&');
            out.push_str(&engine.encode(&*beyond));
            out.push('-');
            beyond.clear();
        }
    };
    for letter in name.chars() {
        if (' '..='~').contains(&letter) {
            flush(&mut out, &mut beyond);
            out.push(letter);
            out.push_str(if letter == '&' { "-" } else { "" });
        } else {
            let mut units = [0; 2];
            beyond.extend(letter.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut out, &mut beyond);
    quoted(out.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_any_letters_is_said_and_never_shown() {
        let mut account = Account::new("a b", "p\"w\\");
        assert_eq!(account.login(), br#"LOGIN "a b" "p\"w\\""#);
        account.authenticate();
        assert_eq!((account.waits(), account.plain()), (true, b"AGEgYgBwIndc\r\n".to_vec()));
        assert!(!account.waits());
        assert!(
            account.is_plain_text()
                && !Account::new("a", "é").is_plain_text()
                && !Account::new("a", "x\r\ny").is_plain_text()
        );
        assert!(!format!("{account:?}").contains('\\'));
    }

    #[test]
    fn folders_beyond_ascii_are_named_as_imap_does() {
        for (name, written) in [
            ("INBOX", "\"INBOX\""),
            ("Journal & Co", "\"Journal &- Co\""),
            ("Entw\u{fc}rfe", "\"Entw&APw-rfe\""),
            ("~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}", "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\""),
            ("a\"b", "\"a\\\"b\""),
        ] {
            assert_eq!(String::from_utf8(mailbox_name(name)).unwrap(), written);
        }
    }
}
