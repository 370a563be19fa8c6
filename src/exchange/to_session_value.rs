//! What a Rust cell can make a value of the session.

use candle_core::{DType, Tensor};

use super::{Array, INTEGER, KIND, Notes, TEXT};
use crate::{Error, Result};

/// A value that can be passed to the session.
pub trait ToSessionValue {
    /// Its arrays, and notes on what they mean.
    ///
    /// # Errors
    /// If the session has no such type of value.
    fn pack(&self) -> Result<(Vec<Array>, Notes)>;
}

/// Of two dimensions (rows, columns) an image, of three (slices, rows, columns) the maps of many
/// slices; of one a list of numbers, of none a number.
impl ToSessionValue for Tensor {
    fn pack(&self) -> Result<(Vec<Array>, Notes)> {
        let kind = match self.dims().len() {
            0 => return self.to_dtype(DType::F64)?.to_scalar::<f64>()?.pack(),
            1 => return self.to_dtype(DType::F64)?.to_vec1::<f64>()?.pack(),
            2 => "Image",
            3 => "Maps",
            _ => {
                return Err(Error::input(format!(
                    "a tensor of shape {:?} cannot become a value of the session; an image has 2 dimensions, \
                     the maps of many slices have 3",
                    self.dims()
                )));
            }
        };
        let values = self.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        let maps = Array::floats("maps", self.dims(), &values);
        Ok((vec![maps], note(KIND, kind)))
    }
}

impl ToSessionValue for f64 {
    fn pack(&self) -> Result<(Vec<Array>, Notes)> {
        Ok((vec![Array::doubles("value", [], [*self])], note(KIND, "number")))
    }
}

impl ToSessionValue for Vec<f64> {
    fn pack(&self) -> Result<(Vec<Array>, Notes)> {
        let values = Array::doubles("value", [self.len()], self.iter().copied());
        Ok((vec![values], note(KIND, "numbers")))
    }
}

impl ToSessionValue for str {
    fn pack(&self) -> Result<(Vec<Array>, Notes)> {
        let mut notes = note(KIND, "text");
        notes.insert(TEXT.to_owned(), self.to_owned());
        Ok((Vec::new(), notes))
    }
}

impl ToSessionValue for String {
    fn pack(&self) -> Result<(Vec<Array>, Notes)> {
        self.as_str().pack()
    }
}

impl<T: ToSessionValue + ?Sized> ToSessionValue for &T {
    fn pack(&self) -> Result<(Vec<Array>, Notes)> {
        (**self).pack()
    }
}

impl ToSessionValue for f32 {
    fn pack(&self) -> Result<(Vec<Array>, Notes)> {
        f64::from(*self).pack()
    }
}

/// Whole numbers cross as floats, which hold those up to 2⁵³.
macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl ToSessionValue for $integer {
            fn pack(&self) -> Result<(Vec<Array>, Notes)> {
                let (arrays, mut notes) = (*self as f64).pack()?;
                notes.insert(INTEGER.to_owned(), String::new());
                Ok((arrays, notes))
            }
        }
    )*};
}

integers!(i32, u32, i64, u64, usize);

fn note(key: &str, text: &str) -> Notes {
    Notes::from([(key.to_owned(), text.to_owned())])
}
