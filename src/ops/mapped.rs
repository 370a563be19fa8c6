//! Tensors of a file that is mapped into memory.

use std::path::Path;

use candle_core::safetensors::MmapedSafetensors;

use crate::{Error, Result};

/// The tensors of a safetensors file, whose bytes come into memory when they are first touched.
///
/// The file must not change as long as it is mapped. (The exchange between sessions and Rust cells
/// writes every file once, under a name of its own, and at most removes it, which leaves the
/// mapping whole.)
///
/// # Errors
/// If the file cannot be read, or is not such a file.
pub(crate) fn map_tensors(path: &Path) -> Result<MmapedSafetensors> {
    // SAFETY: the file is not written to any more, as the documentation requires. Header and bounds
    // are checked by the reader before any tensor is given out.
    let mapped = unsafe { MmapedSafetensors::new(path) };
    mapped.map_err(|error| Error::file(path, format!("its tensors cannot be read: {error}")))
}
