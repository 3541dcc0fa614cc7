//! Reading good files: chunks, offsets, long lines, unfinished lines, and going on where an earlier import stopped.

mod samples;

use std::fs;
use std::io::Write;

use proptest::prelude::*;
use samples::{Packing, log_of, pack, read_all};
use vigie_formats::transcript::Settings;
use vigie_sources::{CHUNK_BYTES, Compression, Identity, LINE_BYTES_MAX, LogFile, Resumed};

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

/// Reads everything, checks that chunks follow each other, and gives the lines with their offsets.
fn lines_with_offsets(log: &mut LogFile) -> Vec<(u64, Vec<u8>)> {
    let mut lines = Vec::new();
    while let Some(chunk) = log.next().expect("a good file") {
        lines.extend(chunk.lines().map(|(offset, line)| (offset, line.to_vec())));
    }
    lines
}

#[test]
fn every_compression_gives_the_same_lines() {
    let log = log_of(30_000);
    let plain = lines_with_offsets(&mut LogFile::open(written(&log).path()).expect("text"));
    assert_eq!(plain.len(), 30_000);
    for (offset, line) in &plain {
        let start = *offset as usize;
        assert_eq!(&log[start..start + line.len()], line.as_slice());
    }
    for packing in Packing::ALL {
        let file = written(&pack(&log, packing));
        let mut packed = LogFile::open(file.path()).expect("packed");
        assert_ne!(packed.compression(), Compression::Plain);
        assert_eq!(lines_with_offsets(&mut packed), plain, "{packing:?}");
        assert_eq!(packed.position(), packed.len(), "{packing:?}");
        assert_eq!(packed.identity().consumed, log.len() as u64);
    }
}

#[test]
fn several_members_streams_and_frames_are_one_log() {
    for packing in Packing::ALL {
        let mut bytes = pack(b"one\ntw", packing);
        bytes.extend(pack(b"", packing));
        bytes.extend(pack(b"o\nthree\n", packing));
        let (lines, error) = read_all(&mut LogFile::open(written(&bytes).path()).expect("packed"));
        assert_eq!(lines, ["one", "two", "three"], "{packing:?}");
        assert!(error.is_none());
    }
}

#[test]
fn chunks_are_whole_lines_of_about_one_size() {
    let file = written(&log_of(60_000));
    let mut log = LogFile::open(file.path()).expect("text");
    let mut next = 0;
    let mut sizes = Vec::new();
    while let Some(chunk) = log.next().expect("a good file") {
        assert_eq!(chunk.offset, next);
        assert_eq!(chunk.bytes.last(), Some(&b'\n'));
        next += chunk.bytes.len() as u64;
        sizes.push(chunk.bytes.len());
    }
    assert!(sizes.len() > 3);
    assert!(
        sizes[..sizes.len() - 1].iter().all(|size| (CHUNK_BYTES - 1_000..=CHUNK_BYTES).contains(size)),
        "{sizes:?}"
    );
}

#[test]
fn a_line_too_long_is_cut_and_counted_and_offsets_stay_true() {
    for length in [LINE_BYTES_MAX, LINE_BYTES_MAX + 1, 200_000, 1 << 20, 5 << 20] {
        let mut bytes = b"before\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', length));
        bytes.extend_from_slice(b"\nafter\nend\n");
        for packed in [bytes.clone(), pack(&bytes, Packing::Zstd)] {
            let mut log = LogFile::open(written(&packed).path()).expect("text");
            let lines = lines_with_offsets(&mut log);
            let found: Vec<(u64, usize)> = lines.iter().map(|(offset, line)| (*offset, line.len())).collect();
            let behind = 7 + length as u64 + 1;
            assert_eq!(found, [(0, 6), (7, length.min(LINE_BYTES_MAX)), (behind, 5), (behind + 6, 3)]);
            assert_eq!(log.overlong(), u64::from(length > LINE_BYTES_MAX));
            assert_eq!(log.identity().consumed, bytes.len() as u64);
        }
    }
}

#[test]
fn many_long_lines_are_all_counted() {
    let mut bytes = Vec::new();
    for line in 0..40 {
        bytes.extend(std::iter::repeat_n(b'a' + line % 26, 150_000));
        bytes.extend_from_slice(b"\nshort\n");
    }
    let mut log = LogFile::open(written(&bytes).path()).expect("text");
    let lines = lines_with_offsets(&mut log);
    assert_eq!((lines.len(), log.overlong()), (80, 40));
    assert!(lines.iter().skip(1).step_by(2).all(|(_, line)| line == b"short"));
}

#[test]
fn a_last_line_without_newline_is_held_back_in_a_plain_file() {
    let mut log = LogFile::open(written(b"one\ntwo\nthr").path()).expect("text");
    let lines = lines_with_offsets(&mut log);
    assert_eq!(lines.len(), 2);
    assert_eq!((log.tail(), log.unfinished_tail()), (Some((8, &b"thr"[..])), 3));
    assert_eq!(log.identity().consumed, 8);
    assert!(log.next().expect("the end").is_none());
    assert_eq!(log.unfinished_tail(), 3);
}

#[test]
fn a_last_line_without_newline_is_a_line_in_a_compressed_file() {
    for packing in Packing::ALL {
        let mut log = LogFile::open(written(&pack(b"one\nthr", packing)).path()).expect("packed");
        assert_eq!(lines_with_offsets(&mut log), [(0, b"one".to_vec()), (4, b"thr".to_vec())]);
        assert_eq!((log.tail(), log.unfinished_tail(), log.identity().consumed), (None, 0, 7));
    }
}

#[test]
fn a_long_last_line_without_newline() {
    let mut bytes = b"one\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 3 << 20));
    let mut log = LogFile::open(written(&bytes).path()).expect("text");
    assert_eq!(lines_with_offsets(&mut log).len(), 1);
    assert_eq!((log.unfinished_tail(), log.overlong(), log.identity().consumed), (3 << 20, 0, 4));
    assert_eq!(log.tail().map(|(offset, line)| (offset, line.len())), Some((4, LINE_BYTES_MAX)));
    let mut log = LogFile::open(written(&pack(&bytes, Packing::Gzip)).path()).expect("packed");
    assert_eq!(lines_with_offsets(&mut log).len(), 2);
    assert_eq!((log.unfinished_tail(), log.overlong(), log.identity().consumed), (0, 1, bytes.len() as u64));
}

#[test]
fn what_is_appended_while_reading_is_left_for_later() {
    let mut file = written(b"one\n");
    let mut log = LogFile::open(file.path()).expect("text");
    file.write_all(b"two\n").expect("written");
    assert_eq!(read_all(&mut log).0, ["one"]);
    assert_eq!(log.len(), 4);
}

fn consumed(path: &std::path::Path) -> Identity {
    let mut log = LogFile::open(path).expect("a log");
    read_all(&mut log);
    log.identity()
}

#[test]
fn a_grown_file_goes_on_where_the_last_import_stopped() {
    let mut file = written(b"one\ntwo\nthr");
    let before = consumed(file.path());
    file.write_all(b"ee\nfour\n").expect("written");
    match LogFile::resume(file.path(), &Settings::default(), before.consumed, before.consumed_hash).expect("a log") {
        Resumed::Continues(mut log) => {
            assert_eq!(lines_with_offsets(&mut log), [(8, b"three".to_vec()), (14, b"four".to_vec())]);
            assert_eq!(log.identity(), consumed(file.path()));
        }
        Resumed::Different(_) => panic!("the same log"),
    }
}

#[test]
fn a_rotated_and_compressed_file_is_recognised() {
    let whole = log_of(10_000);
    let read = whole.len() / 2;
    let before = consumed(written(&whole[..read]).path());
    for packing in Packing::ALL {
        let file = written(&pack(&whole, packing));
        match LogFile::resume(file.path(), &Settings::default(), before.consumed, before.consumed_hash).expect("a log")
        {
            Resumed::Continues(mut log) => {
                let lines = lines_with_offsets(&mut log);
                assert_eq!(lines[0].0, before.consumed);
                assert_eq!(log.identity().fingerprint, before.fingerprint);
            }
            Resumed::Different(_) => panic!("the same log"),
        }
    }
}

#[test]
fn another_file_under_the_same_name_starts_at_its_beginning() {
    let before = consumed(written(b"one\ntwo\n").path());
    for other in [&b"eno\ntwo\nthree\n"[..], b"one\n"] {
        match LogFile::resume(written(other).path(), &Settings::default(), before.consumed, before.consumed_hash)
            .expect("a log")
        {
            Resumed::Continues(_) => panic!("another log"),
            Resumed::Different(mut log) => assert_eq!(lines_with_offsets(&mut log)[0].0, 0),
        }
    }
}

#[test]
fn an_import_that_stops_after_a_cut_line_resumes_behind_it() {
    let mut bytes = b"one\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 3 << 20));
    bytes.extend_from_slice(b"\nlast\n");
    let file = written(&bytes);
    let mut log = LogFile::open(file.path()).expect("text");
    log.next().expect("lines");
    let stopped = log.identity();
    match LogFile::resume(file.path(), &Settings::default(), stopped.consumed, stopped.consumed_hash).expect("a log") {
        Resumed::Continues(mut log) => assert_eq!(read_all(&mut log).0, ["last"]),
        Resumed::Different(_) => panic!("the same log"),
    }
}

#[test]
fn the_time_of_a_log_is_gzips_own_when_it_kept_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail.log.gz");
    let mut writer = flate2::GzBuilder::new().mtime(1_772_445_600).write(Vec::new(), flate2::Compression::fast());
    writer.write_all(b"one\n").expect("packed");
    fs::write(&path, writer.finish().expect("packed")).expect("a file");
    assert_eq!(LogFile::open(&path).expect("packed").modified(), 1_772_445_600_000_000);
    let when = std::time::UNIX_EPOCH + std::time::Duration::from_micros(1_700_000_000_000_001);
    for bytes in [b"one\n".to_vec(), pack(b"one\n", Packing::Gzip)] {
        fs::write(&path, bytes).expect("a file");
        fs::File::options().write(true).open(&path).expect("a file").set_modified(when).expect("a time");
        assert_eq!(LogFile::open(&path).expect("a log").modified(), 1_700_000_000_000_001);
    }
}

#[test]
fn the_head_can_be_seen_before_reading() {
    let log = LogFile::open(written(b"one\ntwo\n").path()).expect("text");
    assert_eq!(log.head(), b"one\ntwo\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the lengths of its lines, a log is given out whole, in order and at the right places.
    #[test]
    fn any_line_lengths_are_read_whole(lengths in prop::collection::vec(prop_oneof![0usize..300, 60_000usize..70_000, 0usize..1_200_000], 1..12)) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (line, length) in lengths.iter().enumerate() {
            let letter = b'a' + (line % 26) as u8;
            expected.push((bytes.len() as u64, vec![letter; (*length).min(LINE_BYTES_MAX)]));
            bytes.extend(std::iter::repeat_n(letter, *length));
            bytes.push(b'\n');
        }
        let mut log = LogFile::open(written(&bytes).path()).expect("text");
        prop_assert!(lines_with_offsets(&mut log) == expected);
        prop_assert_eq!(log.overlong(), lengths.iter().filter(|&&length| length > LINE_BYTES_MAX).count() as u64);
        prop_assert_eq!(log.identity().consumed, bytes.len() as u64);
    }
}
