//! Syslog over UDP, TCP and TLS, taken into a spool.
//!
//! A [`Listener`] is one socket. What it takes is kept as it came, line by line, because the server knows log lines better; only
//! `line.rs` adds a header to what says no time. How messages are told apart in a stream stands in `framing.rs`; how
//! many senders may come, and how long each may take, in [`Limits`].
//!
//! When the spool is full, a stream is not read until there is room, so that its sender keeps what it has; datagrams cannot wait, and
//! are counted as lost. Nothing that one sender does holds up another.

mod clock;
mod config;
mod counters;
mod event;
mod framing;
mod guests;
mod intake;
mod kernel;
mod line;
mod network;
mod place;
mod stream;
mod tls;
mod udp;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::sync::watch;

use crate::spool::Spool;

pub use clock::Clock;
pub use config::{Limits, ListenConfig, Transport};
pub use counters::{Counters, Refusal, Tally};
pub use event::ListenEvent;
pub use network::{Network, NoNetwork};
pub use place::{ListenPlace, NoPlace, Protocol};
pub use tls::{Senders, TlsError, tls_config, tls_config_of};

use intake::Intake;

/// What the kernel is asked to keep of datagrams that were not read yet: a second of 30,000 of them. It grants what
/// `net.core.rmem_max` allows.
const DATAGRAMS_BYTES_WAITING: usize = 8 << 20;
/// Connections that wait to be accepted, so that a thousand senders may come at once.
const CONNECTIONS_WAITING_MAX: i32 = 1024;
/// How often what was taken is brought to disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// A socket on which syslog is taken.
#[derive(Debug)]
pub struct Listener {
    socket: Bound,
    local_addr: SocketAddr,
    config: ListenConfig,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum Bound {
    Datagrams(std::net::UdpSocket),
    Connections(std::net::TcpListener),
}

impl Listener {
    /// Opens the socket. Senders may come from now on; they are served by [`run`](Self::run).
    pub fn bind(config: ListenConfig) -> io::Result<Listener> {
        let socket = match config.transport {
            Transport::Udp => Bound::Datagrams(bind_datagrams(config.address)?),
            Transport::Tcp | Transport::Tls(_) => Bound::Connections(bind_connections(config.address)?),
        };
        let local_addr = match &socket {
            Bound::Datagrams(socket) => socket.local_addr()?,
            Bound::Connections(socket) => socket.local_addr()?,
        };
        Ok(Listener { socket, local_addr, config, counters: Arc::default() })
    }

    /// The address that it listens on, with the port that the system chose where none was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What it counts, also while it runs.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Takes messages into the spool until `shutdown` is there, then what has already come, and ends.
    pub async fn run(self, spool: Spool, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let (stop, stopped) = watch::channel(());
        let syncing = tokio::spawn(keep_synced(spool.clone(), stopped.clone()));
        let intake = Intake::new(spool.clone(), self.config, self.local_addr, self.counters);
        let served = async {
            match self.socket {
                Bound::Datagrams(socket) => udp::serve(socket, intake, stopped).await,
                Bound::Connections(socket) => stream::serve(socket, Arc::new(intake), stopped).await,
            }
        };
        tokio::pin!(served);
        let ended = tokio::select! {
            ended = &mut served => ended,
            () = shutdown => {
                drop(stop);
                served.await
            }
        };
        syncing.abort();
        sync(&spool).await;
        ended
    }
}

fn bind_datagrams(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    // Without the right to more, the kernel's default has to do.
    drop(socket.set_recv_buffer_size(DATAGRAMS_BYTES_WAITING));
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn bind_connections(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restart must not wait for the last connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(CONNECTIONS_WAITING_MAX)?;
    Ok(socket.into())
}

async fn keep_synced(spool: Spool, mut stopped: watch::Receiver<()>) {
    while tokio::time::timeout(SYNC_EVERY, stopped.changed()).await.is_err() {
        sync(&spool).await;
    }
}

/// Syncs the spool, on a thread where it disturbs nobody. A failure is seen again by whoever writes next.
async fn sync(spool: &Spool) {
    let spool = spool.clone();
    drop(tokio::task::spawn_blocking(move || spool.sync()).await);
}
