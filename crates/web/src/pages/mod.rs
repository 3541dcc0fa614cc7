//! One file a page: a pure function from an answer to markup.

pub mod coverage;
pub mod failure;
pub mod help;
pub mod message;
pub mod overview;
pub mod queues;
pub mod ranking;
pub mod rejections;
pub mod search;
pub mod servers;
pub mod sources;
pub mod tail;
