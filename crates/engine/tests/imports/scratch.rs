//! Scratch.
use crate::store::{Place, SHORT};
#[test]
fn scratch() {
    let place = Place::new();
    let mut sources = Vec::new();
    for log in SHORT.iter().filter(|log| log.host == "edge1") {
        for level in [".log", ".info"] {
            sources.push(place.file(&log.host, &log.name.replace(".log", level), &log.text));
        }
    }
    let imported = place.import(&sources);
    println!("{} new, {} dup", imported.lines, imported.report.duplicates);
    let mut stored: Vec<String> = place.store.lake.snapshot().unwrap().lines_of("edge1", i64::MIN/4, i64::MAX/4).unwrap().map(|l| l.unwrap().text.to_string()).collect();
    stored.sort();
    let mut all: Vec<String> = SHORT.iter().find(|l| l.host == "edge1").unwrap().text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    all.sort();
    println!("{} stored of {}", stored.len(), all.len());
    let mut s = stored.iter().peekable();
    for line in &all { if s.peek() == Some(&line) { s.next(); } else { println!("LOST {line}"); } }
    let text = SHORT.iter().find(|l| l.host == "edge1").unwrap();
    for (n, l) in text.text.split(|b| *b == b'\n').enumerate() { let l = String::from_utf8_lossy(l); if l.contains("043ED9F2458") { println!("{n} {l}"); } }
}
