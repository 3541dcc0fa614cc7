//! What a listener is told: where, how, and what its senders may do.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Clock, Network};

/// What a listener is opened with.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// Address and port; port 0 lets the system choose.
    pub address: SocketAddr,
    /// How messages come.
    pub transport: Transport,
    /// What senders may do.
    pub limits: Limits,
    /// Networks from which they may come; empty for everywhere.
    pub from: Vec<Network>,
    /// The time, for messages that do not say theirs.
    pub clock: Clock,
}

impl ListenConfig {
    /// With the usual limits and the system's clock.
    pub fn new(address: SocketAddr, transport: Transport) -> Self {
        ListenConfig { address, transport, limits: Limits::default(), from: Vec::new(), clock: Clock::default() }
    }

    /// May a sender of this address come?
    pub(super) fn admits(&self, peer: IpAddr) -> bool {
        self.from.is_empty() || self.from.iter().any(|network| network.contains(peer))
    }
}

/// How syslog messages come.
#[derive(Clone, Debug)]
pub enum Transport {
    /// One datagram is one message (RFC 5426).
    Udp,
    /// Messages in a stream (RFC 6587).
    Tcp,
    /// Messages in a stream within TLS (RFC 5425), with what [`tls_config`](super::tls_config) makes.
    Tls(Arc<rustls::ServerConfig>),
}

/// What senders may do before they are refused or cut. None of it concerns an ordinary sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections_max: usize,
    /// Connections of one address at the same time; of one /64 where it is IPv6.
    pub connections_per_address_max: usize,
    /// How long a TLS handshake may take.
    pub handshake_time_max: Duration,
    /// How long a message may take from its first byte to its last.
    pub message_time_max: Duration,
    /// How long a connection may stay without a message. Long: many senders do not notice that they were disconnected until
    /// they lost the next message, and mail servers have quiet nights.
    pub idle_time_max: Duration,
    /// Bytes of a datagram; the rest is cut off.
    pub datagram_bytes_max: usize,
    /// Messages that are longer than a few kibibytes and not complete, of all connections together. Beyond that they are cut
    /// short, so that many slow senders cannot fill the memory.
    pub long_messages_max: usize,
    /// How long a stop waits for what has already come.
    pub stop_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 2048,
            connections_per_address_max: 256,
            handshake_time_max: Duration::from_secs(10),
            message_time_max: Duration::from_secs(60),
            idle_time_max: Duration::from_secs(24 * 3600),
            datagram_bytes_max: 64 * 1024,
            long_messages_max: 64,
            stop_time_max: Duration::from_secs(2),
        }
    }
}
