//! Scratch.
use crate::store::{Place, SHORT, cuts};
fn compare(place: &Place, what: &str) {
    for log in SHORT.iter() {
        let host = &*log.host;
        let mut stored: Vec<String> = place
            .store
            .lake
            .snapshot()
            .unwrap()
            .lines_of(host, i64::MIN / 4, i64::MAX / 4)
            .unwrap()
            .map(|l| l.unwrap().text.to_string())
            .collect();
        stored.sort();
        let mut all: Vec<String> = SHORT
            .iter()
            .filter(|l| l.host == host)
            .flat_map(|l| l.text.split(|b| *b == b'\n'))
            .filter(|l| !l.is_empty())
            .map(|l| String::from_utf8_lossy(l).into_owned())
            .collect();
        all.sort();
        println!("{what} {host}: {} stored of {}", stored.len(), all.len());
        let mut s = stored.iter().peekable();
        for line in &all {
            if s.peek() == Some(&line) {
                s.next();
            } else {
                println!("LOST {} {line}", all.iter().filter(|l| *l == line).count());
            }
        }
    }
}
#[test]
fn scratch() {
    let place = Place::new();
    let mut sources = Vec::new();
    for log in SHORT.iter() {
        let cuts = cuts(&log.text, 8);
        let part = |at: usize| &log.text[cuts[at]..cuts[(at + 2).min(8)]];
        for at in 0..8 {
            sources.push(place.file(&log.host, &format!("{}-{at}", log.name), part(at)));
        }
    }
    for s in &sources {
        let i = place.import(std::slice::from_ref(s));
        for (p, e) in i.report.problems() {
            println!("{p:?} {e}");
        }
        for f in &i.report.files {
            if f.unfinished_bytes > 0 {
                println!("unf {:?}", f.path);
            }
        }
    }
    compare(&place, "parts");
}
#[test]
fn scratch2() {
    let place = Place::new();
    let mut sources = Vec::new();
    for log in SHORT.iter() {
        let warnings: Vec<u8> = {
            let lines = log.text.split_inclusive(|&byte| byte == b'\n');
            lines
                .filter(|line| line.windows(8).any(|word| word == b"warning:" || word == b"removed\n"))
                .flatten()
                .copied()
                .collect()
        };
        for level in [".log", ".info"] {
            sources.push(place.file(&log.host, &log.name.replace(".log", level), &log.text));
        }
        sources.push(place.file(&log.host, &log.name.replace(".log", ".warn"), &warnings));
    }
    place.import(&sources);
    compare(&place, "warn");
}
