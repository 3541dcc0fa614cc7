//! Roll-ups say what the rows say: for any data, periods, zones and commits, whatever lies beside the store.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use vigie_model::{Arrival, Delivery, Journey, MICROS_PER_DAY, MailClass, Micros, Outcome, Rejection, Step, Text};
use vigie_query::{Context, Filter, parse};

use super::samples::*;
use crate::{
    Compaction, Dimension, Lake, Leaders, Measure, Origin, Parts, Replacement, Route, Snapshot, Summary, Writer,
};

const EVERYTHING: Parts = Parts::All { leaders: 3, destinations: 2 };
/// Half an hour and a quarter beside the hour, daylight saving that ends at the first day of the samples.
const ZONES: [&str; 5] = ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "America/St_Johns"];

fn filter(text: &str) -> Filter {
    parse(text, &Context { now: Timestamp::UNIX_EPOCH, zone: TimeZone::UTC }).expect(text)
}

/// The same rows, but nothing that a roll-up knows.
fn from_rows(text: &str) -> Filter {
    filter(&format!("{text} (tls:yes or tls:no)"))
}

fn text(texts: &'static [&'static str]) -> impl Strategy<Value = Text> {
    prop::sample::select(texts).prop_map(Into::into)
}

prop_compose! {
    fn delivery()(
        recipient in text(&["", "bob@example.com", "eva@example.fr", "Ann@Example.com", "x@a.example", "y@b.example"]),
        outcome in prop::sample::select(Outcome::ALL.to_vec()), server in text(&["", "mx1", "mx2", "a server with a long name"]),
        delivery_ms in prop::option::of(prop_oneof![0u64..100, any::<u64>().prop_map(|ms| ms >> 1)]),
    ) -> Delivery {
        Delivery { recipient, outcome, server, delivery_ms, ..Delivery::default() }
    }
}

prop_compose! {
    fn sent()(
        sender in text(&["", "bob@example.com", "a.sender@with.a.long.name.example", "Eva@example.fr"]), size in prop::option::of(0u64..3_000_000),
        class in prop::sample::select(vec![MailClass::Mail, MailClass::Bounce, MailClass::Probe]),
        arrival in prop::sample::select(vec![Arrival::Unknown, Arrival::Server, Arrival::User, Arrival::Local]),
        // Often at an edge to the microsecond.
        quarter in 0i64..200, beside in prop_oneof![Just(0), Just(-1), Just(1), -400_000_000i64..400_000_000],
        first in prop::option::of(text(&["hub1", "hub2"])), deliveries in prop::collection::vec(delivery(), 0..4),
    ) -> Journey {
        let first_arrival = DAY0 + HOUR + quarter * HOUR / 4 + beside;
        let steps = first.into_iter().map(|server| Step { server, ..Step::default() }).collect();
        Journey { sender, size, class, arrival, first_arrival, last_seen: first_arrival, steps, deliveries, ..Journey::default() }
    }
}

prop_compose! {
    fn refused()(quarter in 0i64..200, beside in prop_oneof![Just(0), Just(-1), 0i64..900_000_000], reason in text(&["", "User unknown", "Relay access denied"])) -> Rejection {
        Rejection { ts: DAY0 + HOUR + quarter * HOUR / 4 + beside, server: "mx1".into(), reason, ..Rejection::default() }
    }
}

/// Edges as a page has them: the ends anywhere, and round local times between; or anything ascending.
fn edges() -> impl Strategy<Value = Vec<Micros>> {
    let end = || prop_oneof![(0i64..220).prop_map(|quarter| DAY0 + quarter * HOUR / 4), DAY0..DAY0 + 55 * HOUR];
    let steps = prop::sample::select(vec![15i64, 30, 60, 180, 720, 1_440]);
    let of_a_page = (end(), end(), prop::sample::select(ZONES.to_vec()), steps)
        .prop_map(|(a, b, zone, minutes)| local_edges(a.min(b), a.max(b) + 1, zone, minutes * HOUR / 60));
    let any = prop::collection::btree_set(DAY0..DAY0 + 55 * HOUR, 0..6).prop_map(|edges| edges.into_iter().collect());
    prop_oneof![4 => of_a_page, 1 => any]
}

fn local_edges(from: Micros, until: Micros, zone: &str, step: Micros) -> Vec<Micros> {
    let zone = TimeZone::get(zone).expect("a zone");
    let begin = Timestamp::from_microsecond(from).expect("a time").to_zoned(zone);
    let mut day = begin.start_of_day().expect("a day");
    let mut edges = vec![from, until];
    while day.timestamp().as_microsecond() < until {
        let (midnight, next) = (day.timestamp().as_microsecond(), day.checked_add(1.day()).expect("a next day"));
        let of_day = (midnight..next.timestamp().as_microsecond()).step_by(step as usize);
        edges.extend(of_day.filter(|edge| (from..until).contains(edge)));
        day = next;
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

fn store_all(writer: &mut Writer, rows: &[Journey], refusals: &[Rejection]) {
    let chunk = rows.len().max(refusals.len()).div_ceil(3).max(1);
    for at in 0..3 {
        let part = |len: usize| (at * chunk).min(len)..((at + 1) * chunk).min(len);
        store(writer, |commit| {
            commit.journeys(&rows[part(rows.len())]).rejections(&refusals[part(refusals.len())]);
        });
    }
}

/// Compares with the questions that look at rows only.
fn check(snapshot: &Snapshot, rows: &[Journey], text: &str, edges: &[Micros]) -> Result<(), TestCaseError> {
    let summary = snapshot.summary(&filter(text), edges, EVERYTHING)?;
    prop_assert_eq!(&summary, &snapshot.summary(&from_rows(text), edges, EVERYTHING)?, "{} {:?}", text, edges);
    let totals = snapshot.summary(&filter(text), edges, Parts::Totals)?;
    prop_assert_eq!((&totals.buckets, &totals.delivered), (&summary.buckets, &summary.delivered));
    prop_assert_eq!(&summary.buckets, &snapshot.by_time(&filter(text), edges)?);
    let Some((&first, &last)) = edges.first().zip(edges.last()) else { return Ok(()) };
    let in_period = |text: &str| {
        let mut filter = filter(text);
        (filter.period.from, filter.period.until) = (Some(first), Some(last));
        filter
    };
    prop_assert_eq!(&summary.delivered, &snapshot.delays(&in_period(&format!("{text} status:delivered")))?);
    for (leaders, dimension, by) in [
        (&summary.senders, Dimension::Sender, Measure::Messages),
        (&summary.recipient_domains, Dimension::RecipientDomain, Measure::Deliveries),
    ] {
        check_leaders(
            snapshot,
            leaders,
            &in_period(text),
            &in_period(&format!("{text} status:bounced,expired")),
            dimension,
            by,
        )?;
        prop_assert!(leaders.rows.iter().all(|row| row.trend.iter().sum::<u64>() == row.deliveries));
    }
    check_routes(&summary, rows, &in_period(text))
}

fn check_leaders(
    snapshot: &Snapshot,
    leaders: &Leaders,
    all: &Filter,
    failed: &Filter,
    dimension: Dimension,
    by: Measure,
) -> Result<(), TestCaseError> {
    let top = snapshot.top(all, dimension, by, 3)?;
    let failed = snapshot.top(failed, dimension, Measure::Deliveries, 1_000)?;
    let failed: BTreeMap<_, _> = failed.rows.iter().map(|row| (&row.value, row.totals.deliveries)).collect();
    prop_assert_eq!(leaders.values, top.values);
    let wanted = top.rows.iter().map(|row| (&row.value, by.of(&row.totals), row.totals.deliveries));
    let wanted: Vec<_> = wanted.map(|row| (row, failed.get(row.0).copied().unwrap_or(0))).collect();
    let found: Vec<_> = leaders.rows.iter().map(|row| ((&row.value, row.count, row.deliveries), row.failed)).collect();
    prop_assert_eq!(found, wanted);
    Ok(())
}

/// Routes, and how many destinations they do not name, from the messages themselves.
fn check_routes(summary: &Summary, rows: &[Journey], filter: &Filter) -> Result<(), TestCaseError> {
    let text = filter.to_string();
    let is_chosen = |row: &&Journey| {
        let class = row.class.as_str();
        let is_in = if text.starts_with('-') { !text.contains(class) } else { text.is_empty() || text.contains(class) };
        is_in && filter.period.contains(row.first_arrival)
    };
    let domain = |d: &Delivery| d.recipient.to_lowercase().rsplit_once('@').map_or(String::new(), |at| at.1.to_owned());
    let mut arrived: BTreeMap<String, u64> = BTreeMap::new();
    let none = [Delivery::default()];
    let all: Vec<(&Journey, &Delivery)> = rows
        .iter()
        .filter(is_chosen)
        .flat_map(|row| {
            if row.deliveries.is_empty() { &none[..] } else { &row.deliveries[..] }.iter().map(move |d| (row, d))
        })
        .collect();
    for (_, delivery) in all.iter().filter(|(_, d)| d.outcome == Outcome::Delivered) {
        *arrived.entry(domain(delivery)).or_default() += 1;
    }
    let mut largest: Vec<_> =
        arrived.iter().map(|(domain, count)| (std::cmp::Reverse(*count), domain.clone())).collect();
    largest.sort();
    let named: Vec<&String> = largest.iter().take(2).map(|(_, domain)| domain).collect();
    prop_assert_eq!(summary.other_destinations, largest.len() - named.len());
    let mut wanted: BTreeMap<_, u64> = BTreeMap::new();
    for (row, delivery) in all {
        let origin = match row.arrival {
            Arrival::User => Origin::User,
            Arrival::Local => Origin::Process,
            _ => Origin::Outside,
        };
        let first: Text = row.steps.first().map_or("".into(), |step| step.server.clone());
        let destination =
            Some(domain(delivery)).filter(|domain| delivery.outcome == Outcome::Delivered && named.contains(&domain));
        let key = (origin, first, delivery.server.clone(), delivery.outcome, destination.map(Text::from));
        *wanted.entry(key).or_default() += 1;
    }
    let key = |r: &Route| (r.origin, r.first_server.clone(), r.last_server.clone(), r.outcome, r.destination.clone());
    let found: BTreeMap<_, _> = summary.routes.iter().map(|route| (key(route), route.deliveries)).collect();
    prop_assert_eq!(found.len(), summary.routes.len());
    prop_assert_eq!(found, wanted);
    Ok(())
}

fn check_refusals(snapshot: &Snapshot, edges: &[Micros]) -> Result<(), TestCaseError> {
    let refused = filter("status:rejected");
    let refusals = snapshot.refusals(&refused, edges, 3)?;
    prop_assert_eq!(&refusals, &snapshot.refusals(&filter("status:rejected server:mx1"), edges, 3)?);
    prop_assert_eq!(&refusals.buckets, &snapshot.by_time(&refused, edges)?);
    let Some((&first, &last)) = edges.first().zip(edges.last()) else { return Ok(()) };
    let mut refused = refused;
    (refused.period.from, refused.period.until) = (Some(first), Some(last));
    check_leaders(
        snapshot,
        &refusals.reasons,
        &refused,
        &filter("status:rejected code:1"),
        Dimension::Reason,
        Measure::Deliveries,
    )
}

const FILTERS: [&str; 5] = ["", "class:mail", "-class:mail", "class:mail,bounce", "class:probe"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn roll_ups_say_what_the_rows_say(
        mut rows in prop::collection::vec(sent(), 1..80), refusals in prop::collection::vec(refused(), 0..40),
        edges in prop::collection::vec(edges(), 5), gone in 0usize..20, is_compacted in any::<bool>(),
    ) {
        for (n, row) in rows.iter_mut().enumerate() {
            row.id = format!("{n:016x}").into();
        }
        let (dir, lake) = lake();
        let mut writer = lake.writer()?;
        store_all(&mut writer, &rows, &refusals);
        let ask = |lake: &Lake, rows: &[Journey]| -> Result<(), TestCaseError> {
            let snapshot = lake.snapshot()?;
            for (n, edges) in edges.iter().enumerate() {
                check(&snapshot, rows, FILTERS[n % FILTERS.len()], edges)?;
                check_refusals(&snapshot, edges)?;
            }
            Ok(())
        };
        ask(&lake, &rows)?;
        let ids = rows.drain(..gone.min(rows.len())).map(|row| row.id).collect();
        store(&mut writer, |commit| {
            commit.replace(Replacement::Journeys { ids, first_arrivals: None });
        });
        if is_compacted {
            writer.compact(Compaction::All)?;
        }
        ask(&lake, &rows)?;
        // Another process finds them beside the store.
        ask(&Lake::open(dir.path())?, &rows)?;
    }
}

/// Files of roll-ups beside the store.
fn written(dir: &tempfile::TempDir) -> Vec<PathBuf> {
    let folders = ["deliveries", "rejections"].map(|table| dir.path().join("rollups").join(table));
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn total(lake: &Lake) -> u64 {
    let snapshot = lake.snapshot().expect("a snapshot");
    let summary =
        snapshot.summary(&filter("class:mail"), &[DAY0, DAY0 + MICROS_PER_DAY], EVERYTHING).expect("a summary");
    summary.buckets.iter().map(|bucket| bucket.totals.deliveries).sum()
}

fn small() -> (tempfile::TempDir, Lake, Writer) {
    let (dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    let rows: Vec<Journey> = (0..20).map(|n| journey(n, DAY0 + n as i64 * HOUR, 2)).collect();
    store_all(&mut writer, &rows, &[]);
    (dir, lake, writer)
}

#[test]
fn a_broken_roll_up_is_computed_again() {
    let (dir, lake, _writer) = small();
    assert_eq!(total(&lake), 40);
    let paths = written(&dir);
    assert_eq!(paths.len(), 3);
    let whole = fs::read(&paths[0]).expect("a roll-up");
    for broken in [&whole[..whole.len() - 1], b"", b"something else entirely", &[&whole[..], b" "].concat()] {
        fs::write(&paths[0], broken).expect("written");
        assert_eq!(total(&Lake::open(dir.path()).expect("opened")), 40);
        assert_eq!(fs::read(&paths[0]).expect("read"), whole, "it is whole again");
    }
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0x10;
        fs::write(&paths[0], &broken).expect("written");
        assert_eq!(total(&Lake::open(dir.path()).expect("opened")), 40, "byte {at}");
    }
}

#[test]
fn a_store_that_cannot_be_written_answers_all_the_same() {
    let (dir, lake, _writer) = small();
    // A file where the folder should be: also root cannot write into it.
    fs::write(dir.path().join("rollups"), "").expect("written");
    assert_eq!(total(&lake), 40);
    assert_eq!(written(&dir), Vec::<PathBuf>::new());
}

#[test]
fn vacuum_takes_a_roll_up_with_its_data_file() {
    let (dir, lake, mut writer) = small();
    assert_eq!(total(&lake), 40);
    fs::write(dir.path().join("rollups/deliveries/part-of-nothing.rollup"), "").expect("written");
    writer.compact(Compaction::All).expect("compacted");
    assert_eq!(total(&lake), 40);
    assert_eq!(written(&dir).len(), 5);
    for path in written(&dir).iter().chain(&data_files(&dir)) {
        fs::File::open(path).and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH)).expect("made old");
    }
    writer.vacuum(Duration::ZERO).expect("vacuumed");
    assert_eq!(written(&dir).len(), 1);
    assert_eq!(total(&Lake::open(dir.path()).expect("opened")), 40);
}

fn data_files(dir: &tempfile::TempDir) -> Vec<PathBuf> {
    let days = fs::read_dir(dir.path().join("deliveries")).expect("days").flatten();
    let days = days.filter(|day| day.file_name().to_string_lossy().starts_with("day="));
    days.flat_map(|day| fs::read_dir(day.path()).expect("files").flatten()).map(|file| file.path()).collect()
}

#[test]
fn a_filter_that_refusals_lack_is_said() {
    let (_dir, lake, _writer) = small();
    let snapshot = lake.snapshot().expect("a snapshot");
    assert!(snapshot.refusals(&filter("status:rejected subject:x"), &[DAY0, DAY0 + HOUR], 1).is_err());
    assert!(snapshot.refusals(&filter("class:mail"), &[DAY0, DAY0 + HOUR], 1).is_err());
    assert!(snapshot.summary(&filter("status:rejected"), &[DAY0, DAY0 + HOUR], EVERYTHING).is_err());
}
