//! A receiver in memory that forgets what it did not make durable, and is in many moods.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, watch};
use vigie_shipping::protocol::{Durable, HeldStream, Hello, HelloAnswer, Received, Status, StatusAnswer, WireLimits};
use vigie_shipping::{Chunk, Placement, Receiver, Refusal, Sender, Token, TokenHash};
use vigie_sources::StreamId;
use vigie_testkit::random::Random;

/// How often something goes wrong: once in so many chunks; 0 for never.
#[derive(Clone, Copy, Default)]
pub struct Mood {
    pub busy: usize,
    pub restart: usize,
    pub cut: usize,
    pub kill: usize,
    pub gap: usize,
    /// Once in so many chunks and statuses all becomes durable; 0 for at once.
    pub commit: usize,
}

#[derive(Default, Clone)]
pub struct Held {
    pub owner: String,
    pub durable: Vec<u8>,
    pub pending: Vec<u8>,
    pub has_ended: bool,
    pub losses: Vec<(u64, u64)>,
    /// What stands before `durable`'s first byte, after a loss.
    pub base: u64,
}

impl Held {
    pub fn received(&self) -> u64 {
        self.base + (self.durable.len() + self.pending.len()) as u64
    }

    fn durable_end(&self) -> u64 {
        self.base + self.durable.len() as u64
    }
}

pub struct State {
    pub streams: HashMap<StreamId, Held>,
    pub hellos: Vec<Hello>,
    pub statuses: Vec<Status>,
    pub chunks: usize,
    pub repeated: usize,
    pub mood: Mood,
    random: Random,
}

pub struct World {
    pub state: Mutex<State>,
    known: Vec<(TokenHash, &'static str)>,
    moved: watch::Sender<u64>,
    /// Connections are to be cut.
    pub cut: Notify,
    /// The collector is to be killed.
    pub kill: Notify,
    pub clock_us: i64,
}

impl World {
    pub fn new(known: &[(&Token, &'static str)], mood: Mood, seed: u64) -> Arc<World> {
        let state = State {
            streams: HashMap::new(),
            hellos: Vec::new(),
            statuses: Vec::new(),
            chunks: 0,
            repeated: 0,
            mood,
            random: Random::new(seed),
        };
        Arc::new(World {
            state: Mutex::new(state),
            known: known.iter().map(|(token, name)| (token.hash(), *name)).collect(),
            moved: watch::Sender::new(0),
            cut: Notify::new(),
            kill: Notify::new(),
            clock_us: now_us(),
        })
    }

    pub fn commit(&self) {
        self.state.lock().unwrap().commit();
        self.moved.send_modify(|count| *count += 1);
    }

    pub fn held(&self, stream: StreamId) -> Held {
        self.state.lock().unwrap().streams.get(&stream).cloned().unwrap_or_default()
    }
}

pub fn now_us() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64
}

impl State {
    fn commit(&mut self) {
        for held in self.streams.values_mut() {
            let pending = std::mem::take(&mut held.pending);
            held.durable.extend(pending);
        }
    }

    fn happens(&mut self, once_in: usize) -> bool {
        once_in > 0 && self.random.below(once_in) == 0
    }

    fn durable_of(&self, sender: &Sender) -> Vec<Durable> {
        let own = self.streams.iter().filter(|(_, held)| *held.owner == *sender.name);
        own.map(|(stream, held)| Durable { stream: *stream, offset: held.durable_end() }).collect()
    }

    fn take(&mut self, sender: &Sender, chunk: &Chunk) -> Result<u64, Refusal> {
        let held = self.streams.entry(chunk.stream).or_default();
        if held.owner.is_empty() {
            held.owner = sender.name.to_string();
        }
        if *held.owner != *sender.name {
            return Err(Refusal::Foreign);
        }
        if chunk.after_loss && chunk.offset > held.received() {
            held.losses.push((held.received(), chunk.offset));
            assert!(held.durable.is_empty(), "this receiver can skip at the beginning only");
            held.base = chunk.offset;
        }
        match chunk.placement(held.received()) {
            Placement::Gap => return Err(Refusal::Gap { expected: held.received() }),
            Placement::Known => self.repeated += 1,
            Placement::New(bytes) => {
                held.pending.extend_from_slice(bytes);
                held.has_ended |= chunk.is_last;
            }
        }
        Ok(self.streams[&chunk.stream].received())
    }
}

impl Receiver for World {
    fn authenticate(&self, token: &str) -> Option<Sender> {
        let known = self.known.iter().find(|(hash, _)| hash.matches(token));
        known.map(|(_, name)| Sender { name: (*name).into() })
    }

    fn hello(&self, sender: &Sender, hello: Hello) -> Result<HelloAnswer, Refusal> {
        let mut state = self.state.lock().unwrap();
        let held = |stream: StreamId| state.streams.get(&stream).filter(|held| *held.owner == *sender.name);
        let known = hello.streams.iter().filter_map(|known| {
            let held = held(known.stream)?;
            Some(HeldStream { stream: known.stream, durable: held.durable_end(), received: held.received() })
        });
        let answer = HelloAnswer {
            protocol: hello.spoken()?,
            program: "test".into(),
            clock_us: self.clock_us,
            streams: known.collect(),
            limits: WireLimits::default(),
        };
        state.hellos.push(hello);
        Ok(answer)
    }

    fn chunk(&self, sender: &Sender, chunk: Chunk) -> Result<Received, Refusal> {
        let mut state = self.state.lock().unwrap();
        state.chunks += 1;
        let mood = state.mood;
        if state.happens(mood.cut) {
            self.cut.notify_waiters();
        }
        if state.happens(mood.kill) {
            self.kill.notify_waiters();
        }
        if state.happens(mood.busy) {
            return Err(Refusal::Busy { wait_ms: 5 });
        }
        if state.happens(mood.restart) {
            state.streams.values_mut().for_each(|held| held.pending.clear());
        }
        if state.happens(mood.gap) {
            let held = state.streams.get(&chunk.stream);
            return Err(Refusal::Gap { expected: held.map_or(0, Held::received) });
        }
        let received = state.take(sender, &chunk)?;
        if mood.commit == 0 || state.happens(mood.commit) {
            state.commit();
            self.moved.send_modify(|count| *count += 1);
        }
        Ok(Received { received, durable: state.durable_of(sender), wait_ms: 0 })
    }

    fn status(&self, sender: &Sender, status: &Status) -> Result<StatusAnswer, Refusal> {
        let mut state = self.state.lock().unwrap();
        state.statuses.push(status.clone());
        let commit = state.mood.commit;
        if state.happens(commit) {
            state.commit();
        }
        Ok(StatusAnswer { clock_us: self.clock_us, durable: state.durable_of(sender) })
    }

    fn durable_moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}
