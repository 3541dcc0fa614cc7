//! The same lines in several files.

use vigie_engine::intake::Source;

use crate::store::{LONG, LONG_ROWS, Log, Place, SHORT, SHORT_ROWS, cuts, line_end};

/// Imports in this order, in one import or in several, and compares rows and stored lines.
fn check(files: &dyn Fn(&Place) -> Vec<Source>, expected: &crate::store::Rows, lines: u64, situation: &str) {
    for backwards in [false, true] {
        for at_once in [false, true] {
            let place = Place::new();
            let mut sources = files(&place);
            if backwards {
                sources.reverse();
            }
            if at_once {
                place.import(&sources);
            } else {
                sources.iter().for_each(|source| drop(place.import(std::slice::from_ref(source))));
            }
            let situation = format!("{situation}, backwards: {backwards}, at once: {at_once}");
            place.rows().assert_same(expected, &situation);
            assert_eq!(place.lines(), lines, "{situation}: every line once");
        }
    }
}

fn count(logs: &[Log]) -> u64 {
    logs.iter().map(|log| log.text.iter().filter(|&&byte| byte == b'\n').count() as u64).sum()
}

/// `mail.log` and `mail.info` hold the same lines, and `mail.warn` some of them.
#[test]
fn the_same_lines_by_priority() {
    for (logs, expected) in [(&LONG, &LONG_ROWS), (&SHORT, &SHORT_ROWS)] {
        let warnings = |log: &Log| -> Vec<u8> {
            let lines = log.text.split_inclusive(|&byte| byte == b'\n');
            lines
                .filter(|line| line.windows(8).any(|word| word == b"warning:" || word == b"removed\n"))
                .flatten()
                .copied()
                .collect()
        };
        let files = |place: &Place| {
            let of = |log: &Log| {
                let name = |level: &str| log.name.replace(".log", level);
                [
                    place.file(&log.host, &log.name, &log.text),
                    place.file(&log.host, &name(".info"), &log.text),
                    place.file(&log.host, &name(".warn"), &warnings(log)),
                ]
            };
            logs.iter().flat_map(of).collect()
        };
        check(&files, expected, count(logs), "by priority");
    }
}

/// Somebody copied the log while it was written, and again later.
#[test]
fn two_parts_that_overlap() {
    let files = |place: &Place| {
        let of = |log: &Log| {
            let (early, late) =
                (line_end(&log.text, log.text.len() * 3 / 5), line_end(&log.text, log.text.len() * 2 / 5));
            [
                place.file(&log.host, "mail-a.log", &log.text[..early]),
                place.file(&log.host, "mail-b.log", &log.text[late..]),
            ]
        };
        LONG.iter().flat_map(of).collect()
    };
    check(&files, &LONG_ROWS, count(&LONG), "two parts");
}

/// Many parts that overlap, without years in their times. (Equal lines of one second that no part holds all of cannot be told from
/// copies: with smaller parts, a `connect from` of the burst would be lost.)
#[test]
fn many_parts_that_overlap() {
    let files = |place: &Place| {
        let of = |log: &Log| -> Vec<Source> {
            let cuts = cuts(&log.text, 5);
            let part = |at: usize| &log.text[cuts[at]..cuts[(at + 3).min(5)]];
            (0..5).map(|at| place.file(&log.host, &format!("{}-{at}", log.name), part(at))).collect()
        };
        SHORT.iter().flat_map(of).collect()
    };
    check(&files, &SHORT_ROWS, count(&SHORT), "five parts");
}

/// Equal lines in one file are events of their own, also when the file is copied.
#[test]
fn equal_lines_in_one_file_are_kept() {
    let refusal = "Mar  2 10:00:00 edge1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from h[192.0.2.66]: 554 5.7.1 <x@example.org>: \
                   Relay access denied; from=<a@b.example> to=<x@example.org> proto=ESMTP helo=<h>\n";
    let place = Place::new();
    let three = place.file("edge1", "mail.log", refusal.repeat(3).as_bytes());
    let five = place.file("edge1", "mail.info", refusal.repeat(5).as_bytes());
    place.import(&[three]);
    assert_eq!((place.lines(), place.rows().rejections.lines().count()), (3, 3));
    place.import(&[five]);
    assert_eq!((place.lines(), place.rows().rejections.lines().count()), (5, 5), "two more than were known");
}
