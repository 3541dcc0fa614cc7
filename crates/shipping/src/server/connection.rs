//! One connection: TLS, HTTP/2 or HTTP/1, and an end when nothing is asked for too long.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Limits, Receiver, Shared, handler};
use crate::bounds::HEADER_BYTES_MAX;
use crate::protocol::Reason;

/// Streams of HTTP/2 on one connection: twice what one collector may ask at once, so that it reads why it may not.
const STREAMS_OF_CONNECTION: u32 = 16;
/// What may come of one body, and on one connection, before it is asked for.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 512 << 10;
/// Answers are small; one who does not read them is not waited for.
const SEND_BUFFER_BYTES: usize = 64 << 10;
const READ_BUFFER_BYTES: usize = 64 << 10;
/// A peer that is gone without a word is noticed so.
const PING_TIME: Duration = Duration::from_secs(20);
const PING_ANSWER_TIME: Duration = Duration::from_secs(10);
/// For saying goodbye to a connection that was idle.
const GOODBYE_TIME: Duration = Duration::from_secs(1);

pub(super) async fn run<R: Receiver>(
    shared: Arc<Shared<R>>,
    acceptor: Option<TlsAcceptor>,
    socket: TcpStream,
    stopping: watch::Receiver<bool>,
) {
    // Chunks are whole: waiting for more to send would only delay answers.
    let _ = socket.set_nodelay(true);
    let Some(acceptor) = acceptor else { return plain(shared, socket, stopping).await };
    let handshake = timeout(shared.limits.handshake_time, acceptor.accept(socket)).await;
    let Ok(Ok(tls)) = handshake else { return shared.counters.refuse(Reason::Handshake) };
    let counters = shared.counters.clone();
    let _open = counters.connected();
    let activity = Arc::new(Activity::new());
    let is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let served = if is_http2 {
        http2(shared.clone(), tls, &activity, stopping).await
    } else {
        http1(shared.clone(), tls, &activity, stopping).await
    };
    if let Err(reason) = served {
        counters.refuse(reason);
    }
}

/// Without TLS there is nothing that would ask for HTTP/2.
async fn plain<R: Receiver>(shared: Arc<Shared<R>>, socket: TcpStream, stopping: watch::Receiver<bool>) {
    let counters = shared.counters.clone();
    let _open = counters.connected();
    if let Err(reason) = http1(shared, socket, &Arc::new(Activity::new()), stopping).await {
        counters.refuse(reason);
    }
}

async fn http2<R: Receiver>(
    shared: Arc<Shared<R>>,
    tls: TlsStream<TcpStream>,
    activity: &Arc<Activity>,
    stopping: watch::Receiver<bool>,
) -> Result<(), Reason> {
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_OF_CONNECTION)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(PING_TIME)
        .keep_alive_timeout(PING_ANSWER_TIME);
    let idle_time = shared.limits.idle_time;
    let service = service(shared, activity.clone(), stopping.clone());
    let connection = builder.serve_connection(TokioIo::new(tls), service);
    watched(connection, |connection| connection.graceful_shutdown(), activity, idle_time, stopping).await
}

async fn http1<R: Receiver>(
    shared: Arc<Shared<R>>,
    socket: impl AsyncRead + AsyncWrite + Unpin,
    activity: &Arc<Activity>,
    stopping: watch::Receiver<bool>,
) -> Result<(), Reason> {
    let Limits { idle_time, header_time, .. } = shared.limits;
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(header_time).max_buf_size(READ_BUFFER_BYTES);
    let service = service(shared, activity.clone(), stopping.clone());
    let connection = builder.serve_connection(TokioIo::new(socket), service);
    watched(connection, |connection| connection.graceful_shutdown(), activity, idle_time, stopping).await
}

fn service<R: Receiver>(
    shared: Arc<Shared<R>>,
    activity: Arc<Activity>,
    stopping: watch::Receiver<bool>,
) -> impl hyper::service::Service<
    handler::Request,
    Response = handler::Response,
    Error = Infallible,
    Future = impl Future<Output = Result<handler::Response, Infallible>> + Send + 'static,
> {
    service_fn(move |request| {
        let (shared, busy, stopping) = (shared.clone(), activity.begin(), stopping.clone());
        async move {
            let response = handler::answer(&*shared, request, stopping).await;
            drop(busy);
            Ok(response)
        }
    })
}

/// Runs a connection until it ends, the server stops, or nothing was asked for too long.
async fn watched<C, E>(
    connection: C,
    say_goodbye: impl Fn(Pin<&mut C>),
    activity: &Activity,
    idle_time: Duration,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Reason>
where
    C: Future<Output = Result<(), E>>,
{
    let mut connection = std::pin::pin!(connection);
    loop {
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(|_| Reason::Broken),
            () = stopped(&mut stopping) => {
                say_goodbye(connection.as_mut());
                return connection.await.map_err(|_| Reason::Broken);
            }
            () = tokio::time::sleep_until(activity.idle_since() + idle_time) => {
                if !activity.is_idle(idle_time) {
                    continue;
                }
                say_goodbye(connection.as_mut());
                let _ = timeout(GOODBYE_TIME, connection).await;
                return Err(Reason::Idle);
            }
        }
    }
}

/// Waits for the server to stop. (An error means that it is gone, which is a stop as well.)
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// What goes on on a connection.
struct Activity {
    began: Instant,
    under_way: AtomicU64,
    /// When a request ended last, in milliseconds since the beginning.
    ended_ms: AtomicU64,
}

/// A request under way.
struct Busy(Arc<Activity>);

impl Activity {
    fn new() -> Self {
        Activity { began: Instant::now(), under_way: AtomicU64::new(0), ended_ms: AtomicU64::new(0) }
    }

    fn begin(self: &Arc<Self>) -> Busy {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// Now, while a request is under way: those have their own limits.
    fn idle_since(&self) -> Instant {
        if self.under_way.load(Ordering::Relaxed) > 0 {
            return Instant::now();
        }
        self.began + Duration::from_millis(self.ended_ms.load(Ordering::Relaxed))
    }

    fn is_idle(&self, time: Duration) -> bool {
        self.idle_since().elapsed() >= time
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let ended = self.0.began.elapsed().as_millis();
        self.0.ended_ms.store(u64::try_from(ended).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
