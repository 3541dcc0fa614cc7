//! Syslog by connections, in the clear or within TLS. Each is a task of its own, and waits alone.

use std::io;
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::framing::{Framer, Lie};
use super::guests::{Guest, Guests};
use super::intake::{Delivered, Intake, Stop};
use super::{Refusal, Transport, counters};
use crate::spool::Block;

/// Bytes of one read. They stand on the stack while they are looked at, so that a connection that says nothing takes no memory for them.
const READ_BYTES: usize = 16 * 1024;
/// After so long without a byte the kernel asks whether the sender is still there, and ends the connection when it is not.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// How long a stop waits for more of a connection that has nothing ready.
const STOP_QUIET_TIME: Duration = Duration::from_millis(100);
/// How long a stop waits for connections that wait to be accepted.
const STOP_ACCEPT_TIME: Duration = Duration::from_millis(10);
/// How long nothing is accepted when the system has no file left.
const NO_FILE_WAIT: Duration = Duration::from_millis(100);

pub(super) async fn serve(
    socket: std::net::TcpListener,
    intake: Arc<Intake>,
    stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(socket)?;
    let mut stop = Stop::new(stopped, intake.config.limits.stop_time_max);
    let mut door =
        Door { guests: Guests::new(&intake.config.limits), served: JoinSet::new(), intake, stop: stop.clone() };
    while stop.until().is_none() {
        tokio::select! {
            accepted = listener.accept() => door.answer(accepted).await,
            Some(_) = door.served.join_next() => {}
            () = stop.begun() => {}
        }
    }
    // Whoever was connected by the kernel may have sent something.
    while let Ok(accepted @ Ok(_)) = timeout(STOP_ACCEPT_TIME, listener.accept()).await
        && !stop.is_over()
    {
        door.answer(accepted).await;
    }
    drop(listener);
    while door.served.join_next().await.is_some() {}
    Ok(())
}

struct Door {
    guests: Arc<Guests>,
    served: JoinSet<()>,
    intake: Arc<Intake>,
    stop: Stop,
}

impl Door {
    async fn answer(&mut self, accepted: io::Result<(TcpStream, std::net::SocketAddr)>) {
        match accepted {
            Ok((_, peer)) if !self.intake.config.admits(peer.ip()) => self.intake.refuse(peer.ip(), Refusal::Stranger),
            Ok((stream, peer)) => match self.guests.admit(peer.ip()) {
                Ok(guest) => {
                    let connection =
                        Connection { intake: self.intake.clone(), peer: peer.ip(), stop: self.stop.clone() };
                    self.served.spawn(connection.serve(stream, guest));
                }
                Err(reason) => self.intake.refuse(peer.ip(), reason),
            },
            // Whoever hung up before he was answered is nobody's trouble.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => {
                self.intake.refuse(IpAddr::from([0, 0, 0, 0]), Refusal::NoFile);
                tokio::time::sleep(NO_FILE_WAIT).await;
            }
        }
    }
}

/// One sender.
struct Connection {
    intake: Arc<Intake>,
    peer: IpAddr,
    stop: Stop,
}

/// What a read found.
enum Read {
    Bytes(Result<(), Lie>),
    End,
}

impl Connection {
    async fn serve(mut self, stream: TcpStream, _guest: Guest) {
        counters::add(&self.intake.counters.connections, 1);
        counters::add(&self.intake.counters.connections_open, 1);
        // Without it a sender that lost its power would be waited for until the idle time.
        drop(SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER)));
        let ended = match &self.intake.config.transport {
            Transport::Tls(config) => {
                let acceptor = TlsAcceptor::from(config.clone());
                match self.shake_hands(acceptor, stream).await {
                    Ok(stream) => self.converse(stream).await,
                    Err(reason) => Err(reason),
                }
            }
            Transport::Tcp | Transport::Udp => self.converse(stream).await,
        };
        if let Err(reason) = ended {
            self.intake.refuse(self.peer, reason);
        }
        counters::sub(&self.intake.counters.connections_open, 1);
    }

    async fn shake_hands(
        &mut self,
        acceptor: TlsAcceptor,
        stream: TcpStream,
    ) -> Result<tokio_rustls::server::TlsStream<TcpStream>, Refusal> {
        let time_max = self.intake.config.limits.handshake_time_max;
        tokio::select! {
            shaken = timeout(time_max, acceptor.accept(stream)) => match shaken {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(_)) => Err(Refusal::Handshake),
                Err(_) => Err(Refusal::SlowHandshake),
            },
            () = self.stop.begun() => Err(Refusal::SlowHandshake),
        }
    }

    /// Takes messages until the sender or the listener ends.
    async fn converse(&mut self, mut stream: impl AsyncRead + Unpin) -> Result<(), Refusal> {
        let mut framer = Framer::new(self.intake.long_messages.clone());
        let mut block = Block::new();
        // When the message that is not complete began, or the last one ended.
        let mut since = Instant::now();
        let ended = loop {
            let (deadline, reason) = self.deadline(&framer, since);
            let was_between = framer.is_between_messages();
            let (intake, peer) = (&self.intake, self.peer);
            let feed = |bytes: &[u8]| {
                framer.feed(bytes, |message, wholeness| intake.take(message, wholeness, peer, &mut block))
            };
            let read = tokio::select! {
                read = timeout_at(deadline, read_some(&mut stream, feed)) => read,
                () = self.stop.begun() => continue,
            };
            let ended = match read {
                Err(_) => reason.map_or(Some(Ok(())), |reason| Some(Err(reason))),
                Ok(Ok(Read::Bytes(Ok(())))) => None,
                Ok(Ok(Read::Bytes(Err(Lie)))) => Some(Err(Refusal::LyingLength)),
                Ok(Ok(Read::End)) => Some(Ok(())),
                // Many senders of TLS hang up without saying so.
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Some(Ok(())),
                Ok(Err(_)) => Some(Err(Refusal::Broken)),
            };
            if was_between || !block.is_empty() {
                since = Instant::now();
            }
            if let Some(ended) = ended {
                break ended;
            }
            if self.deliver(&mut block).await == Delivered::AfterWaiting {
                // That was our time, not the sender's.
                since = Instant::now();
            }
        };
        if ended != Err(Refusal::LyingLength) {
            framer.finish(|message, wholeness| self.intake.take(message, wholeness, self.peer, &mut block));
        }
        self.deliver(&mut block).await;
        ended
    }

    async fn deliver(&mut self, block: &mut Block) -> Delivered {
        if block.is_empty() {
            return Delivered::AtOnce;
        }
        let delivered = self.intake.deliver_when_possible(block, &mut self.stop).await;
        block.release();
        delivered
    }

    /// Until when something must come, and what it is called when it does not. (A stop does not call it anything.)
    fn deadline(&self, framer: &Framer, since: Instant) -> (Instant, Option<Refusal>) {
        let limits = &self.intake.config.limits;
        match self.stop.until() {
            Some(until) => (until.min(Instant::now() + STOP_QUIET_TIME), None),
            None if framer.is_between_messages() => (since + limits.idle_time_max, Some(Refusal::Idle)),
            None => (since + limits.message_time_max, Some(Refusal::SlowMessage)),
        }
    }
}

/// One read, looked at where it lies. Either it is not done at all or its bytes were taken: nothing is lost when it is given up.
async fn read_some(
    stream: &mut (impl AsyncRead + Unpin),
    mut feed: impl FnMut(&[u8]) -> Result<(), Lie>,
) -> io::Result<Read> {
    std::future::poll_fn(|context| {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
        let bytes = buffer.filled();
        Poll::Ready(Ok(if bytes.is_empty() { Read::End } else { Read::Bytes(feed(bytes)) }))
    })
    .await
}
