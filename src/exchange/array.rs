//! Arrays on their way into a file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use safetensors::{Dtype, View, serialize_to_file};

use crate::{Error, Result};

/// What stands beside the tensors of a file.
pub type Notes = HashMap<String, String>;

/// A named array as the bytes of its file.
#[derive(Clone, Debug)]
pub struct Array {
    pub name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Array {
    /// 32-bit floats in row-major order.
    pub fn floats<'a>(
        name: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        values: impl IntoIterator<Item = &'a f32>,
    ) -> Self {
        let shape = shape.into();
        let mut bytes = Vec::with_capacity(shape.iter().product::<usize>() * 4);
        values.into_iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        Self { name: name.into(), dtype: Dtype::F32, shape, bytes }
    }

    /// 64-bit floats in row-major order.
    pub fn doubles(
        name: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let bytes = values.into_iter().flat_map(f64::to_le_bytes).collect();
        Self { name: name.into(), dtype: Dtype::F64, shape: shape.into(), bytes }
    }

    /// A mask: bytes that are 1 inside, 0 outside.
    pub fn marks<'a>(
        name: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        values: impl IntoIterator<Item = &'a bool>,
    ) -> Self {
        let bytes = values.into_iter().map(|inside| u8::from(*inside)).collect();
        Self { name: name.into(), dtype: Dtype::U8, shape: shape.into(), bytes }
    }
}

impl View for &Array {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes arrays and notes into a new file.
///
/// # Errors
/// If the shapes do not fit the values, or the file cannot be written.
pub fn write_value(path: &Path, arrays: &[Array], notes: Notes) -> Result<()> {
    let views = arrays.iter().map(|array| (array.name.as_str(), array));
    serialize_to_file(views, Some(notes), path)
        .map_err(|error| Error::file(path, format!("a value cannot be exchanged: {error}")))
}
