//! Weights in a file that PyTorch saved (`.pth`, `.pt`).
//!
//! Such a file is a zip archive of a pickle and the tensors' bytes. Nothing of the pickle is executed: it is
//! read as data, and only tensors are taken from it.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::pickle::{PthTensors, TensorInfo};
use candle_core::{DType, Device, Tensor};

use crate::context::panics;
use crate::error::without_backtrace;
use crate::{Error, Result};

/// How a zip archive begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// How a pickle begins that stands alone, as in PyTorch before 1.6.
const PICKLE: &[u8] = b"\x80\x02";

/// Names under which training scripts save the weights beside the optimiser and other state.
const KEYS: [&str; 4] = ["model", "state_dict", "model_state_dict", "net"];

/// What is said where the reader panics.
const SENSELESS: &str = "its pickle makes no sense";

/// What `DataParallel` puts before each name.
const PARALLEL: &str = "module.";

/// Whether these are the first bytes of a file that PyTorch saved.
pub(crate) fn is_pytorch(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) || bytes.starts_with(PICKLE)
}

/// The tensors of the weights in a PyTorch file, as 32-bit floats: those under a usual name such as
/// "model" or "state_dict", else the file's own. `bytes` is the file's content.
///
/// # Errors
/// If the file is of the format before PyTorch 1.6, damaged, holds no tensors, or weights under several names.
pub(crate) fn read_pytorch(
    path: &Path,
    bytes: &[u8],
    device: &Device,
) -> Result<BTreeMap<String, Tensor>> {
    let failed = |error: &dyn std::fmt::Display| Error::file(path, error);
    if bytes.starts_with(PICKLE) {
        return Err(failed(
            &"is a PyTorch file of the format before 1.6; load it with a newer PyTorch and save its state_dict \
              again with torch.save",
        ));
    }
    let tensors = weights(path)?;
    let mut infos: Vec<&TensorInfo> = tensors.tensor_infos().values().collect();
    infos.sort_by(|a, b| a.name.cmp(&b.name));
    let size = infos.iter().try_fold(0_usize, |sum, info| {
        let count = info.layout.dims().iter().try_fold(1_usize, |all, n| all.checked_mul(*n))?;
        sum.checked_add(count.checked_mul(info.dtype.size_in_bytes())?)
    });
    // The archive stores tensors as they are; a tensor that is larger than the file is a damaged one.
    if size.is_none_or(|size| size > bytes.len()) {
        return Err(failed(&"is damaged: its tensors are larger than the file"));
    }
    let mut read = BTreeMap::new();
    for info in infos {
        let tensor = guarded(|| tensors.get(&info.name)?.ok_or(candle_core::Error::msg("gone")))
            .and_then(|tensor| tensor.to_dtype(DType::F32)?.to_device(device))
            .map_err(|error| {
                failed(&format!("tensor \"{}\" cannot be read: {error}", info.name))
            })?;
        let name = info.name.strip_prefix(PARALLEL).unwrap_or(&info.name);
        if read.insert(name.to_owned(), tensor).is_some() {
            return Err(failed(&format!("holds \"{name}\" twice, once as \"{PARALLEL}{name}\"")));
        }
    }
    Ok(read)
}

/// The weights of a file: those under the one usual name that it has, else the tensors at its top.
fn weights(path: &Path) -> Result<PthTensors> {
    let failed = |error: &dyn std::fmt::Display| Error::file(path, error);
    let top = guarded(|| PthTensors::new(path, None));
    let top =
        top.map_err(|error| failed(&format!("is damaged, or no file of PyTorch: {error}")))?;
    // A name that the file does not have is an error of the reader.
    let mut is_damaged = false;
    let mut named = |key: &'static str| match guarded(|| PthTensors::new(path, Some(key))) {
        Ok(tensors) => (!tensors.tensor_infos().is_empty()).then_some((key, tensors)),
        Err(error) => {
            is_damaged |= error.to_string().contains(SENSELESS);
            None
        }
    };
    let mut found: Vec<_> = KEYS.into_iter().filter_map(&mut named).collect();
    match found.pop() {
        Some((_, tensors)) if found.is_empty() => Ok(tensors),
        Some((last, _)) => Err(failed(&format!(
            "holds weights under {} and \"{last}\"; save the one that you mean with torch.save",
            found.iter().map(|(key, _)| format!("\"{key}\"")).collect::<Vec<_>>().join(", ")
        ))),
        None if !top.tensor_infos().is_empty() => Ok(top),
        None if is_damaged => Err(failed(&format!("is damaged: {SENSELESS}"))),
        None => Err(failed(&format!(
            "holds no tensors, neither at the top nor under {}; save the model's state_dict with torch.save",
            KEYS.map(|key| format!("\"{key}\"")).join(", ")
        ))),
    }
}

/// What the reader gives, without the stacks that candle adds to errors. It panics at some damaged pickles.
fn guarded<T>(read: impl FnOnce() -> candle_core::Result<T>) -> candle_core::Result<T> {
    panics::catch(read)
        .unwrap_or_else(|_| Err(candle_core::Error::msg(SENSELESS)))
        .map_err(without_backtrace)
}
