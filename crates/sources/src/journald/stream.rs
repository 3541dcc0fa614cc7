//! A stream of entries, in whichever of the two forms it comes, and reading it with bounds.

use std::io::{self, BufRead, BufReader, Read};

use super::cursor::Cursor;
use super::entry::Entry;
use super::{export, json};

/// Bytes read ahead.
const AHEAD_BYTES: usize = 64 * 1024;

/// What stands next in a stream.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are entries, each is looked at once")]
pub(super) enum Found {
    Entry(Entry),
    /// Bytes that are no entry; the stream stands behind them.
    Broken {
        why: &'static str,
        cursor: Option<Cursor>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Export,
    Json,
}

/// The entries of a stream. However large these claim to be, it holds little more of one than a line does.
#[derive(Debug)]
pub(super) struct Entries<R> {
    reader: BufReader<R>,
    form: Option<Form>,
}

impl<R: Read> Entries<R> {
    pub(super) fn new(stream: R) -> Self {
        Entries { reader: BufReader::with_capacity(AHEAD_BYTES, stream), form: None }
    }

    /// The next entry; `None` at the end. An entry that the end cuts off is not given.
    pub(super) fn next(&mut self) -> io::Result<Option<Found>> {
        let form = match self.form {
            Some(form) => form,
            None => match self.detect()? {
                Some(form) => *self.form.insert(form),
                None => return Ok(None),
            },
        };
        match form {
            Form::Export => export::read(&mut self.reader),
            Form::Json => json::read(&mut self.reader),
        }
    }

    /// Whether the next entry seems to be here already, so that reading it does not wait. (A binary field may look like its end.)
    pub(super) fn is_ahead(&self) -> bool {
        let ahead = self.reader.buffer();
        match self.form {
            Some(Form::Json) => memchr::memchr(b'\n', ahead).is_some(),
            Some(Form::Export) | None => memchr::memmem::find(ahead, b"\n\n").is_some(),
        }
    }

    /// The first byte that is no white space decides: JSON begins with a bracket, or with the mark of `-o json-seq`.
    fn detect(&mut self) -> io::Result<Option<Form>> {
        loop {
            let ahead = fill(&mut self.reader)?;
            if ahead.is_empty() {
                return Ok(None);
            }
            let blank = ahead.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let first = ahead.get(blank).copied();
            self.reader.consume(blank);
            match first {
                Some(b'{' | 0x1E) => return Ok(Some(Form::Json)),
                Some(_) => return Ok(Some(Form::Export)),
                None => {}
            }
        }
    }
}

/// How a part of a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With this byte, which was read.
    Byte(u8),
    /// With the stream.
    Stream,
}

/// Reads up to one of two bytes. Keeps `bytes_max` bytes at most and passes over the rest; gives whether there was such a rest.
pub(super) fn read_until(
    reader: &mut impl BufRead,
    ends: [u8; 2],
    bytes_max: usize,
    into: &mut Vec<u8>,
) -> io::Result<(End, bool)> {
    into.clear();
    let mut is_cut = false;
    loop {
        let ahead = fill(reader)?;
        if ahead.is_empty() {
            return Ok((End::Stream, is_cut));
        }
        let found = memchr::memchr2(ends[0], ends[1], ahead);
        let part = &ahead[..found.unwrap_or(ahead.len())];
        let kept = part.len().min(bytes_max - into.len());
        into.extend_from_slice(&part[..kept]);
        is_cut |= kept < part.len();
        let (used, end) = (part.len() + usize::from(found.is_some()), found.map(|at| ahead[at]));
        reader.consume(used);
        if let Some(end) = end {
            return Ok((End::Byte(end), is_cut));
        }
    }
}

/// Reads so many bytes. Keeps `bytes_max` at most and passes over the rest; `false` when the stream ends before.
pub(super) fn read_count(
    reader: &mut impl BufRead,
    count: u64,
    bytes_max: usize,
    into: &mut Vec<u8>,
) -> io::Result<bool> {
    into.clear();
    let mut left = count;
    while left > 0 {
        let ahead = fill(reader)?;
        if ahead.is_empty() {
            return Ok(false);
        }
        let used = usize::try_from(left).unwrap_or(usize::MAX).min(ahead.len());
        let kept = used.min(bytes_max - into.len());
        into.extend_from_slice(&ahead[..kept]);
        reader.consume(used);
        left -= used as u64;
    }
    Ok(true)
}

/// What is ahead, which is nothing only at the end.
fn fill(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // What was filled is there: this reads no more.
    reader.fill_buf()
}
