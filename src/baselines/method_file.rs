//! Files of trained methods: tensors as safetensors, the description in their metadata.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::{read_regular, write_whole_making_folder};
use crate::model::convolutional::Shapes;
use crate::model::tensor_file;
use crate::scoring::LearnedFrom;
use crate::training::METHOD_METADATA;
use crate::{Error, Result};

const VERSION: u32 = 1;

/// What a file holds besides its tensors.
#[derive(Serialize, Deserialize)]
struct Description {
    version: u32,
    /// The method's name.
    method: String,
    settings: serde_json::Value,
    /// Unknown in files of earlier versions.
    #[serde(default, skip_serializing_if = "LearnedFrom::is_empty")]
    learned_from: LearnedFrom,
}

/// A method's file that was read.
pub(super) struct MethodFile<'a> {
    pub path: &'a Path,
    /// The method's name.
    pub method: String,
    /// Whose images it learned from.
    pub learned_from: LearnedFrom,
    settings: serde_json::Value,
    tensors: BTreeMap<String, Tensor>,
}

/// Writes the settings and tensors of a method, and whose images it learned from.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write_method(
    path: &Path,
    method: &str,
    settings: &impl Serialize,
    tensors: &BTreeMap<String, Tensor>,
    learned_from: &LearnedFrom,
) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::file(path, format!("the {method} cannot be written: {error}"))
    };
    let settings = serde_json::to_value(settings).map_err(|error| failed(&error))?;
    let (method, learned_from) = (method.to_owned(), learned_from.clone());
    let description = Description { version: VERSION, method, settings, learned_from };
    let bytes = tensor_file::to_bytes(tensors, METHOD_METADATA, &description)
        .map_err(|error| failed(&error))?;
    write_whole_making_folder(path, &bytes)
}

/// What tells a trained method from others: its name, its settings and the hash of what it learned.
pub(super) fn identity(
    name: &str,
    settings: &impl std::fmt::Debug,
    learned: &BTreeMap<String, Tensor>,
) -> String {
    format!("{name}, {settings:?}, {}", tensor_file::digest(learned))
}

impl<'a> MethodFile<'a> {
    /// Reads what [`write_method`] wrote.
    ///
    /// # Errors
    /// If the file is missing or damaged, holds something else or values that are not finite, or was written by a
    /// newer version.
    pub fn read(path: &'a Path) -> Result<Self> {
        let bytes = read_regular(path)?;
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes)
            .map_err(|error| Error::file(path, format!("is not the file of a method: {error}")))?;
        tensor_file::check(&bytes).map_err(|error| Error::file(path, error))?;
        let json = header.metadata().as_ref().and_then(|all| all.get(METHOD_METADATA)).ok_or_else(
            || {
                Error::file(
                    path,
                    "is not the file of a method; if it holds a model, use load_model",
                )
            },
        )?;
        let description: Description =
            serde_json::from_str(json).map_err(|error| Error::file(path, error))?;
        if description.version > VERSION {
            return Err(Error::newer_version(path));
        }
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
        let Description { method, settings, learned_from, .. } = description;
        Ok(Self { path, method, learned_from, settings, tensors: tensors.into_iter().collect() })
    }

    /// The method's settings.
    ///
    /// # Errors
    /// If they are not those of this type.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.settings.clone())
            .map_err(|error| self.failed(&format!("its settings: {error}")))
    }

    /// Takes the tensors of these names and shapes.
    ///
    /// # Errors
    /// If one is missing, has another shape or type, or holds values that are not finite.
    pub fn take(&mut self, shapes: &Shapes) -> Result<BTreeMap<String, Tensor>> {
        let mut taken = BTreeMap::new();
        for (name, shape) in shapes {
            let tensor = self.take_any(name)?;
            if tensor.dims() != shape {
                return Err(self
                    .failed(&format!("\"{name}\" has shape {:?}, not {shape:?}", tensor.dims())));
            }
            taken.insert(name.clone(), tensor);
        }
        Ok(taken)
    }

    /// Takes the tensors whose names begin so, by the rest of their names.
    ///
    /// # Errors
    /// As [`Self::take_any`].
    pub fn take_prefixed(&mut self, prefix: &str) -> Result<BTreeMap<String, Tensor>> {
        let names: Vec<String> =
            self.tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        let take = |name: String| {
            let tensor = self.take_any(&name)?;
            Ok((name[prefix.len()..].to_owned(), tensor))
        };
        names.into_iter().map(take).collect()
    }

    /// Takes the tensor of this name.
    ///
    /// # Errors
    /// If it is missing, has another type than f32, or holds values that are not finite.
    pub fn take_any(&mut self, name: &str) -> Result<Tensor> {
        let tensor = self.tensors.remove(name);
        let tensor = tensor.ok_or_else(|| self.failed(&format!("\"{name}\" is missing")))?;
        if tensor.dtype() != DType::F32 {
            return Err(self.failed(&format!("\"{name}\" does not hold numbers of 32 bits")));
        }
        let sum = tensor.to_dtype(DType::F64)?.abs()?.sum_all()?.to_scalar::<f64>()?;
        if !sum.is_finite() {
            return Err(
                self.failed(&format!("\"{name}\" holds values that are not finite numbers"))
            );
        }
        Ok(tensor)
    }

    pub fn failed(&self, reason: &str) -> Error {
        Error::file(
            self.path,
            format!("does not hold a method that this version can load: {reason}"),
        )
    }
}
