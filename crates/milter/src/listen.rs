//! The milter's socket and its connections, on a thread of their own: what else the program does must not hold up mail.

use std::fs::{self, Permissions};
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use vigie_sources::listen::Clock;
use vigie_sources::spool::Spool;

use crate::place::MilterPlace;
use crate::session::{Message, Next, Session};
use crate::writer::Writer;

/// Connections at once. Postfix holds one for each `smtpd` process (`default_process_limit` is 100). One more is closed, and its mail goes on.
const CONNECTIONS_MAX: usize = 1000;
/// A mail server speaks within this time, or is gone: an SMTP session may be silent for five minutes between commands (RFC 5321, 4.5.3.2).
const IDLE_TIME_MAX: Duration = Duration::from_secs(3600);
/// A server that does not take an answer of some bytes is gone.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a stop waits for messages under way.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);
/// How long nothing is accepted when the system has no file left.
const NO_FILE_WAIT: Duration = Duration::from_millis(100);
/// Bytes of one read: what servers send of a body at once. They stand on the stack while they are looked at, so that a connection that says nothing
/// takes no memory for them.
const READ_BYTES: usize = 64 * 1024;
/// The socket's owner and group may connect: the mail server's user joins the group.
const SOCKET_MODE: u32 = 0o660;

/// A socket to which mail servers come.
#[derive(Debug)]
pub struct Milter {
    socket: Bound,
    host: String,
    clock: Clock,
}

#[derive(Debug)]
enum Bound {
    Inet(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener, PathBuf),
}

/// A milter that runs.
#[derive(Debug)]
pub struct Running {
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<()>,
}

impl Running {
    /// Ends it: messages under way have a moment.
    pub fn stop(self) {
        drop(self.stop);
        for thread in self.threads {
            drop(thread.join());
        }
    }
}

impl Milter {
    /// Opens the socket. `host` is the name of this machine in the lines, the one that the mail server's own lines have.
    pub fn bind(place: &MilterPlace, host: String, clock: Clock) -> io::Result<Milter> {
        let socket = match place {
            MilterPlace::Inet(address) => Bound::Inet(std::net::TcpListener::bind(address)?),
            MilterPlace::Unix(path) => Bound::Unix(bind_unix(path)?, path.clone()),
        };
        match &socket {
            Bound::Inet(socket) => socket.set_nonblocking(true)?,
            Bound::Unix(socket, _) => socket.set_nonblocking(true)?,
        }
        Ok(Milter { socket, host, clock })
    }

    /// The address, with the port that the system chose where none was asked for; `None` for a path.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.socket {
            Bound::Inet(socket) => socket.local_addr().ok(),
            Bound::Unix(..) => None,
        }
    }

    /// Begins to take messages into the spool.
    pub fn start(self, spool: Spool) -> io::Result<Running> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (writer, writing) = Writer::begin(spool, self.host, self.clock)?;
        let (stop, stopped) = watch::channel(());
        let socket = self.socket;
        let serving = std::thread::Builder::new()
            .name("milter".into())
            .spawn(move || runtime.block_on(serve(socket, writer, stopped)))?;
        Ok(Running { threads: vec![serving, writing], stop })
    }
}

/// Binds a path. A socket that nobody listens on any more is what a killed program left, and goes.
fn bind_unix(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    let bind = || std::os::unix::net::UnixListener::bind(path);
    let bound = match bind() {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = fs::symlink_metadata(path).is_ok_and(|of| of.file_type().is_socket());
            let is_left = UnixStream::connect(path).is_err_and(|why| why.kind() == io::ErrorKind::ConnectionRefused);
            if !is_socket || !is_left {
                return Err(error);
            }
            fs::remove_file(path)?;
            bind()?
        }
        bound => bound?,
    };
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    Ok(bound)
}

async fn serve(socket: Bound, writer: Writer, stopped: watch::Receiver<()>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let ended = match socket {
        Bound::Inet(socket) => match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => {
                let accept = async || {
                    let (stream, _) = socket.accept().await?;
                    // The answer at a message's end must not wait for more.
                    drop(stream.set_nodelay(true));
                    Ok(stream)
                };
                door(accept, &seats, &writer, stopped).await;
                Ok(())
            }
            Err(error) => Err(error),
        },
        Bound::Unix(socket, path) => match tokio::net::UnixListener::from_std(socket) {
            Ok(socket) => {
                door(async || socket.accept().await.map(|(stream, _)| stream), &seats, &writer, stopped).await;
                drop(fs::remove_file(path));
                Ok(())
            }
            Err(error) => Err(error),
        },
    };
    if ended.is_ok() {
        // All seats are free when all messages under way have ended.
        drop(timeout(STOP_TIME_MAX, seats.acquire_many(CONNECTIONS_MAX as u32)).await);
    }
}

/// Lets servers in until it is stopped.
async fn door<S>(
    accept: impl AsyncFn() -> io::Result<S>,
    seats: &Arc<Semaphore>,
    writer: &Writer,
    mut stopped: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    loop {
        let stream = tokio::select! {
            accepted = accept() => accepted,
            _ = stopped.changed() => return,
        };
        match (stream, seats.clone().try_acquire_owned()) {
            (Ok(stream), Ok(seat)) => {
                tokio::spawn(converse(stream, writer.clone(), stopped.clone(), seat));
            }
            // It is closed, and its mail goes on.
            (Ok(_), Err(_)) => {}
            (Err(error), _) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            (Err(_), _) => tokio::time::sleep(NO_FILE_WAIT).await,
        }
    }
}

/// One connection. It ends with the server's goodbye, with a fault, or when the milter stops and no message is under way.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    writer: Writer,
    mut stopped: watch::Receiver<()>,
    _seat: OwnedSemaphorePermit,
) {
    let mut session = Session::default();
    let (mut answers, mut ended) = (Vec::new(), Vec::new());
    let mut is_stopping = false;
    while !is_stopping || session.is_inside_message() {
        let take = |bytes: &[u8]| session.take(bytes, &mut answers, |message| ended.push(message));
        let read = tokio::select! {
            read = timeout(IDLE_TIME_MAX, read_some(&mut stream, take)) => read,
            _ = stopped.changed(), if !is_stopping => {
                is_stopping = true;
                continue;
            }
        };
        let Ok(Ok(Some(next))) = read else { return };
        // The mail goes on before anything is told.
        let answered =
            answers.is_empty() || matches!(timeout(ANSWER_TIME_MAX, stream.write_all(&answers)).await, Ok(Ok(())));
        answers.clear();
        for message in ended.drain(..) {
            match message {
                Message::Seen(seen) => writer.tell((*seen).into()),
                Message::Nameless => writer.nameless(),
            }
        }
        if next != Ok(Next::GoOn) || !answered {
            return;
        }
    }
}

/// One read, looked at where it lies; `None` at the end. Either it is not done at all or its bytes were taken.
async fn read_some<T>(
    stream: &mut (impl AsyncRead + Unpin),
    mut take: impl FnMut(&[u8]) -> T,
) -> io::Result<Option<T>> {
    std::future::poll_fn(|context| {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
        let bytes = buffer.filled();
        Poll::Ready(Ok((!bytes.is_empty()).then(|| take(bytes))))
    })
    .await
}
