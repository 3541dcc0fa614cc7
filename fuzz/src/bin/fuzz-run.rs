//! `fuzz-run TARGET SECONDS [SEED]` changes lines of the captured logs at random and feeds them to a target; the same seed
//! tries the same inputs. `fuzz-run TARGET FILE…` runs saved inputs. `all` is every target in turn.
//!
//! An input that makes a target panic is written to `artifacts/TARGET-…`, and the exit code is 1.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use vigie_fuzz::{Seeds, TARGETS, Target};
use vigie_testkit::{
    corpus::{Corpus, everywhere, gunzip, testdata},
    lines_of,
    mutate::mutate,
    random::Random,
};

/// An input that takes longer is a failure of its own kind.
const SLOW: Duration = Duration::from_millis(500);
/// Lines of one input at most, for targets that take several.
const LINES_MAX: usize = 60;
/// Larger messages hold more bytes of files, and no more structure.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Kept of what was tried, to change further.
const POOL_MAX: usize = 2_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else { return usage() };
    let targets: Vec<&Target> = TARGETS.iter().filter(|target| name == "all" || target.name == name).collect();
    if targets.is_empty() || rest.is_empty() {
        return usage();
    }
    let good = match rest[0].parse::<u64>() {
        Ok(seconds) => {
            let seed = rest.get(1).and_then(|seed| seed.parse().ok()).unwrap_or(1);
            let captured = Captured::load();
            targets.iter().filter(|target| !fuzz(target, &captured, Duration::from_secs(seconds), seed)).count() == 0
        }
        Err(_) => targets.iter().filter(|target| !replay(target, rest)).count() == 0,
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    eprintln!("usage: fuzz-run TARGET SECONDS [SEED] | fuzz-run TARGET FILE…\ntargets: all {}", names.join(" "));
    ExitCode::from(2)
}

/// What inputs are made from.
struct Captured {
    /// The lines of each log.
    logs: Vec<Vec<Vec<u8>>>,
    messages: Vec<Vec<u8>>,
    /// Whole files, by their folder.
    files: BTreeMap<&'static str, Vec<Vec<u8>>>,
}

impl Captured {
    fn load() -> Captured {
        let corpora: Vec<Corpus> = everywhere().into_iter().chain([Corpus::load(&testdata().join("rspamd"))]).collect();
        let messages = corpora.iter().flat_map(Corpus::messages).map(|(_, message)| message);
        let messages = messages.filter(|message| message.len() <= MESSAGE_BYTES_MAX).collect();
        let texts = corpora.iter().flat_map(|corpus| &corpus.files);
        let logs = texts.map(|file| lines_of(&file.text).map(<[u8]>::to_vec).collect()).collect();
        let folders = TARGETS.iter().filter_map(|target| match target.seeds {
            Seeds::Files(folder) => Some((folder, files(folder))),
            _ => None,
        });
        Captured { logs, messages, files: folders.collect() }
    }
}

const FILTERS: [&str; 14] = [
    "from:laurent* to:@us.ibm.com subject:\"ordre\" attachment.size>2MB recipients>20 delay>30s",
    "status:bounced,expired server:hub1 -class:probe last:7d",
    "(from:a or to:b) and not subject:\"x \\\" y\" size>=1.5MiB",
    "since:2026-11-01 until:2026-11-22T10:00 delay<1h30min",
    "on:today tls:no direction:out",
    "client:10.1.2.3 or client:fe80::1",
    "to:@*.example.com from:laurent@ id:4fPqXk0d5Zz1Y5Q7",
    "subject:* -subject=\"\" \"some words\" word",
    "size!=0 recipients=1 attempts>3",
    "dsn:5.1 reply:\"User unknown\"",
    "month:2026-11",
    "year:2026 week:2026-W47",
    "-(a b) or -(c or (d and (e or f)))",
    "from:été* to:ß@İ.example",
];

/// The packed files below a folder of the test data, as they are.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let mut folders = vec![testdata().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<_> =
            fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "gz") {
                found.push(gunzip(&path));
            }
        }
    }
    found
}

/// The beginning of a file, and some of the rest.
fn piece(file: &[u8], random: &mut Random) -> Vec<u8> {
    const HEAD_BYTES: usize = 1_000;
    const REST_BYTES_MAX: usize = 6_000;
    let (head, rest) = file.split_at(file.len().min(HEAD_BYTES));
    let from = random.below(rest.len().max(1)).min(rest.len());
    let until = (from + random.below(REST_BYTES_MAX)).min(rest.len());
    [head, &rest[from..until]].concat()
}

/// A fresh input.
fn seed(target: &Target, captured: &Captured, random: &mut Random) -> Vec<u8> {
    if let Seeds::Files(folder) = target.seeds {
        let file = captured.files.get(folder).and_then(|files| random.pick(files)).cloned().unwrap_or_default();
        return piece(&file, random);
    }
    if target.seeds == Seeds::Filters {
        return random.pick(&FILTERS).map(|text| text.as_bytes().to_vec()).unwrap_or_default();
    }
    if target.seeds == Seeds::Message {
        return random.pick(&captured.messages).cloned().unwrap_or_default();
    }
    let Some(log) = random.pick(&captured.logs) else { return Vec::new() };
    let from = random.below(log.len());
    let count = if target.seeds == Seeds::Lines { 1 + random.below(LINES_MAX) } else { 1 };
    log[from..(from + count).min(log.len())].join(&b'\n')
}

fn fuzz(target: &Target, captured: &Captured, time: Duration, seed_number: u64) -> bool {
    let mut random = Random::new(seed_number);
    let mut pool: Vec<Vec<u8>> = (0..POOL_MAX / 2).map(|_| seed(target, captured, &mut random)).collect();
    let (began, mut inputs, mut slowest) = (Instant::now(), 0u64, Duration::ZERO);
    while began.elapsed() < time {
        let mut input = match random.below(3) {
            0 => seed(target, captured, &mut random),
            _ => random.pick(&pool).cloned().unwrap_or_default(),
        };
        mutate(&mut input, &pool, &mut random);
        let Some(mut took) = time_of(target, &input) else { return false };
        if took > SLOW {
            // The machine may have been busy with something else: what is slow is slow again.
            took = time_of(target, &input).unwrap_or(took);
        }
        slowest = slowest.max(took);
        if took > SLOW {
            keep(target, &input, "slow");
            return false;
        }
        inputs += 1;
        // Changed inputs are changed again now and then, so that changes add up.
        if random.below(20) == 0 {
            let at = random.below(POOL_MAX);
            if at < pool.len() { pool[at] = input } else { pool.push(input) }
        }
    }
    println!(
        "{}: {inputs} inputs in {:.0} s, the slowest took {slowest:?}",
        target.name,
        began.elapsed().as_secs_f64()
    );
    true
}

/// How long an input took; none if it did not hold.
fn time_of(target: &Target, input: &[u8]) -> Option<Duration> {
    let start = Instant::now();
    holds(target, input).then(|| start.elapsed())
}

fn holds(target: &Target, input: &[u8]) -> bool {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if outcome.is_err() {
        keep(target, input, "panic");
    }
    outcome.is_ok()
}

fn keep(target: &Target, input: &[u8], why: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
    let sum = input.iter().fold(0u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let path = folder.join(format!("{}-{why}-{sum:016x}", target.name));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    eprintln!("{}: {why}: {} ({:?})\n{}", target.name, path.display(), written, input.escape_ascii());
}

fn replay(target: &Target, files: &[String]) -> bool {
    let fails = |file: &&String| match fs::read(file) {
        Ok(input) => !holds(target, &input),
        Err(error) => {
            eprintln!("{file}: {error}");
            true
        }
    };
    files.iter().filter(fails).count() == 0
}
