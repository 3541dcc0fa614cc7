//! Does what [`Session`] says: connects, spools, and looks again.
//!
//! What was read is kept nowhere but in the lines themselves: each says which copy it is of, and the spool remembers its last line, also
//! when the server has it. So a kill at any moment loses nothing and writes nothing twice.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use vigie_formats::mailbox;
use vigie_polling::{Clock, Secret, Standing};
use vigie_shipping::{Backoff, TrustError, authorities};
use vigie_sources::FeedEvent;
use vigie_sources::spool::{Block, Spool, SpoolError};

use crate::login::Account;
use crate::place::{MailboxPlace, Security};
use crate::session::{Event, Fault, Progress, Range, Session};
use crate::trouble::Trouble;

const CONNECT_TIME: Duration = Duration::from_secs(15);
/// Between two pieces of an answer.
const PIECE_TIME: Duration = Duration::from_secs(60);
/// For a whole answer. A range of 200 headers takes a second or two.
const ANSWER_TIME: Duration = Duration::from_secs(600);
/// A connection that is used more seldom is closed in between: servers end what is idle for half an hour.
const IDLE_TIME_MAX: Duration = Duration::from_secs(300);
const PIECE_BYTES: usize = 16 << 10;
/// After what may pass by itself.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(300);
/// After what only a person can set right: a wrong password, tried often, locks accounts.
const PERSON: Duration = Duration::from_secs(600);
/// Between two looks whether a full spool has room.
const FULL_WAIT: Duration = Duration::from_millis(500);
const MICROS_PER_SECOND: i64 = 1_000_000;
/// What is said of copies of which no line is made.
const WHY_LEFT_OUT: &str =
    "passed none of the servers (see `servers=`), name no message, or could not be given by the IMAP server";

/// Reads one mailbox into a spool.
pub struct Reader {
    place: MailboxPlace,
    trust: Option<TlsConnector>,
    clock: Arc<dyn Clock>,
    spool: Spool,
    progress: Progress,
    standing: Standing,
    backoff: Backoff,
    /// What was told last, so that it is told once.
    told: Option<String>,
}

/// Where a socket and the session meet.
struct Line<'a> {
    host: &'a str,
    out: Vec<u8>,
    events: Vec<Event>,
}

/// Whom the place's certificate is to be from; nobody where there is no TLS.
pub fn trust(place: &MailboxPlace) -> Result<Option<TlsConnector>, TrustError> {
    if place.security == Security::None {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // TLS 1.2 as well: many mail servers speak nothing newer.
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let roots = authorities(place.authorities.as_deref().map(Path::new))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Some(TlsConnector::from(Arc::new(config))))
}

impl Reader {
    /// Goes on behind the last line that the spool took. `seed` is for the jitter between attempts.
    pub fn open(
        place: MailboxPlace,
        trust: Option<TlsConnector>,
        spool: Spool,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Reader, SpoolError> {
        let last = spool.last_line()?.and_then(|line| mailbox::place_of(&line));
        let progress = last.map_or_else(Progress::default, |last| Progress {
            validity: last.validity,
            next_uid: last.uid.saturating_add(1),
            tries: 0,
        });
        let standing = Standing::default();
        standing.change(|standing| {
            standing.label = place.label();
            standing.why_unreadable = WHY_LEFT_OUT.to_owned();
        });
        let backoff = Backoff::new(RETRY_MIN, RETRY_MAX, seed);
        Ok(Reader { place, trust, clock, spool, progress, standing, backoff, told: None })
    }

    /// How it stands, also while it runs.
    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Reads until `shutdown` is there. It may be dropped at any moment.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.read() => {}
        }
    }

    async fn read(&mut self) {
        loop {
            let wait = match self.connected().await {
                Ok(()) => self.place.every,
                Err(trouble) => {
                    self.troubled(&trouble);
                    if trouble.needs_a_person() { PERSON } else { self.backoff.next() }
                }
            };
            self.wait(wait).await;
        }
    }

    async fn wait(&self, wait: Duration) {
        let at = self.clock.now().wall.saturating_add(wait.as_secs().cast_signed());
        self.standing.change(|standing| standing.next_us = at.saturating_mul(MICROS_PER_SECOND));
        sleep(wait).await;
    }

    /// One connection, for as long as it is of use.
    async fn connected(&mut self) -> Result<(), Trouble> {
        let mut session = session_of(&self.place, self.progress)?;
        let outcome = match connect(&self.place, self.trust.as_ref(), &mut session).await {
            Ok(Stream::Plain(stream, line)) => self.follow(&mut session, stream, line).await,
            Ok(Stream::Tls(stream, line)) => self.follow(&mut session, stream, line).await,
            Err(trouble) => Err(trouble),
        };
        // How often one copy failed, too.
        self.progress = session.progress();
        outcome
    }

    async fn follow(
        &mut self,
        session: &mut Session,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        out: Vec<u8>,
    ) -> Result<(), Trouble> {
        let host = self.place.host.clone();
        let mut line = Line { host: &host, out, events: Vec::new() };
        let mut commands = 0;
        loop {
            line.exchange(session, &mut stream).await?;
            let new = session.commands() - std::mem::replace(&mut commands, session.commands());
            self.standing.change(|standing| standing.requests += new);
            for event in std::mem::take(&mut line.events) {
                match event {
                    Event::Range(range) => {
                        self.store(&range).await?;
                        session.stored(&mut line.out, |event| line.events.push(event));
                        self.progress = session.progress();
                        self.is_well();
                    }
                    Event::Anew { before } => self.tell(format!(
                        "the folder was made anew (its UIDVALIDITY was {before}): all copies that are in it are read"
                    )),
                    Event::UpToDate => {
                        self.is_well();
                        if self.place.every > IDLE_TIME_MAX {
                            return line.goodbye(&mut stream).await;
                        }
                        self.wait(self.place.every).await;
                        session.look(&mut line.out);
                    }
                    Event::StartTls => {}
                }
            }
        }
    }

    /// Spools what was told, and brings it to disk.
    async fn store(&mut self, range: &Range) -> Result<(), Trouble> {
        let mut block = Block::new();
        for told in &range.copies {
            block.push(mailbox::line(told.received, &told.server, &told.copy, told.place).as_bytes());
            if block.is_ample() {
                self.append(&block).await;
                block.clear();
            }
        }
        self.append(&block).await;
        if !block.is_empty() {
            let spool = self.spool.clone();
            // On a thread where it disturbs nobody.
            let synced = tokio::task::spawn_blocking(move || spool.sync()).await;
            let failed = |error: &dyn std::fmt::Display| Trouble::Unkept(error.to_string());
            synced.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        }
        let (lines, left_out) = (range.copies.len() as u64, range.strangers + range.unreadable);
        self.standing.change(|standing| {
            standing.rows += lines + left_out;
            standing.lines += lines;
            standing.unreadable += left_out;
        });
        Ok(())
    }

    async fn append(&self, block: &Block) {
        while !block.is_empty() && self.spool.append_block(block).is_err() {
            // Asked first, so that the spool counts no refusals that lose nothing.
            loop {
                sleep(FULL_WAIT).await;
                if self.spool.has_room(block.bytes().len() as u64) {
                    break;
                }
            }
        }
    }

    fn troubled(&mut self, trouble: &Trouble) {
        let text = format!("{trouble}; {}", trouble.hint());
        self.standing.change(|standing| {
            standing.failures += 1;
            standing.trouble = Some(text.clone());
        });
        if self.told.as_ref() != Some(&text) {
            self.tell(format!("{text}. Trying again; nothing is lost"));
            self.told = Some(text);
        }
    }

    fn is_well(&mut self) {
        let now = self.clock.now().wall.saturating_mul(MICROS_PER_SECOND);
        self.standing.change(|standing| (standing.read_us, standing.trouble) = (now, None));
        self.backoff.reset();
        if self.told.take().is_some() {
            self.tell("it is read again".to_owned());
        }
    }

    fn tell(&self, text: String) {
        self.spool.tell(FeedEvent::Poll { text, is_loss: false });
    }
}

impl Line<'_> {
    /// Says what is to be said, and hears until something happened.
    async fn exchange(
        &mut self,
        session: &mut Session,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> Result<(), Trouble> {
        let late = |_| Trouble::Late { host: self.host.to_owned() };
        timeout(ANSWER_TIME, self.heard(session, stream)).await.map_err(late)?
    }

    async fn heard(
        &mut self,
        session: &mut Session,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> Result<(), Trouble> {
        let host = self.host.to_owned();
        let broken = |error: io::Error| Trouble::Broken { host: host.clone(), why: error.to_string() };
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            self.say(stream).await?;
            if !self.events.is_empty() || !session.is_waiting() {
                return Ok(());
            }
            let read = timeout(PIECE_TIME, stream.read(&mut piece)).await;
            let read = read.map_err(|_| Trouble::Late { host: host.clone() })?.map_err(broken)?;
            if read == 0 {
                return Err(Trouble::Broken { host, why: "it ended the connection".to_owned() });
            }
            let (out, events) = (&mut self.out, &mut self.events);
            let taken = session.take(&piece[..read], out, |event| events.push(event));
            taken.map_err(|fault| Trouble::Fault { host: host.clone(), fault })?;
        }
    }

    async fn say(&mut self, stream: &mut (impl AsyncWrite + Unpin)) -> Result<(), Trouble> {
        if self.out.is_empty() {
            return Ok(());
        }
        let said = std::mem::take(&mut self.out);
        let written = async {
            stream.write_all(&said).await?;
            stream.flush().await
        };
        let written = timeout(PIECE_TIME, written).await.map_err(|_| Trouble::Late { host: self.host.to_owned() })?;
        written.map_err(|error| Trouble::Broken { host: self.host.to_owned(), why: error.to_string() })
    }

    /// Nobody waits for the answer.
    async fn goodbye(&mut self, stream: &mut (impl AsyncWrite + Unpin)) -> Result<(), Trouble> {
        self.out = b"bye LOGOUT\r\n".to_vec();
        self.say(stream).await
    }
}

fn session_of(place: &MailboxPlace, progress: Progress) -> Result<Session, Trouble> {
    // Read anew each time, so that another one needs no restart.
    let password = Secret::read(&place.password_file)?;
    let account = Account::new(&place.user, password.text());
    let wants_tls = place.security == Security::StartTls;
    Ok(Session::new(account, &place.folder, place.servers.clone(), wants_tls, progress))
}

/// A connection, with what is to be said on it first.
enum Stream {
    Plain(TcpStream, Vec<u8>),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>, Vec<u8>),
}

/// Connects as the place says. With STARTTLS, as far as the beginning of TLS.
async fn connect(place: &MailboxPlace, trust: Option<&TlsConnector>, session: &mut Session) -> Result<Stream, Trouble> {
    let host = || place.host.clone();
    let late = |_| Trouble::Late { host: host() };
    let socket = timeout(CONNECT_TIME, TcpStream::connect((place.host.as_str(), place.port))).await.map_err(late)?;
    let mut socket = socket.map_err(|source| Trouble::Connect { host: host(), source })?;
    let mut out = Vec::new();
    match place.security {
        Security::None => return Ok(Stream::Plain(socket, out)),
        Security::Tls => {}
        Security::StartTls => {
            let mut line = Line { host: &place.host, out: Vec::new(), events: Vec::new() };
            line.exchange(session, &mut socket).await?;
            if line.events != [Event::StartTls] {
                return Err(Trouble::Fault { host: host(), fault: Fault::NoStartTls });
            }
            session.secured(&mut out);
        }
    }
    let no_tls = |source| Trouble::Tls { host: host(), source };
    let trust = trust.ok_or_else(|| no_tls(io::Error::other("no authority is known")))?;
    let name = ServerName::try_from(host()).map_err(|error| no_tls(io::Error::other(error)))?;
    let stream = timeout(CONNECT_TIME, trust.connect(name, socket)).await.map_err(late)?.map_err(no_tls)?;
    Ok(Stream::Tls(Box::new(stream), out))
}

/// What a doctor found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Of the folder as it is now.
    pub validity: u32,
    /// Copies that were looked at: the first that are there.
    pub looked_at: u64,
    /// Of these, those of which something can be told.
    pub told: u64,
}

/// Reads the password, logs in, opens the folder and reads what a first range has.
pub async fn examine(place: &MailboxPlace, trust: Option<&TlsConnector>) -> Result<Examined, Trouble> {
    let mut session = session_of(place, Progress::default())?;
    match connect(place, trust, &mut session).await? {
        Stream::Plain(stream, out) => first_range(place, &mut session, stream, out).await,
        Stream::Tls(stream, out) => first_range(place, &mut session, stream, out).await,
    }
}

async fn first_range(
    place: &MailboxPlace,
    session: &mut Session,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    out: Vec<u8>,
) -> Result<Examined, Trouble> {
    let mut line = Line { host: &place.host, out, events: Vec::new() };
    loop {
        line.exchange(session, &mut stream).await?;
        let validity = session.progress().validity;
        for event in std::mem::take(&mut line.events) {
            match event {
                Event::UpToDate => {
                    line.goodbye(&mut stream).await?;
                    return Ok(Examined { validity, looked_at: 0, told: 0 });
                }
                Event::Range(range) => {
                    let told = range.copies.len() as u64;
                    let looked_at = told + range.strangers + range.unreadable;
                    if looked_at > 0 {
                        line.goodbye(&mut stream).await?;
                        return Ok(Examined { validity, looked_at, told });
                    }
                    session.stored(&mut line.out, |event| line.events.push(event));
                }
                Event::StartTls | Event::Anew { .. } => {}
            }
        }
    }
}
