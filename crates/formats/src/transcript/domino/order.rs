//! Whether `03/04/2026` is in March or in April: told by whoever imports, seen in the file, or assumed, and always said.

use super::stamp::{Date, Day, Stamp};
use crate::{
    envelope::stamp::days_from_epoch,
    transcript::{DateOrder, Growth, Settings},
};

const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_SECOND: i64 = 1_000_000;
/// A line may be younger than the file by as much as the zone of its clock is unknown.
const ZONE_SECONDS_MAX: i64 = 14 * 3600;
/// Between the last line of a file and the file's own time, where nobody copied it.
const NEAR_SECONDS_MAX: i64 = 2 * SECONDS_PER_DAY;
/// Two readings whose gaps differ by less decide nothing: the same day in two months lies farther apart.
const APART_SECONDS_MIN: i64 = 20 * SECONDS_PER_DAY;

/// Decides on the order of one file's dates, and reads them in it.
#[derive(Debug, Default)]
pub struct Dates {
    named: Option<DateOrder>,
    /// When the file was changed last, in seconds; 0 where nobody knows, or where it may still change.
    modified: i64,
    /// The same, once the file has come to its end.
    modified_at_end: i64,
    evidence: [Evidence; 2],
    decision: Option<Decision>,
    /// The first date with its line.
    first: Option<Place>,
    /// Dates that exist only in the other order than the one in force: how many, and the first.
    contrary: u64,
    contrary_first: Option<Place>,
    /// The assumption was given up here.
    given_up: Option<(DateOrder, Place)>,
}

#[derive(Clone, Copy, Debug)]
struct Decision {
    order: DateOrder,
    why: Why,
}

#[derive(Clone, Copy, Debug)]
enum Why {
    Named,
    /// A date that exists in this order alone.
    Seen(Place),
    Assumed,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    written: [u8; super::stamp::DATE_BYTES],
    line: u64,
}

/// What speaks for one of the two orders.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    last: Option<i64>,
    latest: i64,
    /// How far apart lines that follow each other lie, in all.
    gaps: i64,
}

const OPEN: [DateOrder; 2] = [DateOrder::DayFirst, DateOrder::MonthFirst];

impl Dates {
    pub fn of(settings: &Settings) -> Self {
        let order = settings.dates.filter(|order| *order != DateOrder::YearFirst);
        let decision = order.map(|order| Decision { order, why: Why::Named });
        let modified_at_end = settings.modified.div_euclid(MICROS_PER_SECOND);
        // What decides while a file is followed must decide in the same way when it has grown, and its time is another.
        let modified = if settings.growth == Growth::Whole { modified_at_end } else { 0 };
        Self { named: settings.dates, modified, modified_at_end, decision, ..Self::default() }
    }

    /// The file ends here, and is as old as it is.
    pub fn ends(&mut self) {
        self.modified = self.modified_at_end;
    }

    pub fn is_decided(&self) -> bool {
        self.decision.is_some()
    }

    /// Takes a time into account while nothing is decided.
    pub fn watch(&mut self, stamp: &Stamp, line: u64) {
        let place = Place { written: stamp.written, line };
        self.first.get_or_insert(place);
        if self.is_decided() {
            return;
        }
        match only_order(stamp.date) {
            Some(order) => self.decision = Some(Decision { order, why: Why::Seen(place) }),
            None => self.weigh(stamp),
        }
    }

    fn weigh(&mut self, stamp: &Stamp) {
        for (order, evidence) in OPEN.into_iter().zip(&mut self.evidence) {
            let Some(seconds) = in_order(stamp.date, order).map(|day| seconds(day, stamp.second_of_day)) else {
                continue;
            };
            if let Some(last) = evidence.last {
                evidence.gaps = evidence.gaps.saturating_add((seconds - last).abs());
            }
            evidence.last = Some(seconds);
            evidence.latest = if evidence.latest == 0 { seconds } else { evidence.latest.max(seconds) };
        }
        // A date changed between two lines: a night in one order is a month in the other.
        if let Some(order) = self.by_gaps().map(|order| self.by_file_time().unwrap_or(order)) {
            self.decision = Some(Decision { order, why: Why::Assumed });
        }
    }

    fn by_gaps(&self) -> Option<DateOrder> {
        let [day_first, month_first] = self.evidence.map(|evidence| evidence.gaps);
        let order = if day_first < month_first { DateOrder::DayFirst } else { DateOrder::MonthFirst };
        ((day_first - month_first).abs() >= APART_SECONDS_MIN).then_some(order)
    }

    /// No line is younger than the file.
    fn by_file_time(&self) -> Option<DateOrder> {
        self.only(|age| age >= -ZONE_SECONDS_MAX)
    }

    /// A file that was written until now ends near its own time.
    fn by_nearness(&self) -> Option<DateOrder> {
        self.only(|age| age.abs() <= NEAR_SECONDS_MAX)
    }

    /// The order in which alone the file's age behind its youngest line fits.
    fn only(&self, fits: impl Fn(i64) -> bool) -> Option<DateOrder> {
        let fitting = self.evidence.map(|evidence| self.modified != 0 && fits(self.modified - evidence.latest));
        match fitting {
            [true, false] => Some(DateOrder::DayFirst),
            [false, true] => Some(DateOrder::MonthFirst),
            _ => None,
        }
    }

    /// Decides on what there is. `/` is how the United States write dates, who put the month first; `.` and `-` are others' habit.
    pub fn decide(&mut self) {
        if self.is_decided() {
            return;
        }
        let habit = || match self.first {
            Some(place) if place.written[2] == b'/' => DateOrder::MonthFirst,
            _ => DateOrder::DayFirst,
        };
        let told = self.by_file_time().or_else(|| self.by_gaps()).or_else(|| self.by_nearness());
        let order = told.unwrap_or_else(habit);
        self.decision = Some(Decision { order, why: Why::Assumed });
    }

    /// The day of a time, in the order in force.
    pub fn resolve(&mut self, stamp: &Stamp, line: u64) -> Option<Day> {
        let Date::Open { first, second, year } = stamp.date else { return in_order(stamp.date, DateOrder::YearFirst) };
        let place = Place { written: stamp.written, line };
        let Some(only) = only_order(stamp.date) else {
            let order = self.decision.map_or(DateOrder::MonthFirst, |decision| decision.order);
            // The order of years alone says nothing of these.
            let order = if order == DateOrder::YearFirst { DateOrder::MonthFirst } else { order };
            return in_order(Date::Open { first, second, year }, order);
        };
        match self.decision {
            Some(Decision { order, why: Why::Assumed }) if order != only => {
                self.given_up = Some((order, place));
                self.decision = Some(Decision { order: only, why: Why::Seen(place) });
            }
            Some(Decision { order: DateOrder::YearFirst, .. } | Decision { why: Why::Assumed, .. }) | None => {
                self.decision = Some(Decision { order: only, why: Why::Seen(place) });
            }
            Some(Decision { order, .. }) if order != only => {
                self.contrary += 1;
                self.contrary_first.get_or_insert(place);
            }
            Some(_) => {}
        }
        in_order(stamp.date, only)
    }

    /// What was decided and why, for a person.
    pub fn remarks(&self, remarks: &mut Vec<String>) {
        let Some(decision) = self.decision else { return };
        let order = name(decision.order);
        remarks.push(match (decision.why, self.given_up) {
            (Why::Named, _) => format!("dates were read {order}, as it was named"),
            (Why::Seen(place), None) => format!("dates are {order}: {place}"),
            (Why::Seen(place), Some((assumed, _))) => format!(
                "dates are {order}: {place}; the lines before it were read {}, which was an assumption: name the order and import the file \
                 again",
                name(assumed)
            ),
            (Why::Assumed, _) => format!(
                "dates were read {order}, which is an assumption{}: no day above 12 was seen, and so read the times rise best and none is after \
                 the file's own time as far as it is known; name the order (day first or month first) if it is another",
                self.first.map(|place| format!(" ({place})")).unwrap_or_default()
            ),
        });
        if self.named == Some(DateOrder::YearFirst) && decision.order != DateOrder::YearFirst {
            remarks.push("dates were named as year first, but the year stands behind".to_owned());
        }
        if let Some(first) = self.contrary_first {
            remarks.push(format!(
                "{} dates exist only in the other order, the first is {first}: they were read so",
                self.contrary
            ));
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in line {}", String::from_utf8_lossy(&self.written), self.line)
    }
}

fn name(order: DateOrder) -> &'static str {
    match order {
        DateOrder::DayFirst => "day first",
        DateOrder::MonthFirst => "month first",
        DateOrder::YearFirst => "year first",
    }
}

/// The order in which alone such a date exists.
fn only_order(date: Date) -> Option<DateOrder> {
    match (in_order(date, DateOrder::DayFirst), in_order(date, DateOrder::MonthFirst)) {
        (Some(_), None) => Some(DateOrder::DayFirst),
        (None, Some(_)) => Some(DateOrder::MonthFirst),
        (None, None) => Some(DateOrder::YearFirst),
        (Some(_), Some(_)) => None,
    }
}

fn in_order(date: Date, order: DateOrder) -> Option<Day> {
    match (date, order) {
        (Date::YearFirst(day), DateOrder::YearFirst) => Some(day),
        (Date::Open { first, second, year }, DateOrder::DayFirst) => Day::new(year, second, first),
        (Date::Open { first, second, year }, DateOrder::MonthFirst) => Day::new(year, first, second),
        _ => None,
    }
}

fn seconds(day: Day, second_of_day: u32) -> i64 {
    days_from_epoch(day.year, day.month, day.day) * SECONDS_PER_DAY + i64::from(second_of_day)
}
