//! A table of a snapshot for DataFusion: its files are known from the Delta log, newest first, pruned by period before they are touched.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::scalar::ScalarValue;
use object_store::ObjectMeta;
use object_store::path::Path;
use vigie_model::Micros;

use crate::Table;
use crate::data_file::DataFile;
use crate::delta::FileSet;

/// The files of a table that a question may touch.
#[derive(Debug)]
pub(crate) struct FactProvider {
    table: Table,
    schema: SchemaRef,
    /// Newest first.
    files: Vec<(String, DataFile)>,
}

impl FactProvider {
    pub(crate) fn new(set: &FileSet, from: Option<Micros>, until: Option<Micros>) -> Self {
        let is_in = |file: &&DataFile| {
            from.is_none_or(|from| file.start_max >= from) && until.is_none_or(|until| file.start_min < until)
        };
        let with_path = |file: &DataFile| (set.dir.join(&file.path).to_string_lossy().into_owned(), file.clone());
        let mut files: Vec<_> = set.files.iter().filter(is_in).map(with_path).collect();
        files.sort_by_key(|(_, file)| std::cmp::Reverse((file.start_max, file.start_min)));
        FactProvider { table: set.table, schema: view_schema(&set.table.schema()), files }
    }

    /// The limits that cut a file in two; rows of the other files need not be looked at for them.
    pub(crate) fn period_to_check(
        &self,
        from: Option<Micros>,
        until: Option<Micros>,
    ) -> (Option<Micros>, Option<Micros>) {
        let cuts_from = |from: &Micros| self.files.iter().any(|(_, file)| file.start_min < *from);
        let cuts_until = |until: &Micros| self.files.iter().any(|(_, file)| file.start_max >= *until);
        (from.filter(cuts_from), until.filter(cuts_until))
    }

    fn partitioned(&self, path: &str, file: &DataFile) -> Result<PartitionedFile> {
        let location = Path::from_absolute_path(path).map_err(|e| DataFusionError::External(Box::new(e)))?;
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_millis(file.modified_ms.max(0) as u64);
        let meta = ObjectMeta { location, last_modified: modified.into(), size: file.size, e_tag: None, version: None };
        Ok(PartitionedFile::new_from_meta(meta).with_statistics(Arc::new(self.statistics(file))))
    }

    /// Bounds of the time column: by these the top-k skips whole files.
    fn statistics(&self, file: &DataFile) -> Statistics {
        let spec = self.table.spec();
        let time = |ts: Micros| Precision::Inexact(ScalarValue::TimestampMicrosecond(Some(ts), Some("UTC".into())));
        let column = |field: &Arc<Field>| match field.name().as_str() {
            name if name == spec.start => ColumnStatistics::new_unknown()
                .with_min_value(time(file.start_min))
                .with_max_value(time(file.start_max))
                .with_null_count(Precision::Exact(0)),
            _ => ColumnStatistics::new_unknown(),
        };
        Statistics {
            num_rows: Precision::Exact(file.rows as usize),
            total_byte_size: Precision::Inexact(file.size as usize),
            column_statistics: self.schema.fields().iter().map(column).collect(),
        }
    }
}

/// Text is read as views: the bytes stay where Parquet's pages have them.
pub(crate) fn view_schema(schema: &SchemaRef) -> SchemaRef {
    let view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(view).collect::<Vec<_>>()))
}

#[async_trait]
impl TableProvider for FactProvider {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // The optimizer moves the filters of the plan into the Parquet source by itself.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let url = ObjectStoreUrl::local_filesystem();
        let store = state.runtime_env().object_store(&url)?;
        let footers = state.runtime_env().cache_manager.get_file_metadata_cache();
        let source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_pushdown_filters(true)
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, footers)));
        let threads = state.config().target_partitions();
        // Dealt out like cards, so that all threads are at the newest files together.
        let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); threads.min(self.files.len()).max(1)];
        let hands = groups.len();
        for (at, (path, file)) in self.files.iter().enumerate() {
            groups[at % hands].push(self.partitioned(path, file)?);
        }
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
