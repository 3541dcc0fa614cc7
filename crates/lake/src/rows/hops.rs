//! Table `hops`: one message at one server. What tells hops apart and finds them stands in columns, the whole hop in `packed`.
//!
//! A hop with its recipients has some fifty fields, two thirds of them in a list, which took a fifth of the time of an import to
//! write and to read back for nothing but linking. See `docs/decisions/0007-hops-are-packed.md`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::{Hop, QueueId};

use super::Fact;
use crate::columns::{Columns, Reader};

/// First byte of a packed hop: which fields follow, in which order. It changes with [`Hop`].
const PACKED_VERSION: u8 = 1;
/// What a packed hop usually takes.
const PACKED_BYTES: usize = 320;

impl Fact for Hop {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let (packed, ends) = packed(rows)?;
        let rows = || rows.iter().copied();
        let mut columns = Columns::default();
        columns.texts("kind", rows().map(|r| r.kind.as_str()));
        columns.texts("server", rows().map(|r| &*r.server));
        columns.texts("instance", rows().map(|r| &*r.instance));
        columns.texts_or_null("queue_id", rows().map(|r| r.queue_id.as_ref().map(QueueId::as_str)));
        columns.times("ts_in", rows().map(|r| r.ts_in));
        columns.times("ts_out", rows().map(|r| r.ts_out));
        columns.flags("closed", rows().map(|r| r.closed));
        columns.flags("held", rows().map(|r| r.held));
        columns.texts("class", rows().map(|r| r.class.as_str()));
        columns.texts("arrival", rows().map(|r| r.arrival.as_str()));
        columns.texts("client_ip", rows().map(|r| &*r.client.ip));
        columns.texts("user", rows().map(|r| &*r.user));
        columns.texts("message_id", rows().map(|r| &*r.message_id));
        columns.texts("sender", rows().map(|r| &*r.sender));
        columns.ints_or_null("size", rows().map(|r| r.size.map(|size| size as i64)));
        columns.ints("recipients", rows().map(|r| r.recipients.len() as i64));
        let starts = std::iter::once(&0).chain(&ends);
        columns.bytes("packed", starts.zip(&ends).map(|(&start, &end)| &packed[start..end]));
        columns.finish()
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let packed = Reader::new(batch).bytes("packed")?;
        let unpack = |row: usize| {
            let hop = packed.value(row).split_first().filter(|(version, _)| **version == PACKED_VERSION);
            let hop = hop.and_then(|(_, bytes)| postcard::from_bytes(bytes).ok());
            hop.ok_or_else(|| ArrowError::ParseError("a hop of another version, or damaged".to_string()))
        };
        (0..batch.num_rows()).map(unpack).collect()
    }
}

/// The hops one after the other, and where each ends.
fn packed(rows: &[&Hop]) -> Result<(Vec<u8>, Vec<usize>), ArrowError> {
    let mut bytes = Vec::with_capacity(rows.len() * PACKED_BYTES);
    let mut ends = Vec::with_capacity(rows.len());
    for hop in rows {
        bytes.push(PACKED_VERSION);
        bytes = postcard::to_extend(hop, bytes).map_err(|e| ArrowError::ExternalError(Box::new(e)))?;
        ends.push(bytes.len());
    }
    Ok((bytes, ends))
}
