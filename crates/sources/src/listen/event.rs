//! What happens to a listener, in words for the person who runs it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::Refusal;

/// Something that a person should know of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenEvent {
    /// A connection was refused or ended. Said at the first, the tenth, the hundredth of its reason.
    Refused {
        /// The listener.
        at: SocketAddr,
        /// Who sent.
        peer: IpAddr,
        /// Why.
        reason: Refusal,
        /// How many there were for this reason.
        count: u64,
    },
    /// The kernel dropped datagrams.
    DroppedByKernel {
        /// The listener.
        at: SocketAddr,
        /// How many since it was said last.
        datagrams: u64,
    },
}

impl fmt::Display for ListenEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenEvent::Refused { at, peer, reason, count } => write!(
                formatter,
                "syslog listener {at}: what came from {peer} was refused or ended, because {reason} (number {count} of these): {}",
                reason.hint()
            ),
            ListenEvent::DroppedByKernel { at, datagrams } => write!(
                formatter,
                "syslog listener {at}: {datagrams} datagrams are lost, because they came faster than they were read: raise \
                 net.core.rmem_max, or let the senders use TCP"
            ),
        }
    }
}

/// Whether a count is worth saying: 1, 10, 100, …
pub(super) fn is_worth_saying(count: u64) -> bool {
    count > 0 && 10u64.checked_pow(count.ilog10()) == Some(count)
}

#[cfg(test)]
mod tests {
    use super::is_worth_saying;

    #[test]
    fn powers_of_ten_are_worth_saying() {
        let said: Vec<u64> = (0..2000).filter(|count| is_worth_saying(*count)).collect();
        assert_eq!(said, [1, 10, 100, 1000]);
    }
}
