//! Round local times for the labels of a time axis.

use jiff::{Timestamp, ToSpan, Zoned, tz::TimeZone};
use vigie_i18n::{Lang, fmt};

use crate::backend::Span;

/// More labels than this run into each other on a telephone.
const LABELS_MAX: i64 = 9;
const MINUTES_PER_DAY: i64 = 24 * 60;
const MINUTE_STEPS: [i64; 11] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720];
const DAY_STEPS: [i64; 6] = [1, 2, 5, 7, 14, 30];
/// From here on labels stand at the begin of months.
const MONTHS_FROM_DAYS: i64 = 200;

/// Places from 0 (begin of the span) to 1 (its end), with their labels.
pub fn ticks(span: Span, lang: Lang, zone: &TimeZone) -> Vec<(f64, String)> {
    let width_s = span.until.duration_since(span.from).as_secs().max(1);
    let minutes = width_s / 60;
    let (times, label): (Vec<Zoned>, Label) = if minutes > MONTHS_FROM_DAYS * MINUTES_PER_DAY {
        (months(span, zone), Label::Month)
    } else if let Some(step) = MINUTE_STEPS.into_iter().find(|step| minutes / step < LABELS_MAX) {
        (clock_times(span, zone, step), Label::Clock)
    } else {
        let days = minutes / MINUTES_PER_DAY;
        let step = DAY_STEPS.into_iter().find(|step| days / step < LABELS_MAX).unwrap_or(30);
        (days_of(span, zone, step), Label::Day)
    };
    let place = |time: &Zoned| time.timestamp().duration_since(span.from).as_secs_f64() / width_s as f64;
    times
        .iter()
        .map(|time| (place(time), label.text(time, lang, zone)))
        .filter(|(place, _)| (0.0..=1.0).contains(place))
        .collect()
}

#[derive(Clone, Copy)]
enum Label {
    Clock,
    Day,
    Month,
}

impl Label {
    fn text(self, time: &Zoned, lang: Lang, zone: &TimeZone) -> String {
        let at = time.timestamp();
        match self {
            // Midnight says which day begins.
            Label::Clock if time.hour() == 0 && time.minute() == 0 => fmt::day(lang, at, zone),
            Label::Clock => fmt::time(lang, at, zone),
            Label::Day => fmt::day(lang, at, zone),
            Label::Month => match lang {
                Lang::En => format!("{:04}-{:02}", time.year(), time.month()),
                Lang::Fr => format!("{:02}/{:04}", time.month(), time.year()),
            },
        }
    }
}

/// Multiples of the step since local midnight.
fn clock_times(span: Span, zone: &TimeZone, step_min: i64) -> Vec<Zoned> {
    let first_day = local(span.from, zone).start_of_day().ok();
    walk(first_day, span.until, |day| day.tomorrow().ok()?.start_of_day().ok())
        .flat_map(|day| {
            (0..MINUTES_PER_DAY / step_min).filter_map(move |n| {
                day.date()
                    .to_datetime(jiff::civil::Time::midnight())
                    .checked_add((n * step_min).minutes())
                    .ok()?
                    .to_zoned(day.time_zone().clone())
                    .ok()
            })
        })
        .collect()
}

fn days_of(span: Span, zone: &TimeZone, step: i64) -> Vec<Zoned> {
    let first = local(span.from, zone).start_of_day().ok();
    walk(first, span.until, |day| day.checked_add(step.days()).ok()?.start_of_day().ok()).collect()
}

fn months(span: Span, zone: &TimeZone) -> Vec<Zoned> {
    let months = span.until.duration_since(span.from).as_secs() / 60 / MINUTES_PER_DAY / 30;
    let step = [1, 2, 3, 6, 12, 24, 60].into_iter().find(|step| months / step < LABELS_MAX).unwrap_or(120);
    let year = local(span.from, zone).date().first_of_year().to_zoned(zone.clone()).ok();
    walk(year, span.until, |month| month.checked_add(step.months()).ok()).collect()
}

/// From the first on, up to the end; never more than a bounded number.
fn walk(first: Option<Zoned>, until: Timestamp, next: impl Fn(&Zoned) -> Option<Zoned>) -> impl Iterator<Item = Zoned> {
    const STEPS_MAX: usize = 400;
    std::iter::successors(first, move |time| next(time))
        .take_while(move |time| time.timestamp() < until)
        .take(STEPS_MAX)
}

fn local(at: Timestamp, zone: &TimeZone) -> Zoned {
    at.to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: &str, until: &str, zone: &str) -> Vec<String> {
        let span = Span { from: from.parse().expect("a time"), until: until.parse().expect("a time") };
        ticks(span, Lang::En, &TimeZone::get(zone).expect("bundled")).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn a_day_has_labels_at_round_local_hours() {
        assert_eq!(
            labels("2026-11-21T04:50:00Z", "2026-11-22T04:50:00Z", "Europe/Paris"),
            ["06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "11-22", "03:00"]
        );
    }

    #[test]
    fn no_span_has_too_many_labels() {
        let from: Timestamp = "2026-03-01T00:00:00Z".parse().expect("a time");
        let mut hours = 1;
        while hours < 24 * 366 * 20 {
            let until = from.checked_add(jiff::SignedDuration::from_hours(hours)).expect("in range");
            let count = ticks(Span { from, until }, Lang::Fr, &TimeZone::get("Europe/Paris").expect("bundled")).len();
            assert!((1..=10).contains(&count), "{hours} h: {count}");
            hours = hours * 3 / 2 + 1;
        }
    }

    #[test]
    fn an_empty_span_has_no_nonsense() {
        let now = Timestamp::UNIX_EPOCH;
        assert!(
            ticks(Span { from: now, until: now }, Lang::En, &TimeZone::UTC).iter().all(|(place, _)| place.is_finite())
        );
    }

    #[test]
    fn the_day_of_the_clock_change_is_drawn_without_a_hole() {
        assert_eq!(
            labels("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "Europe/Paris"),
            ["10-25", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]
        );
    }
}
