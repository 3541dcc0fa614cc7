//! How fast lines become journeys, without files, store and threads: `reading LOG [ROUNDS]` prints the best round of each stage.
//!
//! The whole program is measured by `bench/peers`; this one says which stage takes the time.

use std::{env, fs};

use jiff::tz::TimeZone;
use vigie_correlator::{Facts, Host, Linker};
use vigie_formats::{calendar::Calendar, envelope, read, scan};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Hops that are worth a round of linking.
const ROUND_HOPS_MIN: usize = 1_000;

/// How far a line is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    Envelopes,
    Records,
    Hops,
    Journeys,
}

#[derive(Default, Debug)]
struct Count {
    lines: u64,
    understood: u64,
    unknown: u64,
    hops: usize,
    rejections: usize,
    journeys: usize,
    deliveries: usize,
}

fn run(log: &[u8], until: Stage) -> Count {
    let mut count = Count::default();
    let mut calendar = Calendar::new(TimeZone::UTC, 2026);
    let mut scratch = envelope::Scratch::default();
    let (mut host, mut facts) = (Host::counting("mx1"), Facts::default());
    let (mut linker, mut journeys) = (Linker::counting(), Vec::new());
    let (mut waiting, mut next_round) = (Vec::new(), ROUND_HOPS_MIN);
    let mut rest = log;
    while !rest.is_empty() {
        let length = scan::byte(rest, b'\n').unwrap_or(rest.len());
        let line = &rest[..length];
        rest = rest.get(length + 1..).unwrap_or_default();
        count.lines += 1;
        let Some(envelope) = envelope::parse(line, &mut scratch) else { continue };
        let Some(ts) = calendar.resolve(&envelope.stamp) else { continue };
        if until < Stage::Records {
            continue;
        }
        let record = read(&envelope);
        count.understood += u64::from(record.is_understood());
        count.unknown += u64::from(record.is_unknown());
        if until < Stage::Hops {
            continue;
        }
        host.record(ts, &record, &mut facts);
        count.rejections += facts.rejections.drain(..).count();
        facts.attempts.clear();
        count.hops += facts.hops.len();
        if until < Stage::Journeys {
            facts.hops.clear();
            continue;
        }
        waiting.append(&mut facts.hops);
        if waiting.len() < next_round {
            continue;
        }
        // As the program does it: what no open message precedes can be linked.
        let open = host.oldest_open().unwrap_or(ts);
        waiting.sort_unstable_by_key(|hop| hop.ts_in);
        let ready = waiting.partition_point(|hop| hop.ts_in < open);
        waiting.drain(..ready).for_each(|hop| linker.push(hop, &mut journeys));
        next_round = (2 * waiting.len()).max(ROUND_HOPS_MIN);
        count.journeys += journeys.len();
        count.deliveries += journeys.drain(..).map(|journey| journey.deliveries.len()).sum::<usize>();
    }
    let open = host.open();
    count.hops += open.len();
    waiting.extend(open.into_iter().map(Box::new));
    waiting.sort_by_key(|hop| hop.ts_in);
    waiting.into_iter().for_each(|hop| linker.push(hop, &mut journeys));
    linker.finish(&mut journeys);
    count.journeys += journeys.len();
    count.deliveries += journeys.iter().map(|journey| journey.deliveries.len()).sum::<usize>();
    count
}

/// Seconds that this thread had a processor: other programs may run beside it.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).expect("a number") / 1e9
}

fn main() {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().expect("a log");
    let rounds: u32 = arguments.next().map_or(5, |rounds| rounds.parse().expect("a number"));
    let log = fs::read(&path).expect("a file");
    for stage in [Stage::Envelopes, Stage::Records, Stage::Hops, Stage::Journeys] {
        let mut best = f64::MAX;
        let mut count = Count::default();
        for _ in 0..rounds {
            let started = cpu_seconds();
            count = run(&log, stage);
            best = best.min(cpu_seconds() - started);
        }
        println!("{stage:?}: {:.3} CPU s, {:.0} lines/CPU s, {count:?}", best, count.lines as f64 / best);
    }
}
