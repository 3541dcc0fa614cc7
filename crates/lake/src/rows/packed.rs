//! Values that other engines have no use for, as bytes: a version, then the fields in order, as postcard writes them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// First byte of every packed value: which fields follow, in which order. It changes with [`vigie_model::Hop`] and
/// [`vigie_model::Step`].
const VERSION: u8 = 2;

/// A column of packed values being put together.
pub(super) struct Packed {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    are_there: Vec<bool>,
}

impl Packed {
    pub(super) fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Packed { bytes: Vec::with_capacity(bytes), ends, are_there: Vec::with_capacity(rows) }
    }

    /// Packs the value of the next row; null without one.
    pub(super) fn push(&mut self, value: Option<&(impl Serialize + ?Sized)>) -> Result<(), ArrowError> {
        if let Some(value) = value {
            self.bytes.push(VERSION);
            let packed = postcard::serialize_with_flavor(value, Onto(&mut self.bytes));
            packed.map_err(|e| ArrowError::ExternalError(Box::new(e)))?;
        }
        let end = i32::try_from(self.bytes.len());
        self.ends.push(end.map_err(|_| ArrowError::OffsetOverflowError(self.bytes.len()))?);
        self.are_there.push(value.is_some());
        Ok(())
    }

    pub(super) fn finish(self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.are_there.contains(&false).then(|| NullBuffer::from(self.are_there));
        let ends = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        Ok(Arc::new(BinaryArray::try_new(ends, Buffer::from_vec(self.bytes), nulls)?))
    }
}

/// Where postcard writes to. Its own way of extending a vector takes each byte on its own.
struct Onto<'a>(&'a mut Vec<u8>);

impl Flavor for Onto<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// The value that was packed.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ArrowError> {
    let fields = bytes.split_first().filter(|(version, _)| **version == VERSION);
    let value = fields.and_then(|(_, fields)| postcard::from_bytes(fields).ok());
    value.ok_or_else(|| ArrowError::ParseError("packed by another version, or damaged".to_string()))
}
