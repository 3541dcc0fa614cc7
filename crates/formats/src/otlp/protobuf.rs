//! OTLP in protobuf, by hand: five messages, of which a dozen fields count, and no generated code for the rest.
//!
//! Field numbers are those of opentelemetry-proto, `collector/logs/v1/logs_service.proto`, `logs/v1/logs.proto`,
//! `common/v1/common.proto` and `resource/v1/resource.proto`. Unknown fields are stepped over.

use std::borrow::Cow;

use super::line::Record;
use super::names::Names;
use super::{Gathering, OtlpError};

/// Reads an `ExportLogsServiceRequest`.
pub(super) fn read(body: &[u8], gathering: &mut Gathering<'_>) -> Result<(), OtlpError> {
    for field in Fields(body) {
        if let (1, Value::Bytes(resource_logs)) = field? {
            read_resource_logs(resource_logs, gathering)?;
        }
    }
    Ok(())
}

/// The resource may stand behind its records: it is looked for first.
fn read_resource_logs(message: &[u8], gathering: &mut Gathering<'_>) -> Result<(), OtlpError> {
    let mut names = Names::default();
    for field in Fields(message) {
        if let (1, Value::Bytes(resource)) = field? {
            for field in Fields(resource) {
                if let (1, Value::Bytes(attribute)) = field? {
                    read_attribute(attribute, &mut names)?;
                }
            }
        }
    }
    for field in Fields(message) {
        if let (2, Value::Bytes(scope_logs)) = field? {
            for field in Fields(scope_logs) {
                if let (2, Value::Bytes(record)) = field? {
                    gathering.add(&read_record(record)?, &names)?;
                }
            }
        }
    }
    Ok(())
}

fn read_record(message: &[u8]) -> Result<Record<'_>, OtlpError> {
    let mut record = Record::default();
    for field in Fields(message) {
        match field? {
            (1, Value::Number(nanos)) => record.time_ns = nanos,
            (5, Value::Bytes(body)) => match read_value(body)? {
                Any::Scalar(text) => record.body = Some(text),
                Any::Map(values) => read_map(values, &mut record.fields)?,
                Any::Other => {}
            },
            (6, Value::Bytes(attribute)) => read_attribute(attribute, &mut record.attributes)?,
            (11, Value::Number(nanos)) => record.observed_ns = nanos,
            _ => {}
        }
    }
    Ok(record)
}

/// A `KeyValueList`.
fn read_map<'a>(message: &'a [u8], names: &mut Names<'a>) -> Result<(), OtlpError> {
    for field in Fields(message) {
        if let (1, Value::Bytes(attribute)) = field? {
            read_attribute(attribute, names)?;
        }
    }
    Ok(())
}

/// A `KeyValue`.
fn read_attribute<'a>(message: &'a [u8], names: &mut Names<'a>) -> Result<(), OtlpError> {
    let (mut name, mut value) = (&b""[..], None);
    for field in Fields(message) {
        match field? {
            (1, Value::Bytes(key)) => name = key,
            (2, Value::Bytes(any)) => value = Some(any),
            _ => {}
        }
    }
    if Names::wants(name)
        && let Some(value) = value
        && let Any::Scalar(value) = read_value(value)?
    {
        names.set(name, value);
    }
    Ok(())
}

/// An `AnyValue`.
enum Any<'a> {
    /// A text, bytes, or a whole number written out.
    Scalar(Cow<'a, [u8]>),
    /// A `KeyValueList`.
    Map(&'a [u8]),
    Other,
}

fn read_value(message: &[u8]) -> Result<Any<'_>, OtlpError> {
    let mut read = Any::Other;
    for field in Fields(message) {
        match field? {
            (1 | 7, Value::Bytes(text)) => read = Any::Scalar(Cow::Borrowed(text)),
            (3, Value::Number(number)) => {
                read = Any::Scalar(Cow::Owned(number.cast_signed().to_string().into_bytes()));
            }
            (6, Value::Bytes(values)) => read = Any::Map(values),
            _ => {}
        }
    }
    Ok(read)
}

/// The fields of a message, one after the other.
struct Fields<'a>(&'a [u8]);

/// What a field holds.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), OtlpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(OtlpError::Damaged))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(u64::from_le_bytes(*self.take(8)?.first_chunk()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Number(u64::from(u32::from_le_bytes(*self.take(4)?.first_chunk()?))),
            // Groups went out of use before OTLP was made.
            _ => return None,
        };
        Some((key >> 3, value))
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    /// Seven bits a byte, the lowest first, at most ten bytes.
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}
