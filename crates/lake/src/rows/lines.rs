//! Table `lines`: the raw lines of the logs, written column by column without a block of memory per line.

use std::sync::Arc;

use arrow::array::{Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use arrow::error::ArrowError;
use vigie_model::{Micros, QueueId};

use super::word;
use crate::Table;
use crate::columns::{Columns, Reader};
use crate::sorting::Ordered;

/// Lines of a chunk, and of the first of a server, of which there may be many with little to say.
const CHUNK_LINES: usize = 8_192;
const CHUNK_LINES_FIRST: usize = 1_024;
/// Text at which a chunk ends: Arrow's offsets end at 2 GiB, and memory should not come near.
const CHUNK_TEXT_BYTES: usize = 64 << 20;
/// Bytes that the texts of a line usually need: a guess that saves most of the growing.
const LINE_BYTES: usize = 176;
const FILE_BYTES: usize = 32;
const NAME_BYTES: usize = 16;

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

/// Lines gathered for a commit, server by server, so that the lines of several servers that come in turn need no sorting.
#[derive(Default)]
pub struct LineBatch {
    servers: Vec<ServerLines>,
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
            self.last = self.servers.iter().position(is_same).unwrap_or_else(|| {
                self.servers.push(ServerLines::new(line.server));
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

    /// Takes the chunks that are full, and all lines of servers that `is_wanted` names; each chunk with its server.
    pub(crate) fn take(
        &mut self,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(Box<str>, RecordBatch)>, ArrowError> {
        let mut taken = Vec::new();
        for lines in &mut self.servers {
            if lines.open.len() > 0 && is_wanted(&lines.server) {
                lines.end_chunk();
            }
            for chunk in lines.full.drain(..) {
                let chunk = chunk?;
                self.lines -= chunk.num_rows();
                taken.push((lines.server.clone(), chunk));
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
    server: Box<str>,
    full: Vec<Result<RecordBatch, ArrowError>>,
    open: Chunk,
}

impl ServerLines {
    fn new(server: &str) -> Self {
        ServerLines { server: server.into(), full: Vec::new(), open: Chunk::new(CHUNK_LINES_FIRST) }
    }

    fn push(&mut self, line: LineRef<'_>) {
        self.open.push(line);
        if self.open.len() >= CHUNK_LINES || self.open.text.values_slice().len() >= CHUNK_TEXT_BYTES {
            self.end_chunk();
        }
    }

    fn end_chunk(&mut self) {
        let chunk = std::mem::replace(&mut self.open, Chunk::new(CHUNK_LINES));
        self.full.push(chunk.finish(&self.server));
    }

    fn finish(mut self) -> Result<Vec<RecordBatch>, ArrowError> {
        if self.open.len() > 0 {
            self.full.push(self.open.finish(&self.server));
        }
        let chunks = self.full.into_iter().collect::<Result<Vec<_>, ArrowError>>()?;
        Ordered::new(Table::Lines, chunks)?.into_batches()
    }
}

/// Columns being written, of lines of one server.
struct Chunk {
    ts: TimestampMicrosecondBuilder,
    file: StringBuilder,
    offset: Int64Builder,
    program: StringBuilder,
    pid: Int64Builder,
    queue_id: StringBuilder,
    text: StringBuilder,
    kind: StringBuilder,
    hash: Int64Builder,
}

impl Chunk {
    fn new(lines: usize) -> Self {
        let texts = |bytes: usize| StringBuilder::with_capacity(lines, lines * bytes);
        Chunk {
            ts: TimestampMicrosecondBuilder::with_capacity(lines),
            file: texts(FILE_BYTES),
            offset: Int64Builder::with_capacity(lines),
            program: texts(NAME_BYTES),
            pid: Int64Builder::with_capacity(lines),
            queue_id: texts(NAME_BYTES),
            text: texts(LINE_BYTES),
            kind: texts(NAME_BYTES),
            hash: Int64Builder::with_capacity(lines),
        }
    }

    fn push(&mut self, line: LineRef<'_>) {
        self.ts.append_value(line.ts);
        self.file.append_value(line.file);
        self.offset.append_value(line.offset as i64);
        append_lossy(&mut self.program, line.program);
        self.pid.append_option(line.pid.map(i64::from));
        self.queue_id.append_option(line.queue_id.map(QueueId::as_str));
        append_lossy(&mut self.text, line.text);
        self.kind.append_value(line.kind.as_str());
        self.hash.append_value(line.hash);
    }

    fn len(&self) -> usize {
        self.hash.values_slice().len()
    }

    fn finish(mut self, server: &str) -> Result<RecordBatch, ArrowError> {
        let lines = self.len();
        let mut columns = Columns::default();
        columns.push("ts", Arc::new(self.ts.finish().with_timezone("UTC")), false);
        columns.texts("server", std::iter::repeat_n(server, lines));
        columns.push("file", Arc::new(self.file.finish()), false);
        columns.push("offset", Arc::new(self.offset.finish()), false);
        columns.push("program", Arc::new(self.program.finish()), false);
        columns.push("pid", Arc::new(self.pid.finish()), true);
        columns.push("queue_id", Arc::new(self.queue_id.finish()), true);
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

impl Line {
    /// The columns, without a row.
    pub(crate) fn none() -> Result<RecordBatch, ArrowError> {
        Chunk::new(0).finish("")
    }

    pub(crate) fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
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
