//! The door for collectors: who may send, where each stream goes on, and how each collector is.

pub mod roll;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::watch;
use vigie_engine::{
    import::live::{Arrival, NotTaken, StreamKey},
    ingest::{Ingest, Position},
};
use vigie_shipping::{
    Chunk, Receiver, Refusal, Sender, ServerIdentity,
    protocol::{CURRENT, Durable, HeldStream, Hello, HelloAnswer, Received, Status, StatusAnswer, WireLimits},
};

use self::roll::Roll;

/// A collector waits this long before it sends again what could not be held.
const BUSY_WAIT_MS: u64 = 500;
/// Streams of one collector: one for each log, and for each rotation.
const STREAMS_OF_SENDER_MAX: usize = 5_000;

/// Where what belongs to the door lies in the folder of the store.
pub fn folder(data: &Path) -> PathBuf {
    data.join("collect")
}

/// The server's certificate: the administrator's, or one of its own, made when it is first asked for.
pub fn identity(data: &Path, files: Option<(&Path, &Path)>) -> anyhow::Result<ServerIdentity> {
    match files {
        Some((certificate, key)) => ServerIdentity::from_files(certificate, key),
        None => {
            let folder = folder(data);
            roll::private_folder(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            ServerIdentity::own(&folder, "vigie")
        }
    }
    .map_err(|error| crate::output::Hint { hint: error.hint(), message: error.to_string() }.into())
}

/// Takes what collectors send.
pub struct Door {
    ingest: Arc<Ingest>,
    roll: Roll,
    senders: Mutex<HashMap<Arc<str>, Collector>>,
    moved: watch::Sender<u64>,
}

/// What a collector said of itself.
#[derive(Clone, Debug, Default)]
struct Collector {
    host: String,
    streams: Vec<u128>,
}

impl Door {
    /// `moved` changes whenever `ingest` stored something.
    pub fn new(ingest: Arc<Ingest>, roll: Roll, moved: watch::Sender<u64>) -> Self {
        let mut senders: HashMap<Arc<str>, Collector> = HashMap::new();
        for key in ingest.streams() {
            senders.entry((&*key.sender).into()).or_default().streams.push(key.stream);
        }
        Self { ingest, roll, senders: Mutex::new(senders), moved }
    }

    fn senders(&self) -> MutexGuard<'_, HashMap<Arc<str>, Collector>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn position(&self, sender: &Sender, stream: u128) -> Option<Position> {
        self.ingest.position(&key(sender, stream))
    }

    /// Makes sure that the stream is this collector's; returns the name of its machine.
    fn claim(&self, sender: &Sender, stream: u128) -> Result<String, Refusal> {
        let mut senders = self.senders();
        if senders.get(&sender.name).is_none_or(|own| !own.streams.contains(&stream)) {
            if senders.values().any(|other| other.streams.contains(&stream)) {
                return Err(Refusal::Foreign);
            }
            let own = senders.entry(sender.name.clone()).or_default();
            if own.streams.len() >= STREAMS_OF_SENDER_MAX {
                own.streams.remove(0);
            }
            own.streams.push(stream);
        }
        Ok(senders.get(&sender.name).map(|own| own.host.clone()).unwrap_or_default())
    }
}

impl Receiver for Door {
    fn authenticate(&self, token: &str) -> Option<Sender> {
        self.roll.who(token).map(|name| Sender { name })
    }

    fn hello(&self, sender: &Sender, hello: Hello) -> Result<HelloAnswer, Refusal> {
        let protocol = hello.spoken()?;
        self.senders().entry(sender.name.clone()).or_default().host = hello.host;
        let held = |stream: u128| {
            let position = self.position(sender, stream)?;
            Some(HeldStream {
                stream: vigie_sources::StreamId(stream),
                durable: position.durable,
                received: position.received,
            })
        };
        Ok(HelloAnswer {
            protocol: protocol.min(CURRENT),
            program: concat!("vigie ", env!("CARGO_PKG_VERSION")).to_owned(),
            clock_us: Timestamp::now().as_microsecond(),
            streams: hello.streams.iter().filter_map(|known| held(known.stream.0)).collect(),
            limits: WireLimits::default(),
        })
    }

    fn chunk(&self, sender: &Sender, chunk: Chunk) -> Result<Received, Refusal> {
        let host = self.claim(sender, chunk.stream.0)?;
        let arrival = Arrival {
            key: key(sender, chunk.stream.0),
            label: &chunk.label,
            host: if host.is_empty() { &sender.name } else { &host },
            offset: chunk.offset,
            bytes: &chunk.bytes,
            is_last: chunk.is_last,
            after_loss: chunk.after_loss,
        };
        let position = self.ingest.take(&arrival).map_err(|refused| match refused {
            NotTaken::Gap { expected } => Refusal::Gap { expected },
            NotTaken::Over { end } => Refusal::Gap { expected: end },
            NotTaken::Busy => Refusal::Busy { wait_ms: BUSY_WAIT_MS },
        })?;
        let durable = vec![Durable { stream: chunk.stream, offset: position.durable }];
        Ok(Received { received: position.received, durable, wait_ms: 0 })
    }

    fn status(&self, sender: &Sender, status: &Status) -> Result<StatusAnswer, Refusal> {
        let durable = |asked: &Durable| {
            let position = self.position(sender, asked.stream.0)?;
            Some(Durable { stream: asked.stream, offset: position.durable })
        };
        Ok(StatusAnswer {
            clock_us: Timestamp::now().as_microsecond(),
            durable: status.streams.iter().filter_map(durable).collect(),
        })
    }

    fn durable_moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}

fn key(sender: &Sender, stream: u128) -> StreamKey {
    StreamKey { sender: (&*sender.name).into(), stream }
}
