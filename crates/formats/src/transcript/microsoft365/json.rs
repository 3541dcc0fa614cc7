//! Exports and answers as JSON: an array of rows, `{"value": [rows]}`, `{"d": {"results": [rows]}}`, or a row on each line.
//!
//! An array may be larger than memory, so the text is only cut into objects here, by brackets and quotes; each row is then read for itself.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    dates::Date,
    values::{Column, Counts, Values, column},
};
use crate::transcript::{Settings, Transcriber};

/// Of a row.
const OBJECT_BYTES_MAX: usize = 1024 * 1024;
const DEPTH_MAX: usize = 64;
/// A row may stand within others, as some tools write them.
const WRAPPED_MAX: usize = 4;
/// Of a name outside of rows.
const NAME_BYTES_MAX: usize = 32;

pub struct Objects {
    order: crate::transcript::DateOrder,
    /// Brackets that are open.
    open: Vec<u8>,
    is_text: bool,
    is_escaped: bool,
    /// The byte before was the end of a line, or there was none.
    at_line_start: bool,
    /// Where the object that is gathered began, as a number of open brackets.
    row: Option<usize>,
    /// The object is the outermost: should rows stand in it, it is none.
    is_outermost: bool,
    is_too_long: bool,
    text: Vec<u8>,
    /// The text that is being read outside of rows: perhaps a name.
    name: Vec<u8>,
    counts: Counts,
    damaged: u64,
    too_long: u64,
    has_next_page: bool,
}

impl Objects {
    pub fn recognise(head: &[u8], settings: &Settings) -> Option<Self> {
        let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
        if !matches!(text.first(), Some(b'{' | b'[')) {
            return None;
        }
        let folded: Vec<u8> = text.to_ascii_lowercase();
        let has = |name: &[u8]| memchr::memmem::find(&folded, name).is_some();
        let is_trace = has(b"\"messagetraceid\"")
            || has(b"#exchangemessagetrace")
            || (has(b"\"receiveddatetime\"") && has(b"\"recipientaddress\""));
        is_trace.then(|| Self::new(settings))
    }

    fn new(settings: &Settings) -> Self {
        Self {
            order: settings.dates.unwrap_or(crate::transcript::DateOrder::MonthFirst),
            open: Vec::new(),
            is_text: false,
            is_escaped: false,
            at_line_start: true,
            row: None,
            is_outermost: false,
            is_too_long: false,
            text: Vec::new(),
            name: Vec::new(),
            counts: Counts::default(),
            damaged: 0,
            too_long: 0,
            has_next_page: false,
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.is_text {
            return self.text_byte(byte);
        }
        match byte {
            b'"' => {
                self.is_text = true;
                self.name.clear();
                self.keep(byte);
            }
            b'{' => self.open_object(),
            b'[' => self.push(byte),
            b'}' => self.close_object(out),
            b']' => {
                if self.open.last() == Some(&b'[') {
                    self.open.pop();
                    self.keep(byte);
                } else {
                    self.start_anew();
                }
            }
            _ => self.keep(byte),
        }
        self.at_line_start = byte == b'\n';
    }

    fn text_byte(&mut self, byte: u8) {
        match byte {
            // No text of JSON has a line end: a row was cut off.
            b'\n' => {
                self.start_anew();
                self.at_line_start = true;
                return;
            }
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => {
                self.is_text = false;
                self.has_next_page |=
                    matches!(&*self.name, b"@odata.nextLink" | b"odata.nextLink" | b"__next") && !self.is_within_row();
            }
            _ if self.name.len() < NAME_BYTES_MAX => self.name.push(byte),
            _ => {}
        }
        self.at_line_start = false;
        self.keep(byte);
    }

    fn is_within_row(&self) -> bool {
        self.row.is_some() && !self.is_outermost
    }

    fn open_object(&mut self) {
        // An object at the beginning of a line does not stand in another: that one was cut off.
        if self.at_line_start && self.open.last() == Some(&b'{') {
            self.start_anew();
        }
        let within = self.open.last().copied();
        let begins = match (self.row, within) {
            (None, None | Some(b'[')) => true,
            (Some(_), Some(b'[')) => self.is_outermost,
            _ => false,
        };
        if begins {
            self.text.clear();
            self.row = Some(self.open.len());
            self.is_outermost = within.is_none();
            self.is_too_long = false;
        }
        self.push(b'{');
    }

    fn push(&mut self, bracket: u8) {
        if self.open.len() >= DEPTH_MAX {
            return self.start_anew();
        }
        self.open.push(bracket);
        self.keep(bracket);
    }

    fn close_object(&mut self, out: &mut Vec<u8>) {
        if self.open.last() != Some(&b'{') {
            return self.start_anew();
        }
        self.keep(b'}');
        self.open.pop();
        if self.row == Some(self.open.len()) {
            self.row = None;
            if self.is_too_long {
                self.too_long += 1;
            } else {
                self.object(out);
            }
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.row.is_none() || self.is_too_long {
            return;
        }
        if self.text.len() < OBJECT_BYTES_MAX {
            self.text.push(byte);
        } else {
            self.is_too_long = true;
        }
    }

    /// What is open is damaged, and what follows is read as if the file began here.
    fn start_anew(&mut self) {
        self.damaged += u64::from(self.row.is_some());
        self.open.clear();
        self.row = None;
        self.is_text = false;
        self.is_escaped = false;
    }

    fn object(&mut self, out: &mut Vec<u8>) {
        let Ok(object) = serde_json::from_slice::<Map<String, Value>>(&self.text) else {
            self.damaged += 1;
            return;
        };
        let Some(values) = values_of(&object, WRAPPED_MAX) else {
            // A wrapper around no rows at all is none itself.
            self.damaged += u64::from(!object.values().any(Value::is_array));
            return;
        };
        let at = match values.date() {
            Some(Date::At(at)) => Some(at),
            Some(Date::Numeric(date)) => date.at(date.order().unwrap_or(self.order)),
            None => None,
        };
        match at {
            Some(at) => values.tell(at, &mut self.counts, out),
            None => self.counts.undated += 1,
        }
    }
}

fn values_of(object: &Map<String, Value>, wrapped_max: usize) -> Option<Values<'_>> {
    let mut values = Values::default();
    for (name, value) in object {
        let Some(column) = column(name.as_bytes()) else { continue };
        match value {
            Value::String(text) => values.set(column, Cow::Borrowed(text.as_bytes())),
            Value::Number(number) => values.set(column, Cow::Owned(number.to_string().into_bytes())),
            Value::Null => values.set(column, Cow::Borrowed(b"")),
            _ => {}
        }
    }
    let is_row = !values.text(Column::Id).is_empty() && !values.text(Column::Recipient).is_empty();
    if is_row || wrapped_max == 0 {
        return is_row.then_some(values);
    }
    object.values().filter_map(Value::as_object).find_map(|inner| values_of(inner, wrapped_max - 1))
}

impl Transcriber for Objects {
    fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        bytes.iter().for_each(|&byte| self.byte(byte, out));
    }

    fn finish(&mut self, _: &mut Vec<u8>) {
        // The outermost bracket of a list may be missing where the list was cut off between two rows.
        self.damaged += u64::from(self.row.is_some());
        self.row = None;
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = self.counts.remarks(&[
            (self.damaged, "a damaged or foreign form, and were left out"),
            (self.too_long, "more than a megabyte, and were left out"),
        ]);
        if self.has_next_page {
            remarks.push("The answer names a next page: this file alone is not the whole trace.".to_owned());
        }
        remarks
    }
}
