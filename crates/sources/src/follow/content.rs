//! An open file as the log in it: bytes at positions, whether it lies there plain or packed.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::decoder::{self, Decoder, FILE_BUFFER_BYTES, Meter};
use crate::identity::FINGERPRINT_BYTES;
use crate::{Compression, FileMark, SourceError};

/// Enough of a file's start to recognise a compression.
const MAGIC_BYTES: usize = 16;
/// Bytes hashed at once where none of them is given out.
const STEP_BYTES: usize = 64 * 1024;

/// Bytes unpacked at once: what a decoder made of them before it met a damage is gone with its error.
const UNPACK_BYTES: usize = 8 * 1024;

/// What a look at a file costs nothing to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub bytes: u64,
    pub modified_ns: i64,
}

impl Look {
    pub fn of(metadata: &Metadata) -> Self {
        let modified_ns = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        Look { bytes: metadata.len(), modified_ns }
    }
}

/// Proof that a file begins with certain bytes: what goes on from there needs it.
pub(super) struct Proof {
    pub hasher: Xxh3,
    /// The first bytes, as far as they belong to what was proved, at most a fingerprint's.
    pub head: Vec<u8>,
}

/// The log in a file. The file stays open, whatever happens to its name.
pub(super) struct Content {
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
    file: File,
    packing: Compression,
    unpacked: Option<Unpacked>,
}

impl Content {
    /// Opens a file that is being written: its bytes are its log, whatever they look like.
    pub fn open_plain(path: &Path) -> Result<Self, SourceError> {
        let metadata = std::fs::metadata(path).map_err(|source| SourceError::opening(path, source))?;
        // Checked before opening: opening a pipe would wait for its writer.
        check_kind(path, &metadata)?;
        let file = File::open(path).map_err(|source| SourceError::opening(path, source))?;
        let metadata = file.metadata().map_err(|source| SourceError::opening(path, source))?;
        check_kind(path, &metadata)?;
        Ok(Content {
            // Of a link, the file that it leads to: the link may lead elsewhere tomorrow.
            path: if path.is_symlink() { std::fs::canonicalize(path).ok() } else { None }.unwrap_or(path.to_owned()),
            device: metadata.dev(),
            inode: metadata.ino(),
            file,
            packing: Compression::Plain,
            unpacked: None,
        })
    }

    /// Opens a file that was rotated away, and may have been packed.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let mut content = Self::open_plain(path)?;
        let mut magic = [0; MAGIC_BYTES];
        let read = content.file.read_at(&mut magic, 0);
        let bytes = read.map_err(|source| SourceError::Read { path: path.to_owned(), at: 0, source })?;
        content.packing = Compression::of(&magic[..bytes]);
        Ok(content)
    }

    pub fn is_plain(&self) -> bool {
        self.packing == Compression::Plain
    }

    pub fn is_file(&self, device: u64, inode: u64) -> bool {
        (self.device, self.inode) == (device, inode)
    }

    pub fn look(&self) -> io::Result<Look> {
        self.file.metadata().map(|metadata| Look::of(&metadata))
    }

    /// Fills the buffer from a position on, as far as the log reaches, or up to a [`damage`](Self::damage).
    pub fn read_at(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        if self.is_plain() { fill_from(&self.file, at, into) } else { self.unpack_at(at, into) }
    }

    /// Why reading stopped before the end of the log.
    pub fn damage(&self) -> Option<io::Error> {
        let damage = self.unpacked.as_ref()?.damage.as_ref()?;
        Some(io::Error::new(damage.kind(), damage.to_string()))
    }

    /// The first bytes, at most a fingerprint's.
    pub fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; FINGERPRINT_BYTES];
        let bytes = match self.packing {
            Compression::Plain => fill_from(&self.file, 0, &mut head)?,
            // By a decoder of its own: many files are looked at and few of them read.
            packing => Unpacked::open(&self.file, packing)?.read_at(0, &mut head),
        };
        head.truncate(bytes);
        Ok(head)
    }

    /// Gives back the memory of unpacking.
    pub fn rest(&mut self) {
        self.unpacked = None;
    }

    /// Reads the first `bytes` of the log and compares their hash; `None` when they are others, or fewer.
    pub fn prove(&mut self, bytes: u64, hash: u128) -> io::Result<Option<Proof>> {
        let mut proof = Proof { hasher: Xxh3::new(), head: Vec::new() };
        let mut buffer = vec![0; STEP_BYTES];
        let mut at = 0;
        while at < bytes {
            let step = usize::try_from(bytes - at).unwrap_or(usize::MAX).min(STEP_BYTES);
            let read = self.read_at(at, &mut buffer[..step])?;
            if read == 0 {
                return Ok(None);
            }
            proof.hasher.update(&buffer[..read]);
            extend_head(&mut proof.head, &buffer[..read]);
            at += read as u64;
        }
        Ok((proof.hasher.digest128() == hash).then_some(proof))
    }

    /// Where the last line begins that has no end yet: the length of a plain log that ends with a newline.
    pub fn last_line(&self) -> io::Result<u64> {
        let mut end = self.look()?.bytes;
        let mut buffer = vec![0; STEP_BYTES];
        while end > 0 {
            let start = end.saturating_sub(STEP_BYTES as u64);
            let read = fill_from(&self.file, start, &mut buffer[..(end - start) as usize])?;
            if let Some(newline) = memchr::memrchr(b'\n', &buffer[..read]) {
                return Ok(start + newline as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }

    /// What it is recognised by, with a fingerprint of the first bytes that are given.
    pub fn mark(&self, head: &[u8], modified_ns: i64) -> FileMark {
        FileMark {
            path: self.path.to_string_lossy().into_owned(),
            device: self.device,
            inode: self.inode,
            modified_ns,
            fingerprint: xxh3_128(head),
            fingerprint_bytes: head.len() as u32,
        }
    }

    /// Whether a mark was taken of this log, by its first bytes. Files' numbers are given again: they prove nothing.
    pub fn has_mark(&self, mark: &FileMark) -> io::Result<bool> {
        if mark.fingerprint_bytes == 0 {
            return Ok(false);
        }
        let head = self.head()?;
        let begin = head.get(..mark.fingerprint_bytes as usize);
        Ok(begin.is_some_and(|begin| xxh3_128(begin) == mark.fingerprint))
    }

    fn unpack_at(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let reader = match &mut self.unpacked {
            Some(reader) if reader.start <= at => reader,
            // What was unpacked and dropped must be unpacked again.
            stale => stale.insert(Unpacked::open(&self.file, self.packing)?),
        };
        Ok(reader.read_at(at, into))
    }
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), SourceError> {
    if metadata.is_dir() {
        return Err(SourceError::Directory { path: path.to_owned() });
    }
    if !metadata.is_file() {
        return Err(SourceError::NotAFile { path: path.to_owned() });
    }
    Ok(())
}

fn fill_from(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(&mut into[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Adds the next bytes of a log to its first ones, as long as a fingerprint wants more.
pub(super) fn extend_head(head: &mut Vec<u8>, bytes: &[u8]) {
    let wanted = FINGERPRINT_BYTES - head.len().min(FINGERPRINT_BYTES);
    head.extend_from_slice(&bytes[..bytes.len().min(wanted)]);
}

/// A file from its start, with a position of its own: clones of a file share theirs.
struct FromStart {
    file: File,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read_at(into, self.at)?;
        self.at += bytes as u64;
        Ok(bytes)
    }
}

/// A packed log while it is unpacked: the bytes from the last position that was asked for.
struct Unpacked {
    decoder: Decoder,
    window: Vec<u8>,
    start: u64,
    damage: Option<io::Error>,
}

impl Unpacked {
    fn open(file: &File, packing: Compression) -> io::Result<Self> {
        let raw = BufReader::with_capacity(FILE_BUFFER_BYTES, FromStart { file: file.try_clone()?, at: 0 });
        let decoder = decoder::open(raw, packing, Arc::new(Meter::default()))?;
        Ok(Unpacked { decoder, window: Vec::new(), start: 0, damage: None })
    }

    fn read_at(&mut self, at: u64, into: &mut [u8]) -> usize {
        while self.start < at {
            let known = (self.window.len() as u64).min(at - self.start);
            if known == 0 && self.unpack(UNPACK_BYTES) == 0 {
                break;
            }
            let known = (self.window.len() as u64).min(at - self.start);
            self.window.drain(..known as usize);
            self.start += known;
        }
        while self.start == at && self.window.len() < into.len() {
            if self.unpack((into.len() - self.window.len()).min(UNPACK_BYTES)) == 0 {
                break;
            }
        }
        let known = if self.start == at { self.window.len().min(into.len()) } else { 0 };
        into[..known].copy_from_slice(&self.window[..known]);
        known
    }

    /// Unpacks some more behind the window; 0 at the end, or at a damage.
    fn unpack(&mut self, bytes: usize) -> usize {
        if self.damage.is_some() {
            return 0;
        }
        let before = self.window.len();
        self.window.resize(before + bytes, 0);
        let read = loop {
            match self.decoder.read(&mut self.window[before..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.damage = Some(error);
                    break 0;
                }
            }
        };
        self.window.truncate(before + read);
        read
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Content;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn content(bytes: &[u8]) -> Content {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Content::open(file.path()).unwrap()
    }

    #[test]
    fn a_packed_log_is_read_at_any_position_and_backwards() {
        let log: Vec<u8> = (0..400_000u32).flat_map(|number| number.to_le_bytes()).collect();
        let mut content = content(&packed(&log));
        for (at, length) in
            [(0, 10), (5, 300_000), (700_001, 4), (3, 1), (1_599_990, 100), (1_600_000, 5), (9_000_000, 5)]
        {
            let mut into = vec![0; length];
            let read = content.read_at(at as u64, &mut into).unwrap();
            let wanted = log.get(at..).unwrap_or_default();
            assert_eq!(&into[..read], &wanted[..wanted.len().min(length)], "at {at}");
        }
    }

    #[test]
    fn a_look_at_the_head_does_not_disturb_reading() {
        let log: Vec<u8> =
            (0..400_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut content = content(&packed(&log));
        let mut read = Vec::new();
        let mut into = vec![0; 100_000];
        while read.len() < log.len() {
            let bytes = content.read_at(read.len() as u64, &mut into).unwrap();
            assert!(bytes > 0);
            read.extend_from_slice(&into[..bytes]);
            assert_eq!(content.head().unwrap(), log[..4096]);
        }
        assert!(read == log);
    }

    #[test]
    fn what_stands_before_a_damage_is_read() {
        let log: Vec<u8> =
            (0..100_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut bytes = packed(&log);
        bytes.truncate(bytes.len() / 2);
        let mut content = content(&bytes);
        let mut into = vec![0; log.len()];
        let read = content.read_at(0, &mut into).unwrap();
        assert!((100_000..300_000).contains(&read), "{read}");
        assert_eq!(into[..read], log[..read]);
        assert!(content.damage().is_some());
        assert_eq!(content.read_at(read as u64, &mut into).unwrap(), 0);
        assert!(content.prove(read as u64 + 1, 0).unwrap().is_none());
    }

    #[test]
    fn the_last_line_is_found_across_steps() {
        let mut log = b"one\ntwo\n".to_vec();
        log.extend(std::iter::repeat_n(b'x', 200_000));
        assert_eq!(content(&log).last_line().unwrap(), 8);
        assert_eq!(content(b"one\n").last_line().unwrap(), 4);
        assert_eq!(content(b"one").last_line().unwrap(), 0);
        assert_eq!(content(b"").last_line().unwrap(), 0);
    }
}
