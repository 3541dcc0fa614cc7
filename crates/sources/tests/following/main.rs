//! Following logs through rotations, restarts and losses: each situation by name, then random schedules of all of them.

mod random;
mod rig;
#[path = "../samples/mod.rs"]
mod samples;
mod situations;
mod trouble;
mod yard;
