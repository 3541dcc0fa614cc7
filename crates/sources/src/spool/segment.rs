//! A segment: one file of a spool, and one stream. It holds nothing but lines, so that a byte's place in the file is its
//! place in the stream; who it is stands in its name.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::{LINE_BYTES_MAX, StreamId};

/// Bytes read at once while a segment is looked through.
const SCAN_BYTES: usize = 64 * 1024;
/// Enough of a segment's end to hold a whole line.
const TAIL_BYTES: u64 = 2 * (LINE_BYTES_MAX as u64 + 1);
const ENDING: &str = ".lines";

/// What is known of a segment. The newest one grows until it is sealed.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) sequence: u64,
    pub(super) stream: StreamId,
    /// Bytes of whole lines; what a failed write left behind them does not count.
    pub(super) len: u64,
    /// How much of it would outlive a loss of power.
    pub(super) synced: u64,
    /// How much was given out.
    pub(super) given: u64,
    /// How much the server holds.
    pub(super) durable: u64,
    /// Nothing will be added.
    pub(super) sealed: bool,
    /// Its last piece was given out.
    pub(super) ended: bool,
    /// Its file could not be removed, and a person was told.
    pub(super) stuck: bool,
}

impl Segment {
    pub(super) fn new(sequence: u64, stream: StreamId) -> Self {
        Segment { sequence, stream, len: 0, synced: 0, given: 0, durable: 0, sealed: false, ended: false, stuck: false }
    }

    /// A segment that an earlier process left. Nothing is added to it: the server may hold bytes of it that a loss of power
    /// took away here, and other bytes must not take their places.
    pub(super) fn recovered(sequence: u64, stream: StreamId, len: u64) -> Self {
        Segment { len, synced: len, sealed: true, ..Segment::new(sequence, stream) }
    }

    pub(super) fn name(&self) -> String {
        format!("{:016x}-{:032x}{ENDING}", self.sequence, self.stream.0)
    }

    /// Whether the file may go.
    pub(super) fn is_done(&self) -> bool {
        self.sealed && self.ended && self.durable >= self.len
    }
}

/// Sequence and stream of a segment's name; `None` for any other file.
pub(super) fn parse_name(name: &str) -> Option<(u64, StreamId)> {
    let (sequence, stream) = name.strip_suffix(ENDING)?.split_once('-')?;
    // Rust's own reading would take a sign.
    let is_hex = |digits: &str, count| digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex(sequence, 16) || !is_hex(stream, 32) {
        return None;
    }
    Some((u64::from_str_radix(sequence, 16).ok()?, StreamId(u128::from_str_radix(stream, 16).ok()?)))
}

/// How much of a file is to be trusted after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It was synced before: only its end is looked at.
    Body,
    /// It may hold anything: zeros where blocks were not written before the power went.
    Nothing,
}

/// Cuts off what is no whole line, and gives the bytes that are left. A line never holds a NUL, so that one shows damage.
pub(super) fn mend(file: &File, trust: Trust) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let tail = match trust {
        Trust::Body if len > TAIL_BYTES => whole_lines(file, len - TAIL_BYTES)?,
        Trust::Body | Trust::Nothing => None,
    };
    let whole = match tail {
        Some(whole) => whole,
        None => whole_lines(file, 0)?.unwrap_or(0),
    };
    if whole < len {
        file.set_len(whole)?;
    }
    if whole < len || trust == Trust::Nothing {
        file.sync_all()?;
    }
    Ok(whole)
}

/// Where the last whole line ends before the first NUL, looking from `from` on; `None` when no line ends there.
fn whole_lines(file: &File, from: u64) -> io::Result<Option<u64>> {
    let mut buffer = vec![0; SCAN_BYTES];
    let (mut at, mut whole) = (from, None);
    loop {
        let read = read_at(file, &mut buffer, at)?;
        let sound = memchr::memchr(0, &buffer[..read]).unwrap_or(read);
        if let Some(newline) = memchr::memrchr(b'\n', &buffer[..sound]) {
            whole = Some(at + newline as u64 + 1);
        }
        if sound < read || read == 0 {
            return Ok(whole);
        }
        at += read as u64;
    }
}

/// The last line below `len`, without its newline.
pub(super) fn last_line(file: &File, len: u64) -> io::Result<Vec<u8>> {
    let from = len.saturating_sub(LINE_BYTES_MAX as u64 + 1);
    let mut bytes = vec![0; (len - from) as usize];
    file.read_exact_at(&mut bytes, from)?;
    bytes.pop();
    let start = memchr::memrchr(b'\n', &bytes).map_or(0, |newline| newline + 1);
    Ok(bytes.split_off(start))
}

/// One read that no signal interrupts.
pub(super) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_who_a_segment_is() {
        let segment = Segment::new(7, StreamId(u128::MAX - 1));
        assert_eq!(parse_name(&segment.name()), Some((7, StreamId(u128::MAX - 1))));
        for foreign in ["spool.lock", "last-line", "7-1.lines", "0000000000000007-0.lines", ".lines", "-.lines"] {
            assert_eq!(parse_name(foreign), None, "{foreign}");
        }
        assert_eq!(parse_name(&segment.name().replace("00", "+0")), None);
    }

    #[test]
    fn zeros_in_the_middle_are_seen_where_nothing_is_trusted() {
        let file = tempfile::tempfile().expect("a file");
        file.write_all_at(b"one\ntwo\nthr\0\0\0ee\nfour\n", 0).expect("written");
        assert_eq!(mend(&file, Trust::Nothing).expect("mended"), 8);
        assert_eq!(file.metadata().expect("a file").len(), 8);
    }

    #[test]
    fn a_torn_end_is_found_by_looking_at_the_end_alone() {
        let file = tempfile::tempfile().expect("a file");
        let line = [&[b'x'; 999][..], b"\n"].concat();
        let bytes = line.repeat(400);
        file.write_all_at(&bytes, 0).expect("written");
        file.write_all_at(b"torn", bytes.len() as u64).expect("written");
        assert_eq!(mend(&file, Trust::Body).expect("mended"), bytes.len() as u64);
        assert_eq!(last_line(&file, bytes.len() as u64).expect("read"), &line[..999]);
    }

    #[test]
    fn a_long_damaged_end_is_passed_over() {
        let file = tempfile::tempfile().expect("a file");
        file.write_all_at(b"one\n", 0).expect("written");
        file.set_len(4 + 3 * TAIL_BYTES).expect("lengthened");
        assert_eq!(mend(&file, Trust::Body).expect("mended"), 4);
    }
}
