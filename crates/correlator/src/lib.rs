//! Records become facts: hops at each server, then journeys across servers. Pure: no file, no clock, no thread.
//!
//! [`Host`] turns the records of one host into hops, attempts and rejections; [`Linker`] ties the hops of all hosts into
//! journeys. Both give the same facts for the same lines, in whatever pieces and order (up to [`LATE_MICROS_MAX`]) they come.

mod content;
mod host;
mod linker;
mod open;
mod queue;
mod store;
mod text;

pub use host::{Facts, Host, RestoreError};
pub use linker::{Held, Linker, LiveLinker, PassedOver, Round, link};
pub use open::OpenHop;

use vigie_model::{MICROS_PER_DAY, MICROS_PER_SECOND, Micros};

/// Lines of one host may come this much out of order.
pub const LATE_MICROS_MAX: Micros = 5 * MICROS_PER_SECOND;

/// What a server may revise stays open this long behind its newest line: Microsoft's trace of a message changes within two days.
pub const REVISED_MICROS: Micros = 3 * MICROS_PER_DAY;

/// How long a finished hop is kept for stragglers: twice the disorder allowed (one line early, another late), and some.
pub(crate) const LINGER_MICROS: Micros = 3 * LATE_MICROS_MAX;

/// Before any line; far enough from the smallest number that differences cannot overflow.
pub const BEFORE_ALL: Micros = Micros::MIN / 4;
