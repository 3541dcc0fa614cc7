//! Logs that rotate and grow between imports.

use std::{fs::OpenOptions, io::Write};

use vigie_engine::intake::Source;
use vigie_testkit::{corpus::gzip, random::Random};

use crate::store::{LONG, LONG_ROWS, Place, SHORT, SHORT_ROWS, cuts, orders};

/// The older half rotated away, each host's files in any order.
#[test]
fn rotated_halves_in_any_order() {
    for (logs, expected) in [(&LONG, &LONG_ROWS), (&SHORT, &SHORT_ROWS)] {
        for newest_first in [false, true] {
            for at_once in [false, true] {
                let place = Place::new();
                let mut sources: Vec<Source> = Vec::new();
                for log in logs.iter() {
                    let cuts = cuts(&log.text, 2);
                    sources.push(place.file(&log.host, &format!("{}.1", log.name), &log.text[..cuts[1]]));
                    sources.push(place.file(&log.host, &log.name, &log.text[cuts[1]..]));
                }
                if newest_first {
                    sources.reverse();
                }
                if at_once {
                    place.import(&sources);
                } else {
                    sources.iter().for_each(|source| drop(place.import(std::slice::from_ref(source))));
                }
                place
                    .rows()
                    .assert_same(expected, &format!("halves, newest first: {newest_first}, at once: {at_once}"));
            }
        }
    }
}

/// Three pieces of one host's log, compressed or not, one import each, in all orders.
#[test]
fn three_rotated_pieces_one_by_one_in_all_orders() {
    for order in orders(3) {
        let place = Place::new();
        let others: Vec<Source> = LONG[1..].iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
        place.import(&others);
        let log = &LONG[0];
        let cuts = cuts(&log.text, 3);
        let piece = |at: usize| &log.text[cuts[at]..cuts[at + 1]];
        let pieces = [
            place.file(&log.host, "mail.log.2.gz", &gzip(piece(0))),
            place.file(&log.host, "mail.log.1", piece(1)),
            place.file(&log.host, "mail.log", piece(2)),
        ];
        order.iter().for_each(|&at| drop(place.import(&pieces[at..=at])));
        place.rows().assert_same(&LONG_ROWS, &format!("pieces {order:?}"));
    }
}

/// Every host's log grows by some bytes between imports, and ends in the middle of a line.
#[test]
fn a_file_that_grew() {
    for (logs, expected, seed) in [(&LONG, &LONG_ROWS, 1), (&SHORT, &SHORT_ROWS, 2)] {
        let mut random = Random::new(seed);
        let place = Place::new();
        let sources: Vec<Source> = logs.iter().map(|log| place.file(&log.host, &log.name, b"")).collect();
        let mut written = vec![0; logs.len()];
        while written.iter().zip(logs.iter()).any(|(written, log)| *written < log.text.len()) {
            for (at, log) in logs.iter().enumerate() {
                let until = (written[at] + random.below(log.text.len() / 3)).min(log.text.len());
                let mut file = OpenOptions::new().append(true).open(&sources[at].path).expect("the file");
                file.write_all(&log.text[written[at]..until]).expect("the file");
                written[at] = until;
            }
            place.import(&sources);
        }
        place.import(&sources);
        place.rows().assert_same(expected, "grown");
    }
}

/// It grows, is rotated and compressed, and a new one begins: as `logrotate` with an import now and then.
#[test]
fn a_file_that_grew_and_was_rotated() {
    let place = Place::new();
    let log = &LONG[1];
    let cuts = cuts(&log.text, 4);
    let import = |name: &str, bytes: &[u8]| drop(place.import(&[place.file(&log.host, name, bytes)]));
    import("mail.log", &log.text[..cuts[1]]);
    import("mail.log", &log.text[..cuts[2]]);
    import("mail.log.1", &log.text[..cuts[2]]);
    import("mail.log", &log.text[cuts[2]..cuts[3]]);
    import("mail.log.2.gz", &gzip(&log.text[..cuts[2]]));
    import("mail.log", &log.text[cuts[2]..]);
    let others = LONG.iter().filter(|other| other.host != log.host);
    place.import(&others.map(|other| place.file(&other.host, &other.name, &other.text)).collect::<Vec<_>>());
    place.rows().assert_same(&LONG_ROWS, "grown and rotated");
}

/// A log is imported in the middle of a second in which the same refusal is written several times.
#[test]
fn a_file_that_grew_amid_equal_lines() {
    let before = "Mar  2 09:59:58 edge1 postfix/smtpd[7]: connect from h[192.0.2.66]\n";
    let refusal = "Mar  2 10:00:00 edge1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from h[192.0.2.66]: 554 5.7.1 <x@example.org>: \
                   Relay access denied; from=<a@b.example> to=<x@example.org> proto=ESMTP helo=<h>\n";
    let place = Place::new();
    for (times, expected) in [(2, 2), (2, 2), (3, 3), (7, 7), (7, 7)] {
        let text = before.repeat(40) + &refusal.repeat(times);
        place.import(&[place.file("edge1", "mail.log", text.as_bytes())]);
        assert_eq!(place.rows().rejections.lines().count(), expected, "{times} times so far");
        assert_eq!(place.lines() as usize, 40 + expected);
    }
}
