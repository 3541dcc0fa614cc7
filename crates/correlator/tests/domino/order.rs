//! What must hold for the made corpora however their lines come and however their files are cut.

use proptest::{prelude::*, test_runner::RngSeed};
use vigie_correlator::Host;
use vigie_formats::transcript::Settings;
use vigie_model::{MICROS_PER_SECOND, Micros};
use vigie_testkit::{
    Reading, Story,
    corpus::{Corpus, testdata},
    random::Random,
};

use super::{corpora::Run, reading::transcribed};

fn runs() -> [Run; 3] {
    ["acme", "activity", "autumn"].map(Run::load)
}

fn same(name: &str, one: &Story, other: &Story) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.told(), other.told(), "journeys of {}", name);
    prop_assert!(one.hops == other.hops && one.journeys == other.journeys, "facts of {}", name);
    prop_assert!(one.rejections == other.rejections && one.attempts == other.attempts, "refusals of {}", name);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, rng_seed: RngSeed::Fixed(20_261_123), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_late_by_up_to_five_seconds_give_the_same(seed in any::<u64>()) {
        for run in runs() {
            let mut random = Random::new(seed);
            let mut late: Vec<(Micros, _)> = run.lines.iter().map(|line| (line.ts + random.below(5 * MICROS_PER_SECOND as usize) as Micros, line)).collect();
            late.sort_by_key(|(at, _)| *at);
            let mut reading = reading(&run);
            late.iter().for_each(|(_, line)| reading.line(line));
            same(run.name, &run.story(), &reading.story())?;
        }
    }

    #[test]
    fn saving_and_restoring_after_any_line_gives_the_same(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        for run in runs() {
            let mut reading = reading(&run);
            for line in &run.lines {
                reading.line(line);
                if random.below(100) == 0 {
                    reading.hosts = reading.hosts.iter().map(|host| Host::restore(&host.snapshot()).expect("its own state")).collect();
                }
            }
            same(run.name, &run.story(), &reading.story())?;
        }
    }

    #[test]
    fn files_cut_anywhere_are_written_the_same(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        for name in ["acme", "ambiguous", "activity", "events"] {
            for file in Corpus::as_written(&testdata().join("domino/made").join(name)).files {
                let settings = Settings { host: file.host.clone(), ..Settings::default() };
                let whole = transcribed(&file.text, &settings, file.text.len());
                prop_assert!(whole == transcribed(&file.text, &settings, 1 + random.below(3000)), "{}/{}", name, file.name);
            }
        }
    }
}

fn reading(run: &Run) -> Reading {
    Reading::of(&run.servers.iter().map(String::as_str).collect::<Vec<_>>())
}
