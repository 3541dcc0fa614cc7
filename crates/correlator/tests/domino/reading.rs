//! From a file of a Domino server to what it says, as an import does it.

use jiff::tz::TimeZone;
use vigie_formats::transcript::{HEAD_BYTES, Settings, recognise};
use vigie_model::Micros;
use vigie_testkit::{Reading, Story, TimedLine, timed};

/// What a transcriber wrote of a file, and what it said of it. Pieces have the given size.
pub fn transcribed(text: &[u8], settings: &Settings, piece_bytes: usize) -> Option<(Vec<u8>, Vec<String>)> {
    let mut transcriber = recognise(&text[..text.len().min(HEAD_BYTES)], settings)?;
    let mut out = Vec::new();
    text.chunks(piece_bytes.max(1)).for_each(|piece| transcriber.bytes(piece, &mut out));
    transcriber.finish(&mut out);
    Some((out, transcriber.remarks()))
}

pub fn settings(host: &str, modified: &str) -> Settings {
    let modified = if modified.is_empty() { 0 } else { micros(modified) };
    Settings { host: host.to_owned(), modified, ..Settings::default() }
}

pub fn micros(time: &str) -> Micros {
    vigie_model::parse_iso(time).expect("a time")
}

/// Lines of one server, from the text of one file.
pub fn lines(host: usize, text: &[u8], settings: &Settings, zone: &TimeZone) -> Vec<TimedLine> {
    let (text, _) = transcribed(text, settings, 4096).expect("a file of a Domino server");
    timed(host, &text, zone, settings.modified)
}

pub fn story(servers: &[&str], mut lines: Vec<TimedLine>) -> Story {
    lines.sort_by_key(|line| line.ts);
    let mut reading = Reading::of(servers);
    lines.iter().for_each(|line| reading.line(line));
    reading.story()
}

/// What the console of `hub1` says; times are UTC.
pub fn console(text: &str) -> Story {
    let settings = settings("hub1", "2026-12-31T00:00:00Z");
    story(&["hub1"], lines(0, text.as_bytes(), &settings, &TimeZone::UTC))
}

/// Console lines of 31 January 2026: each `10:00:00 text` with the time and the prefix of a Windows server.
pub fn day(short: &str) -> String {
    let line = |line: &str| {
        let (time, text) = line.split_once(' ').unwrap_or((line, ""));
        format!("[1D44:0658-0C6C] 01/31/2026 {time}   {text}\n")
    };
    short.lines().map(str::trim).filter(|short| !short.is_empty()).map(line).collect()
}
