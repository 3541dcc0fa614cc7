//! A record, and the line that it becomes.
//!
//! | body | line |
//! | --- | --- |
//! | a log line with a time (syslog, a mail server's own log, journald's JSON) | that line |
//! | the same without a host, where the record knows host and time | journald's JSON of what both say |
//! | any other text, or a map with `MESSAGE`, `message` or `log` | journald's JSON of what the record says |

use std::borrow::Cow;

use super::Rejection;
use super::names::Names;
use crate::envelope::{self, Envelope, Scratch, Stamp, push_journal_value};

/// What a line may have, as everywhere.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// What a line of JSON needs behind its message.
const CLOSING_BYTES: usize = 4;
const NANOS_PER_MICRO: u64 = 1000;
/// Times outside are none: 1980 to 2200, as the calendar of lines has it.
const MICROS: std::ops::Range<u64> = 315_532_800_000_000..7_258_118_400_000_000;

/// A `LogRecord`, as far as a line is made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) time_ns: u64,
    pub(super) observed_ns: u64,
    /// A body that is a text, or bytes.
    pub(super) body: Option<Cow<'a, [u8]>>,
    /// A body that is a map.
    pub(super) fields: Names<'a>,
    pub(super) attributes: Names<'a>,
}

/// What a built line says.
struct Said<'a> {
    micros: u64,
    host: &'a [u8],
    program: &'a [u8],
    pid: Cow<'a, [u8]>,
    text: &'a [u8],
}

impl Record<'_> {
    /// Adds the record's line, without a newline; nothing when there is none.
    pub(super) fn line(
        &self,
        resource: &Names<'_>,
        sender: &str,
        scratch: &mut Scratch,
        into: &mut Vec<u8>,
    ) -> Result<(), Rejection> {
        let text = trim(self.body.as_deref().or(self.fields.text()).ok_or(Rejection::NoText)?);
        if text.is_empty() {
            return Err(Rejection::NoText);
        }
        let places = [&self.fields, &self.attributes, resource];
        let host = places.iter().find_map(|names| names.host());
        let envelope = envelope::parse(text, scratch);
        if let Some(envelope) = &envelope
            && envelope.stamp != Stamp::None
            && (host.is_none() || !envelope.host.is_empty() || self.micros_of(envelope.stamp).is_none())
        {
            copy(text, into);
            return Ok(());
        }
        let program = places.iter().find_map(|names| names.program());
        let pid = places.iter().find_map(|names| names.pid());
        let tagged = tagged(text, envelope.is_none() && program.is_none());
        let mut other = Scratch::default();
        let envelope = envelope.or_else(|| envelope::parse(tagged.as_deref()?, &mut other));
        let own = envelope.filter(|own| own.repeated == 1 && !own.text.is_empty()).unwrap_or(UNSAID);
        let said = Said {
            micros: self.micros_of(own.stamp).or_else(|| self.micros_observed()).ok_or(Rejection::NoTime)?,
            host: first(own.host, host.unwrap_or(sender.as_bytes())),
            program: first(own.program, program.unwrap_or_default()),
            pid: if own.pid == 0 { pid.unwrap_or_default().into() } else { own.pid.to_string().into_bytes().into() },
            text: first(own.text, text),
        };
        said.write(into);
        Ok(())
    }

    /// When it was: by its text, or else by the record.
    fn micros_of(&self, stamp: Stamp) -> Option<u64> {
        let own = if let Stamp::Utc(micros) = stamp { u64::try_from(micros).ok() } else { None };
        [own.unwrap_or(0), self.time_ns / NANOS_PER_MICRO].into_iter().find(|micros| MICROS.contains(micros))
    }

    /// When a shipper saw it. Near enough where nobody says when it was.
    fn micros_observed(&self) -> Option<u64> {
        Some(self.observed_ns / NANOS_PER_MICRO).filter(|micros| MICROS.contains(micros))
    }
}

impl Said<'_> {
    fn write(&self, into: &mut Vec<u8>) {
        let bytes_max = into.len() + LINE_BYTES_MAX - CLOSING_BYTES;
        into.extend_from_slice(format!("{{\"__REALTIME_TIMESTAMP\":\"{}\"", self.micros).as_bytes());
        let parts = [
            ("_HOSTNAME", self.host),
            ("SYSLOG_IDENTIFIER", self.program),
            ("SYSLOG_PID", &self.pid),
            ("MESSAGE", self.text),
        ];
        for (name, value) in parts {
            if !value.is_empty() {
                into.extend_from_slice(b",\"");
                into.extend_from_slice(name.as_bytes());
                into.extend_from_slice(b"\":");
                push_journal_value(value, bytes_max, into);
            }
        }
        into.push(b'}');
    }
}

/// What a text says that is only a text.
const UNSAID: Envelope<'static> =
    Envelope { stamp: Stamp::None, host: b"", program: b"", pid: 0, text: b"", repeated: 1 };

fn first<'a>(own: &'a [u8], other: &'a [u8]) -> &'a [u8] {
    if own.is_empty() { other } else { own }
}

/// Text that may begin with a tag, `postfix/smtpd[1]: `, made such that a tag is looked for.
fn tagged(text: &[u8], is_wanted: bool) -> Option<Vec<u8>> {
    is_wanted.then(|| [b"<13>", &text[..text.len().min(LINE_BYTES_MAX)]].concat())
}

/// A line as it is, with line ends and NULs in it written as rsyslog does (`escapeControlCharactersOnReceive`).
fn copy(text: &[u8], into: &mut Vec<u8>) {
    let until = into.len() + LINE_BYTES_MAX;
    for &byte in text {
        let escaped: &[u8] = match byte {
            b'\n' => b"#012",
            0 => b"#000",
            _ => &[byte],
        };
        if into.len() + escaped.len() > until {
            return;
        }
        into.extend_from_slice(escaped);
    }
}

/// Takes away what ends a message without being of it.
fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().take_while(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
    let end = text.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
    text.get(start..text.len() - end).unwrap_or_default()
}
