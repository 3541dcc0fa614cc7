//! Rows of a table read straight from its files: only the files, row groups and pages that can hold them.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, Scalar, StringArray};
use arrow::compute::and;
use arrow::compute::kernels::cmp;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::arrow::{ProjectionMask, parquet_column};
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use vigie_model::Micros;

use crate::LakeError;
use crate::columns::Reader;
use crate::data_file::DataFile;
use crate::delta::FileSet;
use crate::merge::{BATCH_ROWS, Batches, Merge, Source};
use crate::table::Spec;

/// Rows in order, read as needed: memory does not grow with their number.
pub struct Rows<T> {
    rows: Box<dyn Iterator<Item = Result<T, LakeError>> + Send>,
}

impl<T> Rows<T> {
    pub(crate) fn new(rows: impl Iterator<Item = Result<T, LakeError>> + Send + 'static) -> Self {
        Rows { rows: Box::new(rows) }
    }
}

impl<T> Iterator for Rows<T> {
    type Item = Result<T, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

/// Which rows, by time. Ends are not included.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Period {
    Always,
    /// `from <= start < until`
    Beginning(Micros, Micros),
    /// `start < until` and `end >= from`
    Overlapping(Micros, Micros),
}

impl Period {
    fn may_hold(self, start_min: Micros, start_max: Micros, end_max: Micros) -> bool {
        match self {
            Period::Always => true,
            Period::Beginning(from, until) => start_min < until && start_max >= from,
            Period::Overlapping(from, until) => start_min < until && end_max >= from,
        }
    }

    fn holds(self, start: Micros, end: Micros) -> bool {
        self.may_hold(start, start, end)
    }

    /// Does every row with these bounds lie in it?
    fn holds_all(self, file: &DataFile) -> bool {
        match self {
            Period::Always => true,
            Period::Beginning(from, until) => file.start_min >= from && file.start_max < until,
            Period::Overlapping(from, until) => file.start_min >= from && file.start_max < until,
        }
    }
}

/// What to read of a table.
#[derive(Clone)]
pub(crate) struct Scan {
    pub(crate) period: Period,
    /// Text columns and the value they must have.
    pub(crate) equal: Vec<(&'static str, String)>,
    /// All columns when `None`.
    pub(crate) columns: Option<&'static [&'static str]>,
    /// Order of the rows; must hold in each file for the rows that are read.
    pub(crate) keys: &'static [&'static str],
}

impl Scan {
    pub(crate) fn of(files: &FileSet, period: Period) -> Self {
        Scan { period, equal: Vec::new(), columns: None, keys: files.table.spec().sort }
    }

    pub(crate) fn equal(mut self, column: &'static str, value: &str) -> Self {
        self.equal.push((column, value.to_string()));
        self
    }

    /// Batches in order.
    pub(crate) fn batches(self, files: &FileSet) -> Merge {
        let spec = files.table.spec();
        let keys = self.keys;
        let sources = files.files.iter().filter(|file| self.may_be_in(file)).map(|file| {
            let (path, scan, file) = (files.dir.join(&file.path), self.clone(), file.clone());
            Source { start_min: file.start_min, open: Box::new(move || open(path, spec, &file, &scan)) }
        });
        Merge::new(sources.collect(), keys, spec.start)
    }

    /// Rows in order.
    pub(crate) fn rows<T: Send + 'static>(
        self,
        files: &FileSet,
        decode: fn(&RecordBatch) -> Result<Vec<T>, ArrowError>,
    ) -> Rows<T> {
        let dir = files.dir.clone();
        let decoded = self.batches(files).map(move |batch| decode(&batch?).map_err(|e| LakeError::damaged(&dir, e)));
        Rows::new(decoded.flat_map(|rows| match rows {
            Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>().into_iter(),
            Err(e) => vec![Err(e)].into_iter(),
        }))
    }

    /// By the log alone.
    pub(crate) fn may_be_in(&self, file: &DataFile) -> bool {
        let in_time = self.period.may_hold(file.start_min, file.start_max, file.end_max);
        in_time && self.equal.iter().all(|(column, value)| *column != "server" || file.may_hold_server(value))
    }
}

/// Opens a file for the rows of a scan.
fn open(path: PathBuf, spec: &'static Spec, data_file: &DataFile, scan: &Scan) -> Result<Batches, LakeError> {
    let damaged = |e| LakeError::damaged(&path, e);
    let file = File::open(&path).map_err(|e| LakeError::file("open", &path, e))?;
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = ArrowReaderMetadata::load(&file, options).map_err(damaged)?;
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_batch_size(BATCH_ROWS);
    let groups = row_groups(&mut builder, spec, scan).map_err(damaged)?;
    let schema = builder.parquet_schema();
    let wanted = scan.columns.map(|columns| ProjectionMask::columns(schema, columns.iter().copied()));
    let filter = row_filter(schema, spec, data_file, scan);
    let mut builder = builder.with_row_groups(groups);
    if let Some(wanted) = wanted {
        builder = builder.with_projection(wanted);
    }
    if let Some(filter) = filter {
        builder = builder.with_row_filter(filter);
    }
    let reader = builder.build().map_err(damaged)?;
    Ok(Box::new(reader.map(move |batch| batch.map_err(|e| LakeError::damaged(&path, e)))))
}

/// Row groups that the statistics and the bloom filters leave.
fn row_groups(
    builder: &mut ParquetRecordBatchReaderBuilder<File>,
    spec: &Spec,
    scan: &Scan,
) -> Result<Vec<usize>, parquet::errors::ParquetError> {
    let metadata = builder.metadata().clone();
    let column = |name: &str| parquet_column(builder.parquet_schema(), builder.schema(), name).map(|(at, _)| at);
    let (start, end) = (column(spec.start), column(spec.end));
    let equal: Vec<(usize, &str)> =
        scan.equal.iter().filter_map(|(name, value)| Some((column(name)?, value.as_str()))).collect();
    let mut kept = Vec::new();
    for (at, group) in metadata.row_groups().iter().enumerate() {
        if !in_period(group, start, end, scan.period) || !equal.iter().all(|(c, value)| in_bounds(group, *c, value)) {
            continue;
        }
        let mut is_possible = true;
        for (column, value) in &equal {
            if let Some(filter) = builder.get_row_group_column_bloom_filter(at, *column)? {
                is_possible &= filter.check(*value);
            }
        }
        if is_possible {
            kept.push(at);
        }
    }
    Ok(kept)
}

fn in_period(group: &RowGroupMetaData, start: Option<usize>, end: Option<usize>, period: Period) -> bool {
    let bounds = |column: Option<usize>| match group.column(column?).statistics()? {
        Statistics::Int64(values) => Some((*values.min_opt()?, *values.max_opt()?)),
        _ => None,
    };
    match (bounds(start), bounds(end)) {
        (Some((start_min, start_max)), Some((_, end_max))) => period.may_hold(start_min, start_max, end_max),
        _ => true,
    }
}

fn in_bounds(group: &RowGroupMetaData, column: usize, value: &str) -> bool {
    let Some(statistics) = group.column(column).statistics() else { return true };
    let above = statistics.min_bytes_opt().is_none_or(|min| value.as_bytes() >= min);
    above && statistics.max_bytes_opt().is_none_or(|max| value.as_bytes() <= max)
}

fn row_filter(
    schema: &parquet::schema::types::SchemaDescriptor,
    spec: &'static Spec,
    file: &DataFile,
    scan: &Scan,
) -> Option<RowFilter> {
    let (period, equal) = (scan.period, scan.equal.clone());
    let by_time = !period.holds_all(file);
    if !by_time && equal.is_empty() {
        return None;
    }
    let times = if by_time { vec![spec.start, spec.end] } else { Vec::new() };
    let columns = ProjectionMask::columns(schema, equal.iter().map(|(column, _)| *column).chain(times));
    let predicate = ArrowPredicateFn::new(columns, move |batch| {
        let mut chosen = BooleanArray::from(vec![true; batch.num_rows()]);
        if by_time {
            chosen = in_time(&batch, spec, period)?;
        }
        for (column, value) in &equal {
            chosen = and(&chosen, &equal_to(&batch, column, value)?)?;
        }
        Ok(chosen)
    });
    Some(RowFilter::new(vec![Box::new(predicate)]))
}

fn in_time(batch: &RecordBatch, spec: &Spec, period: Period) -> Result<BooleanArray, ArrowError> {
    let columns = Reader::new(batch);
    let (start, end) = (columns.times(spec.start)?, columns.times(spec.end)?);
    Ok(start.iter().zip(end).map(|(&start, &end)| Some(period.holds(start, end))).collect())
}

fn equal_to(batch: &RecordBatch, column: &str, value: &str) -> Result<BooleanArray, ArrowError> {
    let values = batch.column_by_name(column).and_then(|values| values.as_string_opt::<i32>());
    let values = values.ok_or_else(|| ArrowError::SchemaError(format!("column {column} is missing")))?;
    let same = cmp::eq(values, &Scalar::new(StringArray::from(vec![value])))?;
    // Unknown is not equal.
    Ok(if same.null_count() > 0 { same.iter().map(|same| Some(same == Some(true))).collect() } else { same })
}

/// All rows of one file, in its order.
pub(crate) fn whole_file(dir: &Path, spec: &'static Spec, file: &DataFile) -> Result<Batches, LakeError> {
    let scan = Scan { period: Period::Always, equal: Vec::new(), columns: None, keys: spec.sort };
    open(dir.join(&file.path), spec, file, &scan)
}

/// Some columns of the row groups of one file that may hold one of these values.
pub(crate) fn columns_of_file(
    dir: &Path,
    spec: &'static Spec,
    file: &DataFile,
    columns: &'static [&'static str],
) -> Result<Batches, LakeError> {
    let scan = Scan { period: Period::Always, equal: Vec::new(), columns: Some(columns), keys: spec.sort };
    open(dir.join(&file.path), spec, file, &scan)
}
