//! What is in a message, told from its headers and structure while its bytes pass by. No content is kept.
//!
//! A [`Reader`] takes a header field by field and a body cut anywhere, and needs memory for one line, one header, the open multiparts and the
//! attachments so far, each with a bound. A message beyond a bound is read no further there, and [`Content::cut`] says so.

mod head;
mod leaf;
mod lines;
mod parameters;
mod part;
mod sniff;
pub mod structure;
mod text;
mod transfer;

use memchr::memchr;
use vigie_model::{Attachment, Content, Text};

use head::{Field, Head, Start};
use leaf::Leaf;
use part::{Family, NAME_BYTES_MAX, Part, Protection, Standing};

/// Parts of a message that are looked at.
pub const PARTS_MAX: u32 = 1000;
/// Multiparts and messages in each other. Postfix looks as deep (`mime_nesting_limit`).
pub const NESTING_MAX: usize = 100;
/// Attachments that are told of. With the bounds of their names a line stays below 64 KiB.
pub const ATTACHMENTS_MAX: usize = 64;
/// A longer line is no boundary, and is taken in pieces.
const LINE_BYTES_MAX: usize = 1024;
const SUBJECT_BYTES_MAX: usize = 1000;
const ADDRESS_BYTES_MAX: usize = 320;
const MESSAGE_ID_BYTES_MAX: usize = 998;

/// What a message says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// With its angle brackets, as the header has it.
    pub message_id: Text,
    /// Decoded.
    pub subject: Text,
    pub content: Content,
}

/// Reads one message.
#[derive(Debug, Default)]
pub struct Reader {
    told: Told,
    stack: Vec<Frame>,
    state: State,
    parts: u32,
    /// Bytes of the body before this line.
    at: u64,
    /// Bytes of the line end before this line, which belong to a boundary.
    line_end: u64,
    /// A line was cut between the two bytes of its end.
    ends_in_return: bool,
    /// The beginning of a line that has not come whole.
    line: Vec<u8>,
    is_inside_line: bool,
}

/// What is open around the place that is read.
#[derive(Debug)]
enum Frame {
    Multipart {
        boundary: Vec<u8>,
        family: Family,
        parts: u32,
    },
    /// An attached message: where it began, and its place among the attachments.
    Message {
        began: u64,
        listed: Option<usize>,
    },
}

#[derive(Debug)]
enum State {
    Header(Box<Head>),
    Body(Box<Leaf>),
    /// Before the first boundary, behind the last, or beyond a bound.
    Ignored,
}

impl Default for State {
    fn default() -> Self {
        State::Header(Box::default())
    }
}

impl Reader {
    /// A field of the message's header. Call it before [`body`](Self::body).
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        if let (State::Header(head), true) = (&mut self.state, self.stack.is_empty()) {
            head.field(name, value);
        }
    }

    /// The header is complete.
    pub fn end_of_header(&mut self) {
        if matches!(self.state, State::Header(_)) && self.at == 0 && self.line.is_empty() {
            self.end_head();
        }
    }

    /// The message's body, or a part of it, cut anywhere; where no field was given, the whole message.
    pub fn body(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(newline) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(newline + 1);
            self.piece(line, true);
            rest = after;
        }
        if !rest.is_empty() {
            self.piece(rest, false);
        }
    }

    /// Whether nothing that follows can matter: the last boundary was there.
    pub fn is_done(&self) -> bool {
        self.stack.is_empty() && matches!(self.state, State::Ignored)
    }

    /// What was found.
    pub fn finish(mut self) -> Told {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.pass(&line, true);
        }
        if matches!(self.state, State::Header(_)) {
            self.end_head();
        }
        self.line_end = 0;
        self.end_part(None);
        while let Some(frame) = self.stack.pop() {
            self.end_frame(&frame, self.at);
        }
        self.told
    }

    /// Bytes of one line. Held back until it is whole, as long as it may be a boundary: what is found must not depend on how it was cut.
    fn piece(&mut self, piece: &[u8], ends: bool) {
        if self.line.len() + piece.len() > LINE_BYTES_MAX || self.is_inside_line {
            let held = std::mem::take(&mut self.line);
            if !held.is_empty() {
                self.pass(&held, false);
            }
            self.pass(piece, false);
        } else if !ends {
            self.line.extend_from_slice(piece);
            return;
        } else if self.line.is_empty() {
            self.pass(piece, true);
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(piece);
            self.pass(&line, true);
            line.clear();
            self.line = line;
        }
        self.is_inside_line = !ends;
    }

    /// Bytes of a line, in their turn. `is_whole`: the whole line, short enough to mean something.
    fn pass(&mut self, bytes: &[u8], is_whole: bool) {
        let start = if self.is_inside_line { Start::Inside } else { Start::Line };
        self.is_inside_line = !is_whole;
        let boundary = if is_whole { self.boundary(bytes) } else { None };
        if let Some((index, kind)) = boundary {
            self.close(index, kind);
        } else if is_whole && matches!(bytes, b"\r\n" | b"\n") && matches!(self.state, State::Header(_)) {
            // The empty line is of the header: the body begins behind it.
            self.at += bytes.len() as u64;
            self.line_end = 0;
            self.end_head();
            return;
        } else {
            match &mut self.state {
                State::Header(head) => head.line(bytes, start),
                State::Body(leaf) => leaf.take(bytes),
                State::Ignored => {}
            }
        }
        self.at += bytes.len() as u64;
        self.line_end = match bytes {
            b"\n" if self.ends_in_return => 2,
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        self.ends_in_return = bytes.ends_with(b"\r");
    }

    /// Which open multipart has this line for a boundary, the innermost first.
    fn boundary(&self, line: &[u8]) -> Option<(usize, Boundary)> {
        let rest = line.strip_prefix(b"--")?.trim_ascii_end();
        self.stack.iter().enumerate().rev().find_map(|(index, frame)| match frame {
            Frame::Multipart { boundary, .. } => match rest.strip_prefix(&**boundary)? {
                b"" => Some((index, Boundary::Between)),
                b"--" => Some((index, Boundary::Last)),
                _ => None,
            },
            Frame::Message { .. } => None,
        })
    }

    /// A boundary ends all that is open in its multipart.
    fn close(&mut self, index: usize, kind: Boundary) {
        if matches!(self.state, State::Header(_)) {
            self.end_head();
        }
        self.end_part(Some(kind));
        let end = self.at.saturating_sub(self.line_end);
        while self.stack.len() > index + 1
            && let Some(frame) = self.stack.pop()
        {
            self.end_frame(&frame, end);
        }
        match (kind, self.stack.last_mut()) {
            (Boundary::Between, Some(Frame::Multipart { parts, .. })) if self.parts < PARTS_MAX => {
                *parts = parts.saturating_add(1);
                self.parts += 1;
                self.state = State::default();
            }
            (Boundary::Between, _) => self.told.content.cut = true,
            (Boundary::Last, _) => drop(self.stack.pop()),
        }
    }

    /// The body of what was a header begins.
    fn end_head(&mut self) {
        let State::Header(head) = std::mem::replace(&mut self.state, State::Ignored) else { return };
        let part = Part::read(&head);
        let standing = self.standing();
        if self.stack.is_empty() {
            self.told.read_head(&head, &part);
        }
        self.protected(part.protection);
        if (part.family().is_some() || part.is_message(standing)) && self.stack.len() >= NESTING_MAX {
            self.told.content.cut = true;
        } else if let Some(family) = part.family() {
            self.stack.push(Frame::Multipart { boundary: part.boundary, family, parts: 0 });
        } else if part.is_message(standing) {
            let listed = if part.is_attachment(standing) { self.list(&part) } else { None };
            self.stack.push(Frame::Message { began: self.at, listed });
            self.state = State::default();
        } else {
            let listed = if part.is_attachment(standing) { self.list(&part) } else { None };
            self.state = State::Body(Box::new(Leaf::new(&part, listed, ATTACHMENTS_MAX)));
        }
    }

    fn standing(&self) -> Standing {
        match self.stack.last() {
            Some(Frame::Multipart { family, parts, .. }) => {
                Standing { family: Some(*family), before: parts.saturating_sub(1) }
            }
            Some(Frame::Message { .. }) | None => Standing { family: None, before: 0 },
        }
    }

    /// An attachment's place; `None` when there are too many.
    fn list(&mut self, part: &Part) -> Option<usize> {
        self.attach(Attachment {
            name: Text::from(&*part.name),
            declared: Text::from(&*part.media_type),
            ..Attachment::default()
        })
    }

    fn attach(&mut self, attachment: Attachment) -> Option<usize> {
        let attachments = &mut self.told.content.attachments;
        if attachments.len() >= ATTACHMENTS_MAX {
            self.told.content.cut = true;
            return None;
        }
        attachments.push(attachment);
        Some(attachments.len() - 1)
    }

    /// What is open ends: at a boundary, or with the message.
    fn end_part(&mut self, boundary: Option<Boundary>) {
        let State::Body(leaf) = std::mem::replace(&mut self.state, State::Ignored) else { return };
        let mut found = leaf.end(boundary.is_some());
        self.protected(found.protection);
        if let Some(attachment) = found.listed.and_then(|index| self.told.content.attachments.get_mut(index)) {
            attachment.size = found.size;
            attachment.sniffed = Text::from(&*found.sniffed);
        }
        self.told.content.cut |= found.more_files;
        for file in found.files.drain(..) {
            let name = Text::from(text::read(&file.name, NAME_BYTES_MAX));
            let sniffed = Text::from(sniff::sniff(&file.first));
            self.attach(Attachment { name, declared: Text::default(), sniffed, size: file.size });
        }
    }

    fn end_frame(&mut self, frame: &Frame, end: u64) {
        if let Frame::Message { began, listed: Some(index) } = frame
            && let Some(attachment) = self.told.content.attachments.get_mut(*index)
        {
            attachment.size = end.saturating_sub(*began);
        }
    }

    /// Only the message's own protection counts, not that of a message in it.
    fn protected(&mut self, protection: Protection) {
        if self.stack.iter().any(|frame| matches!(frame, Frame::Message { .. })) {
            return;
        }
        let content = &mut self.told.content;
        let (fact, standard) = match protection {
            Protection::Signed(standard) => (&mut content.signed, standard),
            Protection::Encrypted(standard) => (&mut content.encrypted, standard),
            Protection::None | Protection::Smime | Protection::Aside => return,
        };
        if fact.is_empty() {
            *fact = Text::from(standard);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Boundary {
    Between,
    Last,
}

impl Told {
    fn read_head(&mut self, head: &Head, part: &Part) {
        let lower = |field| text::read(head.value(field), SUBJECT_BYTES_MAX).to_ascii_lowercase();
        let (precedence, auto) = (lower(Field::Precedence), lower(Field::AutoSubmitted));
        self.subject = Text::from(text::read(head.value(Field::Subject), SUBJECT_BYTES_MAX));
        self.message_id = Text::from(message_id(head.value(Field::MessageId)));
        let content = &mut self.content;
        content.header_from = Text::from(text::address(head.value(Field::From), ADDRESS_BYTES_MAX));
        content.media_type = Text::from(&*part.media_type);
        content.list = head.has(Field::List) || precedence == "list";
        // RFC 3834: `no` is what a person wrote; and what was in use before it.
        content.automatic = head.has(Field::AutoSubmitted) && auto.split([';', ' ', '(']).next() != Some("no")
            || ["bulk", "junk", "auto_reply"].contains(&&*precedence);
        content.dkim = head.has(Field::Dkim);
    }
}

/// As it is, without folding; one that is not ASCII or too long to be one is left out, because half an id is another id.
fn message_id(value: &[u8]) -> String {
    let text: Vec<u8> = value.trim_ascii().iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    let is_id = text.len() <= MESSAGE_ID_BYTES_MAX && text.iter().all(|byte| (b' '..=b'~').contains(byte));
    if is_id { String::from_utf8(text).unwrap_or_default() } else { String::new() }
}

#[cfg(test)]
mod tests;
