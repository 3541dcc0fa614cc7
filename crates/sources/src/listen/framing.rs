//! Telling messages apart in a stream (RFC 6587), for each message anew:
//!
//! - octet counting, when a message begins with a number, a space and `<`: so many bytes are the message. The `<` of its
//!   priority is asked for because a line may begin with a year (`2026 Nov  2 10:00:00 …`);
//! - non-transparent framing otherwise: the message ends with a newline, or with a NUL, as some appliances do.
//!
//! A length that no message has is a lie, after which nothing in the stream can be believed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::LINE_BYTES_MAX;

/// The longest message that may be announced. It is longer than a line may be, because some senders announce what others
/// would cut; what is too long for a line is passed over.
const OCTETS_MAX: u64 = 1 << 20;
/// Digits of the largest number that is read as a length. More are a line that begins with digits.
const DIGITS_MAX: usize = 20;
/// What every connection may hold of a message that is not complete. RFC 5425 asks for 8,192 bytes.
const SHORT_BYTES: usize = 8 * 1024;

/// A length was announced that no message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lie;

/// Whether a message is as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wholeness {
    Whole,
    Cut,
}

/// How many messages beyond [`SHORT_BYTES`] may be held at the same time, by all connections of a listener.
#[derive(Debug)]
pub(super) struct LongMessages {
    left: AtomicUsize,
}

impl LongMessages {
    pub(super) fn new(messages_max: usize) -> Arc<Self> {
        Arc::new(LongMessages { left: AtomicUsize::new(messages_max) })
    }

    fn permit(self: &Arc<Self>) -> Option<LongMessage> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.ok().map(|_| LongMessage(self.clone()))
    }
}

/// The right to hold one long message.
#[derive(Debug)]
struct LongMessage(Arc<LongMessages>);

impl Drop for LongMessage {
    fn drop(&mut self) {
        self.0.left.fetch_add(1, Ordering::Relaxed);
    }
}

/// Makes messages of the bytes of one connection, however they are cut into reads.
#[derive(Debug)]
pub(super) struct Framer {
    stage: Stage,
    /// The message so far, or the digits of its length.
    held: Vec<u8>,
    wholeness: Wholeness,
    long: Option<LongMessage>,
    long_messages: Arc<LongMessages>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Between messages.
    Start,
    /// In digits that may be a length.
    Digits,
    /// Behind digits and a space.
    Announced,
    /// In a message that has so many bytes left.
    Counted(u64),
    /// In a message that a newline ends.
    Line,
}

impl Framer {
    pub(super) fn new(long_messages: Arc<LongMessages>) -> Self {
        Framer { stage: Stage::Start, held: Vec::new(), wholeness: Wholeness::Whole, long: None, long_messages }
    }

    /// Whether the next byte begins a message.
    pub(super) fn is_between_messages(&self) -> bool {
        self.stage == Stage::Start
    }

    /// Takes the next bytes, and gives each message that they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8], Wholeness)) -> Result<(), Lie> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.stage {
                Stage::Start => self.start(rest),
                Stage::Digits => self.digits(rest),
                Stage::Announced => self.announced(rest)?,
                Stage::Counted(left) => self.counted(rest, left, &mut take),
                Stage::Line => self.line(rest, &mut take),
            };
        }
        Ok(())
    }

    /// The connection ended: gives what there is of a last message. A line need not have its newline.
    pub(super) fn finish(&mut self, mut take: impl FnMut(&[u8], Wholeness)) {
        if matches!(self.stage, Stage::Counted(_)) {
            self.wholeness = Wholeness::Cut;
        }
        if !self.held.is_empty() {
            self.complete(&[], &mut take);
        }
        self.stage = Stage::Start;
    }

    fn start<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        match rest[0] {
            // The end of an empty line; some senders of counted messages write one behind each as well.
            b'\n' | 0 => return &rest[1..],
            b'1'..=b'9' => self.stage = Stage::Digits,
            _ => self.stage = Stage::Line,
        }
        rest
    }

    fn digits<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        match rest[0] {
            b'0'..=b'9' if self.held.len() < DIGITS_MAX => {}
            b' ' => self.stage = Stage::Announced,
            _ => {
                self.stage = Stage::Line;
                return rest;
            }
        }
        self.held.push(rest[0]);
        &rest[1..]
    }

    fn announced<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], Lie> {
        if rest[0] != b'<' {
            self.stage = Stage::Line;
            return Ok(rest);
        }
        let length = std::str::from_utf8(&self.held).ok().and_then(|text| text.trim_end().parse().ok());
        let length = length.filter(|length| *length <= OCTETS_MAX).ok_or(Lie)?;
        self.held.clear();
        self.stage = Stage::Counted(length);
        Ok(rest)
    }

    fn counted<'a>(&mut self, rest: &'a [u8], left: u64, take: &mut impl FnMut(&[u8], Wholeness)) -> &'a [u8] {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        let (part, rest) = rest.split_at(taken);
        if taken as u64 == left {
            self.complete(part, take);
        } else {
            self.hold(part);
            self.stage = Stage::Counted(left - taken as u64);
        }
        rest
    }

    fn line<'a>(&mut self, rest: &'a [u8], take: &mut impl FnMut(&[u8], Wholeness)) -> &'a [u8] {
        match memchr::memchr2(b'\n', 0, rest) {
            Some(end) => {
                self.complete(&rest[..end], take);
                &rest[end + 1..]
            }
            None => {
                self.hold(rest);
                &[]
            }
        }
    }

    /// Gives the message that ends with `part`, without copying where nothing is held of it.
    fn complete(&mut self, part: &[u8], take: &mut impl FnMut(&[u8], Wholeness)) {
        if self.held.is_empty() && part.len() <= LINE_BYTES_MAX {
            take(part, self.wholeness);
        } else {
            self.hold(part);
            take(&self.held, self.wholeness);
        }
        self.held = Vec::new();
        self.long = None;
        self.wholeness = Wholeness::Whole;
        self.stage = Stage::Start;
    }

    /// Keeps a part of a message, as much as there is room for.
    fn hold(&mut self, part: &[u8]) {
        let room = self.bytes_max(self.held.len() + part.len()) - self.held.len();
        if part.len() > room {
            self.wholeness = Wholeness::Cut;
        }
        self.held.extend_from_slice(&part[..part.len().min(room)]);
    }

    /// How long a message may become that would be `wanted` bytes.
    fn bytes_max(&mut self, wanted: usize) -> usize {
        if wanted > SHORT_BYTES && self.long.is_none() && self.wholeness == Wholeness::Whole {
            self.long = self.long_messages.permit();
        }
        if self.long.is_some() { LINE_BYTES_MAX } else { SHORT_BYTES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages of a stream that comes in reads of `step` bytes, with whether each is whole.
    fn messages(stream: &[u8], step: usize) -> (Vec<(String, bool)>, Result<(), Lie>) {
        let mut framer = Framer::new(LongMessages::new(1));
        let mut found = Vec::new();
        let mut take = |message: &[u8], wholeness| {
            found.push((String::from_utf8_lossy(message).into_owned(), wholeness == Wholeness::Whole));
        };
        for part in stream.chunks(step) {
            if framer.feed(part, &mut take).is_err() {
                return (found, Err(Lie));
            }
        }
        framer.finish(&mut take);
        (found, Ok(()))
    }

    fn are(stream: &[u8], expected: &[(&str, bool)]) {
        let expected: Vec<(String, bool)> = expected.iter().map(|(text, whole)| ((*text).to_owned(), *whole)).collect();
        for step in 1..=stream.len() {
            assert_eq!(messages(stream, step), (expected.clone(), Ok(())), "in reads of {step}");
        }
    }

    #[test]
    fn octets_are_counted() {
        are(b"7 <22>abc4 <1>x11 <22>1 - a\nb", &[("<22>abc", true), ("<1>x", true), ("<22>1 - a\nb", true)]);
    }

    #[test]
    fn newlines_end_lines_with_or_without_a_carriage_return() {
        are(b"<22>a b\n<22>c\r\n\n\nd", &[("<22>a b", true), ("<22>c\r", true), ("d", true)]);
    }

    #[test]
    fn nuls_end_lines_as_well() {
        are(b"<22>a\0<22>b\0\n\0", &[("<22>a", true), ("<22>b", true)]);
    }

    #[test]
    fn both_framings_take_turns() {
        are(
            b"5 <22>a\n<22>b\n5 <22>c5 <22>d\n\n<22>e",
            &[("<22>a", true), ("<22>b", true), ("<22>c", true), ("<22>d", true), ("<22>e", true)],
        );
    }

    #[test]
    fn a_line_may_begin_with_digits() {
        for line in [
            "2026 Nov  2 10:00:00 h p[1]: t",
            "2026-11-02T10:00:00Z h p: t",
            "12",
            "12 ",
            "0 <22>x",
            "123456789012345678901 <22>x",
        ] {
            are(format!("{line}\n<22>b\n").as_bytes(), &[(line, true), ("<22>b", true)]);
            are(line.as_bytes(), &[(line, true)]);
        }
    }

    #[test]
    fn a_lying_length_ends_the_stream() {
        for length in ["1048577", "99999999999", "99999999999999999999"] {
            let stream = format!("<22>a\n{length} <22>b\n<22>c\n");
            for step in 1..=stream.len() {
                let (found, ended) = messages(stream.as_bytes(), step);
                assert_eq!((found, ended), (vec![("<22>a".to_owned(), true)], Err(Lie)), "{length} in reads of {step}");
            }
        }
    }

    #[test]
    fn a_counted_message_that_does_not_come_whole_is_kept_as_cut() {
        are(b"<22>a\n10 <22>b", &[("<22>a", true), ("<22>b", false)]);
        are(b"10 ", &[("10 ", true)]);
    }

    #[test]
    fn long_messages_are_cut_and_the_next_one_is_found() {
        let long = "x".repeat(LINE_BYTES_MAX + 5);
        let count = long.len() + 4;
        let cut = format!("<22>{}", &long[..LINE_BYTES_MAX - 4]);
        for (stream, first) in [
            (format!("{long}\n<22>b\n"), &long[..LINE_BYTES_MAX]),
            (format!("{count} <22>{long}5 <22>b"), cut.as_str()),
        ] {
            for step in [1, 7, 1000, 16 * 1024, stream.len()] {
                let (found, _) = messages(stream.as_bytes(), step);
                assert_eq!(found.len(), 2);
                assert!(found[0] == (first.to_owned(), false), "in reads of {step}");
                assert_eq!(found[1], ("<22>b".to_owned(), true));
            }
        }
    }

    #[test]
    fn a_line_of_exactly_the_longest_is_whole() {
        let line = "x".repeat(LINE_BYTES_MAX);
        for step in [999, LINE_BYTES_MAX, LINE_BYTES_MAX + 1] {
            assert!(messages(format!("{line}\n").as_bytes(), step).0 == [(line.clone(), true)]);
        }
    }

    #[test]
    fn many_long_messages_at_once_are_cut_short() {
        let shared = LongMessages::new(1);
        let mut first = Framer::new(shared.clone());
        let mut second = Framer::new(shared.clone());
        let part = [b'x'; SHORT_BYTES];
        for framer in [&mut first, &mut second] {
            (0..2).for_each(|_| framer.feed(&part, |_, _| panic!("not complete")).expect("no lie"));
        }
        let mut seen = Vec::new();
        for framer in [&mut first, &mut second] {
            framer.feed(b"\n", |message, wholeness| seen.push((message.len(), wholeness))).expect("no lie");
        }
        assert_eq!(seen, [(2 * SHORT_BYTES, Wholeness::Whole), (SHORT_BYTES, Wholeness::Cut)]);
        assert!(shared.permit().is_some(), "the right is given back");
    }

    #[test]
    fn any_bytes_in_any_reads_give_the_same() {
        let mut random = vigie_testkit::random::Random::new(6587);
        for _ in 0..2000 {
            let alphabet = b"<<12 9\n\0a";
            let stream: Vec<u8> = (0..random.below(60)).filter_map(|_| random.pick(alphabet).copied()).collect();
            let whole = messages(&stream, stream.len().max(1));
            (1..stream.len()).for_each(|step| assert_eq!(messages(&stream, step), whole, "{stream:?}"));
        }
    }
}
