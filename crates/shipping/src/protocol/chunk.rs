//! Text on the wire: a header of fixed size, the label, and one zstd frame.
//!
//! All numbers are little-endian.
//!
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 4 | `VGIE` |
//! | 4 | 2 | version |
//! | 6 | 2 | flags: 1 last of its stream, 2 what was before it is lost; others are passed over |
//! | 8 | 16 | stream |
//! | 24 | 8 | offset |
//! | 32 | 4 | raw bytes |
//! | 36 | 2 | bytes of the label |
//! | 38 | 2 | nothing yet, passed over |
//! | 40 | 8 | xxh3-64 of the raw bytes |

use vigie_sources::StreamId;
use xxhash_rust::xxh3::xxh3_64;

use super::refusal::{Malformed, Refusal};
use super::{CURRENT, OLDEST, cut};
use crate::bounds::{LABEL_BYTES_MAX, RAW_BYTES_MAX};

/// The fixed part of a chunk.
pub const HEADER_BYTES: usize = 48;
const MAGIC: [u8; 4] = *b"VGIE";
const IS_LAST: u16 = 1;
const AFTER_LOSS: u16 = 2;

/// Some text of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The stream.
    pub stream: StreamId,
    /// What the stream is called: a path, or an address. Control characters may stand in it.
    pub label: String,
    /// Where the first byte stands in the stream.
    pub offset: u64,
    /// The text; empty only when it is the last.
    pub bytes: Vec<u8>,
    /// Nothing follows in this stream.
    pub is_last: bool,
    /// The collector no longer holds what stands before `offset`, since the server had said that it was durable: take it and note the
    /// gap. A server that lost its store, or a new one, would otherwise wait for ever.
    pub after_loss: bool,
}

/// How a chunk stands to what is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement<'a> {
    /// These bytes are new; what came before them in the chunk, if anything, is there. Empty for a mere end of a stream.
    New(&'a [u8]),
    /// All of it is there: it was repeated, which is no fault.
    Known,
    /// Something is missing between what is there and the chunk: refuse it by [`Refusal::Gap`].
    Gap,
}

impl Chunk {
    /// Where the byte after its last stands.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes.len() as u64)
    }

    /// What of it is new where all below `received` is there. (A chunk [`after_loss`](Self::after_loss) may begin later than that; the
    /// receiver looks at this first.)
    pub fn placement(&self, received: u64) -> Placement<'_> {
        if self.offset > received {
            return Placement::Gap;
        }
        let known = usize::try_from(received - self.offset).unwrap_or(usize::MAX);
        match self.bytes.get(known..) {
            Some([]) if self.is_last => Placement::New(&[]),
            Some([]) | None => Placement::Known,
            Some(new) => Placement::New(new),
        }
    }

    /// Puts it into bytes, with its text compressed.
    pub fn encode(&self, compressor: &mut zstd::bulk::Compressor<'_>) -> std::io::Result<Vec<u8>> {
        let packed = compressor.compress(&self.bytes)?;
        let label = cut(&self.label, LABEL_BYTES_MAX).as_bytes();
        let mut body = Vec::with_capacity(HEADER_BYTES + label.len() + packed.len());
        body.extend_from_slice(&self.header(label.len() as u16));
        body.extend_from_slice(label);
        body.extend_from_slice(&packed);
        Ok(body)
    }

    fn header(&self, label_bytes: u16) -> [u8; HEADER_BYTES] {
        let flags = if self.is_last { IS_LAST } else { 0 } | if self.after_loss { AFTER_LOSS } else { 0 };
        let mut header = [0; HEADER_BYTES];
        header[0..4].copy_from_slice(&MAGIC);
        header[4..6].copy_from_slice(&(CURRENT as u16).to_le_bytes());
        header[6..8].copy_from_slice(&flags.to_le_bytes());
        header[8..24].copy_from_slice(&self.stream.0.to_le_bytes());
        header[24..32].copy_from_slice(&self.offset.to_le_bytes());
        header[32..36].copy_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        header[36..38].copy_from_slice(&label_bytes.to_le_bytes());
        header[40..48].copy_from_slice(&xxh3_64(&self.bytes).to_le_bytes());
        header
    }

    /// Reads it from a body. Unpacks no more bytes than the header states, and the header may state no more than [`RAW_BYTES_MAX`].
    pub fn decode(body: &[u8]) -> Result<Chunk, Refusal> {
        let (header, rest) = body.split_first_chunk::<HEADER_BYTES>().ok_or(Malformed::Truncated)?;
        if header[0..4] != MAGIC {
            return Err(Malformed::NoChunk.into());
        }
        let version = u32::from(u16::from_le_bytes(part(header, 4)));
        if !(OLDEST..=CURRENT).contains(&version) {
            return Err(Refusal::Version { asked: version });
        }
        let offset = u64::from_le_bytes(part(header, 24));
        let raw_bytes = stated_bytes(header, offset)?;
        let label_bytes = usize::from(u16::from_le_bytes(part(header, 36)));
        if label_bytes > LABEL_BYTES_MAX {
            let (size, max) = (label_bytes as u64, LABEL_BYTES_MAX as u64);
            return Err(Refusal::TooLarge { what: "label", size, max });
        }
        let (label, packed) = rest.split_at_checked(label_bytes).ok_or(Malformed::Truncated)?;
        let flags = u16::from_le_bytes(part(header, 6));
        let bytes = unpack(packed, raw_bytes)?;
        if xxh3_64(&bytes) != u64::from_le_bytes(part(header, 40)) {
            return Err(Malformed::Checksum.into());
        }
        Ok(Chunk {
            stream: StreamId(u128::from_le_bytes(part(header, 8))),
            label: std::str::from_utf8(label).map_err(|_| Malformed::Label)?.to_owned(),
            offset,
            bytes,
            is_last: flags & IS_LAST != 0,
            after_loss: flags & AFTER_LOSS != 0,
        })
    }
}

/// The raw bytes that a header states, when they may be true.
fn stated_bytes(header: &[u8; HEADER_BYTES], offset: u64) -> Result<usize, Refusal> {
    let stated = u32::from_le_bytes(part(header, 32));
    if stated as usize > RAW_BYTES_MAX {
        return Err(Refusal::TooLarge { what: "chunk", size: u64::from(stated), max: RAW_BYTES_MAX as u64 });
    }
    let is_last = u16::from_le_bytes(part(header, 6)) & IS_LAST != 0;
    if offset.checked_add(u64::from(stated)).is_none() || (stated == 0 && !is_last) {
        return Err(Malformed::Offsets.into());
    }
    Ok(stated as usize)
}

/// Unpacks at most `raw_bytes`: zstd stops where the buffer ends, and needs none of its own for it.
fn unpack(packed: &[u8], raw_bytes: usize) -> Result<Vec<u8>, Refusal> {
    let mut decompressor = zstd::bulk::Decompressor::new().map_err(|_| Malformed::Compression)?;
    let mut bytes = Vec::with_capacity(raw_bytes);
    // Vec's capacity may be larger than asked for, so what came out is counted as well.
    decompressor.decompress_to_buffer(packed, &mut bytes).map_err(|_| Malformed::Compression)?;
    if bytes.len() == raw_bytes { Ok(bytes) } else { Err(Malformed::Length.into()) }
}

/// A number's bytes; the header is longer than any that is asked for.
fn part<const N: usize>(header: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    std::array::from_fn(|index| header[at + index])
}
