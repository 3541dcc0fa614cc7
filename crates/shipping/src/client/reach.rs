//! One greeting, to see whether the server can be reached and lets us in. Nothing is sent.

use std::time::Duration;

use super::link::{Dialer, Fault};
use super::{ShipConfig, now_us};
use crate::bounds::NAME_BYTES_MAX;
use crate::protocol::{CURRENT, HELLO_PATH, Hello, HelloAnswer, cut};

/// The server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Name and version of its program.
    pub program: String,
    /// By how much this machine's clock is ahead of the server's: at least and at most, by the way there and back.
    pub clock_ahead_us: (i64, i64),
}

/// The server did not answer, or does not let us in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreachable {
    message: String,
    hint: String,
}

impl Unreachable {
    /// This machine itself cannot try.
    pub fn here(error: std::io::Error) -> Unreachable {
        Unreachable { message: format!("cannot start: {error}"), hint: "see `ulimit -a`".into() }
    }

    /// What to do.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl From<Fault> for Unreachable {
    fn from(fault: Fault) -> Self {
        Unreachable { message: fault.to_string(), hint: fault.hint() }
    }
}

/// Greets the server.
pub async fn reach(config: &ShipConfig) -> Result<Reached, Unreachable> {
    let dialer = Dialer::new(config);
    let dialer = dialer.map_err(|error| Unreachable { message: error.to_string(), hint: error.hint().to_owned() })?;
    let link = dialer.dial().await?;
    let [program, host] = [&config.program, &config.host].map(|name| cut(name, NAME_BYTES_MAX).to_owned());
    let asked_us = now_us();
    let hello = Hello { protocol: CURRENT, program, host, clock_us: asked_us, streams: Vec::new() };
    let body = serde_json::to_vec(&hello).map_err(|_| Unreachable::from(Fault::Nonsense))?;
    let answer: HelloAnswer = link.ask(HELLO_PATH, body.into(), Duration::ZERO).await?;
    let (least, most) = (asked_us - answer.clock_us, now_us() - answer.clock_us);
    Ok(Reached { program: answer.program, clock_ahead_us: (least, most) })
}
