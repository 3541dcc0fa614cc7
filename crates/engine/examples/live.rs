//! What live ingest costs: a log sent in pieces of so many lines, with a commit after each.
//!
//!     cargo run --release -p vigie-engine --example live -- LOG LINES_PER_COMMIT [COMMITS_BETWEEN_COMPACTIONS]

use std::{error::Error, fs, time::Instant};

use jiff::tz::TimeZone;
use vigie_engine::import::{
    Store,
    live::{Arrival, Live, StreamKey},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let log = fs::read(arguments.get(1).ok_or("which log?")?)?;
    let lines_per_commit: usize = arguments.get(2).map_or(Ok(5_000), |text| text.parse())?;
    let compaction: usize = arguments.get(3).map_or(Ok(60), |text| text.parse())?;
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
    Ok(())
}
