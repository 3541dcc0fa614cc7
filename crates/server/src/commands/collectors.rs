//! `vigie collectors`: who may send.

use std::path::Path;

use vigie_shipping::{Enrolment, Token};

use crate::{
    cli::OutputOptions,
    collect::{self, roll},
    output::{Hint, Outcome},
};

/// Enrols a collector and prints what is to be typed on its machine.
pub fn add(output: &OutputOptions, data: &Path, name: &str, server: &str) -> anyhow::Result<Outcome> {
    let identity = collect::identity(data, None)?;
    let token =
        Token::generate().map_err(|error| Hint { message: error.to_string(), hint: error.hint().to_owned() })?;
    roll::add(&collect::folder(data), name, &token).map_err(with_hint)?;
    let word = Enrolment { token, pin: identity.pin() }.word();
    if output.json {
        println!("{}", serde_json::json!({ "name": name, "server": server, "word": word }));
        return Ok(Outcome::Done);
    }
    output.remark(format_args!("collector {name} is enrolled. On its machine, as root:\n"));
    println!("vigie-collector enrol {server} {word} --name {name}");
    output.remark(format_args!("\nThe word is a secret, and is shown only now."));
    Ok(Outcome::Done)
}

pub fn list(output: &OutputOptions, data: &Path) -> anyhow::Result<Outcome> {
    let collectors = roll::list(&collect::folder(data)).map_err(with_hint)?;
    for collector in &collectors {
        if output.json {
            println!("{}", serde_json::json!({ "name": collector.name, "since": collector.since }));
        } else {
            let since = jiff::Timestamp::from_second(collector.since).unwrap_or_default();
            println!("{:30} since {}", collector.name, since.strftime("%Y-%m-%d"));
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
