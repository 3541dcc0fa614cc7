//! A commit is whole or nothing, wherever it is cut off.

use std::sync::atomic::AtomicUsize;

use super::samples::*;
use crate::writer::Step;
use crate::{Commit, Committed, Lake, LakeError};

/// One row in each of several tables; the counts tell what is visible.
fn fill(commit: &mut Commit, n: u64) {
    let ts = DAY0 + n as i64 * HOUR;
    let hop = vigie_model::Hop { server: "mx2".into(), ts_in: ts, ts_out: ts, ..Default::default() };
    commit.hops(&[hop]).journeys(&[journey(n, ts, 2)]).transaction("source 1", n as i64);
    commit.rejections(&[vigie_model::Rejection { ts, ..Default::default() }]);
}

fn visible(lake: &Lake) -> (usize, usize, usize) {
    let snapshot = lake.snapshot().expect("a snapshot");
    let journeys = all(snapshot.journeys(ALWAYS.0, ALWAYS.1));
    assert!(journeys.iter().all(|journey| journey.deliveries.len() == 2));
    (
        all(snapshot.hops_overlapping(ALWAYS.0, ALWAYS.1)).len(),
        journeys.len(),
        all(snapshot.rejections(ALWAYS.0, ALWAYS.1)).len(),
    )
}

#[test]
fn a_commit_cut_off_anywhere_is_whole_or_nothing() {
    // The step, how often it is passed before the end, and whether the commit is then complete for the next writer.
    let cuts = [
        (Step::DataWritten, 1, false),
        (Step::JournalWritten, 1, true),
        (Step::TableCommitted, 1, true),
        (Step::TableCommitted, 2, true),
        (Step::TableCommitted, 3, true),
        (Step::Visible, 1, true),
    ];
    for (step, times, is_completed) in cuts {
        let (dir, lake) = lake();
        let mut writer = lake.writer().expect("a writer");
        store(&mut writer, |commit| fill(commit, 1));
        writer.stop_at = Some((step, AtomicUsize::new(times)));
        let stopped = writer.commit(commit_with(|commit| fill(commit, 2)));
        assert!(matches!(stopped, Err(LakeError::Stopped)), "{step:?} {times}: {stopped:?}");
        drop(writer);
        // Readers, of this process and of a new one, see the old state until the rename.
        let before = if step == Step::Visible { (2, 2, 2) } else { (1, 1, 1) };
        assert_eq!(visible(&lake), before, "{step:?} {times}");
        let lake = Lake::open(dir.path()).expect("the same lake");
        assert_eq!(visible(&lake), before, "{step:?} {times}");
        // The next writer completes it, or forgets it; then the commit is repeated, as after a restart.
        let mut writer = lake.writer().expect("the next writer");
        let after = if is_completed { (2, 2, 2) } else { (1, 1, 1) };
        assert_eq!(visible(&lake), after, "{step:?} {times}");
        assert_eq!(writer.transaction("source 1"), Some(if is_completed { 2 } else { 1 }));
        let repeated = writer.commit(commit_with(|commit| fill(commit, 2))).expect("repeated");
        assert_eq!(repeated == Committed::Replayed, is_completed, "{step:?} {times}");
        assert_eq!(visible(&lake), (2, 2, 2), "{step:?} {times}");
        assert!(!dir.path().join("commits/pending.json").exists());
    }
}

#[test]
fn a_late_error_is_completed_by_the_next_call_of_the_same_writer() {
    let (_dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    writer.stop_at = Some((Step::TableCommitted, AtomicUsize::new(2)));
    assert!(writer.commit(commit_with(|commit| fill(commit, 1))).is_err());
    assert_eq!(visible(&lake), (0, 0, 0));
    store(&mut writer, |commit| fill(commit, 2));
    assert_eq!(visible(&lake), (2, 2, 2));
}

#[test]
fn a_second_writer_is_refused_by_the_number_of_the_first() {
    let (dir, lake) = lake();
    let first = lake.writer().expect("a writer");
    let second = Lake::open(dir.path()).expect("the same lake").writer();
    let Err(e @ LakeError::Locked { .. }) = second else { panic!("two writers") };
    assert!(e.to_string().contains(&std::process::id().to_string()), "{e}");
    assert!(e.hint().is_some());
    drop(first);
    lake.writer().expect("the lock is free again");
}

#[test]
fn a_replay_changes_nothing() {
    let (_dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    store(&mut writer, |commit| fill(commit, 5));
    for version in [5, 4] {
        assert_eq!(store(&mut writer, |commit| fill(commit, version)), Committed::Replayed);
    }
    assert_eq!(visible(&lake), (1, 1, 1));
    let mixed = commit_with(|commit| {
        fill(commit, 5);
        commit.transaction("source 2", 1);
    });
    assert!(matches!(writer.commit(mixed), Err(LakeError::PartlyReplayed { stored }) if stored == ["source 1"]));
}

#[test]
fn a_commit_of_transactions_alone_is_kept() {
    let (dir, lake) = lake();
    store(&mut lake.writer().expect("a writer"), |commit| {
        commit.transaction("source 1", 7);
    });
    let writer = Lake::open(dir.path()).expect("the same lake").writer().expect("a writer");
    assert_eq!(writer.transaction("source 1"), Some(7));
    assert_eq!(writer.transactions().len(), 1);
}

#[test]
fn a_snapshot_does_not_change() {
    let (_dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    store(&mut writer, |commit| fill(commit, 1));
    let old = lake.snapshot().expect("a snapshot");
    store(&mut writer, |commit| fill(commit, 2));
    writer.compact(crate::Compaction::All).expect("compacted");
    assert_eq!(all(old.journeys(ALWAYS.0, ALWAYS.1)).len(), 1);
    assert_eq!(visible(&lake), (2, 2, 2));
}

#[test]
fn a_newer_layout_is_refused() {
    let (dir, _lake) = lake();
    std::fs::write(dir.path().join("lake.json"), r#"{"layout":99}"#).expect("written");
    let Err(e) = Lake::open(dir.path()) else { panic!("opened") };
    assert!(e.to_string().contains("99"), "{e}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let (dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    // A file where the day's folder should be: as good as a full disk, and root is refused too.
    std::fs::write(dir.path().join("hops/day=2026-11-01"), "").expect("written");
    let Err(e) = writer.commit(commit_with(|commit| fill(commit, 1))) else { panic!("stored") };
    assert!(e.to_string().contains("hops/day=2026-11-01"), "{e}");
    assert_eq!(visible(&lake), (0, 0, 0));
    std::fs::remove_file(dir.path().join("hops/day=2026-11-01")).expect("removed");
    store(&mut writer, |commit| fill(commit, 1));
    assert_eq!(visible(&lake), (1, 1, 1));
}

#[test]
fn an_older_layout_is_told() {
    let (dir, _lake) = lake();
    std::fs::write(dir.path().join("lake.json"), r#"{"layout":1}"#).expect("written");
    let Err(e) = Lake::open(dir.path()) else { panic!("opened") };
    assert!(e.to_string().contains("layout 1") && e.hint().is_some_and(|hint| hint.contains("again")), "{e}");
}
