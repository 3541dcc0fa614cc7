//! The last line of a spool, remembered when its segment goes: it says where a journal is to be read on.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::state::State;
use super::{Origin, Shared, SpoolError, segment};
use crate::LINE_BYTES_MAX;

const NAME: &str = "last-line";
const NEW_NAME: &str = "last-line.new";
/// Room for it on a full disk: when its segment cannot go before the line is remembered, this goes first.
const RESERVE_NAME: &str = "reserve";
const RESERVE_BYTES: usize = LINE_BYTES_MAX + 16 * 1024;
/// Sequence in hexadecimal, a space, the line, a newline.
const SEQUENCE_DIGITS: usize = 16;

/// A line, and the sequence of the segment that it stood in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) sequence: u64,
    pub(super) line: Vec<u8>,
}

/// What is remembered in a folder; `None` for nothing, or for what is not ours.
pub(super) fn read(dir: &Path) -> io::Result<Option<Remembered>> {
    let file = match File::open(dir.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    let bytes_max = SEQUENCE_DIGITS + 1 + LINE_BYTES_MAX + 1;
    io::Read::read_to_end(&mut io::Read::take(file, bytes_max as u64), &mut bytes)?;
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Option<Remembered> {
    let (sequence, rest) = bytes.split_at_checked(SEQUENCE_DIGITS)?;
    let sequence = u64::from_str_radix(std::str::from_utf8(sequence).ok()?, 16).ok()?;
    let line = rest.strip_prefix(b" ")?.strip_suffix(b"\n")?;
    Some(Remembered { sequence, line: line.to_vec() })
}

/// Writes it whole or not at all, and to the disk.
fn write(dir: &Path, directory: &File, remembered: &Remembered) -> io::Result<()> {
    let new = dir.join(NEW_NAME);
    let mut file = File::create(&new)?;
    file.write_all(format!("{:016x} ", remembered.sequence).as_bytes())?;
    file.write_all(&remembered.line)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&new, dir.join(NAME))?;
    directory.sync_all()
}

impl Shared {
    /// Sees, with the state locked, that there is a reserve, for a spool that needs one. On a disk that is full already there is none.
    pub(super) fn make_reserve(&self) {
        let path = self.config.dir.join(RESERVE_NAME);
        let is_there = || fs::metadata(&path).is_ok_and(|metadata| metadata.len() >= RESERVE_BYTES as u64);
        if self.config.origin == Origin::Resumable && !is_there() && fs::write(&path, [b'-'; RESERVE_BYTES]).is_err() {
            // Nothing is lost by half of one but its room.
            drop(fs::remove_file(&path));
        }
    }

    /// The last line that the spool took: the newest segment's, or the one remembered of a segment that went after that.
    pub(super) fn last_line(&self, state: &State) -> Result<Option<Vec<u8>>, SpoolError> {
        let failed = |source| SpoolError::opening(&self.config.dir, source);
        let remembered = read(&self.config.dir).map_err(failed)?;
        let Some(newest) = state.segments.iter().rev().find(|segment| segment.len > 0) else {
            return Ok(remembered.map(|remembered| remembered.line));
        };
        match remembered {
            Some(remembered) if remembered.sequence > newest.sequence => Ok(Some(remembered.line)),
            _ => self.last_line_of(newest).map(Some).map_err(failed),
        }
    }

    /// Remembers a segment's last line before it goes.
    pub(super) fn remember(&self, segment: &segment::Segment) -> io::Result<()> {
        let before = read(&self.config.dir)?;
        if segment.len == 0 || before.is_some_and(|before| before.sequence > segment.sequence) {
            return Ok(());
        }
        let remembered = Remembered { sequence: segment.sequence, line: self.last_line_of(segment)? };
        let dir = &self.config.dir;
        match write(dir, &self.directory, &remembered) {
            Err(error)
                if error.kind() == io::ErrorKind::StorageFull && fs::remove_file(dir.join(RESERVE_NAME)).is_ok() =>
            {
                write(dir, &self.directory, &remembered)
            }
            written => written,
        }
    }

    fn last_line_of(&self, segment: &segment::Segment) -> io::Result<Vec<u8>> {
        segment::last_line(&File::open(self.path_of(segment))?, segment.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_back_and_garbage_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = File::open(folder.path()).expect("a folder");
        let remembered = Remembered { sequence: 300, line: b"a line".to_vec() };
        write(folder.path(), &directory, &remembered).expect("written");
        assert_eq!(read(folder.path()).expect("read"), Some(remembered));
        for garbage in [&b""[..], b"zz", b"000000000000012c", b"000000000000012c x", b"00000000000001\xFFc x\n"] {
            fs::write(folder.path().join(NAME), garbage).expect("written");
            assert_eq!(read(folder.path()).expect("read"), None);
        }
    }
}
