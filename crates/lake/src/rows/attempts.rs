//! Table `attempts`: tries that were not the last word.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::Attempt;

use super::Fact;
use crate::columns::{Columns, Reader};

impl Fact for Attempt {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let rows = || rows.iter().copied();
        let mut columns = Columns::default();
        columns.times("ts", rows().map(|r| r.ts));
        columns.texts("server", rows().map(|r| &*r.server));
        columns.texts("instance", rows().map(|r| &*r.instance));
        columns.queue_ids("queue_id", rows().map(|r| r.queue_id.as_ref()));
        columns.texts("recipient", rows().map(|r| &*r.recipient));
        columns.texts("relay", rows().map(|r| &*r.relay));
        columns.texts("dsn", rows().map(|r| &*r.dsn));
        columns.texts("reply", rows().map(|r| &*r.reply));
        columns.finish()
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (ts, server, instance) = (columns.times("ts")?, columns.texts("server")?, columns.texts("instance")?);
        let (queue_id, recipient) = (columns.texts("queue_id")?, columns.texts("recipient")?);
        let (relay, dsn, reply) = (columns.texts("relay")?, columns.texts("dsn")?, columns.texts("reply")?);
        let row = |i| Attempt {
            ts: ts[i],
            server: server.text(i),
            instance: instance.text(i),
            queue_id: queue_id.queue_id(i),
            recipient: recipient.text(i),
            relay: relay.text(i),
            dsn: dsn.text(i),
            reply: reply.text(i),
        };
        Ok((0..batch.num_rows()).map(row).collect())
    }
}
