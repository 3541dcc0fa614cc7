//! What makes a log the same log after it was renamed, compressed or grown: its bytes.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// How many bytes a fingerprint covers.
pub(crate) const FINGERPRINT_BYTES: usize = 4096;

/// Who a log is, by its decompressed bytes. Renaming, compressing and growing do not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// xxh3 of the first [`fingerprint_bytes`](Self::fingerprint_bytes): equal for two stages of one log, once it is longer
    /// than that.
    pub fingerprint: u128,
    /// 4096, or fewer for a shorter log; fingerprints of different lengths cannot be compared.
    pub fingerprint_bytes: u32,
    /// Decompressed bytes given out in chunks so far, or skipped as too long.
    pub consumed: u64,
    /// xxh3 of exactly those bytes, for [`LogFile::resume`](crate::LogFile::resume).
    pub consumed_hash: u128,
}

/// The running side of an [`Identity`].
#[derive(Clone)]
pub(crate) struct Running {
    fingerprint: u128,
    fingerprint_bytes: u32,
    consumed: u64,
    /// None for a file that is only looked through.
    hasher: Option<Xxh3>,
}

impl Running {
    /// Begins with the first bytes of a log, which are not consumed by this.
    pub(crate) fn new(head: &[u8]) -> Self {
        let head = &head[..head.len().min(FINGERPRINT_BYTES)];
        Running {
            fingerprint: xxh3_128(head),
            fingerprint_bytes: head.len() as u32,
            consumed: 0,
            hasher: Some(Xxh3::new()),
        }
    }

    pub(crate) fn consume(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.consumed += bytes.len() as u64;
    }

    pub(crate) fn stop_hashing(&mut self) {
        self.hasher = None;
    }

    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    pub(crate) fn hash(&self) -> u128 {
        self.hasher.as_ref().map_or(0, Xxh3::digest128)
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity {
            fingerprint: self.fingerprint,
            fingerprint_bytes: self.fingerprint_bytes,
            consumed: self.consumed,
            consumed_hash: self.hash(),
        }
    }
}
