//! The time at the start of a line, in its three families: `Mar  2 10:00:00`, the same with a year, and ISO 8601.

use super::Stamp;
use super::digits::{clock, four, six, skip_spaces, three, two};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A time and how many bytes it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamped {
    pub(crate) stamp: Stamp,
    pub(crate) end: usize,
    pub(crate) style: Style,
}

/// What usually follows a time of this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A syslog header: host, then tag.
    Syslog,
    /// `2026-11-22 04:59:24 `: a program's own log as often as a syslog template, so that what follows must prove itself.
    OwnLog,
}

/// The second of the line before: lines of one second follow each other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Second {
    /// `Mar  2 10:00:00 `, and what it says. The space belongs to it: a fraction may stand there.
    traditional: Option<([u8; 16], Stamped)>,
    /// `2026-11-22T04:59:24`, before fraction and zone.
    iso: Option<([u8; 19], Moment)>,
}

/// A second on the clock of a zone that is not known yet.
#[derive(Clone, Copy, Debug)]
struct Moment {
    year: i16,
    month: u8,
    day: u8,
    micros_of_day: i64,
    style: Style,
}

impl Second {
    /// Reads the time at the start of a line, as [`read`] does.
    #[inline]
    pub(crate) fn read(&mut self, line: &[u8]) -> Option<Stamped> {
        match line.first()? {
            b'A'..=b'Z' => self.traditional(line),
            b'0'..=b'9' => self.iso(line).or_else(|| year_first(line)),
            _ => None,
        }
    }

    #[inline]
    fn traditional(&mut self, line: &[u8]) -> Option<Stamped> {
        let head = line.first_chunk();
        if let Some((known, stamped)) = &self.traditional
            && head == Some(known)
        {
            return Some(*stamped);
        }
        let stamped = traditional(line)?;
        if let Some(head) = head.filter(|head| head.get(stamped.end) == Some(&b' ')) {
            self.traditional = Some((*head, stamped));
        }
        Some(stamped)
    }

    /// `2026-06-16T02:26:09.196080+02:00` and its variants: a space for the `T`, a comma for the dot, `+0200`, `Z`, no zone.
    #[inline]
    fn iso(&mut self, line: &[u8]) -> Option<Stamped> {
        let head = line.first_chunk()?;
        let Moment { year, month, day, micros_of_day, style } = match self.iso {
            Some((known, moment)) if known == *head => moment,
            _ => self.iso.insert((*head, moment(head)?)).1,
        };
        let (micros, end) = fraction(line, head.len());
        let micros_of_day = micros_of_day + micros;
        let (stamp, end) = match zone(line, end)? {
            (Some(offset_seconds), end) => {
                let midnight = days_from_epoch(year, month, day) * MICROS_PER_DAY;
                (Stamp::Utc(midnight + micros_of_day - offset_seconds * MICROS_PER_SECOND), end)
            }
            (None, end) => (Stamp::Local { year: Some(year), month, day, micros_of_day }, end),
        };
        Some(Stamped { stamp, end, style })
    }
}

/// Reads the time at the start of a line.
#[inline]
pub(crate) fn read(line: &[u8]) -> Option<Stamped> {
    Second::default().read(line)
}

/// `Mar  2 10:00:00`, the form of nearly every line; the rarer spellings are left to [`spelled`].
#[inline]
fn traditional(line: &[u8]) -> Option<Stamped> {
    if let Some(head) = line.first_chunk::<15>()
        && head[3] == b' '
        && head[6] == b' '
        && let Some(seconds) = clock(&[head[7], head[8], head[9], head[10], head[11], head[12], head[13], head[14]])
    {
        let tens = if head[4] == b' ' { b'0' } else { head[4] };
        let (month, day) = (month([head[0], head[1], head[2]])?, two(tens, head[5])?);
        return local(line, None, month, day, seconds, 15);
    }
    spelled(line, None)
}

/// `2026 Nov  2 10:00:00`.
fn year_first(line: &[u8]) -> Option<Stamped> {
    let year = four(*line.first_chunk::<4>()?)?;
    let month_at = skip_spaces(line, 4);
    if month_at == 4 {
        return None;
    }
    let mut stamped = spelled(&line[month_at..], Some(year))?;
    stamped.end += month_at;
    Some(stamped)
}

/// `Mar 2 10:00:00`, `Mar  2 2026 10:00:00`: month, day of one or two digits, perhaps a year, time.
fn spelled(line: &[u8], year: Option<i16>) -> Option<Stamped> {
    let month = month(*line.first_chunk::<3>()?)?;
    let day_at = skip_spaces(line, 3);
    let day_end = super::digits::space_from(line, day_at);
    let day = match line[day_at..day_end] {
        [ones] => two(b'0', ones)?,
        [tens, ones] => two(tens, ones)?,
        _ => return None,
    };
    let mut at = skip_spaces(line, day_end);
    let mut year = year;
    if year.is_none()
        && let Some([a, b, c, d, b' ']) = line.get(at..).and_then(|rest| rest.first_chunk::<5>())
    {
        year = Some(four([*a, *b, *c, *d])?);
        at = skip_spaces(line, at + 4);
    }
    let seconds = clock(line.get(at..)?.first_chunk::<8>()?)?;
    local(line, year, month, day, seconds, at + 8)
}

#[inline]
fn local(line: &[u8], year: Option<i16>, month: u8, day: u8, seconds: u32, end: usize) -> Option<Stamped> {
    // Without a year the 29th of February may be right: the calendar decides.
    if day == 0 || day > days_in_month(year.unwrap_or(2000), month) {
        return None;
    }
    let (micros, end) = fraction(line, end);
    let micros_of_day = i64::from(seconds) * MICROS_PER_SECOND + micros;
    Some(Stamped { stamp: Stamp::Local { year, month, day, micros_of_day }, end, style: Style::Syslog })
}

/// `2026-06-16T02:26:09` or `2026-06-16 02:26:09`.
fn moment(head: &[u8; 19]) -> Option<Moment> {
    let style = match head[10] {
        b'T' | b't' => Style::Syslog,
        b' ' => Style::OwnLog,
        _ => return None,
    };
    if head[4] != b'-' || head[7] != b'-' {
        return None;
    }
    let year = four([head[0], head[1], head[2], head[3]])?;
    let (month, day) = (two(head[5], head[6])?, two(head[8], head[9])?);
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let seconds = clock(&[head[11], head[12], head[13], head[14], head[15], head[16], head[17], head[18]])?;
    Some(Moment { year, month, day, micros_of_day: i64::from(seconds) * MICROS_PER_SECOND, style })
}

/// Microseconds of `.196080` or `,196` at `at`, and where they end. Digits beyond the sixth are dropped.
#[inline]
fn fraction(line: &[u8], at: usize) -> (i64, usize) {
    if !matches!(line.get(at), Some(b'.' | b',')) {
        return (0, at);
    }
    let rest = &line[at + 1..];
    if let Some(millis) = three(rest) {
        return (millis * 1_000, at + 4);
    }
    if let Some(micros) = six(rest) {
        return (micros, at + 7);
    }
    let mut micros = 0;
    let mut place = 100_000;
    let mut end = at + 1;
    while let Some(digit @ b'0'..=b'9') = line.get(end) {
        micros += i64::from(digit - b'0') * place;
        place /= 10;
        end += 1;
    }
    // `10:00:00. host` has no fraction: the dot belongs to what follows.
    if end == at + 1 { (0, at) } else { (micros, end) }
}

/// Seconds east of UTC at `at`: `Z`, `+02:00`, `+0200`, `+02`, or ` +0200` as Exim's log_timezone writes it.
#[inline]
fn zone(line: &[u8], at: usize) -> Option<(Option<i64>, usize)> {
    match line.get(at) {
        Some(b'Z' | b'z') => Some((Some(0), at + 1)),
        Some(b'+' | b'-') => offset(line, at).map(|(seconds, end)| (Some(seconds), end)),
        Some(b' ') if matches!(line.get(at + 1), Some(b'+' | b'-')) => match offset(line, at + 1) {
            Some((seconds, end)) if end == at + 6 && line.get(end) == Some(&b' ') => Some((Some(seconds), end)),
            _ => Some((None, at)),
        },
        _ => Some((None, at)),
    }
}

#[inline]
fn offset(line: &[u8], at: usize) -> Option<(i64, usize)> {
    let sign = if line[at] == b'-' { -1 } else { 1 };
    let [h1, h2] = *line.get(at + 1..)?.first_chunk::<2>()?;
    let hours = two(h1, h2).filter(|&hours| hours < 24)?;
    let minutes_at = if line.get(at + 3) == Some(&b':') { at + 4 } else { at + 3 };
    let minutes = line.get(minutes_at..).and_then(|rest| rest.first_chunk::<2>()).and_then(|&[m1, m2]| two(m1, m2));
    let (minutes, end) = match minutes {
        Some(minutes) => (minutes, minutes_at + 2),
        None => (0, at + 3),
    };
    (minutes < 60).then(|| (sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60), end))
}

#[inline]
fn month(name: [u8; 3]) -> Option<u8> {
    const fn key(name: &[u8; 3]) -> u32 {
        u32::from_le_bytes([name[0], name[1], name[2], 0])
    }
    const JAN: u32 = key(b"Jan");
    const FEB: u32 = key(b"Feb");
    const MAR: u32 = key(b"Mar");
    const APR: u32 = key(b"Apr");
    const MAY: u32 = key(b"May");
    const JUN: u32 = key(b"Jun");
    const JUL: u32 = key(b"Jul");
    const AUG: u32 = key(b"Aug");
    const SEP: u32 = key(b"Sep");
    const OCT: u32 = key(b"Oct");
    const NOV: u32 = key(b"Nov");
    const DEC: u32 = key(b"Dec");
    Some(match key(&name) {
        JAN => 1,
        FEB => 2,
        MAR => 3,
        APR => 4,
        MAY => 5,
        JUN => 6,
        JUL => 7,
        AUG => 8,
        SEP => 9,
        OCT => 10,
        NOV => 11,
        DEC => 12,
        _ => return None,
    })
}

/// How many days a month has in the Gregorian calendar. `month` is 1 to 12.
#[inline]
pub(crate) fn days_in_month(year: i16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether a year has a 29th of February.
#[inline]
pub(crate) fn is_leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant's days_from_civil, in unsigned arithmetic).
#[inline]
pub(crate) fn days_from_epoch(year: i16, month: u8, day: u8) -> i64 {
    /// A multiple of 400 years that makes every `i16` year positive, and its days.
    const SHIFT_YEARS: i32 = 32_800;
    const SHIFT_DAYS: i64 = 82 * 146_097 + 719_468;
    let january_or_february = i32::from(month <= 2);
    let year = (i32::from(year) + SHIFT_YEARS - january_or_february).cast_unsigned();
    let month_from_march = (i32::from(month) + 12 * january_or_february - 3).cast_unsigned();
    let day_of_year = (153 * month_from_march + 2) / 5 + u32::from(day) - 1;
    i64::from(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year) - SHIFT_DAYS
}
