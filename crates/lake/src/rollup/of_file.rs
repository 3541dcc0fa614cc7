//! The roll-up of one data file, from its columns.

use std::fs::File;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use vigie_model::Micros;

use super::shape::Rollup;
use super::{QUARTER, Tally};
use crate::ask::{ints, view_schema};
use crate::data_file::DataFile;
use crate::delta::FileSet;
use crate::{LakeError, Table};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 32_768;

pub(super) fn rollup_of(set: &FileSet, file: &DataFile) -> Result<Rollup, LakeError> {
    let path = set.dir.join(&file.path);
    let damaged = |e| LakeError::damaged(&path, e);
    let opened = File::open(&path).map_err(|e| LakeError::file("open", &path, e))?;
    let options = ArrowReaderOptions::new().with_schema(view_schema(&set.table.schema()));
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(opened, options).map_err(damaged)?;
    let columns: &[&str] = match set.table {
        Table::Rejections => &Tally::OF_REJECTIONS,
        _ => &[&Tally::OF_DELIVERIES[..], &["seq", "size"]].concat(),
    };
    let wanted = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let batches = builder.with_projection(wanted).with_batch_size(BATCH_ROWS).build().map_err(damaged)?;
    let mut tally = Tally::default();
    for batch in batches {
        let batch = batch.map_err(|e| LakeError::damaged(&path, e))?;
        if set.table == Table::Rejections {
            tally.add_rejections(&batch, quarter)?;
        } else {
            let begins: Vec<bool> = ints(&batch, "seq")?.values().iter().map(|&seq| seq == 0).collect();
            tally.add_deliveries(&batch, &begins, quarter)?;
        }
    }
    Ok(tally.finish())
}

fn quarter(ts: Micros) -> Option<i64> {
    Some(ts.div_euclid(QUARTER))
}
