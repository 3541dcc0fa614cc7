//! Table `rejections`: refusals before the queue.
//!
//! Addresses stand in lower case, so that a search finds them by bloom filter; as written only where that differs.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::Rejection;

use super::{Fact, domain_of, folded};
use crate::columns::{Columns, Reader};

impl Fact for Rejection {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let senders: Vec<_> = rows.iter().map(|r| folded(&r.sender)).collect();
        let recipients: Vec<_> = rows.iter().map(|r| folded(&r.recipient)).collect();
        let rows = || rows.iter().copied();
        let mut columns = Columns::default();
        columns.times("ts", rows().map(|r| r.ts));
        columns.texts("server", rows().map(|r| &*r.server));
        columns.texts("instance", rows().map(|r| &*r.instance));
        columns.queue_ids("queue_id", rows().map(|r| r.queue_id.as_ref()));
        columns.texts("stage", rows().map(|r| &*r.stage));
        columns.texts("client_name", rows().map(|r| &*r.client_name));
        columns.texts("client_ip", rows().map(|r| &*r.client_ip));
        columns.texts("helo", rows().map(|r| &*r.helo));
        columns.texts("sender", senders.iter().map(|s| &**s));
        columns.texts_or_null(
            "sender_as_written",
            rows().zip(&senders).map(|(r, s)| (*r.sender != **s).then_some(&*r.sender)),
        );
        columns.texts("sender_domain", senders.iter().map(|s| domain_of(s)));
        columns.texts("recipient", recipients.iter().map(|s| &**s));
        columns.texts_or_null(
            "recipient_as_written",
            rows().zip(&recipients).map(|(r, s)| (*r.recipient != **s).then_some(&*r.recipient)),
        );
        columns.texts("recipient_domain", recipients.iter().map(|s| domain_of(s)));
        columns.ints("code", rows().map(|r| i64::from(r.code)));
        columns.texts("dsn", rows().map(|r| &*r.dsn));
        columns.texts("reason", rows().map(|r| &*r.reason));
        columns.texts("text", rows().map(|r| &*r.text));
        columns.finish()
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (ts, server, instance) = (columns.times("ts")?, columns.texts("server")?, columns.texts("instance")?);
        let (queue_id, stage) = (columns.texts("queue_id")?, columns.texts("stage")?);
        let (client_name, client_ip) = (columns.texts("client_name")?, columns.texts("client_ip")?);
        let (helo, sender, recipient) = (columns.texts("helo")?, columns.texts("sender")?, columns.texts("recipient")?);
        let sender_as_written = columns.texts("sender_as_written")?;
        let recipient_as_written = columns.texts("recipient_as_written")?;
        let (code, dsn) = (columns.ints("code")?, columns.texts("dsn")?);
        let (reason, text) = (columns.texts("reason")?, columns.texts("text")?);
        let row = |i| Rejection {
            ts: ts[i],
            server: server.text(i),
            instance: instance.text(i),
            queue_id: queue_id.queue_id(i),
            stage: stage.text(i),
            client_name: client_name.text(i),
            client_ip: client_ip.text(i),
            helo: helo.text(i),
            sender: sender_as_written.some(i).unwrap_or(sender.at(i)).into(),
            recipient: recipient_as_written.some(i).unwrap_or(recipient.at(i)).into(),
            code: code.at(i) as u16,
            dsn: dsn.text(i),
            reason: reason.text(i),
            text: text.text(i),
        };
        Ok((0..batch.num_rows()).map(row).collect())
    }
}
