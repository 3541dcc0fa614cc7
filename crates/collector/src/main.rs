//! The program `vigie-collector`: follows the logs of a mail server and ships them to Vigie.

mod arguments;
mod config;
mod doctor;
mod enrol;
mod failure;
mod feeds;
mod log;
mod run;
mod status;
mod stop;

use std::process::ExitCode;

use arguments::Command;
use failure::Failure;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)).and_then(execute) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn execute(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Help => log::say(arguments::HELP),
        Command::Version => log::say(&format!("{}\n", config::program())),
        Command::Enrol(enrolment) => enrol::enrol(&enrolment)?,
        Command::Run { config, files } => return run::run(&config, files),
        Command::Milter { config, place } => return run::milter(&config, place),
        Command::Doctor { config } => return doctor::examine(&config),
        Command::Status { config } => return status::show(&config),
    }
    Ok(ExitCode::SUCCESS)
}
