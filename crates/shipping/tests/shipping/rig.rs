//! A server, a wire that can be cut, and collectors.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use vigie_shipping::{
    Condition, Counters, Enrolment, Limits, Observer, Pace, Places, Server, ServerIdentity, ShipConfig, ShipEvent,
    Shipper, Token,
};
use vigie_sources::Feed;

use crate::world::{Mood, World};

/// How long a test waits for what must come.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Rig {
    pub world: Arc<World>,
    pub counters: Arc<Counters>,
    pub identity: Arc<ServerIdentity>,
    pub token: Token,
    pub other_token: Token,
    pub folder: TempDir,
    /// Where the server listens.
    pub address: SocketAddr,
    /// Where the wire that can be cut begins.
    pub wire: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Rig {
    pub async fn new(mood: Mood, limits: Limits, seed: u64) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let identity = Arc::new(ServerIdentity::own(folder.path(), "vigie.example.org").unwrap());
        Self::with_identity(folder, identity, mood, limits, seed).await
    }

    pub async fn with_identity(
        folder: TempDir,
        identity: Arc<ServerIdentity>,
        mood: Mood,
        limits: Limits,
        seed: u64,
    ) -> Rig {
        let (token, other_token) = (Token::generate().unwrap(), Token::generate().unwrap());
        let world = World::new(&[(&token, "mx1"), (&other_token, "mx2")], mood, seed);
        let server = Server::new(world.clone(), identity.clone(), limits);
        let counters = server.counters();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire_address = wire.local_addr().unwrap();
        let serving = tokio::spawn(async move { server.serve(listener, std::future::pending()).await.unwrap() });
        let carrying = tokio::spawn(carry(wire, address, world.clone()));
        let tasks = vec![serving, carrying];
        Rig { world, counters, identity, token, other_token, folder, address, wire: wire_address, tasks }
    }

    pub fn enrolment(&self) -> Enrolment {
        Enrolment { token: self.token.clone(), pin: self.identity.pin() }
    }

    pub fn config(&self, seed: u64) -> ShipConfig {
        ShipConfig {
            server: self.wire.to_string(),
            enrolment: self.enrolment(),
            authorities: None,
            host: "mx1.example.org".into(),
            program: "vigie-collector test".into(),
            places: self.places_path(),
            seed,
            pace: quick(),
        }
    }

    pub fn places_path(&self) -> PathBuf {
        self.folder.path().join("places.json")
    }

    pub fn places(&self) -> Places {
        Places::load(&self.places_path()).unwrap()
    }
}

/// Forwards connections until they are to be cut.
async fn carry(wire: TcpListener, to: SocketAddr, world: Arc<World>) {
    while let Ok((mut near, _)) = wire.accept().await {
        let world = world.clone();
        tokio::spawn(async move {
            let Ok(mut far) = TcpStream::connect(to).await else { return };
            tokio::select! {
                () = world.cut.notified() => {}
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
            }
        });
    }
}

/// As the collector's, but for a test that is not to wait.
pub fn quick() -> Pace {
    Pace {
        poll: Duration::from_millis(2),
        retry_min: Duration::from_millis(1),
        retry_max: Duration::from_millis(20),
        connect: Duration::from_secs(5),
        request: Duration::from_secs(10),
        status: Duration::from_millis(50),
        save: Duration::from_millis(5),
        drain: Duration::from_secs(2),
        notice: Duration::from_millis(50),
        stall: Duration::from_millis(300),
        trouble: Duration::from_millis(30),
    }
}

/// Keeps what a shipper tells.
#[derive(Clone, Default)]
pub struct Notes(pub Arc<Mutex<(Vec<ShipEvent>, Condition)>>);

impl Observer for Notes {
    fn event(&mut self, event: &ShipEvent) {
        self.0.lock().unwrap().0.push(event.clone());
    }

    fn condition(&mut self, condition: &Condition) {
        self.0.lock().unwrap().1 = condition.clone();
    }
}

impl Notes {
    pub fn events(&self) -> Vec<ShipEvent> {
        self.0.lock().unwrap().0.clone()
    }

    pub fn condition(&self) -> Condition {
        self.0.lock().unwrap().1.clone()
    }

    pub fn has(&self, is_it: impl Fn(&ShipEvent) -> bool) -> bool {
        self.0.lock().unwrap().0.iter().any(is_it)
    }
}

/// A collector at work. Dropping it kills it, as -9 would.
pub struct Collector {
    pub notes: Notes,
    task: JoinHandle<Condition>,
    stop: Arc<tokio::sync::Notify>,
}

impl Collector {
    pub fn start(config: ShipConfig, feeds: Vec<Box<dyn Feed>>) -> Collector {
        let (notes, stop) = (Notes::default(), Arc::new(tokio::sync::Notify::new()));
        let shipper = Shipper::new(config, feeds, notes.clone()).unwrap();
        let stopping = stop.clone();
        let task = tokio::spawn(shipper.run(async move { stopping.notified().await }));
        Collector { notes, task, stop }
    }

    pub async fn kill(self) {
        self.task.abort();
        let mut this = self;
        match (&mut this.task).await {
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            _ => {}
        }
    }

    pub async fn stop(mut self) -> Condition {
        self.stop.notify_one();
        (&mut self.task).await.unwrap()
    }

    pub fn has_failed(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits until it is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
