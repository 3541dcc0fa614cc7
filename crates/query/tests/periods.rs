//! Periods, resolved on Sunday 22 November 2026 at 10:30 in Paris.

mod support;
use support::{check, complaints, filter, paris};
use vigie_query::{Context, parse};

/// `from/until` in UTC, `…` where there is no limit.
fn resolved_in(text: &str, context: &Context) -> String {
    let period = parse(text, context).unwrap_or_else(|problems| panic!("{text}: {problems:?}")).period;
    let shown = |us: Option<i64>| {
        us.map_or("…".to_string(), |us| jiff::Timestamp::from_microsecond(us).expect("a moment").to_string())
    };
    format!("{}/{}", shown(period.from), shown(period.until))
}

fn resolved(text: &str) -> String {
    resolved_in(text, &paris())
}

#[test]
fn a_rolling_period_has_no_end() {
    assert_eq!(resolved("last:24h"), "2026-11-21T09:30:00Z/…");
    assert_eq!(resolved("last:7d"), "2026-11-15T09:30:00Z/…");
    assert_eq!(resolved("last:90min"), "2026-11-22T08:00:00Z/…");
    // Over the end of summer time: 10:30 in Paris both days.
    assert_eq!(resolved("last:1month"), "2026-10-22T08:30:00Z/…");
    assert_eq!(resolved("past:2years"), "2024-11-22T09:30:00Z/…");
}

#[test]
fn days_begin_at_local_midnight() {
    assert_eq!(resolved("on:2026-11-22"), "2026-11-21T23:00:00Z/2026-11-22T23:00:00Z");
    assert_eq!(resolved("on:today"), resolved("on:2026-11-22"));
    assert_eq!(resolved("on:yesterday"), resolved("on:2026-11-21"));
    assert_eq!(resolved("this:day"), resolved("on:today"));
    assert_eq!(resolved("previous:day"), resolved("on:yesterday"));
}

#[test]
fn the_day_the_clock_goes_back_has_25_hours() {
    assert_eq!(resolved("on:2026-10-25"), "2026-10-24T22:00:00Z/2026-10-25T23:00:00Z");
    assert_eq!(resolved("on:2026-03-29"), "2026-03-28T23:00:00Z/2026-03-29T22:00:00Z");
}

#[test]
fn a_day_whose_midnight_does_not_exist_begins_an_hour_later() {
    let zone = jiff::tz::TimeZone::get("America/Sao_Paulo").expect("a zone");
    let context = Context { zone, ..paris() };
    assert_eq!(resolved_in("on:2018-11-04", &context), "2018-11-04T03:00:00Z/2018-11-05T02:00:00Z");
}

#[test]
fn a_local_time_that_comes_twice_is_the_first_of_them() {
    assert_eq!(resolved("since:2026-10-25T02:30"), "2026-10-25T00:30:00Z/…");
    assert_eq!(resolved("since:2026-10-25T02:30+01:00"), "2026-10-25T01:30:00Z/…");
}

#[test]
fn calendar_units_are_taken_whole() {
    assert_eq!(resolved("month:2026-11"), "2026-10-31T23:00:00Z/2026-11-30T23:00:00Z");
    assert_eq!(resolved("year:2026"), "2025-12-31T23:00:00Z/2026-12-31T23:00:00Z");
    assert_eq!(resolved("week:2026-W47"), "2026-11-15T23:00:00Z/2026-11-22T23:00:00Z");
    assert_eq!(resolved("this:week"), resolved("week:2026-W47"));
    assert_eq!(resolved("previous:week"), resolved("week:2026-W46"));
    assert_eq!(resolved("this:month"), resolved("month:2026-11"));
    assert_eq!(resolved("previous:month"), resolved("month:2026-10"));
    assert_eq!(resolved("previous:year"), resolved("year:2025"));
}

#[test]
fn until_a_day_includes_the_day_and_until_a_time_ends_at_it() {
    assert_eq!(resolved("until:2026-11-22"), "…/2026-11-22T23:00:00Z");
    assert_eq!(resolved("until:2026-11-22T10:00"), "…/2026-11-22T09:00:00Z");
    assert_eq!(resolved("until:2026-11-22T10:00Z"), "…/2026-11-22T10:00:00Z");
    assert_eq!(resolved("until:now"), "…/2026-11-22T09:30:00Z");
    assert_eq!(resolved("since:2026-11"), "2026-10-31T23:00:00Z/…");
    assert_eq!(resolved("since:2026-11-01 until:2026-11-03"), "2026-10-31T23:00:00Z/2026-11-03T23:00:00Z");
}

#[test]
fn several_periods_narrow_each_other() {
    assert_eq!(resolved("last:7d last:24h"), resolved("last:24h"));
    assert_eq!(
        resolved("month:2026-11 since:2026-11-20 until:2026-12-31"),
        "2026-11-19T23:00:00Z/2026-11-30T23:00:00Z"
    );
}

#[test]
fn the_end_is_not_in_the_period() {
    let period = filter("on:2026-11-22").period;
    let (from, until) = (period.from.expect("a beginning"), period.until.expect("an end"));
    assert!(period.contains(from) && period.contains(until - 1));
    assert!(!period.contains(from - 1) && !period.contains(until));
    assert!(filter("bob").period.is_unlimited());
}

#[test]
fn periods_are_printed_last_and_as_they_were_meant() {
    check(&[
        ("last:07d a", "a last:7d"),
        ("last:week", "previous:week"),
        ("past:5m", "last:5min"),
        ("on:2026-11", "month:2026-11"),
        ("day:Today", "on:today"),
        ("week:2026-w47", "week:2026-W47"),
        ("since:\"2026-11-22 10:00\"", "since:2026-11-22T10:00"),
        ("since:2026-11-22T10:00:05", "since:2026-11-22T10:00:05"),
        ("since:2026-11-22T10:00+01:00", "since:2026-11-22T09:00Z"),
        ("on:today on:today", "on:today"),
        ("(a or b) on:today", "(a or b) on:today"),
        ("on:today and (a and last:7d)", "a on:today last:7d"),
    ]);
}

#[test]
fn what_is_not_a_period_is_refused() {
    for text in [
        "last:0d",
        "last:7",
        "last:d",
        "last:7x",
        "last:*",
        "on:2026-02-30",
        "on:22/11/2026",
        "on:now",
        "month:2026",
        "year:2026-11",
        "week:2026-W54",
        "this:hour",
        "since:2026-11-22T25:00",
        "since:2026-11-22T",
        "until:2026-11-22T10",
        "on:",
        "last:99999999999999999999d",
        "last:9999999y",
        "last:9223372036854775807w",
        "on:9999-12-31",
        "year:9999",
        "since:0000-01-01T00:00+05:00",
        "last>7d",
        "on:today,yesterday",
        "on:\"\"",
    ] {
        assert_ne!(complaints(text), "", "{text}");
    }
}
