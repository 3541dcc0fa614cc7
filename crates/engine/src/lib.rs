//! Use cases: log files into the store, and the store's answers out. The only place where pure engines meet I/O.

pub mod export;
pub mod import;
pub mod ingest;
pub mod intake;
pub mod tally;
pub mod verify;
