//! Rows of a commit, put into the order of their table and split by day.

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{LexicographicalComparator, SortColumn, take_record_batch};
use arrow::error::ArrowError;
use vigie_model::day_of;

use crate::Table;
use crate::columns::Reader;
use crate::data_file::{ROW_GROUP_ROWS, time_bounds};

/// Rows of one day, in order; handed out in pieces, so that only a piece is in memory twice.
pub(crate) struct DayRows<'a> {
    pub(crate) day: i32,
    batch: &'a RecordBatch,
    /// Which rows, in which order; all as they stand when `None`.
    order: Option<Vec<u32>>,
}

impl DayRows<'_> {
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + '_ {
        let rows = self.order.as_ref().map_or(self.batch.num_rows(), Vec::len);
        (0..rows).step_by(ROW_GROUP_ROWS).map(move |start| {
            let len = ROW_GROUP_ROWS.min(rows - start);
            match &self.order {
                None => Ok(self.batch.slice(start, len)),
                Some(order) => {
                    let wanted = UInt32Array::from(order[start..start + len].to_vec());
                    take_record_batch(self.batch, &wanted)
                }
            }
        })
    }
}

/// The rows of each day, in the table's order. Rows that compare equal keep their order.
pub(crate) fn by_day(table: Table, batch: &RecordBatch) -> Result<Vec<DayRows<'_>>, ArrowError> {
    let Some((min, max)) = time_bounds(batch, table.spec().start) else { return Ok(Vec::new()) };
    let order = order_of(table, batch)?;
    if day_of(min) == day_of(max) {
        return Ok(vec![DayRows { day: day_of(min), batch, order }]);
    }
    let times = Reader::new(batch).times(table.spec().start)?;
    let rows = order.unwrap_or_else(|| (0..batch.num_rows() as u32).collect());
    let mut days: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for row in rows {
        days.entry(day_of(times[row as usize])).or_default().push(row);
    }
    Ok(days.into_iter().map(|(day, rows)| DayRows { day, batch, order: Some(rows) }).collect())
}

/// `None` when the rows are in order already, as lines of one server usually are.
fn order_of(table: Table, batch: &RecordBatch) -> Result<Option<Vec<u32>>, ArrowError> {
    let columns = table.spec().sort.iter().map(|name| {
        let values = batch.column_by_name(name).cloned();
        let values = values.ok_or_else(|| ArrowError::SchemaError(format!("column {name} is missing")))?;
        Ok(SortColumn { values, options: None })
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    let comparator = LexicographicalComparator::try_new(&columns)?;
    let rows = batch.num_rows();
    if (1..rows).all(|row| comparator.compare(row - 1, row).is_le()) {
        return Ok(None);
    }
    let mut order: Vec<u32> = (0..rows as u32).collect();
    // Stable, and quick on what several sources give: stretches that are in order.
    order.sort_by(|&a, &b| comparator.compare(a as usize, b as usize));
    Ok(Some(order))
}
