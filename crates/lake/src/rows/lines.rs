//! Table `lines`: the raw lines of the logs, written column by column without a block of memory per line.

use std::sync::Arc;

use arrow::array::{Array, Int64Builder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondBuilder};
use arrow::error::ArrowError;
use vigie_model::{Micros, QueueId};

use super::{Fact, word};
use crate::columns::{Columns, Reader};

/// Text at which a batch should be committed: Arrow's offsets end at 2 GiB, and memory should not come near.
const TEXT_BYTES_FULL: usize = 1 << 30;

/// What the parsers made of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineKind {
    #[default]
    Understood,
    /// Known, and of no interest.
    Ignored,
    Unknown,
}

impl LineKind {
    /// The word on disk and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            LineKind::Understood => "understood",
            LineKind::Ignored => "ignored",
            LineKind::Unknown => "unknown",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [LineKind::Understood, LineKind::Ignored, LineKind::Unknown].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A line on its way into a [`LineBatch`].
#[derive(Clone, Copy, Debug)]
pub struct LineRef<'a> {
    pub ts: Micros,
    pub server: &'a str,
    /// Path label of the file it came from.
    pub file: &'a str,
    /// Where it begins in that file, in bytes.
    pub offset: u64,
    pub program: &'a [u8],
    pub pid: Option<u32>,
    pub queue_id: Option<&'a QueueId>,
    /// The whole line; what is not UTF-8 is replaced.
    pub text: &'a [u8],
    pub kind: LineKind,
    /// Identity of the raw line.
    pub hash: i64,
}

/// A line read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub ts: Micros,
    pub server: Box<str>,
    pub file: Box<str>,
    pub offset: u64,
    pub program: Box<str>,
    pub pid: Option<u32>,
    pub queue_id: Option<QueueId>,
    pub text: Box<str>,
    pub kind: LineKind,
    pub hash: i64,
}

/// Time and identity of a line, for telling duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineHash {
    pub ts: Micros,
    pub hash: i64,
}

/// Lines gathered for a commit.
pub struct LineBatch {
    ts: TimestampMicrosecondBuilder,
    server: StringBuilder,
    file: StringBuilder,
    offset: Int64Builder,
    program: StringBuilder,
    pid: Int64Builder,
    queue_id: StringBuilder,
    text: StringBuilder,
    kind: StringBuilder,
    hash: Int64Builder,
}

impl Default for LineBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl LineBatch {
    pub fn new() -> Self {
        Self::with_capacity(0, 0)
    }

    /// Room for this many lines with this much text in all.
    pub fn with_capacity(lines: usize, text_bytes: usize) -> Self {
        // Names are short: a guess that saves most of the growing.
        let short = || StringBuilder::with_capacity(lines, lines * 12);
        LineBatch {
            ts: TimestampMicrosecondBuilder::with_capacity(lines),
            server: short(),
            file: short(),
            offset: Int64Builder::with_capacity(lines),
            program: short(),
            pid: Int64Builder::with_capacity(lines),
            queue_id: short(),
            text: StringBuilder::with_capacity(lines, text_bytes),
            kind: short(),
            hash: Int64Builder::with_capacity(lines),
        }
    }

    pub fn push(&mut self, line: LineRef<'_>) {
        self.ts.append_value(line.ts);
        self.server.append_value(line.server);
        self.file.append_value(line.file);
        self.offset.append_value(line.offset as i64);
        append_lossy(&mut self.program, line.program);
        self.pid.append_option(line.pid.map(i64::from));
        self.queue_id.append_option(line.queue_id.map(QueueId::as_str));
        append_lossy(&mut self.text, line.text);
        self.kind.append_value(line.kind.as_str());
        self.hash.append_value(line.hash);
    }

    pub fn len(&self) -> usize {
        self.hash.values_slice().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all raw lines.
    pub fn text_bytes(&self) -> usize {
        self.text.values_slice().len()
    }

    /// Time to commit it.
    pub fn is_full(&self) -> bool {
        self.text_bytes() >= TEXT_BYTES_FULL || self.file.values_slice().len() >= TEXT_BYTES_FULL
    }

    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = Columns::default();
        columns.push("ts", Arc::new(self.ts.finish().with_timezone("UTC")), false);
        columns.push("server", Arc::new(self.server.finish()), false);
        columns.push("file", Arc::new(self.file.finish()), false);
        columns.push("offset", Arc::new(self.offset.finish()), false);
        columns.push("program", Arc::new(self.program.finish()), false);
        columns.push("pid", Arc::new(self.pid.finish()), true);
        columns.push("queue_id", Arc::new(self.queue_id.finish()) as Arc<StringArray> as Arc<dyn Array>, true);
        columns.push("text", Arc::new(self.text.finish()), false);
        columns.push("kind", Arc::new(self.kind.finish()), false);
        columns.push("hash", Arc::new(self.hash.finish()), false);
        columns.finish()
    }
}

fn append_lossy(column: &mut StringBuilder, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => column.append_value(text),
        Err(_) => column.append_value(String::from_utf8_lossy(bytes)),
    }
}

impl Fact for Line {
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let mut batch = LineBatch::new();
        for row in rows {
            batch.push(LineRef {
                ts: row.ts,
                server: &row.server,
                file: &row.file,
                offset: row.offset,
                program: row.program.as_bytes(),
                pid: row.pid,
                queue_id: row.queue_id.as_ref(),
                text: row.text.as_bytes(),
                kind: row.kind,
                hash: row.hash,
            });
        }
        batch.finish()
    }

    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (ts, server, file) = (columns.times("ts")?, columns.texts("server")?, columns.texts("file")?);
        let (offset, program, pid) = (columns.ints("offset")?, columns.texts("program")?, columns.ints("pid")?);
        let (queue_id, text) = (columns.texts("queue_id")?, columns.texts("text")?);
        let (kind, hash) = (columns.texts("kind")?, columns.ints("hash")?);
        (0..batch.num_rows())
            .map(|i| {
                Ok(Line {
                    ts: ts[i],
                    server: server.boxed(i),
                    file: file.boxed(i),
                    offset: offset.at(i) as u64,
                    program: program.boxed(i),
                    pid: pid.some(i).map(|pid| pid as u32),
                    queue_id: queue_id.queue_id(i),
                    text: text.boxed(i),
                    kind: word(LineKind::parse(kind.at(i)), kind.at(i))?,
                    hash: hash.at(i),
                })
            })
            .collect()
    }
}

impl LineHash {
    /// Columns that [`LineHash::decode`] reads, and what the scan needs.
    pub(crate) const COLUMNS: [&str; 5] = ["ts", "server", "file", "offset", "hash"];

    pub(crate) fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (ts, hash) = (columns.times("ts")?, columns.ints("hash")?);
        Ok((0..batch.num_rows()).map(|i| LineHash { ts: ts[i], hash: hash.at(i) }).collect())
    }
}
