//! `journalctl` as a child: started after the last entry, read, and started again when it ends.

use std::io::Read;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::cursor::Cursor;
use super::pump::{Pump, count};
use super::{JournalConfig, JournalEvent, JournalStart, entry};

/// How long it waits before it starts a child again that gave entries, and at first one that gave none.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// How long it waits at most. It doubles until then.
const WAIT_MAX: Duration = Duration::from_secs(64);
/// How much of what a child said last is told.
const SAID_BYTES_MAX: usize = 512;
/// How long a child may take to end that closed its output, and to say its last.
const END_TIME_MAX: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const END_WAIT: Duration = Duration::from_millis(10);

/// Reads until it is stopped.
pub(super) fn follow(config: &JournalConfig, mut pump: Pump) {
    let mut wait = WAIT_MIN;
    while !pump.stop.is_stopped() {
        let (entries, event) = run(config, &mut pump, wait);
        if pump.stop.is_stopped() {
            return;
        }
        if entries > 0 {
            wait = WAIT_MIN;
        }
        // One that never works is told of as long as the wait still grows.
        if wait < WAIT_MAX {
            pump.tell(event);
        }
        pump.stop.wait(wait);
        wait = (wait * 2).min(WAIT_MAX);
    }
}

/// Runs one child to its end; how many entries it gave, and what to say of it.
fn run(config: &JournalConfig, pump: &mut Pump, wait: Duration) -> (u64, JournalEvent) {
    let program = config.journalctl.display().to_string();
    let (child, output, messages) = match start(config, pump.last()) {
        Ok(started) => started,
        Err(error) => return (0, JournalEvent::NotStarted { program, why: error.to_string() }),
    };
    count(&pump.counters.starts, 1);
    let said = listen(messages);
    pump.stop.guard_child(child);
    let entries = pump.read(output).entries;
    let status = end(pump);
    let said = said.recv_timeout(END_TIME_MAX).unwrap_or_default();
    (entries, JournalEvent::Ended { status, said, wait_s: wait.as_secs() })
}

fn start(config: &JournalConfig, last: Option<&Cursor>) -> std::io::Result<(Child, ChildStdout, ChildStderr)> {
    let mut command = Command::new(&config.journalctl);
    command.args(arguments(config, last)).env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    match (child.stdout.take(), child.stderr.take()) {
        (Some(output), Some(messages)) => Ok((child, output, messages)),
        _ => Err(std::io::ErrorKind::BrokenPipe.into()),
    }
}

fn arguments(config: &JournalConfig, last: Option<&Cursor>) -> Vec<String> {
    let mut arguments: Vec<String> = ["--output=export", "--follow", "--no-pager"].map(ToOwned::to_owned).to_vec();
    arguments.push(format!("--output-fields={}", entry::FIELDS.join(",")));
    match (last, config.start) {
        (Some(last), _) => arguments.extend(["--no-tail".to_owned(), format!("--after-cursor={}", last.text())]),
        (None, JournalStart::Oldest) => arguments.push("--no-tail".to_owned()),
        (None, JournalStart::Newest) => arguments.push("--lines=0".to_owned()),
    }
    arguments.extend(config.filter.matches());
    arguments
}

/// Reads what the child says, so that it need not wait, and gives the end of it.
fn listen(messages: ChildStderr) -> mpsc::Receiver<String> {
    let (tell, said) = mpsc::channel();
    // It ends with the child, and whoever else holds its messages open; nobody waits for it longer than a moment.
    drop(std::thread::spawn(move || {
        // The other side may have gone.
        drop(tell.send(last_of(messages)));
    }));
    said
}

fn last_of(mut messages: impl Read) -> String {
    let (mut last, mut part) = (Vec::new(), [0; SAID_BYTES_MAX]);
    while let Ok(bytes @ 1..) = messages.read(&mut part) {
        last.extend_from_slice(&part[..bytes]);
        let surplus = last.len().saturating_sub(SAID_BYTES_MAX);
        last.drain(..surplus);
    }
    String::from_utf8_lossy(&last).trim().to_owned()
}

/// Waits for a child that closed its output, and ends it when it does not end by itself. How it ended, in words.
fn end(pump: &Pump) -> String {
    let deadline = Instant::now() + END_TIME_MAX;
    loop {
        let Some(mut child) = pump.stop.take_child() else { return "it is gone".into() };
        match child.try_wait() {
            Ok(Some(status)) => return status.to_string(),
            Ok(None) if Instant::now() < deadline && !pump.stop.is_stopped() => pump.stop.guard_child(child),
            Ok(None) => {
                // It may have ended by itself just now.
                drop(child.kill());
                return child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            }
            Err(error) => return error.to_string(),
        }
        pump.stop.wait(END_WAIT);
    }
}
