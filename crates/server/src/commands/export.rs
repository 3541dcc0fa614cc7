//! `vigie export`: all rows of a kind, for other programs.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use vigie_engine::export::{self, Dataset as Rows};
use vigie_model::Micros;

use super::files;
use crate::{
    cli::{Dataset, Format},
    output::Outcome,
};

pub fn run(data: &Path, dataset: Dataset, format: Format, file: Option<&Path>) -> anyhow::Result<Outcome> {
    let store = files::existing_store(data)?;
    let rows = match dataset {
        Dataset::Journeys => Rows::Journeys,
        Dataset::Deliveries => Rows::Deliveries,
        Dataset::Hops => Rows::Hops,
        Dataset::Rejections => Rows::Rejections,
    };
    let mut out: Box<dyn Write> = match file {
        Some(path) => Box::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = BufWriter::with_capacity(1 << 16, &mut out);
    match format {
        Format::Jsonl => export::export(&store, rows, Micros::MIN / 4, Micros::MAX / 4, &mut out)?,
    };
    Ok(Outcome::Done)
}
