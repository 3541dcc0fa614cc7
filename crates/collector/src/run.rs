//! `run`: ships until it is stopped.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vigie_mailbox::Reader;
use vigie_milter::MilterPlace;
use vigie_polling::{Poller, Standing};
use vigie_shipping::{Condition, Observer, Pace, Places, Reached, ShipConfig, ShipEvent, Shipper, Unreachable, reach};

use crate::config::{Config, program};
use crate::failure::Failure;
use crate::feeds::{Scope, Sources};
use crate::log::Bounded;
use crate::{feeds, log, status, stop};

const PLACES_FILE: &str = "places.json";
const LOCK_FILE: &str = "collector.lock";
/// How often the file that `status` reads is written.
const STATUS_TIME: Duration = Duration::from_secs(5);
/// Resolving names is all that needs a thread of its own.
const NAME_THREADS: usize = 1;

pub fn run(path: &Path, files: Vec<PathBuf>) -> Result<ExitCode, Failure> {
    let mut config = Config::load(path)?;
    if !files.is_empty() {
        config.files = files;
    }
    ship(&config, Scope::All)
}

/// The milter alone: its spool is shipped, and nothing else.
pub fn milter(path: &Path, place: Option<MilterPlace>) -> Result<ExitCode, Failure> {
    let mut config = Config::load(path)?;
    config.milter = place.or(config.milter).or_else(|| Some(MilterPlace::default()));
    ship(&config, Scope::MilterAlone)
}

fn ship(config: &Config, scope: Scope) -> Result<ExitCode, Failure> {
    let _lock = lock(&config.state)?;
    let places_path = config.state.join(PLACES_FILE);
    let places = Places::load(&places_path).map_err(|error| Failure::new(&error, error.hint()))?;
    let Sources { feeds, listeners, milter, pollers, readers } = feeds::open(config, scope, places)?;
    for feed in &feeds {
        log::write("info", &format!("shipping {}", feed.label()));
    }
    let polls = pollers.iter().map(Poller::standing).chain(readers.iter().map(Reader::standing)).collect();
    let state = config.state.clone();
    let teller = Teller { log: Bounded::new(), state, polls, written: None, was_connected: false };
    let shipper = Shipper::new(ship_config(config, places_path), feeds, teller)
        .map_err(|error| Failure::new(&error, error.hint()))?;
    let no_runtime = |error| Failure::new(format!("cannot start: {error}"), "see `ulimit -a`");
    // Threads of its own: mail must not wait for what is shipped.
    let milter = milter.map(|(milter, spool)| milter.start(spool)).transpose().map_err(no_runtime)?;
    let condition = runtime().map_err(no_runtime)?.block_on(async {
        let (asked, is_asked) = stop::asked().map_err(no_runtime)?;
        let mut taking = JoinSet::new();
        for (listener, spool) in listeners {
            taking.spawn(listener.run(spool, stop::after(is_asked.clone())));
        }
        let mut polling = JoinSet::new();
        for poller in pollers {
            polling.spawn(poller.run(stop::after(is_asked.clone())));
        }
        for reader in readers {
            polling.spawn(reader.run(stop::after(is_asked.clone())));
        }
        let condition = shipper.run(asked).await;
        if let Some(milter) = milter {
            milter.stop();
        }
        // They may end at any moment, and have been told to.
        polling.shutdown().await;
        // What they still take lies in their spools for the next start.
        while let Some(ended) = taking.join_next().await {
            if let Ok(Err(error)) = ended {
                log::write("warning", &format!("a listener ended: {error}"));
            }
        }
        Ok(condition)
    })?;
    log::write("info", &farewell(&condition));
    Ok(ExitCode::SUCCESS)
}

/// Greets the server once.
pub fn greet(config: &Config) -> Result<Reached, Unreachable> {
    runtime().map_err(Unreachable::here)?.block_on(reach(&ship_config(config, config.state.join(PLACES_FILE))))
}

/// One thread for all, and one for names.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(NAME_THREADS).build()
}

fn farewell(condition: &Condition) -> String {
    let waiting: u64 = condition.backlog_bytes;
    format!("stopped; {} bytes were sent, {waiting} wait in their logs for the next start", condition.sent_bytes)
}

fn ship_config(config: &Config, places: PathBuf) -> ShipConfig {
    ShipConfig {
        server: config.server.clone(),
        enrolment: config.enrolment.clone(),
        authorities: config.authorities.clone(),
        host: config.name.clone(),
        program: program(),
        places,
        // The standard library's keys for hash maps are random.
        seed: RandomState::new().hash_one(std::process::id()),
        pace: Pace::default(),
    }
}

/// One collector at a time: two would send everything twice, and each would undo the other's places.
fn lock(state: &Path) -> Result<File, Failure> {
    let failed = |error: std::io::Error| {
        let hint = format!("see with `ls -ld {0}` and `df {0}` whether this user may write there", state.display());
        Failure::new(format!("cannot use the folder {}: {error}", state.display()), hint)
    };
    std::fs::create_dir_all(state).map_err(failed)?;
    let file = File::create(state.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            format!("another collector runs with the folder {}", state.display()),
            "stop that one first (`systemctl stop vigie-collector`), or use another configuration with another `state`",
        )),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Tells a person, and whoever asks for the status.
struct Teller {
    log: Bounded,
    state: PathBuf,
    polls: Vec<Standing>,
    written: Option<Instant>,
    was_connected: bool,
}

impl Observer for Teller {
    fn event(&mut self, event: &ShipEvent) {
        let level = if event.is_warning() { "warning" } else { "info" };
        self.log.write(level, &event.to_string());
    }

    fn condition(&mut self, condition: &Condition) {
        let is_fresh = self.written.is_some_and(|written| written.elapsed() < STATUS_TIME);
        if is_fresh && self.was_connected == condition.is_connected {
            return;
        }
        self.was_connected = condition.is_connected;
        self.written = Some(Instant::now());
        if let Err(error) = status::write(&self.state, condition, self.polls.iter().map(Standing::get).collect()) {
            self.log
                .write("warning", &format!("cannot write the status in {}: {error}; see `df`", self.state.display()));
        }
    }
}
