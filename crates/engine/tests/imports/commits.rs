//! Imports in many commits: journeys are derived while the lines are read, and what is stored does not show it.

use crate::store::{LONG, LONG_ROWS, Log, Place, Rows, SHORT, SHORT_ROWS, at_once, set_back};

fn in_steps_of(commit_lines_max: u64, logs: &[Log], expected: &Rows) {
    let place = Place::new();
    let sources: Vec<_> = logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
    place.import_in_steps(&sources, commit_lines_max, &mut |_| true);
    let name = format!("in commits of {commit_lines_max} lines");
    place.rows().assert_same(expected, &name);
    let sizes = place.sizes();
    place.import_in_steps(&sources, commit_lines_max, &mut |_| true);
    assert_eq!(place.sizes(), sizes, "{name}, again");
}

#[test]
fn in_any_number_of_commits() {
    for lines in [60, 500, 2_000] {
        in_steps_of(lines, &LONG, &LONG_ROWS);
        in_steps_of(lines, &SHORT, &SHORT_ROWS);
    }
}

/// Hops come that began long before those that were linked.
#[test]
fn by_a_clock_that_is_set_back_between_commits() {
    let logs = set_back();
    let expected = at_once(&logs);
    for lines in [300, 1_500] {
        in_steps_of(lines, &logs, &expected);
    }
}

/// What was derived early is in the store when the next import derives it again.
#[test]
fn stopped_between_commits_and_run_again() {
    for commits in [1, 2, 4] {
        let place = Place::new();
        let sources: Vec<_> = LONG.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
        let stored = || place.store.lake.snapshot().expect("a snapshot").sequence();
        let stopped = place.import_in_steps(&sources, 200, &mut |_| stored() < commits);
        let name = format!("stopped after {commits} commits");
        assert!(stopped.report.stopped, "{name}: there was more to read");
        place.import_in_steps(&sources, 200, &mut |_| true);
        place.rows().assert_same(&LONG_ROWS, &name);
    }
}
