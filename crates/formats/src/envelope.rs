//! The envelope around a log line: time, host, program and process, before any mail server's own grammar begins.
//!
//! One entry, [`parse`], looks at the first byte and branches. The two common shapes (RFC 3164 and ISO 8601 syslog) cost a
//! few tens of nanoseconds and allocate nothing; only journald's JSON needs a buffer, [`Scratch`], for its escapes.
//! Lines come from outside: every byte is hostile, nothing here panics and nothing is assumed to be UTF-8.

mod digits;
mod journal;
pub(crate) mod priority;
mod rfc5424;
pub(crate) mod stamp;
mod syslog;
mod tag;
mod wrapping;
mod written;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use written::push_journal_value;

/// One log line, opened: who wrote it, when, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// When the line was written, as exactly as the line says it.
    pub stamp: Stamp,
    /// The host named in the line; empty when the form has none (Dovecot's own log, Exim's main log).
    pub host: &'a [u8],
    /// The whole tag without `[pid]`, such as `postfix/reinject/smtpd` or Dovecot's `lmtp(user)<pid><session>`.
    /// Empty where a line has no tag (Exim's and rspamd's own logs, `last message repeated`).
    pub program: &'a [u8],
    /// The process id in `[pid]`; 0 when absent.
    pub pid: u32,
    /// The payload after `program[pid]: `.
    pub text: &'a [u8],
    /// 1, or n for `message repeated n times: [ … ]` (n further copies of `text`) and `last message repeated n times`
    /// (n further copies of the line before; `text` is then left as it stands).
    pub repeated: u32,
}

/// The time in an envelope, before a calendar has placed it (see [`crate::calendar::Calendar`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Microseconds since 1970-01-01T00:00:00Z: the line named its zone.
    Utc(i64),
    /// Wall-clock time of an unnamed zone.
    Local {
        /// The year, where the form has one. RFC 3164 does not.
        year: Option<i16>,
        /// 1 to 12.
        month: u8,
        /// 1 to 31; with a year it fits the month.
        day: u8,
        /// Microseconds since local midnight, up to 24:00:00.999999 for a leap second.
        micros_of_day: i64,
    },
    /// The form has no time (`<22>postfix/smtpd[1]: …`, RFC 5424's `-`).
    None,
}

impl Stamp {
    /// Is this a time without a year on that day?
    pub(crate) fn is_of(self, month_wanted: u8, day_wanted: u8) -> bool {
        matches!(self, Stamp::Local { year: None, month, day, .. } if (month, day) == (month_wanted, day_wanted))
    }
}

/// What is kept between calls: a buffer for the forms that need unescaping (journald's JSON), and the time that was read last,
/// because lines of one second follow each other.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    second: stamp::Second,
}

/// Opens one line, given without its newline. `None` when no envelope is known: the caller counts the line as unknown.
///
/// Slices of the result lie in `raw`, or in `scratch` where escapes had to be resolved.
#[inline]
pub fn parse<'a>(raw: &'a [u8], scratch: &'a mut Scratch) -> Option<Envelope<'a>> {
    let line = trim(raw);
    match line.first()? {
        b'{' => journal::parse(line, scratch).map(wrapping::unwrap),
        _ => syslog::parse(line, &mut scratch.second).map(wrapping::unwrap),
    }
}

/// Takes away what is not the line's: a carriage return at the end, a byte order mark, NULs that a crash left behind.
#[inline]
pub(crate) fn trim(raw: &[u8]) -> &[u8] {
    let line = raw.strip_suffix(b"\r").unwrap_or(raw);
    match line.first() {
        Some(0 | 0xEF) => trim_start(line),
        _ => line,
    }
}

#[cold]
fn trim_start(line: &[u8]) -> &[u8] {
    let nuls = line.iter().take_while(|&&byte| byte == 0).count();
    let line = &line[nuls..];
    line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
}
