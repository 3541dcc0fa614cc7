//! Ctrl-C, and `kill` without a number: the first asks the work to stop at the next safe place, the second ends the program at once.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// The signal that asked for a stop; 0 while none did.
static ASKED: AtomicU8 = AtomicU8::new(0);
/// The work that can be stopped is over: signals are somebody else's.
static OVER: AtomicBool = AtomicBool::new(false);

/// What can ask for a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C, SIGINT.
    Interrupt,
    /// SIGTERM: `kill`, `systemctl stop`, a machine that goes down.
    Terminate,
}

impl Signal {
    /// As a shell has it: 128 and the number of the signal.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

/// Was a stop asked for, and by what?
pub fn asked() -> Option<Signal> {
    let asked = ASKED.load(Ordering::Relaxed);
    [Signal::Interrupt, Signal::Terminate].into_iter().find(|signal| signal.exit_code() == asked)
}

/// Nothing is to be stopped any more.
pub fn over() {
    OVER.store(true, Ordering::Relaxed);
}

/// Listens for both signals from now on.
pub fn listen() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            while let Some(signal) = next().await {
                if OVER.load(Ordering::Relaxed) {
                    return;
                }
                if ASKED.swap(signal.exit_code(), Ordering::Relaxed) != 0 {
                    std::process::exit(i32::from(signal.exit_code()));
                }
                anstream::eprintln!(
                    "\nstopping at the next safe place; press Ctrl-C again to end at once (nothing is lost either way)"
                );
            }
        });
    });
}

/// Waits for one of them; `None` when the system lets nobody listen.
pub async fn next() -> Option<Signal> {
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.ok().map(|()| Signal::Interrupt),
        _ = terminate.recv() => Some(Signal::Terminate),
    }
}
