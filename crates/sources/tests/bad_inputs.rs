//! Every way in which a log file can be bad, on real files.

mod samples;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use samples::{Packing, log_of, pack, read_all};
use vigie_sources::{Compression, LogFile, SourceError};

fn open_error(path: impl AsRef<std::path::Path>) -> SourceError {
    LogFile::open(path).expect_err("a bad file")
}

#[test]
fn a_missing_file_names_the_nearest() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mail.log"), "x\n").expect("a file");
    fs::write(folder.path().join("other"), "x\n").expect("a file");
    let error = open_error(folder.path().join("mial.log"));
    assert!(matches!(&error, SourceError::NotFound { nearest: Some(nearest), .. } if nearest.ends_with("mail.log")));
    assert!(error.hint().contains("mail.log"), "{}", error.hint());
    let error = open_error(folder.path().join("quite-something-else"));
    assert!(matches!(error, SourceError::NotFound { nearest: None, .. }));
    assert!(matches!(open_error(folder.path().join("no/such/folder")), SourceError::NotFound { nearest: None, .. }));
}

#[test]
fn a_file_without_permission_says_who_may_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail.log");
    fs::write(&path, "x\n").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("permissions");
    // root reads everything: then there is nothing to refuse.
    match LogFile::open(&path) {
        Err(error) => {
            assert!(matches!(error, SourceError::Denied { .. }));
            assert!(error.hint().contains("adm"));
        }
        Ok(log) => assert_eq!(log.len(), 2),
    }
}

#[test]
fn a_directory_a_device_and_an_empty_file_do_not_open() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(open_error(folder.path()), SourceError::Directory { .. }));
    assert!(matches!(open_error("/dev/null"), SourceError::NotAFile { .. }));
    let empty = folder.path().join("mail.log");
    fs::write(&empty, "").expect("a file");
    assert!(matches!(open_error(&empty), SourceError::Empty { .. }));
    let empty = folder.path().join("mail.log.gz");
    fs::write(&empty, pack(b"", Packing::Gzip)).expect("a file");
    assert!(matches!(open_error(&empty), SourceError::Empty { .. }));
}

#[test]
fn a_gz_name_may_hold_plain_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail.log.1.gz");
    fs::write(&path, "Mar  2 10:00:00 h p[1]: t\n").expect("a file");
    let mut log = LogFile::open(&path).expect("text");
    assert_eq!(log.compression(), Compression::Plain);
    assert_eq!(read_all(&mut log).0, ["Mar  2 10:00:00 h p[1]: t"]);
}

#[test]
fn a_gz_name_that_holds_neither_gzip_nor_text_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail.log.1.gz");
    let noise: Vec<u8> = (0..9000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(&path, noise).expect("a file");
    let error = open_error(&path);
    assert!(matches!(error, SourceError::NotCompressed { promised: Compression::Gzip, .. }));
    assert!(error.to_string().ends_with("is neither gzip nor text"), "{error}");
}

#[test]
fn utf16_and_archives_are_named_also_inside_a_compressed_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail.log");
    fs::write(&path, b"\xFF\xFEM\0a\0r\0").expect("a file");
    let error = open_error(&path);
    assert!(matches!(error, SourceError::Binary { what: "UTF-16 text", .. }));
    assert!(error.hint().contains("iconv"));
    let mut tar = vec![0; 1024];
    tar[..8].copy_from_slice(b"mail.log");
    tar[257..262].copy_from_slice(b"ustar");
    let path = folder.path().join("logs.tar.gz");
    fs::write(&path, pack(&tar, Packing::Gzip)).expect("a file");
    assert!(matches!(open_error(&path), SourceError::Binary { what: "a tar archive", .. }));
}

#[test]
fn a_truncated_file_gives_its_lines_then_says_where_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log_of(20_000);
    for packing in Packing::ALL {
        let path = folder.path().join("mail.log.packed");
        let packed = pack(&log, packing);
        let kept = packed.len() * 2 / 3;
        fs::write(&path, &packed[..kept]).expect("a file");
        let mut file = LogFile::open(&path).expect("a beginning");
        let (lines, error) = read_all(&mut file);
        let expected: Vec<&str> = std::str::from_utf8(&log).expect("text").lines().take(lines.len()).collect();
        assert!(!lines.is_empty(), "{packing:?}");
        assert_eq!(lines, expected, "{packing:?}");
        match error {
            Some(SourceError::Truncated { at, .. }) => assert_eq!(at, kept as u64, "{packing:?}"),
            other => panic!("{packing:?}: {other:?}"),
        }
        assert!(matches!(file.next(), Ok(None)));
    }
}

#[test]
fn a_damaged_file_gives_its_lines_then_says_where_the_damage_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log_of(20_000);
    for packing in Packing::ALL {
        let path = folder.path().join("mail.log.packed");
        let mut packed = pack(&log, packing);
        let middle = packed.len() * 2 / 3;
        packed[middle..middle + 64].fill(0xA5);
        fs::write(&path, &packed).expect("a file");
        let (lines, error) = read_all(&mut LogFile::open(&path).expect("a beginning"));
        assert!(!lines.is_empty(), "{packing:?}");
        match error {
            Some(SourceError::Corrupt { at, compression, .. }) => {
                assert!(at > 0 && at <= packed.len() as u64, "{packing:?}");
                assert_ne!(compression, Compression::Plain);
            }
            other => panic!("{packing:?}: {other:?}"),
        }
    }
}

#[test]
fn bytes_after_a_gzip_file_are_reported_and_padding_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail.log.gz");
    let mut packed = pack(b"one\ntwo\n", Packing::Gzip);
    packed.extend_from_slice(&[0; 4096]);
    fs::write(&path, &packed).expect("a file");
    let (lines, error) = read_all(&mut LogFile::open(&path).expect("gzip"));
    assert_eq!(lines, ["one", "two"]);
    assert!(error.is_none());
    packed.extend_from_slice(b"garbage");
    fs::write(&path, &packed).expect("a file");
    let (lines, error) = read_all(&mut LogFile::open(&path).expect("gzip"));
    assert_eq!(lines, ["one", "two"]);
    assert!(matches!(error, Some(SourceError::Corrupt { .. })));
}

#[test]
fn a_file_cut_within_its_header_does_not_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail.log.gz");
    fs::write(&path, &pack(b"one\n", Packing::Gzip)[..6]).expect("a file");
    let error = open_error(&path);
    assert!(matches!(error, SourceError::Truncated { at: 6, .. }), "{error:?}");
}

#[test]
fn a_plain_file_that_shrinks_gives_what_was_read_then_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mail.log");
    let log = log_of(60_000);
    fs::write(&path, &log).expect("a file");
    let mut file = LogFile::open(&path).expect("text");
    let first = file.next().expect("lines").expect("lines").bytes.len();
    fs::File::options().write(true).open(&path).expect("a file").set_len(first as u64 + 300_000).expect("shorter");
    let (lines, error) = read_all(&mut file);
    assert!(!lines.is_empty());
    match error {
        Some(SourceError::Shrank { expected, at, .. }) => {
            assert_eq!((expected, at), (log.len() as u64, first as u64 + 300_000));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(file.next(), Ok(None)));
}

#[test]
fn every_error_names_its_file_and_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    for error in [open_error(folder.path()), open_error(folder.path().join("x")), open_error("/dev/null")] {
        assert!(error.to_string().contains(&error.path().display().to_string()));
        assert!(!error.hint().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any bytes, and any damage to a good file, end in lines or an error; never in a panic or an endless loop.
    #[test]
    fn any_damage_is_survived(which in 0usize..4, at: u16, byte: u8, cut: u16) {
        let mut packed = pack(&log_of(200), Packing::ALL[which]);
        let place = usize::from(at) % packed.len();
        packed[place] = byte;
        if cut % 3 == 0 {
            packed.truncate(usize::from(cut) % packed.len() + 1);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mail.log.gz");
        fs::write(&path, &packed).expect("a file");
        if let Ok(mut log) = LogFile::open(&path) {
            read_all(&mut log);
            prop_assert!(matches!(log.next(), Ok(None)));
        }
    }
}
