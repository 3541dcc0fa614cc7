//! Table `lines`: the raw lines of the logs, written column by column without a block of memory per line.
//!
//! Only what the line is and where it came from, and the queue id to find it by: what the parsers make of a line is in other
//! tables, and changes with the program.

use std::sync::Arc;

use arrow::array::{BinaryBuilder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use arrow::error::ArrowError;
use rustc_hash::FxHashMap;
use vigie_model::{Micros, QueueId, Text};

use crate::Table;
use crate::columns::{Columns, QUEUE_ID_BYTES, Reader, texts_of};
use crate::sorting::Ordered;

/// Lines of a chunk, and of the first of a server, of which there may be many with little to say.
const CHUNK_LINES: usize = 2_048;
const CHUNK_LINES_FIRST: usize = 1_024;
/// So many servers of a commit get room for a chunk at once; for others it grows.
const ROOMY_SERVERS: usize = 64;
/// Text at which a chunk ends: Arrow's offsets end at 2 GiB, and memory should not come near.
const CHUNK_TEXT_BYTES: usize = 64 << 20;
/// Bytes that the texts of a line usually need: a guess that saves most of the growing.
const LINE_BYTES: usize = 176;
const FILE_BYTES: usize = 32;

/// A line on its way into a [`LineBatch`].
#[derive(Clone, Copy, Debug)]
pub struct LineRef<'a> {
    pub ts: Micros,
    pub server: &'a str,
    /// Path label of the file it came from.
    pub file: &'a str,
    /// Where it begins in that file, in bytes.
    pub offset: u64,
    pub queue_id: Option<&'a QueueId>,
    /// The whole line; what is not UTF-8 is replaced.
    pub text: &'a [u8],
    /// Identity of the raw line.
    pub hash: i64,
}

/// A line read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub ts: Micros,
    pub server: Text,
    pub file: Text,
    pub offset: u64,
    pub queue_id: Option<QueueId>,
    pub text: Text,
    pub hash: i64,
}

/// Time and identity of a line, for telling duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineHash {
    pub ts: Micros,
    pub file: Text,
    pub hash: i64,
}

/// Lines gathered for a commit, server by server, so that the lines of several servers that come in turn need no sorting.
#[derive(Default)]
pub struct LineBatch {
    servers: Vec<ServerLines>,
    places: FxHashMap<Text, usize>,
    /// The server of the last line.
    last: usize,
    lines: usize,
}

impl LineBatch {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, line: LineRef<'_>) {
        let is_same = |lines: &ServerLines| *lines.server == *line.server;
        if !self.servers.get(self.last).is_some_and(is_same) {
            self.last = self.places.get(line.server).copied().unwrap_or_else(|| {
                self.servers.push(ServerLines::new(line.server, self.servers.len()));
                self.places.insert(line.server.into(), self.servers.len() - 1);
                self.servers.len() - 1
            });
        }
        self.lines += 1;
        self.servers[self.last].push(line);
    }

    pub fn len(&self) -> usize {
        self.lines
    }

    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// Takes the chunks that are full, and all lines of servers that `is_wanted` names; each chunk in order, with its server.
    pub(crate) fn take(&mut self, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<(Text, Ordered)>, ArrowError> {
        let mut taken = Vec::new();
        for lines in &mut self.servers {
            if lines.open.len() > 0 && is_wanted(&lines.server) {
                lines.end_chunk();
            }
            for chunk in lines.full.drain(..) {
                let chunk = chunk?;
                self.lines -= chunk.rows.num_rows();
                taken.push((lines.server.clone(), chunk.ordered()?));
            }
        }
        Ok(taken)
    }

    /// All lines in the order of the table, where lines of one server came in their order.
    pub(crate) fn finish(self) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut servers = self.servers;
        servers.sort_by(|a, b| a.server.cmp(&b.server));
        let batches = servers.into_iter().map(ServerLines::finish).collect::<Result<Vec<_>, ArrowError>>()?;
        Ok(batches.into_iter().flatten().collect())
    }
}

/// Lines of one server.
struct ServerLines {
    server: Text,
    full: Vec<Result<FullChunk, ArrowError>>,
    open: Chunk,
}

impl ServerLines {
    fn new(server: &str, others: usize) -> Self {
        // Room for many lines of each of many servers would be more memory than there is.
        let lines = if others < ROOMY_SERVERS { CHUNK_LINES_FIRST } else { 0 };
        ServerLines { server: server.into(), full: Vec::new(), open: Chunk::new(lines) }
    }

    fn push(&mut self, line: LineRef<'_>) {
        self.open.push(line);
        if self.open.len() >= CHUNK_LINES || self.open.text.values_slice().len() >= CHUNK_TEXT_BYTES {
            self.end_chunk();
        }
    }

    fn end_chunk(&mut self) {
        // One that was not full is likely to be the last of its commit.
        let lines = if self.open.len() >= CHUNK_LINES { CHUNK_LINES } else { 0 };
        let chunk = std::mem::replace(&mut self.open, Chunk::new(lines));
        self.full.push(chunk.finish(&self.server));
    }

    fn finish(mut self) -> Result<Vec<RecordBatch>, ArrowError> {
        if self.open.len() > 0 {
            self.full.push(self.open.finish(&self.server));
        }
        let chunks = self.full.into_iter().map(|chunk| Ok(chunk?.rows)).collect::<Result<Vec<_>, ArrowError>>()?;
        Ordered::new(Table::Lines, chunks)?.into_batches()
    }
}

/// Lines of one server.
struct FullChunk {
    rows: RecordBatch,
    is_in_order: bool,
}

impl FullChunk {
    fn ordered(self) -> Result<Ordered, ArrowError> {
        let rows = vec![self.rows];
        if self.is_in_order { Ok(Ordered::as_they_stand(Table::Lines, rows)) } else { Ordered::new(Table::Lines, rows) }
    }
}

/// Columns being written, of lines of one server.
struct Chunk {
    /// Each line so far came in its place, as most logs give them.
    is_in_order: bool,
    ts: TimestampMicrosecondBuilder,
    file: StringBuilder,
    offset: Int64Builder,
    /// Bytes, whose encoding is looked at for all of them together.
    queue_id: BinaryBuilder,
    text: BinaryBuilder,
    hash: Int64Builder,
}

impl Chunk {
    fn new(lines: usize) -> Self {
        let bytes = |bytes: usize| BinaryBuilder::with_capacity(lines, lines * bytes);
        Chunk {
            is_in_order: true,
            ts: TimestampMicrosecondBuilder::with_capacity(lines),
            file: StringBuilder::with_capacity(lines, lines * FILE_BYTES),
            offset: Int64Builder::with_capacity(lines),
            queue_id: bytes(QUEUE_ID_BYTES),
            text: bytes(LINE_BYTES),
            hash: Int64Builder::with_capacity(lines),
        }
    }

    fn push(&mut self, line: LineRef<'_>) {
        self.is_in_order = self.is_in_order && self.follows(&line);
        self.ts.append_value(line.ts);
        self.file.append_value(line.file);
        self.offset.append_value(line.offset as i64);
        self.queue_id.append_option(line.queue_id.map(QueueId::as_bytes));
        self.text.append_value(line.text);
        self.hash.append_value(line.hash);
    }

    fn len(&self) -> usize {
        self.hash.values_slice().len()
    }

    /// Is the line's place in the order of the table behind the last one's?
    fn follows(&self, line: &LineRef<'_>) -> bool {
        let (Some(&ts), Some(&offset)) = (self.ts.values_slice().last(), self.offset.values_slice().last()) else {
            return true;
        };
        if ts != line.ts {
            return ts < line.ts;
        }
        let file = match self.file.offsets_slice() {
            [.., from, until] => &self.file.values_slice()[*from as usize..*until as usize],
            _ => &[],
        };
        (file, offset) <= (line.file.as_bytes(), line.offset as i64)
    }

    fn finish(self, server: &str) -> Result<FullChunk, ArrowError> {
        let is_in_order = self.is_in_order;
        Ok(FullChunk { rows: self.into_rows(server)?, is_in_order })
    }

    fn into_rows(mut self, server: &str) -> Result<RecordBatch, ArrowError> {
        let lines = self.len();
        let mut columns = Columns::default();
        columns.push("ts", Arc::new(self.ts.finish().with_timezone("UTC")), false);
        columns.texts("server", std::iter::repeat_n(server, lines));
        columns.push("file", Arc::new(self.file.finish()), false);
        columns.push("offset", Arc::new(self.offset.finish()), false);
        columns.push("queue_id", Arc::new(texts_of(self.queue_id.finish())), true);
        columns.push("text", Arc::new(texts_of(self.text.finish())), false);
        columns.push("hash", Arc::new(self.hash.finish()), false);
        columns.finish()
    }
}

impl Line {
    /// The columns, without a row.
    pub(crate) fn none() -> Result<RecordBatch, ArrowError> {
        Chunk::new(0).into_rows("")
    }

    pub(crate) fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Reader::new(batch);
        let (ts, server, file) = (columns.times("ts")?, columns.texts("server")?, columns.texts("file")?);
        let (queue_id, text) = (columns.texts("queue_id")?, columns.texts("text")?);
        let (offset, hash) = (columns.ints("offset")?, columns.ints("hash")?);
        (0..batch.num_rows())
            .map(|i| {
                Ok(Line {
                    ts: ts[i],
                    server: server.text(i),
                    file: file.text(i),
                    offset: offset.at(i) as u64,
                    queue_id: queue_id.queue_id(i),
                    text: text.text(i),
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
        let (ts, file, hash) = (columns.times("ts")?, columns.texts("file")?, columns.ints("hash")?);
        Ok((0..batch.num_rows()).map(|i| LineHash { ts: ts[i], file: file.at(i).into(), hash: hash.at(i) }).collect())
    }
}
