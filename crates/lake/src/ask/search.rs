//! Search: the newest rows that a filter chooses, page by page.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use arrow::error::ArrowError;
use datafusion::logical_expr::SortExpr;
use datafusion::prelude::ident;
use vigie_model::{Arrival, Direction, MailClass, Micros, Outcome, QueueId, Rejection};
use vigie_query::Filter;

use super::cursor::Cursor;
use super::dataset::Dataset;
use crate::columns::Reader;
use crate::rows::{Fact, word};
use crate::{LakeError, Snapshot};

/// Rows on a page at most.
const PAGE_ROWS_MAX: usize = 100_000;

/// A recipient of a message, as search finds it. Addresses of senders and users are in lower case; recipients are as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryRow {
    pub journey_id: Box<str>,
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
    pub sender: Box<str>,
    /// Empty when the message has no recipient.
    pub recipient: Box<str>,
    pub orig_recipient: Box<str>,
    pub outcome: Outcome,
    pub dsn: Box<str>,
    pub reply: Box<str>,
    pub relay: Box<str>,
    pub server: Box<str>,
    pub queue_id: Option<QueueId>,
    pub first_server: Box<str>,
    /// Servers of the path to this recipient, with spaces between.
    pub servers: Box<str>,
    /// Queue ids of all hops of the message, with spaces between.
    pub queue_ids: Box<str>,
    pub message_id: Box<str>,
    pub subject: Box<str>,
    pub size: Option<u64>,
    /// Recipients of the message.
    pub recipients: u64,
    pub delivery_ms: Option<u64>,
    pub attempts: u32,
    pub tls: bool,
    pub client_name: Box<str>,
    pub client_ip: Box<str>,
    pub helo: Box<str>,
    pub user: Box<str>,
    pub verdict: Box<str>,
    pub hops: u32,
    pub notice_of: Box<str>,
}

/// A page of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<DeliveryRow>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Cursor>,
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
        let order: Vec<SortExpr> = newest_first.chain(then_by.iter().map(|column| ident(*column).sort(true, true))).collect();
        let rows = engine.chosen(self.files(dataset.table()), dataset, &filter)?;
        let rows = rows.sort(order).and_then(|rows| rows.limit(0, Some(wanted))).map_err(LakeError::query)?;
        let batches = self.inner.wait(engine.collect(rows)).map_err(LakeError::query)?;
        as_stored(dataset, &batches).map_err(LakeError::query)
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
            let column = column.ok_or_else(|| ArrowError::SchemaError(format!("column {} is missing", field.name())))?;
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
        let text = |name: &str, row: usize| columns.texts(name).map(|texts| texts.boxed(row));
        let int = |name: &str, row: usize| columns.ints(name).map(|ints| ints.at(row));
        let amount = |name: &str, row: usize| columns.ints(name).map(|ints| ints.some(row).map(|n| n as u64));
        let time = |name: &str, row: usize| columns.times(name).map(|times| times[row]);
        let flag = |name: &str, row: usize| columns.flags(name).map(|flags| flags.value(row));
        let written = |name: &str, as_written: &str, row: usize| -> Result<Box<str>, ArrowError> {
            let texts = columns.texts(as_written)?;
            texts.some(row).map_or_else(|| text(name, row), |written| Ok(written.into()))
        };
        (0..batch.num_rows())
            .map(|row| {
                let [class, arrival, direction, outcome] = ["class", "arrival", "direction", "outcome"].map(|name| text(name, row));
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
