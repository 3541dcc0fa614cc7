//! The milter protocol on the wire: numbers and packets, as Sendmail's `include/libmilter/mfdef.h` and Postfix's `src/milter/milter8.c` have them.
//!
//! A packet is its length, a letter and data. It is taken as it comes: of what is only counted nothing is kept, so that a length that lies
//! costs no memory.

/// The newest version of the protocol; that of Sendmail 8.14 and of Postfix' `milter_protocol = 6`.
pub const VERSION: u32 = 6;
/// Before it there was no order of steps that could be left out.
pub const VERSION_MIN: u32 = 2;
/// A packet that says it is longer is none: servers send 64 KiB at once.
pub const PACKET_BYTES_MAX: u32 = 16 << 20;
/// Bytes kept of a packet that is read whole: a header field (Postfix: `header_size_limit`, 100 KiB), macros.
pub const KEPT_BYTES_MAX: usize = 64 * 1024;

/// What a mail server says (`SMFIC_*`).
pub mod command {
    pub const ABORT: u8 = b'A';
    pub const BODY: u8 = b'B';
    pub const CONNECT: u8 = b'C';
    pub const MACRO: u8 = b'D';
    pub const END_OF_BODY: u8 = b'E';
    pub const HELO: u8 = b'H';
    pub const QUIT_NEW_CONNECTION: u8 = b'K';
    pub const HEADER: u8 = b'L';
    pub const MAIL: u8 = b'M';
    pub const END_OF_HEADER: u8 = b'N';
    pub const NEGOTIATE: u8 = b'O';
    pub const QUIT: u8 = b'Q';
    pub const RECIPIENT: u8 = b'R';
    pub const DATA: u8 = b'T';
    pub const UNKNOWN: u8 = b'U';
}

/// What is answered (`SMFIR_*`). There are others, all of which change something: a milter that has no word for a refusal cannot refuse.
pub mod reply {
    pub const CONTINUE: u8 = b'c';
    /// Enough of the body was seen.
    pub const SKIP: u8 = b's';
}

/// Steps of a session, as bits (`SMFIP_*`).
pub mod step {
    pub const NO_CONNECT: u32 = 0x1;
    pub const NO_HELO: u32 = 0x2;
    pub const NO_MAIL: u32 = 0x4;
    pub const NO_RECIPIENT: u32 = 0x8;
    pub const NO_REPLY_HEADER: u32 = 0x80;
    pub const NO_UNKNOWN: u32 = 0x100;
    pub const NO_DATA: u32 = 0x200;
    pub const SKIP: u32 = 0x400;
    pub const NO_REPLY_CONNECT: u32 = 0x1000;
    pub const NO_REPLY_HELO: u32 = 0x2000;
    pub const NO_REPLY_MAIL: u32 = 0x4000;
    pub const NO_REPLY_RECIPIENT: u32 = 0x8000;
    pub const NO_REPLY_DATA: u32 = 0x1_0000;
    pub const NO_REPLY_UNKNOWN: u32 = 0x2_0000;
    pub const NO_REPLY_END_OF_HEADER: u32 = 0x4_0000;
    pub const NO_REPLY_BODY: u32 = 0x8_0000;
}

/// What is asked for, as far as the server offers it: nothing before the header, and no wait for an answer before the end.
pub const STEPS_WANTED: u32 = step::NO_CONNECT
    | step::NO_HELO
    | step::NO_MAIL
    | step::NO_RECIPIENT
    | step::NO_UNKNOWN
    | step::NO_DATA
    | step::SKIP
    | step::NO_REPLY_HEADER
    | step::NO_REPLY_CONNECT
    | step::NO_REPLY_HELO
    | step::NO_REPLY_MAIL
    | step::NO_REPLY_RECIPIENT
    | step::NO_REPLY_DATA
    | step::NO_REPLY_UNKNOWN
    | step::NO_REPLY_END_OF_HEADER
    | step::NO_REPLY_BODY;

/// What was sent is no milter protocol, or in no order that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a packet of {0} bytes, which no mail server sends")]
    Length(u32),
    #[error("a command before the versions were agreed on")]
    TooEarly,
    #[error("version {0} of the protocol, which is too old")]
    TooOld(u32),
    #[error("no versions where they are to be agreed on")]
    NoVersions,
    #[error("a command that there is not: {0}")]
    NoCommand(u8),
}

/// Something of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Data of a body, as it comes.
    Body(&'a [u8]),
    /// A packet is complete: its command, and its data up to [`KEPT_BYTES_MAX`], for a command of which data is kept.
    Whole(u8, &'a [u8]),
}

/// Takes bytes apart into packets.
#[derive(Debug, Default)]
pub struct Packets {
    head: [u8; 5],
    head_len: usize,
    /// Bytes of data that are still to come.
    left: u32,
    kept: Vec<u8>,
}

const HEAD_BYTES: usize = 5;
const LENGTH_BYTES: usize = 4;

impl Packets {
    /// Takes bytes, cut anywhere, and hands out what they hold; ends at the first fault, of these or of `handle`.
    pub fn take(&mut self, bytes: &[u8], mut handle: impl FnMut(Part<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.head_len < HEAD_BYTES {
                rest = self.take_head(rest)?;
            } else {
                rest = self.take_data(rest, &mut handle)?;
            }
            if self.head_len == HEAD_BYTES && self.left == 0 {
                self.head_len = 0;
                let ended = handle(Part::Whole(self.head[LENGTH_BYTES], &self.kept));
                self.kept.clear();
                self.kept.shrink_to(KEPT_BYTES_ORDINARY);
                ended?;
            }
        }
        Ok(())
    }

    fn take_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Fault> {
        let (now, rest) = bytes.split_at(bytes.len().min(HEAD_BYTES - self.head_len));
        self.head[self.head_len..self.head_len + now.len()].copy_from_slice(now);
        self.head_len += now.len();
        if self.head_len >= LENGTH_BYTES {
            let [a, b, c, d, _] = self.head;
            let length = u32::from_be_bytes([a, b, c, d]);
            if length == 0 || length > PACKET_BYTES_MAX {
                return Err(Fault::Length(length));
            }
            self.left = length - 1;
        }
        Ok(rest)
    }

    fn take_data<'a>(
        &mut self,
        bytes: &'a [u8],
        handle: &mut impl FnMut(Part<'_>) -> Result<(), Fault>,
    ) -> Result<&'a [u8], Fault> {
        let (now, rest) = bytes.split_at(bytes.len().min(self.left as usize));
        self.left -= now.len() as u32;
        match self.head[LENGTH_BYTES] {
            command::BODY | command::END_OF_BODY => handle(Part::Body(now))?,
            command::HEADER | command::MACRO | command::NEGOTIATE => {
                let room = KEPT_BYTES_MAX - self.kept.len();
                self.kept.extend_from_slice(&now[..now.len().min(room)]);
            }
            _ => {}
        }
        Ok(rest)
    }
}

/// Most header fields are shorter; a longer one does not keep its memory.
const KEPT_BYTES_ORDINARY: usize = 1024;

/// Texts that each end with a NUL, in pairs: macros and header fields.
pub fn pairs(data: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut texts = data.split(|&byte| byte == 0);
    std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
}

/// A packet.
pub fn packet(command: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() + 1).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &[command], data].concat()
}
