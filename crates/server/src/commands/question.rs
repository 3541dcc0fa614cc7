//! From the words of a command line to a filter.

use jiff::{Timestamp, tz::TimeZone};
use vigie_query::{Context, Filter};

use crate::output::Usage;

/// The filter that was typed; its problems with carets otherwise.
pub fn filter(words: &[String], zone: &TimeZone) -> anyhow::Result<Filter> {
    let text = words.join(" ");
    let context = Context { now: Timestamp::now(), zone: zone.clone() };
    vigie_query::parse(&text, &context).map_err(|problems| {
        let said: Vec<String> = problems.iter().map(|problem| vigie_query::render(problem, &text)).collect();
        Usage(format!("{}\nsee: vigie help-filter", said.join("\n"))).into()
    })
}

/// A question that the store cannot answer is a mistake of the person, too.
pub fn unanswerable(error: vigie_lake::LakeError) -> anyhow::Error {
    match error {
        vigie_lake::LakeError::Unanswerable { message, hint } => {
            Usage(format!("vigie: {message}\nhint: {hint}")).into()
        }
        error => error.into(),
    }
}

/// A time for people: in the zone, to the second.
pub fn clock(ts: vigie_model::Micros, zone: &TimeZone) -> String {
    let time = Timestamp::from_microsecond(ts).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A duration for people.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
        _ => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// Bytes for people, in powers of 1000 as in the filter language.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
