//! A part that has no parts: counted, and looked at where it begins.

use super::lines::{Lines, UuFile};
use super::part::{PGP, Part, Protection, SMIME};
use super::sniff::{FIRST_BYTES, sniff};
use super::transfer::{Sink, Transfer};

/// What CMS calls its kinds (RFC 5652), as the first bytes of S/MIME have it.
const CMS_SIGNED: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";
const CMS_ENVELOPED: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03";
const CMS_AUTH_ENVELOPED: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x17";
/// The kind stands behind two lengths of at most six bytes.
const CMS_HEAD_BYTES: usize = 32;

/// What a leaf was.
#[derive(Debug)]
pub(super) struct Found {
    /// Its place among the attachments.
    pub(super) listed: Option<usize>,
    pub(super) size: u64,
    pub(super) sniffed: String,
    pub(super) protection: Protection,
    pub(super) files: Vec<UuFile>,
    /// There were more of these.
    pub(super) more_files: bool,
}

#[derive(Debug)]
pub(super) struct Leaf {
    transfer: Transfer,
    listed: Option<usize>,
    protection: Protection,
    content: Decoded,
}

/// What its decoded bytes go into.
#[derive(Debug)]
struct Decoded {
    size: u64,
    first: Vec<u8>,
    wants_first: bool,
    lines: Option<Lines>,
    files_max: usize,
}

impl Leaf {
    pub(super) fn new(part: &Part, listed: Option<usize>, files_max: usize) -> Leaf {
        let is_uuencoded = ["x-uuencode", "uuencode", "x-uue"].contains(&&*part.encoding);
        let is_read = part.is_text() && listed.is_none();
        let wants_first = listed.is_some() || part.protection == Protection::Smime;
        Leaf {
            transfer: Transfer::of(&part.encoding),
            listed,
            protection: part.protection,
            content: Decoded {
                size: 0,
                first: Vec::new(),
                wants_first,
                lines: (is_read || is_uuencoded).then(Lines::default),
                files_max,
            },
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.transfer.take(bytes, &mut self.content);
    }

    /// `is_bounded`: a boundary came, and the line end before it is not content.
    pub(super) fn end(mut self, is_bounded: bool) -> Found {
        if !is_bounded {
            self.transfer.finish(&mut self.content);
        }
        let Decoded { mut size, mut first, lines, files_max, .. } = self.content;
        let mut lines = lines.unwrap_or_default();
        lines.finish(files_max);
        let mut files = lines.files;
        // A part that is declared as uuencode is the file in it.
        if self.listed.is_some()
            && let Some(file) = (!files.is_empty()).then(|| files.swap_remove(0))
        {
            (size, first) = (file.size, file.first);
            (files, lines.count) = (Vec::new(), 0);
        }
        let protection = match self.protection {
            Protection::Smime => cms(&first),
            Protection::None if lines.signed => Protection::Signed(PGP),
            Protection::None if lines.encrypted => Protection::Encrypted(PGP),
            // The header's word was taken before.
            _ => Protection::None,
        };
        let more_files = lines.count > files.len() as u64;
        let sniffed = if self.listed.is_some() { sniff(&first).to_owned() } else { String::new() };
        Found { listed: self.listed, size, sniffed, protection, files, more_files }
    }
}

fn cms(first: &[u8]) -> Protection {
    let head = first.get(..first.len().min(CMS_HEAD_BYTES)).unwrap_or_default();
    let has = |kind: &[u8]| memchr::memmem::find(head, kind).is_some();
    match () {
        () if has(CMS_SIGNED) => Protection::Signed(SMIME),
        () if has(CMS_ENVELOPED) || has(CMS_AUTH_ENVELOPED) => Protection::Encrypted(SMIME),
        () => Protection::None,
    }
}

impl Sink for Decoded {
    fn wants_bytes(&self) -> bool {
        self.lines.is_some() || (self.wants_first && self.first.len() < FIRST_BYTES)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if self.wants_first {
            let room = FIRST_BYTES - self.first.len();
            self.first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        if let Some(lines) = &mut self.lines {
            lines.take(bytes, self.files_max);
        }
    }

    fn count(&mut self, bytes: u64) {
        self.size += bytes;
    }
}
