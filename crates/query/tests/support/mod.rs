//! One fixed moment for all the tests: Sunday 22 November 2026, 10:30 in Paris.
#![allow(dead_code, reason = "each test file uses its part")]

use jiff::tz::TimeZone;
use vigie_query::{Context, Filter, parse, render};

pub fn paris() -> Context {
    Context {
        now: "2026-11-22T09:30:00Z".parse().expect("a moment"),
        zone: TimeZone::get("Europe/Paris").expect("a zone"),
    }
}

pub fn filter(text: &str) -> Filter {
    parse(text, &paris()).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

pub fn canonical(text: &str) -> String {
    filter(text).to_string()
}

/// All the problems, rendered one after the other; nothing when there are none.
pub fn complaints(text: &str) -> String {
    parse(text, &paris()).err().unwrap_or_default().iter().map(|problem| render(problem, text)).collect()
}

/// A canonical text for each text.
pub fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(canonical(text), *expected, "{text}");
        assert_eq!(canonical(expected), *expected, "{text}");
    }
}
