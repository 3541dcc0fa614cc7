//! Ctrl-C: the first asks the work to stop at the next safe place, the second ends the program at once.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Was a stop asked for?
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Listens for Ctrl-C from now on.
pub fn listen() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if ASKED.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
                anstream::eprintln!(
                    "\nstopping at the next safe place; press Ctrl-C again to end at once (nothing is lost either way)"
                );
            }
        });
    });
}
