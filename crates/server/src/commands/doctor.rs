//! `vigie doctor`: what is wrong, and what to do.

use std::path::Path;

use crate::{cli::OutputOptions, output::Outcome};

pub fn run(_output: &OutputOptions, _data: &Path) -> anyhow::Result<Outcome> {
    Ok(Outcome::Done)
}
