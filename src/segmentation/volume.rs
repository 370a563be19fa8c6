//! From the maps of the network to masks and disc points on the grid of a volume.

use ndarray::{Array2, Array3, ArrayView2, Axis, Zip};

use super::discs::{self, LabelledDisc};
use super::outputs::{DISCS, Outputs};
use super::segmenter::{Maps, Segmenter};
use super::tube;
use crate::Result;
use crate::cohort::FoundMasks;
use crate::context::CancelToken;
use crate::volume::resample::{sample_linear, zoom_step};
use crate::volume::{Orientation, Volume};

/// What was found in an image, or a clause that says why nothing was.
pub type Outcome = std::result::Result<FoundMasks, String>;

impl Segmenter {
    /// Finds cord, fluid and discs in an image of sagittal slices.
    ///
    /// # Errors
    /// If it is cancelled, or the network cannot be applied. That nothing was found is the inner error.
    pub fn segment(&self, image: &Volume, cancel: &CancelToken) -> Result<Outcome> {
        let native = image.geometry();
        let orientation = Orientation::to_sagittal(&native.affine);
        let spacing = orientation.canonical_geometry(&native).affine.spacing();
        let mut voxels = orientation.apply(&image.voxels);
        let least = voxels.iter().copied().filter(|v| v.is_finite()).fold(f32::INFINITY, f32::min);
        if !least.is_finite() {
            return Ok(Err("no voxel of its image is a finite number".into()));
        }
        voxels.mapv_inplace(|value| if value.is_finite() { value - least } else { 0.0 });
        let maps = self.maps(&voxels, spacing, cancel)?;
        let map = |output: usize| maps.probabilities.index_axis(Axis(0), output);
        let found = match tube::found(map(Outputs::CORD), map(Outputs::FLUID), spacing[0]) {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        let (_, rows, columns) = voxels.dim();
        let native_mask = |map: &Array3<f32>| -> Array3<bool> {
            let mut mask = Array3::from_elem(voxels.dim(), false);
            for (mut mask, map) in mask.outer_iter_mut().zip(map.outer_iter()) {
                mask.assign(&zoomed(map, (rows, columns)).mapv(|value| value > 0.5));
            }
            mask
        };
        let cord = native_mask(&found.cord);
        let mut csf = native_mask(&found.fluid);
        Zip::from(&mut csf).and(&cord).for_each(|csf, cord| *csf &= !cord);
        let mut notes = Vec::new();
        let labelled = disc_points(&maps, &found.cord);
        if labelled.is_empty() {
            notes.push("vertebral levels are uncertain; no disc is labelled".to_owned());
        }
        let (_, map_rows, map_columns) = found.cord.dim();
        let discs = labelled
            .into_iter()
            .map(|LabelledDisc { value, slice, row, column }| {
                let place = |at: f64, from: usize, to: usize| at * zoom_step(to, from);
                let canonical = [
                    slice as f64,
                    place(row, map_rows, rows).round(),
                    place(column, map_columns, columns).round(),
                ];
                let stored = orientation.to_stored(canonical, native.shape);
                let voxel =
                    [0, 1, 2].map(|axis| (stored[axis] as usize).min(native.shape[axis] - 1));
                (value, voxel)
            })
            .collect();
        Ok(Ok(FoundMasks {
            cord: orientation.undo(&cord),
            csf: orientation.undo(&csf),
            discs,
            slice_confidence: found.slice_confidence,
            confidence: found.confidence,
            notes,
        }))
    }
}

/// The discs in front of the cord, from the slices through its middle.
fn disc_points(maps: &Maps, cord: &Array3<f32>) -> Vec<LabelledDisc> {
    let area = |slice: ArrayView2<f32>| slice.iter().filter(|p| **p > 0.5).count();
    let areas: Vec<usize> = cord.outer_iter().map(area).collect();
    let Some((middle, largest)) = areas.iter().copied().enumerate().max_by_key(|(_, a)| *a) else {
        return Vec::new();
    };
    // Of thin slices several show the midline; the network was trained on discs within some mm of it.
    let central: Vec<usize> =
        (0..areas.len()).filter(|slice| areas[*slice] as f64 >= 0.85 * largest as f64).collect();
    let (_, rows, columns) = cord.dim();
    let mean = |output: usize| -> Array2<f32> {
        let mut mean = Array2::zeros((rows, columns));
        for slice in &central {
            mean += &maps.probabilities.index_axis(Axis(0), output).index_axis(Axis(0), *slice);
        }
        mean / central.len().max(1) as f32
    };
    let heat: Vec<Array2<f32>> =
        (0..DISCS.len()).map(|place| mean(Outputs::FIRST_DISC + place)).collect();
    discs::labelled(&heat, cord.index_axis(Axis(0), middle), middle)
}

/// A map brought to another size by linear interpolation, end to end.
fn zoomed(map: ArrayView2<f32>, (rows, columns): (usize, usize)) -> Array2<f32> {
    let (down, across) = (zoom_step(map.nrows(), rows), zoom_step(map.ncols(), columns));
    Array2::from_shape_fn((rows, columns), |(row, column)| {
        sample_linear(map, row as f64 * down, column as f64 * across).unwrap_or(0.0)
    })
}
