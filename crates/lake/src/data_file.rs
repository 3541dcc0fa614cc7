//! A data file: what the Delta log says of it, and how one is written.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::{max_string, min_string};
use arrow::datatypes::TimestampMicrosecondType;
use deltalake_core::kernel::{Add, LogicalFileView, Remove};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use serde_json::{Value, json};
use vigie_model::{Micros, day_of, iso, iso_day, parse_iso};

use crate::{LakeError, Table};

/// Rows per row group: what a bloom filter covers and what a query skips.
pub(crate) const ROW_GROUP_ROWS: usize = 120_000;
/// The same for rows just come in, of which a row group holds fewer.
const APPENDED_ROW_GROUP_ROWS: usize = 32_768;
/// Rows per page: what is unpacked for one row that a search finds.
const PAGE_ROWS: usize = 8_192;
/// Bytes per page: few enough to be packed while they are still in the processor's cache.
const PAGE_BYTES: usize = 128 * 1024;
/// One lookup in a hundred reads a row group in vain; half of it would cost a seventh more space.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;
/// Delta's log may cut times in statistics to milliseconds.
const STATS_STEP: Micros = 1_000;

/// A data file of a table, as the Delta log has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DataFile {
    /// Relative to the table's folder.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) modified_ms: i64,
    pub(crate) rows: u64,
    pub(crate) day: i32,
    /// Bounds of the `start` column: no row begins outside of them.
    pub(crate) start_min: Micros,
    pub(crate) start_max: Micros,
    /// No row ends later.
    pub(crate) end_max: Micros,
    /// First and last server, where the table has that column.
    pub(crate) servers: Option<(String, String)>,
}

impl DataFile {
    pub(crate) fn from_log(table: Table, view: &LogicalFileView) -> Result<Self, LakeError> {
        let day = view.partition_values_map().remove("day").flatten();
        let (size, modified_ms) = (view.size() as u64, view.modification_time());
        Self::listed(table, view.path().to_string(), size, modified_ms, day, view.stats().as_deref())
    }

    /// As the log will have it once this is committed.
    pub(crate) fn from_add(table: Table, add: &Add) -> Result<Self, LakeError> {
        let day = add.partition_values.get("day").cloned().flatten();
        Self::listed(table, add.path.clone(), add.size as u64, add.modification_time, day, add.stats.as_deref())
    }

    fn listed(
        table: Table,
        path: String,
        size: u64,
        modified_ms: i64,
        day: Option<String>,
        stats: Option<&str>,
    ) -> Result<Self, LakeError> {
        let fail = |what: &str| LakeError::damaged(Path::new(&path), format!("its entry in the log has no {what}"));
        let stats: Value = stats.and_then(|stats| serde_json::from_str(stats).ok()).unwrap_or_default();
        let spec = table.spec();
        let time = |bounds: &str, column: &str| stats[bounds][column].as_str().and_then(parse_stats_time);
        let day = day.and_then(|day| parse_day(&day)).ok_or_else(|| fail("day"))?;
        let server = |bounds: &str| stats[bounds]["server"].as_str().map(str::to_string);
        Ok(DataFile {
            size,
            modified_ms,
            rows: stats["numRecords"].as_u64().ok_or_else(|| fail("row count"))?,
            day,
            start_min: time("minValues", spec.start).ok_or_else(|| fail("first time"))?,
            start_max: time("maxValues", spec.start).ok_or_else(|| fail("last time"))? + STATS_STEP - 1,
            end_max: time("maxValues", spec.end).ok_or_else(|| fail("last time"))? + STATS_STEP - 1,
            servers: if spec.has_server { server("minValues").zip(server("maxValues")) } else { None },
            path,
        })
    }

    pub(crate) fn add(&self, table: Table, is_new_data: IsNewData) -> Add {
        let spec = table.spec();
        let mut min = json!({ spec.start: iso(self.start_min) });
        let mut max = json!({ spec.start: iso(self.start_max), spec.end: iso(self.end_max) });
        if let Some((first, last)) = &self.servers {
            min["server"] = json!(first);
            max["server"] = json!(last);
        }
        let stats = json!({ "numRecords": self.rows, "minValues": min, "maxValues": max, "nullCount": {} });
        Add {
            path: self.path.clone(),
            partition_values: partition(self.day),
            size: self.size as i64,
            modification_time: self.modified_ms,
            data_change: is_new_data == IsNewData::Yes,
            stats: Some(stats.to_string()),
            ..Add::default()
        }
    }

    pub(crate) fn remove(&self, is_new_data: IsNewData) -> Remove {
        Remove {
            path: self.path.clone(),
            data_change: is_new_data == IsNewData::Yes,
            deletion_timestamp: Some(now_ms()),
            extended_file_metadata: Some(true),
            partition_values: Some(partition(self.day)),
            size: Some(self.size as i64),
            ..Remove::default()
        }
    }

    pub(crate) fn may_hold_server(&self, server: &str) -> bool {
        self.servers.as_ref().is_none_or(|(first, last)| (first.as_str()..=last.as_str()).contains(&server))
    }
}

/// Does a commit change what the table says, or only how it is stored?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsNewData {
    Yes,
    No,
}

fn partition(day: i32) -> HashMap<String, Option<String>> {
    HashMap::from([("day".to_string(), Some(iso_day(day)))])
}

fn parse_day(text: &str) -> Option<i32> {
    parse_iso(&format!("{text}T00:00:00Z")).map(day_of)
}

/// As we write it, or as a checkpoint gives it back: `2026-11-22T04:32:29.010+00:00`.
fn parse_stats_time(text: &str) -> Option<Micros> {
    match text.strip_suffix("+00:00") {
        Some(text) => parse_iso(&format!("{text}Z")),
        None => parse_iso(text),
    }
}

pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// How much work to put into a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For rows just come in: somebody waits.
    Append,
    /// For files that stay.
    Compact,
}

impl Effort {
    /// Rows per row group at most: what a bloom filter has room for while it is filled.
    fn row_group_rows(self) -> usize {
        match self {
            // Filled in memory, next to those of the other columns: it should stay in the processor's cache.
            Effort::Append => APPENDED_ROW_GROUP_ROWS,
            Effort::Compact => ROW_GROUP_ROWS,
        }
    }

    fn compression(self) -> Compression {
        match self {
            // Dictionaries make most columns small already; those that are not are named.
            Effort::Append => Compression::UNCOMPRESSED,
            Effort::Compact => zstd(3),
        }
    }
}

fn zstd(level: i32) -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default())
}

/// A data file being written. Dropped before [`PartWriter::finish`], it takes its file back; a killed process leaves an orphan that
/// vacuum removes.
pub(crate) struct PartWriter {
    table: Table,
    path: PathBuf,
    relative: String,
    day: i32,
    rows: u64,
    start: Option<(Micros, Micros)>,
    end_max: Micros,
    servers: Option<(String, String)>,
    writer: ArrowWriter<File>,
    unfinished: Unfinished,
}

/// A file that goes when this is dropped, unless it was finished: a full disk must not stay full of halves.
struct Unfinished {
    path: PathBuf,
    is_finished: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl PartWriter {
    /// A new file in the table's folder. `first` are the rows that it will begin with.
    pub(crate) fn create(
        table_dir: &Path,
        table: Table,
        day: i32,
        effort: Effort,
        first: &RecordBatch,
    ) -> Result<Self, LakeError> {
        let relative = format!("day={}/part-{}.parquet", iso_day(day), uuid::Uuid::new_v4());
        let path = table_dir.join(&relative);
        let folder = path.parent().unwrap_or(table_dir);
        std::fs::create_dir_all(folder).map_err(|e| LakeError::file("create the folder", folder, e))?;
        let file = File::create_new(&path).map_err(|e| LakeError::file("create", &path, e))?;
        let unfinished = Unfinished { path: path.clone(), is_finished: false };
        let writer = ArrowWriter::try_new(file, table.schema(), Some(properties(table, effort, first)))
            .map_err(|e| LakeError::write(&path, e))?;
        Ok(PartWriter {
            table,
            path,
            relative,
            day,
            rows: 0,
            start: None,
            end_max: Micros::MIN,
            servers: None,
            writer,
            unfinished,
        })
    }

    /// Rows of this file's day, in the table's order.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.note_bounds(batch);
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|e| LakeError::write(&self.path, e))
    }

    /// Ends the row group, and lets go of its memory.
    pub(crate) fn flush(&mut self) -> Result<(), LakeError> {
        self.writer.flush().map_err(|e| LakeError::write(&self.path, e))
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The file, safe on the disk. Its folder's entry is made safe by [`sync_folders`].
    pub(crate) fn finish(mut self) -> Result<DataFile, LakeError> {
        let file = self.writer.into_inner().map_err(|e| LakeError::write(&self.path, e))?;
        file.sync_all().map_err(|e| LakeError::file("save", &self.path, e))?;
        let size = file.metadata().map_err(|e| LakeError::file("read", &self.path, e))?.len();
        self.unfinished.is_finished = true;
        let (start_min, start_max) = self.start.unwrap_or((0, 0));
        Ok(DataFile {
            path: self.relative,
            size,
            modified_ms: now_ms(),
            rows: self.rows,
            day: self.day,
            start_min,
            start_max,
            end_max: self.end_max,
            servers: self.servers,
        })
    }

    fn note_bounds(&mut self, batch: &RecordBatch) {
        let spec = self.table.spec();
        if let Some((min, max)) = time_bounds(batch, spec.start) {
            let (low, high) = self.start.unwrap_or((min, max));
            self.start = Some((low.min(min), high.max(max)));
        }
        if let Some((_, max)) = time_bounds(batch, spec.end) {
            self.end_max = self.end_max.max(max);
        }
        let servers = batch.column_by_name("server").filter(|_| spec.has_server).and_then(|c| c.as_string_opt::<i32>());
        let is_sorted = spec.sort.first() == Some(&"server");
        if let Some((min, max)) = servers.and_then(|servers| text_bounds(servers, is_sorted)) {
            let (low, high) = self.servers.get_or_insert_with(|| (min.to_string(), max.to_string()));
            if min < low.as_str() {
                *low = min.to_string();
            }
            if max > high.as_str() {
                *high = max.to_string();
            }
        }
    }
}

fn text_bounds(texts: &StringArray, is_sorted: bool) -> Option<(&str, &str)> {
    if is_sorted {
        return Some((texts.value(0), texts.value(texts.len() - 1)));
    }
    min_string(texts).zip(max_string(texts))
}

/// Smallest and largest value of a time column.
pub(crate) fn time_bounds(batch: &RecordBatch, column: &str) -> Option<(Micros, Micros)> {
    let times = batch.column_by_name(column)?.as_primitive_opt::<TimestampMicrosecondType>()?.values();
    let first = *times.first()?;
    Some(times.iter().fold((first, first), |(min, max), &ts| (min.min(ts), max.max(ts))))
}

/// Makes the entries of new files in their folders safe on the disk.
pub(crate) fn sync_folders<'a>(table_dir: &Path, files: impl Iterator<Item = &'a DataFile>) -> Result<(), LakeError> {
    let mut folders: Vec<PathBuf> =
        files.filter_map(|f| table_dir.join(&f.path).parent().map(Path::to_path_buf)).collect();
    folders.push(table_dir.to_path_buf());
    folders.sort();
    folders.dedup();
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

pub(crate) fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| LakeError::file("save", folder, e))
}

fn properties(table: Table, effort: Effort, first: &RecordBatch) -> WriterProperties {
    let spec = table.spec();
    // No `sorting_columns`: Ballista 55 loses ORDER BY on files that declare their order.
    let mut properties = WriterProperties::builder()
        // Its pages are packed without being copied first. The encodings of the first version: those of the second are slower.
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_encoding(Encoding::PLAIN)
        .set_compression(effort.compression())
        .set_max_row_group_row_count(Some(effort.row_group_rows()))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by(concat!("vigie ", env!("CARGO_PKG_VERSION")).to_string());
    // Smallest and largest help only where the rows are sorted by it, and to compare every value takes time.
    for column in [spec.start, spec.end, "server"] {
        properties = properties.set_column_statistics_enabled(path_of(column), EnabledStatistics::Page);
    }
    // To look up nothing in a dictionary of nothing takes longer than to look up a text.
    for blank in blank_texts(first) {
        properties = properties.set_column_dictionary_enabled(blank, false);
    }
    let times = [spec.start, spec.end];
    let bloom = if effort == Effort::Append && !spec.has_appended_bloom { &[] } else { spec.bloom };
    for column in bloom {
        let path = path_of(column);
        properties = properties
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(path, effort.row_group_rows() as u64);
    }
    for column in spec.distinct.iter().chain(spec.noise).chain(&times).chain(&["offset"]) {
        properties = properties.set_column_dictionary_enabled(path_of(column), false);
    }
    // Noise does not shrink: trying costs more than it saves.
    for column in spec.noise {
        properties = properties.set_column_compression(path_of(column), Compression::UNCOMPRESSED);
    }
    for column in times.iter().chain(&["offset"]) {
        properties = properties.set_column_encoding(path_of(column), Encoding::DELTA_BINARY_PACKED);
    }
    if effort == Effort::Append {
        // A row group stays in memory until it is complete: it gets about a page of each column.
        properties = properties.set_max_row_group_bytes(Some(PAGE_BYTES * first.num_columns()));
        for column in spec.distinct.iter().filter(|column| !spec.names.contains(column)) {
            properties = properties.set_column_compression(path_of(column), Compression::SNAPPY);
        }
        for column in spec.constant {
            properties = properties
                .set_column_statistics_enabled(path_of(column), EnabledStatistics::None)
                .set_column_dictionary_enabled(path_of(column), false)
                .set_column_compression(path_of(column), Compression::SNAPPY);
        }
    } else {
        for column in spec.distinct {
            properties = properties.set_column_encoding(path_of(column), Encoding::DELTA_LENGTH_BYTE_ARRAY);
        }
    }
    properties.build()
}

fn path_of(column: &str) -> ColumnPath {
    ColumnPath::from(column)
}

/// Columns of texts in which no text has a letter.
fn blank_texts(rows: &RecordBatch) -> impl Iterator<Item = ColumnPath> {
    let is_blank = |texts: &StringArray| texts.value_offsets().first() == texts.value_offsets().last();
    let columns = rows.schema_ref().fields().iter().zip(rows.columns());
    let blank = columns.filter(move |(_, column)| column.as_string_opt::<i32>().is_some_and(is_blank));
    blank.map(|(field, _)| path_of(field.name()))
}

/// How long ago a file was written, for vacuum.
pub(crate) fn age(modified: SystemTime) -> std::time::Duration {
    SystemTime::now().duration_since(modified).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_statistics_are_read_in_both_shapes() {
        let ts = 1_795_321_949_010_000;
        assert_eq!(parse_stats_time(&iso(ts)), Some(ts));
        assert_eq!(parse_stats_time("2026-11-22T04:32:29.010+00:00"), Some(ts));
        assert_eq!(parse_stats_time("2026-11-22T04:32:29+00:00"), Some(ts - 10_000));
        assert_eq!(parse_stats_time("yesterday"), None);
    }
}
