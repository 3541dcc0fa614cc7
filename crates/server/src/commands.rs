//! The commands: one file each. Every command takes its arguments and says how it ended.

mod export;
mod files;
mod import;
mod manual;
mod stats;

use crate::{
    cli::{Cli, Command},
    output::Outcome,
};

pub fn run(cli: &Cli) -> anyhow::Result<Outcome> {
    let output = &cli.output;
    match &cli.command {
        Command::Import { store, zone, files } => import::run(output, &store.data, zone, files),
        Command::Export { store, dataset, format, output: file } => export::run(&store.data, *dataset, *format, file.as_deref()),
        Command::Stats { store, zone, memory, filter } => stats::run(output, &store.data, zone, memory, filter),
        Command::HelpFilter => manual::filter(),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { folder } => manual::man(folder),
        _ => anyhow::bail!("not yet"),
    }
}
