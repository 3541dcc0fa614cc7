//! A log that only grows: no rotation is followed.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use vigie_sources::{Feed, FeedEvent, PIECE_BYTES_MAX, Piece, Place, SourceError, StreamId};
use xxhash_rust::xxh3::xxh3_128;

pub struct PlainFile {
    path: PathBuf,
    label: String,
    stream: StreamId,
    file: Option<File>,
    given: u64,
    durable: u64,
}

impl PlainFile {
    pub fn new(path: PathBuf, places: Vec<Place>) -> PlainFile {
        let label = path.display().to_string();
        let stream = StreamId(xxh3_128(label.as_bytes()));
        let durable = places.iter().find(|place| place.stream == stream).map_or(0, |place| place.offset);
        PlainFile { path, label, stream, file: None, given: durable, durable }
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(File::open(&self.path)?),
        };
        let there = file.metadata()?.len().saturating_sub(self.given);
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(usize::MAX).min(PIECE_BYTES_MAX)];
        let read = file.read_at(&mut bytes, self.given)?;
        let lines = bytes[..read].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        bytes.truncate(if lines == 0 && read == PIECE_BYTES_MAX { read } else { lines });
        Ok(bytes)
    }
}

impl Feed for PlainFile {
    fn label(&self) -> &str {
        &self.label
    }

    fn next(&mut self) -> Result<Option<Piece>, SourceError> {
        let offset = self.given;
        match self.read() {
            Ok(bytes) if bytes.is_empty() => Ok(None),
            Ok(bytes) => {
                self.given += bytes.len() as u64;
                Ok(Some(Piece { stream: self.stream, offset, bytes, is_last: false }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SourceError::Read { path: self.path.clone(), at: offset, source }),
        }
    }

    fn durable(&mut self, _: StreamId, offset: u64) {
        self.durable = offset;
    }

    fn rewind(&mut self, _: StreamId, offset: u64) -> Result<(), SourceError> {
        self.given = offset.max(self.durable);
        Ok(())
    }

    fn places(&self) -> Vec<Place> {
        vec![Place { stream: self.stream, offset: self.durable, is_ended: false }]
    }

    fn backlog_bytes(&self) -> u64 {
        let bytes = self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |metadata| metadata.len());
        bytes.saturating_sub(self.given)
    }

    fn events(&mut self) -> Vec<FeedEvent> {
        Vec::new()
    }
}
