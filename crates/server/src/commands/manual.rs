//! Help that is written out: the filter language, completions, man pages.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use crate::{
    cli::Cli,
    output::{Outcome, table},
};

pub fn filter() -> anyhow::Result<Outcome> {
    let rows = vigie_query::fields().iter().map(|field| {
        let value = match field.kind {
            vigie_query::Kind::Words(words) => words.iter().map(|word| word.name).collect::<Vec<_>>().join(", "),
            kind => kind.noun().to_owned(),
        };
        vec![field.name.to_owned(), field.aliases.join(", "), value, field.doc.to_owned()]
    });
    table(&["field", "also", "value", "meaning"], rows.collect())?;
    let periods = vigie_query::periods().iter().map(|period| vec![period.example.to_owned(), period.doc.to_owned()]);
    table(&["period", "meaning"], periods.collect())?;
    Ok(Outcome::Done)
}

pub fn completions(shell: clap_complete::Shell) -> anyhow::Result<Outcome> {
    clap_complete::generate(shell, &mut Cli::command(), "vigie", &mut std::io::stdout());
    Ok(Outcome::Done)
}

pub fn man(folder: &Path) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    clap_mangen::generate_to(Cli::command(), folder)
        .with_context(|| format!("cannot write man pages to {}", folder.display()))?;
    Ok(Outcome::Done)
}
