//! The server's door: takes connections of many collectors, checks everything that can be checked without knowing them, and hands on the rest.

mod admission;
mod body;
mod connection;
mod counters;
mod handler;
mod logs;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use vigie_formats::otlp::Batch;

use crate::bounds::STATUS_WAIT_MAX;
use crate::protocol::{Chunk, Hello, HelloAnswer, Received, Refusal, Status, StatusAnswer};
use crate::{IdentityError, ServerIdentity};

use admission::{Admission, Requests};
use body::Room;
pub use counters::Counters;

/// A collector that showed its token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    /// What it was enrolled as.
    pub name: Arc<str>,
}

/// Where what comes through the door goes. None of these may block: they run between the requests of all others.
pub trait Receiver: Send + Sync + 'static {
    /// Who shows this token. Compare hashes, by [`TokenHash::matches`](crate::TokenHash::matches) or a map from them.
    fn authenticate(&self, token: &str) -> Option<Sender>;
    /// A collector greets: say what is held of its streams.
    fn hello(&self, sender: &Sender, hello: Hello) -> Result<HelloAnswer, Refusal>;
    /// Text. What is new of it, [`Chunk::placement`] says. Refuse by [`Refusal::Busy`] what cannot be held now.
    fn chunk(&self, sender: &Sender, chunk: Chunk) -> Result<Received, Refusal>;
    /// How a collector is. Asked once more, with the same status, when it waited for something to become durable.
    fn status(&self, sender: &Sender, status: &Status) -> Result<StatusAnswer, Refusal>;
    /// Changes whenever something became durable, for any collector.
    fn durable_moved(&self) -> watch::Receiver<u64>;
    /// Log lines that came as a whole, by OTLP. Asked again with the same ones until they are durable; refused by default.
    fn batch(&self, _: &Sender, _: &Batch) -> Result<Standing, Refusal> {
        Err(Refusal::Unknown)
    }
}

/// How a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is taken, and will be durable.
    Taken,
    /// It is held for good.
    Durable,
}

impl<R: Receiver + ?Sized> Receiver for Arc<R> {
    fn authenticate(&self, token: &str) -> Option<Sender> {
        (**self).authenticate(token)
    }

    fn hello(&self, sender: &Sender, hello: Hello) -> Result<HelloAnswer, Refusal> {
        (**self).hello(sender, hello)
    }

    fn chunk(&self, sender: &Sender, chunk: Chunk) -> Result<Received, Refusal> {
        (**self).chunk(sender, chunk)
    }

    fn status(&self, sender: &Sender, status: &Status) -> Result<StatusAnswer, Refusal> {
        (**self).status(sender, status)
    }

    fn durable_moved(&self) -> watch::Receiver<u64> {
        (**self).durable_moved()
    }

    fn batch(&self, sender: &Sender, batch: &Batch) -> Result<Standing, Refusal> {
        (**self).batch(sender, batch)
    }
}

/// How much the door takes. The defaults fit a thousand collectors.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one address, or one /64 of IPv6. Several collectors may stand behind one.
    pub connections_of_address: usize,
    /// Requests of one collector at once, on all of its connections.
    pub requests_of_sender: usize,
    /// Batches of OTLP of one sender at once: each waits for a commit, so there are more of them.
    pub batches_of_sender: usize,
    /// Bytes of all bodies that are being received.
    pub body_bytes: usize,
    /// From the connection to the end of the TLS handshake.
    pub handshake_time: Duration,
    /// For a request's headers, where HTTP/1 is spoken.
    pub header_time: Duration,
    /// From a request's headers to the end of its body.
    pub body_time: Duration,
    /// Without a request on a connection. Longer than collectors wait between two.
    pub idle_time: Duration,
    /// The longest that a status waits for something to become durable.
    pub status_wait: Duration,
    /// For what is under way when the server stops.
    pub drain_time: Duration,
    /// How often the certificate's files are looked at.
    pub certificate_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 2048,
            connections_of_address: 256,
            requests_of_sender: 8,
            batches_of_sender: 16,
            body_bytes: 64 << 20,
            handshake_time: Duration::from_secs(10),
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(60),
            idle_time: Duration::from_secs(60),
            status_wait: STATUS_WAIT_MAX,
            drain_time: Duration::from_secs(3),
            certificate_time: Duration::from_secs(30),
        }
    }
}

/// The door. Make it, keep its [`counters`](Self::counters), and [`serve`](Self::serve).
pub struct Server<R> {
    shared: Arc<Shared<R>>,
    /// None for one without TLS.
    identity: Option<Arc<ServerIdentity>>,
    report: Box<dyn Fn(IdentityError) + Send + Sync>,
}

/// What all connections share.
struct Shared<R> {
    receiver: R,
    limits: Limits,
    counters: Arc<Counters>,
    requests: Requests,
    batches: Requests,
    room: Room,
}

/// After an accept that failed, such as for want of file descriptors: they come back when connections end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl<R: Receiver> Server<R> {
    /// A door with these limits.
    pub fn new(receiver: R, identity: Arc<ServerIdentity>, limits: Limits) -> Server<R> {
        Server { identity: Some(identity), ..Self::plain(receiver, limits) }
    }

    /// The same without TLS, for who comes from this machine, or through something that ends TLS.
    pub fn plain(receiver: R, limits: Limits) -> Server<R> {
        let requests = Requests::new(limits.requests_of_sender);
        let batches = Requests::new(limits.batches_of_sender);
        let room = Room::new(limits.body_bytes);
        let shared = Shared { receiver, limits, counters: Arc::default(), requests, batches, room };
        Server { shared: Arc::new(shared), identity: None, report: Box::new(|_| ()) }
    }

    /// Hears of a renewed certificate that cannot be read; the one before stays in use.
    pub fn on_identity_error(mut self, report: impl Fn(IdentityError) + Send + Sync + 'static) -> Server<R> {
        self.report = Box::new(report);
        self
    }

    /// What was taken and refused so far; for metrics.
    pub fn counters(&self) -> Arc<Counters> {
        self.shared.counters.clone()
    }

    /// Serves until `shutdown` completes, and then lets end what is under way, for a few seconds.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), io::Error> {
        let acceptor = self.identity.clone().map(acceptor).transpose()?;
        let admission = Arc::new(Admission::new(&self.shared.limits));
        let (stop, stopping) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut renewal = tokio::time::interval(self.shared.limits.certificate_time);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                _ = renewal.tick() => self.renew(),
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                    Ok((socket, peer)) => match admission.admit(peer.ip()) {
                        Err(reason) => self.shared.counters.refuse(reason),
                        Ok(place) => {
                            let shared = self.shared.clone();
                            let run = connection::run(shared, acceptor.clone(), socket, stopping.clone());
                            connections.spawn(async move { run.await; drop(place) });
                        }
                    },
                },
            }
        }
        drop(listener);
        let _ = stop.send(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        // Those that do not end in time are cut off when the set is dropped; their collectors send again.
        let _ = tokio::time::timeout(self.shared.limits.drain_time, ended).await;
        Ok(())
    }

    fn renew(&self) {
        if let Some(Err(error)) = self.identity.as_ref().map(|identity| identity.reload_if_changed()) {
            (self.report)(error);
        }
    }
}

fn acceptor(identity: Arc<ServerIdentity>) -> Result<TlsAcceptor, io::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let mut config = versions.map_err(io::Error::other)?.with_no_client_auth().with_cert_resolver(identity);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A collector stays connected: resuming sessions would save nothing and keep state for each.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
