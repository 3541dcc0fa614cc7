//! Stores that somebody changed: by commits of the lake, past all that derives facts, and in the files themselves.

use std::{fs, path::PathBuf};

use vigie_engine::verify::{ALWAYS, Difference, Options, What, verify};
use vigie_lake::{Commit, Coverage, Line, LineBatch, LineRef, Replacement, Shape, Table};
use vigie_model::{Delivery, Hop, Journey, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, Text};
use xxhash_rust::xxh3::xxh3_64;

use crate::store::{LONG, Place};

fn imported() -> Place {
    let place = Place::new();
    let sources: Vec<_> = LONG.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
    place.import(&sources);
    super::agreeing::agrees(&place.store, "before the damage");
    place
}

fn damage(place: &Place, commit: Commit) -> Vec<Difference> {
    place.store.lake.writer().expect("the right to write").commit(commit).expect("a commit");
    differences(place)
}

fn differences(place: &Place) -> Vec<Difference> {
    let verified = verify(&place.store, &Options::default(), &mut |_| {}).expect("a store that can be read");
    verified.differences
}

fn journeys(place: &Place) -> Vec<Journey> {
    let snapshot = place.store.lake.snapshot().expect("a snapshot");
    snapshot.journeys(Micros::MIN, Micros::MAX).expect("rows").collect::<Result<_, _>>().expect("rows")
}

fn hops(place: &Place) -> Vec<Hop> {
    let snapshot = place.store.lake.snapshot().expect("a snapshot");
    snapshot.hops_overlapping(Micros::MIN, Micros::MAX).expect("rows").collect::<Result<_, _>>().expect("rows")
}

fn kinds(differences: &[Difference]) -> Vec<What> {
    let mut kinds: Vec<What> = differences.iter().map(|difference| difference.what).collect();
    kinds.dedup();
    kinds
}

/// In the place of a message comes another.
fn instead(old: &Journey, new: Option<&Journey>) -> Commit {
    let mut commit = Commit::new();
    commit.replace(Replacement::Journeys { ids: vec![old.id.clone()], first_arrivals: None });
    if let Some(new) = new {
        commit.journeys(std::slice::from_ref(new));
    }
    commit
}

#[test]
fn a_delivery_that_is_gone() {
    let place = imported();
    let whole = journeys(&place).into_iter().find(|journey| journey.deliveries.len() > 1).expect("two recipients");
    let mut less = whole.clone();
    less.deliveries.pop();
    let found = damage(&place, instead(&whole, Some(&less)));
    assert_eq!(kinds(&found), [What::Deliveries]);
    assert_eq!((found.len(), found[0].stored, found[0].recounted), (1, found[0].recounted, found[0].stored));
    assert_eq!(found[0].server, whole.steps[0].server);
    assert_eq!(found[0].examples, [format!("message {}: stored otherwise", whole.id)]);
}

#[test]
fn a_size_that_was_changed_and_a_message_that_is_gone_or_was_made_up() {
    let place = imported();
    let mut all = journeys(&place).into_iter().filter(|journey| journey.size.is_some());
    let [one, two] = [all.next().expect("a message"), all.next().expect("another")];
    let larger = Journey { size: one.size.map(|size| size + 1), ..one.clone() };
    let found = damage(&place, instead(&one, Some(&larger)));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].examples, [format!("message {}: stored otherwise", one.id)]);
    let found = damage(&place, instead(&one, Some(&one)));
    assert_eq!(found, [], "as it was");
    let found = damage(&place, instead(&two, None));
    assert_eq!(found[0].examples, [format!("message {}: missing", two.id)]);
    assert_eq!((found.len(), found[0].stored + 1), (1, found[0].recounted));
    damage(&place, instead(&two, Some(&two)));
    let made_up = Journey { id: "00000000deadbeef".into(), ..two.clone() };
    let mut commit = Commit::new();
    commit.journeys(&[made_up]);
    let found = damage(&place, commit);
    assert_eq!(found[0].examples, ["message 00000000deadbeef: one too many"]);
}

#[test]
fn a_hop_that_is_there_twice() {
    let place = imported();
    let hop = hops(&place).swap_remove(7);
    let mut commit = Commit::new();
    commit.hops(std::slice::from_ref(&hop));
    let found = damage(&place, commit);
    assert_eq!(found[0].what, What::Hops);
    assert_eq!((&found[0].server, found[0].stored), (&hop.server, found[0].recounted + 1));
    assert!(found[0].examples[0].starts_with(hop.queue_id.expect("an id").as_str()), "{found:?}");
    assert!(found[0].examples[0].ends_with(": one too many"), "{found:?}");
}

#[test]
fn a_hop_that_says_something_else() {
    let place = imported();
    let all = hops(&place);
    let server = all[0].server.clone();
    let mut of_server: Vec<Hop> = all.into_iter().filter(|hop| hop.server == server).collect();
    of_server[3].ts_out += 1;
    let mut commit = Commit::new();
    commit.replace(Replacement::Server { table: Table::Hops, server: server.clone() }).hops(&of_server);
    let found = damage(&place, commit);
    assert!(found.iter().any(|found| found.what == What::Hops && found.stored == found.recounted), "{found:?}");
    assert!(found[0].examples[0].ends_with(": stored otherwise"), "{found:?}");
}

#[test]
fn a_try_and_a_refusal_that_are_gone() {
    let place = imported();
    let snapshot = place.store.lake.snapshot().expect("a snapshot");
    let mut attempts: Vec<_> =
        snapshot.attempts(Micros::MIN, Micros::MAX).expect("rows").collect::<Result<_, _>>().expect("rows");
    let server = attempts[0].server.clone();
    attempts.retain(|attempt| attempt.server == server);
    let gone = attempts.pop().expect("a try");
    let mut commit = Commit::new();
    commit.replace(Replacement::Server { table: Table::Attempts, server }).attempts(&attempts);
    let mut rejections: Vec<_> =
        snapshot.rejections(Micros::MIN, Micros::MAX).expect("rows").collect::<Result<_, _>>().expect("rows");
    let refused_at = rejections[0].server.clone();
    rejections.retain(|rejection| rejection.server == refused_at);
    rejections.pop().expect("a refusal");
    commit.replace(Replacement::Server { table: Table::Rejections, server: refused_at }).rejections(&rejections);
    let found = damage(&place, commit);
    assert_eq!(kinds(&found), [What::Attempts, What::Rejections]);
    assert!(found[0].examples[0].starts_with(gone.queue_id.expect("an id").as_str()), "{found:?}");
    assert!(found.iter().all(|found| found.stored + 1 == found.recounted), "{found:?}");
}

#[test]
fn coverage_and_shapes_that_nobody_counted() {
    let place = imported();
    let snapshot = place.store.lake.snapshot().expect("a snapshot");
    let hour: Coverage =
        snapshot.coverage(Micros::MIN, Micros::MAX).expect("rows").next().expect("one").expect("a row");
    let mut commit = Commit::new();
    commit.coverage(&[Coverage { lines: 1, understood: 1, ignored: 0, unknown: 0, ..hour.clone() }]);
    let day = hour.hour.div_euclid(24 * MICROS_PER_HOUR) as i32;
    let shape = Shape { day, server: hour.server.clone(), count: 3, shape: "N lines".into(), ..Shape::default() };
    commit.shapes(&[shape]);
    let found = damage(&place, commit);
    assert_eq!(kinds(&found), [What::Coverage, What::Shapes]);
    assert_eq!((&found[0].server, found[0].day, found[0].stored), (&hour.server, day, found[0].recounted + 1));
    assert_eq!((found[1].stored, found[1].recounted), (3, 0));
}

/// All lines of a server, as somebody left them.
fn lines(place: &Place, change: impl FnOnce(&mut Vec<Line>)) -> Vec<Difference> {
    let snapshot = place.store.lake.snapshot().expect("a snapshot");
    let all = snapshot.lines_of("hub1", Micros::MIN, Micros::MAX).expect("rows");
    let mut all: Vec<Line> = all.collect::<Result<_, _>>().expect("rows");
    change(&mut all);
    let mut batch = LineBatch::new();
    for line in &all {
        let Line { ts, server, file, offset, queue_id, text, hash } = line;
        let (ts, offset, hash, queue_id, text) = (*ts, *offset, *hash, queue_id.as_ref(), text.as_bytes());
        batch.push(LineRef { ts, server, file, offset, queue_id, text, hash });
    }
    let mut commit = Commit::new();
    commit.replace(Replacement::Server { table: Table::Lines, server: "hub1".into() }).lines(batch);
    damage(place, commit)
}

#[test]
fn lines_that_are_gone_or_twice_or_changed() {
    let place = imported();
    let first = lines(&place, |_| {});
    assert_eq!(first, [], "as they were");
    let found = lines(&place, |lines| lines.insert(5, lines[5].clone()));
    assert_eq!(found[0].what, What::Lines);
    assert!(found[0].examples[0].ends_with("stored twice"), "{found:?}");
    let found = lines(&place, |lines| drop(lines.remove(5)));
    assert!(found.iter().all(|found| found.what != What::Lines), "{found:?}");
    let place = imported();
    let found = lines(&place, |lines| {
        let size = lines.iter_mut().find(|line| line.text.contains("size=")).expect("a size");
        size.text = size.text.replace("size=", "size=1").into();
    });
    assert_eq!(kinds(&found)[0], What::Lines);
    assert!(found[0].examples[0].ends_with("its text is not what was stored"), "{found:?}");
    assert!(found.iter().any(|found| found.what == What::Hops), "{found:?}");
    let place = imported();
    let found = lines(&place, |lines| drop(lines.remove(5)));
    assert!(found.iter().any(|found| found.what == What::Coverage && found.stored == found.recounted + 1), "{found:?}");
}

/// Below the folder of a table, or of all of them.
pub fn data_files(place: &Place, table: &str, ending: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![place.path("data").join(table)], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Of the files with rows: the log has checkpoints that end in the same way.
fn first_file(place: &Place, table: &str) -> PathBuf {
    let mut files = data_files(place, table, ".parquet");
    files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("part-")));
    files.swap_remove(0)
}

#[test]
fn files_that_are_gone_or_cut_or_others() {
    for (table, how) in [("hops", "gone"), ("deliveries", "cut"), ("lines", "another")] {
        let place = imported();
        let file = first_file(&place, table);
        match how {
            "gone" => fs::remove_file(&file).expect("removed"),
            "cut" => {
                let bytes = fs::read(&file).expect("read");
                fs::write(&file, &bytes[..bytes.len() / 2]).expect("written");
            }
            // Of the same table, with other rows.
            _ => {
                let other = Place::new();
                let rows = &LONG[0].text[..LONG[0].text.len() / 3];
                other.import(&[other.file(
                    "hub1",
                    "mail.log",
                    &rows[..=rows.iter().rposition(|b| *b == b'\n').expect("a line")],
                )]);
                let theirs = first_file(&other, table);
                fs::copy(theirs, &file).expect("copied");
            }
        }
        let found = verify(&place.store, &Options::default(), &mut |_| {});
        match how {
            "gone" => assert!(found.is_err(), "a store without its files cannot be read: {found:?}"),
            _ => {
                let found = found.expect("told").differences;
                assert_eq!(kinds(&found), [What::Files], "{how}");
                let name = file.file_name().expect("a name").to_string_lossy().into_owned();
                assert!(found[0].examples[0].contains(&name), "{found:?}");
            }
        }
    }
}

/// Enough messages for a roll-up to be kept beside the store.
#[test]
fn a_roll_up_that_counts_something_else() {
    let place = imported();
    let first = journeys(&place).swap_remove(0);
    let made_up = |number: i64| Journey {
        id: format!("{number:016x}").into(),
        first_arrival: first.first_arrival + number * MICROS_PER_SECOND / 100,
        deliveries: vec![Delivery { recipient: Text::from("x@example.org"), ..Delivery::default() }],
        ..Journey::default()
    };
    let mut commit = Commit::new();
    commit.journeys(&(0..5_000).map(made_up).collect::<Vec<_>>());
    let before = damage(&place, commit);
    assert_eq!(kinds(&before), [What::Deliveries], "messages that no line speaks of");
    place.store.lake.snapshot().expect("a snapshot").prepare_summaries().expect("counted");
    assert_eq!(differences(&place), before);
    let file = data_files(&place, "rollups", ".rollup").swap_remove(0);
    let whole = fs::read(&file).expect("read");
    let body = whole.len() - 8;
    // Any byte of its counts, with a checksum that is right again: one of them still reads as a roll-up.
    let found = (0..body).rev().map(|at| {
        let mut bytes = whole[..body].to_vec();
        bytes[at] ^= 1;
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        fs::write(&file, bytes).expect("written");
        place.store.lake.snapshot().expect("a snapshot").check_rollups(&ALWAYS).expect("checked").1
    });
    let found = found.into_iter().find(|faults| !faults.is_empty()).expect("none reads as a roll-up");
    assert!(found[0].fault.contains("counts something else"), "{found:?}");
    assert!(differences(&place).iter().any(|found| found.what == What::RollUps));
    fs::write(&file, &whole[..body]).expect("written");
    assert_eq!(differences(&place), before, "a broken one is read by nobody");
}
