//! Maps of many slices in one file, as safetensors: one tensor of (slices, rows, columns) per
//! name.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use ndarray::Array2;
use safetensors::SafeTensors;

use crate::cohort::Subject;
use crate::files::{Fingerprint, read_regular, write_whole};
use crate::{Error, Result};

/// Maximum size of a file.
const LARGEST: usize = 1 << 30;

/// Where a file says of which subjects its maps are.
const SUBJECTS: &str = "subjects";

/// Maps as [`read`] returns them.
pub(super) struct Maps {
    pub by_name: BTreeMap<String, Vec<Array2<f32>>>,
    /// [`fingerprint`] of their subjects; files of earlier versions have none.
    pub subjects: Option<String>,
}

/// Tells whether subjects are still what they were when their maps were made.
pub(super) fn fingerprint<'a>(subjects: impl Iterator<Item = &'a Subject>) -> String {
    let mut all = Fingerprint::default();
    subjects.for_each(|subject| subject.add_to(&mut all));
    all.finish()
}

/// Writes maps by name, of the subjects with this fingerprint; all maps of one name have the same size.
///
/// # Errors
/// If they take more than 1 GiB, or the file cannot be written.
pub(super) fn write(
    path: &Path,
    maps: &[(&str, Vec<&Array2<f32>>)],
    subjects: String,
) -> Result<()> {
    let bytes: usize =
        maps.iter().flat_map(|(_, maps)| maps).map(|map| map.len() * size_of::<f32>()).sum();
    if bytes > LARGEST {
        return Err(Error::input("its maps take more than 1 GiB"));
    }
    let tensors = maps.iter().map(|(name, maps)| Ok(((*name).to_owned(), stacked(maps)?)));
    let tensors = tensors.collect::<Result<HashMap<_, _>>>()?;
    let bytes =
        safetensors::serialize(&tensors, Some(HashMap::from([(SUBJECTS.to_owned(), subjects)])))
            .map_err(|error| Error::file(path, error))?;
    write_whole(path, &bytes)
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// If the file is missing or damaged.
pub(super) fn read(path: &Path) -> Result<Maps> {
    let bytes = read_regular(path)?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
    let tensors = tensors.into_iter().map(|(name, tensor)| Ok((name, unstacked(&tensor)?)));
    let (_, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| Error::file(path, error))?;
    let subjects = header.metadata().as_ref().and_then(|facts| facts.get(SUBJECTS).cloned());
    Ok(Maps { by_name: tensors.collect::<Result<_>>()?, subjects })
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
        let stacks = [("error", vec![&one, &two]), ("mean", vec![&two])];
        write(&path, &stacks, "abc".to_owned()).unwrap();
        let Maps { by_name, subjects } = read(&path).unwrap();
        assert_eq!(by_name["error"], [one, two.clone()]);
        assert_eq!(by_name["mean"], [two]);
        assert_eq!(subjects.as_deref(), Some("abc"));
    }
}
