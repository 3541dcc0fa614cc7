//! The program `vigie`: command line, pages, and the server behind them.

mod cli;
mod collect;
mod commands;
mod output;
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
    let filter = tracing_subscriber::EnvFilter::try_from_env("VIGIE_LOG").unwrap_or_else(|_| "error,vigie=warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match commands::run(&cli) {
        Ok(outcome) => outcome.into(),
        Err(error) => output::fail(&error),
    }
}
