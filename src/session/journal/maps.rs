//! Maps of many slices in one file, as safetensors: one tensor of (slices, rows, columns) per
//! name.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use ndarray::Array2;

use crate::files::{read_regular, write_whole};
use crate::{Error, Result};

/// Maximum size of a file.
const LARGEST: usize = 1 << 30;

/// Writes maps by name; all maps of one name have the same size.
///
/// # Errors
/// If they take more than 1 GiB, or the file cannot be written.
pub(super) fn write(path: &Path, maps: &[(&str, Vec<&Array2<f32>>)]) -> Result<()> {
    let bytes: usize =
        maps.iter().flat_map(|(_, maps)| maps).map(|map| map.len() * size_of::<f32>()).sum();
    if bytes > LARGEST {
        return Err(Error::input("its maps take more than 1 GiB"));
    }
    let tensors = maps.iter().map(|(name, maps)| Ok(((*name).to_owned(), stacked(maps)?)));
    let tensors = tensors.collect::<Result<HashMap<_, _>>>()?;
    let bytes = safetensors::serialize(&tensors, None).map_err(|error| Error::file(path, error))?;
    write_whole(path, &bytes)
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// If the file is missing or damaged.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Vec<Array2<f32>>>> {
    let bytes = read_regular(path)?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
    let tensors = tensors.into_iter().map(|(name, tensor)| Ok((name, unstacked(&tensor)?)));
    tensors.collect()
}

fn stacked(maps: &[&Array2<f32>]) -> Result<Tensor> {
    let (rows, columns) = maps.first().map_or((0, 0), |map| map.dim());
    if maps.iter().any(|map| map.dim() != (rows, columns)) {
        return Err(Error::input("its maps differ in size"));
    }
    let values: Vec<f32> = maps.iter().flat_map(|map| map.iter().copied()).collect();
    Ok(Tensor::from_vec(values, (maps.len(), rows, columns), &Device::Cpu)?)
}

fn unstacked(tensor: &Tensor) -> Result<Vec<Array2<f32>>> {
    let (_, rows, columns) = tensor.dims3()?;
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    let maps = values.chunks_exact((rows * columns).max(1)).map(|map| {
        Array2::from_shape_vec((rows, columns), map.to_vec())
            .map_err(|error| Error::input(error.to_string()))
    });
    maps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_come_back_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maps.safetensors");
        let map =
            |seed: usize| Array2::from_shape_fn((3, 4), |(r, c)| (r * 4 + c + seed) as f32 / 7.0);
        let (one, two) = (map(0), map(5));
        write(&path, &[("error", vec![&one, &two]), ("mean", vec![&two])]).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(read["error"], [one, two.clone()]);
        assert_eq!(read["mean"], [two]);
    }
}
