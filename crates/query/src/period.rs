//! Periods: the part of a filter that says when. One line each in the table below.

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Zoned};

use crate::Context;
use crate::lexer::Written;
use crate::problem::Problem;

/// When: a stretch of time, its beginning included and its end not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Period {
    /// Beginning, in microseconds since 1970 UTC; nothing for no limit.
    pub from: Option<i64>,
    /// End (not included), in microseconds since 1970 UTC; nothing for no limit.
    pub until: Option<i64>,
    /// Canonical text, such as `last:7d`: read again later, it means the period of that later moment. Empty when nothing was said.
    pub text: String,
}

impl Period {
    /// No limit on either side.
    pub fn is_unlimited(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }

    /// Whether this moment, in microseconds since 1970 UTC, is in the period.
    pub fn contains(&self, ts_us: i64) -> bool {
        self.from.is_none_or(|from| from <= ts_us) && self.until.is_none_or(|until| ts_us < until)
    }

    /// What is in both.
    pub(crate) fn narrowed_by(&mut self, other: Period) {
        self.from = self.from.max(other.from);
        self.until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let is_said_already = self.text.split(' ').any(|part| part == other.text);
        if !is_said_already {
            let space = if self.text.is_empty() { "" } else { " " };
            self.text = format!("{}{space}{}", self.text, other.text);
        }
    }

    /// The end does not come after the beginning.
    pub(crate) fn is_empty(&self) -> bool {
        matches!((self.from, self.until), (Some(from), Some(until)) if until <= from)
    }
}

/// A way to say when, for completion and documentation.
#[derive(Debug)]
pub struct PeriodInfo {
    /// Its canonical name.
    pub name: &'static str,
    /// Other names that are understood.
    pub aliases: &'static [&'static str],
    /// One line of documentation.
    pub doc: &'static str,
    /// What can be written.
    pub example: &'static str,
    read: fn(&str, &Context) -> Result<Period, Bad>,
}

static PERIODS: &[PeriodInfo] = &[
    PeriodInfo {
        name: "last",
        aliases: &["past"],
        doc: "from so long ago, without end; a day is 24 hours",
        example: "last:24h, last:7d, last:3month",
        read: last,
    },
    PeriodInfo {
        name: "on",
        aliases: &["day", "date"],
        doc: "a day",
        example: "on:2026-11-22, on:today, on:yesterday",
        read: on,
    },
    PeriodInfo {
        name: "since",
        aliases: &["after"],
        doc: "from the beginning of a day, week, month or year, or from a moment",
        example: "since:2026-11-01, since:2026-11-22T10:00",
        read: since,
    },
    PeriodInfo {
        name: "until",
        aliases: &[],
        doc: "to the end of a day, week, month or year, or to a moment",
        example: "until:2026-11-22, until:2026-11-22T10:00",
        read: until,
    },
    PeriodInfo { name: "week", aliases: &[], doc: "an ISO week, from Monday", example: "week:2026-W47", read: week },
    PeriodInfo { name: "month", aliases: &[], doc: "a month", example: "month:2026-11", read: month },
    PeriodInfo { name: "year", aliases: &[], doc: "a year", example: "year:2026", read: year },
    PeriodInfo {
        name: "this",
        aliases: &["current"],
        doc: "the day, week, month or year that we are in, to its end",
        example: "this:week, this:month",
        read: this,
    },
    PeriodInfo {
        name: "previous",
        aliases: &["prev"],
        doc: "the day, week, month or year before this one",
        example: "previous:week, previous:month",
        read: previous,
    },
];

/// Every way to say when.
pub fn periods() -> &'static [PeriodInfo] {
    PERIODS
}

/// Why a value is not a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bad {
    Form,
    /// Outside the calendar, which ends with the year 9999.
    Range,
}

impl PeriodInfo {
    pub(crate) fn named(name: &str) -> Option<&'static PeriodInfo> {
        let name = name.to_ascii_lowercase();
        PERIODS.iter().find(|info| info.name == name || info.aliases.contains(&name.as_str()))
    }

    pub(crate) fn period(&self, written: &Written, context: &Context) -> Result<Period, Problem> {
        let text = written.text();
        (self.read)(text.trim(), context).map_err(|bad| match bad {
            Bad::Form => Problem::new(written.span.clone(), format!("`{}:` does not understand `{text}`", self.name))
                .hint(format!("write for example {}", self.example)),
            Bad::Range => Problem::new(written.span.clone(), format!("`{text}` is outside the calendar")),
        })
    }
}

/// A calendar unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    fn named(name: &str) -> Option<Unit> {
        Some(match name.to_ascii_lowercase().as_str() {
            "day" => Unit::Day,
            "week" => Unit::Week,
            "month" => Unit::Month,
            "year" => Unit::Year,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Year => "year",
        }
    }

    fn span(self) -> Span {
        match self {
            Unit::Day => 1.day(),
            Unit::Week => 1.week(),
            Unit::Month => 1.month(),
            Unit::Year => 1.year(),
        }
    }

    /// The first day of the unit that contains this day.
    fn first_day(self, date: Date) -> Result<Date, Bad> {
        match self {
            Unit::Day => Ok(date),
            Unit::Week => {
                date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).map_err(out_of_range)
            }
            Unit::Month => Ok(date.first_of_month()),
            Unit::Year => Ok(date.first_of_year()),
        }
    }

    /// The unit that begins with this day, in local time.
    fn period(self, first: Date, context: &Context) -> Result<Period, Bad> {
        let next = first.checked_add(self.span()).map_err(out_of_range)?;
        Ok(Period { from: Some(start_of(first, context)?), until: Some(start_of(next, context)?), text: String::new() })
    }
}

fn last(text: &str, context: &Context) -> Result<Period, Bad> {
    if let Some(unit) = Unit::named(text) {
        return in_unit_before(unit, context);
    }
    let (count, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let count: i64 = count.parse().map_err(|_| Bad::Form)?;
    if count == 0 {
        return Err(Bad::Form);
    }
    let ago = |seconds: i64| {
        let seconds = count.checked_mul(seconds).ok_or(Bad::Range)?;
        context.now.checked_sub(SignedDuration::from_secs(seconds)).map_err(out_of_range)
    };
    let calendar_ago = |span: Result<Span, jiff::Error>| {
        let span = span.map_err(out_of_range)?;
        local_now(context).checked_sub(span).map(|then| then.timestamp()).map_err(out_of_range)
    };
    let (from, unit) = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" => (ago(1)?, "s"),
        "m" | "mn" | "min" => (ago(60)?, "min"),
        "h" => (ago(3_600)?, "h"),
        "d" | "j" => (ago(86_400)?, "d"),
        "w" => (ago(7 * 86_400)?, "w"),
        "mo" | "month" | "months" => (calendar_ago(Span::new().try_months(count))?, "month"),
        "y" | "year" | "years" => (calendar_ago(Span::new().try_years(count))?, "year"),
        _ => return Err(Bad::Form),
    };
    Ok(Period { from: Some(from.as_microsecond()), until: None, text: format!("last:{count}{unit}") })
}

fn on(text: &str, context: &Context) -> Result<Period, Bad> {
    let moment = Moment::read(text, context)?;
    let name = match moment.unit.ok_or(Bad::Form)? {
        Unit::Day => "on",
        unit => unit.name(),
    };
    Ok(moment.period.called(name, &moment.text))
}

fn since(text: &str, context: &Context) -> Result<Period, Bad> {
    let moment = Moment::read(text, context)?;
    Ok(Period { until: None, ..moment.period }.called("since", &moment.text))
}

fn until(text: &str, context: &Context) -> Result<Period, Bad> {
    let moment = Moment::read(text, context)?;
    Ok(Period { from: None, ..moment.period }.called("until", &moment.text))
}

fn week(text: &str, context: &Context) -> Result<Period, Bad> {
    one(Unit::Week, text, context)
}

fn month(text: &str, context: &Context) -> Result<Period, Bad> {
    one(Unit::Month, text, context)
}

fn year(text: &str, context: &Context) -> Result<Period, Bad> {
    one(Unit::Year, text, context)
}

fn one(unit: Unit, text: &str, context: &Context) -> Result<Period, Bad> {
    let moment = Moment::read(text, context)?;
    if moment.unit == Some(unit) { Ok(moment.period.called(unit.name(), &moment.text)) } else { Err(Bad::Form) }
}

fn this(text: &str, context: &Context) -> Result<Period, Bad> {
    let unit = Unit::named(text).ok_or(Bad::Form)?;
    let first = unit.first_day(local_now(context).date())?;
    Ok(unit.period(first, context)?.called("this", unit.name()))
}

fn previous(text: &str, context: &Context) -> Result<Period, Bad> {
    in_unit_before(Unit::named(text).ok_or(Bad::Form)?, context)
}

fn in_unit_before(unit: Unit, context: &Context) -> Result<Period, Bad> {
    let first = unit.first_day(local_now(context).date())?.checked_sub(unit.span()).map_err(out_of_range)?;
    Ok(unit.period(first, context)?.called("previous", unit.name()))
}

impl Period {
    fn called(self, name: &str, value: &str) -> Period {
        Period { text: format!("{name}:{value}"), ..self }
    }
}

/// A written moment, or a calendar unit written by its name.
struct Moment {
    /// From its beginning to its end, which are the same for a moment.
    period: Period,
    /// Which unit; nothing for a moment.
    unit: Option<Unit>,
    /// Canonical text.
    text: String,
}

impl Moment {
    fn read(text: &str, context: &Context) -> Result<Moment, Bad> {
        let text = text.to_ascii_uppercase();
        match digits_shown(&text).as_str() {
            "NOW" => Ok(Moment::at(context.now, "now")),
            "TODAY" => Moment::unit(Unit::Day, local_now(context).date(), "today", context),
            "YESTERDAY" => {
                let date = local_now(context).date().yesterday().map_err(out_of_range)?;
                Moment::unit(Unit::Day, date, "yesterday", context)
            }
            "0000" => Moment::unit(Unit::Year, date(&format!("{text}-01-01"))?, &text, context),
            "0000-00" => Moment::unit(Unit::Month, date(&format!("{text}-01"))?, &text, context),
            "0000-W00" => Moment::unit(Unit::Week, monday(&text)?, &text, context),
            "0000-00-00" => Moment::unit(Unit::Day, date(&text)?, &text, context),
            shape if shape.starts_with("0000-00-00T00:00") || shape.starts_with("0000-00-00 00:00") => {
                Moment::clock(&text, context)
            }
            _ => Err(Bad::Form),
        }
    }

    fn at(moment: Timestamp, text: &str) -> Moment {
        let us = Some(moment.as_microsecond());
        Moment { period: Period { from: us, until: us, text: String::new() }, unit: None, text: text.to_string() }
    }

    fn unit(unit: Unit, first: Date, text: &str, context: &Context) -> Result<Moment, Bad> {
        Ok(Moment { period: unit.period(first, context)?, unit: Some(unit), text: text.to_string() })
    }

    /// A time of day: of the local clock, or with `Z` or an offset. A local time that the clock shows twice is the first of them.
    fn clock(text: &str, context: &Context) -> Result<Moment, Bad> {
        let time = text.get(11..).unwrap_or_default();
        if time.contains(['Z', '+', '-']) {
            let moment: Timestamp = text.parse().map_err(|_| Bad::Form)?;
            // An offset can lead out of the years of four digits, which alone are read.
            if moment < Timestamp::UNIX_EPOCH {
                return Err(Bad::Range);
            }
            return Ok(Moment::at(moment, &shortened(&moment.to_string())));
        }
        let local: DateTime = text.parse().map_err(|_| Bad::Form)?;
        let moment = local.to_zoned(context.zone.clone()).map_err(out_of_range)?.timestamp();
        Ok(Moment::at(moment, &shortened(&local.to_string())))
    }
}

/// Every digit as `0`: the shape of a date.
fn digits_shown(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

/// Without seconds that are zero: `2026-11-22T10:00:00Z` is `2026-11-22T10:00Z`.
fn shortened(time: &str) -> String {
    let (clock, zone) = time.split_at(time.find('Z').unwrap_or(time.len()));
    let clock =
        if clock.len() == "2026-11-22T10:00:00".len() { clock.strip_suffix(":00").unwrap_or(clock) } else { clock };
    format!("{clock}{zone}")
}

fn date(text: &str) -> Result<Date, Bad> {
    text.parse().map_err(|_| Bad::Form)
}

/// `2026-W47`, already of this shape.
fn monday(text: &str) -> Result<Date, Bad> {
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse::<i16>().ok()).ok_or(Bad::Form);
    let week = i8::try_from(number(6..8)?).map_err(|_| Bad::Form)?;
    ISOWeekDate::new(number(0..4)?, week, Weekday::Monday).map(|week| week.date()).map_err(|_| Bad::Form)
}

fn local_now(context: &Context) -> Zoned {
    context.now.to_zoned(context.zone.clone())
}

fn start_of(date: Date, context: &Context) -> Result<i64, Bad> {
    let midnight = date.to_zoned(context.zone.clone()).and_then(|day| day.start_of_day()).map_err(out_of_range)?;
    Ok(midnight.timestamp().as_microsecond())
}

fn out_of_range(_: jiff::Error) -> Bad {
    Bad::Range
}
