//! `vigie export`: all rows of a kind, for other programs.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use vigie_engine::export::{self, Dataset as Rows};
use vigie_model::Micros;

use super::{coverage, files, question};
use crate::{
    cli::{Dataset, Format, OutputOptions},
    output::Outcome,
};

pub fn run(
    options: &OutputOptions,
    data: &Path,
    dataset: Dataset,
    format: Format,
    file: Option<&Path>,
) -> anyhow::Result<Outcome> {
    let store = files::existing_store(data)?;
    let rows = match dataset {
        Dataset::Journeys => Rows::Journeys,
        Dataset::Deliveries => Rows::Deliveries,
        Dataset::Hops => Rows::Hops,
        Dataset::Rejections => Rows::Rejections,
        Dataset::Coverage => Rows::Coverage,
    };
    let mut out: Box<dyn Write> = match file {
        Some(path) => Box::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = BufWriter::with_capacity(1 << 16, &mut out);
    match format {
        Format::Jsonl => export::export(&store, rows, Micros::MIN / 4, Micros::MAX / 4, &mut out)?,
    };
    let everything = question::filter(&[], &jiff::tz::TimeZone::UTC)?;
    coverage::state(options, &store.lake.snapshot()?, &everything)?;
    Ok(Outcome::Done)
}
