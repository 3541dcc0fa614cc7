//! What has to outlive a restart: which rows were spooled, and up to when everything was read for good.
//!
//! A file that is only added to, in parts that are whole or not there: `length (u32), xxh3-64 of the content (u64), content`, all little
//! endian. The content is one durable second (i64), one floor (i64), and marks of rows (key u64, line u64, received u32). What was
//! spooled is written here after it is on disk, so that a row which this file knows lies in the spool or at the server; a row that it
//! lost is spooled once more, which the server recognises. When most of it is outdated, it is written anew.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::seen::{Mark, Seen};

/// Names the layout.
const HEAD: &[u8; 8] = b"vigieP1\n";
const PART_HEAD_BYTES: usize = 12;
const TIMES_BYTES: usize = 16;
const MARK_BYTES: usize = 20;
/// Of a part: a page has at most 5000 rows; written anew, a file has many parts.
const PART_MARKS_MAX: usize = 8192;
const PART_BYTES_MAX: usize = TIMES_BYTES + PART_MARKS_MAX * MARK_BYTES;
/// It is written anew from this on, when less than a third of it is of use.
const ANEW_BYTES: u64 = 1 << 20;
/// No durable second is known.
const NONE: i64 = i64::MIN;

/// The file, open for adding.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// A write failed: what follows it would not be found again.
    is_broken: bool,
}

/// What was kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) seen: Seen,
    pub(crate) durable: Option<i64>,
    /// Bytes at the end that are no whole part.
    pub(crate) torn_bytes: u64,
}

impl Journal {
    /// Opens it, or makes it. What a crash left at its end is cut off.
    pub(crate) fn open(path: &Path, rows_max: usize) -> io::Result<(Journal, Kept)> {
        if let Some(folder) = path.parent() {
            // Addresses are only in it as hashes; still it is nobody else's.
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let whole = file.metadata()?.len();
        let mut kept = Kept { seen: Seen::new(rows_max), durable: None, torn_bytes: 0 };
        let sound = read(&file, &mut kept)?;
        kept.torn_bytes = whole - sound;
        let mut journal = Journal { path: path.to_owned(), file, bytes: sound, is_broken: false };
        if sound == 0 {
            journal.anew(&kept.seen, kept.durable)?;
        } else if sound < whole {
            journal.file.set_len(sound)?;
            journal.file.sync_all()?;
        }
        Ok((journal, kept))
    }

    /// Keeps what was spooled, and what is durable by now; it is on disk when this returns.
    pub(crate) fn add(&mut self, marks: &[Mark], seen: &Seen, durable: Option<i64>) -> io::Result<()> {
        let of_use = (seen.len() * MARK_BYTES) as u64;
        if self.is_broken || (self.bytes > ANEW_BYTES && self.bytes > 3 * of_use) {
            return self.anew(seen, durable);
        }
        let mut bytes = Vec::new();
        let mut chunks = marks.chunks(PART_MARKS_MAX);
        part(&mut bytes, durable, seen.floor(), chunks.next().unwrap_or_default());
        chunks.for_each(|marks| part(&mut bytes, durable, seen.floor(), marks));
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        self.is_broken = written.is_err();
        self.bytes += bytes.len() as u64;
        written
    }

    /// Writes it anew: the old one or the new one is there, whole.
    fn anew(&mut self, seen: &Seen, durable: Option<i64>) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let _ = fs::remove_file(&fresh);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&fresh)?;
        let mut out = BufWriter::new(&file);
        out.write_all(HEAD)?;
        let (mut bytes, mut marks, mut total) = (Vec::new(), Vec::new(), HEAD.len() as u64);
        let mut rows = seen.marks().peekable();
        loop {
            marks.extend(rows.by_ref().take(PART_MARKS_MAX));
            part(&mut bytes, durable, seen.floor(), &marks);
            out.write_all(&bytes)?;
            total += bytes.len() as u64;
            bytes.clear();
            marks.clear();
            if rows.peek().is_none() {
                break;
            }
        }
        out.flush()?;
        drop(out);
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        (self.file, self.bytes, self.is_broken) = (file, total, false);
        Ok(())
    }
}

fn part(out: &mut Vec<u8>, durable: Option<i64>, floor: i64, marks: &[Mark]) {
    let mut content = Vec::with_capacity(TIMES_BYTES + marks.len() * MARK_BYTES);
    content.extend(durable.unwrap_or(NONE).to_le_bytes());
    content.extend(floor.to_le_bytes());
    for mark in marks {
        content.extend(mark.key.to_le_bytes());
        content.extend(mark.line.to_le_bytes());
        content.extend(mark.received.to_le_bytes());
    }
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(xxh3_64(&content).to_le_bytes());
    out.extend(content);
}

/// Takes every whole part, and gives where the last one ends.
fn read(file: &File, kept: &mut Kept) -> io::Result<u64> {
    let mut file = BufReader::new(file);
    let mut head = [0; HEAD.len()];
    if !fill(&mut file, &mut head)? || head != *HEAD {
        return Ok(0);
    }
    let mut sound = HEAD.len() as u64;
    let mut content = Vec::new();
    loop {
        let mut head = [0; PART_HEAD_BYTES];
        if !fill(&mut file, &mut head)? {
            return Ok(sound);
        }
        let (length, sum) = (u32::from_le_bytes(number(&head[..4])) as usize, u64::from_le_bytes(number(&head[4..])));
        if !(TIMES_BYTES..=PART_BYTES_MAX).contains(&length) {
            return Ok(sound);
        }
        content.resize(length, 0);
        if !fill(&mut file, &mut content)? || xxh3_64(&content) != sum {
            return Ok(sound);
        }
        take(&content, kept);
        sound += (PART_HEAD_BYTES + length) as u64;
    }
}

fn take(content: &[u8], kept: &mut Kept) {
    let (times, marks) = content.split_at(TIMES_BYTES);
    let durable = i64::from_le_bytes(number(&times[..8]));
    kept.durable = (durable != NONE).then_some(durable);
    kept.seen.raise_floor(i64::from_le_bytes(number(&times[8..])));
    for mark in marks.chunks_exact(MARK_BYTES) {
        let [key, line] = [&mark[..8], &mark[8..16]].map(|bytes| u64::from_le_bytes(number(bytes)));
        kept.seen.add(Mark { key, line, received: u32::from_le_bytes(number(&mark[16..])) });
    }
}

/// The bytes of a number; whoever asks cut them to its length.
fn number<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

/// Whether there was as much.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(key: u64) -> Mark {
        Mark { key, line: key * 3, received: 1_795_321_949 }
    }

    fn opened(path: &Path) -> (Journal, Kept) {
        Journal::open(path, 100_000).expect("opened")
    }

    fn keys(kept: &Kept) -> Vec<u64> {
        let mut keys: Vec<u64> = kept.seen.marks().map(|mark| mark.key).collect();
        keys.sort();
        keys
    }

    #[test]
    fn what_was_added_is_there_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/folder/seen");
        let (mut journal, kept) = opened(&path);
        assert_eq!((kept.durable, kept.seen.len(), kept.torn_bytes), (None, 0, 0));
        let mut seen = kept.seen;
        for key in 0..10 {
            seen.add(mark(key));
            journal.add(&[mark(key)], &seen, Some(key as i64)).expect("added");
        }
        drop(journal);
        let (_, kept) = opened(&path);
        assert_eq!((kept.durable, kept.torn_bytes), (Some(9), 0));
        assert_eq!(keys(&kept), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn cut_at_any_byte_it_keeps_its_whole_parts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seen");
        let (mut journal, mut kept) = opened(&path);
        let mut ends = vec![fs::metadata(&path).expect("a file").len()];
        for key in 0..4 {
            kept.seen.add(mark(key));
            journal.add(&[mark(key)], &kept.seen, Some(5)).expect("added");
            ends.push(fs::metadata(&path).expect("a file").len());
        }
        let whole = fs::read(&path).expect("read");
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).expect("written");
            let parts = ends.iter().filter(|end| **end <= cut as u64).count().saturating_sub(1);
            let (mut journal, mut kept) = opened(&path);
            assert_eq!(kept.seen.len(), parts, "cut at {cut}");
            // And it goes on behind them.
            kept.seen.add(mark(99));
            journal.add(&[mark(99)], &kept.seen, Some(6)).expect("added");
            assert_eq!(keys(&opened(&path).1).last(), Some(&99));
        }
    }

    #[test]
    fn a_damaged_part_ends_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seen");
        let (mut journal, mut kept) = opened(&path);
        for key in 0..3 {
            kept.seen.add(mark(key));
            journal.add(&[mark(key)], &kept.seen, None).expect("added");
        }
        let whole = fs::read(&path).expect("read");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).expect("written");
            let (_, kept) = opened(&path);
            assert!(kept.seen.len() < 3 && kept.torn_bytes > 0, "damaged at {at}");
            assert!(kept.seen.marks().all(|kept| kept == mark(kept.key)), "damaged at {at}");
        }
    }

    #[test]
    fn what_is_outdated_goes_when_it_is_most_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seen");
        let (mut journal, mut kept) = opened(&path);
        let marks: Vec<Mark> = (0..20_000).map(mark).collect();
        for _ in 0..12 {
            marks.iter().for_each(|mark| kept.seen.add(*mark));
            journal.add(&marks, &kept.seen, Some(1)).expect("added");
        }
        let (bytes, of_use) = (fs::metadata(&path).expect("a file").len(), 20_000 * MARK_BYTES as u64);
        assert!(bytes < 5 * of_use, "{bytes}");
        let (_, kept) = opened(&path);
        assert_eq!((kept.seen.len(), kept.durable), (20_000, Some(1)));
    }
}
