//! The small changes that a page makes to a filter.

mod support;
use support::{filter, paris};

#[test]
fn chips_are_the_conditions_without_the_period() {
    let filter = filter("from:bob (status:bounced or status:expired) -class:probe last:7d");
    assert_eq!(filter.terms(), ["from:bob", "status:bounced or status:expired", "-class:probe"]);
    assert_eq!(filter.period.text, "last:7d");
}

#[test]
fn a_chip_is_taken_away() {
    let filter = filter("from:bob (a or b) -class:probe last:7d");
    assert_eq!(filter.without(0).to_string(), "(a or b) -class:probe last:7d");
    assert_eq!(filter.without(2).without(0).to_string(), "(a or b) last:7d");
    assert_eq!(filter.without(2).without(0).without_period().to_string(), "a or b");
    assert_eq!(filter.without(9), filter);
    let nothing = filter.without(0).without(0).without(0);
    assert_eq!(nothing.to_string(), "last:7d");
    assert!(!nothing.is_empty() && nothing.without_period().is_empty());
}

#[test]
fn a_condition_is_added_once() {
    let narrowed = |text: &str, more: &str| filter(text).and(more, &paris()).map(|filter| filter.to_string());
    assert_eq!(narrowed("(a or b) last:7d", "c").as_deref(), Ok("(a or b) c last:7d"));
    assert_eq!(narrowed("from:bob last:7d", "status:bounced").as_deref(), Ok("from:bob status:bounced last:7d"));
    assert_eq!(narrowed("from:bob", "from:bob size>1MB").as_deref(), Ok("from:bob size>1MB"));
    assert_eq!(narrowed("a or b", "c or d").as_deref(), Ok("(a or b) (c or d)"));
    assert_eq!(narrowed("", "a or b").as_deref(), Ok("a or b"));
    assert_eq!(narrowed("a last:7d", "on:today").as_deref(), Ok("a last:7d on:today"));
    assert_eq!(narrowed("a", "").as_deref(), Ok("a"));
    assert!(narrowed("a", "form:b").is_err());
}

#[test]
fn a_period_is_replaced() {
    let filter = filter("from:bob last:7d").with_period("month:2026-11", &paris()).expect("a filter");
    assert_eq!(filter.to_string(), "from:bob month:2026-11");
}
