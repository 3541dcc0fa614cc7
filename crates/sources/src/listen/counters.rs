//! What a listener counts.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a connection was not served, or not any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// There are as many connections as there may be.
    TooMany,
    /// There are as many of this address as there may be.
    TooManyOfAddress,
    /// Its address is not one of those that may send.
    Stranger,
    /// What came is no TLS, or its certificate is not accepted.
    Handshake,
    /// The TLS handshake was not completed in time.
    SlowHandshake,
    /// A message was not completed in time. What had come of it was kept.
    SlowMessage,
    /// Nothing came for too long.
    Idle,
    /// The length before a message is more than any message has.
    LyingLength,
    /// The connection broke. What had come was kept.
    Broken,
    /// The system could not open it: too many open files.
    NoFile,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 10] = [
        Refusal::TooMany,
        Refusal::TooManyOfAddress,
        Refusal::Stranger,
        Refusal::Handshake,
        Refusal::SlowHandshake,
        Refusal::SlowMessage,
        Refusal::Idle,
        Refusal::LyingLength,
        Refusal::Broken,
        Refusal::NoFile,
    ];

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Refusal::TooMany | Refusal::TooManyOfAddress => {
                "see whether the sender opens connections without closing them"
            }
            Refusal::Stranger => "name its network among those that may send, if it is to",
            Refusal::Handshake => "see whether the sender speaks TLS, and trusts this certificate",
            Refusal::SlowHandshake | Refusal::SlowMessage | Refusal::Broken => {
                "look at the sender and the network in between"
            }
            Refusal::Idle => "nothing, if the sender connects again",
            Refusal::LyingLength => {
                "see whether the sender frames its messages by octet counting or newlines (RFC 6587)"
            }
            Refusal::NoFile => "raise the limit of open files (LimitNOFILE= in the unit)",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refusal::TooMany => "too many connections",
            Refusal::TooManyOfAddress => "too many connections of its address",
            Refusal::Stranger => "its address is not one that may send",
            Refusal::Handshake => "the TLS handshake failed",
            Refusal::SlowHandshake => "the TLS handshake took too long",
            Refusal::SlowMessage => "a message took too long",
            Refusal::Idle => "no message for too long",
            Refusal::LyingLength => "a message was announced that is longer than any message is",
            Refusal::Broken => "the connection broke",
            Refusal::NoFile => "the system has no file left for it",
        })
    }
}

/// What a listener counts while it runs. Shared; read it by [`tally`](Self::tally).
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) received: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) dropped_by_kernel: AtomicU64,
    pub(super) cut: AtomicU64,
    pub(super) empty: AtomicU64,
    pub(super) headed: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) connections_open: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
}

/// What was counted at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that are in the spool.
    pub received: u64,
    /// Their bytes, with newlines.
    pub received_bytes: u64,
    /// Messages that came and are lost, because the spool was full and they could not wait.
    pub dropped: u64,
    /// Datagrams that the kernel dropped before they could be read, because its buffer was full.
    pub dropped_by_kernel: u64,
    /// Messages that are not whole: too long, or the connection ended in them.
    pub cut: u64,
    /// Messages of no bytes, which are not kept.
    pub empty: u64,
    /// Messages that said no time, and were given a header.
    pub headed: u64,
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections that are open now.
    pub connections_open: u64,
    refused: [u64; Refusal::ALL.len()],
}

impl Tally {
    /// Connections refused or ended for a reason, and datagrams of strangers.
    pub fn refused(&self, reason: Refusal) -> u64 {
        self.refused[reason as usize]
    }
}

impl Counters {
    /// What is counted now.
    pub fn tally(&self) -> Tally {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Tally {
            received: read(&self.received),
            received_bytes: read(&self.received_bytes),
            dropped: read(&self.dropped),
            dropped_by_kernel: read(&self.dropped_by_kernel),
            cut: read(&self.cut),
            empty: read(&self.empty),
            headed: read(&self.headed),
            connections: read(&self.connections),
            connections_open: read(&self.connections_open),
            refused: std::array::from_fn(|index| read(&self.refused[index])),
        }
    }

    /// Counts a refusal; how many of its kind there are now.
    pub(super) fn refuse(&self, reason: Refusal) -> u64 {
        add(&self.refused[reason as usize], 1) + 1
    }
}

/// Adds, and gives what was there before.
pub(super) fn add(counter: &AtomicU64, count: u64) -> u64 {
    counter.fetch_add(count, Ordering::Relaxed)
}

/// Subtracts from a count of what is there now.
pub(super) fn sub(counter: &AtomicU64, count: u64) {
    counter.fetch_sub(count, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::{Counters, Refusal};

    #[test]
    fn each_reason_has_its_own_count() {
        let counters = Counters::default();
        for (index, reason) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            (0..=index).for_each(|_| {
                counters.refuse(reason);
            });
        }
        let tally = counters.tally();
        Refusal::ALL
            .into_iter()
            .enumerate()
            .for_each(|(index, reason)| assert_eq!(tally.refused(reason), index as u64 + 1));
    }
}
