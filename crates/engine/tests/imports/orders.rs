//! Files in any order, in one import or in several, once or twice.

use vigie_engine::intake::Source;

use crate::store::{LONG, LONG_ROWS, Log, Place, Rows, SHORT, SHORT_ROWS, orders};

fn written(place: &Place, logs: &[Log]) -> Vec<Source> {
    logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect()
}

fn in_one_import(logs: &[Log], order: &[usize], expected: &Rows) {
    let place = Place::new();
    let sources = written(&place, logs);
    let sources: Vec<Source> = order.iter().map(|&at| sources[at].clone()).collect();
    place.import(&sources);
    place.rows().assert_same(expected, &format!("one import of {order:?}"));
}

fn one_after_the_other(logs: &[Log], order: &[usize], expected: &Rows) {
    let place = Place::new();
    let sources = written(&place, logs);
    for &at in order {
        place.import(&sources[at..=at]);
    }
    place.rows().assert_same(expected, &format!("one import each of {order:?}"));
}

#[test]
fn one_import_of_files_in_any_order() {
    for order in orders(LONG.len()) {
        in_one_import(&LONG, &order, &LONG_ROWS);
    }
    // Two of the four are of one host.
    for order in [[3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
        in_one_import(&SHORT, &order, &SHORT_ROWS);
    }
}

#[test]
fn one_import_for_each_file_in_any_order() {
    for order in orders(LONG.len()) {
        one_after_the_other(&LONG, &order, &LONG_ROWS);
    }
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1], [1, 3, 2, 0]] {
        one_after_the_other(&SHORT, &order, &SHORT_ROWS);
    }
}

#[test]
fn importing_again_adds_no_row() {
    for (logs, expected) in [(&LONG, &LONG_ROWS), (&SHORT, &SHORT_ROWS)] {
        let place = Place::new();
        let sources = written(&place, logs);
        place.import(&sources);
        let sizes = place.sizes();
        for again in [&sources[..], &sources[1..2], &sources[..]] {
            let imported = place.import(again);
            assert_eq!(imported.lines, 0);
            assert_eq!(place.sizes(), sizes);
        }
        place.rows().assert_same(expected, "imported four times");
    }
}

/// Under another name, the same bytes are known; and so are the same lines compressed.
#[test]
fn a_file_renamed_or_compressed_is_known() {
    let place = Place::new();
    place.import(&written(&place, &LONG));
    let sizes = place.sizes();
    for log in LONG.iter() {
        let renamed = place.file(&log.host, "mail.log.1", &log.text);
        let compressed = place.file(&log.host, "mail.log.2.gz", &vigie_testkit::corpus::gzip(&log.text));
        assert_eq!(place.import(&[renamed]).lines, 0);
        assert_eq!(place.import(&[compressed]).lines, 0);
    }
    assert_eq!(place.sizes(), sizes);
    place.rows().assert_same(&LONG_ROWS, "renamed and compressed");
}

#[test]
fn an_import_of_nothing_is_no_harm() {
    let place = Place::new();
    place.import(&[]);
    place.import(&written(&place, &LONG));
    let sizes = place.sizes();
    place.import(&[]);
    assert_eq!(place.sizes(), sizes);
    place.rows().assert_same(&LONG_ROWS, "nothing before and after");
}
