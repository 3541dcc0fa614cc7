//! What tests share: logs read into journeys, journeys told in a line, corpora with their truth, seeded randomness.
//!
//! Pure but for [`corpus`], which reads the test data's folders.

pub mod corpus;
mod logs;
pub mod mutate;
pub mod random;
mod tell;
pub mod truth;

pub use logs::{Reading, Story, TimedLine, lines_of, log, story, timed};
pub use tell::{tell, tell_rejection};
