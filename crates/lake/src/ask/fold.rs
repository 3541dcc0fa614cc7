//! Adding up rows as they come, a thread for each stream.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::error::DataFusionError;
use futures::StreamExt;
use vigie_query::Filter;

use super::compile::is_about_messages;
use super::dataset::Dataset;
use crate::{LakeError, Snapshot};

/// Something that rows are added to, and that adds up with others of its kind.
pub(crate) trait Fold: Send + 'static {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError>;
    fn merge(&mut self, other: Self);
}

impl Snapshot {
    /// Adds the columns of all chosen rows to folds made by `make`, one for each thread, and these to one another.
    pub(crate) fn fold<F: Fold>(
        &self,
        filter: &Filter,
        columns: &[&str],
        make: impl Fn() -> F,
    ) -> Result<F, LakeError> {
        let (dataset, files) = self.asked(filter)?;
        let engine = &self.inner.engine;
        let rows = engine.chosen(files, dataset, filter)?;
        self.inner.wait(async {
            let streams = engine.streams(rows, columns).await.map_err(LakeError::query)?;
            let tasks: Vec<_> = streams
                .into_iter()
                .map(|mut stream| {
                    let mut fold = make();
                    tokio::spawn(async move {
                        while let Some(batch) = stream.next().await {
                            fold.add(&batch.map_err(LakeError::query)?)?;
                        }
                        Ok::<F, LakeError>(fold)
                    })
                })
                .collect();
            let mut sum = make();
            for task in tasks {
                sum.merge(task.await.map_err(LakeError::query)??);
            }
            Ok(sum)
        })
    }
}

/// Tells where one message ends and the next begins.
///
/// The rows of a message are neighbours in one file, and a file is read by one stream, in order.
pub(crate) struct Messages {
    by: By,
    last: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// All rows of each message are chosen: the first has number 0. Cheap.
    Seq,
    /// Some rows may be missing: compare ids.
    Id,
    /// Refusals are no messages.
    None,
}

impl Messages {
    pub(crate) fn new(dataset: Dataset, filter: &Filter) -> Self {
        let by = match dataset {
            Dataset::Rejections => By::None,
            Dataset::Deliveries if is_about_messages(filter) => By::Seq,
            Dataset::Deliveries => By::Id,
        };
        Messages { by, last: String::new() }
    }

    /// The column that [`Messages::begins`] reads.
    pub(crate) fn columns(dataset: Dataset, filter: &Filter) -> &'static [&'static str] {
        match Messages::new(dataset, filter).by {
            By::Seq => &["seq", "size"],
            By::Id => &["journey_id", "size"],
            By::None => &[],
        }
    }

    /// Refusals are no messages.
    pub(crate) fn are_counted(&self) -> bool {
        self.by != By::None
    }

    /// For each row, does a message begin there?
    pub(crate) fn begins(&mut self, batch: &RecordBatch) -> Result<Vec<bool>, LakeError> {
        match self.by {
            By::None => Ok(vec![false; batch.num_rows()]),
            By::Seq => Ok(ints(batch, "seq")?.values().iter().map(|&seq| seq == 0).collect()),
            By::Id => {
                let ids = texts(batch, "journey_id")?;
                let begins = (0..ids.len()).map(|row| {
                    let last = if row == 0 { self.last.as_str() } else { ids.value(row - 1) };
                    ids.value(row) != last
                });
                let begins = begins.collect();
                if !ids.is_empty() {
                    self.last.clear();
                    self.last.push_str(ids.value(ids.len() - 1));
                }
                Ok(begins)
            }
        }
    }
}

pub(crate) fn ints<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array, LakeError> {
    batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>()).ok_or_else(|| unexpected(name))
}

pub(crate) fn times<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a TimestampMicrosecondArray, LakeError> {
    let column = batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
    column.ok_or_else(|| unexpected(name))
}

pub(crate) fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringViewArray, LakeError> {
    batch.column_by_name(name).and_then(|c| c.as_string_view_opt()).ok_or_else(|| unexpected(name))
}

/// Bytes of the message, where it has a size.
pub(crate) fn size_at(sizes: Option<&Int64Array>, row: usize) -> u64 {
    sizes.filter(|sizes| sizes.is_valid(row)).map_or(0, |sizes| sizes.value(row) as u64)
}

fn unexpected(name: &str) -> LakeError {
    LakeError::query(Arc::new(DataFusionError::Internal(format!("column {name} is missing or has another type"))))
}
