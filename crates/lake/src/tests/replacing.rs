//! Replacement: the rows meant go, all others stay.

use vigie_model::{Hop, Journey, Rejection, day_of};

use super::samples::*;
use crate::{Commit, Committed, Lake, Replacement, Table, Writer};

/// Six messages over three days, in two commits.
fn filled() -> (tempfile::TempDir, Lake, Writer) {
    let (dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    for half in 0..2 {
        let rows: Vec<Journey> =
            (0..3).map(|day| journey(half * 3 + day, DAY0 + day as i64 * 24 * HOUR + half as i64, 2)).collect();
        store(&mut writer, |commit| {
            commit.journeys(&rows);
        });
    }
    (dir, lake, writer)
}

fn ids(lake: &Lake) -> Vec<u64> {
    let journeys = all(lake.snapshot().expect("a snapshot").journeys(ALWAYS.0, ALWAYS.1));
    assert!(journeys.iter().all(|journey| journey.deliveries.len() == 2));
    journeys.iter().map(|journey| u64::from_str_radix(&journey.id, 16).expect("a number")).collect()
}

#[test]
fn journeys_by_id_with_and_without_their_time() {
    for first_arrivals in [None, Some(DAY0 + 24 * HOUR..DAY0 + 48 * HOUR)] {
        let (_dir, lake, mut writer) = filled();
        store(&mut writer, |commit| {
            let ids = vec![journey(1, 0, 0).id, "unknown".into()];
            commit.replace(Replacement::Journeys { ids, first_arrivals });
            commit.journeys(&[journey(9, DAY0 + 24 * HOUR, 2)]);
        });
        assert_eq!(ids(&lake), [0, 3, 9, 4, 2, 5]);
    }
}

#[test]
fn a_journey_replaced_by_itself_is_there_once() {
    let (_dir, lake, mut writer) = filled();
    let mut later = journey(4, DAY0 + 24 * HOUR + 1, 2);
    later.subject = "said later".into();
    store(&mut writer, |commit| {
        commit.replace(Replacement::Journeys { ids: vec![later.id.clone()], first_arrivals: None });
        commit.journeys(std::slice::from_ref(&later));
    });
    assert_eq!(ids(&lake), [0, 3, 1, 4, 2, 5]);
    assert_eq!(lake.snapshot().expect("a snapshot").journey(&later.id).expect("read"), Some(later));
}

#[test]
fn journeys_by_time() {
    let (_dir, lake, mut writer) = filled();
    store(&mut writer, |commit| {
        commit.replace(Replacement::JourneysArrived(DAY0 + 1..DAY0 + 24 * HOUR + 1));
    });
    assert_eq!(ids(&lake), [0, 4, 2, 5]);
}

#[test]
fn whole_days_of_one_table() {
    let (_dir, lake, mut writer) = filled();
    let days = day_of(DAY0)..=day_of(DAY0) + 1;
    store(&mut writer, |commit| {
        commit.rejections(&[Rejection { ts: DAY0, ..Rejection::default() }]);
    });
    store(&mut writer, |commit| {
        commit.replace(Replacement::Days { table: Table::Deliveries, days: days.clone() });
    });
    assert_eq!(ids(&lake), [2, 5]);
    assert_eq!(lake.snapshot().expect("a snapshot").sizes()[Table::Rejections as usize].rows, 1);
}

#[test]
fn a_server_alone_in_a_file_and_among_others() {
    let (_dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    let hop = |server: &str, n: i64| Hop { server: server.into(), ts_in: DAY0 + n, ts_out: DAY0 + n, ..Hop::default() };
    store(&mut writer, |commit| {
        commit.hops(&[hop("mx1", 1), hop("mx2", 2), hop("mx3", 3)]);
    });
    store(&mut writer, |commit| {
        commit.hops(&[hop("mx2", 4)]);
    });
    store(&mut writer, |commit| {
        commit.replace(Replacement::Server { table: Table::Hops, server: "mx2".into() }).hops(&[hop("mx2", 5)]);
    });
    let hops = all(lake.snapshot().expect("a snapshot").hops_overlapping(ALWAYS.0, ALWAYS.1));
    assert_eq!(hops, [hop("mx1", 1), hop("mx3", 3), hop("mx2", 5)]);
}

#[test]
fn provisional_rows_are_seen_until_their_files_are_replaced() {
    let (_dir, lake, mut writer) = filled();
    let mut commit = Commit::new();
    commit.journeys(&[journey(7, DAY0 + 1, 2)]);
    commit.provisional_journeys(&[journey(8, DAY0 + 2, 2), journey(9, DAY0 + 30 * HOUR, 2)]);
    let Committed::Stored { provisional, rows: 6, .. } = writer.commit(commit).expect("stored") else {
        panic!("other rows")
    };
    assert_eq!(provisional.len(), 2, "a file for each day");
    assert_eq!(ids(&lake), [0, 3, 7, 8, 1, 4, 9, 2, 5]);
    let mut commit = Commit::new();
    for file in provisional {
        commit.replace(Replacement::Provisional(file));
    }
    commit.journeys(&[journey(8, DAY0 + 2, 2)]);
    writer.commit(commit).expect("stored");
    assert_eq!(ids(&lake), [0, 3, 7, 8, 1, 4, 2, 5]);
}
