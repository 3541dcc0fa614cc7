//! Between a collector and the server: what they say to each other, and both ends of it.
//!
//! [`Shipper`] carries the pieces of feeds to a server and lets a feed forget only what the server holds for good. [`Server`] opens the
//! door for many of them and hands what comes to a [`Receiver`], which decides. [`protocol`] is the wire: frozen, versioned, bounded.

pub mod bounds;
#[cfg(feature = "client")]
mod client;
mod dates;
mod enrolment;
#[cfg(feature = "server")]
mod identity;
pub mod protocol;
#[cfg(feature = "server")]
mod server;

#[cfg(feature = "client")]
pub use client::{
    Backoff, Condition, FeedCondition, Observer, Pace, Places, PlacesError, Reached, ShipConfig, ShipEvent, Shipper,
    TrustError, Unreachable, authorities, reach,
};
pub use enrolment::{Enrolment, EnrolmentError, KeyPin, Token, TokenHash};
#[cfg(feature = "server")]
pub use identity::{IdentityError, ServerIdentity};
pub use protocol::{Chunk, Placement, Refusal};
#[cfg(feature = "server")]
pub use server::{Counters, Limits, Receiver, Sender, Server, Standing};
