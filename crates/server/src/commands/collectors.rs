//! `vigie collectors`: who may send.

use std::{io::Write, path::Path};

use indicatif::HumanBytes;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use vigie_shipping::{Enrolment, Token};

use crate::{
    cli::OutputOptions,
    collect::{self, Heard, roll},
    output::{Hint, Outcome},
};

/// Enrols a collector and prints what is to be typed on its machine; without a server, a shipper that sends OTLP.
pub fn add(output: &OutputOptions, data: &Path, name: &str, server: Option<&str>) -> anyhow::Result<Outcome> {
    let identity = collect::identity(data, None)?;
    let token =
        Token::generate().map_err(|error| Hint { message: error.to_string(), hint: error.hint().to_owned() })?;
    roll::add(&collect::folder(data), name, &token).map_err(with_hint)?;
    let Some(server) = server else { return added_shipper(output, name, &token) };
    let word = Enrolment { token, pin: identity.pin() }.word();
    if output.json {
        writeln!(std::io::stdout(), "{}", serde_json::json!({ "name": name, "server": server, "word": word }))?;
        return Ok(Outcome::Done);
    }
    output.remark(format_args!("collector {name} is enrolled. On its machine, as root:\n"));
    writeln!(std::io::stdout(), "vigie-collector enrol {server} {word} --name {name}")?;
    output.remark(format_args!("\nThe word is a secret, and is shown only now."));
    Ok(Outcome::Done)
}

/// Says what a shipper needs that speaks OTLP.
fn added_shipper(output: &OutputOptions, name: &str, token: &Token) -> anyhow::Result<Outcome> {
    let authorization = format!("Bearer {}", token.text());
    if output.json {
        writeln!(std::io::stdout(), "{}", serde_json::json!({ "name": name, "authorization": authorization }))?;
        return Ok(Outcome::Done);
    }
    output.remark(format_args!(
        "shipper {name} is enrolled. It sends OTLP logs over HTTP to /v1/logs with this header:\n"
    ));
    writeln!(std::io::stdout(), "Authorization: {authorization}")?;
    output.remark(format_args!("\nThe token is a secret, and is shown only now."));
    Ok(Outcome::Done)
}

/// Prints the server's own certificate.
pub fn certificate(data: &Path) -> anyhow::Result<Outcome> {
    write!(std::io::stdout(), "{}", collect::identity(data, None)?.chain_pem())?;
    Ok(Outcome::Done)
}

/// Not heard for so long, a collector that is well would have said so: it reports every few seconds.
const SILENT: SignedDuration = SignedDuration::from_secs(60);
/// A clock that is off by more makes times on pages wrong.
const CLOCK_OFF_US: u64 = 2_000_000;

/// A collector, as a program reads it.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    /// Seconds since 1970 UTC.
    enrolled: i64,
    #[serde(flatten)]
    heard: Option<HeardRow<'a>>,
}

/// [`Heard`], without the name.
#[derive(Serialize)]
struct HeardRow<'a> {
    host: &'a str,
    at_us: i64,
    clock_ahead_us: i64,
    backlog_bytes: u64,
    losses: u64,
    lost_bytes: u64,
}

impl<'a> From<&'a Heard> for HeardRow<'a> {
    fn from(heard: &'a Heard) -> Self {
        let Heard { host, at_us, clock_ahead_us, backlog_bytes, losses, lost_bytes, .. } = heard;
        let (at_us, clock_ahead_us) = (*at_us, *clock_ahead_us);
        HeardRow {
            host,
            at_us,
            clock_ahead_us,
            backlog_bytes: *backlog_bytes,
            losses: *losses,
            lost_bytes: *lost_bytes,
        }
    }
}

pub fn list(output: &OutputOptions, data: &Path) -> anyhow::Result<Outcome> {
    let collectors = roll::list(&collect::folder(data)).map_err(with_hint)?;
    let heard = collect::heard(data);
    let now = Timestamp::now();
    for collector in &collectors {
        let heard = heard.iter().find(|heard| heard.name == collector.name);
        if output.json {
            let row = Row { name: &collector.name, enrolled: collector.since, heard: heard.map(HeardRow::from) };
            writeln!(std::io::stdout(), "{}", serde_json::to_string(&row)?)?;
        } else {
            writeln!(std::io::stdout(), "{:30} {}", collector.name, told(heard, now))?;
        }
    }
    if collectors.is_empty() {
        output.remark(format_args!(
            "no collector is enrolled; to enrol one: vigie collectors add NAME --server HOST:PORT"
        ));
        return Ok(Outcome::NothingFound);
    }
    Ok(Outcome::Done)
}

/// How a collector is, in words: what is wrong first.
fn told(heard: Option<&Heard>, now: Timestamp) -> String {
    let Some(heard) = heard else { return "never heard".to_owned() };
    let at = Timestamp::from_microsecond(heard.at_us).unwrap_or_default();
    let silent = now.duration_since(at);
    let mut parts = Vec::new();
    if silent > SILENT {
        parts.push(format!("SILENT since {} UTC", at.strftime("%Y-%m-%d %H:%M:%S")));
    } else {
        parts.push(format!("heard {} s ago", silent.as_secs().max(0)));
    }
    if heard.losses > 0 {
        parts.push(format!("{} losses, {} known", heard.losses, HumanBytes(heard.lost_bytes)));
    }
    if heard.clock_ahead_us.unsigned_abs() > CLOCK_OFF_US {
        let way = if heard.clock_ahead_us > 0 { "ahead" } else { "behind" };
        parts.push(format!("its clock is {} s {way}", heard.clock_ahead_us.unsigned_abs() / 1_000_000));
    }
    parts.push(format!("{} wait there", HumanBytes(heard.backlog_bytes)));
    parts.join(", ")
}

pub fn remove(output: &OutputOptions, data: &Path, name: &str) -> anyhow::Result<Outcome> {
    roll::remove(&collect::folder(data), name).map_err(with_hint)?;
    output.remark(format_args!("{name} is refused from now on; what it sent stays"));
    Ok(Outcome::Done)
}

fn with_hint(error: roll::RollError) -> Hint {
    let mut message = error.to_string();
    if let Some(cause) = std::error::Error::source(&error) {
        message.push_str(&format!(": {cause}"));
    }
    Hint { message, hint: error.hint() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_collector_is_said() {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let heard = Heard { name: "mail1".into(), at_us: (1_800_000_000 - 3) * 1_000_000, ..Heard::default() };
        assert_eq!(told(Some(&heard), now), "heard 3 s ago, 0 B wait there");
        let heard = Heard {
            at_us: (1_800_000_000 - 3_600) * 1_000_000,
            clock_ahead_us: -7_200_000_000,
            losses: 1,
            lost_bytes: 2_048,
            backlog_bytes: 10,
            ..heard
        };
        assert_eq!(
            told(Some(&heard), now),
            "SILENT since 2027-01-15 07:00:00 UTC, 1 losses, 2.00 KiB known, its clock is 7200 s behind, 10 B wait there"
        );
        assert_eq!(told(None, now), "never heard");
    }
}
