//! `status`: how the running collector stands. It leaves that in a file, so that asking needs no port.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use vigie_polling::PollCondition;
use vigie_shipping::Condition;

use crate::config::Config;
use crate::failure::Failure;
use crate::log;

const FILE: &str = "status.json";
/// A running collector writes it every few seconds.
pub const STALE_S: i64 = 60;
const NOT_CONNECTED: u8 = 1;
const NOT_RUNNING: u8 = 4;

/// What is left in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// How the shipper stands.
    #[serde(flatten)]
    pub condition: Condition,
    /// How those stand that ask.
    #[serde(default)]
    pub polls: Vec<PollCondition>,
}

/// Leaves it for [`show`]. Not synced: after a crash of the machine nothing of it is true.
pub fn write(state: &Path, condition: &Condition, polls: Vec<PollCondition>) -> io::Result<()> {
    let fresh = state.join("status.new");
    let report = Report { condition: condition.clone(), polls };
    std::fs::write(&fresh, serde_json::to_vec(&report).map_err(io::Error::other)?)?;
    std::fs::rename(fresh, state.join(FILE))
}

pub fn show(path: &Path) -> Result<ExitCode, Failure> {
    let config = Config::load(path)?;
    let Some((Report { condition, polls }, age_s)) = read(&config) else {
        log::say(&format!("it has not run yet (nothing in {})\n", config.state.display()));
        return Ok(ExitCode::from(NOT_RUNNING));
    };
    let text = told(&condition, age_s) + &polls.iter().map(|poll| told_of(poll, condition.now_us)).collect::<String>();
    log::say(&text);
    Ok(match condition.is_connected {
        _ if age_s > STALE_S => ExitCode::from(NOT_RUNNING),
        true => ExitCode::SUCCESS,
        false => ExitCode::from(NOT_CONNECTED),
    })
}

/// How it stood, and how many seconds ago. None when it has not run yet.
pub fn read(config: &Config) -> Option<(Report, i64)> {
    let text = std::fs::read(config.state.join(FILE)).ok()?;
    let report: Report = serde_json::from_slice(&text).ok()?;
    let age_s = now_us().saturating_sub(report.condition.now_us) / 1_000_000;
    Some((report, age_s))
}

fn told(condition: &Condition, age_s: i64) -> String {
    let mut text = String::new();
    let since_s = (condition.now_us - condition.since_us) / 1_000_000;
    let connection = if condition.is_connected { "connected to" } else { "not connected to" };
    if age_s > STALE_S {
        let _ = writeln!(text, "not running: nothing was heard of it for {age_s} s; what follows is from then");
    }
    let _ = writeln!(text, "{connection} {} for {since_s} s", condition.server);
    if let Some(trouble) = &condition.trouble {
        let _ = writeln!(text, "  {}", trouble.replace(char::is_control, " "));
    }
    let (sent, chunks) = (condition.sent_bytes, condition.chunks);
    let _ = writeln!(text, "sent {sent} bytes in {chunks} chunks; {} bytes wait", condition.backlog_bytes);
    if condition.losses > 0 {
        let _ = writeln!(text, "lost: {} times, {} bytes known; see its log", condition.losses, condition.lost_bytes);
    }
    for feed in &condition.feeds {
        let (label, waiting, open) = (&feed.label, feed.backlog_bytes, feed.undurable_bytes);
        let _ = writeln!(text, "  {label}: {waiting} bytes wait, {open} are sent and not stored yet");
    }
    text
}

/// One that asks.
pub fn told_of(poll: &PollCondition, now_us: i64) -> String {
    let seconds = |us: i64| us / 1_000_000;
    let read = match poll.read_us {
        0 => "nothing was read yet".to_owned(),
        read => format!("read {} s ago", seconds(now_us - read).max(0)),
    };
    let next = match poll.next_us {
        next if next > now_us => format!("again in {} s", seconds(next - now_us)),
        _ => "at work".to_owned(),
    };
    let (label, rows, lines, requests) = (&poll.label, poll.rows, poll.lines, poll.requests);
    let mut text = format!("  {label}: {read}, {next}; {lines} lines of {rows} rows in {requests} requests\n");
    if poll.unreadable > 0 {
        let _ = writeln!(text, "    {} rows are left out: they {}", poll.unreadable, poll.why_unreadable);
    }
    if let Some(trouble) = &poll.trouble {
        let _ = writeln!(text, "    {}", trouble.replace(char::is_control, " "));
    }
    text
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
