//! The door for collectors: who may send, where each stream goes on, and how each collector is.

mod batches;
pub mod roll;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use vigie_engine::{
    import::live::{Arrival, NotTaken, StreamKey},
    ingest::{Ingest, Position},
};
use vigie_formats::otlp::Batch;
use vigie_shipping::{
    Chunk, Receiver, Refusal, Sender, ServerIdentity, Standing,
    protocol::{CURRENT, Durable, HeldStream, Hello, HelloAnswer, Received, Status, StatusAnswer, WireLimits},
};

use self::roll::Roll;

/// A collector waits this long before it sends again what could not be held.
const BUSY_WAIT_MS: u64 = 500;
/// Streams of one collector: one for each log, and for each rotation.
const STREAMS_OF_SENDER_MAX: usize = 5_000;

/// What belongs to the door, in the folder of the store.
pub const FOLDER: &str = "collect";

/// Where what belongs to the door lies in the folder of the store.
pub fn folder(data: &Path) -> PathBuf {
    data.join(FOLDER)
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
    places: batches::Places,
}

/// What a collector said of itself.
#[derive(Clone, Debug, Default)]
struct Collector {
    heard: Option<Heard>,
    streams: Vec<u128>,
}

/// How a collector was when it was heard last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub name: String,
    /// The name of its machine.
    pub host: String,
    /// When, in microseconds since 1970 UTC, by the server's clock.
    pub at_us: i64,
    /// By how much its clock is ahead of the server's, the way of a message included.
    pub clock_ahead_us: i64,
    /// Bytes that it has and that are not sent yet.
    pub backlog_bytes: u64,
    /// Losses that it knows of since it started, and their bytes as far as they are known.
    pub losses: u64,
    pub lost_bytes: u64,
}

/// How all collectors were, as the server wrote it last.
pub fn heard(data: &Path) -> Vec<Heard> {
    let text = fs::read(folder(data).join(HEARD_FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

const HEARD_FILE: &str = "heard.json";

impl Door {
    /// `moved` changes whenever `ingest` stored something. `heard` is what an earlier run heard.
    pub fn new(ingest: Arc<Ingest>, roll: Roll, moved: watch::Sender<u64>, heard: Vec<Heard>) -> Self {
        let mut senders: HashMap<Arc<str>, Collector> = HashMap::new();
        for key in ingest.streams() {
            senders.entry((&*key.sender).into()).or_default().streams.push(key.stream);
        }
        // What was heard before a restart was heard.
        for heard in heard {
            let name: Arc<str> = (&*heard.name).into();
            senders.entry(name).or_default().heard = Some(heard);
        }
        Self { ingest, roll, senders: Mutex::new(senders), moved, places: batches::Places::default() }
    }

    fn senders(&self) -> MutexGuard<'_, HashMap<Arc<str>, Collector>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a collector was heard.
    fn hear(&self, sender: &Sender, note: impl FnOnce(&mut Heard)) {
        let mut senders = self.senders();
        let heard = senders.entry(sender.name.clone()).or_default().heard.get_or_insert_default();
        (heard.name, heard.at_us) = (sender.name.to_string(), now_us());
        note(heard);
    }

    /// Writes how all collectors are, for other programs.
    pub fn write_heard(&self, data: &Path) -> io::Result<()> {
        let mut all: Vec<Heard> = self.senders().values().filter_map(|own| own.heard.clone()).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        roll::private_folder(&folder(data))?;
        let path = folder(data).join(HEARD_FILE);
        let new = path.with_extension("new");
        roll::write_private(&new, &serde_json::to_vec(&all).map_err(io::Error::other)?)?;
        fs::rename(&new, &path)
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
        let heard = senders.get(&sender.name).and_then(|own| own.heard.as_ref());
        Ok(heard.map(|heard| heard.host.clone()).unwrap_or_default())
    }
}

impl Receiver for Door {
    fn authenticate(&self, token: &str) -> Option<Sender> {
        self.roll.who(token).map(|name| Sender { name })
    }

    fn hello(&self, sender: &Sender, hello: Hello) -> Result<HelloAnswer, Refusal> {
        let protocol = hello.spoken()?;
        self.hear(sender, |heard| {
            heard.clock_ahead_us = hello.clock_us.saturating_sub(heard.at_us);
            heard.host = hello.host;
        });
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
            clock_us: now_us(),
            streams: hello.streams.iter().filter_map(|known| held(known.stream.0)).collect(),
            limits: WireLimits::default(),
        })
    }

    fn chunk(&self, sender: &Sender, chunk: Chunk) -> Result<Received, Refusal> {
        let host = self.claim(sender, chunk.stream.0)?;
        self.hear(sender, |_| ());
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
        self.hear(sender, |heard| {
            heard.backlog_bytes = status.backlog_bytes;
            (heard.losses, heard.lost_bytes) = (status.losses, status.lost_bytes);
        });
        let durable = |asked: &Durable| {
            let position = self.position(sender, asked.stream.0)?;
            Some(Durable { stream: asked.stream, offset: position.durable })
        };
        Ok(StatusAnswer { clock_us: now_us(), durable: status.streams.iter().filter_map(durable).collect() })
    }

    fn durable_moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    fn batch(&self, sender: &Sender, batch: &Batch) -> Result<Standing, Refusal> {
        self.take_batch(sender, batch)
    }
}

fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}

fn key(sender: &Sender, stream: u128) -> StreamKey {
    StreamKey { sender: (&*sender.name).into(), stream }
}
