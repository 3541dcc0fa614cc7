//! Compaction, vacuum, retention and long logs change how rows are stored, not which.

use std::time::Duration;

use vigie_model::{Journey, Rejection, day_of};

use super::samples::*;
use crate::{Compaction, Lake, Table, Writer};

fn stored(lake: &Lake) -> Vec<Journey> {
    all(lake.snapshot().expect("a snapshot").journeys(ALWAYS.0, ALWAYS.1))
}

fn files(lake: &Lake, table: Table) -> usize {
    lake.snapshot().expect("a snapshot").sizes()[table as usize].files
}

/// Twelve commits of interleaved rows over two days.
fn filled() -> (tempfile::TempDir, Lake, Writer) {
    let (dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    for commit_no in 0..12 {
        let rows: Vec<Journey> = (0..20)
            .map(|n| journey(n * 12 + commit_no, DAY0 + (n * 12 + commit_no) as i64 * HOUR / 6, 1 + n as usize % 3))
            .collect();
        store(&mut writer, |commit| {
            commit.journeys(&rows);
        });
    }
    (dir, lake, writer)
}

#[test]
fn compaction_keeps_every_row() {
    for which in [Compaction::WhereNeeded, Compaction::All] {
        let (_dir, lake, mut writer) = filled();
        let before = stored(&lake);
        assert_eq!((before.len(), files(&lake, Table::Deliveries)), (240, 24));
        let done = writer.compact(which).expect("compacted");
        assert_eq!((done.days, done.files_before, done.files_after), (2, 24, 2), "{which:?}");
        assert!(done.bytes_after < done.bytes_before);
        assert_eq!(files(&lake, Table::Deliveries), 2);
        assert_eq!(stored(&lake), before, "{which:?}");
        assert_eq!(writer.compact(which).expect("again").days, 0);
    }
}

#[test]
fn one_day_can_be_compacted() {
    let (_dir, lake, mut writer) = filled();
    let before = stored(&lake);
    assert_eq!(writer.compact(Compaction::Day(day_of(DAY0))).expect("compacted").days, 1);
    assert_eq!(files(&lake, Table::Deliveries), 13);
    assert_eq!(stored(&lake), before);
}

#[test]
fn vacuum_leaves_young_files_and_takes_old_orphans() {
    let (dir, lake, mut writer) = filled();
    writer.compact(Compaction::All).expect("compacted");
    assert_eq!(writer.vacuum(Duration::ZERO).expect("vacuumed").files, 0);
    make_an_hour_older(dir.path());
    let before = stored(&lake);
    assert_eq!(writer.vacuum(Duration::from_secs(600)).expect("vacuumed").files, 24);
    assert_eq!(stored(&lake), before);
    let reopened = Lake::open(dir.path()).expect("the same lake");
    assert_eq!(stored(&reopened), before);
}

#[test]
fn files_that_were_replaced_just_now_stay_for_readers_however_old_they_are() {
    let (dir, lake, mut writer) = filled();
    make_an_hour_older(dir.path());
    let (before, reader) = (stored(&lake), lake.snapshot().expect("a snapshot"));
    writer.compact(Compaction::All).expect("compacted");
    assert_eq!(writer.vacuum(Duration::from_secs(600)).expect("vacuumed").files, 0);
    assert_eq!(all(reader.journeys(i64::MIN, i64::MAX)), before);
}

fn make_an_hour_older(lake: &std::path::Path) {
    let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3_600);
    for day in std::fs::read_dir(lake.join("deliveries")).expect("days").flatten().filter(|e| e.path().is_dir()) {
        for part in std::fs::read_dir(day.path()).expect("parts").flatten() {
            std::fs::File::open(part.path()).expect("open").set_modified(hour_ago).expect("made older");
        }
    }
}

#[test]
fn old_days_are_dropped_from_the_table_named() {
    let (_dir, lake, mut writer) = filled();
    let second = day_of(DAY0) + 1;
    store(&mut writer, |commit| {
        commit.rejections(&[Rejection { ts: DAY0, ..Rejection::default() }]);
    });
    writer.drop_days_before(Table::Deliveries, second).expect("dropped");
    assert!(stored(&lake).iter().all(|journey| day_of(journey.first_arrival) == second));
    assert_eq!((files(&lake, Table::Deliveries), files(&lake, Table::Rejections)), (12, 1));
}

#[test]
fn a_long_log_with_checkpoints_gives_the_same_files() {
    let (dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    for n in 0..120 {
        store(&mut writer, |commit| {
            commit.journeys(&[journey(n, DAY0 + n as i64 * 1_001, 1)]).transaction("source 1", n as i64);
        });
    }
    assert!(dir.path().join("deliveries/_delta_log/_last_checkpoint").exists());
    let reopened = Lake::open(dir.path()).expect("the same lake");
    assert_eq!(stored(&reopened), stored(&lake));
    assert_eq!(stored(&reopened).len(), 120);
    let (from, until) = (DAY0 + 5 * 1_001, DAY0 + 7 * 1_001);
    assert_eq!(all(reopened.snapshot().expect("a snapshot").journeys(from, until)).len(), 2);
}
