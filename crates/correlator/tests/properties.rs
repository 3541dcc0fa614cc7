//! What must hold for the captured logs however their lines come: interleaved, a little out of order, with the state saved and
//! restored on the way, and linked in rounds of any size.

use std::sync::LazyLock;

use proptest::{prelude::*, test_runner::RngSeed};
use vigie_correlator::{Facts, Host, Linker, link};
use vigie_formats::{envelope, read};
use vigie_model::{Hop, Journey, MICROS_PER_SECOND, Micros};
use vigie_testkit::{
    Reading, Story, TimedLine,
    corpus::{self, Corpus},
    random::Random,
};

/// A captured run: the lines of each host in order of their times, and what they come to.
struct Run {
    name: String,
    hosts: Vec<String>,
    lines: Vec<Vec<TimedLine>>,
    story: Story,
}

static RUNS: LazyLock<Vec<Run>> = LazyLock::new(|| {
    let mut corpora = corpus::everywhere();
    corpora.retain(|corpus| !corpus.needs_settings());
    let without_truth = ["sendmail/submission", "opensmtpd/filter", "rspamd"];
    corpora.extend(without_truth.map(|folder| Corpus::load(&corpus::testdata().join(folder))));
    corpora.iter().map(Run::of).collect()
});

impl Run {
    fn of(corpus: &Corpus) -> Self {
        let hosts: Vec<String> = corpus.hosts().into_iter().map(str::to_owned).collect();
        let mut lines = vec![Vec::new(); hosts.len()];
        corpus.lines().into_iter().flatten().for_each(|line| lines[line.host].push(line));
        lines.iter_mut().for_each(|lines: &mut Vec<TimedLine>| lines.sort_by_key(|line| line.ts));
        let mut run = Self { name: corpus.name.clone(), hosts, story: Reading::default().story(), lines };
        run.story = run.read(run.lines.iter().flatten());
        run
    }

    fn reading(&self) -> Reading {
        Reading::of(&self.hosts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn read<'a>(&self, lines: impl Iterator<Item = &'a TimedLine>) -> Story {
        let mut reading = self.reading();
        lines.for_each(|line| reading.line(line));
        reading.story()
    }

    /// All hosts, each in its own order, woven into one another.
    fn woven(&self, random: &mut Random) -> Vec<&TimedLine> {
        let mut turns: Vec<usize> =
            self.lines.iter().enumerate().flat_map(|(host, lines)| vec![host; lines.len()]).collect();
        random.shuffle(&mut turns);
        let mut rest: Vec<_> = self.lines.iter().map(|lines| lines.iter()).collect();
        turns.into_iter().filter_map(|host| rest[host].next()).collect()
    }

    fn same(&self, story: &Story) -> Result<(), TestCaseError> {
        let (missing, surplus) = differences(&self.story.hops, &story.hops);
        prop_assert!(
            missing.is_empty() && surplus.is_empty(),
            "hops of {}: {missing:#?} became {surplus:#?}",
            self.name
        );
        let (missing, surplus) = differences(&self.story.journeys, &story.journeys);
        prop_assert!(
            missing.is_empty() && surplus.is_empty(),
            "journeys of {}: {missing:#?} became {surplus:#?}",
            self.name
        );
        prop_assert_eq!(&self.story.rejections, &story.rejections, "rejections of {}", &self.name);
        prop_assert_eq!(&self.story.attempts, &story.attempts, "attempts of {}", &self.name);
        prop_assert_eq!(self.story.aborted, story.aborted, "aborted sessions of {}", &self.name);
        Ok(())
    }
}

/// What only one of them has; a few, for a person to read.
fn differences<'a, T: PartialEq>(expected: &'a [T], found: &'a [T]) -> (Vec<&'a T>, Vec<&'a T>) {
    let only = |some: &'a [T], other: &'a [T]| some.iter().filter(|one| !other.contains(one)).take(2).collect();
    (only(expected, found), only(found, expected))
}

/// The same cases every time.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_261_122),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn counting_finds_the_same_without_the_texts_that_are_only_shown() {
    for run in &*RUNS {
        let mut counting = run.reading();
        counting.hosts = run.hosts.iter().map(|name| Host::counting(name)).collect();
        run.lines.iter().flatten().for_each(|line| counting.line(line));
        let story = counting.story();
        assert_eq!(story.hops.len(), run.story.hops.len(), "hops of {}", run.name);
        assert_eq!(story.rejections.len(), run.story.rejections.len(), "rejections of {}", run.name);
        assert_eq!(story.attempts.len(), run.story.attempts.len(), "attempts of {}", run.name);
        for (counted, whole) in story.journeys.iter().zip(&run.story.journeys) {
            assert_eq!(without_shown_texts(counted), without_shown_texts(whole), "{}", run.name);
        }
        assert_eq!(story.journeys.len(), run.story.journeys.len(), "journeys of {}", run.name);
    }
}

fn without_shown_texts(journey: &Journey) -> Journey {
    let mut journey = journey.clone();
    for text in
        [&mut journey.client_name, &mut journey.client_ip, &mut journey.helo, &mut journey.user, &mut journey.subject]
    {
        *text = "".into();
    }
    for delivery in &mut journey.deliveries {
        for text in [&mut delivery.dsn, &mut delivery.reply, &mut delivery.relay] {
            *text = "".into();
        }
    }
    journey
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn any_interleaving_of_hosts_gives_the_same(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        for run in RUNS.iter() {
            run.same(&run.read(run.woven(&mut random).into_iter()))?;
        }
    }

    /// Lines up to five seconds from their place. Of lines with equal times none comes before another: whole seconds say no more.
    #[test]
    fn lines_late_by_up_to_five_seconds_give_the_same(seed in any::<u64>()) {
        // Of two copies of one refusal the one that comes first gives the time, and here they are some microseconds apart.
        for run in RUNS.iter().filter(|run| run.name != "sysdupall") {
            let lateness = |ts: Micros| Random::new(seed ^ ts.cast_unsigned()).below(5 * MICROS_PER_SECOND as usize) as Micros;
            let late = |lines: &[TimedLine]| {
                let mut lines: Vec<(Micros, TimedLine)> = lines.iter().map(|line| (line.ts + lateness(line.ts), line.clone())).collect();
                lines.sort_by_key(|(at, _)| *at);
                lines
            };
            let lines: Vec<_> = run.lines.iter().map(|lines| lines.as_slice()).flat_map(late).collect();
            run.same(&run.read(lines.iter().map(|(_, line)| line)))?;
        }
    }

    #[test]
    fn saving_and_restoring_after_any_line_gives_the_same(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        for run in RUNS.iter() {
            let mut reading = run.reading();
            for line in run.woven(&mut random) {
                reading.line(line);
                if random.below(200) == 0 {
                    let restore = |host: &Host| Host::restore(&host.snapshot()).expect("its own state");
                    reading.hosts = reading.hosts.iter().map(restore).collect();
                }
            }
            run.same(&reading.story())?;
        }
    }

    #[test]
    fn linking_in_rounds_of_any_size_is_linking_at_once(round in 1usize..200) {
        for run in RUNS.iter() {
            prop_assert_eq!(&in_rounds(run.story.hops.clone(), round), &run.story.journeys, "{} in rounds of {}", run.name, round);
        }
    }

    #[test]
    fn linking_takes_hops_in_any_order(seed in any::<u64>()) {
        for run in RUNS.iter() {
            let mut hops = run.story.hops.clone();
            Random::new(seed).shuffle(&mut hops);
            prop_assert_eq!(&link(hops), &run.story.journeys, "{}", run.name);
        }
    }
}

/// The journeys of hops that come one by one.
fn in_rounds(mut hops: Vec<Hop>, round: usize) -> Vec<Journey> {
    let mut linker = Linker::in_rounds_of(round);
    let mut journeys = Vec::new();
    hops.sort_by_key(Hop::key);
    hops.into_iter().for_each(|hop| linker.push(hop, &mut journeys));
    linker.finish(&mut journeys);
    journeys.sort_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
    journeys
}

/// The same run over and over, each time a little later: every queue id and message id is used many times.
#[test]
fn ids_used_again_in_every_round() {
    const TIMES: i64 = 40;
    // Runs of minutes: one that takes days would meet itself.
    let runs = [
        ("postfix-chain/file-short", 97),
        ("postfix-chain/iso-long", 600),
        ("postfix-chain/rfc3164-long", 1_801),
        ("sample", 7_203),
        ("sendmail/rfc3164", 1_801),
        ("sendmail/iso", 7_203),
        ("opensmtpd/rfc3164", 7_203),
    ];
    for (folder, apart) in runs {
        let run = Run::of(&Corpus::load(&corpus::testdata().join(folder)));
        let shifted =
            |by: Micros| run.story.hops.iter().cloned().map(move |hop| later(hop, by * apart * MICROS_PER_SECOND));
        let hops: Vec<Hop> = (0..TIMES).flat_map(shifted).collect();
        let at_once = link(hops.clone());
        for round in [1_000, 7_000] {
            assert!(in_rounds(hops.clone(), round) == at_once, "{} every {apart} s, in rounds of {round}", run.name);
        }
        if apart > 1_000 {
            assert_eq!(at_once.len(), run.story.journeys.len() * TIMES as usize, "{} every {apart} s", run.name);
        }
    }
}

fn later(mut hop: Hop, by: Micros) -> Hop {
    hop.ts_in += by;
    hop.ts_out += by;
    hop.recipients.iter_mut().for_each(|recipient| recipient.ts += by);
    hop
}

/// Facts taken out after each line, or at the end: the same rows.
#[test]
fn facts_may_be_taken_at_any_time() {
    for run in RUNS.iter() {
        let mut scratch = envelope::Scratch::default();
        let mut hops = Vec::new();
        for (host, lines) in run.hosts.iter().zip(&run.lines) {
            let mut host = Host::new(host);
            for line in lines {
                let mut facts = Facts::default();
                if let Some(envelope) = envelope::parse(&line.raw, &mut scratch) {
                    host.record(line.ts, &read(&envelope), &mut facts);
                }
                hops.extend(facts.hops.drain(..).map(|hop| *hop));
            }
            hops.extend(host.open());
        }
        hops.sort_by_key(Hop::key);
        assert_eq!(hops, run.story.hops, "{}", run.name);
    }
}
