//! Rows of a commit, put into the order of their table and split by day.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{LexicographicalComparator, SortColumn, concat_batches, take_record_batch};
use arrow::error::ArrowError;
use vigie_model::day_of;

use crate::Table;
use crate::columns::Reader;
use crate::data_file::ROW_GROUP_ROWS;

/// Rows of a table in its order. Nothing is copied before it is handed out, and nothing at all where they came in order.
pub(crate) struct Ordered {
    table: Table,
    batches: Vec<RecordBatch>,
    /// Which rows of the one batch, in which order; one batch after the other, as they stand, when `None`.
    order: Option<Vec<u32>>,
}

/// Rows of one day, in order.
pub(crate) struct DayRows {
    pub(crate) day: i32,
    stretches: Vec<Stretch>,
}

/// Neighbours in a batch, by their places in the order.
struct Stretch {
    batch: usize,
    places: Range<usize>,
}

impl Ordered {
    /// Rows that compare equal keep their order.
    pub(crate) fn new(table: Table, batches: Vec<RecordBatch>) -> Result<Self, ArrowError> {
        if are_in_order(table, &batches)? {
            return Ok(Ordered { table, batches, order: None });
        }
        let batch = match batches.as_slice() {
            [one] => one.clone(),
            many => concat_batches(&table.schema(), many)?,
        };
        let comparator = LexicographicalComparator::try_new(&sort_columns(table, &batch)?)?;
        let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
        // Stable, and quick on what several sources give: stretches that are in order.
        order.sort_by(|&a, &b| comparator.compare(a as usize, b as usize));
        Ok(Ordered { table, batches: vec![batch], order: Some(order) })
    }

    /// Rows that are known to be in order.
    pub(crate) fn as_they_stand(table: Table, batches: Vec<RecordBatch>) -> Self {
        Ordered { table, batches, order: None }
    }

    /// All rows in order, in batches of moderate size.
    pub(crate) fn into_batches(self) -> Result<Vec<RecordBatch>, ArrowError> {
        if self.order.is_none() {
            return Ok(self.batches);
        }
        let all = Stretch { batch: 0, places: 0..self.batches[0].num_rows() };
        self.pieces_of(&all).collect()
    }

    /// The rows of each day.
    pub(crate) fn days(&self) -> Result<Vec<DayRows>, ArrowError> {
        let mut days: BTreeMap<i32, Vec<Stretch>> = BTreeMap::new();
        for (at, batch) in self.batches.iter().enumerate() {
            let times = Reader::new(batch).times(self.table.spec().start)?;
            let day_at = |place: usize| day_of(times[self.order.as_ref().map_or(place, |order| order[place] as usize)]);
            let mut begin = 0;
            while begin < times.len() {
                let day = day_at(begin);
                let end = (begin..times.len()).find(|&place| day_at(place) != day).unwrap_or(times.len());
                days.entry(day).or_default().push(Stretch { batch: at, places: begin..end });
                begin = end;
            }
        }
        Ok(days.into_iter().map(|(day, stretches)| DayRows { day, stretches }).collect())
    }

    /// The rows of a day, in pieces: only a piece is ever in memory twice.
    pub(crate) fn pieces<'a>(
        &'a self,
        day: &'a DayRows,
    ) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + use<'a> {
        day.stretches.iter().flat_map(|stretch| self.pieces_of(stretch))
    }

    fn pieces_of(&self, stretch: &Stretch) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + use<'_> {
        let (batch, end) = (&self.batches[stretch.batch], stretch.places.end);
        stretch.places.clone().step_by(ROW_GROUP_ROWS).map(move |start| {
            let places = start..end.min(start + ROW_GROUP_ROWS);
            match &self.order {
                None => Ok(batch.slice(start, places.len())),
                Some(order) => take_record_batch(batch, &UInt32Array::from(order[places].to_vec())),
            }
        })
    }
}

/// Is each row in its place already, as what one source gives usually is?
pub(crate) fn are_in_order(table: Table, batches: &[RecordBatch]) -> Result<bool, ArrowError> {
    for batch in batches {
        let comparator = LexicographicalComparator::try_new(&sort_columns(table, batch)?)?;
        if (1..batch.num_rows()).any(|row| comparator.compare(row - 1, row).is_gt()) {
            return Ok(false);
        }
    }
    // Where two batches meet: the last row of one and the first of the other as a batch of their own.
    for pair in batches.windows(2) {
        let ends = [pair[0].slice(pair[0].num_rows().saturating_sub(1), 1), pair[1].slice(0, 1)];
        let ends = concat_batches(&table.schema(), &ends)?;
        let comparator = LexicographicalComparator::try_new(&sort_columns(table, &ends)?)?;
        if comparator.compare(0, 1).is_gt() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn sort_columns(table: Table, batch: &RecordBatch) -> Result<Vec<SortColumn>, ArrowError> {
    let column = |name: &&str| {
        let values = batch.column_by_name(name).cloned();
        let values = values.ok_or_else(|| ArrowError::SchemaError(format!("column {name} is missing")))?;
        Ok(SortColumn { values, options: None })
    };
    table.spec().sort.iter().map(column).collect()
}
