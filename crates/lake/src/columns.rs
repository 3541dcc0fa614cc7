//! Arrow columns from rows and rows from Arrow columns: the few types that our tables use.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray, Int64Array, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Int64Type, Schema, TimestampMicrosecondType};
use arrow::error::ArrowError;
use vigie_model::{QueueId, Text};

/// Bytes that a text usually needs: a guess that saves most of the growing.
const TEXT_BYTES: usize = 24;
/// Bytes that a queue id usually needs.
pub(crate) const QUEUE_ID_BYTES: usize = 16;

/// Columns being put together, in the order of the table.
#[derive(Default)]
pub(crate) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    pub(crate) fn times(&mut self, name: &str, values: impl Iterator<Item = i64>) {
        let array = TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC");
        self.push(name, Arc::new(array), false);
    }

    pub(crate) fn texts<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        let rows = values.size_hint().0;
        let mut texts = StringBuilder::with_capacity(rows, rows * TEXT_BYTES);
        values.for_each(|text| texts.append_value(text));
        self.push(name, Arc::new(texts.finish()), false);
    }

    pub(crate) fn texts_or_null<'a>(&mut self, name: &str, values: impl Iterator<Item = Option<&'a str>>) {
        self.push(name, Arc::new(values.collect::<StringArray>()), true);
    }

    pub(crate) fn queue_ids<'a>(&mut self, name: &str, ids: impl Iterator<Item = Option<&'a QueueId>>) {
        let rows = ids.size_hint().0;
        let mut bytes = BinaryBuilder::with_capacity(rows, rows * QUEUE_ID_BYTES);
        ids.for_each(|id| bytes.append_option(id.map(QueueId::as_bytes)));
        self.push(name, Arc::new(texts_of(bytes.finish())), true);
    }

    pub(crate) fn ints(&mut self, name: &str, values: impl Iterator<Item = i64>) {
        self.push(name, Arc::new(Int64Array::from_iter_values(values)), false);
    }

    pub(crate) fn ints_or_null(&mut self, name: &str, values: impl Iterator<Item = Option<i64>>) {
        self.push(name, Arc::new(values.collect::<Int64Array>()), true);
    }

    pub(crate) fn flags(&mut self, name: &str, values: impl Iterator<Item = bool>) {
        self.push(name, Arc::new(values.map(Some).collect::<BooleanArray>()), false);
    }

    pub(crate) fn push(&mut self, name: &str, array: ArrayRef, is_nullable: bool) {
        self.fields.push(Field::new(name, array.data_type().clone(), is_nullable));
        self.arrays.push(array);
    }

    pub(crate) fn finish(self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)
    }
}

/// The bytes as texts, their encoding looked at for all of them together; what is not UTF-8 is replaced.
pub(crate) fn texts_of(bytes: BinaryArray) -> StringArray {
    let lossy = || bytes.iter().map(|bytes| bytes.map(String::from_utf8_lossy)).collect();
    StringArray::try_from_binary(bytes.clone()).unwrap_or_else(|_| lossy())
}

/// Columns being read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a RecordBatch);

impl<'a> Reader<'a> {
    pub(crate) fn new(batch: &'a RecordBatch) -> Self {
        Reader(batch)
    }

    pub(crate) fn times(&self, name: &str) -> Result<&'a [i64], ArrowError> {
        let array = self.column(name)?.as_primitive_opt::<TimestampMicrosecondType>();
        Ok(array.ok_or_else(|| unexpected(name))?.values())
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Texts<'a>, ArrowError> {
        Ok(Texts(self.column(name)?.as_string_opt::<i32>().ok_or_else(|| unexpected(name))?))
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<&'a BinaryArray, ArrowError> {
        self.column(name)?.as_binary_opt::<i32>().ok_or_else(|| unexpected(name))
    }

    pub(crate) fn ints(&self, name: &str) -> Result<Ints<'a>, ArrowError> {
        Ok(Ints(self.column(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| unexpected(name))?))
    }

    pub(crate) fn flags(&self, name: &str) -> Result<&'a BooleanArray, ArrowError> {
        self.column(name)?.as_boolean_opt().ok_or_else(|| unexpected(name))
    }

    fn column(&self, name: &str) -> Result<&'a ArrayRef, ArrowError> {
        self.0.column_by_name(name).ok_or_else(|| unexpected(name))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Texts<'a>(&'a StringArray);

impl Texts<'_> {
    pub(crate) fn at(&self, row: usize) -> &str {
        self.0.value(row)
    }

    pub(crate) fn text(&self, row: usize) -> Text {
        self.0.value(row).into()
    }

    pub(crate) fn queue_id(&self, row: usize) -> Option<QueueId> {
        self.0.is_valid(row).then(|| QueueId::new(self.0.value(row).as_bytes())).flatten()
    }

    pub(crate) fn some(&self, row: usize) -> Option<&str> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Ints<'a>(&'a Int64Array);

impl Ints<'_> {
    pub(crate) fn at(&self, row: usize) -> i64 {
        self.0.value(row)
    }

    pub(crate) fn some(&self, row: usize) -> Option<i64> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

fn unexpected(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("column {name} is missing or has another type"))
}
