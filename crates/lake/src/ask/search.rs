//! Search: the newest rows that a filter chooses, page by page.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use arrow::error::ArrowError;
use datafusion::logical_expr::SortExpr;
use datafusion::prelude::ident;
use vigie_model::{Arrival, Direction, MailClass, Micros, Outcome, QueueId, Rejection, Text};
use vigie_query::Filter;

use super::cursor::Cursor;
use super::dataset::Dataset;
use crate::columns::Reader;
use crate::data_file::DataFile;
use crate::delta::FileSet;
use crate::rows::{Fact, word};
use crate::{LakeError, Snapshot};

/// Rows on a page at most.
const PAGE_ROWS_MAX: usize = 100_000;

/// A recipient of a message, as search finds it. Addresses of senders and users are in lower case; recipients are as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryRow {
    pub journey_id: Text,
    /// Place among the message's rows; 0 for the first.
    pub seq: u32,
    pub first_arrival: Micros,
    pub last_seen: Micros,
    /// Time of the last word on this recipient.
    pub ts: Micros,
    pub class: MailClass,
    pub arrival: Arrival,
    pub direction: Direction,
    pub closed: bool,
    pub sender: Text,
    /// Empty when the message has no recipient.
    pub recipient: Text,
    pub orig_recipient: Text,
    pub outcome: Outcome,
    pub dsn: Text,
    pub reply: Text,
    pub relay: Text,
    pub server: Text,
    pub queue_id: Option<QueueId>,
    pub first_server: Text,
    /// Servers of the path to this recipient, with spaces between.
    pub servers: Text,
    /// Queue ids of all hops of the message, with spaces between.
    pub queue_ids: Text,
    pub message_id: Text,
    pub subject: Text,
    pub size: Option<u64>,
    /// Recipients of the message.
    pub recipients: u64,
    pub delivery_ms: Option<u64>,
    pub attempts: u32,
    pub tls: bool,
    pub client_name: Text,
    pub client_ip: Text,
    pub helo: Text,
    pub user: Text,
    pub verdict: Text,
    pub hops: u32,
    pub notice_of: Text,
}

/// A page of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<DeliveryRow>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Cursor>,
}

/// In which order deliveries are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Newest,
    Oldest,
    /// Longest delivery time first; what has none comes last.
    Slowest,
    Largest,
}

/// A page of refusals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectionPage {
    pub rows: Vec<Rejection>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Cursor>,
}

impl Snapshot {
    /// The newest deliveries that a filter chooses: by first arrival, the rows of a message together and in their order.
    pub fn search(&self, filter: &Filter, limit: usize, cursor: Option<&Cursor>) -> Result<Page, LakeError> {
        let found = self.newest(Dataset::Deliveries, filter, &["journey_id", "seq"], limit, cursor)?;
        let mut rows = DeliveryRow::decode(&found).map_err(LakeError::query)?;
        let next = next_page(&mut rows, limit, cursor, |row| row.first_arrival);
        Ok(Page { rows, next })
    }

    /// Deliveries in another order than newest first. The whole choice is ordered anew for each page.
    pub fn search_by(
        &self,
        filter: &Filter,
        order: Order,
        limit: usize,
        cursor: Option<&Cursor>,
    ) -> Result<Page, LakeError> {
        if order == Order::Newest {
            return self.search(filter, limit, cursor);
        }
        let dataset = Dataset::Deliveries;
        if Dataset::of(filter)? == Dataset::Rejections {
            return Err(dataset.lacks("status rejected"));
        }
        let first = match order {
            Order::Newest | Order::Oldest => ident(dataset.time()).sort(true, false),
            Order::Slowest => ident("delivery_ms").sort(false, false),
            Order::Largest => ident("size").sort(false, false),
        };
        let by = [first, ident("journey_id").sort(true, true), ident("seq").sort(true, true)];
        let (skip, limit) = (cursor.map_or(0, |cursor| cursor.skip), limit.min(PAGE_ROWS_MAX));
        let engine = &self.inner.engine;
        let rows = engine.chosen(self.files(dataset.table()), dataset, filter)?;
        let rows =
            rows.sort(by.to_vec()).and_then(|rows| rows.limit(skip, Some(limit + 1))).map_err(LakeError::query)?;
        let batches = self.inner.wait(engine.collect(rows)).map_err(LakeError::query)?;
        let found = as_stored(dataset, &batches).map_err(LakeError::query)?;
        let mut rows = DeliveryRow::decode(&found).map_err(LakeError::query)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Ok(Page { rows, next: has_more.then_some(Cursor { ts: 0, skip: skip + limit }) })
    }

    /// The newest refusals that a filter chooses; it need not say `status:rejected`.
    pub fn search_rejections(
        &self,
        filter: &Filter,
        limit: usize,
        cursor: Option<&Cursor>,
    ) -> Result<RejectionPage, LakeError> {
        let order = ["server", "client_ip", "recipient", "sender", "text"];
        let found = self.newest(Dataset::Rejections, filter, &order, limit, cursor)?;
        let mut rows = Rejection::decode(&found).map_err(LakeError::query)?;
        let next = next_page(&mut rows, limit, cursor, |row| row.ts);
        Ok(RejectionPage { rows, next })
    }

    /// One row more than the page holds, if there is one.
    fn newest(
        &self,
        dataset: Dataset,
        filter: &Filter,
        then_by: &[&str],
        limit: usize,
        cursor: Option<&Cursor>,
    ) -> Result<RecordBatch, LakeError> {
        if dataset == Dataset::Deliveries && Dataset::of(filter)? == Dataset::Rejections {
            return Err(dataset.lacks("status rejected"));
        }
        let engine = &self.inner.engine;
        let mut filter = filter.clone();
        if let Some(cursor) = cursor {
            let end = cursor.ts.saturating_add(1);
            filter.period.until = Some(filter.period.until.map_or(end, |until| until.min(end)));
        }
        let wanted = limit.min(PAGE_ROWS_MAX).saturating_add(cursor.map_or(0, |cursor| cursor.skip)) + 1;
        let newest_first = std::iter::once(ident(dataset.time()).sort(false, false));
        let order: Vec<SortExpr> =
            newest_first.chain(then_by.iter().map(|column| ident(*column).sort(true, true))).collect();
        let files = self.files(dataset.table());
        let (mut found, mut batches) = (0, Vec::new());
        for window in Windows::new(files, &filter) {
            (filter.period.from, filter.period.until) = (Some(window.start), Some(window.end));
            let rows = engine.chosen_for_search(files, dataset, &filter)?;
            let rows = rows.sort(order.clone()).and_then(|rows| rows.limit(0, Some(wanted - found)));
            let newer = self.inner.wait(engine.collect(rows.map_err(LakeError::query)?)).map_err(LakeError::query)?;
            found += newer.iter().map(RecordBatch::num_rows).sum::<usize>();
            batches.extend(newer);
            if found >= wanted {
                break;
            }
        }
        as_stored(dataset, &batches).map_err(LakeError::query)
    }
}

/// Rows that the first window should hold.
const WINDOW_ROWS: u64 = 16_384;
/// How many times longer each window is than the one before.
const WINDOW_GROWTH: Micros = 8;

/// Stretches of time to search, the newest first and each longer than the one before, until enough is found.
///
/// The engine's own top-k reads a whole row group before it knows what to skip; this reads a few pages, and a rare word costs a few
/// queries more than one. Windows end where files do, if they can: then no row need be compared with a limit.
struct Windows {
    begin: Micros,
    end: Micros,
    next: Micros,
    /// Times that no file lies across, ascending.
    borders: Vec<Micros>,
    /// `end` is where files end.
    is_at_border: bool,
}

impl Windows {
    fn new(files: &FileSet, filter: &Filter) -> Self {
        let (from, until) = (filter.period.from, filter.period.until);
        let is_in = |file: &&DataFile| {
            from.is_none_or(|from| file.start_max >= from) && until.is_none_or(|until| file.start_min < until)
        };
        let files: Vec<&DataFile> = files.files.iter().filter(is_in).collect();
        let newest = files.iter().max_by_key(|file| file.start_max);
        let borders = borders(files.iter().map(|file| (file.start_min, file.start_max)).collect());
        let (Some(&first), Some(newest)) = (borders.first(), newest) else {
            return Windows { begin: 0, end: 0, next: 1, borders, is_at_border: true };
        };
        let last = newest.start_max.saturating_add(1);
        let micros_per_row = (newest.start_max - newest.start_min) / newest.rows.max(1) as i64 + 1;
        Windows {
            begin: from.map_or(first, |from| from.max(first)),
            end: until.map_or(last, |until| until.min(last)),
            next: micros_per_row.saturating_mul(WINDOW_ROWS as i64),
            borders,
            is_at_border: until.is_none_or(|until| until >= last),
        }
    }
}

/// Beginnings of files that no earlier file reaches.
fn borders(mut files: Vec<(Micros, Micros)>) -> Vec<Micros> {
    files.sort();
    let mut reached = None;
    let mut borders = Vec::new();
    for (start, end) in files {
        if reached.is_none_or(|reached| reached < start) {
            borders.push(start);
        }
        reached = reached.max(Some(end));
    }
    borders
}

impl Iterator for Windows {
    type Item = Range<Micros>;

    fn next(&mut self) -> Option<Range<Micros>> {
        if self.end <= self.begin {
            return None;
        }
        let start = self.end.saturating_sub(self.next).max(self.begin);
        let below_end = self.borders.partition_point(|&border| border < self.end);
        let from_start = self.borders.partition_point(|&border| border < start);
        let inside = &self.borders[from_start..below_end.max(from_start)];
        // A file that was begun is finished first; then whole files are taken.
        let border = if self.is_at_border { inside.first() } else { inside.last() };
        let window = border.copied().unwrap_or(start)..self.end;
        self.is_at_border = border.is_some();
        self.end = window.start;
        self.next = self.next.saturating_mul(WINDOW_GROWTH);
        Some(window)
    }
}

/// Takes away what the page before has shown, and the row that only tells that there is a next page.
fn next_page<T>(
    rows: &mut Vec<T>,
    limit: usize,
    cursor: Option<&Cursor>,
    time: impl Fn(&T) -> Micros,
) -> Option<Cursor> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let skip = cursor.map_or(0, |cursor| cursor.skip).min(rows.len());
    rows.drain(..skip);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let ts = rows.last().map(&time).filter(|_| has_more)?;
    let of_that_time = rows.iter().filter(|row| time(row) == ts).count();
    let before = cursor.filter(|cursor| cursor.ts == ts).map_or(0, |cursor| cursor.skip);
    Some(Cursor { ts, skip: before + of_that_time })
}

/// One batch, with text as the table has it.
fn as_stored(dataset: Dataset, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    let schema = dataset.table().schema();
    let stored = batches.iter().map(|batch| {
        let columns = schema.fields().iter().map(|field| {
            let column = batch.column_by_name(field.name());
            let column =
                column.ok_or_else(|| ArrowError::SchemaError(format!("column {} is missing", field.name())))?;
            cast(column, field.data_type())
        });
        RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, ArrowError>>()?)
    });
    let stored = stored.collect::<Result<Vec<_>, _>>()?;
    concat_batches(&Arc::clone(&schema), &stored)
}

impl DeliveryRow {
    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let text = |name: &str, row: usize| columns.texts(name).map(|texts| texts.text(row));
        let int = |name: &str, row: usize| columns.ints(name).map(|ints| ints.at(row));
        let amount = |name: &str, row: usize| columns.ints(name).map(|ints| ints.some(row).map(|n| n as u64));
        let time = |name: &str, row: usize| columns.times(name).map(|times| times[row]);
        let flag = |name: &str, row: usize| columns.flags(name).map(|flags| flags.value(row));
        let written = |name: &str, as_written: &str, row: usize| -> Result<Text, ArrowError> {
            let texts = columns.texts(as_written)?;
            texts.some(row).map_or_else(|| text(name, row), |written| Ok(written.into()))
        };
        (0..batch.num_rows())
            .map(|row| {
                let [class, arrival, direction, outcome] =
                    ["class", "arrival", "direction", "outcome"].map(|name| text(name, row));
                let (class, arrival, direction, outcome) = (class?, arrival?, direction?, outcome?);
                Ok(DeliveryRow {
                    journey_id: text("journey_id", row)?,
                    seq: int("seq", row)? as u32,
                    first_arrival: time("first_arrival", row)?,
                    last_seen: time("last_seen", row)?,
                    ts: time("ts", row)?,
                    class: word(MailClass::parse(&class), &class)?,
                    arrival: word(Arrival::parse(&arrival), &arrival)?,
                    direction: word(Direction::parse(&direction), &direction)?,
                    closed: flag("closed", row)?,
                    sender: text("sender", row)?,
                    recipient: written("recipient", "recipient_as_written", row)?,
                    orig_recipient: written("orig_recipient", "orig_recipient_as_written", row)?,
                    outcome: word(Outcome::parse(&outcome), &outcome)?,
                    dsn: text("dsn", row)?,
                    reply: text("reply", row)?,
                    relay: text("relay", row)?,
                    server: text("server", row)?,
                    queue_id: columns.texts("queue_id")?.queue_id(row),
                    first_server: text("first_server", row)?,
                    servers: text("servers", row)?,
                    queue_ids: text("queue_ids", row)?,
                    message_id: text("message_id", row)?,
                    subject: text("subject", row)?,
                    size: amount("size", row)?,
                    recipients: int("recipients", row)? as u64,
                    delivery_ms: amount("delivery_ms", row)?,
                    attempts: int("attempts", row)? as u32,
                    tls: flag("tls", row)?,
                    client_name: text("client_name", row)?,
                    client_ip: text("client_ip", row)?,
                    helo: text("helo", row)?,
                    user: text("user", row)?,
                    verdict: text("verdict", row)?,
                    hops: int("hops", row)? as u32,
                    notice_of: text("notice_of", row)?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_period_once_from_its_end() {
        let days: Vec<_> = (0..10).map(|day| (day * 1_000, day * 1_000 + 999)).collect();
        let windows = Windows { begin: 100, end: 10_000, next: 10, borders: borders(days), is_at_border: true };
        let windows: Vec<_> = windows.collect();
        // Two within the last day, the rest of it, then whole days.
        assert_eq!(windows, [9_990..10_000, 9_910..9_990, 9_270..9_910, 9_000..9_270, 1_000..9_000, 100..1_000]);
    }

    #[test]
    fn files_that_overlap_have_no_border_between() {
        assert_eq!(borders(vec![(50, 60), (0, 10), (5, 40), (41, 45), (58, 70)]), [0, 41, 50]);
    }
}
