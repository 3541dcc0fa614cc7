//! OTLP in JSON (protobuf's JSON mapping, with OTLP's own rules: 64-bit numbers may be strings, enums are numbers).
//!
//! Read as a stream: only the records of one resource are held, because its names may stand behind them.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::line::Record;
use super::names::Names;
use super::{Gathering, OtlpError, RECORDS_MAX};

/// Reads an `ExportLogsServiceRequest`.
pub(super) fn read(body: &[u8], gathering: &mut Gathering<'_>) -> Result<(), OtlpError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let mut request = Request { gathering, records_left: RECORDS_MAX, trouble: None };
    let read = Read(&mut request).deserialize(&mut deserializer);
    let trouble = request.trouble;
    match read.and_then(|()| deserializer.end()) {
        Ok(()) => Ok(()),
        Err(_) => Err(trouble.unwrap_or(OtlpError::Damaged)),
    }
}

/// An object of which some members count.
trait Object {
    /// Takes the value of one, by its name, or steps over it.
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error>;
}

/// A list, read element by element.
trait List {
    /// Takes the next; `false` when there is none.
    fn element<'de, S: SeqAccess<'de>>(&mut self, list: &mut S) -> Result<bool, S::Error>;
}

/// Reads an object, or `null`, into something.
struct Read<'t, T>(&'t mut T);

impl<'de, T: Object> DeserializeSeed<'de> for Read<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object> Visitor<'de> for Read<'_, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            self.0.member(&name, &mut map)?;
        }
        Ok(())
    }
}

/// Reads a list, or `null`, into something.
struct ReadAll<'t, T>(&'t mut T);

impl<'de, T: List> DeserializeSeed<'de> for ReadAll<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: List> Visitor<'de> for ReadAll<'_, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        while self.0.element(&mut list)? {}
        Ok(())
    }
}

fn step_over<'de, M: MapAccess<'de>>(map: &mut M) -> Result<(), M::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

struct Request<'g, 's> {
    gathering: &'g mut Gathering<'s>,
    records_left: usize,
    /// What was wrong, where it was not the JSON.
    trouble: Option<OtlpError>,
}

impl Object for Request<'_, '_> {
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "resourceLogs" | "resource_logs" => map.next_value_seed(ReadAll(self)),
            _ => step_over(map),
        }
    }
}

impl List for Request<'_, '_> {
    fn element<'de, S: SeqAccess<'de>>(&mut self, list: &mut S) -> Result<bool, S::Error> {
        let (records_left, trouble) = (&mut self.records_left, &mut self.trouble);
        let mut logs = ResourceLogs { names: Names::default(), records: Vec::new(), records_left, trouble };
        let is_there = list.next_element_seed(Read(&mut logs))?.is_some();
        let ResourceLogs { names, records, .. } = logs;
        for record in &records {
            if let Err(trouble) = self.gathering.add(record, &names) {
                self.trouble = Some(trouble);
                return Err(S::Error::custom(trouble));
            }
        }
        Ok(is_there)
    }
}

struct ResourceLogs<'r> {
    names: Names<'static>,
    records: Vec<Record<'static>>,
    records_left: &'r mut usize,
    trouble: &'r mut Option<OtlpError>,
}

impl Object for ResourceLogs<'_> {
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "resource" => map.next_value_seed(Read(&mut Attributed(&mut self.names))),
            "scopeLogs" | "scope_logs" => map.next_value_seed(ReadAll(self)),
            _ => step_over(map),
        }
    }
}

impl List for ResourceLogs<'_> {
    fn element<'de, S: SeqAccess<'de>>(&mut self, list: &mut S) -> Result<bool, S::Error> {
        Ok(list.next_element_seed(Read(&mut ScopeLogs(self)))?.is_some())
    }
}

struct ScopeLogs<'l, 'r>(&'l mut ResourceLogs<'r>);

impl Object for ScopeLogs<'_, '_> {
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "logRecords" | "log_records" => map.next_value_seed(ReadAll(self)),
            _ => step_over(map),
        }
    }
}

impl List for ScopeLogs<'_, '_> {
    fn element<'de, S: SeqAccess<'de>>(&mut self, list: &mut S) -> Result<bool, S::Error> {
        let mut record = Record::default();
        if list.next_element_seed(Read(&mut record))?.is_none() {
            return Ok(false);
        }
        if *self.0.records_left == 0 {
            *self.0.trouble = Some(OtlpError::Records);
            return Err(S::Error::custom(OtlpError::Records));
        }
        *self.0.records_left -= 1;
        self.0.records.push(record);
        Ok(true)
    }
}

impl Object for Record<'static> {
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "timeUnixNano" | "time_unix_nano" => self.time_ns = map.next_value::<Number>()?.nanos(),
            "observedTimeUnixNano" | "observed_time_unix_nano" => {
                self.observed_ns = map.next_value::<Number>()?.nanos()
            }
            "body" => {
                let mut any = Any::default();
                map.next_value_seed(Read(&mut any))?;
                (self.body, self.fields) = (any.scalar.map(Cow::Owned), any.map);
            }
            "attributes" => map.next_value_seed(ReadAll(&mut Attributes(&mut self.attributes)))?,
            _ => step_over(map)?,
        }
        Ok(())
    }
}

/// Something with `attributes`: a resource.
struct Attributed<'n>(&'n mut Names<'static>);

impl Object for Attributed<'_> {
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "attributes" => map.next_value_seed(ReadAll(&mut Attributes(self.0))),
            _ => step_over(map),
        }
    }
}

/// A list of `KeyValue`.
struct Attributes<'n>(&'n mut Names<'static>);

impl List for Attributes<'_> {
    fn element<'de, S: SeqAccess<'de>>(&mut self, list: &mut S) -> Result<bool, S::Error> {
        let mut attribute = Attribute::default();
        if list.next_element_seed(Read(&mut attribute))?.is_none() {
            return Ok(false);
        }
        if let Some(value) = attribute.value.scalar {
            self.0.set(attribute.name.as_bytes(), Cow::Owned(value));
        }
        Ok(true)
    }
}

#[derive(Default)]
struct Attribute {
    name: String,
    value: Any,
}

impl Object for Attribute {
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "key" => self.name = map.next_value()?,
            "value" => map.next_value_seed(Read(&mut self.value))?,
            _ => step_over(map)?,
        }
        Ok(())
    }
}

/// An `AnyValue`.
#[derive(Default)]
struct Any {
    /// A text, bytes, or a whole number written out.
    scalar: Option<Vec<u8>>,
    map: Names<'static>,
}

impl Object for Any {
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "stringValue" | "string_value" => self.scalar = map.next_value::<Option<String>>()?.map(String::into_bytes),
            "intValue" | "int_value" => self.scalar = Some(map.next_value::<Number>()?.0.into_bytes()),
            "bytesValue" | "bytes_value" => {
                let text = map.next_value::<Cow<'_, str>>()?;
                self.scalar = Some(BASE64.decode(&*text).map_err(|_| M::Error::custom("no base64"))?);
            }
            "kvlistValue" | "kvlist_value" => map.next_value_seed(Read(&mut Values(&mut self.map)))?,
            _ => step_over(map)?,
        }
        Ok(())
    }
}

/// A `KeyValueList`.
struct Values<'n>(&'n mut Names<'static>);

impl Object for Values<'_> {
    fn member<'de, M: MapAccess<'de>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "values" => map.next_value_seed(ReadAll(&mut Attributes(self.0))),
            _ => step_over(map),
        }
    }
}

/// A whole number, which may stand in a string.
struct Number(String);

impl Number {
    /// 0, which means that there is none, for what is no time.
    fn nanos(&self) -> u64 {
        self.0.parse().unwrap_or(0)
    }
}

impl<'de> serde::Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number, or one in a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number.to_string()))
            }

            fn visit_unit<E: Error>(self) -> Result<Number, E> {
                Ok(Number(String::new()))
            }
        }
        deserializer.deserialize_any(Digits)
    }
}
