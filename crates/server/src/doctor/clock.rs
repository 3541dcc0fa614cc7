//! Is this machine's clock kept right?

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Check, Finding, Patient};

pub const CHECK: Check = Check { name: "clock", run };

/// The answer needs the system's bus, which may hang.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// No answer is longer.
const ANSWER_BYTES_MAX: u64 = 4_096;

fn run(_: &Patient) -> Vec<Finding> {
    // What systemd's own keeper of the time leaves; others are known to the kernel, which timedatectl asks.
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return vec![Finding::ok("set by NTP")];
    }
    vec![match asked().as_deref().map(str::trim) {
        Some("yes") => Finding::ok("set by NTP"),
        Some("no") => Finding::warning(
            "nothing keeps it right",
            "timedatectl set-ntp true, or install chrony: delays between servers are only as right as their clocks",
        ),
        _ => Finding::not_applicable("nobody here knows whether it is set by NTP (in a container, see the host)"),
    }]
}

fn asked() -> Option<String> {
    let mut child = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let until = Instant::now() + PATIENCE;
    while child.try_wait().ok()?.is_none() {
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    let mut answer = String::new();
    child.stdout.take()?.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).ok()?;
    Some(answer)
}
