//! Where lines come from, and how each source is: what is stored of it, and what it brought lately.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::Timestamp;
use vigie_engine::ingest::{Activity, Ingest, SourceActivity};
use vigie_lake::Snapshot;
use vigie_model::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use vigie_web::backend::{CollectorRow, Failure, SilentSource, SourceRow, SourceState, Sources};

use super::{coverage::Hours, failure, stored_span, timestamp};
use crate::collect::{self, Heard, roll};

/// A source that brought nothing for longer is shown no more.
const SHOWN_MICROS: Micros = 7 * MICROS_PER_DAY;
/// Clocks shake; a wrong zone is half an hour at least.
const AHEAD_MICROS: Micros = 60 * MICROS_PER_SECOND;
/// Collectors report every few seconds.
const AWAY_MICROS: Micros = 60 * MICROS_PER_SECOND;
/// Lines that come by chance, so many a second, leave a pause of fourteen times the mean once in a million pauses.
const PAUSES: i64 = 14;
/// Nobody is told of a pause that is shorter.
const SILENT_MICROS_MIN: Micros = 300 * MICROS_PER_SECOND;
/// After the start of the server collectors need a moment to come back.
const START_MICROS: Micros = 60 * MICROS_PER_SECOND;

/// What the answer is made of.
pub struct View<'a> {
    pub data: &'a Path,
    pub ingest: Option<&'a Ingest>,
    /// When the server began to take lines.
    pub taking_since: Micros,
    pub now: Micros,
}

/// What is stored of a source.
#[derive(Default)]
struct Stored {
    hours: Hours,
    /// Lines by hour, from 23 hours before this one on.
    day: [Option<u64>; 24],
    lines: u64,
    unknown: u64,
    servers: BTreeSet<String>,
    last_ts: Option<Micros>,
}

pub fn sources(view: &View<'_>, snapshot: &Snapshot) -> Result<Sources, Failure> {
    let heard = collect::heard(view.data);
    let enrolled: Vec<String> = roll::list(&collect::folder(view.data))
        .map(|roll| roll.into_iter().map(|one| one.name).collect())
        .unwrap_or_default();
    let activity = view.ingest.map(Ingest::activity).unwrap_or_default();
    let mut stored = stored(view, snapshot)?;
    for (name, _) in activity.iter() {
        stored.entry(name.to_string()).or_default();
    }
    let rows = stored.into_iter().map(|(name, stored)| row(view, &name, stored, &activity, &heard, &enrolled));
    let condition = view.ingest.map(Ingest::condition).unwrap_or_default();
    Ok(Sources {
        as_of: timestamp(view.now),
        stored: stored_span(snapshot),
        is_taking: view.ingest.is_some(),
        trouble: condition.trouble,
        waiting_bytes: condition.waiting_bytes as u64,
        recounting: condition.recounting.iter().map(ToString::to_string).collect(),
        rows: rows.collect(),
        collectors: collectors(view, &heard, &enrolled),
    })
}

/// Sources that should bring lines and do not.
pub fn silent(sources: &Sources) -> Vec<SilentSource> {
    let since = |row: &SourceRow| match row.state {
        SourceState::Silent { since } | SourceState::Away { since } => {
            Some(SilentSource { name: row.name.clone(), since })
        }
        SourceState::Live | SourceState::Ahead { .. } | SourceState::Ended => None,
    };
    sources.rows.iter().filter_map(since).collect()
}

fn stored(view: &View<'_>, snapshot: &Snapshot) -> Result<BTreeMap<String, Stored>, Failure> {
    let this_hour = view.now.div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR;
    let mut sources: BTreeMap<String, Stored> = BTreeMap::new();
    let rows = snapshot.coverage(view.now - SHOWN_MICROS, Micros::MAX).map_err(|error| failure(error, ""))?;
    for row in rows {
        let row = row.map_err(|error| failure(error, ""))?;
        if row.source.is_empty() {
            continue;
        }
        let source = sources.entry(row.source.to_string()).or_default();
        source.last_ts = source.last_ts.max(Some(row.last_ts));
        source.servers.insert(row.server.to_string());
        let age = (this_hour - row.hour).div_euclid(MICROS_PER_HOUR);
        if age < source.day.len() as i64 {
            // Lines that say they come from the future count to this hour.
            let place = &mut source.day[(23 - age).clamp(0, 23) as usize];
            *place = Some(place.unwrap_or(0) + row.lines);
            (source.lines, source.unknown) = (source.lines + row.lines, source.unknown + row.unknown);
            source.hours.add(&row);
        }
    }
    Ok(sources)
}

fn row(
    view: &View<'_>,
    name: &str,
    stored: Stored,
    activity: &Activity,
    heard: &[Heard],
    enrolled: &[String],
) -> SourceRow {
    let lately = activity.iter().find(|(known, _)| **known == *name).map(|(_, lately)| lately);
    let sender = name.split_once(':').map_or(name, |(sender, _)| sender);
    let heard = heard.iter().find(|heard| heard.name == sender);
    let ahead = heard.map(|heard| heard.clock_ahead_us);
    SourceRow {
        name: name.to_owned(),
        state: state(view, &stored, lately, heard, is_enrolled(sender, enrolled)),
        lines_per_second: view.ingest.map(|_| lately.map_or(0.0, |lately| lately.lines_per_second(view.now))),
        lines: stored.lines,
        unknown: stored.unknown,
        last_line: stored.last_ts.max(lately.map(|lately| lately.last_ts)).map(timestamp),
        lag_ms: lately.map(|lately| (lately.lag() + ahead.unwrap_or(0)) / 1_000),
        gaps: stored.hours.gaps().len() as u64,
        clock_ahead_ms: ahead.map(|ahead| ahead / 1_000),
        hours: stored.day.to_vec(),
        servers: stored.servers.into_iter().collect(),
    }
}

/// May this sender still send? The server's own listeners may, and shippers of batches by the name that they are enrolled with.
fn is_enrolled(sender: &str, enrolled: &[String]) -> bool {
    let name = sender.split('/').next().unwrap_or_default();
    sender.starts_with("server/") || enrolled.iter().any(|known| known == name)
}

fn state(
    view: &View<'_>,
    stored: &Stored,
    lately: Option<&SourceActivity>,
    heard: Option<&Heard>,
    is_enrolled: bool,
) -> SourceState {
    // A stored time is by the sender's clock, which may be ahead; an arrival is by ours.
    let last = lately.map_or(stored.last_ts.unwrap_or(0).min(view.now), |lately| lately.arrived_at);
    if view.ingest.is_none() || !(is_enrolled || lately.is_some()) {
        return SourceState::Ended;
    }
    if view.now - view.taking_since < START_MICROS {
        return SourceState::Live;
    }
    if let Some(heard) = heard.filter(|heard| view.now - heard.at_us > AWAY_MICROS) {
        return SourceState::Away { since: timestamp(heard.at_us) };
    }
    let ahead = lately.map_or(0, |lately| -lately.lag() - heard.map_or(0, |heard| heard.clock_ahead_us));
    if ahead > AHEAD_MICROS {
        return SourceState::Ahead { ms: ahead.unsigned_abs() / 1_000 };
    }
    let hours = stored.day.iter().flatten().count().max(1) as i64;
    let pause = hours * MICROS_PER_HOUR / stored.lines.max(1) as i64;
    if view.now - last > (PAUSES * pause).max(SILENT_MICROS_MIN) && stored.lines > 0 {
        return SourceState::Silent { since: timestamp(last) };
    }
    SourceState::Live
}

fn collectors(view: &View<'_>, heard: &[Heard], enrolled: &[String]) -> Vec<CollectorRow> {
    let row = |name: &String| {
        let heard = heard.iter().find(|heard| heard.name == *name);
        CollectorRow {
            name: name.clone(),
            host: heard.map(|heard| heard.host.clone()).filter(|host| !host.is_empty()),
            heard: heard.map(|heard| timestamp(heard.at_us)),
            is_away: heard.is_none_or(|heard| view.now - heard.at_us > AWAY_MICROS),
            backlog_bytes: heard.map_or(0, |heard| heard.backlog_bytes),
            losses: heard.map_or(0, |heard| heard.losses),
            lost_bytes: heard.map_or(0, |heard| heard.lost_bytes),
            clock_ahead_ms: heard.map(|heard| heard.clock_ahead_us / 1_000),
        }
    };
    enrolled.iter().map(row).collect()
}

/// This machine's clock.
pub fn now() -> Micros {
    Timestamp::now().as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = 1_800_000_000 * MICROS_PER_SECOND;

    fn view(ingest: &Ingest) -> View<'_> {
        View { data: Path::new("/nowhere"), ingest: Some(ingest), taking_since: NOW - MICROS_PER_HOUR, now: NOW }
    }

    /// So many lines in each of the last 24 hours, the last of them so many seconds ago.
    fn stored(lines: u64, seconds: i64) -> Stored {
        let day = [Some(lines / 24); 24];
        Stored { day, lines, last_ts: Some(NOW - seconds * MICROS_PER_SECOND), ..Stored::default() }
    }

    #[test]
    fn silence_is_told_by_what_is_usual() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = vigie_engine::import::Store::open(folder.path()).expect("a store");
        let ingest =
            Ingest::start(store, jiff::tz::TimeZone::UTC, "localhost".to_owned(), || ()).expect("an empty store");
        let view = view(&ingest);
        let heard = Heard { at_us: NOW - MICROS_PER_SECOND, ..Heard::default() };
        let told = |stored: Stored| state(&view, &stored, None, Some(&heard), true);
        // A busy server, and one with a line every two minutes.
        assert_eq!(told(stored(1_000_000, 200)), SourceState::Live);
        assert!(matches!(told(stored(1_000_000, 400)), SourceState::Silent { .. }));
        assert_eq!(told(stored(720, 1_500)), SourceState::Live);
        assert!(matches!(told(stored(720, 1_800)), SourceState::Silent { .. }));
        let away = Heard { at_us: NOW - 2 * AWAY_MICROS, ..Heard::default() };
        assert!(matches!(state(&view, &stored(720, 1), None, Some(&away), true), SourceState::Away { .. }));
        assert_eq!(state(&view, &stored(720, 90_000), None, Some(&heard), false), SourceState::Ended);
        let started = View { taking_since: NOW - MICROS_PER_SECOND, ..view };
        assert_eq!(state(&started, &stored(1_000_000, 400), None, Some(&away), true), SourceState::Live);
    }
}
