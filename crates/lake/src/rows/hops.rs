//! Table `hops`: one message at one server. What keeps hops in order stands in columns, the whole hop in `packed`.
//!
//! A hop with its recipients has some fifty fields, two thirds of them in a list, which took a fifth of the time of an import to
//! write and to read back for nothing but linking. See `docs/decisions/0007-hops-are-packed.md`.

use std::borrow::Borrow;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use vigie_model::Hop;

use super::Fact;
use super::packed::{Packed, unpack};
use crate::columns::{Columns, Reader};

/// What a packed hop takes at most as a rule: this, and so much for each of its recipients.
const PACKED_BYTES: usize = 288;
const PACKED_RECIPIENT_BYTES: usize = 224;

/// Rows of these hops, in their order.
pub(crate) fn hop_rows<H: Borrow<Hop>>(hops: &[&H]) -> Result<RecordBatch, ArrowError> {
    Hop::encode(&hops.iter().map(|&hop| hop.borrow()).collect::<Vec<_>>())
}

impl Fact for Hop {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let bytes = rows.iter().map(|hop| PACKED_BYTES + hop.recipients.len() * PACKED_RECIPIENT_BYTES).sum();
        let mut packed = Packed::with_capacity(rows.len(), bytes);
        rows.iter().try_for_each(|hop| packed.push(Some(*hop)))?;
        let rows = || rows.iter().copied();
        let mut columns = Columns::default();
        columns.texts("server", rows().map(|r| &*r.server));
        columns.texts("instance", rows().map(|r| &*r.instance));
        columns.queue_ids("queue_id", rows().map(|r| r.queue_id.as_ref()));
        columns.times("ts_in", rows().map(|r| r.ts_in));
        columns.times("ts_out", rows().map(|r| r.ts_out));
        columns.push("packed", packed.finish()?, false);
        columns.finish()
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let packed = Reader::new(batch).bytes("packed")?;
        (0..batch.num_rows()).map(|row| unpack(packed.value(row))).collect()
    }
}
