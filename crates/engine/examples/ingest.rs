//! What the running ingest takes, without collectors: the store has both cores to itself.
//!
//!     cargo run --release -p vigie-engine --example ingest -- rate LOG LINES_A_SECOND SECONDS
//!     cargo run --release -p vigie-engine --example ingest -- behind LOG LINES_A_SECOND
//!
//! `rate` sends the lines of a log (RFC 3164 times, which give way to the time of now) at a steady rate and prints how long until they are
//! durable and visible. `behind` parts the log in two by program, sends one part at once, and the other at that rate: the backlog of a
//! server that writes two logs.

use std::{
    error::Error,
    fs,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use jiff::{Timestamp, tz::TimeZone};
use vigie_engine::{
    import::{
        Store,
        live::{Arrival, NotTaken, StreamKey},
    },
    ingest::Ingest,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the time is in the lines of the log.
const STAMP_BYTES: usize = 15;
/// Lines come in pieces of this much time.
const PIECE: Duration = Duration::from_millis(50);
/// One piece for what is sent at once.
const PIECE_BYTES: usize = 1_000_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |at: usize| arguments.get(at).ok_or("rate LOG LINES_A_SECOND SECONDS, or behind LOG LINES_A_SECOND");
    let log = fs::read(argument(2)?)?;
    let rate: usize = argument(3)?.parse()?;
    let dir = tempfile::tempdir()?;
    let (told, commits) = mpsc::channel();
    let told = Mutex::new(told);
    let on_commit = move || {
        let _ = told.lock().unwrap_or_else(PoisonError::into_inner).send(Instant::now());
    };
    let store = Store::open(dir.path())?;
    let ingest = Arc::new(Ingest::start(store, TimeZone::UTC, "here".to_owned(), on_commit)?);
    let began = Instant::now();
    match argument(1)?.as_str() {
        "behind" => behind(&ingest, &log, rate)?,
        _ => at_rate(&ingest, &log, rate, Duration::from_secs(argument(4)?.parse()?), &commits)?,
    }
    let sent = began.elapsed();
    ingest.stop();
    let condition = ingest.condition();
    println!(
        "{} lines sent in {:.1} s, stored in {:.1} s",
        condition.lines,
        sent.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    println!(
        "{} commits, {} recounts, the last commit took {:.0} ms",
        condition.commits,
        condition.derivations,
        condition.last_commit.as_secs_f64() * 1e3
    );
    println!("CPU {:.2} s, peak memory {} MiB", cpu_seconds()?, peak_mib()?);
    Ok(())
}

/// One stream of this host.
struct Sender<'a> {
    ingest: &'a Ingest,
    key: StreamKey,
    label: &'static str,
    sent: u64,
}

impl<'a> Sender<'a> {
    fn new(ingest: &'a Ingest, stream: u128, label: &'static str) -> Self {
        Self { ingest, key: StreamKey { sender: "one".into(), stream }, label, sent: 0 }
    }

    /// Waits as long as there is no room.
    fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        loop {
            let arrival = Arrival {
                key: self.key.clone(),
                label: self.label,
                host: "mail1",
                offset: self.sent,
                bytes,
                is_last: false,
                after_loss: false,
            };
            match self.ingest.take(&arrival) {
                Ok(_) => break,
                Err(NotTaken::Busy) => std::thread::sleep(PIECE),
                Err(error) => return Err(error.into()),
            }
        }
        self.sent += bytes.len() as u64;
        Ok(())
    }

    fn durable(&self) -> u64 {
        self.ingest.position(&self.key).map_or(0, |position| position.durable)
    }
}

fn at_rate(ingest: &Ingest, log: &[u8], rate: usize, time: Duration, commits: &mpsc::Receiver<Instant>) -> Outcome<()> {
    let mut sender = Sender::new(ingest, 1, "mail.log");
    let mut lines = log.split_inclusive(|&byte| byte == b'\n').filter(|line| line.len() > STAMP_BYTES).cycle();
    let (began, mut written) = (Instant::now(), 0);
    let (mut pieces, mut waits) = (std::collections::VecDeque::<(u64, Instant)>::new(), Vec::new());
    while began.elapsed() < time {
        let due = (began.elapsed().as_secs_f64() * rate as f64) as usize;
        let stamp = format!("{:.6}", Timestamp::now());
        let mut piece = Vec::new();
        for line in lines.by_ref().take(due.saturating_sub(written)) {
            piece.extend_from_slice(stamp.as_bytes());
            piece.extend_from_slice(&line[STAMP_BYTES..]);
        }
        written = due.max(written);
        let written_at = Instant::now();
        sender.send(&piece)?;
        pieces.push_back((sender.sent, written_at));
        while let Ok(at) = commits.recv_timeout(PIECE.saturating_sub(written_at.elapsed())) {
            let durable = sender.durable();
            while pieces.front().is_some_and(|(until, _)| *until <= durable) {
                waits.extend(pieces.pop_front().map(|(_, written)| at.duration_since(written).as_secs_f64() * 1e3));
            }
        }
    }
    waits.sort_by(f64::total_cmp);
    let share = |part: f64| waits.get(((waits.len() as f64 - 1.0) * part) as usize).copied().unwrap_or(f64::NAN);
    println!(
        "sent to durable and visible: p50 {:.0} ms, p95 {:.0} ms, p99 {:.0} ms, longest {:.0} ms; {} bytes wait",
        share(0.5),
        share(0.95),
        share(0.99),
        share(1.0),
        sender.sent - sender.durable()
    );
    Ok(())
}

fn behind(ingest: &Ingest, log: &[u8], rate: usize) -> Outcome<()> {
    let lines = log.split_inclusive(|&byte| byte == b'\n');
    let (first, second): (Vec<&[u8]>, Vec<&[u8]>) =
        lines.partition(|line| line.windows(5).any(|word| word == b"smtpd"));
    let mut sender = Sender::new(ingest, 1, "smtpd.log");
    first.concat().chunks(PIECE_BYTES).try_for_each(|piece| sender.send(piece))?;
    let mut sender = Sender::new(ingest, 2, "mail.log");
    for piece in second.chunks((rate as f64 * PIECE.as_secs_f64()) as usize) {
        sender.send(&piece.concat())?;
        std::thread::sleep(PIECE);
    }
    Ok(())
}

/// User and system time of this process.
fn cpu_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    Ok(fields.iter().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0)
}

fn peak_mib() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    Ok(peak.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}
