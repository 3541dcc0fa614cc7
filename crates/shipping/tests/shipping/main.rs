//! Collectors and a server in one process, over loopback and TLS: what arrives, what is refused, and that nothing is lost or doubled.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails them so")]

mod accidents;
mod certificates;
mod crowds;
mod feed;
mod logs;
mod raw;
mod refusals;
mod rig;
mod shipping;
mod wire;
mod world;
