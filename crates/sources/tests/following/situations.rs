//! One test for each thing that rotations do.

use std::fs;

use vigie_sources::{Feed, FeedEvent, LINE_BYTES_MAX, PIECE_BYTES_MAX, Start};

use super::rig::Rig;
use super::samples::Packing;
use super::yard::{Naming, Yard, compress};

#[test]
fn lines_come_as_they_are_written_and_half_lines_wait() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append("one\ntw");
    rig.poll();
    assert_eq!(rig.streams(), ["one\n"]);
    assert_eq!((rig.poll(), rig.follower.backlog_bytes()), (0, 2));
    rig.yard.append("o\nthree\n");
    rig.poll();
    assert_eq!(rig.streams(), ["one\ntwo\nthree\n"]);
    rig.expect_all();
    assert_eq!(rig.events, []);
}

#[test]
fn renamed_and_created() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    rig.yard.append_lines(2);
    rig.yard.rotate();
    rig.yard.append_lines(4);
    rig.poll();
    assert_eq!(rig.told(|event| matches!(event, FeedEvent::Rotated { .. })), 1);
    rig.expect_all();
}

#[test]
fn the_renamed_file_goes_on_being_written() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    rig.yard.rotate();
    rig.poll();
    for _ in 0..4 {
        let line = rig.yard.line();
        rig.yard.append_to_renamed(&line);
        rig.yard.append_lines(1);
        rig.pass(8);
        rig.poll();
    }
    assert!(!rig.server[&rig.order[0]].is_ended);
    rig.pass(10);
    rig.poll();
    assert!(rig.server[&rig.order[0]].is_ended);
    rig.expect_all();
}

#[test]
fn an_unfinished_last_line_comes_when_its_file_was_quiet() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append("one\nhalf");
    rig.poll();
    rig.yard.rotate();
    rig.pass(9);
    rig.poll();
    rig.pass(9);
    rig.poll();
    assert_eq!(rig.streams(), ["one\n"]);
    rig.pass(1);
    rig.poll();
    assert_eq!(rig.streams(), ["one\nhalf"]);
    rig.expect_all();
}

#[test]
fn the_next_rotation_ends_the_one_before() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append("one\nhalf");
    rig.poll();
    rig.yard.rotate();
    rig.yard.append_lines(1);
    rig.poll();
    rig.yard.rotate();
    rig.poll();
    assert_eq!(rig.streams()[0], "one\nhalf");
    assert!(rig.server[&rig.order[0]].is_ended);
    rig.expect_all();
}

#[test]
fn what_is_written_to_a_file_that_has_ended_is_told_as_lost() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(1);
    rig.poll();
    rig.yard.rotate();
    rig.yard.append_lines(1);
    rig.poll();
    rig.pass(11);
    rig.poll();
    rig.yard.append_to_renamed("late\n");
    rig.durable_all();
    rig.poll();
    let from = rig.server[&rig.order[0]].end();
    let lost = rig.losses();
    assert!(
        matches!(lost[..], [FeedEvent::Lost { stream, from: at, bytes: Some(5), .. }] if stream == rig.order[0] && at == from),
        "{lost:?}"
    );
    assert!(lost[0].to_string().contains("mail.log"), "{}", lost[0]);
}

#[test]
fn copied_and_truncated_with_lines_that_nobody_had_read() {
    for packing in [None, Some(Packing::Gzip), Some(Packing::Bzip2), Some(Packing::Xz), Some(Packing::Zstd)] {
        let mut rig = Rig::new(Naming::Numbers);
        rig.yard.append_lines(3);
        rig.poll();
        rig.yard.append_lines(3);
        let copy = rig.yard.copytruncate();
        if let Some(packing) = packing {
            compress(&copy, packing);
        }
        rig.yard.append_lines(1);
        rig.poll();
        assert_eq!(rig.told(|event| matches!(event, FeedEvent::Truncated { .. })), 1, "{packing:?}");
        assert_eq!(rig.told(|event| matches!(event, FeedEvent::Found { .. })), 1, "{packing:?}");
        rig.expect_all();
    }
}

#[test]
fn truncated_and_grown_beyond_what_was_read() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    rig.yard.append_lines(1);
    rig.yard.copytruncate();
    rig.yard.append_lines(50);
    rig.expect_all();
}

#[test]
fn truncated_and_grown_to_exactly_the_same_length() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append("one\ntwo\n");
    rig.poll();
    rig.yard.copytruncate();
    // The clock of the file system may not have ticked since: its files tell time in steps of milliseconds.
    let before = fs::metadata(rig.yard.path()).and_then(|metadata| metadata.modified()).unwrap();
    rig.yard.append("abc\ndef\n");
    let file = fs::File::options().write(true).open(rig.yard.path()).unwrap();
    file.set_modified(before + std::time::Duration::from_millis(10)).unwrap();
    rig.expect_all();
    assert_eq!(rig.streams().len(), 2);
}

#[test]
fn copied_and_truncated_twice_between_two_looks() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    rig.yard.append_lines(1);
    rig.yard.copytruncate();
    rig.yard.append_lines(2);
    rig.yard.copytruncate();
    rig.yard.append_lines(1);
    rig.poll();
    assert_eq!(rig.told(|event| matches!(event, FeedEvent::CaughtUp { .. })), 1);
    rig.expect_all();
}

#[test]
fn an_empty_log_is_filled_copied_and_truncated_between_two_looks() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(1);
    rig.yard.rotate();
    rig.poll();
    rig.yard.append_lines(3);
    rig.yard.copytruncate();
    rig.yard.append_lines(1);
    rig.poll();
    // What was there before the first look is not read.
    rig.yard.generations.remove(0);
    rig.expect_all();
}

#[test]
fn a_look_between_copy_and_truncation_reads_nothing_twice() {
    for is_known in [false, true] {
        let mut rig = Rig::new(Naming::Numbers);
        rig.yard.append(if is_known { "known\n" } else { "" });
        rig.poll();
        rig.yard.append_lines(3);
        rig.yard.copy();
        rig.poll();
        rig.yard.truncate();
        rig.poll();
        rig.yard.append_lines(1);
        rig.expect_all();
    }
}

#[test]
fn truncated_in_place_without_a_copy_is_told_as_lost() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append("one\nhalf");
    rig.poll();
    rig.yard.truncate();
    rig.yard.append("new\n");
    rig.poll();
    assert_eq!(rig.streams(), ["one\n", "new\n"]);
    assert_eq!(rig.losses(), []);
    rig.settle();
    let stream = rig.order[0];
    let lost = rig.losses();
    assert!(
        matches!(lost[..], [FeedEvent::Lost { stream: of, from: 4, bytes: Some(4), .. }] if of == stream),
        "{lost:?}"
    );
    assert!(rig.server[&stream].is_ended);
}

#[test]
fn a_copy_that_is_packed_slowly_is_found_later() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(2);
    rig.poll();
    rig.yard.append_lines(2);
    let copy = rig.yard.copytruncate();
    let hidden = rig.yard.beside("elsewhere");
    fs::rename(&copy, &hidden).unwrap();
    rig.yard.append_lines(1);
    rig.poll();
    assert_eq!(rig.streams().len(), 2);
    fs::rename(&hidden, &copy).unwrap();
    rig.pass(3);
    rig.expect_all();
}

#[test]
fn rotated_by_date() {
    let mut rig = Rig::new(Naming::Dates);
    for _ in 0..3 {
        rig.yard.append_lines(2);
        rig.poll();
        rig.yard.append_lines(1);
        rig.yard.rotate();
        rig.yard.append_lines(1);
        rig.yard.copytruncate();
    }
    rig.yard.append_lines(1);
    rig.expect_all();
}

#[test]
fn packed_while_its_rest_is_unread() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(20_000);
    rig.poll_some(1);
    let rotated = rig.yard.rotate();
    rig.poll_some(1);
    compress(&rotated, Packing::Gzip);
    rig.yard.append_lines(1);
    rig.expect_all();
}

#[test]
fn packed_while_the_collector_is_down() {
    for packing in Packing::ALL {
        let mut rig = Rig::new(Naming::Numbers);
        rig.yard.append_lines(20_000);
        rig.poll_some(2);
        rig.durable(rig.order[0], 100_000);
        rig.save();
        let rotated = rig.yard.rotate();
        compress(&rotated, packing);
        rig.yard.append_lines(3);
        rig.restart();
        rig.poll();
        assert_eq!(rig.order.len(), 2, "{packing:?}");
        rig.expect_all();
    }
}

#[test]
fn several_rotations_while_the_collector_is_down() {
    for (naming, is_copying) in
        [(Naming::Numbers, false), (Naming::Dates, false), (Naming::Numbers, true), (Naming::Dates, true)]
    {
        let mut rig = Rig::new(naming);
        let rotate = |yard: &mut Yard| if is_copying { yard.copytruncate() } else { yard.rotate() };
        rig.yard.append("older than the first look\n");
        rotate(&mut rig.yard);
        rig.yard.append_lines(3);
        rig.poll();
        rig.save();
        for round in 0..5 {
            rig.yard.append_lines(2 + round);
            let rotated = rotate(&mut rig.yard);
            if round % 2 == 0 {
                compress(&rotated, Packing::ALL[round % 4]);
            }
        }
        rig.yard.append_lines(1);
        rig.restart();
        rig.poll();
        assert_eq!(rig.told(|event| matches!(event, FeedEvent::CaughtUp { .. })), 4, "{:?}", rig.events);
        rig.yard.generations.remove(0);
        rig.expect_all();
    }
}

#[test]
fn rotated_away_and_deleted_while_the_collector_is_down() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    rig.save();
    let rotated = rig.yard.rotate();
    fs::remove_file(rotated).unwrap();
    rig.yard.append_lines(2);
    rig.yard.rotate();
    rig.yard.append_lines(1);
    rig.restart();
    rig.settle();
    assert_eq!(rig.streams(), rig.expected());
    let (stream, lost) = (rig.order[0], rig.losses());
    assert!(matches!(lost[..], [FeedEvent::Lost { stream: of, bytes: None, .. }] if of == stream), "{lost:?}");
}

#[test]
fn the_file_is_missing_for_a_while() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.poll();
    rig.pass(11);
    rig.poll();
    assert_eq!(rig.told(|event| matches!(event, FeedEvent::Missing { .. })), 1);
    rig.yard.append_lines(1);
    rig.poll();
    assert_eq!(rig.told(|event| matches!(event, FeedEvent::Returned { .. })), 1);
    // Away, and still written to: for as long as nothing else is there, it is what is followed.
    let away = rig.yard.beside("away");
    fs::rename(rig.yard.path(), &away).unwrap();
    rig.pass(60);
    rig.poll();
    let line = rig.yard.line();
    fs::OpenOptions::new()
        .append(true)
        .open(&away)
        .and_then(|mut file| std::io::Write::write_all(&mut file, line.as_bytes()))
        .unwrap();
    rig.yard.generations[0].extend_from_slice(line.as_bytes());
    rig.poll();
    assert_eq!(rig.streams(), rig.expected());
    fs::rename(&away, rig.yard.path()).unwrap();
    rig.yard.append_lines(1);
    rig.expect_all();
    assert_eq!(rig.order.len(), 1);
}

#[test]
fn replaced_by_a_longer_copy_of_itself_it_goes_on() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    let copy = rig.yard.beside("copy");
    fs::copy(rig.yard.path(), &copy).unwrap();
    fs::rename(&copy, rig.yard.path()).unwrap();
    rig.yard.append_lines(2);
    rig.expect_all();
    assert_eq!(rig.order.len(), 1);
}

#[test]
fn replaced_by_a_shorter_file() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append_lines(3);
    rig.poll();
    rig.yard.append_lines(1);
    let other = rig.yard.beside("other");
    fs::write(&other, "short\n").unwrap();
    fs::rename(&other, rig.yard.path()).unwrap();
    rig.yard.generations.push(b"short\n".to_vec());
    rig.expect_all();
}

#[test]
fn a_link_whose_target_changes() {
    let yard = Yard::new(Naming::Numbers);
    let path = yard.beside("current.log");
    let mut rig = Rig::at(path.clone(), yard, Start::Beginning);
    let point_to = |rig: &mut Rig, name: &str| {
        let _ = fs::remove_file(&path);
        std::os::unix::fs::symlink(rig.yard.beside(name), &path).unwrap();
    };
    fs::write(rig.yard.beside("a-day.log"), "one\n").unwrap();
    fs::write(rig.yard.beside("b-day.log"), "two\n").unwrap();
    point_to(&mut rig, "a-day.log");
    rig.poll();
    rig.durable_all();
    fs::write(rig.yard.beside("a-day.log"), "one\nmore\n").unwrap();
    point_to(&mut rig, "b-day.log");
    rig.poll();
    assert_eq!(rig.streams(), ["one\nmore\n", "two\n"]);
    // Back before the first file has ended: it goes on, as what it was.
    point_to(&mut rig, "a-day.log");
    rig.poll();
    rig.stop_and_start();
    fs::write(rig.yard.beside("a-day.log"), "one\nmore\nand more\n").unwrap();
    rig.settle();
    assert_eq!(rig.streams(), ["one\nmore\nand more\n", "two\n"]);
    assert_eq!(rig.losses(), []);
}

#[test]
fn nul_bytes_of_a_crash_and_empty_files_are_ordinary() {
    let mut rig = Rig::new(Naming::Numbers);
    rig.yard.append("");
    rig.poll();
    rig.yard.append("one\n\0\0\0\0\0\0\0\0");
    rig.poll();
    rig.yard.append("two\n\0\0\0");
    rig.yard.rotate();
    rig.poll();
    rig.yard.rotate();
    rig.poll();
    rig.yard.append("\0\0\0\0");
    rig.yard.rotate();
    rig.expect_all();
    assert_eq!(rig.streams(), ["one\n\0\0\0\0\0\0\0\0two\n\0\0\0", "\0\0\0\0"]);
    assert_eq!(rig.order.len(), 2, "an empty file is no stream");
}

#[test]
fn a_line_longer_than_a_piece_comes_whole_in_several() {
    let mut rig = Rig::new(Naming::Numbers);
    let long = "x".repeat(PIECE_BYTES_MAX * 3 + 17);
    rig.yard.append(&format!("before\n{}\n{long}\nafter\n", "y".repeat(LINE_BYTES_MAX * 2)));
    rig.poll();
    rig.durable(rig.order[0], 300_000);
    rig.stop_and_start();
    rig.expect_all();
}

#[test]
fn begins_at_the_end_when_asked_to() {
    let mut yard = Yard::new(Naming::Numbers);
    yard.append_lines(10_000);
    yard.append("ha");
    let known = yard.generations[0].len() as u64 - 2;
    let mut rig = Rig::of(yard, Start::End);
    assert_eq!(rig.poll(), 0);
    rig.yard.append("lf\n");
    rig.poll();
    assert_eq!((rig.server[&rig.order[0]].start, rig.streams()), (known, vec!["half\n".to_owned()]));
    rig.stop_and_start();
    rig.yard.append("after a restart\n");
    rig.yard.copytruncate();
    rig.yard.append("new\n");
    rig.settle();
    assert_eq!(rig.streams(), ["half\nafter a restart\n", "new\n"]);
    assert_eq!(rig.losses(), []);
}

#[test]
fn beginning_at_the_end_is_for_the_file_that_is_there_first() {
    let mut rig = Rig::of(Yard::new(Naming::Numbers), Start::End);
    rig.poll();
    rig.yard.append_lines(3);
    rig.expect_all();
    assert_eq!(rig.streams().len(), 1);
}

#[test]
fn files_older_than_the_first_look_are_not_read() {
    let mut yard = Yard::new(Naming::Numbers);
    yard.append("old\n");
    yard.rotate();
    yard.append("less old\n");
    yard.rotate();
    yard.append("now\n");
    let mut rig = Rig::of(yard, Start::Beginning);
    rig.settle();
    assert_eq!(rig.streams(), ["now\n"]);
}
