//! The calendar against real zones, years that roll over, and lines out of order.

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{Calendar, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, RollScan, first_year, scan_rolls};
use crate::envelope::{Scratch, Stamp, parse};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone of the bundled database")
}

fn utc(civil: DateTime) -> i64 {
    civil.to_zoned(TimeZone::UTC).expect("a time").timestamp().as_microsecond()
}

fn stamp(line: &str) -> Stamp {
    parse(format!("{line} h p[1]: t").as_bytes(), &mut Scratch::default()).expect("an envelope").stamp
}

/// Places lines one after the other and gives their UTC times as text.
fn place(zone_name: &str, year: i16, lines: &[&str]) -> Vec<String> {
    let mut calendar = Calendar::new(zone(zone_name), year);
    lines
        .iter()
        .map(|line| match calendar.resolve(&stamp(line)) {
            Some(micros) => jiff::Timestamp::from_microsecond(micros).expect("a time").to_string(),
            None => "none".to_owned(),
        })
        .collect()
}

#[test]
fn a_line_is_placed_in_the_zone_of_its_machine() {
    assert_eq!(
        place("Europe/Berlin", 2026, &["Mar  2 10:00:00", "Jul  2 10:00:00"]),
        ["2026-03-02T09:00:00Z", "2026-07-02T08:00:00Z"]
    );
    assert_eq!(place("Asia/Kolkata", 2026, &["Mar  2 10:00:00.5"]), ["2026-03-02T04:30:00.5Z"]);
}

#[test]
fn a_line_without_time_after_another_has_none() {
    let mut calendar = Calendar::new(TimeZone::UTC, 2026);
    let noon = stamp("Mar  2 12:00:00");
    assert_eq!(
        [&noon, &Stamp::None, &noon, &noon].map(|stamp| calendar.resolve(stamp).is_some()),
        [true, false, true, true]
    );
}

#[test]
fn a_year_in_the_line_needs_no_counting() {
    let lines = ["2025 Mar  2 10:00:00", "2024-03-02 10:00:00", "2023-03-02T10:00:00+02:00"];
    assert_eq!(place("UTC", 2026, &lines), ["2025-03-02T10:00:00Z", "2024-03-02T10:00:00Z", "2023-03-02T08:00:00Z"]);
}

#[test]
fn the_year_turns_at_new_year_and_lines_out_of_order_turn_it_back() {
    let lines = [
        "Dec 31 23:59:59",
        "Jan  1 00:00:00",
        "Dec 31 23:59:58",
        "Jan  1 00:00:01",
        "Dec 31 23:59:59",
        "Jan  2 00:00:00",
    ];
    assert_eq!(
        place("UTC", 2025, &lines),
        [
            "2025-12-31T23:59:59Z",
            "2026-01-01T00:00:00Z",
            "2025-12-31T23:59:58Z",
            "2026-01-01T00:00:01Z",
            "2025-12-31T23:59:59Z",
            "2026-01-02T00:00:00Z"
        ]
    );
}

#[test]
fn a_file_may_begin_out_of_order_at_new_year() {
    let lines = ["Jan  1 00:00:00", "Dec 31 23:59:59", "Jan  1 00:00:01"];
    assert_eq!(place("UTC", 2026, &lines), ["2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z"]);
}

#[test]
fn a_clock_that_was_wrong_for_a_while_does_not_move_the_year() {
    let back = ["Sep 10 10:00:00", "Jan  1 00:00:09", "Sep 10 10:01:00", "Oct  1 00:00:00"];
    assert_eq!(place("UTC", 2026, &back)[2..], ["2026-09-10T10:01:00Z", "2026-10-01T00:00:00Z"]);
    let forth = ["Jan  5 10:00:00", "Sep 10 00:00:09", "Jan  5 10:01:00", "Jan  6 00:00:00"];
    assert_eq!(place("UTC", 2026, &forth)[2..], ["2026-01-05T10:01:00Z", "2026-01-06T00:00:00Z"]);
}

#[test]
fn a_silence_of_eight_months_stays_in_its_year() {
    let lines = ["Dec 20 00:00:00", "Jan 20 00:00:00", "Sep 20 00:00:00", "Jan  3 00:00:00"];
    assert_eq!(
        place("UTC", 2024, &lines)[1..],
        ["2025-01-20T00:00:00Z", "2025-09-20T00:00:00Z", "2026-01-03T00:00:00Z"]
    );
}

#[test]
fn several_years_in_one_file() {
    let lines = ["Nov  1 00:00:00", "Mar  1 00:00:00", "Jul  1 00:00:00", "Nov  1 00:00:00", "Jan  1 00:00:00"];
    assert_eq!(
        place("UTC", 2020, &lines),
        [
            "2020-11-01T00:00:00Z",
            "2021-03-01T00:00:00Z",
            "2021-07-01T00:00:00Z",
            "2021-11-01T00:00:00Z",
            "2022-01-01T00:00:00Z"
        ]
    );
}

#[test]
fn a_leap_day_lands_in_a_leap_year() {
    assert_eq!(place("UTC", 2024, &["Feb 29 10:00:00"]), ["2024-02-29T10:00:00Z"]);
    assert_eq!(
        place("UTC", 2026, &["Feb 28 10:00:00", "Feb 29 10:00:00", "Mar  1 10:00:00"])[1..],
        ["2024-02-29T10:00:00Z", "2026-03-01T10:00:00Z"]
    );
}

#[test]
fn a_line_with_its_year_corrects_the_lines_after_it() {
    let lines =
        ["2024-12-31T23:59:00Z", "Jan  1 00:00:00", "Jan  2 00:00:00", "2024-12-31T23:59:00Z", "Dec 31 23:59:01"];
    assert_eq!(
        place("UTC", 1999, &lines)[1..],
        ["2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z", "2024-12-31T23:59:00Z", "2024-12-31T23:59:01Z"]
    );
}

#[test]
fn the_hour_that_comes_twice_runs_on() {
    // Berlin, 2026-10-25: 02:00 to 03:00 first at +02:00, then at +01:00.
    let lines = [
        "Oct 25 01:59:59",
        "Oct 25 02:00:00",
        "Oct 25 02:59:59",
        "Oct 25 02:59:58",
        "Oct 25 02:00:00",
        "Oct 25 02:30:00",
        "Oct 25 02:59:59",
        "Oct 25 03:00:00",
    ];
    assert_eq!(
        place("Europe/Berlin", 2026, &lines),
        [
            "2026-10-24T23:59:59Z",
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:59:59Z",
            "2026-10-25T00:59:58Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T01:59:59Z",
            "2026-10-25T02:00:00Z"
        ]
    );
}

#[test]
fn the_hour_that_comes_twice_is_the_first_pass_without_a_log_before() {
    assert_eq!(place("Europe/Berlin", 2026, &["Oct 25 02:30:00"]), ["2026-10-25T00:30:00Z"]);
    // Another file that starts earlier: the log jumped back for another reason.
    assert_eq!(place("Europe/Berlin", 2026, &["Oct 26 10:00:00", "Oct 25 02:30:00"])[1], "2026-10-25T00:30:00Z");
}

#[test]
fn the_hour_that_is_skipped_is_read_with_the_offset_before() {
    assert_eq!(
        place("Europe/Berlin", 2026, &["Mar 29 02:30:00", "Mar 29 03:30:00"]),
        ["2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z"]
    );
}

#[test]
fn a_change_of_half_an_hour() {
    // Lord Howe, 2026-04-05: at 02:00 (+11:00) clocks go back to 01:30 (+10:30).
    let lines = ["Apr  5 01:29:59", "Apr  5 01:59:00", "Apr  5 01:31:00", "Apr  5 02:00:00"];
    assert_eq!(
        place("Australia/Lord_Howe", 2026, &lines),
        ["2026-04-04T14:29:59Z", "2026-04-04T14:59:00Z", "2026-04-04T15:01:00Z", "2026-04-04T15:30:00Z"]
    );
}

#[test]
fn a_leap_second_is_the_next_second() {
    assert_eq!(place("UTC", 2016, &["Dec 31 23:59:60"]), ["2017-01-01T00:00:00Z"]);
}

#[test]
fn dates_that_do_not_exist_have_no_time() {
    let mut calendar = Calendar::new(TimeZone::UTC, 2026);
    for (year, month, day, micros_of_day) in [
        (Some(2026), 2, 29, 0),
        (None, 2, 30, 0),
        (None, 0, 1, 0),
        (None, 13, 1, 0),
        (None, 1, 0, 0),
        (None, 1, 1, -1),
        (None, 1, 1, i64::MAX),
        (Some(i16::MAX), 1, 1, 0),
    ] {
        assert_eq!(calendar.resolve(&Stamp::Local { year, month, day, micros_of_day }), None);
    }
    assert_eq!(calendar.resolve(&Stamp::None), None);
}

fn scan(log: &str) -> RollScan {
    let mut state = RollScan::default();
    scan_rolls(log.as_bytes(), &mut state);
    state
}

fn anchored(log: &str, anchor: DateTime) -> Option<i16> {
    scan(log).first_year(utc(anchor), &TimeZone::UTC)
}

#[test]
fn a_scan_finds_first_and_last_day_and_the_rolls() {
    let state = scan(
        "garbage\nNov  2 10:00:00 h p: t\n<22>Dec 31 10:00:00 h p: t\n\nJan  1 10:00:00 h p: t\nDec 31 10:00:00 h p: late\n<22>Jan  3 10:00:00 h p: t\n",
    );
    assert_eq!(
        (state.dates.first, state.dates.last, state.dates.rolls, state.needs_year),
        (Some((11, 2)), Some((1, 3)), 1, true)
    );
}

#[test]
fn a_scan_stops_at_once_when_lines_have_their_year() {
    for line in [
        "2026-03-02T10:00:00Z h p: t",
        "2026 Nov  2 10:00:00 h p: t",
        "Nov  2 2026 10:00:00 h p: t",
        r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":"m"}"#,
    ] {
        let mut state = RollScan::default();
        assert!(!scan_rolls(format!("{line}\nNov  2 10:00:00 h p: t\n").as_bytes(), &mut state));
        assert_eq!((state.needs_year, state.first_year(0, &TimeZone::UTC)), (false, None));
    }
    let mut state = RollScan::default();
    assert!(scan_rolls(b"nothing known\nyet", &mut state));
}

#[test]
fn a_scan_over_chunks_is_a_scan_over_the_whole() {
    let log = "Nov  2 10:00:00 h p: t\nJan  1 10:00:00 h p: t\nFeb 29 10:00:00 h p: t\nJan  3 10:00:00 h p: t\n";
    let mut parts = RollScan::default();
    for line in log.split_inclusive('\n') {
        assert!(scan_rolls(line.as_bytes(), &mut parts));
    }
    let whole = scan(log);
    assert_eq!(
        (parts.dates.first, parts.dates.last, parts.dates.rolls),
        (whole.dates.first, whole.dates.last, whole.dates.rolls)
    );
}

#[test]
fn the_last_line_lies_at_most_a_day_after_the_anchor() {
    let anchor = date(2026, 3, 2).at(12, 0, 0, 0);
    assert_eq!(anchored("Mar  2 10:00:00 h p: t", anchor), Some(2026));
    assert_eq!(anchored("Mar  3 10:00:00 h p: t", anchor), Some(2026));
    assert_eq!(anchored("Mar  4 10:00:00 h p: t", anchor), Some(2025));
    assert_eq!(anchored("Nov  4 10:00:00 h p: t\nJan  1 10:00:00 h p: t", anchor), Some(2025));
    // Written just after midnight of a zone ahead of UTC, on the last day of the year.
    assert_eq!(anchored("Jan  1 00:10:00 h p: t", date(2025, 12, 31).at(23, 10, 0, 0)), Some(2026));
}

#[test]
fn the_anchor_is_read_in_the_zone_of_the_log() {
    let anchor = utc(date(2026, 1, 1).at(3, 0, 0, 0));
    assert_eq!(first_year((1, 2), 0, (1, 2), anchor, &TimeZone::UTC), 2026);
    assert_eq!(first_year((1, 2), 0, (1, 2), anchor, &zone("America/New_York")), 2025);
}

#[test]
fn a_leap_day_anywhere_decides_the_year() {
    let anchor = date(2026, 6, 1).at(0, 0, 0, 0);
    assert_eq!(anchored("Feb 29 10:00:00 h p: t", anchor), Some(2024));
    assert_eq!(anchored("Feb 29 10:00:00 h p: t\nMar  4 10:00:00 h p: t", anchor), Some(2024));
    assert_eq!(anchored("Feb  1 10:00:00 h p: t\nFeb 29 10:00:00 h p: t\nMar  4 10:00:00 h p: t", anchor), Some(2024));
    assert_eq!(anchored("Nov  1 10:00:00 h p: t\nFeb 29 10:00:00 h p: t\nMar  4 10:00:00 h p: t", anchor), Some(2023));
}

#[test]
fn an_anchor_beyond_all_calendars_is_survived() {
    let last = |anchor| first_year((1, 1), i32::from(i16::MAX), (1, 1), anchor, &TimeZone::UTC);
    assert!((-9999..=9999).contains(&last(i64::MIN)));
    assert!((-9999..=9999).contains(&last(i64::MAX)));
}

/// A line without its year, `minute` minutes after the start of 2021.
fn yearless(minute: i64) -> (i64, Stamp) {
    let micros = utc(date(2021, 1, 1).at(0, 0, 0, 0)) + minute * MICROS_PER_MINUTE;
    let civil = TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(micros).expect("a time"));
    let micros_of_day = micros.rem_euclid(MICROS_PER_DAY);
    (micros, Stamp::Local { year: None, month: civil.month() as u8, day: civil.day() as u8, micros_of_day })
}

proptest! {
    /// Steps of up to five months, each line up to three days out of order: every line lands where it was written.
    #[test]
    fn disorder_never_makes_the_year_drift(steps in prop::collection::vec((0i64..150 * 1440, -4320i64..0), 1..60)) {
        let mut minute = 0;
        let mut calendar = Calendar::new(TimeZone::UTC, 2021);
        for (step, disorder) in steps {
            minute += step;
            for line in [minute, (minute + disorder).max(0), minute] {
                let (written, stamp) = yearless(line);
                prop_assert_eq!(calendar.resolve(&stamp), Some(written));
            }
        }
    }

    /// In every zone a log that runs on is placed as it was written, through all changes of its clocks.
    #[test]
    fn a_log_that_runs_on_is_placed_exactly(start_day in 0i64..3650, steps in prop::collection::vec(1i64..20, 1..400), which in 0usize..4) {
        let zone = zone(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"][which]);
        let mut written = utc(date(2016, 1, 1).at(0, 0, 0, 0)) + start_day * MICROS_PER_DAY;
        let mut calendar = Calendar::new(zone.clone(), 0);
        prop_assert_eq!(calendar.resolve(&Stamp::Utc(written)), Some(written));
        for step in steps {
            written += step * MICROS_PER_MINUTE;
            let civil = zone.to_datetime(jiff::Timestamp::from_microsecond(written).expect("a time"));
            let micros_of_day = i64::from(civil.hour()) * MICROS_PER_HOUR + i64::from(civil.minute()) * MICROS_PER_MINUTE;
            let stamp = Stamp::Local { year: None, month: civil.month() as u8, day: civil.day() as u8, micros_of_day };
            prop_assert_eq!(calendar.resolve(&stamp), Some(written));
        }
    }

    #[test]
    fn any_stamp_is_safe(stamps in prop::collection::vec((any::<Option<i16>>(), any::<u8>(), any::<u8>(), any::<i64>()), 0..20)) {
        let mut calendar = Calendar::new(TimeZone::UTC, i16::MAX);
        for (year, month, day, micros) in stamps {
            calendar.resolve(&Stamp::Local { year, month: month % 14, day: day % 33, micros_of_day: micros % MICROS_PER_DAY });
            calendar.resolve(&Stamp::Utc(micros));
        }
    }
}
