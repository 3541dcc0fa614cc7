//! What has to be asked for: mail services that keep their own record and hand it out page by page.
//!
//! A [`Poller`] asks Microsoft 365 for its message trace and puts each row, as one line, into a [spool](vigie_sources::spool), from
//! which it is shipped like any log. What to ask next is decided by [`Poll`], which knows no socket, file or clock: it is told what
//! time it is and what was answered. Beside it stand the times to read (`plan.rs`), how fast (`pace.rs`), what was spooled before
//! (`seen.rs`), and what Graph says (`graph.rs`).
//!
//! Nothing is lost: a time counts as read when all its pages are in the spool and on disk, and counts as read for good when it was
//! read two days later, because rows come late and change. A row is spooled again only when its line is another one. After a kill a
//! row may be spooled twice; its lines are then equal byte for byte, in two streams, and the server takes them for one.

mod civil;
mod condition;
mod graph;
mod http;
mod journal;
mod origin;
mod pace;
mod plan;
mod poll;
mod poller;
mod secret;
mod seen;
mod tenant;
mod token;
mod trouble;

pub use condition::{PollCondition, Standing};
pub use http::{Answer, Fault, Http, Request};
pub use origin::{NoOrigin, Origin};
pub use plan::{AGAIN_S, HISTORY_S, Kind, Window};
pub use poll::{Poll, Step};
pub use poller::{Clock, Examined, Now, Poller, PollerError, SystemClock, examine};
pub use secret::{Secret, SecretError};
pub use seen::{ROWS_MAX, Seen};
pub use tenant::{NoTenant, Tenant};
pub use trouble::Trouble;
