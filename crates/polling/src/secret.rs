//! A secret, such as an application's or a mailbox's password: in a file that its owner alone may read, and never in a message.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Microsoft's have 40 letters.
const SECRET_BYTES_MAX: u64 = 4096;
const OTHERS: u32 = 0o077;

/// A secret. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read it.
    #[error("others may read the secret in {}: its mode is {mode:04o}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It holds none.
    #[error("{} does not hold a secret: {why}", path.display())]
    None {
        /// The file.
        path: PathBuf,
        /// What it holds instead.
        why: &'static str,
    },
}

impl SecretError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            SecretError::Read { path, .. } => {
                format!("see with `ls -l {}` whether it is there, and let the collector's user own it", path.display())
            }
            SecretError::Open { path, .. } => {
                format!("chmod 0600 {}; if others used this machine, make a new secret", path.display())
            }
            SecretError::None { .. } => {
                "write the password into it, on one line; of Microsoft 365 the secret's value (not its id), as the app registration showed it".into()
            }
        }
    }
}

impl Secret {
    /// Reads it anew, so that another one needs no restart.
    pub fn read(path: &Path) -> Result<Secret, SecretError> {
        let failed = |source| SecretError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        // Of the open file: the name may lead to another one a moment later.
        let about = file.metadata().map_err(failed)?;
        let none = |why| SecretError::None { path: path.to_owned(), why };
        if !about.is_file() {
            return Err(none("it is not a file"));
        }
        if about.mode() & OTHERS != 0 {
            return Err(SecretError::Open { path: path.to_owned(), mode: about.mode() & 0o7777 });
        }
        let mut text = Vec::new();
        file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > SECRET_BYTES_MAX {
            return Err(none("it is too long"));
        }
        let text = String::from_utf8(text).map_err(|_| none("it is not text"))?;
        match text.trim() {
            "" => Err(none("it is empty")),
            secret if secret.chars().any(|letter| letter.is_control()) => Err(none("it has more than one line")),
            secret => Ok(Secret(secret.to_owned())),
        }
    }

    /// The secret itself, for whom it is meant.
    pub fn text(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn secret(bytes: &[u8], mode: u32) -> Result<Secret, SecretError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        fs::write(&path, bytes).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
        Secret::read(&path)
    }

    #[test]
    fn a_secret_that_others_may_read_is_not_used() {
        assert_eq!(secret(b"s3~cret\r\n", 0o600).expect("a secret"), Secret::of("s3~cret"));
        assert_eq!(secret(b"s3~cret", 0o400).expect("a secret").text(), "s3~cret");
        for mode in [0o640, 0o604, 0o660, 0o644] {
            let error = secret(b"s3~cret", mode).expect_err("it is open");
            assert!(matches!(error, SecretError::Open { .. }), "{error}");
            assert!(error.hint().contains("chmod 0600"));
        }
    }

    #[test]
    fn what_holds_no_secret_is_named() {
        for (bytes, words) in [
            (&b""[..], "empty"),
            (b"  \n\n", "empty"),
            (b"one\ntwo\n", "more than one line"),
            (b"\xFF\xFE", "not text"),
            (&[b'x'; 5000], "too long"),
        ] {
            let said = secret(bytes, 0o600).expect_err("no secret").to_string();
            assert!(said.contains(words), "{said}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(Secret::read(&folder.path().join("no")), Err(SecretError::Read { .. })));
    }

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        assert_eq!(format!("{:?}", Secret::of("s3~cret")), "Secret");
    }
}
