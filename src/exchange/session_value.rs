//! A value of the session as a Rust cell gets it.

use std::fmt;
use std::io::Read;
use std::path::Path;

use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Tensor};
use serde::de::DeserializeOwned;

use super::{INTEGER, KIND, Notes, PIXEL_SPACING_MM, SLICES, SUBJECTS, TEXT, WORDS};
use crate::files::open_regular;
use crate::ops::map_tensors;
use crate::{Error, Result};

/// A longer header is refused: the session does not write one.
const LONGEST_HEADER: u64 = 64 << 20;

/// A value from the other side of the exchange: named tensors, and notes on what they mean.
pub struct SessionValue {
    tensors: MmapedSafetensors,
    notes: Notes,
}

impl SessionValue {
    /// Maps a file of tensors.
    ///
    /// # Errors
    /// If it cannot be read, or is not a file of tensors.
    pub fn open(path: &Path) -> Result<Self> {
        let notes = notes(path)?;
        Ok(Self { tensors: map_tensors(path)?, notes })
    }

    /// What kind of value it is, as the session calls its type: "Cohort", "Image", "number", ….
    pub fn kind(&self) -> &str {
        self.notes.get(KIND).map_or("", String::as_str)
    }

    /// Names of the tensors, in alphabetical order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.tensors.tensors().into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    }

    /// The tensor of this name, on the CPU; its bytes are copied from the mapped file now.
    ///
    /// # Errors
    /// If no tensor has this name; the error lists the existing names.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        let names = self.names();
        if !names.iter().any(|known| known == name) {
            let known = match names.is_empty() {
                true => "it has none".to_owned(),
                false => format!("there are {}", names.join(", ")),
            };
            let kind = self.kind();
            return Err(Error::input(format!("this {kind} has no tensor \"{name}\"; {known}")));
        }
        Ok(self.tensors.load(name, &Device::Cpu)?)
    }

    /// The number, if the value is one.
    ///
    /// # Errors
    /// If the value is not a number.
    pub fn number(&self) -> Result<f64> {
        match self.kind() {
            "number" => Ok(self.tensor("value")?.to_dtype(DType::F64)?.to_scalar()?),
            kind => Err(Error::input(format!("the value is a {kind}, not a number"))),
        }
    }

    /// Whether the number is a whole one.
    pub fn is_integer(&self) -> bool {
        self.notes.contains_key(INTEGER)
    }

    /// The text.
    ///
    /// # Errors
    /// If the value is not a text.
    pub fn text(&self) -> Result<&str> {
        let text = self.notes.get(TEXT).map(String::as_str);
        text.ok_or_else(|| Error::input(format!("the value is a {}, not a text", self.kind())))
    }

    /// Names of the subjects that the slices of a stack belong to, one per slice.
    pub fn subjects(&self) -> Vec<String> {
        self.note(SUBJECTS)
    }

    /// Positions of a stack's slices in their volumes.
    pub fn slices(&self) -> Vec<usize> {
        self.note(SLICES)
    }

    /// Edge of a pixel in mm (rows, columns) of each slice.
    pub fn pixel_spacing_mm(&self) -> Vec<(f64, f64)> {
        self.note(PIXEL_SPACING_MM)
    }

    /// A column of words of a table; empty where there is none of this name.
    pub fn words(&self, column: &str) -> Vec<String> {
        let columns: Vec<(String, Vec<String>)> = self.note(WORDS);
        columns
            .into_iter()
            .find(|(name, _)| name == column)
            .map(|(_, words)| words)
            .unwrap_or_default()
    }

    fn note<T: DeserializeOwned>(&self, key: &str) -> Vec<T> {
        let note = self.notes.get(key).and_then(|json| serde_json::from_str(json).ok());
        note.unwrap_or_default()
    }
}

/// Kind, and tensors with their shapes, as shown at the end of a cell.
impl fmt::Debug for SessionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        if let Some(text) = self.notes.get(TEXT) {
            write!(f, " {text:?}")?;
        }
        for name in self.names() {
            let shape = self.tensors.get(&name).map(|view| view.shape().to_vec());
            let shape = shape.unwrap_or_default();
            write!(f, "\n  {name}: {shape:?}")?;
        }
        Ok(())
    }
}

/// What stands in the header beside the tensors.
fn notes(path: &Path) -> Result<Notes> {
    let refused = |reason: &dyn fmt::Display| {
        Error::file(path, format!("this is not a file of tensors: {reason}"))
    };
    let mut file = open_regular(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| refused(&"it is too short"))?;
    let length = u64::from_le_bytes(length);
    let size = file.metadata().map_err(|error| Error::file(path, error))?.len();
    if length > LONGEST_HEADER.min(size) {
        return Err(refused(&format!("its header cannot be {length} bytes long")));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(|_| refused(&"its header is cut off"))?;
    #[derive(serde::Deserialize)]
    struct Header {
        #[serde(default, rename = "__metadata__")]
        notes: Notes,
    }
    let header: Header = serde_json::from_slice(&header).map_err(|error| refused(&error))?;
    Ok(header.notes)
}
