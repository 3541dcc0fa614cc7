//! What keeps a mailbox from being read, and what to do.

use std::io;

use vigie_polling::SecretError;

use crate::session::Fault;

/// Why nothing comes. `Display` says what happened.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// There is no password.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No connection.
    #[error("cannot connect to {host}: {source}")]
    Connect {
        /// To whom.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// No TLS.
    #[error("no secure connection to {host}: {source}")]
    Tls {
        /// To whom.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// It took too long.
    #[error("{host} did not answer in time")]
    Late {
        /// Who.
        host: String,
    },
    /// The connection ended.
    #[error("{host} broke off: {why}")]
    Broken {
        /// Who.
        host: String,
        /// How.
        why: String,
    },
    /// The server's answer is of no use.
    #[error("{host}: {fault}")]
    Fault {
        /// Who.
        host: String,
        /// What it said.
        fault: Fault,
    },
    /// What was read cannot be kept.
    #[error("cannot keep what was read: {0}")]
    Unkept(String),
}

impl Trouble {
    /// Does it stay until a person does something?
    pub fn needs_a_person(&self) -> bool {
        match self {
            Trouble::Secret(_) | Trouble::Tls { .. } => true,
            Trouble::Fault { fault, .. } => {
                matches!(
                    fault,
                    Fault::Login(_) | Fault::NoLogin | Fault::NoStartTls | Fault::Folder(_) | Fault::NotImap(_)
                )
            }
            Trouble::Connect { .. } | Trouble::Late { .. } | Trouble::Broken { .. } | Trouble::Unkept(_) => false,
        }
    }

    /// What to do.
    pub fn hint(&self) -> String {
        let text = match self {
            Trouble::Secret(error) => return error.hint(),
            Trouble::Connect { .. } => {
                "see whether this machine may reach it (names, routes, firewall), and whether the port is that of IMAP: 993 for imaps://, 143 for imap://"
            }
            Trouble::Tls { .. } => {
                "see whether its certificate is for this name, in date, and of an authority that this system knows; one of your own is named by authorities=/FILE"
            }
            Trouble::Late { .. } | Trouble::Broken { .. } => {
                "it is tried again; see the IMAP server's own log if it stays"
            }
            Trouble::Unkept(_) => "see with `df` whether the disk of the collector's state is full",
            Trouble::Fault { fault, .. } => match fault {
                Fault::NotImap(_) => {
                    "see whether host and port are those of an IMAP server; imaps:// begins with TLS, imap:// does not"
                }
                Fault::Login(_) => "see whether `user` is right, and whether the file holds the password, on one line",
                Fault::NoLogin => "let the server offer LOGIN or AUTH=PLAIN over TLS to this user",
                Fault::NoStartTls => "use imaps:// if the server has it; tls=no sends the password in the clear",
                Fault::Folder(_) => {
                    "see whether `folder` is written as the server has it, with its separators, and whether the user may read it"
                }
                Fault::NoValidity => {
                    "use another IMAP server for the copies: without UIDVALIDITY none can be read once and only once"
                }
                Fault::EarlyBytes => "see who stands between this machine and the server, and use imaps://",
                Fault::Bye(_) | Fault::Fetch(_) | Fault::TooLarge(_) => {
                    "it is tried again; see the IMAP server's own log if it stays"
                }
            },
        };
        text.to_owned()
    }
}
