//! Files that are damaged, or no logs at all, beside good ones.

use std::fs;

use vigie_engine::intake::Source;
use vigie_sources::SourceError;
use vigie_testkit::{corpus::gzip, random::Random};

use crate::store::{LONG, LONG_ROWS, Log, Place, at_once, line_end, source};

fn good(place: &Place) -> Vec<Source> {
    LONG.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect()
}

fn garbage(bytes: usize) -> Vec<u8> {
    let mut random = Random::new(7);
    (0..bytes).map(|_| random.draw() as u8).collect()
}

/// A good file stays good, whatever stands beside it; and the bad one is named.
#[test]
fn a_bad_file_beside_good_ones() {
    let compressed = gzip(&LONG[0].text);
    /// File name, content, and whether the problem is the right one.
    type Case = (&'static str, Vec<u8>, fn(&SourceError) -> bool);
    let cases: [Case; 5] = [
        ("garbage.log", garbage(200_000), |problem| matches!(problem, SourceError::Binary { .. })),
        ("empty.log", Vec::new(), |problem| matches!(problem, SourceError::Empty { .. })),
        ("notgz.log.gz", garbage(5_000), |problem| matches!(problem, SourceError::NotCompressed { .. })),
        ("tiny.gz", compressed[..12].to_vec(), |problem| {
            matches!(problem, SourceError::Truncated { .. } | SourceError::Corrupt { .. })
        }),
        (
            "utf16.log",
            "Mar  2 10:00:00 hub1 x: y\n".repeat(50).encode_utf16().flat_map(u16::to_le_bytes).collect(),
            |problem| matches!(problem, SourceError::Binary { .. }),
        ),
    ];
    for (name, bytes, is_it) in cases {
        let place = Place::new();
        let mut sources = good(&place);
        sources.insert(1, place.file("edge1", name, &bytes));
        let imported = place.import(&sources);
        let problems: Vec<_> = imported.report.problems().collect();
        assert!(problems.len() == 1 && is_it(problems[0].1), "{name}: {problems:?}");
        place.rows().assert_same(&LONG_ROWS, name);
    }
}

#[test]
fn a_folder_and_a_file_that_is_not_there() {
    let place = Place::new();
    let mut sources = good(&place);
    let folder = place.path("folder.log");
    fs::create_dir(&folder).expect("a folder");
    sources.push(source("edge1", &folder));
    sources.push(source("edge1", &place.path("nothing.log")));
    let imported = place.import(&sources);
    let problems: Vec<_> = imported.report.problems().map(|(_, problem)| problem).collect();
    assert!(matches!(problems[..], [SourceError::Directory { .. }, SourceError::NotFound { .. }]), "{problems:?}");
    place.rows().assert_same(&LONG_ROWS, "a folder");
}

/// A compressed log of which the end is missing: what is there is read, and the whole one later adds the rest.
#[test]
fn a_compressed_log_that_is_cut() {
    let place = Place::new();
    let log = &LONG[1];
    let compressed = gzip(&log.text);
    for part in [compressed.len() / 3, compressed.len() * 2 / 3, compressed.len() - 4] {
        let imported = place.import(&[place.file(&log.host, "mail.log.1.gz", &compressed[..part])]);
        let problems: Vec<_> = imported.report.problems().map(|(_, problem)| problem).collect();
        assert!(matches!(problems[..], [SourceError::Truncated { .. } | SourceError::Corrupt { .. }]), "{problems:?}");
    }
    place.import(&good(&place));
    place.rows().assert_same(&LONG_ROWS, "first cut, then whole");
}

/// Lines of bytes, of a megabyte, and of NULs between the good ones.
#[test]
fn bad_lines_between_good_ones() {
    let clean =
        |bytes: Vec<u8>| -> Vec<u8> { bytes.into_iter().map(|byte| if byte == b'\n' { b' ' } else { byte }).collect() };
    let long =
        [b"2026-11-22T04:32:30.000000+00:00 hub1 postfix/smtpd[1]: connect from ".to_vec(), vec![b'x'; 1_200_000]]
            .concat();
    let lines = [clean(garbage(3_000)), long, vec![0; 2_000], b"\r".to_vec(), b"   ".to_vec(), clean(garbage(70_000))];
    let place = Place::new();
    let sources: Vec<Source> = LONG
        .iter()
        .map(|log| {
            let mut text = log.text.clone();
            for (at, line) in lines.iter().enumerate() {
                let cut = line_end(&text, text.len() * (at + 1) / 9);
                text.splice(cut..cut, line.iter().copied().chain([b'\n']));
            }
            place.file(&log.host, &log.name, &text)
        })
        .collect();
    let imported = place.import(&sources);
    assert_eq!(imported.report.problems().count(), 0);
    assert!(imported.report.files.iter().all(|file| file.overlong >= 1), "the long ones were cut");
    let sizes = place.sizes();
    place.rows().assert_same(&LONG_ROWS, "bad lines");
    assert_eq!(place.import(&sources).lines, 0);
    assert_eq!(place.sizes(), sizes);
}

/// As a copy by way of Windows.
#[test]
fn lines_that_end_in_carriage_returns() {
    let place = Place::new();
    let sources: Vec<Source> = LONG
        .iter()
        .map(|log| {
            let text: Vec<u8> =
                log.text.iter().flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] }).collect();
            place.file(&log.host, &log.name, &text)
        })
        .collect();
    place.import(&sources);
    place.rows().assert_same(&LONG_ROWS, "CRLF");
}

/// The last line has no end yet: it waits, and is read whole once it has.
#[test]
fn a_log_that_ends_in_the_middle_of_a_line() {
    let place = Place::new();
    let cut = |text: &[u8]| text.len() - 30;
    let sources: Vec<Source> =
        LONG.iter().map(|log| place.file(&log.host, &log.name, &log.text[..cut(&log.text)])).collect();
    let imported = place.import(&sources);
    assert!(imported.report.files.iter().all(|file| file.unfinished_bytes > 0));
    place.import(&good(&place));
    place.rows().assert_same(&LONG_ROWS, "cut, then whole");
}

/// Addresses in Latin-1: read as they came, and read again from the store when older lines turn up later.
#[test]
fn bytes_that_are_no_text() {
    let latin = |log: &Log| {
        let text: Vec<u8> = String::from_utf8_lossy(&log.text).replace("partner", "p\u{1}rtner").into_bytes();
        let text = text.into_iter().map(|byte| if byte == 1 { 0xE9 } else { byte }).collect();
        Log { host: log.host.clone(), name: log.name.clone(), text }
    };
    let logs: Vec<Log> = LONG.iter().map(latin).collect();
    let expected = at_once(&logs);
    assert!(expected.journeys.contains("p\u{fffd}rtner"));
    let place = Place::new();
    for log in &logs {
        let half = line_end(&log.text, log.text.len() / 2);
        place.import(&[place.file(&log.host, "mail.log", &log.text[half..])]);
        let imported = place.import(&[place.file(&log.host, "mail.log.1", &log.text[..half])]);
        assert_eq!(imported.rebuilt, [log.host.as_str()]);
    }
    place.rows().assert_same(&expected, "halves, the newer first");
}
