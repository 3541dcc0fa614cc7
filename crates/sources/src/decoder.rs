//! Decompression as a stream, with a meter between file and decoder: how far it read, and whether the disk failed or the data.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Compression;

/// Compressed bytes per read.
pub(crate) const FILE_BUFFER_BYTES: usize = 128 * 1024;

pub(crate) type Decoder = Box<dyn Read + Send>;

/// What a decoder has taken from its file. Shared with the decoder, which owns the file.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: AtomicU64,
    disk_failed: AtomicBool,
}

impl Meter {
    /// Compressed bytes taken so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether reading the file itself failed, as opposed to what stands in it.
    pub(crate) fn disk_failed(&self) -> bool {
        self.disk_failed.load(Ordering::Relaxed)
    }
}

/// A stream of decompressed bytes.
pub(crate) fn open(
    raw: impl BufRead + Send + 'static,
    compression: Compression,
    meter: Arc<Meter>,
) -> io::Result<Decoder> {
    let metered = Metered { raw, meter };
    Ok(match compression {
        Compression::Plain => Box::new(metered),
        Compression::Gzip => Box::new(GzipMembers { member: Some(flate2::bufread::GzDecoder::new(metered)) }),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(metered)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new(metered, true)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(metered)?),
    })
}

struct Metered<R> {
    raw: R,
    meter: Arc<Meter>,
}

impl<R> Metered<R> {
    fn took(&self, bytes: usize) {
        self.meter.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn watch<T>(meter: &Meter, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            meter.disk_failed.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = Self::watch(&self.meter, self.raw.read(buffer))?;
        self.took(bytes);
        Ok(bytes)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Self::watch(&self.meter, self.raw.fill_buf())
    }

    fn consume(&mut self, bytes: usize) {
        self.took(bytes);
        self.raw.consume(bytes);
    }
}

/// gzip files joined by `cat`, and padded with zeros by tapes. flate2's own multi-member reader takes padding for damage.
struct GzipMembers<R> {
    member: Option<flate2::bufread::GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let bytes = member.read(buffer)?;
            if bytes > 0 {
                return Ok(bytes);
            }
            if let Some(ended) = self.member.take() {
                self.member = next_member(ended.into_inner())?;
            }
        }
        Ok(0)
    }
}

fn next_member<R: BufRead>(mut inner: R) -> io::Result<Option<flate2::bufread::GzDecoder<R>>> {
    loop {
        let ahead = inner.fill_buf()?;
        if ahead.is_empty() {
            return Ok(None);
        }
        match ahead.iter().position(|&byte| byte != 0) {
            Some(0) if ahead[0] == 0x1F => return Ok(Some(flate2::bufread::GzDecoder::new(inner))),
            Some(0) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "what follows the compressed data is not gzip"));
            }
            zeros => {
                let zeros = zeros.unwrap_or(ahead.len());
                inner.consume(zeros);
            }
        }
    }
}
