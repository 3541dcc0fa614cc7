//! Ctrl-C, and `kill` without a number: the first asks the work to stop at the next safe place, the second ends the program at once.

use std::{
    io,
    sync::{
        LazyLock, Once,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// The signal that asked for a stop. It stays here: who begins to wait after it came hears of it too.
static ASKED: LazyLock<watch::Sender<Option<Signal>>> = LazyLock::new(|| watch::Sender::new(None));
/// Nothing runs that would have to reach a safe place first.
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
    *ASKED.borrow()
}

/// Waits until a stop is asked for; returns at once when it was.
pub async fn wait() {
    // It fails only without a sender, and this one lives as long as the program.
    let _ = ASKED.subscribe().wait_for(Option::is_some).await;
}

/// The work that needs a safe place is done: a stop is no matter to speak of any more.
pub fn over() {
    OVER.store(true, Ordering::Relaxed);
}

/// Listens for both signals, from the moment that this returns until the program ends.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let (ready, is_ready) = mpsc::channel();
        std::thread::spawn(move || {
            // Where the system lets nobody listen, a signal ends the program as it always did.
            if let Err(error) = hear(&ready) {
                tracing::warn!(%error, "a stop will not wait for a safe place");
            }
        });
        // It ends without a word when the system lets nobody listen.
        let _ = is_ready.recv();
    });
}

fn hear(ready: &mpsc::Sender<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let _ = ready.send(());
        loop {
            let heard = tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
            };
            if ASKED.send_replace(Some(heard)).is_some() {
                std::process::exit(i32::from(heard.exit_code()));
            }
            if !OVER.load(Ordering::Relaxed) {
                anstream::eprintln!(
                    "\nstopping at the next safe place; press Ctrl-C again to end at once (nothing is lost either way)"
                );
            }
        }
    })
}
