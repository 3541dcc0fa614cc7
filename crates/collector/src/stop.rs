//! Ctrl-C and `kill`: the first asks for a stop in order, the second ends the program at once. Nothing is lost either way.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

/// Completes when a stop is asked for; and the same for others. Listens from now on.
pub fn asked() -> io::Result<(impl Future<Output = ()> + Send, watch::Receiver<bool>)> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (ask, is_asked) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            let code = tokio::select! {
                _ = interrupt.recv() => INTERRUPTED,
                _ = terminate.recv() => TERMINATED,
            };
            if ask.send_replace(true) {
                std::process::exit(code);
            }
        }
    });
    Ok((after(is_asked.clone()), is_asked))
}

/// Completes when a stop was asked for.
pub async fn after(mut is_asked: watch::Receiver<bool>) {
    // It fails only without a sender, and the task lives as long as the program.
    let _ = is_asked.wait_for(|asked| *asked).await;
}
