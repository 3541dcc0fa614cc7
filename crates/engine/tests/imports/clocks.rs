//! Clocks that are wrong for a moment.

use crate::store::{LONG, LONG_ROWS, Log, at_once};
use crate::store::{Place, Rows, line_end, set_back};

/// A line of another year in the middle of a log of 2026.
fn with_a_line_of(year: &str, text: &[u8]) -> Vec<u8> {
    let at = line_end(text, text.len() / 2);
    let line =
        format!("{year}-11-22T04:32:30.000000+00:00 hub1 postfix/smtpd[1]: connect from h.example.net[192.0.2.66]\n");
    [&text[..at], line.as_bytes(), &text[at..]].concat()
}

/// What is exported does not speak of that line at all.
fn imported_with(year: &str, one_by_one: bool) -> Rows {
    let place = Place::new();
    let sources: Vec<_> =
        LONG.iter().map(|log| place.file(&log.host, &log.name, &with_a_line_of(year, &log.text))).collect();
    if one_by_one {
        sources.iter().rev().for_each(|source| drop(place.import(std::slice::from_ref(source))));
    } else {
        place.import(&sources);
    }
    let sizes = place.sizes();
    place.import(&sources);
    assert_eq!(place.sizes(), sizes, "again, with a line of {year}");
    place.rows()
}

#[test]
fn one_line_of_a_year_later_changes_nothing() {
    imported_with("2027", false).assert_same(&LONG_ROWS, "a year later");
    imported_with("2027", true).assert_same(&LONG_ROWS, "a year later, one by one");
}

#[test]
fn one_line_of_a_year_before_changes_nothing() {
    imported_with("2025", false).assert_same(&LONG_ROWS, "a year before");
    imported_with("2025", true).assert_same(&LONG_ROWS, "a year before, one by one");
}

/// And when the log grows after that line, or its rotated halves come in either order.
#[test]
fn a_log_with_a_wrong_line_that_grows() {
    for newest_first in [false, true] {
        let place = Place::new();
        let mut sources = Vec::new();
        for log in LONG.iter() {
            let text = with_a_line_of("2027", &log.text);
            let cut = line_end(&text, text.len() * 3 / 4);
            sources.push(place.file(&log.host, "mail.log.1", &text[..cut]));
            sources.push(place.file(&log.host, "mail.log", &text[cut..]));
        }
        if newest_first {
            sources.reverse();
        }
        sources.iter().for_each(|source| drop(place.import(std::slice::from_ref(source))));
        place.rows().assert_same(&LONG_ROWS, &format!("halves with a wrong line, newest first: {newest_first}"));
    }
}

#[test]
fn a_clock_that_was_set_back_by_hours() {
    let logs = set_back();
    let expected = at_once(&logs);
    let place = Place::new();
    for log in logs.iter().rev() {
        place.import(&[place.file(&log.host, &log.name, &log.text)]);
    }
    place.rows().assert_same(&expected, "one by one");
    let sizes = place.sizes();
    // Copies that begin elsewhere, so that they are read again: every line is known.
    let copy = |log: &Log| place.file(&log.host, "copy.log", &log.text[line_end(&log.text, 0)..]);
    let copies: Vec<_> = logs.iter().map(copy).collect();
    assert_eq!(place.import(&copies).lines, 0);
    assert_eq!(place.sizes(), sizes);
    place.rows().assert_same(&expected, "and copied");
}
