//! A server that takes everything and keeps nothing, to measure collectors: `sink FOLDER [ADDRESS]`.
//!
//! Prints the enrolment word, and then each five seconds what came.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::watch;
use vigie_shipping::protocol::{Durable, HeldStream, Hello, HelloAnswer, Received, Status, StatusAnswer, WireLimits};
use vigie_shipping::{Chunk, Enrolment, Limits, Placement, Receiver, Refusal, Sender, Server, ServerIdentity, Token};
use vigie_sources::StreamId;

const ADDRESS: &str = "127.0.0.1:8026";
const TELL_TIME: Duration = Duration::from_secs(5);

struct Sink {
    token: Token,
    received: Mutex<HashMap<StreamId, u64>>,
    moved: watch::Sender<u64>,
}

impl Sink {
    fn durable(&self) -> Vec<Durable> {
        let Ok(received) = self.received.lock() else { return Vec::new() };
        received.iter().map(|(stream, offset)| Durable { stream: *stream, offset: *offset }).collect()
    }
}

impl Receiver for Sink {
    fn authenticate(&self, token: &str) -> Option<Sender> {
        self.token.hash().matches(token).then(|| Sender { name: "measured".into() })
    }

    fn hello(&self, _: &Sender, hello: Hello) -> Result<HelloAnswer, Refusal> {
        let held = |moved: Durable| HeldStream { stream: moved.stream, durable: moved.offset, received: moved.offset };
        Ok(HelloAnswer {
            protocol: hello.spoken()?,
            program: "sink".into(),
            clock_us: now_us(),
            streams: self.durable().into_iter().map(held).collect(),
            limits: WireLimits::default(),
        })
    }

    fn chunk(&self, _: &Sender, chunk: Chunk) -> Result<Received, Refusal> {
        let mut all = self.received.lock().map_err(|_| Refusal::Busy { wait_ms: 1000 })?;
        let received = all.entry(chunk.stream).or_insert(if chunk.after_loss { chunk.offset } else { 0 });
        match chunk.placement(*received) {
            Placement::Gap => return Err(Refusal::Gap { expected: *received }),
            Placement::New(bytes) => *received += bytes.len() as u64,
            Placement::Known => {}
        }
        Ok(Received { received: *received, durable: Vec::new(), wait_ms: 0 })
    }

    fn status(&self, _: &Sender, _: &Status) -> Result<StatusAnswer, Refusal> {
        Ok(StatusAnswer { clock_us: now_us(), durable: self.durable() })
    }

    fn durable_moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: sink FOLDER [ADDRESS]")?);
    let address = arguments.next().unwrap_or_else(|| ADDRESS.to_owned());
    let identity = Arc::new(ServerIdentity::own(&folder, "localhost")?);
    let token = Token::generate()?;
    println!("{}", Enrolment { token: token.clone(), pin: identity.pin() }.word());
    let sink = Sink { token, received: Mutex::default(), moved: watch::Sender::new(0) };
    let server = Server::new(sink, identity, Limits::default());
    let counters = server.counters();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(TELL_TIME).await;
            println!("{} bytes in {} chunks", counters.bytes(), counters.chunks());
        }
    });
    server.serve(TcpListener::bind(address).await?, std::future::pending()).await?;
    Ok(())
}
