//! Chores of the repository that a shell script would do badly: `cargo xtask COMMAND`.
//!
//! One module per command; each brings its own usage line. Nothing here is part of a shipped program.

mod loggen;
mod tidy;

use std::process::ExitCode;

/// A command: its name, its usage and what it does with the arguments behind its name.
struct Command {
    name: &'static str,
    usage: &'static str,
    run: fn(&[String]) -> Result<(), String>,
}

const COMMANDS: &[Command] = &[
    Command { name: "tidy", usage: tidy::USAGE, run: tidy::run },
    Command { name: "loggen", usage: loggen::USAGE, run: loggen::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = arguments.first().map(String::as_str);
    let Some(command) = COMMANDS.iter().find(|command| Some(command.name) == wanted) else {
        eprintln!("usage:");
        for command in COMMANDS {
            eprintln!("  cargo xtask {}", command.usage);
        }
        return ExitCode::from(2);
    };
    match (command.run)(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask {}: {problem}", command.name);
            ExitCode::FAILURE
        }
    }
}
