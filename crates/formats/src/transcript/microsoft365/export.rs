//! Exports as CSV.
//!
//! PowerShell's `Export-Csv` writes dates as its machine does, and semicolons where that machine's decimals have a comma; Windows PowerShell
//! begins with a `#TYPE` line. Rows whose dates may be read in two ways are held back until one date can be read in one way only.

use vigie_model::{MICROS_PER_DAY, Micros};

use super::{
    dates::{Date, Numeric},
    values::{Column, Counts, Values, are_enough, column},
};
use crate::transcript::{
    DateOrder, HEAD_BYTES, Settings, Transcriber,
    csv::{self, Field, Rows},
};

/// A header has no more names than this.
const COLUMNS_MAX: usize = 200;

pub struct Export {
    rows: Rows,
    state: State,
}

struct State {
    delimiter: u8,
    columns: Vec<Option<Column>>,
    fields: Vec<Field>,
    dates: Dates,
    counts: Counts,
    narrow: u64,
    wide: u64,
}

/// Which comes first in dates, as far as it is known.
struct Dates {
    order: Option<DateOrder>,
    is_guess: bool,
    /// No row is younger; 0 where nobody knows.
    modified: Micros,
    held: Vec<Vec<u8>>,
    held_bytes: usize,
    /// Readings of the dates that are held back which put none of them into the future.
    may_be_day_first: bool,
    may_be_month_first: bool,
}

impl Export {
    pub fn recognise(head: &[u8], settings: &Settings) -> Option<Self> {
        let first = lines(head).find(|line| !is_before_header(line))?;
        let delimiter = [b',', b';', b'\t'].into_iter().find(|&delimiter| header(first, delimiter).is_some())?;
        let dates = Dates {
            order: settings.dates,
            is_guess: false,
            modified: settings.modified,
            held: Vec::new(),
            held_bytes: 0,
            may_be_day_first: true,
            may_be_month_first: true,
        };
        let state = State {
            delimiter,
            columns: Vec::new(),
            fields: Vec::new(),
            dates,
            counts: Counts::default(),
            narrow: 0,
            wide: 0,
        };
        Some(Self { rows: Rows::new(delimiter), state })
    }
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|&byte| byte == b'\n').map(bare)
}

fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_before_header(line: &[u8]) -> bool {
    line.is_empty() || line.starts_with(b"#TYPE ") || line.starts_with(b"sep=")
}

fn header(line: &[u8], delimiter: u8) -> Option<Vec<Option<Column>>> {
    let mut fields = Vec::new();
    if !csv::split(line, delimiter, &mut fields) || fields.len() > COLUMNS_MAX {
        return None;
    }
    let columns: Vec<_> = fields.iter().map(|field| column(&field.of(line))).collect();
    are_enough(&columns).then_some(columns)
}

impl Transcriber for Export {
    fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        // Nothing tells the beginning of a row from a line within quotes.
        self.rows.take(bytes, |_| false, |row| self.state.row(row, out));
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(row) = self.rows.rest() {
            self.state.row(&row, out);
        }
        self.state.settle(out);
    }

    fn remarks(&self) -> Vec<String> {
        let state = &self.state;
        let mut remarks = state.counts.remarks(&[
            (state.narrow, "fewer columns than the header (cut off?), and were left out"),
            (state.wide, "more columns than the header, and were left out"),
            (self.rows.unclosed, "a quote that is never closed, and were left out"),
            (self.rows.overlong(), "more than a megabyte, and were cut"),
        ]);
        if state.dates.is_guess {
            let order = match state.dates.order {
                Some(DateOrder::MonthFirst) => "the month before the day",
                _ => "the day before the month",
            };
            remarks.push(format!("No date tells whether day or month comes first. They were read with {order}."));
        }
        remarks
    }
}

impl State {
    fn row(&mut self, row: &[u8], out: &mut Vec<u8>) {
        let row = bare(row);
        if is_before_header(row) {
            return;
        }
        if self.columns.is_empty() {
            self.columns = header(row, self.delimiter).unwrap_or_default();
            return;
        }
        csv::split(row, self.delimiter, &mut self.fields);
        match self.fields.len() {
            count if count < self.columns.len() => return self.narrow += 1,
            count if count > self.columns.len() => return self.wide += 1,
            _ => {}
        }
        let values = values_of(row, &self.columns, &self.fields);
        match values.date() {
            Some(Date::At(at)) => values.tell(at, &mut self.counts, out),
            Some(Date::Numeric(date)) => match self.dates.order {
                Some(order) => tell(&values, &date, order, &mut self.counts, out),
                None => self.hold(row, date, out),
            },
            // Exports that were put together have their header several times.
            None if header(row, self.delimiter).is_some() => {}
            None => self.counts.undated += 1,
        }
    }

    fn hold(&mut self, row: &[u8], date: Numeric, out: &mut Vec<u8>) {
        self.dates.held.push(row.to_vec());
        self.dates.held_bytes += row.len();
        self.dates.look_at(&date);
        if self.dates.order.is_some() || self.dates.held_bytes > HEAD_BYTES {
            self.settle(out);
        }
    }

    /// Tells what was held back.
    fn settle(&mut self, out: &mut Vec<u8>) {
        for row in std::mem::take(&mut self.dates.held) {
            csv::split(&row, self.delimiter, &mut self.fields);
            let values = values_of(&row, &self.columns, &self.fields);
            if let Some(Date::Numeric(date)) = values.date() {
                let order = self.dates.order_of(&date);
                tell(&values, &date, order, &mut self.counts, out);
            }
        }
    }
}

fn values_of<'a>(row: &'a [u8], columns: &[Option<Column>], fields: &[Field]) -> Values<'a> {
    let mut values = Values::default();
    for (column, field) in columns.iter().zip(fields) {
        if let Some(column) = column {
            values.set(*column, field.of(row));
        }
    }
    values
}

fn tell(values: &Values<'_>, date: &Numeric, order: DateOrder, counts: &mut Counts, out: &mut Vec<u8>) {
    match date.at(order) {
        Some(at) => values.tell(at, counts, out),
        None => counts.undated += 1,
    }
}

impl Dates {
    fn look_at(&mut self, date: &Numeric) {
        let is_past = |order| {
            date.at(order).is_some_and(|at| self.modified == 0 || at < self.modified.saturating_add(MICROS_PER_DAY))
        };
        let (day, month) = (is_past(DateOrder::DayFirst), is_past(DateOrder::MonthFirst));
        self.may_be_day_first &= day;
        self.may_be_month_first &= month;
        self.order = date.order().or(match (self.may_be_day_first, self.may_be_month_first) {
            (true, false) => Some(DateOrder::DayFirst),
            (false, true) => Some(DateOrder::MonthFirst),
            _ => None,
        });
    }

    /// The order from now on: known, or guessed and said.
    fn order_of(&mut self, date: &Numeric) -> DateOrder {
        let guess = || date.likely_order();
        self.is_guess |= self.order.is_none();
        *self.order.get_or_insert_with(guess)
    }
}
