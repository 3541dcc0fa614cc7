//! Logs in OTLP (`ExportLogsServiceRequest`, opentelemetry-proto 1.x) to log lines, from protobuf and from JSON.
//!
//! Only what a line is made of is read; the rest is stepped over. A record whose body is a syslog line gives that line as it is; any
//! other becomes a line of journald's JSON, built from what the record and its resource say (`line.rs`). Every byte is hostile: nothing
//! panics, and memory is bounded by [`RECORDS_MAX`], [`LINES_BYTES_MAX`] and the body's own size.

mod json;
mod line;
mod names;
mod protobuf;

#[cfg(test)]
mod tests;

use xxhash_rust::xxh3::Xxh3;

use crate::envelope::Scratch;
use line::Record;
use names::Names;

/// Records of one batch. Senders take some thousands.
pub const RECORDS_MAX: usize = 100_000;
/// Lines made of one batch: names of its resource stand in each of them.
pub const LINES_BYTES_MAX: usize = 24 << 20;

/// What was made of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Log lines, each with its newline.
    pub lines: Vec<u8>,
    /// Records that gave a line.
    pub taken: u64,
    /// Records that gave none.
    pub rejected: u64,
    /// Why the first of those gave none.
    pub rejection: Option<Rejection>,
    /// xxh3-128 of the lines and of the times of their records, to the nanosecond: the same for a batch that is sent again, and for
    /// no other.
    pub hash: u128,
}

/// Why a record gives no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is nothing in it that could be a line.
    #[error("the body is no text and has no `MESSAGE`, `message` or `log`")]
    NoText,
    /// Neither the record nor its text says when it was.
    #[error("the record has no time, and its text names none")]
    NoTime,
}

/// Why a whole request gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtlpError {
    /// It is none.
    #[error("the body is no ExportLogsServiceRequest")]
    Damaged,
    /// More than [`RECORDS_MAX`].
    #[error("the request has more than {RECORDS_MAX} records")]
    Records,
    /// More than [`LINES_BYTES_MAX`].
    #[error("the request makes more than {LINES_BYTES_MAX} bytes of log lines")]
    Lines,
}

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

impl Batch {
    /// Reads a request. Built lines that name no host get `sender`'s.
    pub fn read(body: &[u8], encoding: Encoding, sender: &str) -> Result<Batch, OtlpError> {
        let mut gathering = Gathering::new(sender);
        match encoding {
            Encoding::Protobuf => protobuf::read(body, &mut gathering)?,
            Encoding::Json => json::read(body, &mut gathering)?,
        }
        Ok(gathering.finish())
    }
}

/// A batch while it is read.
struct Gathering<'s> {
    sender: &'s str,
    batch: Batch,
    hash: Xxh3,
    scratch: Scratch,
}

impl<'s> Gathering<'s> {
    fn new(sender: &'s str) -> Self {
        Gathering { sender, batch: Batch::default(), hash: Xxh3::new(), scratch: Scratch::default() }
    }

    fn add(&mut self, record: &Record<'_>, resource: &Names<'_>) -> Result<(), OtlpError> {
        let batch = &mut self.batch;
        if batch.taken + batch.rejected >= RECORDS_MAX as u64 {
            return Err(OtlpError::Records);
        }
        let from = batch.lines.len();
        if let Err(rejection) = record.line(resource, self.sender, &mut self.scratch, &mut batch.lines) {
            batch.rejected += 1;
            batch.rejection.get_or_insert(rejection);
            return Ok(());
        }
        batch.lines.push(b'\n');
        if batch.lines.len() > LINES_BYTES_MAX {
            return Err(OtlpError::Lines);
        }
        batch.taken += 1;
        self.hash.update(&record.time_ns.to_le_bytes());
        self.hash.update(&record.observed_ns.to_le_bytes());
        self.hash.update(&batch.lines[from..]);
        Ok(())
    }

    fn finish(self) -> Batch {
        Batch { hash: self.hash.digest128(), ..self.batch }
    }
}
