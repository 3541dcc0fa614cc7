//! Measures the lake: rows per second of appending, and the time of typical questions.
//!
//! `cargo run --release -p vigie-lake --example measure -- FOLDER [MILLION_DELIVERIES] [DAYS]`; a new folder is filled, an existing one is asked.

use std::time::Instant;

use anyhow::Context as _;
use vigie_lake::{Commit, Compaction, Coverage, Dimension, Lake, LineBatch, LineRef, Measure, Parts, Snapshot};
use vigie_model::{
    Arrival, Client, Delivery, Direction, Hop, Journey, MICROS_PER_DAY, MICROS_PER_HOUR, Micros, Outcome, QueueId,
    Recipient, Rejection, Step,
};
use vigie_query::{Context, Filter, parse};

/// 2026-11-01T00:00:00Z
const DAY0: Micros = 1_793_491_200_000_000;
const QUARTER: Micros = MICROS_PER_HOUR / 4;
const ASKED_TIMES: usize = 20;
const HUBS: u64 = 4;
const EXCHANGERS: u64 = 16;
/// One message in so many leaves for a domain of somebody else.
const OUTBOUND_ONE_IN: u64 = 4;
/// A refusal for so many deliveries.
const DELIVERIES_PER_REFUSAL: usize = 5;

/// Numbers that look random and are always the same (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Small numbers more often.
    fn zipf(&mut self, end: u64) -> u64 {
        let share = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        ((end as f64).powf(share) - 1.0) as u64
    }
}

const WORDS: [&str; 16] = [
    "facture", "réunion", "ordre", "projet", "invoice", "meeting", "report", "weekly", "status", "question", "Budget",
    "Angebot", "planning", "contrat", "update", "release",
];

fn subject(dice: &mut Dice) -> String {
    let word = |dice: &mut Dice| WORDS[dice.below(16) as usize];
    let rare = if dice.below(1_000_000) == 0 { " zeppelin" } else { "" };
    format!("Re: {} {} {}{rare}", word(dice), word(dice), dice.below(500_000))
}

/// Of ours, or of one of many domains.
fn recipient(dice: &mut Dice, is_outbound: bool) -> String {
    match is_outbound {
        true => format!("contact{}@partner{}.example", dice.zipf(1_000), dice.zipf(20_000)),
        false => format!("user{}@example.com", dice.zipf(11_000)),
    }
}

fn journey(dice: &mut Dice, n: u64, first_arrival: Micros) -> Journey {
    let queue_id = QueueId::new(format!("4X{:09X}", n).as_bytes());
    let step = |server: &str, previous| Step {
        server: server.into(),
        queue_id,
        ts_in: first_arrival,
        ts_out: first_arrival + 1_500_000,
        previous,
        ..Step::default()
    };
    let (hub, mx) = (dice.below(HUBS), dice.below(EXCHANGERS));
    let is_outbound = dice.below(OUTBOUND_ONE_IN) == 0;
    let size = 2_000 + dice.zipf(20_000_000);
    let recipients = 1 + dice.zipf(6);
    let delivery_ms = 50 + dice.zipf(600_000);
    let deliveries: Vec<Delivery> = (0..recipients)
        .map(|_| Delivery {
            recipient: recipient(dice, is_outbound).into(),
            outcome: if dice.below(50) == 0 { Outcome::Bounced } else { Outcome::Delivered },
            dsn: "2.0.0".into(),
            reply: format!("250 2.0.0 Ok: queued as {:011X}", dice.next() >> 20).into(),
            relay: format!("mx{mx}.example.com[192.0.2.{mx}]:25").into(),
            server: format!("mx{mx}").into(),
            queue_id,
            ts: first_arrival + delivery_ms as i64 * 1_000,
            delivery_ms: Some(delivery_ms),
            attempts: 1,
            tls: dice.below(10) > 0,
            direction: if is_outbound { Direction::Out } else { Direction::In },
            ..Delivery::default()
        })
        .collect();
    let sender = dice.zipf(500_000);
    Journey {
        deliveries,
        id: format!("{:016x}", dice.next()).into(),
        arrival: if is_outbound { Arrival::User } else { Arrival::Server },
        sender: format!("sender{sender}@domain{}.example", sender % 40_000).into(),
        message_id: format!("{:x}.{:x}@domain{}.example", dice.next(), dice.next(), sender % 40_000).into(),
        subject: subject(dice).into(),
        size: Some(size),
        first_arrival,
        last_seen: first_arrival + delivery_ms as i64 * 1_000,
        closed: true,
        client_name: format!("mail.domain{}.example", sender % 40_000).into(),
        client_ip: format!("198.51.{}.{}", sender % 100, sender % 250).into(),
        helo: format!("mail.domain{}.example", sender % 40_000).into(),
        steps: vec![step(&format!("hub{hub}"), None), step(&format!("mx{mx}"), Some(0))],
        ..Journey::default()
    }
}

fn hop(journey: &Journey) -> Hop {
    let recipients = journey.deliveries.iter().map(|d| Recipient {
        recipient: d.recipient.clone(),
        outcome: d.outcome,
        ts: d.ts,
        dsn: d.dsn.clone(),
        reply: d.reply.clone(),
        attempts: 1,
        ..Recipient::default()
    });
    Hop {
        server: journey.steps[0].server.clone(),
        queue_id: journey.steps[0].queue_id,
        ts_in: journey.first_arrival,
        ts_out: journey.last_seen,
        closed: true,
        client: Client { name: journey.client_name.clone(), ip: journey.client_ip.clone() },
        message_id: journey.message_id.clone(),
        sender: journey.sender.clone(),
        sender_known: true,
        subject: journey.subject.clone(),
        size: journey.size,
        recipients: recipients.collect(),
        ..Hop::default()
    }
}

const REASONS: [&str; 6] = [
    "Relay access denied",
    "User unknown in local recipient table",
    "Service unavailable; Client host blocked using a list",
    "Sender address rejected: Domain not found",
    "Greylisted, try again later",
    "Helo command rejected: Host not found",
];

fn rejection(dice: &mut Dice, ts: Micros) -> Rejection {
    let (kind, rule) = (dice.zipf(REASONS.len() as u64) as usize, dice.zipf(40));
    Rejection {
        ts,
        server: format!("hub{}", dice.below(HUBS)).into(),
        stage: "RCPT".into(),
        client_ip: format!("203.0.{}.{}", dice.below(100), dice.below(250)).into(),
        sender: format!("sender{}@domain{}.example", dice.zipf(500_000), dice.zipf(40_000)).into(),
        recipient: format!("user{}@example.com", dice.zipf(11_000)).into(),
        code: 554,
        dsn: "5.7.1".into(),
        reason: format!("{} (rule {rule})", REASONS[kind]).into(),
        text: format!("NOQUEUE: reject: RCPT from unknown[203.0.113.1]: 554 5.7.1 {}", REASONS[kind]).into(),
        ..Rejection::default()
    }
}

fn per_second(rows: usize, begun: Instant) -> String {
    let seconds = begun.elapsed().as_secs_f64();
    format!("{rows} rows in {seconds:.2} s: {:.0} rows/s", rows as f64 / seconds)
}

fn append_lines(lake: &Lake) -> anyhow::Result<()> {
    const LINES: usize = 1_000_000;
    let mut dice = Dice(1);
    let texts: Vec<(QueueId, String)> = (0..LINES as u64)
        .map(|n| {
            let id = QueueId::new(format!("4X{:09X}", n / 6).as_bytes()).context("a queue id")?;
            let (pid, user, next) = (dice.below(30_000), dice.zipf(11_000), dice.next() >> 20);
            let text = format!(
                "2026-10-31T10:00:00.123456+01:00 mx2 postfix/smtp[{pid}]: {id}: to=<user{user}@example.com>, relay=mx7.example.com[192.0.2.7]:25, \
                 delay=0.{pid}, delays=0.01/0/0.02/0.04, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {next:011X})"
            );
            Ok((id, text))
        })
        .collect::<anyhow::Result<_>>()?;
    let begun = Instant::now();
    let mut batch = LineBatch::new();
    for (n, (id, text)) in texts.iter().enumerate() {
        batch.push(LineRef {
            ts: DAY0 - MICROS_PER_DAY + n as i64 * 50_000,
            server: "mx2",
            file: "/var/log/mail.log",
            offset: n as u64 * 200,
            queue_id: Some(id),
            text: text.as_bytes(),
            hash: (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) as i64,
        });
    }
    println!("lines, filling the batch: {}", per_second(LINES, begun));
    let begun = Instant::now();
    let mut commit = Commit::new();
    commit.lines(batch);
    lake.writer()?.commit(commit)?;
    println!("lines, commit: {}", per_second(LINES, begun));
    let begun = Instant::now();
    let snapshot = lake.snapshot()?;
    let read = snapshot.line_hashes("mx2", DAY0 - MICROS_PER_DAY, DAY0)?.count();
    println!("line hashes: {}", per_second(read, begun));
    let begun = Instant::now();
    let found = snapshot.lines_for("mx2", &texts[777_777].0, DAY0 - MICROS_PER_DAY, DAY0)?.count();
    println!("lines of one queue id: {found} in {:?}", begun.elapsed());
    Ok(())
}

/// Each server was read in each hour.
fn append_coverage(lake: &Lake, days: i64) -> anyhow::Result<()> {
    let servers = (0..HUBS).map(|n| format!("hub{n}")).chain((0..EXCHANGERS).map(|n| format!("mx{n}")));
    let hours =
        servers.flat_map(|server| (0..days * 24).map(move |hour| (server.clone(), DAY0 + hour * MICROS_PER_HOUR)));
    let row = |(server, hour): (String, Micros)| Coverage {
        server: server.into(),
        source: "".into(),
        hour,
        lines: 1_000,
        understood: 990,
        ignored: 9,
        unknown: 1,
        first_ts: hour,
        last_ts: hour + MICROS_PER_HOUR - 1,
    };
    let rows: Vec<Coverage> = hours.map(row).collect();
    let mut commit = Commit::new();
    commit.coverage(&rows);
    lake.writer()?.commit(commit)?;
    Ok(())
}

fn fill(lake: &Lake, deliveries: usize, days: i64) -> anyhow::Result<()> {
    let mut writer = lake.writer()?;
    let (mut dice, mut clock, mut refused) = (Dice(7), Dice(8), Dice(9));
    let (mut n, mut done, mut hops_time, mut hops_rows) = (0, 0, 0.0, 0);
    let (mut journeys_time, mut columns_time) = (0.0, 0.0);
    for day in 0..days {
        let wanted = deliveries * (day as usize + 1) / days as usize;
        // Two files a day, as after some compactions.
        for half in 0..2 {
            let wanted = if half == 0 { (done + wanted) / 2 } else { wanted };
            let mut rows = Vec::new();
            let mut at = || DAY0 + day * MICROS_PER_DAY + clock.below(MICROS_PER_DAY as u64) as i64;
            let refusals: Vec<Rejection> =
                (0..(wanted - done) / DELIVERIES_PER_REFUSAL).map(|_| rejection(&mut refused, at())).collect();
            while done < wanted {
                let at = at();
                let row = journey(&mut dice, n, at);
                n += 1;
                done += row.deliveries.len();
                rows.push(row);
            }
            if day == 0 {
                let hops: Vec<Hop> = rows.iter().map(hop).collect();
                let begun = Instant::now();
                let mut commit = Commit::new();
                commit.hops(&hops);
                writer.commit(commit)?;
                hops_time += begun.elapsed().as_secs_f64();
                hops_rows += hops.len();
            }
            let begun = Instant::now();
            let mut commit = Commit::new();
            commit.journeys(&rows).rejections(&refusals);
            columns_time += begun.elapsed().as_secs_f64();
            writer.commit(commit)?;
            journeys_time += begun.elapsed().as_secs_f64();
        }
    }
    println!("hops: {hops_rows} rows, {:.0} rows/s", hops_rows as f64 / hops_time);
    println!(
        "journeys with deliveries: {n} and {done} rows, {:.0} deliveries/s ({:.0} % of it: rows to columns)",
        done as f64 / journeys_time,
        columns_time / journeys_time * 100.0
    );
    let mut n = 0;
    time("commit of 100 journeys and their hops", 60, |_| {
        let at = DAY0 + days * MICROS_PER_DAY;
        let rows: Vec<Journey> = (0..100).map(|k| journey(&mut dice, n + k, at + (n + k) as i64)).collect();
        n += 100;
        let hops: Vec<Hop> = rows.iter().map(hop).collect();
        let mut commit = Commit::new();
        commit.journeys(&rows).hops(&hops);
        writer.commit(commit)?;
        Ok(format!("and a snapshot of commit {}", lake.snapshot()?.sequence()))
    })?;
    let begun = Instant::now();
    let done = writer.compact(Compaction::All)?;
    println!("compaction: {done:?} in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// CPU time of this process so far, all threads together; 0 where the system does not say.
fn cpu_ms() -> f64 {
    const TICK_MS: f64 = 10.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) * TICK_MS
}

fn time(name: &str, times: usize, mut ask: impl FnMut(usize) -> anyhow::Result<String>) -> anyhow::Result<()> {
    let (mut taken, mut answer, cpu) = (Vec::new(), String::new(), cpu_ms());
    for n in 0..times {
        let begun = Instant::now();
        answer = ask(n)?;
        taken.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    let first = taken[0];
    taken.sort_by(f64::total_cmp);
    let at = |share: f64| taken[((taken.len() as f64 * share).ceil() as usize).clamp(1, taken.len()) - 1];
    let cpu = (cpu_ms() - cpu) / times as f64;
    println!("{name:42} first {first:7.1}  p50 {:7.1}  p95 {:7.1}  cpu {cpu:7.1} ms  {answer}", at(0.5), at(0.95));
    Ok(())
}

fn time_summaries(snapshot: &Snapshot, all: &Filter, some: &Filter, days: i64) -> anyhow::Result<()> {
    let begun = Instant::now();
    snapshot.prepare_summaries()?;
    println!("roll-ups: {:.1} s, {} MB in memory", begun.elapsed().as_secs_f64(), snapshot.summary_bytes() / 1_000_000);
    let parts = Parts::All { leaders: 8, destinations: 8 };
    for (name, filter, days) in [
        ("summary, 1 day", all, 1),
        ("summary, 7 days", all, 7.min(days)),
        ("summary, all days", all, days),
        ("summary of a filter, 1 day", some, 1),
        ("summary of a filter, 7 days", some, 7.min(days)),
        ("summary of a filter, all days", some, days),
    ] {
        time(name, ASKED_TIMES, |n| {
            // Both ends cut a quarter of an hour, as on a page about the last hours.
            let from = DAY0 + n as i64 * 61_000_000 + 433_000_000;
            let until = from + days * MICROS_PER_DAY;
            let round = |edge: Micros| (from + edge * days * MICROS_PER_DAY / 64) / QUARTER * QUARTER;
            let edges: Vec<Micros> = [from].into_iter().chain((1..64).map(round)).chain([until]).collect();
            let summary = snapshot.summary(filter, &edges, parts)?;
            Ok(format!("{} senders, {} routes", summary.senders.values, summary.routes.len()))
        })?;
    }
    Ok(())
}

fn ask(snapshot: &Snapshot, days: i64) -> anyhow::Result<()> {
    let context = Context { now: Default::default(), zone: jiff::tz::TimeZone::UTC };
    let filter = |text: &str| -> anyhow::Result<Filter> {
        parse(text, &context).map_err(|problems| anyhow::anyhow!("{text}: {problems:?}"))
    };
    let on_day = |text: &str, n: usize| -> anyhow::Result<Filter> {
        let mut filter = filter(text)?;
        let from = DAY0 + (n as i64 * 7 % days) * MICROS_PER_DAY;
        (filter.period.from, filter.period.until) = (Some(from), Some(from + MICROS_PER_DAY));
        Ok(filter)
    };
    let found = |filter: &Filter| anyhow::Ok(format!("{} rows", snapshot.search(filter, 50, None)?.rows.len()));
    time_summaries(snapshot, &filter("")?, &filter("direction:out")?, days)?;
    time("search recipient + day", ASKED_TIMES, |n| found(&on_day(&format!("to:user{}@example.com", n * 37), n)?))?;
    time("search recipient, all days", ASKED_TIMES, |n| found(&filter(&format!("to:user{}@example.com", n * 37))?))?;
    time("search rare recipient, all days", ASKED_TIMES, |n| {
        found(&filter(&format!("to:user{}@example.com", 10_000 + n))?)
    })?;
    time("search newest 50", ASKED_TIMES, |_| found(&filter("")?))?;
    time("search newest 50, bounced", ASKED_TIMES, |_| found(&filter("status:bounced")?))?;
    time("search subject part, common", 5, |_| found(&filter("subject:zeppelin or subject:contrat")?))?;
    time("search subject part, rare", 5, |_| found(&filter("subject:zeppelin")?))?;
    time("search subject part, absent", 5, |_| found(&filter("subject:quetzal")?))?;
    time("search subject part with accent, absent", 5, |_| found(&filter("subject:\"été indien\"")?))?;
    time("search word anywhere, absent", 3, |_| found(&filter("quetzal")?))?;
    time("search sender's domain, 7 days", 5, |n| {
        let mut wanted = on_day("from:@domain17.example", n)?;
        wanted.period.until = wanted.period.from.map(|from| from + 7 * MICROS_PER_DAY);
        found(&wanted)
    })?;
    time("count all", 5, |_| Ok(format!("{:?}", snapshot.count(&filter("")?)?)))?;
    time("count bounced", 5, |_| Ok(format!("{:?}", snapshot.count(&filter("status:bounced")?)?)))?;
    time("count server:mx2 size>1MB", 5, |_| Ok(format!("{:?}", snapshot.count(&filter("server:mx2 size>1MB")?)?)))?;
    let edges: Vec<Micros> = (0..=days * 24).map(|hour| DAY0 + hour * MICROS_PER_DAY / 24).collect();
    time("by_time all, hours", 5, |_| Ok(format!("{} buckets", snapshot.by_time(&filter("")?, &edges)?.len())))?;
    time("by_time one day, hours", 5, |n| Ok(format!("{} buckets", snapshot.by_time(&on_day("", n)?, &edges)?.len())))?;
    for (name, dimension) in [
        ("top senders", Dimension::Sender),
        ("top recipients", Dimension::Recipient),
        ("top sender domains", Dimension::SenderDomain),
        ("top servers", Dimension::Server),
    ] {
        time(name, 3, |_| {
            let ranking = snapshot.top(&filter("")?, dimension, Measure::Messages, 20)?;
            Ok(format!("{} values", ranking.values))
        })?;
    }
    time("delays", 5, |_| Ok(format!("p95 {:?} ms", snapshot.delays(&filter("")?)?.percentile(0.95))))?;
    let id = snapshot.search(&filter("")?, 1, None)?.rows[0].journey_id.clone();
    time("journey by id", 10, |_| Ok(format!("{}", snapshot.journey(&id)?.is_some())))?;
    time("journeys of one day, streamed", 3, |n| {
        let from = DAY0 + n as i64 * MICROS_PER_DAY;
        Ok(format!("{} journeys", snapshot.journeys(from, from + MICROS_PER_DAY)?.count()))
    })
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().context("usage: measure FOLDER [MILLION_DELIVERIES] [DAYS]")?;
    let deliveries = (arguments.next().map_or(Ok(10.0), |n| n.parse::<f64>())? * 1e6) as usize;
    let days = arguments.next().map_or(Ok(30), |n| n.parse::<i64>())?;
    let is_new = !std::path::Path::new(&dir).exists();
    let lake = Lake::open(&dir)?;
    if is_new {
        append_lines(&lake)?;
        append_coverage(&lake, days)?;
        fill(&lake, deliveries, days)?;
    }
    for size in lake.snapshot()?.sizes() {
        println!(
            "{:12} {:>10} rows {:>4} files {:>6} MB",
            size.table.name(),
            size.rows,
            size.files,
            size.bytes / 1_000_000
        );
    }
    if is_new { Ok(()) } else { ask(&lake.snapshot()?, days) }
}
