//! `speed FILE [TIMES]`: reads a log as one host's, from its bytes to its hops, and says how many lines a second of CPU takes.
//!
//! Lines are read TIMES times over (10), each time by a new correlator. CPU time is this thread's own, so that others who work on the
//! machine do not show.

use std::{fs, process::ExitCode, time::SystemTime};

use vigie_correlator::{Facts, Host};
use vigie_formats::{envelope, read};
use vigie_testkit::timed;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: speed FILE [TIMES]");
        return ExitCode::from(2);
    };
    let times: u32 = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(10);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let lines = timed(0, &text, &jiff::tz::TimeZone::UTC, modified(&path));
    let (mut hops, before) = (0, cpu_seconds());
    for _ in 0..times {
        let (mut host, mut facts, mut scratch) = (Host::new("host"), Facts::default(), envelope::Scratch::default());
        for line in &lines {
            if let Some(envelope) = envelope::parse(&line.raw, &mut scratch) {
                host.record(line.ts, &read(&envelope), &mut facts);
            }
        }
        hops = facts.hops.len() + host.open().len();
    }
    let (count, seconds) = (lines.len() as f64 * f64::from(times), cpu_seconds() - before);
    println!(
        "{count} lines, {hops} hops a time, {seconds:.3} CPU seconds, {:.0} lines per CPU second",
        count / seconds
    );
    ExitCode::SUCCESS
}

/// When the file was changed last: lines without a year are not younger.
fn modified(path: &str) -> i64 {
    let time = fs::metadata(path).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

/// CPU time of this process. Where the system does not tell, nothing is measured.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).map_or(f64::NAN, |nanos| nanos / 1e9)
}
