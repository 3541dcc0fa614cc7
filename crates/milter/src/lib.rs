//! What is inside mail, told while it passes a mail server: the milter.
//!
//! [`mime`] reads headers and structure as the bytes come; [`protocol`] and [`session`] speak with Postfix or Sendmail; [`Milter`] listens, and
//! adds a line for each message to a spool. It alters nothing, refuses nothing, and lets nobody wait: whatever goes wrong here, the mail goes on.

#[cfg(feature = "serve")]
mod host;
#[cfg(feature = "serve")]
mod listen;
pub mod mime;
mod place;
pub mod protocol;
pub mod session;
#[cfg(feature = "serve")]
mod writer;

#[cfg(feature = "serve")]
pub use host::host_in_log;
#[cfg(feature = "serve")]
pub use listen::{Milter, Running};
pub use place::{MilterPlace, NoMilterPlace};
