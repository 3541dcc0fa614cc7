//! Events of a Domino server as JSON, one object a line: the flat records of the add-in `domfwd`, as they are or in what another
//! shipper put around them.

use serde_json::Value;
use vigie_model::{Micros, iso, parse_iso};

use super::{
    CONSOLE,
    activity::common_name,
    console::{prefix_bytes, whole_characters},
    paper::{host_name, push_names, push_text},
};
use crate::transcript::{Lines, Settings, Transcriber};

/// Of a text, as a line of the console.
const TEXT_BYTES_MAX: usize = 32 * 1024;
const NANOS_PER_MICRO: i64 = 1000;
/// Times outside are none: 1980 to 2200, as the calendar of lines has it.
const MICROS: std::ops::Range<Micros> = 315_532_800_000_000..7_258_118_400_000_000;
/// Lines of the beginning that are looked at.
const HEAD_LINES_MAX: usize = 50;
/// Members under which shippers keep the line that they took, or the object that was in it.
const WRAPPERS: [&str; 8] = ["log", "message", "MESSAGE", "msg", "_msg", "line", "event", "body"];

pub fn recognise(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>> {
    let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let is_events = head.trim_ascii_start().first() == Some(&b'{')
        && lines
            .by_ref()
            .take(HEAD_LINES_MAX)
            .any(|line| object(line).is_some_and(|object| event_in(&object).is_some()));
    let host = host_name(&settings.host);
    is_events.then(|| Box::new(Events { host, ..Events::default() }) as Box<dyn Transcriber>)
}

fn object(line: &[u8]) -> Option<Value> {
    serde_json::from_slice(line).ok().filter(Value::is_object)
}

/// The record of a Domino server in an object: the object itself, or what a shipper wrapped. Two wrappings are looked through.
fn event_in(object: &Value) -> Option<Value> {
    if is_event(object) {
        return Some(object.clone());
    }
    let inner = |object: &Value| {
        WRAPPERS.iter().find_map(|name| match object.get(name)? {
            Value::String(text) if text.starts_with('{') => self::object(text.trim_ascii().as_bytes()),
            inner @ Value::Object(_) => Some(inner.clone()),
            _ => None,
        })
    };
    let once = inner(object)?;
    if is_event(&once) {
        return Some(once);
    }
    inner(&once).filter(is_event)
}

/// A text, and a word that only a Domino server says.
fn is_event(object: &Value) -> bool {
    let is_domino = text(object, &["scope", "name"]) == Some("domino.event")
        || text(object, &["resource", "service.name"]) == Some("domino")
        || text(object, &["resource", "domino.process.pidtid"]).is_some();
    is_domino && text(object, &["body"]).is_some()
}

fn text<'a>(object: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(object, |object, name| object.get(name))?.as_str()
}

/// Writes events anew, as lines of the console.
#[derive(Debug, Default)]
struct Events {
    host: Vec<u8>,
    lines: Lines,
    events: u64,
    foreign: u64,
    damaged: u64,
    timeless: u64,
    cut: u64,
}

impl Transcriber for Events {
    fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.take(bytes, |line| self.line(line, out));
        self.lines = lines;
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(last) = self.lines.rest() {
            self.line(&last, out);
        }
    }

    fn remarks(&self) -> Vec<String> {
        let counts = [
            (self.events, "events of a Domino server were read; their times are UTC"),
            (self.foreign, "records are of other programs: they were left out"),
            (self.damaged, "lines are no JSON: they were left out"),
            (self.timeless, "events have no time: they were left out"),
            (self.cut, "events are too long: they were cut, and nothing is told from them"),
            (self.lines.overlong, "lines are longer than a mebibyte"),
        ];
        let said = counts.into_iter().filter(|(count, _)| *count > 0);
        said.map(|(count, what)| format!("{count} {what}")).collect()
    }
}

impl Events {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let Some(object) = object(line) else {
            self.damaged += 1;
            return;
        };
        let Some(event) = event_in(&object) else {
            self.foreign += 1;
            return;
        };
        let Some(micros) = time(&event) else {
            self.timeless += 1;
            return;
        };
        self.events += 1;
        self.write(&event, micros, out);
    }

    fn write(&mut self, event: &Value, micros: Micros, out: &mut Vec<u8>) {
        let body = text(event, &["body"]).unwrap_or_default().trim_ascii();
        let own = text(event, &["resource", "host.name"]).map(host_name);
        let own = own.or_else(|| text(event, &["resource", "service.instance.id"]).map(common_name).map(host_name));
        let host = own.filter(|host| !host.is_empty());
        out.extend_from_slice(iso(micros).as_bytes());
        push_names(host.as_deref().unwrap_or(&self.host), CONSOLE, out);
        let is_cut = body.len() > TEXT_BYTES_MAX;
        self.cut += u64::from(is_cut);
        if is_cut {
            out.push(b'\t');
        }
        let process = text(event, &["resource", "domino.process.pidtid"]).unwrap_or_default();
        let prefix = format!("[{process}]");
        if prefix_bytes(prefix.as_bytes()) == prefix.len() {
            out.extend_from_slice(prefix.as_bytes());
            out.push(b' ');
        }
        push_text(whole_characters(body.as_bytes(), TEXT_BYTES_MAX), out);
        out.push(b'\n');
    }
}

/// Nanoseconds since 1970 as a text or a number, or else the event's own time.
fn time(event: &Value) -> Option<Micros> {
    let nanos = |name: &str| match event.get(name)? {
        Value::String(digits) => digits.parse::<i64>().ok(),
        value => value.as_i64(),
    };
    let own = || parse_iso(text(event, &["attributes", "domino.event.time"])?);
    let micros = nanos("time_unix_nano").map(|nanos| nanos / NANOS_PER_MICRO).or_else(own);
    micros.filter(|micros| MICROS.contains(micros))
}
