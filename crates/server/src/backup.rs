//! Copies of the store and of the catalogue, made while a server writes.
//!
//! ```text
//! TARGET/backup.json         what the backup consists of; replaced last, by renaming
//! TARGET/data/<table>/…      data files, shared by all backups that were made here: their names are never used again
//! TARGET/copy-<number>/…     everything else, as it lies in the store's folder
//! ```
//!
//! Until `backup.json` is replaced, the backup before is whole; what only that one had goes afterwards.

mod copying;
mod error;
mod manifest;
mod parts;
mod restore;
mod take;
mod target;
#[cfg(test)]
mod tests;

pub use error::BackupError;
pub use manifest::Manifest;
pub use restore::{check, restore};
pub use take::take;

/// How far it is: bytes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub bytes: u64,
    pub of: u64,
}
