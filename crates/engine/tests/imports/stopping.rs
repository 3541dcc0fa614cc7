//! Imports that are stopped in the middle, and run again.

use vigie_engine::{import::Phase, intake::Source};

use crate::store::{LONG, LONG_ROWS, Log, Place, SHORT, SHORT_ROWS, cuts};

/// Each log in several files, so that there are many places to stop at.
fn pieces(place: &Place, logs: &[Log], count: usize) -> Vec<Source> {
    let of = |log: &Log| -> Vec<Source> {
        let cuts = cuts(&log.text, count);
        let piece = |at: usize| &log.text[cuts[at]..cuts[at + 1]];
        (0..count).map(|at| place.file(&log.host, &format!("{}.{}", log.name, count - at), piece(at))).collect()
    };
    logs.iter().flat_map(of).collect()
}

/// Stops after so many steps of reading; whether it came so far.
fn stop_after(place: &Place, sources: &[Source], steps: u32) -> bool {
    let mut left = steps;
    let imported = place.import_watched(sources, &mut |phase| {
        if matches!(phase, Phase::Reading(_)) {
            left = left.saturating_sub(1);
        }
        left > 0
    });
    imported.report.stopped
}

#[test]
fn stopped_anywhere_and_run_again() {
    for (logs, expected) in [(&LONG, &LONG_ROWS), (&SHORT, &SHORT_ROWS)] {
        for steps in [1, 2, 3, 5, 9, 14] {
            let place = Place::new();
            let sources = pieces(&place, logs, 3);
            let stopped = stop_after(&place, &sources, steps);
            assert!(stopped || steps > 5, "there was something to stop after {steps} steps");
            let again = place.import(&sources);
            assert!(!again.report.stopped);
            place.rows().assert_same(expected, &format!("stopped after {steps} steps"));
            let sizes = place.sizes();
            place.import(&sources);
            assert_eq!(place.sizes(), sizes, "stopped after {steps} steps, run, and run again");
        }
    }
}

#[test]
fn stopped_again_and_again() {
    let place = Place::new();
    let sources = pieces(&place, &SHORT, 2);
    let stops = (0..).take_while(|stops| stop_after(&place, &sources, 4 + 8 * stops)).count();
    assert!(stops > 1, "{stops} stops");
    place.rows().assert_same(&SHORT_ROWS, "stopped again and again");
}

/// A state of another version, a damaged one, or none: derived anew from the stored lines, and nothing is stored twice.
#[test]
fn a_lost_state_is_derived_anew() {
    let spoil: [fn(&std::path::Path); 3] = [
        |state| std::fs::remove_dir_all(state).expect("removed"),
        |state| spoil_files(state, |bytes| bytes[0] = 99),
        |state| spoil_files(state, |bytes| bytes.truncate(bytes.len() / 2)),
    ];
    for spoil in spoil {
        let place = Place::new();
        let sources = pieces(&place, &LONG, 2);
        place.import(&sources[..5]);
        spoil(&place.path("data/state"));
        let imported = place.import(&sources);
        assert!(imported.state_was_lost && imported.rebuilt.len() == 3, "{:?}", imported.rebuilt);
        place.rows().assert_same(&LONG_ROWS, "after the state was lost");
        let again = place.import(&sources);
        assert_eq!((again.lines, again.state_was_lost), (0, false));
    }
}

fn spoil_files(folder: &std::path::Path, spoil: fn(&mut Vec<u8>)) {
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let mut bytes = std::fs::read(&path).expect("a state");
        spoil(&mut bytes);
        std::fs::write(&path, bytes).expect("spoiled");
    }
}

/// What is exported after a stop is true of what was read, and never more than the whole has.
#[test]
fn a_stopped_import_stores_no_half_truth() {
    let place = Place::new();
    let sources = pieces(&place, &LONG, 3);
    stop_after(&place, &sources, 4);
    let rows = place.rows();
    assert!(rows.journeys.lines().count() > 0);
    assert!(rows.journeys.lines().count() <= LONG_ROWS.journeys.lines().count());
}
