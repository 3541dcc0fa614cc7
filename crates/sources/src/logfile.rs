//! One log file, read in chunks of whole lines.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use vigie_formats::transcript::{Growth, Settings};

use crate::decoder::{self, Decoder, FILE_BUFFER_BYTES, Meter};
use crate::identity::{FINGERPRINT_BYTES, Running};
use crate::transcribed::{self, Remarks};
use crate::{Chunk, Compression, Identity, SourceError, foreign};

/// How much is read ahead; a chunk is this long at most. It stays in the processor's second cache together with what is made of it.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// A longer line is cut here: no mail server writes such a line, and one line must not fill the memory.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Enough of a file's start to recognise a compression and to read gzip's time.
const MAGIC_BYTES: usize = 16;
/// Room behind a chunk in which the rest of a line that was cut is read and dropped.
const SKIP_BYTES: usize = 64 * 1024;

/// An open log file, plain or compressed.
///
/// Holds at most [`CHUNK_BYTES`] and a little of the log in memory, however large the file or a line in it is.
pub struct LogFile {
    path: PathBuf,
    compression: Compression,
    len: u64,
    modified: i64,
    decoder: Decoder,
    meter: Arc<Meter>,
    buffer: Box<[u8]>,
    /// Read and not yet given out.
    ahead: Range<usize>,
    /// Where the chunk that was given out last stands in the file, and how much of the buffer it is.
    given: (u64, usize),
    end: End,
    running: Running,
    overlong: u64,
    tail: Range<usize>,
    tail_bytes: u64,
    remarks: Remarks,
    is_transcribed: bool,
}

/// How the stream of bytes stands.
#[derive(Debug)]
enum End {
    /// More may come.
    Open,
    /// The file was read to its end.
    Reached,
    /// It cannot be read on; the lines before that are given out first.
    Failed(SourceError),
    /// All is given out.
    Done,
}

/// What [`LogFile::resume`] found.
#[derive(Debug)]
pub enum Resumed {
    /// The file begins with the bytes that were read before; it goes on right behind them.
    Continues(LogFile),
    /// It is another file, or was overwritten; it stands at its start.
    Different(LogFile),
}

impl LogFile {
    /// Opens a file and looks at its first bytes, which decide what it is compressed with and whether it is text.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SourceError> {
        Self::open_as(path, &Settings::default())
    }

    /// As [`open`](Self::open). A file whose lines do not stand for themselves ([`vigie_formats::transcript`]) is read as the lines that are
    /// made of it with these settings, and then its places are places in these.
    pub fn open_as(path: impl AsRef<Path>, settings: &Settings) -> Result<Self, SourceError> {
        let path = path.as_ref();
        let metadata = std::fs::metadata(path).map_err(|source| SourceError::opening(path, source))?;
        // Checked before opening: opening a pipe would wait for its writer.
        if metadata.is_dir() {
            return Err(SourceError::Directory { path: path.to_owned() });
        }
        if !metadata.is_file() {
            return Err(SourceError::NotAFile { path: path.to_owned() });
        }
        let file = File::open(path).map_err(|source| SourceError::opening(path, source))?;
        let metadata = file.metadata().map_err(|source| SourceError::opening(path, source))?;
        let mut log = Self::of(path, file, &metadata, settings)?;
        log.look_at_head(settings.growth)?;
        Ok(log)
    }

    /// Opens a file that is only looked through: what is given out is not hashed, and does not count in its identity.
    pub fn open_to_look(path: impl AsRef<Path>, settings: &Settings) -> Result<Self, SourceError> {
        let mut log = Self::open_as(path, settings)?;
        log.running.stop_hashing();
        Ok(log)
    }

    /// Opens a file of which the first `consumed` decompressed bytes were read before, and proves by their hash (both from
    /// an [`Identity`]) that it still begins with them.
    pub fn resume(
        path: impl AsRef<Path>,
        settings: &Settings,
        consumed: u64,
        hash: u128,
    ) -> Result<Resumed, SourceError> {
        let mut log = Self::open_as(path.as_ref(), settings)?;
        if log.skip(consumed) && log.running.hash() == hash {
            return Ok(Resumed::Continues(log));
        }
        Self::open_as(path, settings).map(Resumed::Different)
    }

    /// The next lines; `None` at the end.
    ///
    /// An error comes after all lines before it were given out, and is followed by `None`.
    #[expect(clippy::should_implement_trait, reason = "the chunk borrows the file's buffer")]
    pub fn next(&mut self) -> Result<Option<Chunk<'_>>, SourceError> {
        self.compact();
        self.fill(CHUNK_BYTES);
        let read = &self.buffer[..self.ahead.end];
        let offset = self.running.consumed();
        let end = if let Some(line) = first_overlong(read) {
            self.cut(line)
        } else if let Some(newline) = memchr::memrchr(b'\n', read) {
            self.consume(newline + 1);
            newline + 1
        } else {
            self.finish()?
        };
        self.given = (offset, end);
        Ok((end > 0).then(|| self.chunk()))
    }

    /// What [`next`](Self::next) gave last, for as long as it was not called again.
    pub fn chunk(&self) -> Chunk<'_> {
        let (offset, end) = self.given;
        Chunk { offset, bytes: &self.buffer[..end] }
    }

    /// The path it was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is compressed with.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// When the log was last written, in microseconds since 1970 UTC: the time that gzip kept of the original file, or the
    /// file's own.
    pub fn modified(&self) -> i64 {
        self.modified
    }

    /// Bytes on disk read so far.
    pub fn position(&self) -> u64 {
        self.meter.bytes().min(self.len)
    }

    /// Bytes on disk when the file was opened. A plain file is read up to there, whatever it grows.
    #[expect(clippy::len_without_is_empty, reason = "an empty file does not open")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// What was read ahead and not yet given out: after opening, the first few kibibytes of the log.
    pub fn head(&self) -> &[u8] {
        &self.buffer[self.ahead.clone()]
    }

    /// How many lines were longer than [`LINE_BYTES_MAX`] and cut there.
    pub fn overlong(&self) -> u64 {
        self.overlong
    }

    /// The position and bytes of a last line without a newline, at the end of a plain file that may still be growing. It is
    /// in no chunk and not consumed: the next import reads it whole. (At most [`LINE_BYTES_MAX`] of it.)
    pub fn tail(&self) -> Option<(u64, &[u8])> {
        (self.tail_bytes > 0).then(|| (self.running.consumed(), &self.buffer[self.tail.clone()]))
    }

    /// How many bytes such a last line has; 0 when there is none.
    pub fn unfinished_tail(&self) -> u64 {
        self.tail_bytes
    }

    /// Who this log is, and how much of it was given out.
    pub fn identity(&self) -> Identity {
        self.running.identity()
    }

    /// Do its lines not stand for themselves? Then it is read as the lines that are made of them.
    pub fn is_transcribed(&self) -> bool {
        self.is_transcribed
    }

    /// What was found out about a file whose lines did not stand for themselves, once it is read to its end: one sentence each. Of a file that
    /// grows, why nothing is told of it yet.
    pub fn remarks(&self) -> Vec<String> {
        self.remarks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn of(path: &Path, file: File, metadata: &Metadata, settings: &Settings) -> Result<Self, SourceError> {
        let mut magic = [0; MAGIC_BYTES];
        let bytes =
            file.read_at(&mut magic, 0).map_err(|source| SourceError::Read { path: path.to_owned(), at: 0, source })?;
        let magic = &magic[..bytes];
        let compression = Compression::of(magic);
        let modified = modified(compression, magic, metadata);
        // What is appended to a plain file from now on is left to the next import.
        let limit = if compression == Compression::Plain { metadata.len() } else { u64::MAX };
        let raw = BufReader::with_capacity(FILE_BUFFER_BYTES, file.take(limit));
        let meter = Arc::new(Meter::default());
        let decoder = decoder::open(raw, compression, meter.clone()).map_err(|source| SourceError::Corrupt {
            path: path.to_owned(),
            compression,
            at: 0,
            source,
        })?;
        let remarks = Remarks::default();
        let (decoder, is_transcribed) =
            transcribed::open(decoder, &Settings { modified, ..settings.clone() }, &remarks);
        Ok(LogFile {
            path: path.to_owned(),
            compression,
            len: metadata.len(),
            modified,
            decoder,
            meter,
            buffer: vec![0; CHUNK_BYTES + SKIP_BYTES].into_boxed_slice(),
            ahead: 0..0,
            given: (0, 0),
            end: End::Open,
            running: Running::new(b""),
            overlong: 0,
            tail: 0..0,
            tail_bytes: 0,
            remarks,
            is_transcribed,
        })
    }

    fn look_at_head(&mut self, growth: Growth) -> Result<(), SourceError> {
        self.fill(FINGERPRINT_BYTES);
        let head = &self.buffer[self.ahead.clone()];
        // Of a file that is followed, what nothing is told of yet may be much.
        let may_wait = self.is_transcribed && growth != Growth::Whole && !matches!(self.end, End::Failed(_));
        if head.is_empty() && !may_wait {
            return Err(match std::mem::replace(&mut self.end, End::Done) {
                End::Failed(error) => error,
                _ => SourceError::Empty { path: self.path.clone() },
            });
        }
        if let Some(what) = foreign::kind(head) {
            let promised = Compression::promised_by(&self.path);
            let path = self.path.clone();
            return Err(match (self.compression, promised) {
                (Compression::Plain, Compression::Gzip | Compression::Bzip2 | Compression::Xz | Compression::Zstd) => {
                    SourceError::NotCompressed { path, promised }
                }
                _ => SourceError::Binary { path, what },
            });
        }
        self.running = Running::new(head);
        Ok(())
    }

    /// Moves what was read ahead to the front of the buffer.
    fn compact(&mut self) {
        self.buffer.copy_within(self.ahead.clone(), 0);
        self.ahead = 0..self.ahead.len();
    }

    /// Reads on until `bytes` are in the buffer, which must begin with what is ahead, or the end is known.
    fn fill(&mut self, bytes: usize) {
        while self.ahead.end < bytes && matches!(self.end, End::Open) {
            self.ahead.end += self.read(self.ahead.end..bytes);
        }
    }

    /// One read into a part of the buffer. At the end, 0, and why it ended is kept.
    fn read(&mut self, into: Range<usize>) -> usize {
        loop {
            match self.decoder.read(&mut self.buffer[into.clone()]) {
                Ok(0) => {
                    self.end = self.ended();
                    return 0;
                }
                Ok(bytes) => return bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.end = End::Failed(self.failure(error));
                    return 0;
                }
            }
        }
    }

    fn ended(&self) -> End {
        let at = self.meter.bytes();
        if self.compression == Compression::Plain && at < self.len {
            return End::Failed(SourceError::Shrank { path: self.path.clone(), expected: self.len, at });
        }
        End::Reached
    }

    fn failure(&self, source: io::Error) -> SourceError {
        let (path, compression, at) = (self.path.clone(), self.compression, self.meter.bytes());
        if compression == Compression::Plain || self.meter.disk_failed() {
            SourceError::Read { path, at, source }
        } else if source.kind() == io::ErrorKind::UnexpectedEof {
            SourceError::Truncated { path, compression, at }
        } else {
            SourceError::Corrupt { path, compression, at, source }
        }
    }

    /// Counts bytes at the front of the buffer as given out.
    fn consume(&mut self, bytes: usize) {
        self.running.consume(&self.buffer[self.ahead.start..bytes]);
        self.ahead.start = bytes;
    }

    /// Cuts the line that starts at `line` and drops the rest of it. Gives the length of the chunk up to the cut.
    fn cut(&mut self, line: usize) -> usize {
        self.consume(line);
        let before = self.running.clone();
        let cut = line + LINE_BYTES_MAX;
        let ended = self.drop_line(cut);
        if !ended && self.compression == Compression::Plain && matches!(self.end, End::Reached) {
            self.hold_back(line..cut, before);
            return line;
        }
        self.overlong += 1;
        self.buffer[cut] = b'\n';
        cut + 1
    }

    /// Reads to the end of the line in front, keeping the bytes before `cut`; whether it has one.
    fn drop_line(&mut self, cut: usize) -> bool {
        let room = cut + 1..self.buffer.len();
        loop {
            if let Some(newline) = memchr::memchr(b'\n', self.head()) {
                self.consume(self.ahead.start + newline + 1);
                return true;
            }
            self.consume(self.ahead.end);
            if !matches!(self.end, End::Open) {
                return false;
            }
            self.ahead = room.start..room.start;
            self.ahead.end += self.read(room.clone());
        }
    }

    /// What is left when no newline is left: an error, a last line, or nothing. Gives the length of the chunk.
    fn finish(&mut self) -> Result<usize, SourceError> {
        let left = std::mem::take(&mut self.ahead);
        match std::mem::replace(&mut self.end, End::Done) {
            End::Failed(error) => return Err(error),
            End::Open | End::Reached | End::Done => {}
        }
        if left.is_empty() {
            return Ok(0);
        }
        self.ahead = left.clone();
        let before = self.running.clone();
        self.consume(left.end);
        if self.compression == Compression::Plain {
            self.hold_back(left, before);
            return Ok(0);
        }
        self.buffer[left.end] = b'\n';
        Ok(left.end + 1)
    }

    /// Takes back a last line that may still be growing.
    fn hold_back(&mut self, line: Range<usize>, before: Running) {
        self.tail_bytes = self.running.consumed() - before.consumed();
        self.tail = line;
        self.running = before;
    }

    /// Reads and hashes the next `bytes` without giving them out; whether there were so many.
    fn skip(&mut self, bytes: u64) -> bool {
        let mut left = bytes;
        while left > 0 {
            self.compact();
            self.fill(CHUNK_BYTES);
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(self.ahead.len());
            if step == 0 {
                return false;
            }
            self.consume(step);
            left -= step as u64;
        }
        true
    }
}

impl fmt::Debug for LogFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogFile")
            .field("path", &self.path)
            .field("compression", &self.compression)
            .field("position", &self.position())
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// Where the first line longer than [`LINE_BYTES_MAX`] starts. Steps from newline to newline nearly that far apart, so that
/// it costs nothing beside reading.
fn first_overlong(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    while bytes.len() - line > LINE_BYTES_MAX {
        match memchr::memrchr(b'\n', &bytes[line..=line + LINE_BYTES_MAX]) {
            Some(newline) => line += newline + 1,
            None => return Some(line),
        }
    }
    None
}

/// The time of the log itself, in microseconds: gzip keeps the original file's when it compressed a file and not a stream.
fn modified(compression: Compression, magic: &[u8], metadata: &Metadata) -> i64 {
    let kept = match (compression, magic.get(4..8)) {
        (Compression::Gzip, Some(&[a, b, c, d])) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    };
    match kept {
        0 => metadata.mtime().saturating_mul(1_000_000).saturating_add(metadata.mtime_nsec() / 1000),
        seconds => i64::from(seconds) * 1_000_000,
    }
}
