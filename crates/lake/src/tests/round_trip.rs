//! What is stored is what is read, in order, whatever the files.

use proptest::prelude::*;
use vigie_model::{Attempt, Hop, Journey, Micros, QueueId, Rejection, Text};

use super::samples::*;
use crate::{Committed, Coverage, Line, LineBatch, LineHash, LineRef, Shape, Table};

/// Rows may come in any number of commits: each makes files of its own.
fn chunks<T: Clone>(rows: &[T], commits: usize) -> Vec<Vec<T>> {
    rows.chunks(rows.len().div_ceil(commits).max(1)).map(<[T]>::to_vec).collect()
}

/// Equal keys may come in any order.
fn sorted<T: Ord + Clone, R>(mut rows: Vec<R>, key: impl Fn(&R) -> T) -> Vec<R> {
    rows.sort_by_key(|row| key(row));
    rows
}

type HopOrder = (Micros, Text, Text, Option<QueueId>, String);

fn hop_order(hop: &Hop) -> HopOrder {
    (hop.ts_in, hop.server.clone(), hop.instance.clone(), hop.queue_id, format!("{hop:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hops(rows in prop::collection::vec(hop(), 1..40), commits in 1usize..4, from in DAY0..DAY0 + 60 * HOUR, lasts in 0..20 * HOUR) {
        let (_dir, lake) = lake();
        let mut writer = lake.writer()?;
        for rows in chunks(&rows, commits) {
            store(&mut writer, |commit| { commit.hops(&rows); });
        }
        let read = all(lake.snapshot()?.hops_overlapping(ALWAYS.0, ALWAYS.1));
        let keys: Vec<_> = read.iter().map(|hop| (hop.ts_in, hop.server.clone())).collect();
        prop_assert!(keys.is_sorted());
        prop_assert_eq!(sorted(read, hop_order), sorted(rows.clone(), hop_order));
        let until = from + lasts;
        let read = all(lake.snapshot()?.hops_overlapping(from, until));
        let wanted: Vec<Hop> = rows.into_iter().filter(|hop| hop.ts_in < until && hop.ts_out >= from).collect();
        prop_assert_eq!(sorted(read, hop_order), sorted(wanted, hop_order));
    }

    #[test]
    fn journeys(mut rows in prop::collection::vec(any_journey(), 1..30), commits in 1usize..4, from in DAY0..DAY0 + 60 * HOUR) {
        for (n, row) in rows.iter_mut().enumerate() {
            row.id = format!("{n:016x}").into();
        }
        let (_dir, lake) = lake();
        let mut writer = lake.writer()?;
        for rows in chunks(&rows, commits) {
            store(&mut writer, |commit| { commit.journeys(&rows); });
        }
        let snapshot = lake.snapshot()?;
        rows.sort_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
        prop_assert_eq!(&all(snapshot.journeys(ALWAYS.0, ALWAYS.1)), &rows);
        let until = from + 10 * HOUR;
        let beginning: Vec<Journey> = rows.iter().filter(|j| (from..until).contains(&j.first_arrival)).cloned().collect();
        prop_assert_eq!(all(snapshot.journeys(from, until)), beginning);
        let overlapping: Vec<Journey> = rows.iter().filter(|j| j.first_arrival < until && j.last_seen >= from).cloned().collect();
        prop_assert_eq!(all(snapshot.journeys_overlapping(from, until)), overlapping);
        prop_assert_eq!(snapshot.journey(&rows[0].id)?, Some(rows[0].clone()));
        prop_assert_eq!(snapshot.journey("ffff")?, None);
    }

    #[test]
    fn rejections_and_attempts(
        rejections in prop::collection::vec(rejection(), 1..30), attempts in prop::collection::vec(attempt(), 1..30), commits in 1usize..4,
    ) {
        let (_dir, lake) = lake();
        let mut writer = lake.writer()?;
        for rows in chunks(&rejections, commits) {
            store(&mut writer, |commit| { commit.rejections(&rows); });
        }
        for rows in chunks(&attempts, commits) {
            store(&mut writer, |commit| { commit.attempts(&rows); });
        }
        let snapshot = lake.snapshot()?;
        let read = all(snapshot.rejections(ALWAYS.0, ALWAYS.1));
        prop_assert!(read.iter().map(|row| row.ts).is_sorted());
        prop_assert_eq!(sorted(read, Rejection::clone), sorted(rejections, Rejection::clone));
        let order = |row: &Attempt| (row.ts, format!("{row:?}"));
        prop_assert_eq!(sorted(all(snapshot.attempts(ALWAYS.0, ALWAYS.1)), order), sorted(attempts, order));
    }
}

fn line(server: &str, ts: Micros, n: u64) -> Line {
    Line {
        ts,
        server: server.into(),
        file: "/var/log/mail.log".into(),
        offset: n * 100,
        queue_id: n.is_multiple_of(3).then(|| queue_id(n / 9)),
        text: format!("Nov  1 00:00:00 {server} postfix/smtpd[{n}]: été {n}").into(),
        hash: n as i64 * 7_919,
    }
}

fn reference(line: &Line) -> LineRef<'_> {
    LineRef {
        ts: line.ts,
        server: &line.server,
        file: &line.file,
        offset: line.offset,
        queue_id: line.queue_id.as_ref(),
        text: line.text.as_bytes(),
        hash: line.hash,
    }
}

fn batch(lines: &[Line]) -> LineBatch {
    let mut batch = LineBatch::new();
    lines.iter().for_each(|line| batch.push(reference(line)));
    batch
}

#[test]
fn lines_of_two_servers_out_of_order_over_two_days() {
    let (_dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    // Every eleventh line stands some seconds before its neighbours, and midnight is crossed.
    let ts = |n: u64| DAY0 + 23 * HOUR + n as i64 * 1_000_000 - if n.is_multiple_of(11) { 4_500_000 } else { 0 };
    let lines: Vec<Line> = (0..9_000).map(|n| line(if n % 2 == 0 { "mx2" } else { "hub1" }, ts(n), n)).collect();
    let (first, second) = lines.split_at(4_000);
    store(&mut writer, |commit| {
        commit.lines(batch(first)).lines(batch(second));
    });
    let snapshot = lake.snapshot().expect("a snapshot");
    let mut wanted: Vec<Line> = lines.iter().filter(|line| &*line.server == "hub1").cloned().collect();
    wanted.sort_by_key(|line| (line.ts, line.offset));
    assert_eq!(all(snapshot.lines_of("hub1", ALWAYS.0, ALWAYS.1)), wanted);
    assert_eq!(all(snapshot.lines_of("hub", ALWAYS.0, ALWAYS.1)), []);
    let hashes: Vec<LineHash> =
        wanted.iter().map(|line| LineHash { ts: line.ts, file: line.file.clone(), hash: line.hash }).collect();
    assert_eq!(all(snapshot.line_hashes("hub1", ALWAYS.0, ALWAYS.1)), hashes);
    let (from, until) = (DAY0 + 24 * HOUR, DAY0 + 24 * HOUR + 600_000_000);
    let in_time = |line: &&Line| (from..until).contains(&line.ts);
    assert_eq!(all(snapshot.lines_of("hub1", from, until)), wanted.iter().filter(in_time).cloned().collect::<Vec<_>>());
    let id = queue_id(123);
    let named: Vec<Line> = wanted.iter().filter(|line| line.queue_id == Some(id)).cloned().collect();
    assert!(!named.is_empty());
    assert_eq!(all(snapshot.lines_for("hub1", &id, ALWAYS.0, ALWAYS.1)), named);
    assert_eq!(snapshot.sizes()[0].rows, 9_000);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let (_dir, lake) = lake();
    let mut lines = LineBatch::new();
    lines.push(LineRef {
        ts: DAY0,
        server: "mx2",
        file: "mail.log",
        offset: 0,
        queue_id: None,
        text: b"caf\xe9",
        hash: -1,
    });
    assert_eq!(lines.len(), 1);
    store(&mut lake.writer().expect("a writer"), |commit| {
        commit.lines(lines);
    });
    let read = all(lake.snapshot().expect("a snapshot").lines_of("mx2", DAY0, DAY0 + 1));
    assert_eq!(&*read[0].text, "caf\u{fffd}");
}

#[test]
fn coverage_and_shapes() {
    let (_dir, lake) = lake();
    let coverage = [0, 1, 30].map(|hour| Coverage {
        server: "mx2".into(),
        source: if hour == 1 { "mx2:/var/log/mail.log".into() } else { "".into() },
        hour: DAY0 + hour * HOUR,
        lines: 10,
        understood: 7,
        ignored: 2,
        unknown: 1,
        first_ts: DAY0 + hour * HOUR + 5,
        last_ts: DAY0 + hour * HOUR + 9,
    });
    let shapes = [0, 1].map(|day| Shape {
        day: vigie_model::day_of(DAY0) + day,
        server: "mx2".into(),
        program: "milter".into(),
        shape: "took # ms".into(),
        count: 12,
        example: "took 5 ms".into(),
    });
    store(&mut lake.writer().expect("a writer"), |commit| {
        commit.coverage(&coverage).shapes(&shapes);
    });
    let snapshot = lake.snapshot().expect("a snapshot");
    assert_eq!(all(snapshot.coverage(DAY0, DAY0 + 2 * HOUR)), coverage[..2]);
    assert_eq!(all(snapshot.shapes(DAY0 + HOUR, DAY0 + 2 * HOUR)), shapes[..1]);
    assert_eq!(snapshot.extent(Table::Coverage).map(|range| range.start), Some(DAY0));
    assert_eq!(snapshot.extent(Table::Hops), None);
}

#[test]
fn only_the_files_of_the_period_are_looked_at() {
    let (dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    for day in 0..3 {
        store(&mut writer, |commit| {
            commit.journeys(&[journey(day, DAY0 + day as i64 * 24 * HOUR, 2)]);
        });
    }
    // Without the other days' files, the day in question is still read whole.
    for day in ["2026-11-01", "2026-11-03"] {
        std::fs::remove_dir_all(dir.path().join("deliveries").join(format!("day={day}"))).expect("a folder");
    }
    let snapshot = lake.snapshot().expect("a snapshot");
    let from = DAY0 + 24 * HOUR;
    assert_eq!(all(snapshot.journeys_overlapping(from, from + 24 * HOUR)), [journey(1, from, 2)]);
}

#[test]
fn staged_lines_are_stored_with_the_next_commit_and_with_no_other() {
    let (dir, lake) = lake();
    let files = || {
        let days = std::fs::read_dir(dir.path().join("lines")).expect("a folder").flatten();
        let days = days.filter(|day| day.file_name().to_string_lossy().starts_with("day="));
        days.flat_map(|day| std::fs::read_dir(day.path()).expect("a day").flatten()).count()
    };
    // Enough for several chunks of one server, over midnight; the other has few, and some lines are late.
    let ts = |n: u64| DAY0 + 23 * HOUR + n as i64 * 200_000 - if n.is_multiple_of(9_001) { 4_500_000 } else { 0 };
    let lines: Vec<Line> = (0..30_000).map(|n| line(if n % 100 == 0 { "mx2" } else { "hub1" }, ts(n), n)).collect();
    let mut writer = lake.writer().expect("a writer");
    let mut gathered = LineBatch::new();
    for part in lines.chunks(1_000) {
        part.iter().for_each(|line| gathered.push(reference(line)));
        writer.stage_lines(&mut gathered).expect("staged");
    }
    assert!(gathered.len() < 10_000, "{} lines wait", gathered.len());
    assert!(files() > 0);
    assert_eq!(lake.snapshot().expect("a snapshot").sizes()[0].rows, 0);
    let committed = store(&mut writer, |commit| {
        commit.lines(std::mem::take(&mut gathered));
    });
    assert!(matches!(committed, Committed::Stored { rows: 30_000, .. }), "{committed:?}");
    let snapshot = lake.snapshot().expect("a snapshot");
    for server in ["hub1", "mx2"] {
        let mut wanted: Vec<Line> = lines.iter().filter(|line| &*line.server == server).cloned().collect();
        wanted.sort_by_key(|line| (line.ts, line.offset));
        assert_eq!(all(snapshot.lines_of(server, ALWAYS.0, ALWAYS.1)), wanted);
    }
    // What no commit took goes with the writer.
    let stored = files();
    lines.iter().for_each(|line| gathered.push(reference(line)));
    writer.stage_lines(&mut gathered).expect("staged");
    assert!(files() > stored);
    drop(writer);
    assert_eq!(files(), stored);
}
