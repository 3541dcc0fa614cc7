//! What is inside mail, told from the copies in a journal mailbox: for mail servers that know no milter.
//!
//! [`Session`] speaks IMAP and knows no socket, file or clock; beside it stand the bounds of what a server may send (`wire.rs`), the
//! grammar of its answers (`answer.rs`, `structure.rs`), and which server took a message and when (`received.rs`). `Reader` connects, and adds
//! a line for each copy to a spool. Nothing in the mailbox is ever changed, and no body is ever asked for.
//!
//! An own reader of answers, and no crate: those that there are (`imap-proto`, `imap-codec`, with `nom` and what they bring) read a response
//! when all of it is there, which leaves its size to the server, and know the whole of IMAP; six commands and two answers are needed here.

mod answer;
mod date;
mod fetch;
mod header;
mod login;
mod place;
#[cfg(feature = "serve")]
mod reader;
mod received;
mod session;
mod structure;
#[cfg(feature = "serve")]
mod trouble;
pub mod wire;

pub use login::Account;
pub use place::{MailboxPlace, NoMailbox, Security};
#[cfg(feature = "serve")]
pub use reader::{Examined, Reader, examine, trust};
pub use received::{Received, ServerName, Servers};
pub use session::{Event, Fault, Progress, Range, Session, TRIES_MAX, ToldCopy};
#[cfg(feature = "serve")]
pub use trouble::Trouble;
