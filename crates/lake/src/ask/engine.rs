//! The query engine: one DataFusion session for all questions, with footers kept in memory.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream_partitioned};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, ident};
use vigie_query::Filter;

use super::compile;
use super::dataset::Dataset;
use super::provider::FactProvider;
use crate::delta::FileSet;
use crate::{LakeError, Snapshot};

/// A file smaller than this is read by one thread.
const PARTED_FILE_BYTES_MIN: usize = 1 << 20;

/// What all questions of a lake share.
pub(crate) struct Engine {
    /// For totals: the rows of a file stay in one stream.
    context: SessionContext,
    /// For search: parts of a file are read by several threads.
    search_context: SessionContext,
}

impl Engine {
    pub(crate) fn new() -> Self {
        let mut config = SessionConfig::new().with_target_partitions(threads());
        let options = config.options_mut();
        // Off by default, and worth 1.6 to 29 times.
        options.execution.parquet.pushdown_filters = true;
        // Rows of one message must come one after the other in one stream: totals are counted so.
        options.optimizer.repartition_file_scans = false;
        options.optimizer.enable_round_robin_repartition = false;
        let context = SessionContext::new_with_config(config.clone());
        let options = config.options_mut();
        options.optimizer.repartition_file_scans = true;
        options.optimizer.repartition_file_min_size = PARTED_FILE_BYTES_MIN;
        // One runtime: footers are kept once.
        let search_context = SessionContext::new_with_config_rt(config, context.runtime_env());
        Engine { context, search_context }
    }

    /// The rows that a filter chooses, those of a message one after the other.
    pub(crate) fn chosen(&self, files: &FileSet, dataset: Dataset, filter: &Filter) -> Result<DataFrame, LakeError> {
        chosen(&self.context, files, dataset, filter)
    }

    /// The rows that a filter chooses, in any order.
    pub(crate) fn chosen_for_search(
        &self,
        files: &FileSet,
        dataset: Dataset,
        filter: &Filter,
    ) -> Result<DataFrame, LakeError> {
        chosen(&self.search_context, files, dataset, filter)
    }

    /// One stream for each core; rows of one file stay in one stream, in their order.
    pub(crate) async fn streams(
        &self,
        rows: DataFrame,
        columns: &[&str],
    ) -> Result<Vec<SendableRecordBatchStream>, DataFusionError> {
        let columns: Vec<Expr> = columns.iter().map(|column| ident(*column)).collect();
        let plan: Arc<dyn ExecutionPlan> = rows.select(columns)?.create_physical_plan().await?;
        execute_stream_partitioned(plan, self.context.task_ctx())
    }

    pub(crate) async fn collect(&self, rows: DataFrame) -> Result<Vec<RecordBatch>, DataFusionError> {
        rows.collect().await
    }
}

/// Threads that a question may use.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Snapshot {
    /// The table that a filter is about, and its files.
    pub(crate) fn asked(&self, filter: &Filter) -> Result<(Dataset, &FileSet), LakeError> {
        let dataset = Dataset::of(filter)?;
        Ok((dataset, self.files(dataset.table())))
    }
}

fn chosen(
    context: &SessionContext,
    files: &FileSet,
    dataset: Dataset,
    filter: &Filter,
) -> Result<DataFrame, LakeError> {
    let provider = FactProvider::new(files, filter.period.from, filter.period.until);
    let period = provider.period_to_check(filter.period.from, filter.period.until);
    let scan = LogicalPlanBuilder::scan(files.table.name(), provider_as_source(Arc::new(provider)), None);
    let plan = scan.and_then(LogicalPlanBuilder::build).map_err(LakeError::query)?;
    let mut rows = DataFrame::new(context.state(), plan);
    for condition in compile::conditions(dataset, period, filter)? {
        rows = rows.filter(condition).map_err(LakeError::query)?;
    }
    Ok(rows)
}
