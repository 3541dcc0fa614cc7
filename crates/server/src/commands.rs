//! The commands: one file each. Every command takes its arguments and says how it ended.

mod backup;
mod collectors;
mod coverage;
mod doctor;
mod export;
mod files;
mod import;
mod manual;
mod question;
mod restore;
mod search;
mod serve;
mod stats;
mod trace;
mod try_it;
mod verify;

pub use files::existing_store;
use vigie_engine::intake::HostRule;
use vigie_formats::transcript::DateOrder;

use crate::{
    cli::{Cli, CollectorsAction, Command},
    output::Outcome,
};

pub fn run(cli: &Cli) -> anyhow::Result<Outcome> {
    let output = &cli.output;
    match &cli.command {
        Command::Import { store, zone, rename, dates, files } => {
            let reading = import::Reading {
                host_rule: if *rename { HostRule::File } else { HostRule::Line },
                dates: dates.map(DateOrder::from),
            };
            import::run(output, &store.data, zone, reading, files)
        }
        Command::Export { store, dataset, format, output: file } => {
            export::run(output, &store.data, *dataset, *format, file.as_deref())
        }
        Command::Stats { store, zone, memory, filter } => stats::run(output, &store.data, zone, memory, filter),
        Command::HelpFilter => manual::filter(),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { folder } => manual::man(folder),
        Command::Serve { store, zone, listen, intake } => serve::run(output, &store.data, zone, listen.listen, intake),
        Command::Collectors { store, action } => match action {
            CollectorsAction::Add { name, server, .. } => collectors::add(output, &store.data, name, server.as_deref()),
            CollectorsAction::Certificate => collectors::certificate(&store.data),
            CollectorsAction::List => collectors::list(output, &store.data),
            CollectorsAction::Remove { name } => collectors::remove(output, &store.data, name),
        },
        Command::Backup { store, target } => backup::run(output, &store.data, target),
        Command::Restore { store, source, check } => {
            let what = if *check { restore::What::Check } else { restore::What::Restore };
            restore::run(output, &store.data, source, what)
        }
        Command::Doctor { store } => doctor::run(output, &store.data),
        Command::Try { files, sample, data, zone, listen } => {
            try_it::run(output, files, *sample, data.as_deref(), zone, listen.listen)
        }
        Command::Search { store, zone, limit, filter } => search::run(output, &store.data, zone, *limit, filter),
        Command::Trace { store, zone, filter, limit } => trace::run(output, &store.data, zone, *limit, filter),
        Command::Verify { store, period } => verify::run(output, &store.data, period),
        Command::Coverage { store, zone, period } => coverage::run(output, &store.data, zone, period),
    }
}
