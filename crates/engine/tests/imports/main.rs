//! However logs come into a store: in any order, piece by piece, twice, interrupted, damaged. What is exported must always be
//! what one import of everything gives, byte for byte.

mod bad_files;
mod batches;
mod clocks;
mod commits;
mod copies;
mod growing;
mod late;
mod live;
mod namesakes;
mod orders;
mod stopping;
mod store;
