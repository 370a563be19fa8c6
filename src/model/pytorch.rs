//! Weights in a file that PyTorch saved (`.pth`, `.pt`).
//!
//! Such a file is a zip archive of a pickle and the tensors' bytes. Nothing of the pickle is executed: it is
//! read as data, and only tensors are taken from it.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use candle_core::pickle::{PthTensors, TensorInfo};
use candle_core::{DType, Device, Tensor};

use crate::error::without_backtrace;
use crate::{Error, Result};

/// How a zip archive begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// How a pickle begins that stands alone, as in PyTorch before 1.6.
const PICKLE: &[u8] = b"\x80\x02";

/// Names under which training scripts save the weights beside the optimiser and other state.
const KEYS: [&str; 4] = ["model", "state_dict", "model_state_dict", "net"];

/// What `DataParallel` puts before each name.
const PARALLEL: &str = "module.";

/// Whether these are the first bytes of a file that PyTorch saved.
pub(crate) fn is_pytorch(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) || bytes.starts_with(PICKLE)
}

/// The tensors of the weights in a PyTorch file, as 32-bit floats: the file's own, or those under a
/// usual name such as "model" or "state_dict".
///
/// # Errors
/// If the file is of the format before PyTorch 1.6, damaged, or holds no tensors.
pub(crate) fn read_pytorch(path: &Path, device: &Device) -> Result<BTreeMap<String, Tensor>> {
    let failed = |error: &dyn std::fmt::Display| Error::file(path, error);
    let file = fs::read(path).map_err(|error| failed(&error))?;
    if file.starts_with(PICKLE) {
        return Err(failed(
            &"is a PyTorch file of the format before 1.6; load it with a newer PyTorch and save its state_dict \
              again with torch.save",
        ));
    }
    let size = file.len();
    drop(file);
    for key in [None].into_iter().chain(KEYS.map(Some)) {
        let tensors = match guarded(|| PthTensors::new(path, key)) {
            Ok(tensors) if tensors.tensor_infos().is_empty() => continue,
            Ok(tensors) => tensors,
            // The file could be read before, so it is the key that is missing.
            Err(_) if key.is_some() => continue,
            Err(error) => {
                return Err(failed(&format!("is damaged, or no file of PyTorch: {error}")));
            }
        };
        let mut infos: Vec<&TensorInfo> = tensors.tensor_infos().values().collect();
        infos.sort_by(|a, b| a.name.cmp(&b.name));
        let bytes = infos.iter().try_fold(0_usize, |sum, info| {
            let count =
                info.layout.dims().iter().try_fold(1_usize, |all, n| all.checked_mul(*n))?;
            sum.checked_add(count.checked_mul(info.dtype.size_in_bytes())?)
        });
        // The archive stores tensors as they are; a tensor that is larger than the file is a damaged one.
        if bytes.is_none_or(|bytes| bytes > size) {
            return Err(failed(&"is damaged: its tensors are larger than the file"));
        }
        let mut read = BTreeMap::new();
        for info in infos {
            let tensor =
                guarded(|| tensors.get(&info.name)?.ok_or(candle_core::Error::msg("gone")))
                    .and_then(|tensor| tensor.to_dtype(DType::F32)?.to_device(device))
                    .map_err(|error| {
                        failed(&format!("tensor \"{}\" cannot be read: {error}", info.name))
                    })?;
            let name = info.name.strip_prefix(PARALLEL).unwrap_or(&info.name);
            read.insert(name.to_owned(), tensor);
        }
        return Ok(read);
    }
    Err(failed(&format!(
        "holds no tensors, neither at the top nor under {}; save the model's state_dict with torch.save",
        KEYS.map(|key| format!("\"{key}\"")).join(", ")
    )))
}

/// What the reader gives, without the stacks that candle adds to errors. It panics at some damaged pickles.
fn guarded<T>(read: impl FnOnce() -> candle_core::Result<T>) -> candle_core::Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(candle_core::Error::msg("its pickle makes no sense")))
        .map_err(without_backtrace)
}
