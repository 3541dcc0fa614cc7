//! Targets that read log lines.

use jiff::tz::TimeZone;
use vigie_correlator::{Facts, Host, link};
use vigie_formats::{
    Record,
    calendar::{Calendar, RollScan, scan_rolls},
    dovecot as store,
    envelope::{Envelope, Scratch, Stamp, parse},
    filter as verdicts, postfix, read, refusal, shape, subject,
};
use vigie_model::{Hop, MICROS_PER_SECOND, Micros, Verdicts};

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n')
}

/// One line: whatever it is, its envelope has a time that exists.
pub fn envelope(bytes: &[u8]) {
    let mut scratch = Scratch::default();
    for line in lines(bytes) {
        let Some(envelope) = parse(line, &mut scratch) else { continue };
        assert!(envelope.repeated >= 1);
        if let Stamp::Local { month, day, micros_of_day, .. } = envelope.stamp {
            assert!((1..=12).contains(&month) && (1..=31).contains(&day));
            assert!((0..86_401 * MICROS_PER_SECOND).contains(&micros_of_day));
        }
    }
}

/// A log's times: scanned in pieces of any size, placed in several zones.
pub fn calendar(bytes: &[u8]) {
    let mut scan = RollScan::default();
    scan_rolls(bytes, &mut scan);
    let (anchor, bytes) = bytes.split_at(bytes.len().min(8));
    let anchor = anchor.iter().fold(0i64, |value, &byte| value << 8 | i64::from(byte));
    for zone in ["UTC", "Europe/Paris", "Australia/Lord_Howe", "America/St_Johns"] {
        let zone = TimeZone::get(zone).expect("a zone of the bundled database");
        let year = scan.first_year(anchor, &zone);
        let mut calendar = Calendar::new(zone, year.unwrap_or(2026));
        let mut scratch = Scratch::default();
        for line in lines(bytes) {
            if let Some(envelope) = parse(line, &mut scratch) {
                calendar.resolve(&envelope.stamp);
            }
        }
    }
}

/// One whole line, and all that is made of its texts.
pub fn line(bytes: &[u8]) {
    let mut scratch = Scratch::default();
    for line in lines(bytes) {
        let Some(envelope) = parse(line, &mut scratch) else { continue };
        let record = read(&envelope);
        assert!(!(record.is_understood() && record.is_unknown()));
        if let Some(id) = record.queue_id() {
            assert!(!id.as_str().is_empty());
        }
        assert!(shape(envelope.text).len() < 200);
        match &record {
            Record::Postfix(_, postfix::Record::Refused(refused)) => drop(refusal::reason(refused.text)),
            Record::Postfix(_, postfix::Record::Header(header)) => drop(subject::readable(header.value)),
            _ => {}
        }
    }
}

/// Dovecot's grammar on text that need not be Dovecot's: the first line is the tag, the rest the payload.
pub fn dovecot(bytes: &[u8]) {
    let payload = payload(bytes);
    let (tag, text) =
        payload.iter().position(|&byte| byte == b'\n').map_or((&b"dovecot"[..], payload), |at| payload.split_at(at));
    store::is_dovecot(tag);
    store::session_id(text);
    for tag in [tag, b"dovecot", b"lmtp(user)<1><S:T2:R3>"] {
        if let store::Record::Stored(stored) = store::parse(tag, text) {
            stored.action.outcome();
        }
    }
}

/// The filters' grammars on any payload, each under its own name.
pub fn filter(bytes: &[u8]) {
    let text = payload(bytes);
    for program in verdicts::PROGRAMS {
        let program = program.as_bytes();
        let envelope = Envelope { stamp: Stamp::None, host: b"", program, pid: 0, text, repeated: 1 };
        let Record::Filter(verdict) = read(&envelope) else { continue };
        let said = verdict.text();
        assert!(verdict.requeued_as.len() <= text.len() && said.len() <= text.len() + 100);
        let mut all = Verdicts::default();
        all.add(&String::from_utf8_lossy(&said));
        assert_eq!(Verdicts::read(&all.text()), all);
    }
}

/// What stands after the header of a line, where it has one.
fn payload(bytes: &[u8]) -> &[u8] {
    let colon = bytes.windows(3).position(|part| part == b"]: ");
    colon.map_or(bytes, |at| &bytes[at + 3..])
}

/// Lines of one host: read, with the state saved and restored on the way, and linked. Times are the lines' own, within a
/// century, which is what is promised to the correlator.
pub fn host(bytes: &[u8]) {
    const CENTURY: std::ops::Range<Micros> = 946_684_800 * MICROS_PER_SECOND..4_102_444_800 * MICROS_PER_SECOND;
    let mut calendar = Calendar::new(TimeZone::UTC, 2026);
    let mut scratch = Scratch::default();
    let (mut one, mut facts) = (Host::new("hub1"), Facts::default());
    let (mut two, mut restored) = (Host::new("hub1"), Facts::default());
    let mut ts = CENTURY.start;
    for (at, line) in lines(bytes).enumerate() {
        let Some(envelope) = parse(line, &mut scratch) else { continue };
        ts = calendar.resolve(&envelope.stamp).filter(|ts| CENTURY.contains(ts)).unwrap_or(ts);
        let record = read(&envelope);
        one.record(ts, &record, &mut facts);
        two.record(ts, &record, &mut restored);
        if at % 7 == 0 {
            two = Host::restore(&two.snapshot()).expect("its own state");
        }
    }
    let hops = |host: &Host, facts: Facts| {
        let mut hops: Vec<Hop> = facts.hops.into_iter().map(|hop| *hop).chain(host.open()).collect();
        hops.sort_by_cached_key(|hop| format!("{hop:?}"));
        hops
    };
    assert_eq!(facts.rejections, restored.rejections);
    let (facts, restored) = (hops(&one, facts), hops(&two, restored));
    assert_eq!(facts, restored, "the same after restoring");
    let count = facts.len();
    let journeys = link(facts);
    assert_eq!(journeys.iter().map(|journey| journey.steps.len()).sum::<usize>(), count, "every hop in one journey");
}
