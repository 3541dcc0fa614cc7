//! How a server names a message: the note id, the day, and on long lines the unique id.

use vigie_model::QueueId;

use crate::envelope::{Stamp, stamp::days_in_month};

/// Digits of a note id.
const NOTE_DIGITS: usize = 8;
/// What comes so soon after midnight may continue what was under way before it: as far as the linker lets clocks differ.
const NIGHT_MICROS: i64 = 120_000_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The day of a line on the server's own clock, as far as its time names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    year: Option<i16>,
    month: u8,
    day: u8,
    is_young: bool,
}

impl Day {
    pub fn of(stamp: Stamp) -> Option<Self> {
        match stamp {
            Stamp::Local { year, month, day, micros_of_day } => {
                Some(Self { year, month, day, is_young: micros_of_day < NIGHT_MICROS })
            }
            Stamp::Utc(micros) => {
                let (year, month, day) = civil(micros.div_euclid(MICROS_PER_DAY));
                let is_young = micros.rem_euclid(MICROS_PER_DAY) < NIGHT_MICROS;
                Some(Self { year: i16::try_from(year).ok(), month, day, is_young })
            }
            Stamp::None => None,
        }
    }

    fn before(self) -> Option<Self> {
        let (year, month, day) = match (self.month, self.day) {
            (1, 1) => (self.year.map(|year| year.saturating_sub(1)), 12, 31),
            (month, 1) => (self.year, month - 1, days_in_month(self.year?, month - 1)),
            (month, day) => (self.year, month, day - 1),
        };
        Some(Self { year, month, day, is_young: false })
    }
}

/// Year, month and day of a number of days since 1970 (Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as u8, day as u8)
}

/// `00060B84` at the start of a text, and what follows.
pub fn digits(text: &[u8]) -> Option<(&[u8; NOTE_DIGITS], &[u8])> {
    let (note, rest) = text.split_first_chunk::<NOTE_DIGITS>()?;
    let ends = !rest.first().is_some_and(u8::is_ascii_alphanumeric);
    (note.iter().all(u8::is_ascii_hexdigit) && ends).then_some((note, rest))
}

/// Note id and day. Without a time there is no day.
pub fn queue_id(note: &[u8; NOTE_DIGITS], day: Option<Day>) -> Option<QueueId> {
    let mut id = [0; NOTE_DIGITS + 9];
    let mut length = 0;
    let mut push = |byte: u8| {
        if let Some(place) = id.get_mut(length) {
            (*place, length) = (byte, length + 1);
        }
    };
    note.iter().for_each(|digit| push(digit.to_ascii_uppercase()));
    if let Some(Day { year, month, day, .. }) = day {
        push(b'.');
        let year = year.map(i16::unsigned_abs);
        let parts = [year.map(|year| year / 100), year.map(|year| year % 100), Some(month.into()), Some(day.into())];
        for part in parts.into_iter().flatten() {
            push(b'0' + (part / 10 % 10) as u8);
            push(b'0' + (part % 10) as u8);
        }
    }
    QueueId::new(id.get(..length)?)
}

/// The id that the same note had before midnight, where that was just now.
pub fn before_midnight(note: &[u8; NOTE_DIGITS], day: Option<Day>) -> Option<QueueId> {
    queue_id(note, Some(day.filter(|day| day.is_young)?.before()?))
}

/// Takes the two tokens `OF…:… ON…:…` from the end of a text: 10 and 8 characters each, the unique id of the note by its form.
/// A message keeps it in every mail database of an organisation, so that it ties hops together where two servers log it.
pub fn unique_id(text: &[u8]) -> (&[u8], &[u8]) {
    const TOKENS_BYTES: usize = 39;
    let text = text.trim_ascii_end();
    let Some(start) = text.len().checked_sub(TOKENS_BYTES) else { return (text, b"") };
    let (before, tokens) = text.split_at(start);
    let (Some(file), Some(note)) = (tokens.get(..19), tokens.get(20..)) else { return (text, b"") };
    let is_between = matches!(tokens.get(19), Some(b' ' | b'-'));
    if is_between && is_token(file, b"OF") && is_token(note, b"ON") && before.last() == Some(&b' ') {
        (before.trim_ascii_end(), tokens)
    } else {
        (text, b"")
    }
}

fn is_token(token: &[u8], kind: &[u8; 2]) -> bool {
    let digits = token.strip_prefix(kind).unwrap_or_default();
    digits.len() == 17
        && digits.iter().enumerate().all(|(at, byte)| if at == 8 { *byte == b':' } else { byte.is_ascii_hexdigit() })
}
