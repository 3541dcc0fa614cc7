//! Random schedules: whatever happens in whatever order, each file comes as one import reads it, byte for byte.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use vigie_formats::transcript::{DateOrder, Settings};
use vigie_sources::StreamId;

use super::rig::{Rig, exchange, large_exchange, made};

/// Schedules, and steps of each.
const SCHEDULES: u64 = 150;
const STEPS: usize = 90;

#[derive(Clone, Copy, Debug)]
enum Act {
    Grow(u8, u16),
    GrowMuch(u8),
    Poll,
    PollSome(u8),
    Pass(u8),
    Day,
    Durable(u8, u16),
    DurableAll,
    Save,
    Restart,
    Rewind(u8, u16),
    Unmount(bool),
    /// A share that was mounted again numbers its files anew.
    Renumber(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => any::<(u8, u16)>().prop_map(|(which, bytes)| Act::Grow(which, bytes)),
        2 => any::<u8>().prop_map(Act::GrowMuch),
        6 => Just(Act::Poll),
        4 => (1u8..4).prop_map(Act::PollSome),
        6 => (1u8..6).prop_map(Act::Pass),
        1 => Just(Act::Day),
        4 => any::<(u8, u16)>().prop_map(|(which, share)| Act::Durable(which, share)),
        1 => Just(Act::DurableAll),
        2 => Just(Act::Save),
        3 => Just(Act::Restart),
        3 => any::<(u8, u16)>().prop_map(|(which, share)| Act::Rewind(which, share)),
        1 => any::<bool>().prop_map(Act::Unmount),
        1 => any::<u8>().prop_map(Act::Renumber),
    ]
}

/// A schedule under way.
struct Play {
    rig: Rig,
    /// Names, texts, and how much of each was written.
    texts: Vec<(&'static str, Vec<u8>, usize)>,
}

impl Play {
    fn new(texts: Vec<(&'static str, Vec<u8>, usize)>) -> Self {
        let settings = Settings { host: "hub1".into(), dates: Some(DateOrder::MonthFirst), ..Settings::default() };
        Play { rig: Rig::new(settings), texts }
    }

    fn grow(&mut self, which: u8, bytes: usize) {
        let at = usize::from(which) % self.texts.len();
        let (name, text, written) = &mut self.texts[at];
        let end = text.len().min(*written + bytes);
        if end > *written {
            self.rig.append(name, &text[*written..end]);
            *written = end;
        }
    }

    fn act(&mut self, act: Act) {
        let rig = &mut self.rig;
        match act {
            Act::Grow(which, bytes) => self.grow(which, usize::from(bytes) / 4),
            Act::GrowMuch(which) => self.grow(which, 200_000),
            Act::Poll => drop(rig.poll()),
            Act::PollSome(pieces) => drop(rig.poll_some(pieces.into())),
            Act::Pass(seconds) => rig.pass(seconds.into()),
            // All that was read comes to its end only where nothing follows.
            Act::Day if self.texts.iter().all(|(_, text, written)| *written == text.len() || *written == 0) => {
                rig.pass(25 * 3600);
            }
            Act::Day => {}
            Act::Durable(which, share) => {
                if let Some((stream, from, end)) = self.stretch(which) {
                    self.rig.durable(stream, from + (end - from) * u64::from(share) / u64::from(u16::MAX));
                }
            }
            Act::DurableAll => rig.durable_all(),
            Act::Save => rig.save(),
            Act::Restart => rig.restart(),
            Act::Rewind(which, share) => self.rewind(which, share),
            Act::Unmount(leaves_folder) => {
                rig.unmount(leaves_folder);
                rig.pass(20);
                rig.poll();
                rig.mount();
            }
            Act::Renumber(which) => {
                let (name, _, written) = &self.texts[usize::from(which) % self.texts.len()];
                if *written > 0 {
                    rig.renumber(name);
                }
            }
        }
    }

    fn stretch(&self, which: u8) -> Option<(StreamId, u64, u64)> {
        let stream = *self.rig.order.get(usize::from(which) % self.rig.order.len().max(1))?;
        let held = &self.rig.server[&stream];
        Some((stream, held.durable, held.end()))
    }

    fn rewind(&mut self, which: u8, share: u16) {
        let Some((stream, from, end)) = self.stretch(which) else { return };
        let offset = from + (end - from) * u64::from(share) / u64::from(u16::MAX);
        let result = self.rig.rewind(stream, offset);
        assert!(result.is_ok() || from == end, "{result:?}");
    }

    fn finish(mut self) {
        for at in 0..self.texts.len() {
            self.grow(at as u8, usize::MAX / 2);
        }
        let names: Vec<&str> = self.texts.iter().map(|(name, ..)| *name).collect();
        self.rig.expect_each(&names);
    }
}

fn texts() -> Vec<(&'static str, Vec<u8>, usize)> {
    vec![
        ("MSGTRK2026032821-1.LOG", large_exchange(), 0),
        ("MSGTRKMD2026032821-1.LOG", exchange("MSGTRKMD2026032821-1"), 0),
        ("console1.log", made("domino/made/acme/edge1/console1"), 0),
        ("console2.log", made("domino/made/ambiguous/single/console"), 0),
    ]
}

#[test]
fn any_schedule_gives_each_file_as_one_import_reads_it() {
    let mut runner = TestRunner::deterministic();
    let all = texts();
    for schedule in 0..SCHEDULES {
        let acts = proptest::collection::vec(act(), STEPS).new_tree(&mut runner).expect("a schedule").current();
        println!("schedule {schedule}: {acts:?}");
        let mut play = Play::new(all.clone());
        acts.into_iter().for_each(|act| play.act(act));
        play.finish();
    }
}
