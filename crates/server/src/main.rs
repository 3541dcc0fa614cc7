//! The program `vigie`: command line, pages, and the server behind them.

mod backup;
mod cli;
mod collect;
mod commands;
mod doctor;
mod monitoring;
mod output;
mod own_log;
mod pages;
mod stop;
mod syslog;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse_from(std::env::args_os().map(cli::minus_is_not));
    cli.output.apply();
    own_log::begin();
    match commands::run(&cli) {
        Ok(outcome) => outcome.into(),
        Err(error) => output::fail(&error),
    }
}
