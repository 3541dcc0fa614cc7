//! What live ingest costs: a log sent in pieces of so many lines, with a commit after each.
//!
//!     cargo run --release -p vigie-engine --example live -- LOG LINES_PER_COMMIT [COMMITS_BETWEEN_COMPACTIONS [LINES_A_SECOND]]
//!
//! With lines a second, the times in the log (fifteen characters, as RFC 3164 has them) give way to others that are so far apart: then as
//! much is under way at once as there would be with that traffic.

use std::{error::Error, fs, time::Instant};

use jiff::{Timestamp, tz::TimeZone};
use vigie_engine::import::{
    Store,
    live::{Arrival, Live, StreamKey},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the time is in the lines of the log.
const STAMP_BYTES: usize = 15;
/// Time of the first line: 2 March 2026.
const BEGIN_MICROS: i64 = 1_772_409_600_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let mut log = fs::read(arguments.get(1).ok_or("which log?")?)?;
    let lines_per_commit: usize = arguments.get(2).map_or(Ok(5_000), |text| text.parse())?;
    let compaction: usize = arguments.get(3).map_or(Ok(60), |text| text.parse())?;
    if let Some(rate) = arguments.get(4) {
        log = at_rate(&log, rate.parse()?);
    }
    let dir = tempfile::tempdir()?;
    let mut live = Live::open(&Store::open(dir.path())?, TimeZone::UTC, "here".to_owned())?;
    let key = StreamKey { sender: "one".into(), stream: 1 };
    let (mut at, mut commits, mut lines) = (0, 0, 0);
    let (mut commit_ms, mut compact_ms) = (Vec::new(), Vec::new());
    let began = Instant::now();
    while at < log.len() {
        let length: usize =
            log[at..].split_inclusive(|&byte| byte == b'\n').take(lines_per_commit).map(<[u8]>::len).sum();
        let bytes = &log[at..at + length];
        live.take(&Arrival {
            key: key.clone(),
            label: "mail.log",
            host: "one",
            offset: at as u64,
            bytes,
            is_last: false,
            after_loss: false,
        })?;
        at += length;
        let start = Instant::now();
        let stored = live.commit()?;
        commit_ms.push(start.elapsed().as_secs_f64() * 1_000.0);
        lines += stored.lines;
        commits += 1;
        if commits % 20 == 0 {
            println!("{commits} commits, {lines} lines: {stored:?}, the last took {:.1} ms", commit_ms[commits - 1]);
        }
        if commits % compaction == 0 {
            let start = Instant::now();
            let merged = live.plan_compaction()?.run()?;
            live.publish_compaction(merged)?;
            compact_ms.push(start.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    commit_ms.sort_by(f64::total_cmp);
    compact_ms.sort_by(f64::total_cmp);
    let share = |of: &[f64], part: f64| of.get(((of.len() as f64 - 1.0) * part) as usize).copied().unwrap_or_default();
    println!("{lines} lines in {seconds:.1} s: {:.0} lines a second", lines as f64 / seconds);
    println!(
        "commit ms: p50 {:.1} p95 {:.1} p99 {:.1} max {:.1}",
        share(&commit_ms, 0.5),
        share(&commit_ms, 0.95),
        share(&commit_ms, 0.99),
        share(&commit_ms, 1.0)
    );
    println!("compaction ms: p50 {:.1} max {:.1}", share(&compact_ms, 0.5), share(&compact_ms, 1.0));
    let held = live.held();
    println!("held: {} hops, {} of them packed in {} bytes", held.hops, held.packed, held.packed_bytes);
    println!("CPU {:.2} s; {}", cpu_seconds()?, memory(log.len())?);
    Ok(())
}

/// The log, so many lines to a second.
fn at_rate(log: &[u8], rate: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(log.len() + log.len() / 8);
    let lines = log.split_inclusive(|&byte| byte == b'\n').filter(|line| line.len() > STAMP_BYTES);
    for (line, micros) in lines.zip((BEGIN_MICROS..).step_by((1_000_000 / rate) as usize)) {
        let ts = Timestamp::from_microsecond(micros).unwrap_or_default();
        out.extend_from_slice(format!("{ts:.6}").as_bytes());
        out.extend_from_slice(&line[STAMP_BYTES..]);
    }
    out
}

/// User and system time of this process.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    Ok(fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0)
}

fn memory(log_bytes: usize) -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let shown = status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"));
    let shown: Vec<String> = shown.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    Ok(format!("{}, with {} kB of log", shown.join(", "), log_bytes / 1024))
}
