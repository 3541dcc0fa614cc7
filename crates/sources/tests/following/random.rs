//! Random schedules: whatever happens in whatever order, each file's bytes come once, in order, and whole.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::RngSeed;
use vigie_sources::{FeedEvent, StreamId};

use super::rig::Rig;
use super::samples::Packing;
use super::yard::{Naming, compress, is_packed};

/// Schedules of the long loop, and steps of each.
const SCHEDULES: u64 = 400;
const STEPS: usize = 120;
const SEED: u64 = 20_261_122;
/// Lines of more than one piece.
const BULK_LINES: usize = 5_000;

#[derive(Clone, Copy, Debug)]
enum Act {
    AppendLines(u8),
    AppendHalf,
    AppendBulk,
    AppendToRenamed(u8),
    Rotate,
    CopyTruncate,
    CopyPollTruncate,
    Compress(u8, u8),
    Delete(u8),
    Poll,
    PollSome(u8),
    Pass(u8),
    Durable(u8, u16),
    DurableAll,
    Save,
    Restart,
    Rewind(u8, u16),
}

/// The same schedules each time; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` make it others and more.
fn config() -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    match default.rng_seed {
        RngSeed::Random => ProptestConfig { rng_seed: RngSeed::Fixed(SEED), ..default },
        RngSeed::Fixed(_) => default,
    }
}

fn act_or_delete() -> impl Strategy<Value = Act> {
    prop_oneof![12 => act(), 1 => any::<u8>().prop_map(Act::Delete)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1u8..30).prop_map(Act::AppendLines),
        2 => Just(Act::AppendHalf),
        1 => Just(Act::AppendBulk),
        2 => (0u8..4).prop_map(Act::AppendToRenamed),
        2 => Just(Act::Rotate),
        2 => Just(Act::CopyTruncate),
        1 => Just(Act::CopyPollTruncate),
        1 => any::<(u8, u8)>().prop_map(|(which, packing)| Act::Compress(which, packing)),
        5 => Just(Act::Poll),
        3 => (1u8..4).prop_map(Act::PollSome),
        3 => (1u8..6).prop_map(Act::Pass),
        3 => any::<(u8, u16)>().prop_map(|(which, share)| Act::Durable(which, share)),
        1 => Just(Act::DurableAll),
        1 => Just(Act::Save),
        2 => Just(Act::Restart),
        2 => any::<(u8, u16)>().prop_map(|(which, share)| Act::Rewind(which, share)),
    ]
}

/// A schedule under way.
struct Play {
    rig: Rig,
    /// Whether the renamed file may still be written to without loss: its stream has not ended.
    is_renamed_open: bool,
    /// The first look decides which files count.
    is_begun: bool,
    /// What stood in files that were deleted.
    deleted: Vec<String>,
}

impl Play {
    fn new(naming: Naming) -> Self {
        Play { rig: Rig::new(naming), is_renamed_open: false, is_begun: false, deleted: Vec::new() }
    }

    fn act(&mut self, act: Act) {
        if !self.is_begun {
            self.rig.yard.append("first\n");
            self.rig.poll();
            self.is_begun = true;
        }
        let rig = &mut self.rig;
        match act {
            Act::AppendLines(count) => rig.yard.append_lines(count.into()),
            Act::AppendHalf => {
                let line = rig.yard.line();
                rig.yard.append(&line[..line.len() / 2]);
            }
            Act::AppendBulk => rig.yard.append_lines(BULK_LINES),
            Act::AppendToRenamed(halves) => self.append_to_renamed(halves),
            Act::Rotate => {
                rig.yard.rotate();
                self.is_renamed_open = true;
            }
            Act::CopyTruncate => {
                rig.yard.copytruncate();
                self.is_renamed_open = false;
            }
            Act::CopyPollTruncate => {
                rig.yard.copy();
                rig.poll();
                rig.yard.truncate();
                self.is_renamed_open = false;
            }
            Act::Compress(which, packing) => self.compress(which, packing),
            Act::Delete(which) => self.delete(which),
            Act::Poll => drop(rig.poll()),
            Act::PollSome(pieces) => drop(rig.poll_some(pieces.into())),
            Act::Pass(seconds) => {
                rig.pass(seconds.into());
                // Whatever was written before is seen in time.
                self.is_renamed_open = false;
            }
            Act::Durable(which, share) => {
                if let Some((stream, from, end)) = self.stretch(which) {
                    self.rig.durable(stream, from + (end - from) * u64::from(share) / u64::from(u16::MAX));
                }
            }
            Act::DurableAll => rig.durable_all(),
            Act::Save => rig.save(),
            Act::Restart => rig.restart(),
            Act::Rewind(which, share) => self.rewind(which, share),
        }
    }

    fn finish(mut self) {
        // The last line is found out about even where times of files tick slowly.
        self.act(Act::AppendLines(1));
        self.rig.expect_each();
    }

    fn append_to_renamed(&mut self, halves: u8) {
        if self.is_renamed_open {
            let line = self.rig.yard.line();
            let length = if halves == 0 { line.len() / 2 } else { line.len() };
            self.rig.yard.append_to_renamed(&line[..length]);
        }
    }

    fn compress(&mut self, which: u8, packing: u8) {
        let rotated = self.rig.yard.rotated();
        let Some(path) = rotated.get(usize::from(which) % rotated.len().max(1)) else { return };
        // Nobody packs what is still written to.
        let is_written_to = self.is_renamed_open && *path == rotated[0];
        if !is_packed(path) && !is_written_to {
            compress(path, Packing::ALL[usize::from(packing) % 4]);
        }
    }

    fn delete(&mut self, which: u8) {
        let rotated = self.rig.yard.rotated();
        let Some(path) = rotated.get(usize::from(which) % rotated.len().max(1)) else { return };
        // A server that writes to a deleted file loses its lines whatever anybody does.
        if !is_packed(path) && !self.is_renamed_open {
            self.deleted.push(std::fs::read_to_string(path).expect("text"));
            std::fs::remove_file(path).expect("deleted");
        }
    }

    fn is_lost(&self, id: StreamId) -> bool {
        self.rig.losses().iter().any(|lost| matches!(lost, FeedEvent::Lost { stream, .. } if *stream == id))
    }

    /// Nothing comes twice; what is missing was deleted; what is missing of a stream that had begun was told.
    fn finish_with_losses(mut self) {
        self.act(Act::AppendLines(1));
        self.rig.settle();
        let mut wanted = self.rig.expected();
        for id in self.rig.order.clone() {
            let text = String::from_utf8_lossy(&self.rig.server[&id].bytes).into_owned();
            let whole = wanted.iter().position(|wanted| *wanted == text);
            let at = whole.or_else(|| wanted.iter().position(|wanted| wanted.starts_with(&text)));
            let at = at.unwrap_or_else(|| panic!("bytes that are in no file, or came before: {text:.80}"));
            let wanted = wanted.remove(at);
            let is_told = self.is_lost(id);
            assert!(
                whole.is_some() || (is_told && self.deleted.contains(&wanted)),
                "missing and not told: {wanted:.80}"
            );
        }
        for text in wanted {
            assert!(self.deleted.contains(&text), "never came: {text:.80}");
        }
    }

    /// A stream with its durable offset and its end.
    fn stretch(&self, which: u8) -> Option<(StreamId, u64, u64)> {
        let stream = *self.rig.order.get(usize::from(which) % self.rig.order.len().max(1))?;
        let held = &self.rig.server[&stream];
        Some((stream, held.durable, held.end()))
    }

    fn rewind(&mut self, which: u8, share: u16) {
        let Some((stream, from, end)) = self.stretch(which) else { return };
        let offset = from + (end - from) * u64::from(share) / u64::from(u16::MAX);
        // What the server holds to its end, or to where it was lost, is forgotten here, and nobody goes back in it.
        let result = self.rig.rewind(stream, offset);
        assert!(result.is_ok() || from == end || self.is_lost(stream), "{result:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_schedule_gives_each_file_once_and_whole(
        is_dated in any::<bool>(),
        acts in proptest::collection::vec(act(), 1..80),
    ) {
        let mut play = Play::new(if is_dated { Naming::Dates } else { Naming::Numbers });
        acts.into_iter().for_each(|act| play.act(act));
        play.finish();
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_deleted_before_it_is_read_is_told_as_lost(
        is_dated in any::<bool>(),
        acts in proptest::collection::vec(act_or_delete(), 1..80),
    ) {
        let mut play = Play::new(if is_dated { Naming::Dates } else { Naming::Numbers });
        acts.into_iter().for_each(|act| play.act(act));
        play.finish_with_losses();
    }
}

#[test]
fn long_schedules_give_each_file_once_and_whole() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for schedule in 0..SCHEDULES {
        let acts = proptest::collection::vec(act(), STEPS).new_tree(&mut runner).expect("a schedule").current();
        println!("schedule {schedule}: {acts:?}");
        let mut play = Play::new(if schedule % 2 == 0 { Naming::Numbers } else { Naming::Dates });
        acts.into_iter().for_each(|act| play.act(act));
        play.finish();
    }
}
